/* The outputs: what a known report looks like in each, and what a hostile one must not do. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "render/assets.h"
#include "render/escape.h"
#include "render/render.h"
#include "render/tree.h"
#include "tests/unit/support.h"

static const struct render_options plain = { .min_percent = -1 };

/* ---- a report in memory ---- */

struct sample {
	struct report report;
	struct tree tree;
};

static void add_stack(struct tree *t, const char *stack, enum frame_kind leaf, uint64_t weight)
{
	uint32_t node = 0;

	while (*stack) {
		size_t n = strcspn(stack, ";");
		bool last = !stack[n];

		node = tree_child_of(t, node,
			tree_frame(t, stack, n, last ? leaf : FRAME_USER,
				last && leaf == FRAME_KERNEL ? "[kernel]" : ""));
		stack += n + !last;
	}
	tree_add(t, node, weight);
}

static void sample_init(struct sample *s)
{
	report_init(&s->report, "CPU samples", "test.rec");
	tree_init(&s->tree, "samples");
}

static void sample_done(struct sample *s)
{
	report_done(&s->report);
	tree_done(&s->tree);
}

static void fill_tree(struct tree *t)
{
	add_stack(t, "main;compute;square", FRAME_INLINED, 61);
	add_stack(t, "main;read;sys_read", FRAME_KERNEL, 36);
	add_stack(t, "main", FRAME_USER, 2);
	add_stack(t, "main;a;b", FRAME_JIT, 1);
	tree_finish(t);
}

static const struct column columns[] = {
	{ "name", "Function", CELL_TEXT },
	{ "calls", "Calls", CELL_COUNT },
	{ "pid", "PID", CELL_NUMBER },
	{ "p99", "99 %", CELL_NS },
	{ "size", "Size", CELL_BYTES },
	{ "share", "Share", CELL_PERCENT },
	{ "score", "Score", CELL_FLOAT },
};

static void add_row(struct sample *s, struct table *t, const char *name, uint64_t n, double x)
{
	union cell *row = table_row(&s->report, t);

	row[0].text = name;
	row[1].count = n;
	row[2].count = n;
	row[3].count = n * 1000;
	row[4].count = n * 1024;
	row[5].number = x;
	row[6].number = x;
}

static struct table *add_table(struct sample *s)
{
	struct table *t = report_table(&s->report, "hot", "Hot functions", columns, 7);

	add_row(s, t, "parse, \"quoted\"", 12345, 0.5);
	add_row(s, t, "x", 7, 1 / 0.0);
	return t;
}

/* What an output writes; to be freed. */
static char *render(const char *name, const struct report *r, const struct render_options *o,
	int expected)
{
	char *text = NULL;
	struct err err = { "" };
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(renderer_by_name(name)->render(r, o, f, &err), expected);
	assert_int_equal(!*err.text, !expected);
	fclose(f);
	assert_int_equal(strlen(text), len);
	return text;
}

/* The same of every section, one behind the other where a file holds one. */
static char *render_sections(const char *name, const struct report *r)
{
	char *all = strdup("");

	if (!renderer_by_name(name)->one_section) {
		free(all);
		return render(name, r, &plain, 0);
	}
	for (uint32_t i = 0; i < r->n_sections; i++) {
		struct report one = *r;
		char *text, *both;

		one.sections = &r->sections[i];
		one.n_sections = 1;
		text = render(name, &one, &plain, 0);
		assert_true(asprintf(&both, "%s%s", all, text) >= 0);
		free(all);
		free(text);
		all = both;
	}
	return all;
}

