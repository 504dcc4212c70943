/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The scheduler's tracepoints. Either every event is handed over as it happens, or (--min) threads
 * carry what is known of their wait with them, and only waits that were long enough are.
 *
 * All of these tracepoints run with interrupts off, so nothing of this object interrupts another. */
#include "bpf/kept_stack.bpf.h"
#include "bpf/waking.bpf.h"

enum {
	PF_KTHREAD = 0x00200000,
};

const volatile bool sched_stacks;
const volatile bool sched_waker_stacks;
const volatile bool sched_state_is_argument = true; /* of sched_switch: since 5.18 */
const volatile __u64 sched_min_ns;                  /* 0: everything */
const volatile __u32 sched_sample = 1;              /* one in so many long waits is told */

RING_RECORD(sched_switch);
RING_RECORD(sched_wakeup);
RING_RECORD(sched_migrate);
RING_RECORD(sched_delay);

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring_scratch);
} sched_scratch SEC(".maps");

/* What is known of a thread without a CPU. Hashes by thread number with places made beforehand, and no task
 * storage: that allocates, and these tracepoints hold the run queue's lock, which whoever is woken
 * because memory is short would want as well. */
struct wait {
	u64 left_ns, runnable_ns; /* 0: not so */
	u32 state, waker_pid, waker_tid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* with --min: 65536 */
	__type(key, u32);
	__type(value, struct wait);
} waits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* with --min and stacks: 16384 */
	__type(key, u32);
	__type(value, struct kept_stack);
} wait_stacks SEC(".maps");

/* Too large for a program's own stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kept_stack);
} new_stack SEC(".maps");

/* TASK_RUNNING and so on: include/linux/sched.h; the same from 4.14 to 6.18. */
static __always_inline enum sched_state state_of(unsigned int state)
{
	if (!state)
		return SCHED_STATE_RUNNABLE;
	if (state & 0x01)
		return SCHED_STATE_SLEEPING;
	if ((state & 0x402) == 0x402) /* uninterruptible, but not counted as load */
		return SCHED_STATE_IDLE;
	if (state & 0x02)
		return SCHED_STATE_DISK;
	if (state & 0x04)
		return SCHED_STATE_STOPPED;
	if (state & 0x08)
		return SCHED_STATE_TRACED;
	if (state & 0xb0)
		return SCHED_STATE_DEAD;
	if (state & 0x40)
		return SCHED_STATE_PARKED;
	return SCHED_STATE_DISK; /* such as TASK_RTLOCK_WAIT */
}

static __always_inline unsigned int raw_state(struct task_struct *prev)
{
	if (bpf_core_field_exists(prev->__state))
		return prev->__state;
	return (unsigned int)((struct task_struct___old *)prev)->state;
}

static __always_inline u32 cpu_of(struct task_struct *p)
{
	if (bpf_core_field_exists(p->thread_info.cpu))
		return p->thread_info.cpu;
	return ((struct task_struct___cpu *)p)->cpu;
}

/* ---- everything ---- */

static __always_inline void fill_switch(struct sched_switch *e, struct task_struct *prev,
	struct task_struct *next, enum sched_state state, u8 recorded)
{
	e->time = bpf_ktime_get_ns();
	e->cpu = bpf_get_smp_processor_id();
	e->pid = prev->tgid;
	e->tid = prev->pid;
	e->comm = 0;
	e->state = state;
	e->prio = prev->prio;
	e->next_pid = next->tgid;
	e->next_tid = next->pid;
	e->next_comm = 0;
	e->next_prio = next->prio;
	e->stack = 0;
	e->recorded = recorded;
}

static __always_inline void stream_switch(void *ctx, struct task_struct *prev,
	struct task_struct *next, enum sched_state state, u8 recorded)
{
	void *ring = ring_for(RING_SCHED_SWITCH);
	struct sched_switch_record *r;
	struct ring_scratch *s;
	u32 zero = 0;

	if (!ring)
		return;
	if (sched_stacks && prev->pid && state != SCHED_STATE_RUNNABLE) {
		s = bpf_map_lookup_elem(&sched_scratch, &zero);
		if (!s)
			return;
		fill_switch((void *)s->bytes, prev, next, state, recorded);
		ring_output(ctx, ring, s, RING_SCHED_SWITCH, sizeof(struct sched_switch), true,
			!(prev->flags & PF_KTHREAD));
		return;
	}
	r = ring_reserve(ring, struct sched_switch_record, RING_SCHED_SWITCH);
	if (!r)
		return;
	fill_switch(&r->event, prev, next, state, recorded);
	ring_submit(ring, r, sizeof(*r));
}

