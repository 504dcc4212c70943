/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the programs of bpf/syscalls.bpf.c hand over: a system call in numbers, which `rec` names. It is smaller than
 * the event that it becomes, as it is written for each call. */
#ifndef SPECS_SYSCALL_RING_H
#define SPECS_SYSCALL_RING_H

#include "specs/events/syscall.h"

enum {
	SYSCALL_NUMBERS = 512,                 /* of one numbering */
	SYSCALL_UNKNOWN = SYSCALL_NUMBERS - 1, /* stands for all with higher numbers */
	SYSCALL_ABIS = 2, /* numberings: native, ia32. x32 has the native one */
	SYSCALL_PATHS = 2,
	SYSCALL_PATH_BYTES = 256, /* of each path, with the 0 at its end */
};

/* What is known of each call when the programs are loaded, by numbering and number. */
enum syscall_trait {
	SYSCALL_WANTED = 0x01,
	SYSCALL_HAS_PATHS = 0x02,
	SYSCALL_REPLACES = 0x04, /* another program: arguments must be read before */
	SYSCALL_NO_RETURN = 0x08,
	SYSCALL_MANY = 0x10, /* more than three arguments */
};

struct syscall_traits {
	__u8 traits;
	__u8 path[SYSCALL_PATHS]; /* 1 + number of the argument; 0: none */
	__u8 reserved;
};

/* A call that has returned (or never will: unfinished). Its paths stand behind the arguments, text_bytes[i] bytes
 * each with the 0 at the end. A call with at most three arguments and no path comes in the short form. */
struct ring_syscall {
	__u64 time, duration;
	__s64 ret;
	__u32 pid, tid;
	__u32 number, weight;
	__u16 cpu;
	__u8 abi, unfinished;
	__u16 text_bytes[SYSCALL_PATHS];
	__u64 args[6];
};

struct ring_syscall_short {
	__u64 time, duration;
	__s64 ret;
	__u32 pid, tid;
	__u32 number, weight;
	__u16 cpu;
	__u8 abi, unfinished;
	__u16 text_bytes[SYSCALL_PATHS];
	__u64 args[3];
};

/* --summary: what is counted in the kernel, and by what. */
struct syscall_key {
	__u32 pid, number, abi;
};

struct syscall_counts {
	__u64 calls, errors, total_ns, longest_ns;
	__u64 buckets[SYSCALL_BUCKETS];
	char comm[16]; /* of the thread that made the first: it may be gone when this is read */
};

/* A call that goes on, as the iterator tells. */
struct syscall_begun {
	__u64 begin_ns;
	__u32 pid, tid, number, abi;
};

#endif
