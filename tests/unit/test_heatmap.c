/* Histograms and heatmaps: what is counted where, against counting by hand. */
#include <stdlib.h>
#include <string.h>

#include "format/base/histogram.h"
#include "format/base/log_scale.h"
#include "render/heat_levels.h"
#include "render/heatmap.h"
#include "render/render.h"
#include "render/ticks.h"
#include "tests/unit/support.h"

/* ---- log scale ---- */

static void log_scale_steps_follow_each_other(void **state)
{
	for (unsigned bits = 0; bits <= 8; bits++) {
		uint32_t n = log_scale_steps(bits);

		for (uint32_t i = 0; i < n; i++) {
			uint64_t first = log_scale_first(i, bits), last = log_scale_last(i, bits);

			assert_int_equal(log_scale_step(first, bits), i);
			assert_int_equal(log_scale_step(last, bits), i);
			assert_true(last >= first && (last - first) <= first >> bits);
			if (i + 1 < n)
				assert_int_equal(log_scale_first(i + 1, bits), last + 1);
			else
				assert_int_equal(last, UINT64_MAX);
		}
	}
}

static void two_steps_of_a_log_scale_are_one_of_the_coarser(void **state)
{
	uint64_t random = 4711;

	for (int i = 0; i < 10000; i++) {
		uint64_t v = random_u64(&random) >> random_u64(&random) % 64;

		for (unsigned bits = 1; bits <= 8; bits++) {
			uint32_t pair = log_scale_step(v, bits) & ~1u;
			uint32_t coarse = log_scale_step(v, bits - 1);

			assert_true(
				log_scale_first(pair, bits) <= log_scale_first(coarse, bits - 1));
			assert_true(
				log_scale_last(pair + 1, bits) >= log_scale_last(coarse, bits - 1));
			if (v >> bits)
				assert_int_equal(log_scale_first(pair, bits),
					log_scale_first(coarse, bits - 1));
		}
	}
}

/* ---- histogram ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

enum { N_VALUES = 20011 };

/* Latencies of a few microseconds with a long tail, as they come. */
static uint64_t *random_values(uint64_t seed)
{
	uint64_t *v = malloc(N_VALUES * sizeof(*v));

	for (int i = 0; i < N_VALUES; i++)
		v[i] = random_u64(&seed) >> (34 + random_u64(&seed) % 30);
	return v;
}

static const double some_percentiles[] = { 0.01, 1, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999 };

static void histogram_percentiles_agree_with_sorting(void **state)
{
	uint64_t *v = random_values(1), sum = 0;
	struct histogram h = { 0 };

	for (int i = 0; i < N_VALUES; i++) {
		histogram_add(&h, v[i], 1);
		sum += v[i];
	}
	qsort(v, N_VALUES, sizeof(*v), by_value);
	assert_int_equal(h.count, N_VALUES);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.min, v[0]);
	assert_int_equal(h.max, v[N_VALUES - 1]);
	assert_int_equal(histogram_mean(&h), sum / N_VALUES);
	for (size_t i = 0; i < sizeof(some_percentiles) / sizeof(*some_percentiles); i++) {
		double exact = some_percentiles[i] / 100 * N_VALUES;
		uint64_t rank = (uint64_t)exact + ((double)(uint64_t)exact < exact);
		uint64_t truth = v[rank - 1], p = histogram_percentile(&h, some_percentiles[i]);

		assert_true(p >= truth && p - truth <= truth / 128);
	}
	assert_int_equal(histogram_percentile(&h, 0), v[0]);
	assert_int_equal(histogram_percentile(&h, 100), v[N_VALUES - 1]);
	histogram_done(&h);
	free(v);
}

static void histogram_knows_small_values_exactly(void **state)
{
	struct histogram h = { 0 };

	for (uint64_t v = 1; v <= 127; v++)
		histogram_add(&h, v, 1);
	for (unsigned p = 1; p <= 100; p++)
		assert_int_equal(histogram_percentile(&h, p), (127 * p + 99) / 100);
	histogram_done(&h);
	for (uint64_t v = 1; v <= 1000; v++) /* 999 of 1000, not all of them */
		histogram_add(&h, v <= 999 ? 5 : 99, 1);
	assert_int_equal(histogram_percentile(&h, 99.9), 5);
	assert_int_equal(histogram_percentile(&h, 99.99), 99);
	histogram_done(&h);
}

