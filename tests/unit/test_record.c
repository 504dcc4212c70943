/* The recorder's knowledge of processes, stacks and CPUs, fed by hand. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/cpus.h"
#include "record/governor.h"
#include "record/loop.h"
#include "record/perf_ring.h"
#include "record/proc_fs.h"
#include "record/name_troubles.h"
#include "record/process.h"
#include "record/retention.h"
#include "record/stacks.h"
#include "tests/unit/support.h"

/* Far above any pid, so that nobody is found in /proc. */
enum { PARENT = 8000001, CHILD = 8000002, OTHER = 8000003, THREAD = 8000004 };

static struct image *file_image(struct images *m, const char *path)
{
	struct image like = { .kind = MAPPING_FILE, .path = path, .build_id_len = 1 };

	return images_get(m, &like);
}

static void map_at(struct processes *p, uint32_t pid, uint64_t start, uint64_t end,
	struct image *image)
{
	struct vma v = { start, end, 0x1000, image };

	processes_map(p, pid, pid, &v);
}

static const char *path_at(struct processes *p, uint32_t tid, uint64_t address)
{
	const struct vma *v = space_find(processes_find(p, tid)->space, address);

	return v ? v->image->path : "";
}

static void cpu_lists_are_read_as_the_kernel_writes_them(void **state)
{
	int *cpus;

	(void)state;
	assert_int_equal(cpus_parse("0-3,8,10-11\n", &cpus), 7);
	assert_int_equal(cpus[4], 8);
	assert_int_equal(cpus[6], 11);
	free(cpus);
	assert_int_equal(cpus_parse("", &cpus), 0);
	free(cpus);
	assert_int_equal(cpus_parse("5-2", &cpus), 0);
	free(cpus);
	assert_int_equal(cpus_parse("0-99999999", &cpus), 0);
	free(cpus);
	assert_true(cpus_online(&cpus) >= 1);
	free(cpus);
}

static void a_child_has_its_parents_mappings_until_one_of_them_changes(void **state)
{
	struct images m;
	struct processes *p;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	map_at(p, PARENT, 0x1000, 0x3000, file_image(&m, "a"));
	processes_comm(p, PARENT, PARENT, "parent", false);
	processes_fork(p, CHILD, CHILD, PARENT, PARENT);
	assert_string_equal(processes_find(p, CHILD)->comm, "parent");
	assert_string_equal(path_at(p, CHILD, 0x2000), "a");
	map_at(p, CHILD, 0x1000, 0x2000, file_image(&m, "b"));
	assert_string_equal(path_at(p, CHILD, 0x1fff), "b");
	assert_string_equal(path_at(p, CHILD, 0x2000), "a");
	assert_string_equal(path_at(p, PARENT, 0x1fff), "a");
	processes_comm(p, CHILD, CHILD, "execd", true);
	assert_string_equal(path_at(p, CHILD, 0x2000), "");
	processes_exit(p, PARENT);
	assert_null(processes_find(p, PARENT));
	assert_int_equal(processes_count(p), 1);
	processes_free(p);
	images_done(&m);
}

/* As perf once told of processes outside of our pid namespace: all of them 0. */
static void a_process_that_forks_itself_keeps_its_mappings(void **state)
{
	struct images m;
	struct processes *p;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	map_at(p, PARENT, 0x1000, 0x3000, file_image(&m, "a"));
	processes_comm(p, PARENT, PARENT, "parent", false);
	processes_fork(p, PARENT, PARENT, PARENT, PARENT);
	assert_string_equal(processes_find(p, PARENT)->comm, "parent");
	assert_string_equal(path_at(p, PARENT, 0x2000), "a");
	processes_free(p);
	images_done(&m);
}

