/* Pieces of a timeline that are put together, lines for what overlaps, and weights by slices of the time: the
 * sums must stay what they were. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/slices.h"
#include "analyze/slow_calls.h"
#include "render/timeline.h"
#include "tests/unit/support.h"

#define ORIGIN 1000000ULL

struct sum {
	uint64_t ns, count, longest_ns;
};

static uint32_t name(struct timeline_builder *b, const char *text)
{
	return timeline_name(b, text, strlen(text), TIMELINE_OTHER);
}

static void add(struct timeline_builder *b, uint32_t lane, uint64_t from, uint64_t to, uint32_t n)
{
	const struct timeline_item item = { .from_ns = ORIGIN + from,
		.to_ns = ORIGIN + to,
		.name = n };

	timeline_add(b, lane, item);
}

static void add_up(struct sum *s, uint64_t ns, uint64_t count, uint64_t longest_ns)
{
	s->ns += ns;
	s->count += count;
	s->longest_ns = longest_ns > s->longest_ns ? longest_ns : s->longest_ns;
}

/* What a lane has of a name, put together or not. */
static struct sum sum_of(const struct timeline_lane *l, uint32_t n)
{
	struct sum s = { 0 };

	for (uint32_t i = 0; i < l->n; i++) {
		const struct timeline_item *item = &l->items[i];

		if (item->count == 1 && item->name == n)
			add_up(&s, item->to_ns - item->from_ns, 1, item->to_ns - item->from_ns);
		for (uint32_t k = 0; item->count > 1 && k < item->n_parts; k++)
			if (item->parts[k].name == n)
				add_up(&s, item->parts[k].ns, item->parts[k].count,
					item->parts[k].longest_ns);
	}
	return s;
}

static void check_order(const struct timeline_lane *l)
{
	for (uint32_t i = 1; i < l->n; i++)
		assert_true(l->items[i].from_ns >= l->items[i - 1].to_ns);
}

static void pieces_put_together_keep_their_sums_and_long_ones_stay(void **state)
{
	struct timeline_builder b;
	uint32_t lane, names[3];
	uint64_t random = 41, at = 0;
	struct sum want[3] = { { 0 } };
	uint32_t n_long = 0, long_ones = 0;

	(void)state;
	timeline_builder_init(&b, ORIGIN, 1000);
	lane = timeline_lane(&b, TIMELINE_CPUS, "CPU 0");
	for (int i = 0; i < 3; i++)
		names[i] = name(&b, (const char *[]){ "a", "b", "c" }[i]);
	for (int i = 0; i < 99991; i++) {
		uint64_t took = i % 9973 ? random_u64(&random) % 3000 : 100000000, gap = i % 7;

		add(&b, lane, at + gap, at + gap + took, names[i % 3]);
		add_up(&want[i % 3], took, 1, took);
		long_ones += i % 9973 == 0;
		at += gap + took;
	}
	assert_true(b.n_items <= 1000);
	assert_int_equal(b.lanes[lane].n_events, 99991);
	check_order(&b.lanes[lane]);
	for (int i = 0; i < 3; i++) {
		struct sum got = sum_of(&b.lanes[lane], names[i]);

		assert_int_equal(got.ns, want[i].ns);
		assert_int_equal(got.count, want[i].count);
		assert_int_equal(got.longest_ns, want[i].longest_ns);
	}
	for (uint32_t i = 0; i < b.lanes[lane].n; i++)
		n_long += b.lanes[lane].items[i].count == 1 &&
			b.lanes[lane].items[i].to_ns - b.lanes[lane].items[i].from_ns == 100000000;
	assert_true(b.lanes[lane].least_ns > 0 && b.lanes[lane].least_ns < 100000000);
	assert_int_equal(n_long, long_ones);
	timeline_builder_done(&b);
}

static void a_lane_with_few_pieces_keeps_all_when_others_are_full(void **state)
{
	struct timeline_builder b;
	uint32_t full, sparse;

	(void)state;
	timeline_builder_init(&b, ORIGIN, 1000);
	full = timeline_lane(&b, TIMELINE_CPUS, "CPU 0");
	sparse = timeline_lane(&b, TIMELINE_CPUS, "CPU 1");
	for (uint64_t i = 0; i < 23; i++)
		add(&b, sparse, 20 * i, 20 * i + 7, name(&b, "few"));
	for (uint64_t i = 0; i < 50021; i++)
		add(&b, full, 20 * i, 20 * i + 7, name(&b, "many"));
	assert_int_equal(b.lanes[sparse].n, 23);
	assert_int_equal(b.lanes[sparse].least_ns, 0);
	assert_int_equal(sum_of(&b.lanes[full], name(&b, "many")).count, 50021);
	timeline_builder_done(&b);
}

