#include "render/stack_line.h"

#include <stdlib.h>
#include <string.h>

static size_t append(struct stack_line *l, size_t at, const char *s)
{
	size_t len = strlen(s);

	if (at + len + 1 > l->cap) {
		l->cap = (at + len + 1) * 2;
		l->text = xrealloc(l->text, l->cap, 1);
	}
	memcpy(l->text + at, s, len + 1);
	return at + len;
}

void stack_line_init(struct stack_line *l, const struct tree *t, enum escape_for how, bool annotate,
	const char *first)
{
	memset(l, 0, sizeof(*l));
	l->tree = t;
	l->how = how;
	l->annotate = annotate;
	l->names = xcalloc(t->n_frames, sizeof(*l->names));
	l->ends[0] = append(l, 0, escape_copy(&l->arena, how, first));
}

void stack_line_done(struct stack_line *l)
{
	free(l->names);
	free(l->text);
	arena_done(&l->arena);
	memset(l, 0, sizeof(*l));
}

static const char *name_of(struct stack_line *l, uint32_t frame)
{
	const struct tree_frame *f = &l->tree->frames[frame];

	if (!l->names[frame])
		l->names[frame] = escape_copy(&l->arena, l->how, *f->name ? f->name : "(no name)");
	return l->names[frame];
}

const char *stack_line_set(struct stack_line *l, uint32_t node, uint32_t depth)
{
	uint32_t frame = l->tree->nodes[node].frame;
	size_t at;

	if (depth == 0) {
		l->text[l->ends[0]] = '\0';
		return l->text;
	}
	at = l->ends[depth - 1];
	at = append(l, at, at ? ";" : "");
	at = append(l, at, name_of(l, frame));
	if (l->annotate)
		at = append(l, at, frame_kind_mark(l->tree->frames[frame].kind));
	l->ends[depth] = at;
	return l->text;
}
