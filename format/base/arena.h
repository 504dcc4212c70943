/* Memory with one lifetime: allocate piece by piece, free everything at once.
 *
 * Pieces are aligned to 16 bytes and zeroed. Arenas are passed to whoever needs them, never
 * hidden: the session's, one per analyzer, one scratch that is reset for each block. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* owned, newest first */
	size_t used;                /* bytes used of the newest chunk */
};

/* An arena of all zero bytes is ready for use. */
void arena_done(struct arena *a);

/* Forgets every piece but keeps one chunk for reuse. */
void arena_reset(struct arena *a);

/* Where an arena is, so that pieces that were made since then can be forgotten. */
struct arena_mark {
	struct arena_chunk *chunks;
	size_t used;
};

static inline struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->chunks, a->used };
}

void arena_rewind(struct arena *a, struct arena_mark mark);

/* Never NULL: when the machine has no memory left the program ends with one line, as nothing
 * sensible can go on. Not for the recording loop, which allocates up front. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* malloc family with the same promise, for arrays that grow. */
void *xrealloc(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((returns_nonnull));

/* Room for one more in an array of n that has never been given more than one at a time: arrays double, and
 * are full at powers of two. */
void *xgrow(void *p, size_t n, size_t size);

#endif
