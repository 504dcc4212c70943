/* The last segments of a trace, in memory: what a flight recorder keeps.
 *
 * Segments are dropped whole, the oldest first, when they are older than the span or when the ring
 * is full; as each is a trace of its own, what is left can be written at any time. Memory is taken
 * in chunks and used again, so that a ring that holds little takes little, for as long as it runs.
 *
 * One thread puts; another may write a snapshot meanwhile. What the snapshot holds stays until it is
 * done and is then on top of the ring's limit: at most as much again, with one snapshot at a time. */
#ifndef FORMAT_SEGMENT_RING_H
#define FORMAT_SEGMENT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct segment_ring;

/* Holds at most max_bytes (rounded up to a few chunks) and, apart from the segment that is being
 * filled, nothing that ended longer than span_ns ago (0: no such limit). */
struct segment_ring *segment_ring_new(size_t max_bytes, uint64_t span_ns);
void segment_ring_free(struct segment_ring *r);

/* Ends the segment that is being filled, drops what is too old at this moment, begins another. */
void segment_ring_begin(struct segment_ring *r, uint64_t now_ns);

/* Adds bytes to the present segment: 0, or -EAGAIN when there is no room although everything else
 * has been dropped. */
int segment_ring_put(struct segment_ring *r, const void *data, size_t len);

struct segment_ring_stats {
	uint64_t bytes;      /* in all segments */
	uint64_t from_ns;    /* when the oldest began; 0: there is none */
	uint32_t n_segments; /* with the one being filled */
	uint64_t n_dropped;  /* segments dropped so far... */
	uint64_t n_early;    /* ...of them before they were too old, for want of room */
};
void segment_ring_stats(struct segment_ring *r, struct segment_ring_stats *stats);

/* The segments that have ended (all: also the one being filled, which then must have ended). Holds
 * them until it is freed. */
struct snapshot *segment_ring_snapshot(struct segment_ring *r, bool all);
void snapshot_free(struct snapshot *s);

/* Takes room for it in an empty file; where the disk has none for all, the oldest segments are left out. How many
 * that were, or -ENOSPC or -EDQUOT: there is no room for any. */
int snapshot_fit(struct snapshot *s, int fd);

/* Writes it to a descriptor. Bytes written, in *from_ns (may be NULL) when its first segment began;
 * or a negative errno. */
int64_t snapshot_write(const struct snapshot *s, int fd, uint64_t *from_ns);

#endif
