/* What the outputs stand on: trees, reports, escaping, numbers, the choice of what is drawn. */
#include <stdlib.h>
#include <string.h>

#include "render/cell.h"
#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/number.h"
#include "render/pixel_text.h"
#include "render/report.h"
#include "render/tree.h"
#include "tests/unit/support.h"

/* ---- trees ---- */

/* A stack given as "a;b;c". */
static void add_stack(struct tree *t, const char *stack, uint64_t weight)
{
	uint32_t node = 0;

	while (*stack) {
		size_t n = strcspn(stack, ";");

		node = tree_child(t, node, stack, n, FRAME_USER);
		stack += n + (stack[n] == ';');
	}
	tree_add(t, node, weight);
}

/* "name total self" of each node in order of drawing. */
static char *describe(const struct tree *t, struct arena *a)
{
	uint32_t node = 0, depth = 0;
	char *text = "";

	do {
		text = arena_printf(a, "%s%u:%s %llu %llu\n", text, depth,
			tree_frame_of(t, node)->name, (unsigned long long)t->nodes[node].total,
			(unsigned long long)t->nodes[node].self);
		node = tree_next(t, node, true, &depth);
	} while (node);
	return text;
}

static void stacks_that_begin_alike_share_nodes_and_totals_add_up(void **state)
{
	struct arena a = { 0 };
	struct tree t;

	(void)state;
	tree_init(&t, "samples");
	add_stack(&t, "main;b;c", 5);
	add_stack(&t, "main;a", 3);
	add_stack(&t, "main;b", 2);
	add_stack(&t, "main;b;c", 7);
	tree_finish(&t);
	assert_int_equal(t.n_nodes, 5);
	assert_string_equal(describe(&t, &a),
		"0:all 17 0\n1:main 17 0\n2:a 3 3\n2:b 14 2\n"
		"3:c 12 12\n");
	tree_done(&t);
	arena_done(&a);
}

static void equal_stacks_give_equal_trees_in_whatever_order_they_come(void **state)
{
	static const char *const stacks[] = { "z;y", "z", "a;b;c", "a;b", "m", "a;a", "z;a;z", "" };
	struct arena a = { 0 };
	struct tree t, u;

	(void)state;
	tree_init(&t, "samples");
	tree_init(&u, "samples");
	for (size_t i = 0; i < 8; i++) {
		add_stack(&t, stacks[i], i + 1);
		add_stack(&u, stacks[7 - i], 8 - i);
	}
	tree_finish(&t);
	tree_finish(&u);
	assert_string_equal(describe(&t, &a), describe(&u, &a));
	tree_done(&t);
	tree_done(&u);
	arena_done(&a);
}

static void a_finished_tree_may_grow_and_be_finished_again(void **state)
{
	struct arena a = { 0 };
	struct tree t;

	(void)state;
	tree_init(&t, "samples");
	add_stack(&t, "b", 1);
	tree_finish(&t);
	add_stack(&t, "a;x", 2);
	add_stack(&t, "b;x", 4);
	tree_finish(&t);
	assert_string_equal(describe(&t, &a), "0:all 7 0\n1:a 2 0\n2:x 2 2\n1:b 5 1\n2:x 4 4\n");
	tree_done(&t);
	arena_done(&a);
}

static void frames_differ_by_name_module_and_kind(void **state)
{
	struct tree t;
	uint32_t f;

	(void)state;
	tree_init(&t, "samples");
	f = tree_frame(&t, "read", 4, FRAME_USER, "libc.so.6");
	assert_int_equal(tree_frame(&t, "read", 4, FRAME_USER, "libc.so.6"), f);
	assert_int_not_equal(tree_frame(&t, "read", 4, FRAME_KERNEL, "libc.so.6"), f);
	assert_int_not_equal(tree_frame(&t, "read", 4, FRAME_USER, "other"), f);
	assert_int_not_equal(tree_frame(&t, "read", 4, FRAME_USER, NULL), f);
	assert_int_not_equal(tree_frame(&t, "reads", 5, FRAME_USER, "libc.so.6"), f);
	assert_int_not_equal(tree_frame(&t, "rea", 3, FRAME_USER, "libc.so.6"), f);
	assert_int_equal(tree_frame(&t, "read", 4, FRAME_USER, NULL),
		tree_frame(&t, "read", 4, FRAME_USER, ""));
	assert_string_equal(t.frames[f].name, "read");
	assert_string_equal(t.frames[f].module, "libc.so.6");
	tree_done(&t);
}

