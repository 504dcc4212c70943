#include "format/base/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/log_scale.h"

enum {
	STEPS = (HISTOGRAM_POWERS - HISTOGRAM_BITS) << HISTOGRAM_BITS,
	CHUNK = 32,
	CHUNKS = STEPS / CHUNK,
};

/* Chunks one behind the other, in the order in which they came. Counts have 32 bits, until one needs more: then
 * all of them have 64. */
struct histogram_steps {
	uint8_t place[CHUNKS]; /* 1 + which of the chunks; 0: none */
	uint8_t n, cap;        /* chunks */
	bool is_wide;
	uint64_t memory[];
};

_Static_assert(CHUNKS < UINT8_MAX, "the place of a chunk is a byte");

void histogram_done(struct histogram *h)
{
	free(h->steps);
	memset(h, 0, sizeof(*h));
}

/* ---- counts ---- */

static size_t chunk_bytes(const struct histogram_steps *s)
{
	return CHUNK * (s->is_wide ? sizeof(uint64_t) : sizeof(uint32_t));
}

static char *chunk_of(struct histogram_steps *s, unsigned place)
{
	return (char *)s->memory + (place - 1) * chunk_bytes(s);
}

static uint64_t get(const struct histogram_steps *s, unsigned place, uint32_t i)
{
	size_t at = (size_t)(place - 1) * CHUNK + i;

	return s->is_wide ? s->memory[at] : ((const uint32_t *)s->memory)[at];
}

