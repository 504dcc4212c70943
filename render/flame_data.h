/* The tree as the script in the page gets it: one JSON text that is inert wherever it is put.
 *
 *	{"title": "...", "subtitle": "...", "notes": [["warning", "..."]],
 *	 "pictures": [["tree", "cpu", "..."]],           tree or drawn, id, title: of sections in order
 *	 "trees": [...],
 *	 "heatmaps": [...]}                              see render/heat_data.h
 *
 * and a tree is
 *
 *	{"id": "cpu", "title": "...", "unit": "samples", "note": "...", "icicle": false,
 *	 "modules": ["", "libc.so.6"],
 *	 "frames": ["main", 0, 12, "memcpy", 1, 9],      name, module, palette index: in order of name
 *	 "nodes": [0, 0, 3, 1, -25, 40, 0, 1, 97],       up, frame, self: in order of drawing
 *	 "leaves": [1, 30, 2, -7, 8]}                    frame, self, stacks; at the end -frames, self
 *
 * The first node is the root; `up` says how many levels to climb from the node before to find the
 * parent (0: the node before is the parent). A negative frame -n stands for n left out siblings,
 * children of the last real node, and `self` for all their weight. `leaves` gives the left out
 * weight by the frame it ends in, for the view that merges by leaf; pairs -n, weight at its end
 * are frames that were left out there too. Names are visible text (see escape.h). */
#ifndef RENDER_FLAME_DATA_H
#define RENDER_FLAME_DATA_H

#include <stdio.h>

#include "render/flame_cut.h"
#include "render/render.h"

/* Where the weight of each node of a tree is in `nodes`: the number of a triple, that of the node or
 * of what stands for the left out children of a node below it. */
struct flame_entries {
	uint32_t *of; /* owned; by node */
	uint32_t n;   /* triples */
};

void flame_entries_init(struct flame_entries *e, const struct tree *t, const struct flame_cut *cut);
void flame_entries_done(struct flame_entries *e);

/* One tree, of which the cut keeps what is in the page. */
void flame_data_put_tree(FILE *out, const struct section *s, const struct flame_cut *cut,
	const struct render_options *o);

/* The whole report as far as the script needs it: title, subtitle, notes, all trees and heatmaps; the
 * latter as drawn in so many pixels. */
void flame_data_put(FILE *out, const struct report *r, const struct render_options *o,
	unsigned width);

#endif
