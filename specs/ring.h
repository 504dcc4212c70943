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
	RING_N_KINDS = 16, /* places for counters; fixed, so that all objects agree */
};

struct ring_head {
	__u16 kind;
	__u8 n_kernel, n_user; /* addresses behind the event */
	__u32 size;            /* of the event's struct, bytes, a multiple of 8 */
};

enum {
	RING_MAX_STACK = 127, /* addresses of one half of a stack */
	TARGET_PENDING = 0,   /* a command before its exec */
	TARGET_ACTIVE = 1,
};

/* What `rec` tells the programs while they run, one for all objects. */
struct ring_control {
	__u32 enabled; /* programs do nothing while it is 0 */
	__u32 reserved;
};

/* What one CPU's programs could not hand over, by kind. */
struct ring_losses {
	__u64 lost[RING_N_KINDS];
};

#endif
