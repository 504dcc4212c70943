/* The longest of many, for tables of the worst: of what is offered the n items with the largest keys stay,
 * in memory for n. */
#ifndef ANALYZE_LONGEST_H
#define ANALYZE_LONGEST_H

#include <stddef.h>
#include <stdint.h>

struct longest {
	char *items; /* owned; a heap, the smallest key first */
	size_t size; /* of an item, which begins with its key, a uint64_t */
	uint32_t n, max;
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

#endif
