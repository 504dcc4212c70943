/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Follows the processes that are recorded: children belong to them, the command from its exec on, and a
 * process until nothing is left of it: when its last thread exits that still has to leave its CPU. And follows the
 * threads that are chosen by number: one that execs has the number of its process from then on. */
#include "bpf/filter.bpf.h"

SEC("tp_btf/sched_process_fork")
int BPF_PROG(target_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 from = parent->tgid, to = child->tgid, active = TARGET_ACTIVE;

	if (from == to || !filter_has_target(from))
		return 0;
	if (bpf_map_update_elem(&targets, &to, &active, BPF_ANY))
		ring_count_gap(RING_NO_PLACE_TARGETS);
	return 0;
}

static __always_inline void number_anew(u32 old, u32 tid)
{
	u32 zero = 0;
	struct ring_control *c = bpf_map_lookup_elem(&control, &zero);

	for (u32 i = 0; c && i < FILTER_TIDS && i < filter_n_tids; i++)
		if (c->tids[i] == old)
			c->tids[i] = tid;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(target_exec, struct task_struct *task, int old_pid)
{
	u32 tgid = task->tgid, active = TARGET_ACTIVE;

	bpf_map_update_elem(&targets, &tgid, &active, BPF_EXIST);
	number_anew(old_pid, task->pid);
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(target_free, struct task_struct *task)
{
	u32 tgid = task->tgid;

	if (task->pid == task->tgid)
		bpf_map_delete_elem(&targets, &tgid);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
