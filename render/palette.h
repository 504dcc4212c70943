/* The colours of frames. The hue says the kind; within a kind the name picks one of a few shades,
 * so that neighbours differ and a function looks the same in every graph.
 *
 * Chosen in OKLCH so that kinds stay apart for people who see no red, green or blue (simulated
 * after Machado et al. 2009) and text on them has a contrast of at least 4.6:1. */
#ifndef RENDER_PALETTE_H
#define RENDER_PALETTE_H

#include <stdint.h>
#include <stdio.h>

#include "render/tree.h"

enum { PALETTE_SHADES = 8, PALETTE_SIZE = FRAME_N_KINDS * PALETTE_SHADES };

/* A frame's place in the palette: its CSS class is `c` and this number. */
unsigned palette_index(const struct tree_frame *f);

/* 0xrrggbb on a light background. */
uint32_t palette_light(unsigned index);

/* One CSS rule for each colour, and those for a dark background in a media query. Write them after
 * the style sheets of page/. */
void palette_put_css(FILE *out);

#endif
