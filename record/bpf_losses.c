#include "record/bpf_losses.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <string.h>

/* The event that is missing, or lacks something. */
static const struct {
	const char *event;
	enum lost_reason reason;
} gaps[RING_N_GAPS] = {
	[RING_NO_PLACE_TARGETS] = { "process", LOST_TABLE_FULL },
	[RING_NO_PLACE_WAITS] = { "off_cpu", LOST_TABLE_FULL },
	[RING_NO_PLACE_WAIT_STACKS] = { "stack of off_cpu", LOST_TABLE_FULL },
	[RING_NO_PLACE_REQUESTS] = { "block_io", LOST_TABLE_FULL },
	[RING_NO_PLACE_OWNERS] = { "process of block_io", LOST_TABLE_FULL },
	[RING_NO_PLACE_DISKS] = { "depth of block_io", LOST_TABLE_FULL },
	[RING_NO_PLACE_BLOCK_STACKS] = { "stack of block_io", LOST_TABLE_FULL },
	[RING_NO_PLACE_CALLS] = { "syscall", LOST_TABLE_FULL },
	[RING_NO_PLACE_COUNTS] = { "syscall", LOST_TABLE_FULL },
	[RING_NO_PLACE_FAULTS] = { "latency of page_fault", LOST_TABLE_FULL },
	[RING_UNTOLD_REQUESTS] = { "block_io", LOST_UNTOLD },
	[RING_UNTOLD_CALLS] = { "syscall", LOST_UNTOLD },
};

static const char *or_unknown(const char *text)
{
	return text ? text : "?";
}

void bpf_losses_look(const struct bpf_losses *l, struct recording *r, uint32_t cpu, uint32_t stream,
	struct bpf_told *told)
{
	const struct ring_losses *now = &l->now[cpu];
	uint64_t since = told->looked_ns;

	told->looked_ns = now_ns();
	for (uint32_t k = 0; k < RING_N_KINDS; k++) {
		uint64_t n = __atomic_load_n(&now->lost[k], __ATOMIC_RELAXED) - told->lost[k];

		if (n)
			recording_lost(r, stream, or_unknown(l->events[k]), n, since,
				told->looked_ns);
		told->lost[k] += n;
	}
	for (uint32_t k = 0; k < RING_N_GAPS; k++) {
		uint64_t n = __atomic_load_n(&now->gaps[k], __ATOMIC_RELAXED) - told->gaps[k];

		if (n)
			recording_lost_as(r, gaps[k].reason, stream, or_unknown(gaps[k].event), n,
				since, told->looked_ns);
		told->gaps[k] += n;
	}
}

/* ---- programs that were left out ---- */

const char *bpf_losses_event(const char *section)
{
	static const struct {
		const char *tracepoint, *event;
	} told[] = {
		{ "sched_switch", "sched_switch" },
		{ "sched_wakeup", "sched_wakeup" },
		{ "sched_wakeup_new", "sched_wakeup" },
		{ "sched_waking", "waker of sched_wakeup" },
		{ "sched_migrate_task", "sched_migrate" },
		{ "sched_process_fork", "process" },
		{ "sched_process_exec", "process" },
		{ "block_getrq", "process of block_io" },
		{ "block_rq_insert", "time in queue of block_io" },
		{ "block_rq_issue", "time at device of block_io" },
		{ "block_rq_complete", "block_io" },
		{ "block_rq_requeue", "block_change" },
		{ "block_rq_merge", "block_change" },
		{ "block_bio_backmerge", "block_change" },
		{ "block_bio_frontmerge", "block_change" },
		{ "sys_enter", "syscall" },
		{ "sys_exit", "syscall" },
		{ "page_fault_user", "latency of page_fault" },
		{ "page_fault_kernel", "latency of page_fault" },
	};
	const char *slash = strrchr(section, '/'), *name = slash ? slash + 1 : section;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (strcmp(told[i].tracepoint, name) == 0)
			return told[i].event;
	return strcmp(section, "perf_event") == 0 ? "page_fault" : NULL;
}

static uint64_t missed_by(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_program__fd(p);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	return info.recursion_misses;
}

void bpf_losses_missed(struct recording *r, const struct bpf_object *o)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, o)
	{
		const char *event = bpf_losses_event(bpf_program__section_name(p));
		uint64_t n = event ? missed_by(p) : 0;

		if (n)
			recording_lost_as(r, LOST_UNTOLD, 0, event, n, 0, now_ns());
	}
}
