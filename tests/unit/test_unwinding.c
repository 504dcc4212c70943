/* The queue of stacks that wait for being unwound: nothing of it is out of order, nothing makes the loop
 * wait. The threads are started late here, so that it is known what waits. */
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/rectrace.h"
#include "gen/events.h"
#include "record/recording.h"
#include "record/unwinding.h"
#include "specs/events/cpu.h"
#include "tests/unit/support.h"

enum {
	PID = 8000001, /* above any that is in /proc */
	CODE = 0x400000,
	STACK = 0x7ff000000,
	STACK_WORDS = 2048,
	DEPTH = 23,
};

struct setup {
	struct recording r;
	struct sink *sink;
	int type;
	uint64_t words[STACK_WORDS];
	struct unwind_regs regs;
	uint64_t time;
};

static void no_name(void *ctx, const struct new_frame *frame)
{
}

static void map_code(struct setup *s, const char *path)
{
	struct image like = { .kind = MAPPING_FILE, .path = path, .build_id_len = 1 };
	struct vma v = { CODE, CODE + 0x10000, 0, images_get(&s->r.images, &like) };

	processes_map(s->r.processes, PID, PID, &v);
}

/* Code that nobody can read, so without rules: DEPTH frames by frame pointers. */
static void begin(struct setup *s)
{
	memset(s, 0, sizeof(*s));
	s->sink = memory_trace(&s->r.writer);
	images_init(&s->r.images);
	s->r.processes = processes_new(&s->r.images);
	s->r.stacks = stacks_new(s->r.writer, NULL, NULL, no_name, NULL);
	s->type = writer_type(s->r.writer, &event_cpu_sample, NULL);
	s->r.lost_type = writer_type(s->r.writer, &event_lost, NULL);
	writer_stream(s->r.writer, "cpu", 0, 0);
	s->r.unwinding = unwinding_new(&s->r, false);
	map_code(s, "/nowhere/first");
	s->time = 2000000000;
	s->regs.known = 1u << UNWIND_REG_RA | 1u << UNWIND_REG_SP | 1u << UNWIND_REG_FP;
	s->regs.value[UNWIND_REG_RA] = CODE + 7;
	s->regs.value[UNWIND_REG_SP] = STACK;
	s->regs.value[UNWIND_REG_FP] = STACK;
	for (unsigned i = 0; i < DEPTH; i++) {
		s->words[2 * i] = i + 1 < DEPTH ? STACK + 16 * (i + 1) : 0;
		s->words[2 * i + 1] = CODE + 16 * (i + 1);
	}
}

/* One sample more, a microsecond later, with so many words of the stack. */
/* The next sample's row, whose user stack is still to be found. */
static struct unwinding_row next_row(struct setup *s, struct cpu_sample *e)
{
	static const uint64_t chain[] = { PERF_CONTEXT_USER };

	*e = (struct cpu_sample){ .time = s->time, .pid = PID, .tid = PID, .weight = 1 };
	s->time += 1000;
	return (struct unwinding_row){ .time_ns = e->time,
		.stream = 1,
		.type = s->type,
		.event = "cpu_sample",
		.row = e,
		.size = sizeof(*e),
		.stack_at = offsetof(struct cpu_sample, stack),
		.thread = processes_find(s->r.processes, PID),
		.chain = chain,
		.n_chain = 1 };
}

static void add(struct setup *s, size_t words)
{
	struct unwind_stack stack = { STACK, (const uint8_t *)s->words, words * 8 };
	struct cpu_sample e;
	struct unwinding_row row = next_row(s, &e);

	row.regs = &s->regs;
	row.stack = &stack;
	unwinding_add(s->r.unwinding, &row);
}

/* One whose stack was found elsewhere: the first n addresses of the code. */
static void add_found(struct setup *s, uint32_t n)
{
	uint64_t frames[DEPTH];
	struct cpu_sample e;
	struct unwinding_row row = next_row(s, &e);

	for (uint32_t i = 0; i < n; i++)
		frames[i] = CODE + 7 + i;
	unwinding_add_found(s->r.unwinding, &row, frames, n, STACK_USER_DWARF);
}

/* Ends the trace and opens it for reading. */
static struct rectrace *finish(struct setup *s)
{
	struct rectrace *t;
	uint8_t *bytes;
	size_t len;
	int fd = memfd_create("trace", MFD_CLOEXEC);

	unwinding_free(s->r.unwinding);
	stacks_free(s->r.stacks);
	bytes = finish_trace(s->r.writer, s->sink, &len);
	assert_int_equal(write(fd, bytes, len), len);
	free(bytes);
	lseek(fd, 0, SEEK_SET);
	t = rectrace_open_fd(fd, NULL, 0);
	assert_non_null(t);
	processes_free(s->r.processes);
	images_done(&s->r.images);
	return t; /* the descriptor stays open as long as this process */
}