static void threads_share_what_their_process_maps(void **state)
{
	struct images m;
	struct processes *p;
	uint32_t serial;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	map_at(p, PARENT, 0x1000, 0x2000, file_image(&m, "a"));
	processes_fork(p, PARENT, THREAD, PARENT, PARENT);
	processes_fork(p, CHILD, CHILD, PARENT, THREAD);
	serial = processes_find(p, THREAD)->space->serial;
	map_at(p, PARENT, 0x5000, 0x6000, file_image(&m, "late"));
	assert_string_equal(path_at(p, THREAD, 0x5800), "late");
	assert_string_equal(path_at(p, CHILD, 0x5800), "");
	assert_int_not_equal(processes_find(p, THREAD)->space->serial, serial);
	processes_free(p);
	images_done(&m);
}

static void a_mapping_replaces_what_it_covers(void **state)
{
	struct images m;
	struct processes *p;
	const struct vma *v;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	map_at(p, PARENT, 0x1000, 0x9000, file_image(&m, "old"));
	map_at(p, PARENT, 0x3000, 0x5000, file_image(&m, "middle"));
	assert_string_equal(path_at(p, PARENT, 0x2fff), "old");
	assert_string_equal(path_at(p, PARENT, 0x3000), "middle");
	assert_string_equal(path_at(p, PARENT, 0x5000), "old");
	v = space_find(processes_find(p, PARENT)->space, 0x6000);
	assert_int_equal(v->start, 0x5000);
	assert_int_equal(v->offset, 0x5000); /* 0x1000 at 0x1000 */
	map_at(p, PARENT, 0x0, 0x10000, file_image(&m, "all"));
	assert_int_equal(processes_find(p, PARENT)->space->n, 1);
	assert_string_equal(path_at(p, PARENT, 0x4000), "all");
	processes_free(p);
	images_done(&m);
}

static void a_number_that_is_used_again_is_another_process(void **state)
{
	struct images m;
	struct processes *p;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	map_at(p, PARENT, 0x1000, 0x2000, file_image(&m, "a"));
	/* PARENT's end was lost; its number is now a thread of OTHER. */
	assert_int_equal(processes_thread(p, OTHER, PARENT)->pid, OTHER);
	assert_string_equal(path_at(p, PARENT, 0x1800), "");
	processes_free(p);
	images_done(&m);
}

static void thousands_come_and_go_and_nothing_stays(void **state)
{
	struct images m;
	struct processes *p;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	map_at(p, PARENT, 0x1000, 0x2000, file_image(&m, "a"));
	for (uint32_t i = 0; i < 100000; i++) {
		processes_fork(p, OTHER + i, OTHER + i, PARENT, PARENT);
		processes_comm(p, OTHER + i, OTHER + i, "sh", true);
		if (i % 3 == 0)
			map_at(p, OTHER + i, 0x1000, 0x2000, file_image(&m, "b"));
		processes_exit(p, OTHER + i);
	}
	assert_int_equal(processes_count(p), 1);
	assert_int_equal(m.n, 2);
	processes_free(p);
	images_done(&m);
}

static void a_process_that_is_there_is_read_from_proc(void **state)
{
	struct images m;
	struct processes *p;
	struct thread *t;
	const struct vma *v;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	t = processes_thread(p, (uint32_t)getpid(), (uint32_t)getpid());
	assert_string_equal(t->comm, "test_record");
	assert_false(t->kernel);
	v = space_find(t->space, (uint64_t)(uintptr_t)a_process_that_is_there_is_read_from_proc);
	assert_non_null(v);
	assert_non_null(strstr(v->image->path, "test_record"));
	assert_int_equal(v->image->kind, MAPPING_FILE);
	assert_true(v->image->build_id_len > 0);
	assert_int_equal(processes_scan(p, 8000000, NULL), -ESRCH);
	processes_free(p);
	images_done(&m);
}

