/* Slots carry the generation in which they were filled, so that clearing costs nothing. */
#include "format/base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/arena.h"

enum { FIRST_SLOTS = 1024 };

static uint32_t slots_for(uint32_t n)
{
	uint64_t slots = 16;

	while (slots * 3 / 4 < n)
		slots *= 2;
	return (uint32_t)slots;
}

void map_init(struct map *m, uint32_t n)
{
	uint32_t slots = slots_for(n);

	*m = (struct map){ .mask = slots - 1, .generation = 1 };
	m->memory = m->slots = xcalloc(slots, sizeof(*m->slots));
}

/* A table of s slots lies at [s, 2s) of the memory: all sizes side by side, none in another's way. Only one of
 * them has pages. */
void map_init_reserved(struct map *m, uint32_t n)
{
	*m = (struct map){ .mask = FIRST_SLOTS - 1, .generation = 1, .reserved = slots_for(n) };
	if (m->reserved < FIRST_SLOTS)
		m->reserved = FIRST_SLOTS;
	m->memory = xcalloc((size_t)m->reserved * 2, sizeof(*m->memory));
	m->slots = m->memory + FIRST_SLOTS;
}

void map_done(struct map *m)
{
	free(m->memory);
	memset(m, 0, sizeof(*m));
}

void map_clear(struct map *m)
{
	m->count = 0;
	if (++m->generation == 0) {
		memset(m->memory, 0,
			(m->reserved ? (size_t)m->reserved * 2 : (size_t)m->mask + 1) *
				sizeof(*m->memory));
		m->generation = 1;
	}
}

static struct map_slot *find(const struct map *m, uint64_t key)
{
	uint32_t i = (uint32_t)hash_u64(key) & m->mask;

	while (m->slots[i].used == m->generation && m->slots[i].key != key)
		i = (i + 1) & m->mask;
	return &m->slots[i];
}

static void move_to(struct map *m, struct map_slot *slots, uint32_t mask)
{
	const struct map_slot *old = m->slots;
	uint32_t old_mask = m->mask;

	m->slots = slots;
	m->mask = mask;
	for (size_t i = 0; i <= old_mask; i++)
		if (old[i].used == m->generation)
			*find(m, old[i].key) = old[i];
}

/* Gives the pages of a table that is not used any more back; they are zero when they are touched again. */
static void give_back(struct map_slot *slots, uint32_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)slots + page - 1) / page * page;
	uintptr_t until = (uintptr_t)(slots + n) / page * page;

	if (from < until)
		madvise((void *)from, until - from, MADV_DONTNEED);
}

static void grow(struct map *m)
{
	uint32_t slots = (m->mask + 1) * 2;
	struct map_slot *old = m->memory;

	if (m->reserved) {
		assert(slots <= m->reserved);
		old = m->slots;
		move_to(m, m->memory + slots, slots - 1);
		give_back(old, slots / 2);
		return;
	}
	m->memory = xcalloc(slots, sizeof(*m->slots));
	move_to(m, m->memory, slots - 1);
	free(old);
}

uint32_t *map_get(const struct map *m, uint64_t key)
{
	struct map_slot *s = find(m, key);

	return s->used == m->generation ? &s->value : NULL;
}

uint32_t *map_put(struct map *m, uint64_t key, bool *is_new)
{
	struct map_slot *s = find(m, key);
	bool fresh = s->used != m->generation;

	if (is_new)
		*is_new = fresh;
	if (!fresh)
		return &s->value;
	if ((uint64_t)m->count + 1 > ((uint64_t)m->mask + 1) * 3 / 4) {
		grow(m);
		s = find(m, key);
	}
	m->count++;
	s->key = key;
	s->value = 0;
	s->used = m->generation;
	return &s->value;
}

uint64_t hash_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = len * 0x9e3779b97f4a7c15ULL, v;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&v, p, 8);
		h = hash_u64(h ^ v);
	}
	v = 0;
	if (len)
		memcpy(&v, p, len);
	return hash_u64(h ^ v);
}
