/* Columns: what is encoded comes back, whatever the values and the encoding. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/column.h"
#include "format/encoding.h"
#include "format/schema.h"
#include "tests/unit/support.h"

enum { ROWS = 5000 };

static const enum field_type all_types[] = { FIELD_U8, FIELD_U16, FIELD_U32, FIELD_U64, FIELD_S8,
	FIELD_S16, FIELD_S32, FIELD_S64, FIELD_F64, FIELD_STRING, FIELD_STACK, FIELD_MAPPING };

/* Cuts a value to what the type can hold, as u64 with the sign extended. */
static uint64_t fit(enum field_type type, uint64_t v)
{
	unsigned shift = 64 - 8 * (unsigned)field_width(type);

	return field_signed(type) ? (uint64_t)((int64_t)(v << shift) >> shift)
				  : v << shift >> shift;
}

/* Kinds of columns that recordings have, and some that they should not. */
static uint64_t made_up(unsigned kind, uint32_t i, uint64_t *seed)
{
	static const uint64_t extremes[] = { 0, 1, UINT64_MAX, INT64_MAX, 1ULL << 63, 255, 65536 };
	uint64_t r = random_u64(seed);

	switch (kind) {
	case 0: return 42;
	case 1: return i;
	case 2: return r;
	case 3: return extremes[r % 7];
	case 4: return 1000000ULL * i + r % 300;
	case 5: return r % 7 == 0 ? r : r % 20;
	case 6: return i / 100;
	case 7: return UINT64_MAX - i * 3;
	case 8: return r % 900;
	case 9: return i % 13 ? 5 : r;
	case 10: return i % 4;
	default: return (uint64_t) - (int64_t)(r % 40);
	}
}
enum { KINDS = 12 };

static void decode_and_compare(const struct buf *payload, enum field_type type,
	const uint64_t *want, uint32_t n)
{
	struct column_decoder *d = column_decoder_new();
	uint64_t *got = calloc(n, sizeof(*got));
	uint8_t types[] = { (uint8_t)type };
	struct err err = { "" };

	assert_int_equal(column_decoder_open(d, payload->data, payload->len, types, 1, n, &err), 0);
	if (column_decode(d, 0, got, &err))
		fail_msg("%s", err.text);
	assert_memory_equal(got, want, n * sizeof(*got));
	free(got);
	column_decoder_free(d);
}

static void every_type_and_shape_comes_back(void **state)
{
	struct column_coder *c = column_coder_new(ROWS);
	uint8_t *bytes = malloc(BLOCK_MAX_BYTES);
	uint64_t *v = calloc(ROWS, sizeof(*v)), seed = 1;
	static const uint32_t sizes[] = { 1, 2, 3, 127, 128, 129, 1000, ROWS };

	(void)state;
	for (size_t t = 0; t < sizeof(all_types) / sizeof(all_types[0]); t++) {
		for (unsigned kind = 0; kind < KINDS; kind++) {
			for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
				struct buf out = buf_of(bytes, BLOCK_MAX_BYTES);

				for (uint32_t i = 0; i < sizes[s]; i++)
					v[i] = fit(all_types[t], made_up(kind, i, &seed));
				column_coder_begin(c, sizes[s]);
				column_coder_add(c, all_types[t], v);
				assert_int_equal(column_coder_finish(c, &out), 0);
				decode_and_compare(&out, all_types[t], v, sizes[s]);
			}
		}
	}
	free(v);
	free(bytes);
	column_coder_free(c);
}

