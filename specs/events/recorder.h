/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the recorder says about itself, its clocks and the machine. */
#ifndef SPECS_EVENTS_RECORDER_H
#define SPECS_EVENTS_RECORDER_H

#include "specs/events/event.h"

enum lost_reason {
	LOST_RING_FULL = 1,  /* the kernel found no room: the recorder came too late */
	LOST_DISK_SLOW = 2,  /* the recorder's output was full: the reader or disk came too late */
	LOST_UNREADABLE = 3, /* the kernel's record made no sense to the recorder */
	LOST_DAMAGED =
		4,       /* they were in the trace that this one is made from, in a damaged block */
	LOST_UNTOLD = 5, /* the kernel did not tell of them, as other things show */
	LOST_TABLE_FULL = 6, /* a table in the kernel had no place left */
	LOST_DISK_FULL = 7,  /* the disk had no room left for them */
};

struct lost {
	__u64 time TIME;
	__u64 since UNIT("ns") DOC("when the gap began at the earliest; time is its end");
	__u32 stream DOC("stream that would have had them");
	__u32 event IS("string") DOC("what is missing, as far as known");
	enum lost_reason reason DOC("where they were lost");
	__u64 lost DOC("how many");
} EVENT("Events that could not be recorded.");

struct recorder {
	__u64 time TIME;
	__u64 cpu_time UNIT("ns") DOC("CPU time of the recorder so far, user and system");
	__u64 written UNIT("bytes") DOC("bytes written so far");
	__u64 events DOC("events taken in so far");
	__u64 lost DOC("events lost so far");
	__u64 memory UNIT("bytes") DOC("its resident memory");
	__u64 images DOC("programs, libraries and other pieces of code that it remembers");
} EVENT("What the recording itself costs, every few seconds.");

struct clock {
	__u64 time TIME;
	__u64 real UNIT("ns") DOC("CLOCK_REALTIME at the same moment, since 1970");
	__u64 uncertainty UNIT("ns") DOC("the two were read this far apart at most");
} EVENT("Wall-clock time, so that traces of several machines can be laid side by side.");

struct trigger {
	__u64 time TIME;
	__u32 condition IS("string") DOC("what held, as it was given");
} EVENT("A condition held that a snapshot of the ring waits for (--trigger).");

struct cpu_topology {
	__u64 time TIME;
	__u32 cpu DOC("CPU number");
	__s32 core DOC("core within its package; -1 where not known");
	__s32 package DOC("socket; -1 where not known");
	__s32 node DOC("NUMA node; -1 where not known");
	__u8 online DOC("1 if it can run threads now");
} EVENT("Where a CPU sits.");

#endif