static void add_to(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

static struct histogram_steps *with_room(struct histogram_steps *s, unsigned cap)
{
	bool is_new = !s;

	s = xrealloc(s, 1, sizeof(*s) + cap * (is_new ? CHUNK * sizeof(uint32_t) : chunk_bytes(s)));
	if (is_new)
		memset(s, 0, sizeof(*s));
	s->cap = (uint8_t)cap;
	return s;
}

/* What it takes more counts in the budget, which it may exceed: counts are right in any case. */
static void widen(struct histogram *h)
{
	struct histogram_steps *s = h->steps, *wide;
	size_t more = s->cap * chunk_bytes(s);

	wide = xrealloc(NULL, 1, sizeof(*wide) + 2 * more);
	*wide = *s;
	wide->is_wide = true;
	for (size_t i = 0; i < (size_t)s->n * CHUNK; i++)
		wide->memory[i] = ((const uint32_t *)s->memory)[i];
	free(s);
	h->steps = wide;
	if (h->budget)
		h->budget->left -= more < h->budget->left ? more : h->budget->left;
}

static void add_at(struct histogram *h, unsigned place, uint32_t i, uint64_t n)
{
	size_t at = (size_t)(place - 1) * CHUNK + i;
	uint32_t *narrow = (uint32_t *)h->steps->memory + at;

	if (!h->steps->is_wide && n <= UINT32_MAX - *narrow) {
		*narrow += (uint32_t)n;
		return;
	}
	if (!h->steps->is_wide)
		widen(h);
	add_to(&h->steps->memory[at], n);
}

/* ---- chunks ---- */

static void new_chunk(struct histogram *h, uint32_t chunk)
{
	unsigned n = h->steps ? h->steps->n : 0;

	if (!h->steps || n == h->steps->cap)
		h->steps = with_room(h->steps, n == 0 ? 1 : 2 * n < CHUNKS ? 2 * n : CHUNKS);
	memset(chunk_of(h->steps, n + 1), 0, chunk_bytes(h->steps));
	h->steps->place[chunk] = (uint8_t)(n + 1);
	h->steps->n++;
}

/* Whether there is memory for one chunk more. The first comes in any case. */
static bool may_grow(struct histogram *h)
{
	size_t bytes;

	if (!h->budget || !h->steps || h->steps->n < h->steps->cap)
		return true;
	bytes = h->steps->cap * chunk_bytes(h->steps); /* it doubles */
	if (bytes > h->budget->left) {
		h->budget->is_used_up = true;
		return false;
	}
	h->budget->left -= bytes;
	return true;
}

/* The chunk with memory that is nearest to one that has none. */
static uint32_t nearest(const struct histogram *h, uint32_t chunk)
{
	for (uint32_t far = 1; far < CHUNKS; far++) {
		if (far <= chunk && h->steps->place[chunk - far])
			return chunk - far;
		if (chunk + far < CHUNKS && h->steps->place[chunk + far])
			return chunk + far;
	}
	return chunk;
}

/* Counts in a step whose chunk has no memory yet, or if there is none in the nearest that has. */
static void add_first(struct histogram *h, uint32_t step, uint64_t n)
{
	uint32_t chunk = step / CHUNK, at = step % CHUNK;

	if (may_grow(h)) {
		new_chunk(h, chunk);
	} else {
		at = nearest(h, chunk) < chunk ? CHUNK - 1 : 0;
		chunk = nearest(h, chunk);
	}
	add_at(h, h->steps->place[chunk], at, n);
}

static inline void add_step(struct histogram *h, uint32_t step, uint64_t n)
{
	unsigned place = h->steps ? h->steps->place[step / CHUNK] : 0;

	if (place)
		add_at(h, place, step % CHUNK, n);
	else
		add_first(h, step, n);
}

/* How many values a step has. */
static uint64_t count_at(const struct histogram *h, uint32_t step)
{
	unsigned place = h->steps->place[step / CHUNK];

	return place ? get(h->steps, place, step % CHUNK) : 0;
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
	uint64_t total;

	if (!n)
		return;
	add_step(h, step, n);
	add_to(&h->sum, __builtin_mul_overflow(value, n, &total) ? UINT64_MAX : total);
	add_range(h, value, value, n);
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (!from->count)
		return;
	for (uint32_t chunk = 0; chunk < CHUNKS; chunk++)
		for (uint32_t i = 0; from->steps->place[chunk] && i < CHUNK; i++)
			if (count_at(from, chunk * CHUNK + i))
				add_step(to, chunk * CHUNK + i, count_at(from, chunk * CHUNK + i));
	add_to(&to->sum, from->sum);
	add_range(to, from->min, from->max, from->count);
}

size_t histogram_bytes(const struct histogram *h)
{
	return h->steps ? sizeof(*h->steps) + h->steps->n * chunk_bytes(h->steps) : 0;
}

void histogram_copy(struct histogram *to, const struct histogram *from)
{
	size_t bytes = histogram_bytes(from);

	*to = *from;
	if (!bytes)
		return;
	to->steps = xrealloc(NULL, 1, bytes);
	memcpy(to->steps, from->steps, bytes);
	to->steps->cap = to->steps->n;
}

/* Whether steps that both have are the same. */
static bool is_same(struct histogram_steps *before, unsigned at, struct histogram_steps *now,
	unsigned place)
{
	return before->is_wide == now->is_wide &&
		memcmp(chunk_of(before, at), chunk_of(now, place), chunk_bytes(now)) == 0;
}

/* What 32 steps have more than before, which they become. */
static void advance_chunk(struct histogram *before, const struct histogram *now, uint32_t chunk,
	void (*grown)(void *ctx, const struct histogram_bucket *more), void *ctx)
{
	unsigned at = before->steps->place[chunk], place = now->steps->place[chunk];

	for (uint32_t i = 0; i < CHUNK; i++) {
		uint32_t step = chunk * CHUNK + i;
		uint64_t more = get(now->steps, place, i) - get(before->steps, at, i);

		if (!more)
			continue;
		add_at(before, at, i, more);
		grown(ctx,
			&(struct histogram_bucket){ log_scale_first(step, HISTOGRAM_BITS),
				log_scale_last(step, HISTOGRAM_BITS), more });
	}
}

void histogram_advance(struct histogram *before, const struct histogram *now,
	void (*grown)(void *ctx, const struct histogram_bucket *more), void *ctx)
{
	for (uint32_t chunk = 0; now->steps && chunk < CHUNKS; chunk++) {
		unsigned place = now->steps->place[chunk], at;

		if (!place)
			continue;
		at = before->steps ? before->steps->place[chunk] : 0;
		if (at && is_same(before->steps, at, now->steps, place))
			continue;
		if (!at && may_grow(before))
			new_chunk(before, chunk);
		if (before->steps && before->steps->place[chunk])
			advance_chunk(before, now, chunk, grown, ctx);
	}
	before->count = now->count;
	before->sum = now->sum;
	before->min = now->min;
	before->max = now->max;
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
	for (; h->steps && *at < STEPS; ++*at) {
		if (!h->steps->place[*at / CHUNK])
			*at |= CHUNK - 1; /* to the next chunk */
		else if (count_at(h, *at)) {
			b->first = log_scale_first(*at, HISTOGRAM_BITS);
			b->last = log_scale_last(*at, HISTOGRAM_BITS);
			b->count = count_at(h, *at);
			++*at;
			return 1;
		}
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
