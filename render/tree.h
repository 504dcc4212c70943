/* A tree of frames with weights: what a flame graph draws.
 *
 * Built path by path from the root; paths that share a beginning share nodes. Node 0 is the root,
 * which stands for everything. A frame is a name, a module and a kind, stored once however many
 * nodes show it. Weights are counts of samples, nanoseconds, bytes: the unit says.
 *
 * A stack from a hostile trace may be a hundred thousand frames deep, so nothing that walks a tree
 * recurses: tree_next goes from node to node in the order of a drawing. */
#ifndef RENDER_TREE_H
#define RENDER_TREE_H

#include <stdbool.h>
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
	FRAME_N_KINDS,
};

struct tree_frame {
	const char *name; /* in the tree's arena; any bytes but zero */
	/* Program, library or kernel module that holds the code; "" if not known. */
	const char *module;
	uint32_t rank; /* its place in the order of names; set by tree_finish */
	uint8_t kind;  /* enum frame_kind */
};

struct tree_node {
	uint64_t self;  /* weight that ends here */
	uint64_t total; /* self and everything above; set by tree_finish */
	uint32_t parent;
	uint32_t first_child, next; /* 0: none. In order of name; set by tree_finish */
	uint32_t frame;             /* in frames */
};

struct tree {
	struct arena arena;
	const char *unit;          /* "samples", "ns", "bytes" */
	struct tree_node *nodes;   /* owned; a parent comes before its children */
	struct tree_frame *frames; /* owned */
	uint32_t n_nodes, cap_nodes;
	uint32_t n_frames, cap_frames;
	struct map children; /* (parent, frame) -> node */
	struct map by_hash;  /* hash of kind, module and name -> frame */
};

void tree_init(struct tree *t, const char *unit);
void tree_done(struct tree *t);

/* The number of a frame, made if it is not there; the same for equal arguments, so that a caller
 * who meets an address again can skip this. Bytes are copied; zero bytes become spaces. */
uint32_t tree_frame(struct tree *t, const char *name, size_t len, enum frame_kind kind,
	const char *module);

/* The child of this frame, made if it is not there. */
uint32_t tree_child_of(struct tree *t, uint32_t parent, uint32_t frame);

/* Both in one, for frames without a module. */
uint32_t tree_child(struct tree *t, uint32_t parent, const char *name, size_t len,
	enum frame_kind kind);

/* Adds weight that ends at a node. */
static inline void tree_add(struct tree *t, uint32_t node, uint64_t weight)
{
	if (__builtin_add_overflow(t->nodes[node].self, weight, &t->nodes[node].self))
		t->nodes[node].self = UINT64_MAX;
}

/* Computes totals and sorts children by name, so that equal input gives equal output whatever
 * order it came in. More may be added and the tree finished again. */
void tree_finish(struct tree *t);

static inline const struct tree_frame *tree_frame_of(const struct tree *t, uint32_t node)
{
	return &t->frames[t->nodes[node].frame];
}

/* The node after this one when parents come before children; 0 behind the last. `descend` false
 * leaves out what is above the node. *depth follows (the root's is 0). */
static inline uint32_t tree_next(const struct tree *t, uint32_t node, bool descend, uint32_t *depth)
{
	if (descend && t->nodes[node].first_child) {
		++*depth;
		return t->nodes[node].first_child;
	}
	while (node && !t->nodes[node].next) {
		node = t->nodes[node].parent;
		--*depth;
	}
	return node ? t->nodes[node].next : 0;
}

/* "user", "kernel"...: the same word in every output. */
const char *frame_kind_name(enum frame_kind kind);

/* "_[k]" and the like, as stackcollapse-perf.pl marks frames; "" for ordinary ones. */
const char *frame_kind_mark(enum frame_kind kind);

#endif
