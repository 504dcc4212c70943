#include "analyze/text_set.h"

#include <stdlib.h>
#include <string.h>

void text_set_init(struct text_set *s)
{
	memset(s, 0, sizeof(*s));
	map_init(&s->heads, 64);
}

void text_set_done(struct text_set *s)
{
	map_done(&s->heads);
	arena_done(&s->arena);
	free(s->items);
	free(s->next);
}

uint32_t text_set_find(const struct text_set *s, struct text t)
{
	const uint32_t *head = map_get(&s->heads, hash_bytes(t.s, t.len));

	for (uint32_t at = head ? *head : 0; at; at = s->next[at - 1]) {
		struct text other = s->items[at - 1];

		if (other.len == t.len && (!t.len || memcmp(other.s, t.s, t.len) == 0))
			return at;
	}
	return 0;
}

bool text_set_has(const struct text_set *s, struct text t)
{
	return text_set_find(s, t) != 0;
}

bool text_set_add(struct text_set *s, struct text t)
{
	uint32_t *head;

	if (text_set_has(s, t))
		return false;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->items = xrealloc(s->items, s->cap, sizeof(*s->items));
		s->next = xrealloc(s->next, s->cap, sizeof(*s->next));
	}
	head = map_put(&s->heads, hash_bytes(t.s, t.len), NULL);
	s->items[s->n] = (struct text){ arena_strndup(&s->arena, t.s, t.len), t.len };
	s->next[s->n] = *head;
	*head = ++s->n;
	return true;
}
