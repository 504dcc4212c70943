/* What the trace says about the machine and its clocks. */
#ifndef RECORD_MACHINE_H
#define RECORD_MACHINE_H

#include "format/writer.h"
#include "specs/events/recorder.h"

/* Where the CPUs sit that are online. */
struct topology {
	struct cpu_topology *cpus; /* owned; without their time */
	uint32_t n;
};

/* Start times and boot id for the writer. */
void machine_clocks(struct writer_config *config);

/* The keys machine.* and kernel.*. */
void machine_info(struct writer *w);

/* Reads it, again after CPUs came or went; and writes one cpu_topology event for each CPU. */
void machine_read_topology(struct topology *t);
void machine_write_topology(const struct topology *t, struct writer *w, uint64_t time_ns);

/* One clock event: CLOCK_MONOTONIC and CLOCK_REALTIME read close together. */
void machine_clock_event(struct writer *w);

#endif
