/* Following threads through switches and wake-ups: a history that was made up, whose sums are known. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/events.h"
#include "record/sched_waking.h"
#include "render/timeline.h"
#include "render/tree.h"
#include "specs/events/block.h"
#include "specs/events/sched.h"
#include "specs/events/syscall.h"
#include "tests/unit/analysis.h"

#define MS    1000000ULL
#define START (1100 * MS)

enum { PING = 11, PONG = 12, IDLE = 0 };

/* Switches and wake-ups of two threads. */
struct ping_pong {
	struct story story;
	int switch_type, wakeup_type;
	uint32_t comms[20];
	uint32_t blocked, waking; /* stacks */
};

static uint32_t kernel_stack(struct ping_pong *s, const char *name, uint64_t address)
{
	struct mapping m = { .kind = MAPPING_KERNEL };

	return story_stack(&s->story, writer_stack_root(s->story.w, STACK_KERNEL),
		writer_mapping(s->story.w, &m), address, name);
}

static void begin(struct ping_pong *s)
{
	story_begin(&s->story);
	s->switch_type = writer_type(s->story.w, &event_sched_switch, NULL);
	s->wakeup_type = writer_type(s->story.w, &event_sched_wakeup, NULL);
	s->comms[IDLE] = story_string(&s->story, "swapper");
	s->comms[PING] = story_string(&s->story, "ping");
	s->comms[PONG] = story_string(&s->story, "pong");
	s->blocked = kernel_stack(s, "futex_wait", 0x1000);
	s->waking = kernel_stack(s, "futex_wake", 0x2000);
}

static void switches(struct ping_pong *s, uint64_t ms, uint32_t from, enum sched_state state,
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

	writer_add(s->story.w, s->story.stream, s->switch_type, &e);
}

static void wakes(struct ping_pong *s, uint64_t ms, uint32_t waker, uint32_t woken)
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

	writer_add(s->story.w, s->story.stream, s->wakeup_type, &e);
}

/* ping runs 0..10, is blocked until pong wakes it at 30, waits until 37 behind pong, which is preempted and
 * waits 37..50, and both are gone at 60. */
static void tell(struct ping_pong *s)
{
	begin(s);
	switches(s, 0, IDLE, SCHED_STATE_RUNNABLE, PING);
	wakes(s, 5, PING, PONG);
	switches(s, 10, PING, SCHED_STATE_SLEEPING, PONG);
	wakes(s, 30, PONG, PING);
	switches(s, 37, PONG, SCHED_STATE_RUNNABLE, PING);
	switches(s, 50, PING, SCHED_STATE_DISK, PONG);
	switches(s, 60, PONG, SCHED_STATE_DEAD, IDLE);
	story_end(&s->story);
}

static void waits_and_runs_are_those_of_the_story(void **state)
{
	struct ping_pong s;
	struct analysis r = { 0 };

	(void)state;
	tell(&s);
	analysis_run(&r, &analyzer_sched, &s.story);
	/* ping: 0..10 and 37..50; pong: 10..37 and 50..60 */
	assert_int_equal(analysis_cell(&r, "threads", NULL, "ping", "run")->count, 23 * MS);
	assert_int_equal(analysis_cell(&r, "threads", NULL, "pong", "run")->count, 37 * MS);
	/* ping: 30..37; pong: 5..10 and 37..50 */
	assert_int_equal(analysis_cell(&r, "threads", NULL, "ping", "wait")->count, 7 * MS);
	assert_int_equal(analysis_cell(&r, "threads", NULL, "pong", "wait")->count, 18 * MS);
	assert_int_equal(analysis_cell(&r, "threads", NULL, "pong", "waits")->count, 2);
	assert_int_equal(analysis_cell(&r, "threads", NULL, "ping", "sleep")->count, 20 * MS);
	assert_int_equal(analysis_cell(&r, "threads", NULL, "ping", "voluntary")->count, 2);
	assert_int_equal(analysis_cell(&r, "threads", NULL, "pong", "involuntary")->count, 1);
	assert_int_equal(analysis_cell(&r, "latency", NULL, NULL, "waits")->count, 3);
	assert_int_equal(analysis_cell(&r, "latency", NULL, NULL, "max")->count, 13 * MS);
	assert_int_equal(analysis_cell(&r, "cpus", NULL, NULL, "run")->count, 60 * MS);
	analysis_done(&r);
	story_done(&s.story);
}

