/* Choosing how to store a column, and storing it.
 *
 * Each predictor turns the values into residuals; from a residual's statistics (largest, bit
 * lengths, runs, distinct values) each encoding says what it would cost, and the cheapest pair is
 * written. An earlier column may determine this one (thread -> process, thread -> name), which then
 * costs one value per distinct value there. LZ4 is tried last, on whole bytes, where it sees
 * repetitions that a statistic of single values does not. */
#include <errno.h>
#include <lz4.h>
#include <lz4hc.h>
#include <stdlib.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/column.h"
#include "format/encoding.h"
#include "format/schema.h"

enum {
	LEADERS = 4,      /* columns that later ones are tried to follow */
	LZ4_LEAST = 64,   /* smaller columns are not worth trying */
	SAMPLE = 127,     /* differences from which the typical one is taken */
	BIG_COLUMN = 256, /* texts above this size are compressed harder; they are rare */
};

static const struct encoding *const candidates[] = { &encoding_const, &encoding_pack,
	&encoding_class, &encoding_dict, &encoding_runs, &encoding_raw };

struct leader {
	uint32_t column;
	struct distinct distinct;
};

struct column_coder {
	uint32_t max_rows, n_rows, n_columns;
	uint64_t *plain;                /* owned; the column's values, unsigned */
	uint64_t *residual[3];          /* owned; by predictor */
	struct leader leaders[LEADERS]; /* distinct.index owned */
	uint32_t n_leaders;
	struct map seen; /* value -> number in distinct */
	uint8_t *heads_data, *body_data, *trial_data, *packed_data; /* owned */
	struct buf heads, body;                                     /* of the whole payload */
	struct buf trial;                                           /* one column, before LZ4 */
	size_t trial_cap;
};

struct prediction {
	enum column_predictor id;
	uint64_t params[2]; /* as stored: varints */
	uint32_t n_params;
	struct series series;
};

struct column_coder *column_coder_new(uint32_t max_rows)
{
	struct column_coder *c = xcalloc(1, sizeof(*c));

	c->max_rows = max_rows;
	c->plain = xcalloc(max_rows, sizeof(uint64_t));
	for (int i = 0; i < 3; i++)
		c->residual[i] = xcalloc(max_rows, sizeof(uint64_t));
	for (int i = 0; i < LEADERS; i++)
		c->leaders[i].distinct.index = xcalloc(max_rows, sizeof(uint16_t));
	map_init(&c->seen, DICT_MAX + 1);
	c->trial_cap = (size_t)BLOCK_MAX_BYTES + BLOCK_MAX_BYTES / 4;
	c->heads_data = xcalloc(MAX_FIELDS, 16);
	c->body_data = xcalloc(1, BLOCK_MAX_BYTES);
	c->trial_data = xcalloc(1, c->trial_cap);
	c->packed_data = xcalloc(1, (size_t)LZ4_compressBound((int)c->trial_cap));
	return c;
}

void column_coder_free(struct column_coder *c)
{
	if (!c)
		return;
	free(c->plain);
	for (int i = 0; i < 3; i++)
		free(c->residual[i]);
	for (int i = 0; i < LEADERS; i++)
		free(c->leaders[i].distinct.index);
	map_done(&c->seen);
	free(c->heads_data);
	free(c->body_data);
	free(c->trial_data);
	free(c->packed_data);
	free(c);
}

void column_coder_begin(struct column_coder *c, uint32_t n_rows)
{
	c->n_rows = n_rows;
	c->n_columns = 0;
	c->n_leaders = 0;
	c->heads = buf_of(c->heads_data, MAX_FIELDS * 16);
	c->body = buf_of(c->body_data, BLOCK_MAX_BYTES);
}

/* ---- statistics ---- */

static void measure(struct series *s)
{
	const uint64_t *v = s->v;

	s->max = v[0];
	s->n_runs = 1;
	memset(s->classes, 0, sizeof(s->classes));
	s->classes[bit_length(v[0])]++;
	for (uint32_t i = 1; i < s->n; i++) {
		s->max = v[i] > s->max ? v[i] : s->max;
		s->n_runs += v[i] != v[i - 1];
		s->classes[bit_length(v[i])]++;
	}
}

