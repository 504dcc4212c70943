#include "render/table_slices.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render/cell.h"
#include "render/escape.h"

/* A table's rows, or the histograms of a distribution: both are things of the same slices. */
struct rows {
	const struct table_slices *slices;
	uint32_t n;
	bool *known;  /* owned; by row */
	bool *wanted; /* owned; by code */
	struct slice_weight
		*weights; /* owned; `thing` is the row; in order of row, slice and code */
	size_t n_weights, cap;
};

/* ---- what is shown ---- */

static unsigned n_codes(const struct table_slices *s)
{
	return s->n_sums + s->n_histograms * SLICE_ROOM;
}

static void want(struct rows *r, unsigned code, unsigned n)
{
	for (unsigned i = code; i < code + n && i < n_codes(r->slices); i++)
		r->wanted[i] = true;
}

static void want_steps(struct rows *r, unsigned histogram)
{
	want(r, r->slices->n_sums + histogram * SLICE_ROOM + SLICE_STEPS, SLICE_ROOM - SLICE_STEPS);
}

static void want_histogram(struct rows *r, const struct column_part *p)
{
	unsigned code = r->slices->n_sums + p->of * SLICE_ROOM;

	if (p->how == PART_TOTAL || p->how == PART_MEAN)
		want(r, code + SLICE_SUM, 1);
	if (p->how == PART_MAX || p->how == PART_PERCENTILE)
		want(r, code + SLICE_MAX, 1);
	if (p->how != PART_TOTAL && p->how != PART_MAX)
		want_steps(r, p->of);
}

static void want_column(struct rows *r, const struct column_part *p)
{
	switch (p->how) {
	case PART_NONE:
	case PART_SAME: break;
	case PART_RATIO: want(r, (unsigned)p->by, 1); /* fall through */
	case PART_SUM:
	case PART_RATE: want(r, p->of, 1); break;
	default: want_histogram(r, p);
	}
}

static int by_thing(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = ((const struct slice_weight *)b)->thing;

	return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
	const struct slice_weight *x = a, *y = b;

	if (x->slice != y->slice)
		return x->slice < y->slice ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

/* Adds to the weight before if that is of the same row, slice and code. */
static void append(struct rows *r, uint32_t row, const struct slice_weight *w)
{
	struct slice_weight *last = r->n_weights ? &r->weights[r->n_weights - 1] : NULL;

	if (last && last->thing == row && by_place(last, w) == 0) {
		if (!slice_code_is_max(r->slices, w->code))
			last->value += w->value;
		else if (w->value > last->value)
			last->value = w->value;
		return;
	}
	if (r->n_weights == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 1024;
		r->weights = xrealloc(r->weights, r->cap, sizeof(*r->weights));
	}
	r->weights[r->n_weights] = *w;
	r->weights[r->n_weights++].thing = row;
}

/* What all things have together. */
static void add_all(struct rows *r, uint32_t row)
{
	const struct table_slices *s = r->slices;
	struct slice_weight *sorted = xcalloc(s->n_weights + 1, sizeof(*sorted));

	if (s->n_weights)
		memcpy(sorted, s->weights, s->n_weights * sizeof(*sorted));
	qsort(sorted, s->n_weights, sizeof(*sorted), by_place);
	for (size_t i = 0; i < s->n_weights; i++)
		if (r->wanted[sorted[i].code])
			append(r, row, &sorted[i]);
	free(sorted);
}

static void add_thing(struct rows *r, uint32_t row, uint32_t thing)
{
	const struct slice_weight *end = r->slices->weights + r->slices->n_weights, *w;

	if (thing == ALL_THINGS) {
		add_all(r, row);
		return;
	}
	w = r->slices->n_weights
		? bsearch(&thing, r->slices->weights, r->slices->n_weights, sizeof(*w), by_thing)
		: NULL;
	while (w && w > r->slices->weights && w[-1].thing == thing)
		w--;
	for (; w && w < end && w->thing == thing; w++)
		if (r->wanted[w->code])
			append(r, row, w);
}

static bool is_known(const struct table_slices *s, uint32_t thing)
{
	return !s->n_things || thing < s->n_things;
}

/* thing: 1 + its number, 0: none. */
static void add_row(struct rows *r, uint32_t row, uint32_t thing)
{
	r->known[row] = thing && is_known(r->slices, thing - 1);
	if (r->known[row])
		add_thing(r, row, thing - 1);
}

static const struct table_slices *slices_of(const struct section *s)
{
	if (s->kind == SECTION_TABLE)
		return s->table->slices;
	return s->kind == SECTION_HISTOGRAM ? s->distribution->slices : NULL;
}

static void rows_init(struct rows *r, const struct section *s, uint32_t max_rows)
{
	*r = (struct rows){ .slices = slices_of(s) };
	assert(r->slices); /* table_slices_known */
	r->wanted = xcalloc(n_codes(r->slices) + 1, sizeof(*r->wanted));
	if (s->kind == SECTION_HISTOGRAM) {
		want_histogram(r, &(struct column_part){ PART_MEAN, s->distribution->number, 0 });
		want_histogram(r, &(struct column_part){ PART_MAX, s->distribution->number, 0 });
		r->n = s->distribution->n_series;
		r->known = xcalloc((size_t)r->n + 1, sizeof(*r->known));
		for (uint32_t i = 0; i < r->n; i++)
			add_row(r, i, s->distribution->series[i].thing);
		return;
	}
	for (uint32_t i = 0; i < s->table->n_columns; i++)
		want_column(r, &s->table->columns[i].part);
	r->n = s->table->n_rows < max_rows ? s->table->n_rows : max_rows;
	r->known = xcalloc((size_t)r->n + 1, sizeof(*r->known));
	for (uint32_t i = 0; i < r->n; i++)
		add_row(r, i, s->table->things[i]);
}

static void rows_done(struct rows *r)
{
	free(r->known);
	free(r->wanted);
	free(r->weights);
}

/* ---- fewer slices ---- */

static int by_row(const void *a, const void *b)
{
	const struct slice_weight *x = a, *y = b;

	if (x->thing != y->thing)
		return x->thing < y->thing ? -1 : 1;
	return by_place(a, b);
}

/* Two slices become one. */
static void halve(struct rows *r)
{
	size_t n = r->n_weights;

	for (size_t i = 0; i < n; i++)
		r->weights[i].slice /= 2;
	if (n)
		qsort(r->weights, n, sizeof(*r->weights), by_row);
	r->n_weights = 0;
	for (size_t i = 0; i < n; i++) {
		struct slice_weight w = r->weights[i]; /* writes never overtake */

		append(r, w.thing, &w);
	}
}

/* ---- in the page ---- */

static void put_number(FILE *out, uint64_t v)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (; v > 31; v >>= 5)
		putc_unlocked(digits[32 + (v & 31)], out);
	putc_unlocked(digits[v], out);
}

