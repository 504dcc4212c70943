/* A flame graph as drawn by us: rectangles and text in SVG, for viewers that run no script.
 *
 * What is too narrow to see is merged as in the live picture; what is too high is left out, as a
 * picture of a hundred thousand rows is no use: the caller says so. */
#ifndef RENDER_FLAME_STILL_H
#define RENDER_FLAME_STILL_H

#include <stdbool.h>
#include <stdio.h>

#include "render/tree.h"

enum { STILL_ROW = 18, STILL_MAX_ROWS = 400 };

struct still_shape {
	unsigned width;    /* pixels */
	unsigned rows;     /* that are drawn */
	bool is_higher;    /* there are more rows than STILL_MAX_ROWS */
	uint64_t smallest; /* lighter frames are merged even if they are wide enough to be seen */
};

struct still_shape flame_still_shape(const struct tree *t, unsigned width, double min_percent);

/* Draws into the rectangle whose upper left corner is (x, y). */
void flame_still_put(FILE *out, const struct tree *t, const struct still_shape *shape, unsigned x,
	unsigned y, bool icicle);

#endif