/* Threads that are busy one after the other: each lane is full in its turn. Names come in such an order that pieces
 * have many parts. */
static void threads_that_ended_give_their_memory_back(void **state)
{
	enum { LANES = 97, PIECES = 5003, NAMES = 13, MAX = 10000 };
	struct timeline_builder b;
	uint32_t names[NAMES];
	uint64_t room = 0;
	char text[16];

	(void)state;
	timeline_builder_init(&b, ORIGIN, MAX);
	for (uint32_t n = 0; n < NAMES; n++) {
		snprintf(text, sizeof(text), "call %u", n);
		names[n] = name(&b, text);
	}
	for (uint32_t l = 0; l < LANES; l++) {
		struct timeline_lines lines = { .lanes = { timeline_lane(&b, TIMELINE_THREADS,
							"") },
			.n = 1 };

		for (uint64_t i = 0; i < PIECES; i++) {
			uint64_t from = ORIGIN + (l * PIECES + i) * 100;
			const struct timeline_item item = { .from_ns = from,
				.to_ns = from + 70 + i % 29,
				.name = names[i * i % NAMES] };

			timeline_add_free(&b, &lines, &item);
		}
		assert_int_equal(lines.n, 1);
	}
	for (uint32_t l = 0; l < LANES; l++) {
		uint64_t n = 0;

		for (uint32_t k = 0; k < NAMES; k++)
			n += sum_of(&b.lanes[l], names[k]).count;
		assert_int_equal(n, PIECES);
		assert_int_equal(b.lanes[l].n_events, PIECES);
		check_order(&b.lanes[l]);
		room += b.lanes[l].cap;
	}
	assert_in_range(room, b.n_items, 8 * MAX); /* of 97 * 8192 that they had */
	timeline_builder_done(&b);
}

static void more_names_than_a_piece_can_tell_are_counted_as_other(void **state)
{
	struct timeline_builder b;
	struct sum all = { 0 };
	uint32_t lane;

	(void)state;
	timeline_builder_init(&b, ORIGIN, 10000);
	lane = timeline_lane(&b, TIMELINE_CPUS, "CPU 0");
	for (uint64_t i = 0; i < 97; i++) {
		char text[16];

		snprintf(text, sizeof(text), "name %d", (int)i);
		add(&b, lane, 10 * i, 10 * i + 3, name(&b, text));
	}
	timeline_shrink(&b, &lane, 1, 1);
	assert_int_equal(b.lanes[lane].n, 1);
	assert_int_equal(b.lanes[lane].items[0].n_parts, TIMELINE_MAX_PARTS);
	for (uint32_t k = 0; k < TIMELINE_MAX_PARTS; k++)
		add_up(&all, b.lanes[lane].items[0].parts[k].ns,
			b.lanes[lane].items[0].parts[k].count, 0);
	assert_int_equal(all.count, 97);
	assert_int_equal(all.ns, 97 * 3);
	timeline_builder_done(&b);
}

static void what_overlaps_gets_lines_of_its_own(void **state)
{
	struct timeline_builder b;
	struct timeline_lines lines = { .n = 1 };
	uint64_t count = 0, ns = 0, overlaps = 0;

	(void)state;
	timeline_builder_init(&b, ORIGIN, 10000);
	lines.lanes[0] = timeline_lane(&b, TIMELINE_DISKS, "vda");
	/* In order of their ends, as traces have them: 29 at a time. */
	for (uint64_t i = 0; i < 997; i++) {
		const struct timeline_item item = { .from_ns = ORIGIN + 100 * i,
			.to_ns = ORIGIN + 100 * i + 2900,
			.name = name(&b, "write") };

		timeline_add_free(&b, &lines, &item);
	}
	assert_int_equal(lines.n, TIMELINE_MAX_LINES);
	assert_int_equal(b.n_lanes, TIMELINE_MAX_LINES);
	for (uint32_t l = 0; l < b.n_lanes; l++) {
		struct sum s = sum_of(&b.lanes[l], name(&b, "write"));

		assert_string_equal(b.lanes[l].title, "vda");
		check_order(&b.lanes[l]);
		count += s.count;
		ns += s.ns;
		overlaps += b.lanes[l].n_overlaps;
	}
	assert_int_equal(count, 997);
	assert_int_equal(ns, 997 * 2900);
	assert_true(overlaps > 0);
	timeline_builder_done(&b);
}

