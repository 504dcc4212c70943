#include "record/syscall_sums.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"

struct sum {
	struct syscall_key key;
	struct syscall_counts counts;
};

struct syscall_sums {
	struct map by_key;
	struct sum *all; /* owned */
	uint32_t n, cap;
};

struct syscall_sums *syscall_sums_new(void)
{
	struct syscall_sums *s = xcalloc(1, sizeof(*s));

	map_init(&s->by_key, 256);
	return s;
}

void syscall_sums_free(struct syscall_sums *s)
{
	if (!s)
		return;
	map_done(&s->by_key);
	free(s->all);
	free(s);
}

/* Programs may ask for calls of any number; those that no kernel has share a place. */
static uint64_t place_of(const struct syscall_key *key)
{
	uint64_t number = key->number < 1U << 28 ? key->number : (1U << 28) - 1;

	return (uint64_t)key->pid << 32 | (uint64_t)(key->abi & 15) << 28 | number;
}

struct syscall_counts *syscall_sums_of(struct syscall_sums *s, const struct syscall_key *key)
{
	bool is_new;
	uint32_t *at = map_put(&s->by_key, place_of(key), &is_new);

	if (!is_new)
		return &s->all[*at].counts;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->all = xrealloc(s->all, s->cap, sizeof(*s->all));
	}
	*at = s->n;
	s->all[s->n] = (struct sum){ .key = *key };
	return &s->all[s->n++].counts;
}

void syscall_sums_add(struct syscall_sums *s, const struct syscall_key *key,
	const struct syscall_counts *counts)
{
	struct syscall_counts *c = syscall_sums_of(s, key);

	if (!c->comm[0])
		memcpy(c->comm, counts->comm, sizeof(c->comm));
	c->calls += counts->calls;
	c->errors += counts->errors;
	c->total_ns += counts->total_ns;
	c->longest_ns = counts->longest_ns > c->longest_ns ? counts->longest_ns : c->longest_ns;
	for (int b = 0; b < SYSCALL_BUCKETS; b++)
		c->buckets[b] += counts->buckets[b];
}

void syscall_sums_take(struct syscall_sums *s, syscall_sums_call call, void *ctx)
{
	for (uint32_t i = 0; i < s->n; i++)
		call(ctx, &s->all[i].key, &s->all[i].counts);
	map_clear(&s->by_key);
	s->n = 0;
}
