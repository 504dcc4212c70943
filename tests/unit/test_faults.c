/* Page faults: a history that was made up, whose sums are known, and the texts in /proc that are read for
 * them. */
#include <stdio.h>
#include <string.h>

#include "gen/events.h"
#include "record/fault_mapping.h"
#include "record/memory_watch.h"
#include "render/tree.h"
#include "specs/events/fault.h"
#include "tests/unit/analysis.h"

#define MS    1000000ULL
#define START (100 * MS)

enum { PAGE = 4096, WALKER = 11, SLEEPER = 12 };

/* What a walker and a sleeper touch. */
struct touching {
	struct story story;
	int fault_type, memory_type;
	uint32_t walker, sleeper, anonymous, file, stack;
};

static uint32_t mapping(struct story *s, enum mapping_kind kind, const char *path)
{
	struct mapping m = { .kind = kind, .path = story_string(s, path) };

	return writer_mapping(s->w, &m);
}

static void begin(struct touching *s)
{
	struct writer *w;

	story_begin(&s->story);
	w = s->story.w;
	s->fault_type = writer_type(w, &event_page_fault, NULL);
	s->memory_type = writer_type(w, &event_memory_use, NULL);
	s->walker = story_string(&s->story, "walker");
	s->sleeper = story_string(&s->story, "sleeper");
	s->anonymous = mapping(&s->story, MAPPING_NONE, "[anonymous]");
	s->file = mapping(&s->story, MAPPING_FILE, "/data/file");
	s->stack = story_stack(&s->story, writer_stack_root(w, 0), s->file, 0x1000, "touch");
}

/* A minor fault of the walker, in anonymous memory, that brings a page. */
static struct page_fault fault(const struct touching *s, uint64_t ms, uint64_t page)
{
	return (struct page_fault){ .time = START + ms * MS,
		.latency = 3000,
		.address = 0x7f0000000000 + page * PAGE,
		.pid = WALKER,
		.tid = WALKER,
		.comm = s->walker,
		.mapping = s->anonymous,
		.mode = FAULT_MODE_USER,
		.access = FAULT_ACCESS_WRITE,
		.backing = FAULT_BACKING_ANONYMOUS,
		.growth = PAGE,
		.stack = s->stack,
		.weight = 1 };
}

static void happens(struct touching *s, const struct page_fault *f)
{
	writer_add(s->story.w, s->story.stream, s->fault_type, f);
}

static void look(struct touching *s, uint64_t ms, uint64_t pages, uint64_t touched)
{
	struct memory_use e = { .time = START + ms * MS,
		.pid = WALKER,
		.comm = s->walker,
		.rss = pages * PAGE,
		.referenced = touched * PAGE,
		.interval = 10 * MS,
		.method = touched ? WORKING_SET_CLEAR_REFS : WORKING_SET_NONE };

	writer_add(s->story.w, 0, s->memory_type, &e);
}

/* The walker brings 2 pages, is looked at, brings 23, is looked at twice. Three pages of the file are major
 * faults of the sleeper, one of which user space serves, one of which stands for 5. */
static void tell(struct touching *s)
{
	struct page_fault f;

	begin(s);
	for (unsigned i = 0; i < 2; i++) {
		f = fault(s, 1 + i, i);
		happens(s, &f);
	}
	look(s, 5, 100, 0);
	for (unsigned i = 0; i < 23; i++) {
		f = fault(s, 10 + i, 2 + i);
		happens(s, &f);
	}
	look(s, 40, 119, 7);
	look(s, 50, 97, 3);
	for (unsigned i = 0; i < 3; i++) {
		f = fault(s, 60 + i, 1000 + i);
		f.latency = (i + 1) * MS;
		f.pid = f.tid = SLEEPER;
		f.comm = s->sleeper;
		f.mapping = s->file;
		f.mode = FAULT_MODE_KERNEL;
		f.cost = FAULT_MAJOR;
		f.userfaultfd = i == 0;
		f.weight = i == 1 ? 5 : 1;
		f.growth = f.weight * PAGE;
		f.stack = 0;
		happens(s, &f);
	}
	story_end(&s->story);
}

struct run {
	struct analysis analysis;
	struct touching history;
};

static void run(struct run *r, void (*history)(struct touching *s))
{
	*r = (struct run){ .analysis.options.list = true };
	history(&r->history);
	analysis_run(&r->analysis, &analyzer_faults, &r->history.story);
}

static void run_done(struct run *r)
{
	story_done(&r->history.story);
	analysis_done(&r->analysis);
}

/* The number in a row that begins with a name. */
static uint64_t number(const struct run *r, const char *id, const char *row, const char *column)
{
	return analysis_cell(&r->analysis, id, NULL, row, column)->count;
}

