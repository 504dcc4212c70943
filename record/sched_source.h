/* The source sched inside: its events come from BPF programs (source_sched.c) or, where those are refused,
 * from the kernel's tracepoints (sched_tracepoints.c), and go the same way from here. */
#ifndef RECORD_SCHED_SOURCE_H
#define RECORD_SCHED_SOURCE_H

#include "record/recording.h"
#include "record/sched_waking.h"
#include "specs/events/sched.h"

struct sched_source {
	struct recording *recording; /* borrowed */
	struct sched_bpf *skel;      /* owned; NULL: not even opened */
	struct sched_waking waking;
	struct tracepoint_feed *tracepoints; /* owned; NULL: the programs are used */
	uint32_t sample; /* of the waits of --min one in so many is recorded... */
	uint64_t random; /* ...picked here, without BPF */
	int switch_type, wakeup_type, migrate_type, delay_type, off_cpu_type;
};

/* Events of a stream, complete but for names. */
void sched_take_switch(struct sched_source *s, uint32_t stream, struct sched_switch *e);
void sched_take_wakeup(struct sched_source *s, uint32_t stream, struct sched_wakeup *e);
void sched_take_migrate(struct sched_source *s, uint32_t stream, struct sched_migrate *e);
void sched_take_delay(struct sched_source *s, uint32_t stream, struct sched_delay *e);
void sched_take_off_cpu(struct sched_source *s, uint32_t stream, struct off_cpu *e);

/* Opens the tracepoints. -errno and what to do if they are not permitted either. */
int sched_tracepoints_open(struct sched_source *s, bool stacks, struct err *err);

#endif