static void every_encoding_and_predictor_comes_back(void **state)
{
	struct column_coder *c = column_coder_new(ROWS);
	uint8_t *bytes = malloc(BLOCK_MAX_BYTES);
	uint64_t *v = calloc(ROWS, sizeof(*v)), seed = 2;
	unsigned used[ENC_FOLLOW][PRED_DRIFT + 1] = { { 0 } };

	(void)state;
	for (unsigned kind = 0; kind < KINDS; kind++) {
		for (int e = ENC_RAW; e < ENC_FOLLOW; e++) {
			for (int p = PRED_BASE; p <= PRED_DRIFT; p++) {
				struct buf out = buf_of(bytes, BLOCK_MAX_BYTES);

				for (uint32_t i = 0; i < 1001; i++)
					v[i] = made_up(kind, i, &seed);
				column_coder_begin(c, 1001);
				if (column_coder_force(c, FIELD_U64, v, e, p, kind & 1))
					continue;
				used[e][p]++;
				assert_int_equal(column_coder_finish(c, &out), 0);
				decode_and_compare(&out, FIELD_U64, v, 1001);
			}
		}
	}
	for (int e = ENC_RAW; e < ENC_FOLLOW; e++)
		for (int p = PRED_BASE; p <= PRED_DRIFT; p++) /* a dictionary has values only */
			assert_true(used[e][p] > 0 || (e == ENC_DICT && p != PRED_BASE));
	free(v);
	free(bytes);
	column_coder_free(c);
}

static void a_column_that_another_determines_costs_little(void **state)
{
	struct column_coder *c = column_coder_new(ROWS);
	struct column_decoder *d = column_decoder_new();
	uint8_t *bytes = malloc(BLOCK_MAX_BYTES), types[] = { FIELD_U32, FIELD_S64 };
	struct buf out = buf_of(bytes, BLOCK_MAX_BYTES);
	uint64_t tid[ROWS], value[ROWS], got[ROWS], seed = 3;
	struct err err;

	(void)state;
	for (uint32_t i = 0; i < ROWS; i++) {
		tid[i] = 1000 + random_u64(&seed) % 50;
		value[i] = (uint64_t) - (int64_t)(tid[i] * tid[i]);
	}
	column_coder_begin(c, ROWS);
	column_coder_add(c, FIELD_U32, tid);
	column_coder_add(c, FIELD_S64, value);
	assert_int_equal(column_coder_finish(c, &out), 0);
	assert_int_equal(column_decoder_open(d, out.data, out.len, types, 2, ROWS, &err), 0);
	assert_int_equal(column_choice(d, 1).encoding, ENC_FOLLOW);
	assert_true(column_choice(d, 1).stored < 200);
	assert_int_equal(column_decode(d, 1, got, &err), 0);
	assert_memory_equal(got, value, sizeof(got));
	column_decoder_free(d);
	column_coder_free(c);
	free(bytes);
}

static void times_of_a_jittery_timer_cost_about_their_entropy(void **state)
{
	struct column_coder *c = column_coder_new(ROWS);
	struct column_decoder *d = column_decoder_new();
	uint8_t *bytes = malloc(BLOCK_MAX_BYTES), types[] = { FIELD_U64 };
	struct buf out = buf_of(bytes, BLOCK_MAX_BYTES);
	uint64_t v[ROWS], t = 1ULL << 40, seed = 4;

	(void)state;
	for (uint32_t i = 0; i < ROWS; i++) {
		t += 1000000;
		v[i] = t + random_u64(&seed) % 4096;
		if (i % 100 == 0)
			v[i] += 50000000; /* late now and then */
	}
	column_coder_begin(c, ROWS);
	column_coder_add(c, FIELD_U64, v);
	assert_int_equal(column_coder_finish(c, &out), 0);
	/* 12 bits of jitter, difference of two: 13; packed in groups it would be 27. */
	assert_true(out.len * 8 < ROWS * 15);
	assert_int_equal(column_decoder_open(d, out.data, out.len, types, 1, ROWS, NULL), 0);
	assert_int_equal(column_choice(d, 0).encoding, ENC_CLASS);
	column_decoder_free(d);
	column_coder_free(c);
	free(bytes);
}

