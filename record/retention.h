/* What is kept of a recording that may go on for long: everything, the last minutes in memory, or the
 * last files. Decides when a segment ends, as only whole segments can be dropped. */
#ifndef RECORD_RETENTION_H
#define RECORD_RETENTION_H

#include "format/writer.h"
#include "record/output.h"

struct retention;

/* Opens the first file, or the ring. NULL and a sentence on failure. */
struct retention *retention_open(const struct options *options, struct err *err);

/* Where the writer writes to; borrowed. */
struct sink *retention_sink(struct retention *k);

/* Whether the writer's segment should end now: it is old or large enough. */
bool retention_due(const struct retention *k, const struct writer *w, uint64_t now_ns);

/* The disk is full: whether something could be removed that is to go soon anyway. */
bool retention_make_room(struct retention *k);

/* Around writer_roll: opens the next file where one is due, and takes note that a segment began. */
void retention_before_segment(struct retention *k, uint64_t now_ns);
void retention_after_segment(struct retention *k, uint64_t now_ns);

/* Once a second: closes, removes and reports what is due. */
void retention_tick(struct retention *k, const struct writer *w);

/* Whether the recording has reached its size and ends. */
bool retention_full(struct retention *k);

/* A snapshot of the ring is asked for; whether one is to be taken now (one at a time); and takes it,
 * after a roll: a thread writes what the ring holds to a file of its own. */
void retention_ask_snapshot(struct retention *k);
bool retention_wants_snapshot(struct retention *k);
void retention_snapshot(struct retention *k);

/* After writer_close: writes the ring, closes everything. `rc` is the writer's result; 0, or a
 * negative errno and a sentence. */
int retention_finish(struct retention *k, int rc, struct err *err);

/* The recording did not come about: removes the empty file. */
void retention_discard(struct retention *k);
void retention_free(struct retention *k);

/* For the summary: the name of the (last) file, and how much of the recording it is. */
struct retention_result {
	const char *file; /* borrowed */
	uint64_t bytes;   /* in all files that are left */
	uint32_t n_files;
	uint64_t ring_from_ns; /* when what a ring wrote at the end begins; 0: no ring */
	bool ring_was_full;    /* ...and could hold less than was asked for */
};
void retention_result(struct retention *k, struct retention_result *result);

#endif
