/* How many bytes and nanoseconds each encoding takes for the columns of real traces: what the choice
 * of encodings in format/column_encode.c stands on.
 *
 *	build/bench/bench_encodings run.rec...
 *
 * For each column of each event type: bytes per row as the trace's writer chose, then with each
 * encoding alone (the best predictor), then what LZ4 and LZ4HC make of the plain bytes. A dash: the
 * encoding cannot hold the values. Times are for the choice, in ns per value. */
#include <lz4.h>
#include <lz4hc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/base/arena.h"
#include "format/column.h"
#include "format/encoding.h"
#include "format/merge.h"

enum { ENCODINGS = ENC_RUNS + 1 };

static const char *const names[] = { "raw", "const", "pack", "bytes", "class", "dict", "runs",
	"follow" };

struct column_cost {
	const struct field *field;
	uint64_t rows, chosen, lz4, lz4hc;
	uint64_t by_encoding[ENCODINGS];
	bool possible[ENCODINGS];
	uint64_t times_chosen[ENC_FOLLOW + 1], times_lz4;
	double encode_ns, decode_ns;
};

struct type_cost {
	char name[64];
	struct column_cost columns[MAX_FIELDS];
	uint32_t n_columns;
};

static struct type_cost *types;
static uint32_t n_types;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct type_cost *cost_of(const struct event_type *type)
{
	struct type_cost *t;

	for (uint32_t i = 0; i < n_types; i++)
		if (strcmp(types[i].name, type->name) == 0)
			return &types[i];
	types = xrealloc(types, n_types + 1, sizeof(*types));
	t = &types[n_types++];
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", type->name);
	t->n_columns = type->n_fields;
	for (uint32_t i = 0; i < type->n_fields; i++) {
		t->columns[i].field = &type->fields[i];
		memset(t->columns[i].possible, true, sizeof(t->columns[i].possible));
	}
	return t;
}

/* Bytes of the column with this encoding and its best predictor; 0 if it cannot be. */
static size_t forced(struct column_coder *c, const struct field *f, const uint64_t *v, uint32_t n,
	int encoding)
{
	size_t best = 0;

	for (int p = PRED_BASE; p <= PRED_DRIFT; p++) {
		column_coder_begin(c, n);
		if (column_coder_force(c, f->type, v, encoding, p, false))
			continue;
		if (!best || column_coder_bytes(c) < best)
			best = column_coder_bytes(c);
	}
	return best;
}

static void plain_lz4(struct column_cost *to, const uint64_t *v, uint32_t n, uint8_t *scratch)
{
	size_t width = field_width(to->field->type);
	struct buf b = buf_of(scratch, BLOCK_MAX_BYTES);
	char *out = (char *)scratch + BLOCK_MAX_BYTES;

	for (uint32_t i = 0; i < n; i++)
		buf_uint(&b, v[i], width);
	to->lz4 += (uint64_t)LZ4_compress_default((char *)scratch, out, (int)b.len,
		2 * BLOCK_MAX_BYTES);
	to->lz4hc += (uint64_t)LZ4_compress_HC((char *)scratch, out, (int)b.len,
		2 * BLOCK_MAX_BYTES, LZ4HC_CLEVEL_DEFAULT);
}

static void measure_block(struct column_coder *c, struct column_decoder *d, struct type_cost *t,
	uint64_t **v, uint32_t n, uint8_t *scratch)
{
	struct buf out = buf_of(scratch, BLOCK_MAX_BYTES);
	uint64_t *decoded = xcalloc(n, sizeof(*decoded));
	uint8_t types_of[MAX_FIELDS];
	double at;

	column_coder_begin(c, n);
	for (uint32_t i = 0; i < t->n_columns; i++) {
		types_of[i] = (uint8_t)t->columns[i].field->type;
		at = now_ns();
		column_coder_add(c, t->columns[i].field->type, v[i]);
		t->columns[i].encode_ns += now_ns() - at;
		t->columns[i].rows += n;
	}
	column_coder_finish(c, &out);
	column_decoder_open(d, out.data, out.len, types_of, t->n_columns, n, NULL);
	for (uint32_t i = 0; i < t->n_columns; i++) {
		struct column_choice choice = column_choice(d, i);

		at = now_ns();
		column_decode(d, i, decoded, NULL);
		t->columns[i].decode_ns += now_ns() - at;
		t->columns[i].chosen += choice.stored + 2;
		t->columns[i].times_chosen[choice.encoding]++;
		t->columns[i].times_lz4 += choice.lz4;
	}
	for (uint32_t i = 0; i < t->n_columns; i++) {
		struct column_cost *k = &t->columns[i];

		for (int e = 0; e < ENCODINGS; e++) {
			size_t bytes = forced(c, k->field, v[i], n, e);

			k->possible[e] &= bytes > 0;
			k->by_encoding[e] += bytes;
		}
		plain_lz4(k, v[i], n, scratch);
	}
	free(decoded);
}