static void merged_histograms_are_the_histogram_of_all(void **state)
{
	uint64_t *a = random_values(2), *b = random_values(3);
	struct histogram parts[2] = { { 0 } }, all = { 0 }, merged = { 0 };
	struct histogram_bucket of_all, of_merged;
	uint32_t at[2] = { 0 };

	for (int i = 0; i < N_VALUES; i++) {
		histogram_add(&parts[0], a[i], 1);
		histogram_add(&parts[1], b[i] << 20, 3);
		histogram_add(&all, a[i], 1);
		histogram_add(&all, b[i] << 20, 3);
	}
	histogram_merge(&merged, &parts[1]);
	histogram_merge(&merged, &(struct histogram){ 0 });
	histogram_merge(&merged, &parts[0]);
	assert_int_equal(merged.count, all.count);
	assert_int_equal(merged.sum, all.sum);
	assert_int_equal(merged.min, all.min);
	assert_int_equal(merged.max, all.max);
	while (histogram_next(&all, &at[0], &of_all)) {
		assert_int_equal(histogram_next(&merged, &at[1], &of_merged), 1);
		assert_memory_equal(&of_merged, &of_all, sizeof(of_all));
	}
	assert_int_equal(histogram_next(&merged, &at[1], &of_merged), 0);
	histogram_done(&parts[0]);
	histogram_done(&parts[1]);
	histogram_done(&all);
	histogram_done(&merged);
	free(a);
	free(b);
}

/* As a trace can make up: thousands of threads, each with values that are far apart. */
static void spread_values(void *arg)
{
	struct histogram *all = calloc(30011, sizeof(*all));

	(void)arg;
	for (int i = 0; i < 30011; i++)
		for (unsigned k = 0; k < 63; k += 31)
			histogram_add(&all[i], 1ULL << k, 1);
	for (int i = 0; i < 30011; i++)
		histogram_done(&all[i]);
	free(all);
}

static void histograms_take_memory_for_what_is_in_them(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("AddressSanitizer keeps what is freed: memory is not measured\n");
	skip();
#endif
	assert_in_range(peak_bytes(spread_values, NULL), 1, 100 << 20);
}

static void histograms_count_beyond_32_bits(void **state)
{
	struct histogram h = { 0 }, merged = { 0 };
	struct histogram_bucket b;
	uint32_t at = 0;

	(void)state;
	histogram_add(&h, 3, UINT32_MAX);
	histogram_add(&h, 5, 7);
	histogram_add(&h, 1 << 20, 11);
	histogram_add(&h, 3, 2);
	histogram_add(&h, 1 << 30, 13);
	histogram_merge(&merged, &h);
	assert_int_equal(histogram_next(&merged, &at, &b), 1);
	assert_int_equal(b.count, UINT32_MAX + 2ULL);
	assert_int_equal(histogram_next(&merged, &at, &b), 1);
	assert_int_equal(b.count, 7);
	assert_int_equal(histogram_next(&merged, &at, &b), 1);
	assert_int_equal(b.count, 11);
	assert_int_equal(histogram_next(&merged, &at, &b), 1);
	assert_int_equal(b.count, 13);
	assert_int_equal(histogram_next(&merged, &at, &b), 0);
	histogram_done(&h);
	histogram_done(&merged);
}

static void add_up(void *ctx, const struct histogram_bucket *more)
{
	histogram_add(ctx, more->first, more->count);
}

