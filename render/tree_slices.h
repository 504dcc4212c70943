/* What of a tree's weight came when, so that a page can show the tree of a part of the time.
 *
 * In the page, behind the tree's own numbers (render/flame_data.h):
 *
 *	"slices": {"edges": [0, 1048576, ...], "weights": [0, 2, 1, 7, 3, 4, ...]}
 *
 * Slice i is edges[i] <= time < edges[i + 1], in ns since the trace's start. `weights` is as in
 * render/heat_data.h: how many slices to go on, the number of pairs that follow, and pairs of how many triples
 * of `nodes` to go on and the weight there. */
#ifndef RENDER_TREE_SLICES_H
#define RENDER_TREE_SLICES_H

#include "render/flame_data.h"

enum {
	TREE_MAX_SLICES = 400,
	SLICES_MAX_PAIRS = 100000, /* in a page, of each tree: some 6 bytes each */
};

struct tree_slices {
	uint32_t n;
	const uint64_t *edges;             /* n + 1 */
	const struct heat_weight *weights; /* cell: the slice; in order of slice and node */
	size_t n_weights;
};

/* Writes `"slices":{...}`. Slices are put together until there are at most max_pairs. */
void tree_slices_put(FILE *out, const struct tree_slices *s, const struct flame_entries *entries,
	size_t max_pairs);

#endif
