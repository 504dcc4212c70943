/* What a recording was and what it cost: the last line on the terminal, and the same in the trace. */
#ifndef RECORD_SUMMARY_H
#define RECORD_SUMMARY_H

#include "record/recording.h"

/* CPU time of this program so far, its workers included, user and system, in ns; its resident memory
 * in bytes. */
uint64_t summary_cpu_ns(struct recording *r);
uint64_t summary_memory(void);

/* Adds the keys recorder.* with the totals. */
void summary_info(struct recording *r);

/* Prints the line to stderr. The trace must be complete. */
void summary_print(struct recording *r);

#endif
