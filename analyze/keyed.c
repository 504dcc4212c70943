#include "analyze/keyed.h"

#include <stdlib.h>
#include <string.h>

void keyed_init(struct keyed *k, size_t size, uint32_t max)
{
	*k = (struct keyed){ .size = size, .max = max };
	map_init(&k->by_key, 64);
}

void keyed_done(struct keyed *k)
{
	map_done(&k->by_key);
	free(k->items);
}

static void *append(struct keyed *k)
{
	k->items = xgrow(k->items, k->n, k->size);
	return memset(keyed_get(k, k->n++), 0, k->size);
}

void *keyed_known(const struct keyed *k, uint64_t key)
{
	const uint32_t *at = map_get(&k->by_key, key);

	return at ? keyed_get(k, *at) : NULL;
}

void *keyed_look_up(struct keyed *k, uint64_t key, bool *is_new)
{
	uint32_t *at = map_get(&k->by_key, key), number;

	*is_new = !at;
	if (!at && k->by_key.count >= k->max)
		return NULL;
	if (!at) {
		*map_put(&k->by_key, key, NULL) = k->n;
		append(k);
	}
	number = at ? *at : k->n - 1;
	recent_put(&k->recent, key, number);
	return keyed_get(k, number);
}

void *keyed_rest(struct keyed *k, bool *is_new)
{
	*is_new = !k->rest;
	if (k->rest)
		return keyed_get(k, k->rest - 1);
	k->rest = k->n + 1;
	return append(k);
}

void *keyed_sorted(const struct keyed *k, struct arena *a, int (*order)(const void *, const void *))
{
	void **list = arena_alloc(a, (k->n + 1) * sizeof(*list));

	for (uint32_t i = 0; i < k->n; i++)
		list[i] = keyed_get(k, i);
	qsort(list, k->n, sizeof(*list), order);
	return list;
}
