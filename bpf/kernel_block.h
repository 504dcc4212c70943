/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The block layer's types, as in kernel.h: requests, and what they are about. */
#ifndef BPF_KERNEL_BLOCK_H
#define BPF_KERNEL_BLOCK_H

#include "bpf/kernel.h"

typedef u64 sector_t;

struct gendisk {
	int major;
	int first_minor;
} RELOCATABLE;

struct block_device {
	struct gendisk *bd_disk;
	u32 bd_dev;
	struct {
		int counter;
	} __bd_flags; /* the partition's number in the low byte, since 6.10 */
} RELOCATABLE;

/* Before 6.10. */
struct block_device___partno {
	u8 bd_partno;
} RELOCATABLE;

struct bvec_iter {
	sector_t bi_sector;
	unsigned int bi_size;
} RELOCATABLE;

struct bio {
	struct block_device *bi_bdev;
	unsigned int bi_opf;
	struct bvec_iter bi_iter;
} RELOCATABLE;

struct request_queue {
	struct gendisk *disk; /* since 5.15; NULL for commands to a controller */
} RELOCATABLE;

struct request {
	struct request_queue *q;
	unsigned int cmd_flags;
	unsigned int rq_flags;
	unsigned int __data_len;
	sector_t __sector;
	struct bio *bio;
	struct block_device *part;
	u64 start_time_ns;
} RELOCATABLE;

/* Before 5.17. */
struct request___disk {
	struct gendisk *rq_disk;
} RELOCATABLE;

enum req_op {
	REQ_OP_READ = 0,
	REQ_OP_WRITE = 1,
	REQ_OP_FLUSH = 2,
	REQ_OP_DISCARD = 3,
	REQ_OP_SECURE_ERASE = 5,
	REQ_OP_WRITE_ZEROES = 9,
	REQ_OP_DRV_IN = 34,
	REQ_OP_DRV_OUT = 35,
};

/* Their numbers change now and then. */
enum req_flag_bits {
	__REQ_SYNC = 11,
	__REQ_META = 12,
	__REQ_PRIO = 13,
	__REQ_FUA = 17,
	__REQ_PREFLUSH = 18,
	__REQ_RAHEAD = 19,
	__REQ_BACKGROUND = 20,
	__REQ_NOWAIT = 21,
	__REQ_SWAP = 24,
};

#endif