static void threads_whose_end_was_lost_are_reaped_at_the_second_look(void **state)
{
	uint32_t us = (uint32_t)getpid();
	struct processes *p;
	struct images m;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	processes_thread(p, 0, 0);
	for (uint32_t i = 0; i < 13; i++)
		map_at(p, PARENT + 10 * i, 0x10000, 0x20000, file_image(&m, "program"));
	processes_thread(p, us, us);
	processes_reap(p);
	assert_int_equal(processes_count(p), 15);
	processes_fork(p, PARENT, PARENT, us, us); /* the number is used again */
	processes_reap(p);
	assert_int_equal(processes_count(p), 3);
	assert_non_null(processes_find(p, us));
	assert_non_null(processes_find(p, 0));
	assert_non_null(processes_find(p, PARENT));
	assert_int_equal(m.all[0]->users, 0);
	processes_reap(p);
	assert_int_equal(processes_count(p), 2);
	processes_free(p);
	images_done(&m);
}

static bool let_all_go(void *ctx, struct image *image)
{
	uint32_t *n_asked = ctx;

	(void)image;
	++*n_asked;
	return true;
}

static bool let_none_go(void *ctx, struct image *image)
{
	return !let_all_go(ctx, image);
}

/* Processes that run a program of their own, one after the other; returns how many images there are. */
static uint32_t run_programs(struct images *m, struct processes *p, uint32_t first, uint32_t n)
{
	char path[32];

	for (uint32_t i = first; i < first + n; i++) {
		snprintf(path, sizeof(path), "/tmp/program-%u", i);
		map_at(p, CHILD, 0x10000, 0x20000, file_image(m, path));
		processes_exit(p, CHILD);
	}
	return m->n;
}

static void images_are_forgotten_when_many_of_them_are_mapped_by_nobody(void **state)
{
	struct image *library, *again;
	struct processes *p;
	uint32_t n_asked = 0;
	struct images m;

	(void)state;
	images_init(&m);
	p = processes_new(&m);
	library = file_image(&m, "/lib/used");
	map_at(p, PARENT, 0x10000, 0x20000, library);
	assert_int_equal(run_programs(&m, p, 0, IMAGES_IDLE), IMAGES_IDLE + 1);
	for (int i = 0; i < 3; i++)
		images_forget(&m, let_all_go, &n_asked);
	assert_int_equal(m.n, IMAGES_IDLE + 1); /* not many yet */
	assert_int_equal(run_programs(&m, p, IMAGES_IDLE, 2003), IMAGES_IDLE + 2004);
	again = file_image(&m, "/tmp/program-7");
	image_hold(again); /* runs again */
	image_release(again);
	images_forget(&m, let_none_go, &n_asked);
	assert_int_equal(n_asked, IMAGES_IDLE - 1); /* those that were idle the last time too */
	assert_int_equal(m.n, IMAGES_IDLE + 2004);
	n_asked = 0;
	images_forget(&m, let_all_go, &n_asked);
	assert_int_equal(n_asked, IMAGES_IDLE + 2003);
	assert_int_equal(m.n, 1);
	assert_ptr_equal(file_image(&m, "/lib/used"), library);
	assert_int_equal(run_programs(&m, p, 0, 3), 4); /* they may come again */
	assert_int_equal(run_programs(&m, p, 0, 3), 4);
	processes_free(p);
	images_done(&m);
}

static void names_of_mappings_tell_their_kind(void **state)
{
	char deleted[] = "/usr/bin/x (deleted)";

	(void)state;
	assert_int_equal(proc_mapping_kind("/usr/bin/x"), MAPPING_FILE);
	assert_int_equal(proc_mapping_kind("[vdso]"), MAPPING_VDSO);
	assert_int_equal(proc_mapping_kind("//anon"), MAPPING_JIT);
	assert_int_equal(proc_mapping_kind("/memfd:doublemapper"), MAPPING_JIT);
	assert_int_equal(proc_mapping_kind("[heap]"), MAPPING_JIT);
	proc_strip_deleted(deleted);
	assert_string_equal(deleted, "/usr/bin/x");
}

/* ---- stacks ---- */

