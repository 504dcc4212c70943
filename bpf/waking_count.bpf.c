// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* sched_waking of a kernel whose preempt_count is a variable of its own: before 6.2, and since 6.14. */
#include "bpf/waking.bpf.h"

extern const int __preempt_count __ksym;

SEC("tp_btf/sched_waking")
int BPF_PROG(waking_count, struct task_struct *p)
{
	return waking(p, context_of(*(const int *)bpf_this_cpu_ptr(&__preempt_count)));
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
