/* The threshold is found by halving the range of weights, not by sorting the nodes: some forty
 * passes over a plain array, of which the machine does several numbers at a time. */
#include "render/flame_cut.h"

#include <stdlib.h>
#include <string.h>

#include "render/number.h"

static uint32_t count_above(const uint64_t *v, uint32_t n, uint64_t limit)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += v[i] > limit;
	return count;
}

uint64_t flame_threshold(const uint64_t *v, uint32_t n, uint32_t max)
{
	uint64_t low = 0, high = 0;

	for (uint32_t i = 0; i < n; i++)
		high = v[i] > high ? v[i] : high;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (count_above(v, n, middle) > max)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t flame_smallest(const struct tree *t, double percent)
{
	double weight = (double)t->nodes[0].total * percent / 100;

	if (!(weight > 1))
		return 1;
	if (weight >= 1.8e19)
		return UINT64_MAX;
	return (uint64_t)weight + ((double)(uint64_t)weight < weight);
}

/* Marks the kept nodes from the root on: among those that weigh exactly the threshold, the first
 * ones in order of drawing, as long as there is room. */
static void mark(struct flame_cut *c, const struct tree *t, uint32_t max_nodes, uint64_t narrow)
{
	uint32_t depth = 0, node = 0, room = max_nodes;
	bool keep;

	for (uint32_t n = 0; n < t->n_nodes; n++)
		room -= t->nodes[n].total > c->smallest;
	do {
		uint64_t total = t->nodes[node].total;
		bool tie = total == c->smallest && total >= narrow && room;

		room -= tie;
		keep = tie || total > c->smallest;
		c->keep[node] = keep || !node;
		c->n_kept += c->keep[node];
		node = tree_next(t, node, keep, &depth);
	} while (node);
}

void flame_cut_init(struct flame_cut *c, const struct tree *t, uint32_t max_nodes,
	double min_percent)
{
	uint64_t *totals = xrealloc(NULL, t->n_nodes, sizeof(*totals));
	uint64_t narrow = flame_smallest(t, min_percent);

	memset(c, 0, sizeof(*c));
	c->keep = xcalloc(t->n_nodes, 1);
	for (uint32_t n = 0; n < t->n_nodes; n++)
		totals[n] = t->nodes[n].total;
	c->n_nodes = count_above(totals, t->n_nodes, 0);
	c->smallest = flame_threshold(totals, t->n_nodes, max_nodes);
	if (c->smallest < narrow - 1)
		c->smallest = narrow - 1;
	mark(c, t, max_nodes, narrow);
	free(totals);
}

void flame_cut_done(struct flame_cut *c)
{
	free(c->keep);
	memset(c, 0, sizeof(*c));
}

struct flame_rest flame_rest_of(const struct flame_cut *c, const struct tree *t, uint32_t node)
{
	struct flame_rest rest = { 0 };

	for (uint32_t n = t->nodes[node].first_child; n; n = t->nodes[n].next) {
		if (c->keep[n] || !t->nodes[n].total)
			continue;
		rest.weight += t->nodes[n].total;
		rest.n++;
	}
	return rest;
}

const char *flame_note(const struct flame_cut *c, const struct tree *t, struct arena *a)
{
	char kept[NUMBER_MAX], all[NUMBER_MAX];

	if (!t->nodes[0].total)
		return arena_printf(a,
			"There is nothing to draw: no %s were recorded, or a filter "
			"left none.",
			strcmp(t->unit, "ns") ? t->unit : "times");
	if (c->n_kept == c->n_nodes)
		return "";
	return arena_printf(a,
		"Shows the %s heaviest of %s frames. Those left out have at most "
		"%s each; hatched frames stand for them and hold their weight.",
		number_count(kept, c->n_kept), number_count(all, c->n_nodes),
		weight_text(a, c->smallest, t->unit));
}

const char *flame_name(struct arena *a, const char *name)
{
	size_t n = strnlen(name, FLAME_MAX_NAME + 1);

	if (!n)
		return "(no name)";
	if (n <= FLAME_MAX_NAME)
		return name;
	/* Not in the middle of a character. */
	for (n = FLAME_MAX_NAME; n > FLAME_MAX_NAME - 4 && (name[n] & 0xc0) == 0x80; n--)
		continue;
	return arena_printf(a, "%.*s…", (int)n, name);
}
