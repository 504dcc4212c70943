/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What `rec syscalls` sees: what programs asked the kernel for, how long it took, what came of it. */
#ifndef SPECS_EVENTS_SYSCALL_H
#define SPECS_EVENTS_SYSCALL_H

#include "specs/events/event.h"

enum {
	SYSCALL_BUCKETS = 32,
	SYSCALL_FIRST_BUCKET = 8, /* bucket 0: below 2^8 ns; bucket i: below 2^(8 + i) ns */
};

enum syscall_abi {
	SYSCALL_ABI_NATIVE,
	SYSCALL_ABI_IA32, /* a 32-bit program, whose calls have numbers of their own */
	SYSCALL_ABI_X32,  /* the native calls with 32-bit pointers */
};

enum syscall_end {
	SYSCALL_END_NEVER,     /* it ends the thread, or the process */
	SYSCALL_END_RECORDING, /* the recording ended before */
};

/* `form` is how the arguments read, with names for what has names; what differs from call to call is left
 * out of it, so that there are few forms: {0}...{5} stand for arg0...arg5 as a signed number of 32 bits,
 * {0u} and {0l} of 64 bits unsigned and signed, {0x} in hexadecimal, {0o} in octal, {path} and {path2}
 * for these fields in quotes, {address} for that field, which may have stood in a struct msghdr. The form
 * `dfd=AT_FDCWD, filename={path}, flags=O_RDONLY|O_CLOEXEC` says all of an openat. */
struct syscall {
	__u64 time UNIT("ns") DOC("CLOCK_MONOTONIC, when it returned");
	__u64 duration UNIT("ns") DOC("how long it took");
	__u32 cpu DOC("CPU on which it returned");
	__u32 pid DOC("process");
	__u32 tid DOC("thread");
	__u32 comm IS("string") DOC("its name");
	__u32 call IS("string") DOC("name of the system call");
	__u32 error IS("string") DOC("name of the error, such as ENOENT; empty: none");
	__s64 ret DOC("what it returned; errors are negative");
	__u64 arg0 SHOW("hex") DOC("arguments, as many as the call has; others are 0");
	__u64 arg1 SHOW("hex") DOC("see arg0");
	__u64 arg2 SHOW("hex") DOC("see arg0");
	__u64 arg3 SHOW("hex") DOC("see arg0");
	__u64 arg4 SHOW("hex") DOC("see arg0");
	__u64 arg5 SHOW("hex") DOC("see arg0");
	__u32 form IS("string") DOC("how the arguments read; {0} stands for arg0, {path} for path");
	__u32 path IS("string") DOC("the first path among the arguments, up to 255 bytes");
	__u32 path2 IS("string") DOC("the second path");
	__u32 address IS("string") DOC(
		"the socket address that arguments lead to, as AF_INET 127.0.0.1:80; empty: not known");
	__u32 stack IS("stack") DOC("where it was called, if asked for");
	__u32 weight DOC("for how many calls this one stands: --sample");
	enum syscall_abi abi DOC("whose numbering of calls the program uses");
} EVENT("A system call that has returned.");

struct syscall_unfinished {
	__u64 time UNIT("ns") DOC("CLOCK_MONOTONIC, when it was noticed");
	__u64 begin UNIT("ns") DOC("CLOCK_MONOTONIC, when it was called");
	__u32 pid DOC("process");
	__u32 tid DOC("thread");
	__u32 comm IS("string") DOC("its name");
	__u32 call IS("string") DOC("name of the system call");
	enum syscall_end end DOC("why it has no end");
	enum syscall_abi abi DOC("whose numbering of calls the program uses");
} EVENT("A system call that had not returned.");

struct syscall_summary {
	__u64 time UNIT("ns") DOC("CLOCK_MONOTONIC, end of the interval");
	__u64 interval UNIT("ns") DOC("calls that returned in so long before it are counted here");
	__u32 pid DOC("process");
	__u32 comm IS("string") DOC("its name");
	__u32 call IS("string") DOC("name of the system call");
	enum syscall_abi abi DOC("whose numbering of calls the program uses");
	__u64 calls DOC("how many returned");
	__u64 errors DOC("...of these with an error");
	__u64 total UNIT("ns") DOC("how long they took together");
	__u64 longest UNIT("ns") DOC("how long the longest took");
	__u64 bucket[SYSCALL_BUCKETS] DOC(
		"calls by duration: bucket0 below 256 ns, each other below twice the one before it");
} EVENT("System calls of a process, counted in the kernel.");

#endif
