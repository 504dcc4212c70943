#include "analyze/longest.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

static uint64_t key(const struct longest *l, uint32_t i)
{
	uint64_t k;

	memcpy(&k, l->items + i * l->size, sizeof(k));
	return k;
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
	for (; i && key(l, i) < key(l, (i - 1) / 2); i = (i - 1) / 2)
		swap(l, i, (i - 1) / 2);
}

static void sift_down(struct longest *l, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= l->n)
			return;
		if (child + 1 < l->n && key(l, child + 1) < key(l, child))
			child++;
		if (key(l, child) >= key(l, i))
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
	uint64_t k;

	memcpy(&k, item, sizeof(k));
	if (l->n < l->max) {
		if ((l->n & (l->n - 1)) == 0)
			l->items = xrealloc(l->items, l->n ? 2 * (size_t)l->n : 1, l->size);
		memcpy(l->items + l->n * l->size, item, l->size);
		sift_up(l, l->n++);
	} else if (l->n && k > key(l, 0)) {
		memcpy(l->items, item, l->size);
		sift_down(l, 0);
	}
}

static int longer_first(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x > y ? -1 : x < y;
}

void longest_sort(struct longest *l)
{
	if (l->n)
		qsort(l->items, l->n, l->size, longer_first);
}
