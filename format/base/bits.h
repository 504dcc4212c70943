/* Streams of bits, low bit first, as deflate packs them.
 *
 * Code of up to 57 bits can be put or taken at once; longer values go in two halves. */
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "format/base/bytes.h"

struct bit_writer {
	struct buf *out;
	uint64_t acc;
	unsigned n; /* bits in acc that are not yet written, below 8 after each call */
};

struct bit_reader {
	const uint8_t *p, *end;
	uint64_t acc;
	unsigned n; /* bits of acc that are valid */
	bool bad;
};

static inline void bits_put(struct bit_writer *w, uint64_t v, unsigned width)
{
	w->acc |= v << w->n;
	w->n += width;
	while (w->n >= 8) {
		uint8_t *p = buf_room(w->out, 1);

		if (p)
			*p = (uint8_t)w->acc;
		w->acc >>= 8;
		w->n -= 8;
	}
}

/* Any width up to 64. */
static inline void bits_put_wide(struct bit_writer *w, uint64_t v, unsigned width)
{
	if (width > 32) {
		bits_put(w, v & 0xffffffff, 32);
		v >>= 32;
		width -= 32;
	}
	bits_put(w, v, width);
}

static inline void bits_finish(struct bit_writer *w)
{
	if (w->n)
		bits_put(w, 0, 8 - w->n);
}

static inline struct bit_reader bit_reader_of(const uint8_t *p, const uint8_t *end)
{
	return (struct bit_reader){ p, end, 0, 0, false };
}

/* Fills acc to at least 56 bits, with zeros behind the end of the data. */
static inline void bits_refill(struct bit_reader *r)
{
	if (r->end - r->p >= 8) {
		uint64_t next;

		memcpy(&next, r->p, 8);
		r->acc |= next << r->n;
		r->p += (63 - r->n) >> 3;
		r->n |= 56;
		return;
	}
	while (r->n <= 56 && r->p < r->end) {
		r->acc |= (uint64_t)*r->p++ << r->n;
		r->n += 8;
	}
}

static inline void bits_skip(struct bit_reader *r, unsigned width)
{
	if (width > r->n) {
		r->bad = true;
		return;
	}
	r->acc >>= width;
	r->n -= width;
}

/* Up to 56 bits. */
static inline uint64_t bits_take(struct bit_reader *r, unsigned width)
{
	uint64_t v;

	if (r->n < width)
		bits_refill(r);
	v = r->acc & ((1ULL << width) - 1);
	bits_skip(r, width);
	return v;
}

static inline uint64_t bits_take_wide(struct bit_reader *r, unsigned width)
{
	uint64_t low;

	if (width <= 32)
		return bits_take(r, width);
	low = bits_take(r, 32);
	return low | bits_take(r, width - 32) << 32;
}

/* Where the next whole byte starts, once all bits are taken. NULL if the stream was too short. */
static inline const uint8_t *bits_end(const struct bit_reader *r)
{
	return r->bad ? NULL : r->p - r->n / 8;
}

#endif
