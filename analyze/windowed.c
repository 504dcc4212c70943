#include "analyze/windowed.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "render/tree_slices.h"

enum {
	FIRST_NS = 1 << 20,
	MAX_SLICES = TREE_MAX_SLICES / 2, /* of graphs one or two are in each */
	MAX_WEIGHTS = 1 << 19,            /* of a table */
	MAX_THINGS = 16384,               /* of a table; of more it is not known */
	MAX_HISTOGRAMS = 32 << 20,        /* bytes, of what was before */
};

void windowed_init(struct windowed *w, bool is_on, void (*look)(void *ctx, struct windowed *w),
	void *ctx)
{
	*w = (struct windowed){ .look = look,
		.ctx = ctx,
		.is_on = is_on,
		.end_ns = UINT64_MAX,
		.slice_ns = FIRST_NS,
		.budget = { .left = MAX_HISTOGRAMS } };
}

static void table_done(struct windowed_table *t)
{
	for (size_t i = 0; t->before && i < (size_t)t->n_things * t->n_histograms; i++)
		histogram_done(&t->before[i]);
	free(t->before);
	free(t->sums);
	free(t->weights);
	free(t->touched);
}

void windowed_done(struct windowed *w)
{
	for (unsigned i = 0; i < w->n_tables; i++)
		table_done(&w->tables[i]);
	memset(w, 0, sizeof(*w));
}

unsigned windowed_table(struct windowed *w, unsigned n_sums, unsigned n_histograms)
{
	w->tables[w->n_tables] = (struct windowed_table){ .n_sums = n_sums,
		.n_histograms = n_histograms };
	w->tables[w->n_tables].result.n_sums = n_sums;
	return w->n_tables++;
}

void windowed_start(struct windowed *w, uint64_t origin_ns, uint64_t length_ns)
{
	if (!w->is_on)
		return;
	w->origin_ns = origin_ns;
	while (length_ns / w->slice_ns >= MAX_SLICES)
		w->slice_ns *= 2;
	w->turn = 1;
	w->end_ns = 0; /* the first row turns to its slice */
}

/* ---- weights ---- */

static int by_place(const void *a, const void *b)
{
	const struct slice_weight *x = a, *y = b;

	if (x->thing != y->thing)
		return x->thing < y->thing ? -1 : 1;
	if (x->slice != y->slice)
		return x->slice < y->slice ? -1 : 1;
	return x->code < y->code ? -1 : x->code > y->code;
}

/* Puts together what is of one thing, slice and code. What was moved away is a sum below 0, which the rest
 * makes good. */
static void compact(struct windowed_table *t)
{
	size_t n = 0;

	if (t->n)
		qsort(t->weights, t->n, sizeof(*t->weights), by_place);
	for (size_t i = 0; i < t->n; i++) {
		struct slice_weight *last = n ? &t->weights[n - 1] : NULL;

		if (!last || by_place(last, &t->weights[i]) != 0)
			t->weights[n++] = t->weights[i];
		else if (!slice_code_is_max(&t->result, last->code))
			last->value += t->weights[i].value;
		else if (t->weights[i].value > last->value)
			last->value = t->weights[i].value;
	}
	t->n = n;
}

static void set_slice(struct windowed *w, uint32_t slice)
{
	w->slice = slice;
	w->begin_ns = w->origin_ns + slice * w->slice_ns;
	if (__builtin_add_overflow(w->begin_ns, w->slice_ns, &w->end_ns))
		w->end_ns = UINT64_MAX;
}

/* Two slices become one. */
static void widen(struct windowed *w)
{
	for (unsigned i = 0; i < w->n_tables; i++) {
		struct windowed_table *t = &w->tables[i];

		for (size_t k = 0; k < t->n; k++)
			t->weights[k].slice /= 2;
		compact(t);
	}
	w->slice_ns *= 2;
	set_slice(w, w->slice / 2);
}

static void make_room(struct windowed *w, struct windowed_table *t)
{
	if (t->n < t->cap)
		return;
	if (t->cap < MAX_WEIGHTS) {
		t->cap = t->cap ? 2 * t->cap : 1024;
		t->weights = xrealloc(t->weights, t->cap, sizeof(*t->weights));
		return;
	}
	compact(t);
	while (t->n > MAX_WEIGHTS / 2 && w->slice_ns < 1ULL << 62)
		widen(w);
}

