#include "analyze/fold.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/frames.h"

enum { MAX_DEPTH = 2048 }; /* frames of a stack that are drawn; hostile traces have more */

void fold_init(struct fold *f, struct tree *tree, const struct segment *s, struct arena *scratch)
{
	*f = (struct fold){ .tree = tree,
		.segment = s,
		.scratch = scratch,
		.n_stacks = s->n_stacks,
		.now = 1 };
	f->node_of = xcalloc(f->n_stacks, sizeof(*f->node_of));
	f->stamp = xcalloc(f->n_stacks, sizeof(*f->stamp));
	f->tree_frame = xcalloc(s->n_frames, sizeof(*f->tree_frame));
}

void fold_done(struct fold *f)
{
	free(f->node_of);
	free(f->stamp);
	free(f->tree_frame);
}

void fold_onto(struct fold *f, uint32_t node)
{
	f->base = node;
	f->now++;
}

/* "parse config.c:97" */
static void add_line(struct fold *f, struct frame_name *name)
{
	struct text file = frames_file_name(name->file);

	if (!f->lines || !file.len || !name->line)
		return;
	name->s = arena_printf(f->scratch, "%.*s %.*s:%u", (int)name->len, name->s, (int)file.len,
		file.s, name->line);
	name->len = strlen(name->s);
}

static uint32_t add_names(struct fold *f, uint32_t parent, uint32_t frame)
{
	struct frame_name names[FRAME_NAMES];
	bool known = frame < f->segment->n_frames;
	uint32_t number = 0, n_frames = f->tree->n_frames;
	struct arena_mark mark = arena_mark(f->scratch);
	unsigned n;

	if (known && f->tree_frame[frame])
		return tree_child_of(f->tree, parent, f->tree_frame[frame] - 1);
	n = frames_name(f->segment, frame, f->scratch, names);
	for (unsigned i = 0; i < n; i++) {
		add_line(f, &names[i]);
		number = tree_frame(f->tree, names[i].s, names[i].len, names[i].kind,
			names[i].module);
		parent = tree_child_of(f->tree, parent, number);
	}
	if (f->tree->n_frames == n_frames)
		arena_rewind(f->scratch, mark); /* the tree has had them before */
	if (known && n == 1)
		f->tree_frame[frame] = number + 1;
	return parent;
}

/* Where the outermost frames are missing a frame says so: what stands on it is no entry point. */
static uint32_t add_root(struct fold *f, uint32_t stack)
{
	uint8_t flags = segment_stack_flags(f->segment, stack);
	const char *name = flags & STACK_TRUNCATED ? "[truncated]" : "[broken stack]";

	if (!(flags & (STACK_TRUNCATED | STACK_BROKEN)))
		return f->base;
	return tree_child(f->tree, f->base, name, strlen(name), FRAME_UNKNOWN);
}

static bool is_known(const struct fold *f, uint32_t stack)
{
	return stack && stack < f->n_stacks && f->stamp[stack] == f->now;
}

/* Made from the nearest outer node that is known. */
uint32_t fold_stack(struct fold *f, uint32_t stack)
{
	uint32_t path[MAX_DEPTH], n = 0, node;

	for (; stack && stack < f->n_stacks && !is_known(f, stack) && n < MAX_DEPTH;
		stack = segment_stack_parent(f->segment, stack))
		path[n++] = stack;
	node = is_known(f, stack) ? f->node_of[stack] : f->base;
	while (n-- > 0) {
		uint32_t parent = segment_stack_parent(f->segment, path[n]);

		node = parent ? add_names(f, node, segment_stack_frame(f->segment, path[n]))
			      : add_root(f, path[n]);
		f->node_of[path[n]] = node;
		f->stamp[path[n]] = f->now;
	}
	return node;
}
