#include "format/base/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/log_scale.h"

enum { GROUP = 1 << HISTOGRAM_BITS };

void histogram_done(struct histogram *h)
{
	free(h->counts);
	memset(h, 0, sizeof(*h));
}

/* Memory for the groups from first to last, and those that there were. */
static void reserve(struct histogram *h, unsigned first, unsigned last)
{
	unsigned from = h->n && h->first < first ? h->first : first;
	unsigned to = h->n && h->first + h->n - 1U > last ? h->first + h->n - 1U : last;
	unsigned n = to - from + 1;
	uint64_t *counts;

	if (h->n == n)
		return;
	counts = xcalloc((size_t)n * GROUP, sizeof(*counts));
	if (h->n)
		memcpy(counts + (size_t)(h->first - from) * GROUP, h->counts,
			sizeof(*counts) * h->n * GROUP);
	free(h->counts);
	h->counts = counts;
	h->first = (uint8_t)from;
	h->n = (uint8_t)n;
}

static void add_to(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static void add_range(struct histogram *h, uint64_t min, uint64_t max, uint64_t n)
{
	h->min = h->count && h->min < min ? h->min : min;
	h->max = h->max > max ? h->max : max;
	add_to(&h->count, n);
}

void histogram_add(struct histogram *h, uint64_t value, uint64_t n)
{
	uint32_t step = log_scale_step(value, HISTOGRAM_BITS);
	unsigned group = step >> HISTOGRAM_BITS;
	uint64_t total;

	if (!n)
		return;
	if (group - h->first >= h->n)
		reserve(h, group, group);
	add_to(&h->counts[step - ((uint32_t)h->first << HISTOGRAM_BITS)], n);
	add_to(&h->sum, __builtin_mul_overflow(value, n, &total) ? UINT64_MAX : total);
	add_range(h, value, value, n);
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (!from->count)
		return;
	reserve(to, from->first, from->first + from->n - 1U);
	for (uint32_t i = 0; i < (uint32_t)from->n * GROUP; i++)
		add_to(&to->counts[(uint32_t)(from->first - to->first) * GROUP + i],
			from->counts[i]);
	add_to(&to->sum, from->sum);
	add_range(to, from->min, from->max, from->count);
}

/* The rank of a percentile, counted from 1: as whole parts of a thousand millions, so that 99.9% of
 * 1000 is 999 and no rounding error makes it 1000. */
static uint64_t rank_of(uint64_t count, double percent)
{
	uint64_t parts = percent > 0 ? (uint64_t)(percent * 1e7 + 0.5) : 0;
	unsigned __int128 scaled = (unsigned __int128)count * parts;

	return (uint64_t)((scaled + 999999999) / 1000000000);
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	struct histogram_bucket b;
	uint64_t rank, seen = 0;
	uint32_t at = 0;

	if (!(percent > 0))
		return h->min;
	if (percent >= 100)
		return h->max;
	rank = rank_of(h->count, percent);
	while (histogram_next(h, &at, &b)) {
		add_to(&seen, b.count);
		if (seen >= rank)
			return b.last < h->max ? b.last : h->max;
	}
	return h->max;
}

uint64_t histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / h->count : 0;
}

int histogram_next(const struct histogram *h, uint32_t *at, struct histogram_bucket *b)
{
	uint32_t base = (uint32_t)h->first << HISTOGRAM_BITS;

	for (; *at < (uint32_t)h->n * GROUP; ++*at) {
		if (!h->counts[*at])
			continue;
		b->first = log_scale_first(base + *at, HISTOGRAM_BITS);
		b->last = log_scale_last(base + *at, HISTOGRAM_BITS);
		b->count = h->counts[*at];
		++*at;
		return 1;
	}
	return 0;
}

void histogram_powers(const struct histogram *h, uint64_t powers[HISTOGRAM_POWERS])
{
	struct histogram_bucket b;
	uint32_t at = 0;

	memset(powers, 0, sizeof(*powers) * HISTOGRAM_POWERS);
	while (histogram_next(h, &at, &b))
		add_to(&powers[b.first ? 64 - __builtin_clzll(b.first) : 0], b.count);
}

struct histogram_bucket histogram_power(unsigned k)
{
	struct histogram_bucket b = { 0 };

	if (k) {
		b.first = 1ULL << (k - 1);
		b.last = b.first + (b.first - 1);
	}
	return b;
}
