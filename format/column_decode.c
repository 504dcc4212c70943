/* Reading columns that nobody vouches for.
 *
 * A payload starts with its columns' heads, so a reader finds the columns it wants without
 * touching the others. Every size is checked before use; whatever the bytes say, at most n_rows
 * values are written and at most BLOCK_MAX_BYTES are unpacked at a time. */
#include <errno.h>
#include <lz4.h>
#include <stdlib.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/base/recent.h"
#include "format/column.h"
#include "format/encoding.h"
#include "format/schema.h"

enum { UNPACK_MAX = BLOCK_MAX_BYTES + BLOCK_MAX_BYTES / 4 };

static const struct encoding *const encodings[] = {
	&encoding_raw,
	&encoding_const,
	&encoding_pack,
	&encoding_bytes,
	&encoding_class,
	&encoding_dict,
	&encoding_runs,
};

const struct encoding *encoding_get(enum column_encoding id)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++)
		if (encodings[i]->id == id)
			return encodings[i];
	return NULL;
}

struct column_slot {
	uint8_t head;
	uint32_t stored, unpacked;
	const uint8_t *data;
};

struct column_decoder {
	struct column_slot slots[MAX_FIELDS];
	const uint8_t *types;
	uint32_t n_columns, n_rows;
	uint8_t *unpacked; /* owned; UNPACK_MAX bytes, once needed */
	/* Owned; the values of a column that others follow, numbered, once needed. */
	uint64_t *leader;
	uint32_t leader_rows, leader_values; /* room for rows; distinct values */
	uint32_t leader_column;              /* 1 + which; 0: none of this block's yet */
	struct map seen;
};

struct column_decoder *column_decoder_new(void)
{
	struct column_decoder *d = xcalloc(1, sizeof(*d));

	map_init(&d->seen, DICT_MAX + 1);
	return d;
}

void column_decoder_free(struct column_decoder *d)
{
	if (!d)
		return;
	free(d->unpacked);
	free(d->leader);
	map_done(&d->seen);
	free(d);
}

static bool take_head(struct cursor *in, struct column_slot *s)
{
	uint64_t stored, unpacked = 0;

	s->head = (uint8_t)cursor_uint(in, 1);
	stored = cursor_varint(in);
	if (s->head & COLUMN_LZ4)
		unpacked = cursor_varint(in);
	if (in->bad || stored > BLOCK_MAX_BYTES || unpacked > UNPACK_MAX)
		return false;
	s->stored = (uint32_t)stored;
	s->unpacked = (uint32_t)unpacked;
	return true;
}

int column_decoder_open(struct column_decoder *d, const void *payload, size_t len,
	const uint8_t *types, uint32_t n_columns, uint32_t n_rows, struct err *err)
{
	struct cursor in = cursor_of(payload, len);

	d->n_columns = 0;
	if (n_columns > MAX_FIELDS || n_rows == 0 || n_rows > BLOCK_MAX_ROWS)
		return err_set(err, EBADMSG, "%u columns of %u rows are no block", n_columns,
			n_rows);
	for (uint32_t i = 0; i < n_columns; i++)
		if (!take_head(&in, &d->slots[i]))
			return err_set(err, EBADMSG, "head of column %u makes no sense", i);
	for (uint32_t i = 0; i < n_columns; i++) {
		d->slots[i].data = cursor_take(&in, d->slots[i].stored);
		if (in.bad)
			return err_set(err, EBADMSG, "column %u ends outside the block", i);
	}
	if (cursor_left(&in))
		return err_set(err, EBADMSG, "%zu bytes behind the last column", cursor_left(&in));
	d->types = types;
	d->n_columns = n_columns;
	d->n_rows = n_rows;
	d->leader_column = 0;
	return 0;
}

static int open_slot(struct column_decoder *d, uint32_t column, struct cursor *in, struct err *err)
{
	const struct column_slot *s = &d->slots[column];
	int n;

	if (!(s->head & COLUMN_LZ4)) {
		*in = cursor_of(s->data, s->stored);
		return 0;
	}
	if (!d->unpacked)
		d->unpacked = xrealloc(NULL, 1, UNPACK_MAX);
	n = LZ4_decompress_safe((const char *)s->data, (char *)d->unpacked, (int)s->stored,
		(int)s->unpacked);
	if (n < 0 || (uint32_t)n != s->unpacked)
		return err_set(err, EBADMSG, "column %u does not unpack", column);
	*in = cursor_of(d->unpacked, s->unpacked);
	return 0;
}

