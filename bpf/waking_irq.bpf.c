// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* sched_waking of a kernel that does not list where its preempt_count is (no CONFIG_KALLSYMS_ALL). Which interrupts a
 * CPU is in is counted by what they tell when they begin and end; one that was on its way when recording began is
 * taken for a thread. An interrupt of a kind that has no tracepoints of its own, such as a hypervisor's, is as well.
 * Where the kernel is PREEMPT_RT softirqs belong to threads that others may take the CPU from, whose wakings would
 * count as an interrupt's: `rec` leaves those two programs out, and they are threads there (as they are by
 * preempt_count, which such a kernel does not raise for them). */
#include "bpf/waking.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} interrupts SEC(".maps");

static __always_inline u32 *interrupts_here(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&interrupts, &zero);
}

static __always_inline int begins(void)
{
	u32 *n = interrupts_here();

	if (n)
		++*n;
	return 0;
}

static __always_inline int ends(void)
{
	u32 *n = interrupts_here();

	if (n && *n)
		--*n;
	return 0;
}

/* What ends is attached first: an end without a beginning is nothing, while a beginning that never ends would be. */
#define INTERRUPT(name) \
	SEC("tp_btf/" #name "_exit") \
	int name##_ends(void *ctx) \
	{ \
		return ends(); \
	} \
	SEC("tp_btf/" #name "_entry") \
	int name##_begins(void *ctx) \
	{ \
		return begins(); \
	}

/* Of all machines. */
INTERRUPT(softirq)
INTERRUPT(irq_handler)
/* Of x86; elsewhere the timer's is one of the above. */
INTERRUPT(local_timer)
INTERRUPT(call_function)
INTERRUPT(call_function_single)
INTERRUPT(irq_work)

SEC("tp_btf/sched_waking")
int BPF_PROG(waking_irq, struct task_struct *p)
{
	u32 *n = interrupts_here();

	return waking(p, n && *n ? SCHED_CONTEXT_INTERRUPT : SCHED_CONTEXT_TASK);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