static void the_longest_wait_tells_who_ran_and_who_woke(void **state)
{
	struct ping_pong s;
	struct analysis r = { 0 };

	(void)state;
	tell(&s);
	analysis_run(&r, &analyzer_sched, &s.story);
	assert_int_equal(analysis_cell(&r, "worst", NULL, NULL, "latency")->count, 13 * MS);
	assert_string_equal(analysis_cell(&r, "worst", NULL, NULL, "comm")->text, "pong");
	assert_string_equal(analysis_cell(&r, "worst", NULL, NULL, "ran")->text, "ping");
	assert_int_equal(analysis_cell(&r, "worst", NULL, NULL, "ran_ns")->count, 13 * MS);
	assert_string_equal(analysis_cell(&r, "worst", NULL, NULL, "woken_by")->text,
		"(preempted)");
	assert_string_equal(analysis_cell(&r, "wakers", NULL, "ping", "woken")->text, "pong");
	analysis_done(&r);
	story_done(&s.story);
}

/* ---- the same story as a timeline ---- */

static const struct timeline_lane *lane_of(const struct timeline *t, const char *thread,
	const char *title)
{
	for (uint32_t i = 0; i < t->n_lanes; i++) {
		const struct timeline_lane *l = &t->lanes[i];

		if (strcmp(l->title, title) == 0 &&
			(!thread || (l->thread && !strcmp(t->threads[l->thread - 1].name, thread))))
			return l;
	}
	fail_msg("no lane %s of %s", title, thread ? thread : "a CPU");
	return NULL;
}

static void check_piece(const struct timeline *t, const struct timeline_lane *l, uint32_t i,
	const char *name, uint64_t from_ms, uint64_t to_ms)
{
	assert_true(i < l->n);
	assert_string_equal(t->names[l->items[i].name].text, name);
	assert_int_equal(l->items[i].from_ns - l->items[0].from_ns, from_ms * MS);
	assert_int_equal(l->items[i].to_ns - l->items[0].from_ns, to_ms * MS);
	assert_int_equal(l->items[i].count, 1);
}

static const char *thread_name(const struct timeline *t, uint32_t number)
{
	return number ? t->threads[number - 1].name : "nobody";
}

static void a_timeline_has_every_state_and_who_is_behind_it(void **state)
{
	const struct timeline_lane *ping, *pong, *cpu;
	const struct timeline *t;
	struct ping_pong s;
	struct analysis r = { 0 };

	(void)state;
	tell(&s);
	analysis_run(&r, &analyzer_timeline, &s.story);
	t = analysis_section(&r, "timeline")->timeline;
	ping = lane_of(t, "ping", "");
	check_piece(t, ping, 0, "running", 0, 10);
	check_piece(t, ping, 1, "sleeping", 10, 30);
	check_piece(t, ping, 2, "waiting for a CPU", 30, 37);
	check_piece(t, ping, 3, "running", 37, 50);
	check_piece(t, ping, 4, "uninterruptible", 50, 60); /* until the end of the trace */
	assert_int_equal(ping->n, 5);
	assert_int_equal(ping->items[0].value, 3);
	assert_string_equal(thread_name(t, ping->items[1].who), "pong");
	assert_string_equal(tree_frame_of(t->tree, t->node_of[ping->items[1].stack])->name,
		"futex_wait");
	assert_string_equal(tree_frame_of(t->tree, t->node_of[ping->items[1].stack_2])->name,
		"futex_wake");
	assert_string_equal(thread_name(t, ping->items[2].behind), "pong");
	pong = lane_of(t, "pong", "");
	check_piece(t, pong, 0, "waiting for a CPU", 0, 5);
	check_piece(t, pong, 2, "waiting for a CPU", 32, 45);
	assert_string_equal(thread_name(t, pong->items[2].behind), "ping");
	cpu = lane_of(t, NULL, "CPU 3");
	check_piece(t, cpu, 0, "ping 11", 0, 10);
	check_piece(t, cpu, 1, "pong 12", 10, 37);
	assert_int_equal(cpu->n, 4);
	analysis_done(&r);
	story_done(&s.story);
}

