/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the BPF programs and `rec` agree on: the records in the rings, and the maps that all objects share.
 *
 * A record is a head, the event's struct as in specs/events/, and two stacks as addresses, the
 * kernel's first, innermost first:
 *
 *	| ring_head | struct of the event | n_kernel * u64 | n_user * u64 |
 *
 * Fields that are numbers of a dictionary (names, stacks) are filled in by `rec`. */
#ifndef SPECS_RING_H
#define SPECS_RING_H

#include "specs/events/event.h"

enum ring_kind {
	RING_SCHED_SWITCH,
	RING_SCHED_WAKEUP,
	RING_SCHED_MIGRATE,
	RING_SCHED_DELAY,
	RING_OFF_CPU,
	RING_BLOCK_IO,
	RING_BLOCK_CHANGE,
	RING_SYSCALL,
	RING_PAGE_FAULT,
	RING_CPU_SAMPLE,
	RING_EXEC,
	RING_BLOCK_FILE,
	RING_N_KINDS = 16, /* places for counters; fixed, so that all objects agree */
};

struct ring_head {
	__u16 kind;
	__u8 n_kernel, n_user; /* addresses behind the event */
	__u16 size;            /* of the event's struct, bytes, a multiple of 8 */
	/* How the user's half was walked (enum stack_flags), its addresses then being those to look names up
	 * by; 0: the kernel found it, and callers are return addresses. */
	__u8 user_flags, reserved;
};

/* What the programs miss: things for which a table had no place, and ends that they were not told. */
enum ring_gap {
	RING_NO_PLACE_TARGETS,
	RING_NO_PLACE_WAITS,
	RING_NO_PLACE_WAIT_STACKS,
	RING_NO_PLACE_REQUESTS,
	RING_NO_PLACE_OWNERS,
	RING_NO_PLACE_DISKS,
	RING_NO_PLACE_BLOCK_STACKS,
	RING_NO_PLACE_CALLS,
	RING_NO_PLACE_COUNTS,
	RING_NO_PLACE_FAULTS,
	RING_UNTOLD_REQUESTS,
	RING_UNTOLD_CALLS,
	RING_N_GAPS = 16,
};

enum {
	RING_MAX_STACK = 127, /* addresses of one half of a stack */
	TARGET_PENDING = 0,   /* a command before its exec */
	TARGET_ACTIVE = 1,
	FILTER_TIDS = 16, /* threads that can be chosen by number */
};

/* What `rec` tells the programs while they run, one for all objects. */
struct ring_control {
	__u32 enabled; /* programs do nothing while it is 0 */
	__u32 reserved;
	__u32 tids[FILTER_TIDS]; /* the threads that are recorded, by their present numbers */
};

/* What one CPU's programs could not hand over, and what they miss. */
struct ring_losses {
	__u64 lost[RING_N_KINDS];
	__u64 gaps[RING_N_GAPS];
};

#endif
