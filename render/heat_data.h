/* A heatmap as the script in the page gets it, beside the drawing:
 *
 *	{"id": "map", "title": "...", "counted": "requests", "full": 0,
 *	 "plot": [60, 18, 3, 4],                         left, top, width and height of a cell
 *	 "x": [0, 15625, ...],                           edges, in ns
 *	 "y": {"title": "Latency", "unit": "ns", "edges": [4, 8, ...]},   addresses are texts
 *	 "cells": [5, 3, -12, 1],                        counts row after row from below; -n: n times 0
 *	 "flame": {"range": true, "block": 1, "tree": {...}, "weights": [2, 1, 7, 3, ...]}}
 *
 * The tree is one of render/flame_data.h. `weights` says what of it each block of cells has, which is
 * `block` rows of one column: how many blocks to go on (row after row from below), the number of
 * pairs that follow, and pairs of how many triples of `nodes` to go on and the weight there. */
#ifndef RENDER_HEAT_DATA_H
#define RENDER_HEAT_DATA_H

#include <stdio.h>

#include "render/heat_still.h"
#include "render/render.h"

/* What the heatmaps of one page may hold together: some 5 bytes each. */
enum { HEAT_MAX_WEIGHTS = 1200000 };

/* The drawing is the one that the page has. */
void heat_data_put(FILE *out, const struct section *s, const struct heat_picture *p,
	const struct render_options *o, size_t max_weights);

#endif