static __always_inline void fill_wakeup(struct sched_wakeup *e, struct task_struct *p,
	const struct waking *by, bool is_new)
{
	e->time = bpf_ktime_get_ns();
	e->cpu = bpf_get_smp_processor_id();
	e->pid = p->tgid;
	e->tid = p->pid;
	e->comm = 0;
	e->prio = p->prio;
	e->target_cpu = cpu_of(p);
	e->waker_pid = by->pid;
	e->waker_tid = by->tid;
	e->waker_comm = 0;
	e->context = by->context;
	e->is_new = is_new;
	e->stack = 0;
}

static __always_inline void stream_wakeup(void *ctx, struct task_struct *p, const struct waking *by,
	bool stack, bool is_new)
{
	void *ring = ring_for(RING_SCHED_WAKEUP);
	struct sched_wakeup_record *r;
	struct ring_scratch *s;
	u32 zero = 0;

	if (!ring)
		return;
	if (stack) {
		s = bpf_map_lookup_elem(&sched_scratch, &zero);
		if (!s)
			return;
		fill_wakeup((void *)s->bytes, p, by, is_new);
		ring_output(ctx, ring, s, RING_SCHED_WAKEUP, sizeof(struct sched_wakeup), true,
			by->context != SCHED_CONTEXT_INTERRUPT && by->tid);
		return;
	}
	r = ring_reserve(ring, struct sched_wakeup_record, RING_SCHED_WAKEUP);
	if (!r)
		return;
	fill_wakeup(&r->event, p, by, is_new);
	ring_submit(ring, r, sizeof(*r));
}

/* ---- only long waits ---- */

static __always_inline void keep_stacks(void *ctx, u32 tid, bool user)
{
	u32 zero = 0;
	struct kept_stack *k = bpf_map_lookup_elem(&new_stack, &zero);

	if (!k)
		return;
	kept_stack_take(ctx, k, user, 0);
	if (bpf_map_update_elem(&wait_stacks, &tid, k, BPF_ANY))
		ring_count_gap(RING_NO_PLACE_WAIT_STACKS);
}

static __always_inline void leave(void *ctx, struct task_struct *prev, enum sched_state state)
{
	struct wait w = { .left_ns = bpf_ktime_get_ns(), .state = state };
	u32 tid = prev->pid;

	if (state == SCHED_STATE_DEAD) {
		bpf_map_delete_elem(&waits, &tid);
		bpf_map_delete_elem(&wait_stacks, &tid);
		return;
	}
	if (state == SCHED_STATE_RUNNABLE)
		w.runnable_ns = w.left_ns;
	if (bpf_map_update_elem(&waits, &tid, &w, BPF_ANY))
		ring_count_gap(RING_NO_PLACE_WAITS);
	if (sched_stacks && state != SCHED_STATE_RUNNABLE)
		keep_stacks(ctx, tid, !(prev->flags & PF_KTHREAD));
}

static __always_inline void tell_delay(struct task_struct *prev, struct task_struct *next,
	const struct wait *w, u64 now)
{
	void *ring = ring_for(RING_SCHED_DELAY);
	struct sched_delay_record *r;

	r = ring ? ring_reserve(ring, struct sched_delay_record, RING_SCHED_DELAY) : NULL;
	if (!r)
		return;
	r->event = (struct sched_delay){ .time = now,
		.latency = now - w->runnable_ns,
		.cpu = bpf_get_smp_processor_id(),
		.pid = next->tgid,
		.tid = next->pid,
		.prio = next->prio,
		.before_pid = prev->tgid,
		.before_tid = prev->pid,
		.waker_pid = w->waker_pid,
		.waker_tid = w->waker_tid,
		.weight = sched_sample };
	ring_submit(ring, r, sizeof(*r));
}

