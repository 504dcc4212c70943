/* Where a writer's bytes go: a file, a pipe or memory, without ever making the caller wait.
 *
 * A sink with a queue has a thread of its own that writes; when the disk or the reader behind a
 * pipe is slow the queue fills and sink_put says so, and the caller drops and counts. A sink
 * without a queue writes at once, for tools that may wait. */
#ifndef FORMAT_SINK_H
#define FORMAT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"
#include "format/reserve.h"
#include "format/segment_ring.h"

struct sink;

/* Writes to fd, which stays the caller's. queue_bytes 0: no thread. With a queue nothing is written
 * before sink_start, so that the caller can first give up rights, which are a thread's own. */
struct sink *sink_new(int fd, size_t queue_bytes);

/* Takes room ahead of what is written (reserve.h, copied), for sinks with a queue; before sink_start. Without more
 * of it sink_full tells, and what is put has to get along with sink_left. */
void sink_reserve(struct sink *s, const struct reserve *r);

/* Starts the thread that writes. 0 or a negative errno. Does nothing for other sinks. */
int sink_start(struct sink *s);

/* Keeps the last segments in a ring, which stays the caller's. */
struct sink *sink_new_ring(struct segment_ring *ring);

/* Collects everything in memory. */
struct sink *sink_new_memory(void);

/* What a memory sink holds; borrowed. */
const uint8_t *sink_memory(const struct sink *s, size_t *len);

/* As sink_end, and frees; what was not drained is lost. */
void sink_free(struct sink *s);

/* Takes all bytes or none: 0, -EAGAIN when there is no room now, or the errno with which writing
 * failed, from then on always. */
int sink_put(struct sink *s, const void *data, size_t len);

/* Told by the writer before the first byte of each segment. */
void sink_segment(struct sink *s, uint64_t now_ns);

/* For sinks with a queue: from the next segment on, bytes go to this descriptor (the caller's), which has this
 * reserve. -EBUSY while the last change is not yet done. */
int sink_next_fd(struct sink *s, int fd, const struct reserve *r);

/* The descriptor that is no longer written to after such a change; told once, otherwise -1. */
int sink_retired_fd(struct sink *s);

/* How many bytes sink_put would take now. */
size_t sink_room(struct sink *s);

/* Whether the disk has no room but for what is reserved: 0 or a positive errno. */
int sink_full(struct sink *s);

/* How much room is wanted ahead of what is written, and that there may be more now: it is tried again. */
uint64_t sink_ahead(struct sink *s);
void sink_more_room(struct sink *s);

/* As sink_more_room, but wants no more than RESERVE_BYTES ahead in this file. False, and nothing is tried, if that is
 * so already. */
bool sink_less_ahead(struct sink *s);

/* How many bytes of the reserve are left for what is put next. Where these are less than are wanted and the thread has
 * not come to take more, that is done now. UINT64_MAX: there is no need to ask. */
uint64_t sink_left(struct sink *s, uint64_t want);

/* Waits until everything is written, at most timeout_ms (-1: for ever). 0, -ETIMEDOUT, or the
 * errno with which writing failed. */
int sink_drain(struct sink *s, int timeout_ms);

/* Ends the thread, and gives back what was reserved and not needed. */
void sink_end(struct sink *s);

/* Bytes taken so far. */
uint64_t sink_taken(struct sink *s);

/* Bytes written so far (to a ring: taken), and the errno of the first failure (0: none). */
uint64_t sink_written(struct sink *s);
int sink_error(struct sink *s);

#endif
