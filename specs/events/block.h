/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What `rec block` sees: what block devices were asked for, how long it took, and for whom. */
#ifndef SPECS_EVENTS_BLOCK_H
#define SPECS_EVENTS_BLOCK_H

#include "specs/events/event.h"

enum block_op {
	BLOCK_OP_READ,
	BLOCK_OP_WRITE,
	BLOCK_OP_FLUSH, /* what the kernel sends for REQ_PREFLUSH, one for several writes */
	BLOCK_OP_DISCARD,
	BLOCK_OP_SECURE_ERASE,
	BLOCK_OP_WRITE_ZEROES,
	BLOCK_OP_ZONE, /* what zoned devices are told */
	BLOCK_OP_DRIVER_IN,
	BLOCK_OP_DRIVER_OUT, /* a command of the driver or of SG_IO */
};

enum block_flags {
	BLOCK_FLAG_SYNC = 1,
	BLOCK_FLAG_METADATA = 2,
	BLOCK_FLAG_FUA = 4,
	BLOCK_FLAG_PREFLUSH = 8, /* a flush goes first; without data it is all that is asked for */
	BLOCK_FLAG_READ_AHEAD = 16,
	BLOCK_FLAG_BACKGROUND = 32,
	BLOCK_FLAG_PRIORITY = 64,
	BLOCK_FLAG_NO_WAIT = 128,
	BLOCK_FLAG_SWAP = 256,
	BLOCK_FLAG_UNCOUNTED = 512,     /* not in /proc/diskstats */
	BLOCK_FLAG_BEGUN_BEFORE = 1024, /* nothing was seen of it before its end */
};

/* Whose pages the data is in. */
enum block_data {
	BLOCK_DATA_UNKNOWN, /* of the kernel, or of nobody that could be found */
	BLOCK_DATA_NONE,    /* there is no data: flushes, discards */
	BLOCK_DATA_FILE,
	BLOCK_DATA_DISK, /* of a block device: metadata of its file system, or it is used like a file */
	BLOCK_DATA_MEMORY, /* of processes: direct I/O, swap */
};

struct block_io {
	__u64 time TIME;
	__u64 latency UNIT("ns") DOC(
		"from insert to completion; from issue, or where it waits for a flush from its making, "
		"if it is not inserted");
	__u64 queued UNIT("ns") DOC("...of that until it was issued to the device");
	__u64 device_time UNIT("ns") DOC("...from its (last) issue until the device was done");
	__u64 sector DOC("first sector on the disk, of 512 bytes");
	__u32 bytes UNIT("bytes") DOC("how much");
	__u32 cpu DOC("CPU on which it was completed");
	__u32 disk IS("string") DOC("name of the disk");
	__u32 major DOC("the disk's major number");
	__u32 minor DOC("the disk's minor number");
	__u32 partition DOC("number of the partition; 0: the whole disk, or not known");
	enum block_op op DOC("what was asked for");
	enum block_flags flags SHOW("flags") DOC("how");
	__s32 error DOC("0, or why it failed: errno");
	__u32 depth DOC("requests that the disk had after the issue, this one included");
	__u32 requeues DOC("how often the device could not take it yet");
	__u32 pid DOC("process that asked for it; 0: not known");
	__u32 tid DOC("thread that asked for it");
	__u32 comm IS("string") DOC("its name");
	__u32 stack IS("stack") DOC("where it asked");
	enum block_data data DOC("whose pages are read or written, by the first of them");
	__u32 file IS("string") DOC("path of that file, or name of that disk; empty: not known");
	__u32 file_major DOC("major number of the device that the file is on, or of that disk");
	__u32 file_minor DOC("its minor number");
	__u32 weight UNIT("requests") DOC("requests it stands for: not 1 with --sample");
	__u64 inode DOC("the file's inode number");
} EVENT("A request to a block device is complete.");

struct block_unfinished {
	__u64 time UNIT("ns") DOC("CLOCK_MONOTONIC, the end of the recording");
	__u64 begin UNIT("ns")
		DOC("CLOCK_MONOTONIC, when it was inserted, or issued if it was not");
	__u64 issued UNIT("ns")
		DOC("CLOCK_MONOTONIC, when it was issued to the device; 0: it was not");
	__u64 sector DOC("first sector on the disk, of 512 bytes");
	__u32 bytes UNIT("bytes") DOC("how much");
	__u32 disk IS("string") DOC("name of the disk");
	__u32 major DOC("the disk's major number");
	__u32 minor DOC("the disk's minor number");
	enum block_op op DOC("what was asked for");
	enum block_flags flags SHOW("flags") DOC("how");
	__u32 requeues DOC("how often the device could not take it yet");
	__u32 pid DOC("process that asked for it; 0: not known");
	__u32 tid DOC("thread that asked for it");
	__u32 comm IS("string") DOC("its name");
} EVENT("A request to a block device was not complete when the recording ended.");

enum block_change_kind {
	BLOCK_CHANGE_BACK_MERGE,    /* became the end of a request that was there */
	BLOCK_CHANGE_FRONT_MERGE,   /* became its beginning */
	BLOCK_CHANGE_REQUEST_MERGE, /* a request became the end of another */
	BLOCK_CHANGE_REQUEUE,       /* the device gave it back; it will be issued again */
};

struct block_change {
	__u64 time TIME;
	__u64 sector DOC("first sector on the disk, of 512 bytes");
	__u32 bytes UNIT("bytes") DOC("how much is merged or given back");
	__u32 cpu DOC("CPU on which it happened");
	__u32 disk IS("string") DOC("name of the disk");
	__u32 major DOC("the disk's major number");
	__u32 minor DOC("the disk's minor number");
	enum block_change_kind kind DOC("what happened");
	enum block_op op DOC("what was asked for");
	__u32 pid DOC("process that asked for it; 0: not known");
	__u32 tid DOC("thread that asked for it");
	__u32 comm IS("string") DOC("its name");
	__u32 weight DOC("how many such changes it stands for: not 1 with --sample");
} EVENT("What was asked of a block device became part of another request, or has to wait once more.");

#endif
