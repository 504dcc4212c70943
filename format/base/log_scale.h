/* Log-linear scale: each power of two is divided into 2^bits steps of equal width.
 *
 * The steps below 2^bits hold one value each; above, a step is at most 1/2^bits of its values wide.
 * Power of two number e starts with step (e - bits + 1) << bits, so two steps of a finer scale are
 * one of the next coarser, and a power of two is never divided between steps. */
#ifndef BASE_LOG_SCALE_H
#define BASE_LOG_SCALE_H

#include <stdint.h>

/* The number of steps that the values of 64 bits take. */
static inline uint32_t log_scale_steps(unsigned bits)
{
	return (64 - bits + 1) << bits;
}

/* The step that a value is in. */
static inline uint32_t log_scale_step(uint64_t v, unsigned bits)
{
	unsigned shift;

	if (v >> bits == 0)
		return (uint32_t)v;
	shift = 63 - (unsigned)__builtin_clzll(v) - bits;
	return (uint32_t)((uint64_t)shift << bits) + (uint32_t)(v >> shift);
}

/* The smallest value of a step; of the one behind the last step UINT64_MAX. */
static inline uint64_t log_scale_first(uint32_t step, unsigned bits)
{
	unsigned shift;

	if (step >> bits == 0)
		return step;
	if (step >= log_scale_steps(bits))
		return UINT64_MAX;
	shift = (step >> bits) - 1;
	return (uint64_t)(step - (shift << bits)) << shift;
}

/* The largest value of a step. */
static inline uint64_t log_scale_last(uint32_t step, unsigned bits)
{
	return step + 1 >= log_scale_steps(bits) ? UINT64_MAX : log_scale_first(step + 1, bits) - 1;
}

#endif
