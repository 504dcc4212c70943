/* System calls by the kernel's tracepoints: raw_syscalls:sys_enter tells the arguments, sys_exit what came of
 * it, and a thread is in one call at a time. What the BPF programs choose and count in the kernel is chosen and
 * counted here. Paths are not known: when a record is read, the memory they stood in may have changed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/chance.h"
#include "record/syscalls_source.h"
#include "record/tracepoint_feed.h"

enum {
	X32_BIT = 0x40000000, /* of the number */
	MAX_FILTER = 3072,    /* the kernel takes a page */
};

/* ---- counting ---- */

static uint32_t bucket_of(uint64_t ns)
{
	uint32_t power = ns ? 63 - (uint32_t)__builtin_clzll(ns) : 0;

	if (power < SYSCALL_FIRST_BUCKET)
		return 0;
	power -= SYSCALL_FIRST_BUCKET - 1;
	return power < SYSCALL_BUCKETS ? power : SYSCALL_BUCKETS - 1;
}

static void count(struct syscalls *s, const struct thread *t, uint64_t ns, int64_t ret)
{
	struct syscall_key key = { t->pid, t->call.number, t->call.abi };
	struct syscall_counts *c = syscall_sums_of(s->sums, &key);

	if (!c->calls)
		memcpy(c->comm, t->comm, sizeof(c->comm));
	c->calls++;
	c->total_ns += ns;
	c->buckets[bucket_of(ns)]++;
	c->longest_ns = ns > c->longest_ns ? ns : c->longest_ns;
	c->errors += ret < 0 && ret >= -MAX_ERRNO;
}

/* ---- losses ---- */

/* A call whose end was lost is lost. One whose begin was lost shows by an end without; but seccomp lets calls
 * fail that never began (6.18), so no more are believed than begins were lost. */
static void begins_lost(void *ctx, uint64_t n)
{
	struct syscalls *s = ctx;

	s->n_lost_begins += n;
}

static void tell_lost_begins(struct syscalls *s)
{
	uint64_t n = s->n_orphans < s->n_lost_begins ? s->n_orphans : s->n_lost_begins;

	if (n)
		recording_lost(s->recording, 0, "syscall", n, 0, now_ns());
}

/* ---- records ---- */

enum { ID, ARGS };
enum { EXIT_ID, RET };

static uint32_t abi_of(const struct tracepoint_record *r, int64_t id)
{
#if defined(__x86_64__)
	if (raw_sample_is_32_bit(r->sample))
		return SYSCALL_ABI_IA32;
	if (id & X32_BIT)
		return SYSCALL_ABI_X32;
#endif
	(void)r;
	(void)id;
	return SYSCALL_ABI_NATIVE;
}

static struct ring_syscall record_of(const struct syscalls *s, const struct tracepoint_record *r,
	const struct thread *t)
{
	struct ring_syscall e = { .time = r->sample->time,
		.duration = r->sample->time - t->call.begin_ns,
		.pid = t->pid,
		.tid = t->tid,
		.number = t->call.number,
		.weight = s->sample,
		.cpu = (uint16_t)r->sample->cpu,
		.abi = (uint8_t)t->call.abi };

	memcpy(e.args, t->call.args, sizeof(e.args));
	return e;
}

static bool is_other(const struct syscalls *s, const struct thread *t)
{
	return t->pid == (uint32_t)getpid() ||
		!recording_wants_thread(s->recording, t->tid, t->comm);
}

static void tell_endless(struct syscalls *s, const struct tracepoint_record *r, struct thread *t)
{
	struct ring_syscall e = record_of(s, r, t);

	e.unfinished = 1;
	t->call.begin_ns = 0;
	if (!s->recording->options->summary)
		syscalls_take(s, r->stream, &e, sizeof(e), 0);
}

static void on_enter(void *ctx, const struct tracepoint_record *r)
{
	struct syscalls *s = ctx;
	struct thread *t = processes_thread(s->recording->processes, r->sample->pid,
		r->sample->tid);
	int64_t id = tracepoint_number(r, ID);
	uint32_t abi = abi_of(r, id);
	uint32_t number = (uint32_t)(abi == SYSCALL_ABI_X32 ? id & ~X32_BIT : id);
	unsigned traits = s->traits[syscall_place(abi, number)].traits;

	t->call.begin_ns = 0;
	t->call.between = false;
	if (!(traits & SYSCALL_WANTED) || is_other(s, t))
		return;
	t->call = (struct thread_call){ .begin_ns = r->sample->time, .number = number, .abi = abi };
	for (unsigned i = 0; i < SYSCALL_ARGS; i++)
		t->call.args[i] = (uint64_t)raw_element(r->fields, ARGS, i, r->sample);
	if (traits & SYSCALL_NO_RETURN)
		tell_endless(s, r, t);
}

