/* Perf events, opened for everybody who is recorded, on every CPU, with a ring per CPU.
 *
 * Inherited events can be mapped only when opened per CPU; so each thread is opened on each CPU and
 * all events of a CPU write into one ring. */
#ifndef RECORD_EVENT_SET_H
#define RECORD_EVENT_SET_H

#include "format/base/err.h"
#include "record/perf_event.h"
#include "record/perf_ring.h"
#include "record/target.h"

struct event_set;
struct recording;

struct event_set_user {
	/* Handles one record of a CPU's ring; losses are kept apart. */
	void (*record)(void *ctx, const struct perf_ring *ring,
		const struct perf_event_header *record, uint64_t time_ns);
	/* Told of n records that did not fit into a ring between two moments. */
	void (*lost)(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since_ns,
		uint64_t until_ns);
	void *ctx;
};

/* Opens the event, disabled, for the target. attr is completed as the target needs it (inherit,
 * enable_on_exec). NULL on failure, *code then a positive errno. */
struct event_set *event_set_open(const struct perf_event_attr *attr, const struct target *target,
	size_t ring_bytes, int *code, struct err *err);
/* One of several events that share the rings. */
struct event_set_event {
	struct perf_event_attr attr;
	const char *filter; /* of a tracepoint, in the kernel's words; or NULL */
	int program;        /* a BPF program that gets each sample first; 0: none */
	bool optional;      /* if it cannot be opened, the others are still wanted... */
	int missing;        /* ...and this tells: a positive errno; set by event_set_open_all */
};

/* The same with several events, whose records must tell them apart. The first one's attr decides about
 * wake-ups; enable_on_exec and inherit are completed in all. It fails if none can be opened. */
struct event_set *event_set_open_all(struct event_set_event *events, uint32_t n,
	const struct target *target, size_t ring_bytes, int *code, struct err *err);
void event_set_close(struct event_set *s);

/* The rings join the recording's loop as streams of this name; what they bring goes to the user. From then on CPUs
 * that come are seen, too, and if not, that is said. */
int event_set_feed(struct event_set *s, struct recording *r, const char *stream,
	const struct event_set_user *user, struct err *err);

/* Starts counting, unless the target's exec does. */
void event_set_enable(struct event_set *s);
void event_set_disable(struct event_set *s);

/* Another frequency or period from now on. Events that threads have inherited until then keep theirs:
 * the kernel passes on enabling, but not this (6.18). */
void event_set_rate(struct event_set *s, uint64_t value);

/* After the last record: tells of losses that no record told of. The kernel puts that record in front
 * of the next one that fits, which may never come; since Linux 6.0 the event itself can be asked. */
void event_set_settle(struct event_set *s, uint64_t now_ns);

#endif
