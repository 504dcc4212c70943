/* What all outputs show of a histogram. */
#ifndef RENDER_HISTOGRAM_VIEW_H
#define RENDER_HISTOGRAM_VIEW_H

#include "render/number.h"
#include "render/report.h"

enum { N_PERCENTILES = 6 };

extern const struct percentile {
	double percent;
	const char *name; /* "p99.9" */
} percentiles[N_PERCENTILES];

/* The powers of two between the smallest and the largest value; see histogram_powers. */
struct histogram_view {
	uint64_t powers[HISTOGRAM_POWERS];
	uint64_t most;        /* the largest of them */
	unsigned first, last; /* those that hold something, and what is in between */
};

struct histogram_view histogram_view_of(const struct histogram *h);

/* A value for people, by its kind: 1.2 ms. */
char *value_text(char *buf, enum cell_kind kind, uint64_t v);

#endif
