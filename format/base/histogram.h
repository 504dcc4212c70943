/* How values are distributed, in little memory and with percentiles that are right to 0.8%.
 *
 * Values are counted in the steps of a log-linear scale (log_scale.h), as Gil Tene's HdrHistogram
 * does: below 128 each value by itself, above in steps of 1/128 of the value. Memory is taken for the
 * steps that have values only, 128 bytes for each 32 of them: a table of thousands of threads with a few
 * values each stays small however far apart these are. Histograms of parts
 * can be merged into that of the whole, and nothing is lost by it. Sum, smallest and largest value
 * are exact. Numbers that would overflow stay at UINT64_MAX.
 *
 *	struct histogram h = { 0 };
 *
 *	histogram_add(&h, latency_ns, 1);
 *	p99 = histogram_percentile(&h, 99);
 *	histogram_done(&h); */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BITS = 7, HISTOGRAM_POWERS = 65 };

/* Memory that histograms of one purpose share: a hostile trace can have thousands of them, each with values of
 * all sizes. */
struct histogram_budget {
	size_t left; /* bytes */
	bool is_used_up;
};

/* All zero bytes are an empty histogram. */
struct histogram {
	uint64_t count; /* values */
	uint64_t sum;
	uint64_t min, max;             /* of no values 0 */
	struct histogram_steps *steps; /* owned */
	/* Borrowed, may be NULL. When it is used up, a value whose step has no memory yet is counted in the
	 * nearest one that has: percentiles are wrong then, and all else is right. */
	struct histogram_budget *budget;
};

/* Values from first to last, both included. */
struct histogram_bucket {
	uint64_t first, last, count;
};

void histogram_done(struct histogram *h);

/* Adds a value that came n times. */
void histogram_add(struct histogram *h, uint64_t value, uint64_t n);

/* Adds all values of another histogram. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/* What its steps take. */
size_t histogram_bytes(const struct histogram *h);

/* Makes `to`, which has nothing, a copy that is the caller's; it takes histogram_bytes, of the same budget but not
 * counted there. */
void histogram_copy(struct histogram *to, const struct histogram *from);

/* Calls for each step in which `now` has more values than `before`, which was the same histogram once, smallest
 * first; then makes `before` equal to it, as far as its budget goes. */
void histogram_advance(struct histogram *before, const struct histogram *now,
	void (*grown)(void *ctx, const struct histogram_bucket *more), void *ctx);

/* The value that `percent` of all values do not exceed: never less than the true one, and at most
 * 1/128 more. 0 gives the smallest, 100 the largest value, an empty histogram 0. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

/* The mean, rounded down; exact as far as the sum is. */
uint64_t histogram_mean(const struct histogram *h);

/* The steps in which there are values, smallest first, each as a bucket. *at starts with 0.
 * 0 behind the last one. */
int histogram_next(const struct histogram *h, uint32_t *at, struct histogram_bucket *b);

/* The counts by powers of two, exactly: powers[0] counts the value 0, powers[k] values v with
 * 2^(k-1) <= v < 2^k. */
void histogram_powers(const struct histogram *h, uint64_t powers[HISTOGRAM_POWERS]);

/* The values that powers[k] counts, without a count. */
struct histogram_bucket histogram_power(unsigned k);

#endif