/* Gives up (n = 0) when there are more than DICT_MAX, or so many that a table cannot pay. */
static void count_distinct(struct column_coder *c, struct distinct *d)
{
	d->n = 0;
	map_clear(&c->seen);
	for (uint32_t i = 0; i < c->n_rows; i++) {
		bool is_new;
		uint32_t *number = map_put(&c->seen, c->plain[i], &is_new);

		if (is_new) {
			if (d->n == DICT_MAX || d->n > 64 + i / 2) {
				d->n = 0;
				return;
			}
			d->values[d->n] = c->plain[i];
			d->count[d->n] = 0;
			*number = d->n++;
		}
		d->index[i] = (uint16_t)*number;
		d->count[*number]++;
	}
}

/* ---- predictors ---- */

static void predict_base(const struct column_coder *c, struct prediction *p)
{
	uint64_t *r = c->residual[PRED_BASE], min = c->plain[0];

	for (uint32_t i = 1; i < c->n_rows; i++)
		min = c->plain[i] < min ? c->plain[i] : min;
	for (uint32_t i = 0; i < c->n_rows; i++)
		r[i] = c->plain[i] - min;
	p->params[0] = min;
	p->n_params = 1;
	p->series.v = r;
	p->series.n = c->n_rows;
}

static void predict_delta(const struct column_coder *c, struct prediction *p)
{
	uint64_t *r = c->residual[PRED_DELTA];
	uint32_t n = c->n_rows - 1;
	int64_t min = INT64_MAX;

	for (uint32_t i = 0; i < n; i++) {
		r[i] = c->plain[i + 1] - c->plain[i];
		min = (int64_t)r[i] < min ? (int64_t)r[i] : min;
	}
	for (uint32_t i = 0; i < n; i++)
		r[i] -= (uint64_t)min;
	p->params[0] = c->plain[0];
	p->params[1] = zigzag(min);
	p->n_params = 2;
	p->series.v = r;
	p->series.n = n;
}

