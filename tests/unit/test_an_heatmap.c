/* `ana heatmap` over traces made here: which events it chooses, and that every one is counted once, in
 * the picture and in the stacks behind it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/pass.h"
#include "gen/events.h"
#include "render/heatmap.h"
#include "render/tree.h"
#include "specs/events/cpu.h"
#include "tests/unit/support.h"

enum { N_IO = 997, N_SAMPLES = 5003 };

#define SECOND UINT64_C(1000000000)
#define START  UINT64_C(1000000000) /* of traces in memory */

/* ---- the trace ---- */

struct disk_io {
	uint64_t time, queued, latency, address;
	int64_t drift;
	uint32_t pid, comm, stack, weight;
};

#define FIELD(member, t, u, ...) \
	{ \
		.name = #member, .doc = "", .unit = u, .type = (t), \
		.offset = offsetof(struct disk_io, member), \
		.size = sizeof(((struct disk_io *)0)->member), __VA_ARGS__ \
	}

static const struct field io_fields[] = {
	FIELD(time, FIELD_U64, "ns"),
	FIELD(queued, FIELD_U64, "ns"),
	FIELD(latency, FIELD_U64, "ns"),
	FIELD(address, FIELD_U64, "", .show = SHOW_HEX),
	FIELD(drift, FIELD_S64, ""),
	FIELD(pid, FIELD_U32, ""),
	FIELD(comm, FIELD_STRING, ""),
	FIELD(stack, FIELD_STACK, ""),
	FIELD(weight, FIELD_U32, ""),
};
static const struct event_type type_io = { "disk_io", "", io_fields, 9, sizeof(struct disk_io) };
static const struct event_type type_mark = { "mark", "", io_fields, 1, sizeof(struct disk_io) };
static const struct event_type type_never = { "never", "", io_fields, 3, sizeof(struct disk_io) };

struct made {
	struct writer *w;
	struct sink *sink;
	uint32_t comm, stream, stacks[7];
};

static void make_stacks(struct made *m)
{
	struct mapping file = { .kind = MAPPING_FILE, .path = writer_string(m->w, "/bin/db", 7) };
	uint32_t mapping = writer_mapping(m->w, &file), root;

	root = writer_stack_root(m->w, STACK_USER_FP);
	for (uint32_t i = 0; i < 7; i++) {
		uint32_t frame = writer_frame(m->w, mapping, 0x1000 + i * 16, NULL);
		char name[8];

		snprintf(name, sizeof(name), "f%u", i);
		writer_symbol(m->w,
			&(struct dict_symbol){ .frame = frame,
				.name = writer_string(m->w, name, 2) });
		m->stacks[i] = writer_stack(m->w, root, frame);
	}
}

static void add_ios(struct made *m, uint64_t apart_ns)
{
	int type = writer_type(m->w, &type_io, NULL), mark = writer_type(m->w, &type_mark, NULL);
	uint64_t random = 99;

	writer_type(m->w, &type_never, NULL);
	for (uint32_t i = 0; i < N_IO; i++) {
		struct disk_io io = { .time = START + i * apart_ns,
			.latency = 1000 + (random_u64(&random) >> 44),
			.queued = 7,
			.address = 0x7f0000000000 + i * 4096,
			.drift = i % 10 ? (int64_t)i : -(int64_t)i,
			.pid = 7,
			.comm = m->comm,
			.stack = m->stacks[i % 7],
			.weight = 1 + i % 3 };

		writer_add(m->w, m->stream, type, &io);
		if (i < 3)
			writer_add(m->w, m->stream, mark, &io);
	}
}

/* 1000 a second in all: CPU 0 is always busy, CPU 1 a quarter of the time. */
static void add_samples(struct made *m, const char *event)
{
	int type = writer_type(m->w, &event_cpu_sample, NULL);
	uint32_t name = writer_string(m->w, event, strlen(event));

	for (uint32_t i = 0; i < N_SAMPLES; i++) {
		struct cpu_sample s = { .time = START + i / 5 * 4 * (SECOND / 1000) +
				(i % 5 < 4 ? i % 5 * (SECOND / 1000) : 1),
			.cpu = i % 5 == 4,
			.pid = 7,
			.tid = 7,
			.comm = m->comm,
			.event = name,
			.stack = m->stacks[i % 7],
			.weight = 1 };

		writer_add(m->w, m->stream, type, &s);
	}
	writer_info(m->w, "source.cpu.frequency", "1000");
}

static void made_init(struct made *m)
{
	m->sink = memory_trace(&m->w);
	m->stream = writer_stream(m->w, "cpu", 0, 0);
	m->comm = writer_string(m->w, "db<b>", 5);
	make_stacks(m);
}

static char path[64];

