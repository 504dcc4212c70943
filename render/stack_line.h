/* The frames from the root to a node as one line, joined by `;`.
 *
 * While a tree is walked in order of drawing the line grows and shrinks at its end, so that no
 * frame is written twice. Lines are cut after STACK_LINE_MAX frames: the lines of a stack that is a
 * hundred thousand frames deep would otherwise take gigabytes, as each repeats those before. */
#ifndef RENDER_STACK_LINE_H
#define RENDER_STACK_LINE_H

#include "render/escape.h"
#include "render/tree.h"

enum { STACK_LINE_MAX = 1024 };

struct stack_line {
	const struct tree *tree;
	enum escape_for how;
	bool annotate;
	const char **names; /* owned; of frames, as escaped, once they were needed */
	char *text;         /* owned */
	size_t cap;
	size_t ends[STACK_LINE_MAX +
		1]; /* the length of the line with the frames down to a depth */
	struct arena arena;
};

/* `first` comes before all frames; may be "". */
void stack_line_init(struct stack_line *l, const struct tree *t, enum escape_for how, bool annotate,
	const char *first);
void stack_line_done(struct stack_line *l);

/* The line of a node at a depth of at most STACK_LINE_MAX, whose parent's was the last one asked
 * for with depth - 1. The root itself is left out. Valid until the next call. */
const char *stack_line_set(struct stack_line *l, uint32_t node, uint32_t depth);

#endif
