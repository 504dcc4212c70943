/* The order in which frames and stacks are written.
 *
 * In order of appearance addresses jump about, and each costs nearly its whole length. Sorted, the
 * frames of one flush cost the logarithm of their mean distance; for stacks, children of one parent
 * lie side by side. On redis under load this saves a fifth of a short trace. */
#include <stdlib.h>

#include "format/dict.h"

static int by_address(const void *a, const void *b, void *ctx)
{
	const struct dict *d = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (d->frame_mapping[x] != d->frame_mapping[y])
		return d->frame_mapping[x] < d->frame_mapping[y] ? -1 : 1;
	return d->frame_address[x] < d->frame_address[y] ? -1 : 1;
}

uint32_t dict_order_frames(struct dict *d, uint32_t *order, uint32_t max)
{
	uint32_t n = d->n_frames - d->frames_done;

	n = n < max ? n : max;
	for (uint32_t i = 0; i < n; i++)
		order[i] = d->frames_done + i;
	qsort_r(order, n, sizeof(*order), by_address, d);
	return n;
}

void dict_frames_written(struct dict *d, const uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		d->frame_in_file[order[i]] = d->frames_done + i;
	d->frames_done += n;
}

static int by_parent(const void *a, const void *b, void *ctx)
{
	const struct dict *d = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t px = d->stack_in_file[d->stack_parent[x]];
	uint32_t py = d->stack_in_file[d->stack_parent[y]];
	uint32_t fx = d->frame_in_file[d->stack_frame[x]], fy = d->frame_in_file[d->stack_frame[y]];

	if (px != py)
		return px < py ? -1 : 1;
	if (fx != fy)
		return fx < fy ? -1 : 1;
	return x < y ? -1 : 1;
}

static int by_depth(const void *a, const void *b, void *ctx)
{
	const struct dict *d = ctx;
	uint32_t x = d->stack_depth[*(const uint32_t *)a], y = d->stack_depth[*(const uint32_t *)b];

	return x < y ? -1 : x > y;
}

uint32_t dict_order_stacks(struct dict *d, uint32_t *order, uint32_t max)
{
	uint32_t n = d->n_stacks - d->stacks_done;

	n = n < max ? n : max;
	for (uint32_t i = 0; i < n; i++)
		order[i] = d->stacks_done + i;
	qsort_r(order, n, sizeof(*order), by_depth, d);
	/* Level by level: children are ordered by the number that their parent has just got. */
	for (uint32_t at = 0, end; at < n; at = end) {
		for (end = at + 1; end < n; end++)
			if (d->stack_depth[order[end]] != d->stack_depth[order[at]])
				break;
		qsort_r(order + at, end - at, sizeof(*order), by_parent, d);
		for (uint32_t i = at; i < end; i++)
			d->stack_in_file[order[i]] = d->stacks_done + i;
	}
	return n;
}

void dict_stacks_written(struct dict *d, const uint32_t *order, uint32_t n)
{
	(void)order;
	d->stacks_done += n;
}
