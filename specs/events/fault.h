/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What `rec faults` sees: pages that were touched and not there, and how much memory processes use. */
#ifndef SPECS_EVENTS_FAULT_H
#define SPECS_EVENTS_FAULT_H

#include "specs/events/event.h"

enum fault_mode {
	FAULT_MODE_USER = 1, /* the program itself touched the page */
	FAULT_MODE_KERNEL,   /* the kernel did, for a system call */
};

enum fault_cost {
	FAULT_MINOR, /* the page was in memory, or was made */
	FAULT_MAJOR, /* it came from a disk or swap, or took a second try */
};

enum fault_access {
	FAULT_ACCESS_UNKNOWN, /* the kernel does not tell */
	FAULT_ACCESS_READ,
	FAULT_ACCESS_WRITE,
	FAULT_ACCESS_EXEC,
};

enum fault_backing {
	FAULT_BACKING_UNKNOWN,
	FAULT_BACKING_ANONYMOUS,
	FAULT_BACKING_PRIVATE, /* a file's page, or a copy of it */
	FAULT_BACKING_SHARED,  /* a file's page, or shared memory */
};

struct page_fault {
	__u64 time TIME;
	__u64 latency UNIT("ns")
		DOC("from the processor's exception until the page was there; 0: not known");
	__u64 address SHOW("hex") DOC("what was touched");
	__u64 start SHOW("hex") DOC("where the mapping starts in memory; 0: not known");
	__u64 offset SHOW("hex") DOC("of the page in the mapping's file");
	__u64 growth UNIT("bytes") DOC(
		"memory that came into use by the faults it stands for; 0: the page was there, or is empty");
	__u32 cpu DOC("CPU on which it ended");
	__u32 pid DOC("process");
	__u32 tid DOC("thread that waited");
	__u32 comm IS("string") DOC("its name");
	__u32 mapping IS("mapping") DOC("whose page it is: a file, [heap], [stack], [anonymous]");
	enum fault_mode mode DOC("who touched it");
	enum fault_cost cost DOC("whether the page had to be fetched, as getrusage counts");
	enum fault_access access DOC("what was tried");
	enum fault_backing backing DOC("what kind of page it is");
	__u8 protection DOC(
		"1: the page was there, but not for this access: a copy on write, for instance");
	__u8 userfaultfd DOC("1: user space supplied the page");
	__u32 stack IS("stack") DOC("where it was touched");
	__u32 weight UNIT("faults") DOC("faults it stands for: not 1 with --sample");
} EVENT("A page was touched that was not there, and is there now.");

enum working_set_method {
	WORKING_SET_NONE,       /* it was not asked for: referenced is 0 */
	WORKING_SET_CLEAR_REFS, /* /proc/PID/clear_refs before, Referenced in smaps after */
};

struct memory_use {
	__u64 time TIME;
	__u32 pid DOC("process");
	__u32 comm IS("string") DOC("its name");
	__u64 rss UNIT("bytes") DOC("memory that it has in RAM");
	__u64 rss_shared UNIT("bytes") DOC("...of that pages of files and shared memory");
	__u64 size UNIT("bytes") DOC("all that it has mapped");
	__u64 referenced UNIT("bytes") DOC("what it touched in the interval: its working set");
	__u64 interval UNIT("ns") DOC("of the working set, or since the row before; 0: its first");
	enum working_set_method method DOC("how the working set was found");
} EVENT("How much memory a process uses, now and then.");

#endif