static void texts_come_back(void **state)
{
	struct column_coder *c = column_coder_new(ROWS);
	struct column_decoder *d = column_decoder_new();
	uint8_t *out_bytes = malloc(BLOCK_MAX_BYTES), types[] = { FIELD_TEXT };
	struct buf out = buf_of(out_bytes, BLOCK_MAX_BYTES);
	uint64_t lengths[600], got[600], seed = 5;
	char *bytes = malloc(600 * 300);
	const uint8_t *back;
	size_t total = 0, n_bytes;
	struct err err;

	(void)state;
	for (int i = 0; i < 600; i++) {
		lengths[i] = random_u64(&seed) % 300;
		for (uint64_t k = 0; k < lengths[i]; k++)
			bytes[total++] = (char)random_u64(&seed);
	}
	column_coder_begin(c, 600);
	column_coder_add_text(c, lengths, bytes);
	assert_int_equal(column_coder_finish(c, &out), 0);
	assert_int_equal(column_decoder_open(d, out.data, out.len, types, 1, 600, &err), 0);
	assert_int_equal(column_decode_text(d, 0, got, &back, &n_bytes, &err), 0);
	assert_int_equal(n_bytes, total);
	assert_memory_equal(got, lengths, sizeof(got));
	assert_memory_equal(back, bytes, total);
	free(bytes);
	free(out_bytes);
	column_decoder_free(d);
	column_coder_free(c);
}

static void a_column_too_large_for_a_block_is_refused(void **state)
{
	struct column_coder *c = column_coder_new(BLOCK_MAX_ROWS);
	uint8_t *bytes = malloc(2 * BLOCK_MAX_BYTES);
	struct buf out = buf_of(bytes, BLOCK_MAX_BYTES);
	uint64_t *v = calloc(BLOCK_MAX_ROWS, sizeof(*v)), seed = 6;

	(void)state;
	column_coder_begin(c, BLOCK_MAX_ROWS);
	for (int k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < BLOCK_MAX_ROWS; i++)
			v[i] = random_u64(&seed);
		column_coder_add(c, FIELD_U64, v);
	}
	assert_int_equal(column_coder_finish(c, &out), -ENOSPC);
	free(v);
	free(bytes);
	column_coder_free(c);
}

static int decode_column(const struct buf *payload, const uint8_t *types, uint32_t n_columns,
	uint32_t column, uint32_t n_rows)
{
	struct column_decoder *d = column_decoder_new();
	uint64_t values[8];
	int rc = column_decoder_open(d, payload->data, payload->len, types, n_columns, n_rows,
		NULL);

	if (!rc)
		rc = column_decode(d, column, values, NULL);
	column_decoder_free(d);
	return rc;
}

/* Encodings know no types, so a column of a byte could give 2^40. */
static void values_beyond_their_type_are_refused(void **state)
{
	static const enum column_encoding encodings[] = { ENC_CONST, ENC_PACK, ENC_CLASS,
		ENC_DICT };
	struct column_coder *c = column_coder_new(2);
	uint8_t bytes[512];

	(void)state;
	for (size_t t = 0; t < sizeof(all_types) / sizeof(all_types[0]); t++) {
		size_t width = field_width(all_types[t]);
		uint8_t types[] = { (uint8_t)all_types[t] };

		for (size_t e = 0; width < 8 && e < 4; e++) {
			for (uint64_t beyond = 0; beyond < 2; beyond++) {
				struct buf out = buf_of(bytes, sizeof(bytes));
				uint64_t v[2];

				v[0] = v[1] = (1ULL << 8 * width) - 1 + beyond;
				column_coder_begin(c, 2);
				assert_int_equal(column_coder_force(c, FIELD_U64, v, encodings[e],
							 PRED_BASE, false),
					0);
				assert_int_equal(column_coder_finish(c, &out), 0);
				assert_int_equal(decode_column(&out, types, 1, 0, 2),
					beyond ? -EBADMSG : 0);
			}
		}
	}
	column_coder_free(c);
}

