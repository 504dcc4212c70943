/* Interning with fixed capacity. Strings and mappings are found by hash and then compared; frames
 * too, as their 96 bits do not fit a key; a stack's key is exact. */
#include "format/dict.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

enum {
	MAX_STRINGS = 1 << 16,
	MAX_BYTES = 4 << 20,
	MAX_MAPPINGS = 1 << 14,
	MAX_FRAMES = 1 << 16,
	MAX_STACKS = 1 << 18,
	MAX_SYMBOLS = 1 << 13,
};

void dict_init(struct dict *d)
{
	memset(d, 0, sizeof(*d));
	map_init_reserved(&d->string_map, MAX_STRINGS);
	map_init_reserved(&d->mapping_map, MAX_MAPPINGS);
	map_init_reserved(&d->frame_map, MAX_FRAMES);
	map_init_reserved(&d->stack_map, MAX_STACKS);
	d->bytes = xcalloc(MAX_BYTES, 1);
	d->string_at = xcalloc(MAX_STRINGS + 1, sizeof(*d->string_at));
	d->mappings = xcalloc(MAX_MAPPINGS, sizeof(*d->mappings));
	d->frame_mapping = xcalloc(MAX_FRAMES, sizeof(*d->frame_mapping));
	d->frame_address = xcalloc(MAX_FRAMES, sizeof(*d->frame_address));
	d->stack_parent = xcalloc(MAX_STACKS, sizeof(*d->stack_parent));
	d->stack_frame = xcalloc(MAX_STACKS, sizeof(*d->stack_frame));
	d->stack_flags = xcalloc(MAX_STACKS, sizeof(*d->stack_flags));
	d->stack_depth = xcalloc(MAX_STACKS, sizeof(*d->stack_depth));
	d->frame_in_file = xcalloc(MAX_FRAMES, sizeof(*d->frame_in_file));
	d->stack_in_file = xcalloc(MAX_STACKS, sizeof(*d->stack_in_file));
	d->symbols = xcalloc(MAX_SYMBOLS, sizeof(*d->symbols));
	dict_clear(d);
}

void dict_done(struct dict *d)
{
	map_done(&d->string_map);
	map_done(&d->mapping_map);
	map_done(&d->frame_map);
	map_done(&d->stack_map);
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
	map_clear(&d->frame_map);
	map_clear(&d->stack_map);
	d->n_strings = d->n_mappings = d->n_frames = d->n_stacks = 1;
	d->strings_done = d->mappings_done = d->frames_done = d->stacks_done = 1;
	d->n_symbols = d->symbols_ready = 0;
	d->string_at[1] = 0;
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
	if (d->n_strings == MAX_STRINGS || len > MAX_BYTES - at)
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
	if (d->n_mappings == MAX_MAPPINGS || m->build_id_len > BUILD_ID_MAX)
		return 0;
	*map_put(&d->mapping_map, key, NULL) = d->n_mappings;
	to->m = *m;
	to->m.build_id = to->build_id;
	if (m->build_id_len)
		memcpy(to->build_id, m->build_id, m->build_id_len);
	return d->n_mappings++;
}

uint32_t dict_frame(struct dict *d, uint32_t mapping, uint64_t address)
{
	uint64_t key = hash_u64(address) ^ (uint64_t)mapping * 0x9e3779b97f4a7c15ULL;
	uint32_t *id;

	for (; (id = map_get(&d->frame_map, key)); key++)
		if (d->frame_mapping[*id] == mapping && d->frame_address[*id] == address)
			return *id;
	if (d->n_frames == MAX_FRAMES)
		return 0;
	*map_put(&d->frame_map, key, NULL) = d->n_frames;
	d->frame_mapping[d->n_frames] = mapping;
	d->frame_address[d->n_frames] = address;
	d->frame_in_file[d->n_frames] = 0;
	return d->n_frames++;
}

static uint32_t stack_node(struct dict *d, uint32_t parent, uint32_t frame, uint8_t flags)
{
	uint64_t key = (uint64_t)parent << 32 | (parent ? frame : flags);
	uint32_t *id = map_get(&d->stack_map, key);

	if (id)
		return *id;
	if (d->n_stacks == MAX_STACKS)
		return 0;
	*map_put(&d->stack_map, key, NULL) = d->n_stacks;
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
	d->symbols[d->n_symbols++] = *s;
	return true;
}

static bool above(uint32_t n, uint32_t max, uint32_t sixteenths)
{
	return n > max / 16 * sixteenths;
}

bool dict_filled(const struct dict *d, uint32_t sixteenths)
{
	return above(d->n_strings, MAX_STRINGS, sixteenths) ||
		above(d->string_at[d->n_strings], MAX_BYTES, sixteenths) ||
		above(d->n_mappings, MAX_MAPPINGS, sixteenths) ||
		above(d->n_frames, MAX_FRAMES, sixteenths) ||
		above(d->n_stacks, MAX_STACKS, sixteenths);
}