static void calls_and_requests_have_lanes_of_their_own(void **state)
{
	const struct timeline_lane *calls, *disk;
	const struct timeline *t;
	struct syscall call = { .pid = PING, .tid = PING };
	struct block_io io = { .latency = 5 * MS, .bytes = 4096, .pid = PING, .tid = PING };
	int call_type, io_type;
	struct ping_pong s;
	struct analysis r = { 0 };

	(void)state;
	begin(&s);
	call_type = writer_type(s.story.w, &event_syscall, NULL);
	io_type = writer_type(s.story.w, &event_block_io, NULL);
	io.comm = call.comm = s.comms[PING];
	io.disk = writer_string(s.story.w, "vda", 3);
	io.op = BLOCK_OP_READ;
	call.call = writer_string(s.story.w, "read", 4);
	call.error = writer_string(s.story.w, "EINTR", 5);
	for (uint64_t i = 1; i <= 23; i++) {
		io.time = call.time = START + 10 * i * MS;
		call.duration = 7 * MS;
		writer_add(s.story.w, s.story.stream, io_type, &io);
		writer_add(s.story.w, s.story.stream, call_type, &call);
	}
	story_end(&s.story);
	analysis_run(&r, &analyzer_timeline, &s.story);
	t = analysis_section(&r, "timeline")->timeline;
	calls = lane_of(t, "ping", "syscall");
	assert_int_equal(calls->n, 23);
	check_piece(t, calls, 0, "read EINTR", 0, 7);
	check_piece(t, calls, 22, "read EINTR", 220, 227);
	disk = lane_of(t, NULL, "vda");
	assert_int_equal(disk->n, 23);
	check_piece(t, disk, 1, "read", 10, 15);
	assert_int_equal(disk->items[1].value, 4096);
	assert_string_equal(thread_name(t, disk->items[1].who), "ping");
	analysis_done(&r);
	story_done(&s.story);
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
	struct ping_pong s;
	struct analysis r = { 0 };

	(void)state;
	tell(&s);
	analysis_run(&r, &analyzer_offcpu, &s.story);
	t = analysis_section(&r, "flame")->tree;
	assert_int_equal(weight(t, blocked), 20 * MS);
	assert_int_equal(weight(t, hops), 0); /* pong was woken before ping left */
	assert_int_equal(weight(t, waiting), 7 * MS);
	assert_int_equal(weight(t, preempted), 13 * MS);
	analysis_done(&r);
	story_done(&s.story);
}

/* ping sleeps from 1; an interrupt wakes pong at 10, pong wakes ping at 20. */
static void a_waker_that_was_woken_meanwhile_is_followed(void **state)
{
	static const char *const chain[] = { "ping", "[lock]", "futex_wait", "--", "futex_wake",
		"pong", "--", "futex_wake", "[interrupt]", NULL };
	struct ping_pong s;
	struct analysis r = { 0 };

	(void)state;
	begin(&s);
	switches(&s, 0, IDLE, SCHED_STATE_RUNNABLE, PONG);
	switches(&s, 0, PONG, SCHED_STATE_SLEEPING, PING);
	switches(&s, 1, PING, SCHED_STATE_SLEEPING, IDLE);
	wakes(&s, 10, IDLE, PONG);
	switches(&s, 11, IDLE, SCHED_STATE_RUNNABLE, PONG);
	wakes(&s, 20, PONG, PING);
	switches(&s, 21, PONG, SCHED_STATE_SLEEPING, PING);
	story_end(&s.story);
	analysis_run(&r, &analyzer_offcpu, &s.story);
	assert_int_equal(weight(analysis_section(&r, "flame")->tree, chain), 19 * MS);
	analysis_done(&r);
	story_done(&s.story);
}

/* Whatever a trace says, time does not run backwards and nothing is followed out of bounds. */
static void nonsense_is_survived(void **state)
{
	static const struct analyzer *const all[] = { &analyzer_sched, &analyzer_offcpu,
		&analyzer_timeline };
	uint64_t seed = 20011;
	struct ping_pong s;
	struct analysis r = { 0 };

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
	story_end(&s.story);
	for (int i = 0; i < 3; i++) {
		analysis_run(&r, all[i], &s.story);
		assert_true(r.report.n_sections > 0);
		analysis_done(&r);
	}
	story_done(&s.story);
}

/* 13 waits of 5 ms for a CPU, after 11 absences of 7 ms of which the last 2 were for a CPU; each row for 10. */
static void tell_waits_that_stand_for_ten(struct story *s)
{
	uint32_t name;
	int delay, off;

	story_begin(s);
	name = story_string(s, "ping");
	delay = writer_type(s->w, &event_sched_delay, NULL);
	off = writer_type(s->w, &event_off_cpu, NULL);
	for (uint32_t i = 0; i < 13; i++)
		writer_add(s->w, s->stream, delay,
			&(struct sched_delay){ .time = START + (10 + i) * MS,
				.latency = 5 * MS,
				.pid = PING,
				.tid = PING,
				.comm = name,
				.weight = 10 });
	for (uint32_t i = 0; i < 11; i++)
		writer_add(s->w, s->stream, off,
			&(struct off_cpu){ .time = START + (30 + i) * MS,
				.latency = 7 * MS,
				.blocked = 5 * MS,
				.pid = PING,
				.tid = PING,
				.comm = name,
				.state = SCHED_STATE_SLEEPING,
				.weight = 10 });
	story_end(s);
}

