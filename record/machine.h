/* What the trace says about the machine and its clocks. */
#ifndef RECORD_MACHINE_H
#define RECORD_MACHINE_H

#include "format/writer.h"

/* Start times and boot id for the writer. */
void machine_clocks(struct writer_config *config);

/* The keys machine.* and kernel.*. */
void machine_info(struct writer *w);

/* One cpu_topology event for each CPU. */
void machine_topology(struct writer *w, uint64_t time_ns);

/* One clock event: CLOCK_MONOTONIC and CLOCK_REALTIME read close together. */
void machine_clock_event(struct writer *w);

#endif
