/* From counts to code lengths to codes. */
#include "format/huffman.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct leaf {
	uint32_t count;
	uint32_t symbol;
};

static int by_count(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return x->symbol < y->symbol ? -1 : 1;
}

/* weight[] in ascending order becomes code lengths, in descending order: the first pass joins the
 * two lightest trees until one is left and keeps parents in the place of weights, the second turns
 * parents into depths, the third depths of inner nodes into numbers of leaves at each depth. */
static void lengths_in_place(uint32_t *weight, int n)
{
	int leaf = 0, root = 0, next, used, depth, available;

	for (next = 0; next < n - 1; next++) {
		uint32_t sum = 0;

		for (int k = 0; k < 2; k++) {
			if (leaf >= n || (root < next && weight[root] < weight[leaf])) {
				sum += weight[root];
				weight[root++] = (uint32_t)next;
			} else {
				sum += weight[leaf++];
			}
		}
		weight[next] = sum;
	}
	weight[n - 2] = 0;
	for (next = n - 3; next >= 0; next--)
		weight[next] = weight[weight[next]] + 1;
	available = 1;
	used = depth = 0;
	root = n - 2;
	next = n - 1;
	while (available > 0) {
		while (root >= 0 && (int)weight[root] == depth) {
			used++;
			root--;
		}
		while (available > used) {
			weight[next--] = (uint32_t)depth;
			available--;
		}
		available = 2 * used;
		depth++;
		used = 0;
	}
}

/* Cuts lengths to the limit and lengthens short codes until Kraft's sum is right again. */
static void limit_lengths(uint32_t *at_length, uint32_t longest)
{
	uint32_t total = 0;

	for (uint32_t i = HUFFMAN_MAX_BITS + 1; i <= longest; i++)
		at_length[HUFFMAN_MAX_BITS] += at_length[i];
	for (uint32_t i = 1; i <= HUFFMAN_MAX_BITS; i++)
		total += at_length[i] << (HUFFMAN_MAX_BITS - i);
	while (total > 1u << HUFFMAN_MAX_BITS) {
		at_length[HUFFMAN_MAX_BITS]--;
		for (uint32_t i = HUFFMAN_MAX_BITS - 1; i > 0; i--) {
			if (at_length[i]) {
				at_length[i]--;
				at_length[i + 1] += 2;
				break;
			}
		}
		total--;
	}
}

static uint16_t reversed(uint32_t code, uint32_t length)
{
	uint32_t r = 0;

	for (uint32_t i = 0; i < length; i++)
		r |= (code >> i & 1) << (length - 1 - i);
	return (uint16_t)r;
}

static void first_codes(uint32_t *next, const uint32_t *at_length)
{
	uint32_t code = 0;

	for (uint32_t i = 1; i <= HUFFMAN_MAX_BITS; i++) {
		code = (code + (i > 1 ? at_length[i - 1] : 0)) << 1;
		next[i] = code;
	}
}

static void assign_codes(struct huffman_encoder *h, uint32_t n)
{
	uint32_t at_length[HUFFMAN_MAX_BITS + 1] = { 0 }, next[HUFFMAN_MAX_BITS + 1];

	for (uint32_t s = 0; s < n; s++)
		at_length[h->length[s]]++;
	at_length[0] = 0;
	first_codes(next, at_length);
	for (uint32_t s = 0; s < n; s++)
		if (h->length[s])
			h->code[s] = reversed(next[h->length[s]]++, h->length[s]);
}

/* Lengths for the leaves, most frequent symbol last in leaf[]. */
static void assign_lengths(struct huffman_encoder *h, const struct leaf *leaf, uint32_t n)
{
	uint32_t weight[HUFFMAN_SYMBOLS], at_length[HUFFMAN_SYMBOLS + 1] = { 0 };
	uint32_t i, length = HUFFMAN_MAX_BITS;

	if (n == 1) {
		h->length[leaf[0].symbol] = 1;
		return;
	}
	for (i = 0; i < n; i++)
		weight[i] = leaf[i].count;
	lengths_in_place(weight, (int)n);
	for (i = 0; i < n; i++)
		at_length[weight[i]]++;
	limit_lengths(at_length, weight[0]);
	for (i = 0; i < n; i++) {
		while (!at_length[length])
			length--;
		h->length[leaf[i].symbol] = (uint8_t)length;
		at_length[length]--;
	}
}

uint64_t huffman_build(struct huffman_encoder *h, const uint32_t *count, uint32_t n)
{
	struct leaf leaf[HUFFMAN_SYMBOLS];
	uint32_t n_leaves = 0;
	uint64_t bits = 0;

	memset(h->length, 0, n);
	for (uint32_t s = 0; s < n; s++)
		if (count[s])
			leaf[n_leaves++] = (struct leaf){ count[s], s };
	assert(n_leaves > 0);
	qsort(leaf, n_leaves, sizeof(leaf[0]), by_count);
	assign_lengths(h, leaf, n_leaves);
	assign_codes(h, n);
	for (uint32_t s = 0; s < n; s++)
		bits += (uint64_t)count[s] * h->length[s];
	return bits;
}

static int check_lengths(const uint64_t *lengths, uint32_t n, uint32_t *at_length)
{
	uint32_t total = 0, used = 0;

	for (uint32_t s = 0; s < n; s++) {
		if (lengths[s] > HUFFMAN_MAX_BITS)
			return -EINVAL;
		at_length[lengths[s]]++;
		used += lengths[s] > 0;
	}
	at_length[0] = 0;
	for (uint32_t i = 1; i <= HUFFMAN_MAX_BITS; i++)
		total += at_length[i] << (HUFFMAN_MAX_BITS - i);
	if (used == 1 && at_length[1] == 1)
		return 0;
	return total == 1u << HUFFMAN_MAX_BITS ? 0 : -EINVAL;
}

int huffman_prepare(struct huffman_decoder *h, const uint64_t *lengths, uint32_t n)
{
	uint32_t at_length[HUFFMAN_MAX_BITS + 1] = { 0 }, next[HUFFMAN_MAX_BITS + 1];

	if (n == 0 || n > HUFFMAN_SYMBOLS || check_lengths(lengths, n, at_length))
		return -EINVAL;
	h->bits = HUFFMAN_MAX_BITS;
	while (h->bits > 1 && !at_length[h->bits])
		h->bits--;
	memset(h->entry, 0, sizeof(h->entry[0]) << h->bits);
	first_codes(next, at_length);
	for (uint32_t s = 0; s < n; s++) {
		uint32_t length = (uint32_t)lengths[s], code;

		if (!length)
			continue;
		code = reversed(next[length]++, length);
		for (uint32_t i = code; i < 1u << h->bits; i += 1u << length)
			h->entry[i] = (uint16_t)(s << 4 | length);
	}
	return 0;
}
