/* Two objects for one job: bpf/waking.bpf.h says why. */
#include "record/sched_waking.h"

#include <errno.h>
#include <string.h>

#include "format/symbols/kallsyms.h"
#include "gen/waking_count.skel.h"
#include "gen/waking_hot.skel.h"

static bool has(const char *variable)
{
	return kallsyms_has(KALLSYMS_PATH, variable);
}

bool sched_waking_has_context(void)
{
	return has("__preempt_count") || has("pcpu_hot");
}

static int load(struct bpf_rings *b, struct bpf_object_skeleton *skeleton, struct bpf_map *own,
	const struct bpf_map *wakings, struct err *err)
{
	int rc = bpf_map__reuse_fd(own, bpf_map__fd(wakings));

	return rc ? err_errno(err, -rc, "sharing a BPF map")
		  : bpf_rings_load(b, skeleton, "sched", err);
}

int sched_waking_load(struct sched_waking *w, struct bpf_rings *b, const struct bpf_map *wakings,
	struct err *err)
{
	if (has("__preempt_count")) {
		w->count = waking_count_bpf__open();
		if (!w->count)
			return err_errno(err, errno, "opening BPF programs");
		bpf_rings_configure(b, w->count->rodata);
		return load(b, w->count->skeleton, w->count->maps.wakings, wakings, err);
	}
	w->hot = waking_hot_bpf__open();
	if (!w->hot)
		return err_errno(err, errno, "opening BPF programs");
	bpf_rings_configure(b, w->hot->rodata);
	return load(b, w->hot->skeleton, w->hot->maps.wakings, wakings, err);
}

void sched_waking_close(struct sched_waking *w)
{
	waking_count_bpf__destroy(w->count);
	waking_hot_bpf__destroy(w->hot);
	w->count = NULL;
	w->hot = NULL;
}