/* Values of 17 sizes, each again and again; some of them so often that counts become wider meanwhile. */
static void what_a_histogram_has_more_than_its_copy_is_told(void **state)
{
	struct histogram h = { 0 }, copy, more = { 0 };

	(void)state;
	histogram_copy(&copy, &more);
	assert_null(copy.steps);
	for (unsigned k = 0; k < 17; k++)
		histogram_add(&h, 1ULL << 3 * k, k + 1);
	histogram_copy(&copy, &h);
	assert_true(histogram_bytes(&copy) == histogram_bytes(&h));
	histogram_add(&h, 8, 1ULL << 32);
	histogram_add(&h, 64, 23);
	histogram_add(&h, 1ULL << 60, 29);
	histogram_advance(&copy, &h, add_up, &more);
	assert_int_equal(more.count, (1ULL << 32) + 23 + 29);
	assert_int_equal(histogram_percentile(&more, 50), 8);
	assert_int_equal(more.max, 1ULL << 60);
	assert_int_equal(copy.count, h.count);
	histogram_advance(&copy, &h, add_up, &more);
	assert_int_equal(more.count, (1ULL << 32) + 23 + 29);
	histogram_done(&h);
	histogram_done(&copy);
	histogram_done(&more);
}

static void a_budget_that_is_used_up_costs_only_percentiles(void **state)
{
	struct histogram_budget budget = { .left = 1000 };
	struct histogram h = { .budget = &budget };
	uint64_t sum = 0;

	(void)state;
	for (unsigned k = 0; k < 61; k++) {
		histogram_add(&h, 1ULL << k, 1);
		sum += 1ULL << k;
	}
	assert_true(budget.is_used_up);
	assert_int_equal(h.count, 61);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.max, 1ULL << 60);
	assert_int_equal(histogram_percentile(&h, 100), 1ULL << 60);
	assert_in_range(histogram_percentile(&h, 50), 1, 1ULL << 60);
	histogram_done(&h);
}

static void histogram_powers_are_counted_exactly(void **state)
{
	uint64_t *v = random_values(5), truth[HISTOGRAM_POWERS] = { 0 };
	uint64_t powers[HISTOGRAM_POWERS];
	struct histogram h = { 0 };

	for (int i = 0; i < N_VALUES; i++) {
		unsigned k = 0;

		histogram_add(&h, v[i], 1);
		while (k < 64 && v[i] >> k)
			k++;
		truth[k]++;
		assert_true(histogram_power(k).first <= v[i] && v[i] <= histogram_power(k).last);
	}
	histogram_powers(&h, powers);
	assert_memory_equal(powers, truth, sizeof(truth));
	histogram_done(&h);
	free(v);
}

static void histogram_bears_the_largest_numbers(void **state)
{
	struct histogram h = { 0 };
	uint64_t powers[HISTOGRAM_POWERS];

	histogram_add(&h, UINT64_MAX, UINT64_MAX);
	histogram_add(&h, 0, 2);
	histogram_add(&h, 7, 0);
	assert_int_equal(h.count, UINT64_MAX);
	assert_int_equal(h.sum, UINT64_MAX);
	assert_int_equal(h.min, 0);
	assert_int_equal(h.max, UINT64_MAX);
	assert_int_equal(histogram_percentile(&h, 50), UINT64_MAX);
	histogram_powers(&h, powers);
	assert_int_equal(powers[0], 2);
	assert_int_equal(powers[64], UINT64_MAX);
	histogram_done(&h);
	assert_int_equal(histogram_percentile(&h, 50), 0);
	assert_int_equal(histogram_mean(&h), 0);
}

/* ---- builder ---- */

struct point {
	uint64_t time, value, weight;
};

static uint64_t sum_of(const struct heatmap *h)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < (size_t)h->x.n * h->y.n; i++)
		sum += h->cells[i];
	return sum;
}

/* Counts by the edges of the finished map and compares every cell. */
static void check_cells(const struct heatmap *h, const struct point *points, size_t n,
	uint64_t origin)
{
	for (uint32_t row = 0; row < h->y.n; row++) {
		for (uint32_t i = 0; i < h->x.n; i++) {
			uint64_t truth = 0;

			for (size_t k = 0; k < n; k++) {
				uint64_t x = points[k].time - origin, y = points[k].value;

				if (x >= h->x.edges[i] && x < h->x.edges[i + 1] &&
					y >= h->y.edges[row] && y < h->y.edges[row + 1])
					truth += points[k].weight;
			}
			assert_int_equal(heatmap_cell(h, i, row), truth);
		}
	}
}

