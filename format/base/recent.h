/* What was looked up lately, in front of a map: the same few keys come again and again, and a place that depends on
 * the key alone is found without a search.
 *
 *	if (!recent_get(&r, key, &number))
 *		recent_put(&r, key, number = *map_put(&m, key, NULL)); */
#ifndef BASE_RECENT_H
#define BASE_RECENT_H

#include <stdbool.h>
#include <stdint.h>

enum { RECENT_BITS = 6, RECENT_PLACES = 1 << RECENT_BITS };

/* All zero bytes remember nothing. */
struct recent {
	uint64_t keys[RECENT_PLACES];
	uint32_t values[RECENT_PLACES]; /* 1 + value; 0: nothing */
};

/* Fibonacci hashing: the highest bits of the product depend on all of the key's. */
static inline unsigned recent_place(uint64_t key)
{
	return (unsigned)(key * 0x9e3779b97f4a7c15ULL >> (64 - RECENT_BITS));
}

static inline bool recent_get(const struct recent *r, uint64_t key, uint32_t *value)
{
	unsigned at = recent_place(key);

	if (!r->values[at] || r->keys[at] != key)
		return false;
	*value = r->values[at] - 1;
	return true;
}

/* value: below UINT32_MAX. */
static inline void recent_put(struct recent *r, uint64_t key, uint32_t value)
{
	unsigned at = recent_place(key);

	r->keys[at] = key;
	r->values[at] = value + 1;
}

#endif
