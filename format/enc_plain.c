/* The three encodings that only copy: the type's own bytes, as few whole bytes as the largest
 * residual needs (good food for LZ4), and nothing at all when every residual is zero. */
#include <errno.h>

#include "format/encoding.h"

static uint64_t raw_cost(const struct series *s)
{
	if (bit_length(s->max) > 8 * s->width)
		return CANNOT;
	return (uint64_t)s->n * s->width * 8;
}

static void raw_encode(const struct series *s, struct buf *out)
{
	for (uint32_t i = 0; i < s->n; i++)
		buf_uint(out, s->v[i], s->width);
}

/* The number of bytes is the compiler's to know: then each value is a load or two. */
static inline __attribute__((always_inline)) void take_values(const uint8_t *p, uint64_t *v,
	uint32_t n, size_t width)
{
	for (uint32_t i = 0; i < n; i++, p += width) {
		v[i] = 0;
		memcpy(&v[i], p, width);
	}
}

static int raw_decode(struct cursor *in, uint64_t *v, uint32_t n, size_t width)
{
	const uint8_t *p = cursor_take(in, n * width);

	if (!p)
		return 0; /* the cursor says so */
	switch (width) {
	case 1: take_values(p, v, n, 1); break;
	case 2: take_values(p, v, n, 2); break;
	case 3: take_values(p, v, n, 3); break;
	case 4: take_values(p, v, n, 4); break;
	case 5: take_values(p, v, n, 5); break;
	case 6: take_values(p, v, n, 6); break;
	case 7: take_values(p, v, n, 7); break;
	default: take_values(p, v, n, 8);
	}
	return 0;
}

static size_t bytes_width(uint64_t max)
{
	return max ? (bit_length(max) + 7) / 8 : 1;
}

static uint64_t bytes_cost(const struct series *s)
{
	return 8 + (uint64_t)s->n * bytes_width(s->max) * 8;
}

static void bytes_encode(const struct series *s, struct buf *out)
{
	size_t width = bytes_width(s->max);

	buf_uint(out, width, 1);
	for (uint32_t i = 0; i < s->n; i++)
		buf_uint(out, s->v[i], width);
}

static int bytes_decode(struct cursor *in, uint64_t *v, uint32_t n, size_t unused)
{
	size_t width = cursor_uint(in, 1);

	(void)unused;
	if (width < 1 || width > 8)
		return -EINVAL;
	return raw_decode(in, v, n, width);
}

static uint64_t const_cost(const struct series *s)
{
	return s->max ? CANNOT : 0;
}

static void const_encode(const struct series *s, struct buf *out)
{
	(void)s;
	(void)out;
}

static int const_decode(struct cursor *in, uint64_t *v, uint32_t n, size_t width)
{
	(void)in;
	(void)width;
	memset(v, 0, n * sizeof(*v));
	return 0;
}

const struct encoding encoding_raw = { "raw", ENC_RAW, raw_cost, raw_encode, raw_decode };
const struct encoding encoding_bytes = { "bytes", ENC_BYTES, bytes_cost, bytes_encode,
	bytes_decode };
const struct encoding encoding_const = { "const", ENC_CONST, const_cost, const_encode,
	const_decode };