struct told {
	unsigned n;
	struct new_frame last;
};

static void on_frame(void *ctx, const struct new_frame *f)
{
	struct told *t = ctx;

	t->n++;
	t->last = *f;
}

struct stack_test {
	struct images images;
	struct processes *p;
	struct kernel_map *kernel;
	struct sink *sink;
	struct writer *w;
	struct stacks *s;
	struct told told;
};

static void stack_test_init(struct stack_test *t)
{
	memset(t, 0, sizeof(*t));
	images_init(&t->images);
	t->p = processes_new(&t->images);
	t->kernel = kernel_map_new(&t->images);
	t->sink = memory_trace(&t->w);
	t->s = stacks_new(t->w, t->kernel, NULL, on_frame, &t->told);
	map_at(t->p, PARENT, 0x10000, 0x20000, file_image(&t->images, "a"));
}

static void stack_test_done(struct stack_test *t)
{
	stacks_free(t->s);
	writer_free(t->w);
	sink_free(t->sink);
	kernel_map_free(t->kernel);
	processes_free(t->p);
	images_done(&t->images);
}

static struct segment *written(struct stack_test *t, struct reader **r)
{
	size_t len;
	const uint8_t *bytes;

	assert_int_equal(writer_close(t->w, 0), 0);
	bytes = sink_memory(t->sink, &len);
	*r = reader_open_memory(bytes, len, NULL);
	return reader_segment(*r, 0);
}

static void callers_are_stored_less_one_and_equal_chains_once(void **state)
{
	static const uint64_t chain[] = { PERF_CONTEXT_USER, 0x10100, 0x10200, 0x10300 };
	struct stack_test t;
	struct segment *s;
	struct reader *r;
	uint64_t address;
	uint32_t a, b;

	(void)state;
	stack_test_init(&t);
	a = stacks_get(t.s, processes_find(t.p, PARENT), chain, 4, 0);
	b = stacks_get(t.s, processes_find(t.p, PARENT), chain, 4, 0);
	assert_true(a && a == b);
	assert_int_equal(t.told.n, 3);
	assert_int_equal(t.told.last.ip, 0x10100); /* outermost first, the leaf last */
	assert_int_equal(t.told.last.address, 0x1100);
	s = written(&t, &r);
	assert_int_equal(s->n_stacks, 5); /* none, root, three frames */
	segment_frame(s, segment_stack_frame(s, 4), &address);
	assert_int_equal(address, 0x1100); /* offset in the file */
	segment_frame(s, segment_stack_frame(s, 3), &address);
	assert_int_equal(address, 0x11ff);
	segment_frame(s, segment_stack_frame(s, 2), &address);
	assert_int_equal(address, 0x12ff);
	assert_int_equal(segment_stack_flags(s, 4), STACK_USER_FP);
	reader_close(r);
	stack_test_done(&t);
}

static void kernel_frames_stand_on_user_frames(void **state)
{
	uint64_t chain[] = { PERF_CONTEXT_KERNEL, 0xffffffff81000100, 0xffffffff81000200,
		PERF_CONTEXT_USER, 0x10100, 0x10200 };
	struct stack_test t;
	struct segment *s;
	struct reader *r;
	uint64_t address;

	(void)state;
	stack_test_init(&t);
	assert_true(stacks_get(t.s, processes_find(t.p, PARENT), chain, 6, 0));
	s = written(&t, &r);
	assert_int_equal(segment_stack_flags(s, 5), STACK_USER_FP | STACK_KERNEL);
	assert_int_equal(segment_mapping(s, segment_frame(s, segment_stack_frame(s, 5), &address))
				 .kind,
		MAPPING_KERNEL);
	/* The user part's leaf is where the system call or interrupt was: exact, not a caller. */
	segment_frame(s, segment_stack_frame(s, 3), &address);
	assert_int_equal(address, 0x1100);
	reader_close(r);
	stack_test_done(&t);
}

