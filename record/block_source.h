/* The source block inside: its requests come from BPF programs (source_block.c) or, where those are refused, from
 * the kernel's tracepoints (block_tracepoints.c), and go the same way from here. */
#ifndef RECORD_BLOCK_SOURCE_H
#define RECORD_BLOCK_SOURCE_H

#include "record/recording.h"
#include "specs/events/block.h"
#include "specs/ring_block.h"

enum {
	KNOWN_DISKS = 64, /* a power of two */
	MAX_DEVICES = 16, /* bpf/block.bpf.c */
};

/* A disk's name as a string of the trace; found by number. */
struct known_disk {
	uint32_t number, string, generation;
	char name[32]; /* "": not looked up yet */
};

struct block_source {
	struct recording *recording;           /* borrowed */
	struct block_bpf *skel;                /* owned; NULL: not even opened */
	struct block_tracepoints *tracepoints; /* owned; NULL: the programs are used */
	struct block_files *files;             /* owned */
	int io_type, change_type, unfinished_type;
	uint32_t sample;                          /* one in so many is recorded */
	uint32_t devices[MAX_DEVICES], n_devices; /* --device: disks and partitions; none: all */
	struct known_disk disks[KNOWN_DISKS];
};

/* Requests that are still followed when nothing is recorded any more, of those who are recorded. */
struct block_left {
	struct following *all; /* owned */
	uint32_t n, cap;
};

void block_left_add(struct block_left *l, const struct following *f);

/* Events of a stream, complete but for names; `error` is a positive errno. */
void block_take_io(struct block_source *s, uint32_t stream, struct block_io *e);
void block_take_change(struct block_source *s, uint32_t stream, struct block_change *e);

/* Opens the tracepoints. -errno and what to do if they are not permitted either. */
int block_tracepoints_open(struct block_source *s, bool stacks, struct err *err);
void block_tracepoints_enable(struct block_tracepoints *t);
void block_tracepoints_disable(struct block_tracepoints *t);
/* Takes in what is known at the end, and what was lost. */
void block_tracepoints_settle(struct block_tracepoints *t, struct block_left *l);
void block_tracepoints_close(struct block_tracepoints *t);

#endif
