/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Who wakes: the present thread of sched_waking, while sched_wakeup may come on another CPU, from an
 * interrupt.
 *
 * What the waker was doing is in the kernel's preempt_count, a variable of each CPU that was called one thing
 * or another. libbpf looks for a variable that vmlinux has not in every module, which takes
 * CAP_SYS_ADMIN, also for a weak one that no loaded program reads (libbpf 1.1). So each has an object
 * of its own, and only that is opened of which the kernel has the variable; a third does without. */
#ifndef BPF_WAKING_BPF_H
#define BPF_WAKING_BPF_H

#include "bpf/filter.bpf.h"
#include "bpf/ring.bpf.h"
#include "specs/events/sched.h"

enum {
	HARDIRQ_OR_NMI = 0x00ff0000,
	SERVING_SOFTIRQ = 0x00000100,
	WAKINGS = 16384, /* a power of two */
};

/* From sched_waking until sched_wakeup a moment later, which may come on another CPU. */
struct waking {
	u32 woken; /* whom it is about; 0: nobody */
	u32 pid, tid;
	u32 context;
};

/* By the last bits of the woken thread's number: a sixth of what a hash costs. Should two be on their way in
 * one place, the first is told without its waker's name. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WAKINGS);
	__type(key, u32);
	__type(value, struct waking);
} wakings SEC(".maps");

static __always_inline enum sched_context context_of(int preempt_count)
{
	return preempt_count & (HARDIRQ_OR_NMI | SERVING_SOFTIRQ) ? SCHED_CONTEXT_INTERRUPT
								  : SCHED_CONTEXT_TASK;
}

static __always_inline int waking(struct task_struct *p, enum sched_context context)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 place = p->pid & (WAKINGS - 1);
	struct waking *w;

	if (!ring_enabled() || !filter_task(p, p->tgid))
		return 0;
	w = bpf_map_lookup_elem(&wakings, &place);
	if (w)
		*w = (struct waking){ p->pid, id >> 32, (u32)id, context };
	return 0;
}

#endif
