/* One loop for everything that delivers records, whatever it is: the kernel's perf rings today, BPF
 * ring buffers and shared memory with other sources.
 *
 * A feed hands out its records in order of time, as far as its producer has come. The loop takes
 * the oldest of all feeds again and again, so that whoever handles records sees the machine's
 * history in order: a mapping is known before the first sample in it. */
#ifndef RECORD_LOOP_H
#define RECORD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"

struct feed_ops {
	/* Looks how far the producer has come. */
	void (*refresh)(void *feed);
	/* The next record and its time in ns (CLOCK_MONOTONIC), or NULL. */
	const void *(*peek)(void *feed, uint64_t *time_ns);
	/* Handles the record that was peeked at and steps over it. */
	void (*take)(void *feed, const void *record, uint64_t time_ns);
	/* Gives the space back to the producer. */
	void (*release)(void *feed);
	/* Its descriptor is readable as long as anything is there: only look when it says so anew. */
	bool on_change;
};

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* Adds a feed, borrowed, that is to be looked at when fd becomes readable (-1: only in turn). */
int loop_add(struct loop *l, const struct feed_ops *ops, void *feed, int fd, struct err *err);

/* Adds a descriptor that ends loop_wait early. */
int loop_watch(struct loop *l, int fd, struct err *err);

/* Has a function called when CPUs come or go. */
typedef void (*loop_hotplug)(void *ctx, const int *online, uint32_t n);
void loop_on_hotplug(struct loop *l, loop_hotplug call, void *ctx);

/* Looks whether they did since the last time (the first time: since loop_new). */
bool loop_check_cpus(struct loop *l);

/* Takes all records that are there now and not younger than until_ns, in order of time. `between`
 * (may be NULL) is called every few hundred records; false ends it there. Returns how many were taken. */
uint64_t loop_drain(struct loop *l, uint64_t until_ns, bool (*between)(void *ctx), void *ctx);

/* Waits until a feed or descriptor is ready, a signal comes, or timeout_ms have passed. */
void loop_wait(struct loop *l, int timeout_ms);

/* The time of the last record taken; 0: none yet. */
uint64_t loop_last(const struct loop *l);

#endif
