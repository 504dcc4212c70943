/* One BPF ring buffer as we read it: the kernel moves the producer's position, we the consumer's. Layout:
 * kernel/bpf/ringbuf.c. The data could be mapped twice in a row, so that no record is in two pieces, but both would
 * count as our memory; the one record in a round that goes beyond the end is put together instead.
 *
 * libbpf reads such rings too, but hands records to a callback ring by ring; we take them one at a time,
 * the oldest of all rings first. */
#ifndef RECORD_BPF_RING_H
#define RECORD_BPF_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"

struct bpf_ring {
	int fd;             /* owned; the map */
	uint64_t *consumer; /* mapped, a page */
	uint64_t *producer; /* mapped, a page with the data behind it */
	const uint8_t *data;
	uint64_t size;  /* of data, a power of two */
	uint64_t head;  /* the producer's position as last seen */
	uint64_t tail;  /* as far as we have read */
	uint8_t *whole; /* owned; the record that goes beyond the end, in one piece */
	uint32_t whole_bytes;
};

/* Makes a ring of `bytes`, a power of two and at least a page. */
int bpf_ring_open(struct bpf_ring *r, const char *name, uint32_t bytes, struct err *err);
void bpf_ring_close(struct bpf_ring *r);

/* Looks how far the kernel has come. */
void bpf_ring_refresh(struct bpf_ring *r);

/* The next record that is complete, its size in *bytes, until it is stepped over; NULL if there is none yet. */
const void *bpf_ring_peek(struct bpf_ring *r, uint32_t *bytes);

/* Steps over the record that was peeked at, and gives space back to the kernel now and then. */
void bpf_ring_advance(struct bpf_ring *r);

/* Gives back the space of everything that was stepped over. */
void bpf_ring_release(struct bpf_ring *r);

#endif
