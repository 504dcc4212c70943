/* Interning with fixed capacity. All are found by hash and then compared. */
#include "format/dict.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

enum {
	MAX_SYMBOLS = 1 << 13,
};

static const struct dict_size usual = {
	.strings = 1 << 16,
	.bytes = 4 << 20,
	.mappings = 1 << 14,
	.frames = 1 << 16,
	.stacks = 1 << 18,
};

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void dict_init(struct dict *d, const struct dict_size *least)
{
	const struct dict_size l = least ? *least : usual;
	const struct dict_size m = { larger(l.strings, usual.strings), larger(l.bytes, usual.bytes),
		larger(l.mappings, usual.mappings), larger(l.frames, usual.frames),
		larger(l.stacks, usual.stacks) };

	memset(d, 0, sizeof(*d));
	d->most = m;
	map_init_reserved(&d->string_map, m.strings);
	map_init_reserved(&d->mapping_map, m.mappings);
	number_set_init(&d->frame_set, m.frames);
	number_set_init(&d->stack_set, m.stacks);
	d->bytes = xcalloc(m.bytes, 1);
	d->string_at = xcalloc((size_t)m.strings + 1, sizeof(*d->string_at));
	d->mappings = xcalloc(m.mappings, sizeof(*d->mappings));
	d->frame_mapping = xcalloc(m.frames, sizeof(*d->frame_mapping));
	d->frame_address = xcalloc(m.frames, sizeof(*d->frame_address));
	d->stack_parent = xcalloc(m.stacks, sizeof(*d->stack_parent));
	d->stack_frame = xcalloc(m.stacks, sizeof(*d->stack_frame));
	d->stack_flags = xcalloc(m.stacks, sizeof(*d->stack_flags));
	d->stack_depth = xcalloc(m.stacks, sizeof(*d->stack_depth));
	d->frame_in_file = xcalloc(m.frames, sizeof(*d->frame_in_file));
	d->stack_in_file = xcalloc(m.stacks, sizeof(*d->stack_in_file));
	d->symbols = xcalloc(MAX_SYMBOLS, sizeof(*d->symbols));
	dict_clear(d);
}

void dict_done(struct dict *d)
{
	map_done(&d->string_map);
	map_done(&d->mapping_map);
	number_set_done(&d->frame_set);
	number_set_done(&d->stack_set);
	free(d->bytes);
	free(d->string_at);
	free(d->mappings);
	free(d->frame_mapping);
	free(d->frame_address);
	free(d->stack_parent);
	free(d->stack_frame);
	free(d->stack_flags);
	free(d->stack_depth);
	free(d->frame_in_file);
	free(d->stack_in_file);
	free(d->symbols);
	memset(d, 0, sizeof(*d));
}

void dict_clear(struct dict *d)
{
	map_clear(&d->string_map);
	map_clear(&d->mapping_map);
	number_set_clear(&d->frame_set);
	number_set_clear(&d->stack_set);
	d->n_strings = d->n_mappings = d->n_frames = d->n_stacks = 1;
	d->strings_done = d->mappings_done = d->frames_done = d->stacks_done = 1;
	d->n_symbols = d->symbols_ready = 0;
	d->string_at[1] = 0;
}

void dict_cut(struct dict *d)
{
	map_clear(&d->string_map);
	map_clear(&d->mapping_map);
	number_set_clear(&d->frame_set);
	number_set_clear(&d->stack_set);
	d->n_strings = d->strings_done;
	d->n_mappings = d->mappings_done;
	d->n_frames = d->frames_done;
	d->n_stacks = d->stacks_done;
	d->n_symbols = d->symbols_ready = 0;
	for (uint32_t i = 1; i < d->n_strings; i++) {
		uint32_t at = d->string_at[i];
		uint64_t key = hash_bytes(d->bytes + at, d->string_at[i + 1] - at);

		while (map_get(&d->string_map, key))
			key++;
		*map_put(&d->string_map, key, NULL) = i;
	}
}

static bool same_string(const struct dict *d, uint32_t id, const char *s, size_t len)
{
	uint32_t at = d->string_at[id];

	return d->string_at[id + 1] - at == len && memcmp(d->bytes + at, s, len) == 0;
}

uint32_t dict_string(struct dict *d, const char *s, size_t len)
{
	uint64_t key;
	uint32_t *id, at = d->string_at[d->n_strings];

	if (len > MAX_TEXT)
		len = MAX_TEXT;
	if (!len)
		return 0;
	for (key = hash_bytes(s, len); (id = map_get(&d->string_map, key)); key++)
		if (same_string(d, *id, s, len))
			return *id;
	if (d->n_strings == d->most.strings || len > d->most.bytes - at)
		return 0;
	*map_put(&d->string_map, key, NULL) = d->n_strings;
	memcpy(d->bytes + at, s, len);
	d->string_at[d->n_strings + 1] = at + (uint32_t)len;
	return d->n_strings++;
}

static bool same_mapping(const struct mapping *a, const struct mapping *b)
{
	return a->kind == b->kind && a->path == b->path && a->base == b->base && a->pid == b->pid &&
		a->build_id_len == b->build_id_len &&
		(!a->build_id_len || memcmp(a->build_id, b->build_id, a->build_id_len) == 0);
}

