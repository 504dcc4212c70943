/* Sums of page faults by something that has a name: a process, a mapping, a place in the code.
 *
 * Rows tell who they belong to by numbers of their segment. Each number's name is made once, and equal
 * names of several segments share their sums. */
#ifndef ANALYZE_FAULT_SUMS_H
#define ANALYZE_FAULT_SUMS_H

#include "format/base/arena.h"
#include "format/base/histogram.h"
#include "format/base/map.h"
#include "format/segment.h"

struct fault_sums {
	const char *name;       /* in the group's arena */
	struct histogram waits; /* ns, of faults whose latency is known */
	uint64_t faults, minor, major, served, kernel, writes;
	uint64_t growth; /* bytes */
	uint32_t number; /* in the order in which they came */
	uint32_t turn;   /* when it was counted last (analyze/windowed.h) */
};

struct fault_group {
	struct arena arena;
	struct map by_number, by_name; /* -> number in sums */
	struct fault_sums *sums;       /* owned */
	uint32_t n;
	struct histogram_budget *budget; /* borrowed, of the histograms of all sums */
};

/* One fault, as it counts in sums. */
struct fault_count {
	uint64_t latency, weight, growth;
	bool major, served, kernel, write;
};

void fault_group_init(struct fault_group *g, struct histogram_budget *budget);
void fault_group_done(struct fault_group *g);

/* The sums of a number that has a name already; NULL if it is new. */
struct fault_sums *fault_group_find(struct fault_group *g, const struct segment *s,
	uint64_t number);

/* Gives a new number its name, copied: the sums of that name, made if there are none. Valid until the next
 * call. */
struct fault_sums *fault_group_name(struct fault_group *g, const struct segment *s, uint64_t number,
	const char *name);

void fault_sums_add(struct fault_sums *s, const struct fault_count *c);

/* All sums, those with the most faults first; equal ones by name. */
void fault_group_sort(struct fault_group *g);

#endif
