/* What is known of addresses: from segment to segment, each of which says it anew. */
#include "record/names_known.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KNOWN = 1 << 17 /* names: some 10 MB */ };

struct known_name {
	uint32_t serial;
	uint64_t address;
	struct name_found found;
};

static uint64_t place(uint32_t serial, uint64_t address)
{
	return hash_u64(hash_u64(serial) ^ address);
}

void names_known_done(struct names_known *k)
{
	arena_done(&k->arena);
	map_done(&k->by_place);
	map_done(&k->by_text);
	free(k->list);
	free(k->texts);
	memset(k, 0, sizeof(*k));
}

/* The same text is in many names and chains: it is kept once, or almost. */
static const char *keep_text(struct names_known *k, const char *text)
{
	uint32_t *at;
	bool is_new;

	if (!text)
		return NULL;
	at = map_put(&k->by_text, hash_bytes(text, strlen(text)), &is_new);
	if (!is_new && strcmp(k->texts[*at], text) == 0)
		return k->texts[*at];
	if (k->n_texts == k->cap_texts) {
		k->cap_texts = k->cap_texts ? 2 * k->cap_texts : 1024;
		k->texts = xrealloc(k->texts, k->cap_texts, sizeof(*k->texts));
	}
	*at = k->n_texts;
	return k->texts[k->n_texts++] = arena_strdup(&k->arena, text);
}

static void keep_chain(struct names_known *k, struct inline_chain *c)
{
	const struct inline_frame *from = c->frames;

	if (!c->n)
		return;
	c->frames = arena_alloc(&k->arena, c->n * sizeof(*from));
	for (uint32_t i = 0; i < c->n; i++)
		c->frames[i] = (struct inline_frame){ .name = keep_text(k, from[i].name),
			.linkage = keep_text(k, from[i].linkage),
			.file = keep_text(k, from[i].file),
			.line = from[i].line };
}

void names_remember(struct names_known *k, uint32_t serial, uint64_t address,
	const struct name_found *found)
{
	struct known_name *to;
	uint32_t *at;
	bool is_new;

	if (k->n == MAX_KNOWN)
		names_known_done(k);
	if (!k->list) {
		k->list = xcalloc(MAX_KNOWN, sizeof(*k->list));
		map_init(&k->by_place, 1024);
		map_init(&k->by_text, 1024);
	}
	at = map_put(&k->by_place, place(serial, address), &is_new);
	if (!is_new)
		return;
	*at = k->n;
	to = &k->list[k->n++];
	*to = (struct known_name){ serial, address, *found };
	to->found.name = keep_text(k, found->name);
	to->found.linkage = keep_text(k, found->linkage);
	keep_chain(k, &to->found.chain);
}

const struct name_found *names_recall(const struct names_known *k, uint32_t serial,
	uint64_t address)
{
	const uint32_t *at = k->n ? map_get(&k->by_place, place(serial, address)) : NULL;
	const struct known_name *a = at ? &k->list[*at] : NULL;

	return a && a->serial == serial && a->address == address ? &a->found : NULL;
}
