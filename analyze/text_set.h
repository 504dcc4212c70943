/* A set of texts, in the order in which they came. */
#ifndef ANALYZE_TEXT_SET_H
#define ANALYZE_TEXT_SET_H

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/segment.h"

struct text_set {
	struct arena arena;
	struct map heads;   /* by hash: 1 + number of an item */
	struct text *items; /* owned; their bytes are in the arena */
	uint32_t *next;     /* owned; 1 + number of another item with the same hash */
	uint32_t n, cap;
};

void text_set_init(struct text_set *s);
void text_set_done(struct text_set *s);

/* Copies the text in; true if it was not there. */
bool text_set_add(struct text_set *s, struct text t);
bool text_set_has(const struct text_set *s, struct text t);

/* 1 + the number of a text; 0: it is not there. */
uint32_t text_set_find(const struct text_set *s, struct text t);

#endif
