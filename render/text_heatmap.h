/* Heatmaps and histograms on a terminal. */
#ifndef RENDER_TEXT_HEATMAP_H
#define RENDER_TEXT_HEATMAP_H

#include "render/render.h"

/* Lines of shaded cells, the axes, and what the shades mean. */
void text_heatmap_put(FILE *out, const struct heatmap *h, const struct render_options *o);

/* Powers of two with bars, as bcc's tools print them, and percentiles. */
void text_histogram_put(FILE *out, const struct distribution *d, const struct render_options *o);

#endif
