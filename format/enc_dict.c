/* The distinct values, in ascending order, and for each row the Huffman code of its value. */
#include <errno.h>
#include <stdlib.h>

#include "format/encoding.h"

static uint64_t cost(const struct series *s)
{
	const struct distinct *d = s->distinct;
	struct huffman_encoder h;

	if (!d || !d->n)
		return CANNOT;
	return huffman_build(&h, d->count, d->n) + 32 +
		d->n * (4 + bit_length(s->max / d->n) + 1ULL);
}

struct value {
	uint64_t value;
	uint32_t index; /* in struct distinct */
};

static int by_value(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

/* The table: number of values, differences, code lengths. */
static void put_table(const struct value *sorted, uint32_t n, const struct huffman_encoder *h,
	struct buf *out)
{
	uint64_t column[DICT_MAX];

	buf_varint(out, n);
	for (uint32_t i = 0; i < n; i++)
		column[i] = sorted[i].value - (i ? sorted[i - 1].value : 0);
	pack_put(column, n, out);
	for (uint32_t i = 0; i < n; i++)
		column[i] = h->length[i];
	pack_put(column, n, out);
}

static void encode(const struct series *s, struct buf *out)
{
	const struct distinct *d = s->distinct;
	struct value sorted[DICT_MAX];
	uint32_t count[DICT_MAX];
	uint16_t rank[DICT_MAX];
	struct huffman_encoder h;
	struct bit_writer w = { .out = out };

	/* The series is values less their base: the smallest distinct value. */
	for (uint32_t i = 0; i < d->n; i++)
		sorted[i] = (struct value){ d->values[i], i };
	qsort(sorted, d->n, sizeof(sorted[0]), by_value);
	for (uint32_t i = d->n; i-- > 0;) {
		rank[sorted[i].index] = (uint16_t)i;
		count[i] = d->count[sorted[i].index];
		sorted[i].value -= sorted[0].value;
	}
	huffman_build(&h, count, d->n);
	put_table(sorted, d->n, &h, out);
	for (uint32_t i = 0; i < s->n; i++)
		huffman_put(&w, &h, rank[d->index[i]]);
	bits_finish(&w);
}

static int decode(struct cursor *in, uint64_t *v, uint32_t n, size_t width)
{
	uint64_t size = cursor_varint(in), table[DICT_MAX], lengths[DICT_MAX];
	struct huffman_decoder h;
	struct bit_reader r;

	(void)width;
	if (size < 1 || size > DICT_MAX)
		return -EINVAL;
	pack_take(in, table, (uint32_t)size);
	pack_take(in, lengths, (uint32_t)size);
	if (in->bad || huffman_prepare(&h, lengths, (uint32_t)size))
		return -EINVAL;
	for (uint32_t i = 1; i < size; i++)
		table[i] += table[i - 1];
	r = bit_reader_of(in->p, in->end);
	for (uint32_t i = 0; i < n; i++)
		v[i] = table[huffman_take(&r, &h)];
	in->p = r.bad ? in->end : bits_end(&r);
	return r.bad ? -EINVAL : 0;
}

const struct encoding encoding_dict = { "dict", ENC_DICT, cost, encode, decode };
