/* Those that are free wait in a list: the one that has been free for longest is given out first. */
#include "record/rule_numbers.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"

struct numbered {
	uint64_t key;   /* in by_hash */
	uint32_t users; /* 0: it is free */
	uint32_t next;  /* of those that are free */
};

struct rule_numbers {
	uint8_t *rules;     /* borrowed */
	struct map by_hash; /* -> number; 0: it is gone */
	uint32_t max, n;    /* n: that were ever given out, and 0 */
	uint32_t n_free, first_free, last_free;
	struct numbered *of; /* owned; by number */
};

struct rule_numbers *rule_numbers_new(void *rules, uint32_t max)
{
	struct rule_numbers *r = xcalloc(1, sizeof(*r));

	r->rules = rules;
	r->max = max;
	r->n = 1;
	r->of = xcalloc(max, sizeof(*r->of));
	map_init(&r->by_hash, 1024);
	return r;
}

void rule_numbers_free(struct rule_numbers *r)
{
	if (!r)
		return;
	map_done(&r->by_hash);
	free(r->of);
	free(r);
}

static void *rule_at(const struct rule_numbers *r, uint32_t number)
{
	/* An element of a map is a multiple of 8 bytes. */
	return r->rules + number * ((sizeof(struct walk_rule) + 7) & ~(size_t)7);
}

/* A number that nobody has; 0: there is none. */
static uint32_t take(struct rule_numbers *r)
{
	uint32_t number = r->first_free;

	if (r->n < r->max)
		return r->n++;
	if (!r->n_free)
		return 0;
	r->first_free = r->of[number].next;
	r->n_free--;
	return number;
}

uint16_t rule_numbers_get(struct rule_numbers *r, const struct walk_rule *rule)
{
	uint64_t key = hash_bytes(rule, sizeof(*rule));
	uint32_t *there, number;

	for (; (there = map_get(&r->by_hash, key)) && *there; key++) {
		if (memcmp(rule_at(r, *there), rule, sizeof(*rule)) == 0) {
			r->of[*there].users++;
			return (uint16_t)*there;
		}
	}
	number = take(r);
	if (!number)
		return 0;
	memcpy(rule_at(r, number), rule, sizeof(*rule));
	r->of[number] = (struct numbered){ .key = key, .users = 1 };
	*map_put(&r->by_hash, key, NULL) = number;
	return (uint16_t)number;
}

/* A map cannot forget single keys: those of rules that are gone have value 0. */
static void rebuild(struct rule_numbers *r)
{
	map_clear(&r->by_hash);
	for (uint32_t i = 1; i < r->n; i++)
		if (r->of[i].users)
			*map_put(&r->by_hash, r->of[i].key, NULL) = i;
}

void rule_numbers_drop(struct rule_numbers *r, uint16_t number)
{
	if (!number || --r->of[number].users)
		return;
	*map_put(&r->by_hash, r->of[number].key, NULL) = 0;
	if (r->n_free++)
		r->of[r->last_free].next = number;
	else
		r->first_free = number;
	r->last_free = number;
	if (r->by_hash.count > 2 * rule_numbers_used(r) + 1024)
		rebuild(r);
}

uint32_t rule_numbers_used(const struct rule_numbers *r)
{
	return r->n - 1 - r->n_free;
}
