/* Run lengths: each value once, with how many rows in a row have it. */
#include <errno.h>

#include "format/encoding.h"

static uint64_t cost(const struct series *s)
{
	if (s->n_runs > s->n / 4)
		return CANNOT;
	return 32 + (uint64_t)s->n_runs * (bit_length(s->max) + bit_length(s->n / s->n_runs) + 2);
}

/* Calls for each group of up to PACK_GROUP runs. */
static void encode(const struct series *s, struct buf *out)
{
	uint64_t values[PACK_GROUP], lengths[PACK_GROUP];
	uint32_t i = 0;

	while (i < s->n) {
		uint32_t n = 0;

		while (i < s->n && n < PACK_GROUP) {
			uint32_t start = i;

			while (i < s->n && s->v[i] == s->v[start])
				i++;
			values[n] = s->v[start];
			lengths[n++] = i - start;
		}
		buf_uint(out, n, 1);
		pack_put(values, n, out);
		pack_put(lengths, n, out);
	}
}

static int take_runs(const uint64_t *values, const uint64_t *lengths, uint32_t n_runs, uint64_t *v,
	uint32_t *done, uint32_t n)
{
	for (uint32_t r = 0; r < n_runs; r++) {
		if (lengths[r] < 1 || lengths[r] > n - *done)
			return -EINVAL;
		for (uint64_t k = 0; k < lengths[r]; k++)
			v[(*done)++] = values[r];
	}
	return 0;
}

static int decode(struct cursor *in, uint64_t *v, uint32_t n, size_t width)
{
	uint64_t values[PACK_GROUP], lengths[PACK_GROUP];
	uint32_t done = 0;

	(void)width;
	while (done < n) {
		uint32_t n_runs = (uint32_t)cursor_uint(in, 1);

		if (n_runs < 1 || n_runs > PACK_GROUP)
			return -EINVAL;
		pack_take(in, values, n_runs);
		pack_take(in, lengths, n_runs);
		if (in->bad || take_runs(values, lengths, n_runs, v, &done, n))
			return -EINVAL;
	}
	return 0;
}

const struct encoding encoding_runs = { "runs", ENC_RUNS, cost, encode, decode };
