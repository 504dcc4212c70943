/* What analyzers are given: which events pass the filters, and that sums are those of the trace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/crew.h"
#include "analyze/pass.h"
#include "format/base/duration.h"
#include "render/tree.h"
#include "gen/events.h"
#include "specs/events/recorder.h"
#include "tests/unit/analysis.h"
#include "tests/unit/support.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ---- threads ---- */

enum { CREW_PARTS = 7, CREW_SENT = 997 };

/* Of each part: how many batches it saw, and how many threads are in it. */
static struct seen {
	uint64_t n;
	int inside;
} seen[CREW_PARTS];

static void see(void *ctx, uint32_t part, const struct batch *b)
{
	struct seen *s = &seen[part];

	assert_ptr_equal(ctx, seen);
	assert_int_equal(__atomic_add_fetch(&s->inside, 1, __ATOMIC_SEQ_CST), 1);
	assert_int_equal((uintptr_t)b, ++s->n);           /* none is left out, none comes early */
	for (volatile unsigned i = 0; i < part * 50; i++) /* some are slower than others */
		;
	__atomic_sub_fetch(&s->inside, 1, __ATOMIC_SEQ_CST);
}

static void every_part_takes_all_batches_in_order(void **state)
{
	(void)state;
	for (unsigned n_threads = 1; n_threads < 10; n_threads += 2) {
		struct crew *c = crew_new(CREW_PARTS, n_threads, see, seen);
		uint64_t back = 0;

		memset(seen, 0, sizeof(seen));
		for (uintptr_t i = 1; i <= CREW_SENT; i++) {
			struct batch *b;

			crew_put(c, (struct batch *)i);
			while ((b = crew_get(c, !crew_has_room(c))))
				assert_int_equal((uintptr_t)b, ++back);
		}
		if (n_threads % 4 == 1) { /* else the end waits for them */
			while (crew_get(c, true))
				back++;
			assert_int_equal(back, CREW_SENT);
		}
		crew_free(c);
		for (uint32_t i = 0; i < CREW_PARTS; i++)
			assert_int_equal(seen[i].n, CREW_SENT);
	}
}

