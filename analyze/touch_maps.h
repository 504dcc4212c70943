/* Heatmaps of where memory was touched when.
 *
 * An address space is nearly empty: one heatmap of all of it would show three lines. So each mapping of a
 * process has its own, as far as its parts lie within 64 GiB. There is room for TOUCH_REGIONS of them; a
 * new one takes the place of the one with the fewest faults, so that those with many stay. The first faults
 * of each are only noted down: most processes are short and never get a heatmap. */
#ifndef ANALYZE_TOUCH_MAPS_H
#define ANALYZE_TOUCH_MAPS_H

#include "render/heatmap.h"

enum { TOUCH_REGIONS = 32, TOUCH_SHOWN = 4, TOUCH_NOTED = 64 };

struct touch {
	uint64_t time_ns, address, weight;
};

struct touch_region {
	uint64_t owner; /* whose it is: the caller's */
	uint64_t place; /* 64 GiB of addresses */
	const char *mapping;
	const char *const *who;
	struct heatmap_builder builder;
	uint64_t n; /* faults, by weight */
	struct touch noted[TOUCH_NOTED];
	uint32_t n_noted; /* TOUCH_NOTED: they are in the heatmap, like all that follow */
};

/* All zero bytes are an empty one. */
struct touch_maps {
	struct touch_region regions[TOUCH_REGIONS];
	uint32_t n, last;
};

void touch_maps_done(struct touch_maps *t);

/* Counts `weight` faults at an address. Mapping and process are told apart by `owner`; their names are
 * borrowed until the end, that of the process by its place, as it may change. Times are shown from origin_ns on. */
void touch_maps_add(struct touch_maps *t, uint64_t owner, const char *mapping,
	const char *const *who, uint64_t origin_ns, uint64_t time_ns, uint64_t address,
	uint64_t weight);

/* Adds the TOUCH_SHOWN with the most faults to a report. */
void touch_maps_report(struct touch_maps *t, struct report *r);

#endif
