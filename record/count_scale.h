/* Counters that take turns. */
#ifndef RECORD_COUNT_SCALE_H
#define RECORD_COUNT_SCALE_H

#include <stdint.h>

/* What would have been counted if there had been a counter all the time that it was enabled (ns), and
 * not just while it was running; rounded. With a running time of 0 nobody knows: the count itself. */
static inline uint64_t count_scaled(uint64_t counted, uint64_t enabled, uint64_t running)
{
	if (!running || running >= enabled)
		return counted;
	return (uint64_t)((long double)counted * enabled / running + 0.5L);
}

#endif