static void zero_bytes_in_a_name_become_spaces(void **state)
{
	struct tree t;
	uint32_t f;

	(void)state;
	tree_init(&t, "samples");
	f = tree_frame(&t, "a\0b", 3, FRAME_USER, "");
	assert_string_equal(t.frames[f].name, "a b");
	assert_int_equal(tree_frame(&t, "a b", 3, FRAME_USER, ""), f);
	tree_done(&t);
}

static void weights_stop_at_the_largest_number(void **state)
{
	struct tree t;

	(void)state;
	tree_init(&t, "ns");
	add_stack(&t, "a;b", UINT64_MAX - 1);
	add_stack(&t, "a;b", 5);
	add_stack(&t, "a;c", 7);
	tree_finish(&t);
	assert_true(t.nodes[0].total == UINT64_MAX);
	assert_true(t.nodes[1].total == UINT64_MAX);
	tree_done(&t);
}

static void a_stack_of_a_hundred_thousand_frames_is_no_problem(void **state)
{
	uint32_t node = 0, depth = 0, deepest = 0;
	struct tree t;

	(void)state;
	tree_init(&t, "samples");
	for (int i = 0; i < 100000; i++)
		node = tree_child(&t, node, i & 1 ? "odd" : "even", i & 1 ? 3 : 4, FRAME_USER);
	tree_add(&t, node, 3);
	tree_finish(&t);
	assert_int_equal(t.nodes[0].total, 3);
	for (node = 0; (node = tree_next(&t, node, true, &depth));)
		deepest = depth > deepest ? depth : deepest;
	assert_int_equal(deepest, 100000);
	tree_done(&t);
}

static void a_walk_sees_each_node_once_and_leaves_out_what_it_is_told_to(void **state)
{
	uint64_t random = 1;
	uint32_t node = 0, depth = 0, seen = 0;
	struct tree t;

	(void)state;
	tree_init(&t, "samples");
	while (t.n_nodes < 20000) {
		uint32_t parent = (uint32_t)(random_u64(&random) % t.n_nodes);
		char name = (char)('a' + random_u64(&random) % 26);

		tree_add(&t, tree_child(&t, parent, &name, 1, FRAME_USER), 1);
	}
	tree_finish(&t);
	do {
		seen++;
		assert_int_equal(depth == 0, node == 0);
		node = tree_next(&t, node, true, &depth);
	} while (node);
	assert_int_equal(seen, t.n_nodes);
	assert_int_equal(tree_next(&t, 0, false, &depth), 0);
	for (seen = 0, node = t.nodes[0].first_child; node;
		node = tree_next(&t, node, false, &depth))
		seen++;
	assert_in_range(seen, 1, 26);
	tree_done(&t);
}

static void a_million_nodes_are_built_and_finished(void **state)
{
	uint64_t random = 7, sum = 0;
	uint32_t frames[1000];
	struct tree t;

	(void)state;
	tree_init(&t, "samples");
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t name = random_u64(&random) | 0x8080808080808080;

		frames[i] = tree_frame(&t, (const char *)&name, 8, FRAME_USER, "");
	}
	while (t.n_nodes < 1000000) {
		uint32_t parent = (uint32_t)(random_u64(&random) % t.n_nodes);

		tree_add(&t, tree_child_of(&t, parent, frames[random_u64(&random) % 1000]), 1);
		sum++;
	}
	tree_finish(&t);
	assert_int_equal(t.nodes[0].total, sum);
	tree_done(&t);
}

/* ---- what is kept of a large tree ---- */

static void a_threshold_lets_at_most_so_many_through(void **state)
{
	static const uint64_t v[] = { 5, 5, 5, 1, 9, 0, UINT64_MAX };

	(void)state;
	assert_int_equal(flame_threshold(v, 7, 7), 0);
	assert_int_equal(flame_threshold(v, 7, 6), 0);
	assert_int_equal(flame_threshold(v, 7, 5), 1);
	assert_int_equal(flame_threshold(v, 7, 4), 5);
	assert_int_equal(flame_threshold(v, 7, 2), 5);
	assert_int_equal(flame_threshold(v, 7, 1), 9);
	assert_true(flame_threshold(v, 7, 0) == UINT64_MAX);
}

