/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the sampling of `rec cpu` sees. */
#ifndef SPECS_EVENTS_CPU_H
#define SPECS_EVENTS_CPU_H

#include "specs/events/event.h"

enum cpu_mode {
	CPU_MODE_UNKNOWN,
	CPU_MODE_KERNEL,
	CPU_MODE_USER,
	CPU_MODE_HYPERVISOR,
	CPU_MODE_GUEST_KERNEL,
	CPU_MODE_GUEST_USER,
};

struct cpu_sample {
	__u64 time TIME;
	__u32 cpu DOC("CPU it ran on");
	__u32 pid DOC("process");
	__u32 tid DOC("thread");
	__u32 comm IS("string") DOC("name of the thread");
	__u32 stack IS("stack") DOC("where it was, innermost frame last");
	__u32 event IS("string") DOC("what was counted to take the sample");
	enum cpu_mode mode DOC("who was running");
	__u64 period UNIT("events") DOC("events this sample stands for (ns for a clock)");
	__u32 weight UNIT("samples")
		DOC("samples it stands for: not 1 while --max-cpu lowers the rate");
} EVENT("A thread seen running, taken at a fixed rate.");

enum cpu_throttle_state {
	CPU_THROTTLE_ON = 1,
	CPU_THROTTLE_OFF = 0,
};

struct cpu_throttle {
	__u64 time TIME;
	__u32 cpu DOC("CPU it ran on");
	enum cpu_throttle_state state DOC("whether sampling stopped or went on");
} EVENT("The kernel stopped sampling for a while because it cost too much.");

#endif