static void check_bounds(const struct heatmap *h)
{
	assert_in_range(h->x.n, 1, HEAT_COLUMNS);
	assert_in_range(h->y.n, 1, HEAT_ROWS);
	for (uint32_t i = 0; i < h->x.n; i++)
		assert_true(h->x.edges[i] < h->x.edges[i + 1]);
	for (uint32_t i = 0; i < h->y.n; i++)
		assert_true(h->y.edges[i] < h->y.edges[i + 1]);
}

enum { N_POINTS = 1009 };

static void fill_points(struct point *points, uint64_t seed, unsigned shift, uint64_t origin)
{
	for (int i = 0; i < N_POINTS; i++)
		points[i] = (struct point){ origin + (random_u64(&seed) >> shift),
			random_u64(&seed) >> (30 + random_u64(&seed) % 30),
			1 + random_u64(&seed) % 5 };
}

static void every_event_is_in_the_cell_whose_edges_hold_it(void **state)
{
	static struct point points[N_POINTS];

	for (unsigned shift = 20; shift < 60; shift += 3) {
		struct heatmap_builder b;
		struct report r;
		struct heatmap *h;

		fill_points(points, shift, shift, 1000000007);
		report_init(&r, "", "");
		if (shift % 2)
			heatmap_builder_init(&b, 1000000007);
		else
			heatmap_builder_init_linear(&b, 1000000007, 4096);
		for (int i = 0; i < N_POINTS; i++)
			heatmap_add(&b, points[i].time, points[i].value, points[i].weight);
		h = report_heatmap(&r, "map", "Map", &b, "Value", CELL_NS, "events");
		heatmap_builder_done(&b);
		check_bounds(h);
		check_cells(h, points, N_POINTS, 1000000007);
		report_done(&r);
	}
}

static void a_heatmap_uses_at_least_half_of_its_columns(void **state)
{
	for (uint64_t length = 10000000; length < 1000000000000000; length = length * 7 / 3) {
		struct heatmap_builder b;
		struct report r;
		struct heatmap *h;

		report_init(&r, "", "");
		heatmap_builder_init(&b, 0);
		for (uint64_t i = 0; i <= 1000; i++)
			heatmap_add(&b, length / 1000 * i, 5, 1);
		h = report_heatmap(&r, "map", "Map", &b, "Value", CELL_NS, "events");
		assert_in_range(h->x.n, HEAT_COLUMNS / 2, HEAT_COLUMNS);
		assert_int_equal(sum_of(h), 1001);
		heatmap_builder_done(&b);
		report_done(&r);
	}
}

static void the_order_of_events_does_not_matter(void **state)
{
	static struct point points[N_POINTS];
	struct heatmap_builder forth, back;
	struct heatmap *h, *g;
	struct report r;

	fill_points(points, 77, 25, 0);
	report_init(&r, "", "");
	heatmap_builder_init(&forth, 0);
	heatmap_builder_init(&back, 0);
	for (int i = 0; i < N_POINTS; i++) {
		const struct point *p = &points[i], *q = &points[N_POINTS - 1 - i];

		heatmap_add(&forth, p->time, p->value, p->weight);
		heatmap_add(&back, q->time, q->value, q->weight);
	}
	h = report_heatmap(&r, "h", "h", &forth, "", CELL_NS, "events");
	g = report_heatmap(&r, "g", "g", &back, "", CELL_NS, "events");
	assert_int_equal(h->x.n, g->x.n);
	assert_int_equal(h->y.n, g->y.n);
	assert_memory_equal(h->x.edges, g->x.edges, (h->x.n + 1) * sizeof(*h->x.edges));
	assert_memory_equal(h->cells, g->cells, sizeof(*h->cells) * h->x.n * h->y.n);
	heatmap_builder_done(&forth);
	heatmap_builder_done(&back);
	report_done(&r);
}

