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
	__u32 asked; /* bytes that were asked for */
	__u32 device;
	__u32 flags, depth, requeues;
	__s32 status;
	__u8 op; /* enum block_op */
	__u8 wanted, in_device, begun_before;
	__u8 data; /* enum block_data... */
	__u8 idle; /* it has ended; the place waits for the next request at the address */
	__u8 reserved[2];
	__u32 file_device; /* ...and which file or disk, as block_io has it */
	__u64 inode;
	__u32 generation; /* of the inode: which file of that number */
	__u32 reserved2;
};

enum { BLOCK_NAMES_BYTES = 768 };

/* What a file is called, told before the first request for it. */
struct ring_block_file {
	__u64 time, inode;
	__u32 device;
	__u16 bytes; /* of the names, each with the 0 at its end, innermost first, down to the file system's root... */
	__u8 whole; /* ...or, if not, as many as there was room for */
	__u8 reserved;
	__u32 generation, reserved2;
	char names[BLOCK_NAMES_BYTES];
};

#endif