static void times_that_make_no_sense_are_survived(void **state)
{
	static const uint64_t times[] = { 0, 1, ORIGIN, ORIGIN + 5, UINT64_MAX - 1, UINT64_MAX };
	struct timeline_builder b;
	struct timeline_lines lines = { .n = 1 };
	uint32_t lane;

	(void)state;
	timeline_builder_init(&b, ORIGIN, 64);
	lane = timeline_lane(&b, TIMELINE_CPUS, "");
	lines.lanes[0] = timeline_lane(&b, TIMELINE_DISKS, "");
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 36; i++) {
			const struct timeline_item item = { .from_ns = times[i % 6],
				.to_ns = times[i / 6],
				.name = name(&b, "") };

			timeline_add(&b, lane, item);
			timeline_add_free(&b, &lines, &item);
			timeline_add(&b, UINT32_MAX, item);
		}
	}
	check_order(&b.lanes[lane]);
	assert_int_equal(b.n_refused, 50 * 36);
	timeline_builder_done(&b);
}

/* ---- slow calls ---- */

/* 9973 quick calls of 100 ns, and 101 of 10 us that wait for 3 us behind thread 5 and 2 us behind 6, are
 * uninterruptible for 1 us, and once asleep; waits before and behind them are not theirs. */
static void the_slowest_calls_know_where_their_time_went(void **state)
{
	struct slow_calls c;
	struct slow_sum sum;
	uint64_t at = 0;

	(void)state;
	slow_calls_init(&c);
	for (int i = 0; i < 9973; i++, at += 200)
		slow_calls_end(&c, 1, 7, at, at + 100);
	for (int i = 0; i < 101; i++, at += 20000) {
		const struct slow_wait waits[] = {
			{ at - 3000, at + 1000, TIMELINE_WAITING, 5, 0 },
			{ at + 1000, at + 3000, TIMELINE_WAITING, 5, 41 },
			{ at + 3000, at + 5000, TIMELINE_WAITING, 6, 0 },
			{ at + 6000, at + 7000, TIMELINE_DISK, 0, 0 },
			{ at + 9900, at + 13000, TIMELINE_SLEEPING, 0, 0 },
		};

		for (size_t k = 0; k < sizeof(waits) / sizeof(waits[0]); k++)
			slow_calls_wait(&c, 1, &waits[k]);
		slow_calls_end(&c, 1, 7, at, at + 10000);
	}
	assert_int_equal(c.n_kinds, 1);
	sum = slow_calls_sum(&c.kinds[0], 0.01);
	assert_int_equal(sum.all.n, 101);
	assert_int_equal(sum.least_ns, 8192);
	assert_int_equal(sum.all.ns, 101 * 10000);
	assert_int_equal(sum.all.waiting_ns, 101 * 5000);
	assert_int_equal(sum.all.disk_ns, 101 * 1000);
	assert_int_equal(sum.all.asleep_ns, 101 * 100);
	assert_int_equal(sum.all.behind[0].who + sum.all.behind[1].who, 11);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sum.all.behind[i].ns,
			sum.all.behind[i].who == 5 ? 101 * 3000 : 101 * 2000);
	assert_int_equal(c.kinds[0].longest_to_ns - c.kinds[0].longest_from_ns, 10000);
	sum = slow_calls_sum(&c.kinds[0], 1);
	assert_int_equal(sum.all.n, 9973 + 101);
	slow_calls_done(&c);
}

/* ---- slices ---- */

static uint64_t total(const struct tree_slices *s, uint32_t node)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->n_weights; i++)
		sum += s->weights[i].node == node ? s->weights[i].weight : 0;
	return sum;
}

static void a_span_may_reach_to_the_end_of_time(void **state)
{
	const uint32_t node_of[] = { 0 };
	const struct tree_slices *r;
	struct slices s;

	(void)state;
	slices_init(&s, 1000, 0);
	slices_add_span(&s, 1000, UINT64_MAX - 2, 0, 1);
	r = slices_finish(&s, node_of);
	assert_true(total(r, 0) == UINT64_MAX - 2 - 1000);
	slices_done(&s);
}

static void slices_become_wider_and_keep_their_sums(void **state)
{
	static const uint32_t node_of[] = { 5, 7, UINT32_MAX };
	const struct tree_slices *r;
	struct slices s;

	(void)state;
	slices_init(&s, ORIGIN, 0);
	for (uint64_t i = 0; i < 10007; i++) {
		slices_add(&s, ORIGIN + i * 1000000, i % 3, i);
		slices_add_span(&s, ORIGIN + i * 1000000, ORIGIN + i * 1000000 + 300000, 0, 1);
	}
	r = slices_finish(&s, node_of);
	assert_true(r->n <= TREE_MAX_SLICES && r->n > TREE_MAX_SLICES / 2);
	assert_true(r->edges[r->n] >= 10007 * 1000000ULL);
	/* 0, 3, ... 10005 and 1, 4, ... 10006 */
	assert_int_equal(total(r, 5), 3336ULL * 10005 / 2 + 10007 * 300000ULL);
	assert_int_equal(total(r, 7), 3336ULL * (1 + 10006) / 2);
	assert_int_equal(total(r, UINT32_MAX), 0);
	for (size_t i = 1; i < r->n_weights; i++)
		assert_true(r->weights[i].cell >= r->weights[i - 1].cell);
	slices_done(&s);
}

