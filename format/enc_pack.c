/* Groups of 128 values, each less the group's smallest, in as few bits as the largest then needs
 * ("frame of reference": Goldstein, Ramakrishnan and Shaft 1998; groups as in Lemire and Boytsov
 * 2015). One byte of width and a varint of base lead each group. */
#include <errno.h>

#include "format/base/bits.h"
#include "format/encoding.h"

static void range(const uint64_t *v, uint32_t n, uint64_t *min, uint64_t *max)
{
	*min = *max = v[0];
	for (uint32_t i = 1; i < n; i++) {
		*min = v[i] < *min ? v[i] : *min;
		*max = v[i] > *max ? v[i] : *max;
	}
}

static uint32_t group_size(uint32_t left)
{
	return left < PACK_GROUP ? left : PACK_GROUP;
}

static unsigned varint_bits(uint64_t v)
{
	return 8 * (v ? (bit_length(v) + 6) / 7 : 1);
}

uint64_t pack_cost(const uint64_t *v, uint32_t n)
{
	uint64_t bits = 0, min, max;

	for (uint32_t g; n; v += g, n -= g) {
		g = group_size(n);
		range(v, g, &min, &max);
		bits += 8 + varint_bits(min) + ((uint64_t)g * bit_length(max - min) + 7) / 8 * 8;
	}
	return bits;
}

void pack_put(const uint64_t *v, uint32_t n, struct buf *out)
{
	uint64_t min, max;

	for (uint32_t g; n; v += g, n -= g) {
		struct bit_writer w = { .out = out };
		unsigned width;

		g = group_size(n);
		range(v, g, &min, &max);
		width = bit_length(max - min);
		buf_varint(out, min);
		buf_uint(out, width, 1);
		for (uint32_t i = 0; i < g; i++)
			bits_put_wide(&w, v[i] - min, width);
		bits_finish(&w);
	}
}

static void take_group(const uint8_t *p, const uint8_t *end, uint64_t min, unsigned width,
	uint64_t *v, uint32_t n)
{
	struct bit_reader r = bit_reader_of(p, end);

	if (width <= 56) {
		for (uint32_t i = 0; i < n; i++)
			v[i] = min + bits_take(&r, width);
	} else {
		for (uint32_t i = 0; i < n; i++)
			v[i] = min + bits_take_wide(&r, width);
	}
}

void pack_take(struct cursor *in, uint64_t *v, uint32_t n)
{
	for (uint32_t g; n && !in->bad; v += g, n -= g) {
		uint64_t min = cursor_varint(in), width = cursor_uint(in, 1);
		const uint8_t *p;
		size_t bytes;

		g = group_size(n);
		bytes = width <= 64 ? ((size_t)g * width + 7) / 8 : SIZE_MAX;
		p = cursor_take(in, bytes);
		if (p)
			take_group(p, p + bytes, min, (unsigned)width, v, g);
	}
}

static uint64_t series_cost(const struct series *s)
{
	return pack_cost(s->v, s->n);
}

static void encode(const struct series *s, struct buf *out)
{
	pack_put(s->v, s->n, out);
}

static int decode(struct cursor *in, uint64_t *v, uint32_t n, size_t width)
{
	(void)width;
	pack_take(in, v, n);
	return in->bad ? -EINVAL : 0;
}

const struct encoding encoding_pack = { "pack", ENC_PACK, series_cost, encode, decode };
