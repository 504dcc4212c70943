/* How the values of one column become bytes: one constant struct per encoding.
 *
 * An encoding sees residuals, small numbers that a predictor (column.c) made of the values. To add
 * one: a file enc_NAME.c, a line in encodings[] (column.c), a number in specs/layout.h and a
 * paragraph in specs/trace-format.md; tests/bench/bench_encodings.c then measures it. */
#ifndef FORMAT_ENCODING_H
#define FORMAT_ENCODING_H

#include <stdbool.h>

#include "format/base/bytes.h"
#include "format/huffman.h"
#include "specs/layout.h"

/* The distinct values of a column, in order of their first appearance. */
struct distinct {
	uint32_t n; /* 0: more than DICT_MAX, or not counted */
	uint64_t values[DICT_MAX];
	uint32_t count[DICT_MAX];
	uint16_t *index; /* owned by the coder; of each row */
};

/* Residuals and what is known of them. */
struct series {
	const uint64_t *v;
	uint32_t n;
	uint64_t max;
	uint32_t n_runs;                 /* of equal neighbours */
	uint32_t classes[65];            /* how many residuals need this many bits */
	const struct distinct *distinct; /* NULL when a predictor changed the values */
	size_t width;                    /* bytes of the type */
};

#define CANNOT UINT64_MAX

struct encoding {
	const char *name;
	enum column_encoding id;
	/* Bits that encode would write, roughly; CANNOT if it does not fit. */
	uint64_t (*cost)(const struct series *s);
	void (*encode)(const struct series *s, struct buf *out);
	/* Takes n residuals (n >= 1) from the cursor, which may say bad. -EINVAL if they make no
	 * sense; v is then undefined. `width` as in struct series. */
	int (*decode)(struct cursor *in, uint64_t *v, uint32_t n, size_t width);
};

extern const struct encoding encoding_raw, encoding_const, encoding_pack, encoding_bytes,
	encoding_class, encoding_dict, encoding_runs;

/* All of the above; NULL where the number is no encoding of residuals. */
const struct encoding *encoding_get(enum column_encoding id);

/* Arrays inside encodings (tables, code lengths) are stored by these two, with ENC_PACK. */
void pack_put(const uint64_t *v, uint32_t n, struct buf *out);
void pack_take(struct cursor *in, uint64_t *v, uint32_t n);
uint64_t pack_cost(const uint64_t *v, uint32_t n);

#endif
