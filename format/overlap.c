/* A sweep over time: beginnings in order of `first`, ends in order of `last`. */
#include "format/overlap.h"

#include <stdlib.h>

#include "format/base/arena.h"

struct moment {
	uint64_t time, weight;
};

static int by_first(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

uint64_t overlap_peak(struct span *spans, size_t n)
{
	struct moment *ends = xcalloc(n, sizeof(*ends));
	uint64_t now = 0, peak = 0;
	size_t ended = 0;

	for (size_t i = 0; i < n; i++) {
		ends[i].time = spans[i].last < spans[i].first ? spans[i].first : spans[i].last;
		ends[i].weight = spans[i].weight;
	}
	qsort(spans, n, sizeof(*spans), by_first);
	qsort(ends, n, sizeof(*ends), by_time);
	for (size_t i = 0; i < n; i++) {
		for (; ends[ended].time < spans[i].first; ended++)
			now -= ends[ended].weight;
		now += spans[i].weight;
		peak = now > peak ? now : peak;
	}
	free(ends);
	return peak;
}