static void grow_random_tree(struct tree *t, uint32_t n, uint64_t seed)
{
	tree_init(t, "samples");
	while (t->n_nodes < n) {
		uint32_t parent = (uint32_t)(random_u64(&seed) % t->n_nodes);
		uint16_t name = (uint16_t)random_u64(&seed) | 0x8080;
		uint32_t node = tree_child(t, parent, (const char *)&name, 2, FRAME_USER);

		if (random_u64(&seed) % 3)
			tree_add(t, node, random_u64(&seed) % 100);
	}
	tree_finish(t);
}

/* Kept nodes have kept parents, and with what was left out below each they weigh the whole. */
static void check_cut(const struct tree *t, const struct flame_cut *c)
{
	uint64_t sum = 0;
	uint32_t n_kept = 0;

	for (uint32_t n = 0; n < t->n_nodes; n++) {
		if (!c->keep[n])
			continue;
		assert_true(c->keep[t->nodes[n].parent]);
		sum += t->nodes[n].self + flame_rest_of(c, t, n).weight;
		n_kept++;
	}
	assert_int_equal(n_kept, c->n_kept);
	assert_true(sum == t->nodes[0].total);
}

static void what_is_left_out_is_counted_and_sums_stay_right(void **state)
{
	static const uint32_t limits[] = { 1, 2, 50, 999, 20000 };

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct flame_cut c;
		struct tree t;

		grow_random_tree(&t, 3000, seed);
		for (size_t i = 0; i < 5; i++) {
			flame_cut_init(&c, &t, limits[i], -1);
			check_cut(&t, &c);
			assert_true(c.n_kept <= limits[i]);
			assert_int_equal(c.n_kept, limits[i] < c.n_nodes ? limits[i] : c.n_nodes);
			flame_cut_done(&c);
		}
		tree_done(&t);
	}
}

static void frames_narrower_than_asked_are_left_out(void **state)
{
	struct flame_cut c;
	struct tree t;

	(void)state;
	tree_init(&t, "samples");
	add_stack(&t, "wide", 970);
	add_stack(&t, "narrow", 20);
	add_stack(&t, "slim;x", 9);
	add_stack(&t, "slim;y", 1);
	tree_finish(&t);
	flame_cut_init(&c, &t, 100, 1.0);
	assert_int_equal(c.n_kept, 4);
	assert_int_equal(flame_rest_of(&c, &t, 3).n, 2);
	assert_int_equal(flame_rest_of(&c, &t, 3).weight, 10);
	check_cut(&t, &c);
	flame_cut_done(&c);
	tree_done(&t);
}

/* ---- reports ---- */

static void a_report_keeps_everything_it_is_given(void **state)
{
	static const struct column columns[] = { { "n", "N", CELL_COUNT } };
	struct report r;
	struct table *t;

	(void)state;
	report_init(&r, "title", NULL);
	assert_string_equal(r.subtitle, "");
	for (int i = 0; i < 100; i++)
		report_note(&r, NOTE_WARNING, "note %d", i);
	for (int i = 0; i < 20; i++)
		report_facts(&r, "facts", "Facts");
	t = report_table(&r, "numbers", "Numbers", columns, 1);
	for (uint64_t i = 0; i < 1000; i++)
		table_row(&r, t)->count = i;
	assert_int_equal(r.n_notes, 100);
	assert_string_equal(r.notes[77].text, "note 77");
	assert_int_equal(r.n_sections, 21);
	assert_int_equal(t->n_rows, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(t->cells[i].count, i);
	report_done(&r);
}

/* ---- escaping ---- */

static void bytes_that_hide_or_trick_are_shown_as_hex(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain text ~", "plain text ~" },
		{ "\033[31m\a\x7f\n", "\\x1b[31m\\x07\\x7f\\x0a" },
		{ "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
			"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80" },
		{ "\x80\xff\xfe", "\\x80\\xff\\xfe" },
		{ "cut \xe6\x97", "cut \\xe6\\x97" },
		{ "cut \xf0\x9f\x98", "cut \\xf0\\x9f\\x98" },
		{ "overlong \xc0\xaf \xe0\x80\xaf", "overlong \\xc0\\xaf \\xe0\\x80\\xaf" },
		{ "surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80" },
		{ "too high \xf4\x90\x80\x80", "too high \\xf4\\x90\\x80\\x80" },
		{ "C1 \xc2\x9b", "C1 \\xc2\\x9b" },
		{ "noncharacters \xef\xbf\xbe \xf0\x9f\xbf\xbf",
			"noncharacters \\xef\\xbf\\xbe \\xf0\\x9f\\xbf\\xbf" },
		{ "override \xe2\x80\xae"
		  "exe",
			"override \\xe2\\x80\\xaeexe" },
		{ "isolate \xe2\x81\xa6", "isolate \\xe2\\x81\\xa6" },
		{ "separators \xe2\x80\xa8\xe2\x80\xa9",
			"separators \\xe2\\x80\\xa8\\xe2\\x80\\xa9" },
		{ "zero width \xe2\x80\x8b\xef\xbb\xbf",
			"zero width \\xe2\\x80\\x8b\\xef\\xbb\\xbf" },
		{ "tag \xf3\xa0\x81\x81", "tag \\xf3\\xa0\\x81\\x81" },
		{ "replacement \xef\xbf\xbd", "replacement \xef\xbf\xbd" },
	};
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(escape_visible(&a, cases[i].in), cases[i].out);
	arena_done(&a);
}

