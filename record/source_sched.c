/* `rec sched`: who gets a CPU, who waits for one, who wakes whom.
 *
 * Every switch and wake-up is recorded as it happens, and `ana` puts waits together. With --min only waits
 * that took at least so long are, put together in the kernel. Waits for a CPU of a millisecond and more
 * are events of their own in both cases (sched_delay), so that a trigger can wait for one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/events.h"
#include "gen/sched.skel.h"
#include "record/bpf_rings.h"
#include "record/sched_source.h"
#include "record/tracepoint_feed.h"

enum { MAX_WAITS = 65536, MAX_WAIT_STACKS = 16384 };

#define DELAY_NS 1000000ULL /* a wait worth an event of its own */

static struct thread *thread_of(const struct sched_source *s, uint32_t pid, uint32_t tid)
{
	return processes_thread(s->recording->processes, pid, tid);
}

static uint32_t comm_of(const struct sched_source *s, uint32_t pid, uint32_t tid)
{
	return recording_comm(s->recording, thread_of(s, pid, tid));
}

static void add(struct sched_source *s, uint32_t stream, int type, const void *event)
{
	recording_add(s->recording, stream, type, event);
	s->recording->n_events++;
}

/* ---- events, whatever they come from ---- */

/* The arriving thread has waited since it was woken or preempted. */
static void tell_delay(struct sched_source *s, uint32_t stream, const struct sched_switch *e)
{
	struct thread *t = thread_of(s, e->next_pid, e->next_tid);
	struct sched_delay d = { .time = e->time,
		.cpu = e->cpu,
		.pid = e->next_pid,
		.tid = e->next_tid,
		.prio = e->next_prio,
		.before_pid = e->pid,
		.before_tid = e->tid,
		.before_comm = e->comm,
		.comm = e->next_comm,
		.waker_pid = t->waker_pid,
		.waker_tid = t->waker_tid,
		.weight = 1 };

	if (t->runnable_ns && e->time > t->runnable_ns) {
		d.latency = e->time - t->runnable_ns;
		if (d.latency >= DELAY_NS)
			add(s, stream, s->delay_type, &d);
	}
	t->runnable_ns = 0;
}

void sched_take_switch(struct sched_source *s, uint32_t stream, struct sched_switch *e)
{
	struct thread *t = thread_of(s, e->pid, e->tid);

	t->runnable_ns = e->state == SCHED_STATE_RUNNABLE ? e->time : 0;
	t->waker_pid = t->waker_tid = 0;
	e->comm = recording_comm(s->recording, t);
	e->next_comm = comm_of(s, e->next_pid, e->next_tid);
	add(s, stream, s->switch_type, e);
	if (e->next_tid)
		tell_delay(s, stream, e);
}

void sched_take_wakeup(struct sched_source *s, uint32_t stream, struct sched_wakeup *e)
{
	struct thread *t = thread_of(s, e->pid, e->tid);

	t->runnable_ns = e->time;
	t->waker_pid = e->waker_pid;
	t->waker_tid = e->waker_tid;
	e->comm = recording_comm(s->recording, t);
	e->waker_comm = comm_of(s, e->waker_pid, e->waker_tid);
	add(s, stream, s->wakeup_type, e);
}

void sched_take_migrate(struct sched_source *s, uint32_t stream, struct sched_migrate *e)
{
	e->comm = comm_of(s, e->pid, e->tid);
	add(s, stream, s->migrate_type, e);
}

void sched_take_delay(struct sched_source *s, uint32_t stream, struct sched_delay *e)
{
	e->comm = comm_of(s, e->pid, e->tid);
	e->before_comm = comm_of(s, e->before_pid, e->before_tid);
	add(s, stream, s->delay_type, e);
}

void sched_take_off_cpu(struct sched_source *s, uint32_t stream, struct off_cpu *e)
{
	e->comm = comm_of(s, e->pid, e->tid);
	add(s, stream, s->off_cpu_type, e);
}

/* ---- records of the BPF programs ---- */

static void on_switch(void *ctx, const struct bpf_event *b)
{
	struct sched_source *s = ctx;
	struct sched_switch e;

	memcpy(&e, b->data, sizeof(e));
	e.stack = bpf_rings_stack(s->recording->bpf, b, e.pid, e.tid);
	sched_take_switch(s, b->stream, &e);
}

static void on_wakeup(void *ctx, const struct bpf_event *b)
{
	struct sched_source *s = ctx;
	struct sched_wakeup e;

	memcpy(&e, b->data, sizeof(e));
	e.stack = bpf_rings_stack(s->recording->bpf, b, e.waker_pid, e.waker_tid);
	sched_take_wakeup(s, b->stream, &e);
}

static void on_migrate(void *ctx, const struct bpf_event *b)
{
	struct sched_migrate e;

	memcpy(&e, b->data, sizeof(e));
	sched_take_migrate(ctx, b->stream, &e);
}

static void on_delay(void *ctx, const struct bpf_event *b)
{
	struct sched_delay e;

	memcpy(&e, b->data, sizeof(e));
	sched_take_delay(ctx, b->stream, &e);
}

static void on_off_cpu(void *ctx, const struct bpf_event *b)
{
	struct sched_source *s = ctx;
	struct off_cpu e;

	memcpy(&e, b->data, sizeof(e));
	e.stack = bpf_rings_stack(s->recording->bpf, b, e.pid, e.tid);
	sched_take_off_cpu(s, b->stream, &e);
}

/* ---- opening ---- */

static bool stacks(const struct sched_source *s)
{
	return options_stacks(s->recording->options, &source_sched, true);
}

