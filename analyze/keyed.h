/* What is counted once for each key (threads, calls, disks), one behind the other in memory.
 *
 * A hostile trace can name more than any recording has: beyond `max` all that is new is one item, the rest. */
#ifndef ANALYZE_KEYED_H
#define ANALYZE_KEYED_H

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/base/recent.h"

struct keyed {
	struct map by_key;
	char *items; /* owned */
	size_t size; /* of an item */
	uint32_t n, max;
	uint32_t rest;        /* 1 + its number, 0: there is none */
	struct recent recent; /* key -> number */
};

void keyed_init(struct keyed *k, size_t size, uint32_t max);

/* Frees the array; what the items own is theirs to free before. */
void keyed_done(struct keyed *k);

void *keyed_look_up(struct keyed *k, uint64_t key, bool *is_new);

/* The item of a key; NULL if there is none. */
void *keyed_known(const struct keyed *k, uint64_t key);

/* The item for all that keyed_find has no room for, made like those. */
void *keyed_rest(struct keyed *k, bool *is_new);

static inline void *keyed_get(const struct keyed *k, uint32_t number)
{
	return k->items + number * k->size;
}

/* The item of a key, made of zero bytes if it is new; NULL if it would be one too many. Valid until the
 * next one is made. */
static inline void *keyed_find(struct keyed *k, uint64_t key, bool *is_new)
{
	uint32_t number;

	if (!recent_get(&k->recent, key, &number))
		return keyed_look_up(k, key, is_new);
	*is_new = false;
	return keyed_get(k, number);
}

static inline uint32_t keyed_number(const struct keyed *k, const void *item)
{
	return (uint32_t)((size_t)((const char *)item - k->items) / k->size);
}

static inline bool keyed_is_rest(const struct keyed *k, const void *item)
{
	return k->rest && keyed_number(k, item) == k->rest - 1;
}

/* Pointers to all items in some order, as an array in the arena; the order is given pointers to pointers. */
void *keyed_sorted(const struct keyed *k, struct arena *a,
	int (*order)(const void *, const void *));

#endif
