/* A tree of frames with weights: what a flame graph draws.
 *
 * Built path by path from the root; paths that share a beginning share nodes. Node 0 is the root,
 * which stands for everything. Weights are counts of samples, nanoseconds, bytes: the unit says. */
#ifndef RENDER_TREE_H
#define RENDER_TREE_H

#include <stdint.h>

#include "format/base/arena.h"
#include "format/base/map.h"

/* Where a frame's code runs; decides colour and annotation. */
enum frame_kind {
	FRAME_NONE,    /* not code: a process, a thread, the root */
	FRAME_USER,    /* compiled code */
	FRAME_INLINED, /* inlined into its parent */
	FRAME_JIT,     /* made at run time */
	FRAME_KERNEL,
	FRAME_UNKNOWN, /* no name, or a mark such as [truncated] */
};

struct tree_node {
	const char *name;  /* in the tree's arena; may hold any bytes but zero */
	uint64_t self;     /* weight that ends here */
	uint64_t total;    /* self and everything above; set by tree_finish */
	uint32_t parent;
	uint32_t first_child, next; /* 0: none. In order of name after tree_finish */
	uint8_t kind;      /* enum frame_kind */
};

struct tree {
	struct arena arena;
	const char *unit;    /* "samples", "ns", "bytes" */
	struct tree_node *nodes; /* owned */
	uint32_t n_nodes, cap_nodes;
	struct map children; /* hash of (parent, kind, name) -> node */
	struct map names;    /* hash of name -> number in name_list */
	const char **name_list; /* owned */
	uint32_t n_names, cap_names;
};

void tree_init(struct tree *t, const char *unit);
void tree_done(struct tree *t);

/* The child of this name and kind, made if it is not there. The name's bytes are copied; zero bytes
 * in it become spaces. */
uint32_t tree_child(struct tree *t, uint32_t parent, const char *name, size_t len,
	enum frame_kind kind);

/* Adds weight that ends at a node. */
static inline void tree_add(struct tree *t, uint32_t node, uint64_t weight)
{
	t->nodes[node].self += weight;
}

/* Computes totals and sorts children by name, so that equal input gives equal output. */
void tree_finish(struct tree *t);

#endif
