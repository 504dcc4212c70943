/* The longest of many, for tables of the worst: of what is offered the n items with the largest keys stay,
 * in memory for n. Of equal ones the earliest stay. */
#ifndef ANALYZE_LONGEST_H
#define ANALYZE_LONGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct longest {
	char *items; /* owned; a heap, the shortest first */
	size_t size; /* of an item, which begins with a struct longest_key */
	uint32_t n, max;
};

struct longest_key {
	uint64_t length, time;
};

void longest_init(struct longest *l, size_t size, uint32_t max);
void longest_done(struct longest *l);

/* Copies the item in, if it is among the longest so far. */
void longest_add(struct longest *l, const void *item);

/* Puts the items in order, the longest first; nothing can be added then. */
void longest_sort(struct longest *l);

static inline const void *longest_get(const struct longest *l, uint32_t i)
{
	return l->items + i * l->size;
}

/* Whether a is to go before b. */
static inline bool longest_is_shorter(const struct longest_key *a, const struct longest_key *b)
{
	return a->length != b->length ? a->length < b->length : a->time > b->time;
}

/* Whether longest_add would keep an item with such a key: for those who make items only then. */
static inline bool longest_keeps(const struct longest *l, struct longest_key key)
{
	return l->n < l->max || (l->n && longest_is_shorter(longest_get(l, 0), &key));
}

#endif