static void assert_renders(const char *name, const struct report *r, const struct render_options *o,
	const char *expected)
{
	char *text = render(name, r, o, 0);

	assert_string_equal(text, expected);
	free(text);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* ---- each output ---- */

static void outputs_are_found_by_name_and_by_file(void **state)
{
	(void)state;
	assert_string_equal(renderer_by_name("json")->name, "json");
	assert_null(renderer_by_name("gif"));
	assert_string_equal(renderer_by_file("a/b.svg")->name, "svg");
	assert_string_equal(renderer_by_file("x.y.html")->name, "html");
	assert_null(renderer_by_file(".svg"));
	assert_null(renderer_by_file("x.png"));
	assert_null(renderer_by_file(""));
}

static void a_tree_as_text_has_shares_counts_and_indentation(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	fill_tree(&s.tree);
	report_tree(&s.report, "cpu", "CPU samples", &s.tree);
	assert_renders("text", &s.report, &(struct render_options){ .min_percent = 2 },
		"CPU samples\ntest.rec\n\n"
		" total    self  samples  frame (small: below 2.0%)\n"
		"100.0%    0.0%      100  - all\n"
		"100.0%    2.0%      100    main  (+1 small, 1.0%)\n"
		" 61.0%    0.0%       61    - compute\n"
		" 61.0%   61.0%       61      square\n"
		" 36.0%    0.0%       36    - read\n"
		" 36.0%   36.0%       36      sys_read\n");
	sample_done(&s);
}

static void small_frames_that_are_large_together_have_a_line(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	add_stack(&s.tree, "main", FRAME_USER, 50);
	for (char name[] = "a"; *name <= 'j'; ++*name)
		add_stack(&s.tree, name, FRAME_USER, 5);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU samples", &s.tree);
	assert_renders("text", &s.report, &(struct render_options){ .min_percent = 10 },
		"CPU samples\ntest.rec\n\n"
		" total    self  samples  frame (small: below 10.0%)\n"
		"100.0%    0.0%      100  - all\n"
		" 50.0%   50.0%       50    - main\n"
		" 50.0%               50    - (10 more below 10.0%)\n");
	sample_done(&s);
}

static void text_is_cut_to_the_width_of_the_terminal(void **state)
{
	struct sample s;
	char *text, *line;

	(void)state;
	sample_init(&s);
	add_stack(&s.tree, "a_function_with_a_name_that_is_much_too_long_for_a_terminal",
		FRAME_USER, 1);
	for (unsigned i = 0; i < 200; i++)
		add_stack(&s.tree, i % 2 ? "a;b;c;d;e;f;g;h;i;j" : "a;b;x;d;y;f;g;z;z", FRAME_USER,
			1);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "Tree", &s.tree);
	add_row(&s, add_table(&s), "another name that does not fit into forty columns", 1, 1);
	text = render("text", &s.report, &(struct render_options){ .width = 64 }, 0);
	assert_non_null(strstr(text, "…"));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(visible_width(line), 0, 64);
	free(text);
	sample_done(&s);
}

static void tables_as_text_are_aligned(void **state)
{
	struct sample s;
	struct table *facts;

	(void)state;
	sample_init(&s);
	report_note(&s.report, NOTE_WARNING, "%d samples were lost", 7);
	report_note(&s.report, NOTE_INFO, "short run");
	add_table(&s);
	facts = report_facts(&s.report, "run", "The run");
	report_fact(&s.report, facts, "Kernel", "6.%d", 18);
	report_fact(&s.report, facts, "Machine name", "web");
	report_table(&s.report, "none", "Nothing", columns, 7);
	assert_renders("text", &s.report, &plain,
		"CPU samples\ntest.rec\n"
		"warning: 7 samples were lost\nnote: short run\n"
		"\nHot functions\n"
		"Function          Calls    PID     99 %      Size  Share  Score\n"
		"parse, \"quoted\"  12,345  12345  12.3 ms  12.0 MiB  50.0%    0.5\n"
		"x                     7      7  7.00 µs  7.00 KiB      ?    inf\n"
		"\nThe run\nKernel:        6.18\nMachine name:  web\n\nNothing\n(nothing)\n");
	sample_done(&s);
}

