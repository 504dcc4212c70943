/* Requests that a disk still had when the recording ended: a table of `ana block`. They are in none of the
 * other sums, as nobody knows what they took. */
#ifndef ANALYZE_BLOCK_UNFINISHED_H
#define ANALYZE_BLOCK_UNFINISHED_H

#include "analyze/analyzer.h"
#include "analyze/longest.h"

struct block_unfinished_rows {
	struct longest longest;
	uint64_t n;
};

extern const char *const block_unfinished_fields[];
extern const uint32_t block_unfinished_n_fields;

void block_unfinished_init(struct block_unfinished_rows *u, uint32_t top);
void block_unfinished_done(struct block_unfinished_rows *u);

/* Takes a row of event block_unfinished with the fields above. */
void block_unfinished_row(struct block_unfinished_rows *u, const struct row *row);

/* The table, if there are any. To be called once. */
void block_unfinished_report(struct block_unfinished_rows *u, const struct trace_facts *f,
	struct report *r);

#endif
