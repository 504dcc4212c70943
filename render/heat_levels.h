/* The colours of a heatmap: how many steps, and which counts each stands for.
 *
 * Counts in a heatmap are often a thousand times apart, so the steps are even on a log scale from 1
 * to the largest count, unless the heatmap asks for even ones; shares of a whole (heatmap.full) are
 * divided evenly. Colours get darker (on a
 * dark background lighter) from step to step, so nobody needs to tell hues apart. `most` is a power
 * of two. */
#ifndef RENDER_HEAT_LEVELS_H
#define RENDER_HEAT_LEVELS_H

#include <stdint.h>
#include <stdio.h>

#include "render/report.h"

enum { HEAT_COLORS = 16 };

struct heat_levels {
	unsigned n; /* at most HEAT_COLORS, or fewer if there are fewer counts */
	/* The smallest count of each; behind the last the largest. */
	uint64_t from[HEAT_COLORS + 1];
};

/* At most `most` levels for the counts of a heatmap. */
struct heat_levels heat_levels_of(const struct heatmap *h, unsigned most);

/* 0 for a cell without anything, otherwise from 1 to n. */
unsigned heat_level(const struct heat_levels *l, uint64_t count);

/* The colour of a level, from 0 to HEAT_COLORS - 1: the first and last are always used. Its CSS
 * class is `h` and this number. */
unsigned heat_color(const struct heat_levels *l, unsigned level);

/* 0xrrggbb on a light background. */
uint32_t heat_light(unsigned color);

/* One CSS rule for each colour, and those for a dark background in a media query. */
void heat_put_css(FILE *out);

#endif