static void save(struct made *m, unsigned times)
{
	size_t len;
	uint8_t *bytes = finish_trace(m->w, m->sink, &len);
	int fd;

	snprintf(path, sizeof(path), "/tmp/test_an_heatmap-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	while (times--)
		assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	free(bytes);
}

/* ---- analyses ---- */

static struct pass *pass;
static struct report report;

static int run(const struct analyze_options *wanted, struct err *err)
{
	static const struct analyzer *const list[] = { &analyzer_heatmap };
	static const char *files[] = { path };
	static struct analyze_options o;

	o = *wanted;
	filter_init(&o.filter);
	o.files = files;
	o.n_files = 1;
	pass = pass_new(list, 1, &o);
	report_init(&report, "test", "");
	return pass_run(pass, &report, err);
}

static void finish(void)
{
	report_done(&report);
	pass_free(pass);
}

static const struct heatmap *map_of(const char *id)
{
	for (uint32_t i = 0; i < report.n_sections; i++)
		if (strcmp(report.sections[i].id, id) == 0)
			return report.sections[i].heatmap;
	return NULL;
}

static bool is_noted(const char *text)
{
	for (uint32_t i = 0; i < report.n_notes; i++)
		if (strstr(report.notes[i].text, text))
			return true;
	return false;
}

static uint64_t sum_of(const struct heatmap *h)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < (size_t)h->x.n * h->y.n; i++)
		sum += h->cells[i];
	return sum;
}

/* What the stacks say of a cell is what the cell says. */
static void check_stacks(const struct heatmap *h)
{
	size_t n = (size_t)h->x.n * h->y.n;
	uint64_t *sums = calloc(n, sizeof(*sums));

	assert_non_null(h->flame);
	for (size_t i = 0; i < h->flame->n; i++) {
		const struct heat_weight *w = &h->flame->weights[i];

		assert_true(w->cell < n && w->node < h->flame->tree->n_nodes);
		sums[w->cell] += w->weight;
	}
	assert_memory_equal(sums, h->cells, n * sizeof(*sums));
	assert_int_equal(h->flame->tree->nodes[0].total, sum_of(h));
	free(sums);
}

/* ---- tests ---- */

static void all_durations_and_samples_are_shown_by_default(void **state)
{
	struct made m;
	struct err err;
	uint64_t weights = 0;

	made_init(&m);
	add_samples(&m, "cycles");
	add_ios(&m, 4000000);
	save(&m, 1);
	for (uint32_t i = 0; i < N_IO; i++)
		weights += 1 + i % 3;
	assert_int_equal(run(&(struct analyze_options){ 0 }, &err), 0);
	assert_int_equal(report.n_sections, 3);
	assert_string_equal(report.sections[0].id, "cpu_sample"); /* there are most of them */
	assert_int_equal(sum_of(map_of("cpu_sample")), N_SAMPLES);
	assert_int_equal(map_of("cpu_sample")->x.n, 5);
	assert_int_equal(map_of("cpu_sample")->y.n, 50);
	assert_true(map_of("cpu_sample")->flame->range);
	check_stacks(map_of("cpu_sample"));
	assert_int_equal(sum_of(map_of("disk_io")), weights);
	assert_string_equal(map_of("disk_io")->y.title, "latency");
	assert_true(!map_of("disk_io")->flame->range);
	check_stacks(map_of("disk_io"));
	finish();
	unlink(path);
}

static void stacks_follow_cells_that_become_wider(void **state)
{
	struct err err;

	for (uint64_t apart = 1000; apart < 1000 * SECOND; apart *= 31) {
		struct made m;

		made_init(&m);
		add_ios(&m, apart);
		save(&m, 1);
		for (int field = 0; field < 2; field++) {
			struct analyze_options o = { .event = "disk_io",
				.field = field ? "address" : NULL };

			assert_int_equal(run(&o, &err), 0);
			assert_in_range(map_of("disk_io")->x.n, 1, HEAT_COLUMNS);
			check_stacks(map_of("disk_io"));
			finish();
		}
		unlink(path);
	}
}

static void several_segments_are_added_up(void **state)
{
	struct made m;
	struct err err;

	made_init(&m);
	add_samples(&m, "cycles");
	save(&m, 3);
	assert_int_equal(run(&(struct analyze_options){ 0 }, &err), 0);
	assert_int_equal(sum_of(map_of("cpu_sample")), 3 * N_SAMPLES);
	assert_int_equal(map_of("cpu_sample")->flame->tree->n_nodes, 2 + 7);
	check_stacks(map_of("cpu_sample"));
	finish();
	unlink(path);
}

static void busy_cpus_are_known_from_the_rate(void **state)
{
	const struct heatmap *h;
	struct made m;
	struct err err;

	made_init(&m);
	add_samples(&m, "cpu-clock");
	save(&m, 1);
	assert_int_equal(run(&(struct analyze_options){ 0 }, &err), 0);
	h = map_of("cpu_busy");
	assert_int_equal(h->y.n, 2);
	assert_int_equal(h->full, 16000000); /* the first width in which ten samples fit */
	for (uint32_t i = 0; i + 1 < h->x.n; i++) {
		assert_int_equal(heatmap_cell(h, i, 0), h->full);
		assert_int_equal(heatmap_cell(h, i, 1), h->full / 4);
	}
	finish();
	unlink(path);
	made_init(&m);
	add_samples(&m, "page-faults");
	save(&m, 1);
	assert_int_equal(run(&(struct analyze_options){ 0 }, &err), 0);
	assert_null(map_of("cpu_busy"));
	assert_int_equal(sum_of(map_of("cpu_sample")), N_SAMPLES);
	finish();
	unlink(path);
}