static void extreme_times_and_values_stay_in_bounds(void **state)
{
	static const uint64_t extremes[] = { 0, 1, UINT64_MAX, UINT64_MAX - 1, 1ULL << 63 };

	for (int linear = 0; linear < 2; linear++) {
		struct heatmap_builder b;
		struct report r;
		struct heatmap *h;

		report_init(&r, "", "");
		if (linear)
			heatmap_builder_init_linear(&b, 5, 1);
		else
			heatmap_builder_init(&b, 5);
		for (int i = 0; i < 25; i++)
			heatmap_add(&b, extremes[i % 5], extremes[i / 5], UINT64_MAX);
		h = report_heatmap(&r, "map", "Map", &b, "Value", CELL_NS, "events");
		check_bounds(h);
		assert_int_equal(heatmap_max(h), UINT64_MAX);
		heatmap_builder_done(&b);
		report_done(&r);
	}
}

static void a_span_is_shared_among_the_columns_it_covers(void **state)
{
	struct heatmap_builder b;
	struct heatmap *h;
	struct report r;

	report_init(&r, "", "");
	heatmap_builder_init_linear(&b, 100, 1);
	heatmap_builder_columns(&b, 1000);
	heatmap_add_span(&b, 100 + 700, 100 + 3100, 2);
	heatmap_add_span(&b, 50, 100 + 10, 0); /* began before the trace */
	heatmap_add_span(&b, 100 + 900, 100 + 900, 1);
	h = report_heatmap(&r, "map", "Map", &b, "CPU", CELL_NUMBER, "ns");
	assert_int_equal(h->x.n, 4);
	assert_int_equal(h->y.n, 3);
	assert_int_equal(heatmap_cell(h, 0, 2), 300);
	assert_int_equal(heatmap_cell(h, 1, 2), 1000);
	assert_int_equal(heatmap_cell(h, 2, 2), 1000);
	assert_int_equal(heatmap_cell(h, 3, 2), 100);
	assert_int_equal(heatmap_cell(h, 0, 0), 10);
	assert_int_equal(sum_of(h), 2410);
	heatmap_builder_done(&b);
	report_done(&r);
}

static void a_coarser_heatmap_holds_the_same(void **state)
{
	static struct point points[N_POINTS];
	struct heatmap_builder b;
	struct heatmap *h, c;
	struct report r;

	fill_points(points, 3, 25, 0);
	report_init(&r, "", "");
	heatmap_builder_init(&b, 0);
	for (int i = 0; i < N_POINTS; i++)
		heatmap_add(&b, points[i].time, points[i].value, points[i].weight);
	h = report_heatmap(&r, "h", "h", &b, "", CELL_NS, "events");
	c = heatmap_coarser(h, 7, 3, &r.arena);
	assert_int_equal(c.x.n, (h->x.n + 6) / 7);
	assert_int_equal(c.y.n, (h->y.n + 2) / 3);
	check_cells(&c, points, N_POINTS, 0);
	heatmap_builder_done(&b);
	report_done(&r);
}

/* ---- levels ---- */

static struct heat_levels levels_of(uint64_t max, uint64_t full, unsigned most)
{
	uint64_t cell = max;
	struct heatmap h = { .x = { .n = 1 }, .y = { .n = 1 }, .cells = &cell, .full = full };

	return heat_levels_of(&h, most);
}

static void levels_begin_at_1_grow_evenly_and_end_at_the_largest_count(void **state)
{
	for (uint64_t max = 1; max < UINT64_MAX / 3; max = max * 2 + 1) {
		struct heat_levels l = levels_of(max, 0, HEAT_COLORS);

		assert_in_range(l.n, 1, HEAT_COLORS);
		assert_int_equal(heat_level(&l, 0), 0);
		assert_int_equal(heat_level(&l, 1), 1);
		assert_int_equal(heat_level(&l, max), l.n);
		assert_int_equal(heat_color(&l, l.n), l.n > 1 ? HEAT_COLORS - 1 : HEAT_COLORS / 2);
		for (unsigned i = 1; i < l.n; i++)
			assert_true(l.from[i] > l.from[i - 1]);
		if (max <= HEAT_COLORS)
			assert_int_equal(l.n, max);
	}
	assert_int_equal(levels_of(1ULL << 32, 0, 16).from[4], 1ULL << 8);
	assert_int_equal(levels_of(1ULL << 32, 0, 16).from[15], 1ULL << 30);
}