static void colour_is_only_for_who_wants_it(void **state)
{
	struct sample s;
	char *text;

	(void)state;
	sample_init(&s);
	fill_tree(&s.tree);
	report_note(&s.report, NOTE_WARNING, "careful");
	report_tree(&s.report, "cpu", "Tree", &s.tree);
	add_table(&s);
	text = render("text", &s.report, &plain, 0);
	assert_null(strchr(text, '\033'));
	free(text);
	text = render("text", &s.report, &(struct render_options){ .color = true }, 0);
	assert_non_null(strstr(text, "\033[36msys_read\033[0m\n"));
	free(text);
	sample_done(&s);
}

static void json_is_what_its_description_says(void **state)
{
	struct sample s;
	struct table *facts;

	(void)state;
	sample_init(&s);
	report_note(&s.report, NOTE_WARNING, "lost");
	add_table(&s);
	facts = report_facts(&s.report, "run", "The run");
	report_fact(&s.report, facts, "Kernel", "6.18");
	add_stack(&s.tree, "main;read", FRAME_KERNEL, 3);
	add_stack(&s.tree, "main", FRAME_USER, 1);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	assert_renders("json", &s.report, &plain,
		"{\"format\":\"rec-report\",\"version\":1,\n\"title\":\"CPU samples\",\n"
		"\"subtitle\":\"test.rec\",\n\"notes\":[{\"level\":\"warning\",\"text\":\"lost\"}],\n"
		"\"sections\":{\n"
		"\"hot\":{\"kind\":\"table\",\"title\":\"Hot functions\",\"columns\":["
		"{\"name\":\"name\",\"title\":\"Function\",\"unit\":\"text\"},"
		"{\"name\":\"calls\",\"title\":\"Calls\",\"unit\":\"count\"},"
		"{\"name\":\"pid\",\"title\":\"PID\",\"unit\":\"number\"},"
		"{\"name\":\"p99\",\"title\":\"99 %\",\"unit\":\"ns\"},"
		"{\"name\":\"size\",\"title\":\"Size\",\"unit\":\"bytes\"},"
		"{\"name\":\"share\",\"title\":\"Share\",\"unit\":\"fraction\"},"
		"{\"name\":\"score\",\"title\":\"Score\",\"unit\":\"float\"}],\"rows\":[\n"
		"{\"name\":\"parse, \\\"quoted\\\"\",\"calls\":12345,\"pid\":12345,\"p99\":12345000,"
		"\"size\":12641280,\"share\":0.5,\"score\":0.5},\n"
		"{\"name\":\"x\",\"calls\":7,\"pid\":7,\"p99\":7000,\"size\":7168,\"share\":null,"
		"\"score\":null}]},\n"
		"\"run\":{\"kind\":\"facts\",\"title\":\"The run\",\"facts\":{\n\"Kernel\":\"6.18\"}},\n"
		"\"cpu\":{\"kind\":\"tree\",\"title\":\"CPU\",\"unit\":\"samples\",\n"
		"\"root\":{\"name\":\"all\",\"kind\":\"none\",\"value\":4,\"self\":0,\n"
		"\"children\":[{\"name\":\"main\",\"kind\":\"user\",\"value\":4,\"self\":1,\n"
		"\"children\":[{\"name\":\"read\",\"module\":\"[kernel]\",\"kind\":\"kernel\","
		"\"value\":3,\"self\":3}]}]},\n\"continued\":[]}}}\n");
	sample_done(&s);
}

/* The deepest nesting, outside of strings. */
static unsigned nesting(const char *json)
{
	unsigned depth = 0, deepest = 0;
	bool quoted = false;

	for (; *json; json++) {
		if (*json == '"')
			quoted = !quoted;
		else if (quoted && *json == '\\')
			json++;
		else if (!quoted && strchr("[{", *json))
			deepest = ++depth > deepest ? depth : deepest;
		else if (!quoted && strchr("]}", *json))
			depth--;
	}
	assert_int_equal(depth, 0);
	assert_false(quoted);
	return deepest;
}

