/* Slots carry the generation in which they were filled, so that clearing costs nothing. */
#include "format/base/map.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

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

	m->slots = xcalloc(slots, sizeof(*m->slots));
	m->mask = slots - 1;
	m->count = 0;
	m->generation = 1;
}

void map_done(struct map *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

void map_clear(struct map *m)
{
	m->count = 0;
	if (++m->generation == 0) {
		memset(m->slots, 0, ((size_t)m->mask + 1) * sizeof(*m->slots));
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

static void grow(struct map *m)
{
	struct map bigger;

	map_init(&bigger, m->count * 2);
	for (size_t i = 0; i <= m->mask; i++)
		if (m->slots[i].used == m->generation)
			*map_put(&bigger, m->slots[i].key, NULL) = m->slots[i].value;
	free(m->slots);
	*m = bigger;
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