static enum column_encoding slot_encoding(const struct column_slot *s)
{
	return s->head & COLUMN_ENCODING_MASK;
}

static enum column_predictor slot_predictor(const struct column_slot *s)
{
	return s->head >> COLUMN_PREDICTOR_SHIFT & COLUMN_PREDICTOR_MASK;
}

static int decode_base(const struct encoding *e, struct cursor *in, uint64_t *v, uint32_t n,
	size_t width)
{
	uint64_t base = cursor_varint(in);

	if (in->bad || e->decode(in, v, n, width))
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++)
		v[i] += base;
	return 0;
}

static int decode_delta(const struct encoding *e, struct cursor *in, uint64_t *v, uint32_t n,
	size_t width, bool drift)
{
	uint64_t first = cursor_varint(in), step = (uint64_t)unzigzag(cursor_varint(in));

	if (in->bad || (n > 1 && e->decode(in, v + 1, n - 1, width)))
		return -EINVAL;
	v[0] = first;
	if (drift) {
		for (uint32_t i = 1; i < n; i++)
			v[i] = v[i - 1] + step + (uint64_t)unzigzag(v[i]);
	} else {
		for (uint32_t i = 1; i < n; i++)
			v[i] = v[i - 1] + step + v[i];
	}
	return 0;
}

/* Whether all values are ones of a type of so many bytes (of signed types in their zigzag form). */
static bool values_fit(const uint64_t *v, uint32_t n, size_t width)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < n; i++)
		all |= v[i];
	return width == sizeof(all) || all >> 8 * width == 0;
}

/* The column's values before the sign comes back: what followers refer to. */
static int decode_plain(struct column_decoder *d, uint32_t column, uint64_t *v, struct err *err)
{
	const struct column_slot *s = &d->slots[column];
	const struct encoding *e = encoding_get(slot_encoding(s));
	size_t width = field_width(d->types[column]);
	struct cursor in;
	int rc = -EINVAL;

	if (!e || !width)
		return err_set(err, EBADMSG, "column %u has unknown encoding %d", column,
			slot_encoding(s));
	if (open_slot(d, column, &in, err))
		return -EBADMSG;
	if (slot_predictor(s) == PRED_BASE)
		rc = decode_base(e, &in, v, d->n_rows, width);
	else if (slot_predictor(s) <= PRED_DRIFT)
		rc = decode_delta(e, &in, v, d->n_rows, width, slot_predictor(s) == PRED_DRIFT);
	if (rc || in.bad || cursor_left(&in))
		return err_set(err, EBADMSG, "column %u (%s) makes no sense", column, e->name);
	if (!values_fit(v, d->n_rows, width))
		return err_set(err, EBADMSG, "column %u has values beyond its type", column);
	return 0;
}

/* Numbers the leader's distinct values in order of appearance, in place. Returns how many. */
static uint32_t number_values(struct map *seen, uint64_t *v, uint32_t n)
{
	struct recent recent = { { 0 }, { 0 } };

	map_clear(seen);
	for (uint32_t i = 0; i < n; i++) {
		bool is_new;
		uint32_t number, *at;

		if (recent_get(&recent, v[i], &number)) {
			v[i] = number;
			continue;
		}
		at = map_put(seen, v[i], &is_new);
		if (is_new && seen->count > DICT_MAX)
			return 0;
		if (is_new)
			*at = seen->count - 1;
		recent_put(&recent, v[i], *at);
		v[i] = *at;
	}
	return seen->count;
}

/* Often several columns follow the same one: process and name follow the thread. */
static int load_leader(struct column_decoder *d, uint32_t column, struct err *err)
{
	if (d->leader_column == column + 1)
		return 0;
	d->leader_column = 0;
	if (d->leader_rows < d->n_rows) {
		d->leader = xrealloc(d->leader, d->n_rows, sizeof(*d->leader));
		d->leader_rows = d->n_rows;
	}
	if (decode_plain(d, column, d->leader, err))
		return -EBADMSG;
	d->leader_values = number_values(&d->seen, d->leader, d->n_rows);
	d->leader_column = column + 1;
	return 0;
}

