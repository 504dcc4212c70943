/* Stacks of a trace become paths of a tree.
 *
 * Stacks share their outer frames, in the trace as in the tree: each node of a stack is looked up
 * once, however many stacks stand on it. */
#ifndef ANALYZE_FOLD_H
#define ANALYZE_FOLD_H

#include "format/segment.h"
#include "render/tree.h"

struct fold {
	struct tree *tree;             /* borrowed */
	const struct segment *segment; /* borrowed */
	struct arena *scratch;         /* of made-up names; borrowed */
	uint32_t base;                 /* node of the tree that stacks stand on */
	uint32_t *node_of;             /* owned; tree node of a stack node, valid for one base... */
	uint32_t *stamp;               /* ...if this is the base's stamp */
	uint32_t n_stacks, now;
	bool lines;           /* functions are parted by line; may be set before the first stack */
	uint32_t *tree_frame; /* owned; 1 + the tree's frame of a frame that has one name */
};

/* For the stacks of one segment. The scratch arena must live as long as the tree. */
void fold_init(struct fold *f, struct tree *tree, const struct segment *s, struct arena *scratch);
void fold_done(struct fold *f);

/* From now on stacks stand on this node: that of a process, or the root. */
void fold_onto(struct fold *f, uint32_t node);

/* The node of the tree where a stack ends, made if it is not there. */
uint32_t fold_stack(struct fold *f, uint32_t stack);

#endif