static __always_inline void tell_off_cpu(struct task_struct *next, const struct wait *w, u64 now)
{
	const struct kept_stack *k = NULL;
	struct ring_scratch *s;
	struct off_cpu *e;
	void *ring = ring_for(RING_OFF_CPU);
	u32 zero = 0, at = sizeof(*e), tid = next->pid;

	s = bpf_map_lookup_elem(&sched_scratch, &zero);
	if (!s || !ring)
		return;
	e = (void *)s->bytes;
	*e = (struct off_cpu){ .time = now,
		.latency = now - w->left_ns,
		.blocked = w->runnable_ns ? w->runnable_ns - w->left_ns : 0,
		.cpu = bpf_get_smp_processor_id(),
		.pid = next->tgid,
		.tid = next->pid,
		.prio = next->prio,
		.state = w->state,
		.waker_pid = w->waker_pid,
		.waker_tid = w->waker_tid,
		.weight = sched_sample };
	s->head = (struct ring_head){ .kind = RING_OFF_CPU, .size = sizeof(*e) };
	if (sched_stacks && w->state != SCHED_STATE_RUNNABLE)
		k = bpf_map_lookup_elem(&wait_stacks, &tid);
	if (k)
		at = kept_stack_add(s, at, k);
	at += sizeof(s->head);
	if (at <= sizeof(*s) && bpf_ringbuf_output(ring, s, at, ring_flags(ring, at)))
		ring_count_lost(RING_OFF_CPU);
}

static __always_inline bool is_told(u64 since_ns, u64 now)
{
	return since_ns && now - since_ns >= sched_min_ns && filter_one_in(sched_sample);
}

static __always_inline void come_back(struct task_struct *prev, struct task_struct *next)
{
	u32 tid = next->pid;
	struct wait *w = bpf_map_lookup_elem(&waits, &tid);
	u64 now = bpf_ktime_get_ns();

	if (!w)
		return;
	if (is_told(w->runnable_ns, now))
		tell_delay(prev, next, w, now);
	if (is_told(w->left_ns, now))
		tell_off_cpu(next, w, now);
	w->left_ns = w->runnable_ns = 0;
}

static __always_inline void now_runnable(struct task_struct *p, const struct waking *by)
{
	struct wait new_wait = { .state = SCHED_STATE_RUNNABLE }, *w;
	u32 tid = p->pid;

	w = bpf_map_lookup_elem(&waits, &tid);
	if (!w) { /* it left before the recording began, or is new */
		bpf_map_update_elem(&waits, &tid, &new_wait, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&waits, &tid);
	}
	if (!w)
		return;
	w->runnable_ns = bpf_ktime_get_ns();
	w->waker_pid = by->pid;
	w->waker_tid = by->tid;
}

/* ---- the tracepoints ---- */

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch_btf, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	enum sched_state state = SCHED_STATE_RUNNABLE;
	bool leaves, comes;

	if (!ring_enabled())
		return 0;
	leaves = filter_task(prev, prev->tgid);
	comes = filter_task(next, next->tgid);
	if (!leaves && !comes)
		return 0;
	if (!preempt)
		state = state_of(sched_state_is_argument ? (unsigned int)ctx[3] : raw_state(prev));
	if (!sched_min_ns) {
		stream_switch(ctx, prev, next, state, (u8)leaves | (u8)comes << 1);
		return 0;
	}
	if (leaves && prev->pid)
		leave(ctx, prev, state);
	if (comes && next->pid)
		come_back(prev, next);
	return 0;
}

static __always_inline int woken(void *ctx, struct task_struct *p, bool is_new)
{
	u64 id = bpf_get_current_pid_tgid();
	struct waking by = { p->pid, id >> 32, (u32)id, is_new ? SCHED_CONTEXT_TASK : 0 }, *w;
	u32 place = p->pid & (WAKINGS - 1);
	bool here = true;

	if (!ring_enabled() || !filter_task(p, p->tgid))
		return 0;
	w = is_new ? NULL : bpf_map_lookup_elem(&wakings, &place);
	if (w && w->woken == p->pid) {
		here = w->tid == by.tid;
		by = *w;
		w->woken = 0;
	}
	if (sched_min_ns)
		now_runnable(p, &by);
	else
		stream_wakeup(ctx, p, &by, sched_waker_stacks && here, is_new);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup_btf, struct task_struct *p)
{
	return woken(ctx, p, false);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new_btf, struct task_struct *p)
{
	return woken(ctx, p, true);
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrate_btf, struct task_struct *p, int to)
{
	struct sched_migrate_record *r;
	void *ring;

	if (!ring_enabled() || sched_min_ns || !filter_task(p, p->tgid))
		return 0;
	ring = ring_for(RING_SCHED_MIGRATE);
	r = ring ? ring_reserve(ring, struct sched_migrate_record, RING_SCHED_MIGRATE) : NULL;
	if (!r)
		return 0;
	r->event = (struct sched_migrate){ .time = bpf_ktime_get_ns(),
		.cpu = bpf_get_smp_processor_id(),
		.pid = p->tgid,
		.tid = p->pid,
		.prio = p->prio,
		.from_cpu = cpu_of(p),
		.to_cpu = to };
	ring_submit(ring, r, sizeof(*r));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