static int by_signed(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The median of evenly picked differences. */
static int64_t typical_delta(const uint64_t *v, uint32_t n)
{
	int64_t pick[SAMPLE];
	uint32_t n_picks = n < SAMPLE ? n : SAMPLE;

	for (uint32_t k = 0; k < n_picks; k++) {
		uint32_t i = (uint32_t)((uint64_t)k * n / n_picks);

		pick[k] = (int64_t)(v[i + 1] - v[i]);
	}
	qsort(pick, n_picks, sizeof(pick[0]), by_signed);
	return pick[n_picks / 2];
}

static void predict_drift(const struct column_coder *c, struct prediction *p)
{
	uint64_t *r = c->residual[PRED_DRIFT];
	uint32_t n = c->n_rows - 1;
	uint64_t typical = (uint64_t)typical_delta(c->plain, n);

	for (uint32_t i = 0; i < n; i++)
		r[i] = zigzag((int64_t)(c->plain[i + 1] - c->plain[i] - typical));
	p->params[0] = c->plain[0];
	p->params[1] = zigzag((int64_t)typical);
	p->n_params = 2;
	p->series.v = r;
	p->series.n = n;
}

static void (*const predictors[])(const struct column_coder *, struct prediction *) = {
	[PRED_BASE] = predict_base,
	[PRED_DELTA] = predict_delta,
	[PRED_DRIFT] = predict_drift,
};

static void predict(struct column_coder *c, enum column_predictor id, size_t width,
	const struct distinct *distinct, struct prediction *p)
{
	p->id = id;
	predictors[id](c, p);
	p->series.width = width;
	p->series.distinct = id == PRED_BASE ? distinct : NULL;
	measure(&p->series);
}

/* ---- one column's bytes ---- */

static void put_head(struct column_coder *c, enum column_encoding encoding,
	enum column_predictor predictor, bool lz4, size_t stored, size_t unpacked)
{
	uint8_t head = (uint8_t)(encoding | predictor << COLUMN_PREDICTOR_SHIFT);

	buf_uint(&c->heads, head | (lz4 ? COLUMN_LZ4 : 0), 1);
	buf_varint(&c->heads, stored);
	if (lz4)
		buf_varint(&c->heads, unpacked);
	c->n_columns++;
}

static void encode_trial(struct column_coder *c, const struct encoding *e,
	const struct prediction *p)
{
	c->trial = buf_of(c->trial_data, c->trial_cap);
	for (uint32_t i = 0; i < p->n_params; i++)
		buf_varint(&c->trial, p->params[i]);
	e->encode(&p->series, &c->trial);
}

/* LZ4 of the trial into packed_data. Returns the size, or 0 if it is not below `limit`. */
static size_t pack_trial(struct column_coder *c, size_t limit, bool hard)
{
	const char *from = (const char *)c->trial_data;
	char *to = (char *)c->packed_data;
	int n;

	if (limit <= 1 || c->trial.len < LZ4_LEAST)
		return 0;
	n = hard
		? LZ4_compress_HC(from, to, (int)c->trial.len, (int)limit - 1, LZ4HC_CLEVEL_DEFAULT)
		: LZ4_compress_default(from, to, (int)c->trial.len, (int)limit - 1);
	return n > 0 ? (size_t)n : 0;
}

static void put_trial(struct column_coder *c, enum column_encoding encoding,
	enum column_predictor predictor)
{
	put_head(c, encoding, predictor, false, c->trial.len, 0);
	buf_put(&c->body, c->trial.data, c->trial.len);
}

static void put_packed(struct column_coder *c, enum column_encoding encoding,
	enum column_predictor predictor, size_t packed)
{
	put_head(c, encoding, predictor, true, packed, c->trial.len);
	buf_put(&c->body, c->packed_data, packed);
}

/* ---- following another column ---- */

/* Whether each value of the leader goes with one value here; fills table[] with them. */
static bool follows(const struct column_coder *c, const struct distinct *leader, uint64_t *table)
{
	bool known[DICT_MAX] = { false };

	for (uint32_t i = 0; i < c->n_rows; i++) {
		uint16_t k = leader->index[i];

		if (!known[k]) {
			known[k] = true;
			table[k] = c->plain[i];
		} else if (table[k] != c->plain[i]) {
			return false;
		}
	}
	return true;
}

/* Puts the column as a function of an earlier one if that costs fewer bits than `limit`. */
static bool put_follow(struct column_coder *c, uint64_t limit)
{
	uint64_t table[DICT_MAX];

	for (uint32_t l = 0; l < c->n_leaders; l++) {
		const struct distinct *d = &c->leaders[l].distinct;

		if (!follows(c, d, table))
			continue;
		if (pack_cost(table, d->n) >= limit)
			continue;
		c->trial = buf_of(c->trial_data, c->trial_cap);
		buf_uint(&c->trial, c->leaders[l].column, 1);
		pack_put(table, d->n, &c->trial);
		put_trial(c, ENC_FOLLOW, PRED_BASE);
		return true;
	}
	return false;
}

/* ---- choosing ---- */

static uint64_t prediction_cost(const struct prediction *p, const struct encoding **best)
{
	uint64_t least = CANNOT;

	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
		uint64_t cost = candidates[i]->cost(&p->series);

		if (cost < least) {
			least = cost;
			*best = candidates[i];
		}
	}
	for (uint32_t i = 0; i < p->n_params; i++)
		least += 8 + bit_length(p->params[i]);
	return least;
}

static void put_constant(struct column_coder *c)
{
	c->trial = buf_of(c->trial_data, c->trial_cap);
	buf_varint(&c->trial, c->plain[0]);
	put_trial(c, ENC_CONST, PRED_BASE);
}