uint32_t dict_mapping(struct dict *d, const struct mapping *m)
{
	uint64_t key = hash_u64(hash_u64((uint64_t)m->kind << 32 | m->path) ^ m->base) + m->pid;
	struct dict_mapping *to = &d->mappings[d->n_mappings];
	uint32_t *id;

	key ^= hash_bytes(m->build_id, m->build_id_len);
	for (; (id = map_get(&d->mapping_map, key)); key++)
		if (same_mapping(&d->mappings[*id].m, m))
			return *id;
	if (d->n_mappings == d->most.mappings || m->build_id_len > BUILD_ID_MAX)
		return 0;
	*map_put(&d->mapping_map, key, NULL) = d->n_mappings;
	to->m = *m;
	to->m.build_id = to->build_id;
	if (m->build_id_len)
		memcpy(to->build_id, m->build_id, m->build_id_len);
	return d->n_mappings++;
}

static uint64_t frame_hash(uint32_t mapping, uint64_t address)
{
	return hash_u64(hash_u64(address) ^ (uint64_t)mapping * 0x9e3779b97f4a7c15ULL);
}

static uint64_t hash_of_frame(const void *dict, uint32_t frame)
{
	const struct dict *d = dict;

	return frame_hash(d->frame_mapping[frame], d->frame_address[frame]);
}

uint32_t dict_frame(struct dict *d, uint32_t mapping, uint64_t address)
{
	const struct number_set *s = &d->frame_set;
	uint64_t hash = frame_hash(mapping, address);
	uint32_t f;

	for (uint32_t at = number_set_at(s, hash); (f = s->slots[at]); at = number_set_next(s, at))
		if (d->frame_address[f] == address && d->frame_mapping[f] == mapping)
			return f;
	if (d->n_frames == d->most.frames)
		return 0;
	number_set_add(&d->frame_set, hash, d->n_frames, hash_of_frame, d);
	d->frame_mapping[d->n_frames] = mapping;
	d->frame_address[d->n_frames] = address;
	d->frame_in_file[d->n_frames] = 0;
	return d->n_frames++;
}

/* Of a root the flags, of others the frame. */
static uint64_t stack_hash(uint32_t parent, uint32_t frame, uint8_t flags)
{
	return hash_u64((uint64_t)parent << 32 | (parent ? frame : flags));
}

static uint64_t hash_of_stack(const void *dict, uint32_t stack)
{
	const struct dict *d = dict;

	return stack_hash(d->stack_parent[stack], d->stack_frame[stack], d->stack_flags[stack]);
}

static uint32_t stack_node(struct dict *d, uint32_t parent, uint32_t frame, uint8_t flags)
{
	const struct number_set *set = &d->stack_set;
	uint64_t hash = stack_hash(parent, frame, flags);
	uint32_t s;

	for (uint32_t at = number_set_at(set, hash); (s = set->slots[at]);
		at = number_set_next(set, at))
		if (d->stack_parent[s] == parent && d->stack_frame[s] == frame &&
			d->stack_flags[s] == flags)
			return s;
	if (d->n_stacks == d->most.stacks)
		return 0;
	number_set_add(&d->stack_set, hash, d->n_stacks, hash_of_stack, d);
	d->stack_parent[d->n_stacks] = parent;
	d->stack_frame[d->n_stacks] = frame;
	d->stack_flags[d->n_stacks] = flags;
	d->stack_in_file[d->n_stacks] = 0;
	d->stack_depth[d->n_stacks] = parent ? d->stack_depth[parent] + 1 : 0;
	return d->n_stacks++;
}

uint32_t dict_stack_root(struct dict *d, uint8_t flags)
{
	return stack_node(d, 0, 0, flags);
}

uint32_t dict_stack(struct dict *d, uint32_t parent, uint32_t frame)
{
	return parent ? stack_node(d, parent, frame, 0) : 0;
}

bool dict_symbol(struct dict *d, const struct dict_symbol *s)
{
	if (d->n_symbols == MAX_SYMBOLS)
		return false;
	d->symbols[d->n_symbols] = *s;
	d->symbols[d->n_symbols].order = d->n_symbols;
	d->n_symbols++;
	return true;
}

static bool above(uint32_t n, uint32_t max, uint32_t sixteenths)
{
	return n > max / 16 * sixteenths;
}

bool dict_has_room(const struct dict *d, const struct dict_size *size)
{
	const struct dict_size *m = &d->most;

	return size->strings <= m->strings && size->bytes <= m->bytes &&
		size->mappings <= m->mappings && size->frames <= m->frames &&
		size->stacks <= m->stacks;
}

bool dict_filled(const struct dict *d, uint32_t sixteenths)
{
	return above(d->n_strings, d->most.strings, sixteenths) ||
		above(d->string_at[d->n_strings], d->most.bytes, sixteenths) ||
		above(d->n_mappings, d->most.mappings, sixteenths) ||
		above(d->n_frames, d->most.frames, sixteenths) ||
		above(d->n_stacks, d->most.stacks, sixteenths);
}
