/* What tables count slice by slice of the time (analyze/windowed.h), and how a page gets it (render/table_slices.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/windowed.h"
#include "tests/unit/support.h"

enum { MS = 1 << 20, N_THINGS = 3, START = 7000 };

/* Things that are counted: a sum, ns that were spent, and times. */
struct counted {
	struct windowed w;
	uint64_t n[N_THINGS], spent[N_THINGS];
	uint32_t turns[N_THINGS];
	struct histogram times[N_THINGS];
	bool by_touch;
};

static void look_at(struct counted *c, struct windowed *w, uint32_t i)
{
	windowed_look(w, 0, i, (const uint64_t[]){ c->n[i], c->spent[i] },
		(const struct histogram *const[]){ &c->times[i] });
}

static void look(void *ctx, struct windowed *w)
{
	struct counted *c = ctx;
	uint32_t n;
	const uint32_t *touched = windowed_touched(w, 0, &n);

	for (uint32_t i = 0; i < (c->by_touch ? n : N_THINGS); i++)
		look_at(c, w, c->by_touch ? touched[i] : i);
}

static void start(struct counted *c, bool is_on, uint64_t length_ns)
{
	memset(c, 0, sizeof(*c));
	windowed_init(&c->w, is_on, look, c);
	windowed_table(&c->w, 2, 1);
	windowed_start(&c->w, START, length_ns);
}

static void done(struct counted *c)
{
	windowed_done(&c->w);
	for (unsigned i = 0; i < N_THINGS; i++)
		histogram_done(&c->times[i]);
}

static void count(struct counted *c, uint64_t time, uint32_t thing, uint64_t took)
{
	windowed_at(&c->w, time);
	if (c->by_touch && windowed_is_first(&c->w, &c->turns[thing]))
		windowed_touch(&c->w, 0, thing,
			(const struct histogram *const[]){ &c->times[thing] });
	c->n[thing]++;
	histogram_add(&c->times[thing], took, 1);
}

/* What a thing has in the slices from first to before end; of the largest values the largest. */
static uint64_t value(const struct table_slices *s, uint32_t thing, uint32_t first, uint32_t end,
	unsigned code)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s->n_weights; i++) {
		const struct slice_weight *w = &s->weights[i];

		if (w->thing != thing || w->code != code || w->slice < first || w->slice >= end)
			continue;
		v = !slice_code_is_max(s, code) ? v + w->value : w->value > v ? w->value : v;
	}
	return v;
}

/* 17 values in the first slice, 23 in the third. */
static void fill(struct counted *c)
{
	for (unsigned i = 0; i < 17; i++)
		count(c, START + i, 1, 100);
	for (unsigned i = 0; i < 23; i++)
		count(c, START + 2 * MS + i, 1, 1000 + i);
	count(c, START + 2 * MS + 23, 2, 5);
}

static void check_fill(struct counted *c)
{
	const struct table_slices *s;
	unsigned steps = 2 + SLICE_STEPS;

	windowed_finish(&c->w);
	s = windowed_of(&c->w, 0);
	assert_int_equal(s->slice_ns, MS);
	assert_int_equal(s->n, 3);
	assert_int_equal(value(s, 1, 0, 1, 0), 17);
	assert_int_equal(value(s, 1, 1, 2, 0), 0);
	assert_int_equal(value(s, 1, 2, 3, 0), 23);
	assert_int_equal(value(s, 1, 0, 3, 0), 40);
	assert_int_equal(value(s, 0, 0, 3, 0), 0);
	assert_int_equal(value(s, 1, 0, 1, steps + log_scale_step(100, SLICE_BITS)), 17);
	assert_int_equal(value(s, 1, 0, 3, 2 + SLICE_SUM), 17 * 100 + 23 * 1000 + 22 * 23 / 2);
	/* A step of the fine scale is at most 1/128 wide, and never more than the largest value is told. */
	assert_int_equal(value(s, 1, 0, 1, 2 + SLICE_MAX), 100);
	assert_int_equal(value(s, 1, 0, 3, 2 + SLICE_MAX), 1022);
}

static void each_slice_has_what_came_in_it(void **state)
{
	struct counted c;

	(void)state;
	start(&c, true, 0);
	fill(&c);
	check_fill(&c);
	done(&c);
}

static void what_is_touched_is_enough_to_look_at(void **state)
{
	struct counted c;

	(void)state;
	start(&c, true, 0);
	c.by_touch = true;
	fill(&c);
	check_fill(&c);
	done(&c);
}

static void time_that_was_spent_counts_where_it_was(void **state)
{
	const struct table_slices *s;
	struct counted c;

	(void)state;
	start(&c, true, 0);
	windowed_at(&c.w, START);
	/* Told at the end of the third slice: half of the first, the second, and a part of the third. */
	windowed_at(&c.w, START + 2 * MS + 700);
	c.spent[0] += MS / 2 + MS + 700;
	windowed_span(&c.w, 0, 0, 1, START + MS / 2, START + 2 * MS + 700);
	windowed_finish(&c.w);
	s = windowed_of(&c.w, 0);
	assert_int_equal(value(s, 0, 0, 1, 1), MS / 2);
	assert_int_equal(value(s, 0, 1, 2, 1), MS);
	assert_int_equal(value(s, 0, 2, 3, 1), 700);
	done(&c);
}

