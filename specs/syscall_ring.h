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
	SYSCALL_PATH_BYTES = 256,    /* of each path, with the 0 at its end */
	SYSCALL_ADDRESS_BYTES = 128, /* of a socket address: struct sockaddr_storage */
	SYSCALL_SOCKETCALLS = 32,    /* more than socketcall has: linux/net.h */
};

/* What is known of each call when the programs are loaded, by numbering and number. */
enum syscall_trait {
	SYSCALL_WANTED = 0x01,
	SYSCALL_HAS_PATHS = 0x02,
	SYSCALL_REPLACES = 0x04, /* another program: arguments must be read before */
	SYSCALL_NO_RETURN = 0x08,
	SYSCALL_MANY = 0x10,        /* more than three arguments */
	SYSCALL_HAS_ADDRESS = 0x20, /* of a socket; its length is the next argument */
	SYSCALL_TELLS_ADDRESS =
		0x40, /* the kernel writes it, and its length to where that points */
	SYSCALL_ADDRESS_IN_MSG =
		0x80, /* both are in a struct msghdr, to which the argument points... */
	SYSCALL_MANY_MSGS = 0x100, /* ...or in the first of as many as the next argument says */
	SYSCALL_ARGS_IN_MEMORY =
		0x200, /* socketcall: the first argument says which call, the second where its are */
};

struct syscall_traits {
	__u16 traits;
	__u8 path[SYSCALL_PATHS]; /* 1 + number of the argument; 0: none */
	__u8 address;             /* the same of a socket's */
};

/* A call that has returned (or never will: unfinished). Its paths stand behind the arguments, text_bytes[i] bytes
 * each with the 0 at the end; of a call with a socket address that stands there, text_bytes[0] bytes. A call with at
 * most three arguments and neither comes in the short form. */
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

/* Most counts are in such places, one for a process and call, found by a hash of both: a CPU's array has two halves of
 * them, of which one is counted in. What finds its place taken is in a map of the kernel's. */
enum { SYSCALL_SLOT_BITS = 8, SYSCALL_SLOTS = 1 << SYSCALL_SLOT_BITS };

struct syscall_slot {
	struct syscall_key key; /* pid 0: free */
	__u32 reserved;
	struct syscall_counts counts;
};

/* Threads have their places by where their stacks are: one for each 16 KiB (the least that a stack has) of 512 MiB. */
enum { SYSCALL_STACK_BITS = 14, SYSCALL_THREADS = 1 << 15 };

/* A call that goes on, as the iterator tells. */
struct syscall_begun {
	__u64 begin_ns;
	__u32 pid, tid, number, abi;
};

#endif
