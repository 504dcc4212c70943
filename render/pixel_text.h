/* How wide text is in a drawn picture, where nobody can be asked: the widths of DejaVu Sans, which
 * are those of Verdana; other fonts that a viewer may use instead are narrower. */
#ifndef RENDER_PIXEL_TEXT_H
#define RENDER_PIXEL_TEXT_H

#include <stddef.h>

/* Pixels that visible text (see escape.h) takes at a font size. */
double pixel_width(const char *s, double size);

/* The number of its bytes that fit; a character is never cut. */
size_t pixel_fit(const char *s, double size, double room);

#endif
