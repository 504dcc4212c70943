/* Chunks of doubling size; a piece larger than a chunk gets a chunk of its own. */
#include "format/base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK = 4096, MAX_CHUNK = 1 << 20, ALIGN = 16 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* bytes behind this header */
} __attribute__((aligned(ALIGN)));

static void out_of_memory(size_t size)
{
	fprintf(stderr, "out of memory: no %zu bytes to be had\n", size);
	abort();
}

void *xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes = n * size;
	void *q;

	if (size && n > SIZE_MAX / 2 / size)
		out_of_memory(SIZE_MAX);
	q = realloc(p, bytes > 0 ? bytes : 1);
	if (!q)
		out_of_memory(bytes);
	return q;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory(n * size);
	return p;
}

void *xgrow(void *p, size_t n, size_t size)
{
	return n & (n - 1) ? p : xrealloc(p, n ? 2 * n : 1, size);
}

static void add_chunk(struct arena *a, size_t need)
{
	size_t size = a->chunks ? a->chunks->size * 2 : FIRST_CHUNK;
	struct arena_chunk *c;

	if (size > MAX_CHUNK)
		size = MAX_CHUNK;
	if (size < need)
		size = need;
	c = xrealloc(NULL, 1, sizeof(*c) + size);
	c->next = a->chunks;
	c->size = size;
	a->chunks = c;
	a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	void *p;

	if (size > SIZE_MAX / 2)
		out_of_memory(size);
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!a->chunks || a->chunks->size - a->used < size)
		add_chunk(a, size);
	p = (char *)(a->chunks + 1) + a->used;
	a->used += size;
	return memset(p, 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (len)
		memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	text = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
	if (n > 0)
		vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}

static void free_chunks(struct arena_chunk *c)
{
	struct arena_chunk *next;

	for (; c; c = next) {
		next = c->next;
		free(c);
	}
}

void arena_done(struct arena *a)
{
	free_chunks(a->chunks);
	a->chunks = NULL;
	a->used = 0;
}

void arena_reset(struct arena *a)
{
	if (a->chunks) {
		free_chunks(a->chunks->next);
		a->chunks->next = NULL;
	}
	a->used = 0;
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
	while (a->chunks != mark.chunks) {
		struct arena_chunk *newer = a->chunks;

		a->chunks = newer->next;
		free(newer);
	}
	a->used = mark.used;
}
