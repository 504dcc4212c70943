#include "analyze/slices.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_NS = 1 << 20, MAX_SUMS = 1 << 19 };

void slices_init(struct slices *s, uint64_t origin_ns, uint64_t length_ns)
{
	memset(s, 0, sizeof(*s));
	s->origin_ns = origin_ns;
	s->slice_ns = FIRST_NS;
	while (length_ns / s->slice_ns >= TREE_MAX_SLICES)
		s->slice_ns *= 2;
	map_init(&s->by_key, 1024);
}

void slices_done(struct slices *s)
{
	if (s->slice_ns)
		map_done(&s->by_key);
	free(s->sums);
	free(s->edges);
	memset(s, 0, sizeof(*s));
}

static void add(struct slices *s, uint32_t slice, uint32_t number, uint64_t weight)
{
	bool is_new;
	uint32_t *at = map_put(&s->by_key, (uint64_t)slice << 32 | number, &is_new);

	if (is_new) {
		if (s->n == s->cap) {
			s->cap = s->cap ? 2 * s->cap : 1024;
			s->sums = xrealloc(s->sums, s->cap, sizeof(*s->sums));
		}
		s->sums[s->n] = (struct heat_weight){ slice, number, 0 };
		*at = s->n++;
	}
	if (__builtin_add_overflow(s->sums[*at].weight, weight, &s->sums[*at].weight))
		s->sums[*at].weight = UINT64_MAX;
}

/* Two slices become one. */
static void widen(struct slices *s)
{
	uint32_t n = s->n;

	map_clear(&s->by_key);
	s->slice_ns *= 2;
	s->n = 0;
	/* Writes never overtake: there are at most as many as were read. */
	for (uint32_t i = 0; i < n; i++) {
		struct heat_weight sum = s->sums[i];

		add(s, sum.cell / 2, sum.node, sum.weight);
	}
}

static uint64_t slice_of(const struct slices *s, uint64_t time_ns)
{
	return time_ns > s->origin_ns ? (time_ns - s->origin_ns) / s->slice_ns : 0;
}

static void make_room(struct slices *s, uint64_t time_ns)
{
	while (slice_of(s, time_ns) >= TREE_MAX_SLICES ||
		(s->n >= MAX_SUMS && s->slice_ns < 1ULL << 62))
		widen(s);
}

void slices_add(struct slices *s, uint64_t time_ns, uint32_t number, uint64_t weight)
{
	make_room(s, time_ns);
	add(s, (uint32_t)slice_of(s, time_ns), number, weight);
}

void slices_add_span(struct slices *s, uint64_t from_ns, uint64_t to_ns, uint32_t number,
	uint64_t times)
{
	from_ns = from_ns < s->origin_ns ? s->origin_ns : from_ns;
	if (to_ns <= from_ns)
		return;
	make_room(s, to_ns - 1);
	while (from_ns < to_ns) {
		uint64_t rest = s->slice_ns - (from_ns - s->origin_ns) % s->slice_ns;

		rest = rest < to_ns - from_ns ? rest : to_ns - from_ns;
		add(s, (uint32_t)slice_of(s, from_ns), number, rest * times);
		from_ns += rest;
	}
}

static int by_slice(const void *a, const void *b)
{
	const struct heat_weight *x = a, *y = b;

	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

const struct tree_slices *slices_finish(struct slices *s, const uint32_t *node_of)
{
	uint32_t last = 0, n = 0;

	map_done(&s->by_key);
	for (uint32_t i = 0; i < s->n; i++) {
		struct heat_weight sum = s->sums[i];

		if (node_of[sum.node] == UINT32_MAX)
			continue;
		sum.node = node_of[sum.node];
		s->sums[n++] = sum;
		last = sum.cell > last ? sum.cell : last;
	}
	if (n)
		qsort(s->sums, n, sizeof(*s->sums), by_slice);
	s->edges = xcalloc((size_t)last + 2, sizeof(*s->edges));
	for (uint32_t i = 0; i <= last + 1; i++)
		s->edges[i] = i * s->slice_ns;
	s->result = (struct tree_slices){ last + 1, s->edges, s->sums, n };
	return &s->result;
}
