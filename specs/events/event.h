/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* How an event is declared: a C struct whose fields carry their meaning.
 *
 * In BPF programs these macros become BTF declaration tags; a build step turns the compiler's
 * type information into the schema that goes into each trace (bpf/events.bpf.c mentions every
 * event, specs/schema_gen.c makes the table). Elsewhere they are nothing.
 *
 *	struct block_io {
 *		__u64 time TIME;
 *		__u32 device SHOW("hex") DOC("major and minor number");
 *		char comm[16] DOC("name of the thread that asked");
 *		enum block_op op DOC("what was asked");
 *		__u64 queued UNIT("ns") DOC("from insert to issue");
 *	} EVENT("One finished request of a block device.");
 *
 * The first field of every event is `time`. An array of char becomes a string, an enum carries
 * its names along, nested structs and other arrays become one field a member. */
#ifndef SPECS_EVENTS_EVENT_H
#define SPECS_EVENTS_EVENT_H

#ifdef __bpf__
#define EVENT_TAG(text) __attribute__((btf_decl_tag(text)))
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
#else
#include <linux/types.h>
#define EVENT_TAG(text)
#endif

#define EVENT(text) EVENT_TAG("event:" text)
#define DOC(text)   EVENT_TAG("doc:" text)
#define UNIT(text)  EVENT_TAG("unit:" text)
/* SHOW("hex"): as a hexadecimal number. SHOW("flags"): an enum whose values are bits. */
#define SHOW(how) EVENT_TAG("show:" how)
/* The number is one of a dictionary's: IS("string"), IS("stack"), IS("mapping"). */
#define IS(what) EVENT_TAG("is:" what)
#define TIME     UNIT("ns") DOC("CLOCK_MONOTONIC")

#endif
