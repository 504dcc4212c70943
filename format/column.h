/* A block's payload: rows stored column by column, each column encoded as suits it best.
 *
 * Values travel as uint64_t whatever their type: signed integers sign-extended, doubles as their
 * bits, dictionary numbers as they are. The layout is drawn in specs/trace-format.md. */
#ifndef FORMAT_COLUMN_H
#define FORMAT_COLUMN_H

#include "format/base/bytes.h"
#include "format/base/err.h"
#include "specs/layout.h"

/* ---- writing ---- */

struct column_coder;

/* All memory for blocks of up to max_rows rows (at most BLOCK_MAX_ROWS); nothing is allocated
 * later. */
struct column_coder *column_coder_new(uint32_t max_rows);
void column_coder_free(struct column_coder *c);

/* Starts a payload of n_rows rows. */
void column_coder_begin(struct column_coder *c, uint32_t n_rows);

/* Adds a column: chooses the predictor and encoding that need the fewest bits, and LZ4 on top
 * where that saves more. */
void column_coder_add(struct column_coder *c, enum field_type type, const uint64_t *values);

/* Adds a column with this encoding and predictor, for measuring and tests. -EINVAL if it cannot
 * hold the values; nothing is added then. */
int column_coder_force(struct column_coder *c, enum field_type type, const uint64_t *values,
	enum column_encoding encoding, enum column_predictor predictor, bool lz4);

/* Adds a column of texts: row i has the next lengths[i] bytes. Lengths are at most MAX_TEXT. */
void column_coder_add_text(struct column_coder *c, const uint64_t *lengths, const void *bytes);

/* Bytes of the columns so far. */
size_t column_coder_bytes(const struct column_coder *c);

/* Writes the payload. Returns 0, or -ENOSPC if it does not fit. */
int column_coder_finish(struct column_coder *c, struct buf *out);

/* ---- reading ---- */

struct column_decoder;

struct column_decoder *column_decoder_new(void);
void column_decoder_free(struct column_decoder *d);

/* Prepares the columns of a payload of n_rows rows; types[] has one enum field_type a column.
 * Payload and types are borrowed until the next open. -EBADMSG on damage. */
int column_decoder_open(struct column_decoder *d, const void *payload, size_t len,
	const uint8_t *types, uint32_t n_columns, uint32_t n_rows, struct err *err);

/* Decodes one column into values[n_rows]. -EBADMSG on damage. */
int column_decode(struct column_decoder *d, uint32_t column, uint64_t *values, struct err *err);

/* Whether all rows of a column have one value, for which nothing is stored but itself; *value is it then. A column that
 * is damaged is none. */
bool column_is_constant(const struct column_decoder *d, uint32_t column, uint64_t *value);

/* Decodes a column of texts into lengths[n_rows] and the bytes one behind the other, which stay
 * valid until the decoder's next call. Each length is at most MAX_TEXT and their sum is *n_bytes. */
int column_decode_text(struct column_decoder *d, uint32_t column, uint64_t *lengths,
	const uint8_t **bytes, size_t *n_bytes, struct err *err);

/* What was chosen for a column, for measuring: encoding, predictor and stored bytes. */
struct column_choice {
	enum column_encoding encoding;
	enum column_predictor predictor;
	bool lz4;
	size_t stored;
};
struct column_choice column_choice(const struct column_decoder *d, uint32_t column);

#endif
