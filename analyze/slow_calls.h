/* Where slow calls (or faults, or whatever takes a thread time) lost their time: waiting for a CPU, and behind
 * whom; in uninterruptible waits; asleep. A call is joined with what the scheduler tells of its thread between
 * its beginning and its end.
 *
 * Which calls are the slowest 1% is known when all have been seen, so sums are kept by duration, in quarters
 * of powers of two. */
#ifndef ANALYZE_SLOW_CALLS_H
#define ANALYZE_SLOW_CALLS_H

#include "render/timeline.h"

enum { SLOW_POWERS = 64, SLOW_STEPS = 4, SLOW_BEHIND = 4, SLOW_WAITS = 64 };

/* A thread behind which calls waited. */
struct slow_behind {
	uint32_t who,
		stack; /* who: from 1 on; stack: where it was seen last meanwhile; 0: it was not */
	uint64_t ns;
};

struct slow_step {
	uint64_t n, ns, waiting_ns, disk_ns, asleep_ns;
	struct slow_behind behind[SLOW_BEHIND];
};

/* One kind of calls. */
struct slow_kind {
	uint32_t name;
	uint64_t n;
	struct slow_step *powers[SLOW_POWERS];   /* owned; SLOW_STEPS each */
	uint64_t longest_from_ns, longest_to_ns; /* of the slowest call */
	uint32_t longest_who;
};

/* What kept a thread from running, lately. */
struct slow_wait {
	uint64_t from_ns, to_ns;
	enum timeline_kind kind;
	uint32_t who, stack; /* who ran instead */
};

struct slow_thread {
	struct slow_wait waits[SLOW_WAITS];
	uint32_t n; /* ever */
};

struct slow_calls {
	struct slow_kind *kinds; /* owned */
	uint32_t *by_name;       /* owned; 1 + number in kinds; 0: none */
	uint32_t n_names;
	struct slow_thread **threads; /* owned; by number; NULL: never waited */
	uint32_t n_kinds, n_threads;
};

/* The slowest calls of one kind, added up. */
struct slow_sum {
	struct slow_step all;
	uint64_t least_ns; /* each of them took at least so long */
};

void slow_calls_init(struct slow_calls *c);
void slow_calls_done(struct slow_calls *c);

/* A thread did not run for this reason (waiting for a CPU, uninterruptible, sleeping). In order of time. */
void slow_calls_wait(struct slow_calls *c, uint32_t thread, const struct slow_wait *w);

/* A call of a thread has ended. */
void slow_calls_end(struct slow_calls *c, uint32_t thread, uint32_t name, uint64_t from_ns,
	uint64_t to_ns);

/* Adds up the slowest, at least `part` of all, rounded up to whole steps. */
struct slow_sum slow_calls_sum(const struct slow_kind *k, double part);

#endif
