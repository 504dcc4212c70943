/* Nodes are found by (parent, frame) in one hash map, so adding a stack costs one lookup per frame
 * and no list is kept in order while it grows. Order and totals come at the end: ranks of all
 * frames from one sort, then one pass that hangs the nodes, highest rank first, in front of their
 * parent's list. No step depends on how deep the tree is. */
#include "render/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void tree_init(struct tree *t, const char *unit)
{
	memset(t, 0, sizeof(*t));
	t->unit = unit;
	map_init(&t->children, 0);
	map_init(&t->by_hash, 0);
	t->nodes = xcalloc(1, sizeof(*t->nodes));
	t->n_nodes = t->cap_nodes = 1;
	tree_frame(t, "all", 3, FRAME_NONE, "");
}

void tree_done(struct tree *t)
{
	arena_done(&t->arena);
	map_done(&t->children);
	map_done(&t->by_hash);
	free(t->nodes);
	free(t->frames);
	memset(t, 0, sizeof(*t));
}

/* ---- frames ---- */

static bool same_frame(const struct tree_frame *f, const char *name, size_t len,
	enum frame_kind kind, const char *module)
{
	return f->kind == kind && !strncmp(f->name, name, len) && !f->name[len] &&
		!strcmp(f->module, module);
}

static uint32_t add_frame(struct tree *t, const char *name, size_t len, enum frame_kind kind,
	const char *module)
{
	struct tree_frame *f;

	if (t->n_frames == t->cap_frames) {
		t->cap_frames = t->cap_frames ? t->cap_frames * 2 : 64;
		t->frames = xrealloc(t->frames, t->cap_frames, sizeof(*t->frames));
	}
	f = &t->frames[t->n_frames];
	*f = (struct tree_frame){ .name = arena_strndup(&t->arena, name, len),
		.kind = (uint8_t)kind };
	f->module = *module ? arena_strdup(&t->arena, module) : "";
	return t->n_frames++;
}

static char *without_zeros(struct arena *a, const char *name, size_t len)
{
	char *copy = arena_strndup(a, name, len);

	for (size_t i = 0; i < len; i++)
		if (!copy[i])
			copy[i] = ' ';
	return copy;
}

uint32_t tree_frame(struct tree *t, const char *name, size_t len, enum frame_kind kind,
	const char *module)
{
	uint64_t key;

	if (!module)
		module = "";
	if (memchr(name, '\0', len))
		name = without_zeros(&t->arena, name, len);
	key = hash_bytes(name, len) ^ hash_u64(hash_bytes(module, strlen(module)) + kind);
	/* Unequal frames may share a hash: then the next key in a fixed chain is tried. */
	for (;; key = hash_u64(key + 1)) {
		bool is_new;
		uint32_t *frame = map_put(&t->by_hash, key, &is_new);

		if (is_new)
			return *frame = add_frame(t, name, len, kind, module);
		if (same_frame(&t->frames[*frame], name, len, kind, module))
			return *frame;
	}
}

/* ---- nodes ---- */

static uint32_t add_node(struct tree *t, uint32_t parent, uint32_t frame)
{
	assert(t->n_nodes < UINT32_MAX / 2);
	if (t->n_nodes == t->cap_nodes) {
		t->cap_nodes *= 2;
		t->nodes = xrealloc(t->nodes, t->cap_nodes, sizeof(*t->nodes));
	}
	t->nodes[t->n_nodes] = (struct tree_node){ .parent = parent, .frame = frame };
	return t->n_nodes++;
}

uint32_t tree_child_of(struct tree *t, uint32_t parent, uint32_t frame)
{
	bool is_new;
	uint32_t *node = map_put(&t->children, (uint64_t)parent << 32 | frame, &is_new);

	if (is_new)
		*node = add_node(t, parent, frame);
	return *node;
}

uint32_t tree_child(struct tree *t, uint32_t parent, const char *name, size_t len,
	enum frame_kind kind)
{
	return tree_child_of(t, parent, tree_frame(t, name, len, kind, ""));
}

/* ---- order and totals ---- */

static int compare_frames(const void *a, const void *b)
{
	const struct tree_frame *x = *(struct tree_frame *const *)a;
	const struct tree_frame *y = *(struct tree_frame *const *)b;
	int c = strcmp(x->name, y->name);

	if (!c)
		c = strcmp(x->module, y->module);
	return c ? c : x->kind - y->kind;
}

static void rank_frames(struct tree *t)
{
	struct tree_frame **order = xrealloc(NULL, t->n_frames, sizeof(struct tree_frame *));

	for (uint32_t i = 0; i < t->n_frames; i++)
		order[i] = &t->frames[i];
	qsort(order, t->n_frames, sizeof(*order), compare_frames);
	for (uint32_t i = 0; i < t->n_frames; i++)
		order[i]->rank = i;
	free(order);
}

/* Counting sort: order[] lists all nodes by the rank of their frame. The caller frees it. */
static uint32_t *nodes_by_rank(const struct tree *t)
{
	uint32_t *order = xrealloc(NULL, t->n_nodes, sizeof(*order));
	uint32_t *start = xcalloc((size_t)t->n_frames + 1, sizeof(*start));

	for (uint32_t n = 0; n < t->n_nodes; n++)
		start[tree_frame_of(t, n)->rank + 1]++;
	for (uint32_t i = 0; i < t->n_frames; i++)
		start[i + 1] += start[i];
	for (uint32_t n = 0; n < t->n_nodes; n++)
		order[start[tree_frame_of(t, n)->rank]++] = n;
	free(start);
	return order;
}

static void link_children(struct tree *t)
{
	uint32_t *order = nodes_by_rank(t);

	for (uint32_t n = 0; n < t->n_nodes; n++)
		t->nodes[n].first_child = t->nodes[n].next = 0;
	for (uint32_t i = t->n_nodes; i--;) {
		struct tree_node *node = &t->nodes[order[i]], *parent = &t->nodes[node->parent];

		if (!order[i])
			continue;
		node->next = parent->first_child;
		parent->first_child = order[i];
	}
	free(order);
}

/* Children come behind their parents in nodes[]: one pass from the back sees each node complete. */
static void add_totals(struct tree *t)
{
	for (uint32_t n = 0; n < t->n_nodes; n++)
		t->nodes[n].total = t->nodes[n].self;
	for (uint32_t n = t->n_nodes; n-- > 1;) {
		uint64_t *sum = &t->nodes[t->nodes[n].parent].total;

		if (__builtin_add_overflow(*sum, t->nodes[n].total, sum))
			*sum = UINT64_MAX;
	}
}

void tree_finish(struct tree *t)
{
	rank_frames(t);
	link_children(t);
	add_totals(t);
}

/* ---- words ---- */

const char *frame_kind_name(enum frame_kind kind)
{
	static const char *const names[FRAME_N_KINDS] = {
		[FRAME_NONE] = "none",
		[FRAME_USER] = "user",
		[FRAME_INLINED] = "inlined",
		[FRAME_JIT] = "jit",
		[FRAME_KERNEL] = "kernel",
		[FRAME_UNKNOWN] = "unknown",
	};

	return names[kind];
}

const char *frame_kind_mark(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_KERNEL: return "_[k]";
	case FRAME_INLINED: return "_[i]";
	case FRAME_JIT: return "_[j]";
	default: return "";
	}
}