static void waits_that_stand_for_several_count_so(void **state)
{
	struct analysis r = { .options.list = true };
	struct story s;

	(void)state;
	tell_waits_that_stand_for_ten(&s);
	analysis_run(&r, &analyzer_sched, &s);
	assert_int_equal(analysis_cell(&r, "threads", "comm", "ping", "waits")->count, 10 * 13);
	assert_int_equal(analysis_cell(&r, "threads", "comm", "ping", "wait")->count,
		10 * 13 * 5 * MS);
	assert_int_equal(analysis_cell(&r, "threads", "comm", "ping", "sleep")->count,
		10 * 11 * 5 * MS);
	assert_int_equal(analysis_table(&r, "waits")->n_rows, 13);
	assert_true(analysis_notes(&r, "each stands for several"));
	assert_false(analysis_notes(&r, "The list ends"));
	analysis_done(&r);
	r = (struct analysis){ 0 };
	analysis_run(&r, &analyzer_offcpu, &s);
	assert_int_equal(analysis_cell(&r, "states", "state", "sleeping", "time")->count,
		10 * 11 * 5 * MS);
	assert_int_equal(analysis_cell(&r, "states", "state", "waiting for a CPU", "time")->count,
		10 * 11 * 2 * MS);
	assert_int_equal(analysis_cell(&r, "states", "state", "sleeping", "times")->count, 10 * 11);
	assert_true(analysis_notes(&r, "estimates from 11"));
	analysis_done(&r);
	story_done(&s);
}

/* Delays of 32,771 threads, each with a short and a long one: hardly anything as a file. */
static void tell_many_delays(struct story *s)
{
	int type;

	story_begin(s);
	type = writer_type(s->w, &event_sched_delay, NULL);
	for (uint32_t i = 0; i < 2 * 32771; i++)
		writer_add(s->w, s->stream, type,
			&(struct sched_delay){ .time = START + i,
				.latency = i % 2 ? 7 : 1ULL << 40,
				.pid = 1 + i / 2,
				.tid = 1 + i / 2 });
	story_end(s);
}

static void analyze_many_delays(void *path)
{
	struct analysis r = { 0 };
	struct story s = { 0 };

	strncpy(s.path, path, sizeof(s.path) - 1);
	analysis_run(&r, &analyzer_sched, &s);
	analysis_done(&r);
}

static void threads_that_are_made_up_take_little_memory(void **state)
{
	struct story s;
	struct stat st;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("AddressSanitizer keeps what is freed: memory is not measured\n");
	skip();
#endif
	tell_many_delays(&s);
	assert_int_equal(stat(s.path, &st), 0);
	assert_in_range(st.st_size, 1, 1 << 20);
	assert_in_range(peak_bytes(analyze_many_delays, s.path), 1, 192 << 20);
	story_done(&s);
}

static void a_trace_without_switches_says_what_would_record_them(void **state)
{
	struct ping_pong s;
	struct analysis r = { 0 };

	(void)state;
	begin(&s);
	story_end(&s.story);
	analysis_run(&r, &analyzer_sched, &s.story);
	assert_int_equal(r.report.n_sections, 0);
	assert_true(analysis_notes(&r, "rec sched"));
	analysis_done(&r);
	story_done(&s.story);
}

static void realtime_kernels_are_known_by_their_version_or_a_file(void **state)
{
	char path[] = "/tmp/realtime-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(sched_waking_is_realtime("#1 SMP PREEMPT_RT Debian 6.1.1-1", "/nonexistent"));
	assert_false(sched_waking_is_realtime("#1 SMP PREEMPT_DYNAMIC Debian", "/nonexistent"));
	assert_false(sched_waking_is_realtime("#1 SMP", path));
	assert_int_equal(write(fd, "1\n", 2), 2);
	assert_true(sched_waking_is_realtime("#1 SMP", path));
	assert_int_equal(pwrite(fd, "0\n", 2, 0), 2);
	assert_false(sched_waking_is_realtime("#1 SMP", path));
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_and_runs_are_those_of_the_story),
		cmocka_unit_test(the_longest_wait_tells_who_ran_and_who_woke),
		cmocka_unit_test(a_blocked_stack_carries_its_waker_upside_down),
		cmocka_unit_test(a_waker_that_was_woken_meanwhile_is_followed),
		cmocka_unit_test(a_timeline_has_every_state_and_who_is_behind_it),
		cmocka_unit_test(calls_and_requests_have_lanes_of_their_own),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(waits_that_stand_for_several_count_so),
		cmocka_unit_test(threads_that_are_made_up_take_little_memory),
		cmocka_unit_test(a_trace_without_switches_says_what_would_record_them),
		cmocka_unit_test(realtime_kernels_are_known_by_their_version_or_a_file),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
