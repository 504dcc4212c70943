/* The bit length of each residual as a Huffman code, then its bits below the highest.
 *
 * As JPEG codes its coefficients: cheap near zero, and a few far outliers (a timer that came late)
 * cost only themselves, where packing would widen their whole group. */
#include <errno.h>

#include "format/encoding.h"

enum { CLASSES = 65 };

/* The classes that occur lie in [first, last]. */
static void occurring(const uint32_t *classes, uint32_t *first, uint32_t *last)
{
	*first = 0;
	*last = CLASSES - 1;
	while (!classes[*first])
		++*first;
	while (!classes[*last])
		--*last;
}

static uint64_t cost(const struct series *s)
{
	struct huffman_encoder h;
	uint64_t bits = huffman_build(&h, s->classes, CLASSES);
	uint32_t first, last;

	occurring(s->classes, &first, &last);
	for (uint32_t k = 2; k < CLASSES; k++)
		bits += (uint64_t)s->classes[k] * (k - 1);
	return bits + 40 + 4ULL * (last - first + 1);
}

static void encode(const struct series *s, struct buf *out)
{
	struct huffman_encoder h;
	struct bit_writer w = { .out = out };
	uint64_t lengths[CLASSES];
	uint32_t first, last;

	huffman_build(&h, s->classes, CLASSES);
	occurring(s->classes, &first, &last);
	buf_uint(out, first, 1);
	buf_uint(out, last, 1);
	for (uint32_t k = first; k <= last; k++)
		lengths[k - first] = h.length[k];
	pack_put(lengths, last - first + 1, out);
	for (uint32_t i = 0; i < s->n; i++) {
		unsigned k = bit_length(s->v[i]);

		huffman_put(&w, &h, k);
		if (k > 1)
			bits_put_wide(&w, s->v[i] ^ 1ULL << (k - 1), k - 1);
	}
	bits_finish(&w);
}

static int decode(struct cursor *in, uint64_t *v, uint32_t n, size_t width)
{
	uint64_t first = cursor_uint(in, 1), last = cursor_uint(in, 1), lengths[CLASSES];
	struct huffman_decoder h;
	struct bit_reader r;

	(void)width;
	if (first > last || last >= CLASSES)
		return -EINVAL;
	pack_take(in, lengths, (uint32_t)(last - first + 1));
	if (in->bad || huffman_prepare(&h, lengths, (uint32_t)(last - first + 1)))
		return -EINVAL;
	r = bit_reader_of(in->p, in->end);
	for (uint32_t i = 0; i < n; i++) {
		unsigned k = (unsigned)first + huffman_take(&r, &h);

		v[i] = k <= 1 ? k : bits_take_wide(&r, k - 1) | 1ULL << (k - 1);
	}
	in->p = r.bad ? in->end : bits_end(&r);
	return r.bad ? -EINVAL : 0;
}

const struct encoding encoding_class = { "class", ENC_CLASS, cost, encode, decode };
