/* sched_waking with what the waker was doing: bpf/waking.bpf.h. */
#ifndef RECORD_SCHED_WAKING_H
#define RECORD_SCHED_WAKING_H

#include <stdbool.h>

#include "record/bpf_rings.h"

struct sched_waking {
	struct waking_count_bpf *count; /* owned; one of the three, or none */
	struct waking_hot_bpf *hot;     /* owned */
	struct waking_irq_bpf *irq;     /* owned */
};

/* Loads the programs that fit the kernel; they fill the map `wakings` of the scheduler's object, which is loaded.
 * -errno; sched_waking_close is due in any case. */
int sched_waking_load(struct sched_waking *w, struct bpf_rings *b, const struct bpf_map *wakings,
	struct err *err);
/* Whether the kernel is PREEMPT_RT, by its version (uname -v) or a file that reads 1 there. */
bool sched_waking_is_realtime(const char *version, const char *path);

void sched_waking_close(struct sched_waking *w);

#endif
