/* Reading bytes that nobody vouches for, and writing them into a buffer of fixed size.
 *
 * A cursor never reads past its end: a read that does not fit returns zero and sets `bad`, which
 * stays set, so a parser may read a whole structure and check once. A buf is the mirror image: a
 * write that does not fit is left out and sets `full`. Integers are little-endian; varints are
 * LEB128 (seven bits a byte, low bits first, at most ten bytes). */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the trace format is little-endian and so must be the machine"
#endif

struct cursor {
	const uint8_t *p, *end;
	bool bad;
};

struct buf {
	uint8_t *data; /* borrowed */
	size_t len, cap;
	bool full;
};

static inline struct cursor cursor_of(const void *data, size_t len)
{
	return (struct cursor){ data, (const uint8_t *)data + len, false };
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL (and bad). */
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || n > cursor_left(c)) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	return p;
}

/* An integer of 1 to 8 bytes. */
static inline uint64_t cursor_uint(struct cursor *c, size_t width)
{
	const uint8_t *p = cursor_take(c, width);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, width);
	return v;
}

static inline uint64_t cursor_varint(struct cursor *c)
{
	uint64_t v = 0;
	unsigned shift = 0;

	while (!c->bad && c->p < c->end && shift < 64) {
		uint8_t b = *c->p++;

		if (shift == 63 && b > 1)
			break;
		v |= (uint64_t)(b & 127) << shift;
		if (b < 128)
			return v;
		shift += 7;
	}
	c->bad = true;
	return 0;
}

static inline struct buf buf_of(void *data, size_t cap)
{
	return (struct buf){ data, 0, cap, false };
}

/* Room for n bytes at the end of the buffer, or NULL (and full). */
static inline uint8_t *buf_room(struct buf *b, size_t n)
{
	uint8_t *p = b->data + b->len;

	if (b->full || n > b->cap - b->len) {
		b->full = true;
		return NULL;
	}
	b->len += n;
	return p;
}

static inline void buf_put(struct buf *b, const void *data, size_t n)
{
	uint8_t *p = n ? buf_room(b, n) : NULL;

	if (p)
		memcpy(p, data, n);
}

static inline void buf_uint(struct buf *b, uint64_t v, size_t width)
{
	buf_put(b, &v, width);
}

static inline void buf_varint(struct buf *b, uint64_t v)
{
	uint8_t tmp[10];
	size_t n = 0;

	do {
		tmp[n++] = (uint8_t)((v & 127) | (v > 127 ? 128 : 0));
		v >>= 7;
	} while (v);
	buf_put(b, tmp, n);
}

/* Signed numbers in unsigned clothes: 0, -1, 1, -2 become 0, 1, 2, 3. */
static inline uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t unzigzag(uint64_t u)
{
	return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

/* The number of bits that v needs: 0 for 0, 64 for the largest. */
static inline unsigned bit_length(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

#endif