static void a_walk_that_went_astray_is_cut_and_told(void **state)
{
	static const uint64_t chain[] = { PERF_CONTEXT_USER, 0x10100, 0x10200, 0x6f3a3a3e676e6971,
		0x7 };
	static const uint64_t lost[] = { PERF_CONTEXT_USER, 0xdead };
	struct stack_test t;
	struct segment *s;
	struct reader *r;

	(void)state;
	stack_test_init(&t);
	stacks_get(t.s, processes_find(t.p, PARENT), chain, 5, 0);
	assert_int_equal(t.told.n, 2);
	assert_true(stacks_get(t.s, processes_find(t.p, PARENT), lost, 2, 0)); /* a leaf is kept */
	assert_int_equal(stacks_get(t.s, processes_find(t.p, PARENT), chain, 0, 0), 0);
	s = written(&t, &r);
	assert_int_equal(segment_stack_flags(s, 3) & STACK_BROKEN, STACK_BROKEN);
	reader_close(r);
	stack_test_done(&t);
}

static void a_deep_chain_is_marked_truncated(void **state)
{
	struct stack_test t;
	struct segment *s;
	struct reader *r;
	uint64_t *chain = calloc(5000, sizeof(*chain));

	(void)state;
	stack_test_init(&t);
	chain[0] = PERF_CONTEXT_USER;
	for (int i = 1; i < 5000; i++)
		chain[i] = 0x10000 + (uint64_t)i;
	assert_true(stacks_get(t.s, processes_find(t.p, PARENT), chain, 5000, 0));
	s = written(&t, &r);
	assert_int_equal(segment_stack_flags(s, s->n_stacks - 1), STACK_USER_FP | STACK_TRUNCATED);
	reader_close(r);
	free(chain);
	stack_test_done(&t);
}

/* ---- the loop ---- */

struct numbers {
	const uint64_t *v;
	unsigned n, at;
	uint64_t *taken;
	unsigned *n_taken;
};

static void numbers_refresh(void *feed)
{
	(void)feed;
}

static const void *numbers_peek(void *feed, uint64_t *time)
{
	struct numbers *f = feed;

	if (f->at == f->n)
		return NULL;
	*time = f->v[f->at];
	return &f->v[f->at];
}

static void numbers_take(void *feed, const void *record, uint64_t time)
{
	struct numbers *f = feed;

	assert_int_equal(*(const uint64_t *)record, time);
	f->taken[(*f->n_taken)++] = time;
	f->at++;
}

static void records_of_all_feeds_are_taken_in_order_of_time(void **state)
{
	static const struct feed_ops ops = { numbers_refresh, numbers_peek, numbers_take,
		numbers_refresh, false };
	static const uint64_t a[] = { 1, 5, 9, 20 }, b[] = { 2, 3, 30 }, c[] = { 4, 21, 22 };
	uint64_t taken[16];
	unsigned n_taken = 0;
	struct numbers feeds[] = { { a, 4, 0, taken, &n_taken }, { b, 3, 0, taken, &n_taken },
		{ c, 3, 0, taken, &n_taken } };
	struct loop *l = loop_new();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(loop_add(l, &ops, &feeds[i], -1, NULL), 0);
	assert_int_equal(loop_drain(l, 20, NULL, NULL), 7);
	for (unsigned i = 1; i < n_taken; i++)
		assert_true(taken[i] > taken[i - 1]);
	assert_int_equal(loop_drain(l, UINT64_MAX, NULL, NULL), 3);
	assert_int_equal(taken[9], 30);
	loop_free(l);
}

/* How many records are held at the most before their space is given back. */
struct held {
	struct numbers numbers;
	unsigned released, most;
};

static void held_take(void *feed, const void *record, uint64_t time)
{
	struct held *h = feed;

	numbers_take(&h->numbers, record, time);
	if (h->numbers.at - h->released > h->most)
		h->most = h->numbers.at - h->released;
}

