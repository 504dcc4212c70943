/* How much of a set of spans of time lies over each other. */
#ifndef FORMAT_OVERLAP_H
#define FORMAT_OVERLAP_H

#include <stddef.h>
#include <stdint.h>

struct span {
	uint64_t first, last; /* both inside; last < first counts as first */
	uint64_t weight;
};

/* The largest sum of weights at one moment. Reorders the spans. */
uint64_t overlap_peak(struct span *spans, size_t n);

#endif
