/* Weights of numbered things, slice by slice of the time, so that a page can show a part of it.
 *
 * Slices are narrow at first and become twice as wide when there are too many of them, or too many sums. */
#ifndef ANALYZE_SLICES_H
#define ANALYZE_SLICES_H

#include "format/base/map.h"
#include "render/tree_slices.h"

struct slices {
	uint64_t origin_ns, slice_ns;
	struct heat_weight *
		sums; /* owned; of slices (cell) and numbers (node), at the end those of the result */
	uint32_t n, cap;
	struct map by_key; /* slice << 32 | number -> number in sums */
	struct tree_slices result;
	uint64_t *edges; /* owned; of the result */
};

/* origin_ns is the trace's start, length_ns how long it is, about; 0: not known. */
void slices_init(struct slices *s, uint64_t origin_ns, uint64_t length_ns);
void slices_done(struct slices *s);

void slices_add(struct slices *s, uint64_t time_ns, uint32_t number, uint64_t weight);

/* A weight of nanoseconds, each where it was spent, `times` over. */
void slices_add_span(struct slices *s, uint64_t from_ns, uint64_t to_ns, uint32_t number,
	uint64_t times);

/* The sums by node of a tree: node_of says which a number has become, UINT32_MAX
 * that it is in no tree. Lives as long as s; nothing can be added then. */
const struct tree_slices *slices_finish(struct slices *s, const uint32_t *node_of);

#endif
