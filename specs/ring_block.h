/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A request to a disk from the first that is seen of it to its end, as bpf/block.bpf.c keeps it; `rec` looks
 * at those that are left when a recording ends. */
#ifndef SPECS_RING_BLOCK_H
#define SPECS_RING_BLOCK_H

#include "specs/events/event.h"

struct following {
	__u64 made_ns; /* as the kernel has it: tells a request from the next one at its address */
	__u64 begun_ns, issued_ns, done_ns;
	__u64 sector;
	__u64 stack; /* its key */
	__u64 id;    /* of who asked: process and thread */
	__u32 bytes; /* that are complete */
	__u32 device;
	__u32 flags, depth, requeues;
	__s32 status;
	__u8 wanted, in_device, begun_before;
};

#endif