static void durations_are_read_as_people_write_them(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "10", 10000000000 },
		{ "0", 0 },
		{ "1.5s", 1500000000 },
		{ "200ms", 200000000 },
		{ "3us", 3000 },
		{ "7ns", 7 },
		{ "2m", 120000000000 },
		{ "1h", 3600000000000 },
		{ "1d", 86400000000000 },
		{ ".5ms", 500000 },
	};
	static const char *const bad[] = { "", "s", "-1", "nan", "inf", "1 s", "1sec", "1e30",
		"10y", "1.5.2" };
	uint64_t ns;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		assert_int_equal(duration_parse(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(duration_parse(bad[i], &ns), -EINVAL);
}

static void windows_have_two_ends_or_one(void **state)
{
	static const struct {
		const char *text;
		uint64_t from, to;
	} good[] = {
		{ "1.5s..2s", 1500000000, 2000000000 },
		{ "..500ms", 0, 500000000 },
		{ "10s..", 10000000000, UINT64_MAX },
		{ "..", 0, UINT64_MAX },
	};
	static const char *const bad[] = { "", "1", "1.2", "2..1", "1..1", "a..b", "1...2",
		"1..2..3" };
	struct filter f;
	struct err err;

	(void)state;
	for (size_t i = 0; i < N(good); i++) {
		filter_init(&f);
		assert_int_equal(filter_window(&f, good[i].text, &err), 0);
		assert_true(f.has_window);
		assert_int_equal(f.from_ns, good[i].from);
		assert_int_equal(f.to_ns, good[i].to);
	}
	for (size_t i = 0; i < N(bad); i++) {
		filter_init(&f);
		assert_int_equal(filter_window(&f, bad[i], &err), -EINVAL);
		assert_true(!f.has_window && err.text[0]);
	}
}

static void lists_of_ids_may_have_ranges(void **state)
{
	static const char *const bad[] = { "", "x", "1,x", "5-3", "1-", "-", "0-99999999",
		"4294967296", "1 2" };
	struct id_list list = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(filter_ids(&list, "3,5-7", &err), 0);
	assert_int_equal(filter_ids(&list, "9", &err), 0);
	assert_int_equal(list.n, 5);
	assert_int_equal(list.ids[0] + list.ids[1] + list.ids[2] + list.ids[3] + list.ids[4], 30);
	free(list.ids);
	for (size_t i = 0; i < N(bad); i++) {
		list = (struct id_list){ 0 };
		assert_int_equal(filter_ids(&list, bad[i], &err), -EINVAL);
		free(list.ids);
	}
}

/* ---- a pass over a trace of 1000 samples: pid 7, tids 7 to 9 in turn, CPUs 0 and 1 in turn ---- */

static char path[64];

static int write_trace(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(1000, &len);
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_analyze-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		return -1;
	close(fd);
	free(bytes);
	return 0;
}

static int remove_trace(void **state)
{
	(void)state;
	return unlink(path);
}

/* Sums up the flame graph of what passes the options; fills in the graph's number of frames. */
static uint64_t flame_total(struct analyze_options *o, uint64_t *n_frames)
{
	static const struct analyzer *const list[] = { &analyzer_flame };
	const char *files[] = { path };
	struct report report;
	struct err err = { "" };
	struct pass *pass;
	uint64_t total = 0;

	o->files = files;
	o->n_files = 1;
	pass = pass_new(list, 1, o);
	report_init(&report, "test", "");
	assert_int_equal(pass_run(pass, &report, &err), 0);
	for (uint32_t i = 0; i < report.n_sections; i++) {
		if (report.sections[i].kind == SECTION_TREE) {
			total += report.sections[i].tree->nodes[0].total;
			if (n_frames)
				*n_frames = report.sections[i].tree->n_nodes;
		}
	}
	report_done(&report);
	pass_free(pass);
	return total;
}

static struct analyze_options no_options(void)
{
	struct analyze_options o = { 0 };

	filter_init(&o.filter);
	return o;
}

static void every_sample_is_in_the_graph(void **state)
{
	struct analyze_options o = no_options();
	uint64_t n_frames = 0;

	(void)state;
	assert_int_equal(flame_total(&o, &n_frames), 1000);
	assert_int_equal(n_frames, 4); /* all, the thread, main, and what has no name */
	filter_done(&o.filter);
}

static void filters_let_through_what_they_say(void **state)
{
	static const struct {
		const char *window, *tids, *cpus, *comm;
		uint64_t total;
	} cases[] = {
		{ NULL, "7", NULL, NULL, 334 },
		{ NULL, "8,9", NULL, NULL, 666 },
		{ NULL, NULL, "1", NULL, 500 },
		{ NULL, "7", "0", NULL, 167 },
		{ NULL, "70", NULL, NULL, 0 },
		{ NULL, NULL, NULL, "work*", 1000 },
		{ NULL, NULL, NULL, "workers", 0 },
		/* Time counts from the first event, 99 ns before the first sample; one each 1000 ns. */
		{ "..100us", NULL, NULL, NULL, 100 },
		{ "100us..300us", NULL, "1", NULL, 100 },
		{ "1s..", NULL, NULL, NULL, 0 },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		struct analyze_options o = no_options();

		if (cases[i].window)
			assert_int_equal(filter_window(&o.filter, cases[i].window, &err), 0);
		if (cases[i].tids)
			assert_int_equal(filter_ids(&o.filter.tids, cases[i].tids, &err), 0);
		if (cases[i].cpus)
			assert_int_equal(filter_ids(&o.filter.cpus, cases[i].cpus, &err), 0);
		if (cases[i].comm)
			filter_comm(&o.filter, cases[i].comm);
		assert_int_equal(flame_total(&o, NULL), cases[i].total);
		filter_done(&o.filter);
	}
}

/* A field of the events instead of their number. */
static void weights_are_summed(void **state)
{
	struct analyze_options o = no_options();

	(void)state;
	o.weight = "period"; /* 1 each */
	assert_int_equal(flame_total(&o, NULL), 1000);
	o.weight = "cpu"; /* 0 and 1 in turn */
	assert_int_equal(flame_total(&o, NULL), 500);
	filter_done(&o.filter);
}

/* ---- losses ---- */

/* A trace may say so of any number of events; what is told is bounded, and no count goes missing. */
static void losses_of_very_many_kinds_stay_readable(void **state)
{
	const struct table *losses;
	struct analysis a = { 0 };
	struct story s = { 0 };
	uint64_t sum = 0;
	int type;

	(void)state;
	story_begin(&s);
	type = writer_type(s.w, &event_lost, NULL);
	for (unsigned i = 0; i < 20011; i++) {
		char name[32];
		struct lost e = { .time = i + 1, .reason = LOST_RING_FULL, .lost = 3 };

		snprintf(name, sizeof(name), "kind %u", i);
		e.event = story_string(&s, name);
		writer_add(s.w, s.stream, type, &e);
	}
	story_end(&s);
	analysis_run(&a, &analyzer_info, &s);
	assert_true(analysis_notes(&a, "kind 0"));
	assert_true(analysis_notes(&a, "and others were lost"));
	assert_false(analysis_notes(&a, "kind 100"));
	losses = analysis_table(&a, "losses");
	assert_in_range(losses->n_rows, 100, 1009);
	for (uint32_t i = 0; i < losses->n_rows; i++)
		sum += losses->cells[losses->n_columns * i + 1].count;
	assert_int_equal(sum, 3 * 20011);
	analysis_done(&a);
	story_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read_as_people_write_them),
		cmocka_unit_test(windows_have_two_ends_or_one),
		cmocka_unit_test(lists_of_ids_may_have_ranges),
		cmocka_unit_test(every_part_takes_all_batches_in_order),
		cmocka_unit_test(every_sample_is_in_the_graph),
		cmocka_unit_test(filters_let_through_what_they_say),
		cmocka_unit_test(weights_are_summed),
		cmocka_unit_test(losses_of_very_many_kinds_stay_readable),
	};

	return cmocka_run_group_tests(tests, write_trace, remove_trace);
}