static void levels_of_shares_are_even(void **state)
{
	struct heat_levels l = levels_of(1, 1600, 16);

	assert_int_equal(heat_level(&l, 1), 1);
	assert_int_equal(heat_level(&l, 800), 9);
	assert_int_equal(heat_level(&l, 799), 8);
	assert_int_equal(heat_level(&l, 1600), 16);
	assert_int_equal(heat_level(&l, 16000), 16);
}

/* ---- ticks ---- */

static void expect_ticks(struct heat_axis *axis, uint64_t first, uint64_t last, const char *wanted)
{
	uint64_t edges[HEAT_ROWS + 1];
	struct tick ticks[MAX_TICKS];
	char text[MAX_TICKS * NUMBER_MAX] = "";
	unsigned n;

	axis->n = axis->log ? log_scale_step(last, 2) - log_scale_step(first, 2) + 1 : 40;
	for (uint32_t i = 0; i <= axis->n; i++)
		edges[i] = axis->log ? log_scale_first(log_scale_step(first, 2) + i, 2)
				     : first + (last - first) / 40 * i;
	axis->edges = edges;
	n = ticks_of(axis, ticks, 6);
	for (unsigned i = 0; i < n; i++) {
		strcat(strcat(text, i ? "|" : ""), ticks[i].label);
		assert_true(ticks[i].at >= 0 && ticks[i].at <= axis->n);
		assert_true(!i || ticks[i].at > ticks[i - 1].at);
	}
	assert_string_equal(text, wanted);
}

static void ticks_are_round_numbers_in_one_unit(void **state)
{
	struct heat_axis ns = { .kind = CELL_NS }, hex = { .kind = CELL_HEX },
			 cpu = { .kind = CELL_NUMBER }, log = { .kind = CELL_NS, .log = true },
			 bytes = { .kind = CELL_BYTES, .log = true };

	expect_ticks(&ns, 0, 10000000000, "0|2 s|4 s|6 s|8 s|10 s");
	expect_ticks(&ns, 0, 2400000000, "0|0.5 s|1.0 s|1.5 s|2.0 s");
	expect_ticks(&ns, 1000000000000, 1000400000000,
		"1000.0 s|1000.1 s|1000.2 s|1000.3 s|1000.4 s");
	expect_ticks(&ns, 0, 4000000, "0|1 ms|2 ms|3 ms|4 ms");
	expect_ticks(&ns, 0, 3600000000000, "0|20 min|40 min|60 min");
	expect_ticks(&ns, 0, 36000000000000, "0|2 h|4 h|6 h|8 h|10 h");
	expect_ticks(&hex, 0x1000, 0x5000, "0x1000|0x2000|0x3000|0x4000");
	expect_ticks(&cpu, 0, 40, "0|10|20|30");
	expect_ticks(&log, 1000, 100000000, "1 µs|10 µs|100 µs|1 ms|10 ms|100 ms");
	expect_ticks(&log, 1000, 6000, "1 µs|2 µs|5 µs");
	expect_ticks(&log, 1100, 1200, "1.02 µs|1.28 µs");
	expect_ticks(&bytes, 512, 1048576, "1 KiB|4 KiB|16 KiB|64 KiB|256 KiB|1 MiB");
}

static void ticks_do_not_crowd(void **state)
{
	uint64_t edges[15] = { 0 };
	struct heat_axis log = { .kind = CELL_NS, .log = true, .n = 14, .edges = edges };
	struct tick ticks[MAX_TICKS];

	for (unsigned i = 1; i <= 14; i++)
		edges[i] = 8ULL << i;
	/* 1 and 10 are both in the first row. */
	assert_int_equal(ticks_of(&log, ticks, 6), 5);
	assert_string_equal(ticks[0].label, "1 ns");
	assert_string_equal(ticks[1].label, "100 ns");
}

/* ---- outputs ---- */