/* Puts the chosen encoding, or whole bytes of the same residuals under LZ4 if that is smaller. */
static void put_best(struct column_coder *c, const struct encoding *e, const struct prediction *p)
{
	size_t plain_len, packed;

	encode_trial(c, e, p);
	plain_len = c->trial.len;
	if (plain_len >= LZ4_LEAST) {
		encode_trial(c, &encoding_bytes, p);
		packed = pack_trial(c, plain_len, false);
		if (packed) {
			put_packed(c, ENC_BYTES, p->id, packed);
			return;
		}
		encode_trial(c, e, p);
	}
	put_trial(c, e->id, p->id);
}

static void load_plain(struct column_coder *c, enum field_type type, const uint64_t *values)
{
	if (!field_signed(type)) {
		memcpy(c->plain, values, c->n_rows * sizeof(*values));
		return;
	}
	for (uint32_t i = 0; i < c->n_rows; i++)
		c->plain[i] = zigzag((int64_t)values[i]);
}

static bool all_equal(const uint64_t *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (v[i] != v[0])
			return false;
	return true;
}

void column_coder_add(struct column_coder *c, enum field_type type, const uint64_t *values)
{
	struct distinct *distinct = NULL;
	struct prediction p[3];
	const struct encoding *e[3] = { NULL };
	uint64_t cost[3];
	int best = 0;

	load_plain(c, type, values);
	if (all_equal(c->plain, c->n_rows)) {
		put_constant(c);
		return;
	}
	if (c->n_leaders < LEADERS) {
		distinct = &c->leaders[c->n_leaders].distinct;
		count_distinct(c, distinct);
	}
	for (int id = PRED_BASE; id <= PRED_DRIFT; id++) {
		predict(c, id, field_width(type), distinct, &p[id]);
		cost[id] = prediction_cost(&p[id], &e[id]);
		best = cost[id] < cost[best] ? id : best;
	}
	if (put_follow(c, cost[best]))
		return;
	put_best(c, e[best], &p[best]);
	if (distinct && distinct->n && c->n_columns <= 256)
		c->leaders[c->n_leaders++].column = c->n_columns - 1;
}

int column_coder_force(struct column_coder *c, enum field_type type, const uint64_t *values,
	enum column_encoding encoding, enum column_predictor predictor, bool lz4)
{
	struct distinct *distinct = &c->leaders[LEADERS - 1].distinct;
	const struct encoding *e = encoding_get(encoding);
	struct prediction p;
	size_t packed;

	load_plain(c, type, values);
	if (!e || (predictor != PRED_BASE && c->n_rows < 2))
		return -EINVAL;
	count_distinct(c, distinct);
	predict(c, predictor, field_width(type), distinct, &p);
	if (e->cost(&p.series) == CANNOT)
		return -EINVAL;
	encode_trial(c, e, &p);
	if (!lz4) {
		put_trial(c, encoding, predictor);
		return 0;
	}
	packed = pack_trial(c, c->trial_cap, false);
	if (!packed)
		return -EINVAL;
	put_packed(c, encoding, predictor, packed);
	return 0;
}

void column_coder_add_text(struct column_coder *c, const uint64_t *lengths, const void *bytes)
{
	size_t n_bytes = 0, packed;

	for (uint32_t i = 0; i < c->n_rows; i++)
		n_bytes += lengths[i];
	c->trial = buf_of(c->trial_data, c->trial_cap);
	pack_put(lengths, c->n_rows, &c->trial);
	buf_put(&c->trial, bytes, n_bytes);
	packed = c->trial.full ? 0 : pack_trial(c, c->trial.len, c->trial.len > BIG_COLUMN);
	if (packed && c->trial.len <= TEXT_PER_BYTE * packed)
		put_packed(c, ENC_TEXT, PRED_BASE, packed);
	else
		put_trial(c, ENC_TEXT, PRED_BASE);
	c->body.full |= c->trial.full;
}

size_t column_coder_bytes(const struct column_coder *c)
{
	return c->heads.len + c->body.len;
}

int column_coder_finish(struct column_coder *c, struct buf *out)
{
	buf_put(out, c->heads.data, c->heads.len);
	buf_put(out, c->body.data, c->body.len);
	return c->heads.full || c->body.full || out->full ? -ENOSPC : 0;
}
