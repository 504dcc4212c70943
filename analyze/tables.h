/* What the tables of analyzers have in common: how many rows they show. */
#ifndef ANALYZE_TABLES_H
#define ANALYZE_TABLES_H

#include "analyze/options.h"
#include "format/base/histogram.h"
#include "render/report.h"

/* Rows at the most (--top). */
uint32_t tables_top(const struct analyze_options *o);

/* Tells if only the first `shown` of n are in the table. */
void tables_tell_cut(struct report *r, const char *what, uint32_t n, uint32_t shown);

/* Bytes that the histograms of one analyzer may take together, and whether that was too little. */
#define TABLES_HISTOGRAMS (192u << 20)
void tables_tell_budget(struct report *r, const struct histogram_budget *b);

/* The first, or all if there are fewer. */
static inline uint32_t tables_first(const struct analyze_options *o, uint32_t n)
{
	uint32_t top = tables_top(o);

	return n < top ? n : top;
}

#endif