/* The pairs of one slice, from i on; the number behind them. What is below 0 after all is nothing: spans that were
 * told in another order than they went on. */
static size_t put_slice(FILE *out, const struct rows *r, size_t i, size_t end)
{
	size_t n = 0;
	unsigned code = 0;

	while (i + n < end && r->weights[i + n].slice == r->weights[i].slice)
		n++;
	put_number(out, n);
	for (; n; n--, i++) {
		put_number(out, r->weights[i].code - code);
		put_number(out, (int64_t)r->weights[i].value < 0 ? 0 : r->weights[i].value);
		code = r->weights[i].code;
	}
	return i;
}

static void put_rows(FILE *out, const struct rows *r)
{
	size_t i = 0;

	fputs("\"rows\":[", out);
	for (uint32_t row = 0; row < r->n; row++) {
		size_t end = i;
		unsigned slice = 0;

		while (end < r->n_weights && r->weights[end].thing == row)
			end++;
		fputs(row ? ",\n" : "\n", out);
		if (!r->known[row]) {
			fputs("null", out);
			continue;
		}
		putc_unlocked('"', out);
		while (i < end) {
			put_number(out, r->weights[i].slice - slice);
			slice = r->weights[i].slice;
			i = put_slice(out, r, i, end);
		}
		putc_unlocked('"', out);
	}
	fputs("]", out);
}

static void put_column(FILE *out, const struct column *c)
{
	static const char *const names[] = { [PART_SAME] = "same",
		[PART_SUM] = "sum",
		[PART_COUNT] = "count",
		[PART_TOTAL] = "total",
		[PART_MEAN] = "mean",
		[PART_PERCENTILE] = "percentile",
		[PART_MAX] = "max",
		[PART_RATE] = "rate",
		[PART_COUNT_RATE] = "countrate",
		[PART_RATIO] = "ratio" };

	if (c->part.how == PART_NONE)
		fprintf(out, "[\"%s\"",
			cell_is_text(c->kind) || c->kind == CELL_NUMBER ? "same" : "unknown");
	else
		fprintf(out, "[\"%s\"", names[c->part.how]);
	fprintf(out, ",%u,%.10g,\"%s\"]", c->part.of, c->part.by, cell_kind_name(c->kind));
}

static void put_columns(FILE *out, const struct section *s)
{
	fputs("\"columns\":[", out);
	for (uint32_t i = 0; s->kind == SECTION_TABLE && i < s->table->n_columns; i++) {
		fputs(i ? "," : "", out);
		put_column(out, &s->table->columns[i]);
	}
	fputs("],", out);
}

static void put_distribution(FILE *out, const struct distribution *d)
{
	fprintf(out, "\"number\":%u,\"value\":\"", d->number);
	escape_put(out, ESCAPE_JSON, d->value);
	fprintf(out, "\",\"unit\":\"%s\",\"counted\":\"", cell_kind_name(d->kind));
	escape_put(out, ESCAPE_JSON, d->counted);
	fputs("\",", out);
}

size_t table_slices_pairs(const struct section *s, uint32_t max_rows)
{
	struct rows r;
	size_t n;

	rows_init(&r, s, max_rows);
	n = r.n_weights;
	rows_done(&r);
	return n;
}

void table_slices_put(FILE *out, const struct section *s, uint32_t max_rows, size_t max_pairs)
{
	uint64_t together = 1;
	struct rows r;

	rows_init(&r, s, max_rows);
	while (r.n_weights > max_pairs && together < r.slices->n) {
		halve(&r);
		together *= 2;
	}
	fprintf(out,
		"{\"step\":%" PRIu64 ",\"n\":%" PRIu64
		",\"sums\":%u,\"histograms\":%u,\"bits\":%u,\"room\":%u,",
		r.slices->slice_ns * together, (r.slices->n + together - 1) / together,
		r.slices->n_sums, r.slices->n_histograms, SLICE_BITS, SLICE_ROOM);
	if (s->kind == SECTION_HISTOGRAM)
		put_distribution(out, s->distribution);
	put_columns(out, s);
	put_rows(out, &r);
	fputs("}", out);
	rows_done(&r);
}

bool table_slices_known(const struct section *s)
{
	return slices_of(s) && slices_of(s)->n > 0;
}
