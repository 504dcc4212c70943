#include "analyze/touch_maps.h"

#include <stdlib.h>
#include <string.h>

enum { PLACE_BITS = 36, ROW_BYTES = 4096 };

void touch_maps_done(struct touch_maps *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		heatmap_builder_done(&t->regions[i].builder);
}

static bool is_it(const struct touch_region *r, uint64_t owner, uint64_t place)
{
	return r->owner == owner && r->place == place;
}

static struct touch_region *find(struct touch_maps *t, uint64_t owner, uint64_t place)
{
	if (t->last < t->n && is_it(&t->regions[t->last], owner, place))
		return &t->regions[t->last];
	for (uint32_t i = 0; i < t->n; i++) {
		if (!is_it(&t->regions[i], owner, place))
			continue;
		t->last = i;
		return &t->regions[i];
	}
	return NULL;
}

static struct touch_region *vacate(struct touch_maps *t)
{
	struct touch_region *fewest = &t->regions[0];

	if (t->n < TOUCH_REGIONS)
		return &t->regions[t->n++];
	for (uint32_t i = 1; i < t->n; i++)
		if (t->regions[i].n < fewest->n)
			fewest = &t->regions[i];
	heatmap_builder_done(&fewest->builder);
	return fewest;
}

static void draw_noted(struct touch_region *r)
{
	for (uint32_t i = 0; i < r->n_noted; i++)
		heatmap_add(&r->builder, r->noted[i].time_ns, r->noted[i].address,
			r->noted[i].weight);
}

static void note(struct touch_region *r, struct touch t)
{
	if (r->n_noted == TOUCH_NOTED) {
		heatmap_add(&r->builder, t.time_ns, t.address, t.weight);
		return;
	}
	r->noted[r->n_noted++] = t;
	if (r->n_noted == TOUCH_NOTED)
		draw_noted(r);
}

void touch_maps_add(struct touch_maps *t, uint64_t owner, const char *mapping,
	const char *const *who, uint64_t origin_ns, uint64_t time_ns, uint64_t address,
	uint64_t weight)
{
	uint64_t place = address >> PLACE_BITS;
	struct touch_region *r = find(t, owner, place);

	if (!r) {
		r = vacate(t);
		*r = (struct touch_region){ .owner = owner,
			.place = place,
			.mapping = mapping,
			.who = who };
		heatmap_builder_init_linear(&r->builder, origin_ns, ROW_BYTES);
	}
	note(r, (struct touch){ time_ns, address, weight });
	if (__builtin_add_overflow(r->n, weight, &r->n))
		r->n = UINT64_MAX;
}

static int by_n(const void *a, const void *b)
{
	const struct touch_region *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->owner < y->owner ? -1 : x->owner > y->owner;
}

void touch_maps_report(struct touch_maps *t, struct report *r)
{
	qsort(t->regions, t->n, sizeof(t->regions[0]), by_n);
	for (uint32_t i = 0; i < t->n && i < TOUCH_SHOWN; i++) {
		struct touch_region *region = &t->regions[i];

		if (region->n_noted < TOUCH_NOTED)
			draw_noted(region);
		report_heatmap(r, arena_printf(&r->arena, "touched_%u", i + 1),
			arena_printf(&r->arena, "Pages touched first: %s of %s", region->mapping,
				*region->who),
			&region->builder, "Address", CELL_HEX, "faults");
	}
}
