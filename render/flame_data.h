/* What the script in the page gets: JSON texts that are inert wherever they are put, each in an element of
 * its own, so that it is read only when its part of the page comes into sight. The first,
 * <script id="report-data">, is
 *
 *	{"title": "...", "subtitle": "...", "notes": [["warning", "..."]],
 *	 "pictures": [["tree", "cpu", "..."]],           tree or drawn, id, title: of sections in order
 *	 "parts": [["tree", "cpu", "..."]]}              what has data: tree, empty (a tree without any weight),
 *	                                                 heatmap, stacks (a heatmap with a tree), timeline, and
 *	                                                 table and histogram, if they know what came when
 *
 * and for each of the parts, in their order, there is a <script class="data">: of a timeline see
 * render/timeline_data.h, of heatmaps render/heat_data.h, of tables and histograms render/table_slices.h
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

/* Rows of a table that a page shows: browsers are slow with very long tables, and so are people. */
enum { PAGE_MAX_ROWS = 2000 };

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

/* The elements of the whole report, as far as the script needs it; heatmaps as drawn in so many pixels. */
void flame_data_put(FILE *out, const struct report *r, const struct render_options *o,
	unsigned width);

#endif