static void csv_quotes_what_needs_it_and_disarms_formulas(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	add_row(&s, add_table(&s), "=1+1", 1, 0.25);
	assert_renders("csv", &s.report, &plain,
		"name,calls,pid,p99,size,share,score\n"
		"\"parse, \"\"quoted\"\"\",12345,12345,12345000,12641280,0.5,0.5\n"
		"x,7,7,7000,7168,,\n\"'=1+1\",1,1,1000,1024,0.25,0.25\n");
	add_stack(&s.tree, "-a;b c;\"d\"", FRAME_KERNEL, 3);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	s.report.sections++;
	s.report.n_sections = 1;
	assert_renders("csv", &s.report, &plain,
		"path,kind,module,total,self\n\"\",none,,3,0\n"
		"\"'-a\",user,,3,0\n\"'-a;b c\",user,,3,0\n"
		"\"'-a;b c;\"\"d\"\"\",kernel,[kernel],3,3\n");
	sample_done(&s);
}

static void csv_holds_one_table(void **state)
{
	struct err err = { "" };
	static const struct column one[] = { { "n", "N", CELL_COUNT } };
	struct sample s;

	(void)state;
	sample_init(&s);
	table_row(&s.report, report_table(&s.report, "first", "", one, 1))->count = 1;
	table_row(&s.report, report_table(&s.report, "second", "", one, 1))->count = 2;
	assert_int_equal(renderer_by_name("csv")->render(&s.report, &plain, stdout, &err),
		-ENOTSUP);
	assert_string_equal(report_section_list(&s.report), "first, second");
	assert_int_equal(report_keep_section(&s.report, "third"), -ENOENT);
	assert_int_equal(report_keep_section(&s.report, "second"), 0);
	assert_renders("csv", &s.report, &plain, "n\n2\n");
	sample_done(&s);
}

static void folded_stacks_are_those_of_flamegraph(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	fill_tree(&s.tree);
	add_stack(&s.tree, "", FRAME_NONE, 5);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	assert_renders("folded", &s.report, &plain,
		"[no stack] 5\nmain 2\nmain;a;b 1\n"
		"main;compute;square 61\nmain;read;sys_read 36\n");
	assert_renders("folded", &s.report, &(struct render_options){ .annotate = true },
		"[no stack] 5\nmain 2\nmain;a;b_[j] 1\nmain;compute;square_[i] 61\n"
		"main;read;sys_read_[k] 36\n");
	report_tree(&s.report, "again", "CPU", &s.tree);
	assert_renders("folded", &s.report, &plain,
		"cpu;[no stack] 5\ncpu;main 2\n"
		"cpu;main;a;b 1\ncpu;main;compute;square 61\ncpu;main;read;sys_read 36\n"
		"again;[no stack] 5\nagain;main 2\nagain;main;a;b 1\nagain;main;compute;square 61\n"
		"again;main;read;sys_read 36\n");
	sample_done(&s);
}

static void pictures_of_tables_are_refused_in_words(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	add_table(&s);
	free(render("svg", &s.report, &plain, -ENOTSUP));
	free(render("folded", &s.report, &plain, -ENOTSUP));
	sample_done(&s);
}

