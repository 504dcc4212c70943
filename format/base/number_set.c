/* At most half full. A table of s slots lies at [s, 2s) of the memory: all sizes side by side, none in another's
 * way. Only one of them has pages. */
#include "format/base/number_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/arena.h"

enum { FIRST_SLOTS = 4096 };

void number_set_init(struct number_set *s, uint32_t n)
{
	size_t slots = FIRST_SLOTS;

	while (slots / 2 < n)
		slots *= 2;
	*s = (struct number_set){ .mask = FIRST_SLOTS - 1 };
	s->memory = xcalloc(2 * slots, sizeof(*s->memory));
	s->slots = s->memory + FIRST_SLOTS;
}

void number_set_done(struct number_set *s)
{
	free(s->memory);
	*s = (struct number_set){ NULL, NULL, 0, 0 };
}

/* Empties a table; its whole pages are given back, and are zero when they are touched again. */
static void give_back(uint32_t *slots, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)slots, end = (uintptr_t)(slots + n);
	uintptr_t from = (start + page - 1) / page * page, until = end / page * page;

	if (from >= until || madvise((void *)from, until - from, MADV_DONTNEED)) {
		memset(slots, 0, n * sizeof(*slots));
		return;
	}
	memset(slots, 0, from - start);
	memset((void *)until, 0, end - until);
}

void number_set_clear(struct number_set *s)
{
	give_back(s->slots, (size_t)s->mask + 1);
	s->slots = s->memory + FIRST_SLOTS;
	s->mask = FIRST_SLOTS - 1;
	s->count = 0;
}

static void put(struct number_set *s, uint64_t hash, uint32_t number)
{
	uint32_t at = number_set_at(s, hash);

	while (s->slots[at])
		at = number_set_next(s, at);
	s->slots[at] = number;
}

static void grow(struct number_set *s, uint64_t (*hash_of)(const void *things, uint32_t number),
	const void *things)
{
	uint32_t *old = s->slots;
	size_t n = (size_t)s->mask + 1;

	s->slots = s->memory + 2 * n;
	s->mask = (uint32_t)(2 * n - 1);
	for (size_t i = 0; i < n; i++)
		if (old[i])
			put(s, hash_of(things, old[i]), old[i]);
	give_back(old, n);
}

void number_set_add(struct number_set *s, uint64_t hash, uint32_t number,
	uint64_t (*hash_of)(const void *things, uint32_t number), const void *things)
{
	assert(number);
	if (s->count > s->mask / 2)
		grow(s, hash_of, things);
	put(s, hash, number);
	s->count++;
}
