/* The events that the kernel counts by itself, by the names that perf gives them: counters of the
 * hardware, of caches, of the kernel's software, and raw ones of the processor. */
#ifndef RECORD_SAMPLE_EVENT_H
#define RECORD_SAMPLE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"

struct sample_event {
	uint32_t type; /* PERF_TYPE_HARDWARE... */
	uint64_t config;
};

/* "cycles", "LLC-load-misses", "page-faults", "r0243". False if there is no such name. */
bool sample_event_find(const char *name, size_t len, struct sample_event *e);

/* Calls for every name but the raw ones. */
void sample_event_each(void (*call)(void *ctx, const char *name), void *ctx);

/* -ENOENT: there is no such event, with near names. */
int sample_event_unknown(const char *name, struct err *err);

/* Whether it takes a counter of the processor, which virtual machines often lack. */
bool sample_event_is_hardware(const struct sample_event *e);

/* Whether it is a clock, or cycles: counts time, so that its samples show where time goes. */
bool sample_event_is_time(const struct sample_event *e);

#endif