static void each_output_escapes_what_means_something_to_it(void **state)
{
	static const char *const text = "<a href=\"x\">&'\\;\033</a>";
	struct arena a = { 0 };

	(void)state;
	assert_string_equal(escape_copy(&a, ESCAPE_TEXT, text), "<a href=\"x\">&'\\;\\x1b</a>");
	assert_string_equal(escape_copy(&a, ESCAPE_XML, text),
		"&lt;a href=&quot;x&quot;&gt;&amp;&#39;\\;\\x1b&lt;/a&gt;");
	assert_string_equal(escape_copy(&a, ESCAPE_JSON, text),
		"\\u003ca href=\\\"x\\\"\\u003e\\u0026'\\\\;\\\\x1b\\u003c/a\\u003e");
	assert_string_equal(escape_copy(&a, ESCAPE_CSV, text), "<a href=\"\"x\"\">&'\\;\\x1b</a>");
	assert_string_equal(escape_copy(&a, ESCAPE_FOLDED, text), "<a href=\"x\">&'\\:\\x1b</a>");
	assert_string_equal(escape_copy(&a, ESCAPE_CSV_FOLDED, text),
		"<a href=\"\"x\"\">&'\\:\\x1b</a>");
	arena_done(&a);
}

/* Whether text has only visible characters of valid UTF-8: hex escapes then have nothing to do. */
static void assert_visible(struct arena *a, const char *text)
{
	assert_string_equal(escape_visible(a, text), text);
}

static void random_bytes_come_out_visible_and_without_syntax(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct arena a = { 0 };
		char bytes[65] = "";
		char *xml, *json;

		for (size_t i = 0; i < 64; i++)
			bytes[i] = (char)(random_u64(&random) % 255 + 1);
		xml = escape_copy(&a, ESCAPE_XML, bytes);
		json = escape_copy(&a, ESCAPE_JSON, bytes);
		for (int how = 0; how < ESCAPE_N; how++)
			assert_visible(&a, escape_copy(&a, how, bytes));
		assert_null(strpbrk(xml, "<>\"'"));
		assert_null(strpbrk(json, "<>&"));
		assert_null(strchr(escape_copy(&a, ESCAPE_FOLDED, bytes), ';'));
		arena_done(&a);
	}
}

static void long_text_is_escaped_piece_by_piece(void **state)
{
	enum { N = 100000 };
	char *in = malloc(N + 1), *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	(void)state;
	memset(in, '<', N);
	in[N] = '\0';
	escape_put(f, ESCAPE_XML, in);
	fclose(f);
	assert_int_equal(len, N * 4);
	for (size_t i = 0; i < len; i += 4)
		assert_memory_equal(out + i, "&lt;", 4);
	free(in);
	free(out);
}

