/* What of the numbers in a table came when, so that a page can show the table of a part of the time.
 *
 * Of each thing that is counted it is known slice by slice how much its sums grew, and how its values (times,
 * sizes) are distributed, in the steps of a coarse log-linear scale. Columns say how they are made of
 * these (struct column_part), so the page needs to know nothing of what a table is about.
 *
 * In the page:
 *
 *	{"step": 1048576, "n": 300,                      slices of so many ns since the trace's start
 *	 "sums": 2, "histograms": 1, "bits": 3, "room": 498,   see below
 *	 "columns": [["same", 0, 0, "text"], ["sum", 0, 0, "count"], ["percentile", 0, 99, "ns"], ...],
 *	 "number": 0, "value": "Latency", "unit": "ns", "counted": "requests",   of a drawn histogram
 *	 "rows": ["...", ...]}
 *
 * A row of which nothing is known is null. Else it is a list of numbers: how many slices to go on, how many pairs
 * follow, and pairs of how many codes to go on and a value. Codes below `sums` are sums. Behind those each histogram
 * has `room` codes: the sum of its values, the largest, and the counts of its steps, log_scale.h with `bits` bits. A
 * number is written in digits of five bits, lowest first, 32 more if another one follows, as A-Z a-z 0-9 - _. */
#ifndef RENDER_TABLE_SLICES_H
#define RENDER_TABLE_SLICES_H

#include <stdio.h>

#include "format/base/log_scale.h"
#include "render/report.h"

enum {
	SLICE_BITS = 3, /* of the scale: steps are at most 1/8 of their values wide */
	SLICE_ROOM = 2 + ((64 - SLICE_BITS + 1) << SLICE_BITS), /* codes of a histogram */
	SLICE_SUM = 0,
	SLICE_MAX = 1,
	SLICE_STEPS = 2,
	TABLES_MAX_PAIRS = 400000, /* in a page, of all tables together: some 3 bytes each */
};

struct slice_weight {
	uint32_t thing;
	uint16_t slice, code;
	uint64_t value;
};

struct table_slices {
	uint64_t slice_ns;
	uint32_t n; /* slices */
	unsigned n_sums, n_histograms;
	const struct slice_weight *weights; /* in order of thing, slice and code */
	size_t n_weights;
	uint32_t n_things; /* of those from this number on nothing is known; 0: it is of all */
};

/* Whether a code is the largest value of a histogram: of those the larger counts, all others are added. */
static inline bool slice_code_is_max(const struct table_slices *s, unsigned code)
{
	return code >= s->n_sums && (code - s->n_sums) % SLICE_ROOM == SLICE_MAX;
}

/* What a table, or a histogram's section, has in a page as it is: the number of pairs. */
size_t table_slices_pairs(const struct section *s, uint32_t max_rows);

/* Writes the object. Slices are put together until there are at most max_pairs. */
void table_slices_put(FILE *out, const struct section *s, uint32_t max_rows, size_t max_pairs);

/* Whether a section has such numbers. */
bool table_slices_known(const struct section *s);

#endif
