/* sched_waking with what the waker was doing, where the kernel lets its preempt_count be read. */
#ifndef RECORD_SCHED_WAKING_H
#define RECORD_SCHED_WAKING_H

#include <stdbool.h>

#include "record/bpf_rings.h"

struct sched_waking {
	struct waking_count_bpf *count; /* owned; one of the two, or none */
	struct waking_hot_bpf *hot;     /* owned */
};

/* Whether this kernel lists the variable (CONFIG_KALLSYMS_ALL): only then can programs have it. */
bool sched_waking_has_context(void);

/* Loads the program that fits; it fills the map `wakings` of the scheduler's object, which is loaded. -errno;
 * sched_waking_close is due in any case. */
int sched_waking_load(struct sched_waking *w, struct bpf_rings *b, const struct bpf_map *wakings,
	struct err *err);
void sched_waking_close(struct sched_waking *w);

#endif