static size_t depth_of(const struct rectrace *t, struct rectrace_frame frames[64])
{
	return rectrace_stack(t, rectrace_field(t, "stack"), frames, 64);
}

static void rows_get_their_stacks_in_the_order_in_which_they_came(void **state)
{
	static struct setup s;
	struct rectrace_frame frames[64];
	struct rectrace *t;
	uint64_t last = 0;
	unsigned n = 0;

	begin(&s);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	for (unsigned i = 0; i < 1009; i++) {
		add(&s, i % 3 ? STACK_WORDS : 0); /* every third has no copy */
		if (i % 101 == 0)
			unwinding_collect(s.r.unwinding);
	}
	unwinding_finish(s.r.unwinding);
	assert_true(unwinding_oldest_ns(s.r.unwinding) == UINT64_MAX);
	t = finish(&s);
	for (; rectrace_next(t) > 0; n++) {
		assert_true(rectrace_time(t) > last);
		last = rectrace_time(t);
		assert_int_equal(depth_of(t, frames), n % 3 ? DEPTH + 1 : 1);
		assert_int_equal(frames[0].address, 7);
		assert_int_equal(rectrace_stack_truncated(t, rectrace_field(t, "stack")),
			n % 3 == 0);
	}
	assert_int_equal(n, 1009);
	rectrace_close(t);
}

static void stacks_that_were_found_before_wait_behind_those_that_are_not(void **state)
{
	static struct setup s;
	struct rectrace_frame frames[64];
	struct unwinding_totals totals;
	struct rectrace *t;
	unsigned n = 0;

	begin(&s);
	add_found(&s, 3); /* goes at once */
	assert_true(unwinding_oldest_ns(s.r.unwinding) == UINT64_MAX);
	for (unsigned i = 0; i < 97; i++) {
		add(&s, STACK_WORDS);
		add_found(&s, 5);
	}
	assert_int_equal(unwinding_oldest_ns(s.r.unwinding), 2000001000);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	unwinding_finish(s.r.unwinding);
	unwinding_totals(s.r.unwinding, &totals);
	t = finish(&s);
	for (; rectrace_next(t) > 0; n++) {
		assert_int_equal(rectrace_time(t), 2000000000 + 1000 * (uint64_t)n);
		assert_int_equal(depth_of(t, frames), !n ? 3 : n % 2 ? DEPTH + 1 : 5);
	}
	assert_int_equal(n, 1 + 2 * 97);
	assert_int_equal(totals.stacks, n);
	assert_int_equal(totals.copied, 97);
	rectrace_close(t);
}

static void note_rules(void *ctx, struct image *image, const struct cfi *cfi)
{
	assert_null(cfi);
	++*(unsigned *)ctx;
	image->walked = 1;
}

static void images_are_held_until_their_rules_are_told(void **state)
{
	static struct setup s;
	struct image like = { .kind = MAPPING_FILE, .path = "/nowhere/third", .build_id_len = 1 };
	struct image *image;
	unsigned n = 0;

	begin(&s);
	image = images_get(&s.r.images, &like);
	unwinding_on_rules(s.r.unwinding, note_rules, &n);
	unwinding_prepare(s.r.unwinding, image);
	assert_int_equal(image->users, 1);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	unwinding_wait_prepared(s.r.unwinding);
	assert_int_equal(n, 1);
	assert_int_equal(image->walked, 1);
	unwinding_collect(s.r.unwinding);
	assert_int_equal(image->users, 0);
	rectrace_close(finish(&s));
}

static void what_is_too_much_is_not_waited_for(void **state)
{
	static struct setup s;
	struct rectrace_frame frames[64];
	struct unwinding_totals totals;
	struct rectrace *t;
	unsigned n = 0, whole = 0, cut = 0;

	/* 80 MB of stacks while no thread takes any. */
	begin(&s);
	for (unsigned i = 0; i < 5003; i++)
		add(&s, STACK_WORDS);
	assert_int_equal(unwinding_oldest_ns(s.r.unwinding), 2000000000);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	unwinding_finish(s.r.unwinding);
	unwinding_totals(s.r.unwinding, &totals);
	t = finish(&s);
	for (; rectrace_next(t) > 0; n++) {
		bool truncated = rectrace_stack_truncated(t, rectrace_field(t, "stack"));

		assert_int_equal(rectrace_time(t), 2000000000 + 1000 * (uint64_t)n);
		assert_int_equal(depth_of(t, frames), truncated ? 1 : DEPTH + 1);
		whole += !truncated;
		cut += truncated;
		assert_true(truncated || !cut); /* the first ones have got the room */
	}
	assert_int_equal(n, 5003);
	assert_true(whole > 1000 && cut > 1000);
	assert_int_equal(totals.overload, cut);
	rectrace_close(t);
}

