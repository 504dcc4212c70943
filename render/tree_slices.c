#include "render/tree_slices.h"

#include <stdlib.h>

#include "render/number.h"

/* The weights of some slices together, by the entries of the page's tree. */
struct sums {
	uint64_t *of;   /* owned; by entry */
	uint32_t *list; /* owned; entries that have any */
	uint32_t n;
};

static void clear(struct sums *s)
{
	while (s->n)
		s->of[s->list[--s->n]] = 0;
}

static void add(struct sums *s, uint32_t entry, uint64_t weight)
{
	if (!s->of[entry] && weight)
		s->list[s->n++] = entry;
	if (__builtin_add_overflow(s->of[entry], weight, &s->of[entry]))
		s->of[entry] = UINT64_MAX;
}

/* Adds up the slices of which `together` make one, from weight i on; the number behind them. */
static size_t add_up(const struct tree_slices *t, const struct flame_entries *entries,
	uint32_t together, size_t i, struct sums *s)
{
	uint32_t group = t->weights[i].cell / together;

	clear(s);
	for (; i < t->n_weights && t->weights[i].cell / together == group; i++)
		add(s, entries->of[t->weights[i].node], t->weights[i].weight);
	return i;
}

static size_t count_pairs(const struct tree_slices *t, const struct flame_entries *entries,
	uint32_t together, struct sums *s)
{
	size_t pairs = 0;

	for (size_t i = 0; i < t->n_weights; pairs += s->n)
		i = add_up(t, entries, together, i, s);
	return pairs;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void put(FILE *out, bool *first, uint64_t v)
{
	if (!*first)
		putc_unlocked(',', out);
	*first = false;
	number_put(out, v);
}

static void put_edges(FILE *out, const struct tree_slices *t, uint32_t together)
{
	bool first = true;

	fputs("\"edges\":[", out);
	for (uint32_t i = 0; i < t->n; i += together)
		put(out, &first, t->edges[i]);
	put(out, &first, t->edges[t->n]);
	fputs("],\n", out);
}

static void put_weights(FILE *out, const struct tree_slices *t, const struct flame_entries *entries,
	uint32_t together, struct sums *s)
{
	uint32_t last = 0;
	bool first = true;

	fputs("\"weights\":[", out);
	for (size_t i = 0; i < t->n_weights;) {
		uint32_t group = t->weights[i].cell / together, before = 0;

		i = add_up(t, entries, together, i, s);
		qsort(s->list, s->n, sizeof(*s->list), by_number);
		put(out, &first, group - last);
		put(out, &first, s->n);
		for (uint32_t k = 0; k < s->n; k++) {
			put(out, &first, s->list[k] - before);
			put(out, &first, s->of[s->list[k]]);
			before = s->list[k];
		}
		last = group;
	}
	fputs("]", out);
}

void tree_slices_put(FILE *out, const struct tree_slices *t, const struct flame_entries *entries,
	size_t max_pairs)
{
	struct sums s = { .of = xcalloc(entries->n, sizeof(*s.of)),
		.list = xcalloc(entries->n, sizeof(*s.list)) };
	uint32_t together = 1;

	while (together < t->n && count_pairs(t, entries, together, &s) > max_pairs)
		together *= 2;
	fputs("\"slices\":{", out);
	put_edges(out, t, together);
	put_weights(out, t, entries, together, &s);
	fputs("}", out);
	free(s.of);
	free(s.list);
}
