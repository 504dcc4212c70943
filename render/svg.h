/* Pieces of SVG that drawn pictures are made of. Colours are attributes for viewers without style
 * sheets; page/still.css has those of dark windows. */
#ifndef RENDER_SVG_H
#define RENDER_SVG_H

#include <stdio.h>

#define SVG_MUTED " class=\"muted\" fill=\"#59606d\""

/* A number in pixels as an attribute: one decimal and a point, whatever the locale. */
void svg_put_pixels(FILE *out, const char *attribute, double v);

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

/* Text of 11 pixels in height on a base line; what it says is made safe. */
void svg_put_label(FILE *out, double x, double y, enum svg_anchor anchor, const char *text);

/* A line of the axes. */
void svg_put_line(FILE *out, double x1, double y1, double x2, double y2);

#endif
