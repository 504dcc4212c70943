/* Three objects for one job: bpf/waking.bpf.h says why. */
#include "record/sched_waking.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "format/symbols/kallsyms.h"
#include "gen/waking_count.skel.h"
#include "gen/waking_hot.skel.h"
#include "gen/waking_irq.skel.h"

enum { COUNT = 1, HOT = 2 };

/* Which of the variables the kernel tells. Its list is long, and does not change while it runs. */
static uint32_t variables(void)
{
	static const char *const names[] = { "__preempt_count", "pcpu_hot" };
	static uint32_t found, asked;

	if (!asked)
		found = kallsyms_has(KALLSYMS_PATH, names, 2);
	asked = 1;
	return found;
}

/* Not every such kernel has the file. */
bool sched_waking_is_realtime(const char *version, const char *path)
{
	FILE *f = fopen(path, "re");
	bool is = strstr(version, "PREEMPT_RT") != NULL;

	if (!f)
		return is;
	is |= fgetc(f) == '1';
	fclose(f);
	return is;
}

static void leave_out_softirqs(struct waking_irq_bpf *skel)
{
	struct utsname u;

	if (uname(&u) || !sched_waking_is_realtime(u.version, "/sys/kernel/realtime"))
		return;
	bpf_program__set_autoload(skel->progs.softirq_begins, false);
	bpf_program__set_autoload(skel->progs.softirq_ends, false);
}

/* Interrupts of other machines than this one have no tracepoints here. */
static void leave_out_missing(struct bpf_rings *b, struct bpf_object *o)
{
	struct bpf_program *p;

	bpf_object__for_each_program(p, o)
	{
		const char *name = strchr(bpf_program__section_name(p), '/');

		bpf_program__set_autoload(p, name && bpf_rings_arguments(b, name + 1) >= 0);
	}
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
	if (variables() & COUNT) {
		w->count = waking_count_bpf__open();
		if (!w->count)
			return err_errno(err, errno, "opening BPF programs");
		bpf_rings_configure(b, w->count->rodata);
		return load(b, w->count->skeleton, w->count->maps.wakings, wakings, err);
	}
	if (variables() & HOT) {
		w->hot = waking_hot_bpf__open();
		if (!w->hot)
			return err_errno(err, errno, "opening BPF programs");
		bpf_rings_configure(b, w->hot->rodata);
		return load(b, w->hot->skeleton, w->hot->maps.wakings, wakings, err);
	}
	w->irq = waking_irq_bpf__open();
	if (!w->irq)
		return err_errno(err, errno, "opening BPF programs");
	bpf_rings_configure(b, w->irq->rodata);
	leave_out_missing(b, w->irq->obj);
	leave_out_softirqs(w->irq);
	return load(b, w->irq->skeleton, w->irq->maps.wakings, wakings, err);
}

void sched_waking_close(struct sched_waking *w)
{
	waking_count_bpf__destroy(w->count);
	waking_hot_bpf__destroy(w->hot);
	waking_irq_bpf__destroy(w->irq);
	*w = (struct sched_waking){ NULL, NULL, NULL };
}
