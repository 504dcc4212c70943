/* Following threads through switches and wake-ups: a history that was made up, whose sums are known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/pass.h"
#include "gen/events.h"
#include "render/tree.h"
#include "specs/events/sched.h"
#include "tests/unit/support.h"

#define MS    1000000ULL
#define START (100 * MS)

enum { PING = 11, PONG = 12, IDLE = 0 };

/* A trace that is being made up. */
struct story {
	struct writer *w;
	struct sink *sink;
	int switch_type, wakeup_type;
	uint32_t stream, comms[20];
	uint32_t blocked, waking; /* stacks */
	char path[64];
};

static uint32_t one_frame(struct writer *w, const char *name, uint64_t address)
{
	struct mapping m = { .kind = MAPPING_KERNEL };
	uint32_t frame = writer_frame(w, writer_mapping(w, &m), address, NULL);
	struct dict_symbol s = { .frame = frame };

	s.name = writer_string(w, name, strlen(name));
	writer_symbol(w, &s);
	return writer_stack(w, writer_stack_root(w, STACK_KERNEL), frame);
}

static void begin(struct story *s)
{
	s->sink = memory_trace(&s->w);
	s->switch_type = writer_type(s->w, &event_sched_switch, NULL);
	s->wakeup_type = writer_type(s->w, &event_sched_wakeup, NULL);
	s->stream = writer_stream(s->w, "bpf", 0, 0);
	s->comms[IDLE] = writer_string(s->w, "swapper", 7);
	s->comms[PING] = writer_string(s->w, "ping", 4);
	s->comms[PONG] = writer_string(s->w, "pong", 4);
	s->blocked = one_frame(s->w, "futex_wait", 0x1000);
	s->waking = one_frame(s->w, "futex_wake", 0x2000);
}

static void switches(struct story *s, uint64_t ms, uint32_t from, enum sched_state state,
	uint32_t to)
{
	struct sched_switch e = { .time = START + ms * MS,
		.cpu = 3,
		.pid = from,
		.tid = from,
		.comm = s->comms[from],
		.state = state,
		.prio = 120,
		.next_pid = to,
		.next_tid = to,
		.next_comm = s->comms[to],
		.next_prio = 120,
		.stack = state == SCHED_STATE_RUNNABLE ? 0 : s->blocked,
		.recorded = 3 };

	writer_add(s->w, s->stream, s->switch_type, &e);
}

static void wakes(struct story *s, uint64_t ms, uint32_t waker, uint32_t woken)
{
	struct sched_wakeup e = { .time = START + ms * MS,
		.cpu = 3,
		.pid = woken,
		.tid = woken,
		.comm = s->comms[woken],
		.prio = 120,
		.target_cpu = 3,
		.waker_pid = waker,
		.waker_tid = waker,
		.waker_comm = s->comms[waker],
		.stack = s->waking };

	writer_add(s->w, s->stream, s->wakeup_type, &e);
}