/* Of another call than the one that began, something was lost. The end of a signal's handler has no number. */
static bool belongs(const struct thread_call *c, int64_t id)
{
	uint32_t number = (uint32_t)(c->abi == SYSCALL_ABI_X32 ? id & ~X32_BIT : id);

	return c->begin_ns && (id == -1 || number == c->number);
}

static void end_call(struct syscalls *s, const struct tracepoint_record *r, struct thread *t)
{
	struct recording *rec = s->recording;
	struct ring_syscall e = record_of(s, r, t);

	e.ret = tracepoint_number(r, RET);
	t->call.begin_ns = 0;
	if (e.duration < rec->options->min_ns)
		return;
	if (rec->options->summary)
		count(s, t, e.duration, e.ret);
	else if (chance_one_in(&s->random, s->sample))
		syscalls_take(s, r->stream, &e, sizeof(e), tracepoint_stack(rec, r, t));
}

static void on_exit_of_call(void *ctx, const struct tracepoint_record *r)
{
	struct syscalls *s = ctx;
	struct thread *t = processes_find(s->recording->processes, r->sample->tid);
	int64_t id = tracepoint_number(r, EXIT_ID);
	bool is_orphan = t && t->call.between && id != -1;

	if (!t)
		return;
	s->n_orphans += is_orphan && !is_other(s, t);
	t->call.between = true;
	if (belongs(&t->call, id))
		end_call(s, r, t);
}

/* ---- calls that go on at the end ---- */

static void on_thread(void *ctx, struct thread *t)
{
	struct syscalls *s = ctx;
	const struct thread_call *c = &t->call;
	struct syscall_begun b = { c->begin_ns, t->pid, t->tid, c->number, c->abi };

	if (c->begin_ns)
		syscalls_take_begun(s, &b, s->recording->stop_ns);
}

static void on_map(void *ctx, uint32_t pid, const struct vma *vma)
{
	(void)ctx;
	(void)pid;
	(void)vma;
}

void syscall_tracepoints_settle(struct syscalls *s)
{
	const struct process_visitor each = { on_thread, on_map, s };

	tracepoint_feed_settle(s->tracepoints);
	tell_lost_begins(s);
	processes_each(s->recording->processes, &each);
}

/* ---- opening ---- */

/* The calls that are named, for the kernel to leave out all others; "" if they are too many for it. Numbers are of
 * any numbering, as it does not tell them apart. */
static void make_filter(const struct syscalls *s, char *text, size_t size)
{
	size_t at = (size_t)snprintf(text, size, "id == -1");

	for (unsigned i = 0; i < SYSCALL_PLACES; i++) {
		if (!(s->traits[i].traits & SYSCALL_WANTED))
			continue;
		at += (size_t)snprintf(text + at, size - at, " || id == %u || id == %u",
			i % SYSCALL_NUMBERS, i % SYSCALL_NUMBERS | X32_BIT);
		if (at >= size) {
			text[0] = '\0';
			return;
		}
	}
}

int syscall_tracepoints_open(struct syscalls *s, bool stacks, struct err *err)
{
	char filter[MAX_FILTER];
	struct tracepoint_use uses[] = {
		{ .name = "raw_syscalls:sys_enter",
			.event = "syscall",
			.lost = begins_lost,
			.fields = { "id", "args" },
			.call = on_enter,
			.by_target = true,
			.bits = true },
		{ .name = "raw_syscalls:sys_exit",
			.event = "syscall",
			.fields = { "id", "ret" },
			.call = on_exit_of_call,
			.stack = stacks,
			.by_target = true,
			.no_kernel = true },
	};

	make_filter(s, filter, sizeof(filter));
	if (s->recording->options->calls && filter[0])
		uses[0].filter = uses[1].filter = filter;
	s->random = now_ns() | 1;
	s->sums = syscall_sums_new();
	s->tracepoints = tracepoint_feed_open(s->recording, "syscalls", uses, 2, s, err);
	return s->tracepoints ? 0 : -EPERM;
}