static void columns_are_counted_as_a_terminal_shows_them(void **state)
{
	(void)state;
	assert_int_equal(visible_width("abc"), 3);
	assert_int_equal(visible_width("caf\xc3\xa9"), 4);
	assert_int_equal(visible_width("cafe\xcc\x81"), 4);
	assert_int_equal(visible_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(visible_width("\xf0\x9f\x98\x80"), 2);
	assert_int_equal(visible_fit("abc", 2), 2);
	assert_int_equal(visible_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3);
	assert_int_equal(visible_fit("caf\xc3\xa9", 4), 5);
	assert_int_equal(visible_fit("", 4), 0);
}

static void pixels_are_counted_and_characters_never_cut(void **state)
{
	(void)state;
	assert_true(pixel_width("mmm", 10) > pixel_width("iii", 10));
	assert_true(pixel_width("caf\xc3\xa9", 10) > pixel_width("caf", 10));
	assert_int_equal(pixel_fit("hello", 10, 1000), 5);
	assert_int_equal(pixel_fit("hello", 10, 0), 0);
	assert_int_equal(pixel_fit("\xe6\x97\xa5\xe6\x9c\xac", 10, 15), 3);
}

/* ---- numbers ---- */

static void assert_text(char *text, const char *expected)
{
	assert_string_equal(text, expected);
}

static void numbers_read_well(void **state)
{
	char b[NUMBER_MAX];

	(void)state;
	assert_text(number_count(b, 0), "0");
	assert_text(number_count(b, 999), "999");
	assert_text(number_count(b, 1000), "1,000");
	assert_text(number_count(b, UINT64_MAX), "18,446,744,073,709,551,615");
	assert_text(number_ns(b, 0), "0 ns");
	assert_text(number_ns(b, 999), "999 ns");
	assert_text(number_ns(b, 1234), "1.23 µs");
	assert_text(number_ns(b, 12345678), "12.3 ms");
	assert_text(number_ns(b, 999999999), "999 ms");
	assert_text(number_ns(b, 30000000000), "30.0 s");
	assert_text(number_ns(b, 2000000000000), "33.3 min");
	assert_text(number_ns(b, 5000000000000), "1.38 h");
	assert_text(number_ns(b, UINT64_MAX), "213503 d");
	assert_text(number_bytes(b, 1023), "1023 B");
	assert_text(number_bytes(b, 4096), "4.00 KiB");
	assert_text(number_bytes(b, UINT64_MAX), "15.9 EiB");
	assert_text(number_percent(b, 0.12345), "12.3%");
	assert_text(number_percent(b, 0), "0.0%");
	assert_text(number_percent(b, 0.0001), "<0.1%");
	assert_text(number_percent(b, -0.25), "-25.0%");
	assert_text(number_percent(b, 0.0 / 0.0), "?");
	assert_text(number_float(b, 0.1), "0.1");
	assert_text(number_float(b, 1.0 / 3), "0.3333333333333333");
	assert_text(number_short(b, 1.0 / 3), "0.3333");
}

static void numbers_for_machines_are_plain_or_nothing(void **state)
{
	union cell ns = { .count = 1234567 }, half = { .number = 0.5 },
		   none = { .number = 1 / 0.0 };
	char b[NUMBER_MAX];

	(void)state;
	assert_text(cell_raw(b, CELL_NS, &ns), "1234567");
	assert_text(cell_raw(b, CELL_PERCENT, &half), "0.5");
	assert_text(cell_raw(b, CELL_FLOAT, &none), "");
	assert_text(cell_shown(b, CELL_NS, &ns), "1.23 ms");
	assert_text(cell_shown(b, CELL_NUMBER, &ns), "1234567");
	assert_text(cell_shown(b, CELL_PERCENT, &half), "50.0%");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_that_begin_alike_share_nodes_and_totals_add_up),
		cmocka_unit_test(equal_stacks_give_equal_trees_in_whatever_order_they_come),
		cmocka_unit_test(a_finished_tree_may_grow_and_be_finished_again),
		cmocka_unit_test(frames_differ_by_name_module_and_kind),
		cmocka_unit_test(zero_bytes_in_a_name_become_spaces),
		cmocka_unit_test(weights_stop_at_the_largest_number),
		cmocka_unit_test(a_stack_of_a_hundred_thousand_frames_is_no_problem),
		cmocka_unit_test(a_walk_sees_each_node_once_and_leaves_out_what_it_is_told_to),
		cmocka_unit_test(a_million_nodes_are_built_and_finished),
		cmocka_unit_test(a_threshold_lets_at_most_so_many_through),
		cmocka_unit_test(what_is_left_out_is_counted_and_sums_stay_right),
		cmocka_unit_test(frames_narrower_than_asked_are_left_out),
		cmocka_unit_test(a_report_keeps_everything_it_is_given),
		cmocka_unit_test(bytes_that_hide_or_trick_are_shown_as_hex),
		cmocka_unit_test(each_output_escapes_what_means_something_to_it),
		cmocka_unit_test(random_bytes_come_out_visible_and_without_syntax),
		cmocka_unit_test(long_text_is_escaped_piece_by_piece),
		cmocka_unit_test(columns_are_counted_as_a_terminal_shows_them),
		cmocka_unit_test(pixels_are_counted_and_characters_never_cut),
		cmocka_unit_test(numbers_read_well),
		cmocka_unit_test(numbers_for_machines_are_plain_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