static void held_release(void *feed)
{
	struct held *h = feed;

	h->released = h->numbers.at;
}

static void space_is_given_back_while_more_is_taken(void **state)
{
	static const struct feed_ops ops = { numbers_refresh, numbers_peek, held_take, held_release,
		false };
	uint64_t times[1009], taken[1009];
	unsigned n_taken = 0;
	struct held feed = { { times, 1009, 0, taken, &n_taken }, 0, 0 };
	struct loop *l = loop_new();

	(void)state;
	for (unsigned i = 0; i < 1009; i++)
		times[i] = i + 1;
	assert_int_equal(loop_add(l, &ops, &feed, -1, NULL), 0);
	assert_int_equal(loop_drain(l, UINT64_MAX, NULL, NULL), 1009);
	assert_int_equal(feed.released, 1009);
	assert_in_range(feed.most, 1, 100);
	loop_free(l);
}

/* A ring in ordinary memory: records that wrap around its edge come in one piece. */
static void a_record_that_wraps_is_read_whole(void **state)
{
	struct perf_event_mmap_page *page = calloc(1, sizeof(*page));
	uint8_t *data = calloc(1, 4096);
	struct perf_ring r = { .page = page,
		.data = data,
		.size = 4096,
		.piece = calloc(1, 1 << 16) };
	uint8_t record[40];
	struct perf_event_header h = { .type = 77, .size = sizeof(record) };
	const struct perf_event_header *got;

	(void)state;
	for (uint64_t at = 0; at < 40 * 300; at += sizeof(record)) {
		memset(record, (int)at, sizeof(record));
		memcpy(record, &h, sizeof(h));
		for (size_t i = 0; i < sizeof(record); i++)
			data[(at + i) % 4096] = record[i];
		page->data_head = at + sizeof(record);
		perf_ring_refresh(&r);
		got = perf_ring_peek(&r);
		assert_non_null(got);
		assert_memory_equal(got, record, sizeof(record));
		perf_ring_advance(&r, got);
		assert_null(perf_ring_peek(&r));
		perf_ring_release(&r);
		assert_int_equal(page->data_tail, at + sizeof(record));
	}
	free(r.piece);
	free(data);
	free(page);
}

static void the_rate_falls_while_it_costs_too_much_and_rises_again(void **state)
{
	struct governor g;
	uint64_t cpu = 0, now = 0;
	uint32_t factor = 1, highest = 1;

	(void)state;
	governor_init(&g, 2, cpu, now);
	/* A cost of 40% at the full rate: 1/32 of it is below 2%. */
	for (int i = 0; i < 60; i++) {
		uint32_t next;

		cpu += 400000000 / factor;
		now += 1000000000;
		next = governor_look(&g, cpu, now);
		factor = next ? next : factor;
		highest = factor > highest ? factor : highest;
	}
	assert_int_equal(factor, 32);
	assert_int_equal(highest, 32); /* and it does not swing */
	for (int i = 0; i < 60; i++) { /* the load is gone */
		uint32_t next;

		cpu += 1000000;
		now += 1000000000;
		next = governor_look(&g, cpu, now);
		factor = next ? next : factor;
	}
	assert_int_equal(factor, 1);
	governor_init(&g, 0, 0, 0); /* no limit */
	assert_int_equal(governor_look(&g, 1000000000, 1000000000), 0);
}

