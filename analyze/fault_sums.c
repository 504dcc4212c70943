#include "analyze/fault_sums.h"

#include <stdlib.h>
#include <string.h>

void fault_group_init(struct fault_group *g, struct histogram_budget *budget)
{
	memset(g, 0, sizeof(*g));
	g->budget = budget;
	map_init(&g->by_number, 256);
	map_init(&g->by_name, 256);
}

void fault_group_done(struct fault_group *g)
{
	for (uint32_t i = 0; i < g->n; i++)
		histogram_done(&g->sums[i].waits);
	free(g->sums);
	map_done(&g->by_number);
	map_done(&g->by_name);
	arena_done(&g->arena);
}

static uint64_t key_of(const struct segment *s, uint64_t number)
{
	return hash_u64(hash_u64((uint64_t)(uintptr_t)s) ^ number);
}

struct fault_sums *fault_group_find(struct fault_group *g, const struct segment *s, uint64_t number)
{
	const uint32_t *at = map_get(&g->by_number, key_of(s, number));

	return at ? &g->sums[*at] : NULL;
}

/* The number of a name's sums. Names with the same hash have keys one behind the other. */
static uint32_t number_of(struct fault_group *g, const char *name)
{
	uint64_t key = hash_bytes(name, strlen(name));
	uint32_t *at;
	bool is_new;

	for (;; key++) {
		at = map_put(&g->by_name, key, &is_new);
		if (is_new)
			break;
		if (strcmp(g->sums[*at].name, name) == 0)
			return *at;
	}
	g->sums = xgrow(g->sums, g->n, sizeof(*g->sums));
	*at = g->n;
	g->sums[g->n] = (struct fault_sums){ .name = arena_strdup(&g->arena, name),
		.number = g->n,
		.waits.budget = g->budget };
	return g->n++;
}

struct fault_sums *fault_group_name(struct fault_group *g, const struct segment *s, uint64_t number,
	const char *name)
{
	uint32_t i = number_of(g, name);

	*map_put(&g->by_number, key_of(s, number), NULL) = i;
	return &g->sums[i];
}

static void add(uint64_t *to, uint64_t n)
{
	if (__builtin_add_overflow(*to, n, to))
		*to = UINT64_MAX;
}

void fault_sums_add(struct fault_sums *s, const struct fault_count *c)
{
	add(&s->faults, c->weight);
	add(c->major ? &s->major : &s->minor, c->weight);
	add(&s->growth, c->growth);
	if (c->served)
		add(&s->served, c->weight);
	if (c->kernel)
		add(&s->kernel, c->weight);
	if (c->write)
		add(&s->writes, c->weight);
	if (c->latency)
		histogram_add(&s->waits, c->latency, c->weight);
}

static int by_faults(const void *a, const void *b)
{
	const struct fault_sums *x = a, *y = b;

	if (x->faults != y->faults)
		return x->faults > y->faults ? -1 : 1;
	return strcmp(x->name, y->name);
}

void fault_group_sort(struct fault_group *g)
{
	if (g->n)
		qsort(g->sums, g->n, sizeof(*g->sums), by_faults);
	map_clear(&g->by_number); /* their numbers are no longer right */
	map_clear(&g->by_name);
}
