/* An open block: the columns that somebody wants of it, decoded, or of a large one a slice of them. Made by
 * merge.c, looked at by batch.c. */
#ifndef FORMAT_RUN_H
#define FORMAT_RUN_H

#include <string.h>

#include "format/binding.h"

/* A field of a want, and where its column begins: that many values behind the first of all wide columns, or of all
 * narrow ones. */
struct varying {
	uint32_t field, begin;
};

struct run {
	struct merge *merge; /* that it is of */
	struct run *next_free;
	struct segment *segment;
	const struct binding *binding;
	struct block_ref ref; /* of a file: where it can be decoded again */
	/* Owned; the columns that are needed, of `rows` rows each: the wide ones, behind them the narrow ones, whose
	 * values have 32 bits. */
	uint64_t *memory;
	size_t cap;     /* words of memory */
	uint64_t *late; /* owned; columns that are needed late, all wide; NULL: not yet */
	uint32_t n, at, stream, reader;
	/* For each match of the binding: its row so far as it is the same in all rows, and the fields that are not.
	 * Both at the match's first_value, owned. */
	uint64_t *same;
	struct varying *varying;
	struct n_varying {
		uint32_t n, n_wide;         /* those of wide columns come first */
	} * n_varying;                      /* owned; by number of the match */
	uint64_t constant[MAX_FIELDS / 64]; /* bit i: column i has its only value at row 0 */
	uint32_t base, rows;                /* memory has the rows [base, base + rows)... */
	uint32_t count;                     /* ...of so many */
	uint64_t time;                      /* of the row `at` */
	uint64_t sequence;
};

/* Times of the rows in memory, on the clock of their segment: time is the first column. */
static inline const uint64_t *run_times(const struct run *r)
{
	return r->memory;
}

static inline bool run_is_constant(const struct run *r, uint32_t column)
{
	return r->constant[column / 64] >> column % 64 & 1;
}

/* A narrow column, by its number among all that are needed. */
static inline uint32_t *run_narrow(const struct run *r, uint32_t column)
{
	uint32_t n_wide = r->binding->n_wide;

	return (uint32_t *)(r->memory + (size_t)n_wide * r->rows) +
		(size_t)(column - n_wide) * r->rows;
}

/* A needed column's value at row number `at` of the memory. */
static inline uint64_t run_value(const struct run *r, uint32_t column, uint32_t at)
{
	at = run_is_constant(r, column) ? 0 : at;
	if (column >= r->binding->n_wide)
		return run_narrow(r, column)[at];
	return r->memory[(size_t)column * r->rows + at];
}

/* What is the same for all rows of a run that a want sees. */
static inline void run_begin_row(const struct run *r, const struct match *m, uint64_t *values,
	struct row *row)
{
	memcpy(values, r->same + m->first_value, m->n_fields * sizeof(*values));
	*row = (struct row){ .segment = r->segment,
		.type = r->binding->type,
		.stream = r->stream,
		.reader = r->reader,
		.want = m->want,
		.missing = m->missing,
		.values = values,
		.run = r,
		.match = m };
}

/* The rest: row number `at` of the run's memory. */
static inline void run_fill_row(const struct run *r, const struct match *m, uint32_t at,
	uint64_t *values, struct row *row)
{
	const struct varying *varying = r->varying + m->first_value;
	const struct n_varying n = r->n_varying[m - r->binding->matches];
	const uint64_t *v = r->memory + at;
	const uint32_t *narrow = run_narrow(r, r->binding->n_wide) + at;

	for (uint32_t i = 0; i < n.n_wide; i++)
		values[varying[i].field] = v[varying[i].begin];
	for (uint32_t i = n.n_wide; i < n.n; i++)
		values[varying[i].field] = narrow[varying[i].begin];
	row->time = v[0] + (uint64_t)r->segment->shift_ns;
	row->at = at;
}

#endif
