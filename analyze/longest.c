#include "analyze/longest.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

static bool before(const struct longest *l, uint32_t a, uint32_t b)
{
	return longest_is_shorter(longest_get(l, a), longest_get(l, b));
}

static void swap(struct longest *l, uint32_t a, uint32_t b)
{
	char *x = l->items + a * l->size, *y = l->items + b * l->size;

	for (size_t i = 0; i < l->size; i++) {
		char c = x[i];

		x[i] = y[i];
		y[i] = c;
	}
}

static void sift_up(struct longest *l, uint32_t i)
{
	for (; i && before(l, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(l, i, (i - 1) / 2);
}

static void sift_down(struct longest *l, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= l->n)
			return;
		if (child + 1 < l->n && before(l, child + 1, child))
			child++;
		if (!before(l, child, i))
			return;
		swap(l, i, child);
		i = child;
	}
}

void longest_init(struct longest *l, size_t size, uint32_t max)
{
	*l = (struct longest){ .size = size, .max = max };
}

void longest_done(struct longest *l)
{
	free(l->items);
}

void longest_add(struct longest *l, const void *item)
{
	if (!longest_keeps(l, *(const struct longest_key *)item))
		return;
	if (l->n < l->max) {
		l->items = xgrow(l->items, l->n, l->size);
		memcpy(l->items + l->n * l->size, item, l->size);
		sift_up(l, l->n++);
	} else {
		memcpy(l->items, item, l->size);
		sift_down(l, 0);
	}
}

static int longer_first(const void *a, const void *b)
{
	return longest_is_shorter(a, b) ? 1 : longest_is_shorter(b, a) ? -1 : 0;
}

void longest_sort(struct longest *l)
{
	if (l->n)
		qsort(l->items, l->n, l->size, longer_first);
}
