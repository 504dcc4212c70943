/* --max-cpu: keeps the recorder's own CPU time below a share by taking fewer samples.
 *
 * Halves the rate when a second cost too much, and doubles it again when several in a row cost so little
 * that twice as many samples would fit. */
#ifndef RECORD_GOVERNOR_H
#define RECORD_GOVERNOR_H

#include <stdint.h>

struct governor {
	double max_percent; /* of one CPU; 0: no limit */
	uint64_t cpu_ns, at_ns;
	uint32_t factor; /* one in so many samples is taken */
	uint32_t calm;   /* seconds in a row that cost little */
};

void governor_init(struct governor *g, double max_percent, uint64_t cpu_ns, uint64_t now_ns);

/* Told about once a second what CPU time the recorder has used so far. The new factor if it changes,
 * otherwise 0. */
uint32_t governor_look(struct governor *g, uint64_t cpu_ns, uint64_t now_ns);

#endif
