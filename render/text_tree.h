/* A tree as indented text. */
#ifndef RENDER_TEXT_TREE_H
#define RENDER_TEXT_TREE_H

#include "render/render.h"

/* Frames below o->min_percent (default half a percent) of the whole are counted, not listed. */
void text_tree_put(FILE *out, const struct tree *t, const struct render_options *o);

#endif
