/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the kernel's and the processor's counters counted, interval by interval. */
#ifndef SPECS_EVENTS_COUNTER_H
#define SPECS_EVENTS_COUNTER_H

#include "specs/events/event.h"

/* The processor has few counters. Where more are asked for the kernel counts them in turns, and
 * `running` is less than `enabled`: `value` is then what was counted times enabled / running, which is
 * right as far as the rest of the interval was like the part that was seen. Whoever does not want
 * the estimate takes `counted`. With a running time of 0 nothing is known and value is 0. */
struct counter {
	__u64 time TIME;
	__s32 cpu DOC("CPU whose events were counted; -1: a process's, on all CPUs");
	__u32 pid DOC("process that was counted, its threads and children to come; 0: all");
	__u32 name IS("string") DOC("what was counted: cycles, page-faults");
	__u64 value DOC("how many since the row before, scaled up where counters took turns");
	__u64 counted DOC("how many of them were really counted");
	__u64 enabled UNIT("ns") DOC("how long they were to be counted, summed over threads");
	__u64 running UNIT("ns") DOC("how long a counter was there for them");
	__u64 interval UNIT("ns") DOC("wall-clock time since the row before");
} EVENT("What a counter counted in an interval.");

#endif
