/* A hash table of numbers of things that lie elsewhere, in arrays: four bytes a place, where a map takes sixteen.
 * It finds those that may be the one that is looked for; the caller compares.
 *
 *	for (at = number_set_at(s, hash); (number = s->slots[at]); at = number_set_next(s, at))
 *		if (is_it(number))
 *			return number;
 *	number_set_add(s, hash, number, hash_of, things);
 *
 * Number 0 is none. Memory is taken at the start for as many as there may be; pages are touched only as it fills. */
#ifndef BASE_NUMBER_SET_H
#define BASE_NUMBER_SET_H

#include <stdint.h>

struct number_set {
	uint32_t *memory, *slots; /* memory: owned; slots: a part of it */
	uint32_t mask, count;
};

/* For at most n numbers. */
void number_set_init(struct number_set *s, uint32_t n);
void number_set_done(struct number_set *s);
void number_set_clear(struct number_set *s);

static inline uint32_t number_set_at(const struct number_set *s, uint64_t hash)
{
	return (uint32_t)hash & s->mask;
}

static inline uint32_t number_set_next(const struct number_set *s, uint32_t at)
{
	return (at + 1) & s->mask;
}

/* Adds one that is not there. hash_of tells the hashes of those that are, which may move. */
void number_set_add(struct number_set *s, uint64_t hash, uint32_t number,
	uint64_t (*hash_of)(const void *things, uint32_t number), const void *things);

#endif
