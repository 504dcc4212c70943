/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What all walks need: a process that starts another program has other mappings from then on. `rec` is told,
 * and programs do not take the old ones meanwhile. */
#include "bpf/stack.bpf.h"
#include "specs/ring_exec.h"

RING_RECORD(ring_exec);

SEC("tp_btf/sched_process_exec")
int BPF_PROG(walk_exec, struct task_struct *task)
{
	u32 tgid = task->tgid;
	u64 now = bpf_ktime_get_ns() & ~WALK_EXEC_UNTOLD, untold = now | WALK_EXEC_UNTOLD;
	struct ring_exec_record *r = NULL;
	void *ring;

	if (!ring_enabled())
		return 0;
	bpf_map_update_elem(&walk_execs, &tgid, &now, BPF_ANY);
	ring = ring_for(RING_EXEC);
	if (ring)
		r = ring_reserve(ring, struct ring_exec_record, RING_EXEC);
	if (!r) {
		bpf_map_update_elem(&walk_execs, &tgid, &untold, BPF_ANY);
		return 0;
	}
	r->event = (struct ring_exec){ .time = now, .pid = tgid };
	bpf_ringbuf_submit(r,
		walk_call_for_help() ? BPF_RB_FORCE_WAKEUP : ring_flags(ring, sizeof(*r)));
	return 0;
}

/* Only loaded, and never attached: where the kernel refuses it, programs go without walks. */
SEC("perf_event")
int walk_probe(void *ctx)
{
	u8 missing = 0, taken = 0;
	struct walk *w = walk_present(0, &missing);

	/* As programs take what was found; a kernel that is locked down may refuse that. */
	if (w)
		bpf_probe_read_kernel(&taken, sizeof(taken), w->frames);
	return taken;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