static int decode_follow(struct column_decoder *d, uint32_t column, uint64_t *v, struct err *err)
{
	uint64_t table[DICT_MAX];
	const struct column_slot *s = &d->slots[column];
	struct cursor in = cursor_of(s->data, s->stored);
	uint32_t leader = (uint32_t)cursor_uint(&in, 1), n;

	if (s->head & COLUMN_LZ4 || slot_predictor(s) != PRED_BASE)
		return err_set(err, EBADMSG, "column %u follows under LZ4 or a predictor", column);
	if (in.bad || leader >= column || slot_encoding(&d->slots[leader]) == ENC_FOLLOW)
		return err_set(err, EBADMSG, "column %u follows column %u", column, leader);
	if (load_leader(d, leader, err))
		return -EBADMSG;
	n = d->leader_values;
	if (!n)
		return err_set(err, EBADMSG, "column %u follows too many values", column);
	pack_take(&in, table, n);
	if (in.bad || cursor_left(&in))
		return err_set(err, EBADMSG, "column %u (follow) makes no sense", column);
	if (!values_fit(table, n, field_width(d->types[column])))
		return err_set(err, EBADMSG, "column %u has values beyond its type", column);
	for (uint32_t i = 0; i < d->n_rows; i++)
		v[i] = table[d->leader[i]];
	return 0;
}

bool column_is_constant(const struct column_decoder *d, uint32_t column, uint64_t *value)
{
	const struct column_slot *s = column < d->n_columns ? &d->slots[column] : NULL;
	struct cursor in;
	uint64_t v;

	if (!s || s->head != (ENC_CONST | PRED_BASE << COLUMN_PREDICTOR_SHIFT))
		return false;
	in = cursor_of(s->data, s->stored);
	v = cursor_varint(&in);
	if (in.bad || cursor_left(&in) || !field_width(d->types[column]) ||
		!values_fit(&v, 1, field_width(d->types[column])))
		return false;
	*value = field_signed(d->types[column]) ? (uint64_t)unzigzag(v) : v;
	return true;
}

int column_decode(struct column_decoder *d, uint32_t column, uint64_t *values, struct err *err)
{
	int rc;

	if (column >= d->n_columns)
		return err_set(err, EBADMSG, "the block has no column %u", column);
	if (slot_encoding(&d->slots[column]) == ENC_FOLLOW)
		rc = decode_follow(d, column, values, err);
	else
		rc = decode_plain(d, column, values, err);
	if (!rc && field_signed(d->types[column]))
		for (uint32_t i = 0; i < d->n_rows; i++)
			values[i] = (uint64_t)unzigzag(values[i]);
	return rc;
}

int column_decode_text(struct column_decoder *d, uint32_t column, uint64_t *lengths,
	const uint8_t **bytes, size_t *n_bytes, struct err *err)
{
	struct cursor in;
	size_t total = 0;

	if (column >= d->n_columns || slot_encoding(&d->slots[column]) != ENC_TEXT ||
		slot_predictor(&d->slots[column]) != PRED_BASE || d->types[column] != FIELD_TEXT)
		return err_set(err, EBADMSG, "column %u is no text", column);
	if (d->slots[column].unpacked > TEXT_PER_BYTE * d->slots[column].stored)
		return err_set(err, EBADMSG, "column %u unpacks to too much", column);
	if (open_slot(d, column, &in, err))
		return -EBADMSG;
	pack_take(&in, lengths, d->n_rows);
	for (uint32_t i = 0; !in.bad && i < d->n_rows; i++) {
		if (lengths[i] > MAX_TEXT)
			in.bad = true;
		total += lengths[i];
	}
	if (in.bad || total != cursor_left(&in))
		return err_set(err, EBADMSG, "column %u (text) makes no sense", column);
	*bytes = in.p;
	*n_bytes = total;
	return 0;
}

struct column_choice column_choice(const struct column_decoder *d, uint32_t column)
{
	const struct column_slot *s = &d->slots[column];

	return (struct column_choice){ slot_encoding(s), slot_predictor(s),
		(s->head & COLUMN_LZ4) != 0, s->stored };
}
