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

struct super_block {
	u32 s_dev;
} RELOCATABLE;

struct hlist_node;

struct hlist_head {
	struct hlist_node *first;
} RELOCATABLE;

struct hlist_node {
	struct hlist_node *next;
} RELOCATABLE;

struct inode {
	u16 i_mode;
	struct super_block *i_sb;
	struct address_space *i_mapping;
	unsigned long i_ino;
	u32 i_rdev;
	u32 i_generation;
	struct hlist_head i_dentry;
} RELOCATABLE;

struct address_space {
	struct inode *host;
} RELOCATABLE;

struct qstr {
	const unsigned char *name;
} RELOCATABLE;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	union {
		struct hlist_node d_alias;
	} d_u;
} RELOCATABLE;

struct page {
	unsigned long compound_head; /* of a folio's further pages: 1 + where the first is */
	struct address_space *mapping;
} RELOCATABLE;

struct bio_vec {
	struct page *bv_page;
} RELOCATABLE;

struct bvec_iter {
	sector_t bi_sector;
	unsigned int bi_size;
} RELOCATABLE;

struct bio {
	struct block_device *bi_bdev;
	unsigned int bi_opf;
	struct bvec_iter bi_iter;
	struct bio_vec *bi_io_vec;
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
