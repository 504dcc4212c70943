/* What the BPF programs could not hand over: records that found no room in a CPU's ring, things for which a table
 * had no place, and events for which the kernel left a program out. They are told as losses of the event that
 * is missing, or lacks something then: "stack of off_cpu". */
#ifndef RECORD_BPF_LOSSES_H
#define RECORD_BPF_LOSSES_H

#include <bpf/libbpf.h>

#include "record/recording.h"
#include "specs/ring.h"

/* What was told already, of one CPU. */
struct bpf_told {
	uint64_t lost[RING_N_KINDS], gaps[RING_N_GAPS], looked_ns;
};

struct bpf_losses {
	const struct ring_losses *now; /* mapped, by CPU */
	const char *events
		[RING_N_KINDS]; /* borrowed: what each kind of record is called; NULL: not used */
};

/* Tells what is new on a CPU since the last look. `stream` is that of its ring. */
void bpf_losses_look(const struct bpf_losses *l, struct recording *r, uint32_t cpu, uint32_t stream,
	struct bpf_told *told);

/* Tells how often the kernel left out programs of an object because they were running on that CPU already. To be
 * called once, at the end. */
void bpf_losses_missed(struct recording *r, const struct bpf_object *o);

/* Which event lacks something when the program in this section is left out: "tp_btf/sys_exit". */
const char *bpf_losses_event(const char *section);

#endif