static void add(struct windowed *w, struct windowed_table *t, uint32_t thing, uint32_t slice,
	unsigned code, uint64_t value)
{
	uint64_t width = w->slice_ns;

	make_room(w, t);
	if (t->n == t->cap) {
		t->is_lost = true;
		return;
	}
	slice /= (uint32_t)(w->slice_ns / width); /* it may have become wider */
	t->weights[t->n++] = (struct slice_weight){ thing, (uint16_t)slice, (uint16_t)code, value };
}

/* ---- things ---- */

static bool follow(struct windowed_table *t, uint32_t thing)
{
	uint32_t n = t->n_things ? 2 * t->n_things : 64;

	if (thing < t->n_things)
		return true;
	if (thing >= MAX_THINGS) {
		t->is_cut = true;
		return false;
	}
	while (n <= thing)
		n *= 2;
	t->sums = xrealloc(t->sums, (size_t)n * t->n_sums + 1, sizeof(*t->sums));
	t->before = xrealloc(t->before, (size_t)n * t->n_histograms + 1, sizeof(*t->before));
	memset(t->sums + (size_t)t->n_things * t->n_sums, 0,
		(size_t)(n - t->n_things) * t->n_sums * sizeof(*t->sums));
	memset(t->before + (size_t)t->n_things * t->n_histograms, 0,
		(size_t)(n - t->n_things) * t->n_histograms * sizeof(*t->before));
	t->n_things = n;
	return true;
}

static struct histogram *before_of(struct windowed_table *t, uint32_t thing)
{
	return t->before + (size_t)thing * t->n_histograms;
}

/* The steps of a histogram that have grown, as steps of the coarse scale. */
struct growth {
	struct windowed *w;
	struct windowed_table *table;
	uint32_t thing;
	unsigned code; /* of the first step */
	uint32_t step; /* the coarse one that is being added up */
	uint64_t n, largest;
};

static void flush(struct growth *g)
{
	if (g->n)
		add(g->w, g->table, g->thing, g->w->slice, g->code + g->step, g->n);
	g->n = 0;
}

static void grown(void *ctx, const struct histogram_bucket *b)
{
	struct growth *g = ctx;
	uint32_t step = log_scale_step(b->first, SLICE_BITS);

	if (step != g->step)
		flush(g);
	g->step = step;
	g->n += b->count;
	g->largest = b->last;
}

static void look_at_histogram(struct windowed *w, struct windowed_table *t, uint32_t thing,
	unsigned number, const struct histogram *now)
{
	struct histogram *before = before_of(t, thing) + number;
	unsigned code = t->n_sums + number * SLICE_ROOM;
	struct growth g = { w, t, thing, code + SLICE_STEPS, 0, 0, 0 };

	if (now->count == before->count)
		return;
	before->budget = t->n_touched ? NULL : &w->budget; /* of what was touched it is a copy */
	add(w, t, thing, w->slice, code + SLICE_SUM, now->sum - before->sum);
	histogram_advance(before, now, grown, &g);
	flush(&g);
	add(w, t, thing, w->slice, code + SLICE_MAX, g.largest < now->max ? g.largest : now->max);
}

/* Keeps histograms as they are, until the slice is over. */
static void keep(struct windowed *w, struct windowed_table *t, uint32_t thing,
	const struct histogram *const *now)
{
	struct histogram *before = before_of(t, thing);
	size_t bytes = 0;

	for (unsigned i = 0; i < t->n_histograms; i++)
		bytes += histogram_bytes(now[i]);
	if (bytes > w->budget.left) {
		w->budget.is_used_up = true;
		return;
	}
	w->budget.left -= bytes;
	t->bytes_kept += bytes;
	for (unsigned i = 0; i < t->n_histograms; i++) {
		histogram_copy(&before[i], now[i]);
		before[i].budget = NULL;
	}
}