static void a_span_is_shared_among_its_slices(void **state)
{
	static const uint32_t node_of[] = { 0 };
	const struct tree_slices *r;
	struct slices s;

	(void)state;
	slices_init(&s, ORIGIN, 0);
	slices_add_span(&s, ORIGIN + s.slice_ns / 2, ORIGIN + 3 * s.slice_ns + 11, 0, 1);
	slices_add_span(&s, 0, ORIGIN + 7, 0, 1); /* began before the trace */
	slices_add_span(&s, ORIGIN + 5 * s.slice_ns, ORIGIN + 5 * s.slice_ns + 13, 0, 3);
	r = slices_finish(&s, node_of);
	assert_int_equal(r->n_weights, 5);
	assert_int_equal(r->weights[0].weight, s.slice_ns / 2 + 7);
	assert_int_equal(r->weights[1].weight, s.slice_ns);
	assert_int_equal(r->weights[3].weight, 11);
	assert_int_equal(r->weights[4].weight, 3 * 13);
	slices_done(&s);
}

/* Sums by entry of what is written: [slices to go on, pairs, then entries to go on and weights...]. */
static void read_weights(const char *json, uint64_t *sums, uint32_t *n_slices, size_t *n_pairs)
{
	const char *p = strstr(json, "\"weights\":[") + strlen("\"weights\":[");
	char *end;

	*n_slices = 0;
	*n_pairs = 0;
	for (; *p != ']'; p = *end == ',' ? end + 1 : end) {
		uint32_t entry = 0;
		unsigned long n;

		*n_slices += (uint32_t)strtoul(p, &end, 10);
		n = strtoul(end + 1, &end, 10);
		for (unsigned long i = 0; i < n; i++) {
			entry += (uint32_t)strtoul(end + 1, &end, 10);
			sums[entry] += strtoull(end + 1, &end, 10);
		}
		*n_pairs += n;
	}
}

static void a_page_with_little_room_has_wider_slices_with_the_same_sums(void **state)
{
	enum { NODES = 7, SLICES = 97 };
	struct heat_weight weights[NODES * SLICES];
	uint64_t edges[SLICES + 1], sums[2 * NODES + 2] = { 0 };
	struct tree_slices s = { SLICES, edges, weights, NODES * SLICES };
	uint32_t nodes[NODES], n_slices;
	struct flame_entries entries;
	struct flame_cut cut;
	struct tree t;
	size_t size, n_pairs;
	char *json;
	FILE *out;

	(void)state;
	tree_init(&t, "samples");
	for (uint32_t i = 0; i < NODES; i++) {
		nodes[i] = tree_child(&t, 0, "abcdefg" + i, 1, FRAME_USER);
		tree_add(&t, nodes[i], 1);
	}
	tree_finish(&t);
	for (uint32_t k = 0; k <= SLICES; k++)
		edges[k] = 1000 * k;
	for (uint32_t i = 0; i < NODES * SLICES; i++)
		weights[i] = (struct heat_weight){ i / NODES, nodes[i % NODES], 11 + i % NODES };
	flame_cut_init(&cut, &t, FLAME_MAX_NODES, 0);
	flame_entries_init(&entries, &t, &cut);
	out = open_memstream(&json, &size);
	tree_slices_put(out, &s, &entries, 100);
	fclose(out);
	read_weights(json, sums, &n_slices, &n_pairs);
	assert_true(n_pairs <= 100 && n_pairs > 50);
	assert_true(n_slices < SLICES / 4);
	for (uint32_t i = 0; i < NODES; i++)
		assert_int_equal(sums[entries.of[nodes[i]]], SLICES * (11 + i));
	assert_non_null(strstr(json, ",97000]"));
	free(json);
	flame_entries_done(&entries);
	flame_cut_done(&cut);
	tree_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_put_together_keep_their_sums_and_long_ones_stay),
		cmocka_unit_test(a_lane_with_few_pieces_keeps_all_when_others_are_full),
		cmocka_unit_test(threads_that_ended_give_their_memory_back),
		cmocka_unit_test(more_names_than_a_piece_can_tell_are_counted_as_other),
		cmocka_unit_test(what_overlaps_gets_lines_of_its_own),
		cmocka_unit_test(times_that_make_no_sense_are_survived),
		cmocka_unit_test(the_slowest_calls_know_where_their_time_went),
		cmocka_unit_test(a_span_may_reach_to_the_end_of_time),
		cmocka_unit_test(slices_become_wider_and_keep_their_sums),
		cmocka_unit_test(a_span_is_shared_among_its_slices),
		cmocka_unit_test(a_page_with_little_room_has_wider_slices_with_the_same_sums),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