static void samples_by_other_events_are_kept_apart(void **state)
{
	struct made m;
	struct err err;

	made_init(&m);
	add_samples(&m, "page-faults");
	add_samples(&m, "cycles");
	save(&m, 1);
	assert_int_equal(run(&(struct analyze_options){ 0 }, &err), 0);
	assert_int_equal(sum_of(map_of("cpu_sample")), N_SAMPLES);
	assert_true(is_noted("Shown are samples by cycles; there are also 5003 by page-faults"));
	finish();
	assert_int_equal(run(&(struct analyze_options){ .event = "page-faults" }, &err), 0);
	assert_int_equal(sum_of(map_of("cpu_sample")), N_SAMPLES);
	assert_false(is_noted("Shown are"));
	finish();
	unlink(path);
}

static void any_number_of_an_event_will_do(void **state)
{
	struct analyze_options o = { .event = "disk_io", .field = "drift" };
	const struct heatmap *h;
	struct made m;
	struct err err;

	made_init(&m);
	add_ios(&m, 1000000);
	save(&m, 1);
	assert_int_equal(run(&o, &err), 0);
	h = map_of("disk_io");
	assert_int_equal(h->y.kind, CELL_COUNT);
	assert_int_equal(h->y.edges[0], 0);
	/* 0 is not negative; every tenth other one is. */
	assert_true(is_noted("99 values of disk_io.drift are negative and not shown."));
	finish();
	o.field = "address";
	assert_int_equal(run(&o, &err), 0);
	h = map_of("disk_io");
	assert_int_equal(h->y.kind, CELL_HEX);
	assert_int_equal(h->y.edges[0], 0x7f0000000000);
	assert_int_equal(h->y.edges[1] - h->y.edges[0], 16 * 4096);
	finish();
	o.field = NULL;
	o.offset_in_second = true;
	assert_int_equal(run(&o, &err), 0);
	h = map_of("disk_io");
	assert_int_equal(h->y.n, 50);
	assert_int_equal(h->x.n, 1);
	assert_true(heatmap_cell(h, 0, 0) > 0 && heatmap_cell(h, 0, 49) > 0);
	finish();
	o.event = NULL; /* the most frequent */
	assert_int_equal(run(&o, &err), 0);
	assert_non_null(map_of("disk_io"));
	assert_int_equal(report.n_sections, 1);
	finish();
	unlink(path);
}

static void a_wrong_choice_is_answered_with_what_there_is(void **state)
{
	static const struct {
		const char *event, *field, *answer;
	} cases[] = {
		{ "foo", NULL, "disk_io.queued, disk_io.latency, never.queued, never.latency" },
		{ "disk_io", "foo",
			"disk_io has no number 'foo'; it has: queued, latency, address, drift, pid, weight" },
		{ "disk_io", "comm", "disk_io has no number 'comm'" },
		{ "disk_io", "time", "disk_io has no number 'time'" },
		{ "mark", NULL, "mark has no number to show over time; --offset-in-second" },
		{ NULL, "foo",
			"no event of this trace has a number 'foo'; durations are: disk_io.queued" },
	};
	struct made m;

	made_init(&m);
	add_ios(&m, 1000000);
	save(&m, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct analyze_options o = { .event = cases[i].event, .field = cases[i].field };
		struct err err = { "" };

		assert_true(run(&o, &err) < 0);
		if (!strstr(err.text, cases[i].answer))
			fail_msg("'%s' does not say '%s'", err.text, cases[i].answer);
		finish();
	}
	unlink(path);
}

static void long_traces_lay_seconds_over_each_other_and_say_so(void **state)
{
	struct analyze_options o = { .event = "mark", .offset_in_second = true };
	struct made m;
	struct err err;

	made_init(&m);
	add_ios(&m, 400 * SECOND);
	save(&m, 1);
	assert_int_equal(run(&o, &err), 0);
	assert_int_equal(sum_of(map_of("mark")), 3);
	assert_true(is_noted("Each column shows 4 seconds"));
	finish();
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_durations_and_samples_are_shown_by_default),
		cmocka_unit_test(stacks_follow_cells_that_become_wider),
		cmocka_unit_test(several_segments_are_added_up),
		cmocka_unit_test(busy_cpus_are_known_from_the_rate),
		cmocka_unit_test(samples_by_other_events_are_kept_apart),
		cmocka_unit_test(any_number_of_an_event_will_do),
		cmocka_unit_test(a_wrong_choice_is_answered_with_what_there_is),
		cmocka_unit_test(long_traces_lay_seconds_over_each_other_and_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