/* What is not touched in the slice that begins needs no copy. */
static void drop_kept(struct windowed *w, struct windowed_table *t)
{
	for (uint32_t i = 0; i < t->n_touched; i++)
		for (unsigned k = 0; t->touched[i] < t->n_things && k < t->n_histograms; k++)
			histogram_done(before_of(t, t->touched[i]) + k);
	w->budget.left += t->bytes_kept;
	t->bytes_kept = 0;
	t->n_touched = 0;
}

void windowed_touch(struct windowed *w, unsigned table, uint32_t thing,
	const struct histogram *const *histograms)
{
	struct windowed_table *t = &w->tables[table];

	if (follow(t, thing) && !w->budget.is_used_up)
		keep(w, t, thing, histograms);
	if (t->n_touched == t->cap_touched) {
		t->cap_touched = t->cap_touched ? 2 * t->cap_touched : 64;
		t->touched = xrealloc(t->touched, t->cap_touched, sizeof(*t->touched));
	}
	t->touched[t->n_touched++] = thing;
}

const uint32_t *windowed_touched(struct windowed *w, unsigned table, uint32_t *n)
{
	*n = w->tables[table].n_touched;
	return w->tables[table].touched;
}

void windowed_look(struct windowed *w, unsigned table, uint32_t thing, const uint64_t *sums,
	const struct histogram *const *histograms)
{
	struct windowed_table *t = &w->tables[table];
	uint64_t *before;

	if (!follow(t, thing) || w->budget.is_used_up)
		return;
	before = &t->sums[(size_t)thing * t->n_sums];
	for (unsigned i = 0; i < t->n_sums; i++) {
		if (sums[i] != before[i])
			add(w, t, thing, w->slice, i, sums[i] - before[i]);
		before[i] = sums[i];
	}
	for (unsigned i = 0; i < t->n_histograms; i++)
		look_at_histogram(w, t, thing, i, histograms[i]);
}

/* ---- time ---- */

static uint64_t slice_of(const struct windowed *w, uint64_t time_ns)
{
	return time_ns > w->origin_ns ? (time_ns - w->origin_ns) / w->slice_ns : 0;
}

static void look(struct windowed *w)
{
	w->look(w->ctx, w);
	for (unsigned i = 0; i < w->n_tables; i++)
		drop_kept(w, &w->tables[i]);
}

void windowed_turn(struct windowed *w, uint64_t time_ns)
{
	if (w->is_started)
		look(w);
	w->is_started = true;
	w->turn++;
	while (slice_of(w, time_ns) >= MAX_SLICES)
		widen(w);
	set_slice(w, (uint32_t)slice_of(w, time_ns));
}

void windowed_move(struct windowed *w, unsigned table, uint32_t thing, unsigned sum,
	uint64_t from_ns, uint64_t to_ns)
{
	struct windowed_table *t = &w->tables[table];
	uint64_t moved = 0;

	if (!follow(t, thing) || to_ns <= from_ns)
		return;
	from_ns = from_ns < w->origin_ns ? w->origin_ns : from_ns;
	while (from_ns < to_ns && from_ns < w->begin_ns) {
		uint64_t rest = w->slice_ns - (from_ns - w->origin_ns) % w->slice_ns;

		rest = rest < to_ns - from_ns ? rest : to_ns - from_ns;
		add(w, t, thing, (uint32_t)slice_of(w, from_ns), sum, rest);
		moved += rest;
		from_ns += rest;
	}
	if (moved)
		add(w, t, thing, w->slice, sum, -moved);
}

void windowed_finish(struct windowed *w)
{
	if (!w->is_on || !w->is_started)
		return;
	look(w);
	for (unsigned i = 0; i < w->n_tables; i++) {
		struct windowed_table *t = &w->tables[i];

		compact(t);
		t->result = (struct table_slices){ w->slice_ns, w->slice + 1, t->n_sums,
			t->n_histograms, t->weights, t->n, t->is_cut ? MAX_THINGS : 0 };
	}
}

const struct table_slices *windowed_of(const struct windowed *w, unsigned table)
{
	if (!w->is_on || !w->is_started || w->budget.is_used_up || w->tables[table].is_lost)
		return NULL;
	return &w->tables[table].result;
}
