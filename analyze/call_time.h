/* How threads spent the time in their system calls: on a CPU, blocked, or waiting for a CPU. Told by the
 * scheduler's events, which must come in order of time with the calls. */
#ifndef ANALYZE_CALL_TIME_H
#define ANALYZE_CALL_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/sched_track.h"

struct call_time;

struct call_parts {
	uint64_t on_cpu_ns, blocked_ns, waited_ns;
};

struct call_time *call_time_new(void);
void call_time_free(struct call_time *c);

/* A row of sched_track_wants. */
void call_time_row(struct call_time *c, const struct row *row, uint32_t want);

/* The number of a thread. */
uint32_t call_time_thread(struct call_time *c, uint32_t reader, uint32_t tid);

/* How the thread of that number spent a call that returns now; what was before is forgotten. Without any event of
 * the scheduler (see call_time_known) it was on the CPU all the time. */
struct call_parts call_time_take(struct call_time *c, uint32_t thread, uint64_t begin_ns,
	uint64_t end_ns);

/* Whether there were events of the scheduler. */
bool call_time_known(const struct call_time *c);

#endif