/* 7 reads of 5 ns and 2 of 20 ns; and where 11 events were. */
static void fill_report(struct report *r, struct histogram *h)
{
	struct heatmap_builder b;
	struct distribution *d;

	report_init(r, "Disk", "");
	histogram_add(h, 5, 7);
	histogram_add(h, 20, 2);
	d = report_histogram(r, "waits", "Waits", "Latency", CELL_NS, "requests");
	distribution_add(r, d, "a\033<b>,", h);
	heatmap_builder_init_linear(&b, 0, 1);
	heatmap_builder_columns(&b, 1000000000);
	heatmap_add(&b, 500000000, 0, 3);
	heatmap_add(&b, 1500000000, 2, 8);
	report_heatmap(r, "map", "Map", &b, "CPU <c>", CELL_NUMBER, "events");
	heatmap_builder_done(&b);
}

static char *rendered(const struct report *r, const char *format)
{
	struct render_options o = { .min_percent = -1 };
	struct err err;
	size_t len;
	char *text;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(renderer_by_name(format)->render(r, &o, f, &err), 0);
	fclose(f);
	return text;
}

static void expect_output(const char *format, const char *wanted)
{
	struct histogram h = { 0 };
	struct report r;
	char *text;

	fill_report(&r, &h);
	text = rendered(&r, format);
	assert_string_equal(text, wanted);
	free(text);
	report_done(&r);
	histogram_done(&h);
}

static void expect_csv(const char *section, const char *wanted)
{
	struct histogram h = { 0 };
	struct report r;
	char *text;

	fill_report(&r, &h);
	assert_int_equal(report_keep_section(&r, section), 0);
	text = rendered(&r, "csv");
	assert_string_equal(text, wanted);
	free(text);
	report_done(&r);
	histogram_done(&h);
}

static void text_draws_bars_and_shades(void **state)
{
	expect_output("text",
		"Disk\n\nWaits\na\\x1b<b>,:\n"
		"       Latency  requests\n"
		"  [4 ns, 8 ns)         7  |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		" [8 ns, 16 ns)         0  |                                        |\n"
		"[16 ns, 32 ns)         2  |@@@@@@@@@@@                             |\n"
		"9 requests, min 5 ns, mean 8 ns, max 20 ns\n"
		"p50 5 ns  p90 20 ns  p95 20 ns  p99 20 ns  p99.9 20 ns  p99.99 20 ns\n"
		"\nMap\nCPU <c>\n"
		"2 ┤    ████\n"
		"  │        \n"
		"0 ┤▓▓▓▓    \n"
		"  └┬──────┬\n"
		"   0       2 s\n"
		"   ▒ from 1  ▓ from 2  █ from 4 events\n");
}

static void csv_has_buckets_and_cells(void **state)
{
	expect_csv("waits",
		"series,from,to,count\n"
		"\"a\\x1b<b>,\",4,8,7\n\"a\\x1b<b>,\",8,16,0\n\"a\\x1b<b>,\",16,32,2\n");
	expect_csv("map",
		"x_from,x_to,y_from,y_to,count\n"
		"0,1000000000,0,1,3\n1000000000,2000000000,2,3,8\n");
}

static void json_has_exact_edges_and_counts(void **state)
{
	expect_output("json",
		"{\"format\":\"rec-report\",\"version\":1,\n\"title\":\"Disk\",\n\"subtitle\":\"\",\n"
		"\"notes\":[],\n\"sections\":{\n"
		"\"waits\":{\"kind\":\"histogram\",\"title\":\"Waits\",\"value\":\"Latency\","
		"\"unit\":\"ns\",\"counted\":\"requests\",\n\"series\":["
		"{\"name\":\"a\\\\x1b\\u003cb\\u003e,\",\"count\":9,\"sum\":75,\"min\":5,\"mean\":8,"
		"\"max\":20,\n\"percentiles\":{\"p50\":5,\"p90\":20,\"p95\":20,\"p99\":20,"
		"\"p99.9\":20,\"p99.99\":20},\n\"buckets\":[{\"from\":4,\"to\":8,\"count\":7},"
		"{\"from\":8,\"to\":16,\"count\":0},{\"from\":16,\"to\":32,\"count\":2}]}]},\n"
		"\"map\":{\"kind\":\"heatmap\",\"title\":\"Map\",\"counted\":\"events\",\"full\":0,\n"
		"\"x\":{\"title\":\"Time\",\"unit\":\"ns\",\"edges\":[0,1000000000,2000000000]},\n"
		"\"y\":{\"title\":\"CPU \\u003cc\\u003e\",\"unit\":\"number\",\"edges\":[0,1,2,3]},\n"
		"\"cells\":[\n[3,0],\n[0,0],\n[0,8]]}}}\n");
}

