/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What `rec sched` sees: who gets a CPU, who leaves it and why, who wakes whom. */
#ifndef SPECS_EVENTS_SCHED_H
#define SPECS_EVENTS_SCHED_H

#include "specs/events/event.h"

enum sched_state {
	SCHED_STATE_RUNNABLE, /* could go on: it was preempted, or yielded */
	SCHED_STATE_SLEEPING, /* waits, and a signal would end that */
	SCHED_STATE_DISK,     /* waits uninterruptibly: for a disk, a lock in the kernel */
	SCHED_STATE_STOPPED,
	SCHED_STATE_TRACED,
	SCHED_STATE_DEAD,
	SCHED_STATE_PARKED,
	SCHED_STATE_IDLE, /* a kernel thread that waits for work */
};

enum sched_context {
	SCHED_CONTEXT_UNKNOWN, /* the kernel hides it */
	SCHED_CONTEXT_TASK,
	SCHED_CONTEXT_INTERRUPT,
};

struct sched_switch {
	__u64 time TIME;
	__u32 cpu DOC("CPU that changes hands");
	__u32 pid DOC("process that leaves; 0: the CPU was idle");
	__u32 tid DOC("thread that leaves");
	__u32 comm IS("string") DOC("its name");
	enum sched_state state DOC("why it leaves");
	__s32 prio DOC("its priority in the kernel: 0 to 99 real-time, 120 nice 0");
	__u32 next_pid DOC("process that comes; 0: the CPU becomes idle");
	__u32 next_tid DOC("thread that comes");
	__u32 next_comm IS("string") DOC("its name");
	__s32 next_prio DOC("its priority");
	__u32 stack IS("stack") DOC("where the leaving thread is, if it waits");
	__u8 recorded DOC(
		"1: the leaving thread is recorded, 2: the coming one, 3: both; of one that "
		"is not its other switches are missing");
} EVENT("A CPU goes from one thread to another.");

struct sched_wakeup {
	__u64 time TIME;
	__u32 cpu DOC("CPU on which it happened");
	__u32 pid DOC("process that can run now");
	__u32 tid DOC("thread that can run now");
	__u32 comm IS("string") DOC("its name");
	__s32 prio DOC("its priority");
	__u32 target_cpu DOC("CPU in whose queue it waits");
	__u32 waker_pid DOC("process that woke it");
	__u32 waker_tid DOC("thread that woke it: whoever was interrupted, where an interrupt did");
	__u32 waker_comm IS("string") DOC("its name");
	enum sched_context context DOC("what the waker's CPU was doing");
	__u8 is_new DOC("1: the thread has just been made");
	__u32 stack IS("stack") DOC("where the waker was");
} EVENT("A thread can run from now on, and waits for a CPU.");

struct sched_migrate {
	__u64 time TIME;
	__u32 cpu DOC("CPU on which it was decided");
	__u32 pid DOC("process");
	__u32 tid DOC("thread that moves");
	__u32 comm IS("string") DOC("its name");
	__s32 prio DOC("its priority");
	__u32 from_cpu DOC("CPU that it leaves");
	__u32 to_cpu DOC("CPU that it goes to");
} EVENT("A thread moves to another CPU.");

struct sched_delay {
	__u64 time TIME;
	__u64 latency UNIT("ns") DOC("how long it waited for a CPU: run-queue latency");
	__u32 cpu DOC("CPU it got");
	__u32 pid DOC("process");
	__u32 tid DOC("thread that waited");
	__u32 comm IS("string") DOC("its name");
	__s32 prio DOC("its priority");
	__u32 before_pid DOC("process that ran there until then");
	__u32 before_tid DOC("thread that ran there until then");
	__u32 before_comm IS("string") DOC("its name");
	__u32 waker_pid DOC("process that woke it; 0: it had been preempted");
	__u32 waker_tid DOC("thread that woke it; 0: it had been preempted");
	__u32 weight UNIT("waits") DOC("waits it stands for: not 1 with --sample");
} EVENT("A thread waited long for a CPU, and has it now.");

struct off_cpu {
	__u64 time TIME;
	__u64 latency UNIT("ns") DOC("how long it was without a CPU, until now");
	__u64 blocked UNIT("ns") DOC("...of that before it was woken");
	__u32 cpu DOC("CPU it got");
	__u32 pid DOC("process");
	__u32 tid DOC("thread");
	__u32 comm IS("string") DOC("its name");
	__s32 prio DOC("its priority");
	enum sched_state state DOC("why it had left");
	__u32 waker_pid DOC("process that woke it; 0: it had been preempted");
	__u32 waker_tid DOC("thread that woke it; 0: it had been preempted");
	__u32 stack IS("stack") DOC("where it waited");
	__u32 weight UNIT("waits") DOC("waits it stands for: not 1 with --sample");
} EVENT("A thread was off the CPU for at least --min, and is back.");

#endif
