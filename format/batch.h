/* Rows in order of time, many at once: pieces of blocks as they were decoded, which several threads may look at
 * side by side, each for other wants. */
#ifndef FORMAT_BATCH_H
#define FORMAT_BATCH_H

#include "format/merge.h"

enum { BATCH_ROWS = 4096 };

struct batch;

/* The next rows of a merge, which is then not read by merge_next: 1, 0 at the end, or a negative errno (as
 * merge_next). The batch stays as it is until it is given back, by the thread that reads, in the order in which
 * they came; what is out when the merge ends ends with it. */
int merge_next_batch(struct merge *m, struct batch **batch, struct err *err);
void merge_return_batch(struct merge *m, struct batch *b);

/* Whether each batch must be given back before the next is asked for: streams, whose tables grow while they are
 * read, and traces that overlap so much that only slices of their blocks are in memory. */
bool merge_one_by_one(const struct merge *m);

/* Whether there is so much to read that threads are worth their while. */
bool merge_is_large(const struct merge *m);

/* Whether so many rows are in memory that batches should be given back before the next one is asked for. */
bool merge_is_full(const struct merge *m);

/* Hands the rows that the wants [first, end) name to `take`, in order of time; their want counts from first.
 * Until it returns it may change what is missing in the row. */
void batch_rows(const struct batch *b, uint32_t first, uint32_t end,
	void (*take)(void *ctx, struct row *row), void *ctx);

/* Makes *from and *to enclose the times of the rows that the wants [first, end) name. */
void batch_times(const struct batch *b, uint32_t first, uint32_t end, uint64_t *from, uint64_t *to);

/* ---- for merge.c ---- */

struct run;

struct piece {
	const struct run *run;
	uint32_t at, n; /* rows of its memory */
	uint32_t
		alike; /* how many of the pieces that follow are of the same type: who wants none skips them */
};

struct batch {
	struct batch *next; /* of those that are not in use */
	uint32_t n_rows, n_pieces, n_ended;
	struct piece pieces[BATCH_ROWS];
	struct run
		*ended[BATCH_ROWS + 1]; /* whose last rows these are, or that have ended before */
};

#endif