/* The page was not in memory: the frame that the registers tell, and it is said that there are more. */
static void a_stack_that_could_not_be_copied_says_so(void **state)
{
	static struct setup s;
	struct rectrace_frame frames[64];
	struct unwinding_totals totals;
	struct rectrace *t;

	begin(&s);
	add(&s, 0);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	unwinding_finish(s.r.unwinding);
	unwinding_totals(s.r.unwinding, &totals);
	t = finish(&s);
	assert_int_equal(rectrace_next(t), 1);
	assert_int_equal(depth_of(t, frames), 1);
	assert_true(rectrace_stack_truncated(t, rectrace_field(t, "stack")));
	assert_int_equal(totals.unread, 1);
	assert_int_equal(totals.copy_ends + totals.lost + totals.overload, 0);
	rectrace_close(t);
}

static void what_has_no_room_at_all_is_counted_as_lost(void **state)
{
	static struct setup s;
	struct rectrace *t;
	uint64_t lost = 0;
	unsigned n = 0;

	begin(&s);
	for (unsigned i = 0; i < 20011; i++)
		add(&s, STACK_WORDS);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	unwinding_finish(s.r.unwinding);
	t = finish(&s);
	while (rectrace_next(t) > 0) {
		bool is_loss = strcmp(rectrace_event(t), "lost") == 0;

		lost += is_loss ? rectrace_uint(t, rectrace_field(t, "lost")) : 0;
		n += !is_loss;
	}
	assert_true(lost > 0 && n > 10000);
	assert_int_equal(n + lost, 20011);
	rectrace_close(t);
}

static void a_stack_is_of_the_mappings_at_its_time(void **state)
{
	static struct setup s;
	struct rectrace_frame frames[64];
	struct rectrace *t;
	unsigned n = 0;

	begin(&s);
	for (unsigned i = 0; i < 5; i++)
		add(&s, STACK_WORDS);
	map_code(&s, "/nowhere/second");
	for (unsigned i = 0; i < 7; i++)
		add(&s, STACK_WORDS);
	processes_exit(s.r.processes, PID);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	unwinding_finish(s.r.unwinding);
	t = finish(&s);
	for (; rectrace_next(t) > 0; n++) {
		const char *want = n < 5 ? "/nowhere/first" : "/nowhere/second";

		assert_int_equal(depth_of(t, frames), DEPTH + 1);
		assert_int_equal(frames[0].binary.len, strlen(want));
		assert_memory_equal(frames[0].binary.s, want, strlen(want));
	}
	assert_int_equal(n, 12);
	rectrace_close(t);
}

static void the_ring_of_memory_is_used_again_and_again(void **state)
{
	static struct setup s;
	struct unwinding_totals totals;
	struct rectrace *t;
	unsigned n = 0;

	/* Never empty, so that it goes round: 300 MB through 32. */
	begin(&s);
	assert_int_equal(unwinding_start(s.r.unwinding), 0);
	for (unsigned i = 0; i < 20011; i++) {
		add(&s, 1000 + i * 7919 % 1000);
		if (i % 797 == 0)
			unwinding_finish(s.r.unwinding);
		if (i % 31 == 0)
			unwinding_collect(s.r.unwinding);
	}
	unwinding_finish(s.r.unwinding);
	unwinding_totals(s.r.unwinding, &totals);
	assert_int_equal(totals.stacks, 20011);
	assert_int_equal(totals.lost + totals.copy_ends, 0);
	t = finish(&s);
	for (; rectrace_next(t) > 0; n++)
		assert_int_equal(rectrace_time(t), 2000000000 + 1000 * (uint64_t)n);
	assert_int_equal(n, 20011);
	rectrace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_get_their_stacks_in_the_order_in_which_they_came),
		cmocka_unit_test(stacks_that_were_found_before_wait_behind_those_that_are_not),
		cmocka_unit_test(images_are_held_until_their_rules_are_told),
		cmocka_unit_test(what_is_too_much_is_not_waited_for),
		cmocka_unit_test(a_stack_that_could_not_be_copied_says_so),
		cmocka_unit_test(what_has_no_room_at_all_is_counted_as_lost),
		cmocka_unit_test(a_stack_is_of_the_mappings_at_its_time),
		cmocka_unit_test(the_ring_of_memory_is_used_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