static void configure(struct sched_source *s)
{
	const struct recording *r = s->recording;
	struct sched_bpf *skel = s->skel;

	bpf_rings_configure(r->bpf, skel->rodata);
	skel->rodata->walk_enabled = bpf_rings_walk(r->bpf);
	skel->rodata->sched_stacks = stacks(s);
	skel->rodata->sched_waker_stacks = options_has_stacks(r->options, "wakers");
	skel->rodata->sched_state_is_argument = bpf_rings_arguments(r->bpf, "sched_switch") >= 4;
	skel->rodata->sched_min_ns = r->options->min_ns;
	skel->rodata->sched_sample = s->sample;
	if (!r->options->min_ns)
		return;
	bpf_map__set_max_entries(skel->maps.waits, MAX_WAITS);
	if (skel->rodata->sched_stacks)
		bpf_map__set_max_entries(skel->maps.wait_stacks, MAX_WAIT_STACKS);
}

static void register_events(struct sched_source *s)
{
	struct writer *w = s->recording->writer;

	s->delay_type = writer_type(w, &event_sched_delay, NULL);
	if (s->recording->options->min_ns) {
		s->off_cpu_type = writer_type(w, &event_off_cpu, NULL);
		return;
	}
	s->switch_type = writer_type(w, &event_sched_switch, NULL);
	s->wakeup_type = writer_type(w, &event_sched_wakeup, NULL);
	s->migrate_type = writer_type(w, &event_sched_migrate, NULL);
}

static void handle_records(struct sched_source *s)
{
	struct bpf_rings *b = s->recording->bpf;

	if (s->recording->options->min_ns) {
		bpf_rings_handle(b, RING_SCHED_DELAY, "sched_delay", sizeof(struct sched_delay),
			on_delay, s);
		bpf_rings_handle(b, RING_OFF_CPU, "off_cpu", sizeof(struct off_cpu), on_off_cpu, s);
		return;
	}
	bpf_rings_handle(b, RING_SCHED_SWITCH, "sched_switch", sizeof(struct sched_switch),
		on_switch, s);
	bpf_rings_handle(b, RING_SCHED_WAKEUP, "sched_wakeup", sizeof(struct sched_wakeup),
		on_wakeup, s);
	bpf_rings_handle(b, RING_SCHED_MIGRATE, "sched_migrate", sizeof(struct sched_migrate),
		on_migrate, s);
}

static void tell_settings(const struct sched_source *s)
{
	struct writer *w = s->recording->writer;
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)s->recording->options->min_ns);
	if (s->recording->options->min_ns)
		writer_info(w, "source.sched.min_ns", text);
	writer_info(w, "source.sched.stacks", stacks(s) ? "1" : "0");
	snprintf(text, sizeof(text), "%u", s->sample);
	if (s->sample > 1)
		writer_info(w, "source.sched.sample", text);
	else if (s->recording->options->sample > 1)
		recording_note(s->recording, "sched",
			"sched: --sample leaves all switches in, as waits are made of every one of them; "
			"with --min it takes one wait in %u",
			s->recording->options->sample);
}

/* Switches and wake-ups make waits only together; with --min a wait is one event, of which some will do. */
static uint32_t sample_of(const struct options *o)
{
	return o->min_ns && o->sample ? o->sample : 1;
}

static int open_programs(struct sched_source *s, struct err *err)
{
	struct recording *r = s->recording;
	int rc = bpf_rings_open(r, err);

	if (rc)
		return rc;
	s->skel = sched_bpf__open();
	if (!s->skel)
		return err_errno(err, errno, "opening BPF programs");
	configure(s);
	handle_records(s);
	rc = bpf_rings_load(r->bpf, s->skel->skeleton, "sched", err);
	if (!rc)
		rc = sched_waking_load(&s->waking, r->bpf, s->skel->maps.wakings, err);
	if (rc)
		sched_bpf__detach(s->skel); /* not one of them tells what the tracepoints do */
	return rc;
}

static int sched_open(struct recording *r, void **state, struct err *err)
{
	struct sched_source *s = xcalloc(1, sizeof(*s));
	struct err why = { "" };
	int rc;

	s->recording = r;
	s->sample = sample_of(r->options);
	s->random = now_ns() | 1;
	*state = s;
	register_events(s);
	tell_settings(s);
	if (!open_programs(s, &why))
		return 0;
	rc = sched_tracepoints_open(s, stacks(s), err);
	return rc ? tracepoint_feed_neither(&why, rc, err)
		  : tracepoint_feed_instead(r, &source_sched, &why);
}

static void sched_enable(void *state)
{
	struct sched_source *s = state;

	tracepoint_feed_enable(s->tracepoints);
}

static void sched_disable(void *state)
{
	struct sched_source *s = state;

	tracepoint_feed_disable(s->tracepoints);
}

static void sched_settle(void *state)
{
	struct sched_source *s = state;

	tracepoint_feed_settle(s->tracepoints);
}

static void sched_close(void *state)
{
	struct sched_source *s = state;

	if (!s)
		return;
	tracepoint_feed_close(s->tracepoints);
	sched_waking_close(&s->waking);
	sched_bpf__destroy(s->skel);
	free(s);
}

const struct source source_sched = {
	.name = "sched",
	.summary = "the scheduler: who runs, who waits for a CPU, who wakes whom",
	.needs = { "sampling", "BPF" },
	.better_with = { "kernel names", "other processes", "BPF stacks" },
	.instead_of_bpf = "tracepoints",
	.open = sched_open,
	.enable = sched_enable,
	.disable = sched_disable,
	.settle = sched_settle,
	.close = sched_close,
	.bpf = true,
};
