#include "analyze/cell_stacks.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/fold.h"

void cell_stacks_init(struct cell_stacks *c)
{
	memset(c, 0, sizeof(*c));
	map_init(&c->by_cell, 1024);
}

void cell_stacks_done(struct cell_stacks *c)
{
	for (uint32_t i = 0; i < c->n_segments; i++)
		map_done(&c->segments[i].by_key);
	free(c->segments);
	map_done(&c->by_cell);
	free(c->stacks);
	free(c->cells);
	free(c->weights);
	if (c->tree.nodes)
		tree_done(&c->tree);
	arena_done(&c->scratch);
}

/* ---- counting ---- */

static struct map *stacks_of(struct cell_stacks *c, struct segment *s)
{
	for (uint32_t i = c->n_segments; i-- > 0;)
		if (c->segments[i].segment == s)
			return &c->segments[i].by_key;
	c->segments = xrealloc(c->segments, c->n_segments + 1, sizeof(*c->segments));
	c->segments[c->n_segments].segment = s;
	map_init(&c->segments[c->n_segments].by_key, 64);
	return &c->segments[c->n_segments++].by_key;
}

static uint32_t stack_number(struct cell_stacks *c, struct segment *s, uint32_t comm,
	uint32_t stack)
{
	bool is_new;
	uint32_t *at = map_put(stacks_of(c, s), (uint64_t)comm << 32 | stack, &is_new);

	if (!is_new)
		return *at;
	if (c->n_stacks == c->cap_stacks) {
		c->cap_stacks = c->cap_stacks ? c->cap_stacks * 2 : 256;
		c->stacks = xrealloc(c->stacks, c->cap_stacks, sizeof(*c->stacks));
	}
	c->stacks[c->n_stacks] = (struct named_stack){ s, comm, stack };
	return *at = c->n_stacks++;
}

static void add_pair(struct cell_stacks *c, uint32_t cell, uint32_t stack, uint64_t weight)
{
	bool is_new;
	uint32_t *at = map_put(&c->by_cell, (uint64_t)cell << 32 | stack, &is_new);

	if (is_new) {
		if (c->n_cells == c->cap_cells) {
			c->cap_cells = c->cap_cells ? c->cap_cells * 2 : 1024;
			c->cells = xrealloc(c->cells, c->cap_cells, sizeof(*c->cells));
		}
		c->cells[c->n_cells] = (struct cell_stack){ cell, stack, 0 };
		*at = c->n_cells++;
	}
	if (__builtin_add_overflow(c->cells[*at].weight, weight, &c->cells[*at].weight))
		c->cells[*at].weight = UINT64_MAX;
}

/* The builder has made its cells wider: those that fell together are added up. */
static void follow(struct cell_stacks *c, const struct heatmap_builder *old,
	const struct heatmap_builder *now)
{
	uint32_t n = c->n_cells;

	map_clear(&c->by_cell);
	c->n_cells = 0;
	/* Writes never overtake: there are at most as many as were read. */
	for (uint32_t i = 0; i < n; i++) {
		struct cell_stack p = c->cells[i];

		add_pair(c, heatmap_builder_follow(old, now, p.cell), p.stack, p.weight);
	}
}

static bool is_wider(const struct heatmap_builder *old, const struct heatmap_builder *now)
{
	return old->column_ns != now->column_ns || old->row_size != now->row_size;
}

void cell_stacks_add(struct cell_stacks *c, struct heatmap_builder *b, const struct row *row,
	uint32_t comm, uint32_t stack, uint64_t value, uint64_t weight)
{
	struct heatmap_builder old = *b;

	heatmap_add(b, row->time, value, weight);
	if (is_wider(&old, b))
		follow(c, &old, b);
	while (c->n_cells >= MAX_CELL_STACKS && b->first_column != b->last_column) {
		old = *b;
		heatmap_builder_widen(b);
		follow(c, &old, b);
	}
	if (c->n_cells < MAX_CELL_STACKS)
		add_pair(c, heatmap_builder_cell(b, row->time, value),
			stack_number(c, row->segment, comm, stack), weight);
	else
		c->n_dropped += weight;
}

/* ---- the tree ---- */

static uint32_t comm_node(struct cell_stacks *c, const struct named_stack *s)
{
	struct text comm = segment_string(s->segment, s->comm);

	return comm.len ? tree_child(&c->tree, 0, comm.s, comm.len, FRAME_NONE)
			: tree_child(&c->tree, 0, "[unknown]", 9, FRAME_NONE);
}

static int by_segment(const void *a, const void *b, void *ctx)
{
	const struct cell_stacks *c = ctx;
	const struct named_stack *x = &c->stacks[*(const uint32_t *)a];
	const struct named_stack *y = &c->stacks[*(const uint32_t *)b];

	if (x->segment != y->segment)
		return x->segment->offset != y->segment->offset
			? (x->segment->offset < y->segment->offset ? -1 : 1)
			: (x->segment < y->segment ? -1 : 1);
	if (x->comm != y->comm)
		return x->comm < y->comm ? -1 : 1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* The node of every stack. Owned by the caller. */
static uint32_t *fold_all(struct cell_stacks *c)
{
	uint32_t *nodes = xcalloc(c->n_stacks, sizeof(*nodes));
	uint32_t *order = xcalloc(c->n_stacks, sizeof(*order));
	const struct named_stack *last = NULL;
	struct fold fold = { 0 };

	for (uint32_t i = 0; i < c->n_stacks; i++)
		order[i] = i;
	qsort_r(order, c->n_stacks, sizeof(*order), by_segment, c);
	for (uint32_t i = 0; i < c->n_stacks; i++) {
		const struct named_stack *s = &c->stacks[order[i]];

		if (!last || s->segment != last->segment) {
			fold_done(&fold);
			fold_init(&fold, &c->tree, s->segment, &c->scratch);
		}
		if (!last || s->segment != last->segment || s->comm != last->comm)
			fold_onto(&fold, comm_node(c, s));
		nodes[order[i]] = fold_stack(&fold, s->stack);
		last = s;
	}
	fold_done(&fold);
	free(order);
	return nodes;
}

static int by_cell(const void *a, const void *b)
{
	const struct heat_weight *x = a, *y = b;

	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

const struct heat_flame *cell_stacks_finish(struct cell_stacks *c, const struct heatmap_builder *b,
	const char *unit)
{
	uint32_t *nodes;

	tree_init(&c->tree, unit);
	nodes = fold_all(c);
	c->weights = xcalloc(c->n_cells, sizeof(*c->weights));
	for (uint32_t i = 0; i < c->n_cells; i++) {
		const struct cell_stack *p = &c->cells[i];

		c->weights[i] = (struct heat_weight){ heatmap_builder_final(b, p->cell),
			nodes[p->stack], p->weight };
		tree_add(&c->tree, nodes[p->stack], p->weight);
	}
	free(nodes);
	tree_finish(&c->tree);
	qsort(c->weights, c->n_cells, sizeof(*c->weights), by_cell);
	c->flame = (struct heat_flame){ .tree = &c->tree, .weights = c->weights, .n = c->n_cells };
	return &c->flame;
}