static void troubles_are_told_once_a_file_and_not_without_end(void **state)
{
	struct name_troubles t = { .n = 0 };
	char text[256], path[32];

	(void)state;
	assert_false(name_troubles_text(&t, 0, text, sizeof(text)));
	name_troubles_add(&t, "/a", "open: Permission denied", 3, false);
	name_troubles_add(&t, "/a", "open: Permission denied", 4, false);
	name_troubles_add(&t, "/a", "some of its DWARF is damaged", 2, true);
	assert_true(name_troubles_text(&t, 0, text, sizeof(text)));
	assert_string_equal(text,
		"names of 7 addresses in '/a' are missing: open: Permission denied");
	assert_true(name_troubles_text(&t, 1, text, sizeof(text)));
	assert_string_equal(text,
		"inlined functions and lines of some of 2 addresses in '/a' are missing: some of its DWARF is damaged");
	assert_false(name_troubles_text(&t, 2, text, sizeof(text)));
	for (int i = 0; i < 13; i++) {
		snprintf(path, sizeof(path), "/b/%d", i);
		name_troubles_add(&t, path, "the file is gone", 1, false);
	}
	assert_true(name_troubles_text(&t, NAME_TROUBLES, text, sizeof(text)));
	assert_string_equal(text, "names are missing from more files, 7 times");
	assert_false(name_troubles_text(&t, NAME_TROUBLES + 1, text, sizeof(text)));
	name_troubles_done(&t);
}

static void files_change_as_often_as_they_are_full(void **state)
{
	enum { FILES = 5, BYTES = 1000 };
	static const uint8_t bytes[BYTES];
	char folder[] = "/tmp/rotation-XXXXXX", stem[64], name[80];
	struct options o = { .rotate_bytes = BYTES, .keep = 2, .quiet = true };
	struct retention_result result;
	struct retention *k;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(stem, sizeof(stem), "%s/t", folder);
	o.output = stem;
	k = retention_open(&o, &err);
	assert_non_null(k);
	assert_int_equal(sink_start(retention_sink(k)), 0);
	for (uint64_t i = 0; i < FILES; i++) { /* within what would be one tick */
		retention_before_segment(k, i);
		sink_segment(retention_sink(k), i);
		retention_after_segment(k, i);
		assert_int_equal(sink_put(retention_sink(k), bytes, BYTES), 0);
		assert_int_equal(sink_drain(retention_sink(k), 10000), 0);
	}
	assert_int_equal(retention_finish(k, 0, &err), 0);
	retention_result(k, &result);
	assert_int_equal(result.n_files, 2);
	assert_int_equal(result.bytes, 2 * BYTES);
	retention_free(k);
	for (int i = 1; i <= FILES; i++) {
		snprintf(name, sizeof(name), "%s-%04d.rec", stem, i);
		assert_int_equal(unlink(name), i <= FILES - 2 ? -1 : 0);
	}
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_falls_while_it_costs_too_much_and_rises_again),
		cmocka_unit_test(cpu_lists_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(a_child_has_its_parents_mappings_until_one_of_them_changes),
		cmocka_unit_test(a_process_that_forks_itself_keeps_its_mappings),
		cmocka_unit_test(threads_share_what_their_process_maps),
		cmocka_unit_test(a_mapping_replaces_what_it_covers),
		cmocka_unit_test(a_number_that_is_used_again_is_another_process),
		cmocka_unit_test(thousands_come_and_go_and_nothing_stays),
		cmocka_unit_test(a_process_that_is_there_is_read_from_proc),
		cmocka_unit_test(threads_whose_end_was_lost_are_reaped_at_the_second_look),
		cmocka_unit_test(images_are_forgotten_when_many_of_them_are_mapped_by_nobody),
		cmocka_unit_test(names_of_mappings_tell_their_kind),
		cmocka_unit_test(callers_are_stored_less_one_and_equal_chains_once),
		cmocka_unit_test(kernel_frames_stand_on_user_frames),
		cmocka_unit_test(a_walk_that_went_astray_is_cut_and_told),
		cmocka_unit_test(a_deep_chain_is_marked_truncated),
		cmocka_unit_test(records_of_all_feeds_are_taken_in_order_of_time),
		cmocka_unit_test(space_is_given_back_while_more_is_taken),
		cmocka_unit_test(troubles_are_told_once_a_file_and_not_without_end),
		cmocka_unit_test(a_record_that_wraps_is_read_whole),
		cmocka_unit_test(files_change_as_often_as_they_are_full),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