static void slices_become_wider_and_keep_their_sums(void **state)
{
	const struct table_slices *s;
	struct counted c;

	(void)state;
	start(&c, true, 0);
	for (uint64_t i = 0; i < 5003; i++)
		count(&c, START + i * MS, (uint32_t)(i % 2), 10 + i % 50);
	windowed_finish(&c.w);
	s = windowed_of(&c.w, 0);
	assert_int_equal(s->slice_ns, 32 * MS);
	assert_int_equal(s->n, 5003 / 32 + 1);
	assert_int_equal(value(s, 0, 0, s->n, 0), 2502);
	assert_int_equal(value(s, 1, 0, s->n, 0), 2501);
	assert_int_equal(value(s, 0, 7, 8, 0), 16);
	assert_int_equal(value(s, 1, 0, s->n, 2 + SLICE_MAX), 59);
	done(&c);
}

static void a_known_length_gives_the_same_slices(void **state)
{
	const struct table_slices *s;
	struct counted c;

	(void)state;
	start(&c, true, 5003ULL * MS);
	assert_int_equal(c.w.slice_ns, 32 * MS);
	count(&c, START + 5002ULL * MS, 0, 1);
	windowed_finish(&c.w);
	s = windowed_of(&c.w, 0);
	assert_int_equal(value(s, 0, s->n - 1, s->n, 0), 1);
	done(&c);
}

static void things_for_which_there_is_no_room_are_not_known(void **state)
{
	struct counted c;

	(void)state;
	start(&c, true, 0);
	fill(&c);
	windowed_look(&c.w, 0, 1 << 20, (const uint64_t[]){ 1, 1 },
		(const struct histogram *const[]){ &c.times[0] });
	windowed_finish(&c.w);
	assert_true(windowed_of(&c.w, 0)->n_things > N_THINGS);
	assert_true(windowed_of(&c.w, 0)->n_things < 1 << 20);
	done(&c);
}

static void nothing_is_known_where_nobody_asks(void **state)
{
	struct counted c;

	(void)state;
	start(&c, false, 0);
	fill(&c);
	windowed_finish(&c.w);
	assert_null(windowed_of(&c.w, 0));
	assert_int_equal(c.w.tables[0].n, 0);
	done(&c);
}

/* ---- in the page ---- */

static char *put(const struct section *s, size_t max_pairs)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	table_slices_put(f, s, 10, max_pairs);
	fclose(f);
	return text;
}

static const struct column columns[] = { { "name", "Name", CELL_TEXT },
	{ "n", "Number", CELL_COUNT, { PART_SUM, 0 } }, { "other", "Other", CELL_COUNT } };

static void fill_table(struct report *r, struct table *t)
{
	table_row(r, t);
	table_thing(t, 1);
	table_row(r, t);
	table_thing(t, ALL_THINGS);
	table_row(r, t); /* of which nothing is known */
}

static void a_page_has_what_the_columns_need(void **state)
{
	struct counted c;
	struct report r;
	struct table *t;
	char *text;

	(void)state;
	start(&c, true, 0);
	fill(&c);
	windowed_finish(&c.w);
	report_init(&r, "", "");
	t = report_table(&r, "t", "T", columns, 3);
	t->slices = windowed_of(&c.w, 0);
	fill_table(&r, t);
	assert_true(table_slices_known(&r.sections[0]));
	assert_int_equal(table_slices_pairs(&r.sections[0], 10), 4);
	text = put(&r.sections[0], 100);
	/* Slice 0: one pair, code 0 is 17 (R); two slices on: 23 (X), with the other thing 24 (Y). */
	assert_non_null(strstr(text, "\"rows\":[\n\"ABARCBAX\",\n\"ABARCBAY\",\nnull]"));
	assert_non_null(strstr(text,
		"[\"same\",0,0,\"text\"],[\"sum\",0,0,\"count\"],[\"unknown\",0,0,\"count\"]"));
	free(text);
	text = put(&r.sections[0], 2); /* all slices are one: 17 + 23 is 8 + 32 */
	assert_non_null(strstr(text, "\"rows\":[\n\"ABAoB\",\n\"ABApB\",\nnull]"));
	assert_non_null(strstr(text, "{\"step\":4194304,\"n\":1,"));
	free(text);
	report_done(&r);
	done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slice_has_what_came_in_it),
		cmocka_unit_test(what_is_touched_is_enough_to_look_at),
		cmocka_unit_test(time_that_was_spent_counts_where_it_was),
		cmocka_unit_test(slices_become_wider_and_keep_their_sums),
		cmocka_unit_test(a_known_length_gives_the_same_slices),
		cmocka_unit_test(things_for_which_there_is_no_room_are_not_known),
		cmocka_unit_test(nothing_is_known_where_nobody_asks),
		cmocka_unit_test(a_page_has_what_the_columns_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
