#include "analyze/stack_list.h"

#include <stdlib.h>

#include "analyze/fold.h"

void stack_list_done(struct stack_list *l)
{
	for (uint32_t i = 0; i < l->n_segments; i++)
		map_done(&l->by_stack[i]);
	free(l->by_stack);
	free(l->segments);
	free(l->stacks);
	free(l->weights);
}

static struct map *stacks_of(struct stack_list *l, struct segment *s)
{
	for (uint32_t i = l->n_segments; i-- > 0;)
		if (l->segments[i] == s)
			return &l->by_stack[i];
	l->segments = xrealloc(l->segments, l->n_segments + 1, sizeof(*l->segments));
	l->by_stack = xrealloc(l->by_stack, l->n_segments + 1, sizeof(*l->by_stack));
	l->segments[l->n_segments] = s;
	map_init(&l->by_stack[l->n_segments], 64);
	return &l->by_stack[l->n_segments++];
}

uint32_t stack_list_add(struct stack_list *l, struct segment *s, uint32_t stack)
{
	bool is_new;
	uint32_t *at;

	if (!stack)
		return 0;
	at = map_put(stacks_of(l, s), stack, &is_new);
	if (!is_new)
		return *at;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 256;
		l->stacks = xrealloc(l->stacks, l->cap, sizeof(*l->stacks));
		l->weights = xrealloc(l->weights, l->cap, sizeof(*l->weights));
	}
	l->stacks[l->n] = (struct stack_at){ s, stack };
	l->weights[l->n++] = 0;
	return *at = l->n;
}

void stack_list_want(struct stack_list *l, uint32_t number, uint64_t weight)
{
	uint64_t *sum = number ? &l->weights[number - 1] : NULL;

	if (sum && __builtin_add_overflow(*sum, weight, sum))
		*sum = UINT64_MAX;
}

static int by_segment(const void *a, const void *b, void *ctx)
{
	const struct stack_list *l = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct segment *s = l->stacks[x].segment, *t = l->stacks[y].segment;

	if (s != t)
		return s->offset != t->offset ? (s->offset < t->offset ? -1 : 1) : s < t ? -1 : 1;
	return x < y ? -1 : x > y;
}

uint32_t *stack_list_fold(const struct stack_list *l, struct tree *tree, struct arena *scratch)
{
	uint32_t *nodes = xcalloc(l->n + 1, sizeof(*nodes)), *order = xcalloc(l->n, sizeof(*order));
	const struct segment *last = NULL;
	struct fold fold = { 0 };

	for (uint32_t i = 0; i < l->n; i++)
		order[i] = i;
	qsort_r(order, l->n, sizeof(*order), by_segment, (void *)l);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct stack_at *s = &l->stacks[order[i]];

		if (!l->weights[order[i]])
			continue;
		if (s->segment != last) {
			fold_done(&fold);
			fold_init(&fold, tree, s->segment, scratch);
			fold_onto(&fold, 0);
			last = s->segment;
		}
		nodes[order[i] + 1] = fold_stack(&fold, s->stack);
		tree_add(tree, nodes[order[i] + 1], l->weights[order[i]]);
	}
	fold_done(&fold);
	free(order);
	return nodes;
}
