/* The records about processes that every recording needs: who forks, is called what, maps what.
 *
 * They have rings of their own, so that a flood of samples does not push them out: a lost sample is
 * one sample, a lost mapping spoils every stack in it. */
#ifndef RECORD_SIDEBAND_H
#define RECORD_SIDEBAND_H

#include "record/recording.h"

struct sideband;

struct sideband *sideband_open(struct recording *r, struct err *err);
void sideband_close(struct sideband *s);

void sideband_enable(struct sideband *s);
void sideband_disable(struct sideband *s);

/* Reads and writes what is there already: the kernel's mappings, and threads, names and mappings of
 * those who are recorded. */
void sideband_scan(struct sideband *s, uint64_t time_ns);

/* Writes once more what is known, into a new segment. */
void sideband_repeat(struct sideband *s, uint64_t time_ns);

/* Once a second: ends of threads that were lost are found out. */
void sideband_tick(struct sideband *s);

/* What was lost without a record saying so. */
void sideband_settle(struct sideband *s);

#endif
