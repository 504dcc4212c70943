/* A source of events: what `rec NAME` records. One file source_NAME.c, one constant struct, one line
 * in sources[]. Help, completion and tests read the same table. */
#ifndef RECORD_SOURCE_H
#define RECORD_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"

struct recording;

enum { SOURCE_NEEDS = 2, SOURCE_BETTER = 4 };

struct source {
	const char *name;
	const char *summary; /* one line for --help */
	/* Facilities (facility.h): those it cannot do without, and those without which it is lesser. */
	const char *needs[SOURCE_NEEDS], *better_with[SOURCE_BETTER];
	/* A facility with which it does, in a lesser form, where there is no BPF; NULL: none does. */
	const char *instead_of_bpf;
	const char *instead_lacks; /* what that does not tell: "paths"; NULL: nothing */
	/* Opens everything, not yet running, and adds its feeds to the recording's loop. The state is
	 * handed to the functions below; it is closed also if this fails. -errno and what to do then. */
	int (*open)(struct recording *r, void **state, struct err *err);
	void (*enable)(void *state);
	void (*disable)(void *state);
	/* After the last record was taken: what was lost without having been told so far. */
	void (*settle)(void *state);
	void (*close)(void *state);
	/* Its events come through the BPF rings, which begin and end together; enable, disable and settle
	 * may be NULL then. */
	bool bpf;
	/* Takes only one in so many samples from now on, each counting for as many (1: all). May be NULL
	 * where that is not possible. */
	void (*thin)(void *state, uint32_t factor);
};

extern const struct source source_cpu, source_sched, source_block, source_syscalls;
extern const struct source source_faults, source_event, source_stat;

extern const struct source *const sources[]; /* ends with NULL */
const struct source *source_by_name(const char *name, unsigned long len);

#endif