static void faults_are_summed_by_process_mapping_and_place(void **state)
{
	struct run r;

	(void)state;
	run(&r, tell);
	assert_int_equal(number(&r, "summary", "all", "count"), 32);
	assert_int_equal(number(&r, "summary", "minor", "count"), 25);
	assert_int_equal(number(&r, "summary", "major", "count"), 7);
	assert_int_equal(number(&r, "summary", "served by user space", "count"), 1);
	assert_int_equal(number(&r, "summary", "in the kernel", "count"), 7);
	assert_int_equal(number(&r, "processes", "walker 11", "faults"), 25);
	assert_int_equal(number(&r, "processes", "walker 11", "growth"), 25 * PAGE);
	assert_int_equal(number(&r, "processes", "sleeper 12", "major"), 7);
	assert_int_equal(number(&r, "processes", "sleeper 12", "time"), 14 * MS);
	assert_int_equal(number(&r, "processes", "sleeper 12", "max"), 3 * MS);
	assert_int_equal(number(&r, "mappings", "/data/file", "faults"), 7);
	assert_int_equal(number(&r, "mappings", "[anonymous]", "minor"), 25);
	assert_int_equal(number(&r, "stacks", "touch", "faults"), 25);
	assert_int_equal(number(&r, "stacks", "[no stack]", "served"), 1);
	assert_true(analysis_notes(&r.analysis, "estimates from 28 faults"));
	assert_int_equal(analysis_table(&r.analysis, "faults")->n_rows, 28);
	run_done(&r);
}

static void growth_is_what_came_between_the_first_and_the_last_look(void **state)
{
	struct run r;

	(void)state;
	run(&r, tell);
	assert_int_equal(analysis_table(&r.analysis, "memory")->n_rows, 1);
	assert_int_equal(number(&r, "memory", "walker 11", "first"), 100 * PAGE);
	assert_int_equal(number(&r, "memory", "walker 11", "last"), 97 * PAGE);
	assert_int_equal(number(&r, "memory", "walker 11", "most"), 119 * PAGE);
	assert_int_equal(number(&r, "memory", "walker 11", "grown"), 0);
	assert_int_equal(number(&r, "memory", "walker 11", "shrunk"), 3 * PAGE);
	assert_int_equal(number(&r, "memory", "walker 11", "brought"), 23 * PAGE);
	run_done(&r);
}

static void working_sets_are_shown_over_time(void **state)
{
	const struct table *t;
	struct run r;

	(void)state;
	run(&r, tell);
	t = analysis_table(&r.analysis, "working_set");
	assert_int_equal(t->n_rows, 2);
	assert_int_equal(t->cells[3].count, 7 * PAGE);
	assert_int_equal(t->cells[t->n_columns + 3].count, 3 * PAGE);
	run_done(&r);
}

static void each_mapping_has_a_heatmap_of_its_addresses(void **state)
{
	const struct section *s;
	struct run r;
	uint64_t n = 0;

	(void)state;
	run(&r, tell);
	s = analysis_find(&r.analysis, "touched_1");
	assert_non_null(s);
	assert_non_null(strstr(s->title, "[anonymous] of walker 11"));
	for (uint32_t i = 0; i < s->heatmap->x.n * s->heatmap->y.n; i++)
		n += s->heatmap->cells[i];
	assert_int_equal(n, 25);
	assert_int_equal(s->heatmap->y.edges[0], 0x7f0000000000);
	assert_int_equal(s->heatmap->y.edges[s->heatmap->y.n], 0x7f0000000000 + 25 * PAGE);
	assert_non_null(
		strstr(analysis_find(&r.analysis, "touched_2")->title, "/data/file of sleeper 12"));
	assert_null(analysis_find(&r.analysis, "touched_3"));
	run_done(&r);
}

static void memory_is_attributed_to_stacks(void **state)
{
	const struct section *s;
	struct run r;

	(void)state;
	run(&r, tell);
	s = analysis_find(&r.analysis, "growth");
	assert_non_null(s);
	assert_int_equal(s->kind, SECTION_TREE);
	assert_int_equal(s->tree->nodes[0].total, 32 * PAGE);
	assert_string_equal(s->tree->unit, "bytes");
	run_done(&r);
}

/* More regions than there is room for: the one with the most faults is shown whenever it comes. */
static void scatter(struct touching *s)
{
	struct page_fault f;

	begin(s);
	for (unsigned i = 0; i < 97; i++) {
		f = fault(s, i, 0);
		f.pid = f.tid = 1000 + i;
		happens(s, &f);
	}
	for (unsigned i = 0; i < 11; i++) {
		f = fault(s, 200 + i, i);
		happens(s, &f);
	}
	story_end(&s->story);
}

