/* The scheduler by the kernel's tracepoints. These name threads by their number only: the process is the one
 * that the thread is known to belong to, or that /proc tells while it is there.
 *
 * With --min, waits are put together here. */
#include <errno.h>

#include "record/chance.h"
#include "record/sched_source.h"
#include "record/tracepoint_feed.h"

/* What prev_state says: TASK_REPORT of include/linux/sched.h, the same from 4.14 to 6.18. Whoever was
 * preempted has TASK_REPORT_MAX, beyond these bits, or none. */
#define WAITS     "prev_state & 255"
#define PREEMPTED "!(prev_state & 255)"

static enum sched_state state_of(int64_t prev_state)
{
	static const struct {
		int64_t bits;
		enum sched_state state;
	} states[] = {
		{ 0x01, SCHED_STATE_SLEEPING },
		{ 0x02, SCHED_STATE_DISK },
		{ 0x04, SCHED_STATE_STOPPED },
		{ 0x08, SCHED_STATE_TRACED },
		{ 0x30, SCHED_STATE_DEAD },
		{ 0x40, SCHED_STATE_PARKED },
		{ 0x80, SCHED_STATE_IDLE },
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (prev_state & states[i].bits)
			return states[i].state;
	return SCHED_STATE_RUNNABLE;
}

/* Whether the thread that a record names is recorded. What is of others is not looked into further: they
 * would all have to be read from /proc. */
static bool wants(const struct sched_source *s, const struct tracepoint_record *r, uint32_t tid,
	unsigned comm_field)
{
	char comm[16];

	raw_text(r->fields, comm_field, r->sample, comm, sizeof(comm));
	return recording_wants(s->recording, processes_find_late(s->recording->processes, tid), tid,
		comm);
}

/* The process of a thread. That of who was running is in the record, unless it has ended. */
static uint32_t process_of(const struct sched_source *s, const struct tracepoint_record *r,
	uint32_t tid)
{
	if (tid == r->sample->tid)
		return r->sample->pid;
	return processes_by_tid(s->recording->processes, tid)->pid;
}

/* ---- switches ---- */

enum { PREV_PID, PREV_PRIO, PREV_STATE, PREV_COMM, NEXT_PID, NEXT_PRIO, NEXT_COMM };
#define SWITCH_FIELDS \
	{ \
		"prev_pid", "prev_prio", "prev_state", "prev_comm", "next_pid", "next_prio", \
			"next_comm" \
	}

static void leave(struct sched_source *s, const struct sched_switch *e)
{
	struct thread *t = processes_thread(s->recording->processes, e->pid, e->tid);
	bool runnable = e->state == SCHED_STATE_RUNNABLE;

	t->left_ns = e->state == SCHED_STATE_DEAD ? 0 : e->time;
	t->left_state = e->state;
	t->left_stack = e->stack;
	t->left_generation = writer_generation(s->recording->writer);
	t->runnable_ns = runnable ? e->time : 0;
	t->waker_pid = t->waker_tid = 0;
}

/* A stack's number is good in the segment that it was made in. */
static uint32_t left_stack(const struct sched_source *s, const struct thread *t)
{
	return t->left_generation == writer_generation(s->recording->writer) ? t->left_stack : 0;
}

static bool is_told(struct sched_source *s, uint64_t since, uint64_t now)
{
	return since && now > since && now - since >= s->recording->options->min_ns &&
		chance_one_in(&s->random, s->sample);
}

static void come_back(struct sched_source *s, uint32_t stream, const struct sched_switch *e)
{
	struct thread *t = processes_thread(s->recording->processes, e->next_pid, e->next_tid);
	uint64_t left = t->left_ns, since = t->runnable_ns;
	struct sched_delay d = { .time = e->time,
		.latency = e->time - since,
		.cpu = e->cpu,
		.pid = t->pid,
		.tid = t->tid,
		.prio = e->next_prio,
		.before_pid = e->pid,
		.before_tid = e->tid,
		.waker_pid = t->waker_pid,
		.waker_tid = t->waker_tid,
		.weight = s->sample };
	struct off_cpu o = { .time = e->time,
		.latency = e->time - left,
		.blocked = since > left ? since - left : 0,
		.cpu = e->cpu,
		.pid = t->pid,
		.tid = t->tid,
		.prio = e->next_prio,
		.state = t->left_state,
		.waker_pid = t->waker_pid,
		.waker_tid = t->waker_tid,
		.stack = left_stack(s, t),
		.weight = s->sample };

	t->left_ns = t->runnable_ns = 0;
	if (is_told(s, since, e->time))
		sched_take_delay(s, stream, &d);
	if (is_told(s, left, e->time))
		sched_take_off_cpu(s, stream, &o);
}

static void take_switch(struct sched_source *s, const struct tracepoint_record *r, uint32_t tid,
	uint32_t next_tid, uint8_t recorded)
{
	struct processes *p = s->recording->processes;
	struct sched_switch e = { .time = r->sample->time,
		.cpu = r->sample->cpu,
		.pid = process_of(s, r, tid),
		.tid = tid,
		.state = state_of(tracepoint_number(r, PREV_STATE)),
		.prio = (int32_t)tracepoint_number(r, PREV_PRIO),
		.next_pid = process_of(s, r, next_tid),
		.next_tid = next_tid,
		.next_prio = (int32_t)tracepoint_number(r, NEXT_PRIO),
		.recorded = recorded };

	e.stack = tracepoint_stack(s->recording, r, processes_thread(p, e.pid, e.tid));
	if (!s->recording->options->min_ns) {
		sched_take_switch(s, r->stream, &e);
		return;
	}
	if (recorded & 1 && tid)
		leave(s, &e);
	if (recorded & 2 && next_tid)
		come_back(s, r->stream, &e);
}

static void on_switch(void *ctx, const struct tracepoint_record *r)
{
	uint32_t tid = (uint32_t)tracepoint_number(r, PREV_PID);
	uint32_t next_tid = (uint32_t)tracepoint_number(r, NEXT_PID);
	uint8_t recorded = wants(ctx, r, tid, PREV_COMM);

	recorded |= (uint8_t)(wants(ctx, r, next_tid, NEXT_COMM) << 1);
	if (recorded)
		take_switch(ctx, r, tid, next_tid, recorded);
}

/* ---- wake-ups ---- */

enum { PID, PRIO, TARGET_CPU, COMM };
#define WAKEUP_FIELDS \
	{ \
		"pid", "prio", "target_cpu", "comm" \
	}

static uint32_t context_of(const struct tracepoint_record *r)
{
	return raw_sample_in_interrupt(r->sample) ? SCHED_CONTEXT_INTERRUPT : SCHED_CONTEXT_TASK;
}

/* Here the waker is the present thread; sched_wakeup may come on another CPU, from an interrupt. */
static void on_waking(void *ctx, const struct tracepoint_record *r)
{
	struct sched_source *s = ctx;
	uint32_t tid = (uint32_t)tracepoint_number(r, PID);
	struct thread *t;

	if (!wants(s, r, tid, COMM))
		return;
	t = processes_by_tid(s->recording->processes, tid);
	t->waking_ns = r->sample->time;
	t->waking_pid = r->sample->pid;
	t->waking_tid = r->sample->tid;
	t->waking_context = context_of(r);
}

/* What sched_waking told of this wake-up. */
static void take_waking(struct thread *t, struct sched_wakeup *e)
{
	if (!t->waking_ns)
		return;
	t->waking_ns = 0;
	e->waker_pid = t->waking_pid;
	e->waker_tid = t->waking_tid;
	e->context = t->waking_context;
}

static void now_runnable(struct thread *t, const struct sched_wakeup *e)
{
	t->runnable_ns = e->time;
	t->waker_pid = e->waker_pid;
	t->waker_tid = e->waker_tid;
}

static void woken(struct sched_source *s, const struct tracepoint_record *r, bool is_new)
{
	uint32_t tid = (uint32_t)tracepoint_number(r, PID);
	struct processes *p = s->recording->processes;
	struct sched_wakeup e = { .time = r->sample->time,
		.cpu = r->sample->cpu,
		.tid = tid,
		.prio = (int32_t)tracepoint_number(r, PRIO),
		.target_cpu = (uint32_t)tracepoint_number(r, TARGET_CPU),
		.waker_pid = r->sample->pid,
		.waker_tid = r->sample->tid,
		.context = context_of(r),
		.is_new = is_new };
	struct thread *t;

	if (!wants(s, r, tid, COMM))
		return;
	t = processes_by_tid(p, tid);
	e.pid = t->pid;
	if (!is_new)
		take_waking(t, &e);
	if (s->recording->options->min_ns) {
		now_runnable(t, &e);
		return;
	}
	if (e.waker_tid == r->sample->tid) /* it is the waker's stack */
		e.stack = tracepoint_stack(s->recording, r,
			processes_thread(p, e.waker_pid, e.waker_tid));
	sched_take_wakeup(s, r->stream, &e);
}

static void on_wakeup(void *ctx, const struct tracepoint_record *r)
{
	woken(ctx, r, false);
}

static void on_wakeup_new(void *ctx, const struct tracepoint_record *r)
{
	woken(ctx, r, true);
}

/* ---- migrations ---- */

enum { MOVED_PID, MOVED_PRIO, ORIG_CPU, DEST_CPU, MOVED_COMM };
#define MIGRATE_FIELDS \
	{ \
		"pid", "prio", "orig_cpu", "dest_cpu", "comm" \
	}

static void on_migrate(void *ctx, const struct tracepoint_record *r)
{
	struct sched_source *s = ctx;
	struct sched_migrate e = { .time = r->sample->time,
		.cpu = r->sample->cpu,
		.tid = (uint32_t)tracepoint_number(r, MOVED_PID),
		.prio = (int32_t)tracepoint_number(r, MOVED_PRIO),
		.from_cpu = (uint32_t)tracepoint_number(r, ORIG_CPU),
		.to_cpu = (uint32_t)tracepoint_number(r, DEST_CPU) };

	if (!wants(s, r, e.tid, MOVED_COMM))
		return;
	e.pid = process_of(s, r, e.tid);
	sched_take_migrate(s, r->stream, &e);
}

/* ---- opening ---- */

/* Without a stack of whoever is preempted: that is where it was running, not where it waits. */
int sched_tracepoints_open(struct sched_source *s, bool stacks, struct err *err)
{
	bool wakers = options_has_stacks(s->recording->options, "wakers");
	const struct tracepoint_use uses[] = {
		{ .name = "sched:sched_switch",
			.event = "sched_switch",
			.fields = SWITCH_FIELDS,
			.call = on_switch,
			.filter = WAITS,
			.stack = stacks },
		{ .name = "sched:sched_switch",
			.event = "sched_switch",
			.fields = SWITCH_FIELDS,
			.call = on_switch,
			.filter = PREEMPTED },
		{ .name = "sched:sched_waking",
			.event = "sched_waking",
			.fields = WAKEUP_FIELDS,
			.call = on_waking },
		{ .name = "sched:sched_wakeup",
			.event = "sched_wakeup",
			.fields = WAKEUP_FIELDS,
			.call = on_wakeup,
			.stack = wakers },
		{ .name = "sched:sched_wakeup_new",
			.event = "sched_wakeup",
			.fields = WAKEUP_FIELDS,
			.call = on_wakeup_new,
			.stack = wakers,
			.rare = true },
		{ .name = "sched:sched_migrate_task",
			.event = "sched_migrate",
			.fields = MIGRATE_FIELDS,
			.call = on_migrate,
			.rare = true },
	};
	unsigned n = sizeof(uses) / sizeof(uses[0]);

	if (s->recording->options->min_ns)
		n--; /* migrations are not told */
	s->tracepoints = tracepoint_feed_open(s->recording, "sched", uses, n, s, err);
	return s->tracepoints ? 0 : -EPERM;
}
