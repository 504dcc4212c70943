/* The memory that the kernel and we share for perf records: one ring per CPU and purpose.
 *
 * The kernel moves the head, we move the tail. A record that wraps around the ring's end is copied
 * to be in one piece. Layout: perf_event_open(2), "MMAP layout". */
#ifndef RECORD_PERF_RING_H
#define RECORD_PERF_RING_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"

struct perf_ring {
	int fd; /* the event whose ring it is; not owned */
	int cpu;
	uint32_t stream;                   /* of the trace */
	struct perf_event_mmap_page *page; /* mapped */
	const uint8_t *data;
	uint64_t size;       /* of data; a power of two */
	uint64_t head, tail; /* head as last seen, tail as far as we have read */
	uint8_t *piece;      /* owned; a record that wraps */
};

/* Maps a ring of about `bytes` (rounded up to pages of a power of two), smaller if the kernel does
 * not grant that much memory. */
int perf_ring_open(struct perf_ring *r, int fd, int cpu, size_t bytes, struct err *err);
void perf_ring_close(struct perf_ring *r);

/* Looks how far the kernel has come. */
void perf_ring_refresh(struct perf_ring *r);

/* The next record, or NULL if there is none up to the head that was seen. */
const struct perf_event_header *perf_ring_peek(struct perf_ring *r);

/* Steps over the record that was peeked at. */
void perf_ring_advance(struct perf_ring *r, const struct perf_event_header *record);

/* Gives the space of all records stepped over back to the kernel. */
void perf_ring_release(struct perf_ring *r);

/* When the record was made, in ns of CLOCK_MONOTONIC. Samples and others carry it at different
 * places; see PERF_SAMPLE_COMMON. 0 for a record too short to have it. */
uint64_t perf_record_time(const struct perf_event_header *record);

#endif
