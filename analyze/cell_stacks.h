/* Which stacks the events of a heatmap's cells have, so that a page can show the flame graph of a
 * selection.
 *
 * Counted are (cell, stack) pairs by number, at most MAX_CELL_STACKS; if there are more, the heatmap's
 * columns become twice as wide, and pairs fall together. */
#ifndef ANALYZE_CELL_STACKS_H
#define ANALYZE_CELL_STACKS_H

#include "format/base/map.h"
#include "format/merge.h"
#include "render/heatmap.h"
#include "render/tree.h"

enum { MAX_CELL_STACKS = 2000000 };

/* A stack under the name of a thread. */
struct named_stack {
	struct segment *segment;
	uint32_t comm, stack;
};

struct cell_stack {
	uint32_t cell, stack; /* stack: a number in stacks */
	uint64_t weight;
};

/* The stacks that were met in one segment. */
struct segment_stacks {
	struct segment *segment;
	struct map by_key; /* comm << 32 | stack -> number in stacks */
};

struct cell_stacks {
	struct segment_stacks *segments; /* owned */
	struct named_stack *stacks;      /* owned */
	struct cell_stack *cells;        /* owned */
	struct map by_cell;              /* cell << 32 | stack -> number in cells */
	uint32_t n_segments, n_stacks, cap_stacks, n_cells, cap_cells;
	uint64_t n_dropped; /* weight for which there was no room in a single column */
	struct tree tree;
	struct arena scratch;
	struct heat_flame flame;
	struct heat_weight *weights; /* owned; of flame */
};

void cell_stacks_init(struct cell_stacks *c);
void cell_stacks_done(struct cell_stacks *c);

/* Adds an event to the heatmap, and its stack (0: none) to the cell. */
void cell_stacks_add(struct cell_stacks *c, struct heatmap_builder *b, const struct row *row,
	uint32_t comm, uint32_t stack, uint64_t value, uint64_t weight);

/* Makes the tree, when the builder is given no more, and hands it out with the weights of the cells
 * that the builder's heatmap will have. Lives as long as c. */
const struct heat_flame *cell_stacks_finish(struct cell_stacks *c, const struct heatmap_builder *b,
	const char *unit);

#endif
