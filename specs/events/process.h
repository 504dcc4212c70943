/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Processes and threads coming, going, changing their name and mapping code. Those that were
 * there when the recording began are told as if they had just come, at its first moment. */
#ifndef SPECS_EVENTS_PROCESS_H
#define SPECS_EVENTS_PROCESS_H

#include "specs/events/event.h"

struct process_fork {
	__u64 time TIME;
	__u32 pid DOC("process of the new thread");
	__u32 tid DOC("the new thread");
	__u32 parent_pid DOC("process that made it");
	__u32 parent_tid DOC("thread that made it");
} EVENT("A process or thread began.");

struct process_exec {
	__u64 time TIME;
	__u32 pid DOC("process");
	__u32 tid DOC("thread");
	__u32 comm IS("string") DOC("name of the thread from now on");
} EVENT("A process started another program.");

struct process_comm {
	__u64 time TIME;
	__u32 pid DOC("process");
	__u32 tid DOC("thread");
	__u32 comm IS("string") DOC("name of the thread from now on");
} EVENT("A thread has a name.");

struct process_exit {
	__u64 time TIME;
	__u32 pid DOC("process");
	__u32 tid DOC("thread");
} EVENT("A thread ended; the process with it if the two numbers are the same.");

struct process_namespace {
	__u64 time TIME;
	__u32 pid DOC("process, as the recorder sees it");
	__u32 inner_pid DOC("its number in its own pid namespace: what it and its logs call it");
} EVENT("A process lives in another pid namespace than the recorder, as in a container.");

struct process_mmap {
	__u64 time TIME;
	__u32 pid DOC("process; 0 for the kernel");
	__u64 address SHOW("hex") DOC("where it starts in memory");
	__u64 size UNIT("bytes") DOC("how long it is; 0 if that is not known");
	__u64 offset SHOW("hex") DOC("where it starts in the file");
	__u32 mapping IS("mapping") DOC("what is there");
} EVENT("Code appeared in an address space.");

#endif
