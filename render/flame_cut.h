/* Which frames of a large tree go into a picture.
 *
 * A tree may have a million nodes; a page should not. The heaviest are kept, up to a limit: since
 * a parent weighs at least as much as its child, what is kept is again a tree. Left out siblings
 * are drawn as one frame that says how many they are and holds their weight, so sums stay right. */
#ifndef RENDER_FLAME_CUT_H
#define RENDER_FLAME_CUT_H

#include "render/tree.h"

enum { FLAME_MAX_NODES = 30000, FLAME_MAX_NAME = 1000 };

struct flame_cut {
	uint8_t *keep; /* owned; one per node */
	uint32_t n_kept;
	uint32_t n_nodes;  /* nodes of the tree that weigh anything */
	uint64_t smallest; /* every node heavier than this is kept, and some that weigh the same */
};

/* What was left out below one node. */
struct flame_rest {
	uint64_t weight;
	uint32_t n; /* siblings; what they call is not counted */
};

/* Keeps at most max_nodes, and none narrower than min_percent of the whole. */
void flame_cut_init(struct flame_cut *c, const struct tree *t, uint32_t max_nodes,
	double min_percent);
void flame_cut_done(struct flame_cut *c);

struct flame_rest flame_rest_of(const struct flame_cut *c, const struct tree *t, uint32_t node);

/* The sentence that tells what is not in the picture, in the arena; "" if everything is. */
const char *flame_note(const struct flame_cut *c, const struct tree *t, struct arena *a);

/* A name, or a copy of it in the arena that is cut to FLAME_MAX_NAME bytes and ends in "…": a page
 * is bounded whatever the length of the names in a trace. */
const char *flame_name(struct arena *a, const char *name);

/* The least weight of a frame that is not narrower than this share of the whole; at least 1. */
uint64_t flame_smallest(const struct tree *t, double percent);

/* The smallest number that at most max of v are larger than. */
uint64_t flame_threshold(const uint64_t *v, uint32_t n, uint32_t max);

#endif