static void print_type(const struct type_cost *t)
{
	printf("\n%s: %llu rows; bytes per row\n%-14s %8s", t->name,
		(unsigned long long)t->columns[0].rows, "column", "chosen");
	for (int e = 0; e < ENCODINGS; e++)
		printf(" %7s", names[e]);
	printf(" %7s %7s  %6s %6s  %s\n", "lz4", "lz4hc", "enc ns", "dec ns", "blocks by choice");
	for (uint32_t i = 0; i < t->n_columns; i++) {
		const struct column_cost *k = &t->columns[i];
		double rows = (double)k->rows;

		printf("%-14s %8.3f", k->field->name, (double)k->chosen / rows);
		for (int e = 0; e < ENCODINGS; e++) {
			if (k->possible[e])
				printf(" %7.3f", (double)k->by_encoding[e] / rows);
			else
				printf(" %7s", "-");
		}
		printf(" %7.3f %7.3f  %6.1f %6.1f ", (double)k->lz4 / rows, (double)k->lz4hc / rows,
			k->encode_ns / rows, k->decode_ns / rows);
		for (int e = 0; e <= ENC_FOLLOW; e++)
			if (k->times_chosen[e])
				printf(" %s %llu", names[e],
					(unsigned long long)k->times_chosen[e]);
		printf(k->times_lz4 ? " (lz4 %llu)\n" : "\n", (unsigned long long)k->times_lz4);
	}
}

/* Rows of one type in the trace's order; measured in blocks of what a writer's stage holds. */
static void measure_type(struct reader *r, const char *name)
{
	const struct want want = { name, NULL, 0 };
	struct merge_options o = { .wants = &want, .n_wants = 1, .unordered = true };
	struct merge *m = merge_new(&r, 1, &o);
	struct column_coder *c = column_coder_new(BLOCK_MAX_ROWS);
	struct column_decoder *d = column_decoder_new();
	uint8_t *scratch = xcalloc(3, BLOCK_MAX_BYTES);
	uint64_t *v[MAX_FIELDS] = { NULL };
	struct type_cost *t = NULL;
	uint32_t n = 0, per_block = 5461;
	struct row row;

	while (merge_next(m, &row, NULL) > 0) {
		t = cost_of(row.type);
		for (uint32_t i = 0; i < t->n_columns; i++) {
			if (!v[i])
				v[i] = xcalloc(per_block, sizeof(uint64_t));
			v[i][n] = row.values[i];
		}
		if (++n == per_block) {
			measure_block(c, d, t, v, n, scratch);
			n = 0;
		}
	}
	if (n > 1)
		measure_block(c, d, t, v, n, scratch);
	for (uint32_t i = 0; i < MAX_FIELDS; i++)
		free(v[i]);
	merge_free(m);
	column_coder_free(c);
	column_decoder_free(d);
	free(scratch);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct err err = { "" };
		struct reader *r = reader_open(argv[i], &err);
		const struct segment *s;

		if (!r) {
			fprintf(stderr, "bench_encodings: %s\n", err.text);
			return 3;
		}
		printf("%s\n", argv[i]);
		s = reader_segment(r, 0);
		n_types = 0;
		for (uint32_t t = 0; t < s->n_types; t++)
			if (s->types[t])
				measure_type(r, s->types[t]->name);
		for (uint32_t t = 0; t < n_types; t++)
			print_type(&types[t]);
		reader_close(r);
	}
	free(types);
	return 0;
}
