/* The events of one or more traces, in order of time.
 *
 * A want names an event type and some of its fields; only those columns of only those blocks are
 * decoded. Several wants share one pass. Streams deliver what their recorder has promised complete
 * (sync blocks); an event that comes later than such a promise is delivered when it comes. */
#ifndef FORMAT_MERGE_H
#define FORMAT_MERGE_H

#include "format/base/err.h"
#include "format/reader.h"

struct want {
	const char *event;         /* NULL: every type */
	const char *const *fields; /* NULL: all fields of the type, in its order */
	uint32_t n_fields;
	const char *const *late; /* more fields, decoded only where somebody asks (merge_late) */
	uint32_t n_late;
};

#define MERGE_HELD_BYTES (256u << 20)

struct merge_options {
	const struct want *wants; /* borrowed while the merge lives */
	uint32_t n_wants;
	uint64_t from_ns, to_ns; /* only from <= time < to, on the clock of rows; to 0 or
				  * UINT64_MAX: no end */
	bool unordered;          /* block after block: faster, for sums that need no order */
	unsigned n_threads;      /* that decode blocks of files ahead; 0: the caller does it all */
	/* Of decoded rows that may be in memory at once; 0: MERGE_HELD_BYTES. */
	uint64_t held_bytes;
	/* Told of every block of events that the traces have, wanted or not, before any of its rows;
	 * a stream's blocks as they come. The segment may have its declarations only. May be NULL. */
	void (*block)(void *ctx, struct segment *segment, const struct block_ref *block);
	void *ctx;
};

struct row {
	uint64_t time;           /* ns, on the common clock; see readers_align */
	struct segment *segment; /* where its numbers mean something; borrowed */
	const struct event_type *type;
	uint32_t stream, reader, want;
	const uint64_t *values; /* as wanted; 0 for a field that the trace does not have */
	uint64_t missing;       /* bit i: field i is not there (of the first 64) */
	/* For merge_late: where it comes from. */
	const struct run *run;
	const struct match *match;
	uint32_t at;
};

/* For how many events a row stands, as one of its first 64 fields says: 1 in traces from before there were samples. */
static inline uint64_t row_weight(const struct row *row, unsigned field)
{
	return row->missing & 1ULL << field || !row->values[field] ? 1 : row->values[field];
}

struct merge;

/* readers are borrowed. */
struct merge *merge_new(struct reader *const *readers, uint32_t n_readers,
	const struct merge_options *options);
void merge_free(struct merge *m);

/* The next row: 1 (valid until the next call), 0 at the end, or a negative errno (a stream could
 * not be read, or is no trace). batch.h has many at once. An event that several wants name comes once for each. */
int merge_next(struct merge *m, struct row *row, struct err *err);

/* The row's late fields, as it wants them: for the few rows of a block that are looked at more closely. 0 for
 * a field that the trace does not have, or that is damaged (which is reported). Any thread may ask. */
void merge_late(const struct row *row, uint64_t *values);

/* Rows that came after the recorder had promised there would be none of their time. */
uint64_t merge_n_late(const struct merge *m);

#endif