static void pictures_name_nothing_as_markup(void **state)
{
	static const char *const formats[] = { "svg", "html" };

	for (int i = 0; i < 2; i++) {
		struct histogram h = { 0 };
		struct report r;
		char *text;

		fill_report(&r, &h);
		text = rendered(&r, formats[i]);
		assert_non_null(strstr(text, "a\\x1b&lt;b&gt;,"));
		assert_non_null(strstr(text, "CPU &lt;c&gt;"));
		assert_null(strstr(text, "<b>"));
		assert_null(strstr(text, "<c>"));
		assert_non_null(strstr(text, "d=\"M0 2h1\""));
		assert_non_null(strstr(text, "7 requests (77.8%)</title>"));
		free(text);
		report_done(&r);
		histogram_done(&h);
	}
}

static void empty_parts_say_so(void **state)
{
	static const char *const formats[] = { "text", "json", "svg", "html" };

	for (int i = 0; i < 4; i++) {
		struct histogram h = { 0 };
		struct heatmap_builder b;
		struct distribution *d;
		struct report r;
		char *text;

		report_init(&r, "Disk", "");
		d = report_histogram(&r, "waits", "Waits", "Latency", CELL_NS, "requests");
		distribution_add(&r, d, "none", &h);
		report_histogram(&r, "no", "No", "Latency", CELL_NS, "requests");
		heatmap_builder_init(&b, 0);
		report_heatmap(&r, "map", "Map", &b, "Latency", CELL_NS, "events");
		text = rendered(&r, formats[i]);
		if (i == 0)
			assert_non_null(strstr(text, "Map\n(nothing)\n"));
		else if (i > 1)
			assert_non_null(strstr(text, "There is nothing to show."));
		free(text);
		heatmap_builder_done(&b);
		report_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_scale_steps_follow_each_other),
		cmocka_unit_test(two_steps_of_a_log_scale_are_one_of_the_coarser),
		cmocka_unit_test(histogram_percentiles_agree_with_sorting),
		cmocka_unit_test(histogram_knows_small_values_exactly),
		cmocka_unit_test(merged_histograms_are_the_histogram_of_all),
		cmocka_unit_test(histograms_take_memory_for_what_is_in_them),
		cmocka_unit_test(histograms_count_beyond_32_bits),
		cmocka_unit_test(what_a_histogram_has_more_than_its_copy_is_told),
		cmocka_unit_test(a_budget_that_is_used_up_costs_only_percentiles),
		cmocka_unit_test(histogram_powers_are_counted_exactly),
		cmocka_unit_test(histogram_bears_the_largest_numbers),
		cmocka_unit_test(every_event_is_in_the_cell_whose_edges_hold_it),
		cmocka_unit_test(a_heatmap_uses_at_least_half_of_its_columns),
		cmocka_unit_test(the_order_of_events_does_not_matter),
		cmocka_unit_test(extreme_times_and_values_stay_in_bounds),
		cmocka_unit_test(a_span_is_shared_among_the_columns_it_covers),
		cmocka_unit_test(a_coarser_heatmap_holds_the_same),
		cmocka_unit_test(levels_begin_at_1_grow_evenly_and_end_at_the_largest_count),
		cmocka_unit_test(levels_of_shares_are_even),
		cmocka_unit_test(ticks_are_round_numbers_in_one_unit),
		cmocka_unit_test(ticks_do_not_crowd),
		cmocka_unit_test(text_draws_bars_and_shades),
		cmocka_unit_test(csv_has_buckets_and_cells),
		cmocka_unit_test(json_has_exact_edges_and_counts),
		cmocka_unit_test(pictures_name_nothing_as_markup),
		cmocka_unit_test(empty_parts_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
