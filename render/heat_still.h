/* Heatmaps and histograms as drawn by us: SVG that needs no script. In a browser page/heat.js makes a
 * heatmap answer; what it must know of the drawing is in struct heat_picture. */
#ifndef RENDER_HEAT_STILL_H
#define RENDER_HEAT_STILL_H

#include <stdio.h>

#include "render/heatmap.h"

/* Pixels; places are relative to the upper left corner. */
struct heat_picture {
	struct heatmap map; /* what is drawn: coarser than what was asked for if there is no room */
	const struct heat_flame *flame; /* of what was asked for; NULL: none */
	uint32_t n_columns,
		merged;     /* that was asked for; how many of them are one in the drawing */
	unsigned left, top; /* of the cells */
	unsigned cell_width, cell_height;
	unsigned width, height; /* of everything */
};

/* How a heatmap is drawn in so many pixels. A coarser copy lives in the arena. */
struct heat_picture heat_picture_of(const struct heatmap *h, unsigned width, struct arena *a);

/* Draws it with its upper left corner at (x, y). */
void heat_still_put(FILE *out, const struct heat_picture *p, unsigned x, unsigned y);

/* The pixels that histograms take in height. */
unsigned histogram_still_height(const struct distribution *d);
void histogram_still_put(FILE *out, const struct distribution *d, unsigned x, unsigned y,
	unsigned width);

#endif