static void end(struct story *s)
{
	size_t len;
	uint8_t *bytes = finish_trace(s->w, s->sink, &len);
	int fd;

	snprintf(s->path, sizeof(s->path), "/tmp/test_sched-XXXXXX");
	fd = mkstemp(s->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	free(bytes);
}

/* ping runs 0..10, is blocked until pong wakes it at 30, waits until 37 behind pong, which is preempted and
 * waits 37..50, and both are gone at 60. */
static void tell(struct story *s)
{
	begin(s);
	switches(s, 0, IDLE, SCHED_STATE_RUNNABLE, PING);
	wakes(s, 5, PING, PONG);
	switches(s, 10, PING, SCHED_STATE_SLEEPING, PONG);
	wakes(s, 30, PONG, PING);
	switches(s, 37, PONG, SCHED_STATE_RUNNABLE, PING);
	switches(s, 50, PING, SCHED_STATE_DISK, PONG);
	switches(s, 60, PONG, SCHED_STATE_DEAD, IDLE);
	end(s);
}

struct run {
	struct report report;
	struct pass *pass;
	struct analyze_options options;
	const char *files[1];
	const struct analyzer *list[1]; /* the pass borrows it */
};

static void run(struct run *r, const struct analyzer *a, const char *path)
{
	struct err err = { "" };

	memset(r, 0, sizeof(*r));
	filter_init(&r->options.filter);
	r->files[0] = path;
	r->options.files = r->files;
	r->options.n_files = 1;
	report_init(&r->report, a->title, "");
	r->list[0] = a;
	r->pass = pass_new(r->list, 1, &r->options);
	if (pass_run(r->pass, &r->report, &err))
		fail_msg("%s", err.text);
}

static void run_done(struct run *r)
{
	report_done(&r->report);
	pass_free(r->pass);
	filter_done(&r->options.filter);
}

static const struct section *section(const struct run *r, const char *id)
{
	for (uint32_t i = 0; i < r->report.n_sections; i++)
		if (strcmp(r->report.sections[i].id, id) == 0)
			return &r->report.sections[i];
	fail_msg("no section %s", id);
	return NULL;
}

/* The cell of a column, in the row whose first cell is this text (NULL: the first row). */
static const union cell *cell(const struct run *r, const char *id, const char *first,
	const char *column)
{
	const struct table *t = section(r, id)->table;

	for (uint32_t row = 0; row < t->n_rows; row++) {
		const union cell *cells = t->cells + (size_t)row * t->n_columns;

		if (first && strcmp(cells[0].text, first) != 0)
			continue;
		for (uint32_t i = 0; i < t->n_columns; i++)
			if (strcmp(t->columns[i].name, column) == 0)
				return &cells[i];
	}
	fail_msg("no %s of %s in %s", column, first, id);
	return NULL;
}

static void waits_and_runs_are_those_of_the_story(void **state)
{
	struct story s;
	struct run r;

	(void)state;
	tell(&s);
	run(&r, &analyzer_sched, s.path);
	/* ping: 0..10 and 37..50; pong: 10..37 and 50..60 */
	assert_int_equal(cell(&r, "threads", "ping", "run")->count, 23 * MS);
	assert_int_equal(cell(&r, "threads", "pong", "run")->count, 37 * MS);
	/* ping: 30..37; pong: 5..10 and 37..50 */
	assert_int_equal(cell(&r, "threads", "ping", "wait")->count, 7 * MS);
	assert_int_equal(cell(&r, "threads", "pong", "wait")->count, 18 * MS);
	assert_int_equal(cell(&r, "threads", "pong", "waits")->count, 2);
	assert_int_equal(cell(&r, "threads", "ping", "sleep")->count, 20 * MS);
	assert_int_equal(cell(&r, "threads", "ping", "voluntary")->count, 2);
	assert_int_equal(cell(&r, "threads", "pong", "involuntary")->count, 1);
	assert_int_equal(cell(&r, "latency", NULL, "waits")->count, 3);
	assert_int_equal(cell(&r, "latency", NULL, "max")->count, 13 * MS);
	assert_int_equal(cell(&r, "cpus", NULL, "run")->count, 60 * MS);
	run_done(&r);
	unlink(s.path);
}

static void the_longest_wait_tells_who_ran_and_who_woke(void **state)
{
	struct story s;
	struct run r;

	(void)state;
	tell(&s);
	run(&r, &analyzer_sched, s.path);
	assert_int_equal(cell(&r, "worst", NULL, "latency")->count, 13 * MS);
	assert_string_equal(cell(&r, "worst", NULL, "comm")->text, "pong");
	assert_string_equal(cell(&r, "worst", NULL, "ran")->text, "ping");
	assert_int_equal(cell(&r, "worst", NULL, "ran_ns")->count, 13 * MS);
	assert_string_equal(cell(&r, "worst", NULL, "woken_by")->text, "(preempted)");
	assert_string_equal(cell(&r, "wakers", "ping", "woken")->text, "pong");
	run_done(&r);
	unlink(s.path);
}

/* The weight of a path of names from the root; 0 if it is not there. */
static uint64_t weight(const struct tree *t, const char *const *path)
{
	uint32_t node = 0;

	for (; *path; path++) {
		uint32_t child = t->nodes[node].first_child;

		while (child && strcmp(tree_frame_of(t, child)->name, *path) != 0)
			child = t->nodes[child].next;
		if (!child)
			return 0;
		node = child;
	}
	return t->nodes[node].total;
}

static void a_blocked_stack_carries_its_waker_upside_down(void **state)
{
	static const char *const blocked[] = { "ping", "[lock]", "futex_wait", "--", "futex_wake",
		"pong", NULL };
	static const char *const hops[] = { "ping", "[lock]", "futex_wait", "--", "futex_wake",
		"pong", "--", NULL };
	static const char *const waiting[] = { "ping", "[waiting for a CPU]", "futex_wait", NULL };
	static const char *const preempted[] = { "pong", "[waiting for a CPU]", NULL };
	const struct tree *t;
	struct story s;
	struct run r;

	(void)state;
	tell(&s);
	run(&r, &analyzer_offcpu, s.path);
	t = section(&r, "flame")->tree;
	assert_int_equal(weight(t, blocked), 20 * MS);
	assert_int_equal(weight(t, hops), 0); /* pong was woken before ping left */
	assert_int_equal(weight(t, waiting), 7 * MS);
	assert_int_equal(weight(t, preempted), 13 * MS);
	run_done(&r);
	unlink(s.path);
}

/* ping sleeps from 1; an interrupt wakes pong at 10, pong wakes ping at 20. */
static void a_waker_that_was_woken_meanwhile_is_followed(void **state)
{
	static const char *const chain[] = { "ping", "[lock]", "futex_wait", "--", "futex_wake",
		"pong", "--", "futex_wake", "[interrupt]", NULL };
	struct story s;
	struct run r;

	(void)state;
	begin(&s);
	switches(&s, 0, IDLE, SCHED_STATE_RUNNABLE, PONG);
	switches(&s, 0, PONG, SCHED_STATE_SLEEPING, PING);
	switches(&s, 1, PING, SCHED_STATE_SLEEPING, IDLE);
	wakes(&s, 10, IDLE, PONG);
	switches(&s, 11, IDLE, SCHED_STATE_RUNNABLE, PONG);
	wakes(&s, 20, PONG, PING);
	switches(&s, 21, PONG, SCHED_STATE_SLEEPING, PING);
	end(&s);
	run(&r, &analyzer_offcpu, s.path);
	assert_int_equal(weight(section(&r, "flame")->tree, chain), 19 * MS);
	run_done(&r);
	unlink(s.path);
}

/* Whatever a trace says, time does not run backwards and nothing is followed out of bounds. */
static void nonsense_is_survived(void **state)
{
	static const struct analyzer *const both[] = { &analyzer_sched, &analyzer_offcpu };
	uint64_t seed = 20011;
	struct story s;
	struct run r;

	(void)state;
	begin(&s);
	for (int i = 0; i < 20011; i++) {
		static const uint32_t tids[] = { IDLE, PING, PONG };
		uint32_t a = tids[random_u64(&seed) % 3], b = tids[random_u64(&seed) % 3];

		if (random_u64(&seed) % 3)
			switches(&s, (uint64_t)i, a, (enum sched_state)(random_u64(&seed) % 20), b);
		else
			wakes(&s, (uint64_t)i, a, b);
	}
	end(&s);
	for (int i = 0; i < 2; i++) {
		run(&r, both[i], s.path);
		assert_true(r.report.n_sections > 0);
		run_done(&r);
	}
	unlink(s.path);
}

static void a_trace_without_switches_says_what_would_record_them(void **state)
{
	struct story s;
	struct run r;

	(void)state;
	begin(&s);
	end(&s);
	run(&r, &analyzer_sched, s.path);
	assert_int_equal(r.report.n_sections, 0);
	assert_non_null(strstr(r.report.notes[r.report.n_notes - 1].text, "rec sched"));
	run_done(&r);
	unlink(s.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_and_runs_are_those_of_the_story),
		cmocka_unit_test(the_longest_wait_tells_who_ran_and_who_woke),
		cmocka_unit_test(a_blocked_stack_carries_its_waker_upside_down),
		cmocka_unit_test(a_waker_that_was_woken_meanwhile_is_followed),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(a_trace_without_switches_says_what_would_record_them),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