/* A column of a byte that follows one of two rows and gives these two values. */
static int decode_follower(uint64_t small, uint64_t large)
{
	static const uint8_t types[] = { FIELD_U8, FIELD_U8 };
	const uint64_t table[] = { small, large };
	uint8_t bytes[64];
	struct buf out = buf_of(bytes, sizeof(bytes)), data;
	uint8_t follow[32];

	data = buf_of(follow, sizeof(follow));
	buf_uint(&data, 0, 1);
	pack_put(table, 2, &data);
	buf_uint(&out, ENC_RAW, 1);
	buf_uint(&out, 3, 1);
	buf_uint(&out, ENC_FOLLOW, 1);
	buf_uint(&out, data.len, 1);
	buf_put(&out, "\0\1\2", 3);
	buf_put(&out, data.data, data.len);
	return decode_column(&out, types, 2, 1, 2);
}

static void followers_with_values_beyond_their_type_are_refused(void **state)
{
	(void)state;
	assert_int_equal(decode_follower(0, 255), 0);
	assert_int_equal(decode_follower(0, 256), -EBADMSG);
}

/* What the specification says about a code for one symbol, to the bit. */
static void a_lone_symbol_has_code_0_and_no_other(void **state)
{
	static const uint8_t types[] = { FIELD_U8 };
	/* raw head; base 0; classes 3 to 3; one length of 1; then per row code 0 and two bits. */
	uint8_t payload[] = { ENC_CLASS, 7, 0, 3, 3, 1, 0, 0, 0 };
	struct buf b = buf_of(payload, sizeof(payload));

	(void)state;
	b.len = sizeof(payload) - 1;
	payload[1] = 6;
	payload[7] = 0x00; /* rows 4 and 4: 0 00 0 00 */
	assert_int_equal(decode_column(&b, types, 1, 0, 2), 0);
	payload[7] = 0x08; /* the second row has code 1 */
	assert_int_equal(decode_column(&b, types, 1, 0, 2), -EBADMSG);
}

/* Random bytes in the place of a payload: an answer, and memory intact (the sanitizers look). */
static void damaged_payloads_are_refused_or_give_some_values(void **state)
{
	struct column_coder *c = column_coder_new(ROWS);
	struct column_decoder *d = column_decoder_new();
	uint8_t *bytes = malloc(BLOCK_MAX_BYTES), types[] = { FIELD_U32, FIELD_S16, FIELD_TEXT };
	uint64_t v[300], lengths[300], seed = 7;
	const uint8_t *text;
	size_t n_bytes;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct buf out = buf_of(bytes, BLOCK_MAX_BYTES);

		for (uint32_t i = 0; i < 300; i++) {
			v[i] = made_up((unsigned)round % KINDS, i, &seed) & 0xffff;
			lengths[i] = i % 5;
		}
		column_coder_begin(c, 300);
		column_coder_add(c, FIELD_U32, v);
		column_coder_add(c, FIELD_S16, v);
		column_coder_add_text(c, lengths, bytes);
		assert_int_equal(column_coder_finish(c, &out), 0);
		for (int k = 0; k < 3; k++)
			bytes[random_u64(&seed) % out.len] ^= (uint8_t)(1 << random_u64(&seed) % 8);
		if (column_decoder_open(d, bytes, out.len, types, 3, 300, NULL))
			continue;
		column_decode(d, 0, v, NULL);
		column_decode(d, 1, v, NULL);
		column_decode_text(d, 2, lengths, &text, &n_bytes, NULL);
	}
	free(bytes);
	column_decoder_free(d);
	column_coder_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_and_shape_comes_back),
		cmocka_unit_test(every_encoding_and_predictor_comes_back),
		cmocka_unit_test(a_column_that_another_determines_costs_little),
		cmocka_unit_test(times_of_a_jittery_timer_cost_about_their_entropy),
		cmocka_unit_test(texts_come_back),
		cmocka_unit_test(a_column_too_large_for_a_block_is_refused),
		cmocka_unit_test(values_beyond_their_type_are_refused),
		cmocka_unit_test(followers_with_values_beyond_their_type_are_refused),
		cmocka_unit_test(a_lone_symbol_has_code_0_and_no_other),
		cmocka_unit_test(damaged_payloads_are_refused_or_give_some_values),
	};

	return cmocka_run_group_tests_name("column", tests, NULL, NULL);
}