static void an_svg_is_drawn_and_has_its_data(void **state)
{
	struct sample s;
	char *svg;

	(void)state;
	sample_init(&s);
	fill_tree(&s.tree);
	report_note(&s.report, NOTE_WARNING, "7 samples were lost");
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	svg = render("svg", &s.report, &plain, 0);
	assert_int_equal(strncmp(svg, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg ", 44), 0);
	assert_non_null(strstr(svg, "Warning: 7 samples were lost</text>"));
	assert_non_null(strstr(svg, "<title>compute (61 samples, 61.0%, user)</title>"));
	assert_non_null(strstr(svg, ">sys_read</text>"));
	assert_non_null(strstr(svg, "\"frames\":[\"a\",0,"));
	assert_non_null(strstr(svg, "\"modules\":[\"\",\"[kernel]\"],"));
	assert_non_null(
		strstr(svg, "\"nodes\":[0,1,0,0,4,2,0,0,0,0,2,1,2,3,0,0,6,61,2,5,0,0,7,36],"));
	assert_non_null(strstr(svg, "\"leaves\":[]"));
	free(svg);
	sample_done(&s);
}

/* Numbers of a list behind a key; -1 ends it. */
static int64_t *numbers_of(const char *text, const char *key)
{
	int64_t *list = calloc(1 << 20, sizeof(*list));
	const char *p = strstr(text, key) + strlen(key);
	size_t n = 0;

	for (; *p != ']'; p += *p == ',') {
		assert_true(n + 1 < 1 << 20);
		list[n++] = strtoll(p, (char **)&p, 10);
	}
	list[n] = INT64_MIN;
	return list;
}

static void a_page_of_a_huge_tree_is_bounded_and_still_sums_up(void **state)
{
	uint64_t random = 5, kept = 0, leaves = 0, left_out = 0;
	uint32_t n_nodes = 0;
	struct sample s;
	int64_t *list;
	char *html;

	(void)state;
	sample_init(&s);
	while (s.tree.n_nodes < 200000) {
		uint32_t parent = (uint32_t)(random_u64(&random) % s.tree.n_nodes);
		uint16_t name = (uint16_t)random_u64(&random) | 0x8080;

		tree_add(&s.tree, tree_child(&s.tree, parent, (char *)&name, 2, FRAME_USER),
			random_u64(&random) % 50);
	}
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	html = render("html", &s.report, &plain, 0);
	assert_in_range(strlen(html), 0, 2000000);
	list = numbers_of(html, "\"nodes\":[");
	for (size_t i = 0; list[i] != INT64_MIN; i += 3) {
		n_nodes += list[i + 1] >= 0;
		*(list[i + 1] < 0 ? &left_out : &kept) += (uint64_t)list[i + 2];
	}
	free(list);
	assert_int_equal(n_nodes, 30000);
	assert_true(kept + left_out == s.tree.nodes[0].total);
	list = numbers_of(html, "\"leaves\":[");
	for (size_t i = 0; list[i] != INT64_MIN; i += list[i] < 0 ? 2 : 3)
		leaves += (uint64_t)list[i + 1];
	free(list);
	assert_true(leaves == left_out);
	assert_non_null(strstr(html, "\"note\":\"Shows the 30,000 heaviest of "));
	free(html);
	sample_done(&s);
}

static void long_names_are_cut_in_pages_but_not_elsewhere(void **state)
{
	enum { LEN = 30000 };
	static const char *const outputs[] = { "svg", "html", "json", "csv", "folded", "text" };
	struct sample s;
	char name[LEN + 1];

	(void)state;
	for (size_t i = 0; i < LEN; i += 3)
		memcpy(name + i, "\xe6\x97\xa5", 3);
	name[LEN] = '\0';
	sample_init(&s);
	tree_add(&s.tree, tree_child(&s.tree, 0, name, LEN, FRAME_USER), 1);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	for (size_t i = 0; i < 6; i++) {
		char *text = render(outputs[i], &s.report, &plain, 0);

		assert_int_equal(count(text, name), i < 2 ? 0 : 1);
		assert_int_equal(count(text, "\\xe6"), 0);
		assert_true(i >= 2 || strstr(text, "\xe6\x97\xa5…"));
		free(text);
	}
	sample_done(&s);
}

static void a_page_allows_only_its_own_scripts(void **state)
{
	struct sample s;
	char *html;

	(void)state;
	sample_init(&s);
	fill_tree(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	add_table(&s);
	html = render("html", &s.report, &plain, 0);
	assert_non_null(strstr(html,
		"content=\"default-src 'none'; base-uri 'none'; "
		"form-action 'none'; style-src 'unsafe-inline'; script-src '"));
	assert_int_equal(count(html, "src="), 0);
	assert_int_equal(count(html, "@import"), 0);
	assert_int_equal(count(html, "url("), 0);
	assert_non_null(strstr(html, "<td>parse, &quot;quoted&quot;</td>"));
	assert_non_null(strstr(html, "<td class=\"n\" data-v=\"12345\">12,345</td>"));
	free(html);
	sample_done(&s);
}

/* ---- what a trace may not do ---- */

static const char *const hostile[] = {
	"<script>alert(1)</script>",
	"</script><script>alert(2)</script>",
	"]]><img src=x onerror=a>",
	"\"]]>",
	"<!--<script>",
	"--><b>",
	"' onmouseover='alert(3)",
	"\" onmouseover=\"alert(4)",
	"&lt;b&gt;",
	"\033]0;title\a\033[2J",
	"line\nfeed\r",
	"\xff\xfe\xc0\x80",
	"rtl \xe2\x80\xae",
	"\xef\xbf\xbe",
	"a;b",
	"\"; DROP",
	"\\",
	"\\u003cscript",
	"%n%s",
	"",
	"</style>",
	"</title>",
	"{}[]\",:",
};

enum { N_HOSTILE = sizeof(hostile) / sizeof(*hostile) };

/* The name in every place that holds text. */
static void fill_hostile(struct sample *s, struct column *column, const char *name)
{
	struct table *t;
	uint32_t node;

	report_init(&s->report, name, name);
	tree_init(&s->tree, name);
	node = tree_child_of(&s->tree, 0,
		tree_frame(&s->tree, name, strlen(name), FRAME_NONE, name));
	node = tree_child_of(&s->tree, node,
		tree_frame(&s->tree, name, strlen(name), FRAME_USER, name));
	tree_add(&s->tree, node, 10);
	tree_finish(&s->tree);
	report_note(&s->report, NOTE_WARNING, "%s", name);
	report_tree(&s->report, name, name, &s->tree);
	*column = (struct column){ name, name, CELL_TEXT };
	t = report_table(&s->report, name, name, column, 1);
	table_row(&s->report, t)->text = name;
	t = report_facts(&s->report, name, name);
	report_fact(&s->report, t, name, "%s", name);
}

/* Control bytes and broken UTF-8 appear nowhere; our own scripts are indented with tabs. */
static void assert_lines_are_visible(const char *text)
{
	struct arena a = { 0 };

	for (size_t n; *text; text += n + (text[n] == '\n')) {
		size_t tabs = strspn(text, "\t");
		char *line;

		n = strcspn(text, "\n");
		line = arena_strndup(&a, text + tabs, n - tabs);
		assert_string_equal(escape_visible(&a, line), line);
		arena_reset(&a);
	}
	arena_done(&a);
}

static unsigned count_unescaped_quotes(const char *json)
{
	unsigned n = 0;

	for (; *json; json++) {
		n += *json == '"';
		json += *json == '\\' && json[1];
	}
	return n;
}

/* In the markup of a page, where a quote would end an attribute. */
static unsigned quotes_before_data(const char *page)
{
	char *markup = strndup(page, (size_t)(strstr(page, "report-data") - page));
	unsigned n = count(markup, "\"");

	free(markup);
	return n;
}

/* A name may change the text of an output but not what it is made of: markup is compared by its
 * brackets and quotes, JSON by quotes and nesting, CSV and folded stacks by lines and fields. */
static void assert_same_skeleton(const char *output, const char *text, const char *harmless)
{
	bool markup = !strcmp(output, "svg") || !strcmp(output, "html");

	assert_lines_are_visible(text);
	assert_int_equal(count(text, "\n"), count(harmless, "\n"));
	if (markup) {
		assert_int_equal(count(text, "<"), count(harmless, "<"));
		assert_int_equal(count(text, ">"), count(harmless, ">"));
		assert_int_equal(count(text, "]]>"), count(harmless, "]]>"));
		assert_int_equal(count(text, "</script"), count(harmless, "</script"));
		assert_int_equal(quotes_before_data(text), quotes_before_data(harmless));
		assert_int_equal(count_unescaped_quotes(strstr(text, "report-data")),
			count_unescaped_quotes(strstr(harmless, "report-data")));
	}
	if (!strcmp(output, "json")) {
		assert_int_equal(nesting(text), nesting(harmless));
		assert_int_equal(count_unescaped_quotes(text), count_unescaped_quotes(harmless));
	}
	if (!strcmp(output, "folded"))
		assert_int_equal(count(text, ";"), count(harmless, ";"));
}

static void hostile_names_are_inert_in_every_output(void **state)
{
	(void)state;
	for (size_t i = 0; renderers[i]; i++) {
		const char *output = renderers[i]->name;
		struct column column;
		struct sample s;
		char *harmless;

		fill_hostile(&s, &column, "harmless");
		harmless = render_sections(output, &s.report);
		sample_done(&s);
		for (size_t k = 0; k < N_HOSTILE; k++) {
			char *text;

			fill_hostile(&s, &column, hostile[k]);
			text = render_sections(output, &s.report);
			/* What is empty may be left out. */
			if (*hostile[k])
				assert_same_skeleton(output, text, harmless);
			free(text);
			sample_done(&s);
		}
		free(harmless);
	}
}

static void random_names_are_inert_in_every_output(void **state)
{
	uint64_t random = 99;

	(void)state;
	for (size_t i = 0; renderers[i]; i++) {
		for (int round = 0; round < 20; round++) {
			char name[41] = "";
			struct column column;
			struct sample s;
			char *text;

			for (size_t k = 0; k < 40; k++)
				name[k] = (char)(random_u64(&random) % 255 + 1);
			fill_hostile(&s, &column, name);
			text = render_sections(renderers[i]->name, &s.report);
			assert_lines_are_visible(text);
			free(text);
			sample_done(&s);
		}
	}
}

static void no_output_minds_a_stack_of_a_hundred_thousand_frames(void **state)
{
	struct sample s;
	uint32_t node = 0;

	(void)state;
	sample_init(&s);
	for (unsigned i = 0; i < 100000; i++) {
		node = tree_child(&s.tree, node, i % 2 ? "f" : "g", 1, FRAME_USER);
		if (i % 1000 == 0)
			tree_add(&s.tree, node, 1);
	}
	tree_add(&s.tree, node, 100);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	for (size_t i = 0; renderers[i]; i++) {
		char *text = render(renderers[i]->name, &s.report, &plain, 0);

		assert_in_range(strlen(text), 100, 10000000);
		if (!strcmp(renderers[i]->name, "json"))
			assert_in_range(nesting(text), 128, 140);
		if (!strcmp(renderers[i]->name, "folded"))
			assert_non_null(strstr(text, ";[deeper] 198\n"));
		free(text);
	}
	sample_done(&s);
}

static void an_empty_tree_is_said_to_be_empty(void **state)
{
	struct sample s;
	char *text;

	(void)state;
	sample_init(&s);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	for (size_t i = 0; renderers[i]; i++)
		free(render(renderers[i]->name, &s.report, &plain, 0));
	text = render("svg", &s.report, &plain, 0);
	assert_non_null(strstr(text, ">There is nothing to draw: no samples were recorded"));
	free(text);
	text = render("html", &s.report, &plain, 0);
	assert_non_null(strstr(text, "\"note\":\"There is nothing to draw"));
	free(text);
	text = render("text", &s.report, &plain, 0);
	assert_non_null(strstr(text, "Nothing: the tree is empty."));
	free(text);
	sample_done(&s);
}

static void largest_weights_do_not_break_a_picture(void **state)
{
	struct sample s;

	(void)state;
	sample_init(&s);
	add_stack(&s.tree, "a;b", FRAME_USER, UINT64_MAX);
	add_stack(&s.tree, "a;c", FRAME_USER, UINT64_MAX);
	add_stack(&s.tree, "d", FRAME_USER, UINT64_MAX / 2);
	tree_finish(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	for (size_t i = 0; renderers[i]; i++)
		free(render(renderers[i]->name, &s.report, &plain, 0));
	sample_done(&s);
}

static void equal_reports_give_equal_bytes(void **state)
{
	static const char *const stacks[] = { "b;x", "a;y", "b;a", "c", "a;y;z", "b;x;q" };

	(void)state;
	for (size_t i = 0; renderers[i]; i++) {
		struct sample s, t;
		char *one, *other;

		sample_init(&s);
		sample_init(&t);
		for (unsigned k = 0; k < 6; k++) {
			add_stack(&s.tree, stacks[k], FRAME_USER, 10 + k);
			add_stack(&t.tree, stacks[5 - k], FRAME_USER, 15 - k);
		}
		tree_finish(&s.tree);
		tree_finish(&t.tree);
		report_tree(&s.report, "cpu", "CPU", &s.tree);
		report_tree(&t.report, "cpu", "CPU", &t.tree);
		one = render(renderers[i]->name, &s.report, &plain, 0);
		other = render(renderers[i]->name, &t.report, &plain, 0);
		assert_string_equal(one, other);
		free(one);
		free(other);
		sample_done(&s);
		sample_done(&t);
	}
}

/* What would end the element that a script or a style sheet stands in. */
static void our_own_pages_cannot_break_out_of_their_elements(void **state)
{
	const struct asset *const *const lists[] = { picture_styles, picture_scripts, report_styles,
		report_scripts, still_styles, main_scripts };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		for (const struct asset *const *a = lists[i]; *a; a++) {
			const char *text = (*a)->text;

			assert_int_equal(strlen(text), (*a)->end - text);
			assert_null(strstr(text, "]]>"));
			assert_null(strcasestr(text, "</style"));
			assert_null(strcasestr(text, "<script"));
			assert_null(strcasestr(text, "</script"));
			assert_null(strstr(text, "<!--"));
			assert_null(strchr(text, '\r'));
		}
	}
}

static void numbers_have_points_where_people_write_commas(void **state)
{
	struct sample s;
	char *text;

	(void)state;
	if (!setlocale(LC_ALL, "de_DE.UTF-8")) {
		print_message("SKIP: the locale de_DE.UTF-8 is not installed\n");
		skip();
	}
	sample_init(&s);
	fill_tree(&s.tree);
	report_tree(&s.report, "cpu", "CPU", &s.tree);
	add_row(&s, add_table(&s), "x", 1, 0.123);
	text = render("json", &s.report, &plain, 0);
	assert_non_null(strstr(text, "\"share\":0.123,"));
	free(text);
	text = render("svg", &s.report, &plain, 0);
	assert_null(strstr(text, "width=\"0,"));
	free(text);
	setlocale(LC_ALL, "C");
	sample_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outputs_are_found_by_name_and_by_file),
		cmocka_unit_test(a_tree_as_text_has_shares_counts_and_indentation),
		cmocka_unit_test(small_frames_that_are_large_together_have_a_line),
		cmocka_unit_test(text_is_cut_to_the_width_of_the_terminal),
		cmocka_unit_test(tables_as_text_are_aligned),
		cmocka_unit_test(colour_is_only_for_who_wants_it),
		cmocka_unit_test(json_is_what_its_description_says),
		cmocka_unit_test(csv_quotes_what_needs_it_and_disarms_formulas),
		cmocka_unit_test(csv_holds_one_table),
		cmocka_unit_test(folded_stacks_are_those_of_flamegraph),
		cmocka_unit_test(pictures_of_tables_are_refused_in_words),
		cmocka_unit_test(an_svg_is_drawn_and_has_its_data),
		cmocka_unit_test(a_page_of_a_huge_tree_is_bounded_and_still_sums_up),
		cmocka_unit_test(long_names_are_cut_in_pages_but_not_elsewhere),
		cmocka_unit_test(a_page_allows_only_its_own_scripts),
		cmocka_unit_test(hostile_names_are_inert_in_every_output),
		cmocka_unit_test(random_names_are_inert_in_every_output),
		cmocka_unit_test(no_output_minds_a_stack_of_a_hundred_thousand_frames),
		cmocka_unit_test(an_empty_tree_is_said_to_be_empty),
		cmocka_unit_test(largest_weights_do_not_break_a_picture),
		cmocka_unit_test(equal_reports_give_equal_bytes),
		cmocka_unit_test(our_own_pages_cannot_break_out_of_their_elements),
		cmocka_unit_test(numbers_have_points_where_people_write_commas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
