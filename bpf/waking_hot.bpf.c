// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* sched_waking of a kernel that keeps preempt_count among other busy variables: 6.2 to 6.13. */
#include "bpf/waking.bpf.h"

struct pcpu_hot {
	int preempt_count;
} RELOCATABLE;

extern const struct pcpu_hot pcpu_hot __ksym;

SEC("tp_btf/sched_waking")
int BPF_PROG(waking_hot, struct task_struct *p)
{
	const struct pcpu_hot *hot = bpf_this_cpu_ptr(&pcpu_hot);

	return waking(p, context_of(hot->preempt_count));
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
