/* The tree and the slots; cover.h has the idea. */
#include "format/symbols/cover.h"

#include <assert.h>

void wanted_init(struct wanted *w, size_t n, struct arena *a)
{
	assert(n < UINT32_MAX);
	w->at = arena_alloc(a, n * sizeof(*w->at));
	w->number = arena_alloc(a, n * sizeof(*w->number));
	w->n = 0;
}

void wanted_of_queries(struct wanted *w, const struct symbol_query *q, size_t n, struct arena *a)
{
	assert(symbol_query_sorted(q, n));
	wanted_init(w, n, a);
	for (size_t i = 0; i < n; i++)
		if (!q[i].name)
			wanted_add(w, q[i].address, i);
}

size_t wanted_from(const struct wanted *w, uint64_t x)
{
	const uint64_t *base = w->at;
	size_t n = w->n;

	if (!n)
		return 0;
	/* Without a branch on the comparison: no processor could guess the order of a table. */
	while (n > 1) {
		size_t half = n / 2;

		base += base[half - 1] < x ? half : 0;
		n -= half;
	}
	return (size_t)(base - w->at) + (*base < x);
}

void cover_init(struct cover *c, const struct wanted *w, range_better *better, void *owner,
	struct arena *a)
{
	struct range *node = arena_alloc(a, 2 * w->n * sizeof(*node));

	*c = (struct cover){ w, node, better, owner };
}

static void cover_put(struct cover *c, size_t i, const struct range *r)
{
	struct range *node = &c->node[i];

	if (!node->rank || c->better(c->owner, r, node))
		*node = *r;
}

void cover_offer(struct cover *c, size_t from, const struct range *r)
{
	const struct wanted *w = c->wanted;
	size_t left, right;

	if (from == w->n || w->at[from] >= r->end)
		return;
	left = from + w->n;
	right = wanted_from(w, r->end) + w->n;
	for (; left < right; left /= 2, right /= 2) {
		if (left & 1)
			cover_put(c, left++, r);
		if (right & 1)
			cover_put(c, --right, r);
	}
}

void cover_settle(struct cover *c)
{
	for (size_t i = 2; i < 2 * c->wanted->n; i++)
		if (c->node[i / 2].rank)
			cover_put(c, i, &c->node[i / 2]);
}

void nearest_init(struct nearest *s, const struct wanted *w, range_better *better, void *owner,
	struct arena *a)
{
	struct range *slot = arena_alloc(a, w->n * sizeof(*slot));

	*s = (struct nearest){ w, slot, better, owner };
}

bool nearest_offer(struct nearest *s, size_t from, const struct range *r)
{
	struct range *slot;

	if (from == s->wanted->n)
		return false;
	slot = &s->slot[from];
	if (slot->rank &&
		(r->start < slot->start ||
			(r->start == slot->start && !s->better(s->owner, r, slot))))
		return false;
	*slot = *r;
	return true;
}

void nearest_settle(struct nearest *s)
{
	for (size_t i = 1; i < s->wanted->n; i++)
		if (!s->slot[i].rank)
			s->slot[i] = s->slot[i - 1];
}