static void regions_with_many_faults_are_kept(void **state)
{
	struct run r;

	(void)state;
	run(&r, scatter);
	assert_non_null(strstr(analysis_find(&r.analysis, "touched_1")->title, "walker 11"));
	assert_null(analysis_find(&r.analysis, "touched_5"));
	run_done(&r);
}

/* Threads and names come and go; the first thread's last name is the process's. */
static void rename_threads(struct touching *s)
{
	struct page_fault f;

	begin(s);
	f = fault(s, 1, 1);
	f.tid = WALKER + 100;
	f.comm = story_string(&s->story, "worker");
	happens(s, &f);
	f = fault(s, 2, 2);
	f.comm = s->sleeper;
	happens(s, &f);
	f = fault(s, 3, 3);
	happens(s, &f);
	f.time += MS;
	f.tid = WALKER + 100;
	f.comm = story_string(&s->story, "worker");
	happens(s, &f);
	story_end(&s->story);
}

static void a_process_is_called_as_its_first_thread_at_last(void **state)
{
	struct run r;

	(void)state;
	run(&r, rename_threads);
	assert_int_equal(number(&r, "processes", "walker 11", "faults"), 4);
	assert_int_equal(analysis_table(&r.analysis, "processes")->n_rows, 1);
	run_done(&r);
}

static void nothing(struct touching *s)
{
	begin(s);
	story_end(&s->story);
}

static void a_trace_without_faults_says_so(void **state)
{
	struct run r;

	(void)state;
	run(&r, nothing);
	assert_true(analysis_notes(&r.analysis, "There are no page faults"));
	run_done(&r);
}

/* ---- what /proc says ---- */

static const char *path_in(const char *text, uint64_t address, const char *name)
{
	static char line[256];

	snprintf(line, sizeof(line), "%s", text);
	return fault_mapping_path(line, address, name);
}

static void paths_come_from_maps_if_the_name_fits(void **state)
{
	static const char libc[] = "7f00-8000 r-xp 00026000 fe:00 123   /usr/lib/libc.so.6\n";
	static const char gone[] = "1000-2000 rw-s 00000000 00:01 7   /dev/zero (deleted)\n";
	static const char spaces[] = "1000-2000 r--p 00000000 fe:00 9   /a b/c d\n";
	static const char longer[] = "1000-2000 r--p 0 fe:00 9   "
				     "/x/a-name-of-more-than-thirty-nine-bytes-it-is\n";

	(void)state;
	assert_string_equal(path_in(libc, 0x7f00, "libc.so.6"), "/usr/lib/libc.so.6");
	assert_null(path_in(libc, 0x8000, "libc.so.6"));
	assert_null(path_in(libc, 0x7eff, "libc.so.6"));
	assert_null(path_in(libc, 0x7f00, "libc.so"));
	assert_string_equal(path_in(gone, 0x1000, "dev/zero"), "/dev/zero");
	assert_string_equal(path_in(spaces, 0x1fff, "c d"), "/a b/c d");
	assert_string_equal(path_in(longer, 0x1000, "a-name-of-more-than-thirty-nine-bytes-i"),
		"/x/a-name-of-more-than-thirty-nine-bytes-it-is");
	assert_null(path_in("1000-2000 rw-p 00000000 00:00 0 \n", 0x1000, ""));
	assert_null(path_in("1000-2000 rw-p 00000000 00:00 0   [heap]\n", 0x1000, "[heap]"));
	assert_null(path_in("", 0, ""));
	assert_null(path_in("nonsense", 0, ""));
}

static void references_are_read_from_smaps_rollup(void **state)
{
	uint64_t bytes = 1;

	(void)state;
	assert_true(memory_watch_parse("1000-2000 ---p 0 00:00 0 [rollup]\nRss:  900 kB\n"
				       "Referenced:           388 kB\nAnonymous: 1 kB\n",
		&bytes));
	assert_int_equal(bytes, 388 * 1024);
	assert_false(memory_watch_parse("Rss: 900 kB\n", &bytes));
	assert_false(memory_watch_parse("\nReferenced: 99999999999999999 kB\n", &bytes));
	assert_false(memory_watch_parse("", &bytes));
	assert_int_equal(bytes, 388 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_summed_by_process_mapping_and_place),
		cmocka_unit_test(growth_is_what_came_between_the_first_and_the_last_look),
		cmocka_unit_test(working_sets_are_shown_over_time),
		cmocka_unit_test(each_mapping_has_a_heatmap_of_its_addresses),
		cmocka_unit_test(memory_is_attributed_to_stacks),
		cmocka_unit_test(regions_with_many_faults_are_kept),
		cmocka_unit_test(a_process_is_called_as_its_first_thread_at_last),
		cmocka_unit_test(a_trace_without_faults_says_so),
		cmocka_unit_test(paths_come_from_maps_if_the_name_fits),
		cmocka_unit_test(references_are_read_from_smaps_rollup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
