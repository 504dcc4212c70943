/* Canonical Huffman codes of at most HUFFMAN_MAX_BITS bits, for the column encodings.
 *
 * Only the lengths are stored. Codes are assigned in order of length, then symbol, and written
 * with their first bit lowest, both as in deflate (RFC 1951, 3.2.2). */
#ifndef FORMAT_HUFFMAN_H
#define FORMAT_HUFFMAN_H

#include <stdint.h>

#include "format/base/bits.h"
#include "specs/layout.h"

enum { HUFFMAN_SYMBOLS = DICT_MAX };

struct huffman_encoder {
	uint8_t length[HUFFMAN_SYMBOLS]; /* 0 for a symbol that does not occur */
	uint16_t code[HUFFMAN_SYMBOLS];  /* ready to be put, first bit lowest */
};

struct huffman_decoder {
	unsigned bits;                         /* of the longest code */
	uint16_t entry[1 << HUFFMAN_MAX_BITS]; /* symbol << 4 | length */
};

/* Codes for n symbols (1..HUFFMAN_SYMBOLS) that occur count[] times; at least one must. Lengths
 * are optimal but for the limit, by Moffat and Katajainen's in-place method (1995). Returns the
 * bits that all occurrences take together. */
uint64_t huffman_build(struct huffman_encoder *h, const uint32_t *count, uint32_t n);

/* Prepares decoding. -EINVAL if the lengths are no complete prefix code (a single symbol of
 * length 1 is accepted). */
int huffman_prepare(struct huffman_decoder *h, const uint64_t *lengths, uint32_t n);

static inline void huffman_put(struct bit_writer *w, const struct huffman_encoder *h,
	uint32_t symbol)
{
	bits_put(w, h->code[symbol], h->length[symbol]);
}

/* Sets r->bad at the end of the data or on a code that does not exist. */
static inline uint32_t huffman_take(struct bit_reader *r, const struct huffman_decoder *h)
{
	uint16_t e;

	if (r->n < HUFFMAN_MAX_BITS)
		bits_refill(r);
	e = h->entry[r->acc & ((1u << h->bits) - 1)];
	if (!(e & 15))
		r->bad = true;
	bits_skip(r, e & 15);
	return e >> 4;
}

#endif
