/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Who is recorded: everybody, the processes in a map, or a cgroup; and of these those with a name, or some threads.
 * bpf/target.bpf.c keeps processes and threads. The numbers are those of the first pid namespace. */
#ifndef BPF_FILTER_BPF_H
#define BPF_FILTER_BPF_H

#include "bpf/ring.bpf.h"

enum filter_by { FILTER_NONE, FILTER_TARGETS, FILTER_CGROUP };

const volatile __u32 filter_by = FILTER_NONE;
const volatile __u32 filter_own_tgid; /* of `rec`, which some sources leave out */
const volatile __u64 filter_cgroup_id;
const volatile __u32 filter_cgroup_level;
const volatile bool filter_cgroup_v1;
const volatile bool filter_by_comm;
const volatile char filter_comm[16];
const volatile __u32 filter_n_tids; /* 0: all; which they are is in ring_control */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u32);
} targets SEC(".maps");

static __always_inline bool filter_has_target(u32 tgid)
{
	u32 *state = bpf_map_lookup_elem(&targets, &tgid);

	return state && *state == TARGET_ACTIVE;
}

static __always_inline struct cgroup *filter_cgroup_of(struct task_struct *t)
{
	struct css_set *set = BPF_CORE_READ(t, cgroups);
	struct cgroup_subsys_state *css;
	int subsys = bpf_core_enum_value(enum cgroup_subsys_id, perf_event_cgrp_id);

	if (!filter_cgroup_v1)
		return BPF_CORE_READ(set, dfl_cgrp);
	bpf_core_read(&css, sizeof(css), &set->subsys[subsys & 15]);
	return BPF_CORE_READ(css, cgroup);
}

static __always_inline bool filter_in_cgroup(struct task_struct *t)
{
	struct cgroup *own = filter_cgroup_of(t), *ancestor;
	u64 id = 0;

	if (BPF_CORE_READ(own, level) < (int)filter_cgroup_level)
		return false;
	if (!bpf_core_field_exists(own->ancestors)) {
		struct cgroup___ids *old = (void *)own;

		bpf_core_read(&id, sizeof(id), &old->ancestor_ids[filter_cgroup_level & 255]);
		return id == filter_cgroup_id;
	}
	bpf_core_read(&ancestor, sizeof(ancestor), &own->ancestors[filter_cgroup_level & 255]);
	return BPF_CORE_READ(ancestor, kn, id) == filter_cgroup_id;
}

static __always_inline bool filter_has_comm(struct task_struct *t)
{
	char comm[16] = { 0 };

	bpf_core_read(&comm, sizeof(comm), &t->comm);
	for (int i = 0; i < 16; i++) {
		if (comm[i] != filter_comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

static __always_inline bool filter_has_tid(u32 tid)
{
	u32 zero = 0;
	struct ring_control *c = bpf_map_lookup_elem(&control, &zero);

	for (u32 i = 0; c && i < FILTER_TIDS && i < filter_n_tids; i++)
		if (c->tids[i] == tid)
			return true;
	return false;
}

/* Picks one in n, by chance. */
static __always_inline bool filter_one_in(u32 n)
{
	return n <= 1 || bpf_get_prandom_u32() % n == 0;
}

/* Whether the thread is recorded. */
static __always_inline bool filter_task(struct task_struct *t, u32 tgid)
{
	if (filter_by == FILTER_TARGETS && !filter_has_target(tgid))
		return false;
	if (filter_by == FILTER_CGROUP && !filter_in_cgroup(t))
		return false;
	if (filter_n_tids && !filter_has_tid(t->pid))
		return false;
	return !filter_by_comm || filter_has_comm(t);
}

#endif
