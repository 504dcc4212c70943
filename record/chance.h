/* One in so many, by chance: xorshift64 (G. Marsaglia, "Xorshift RNGs", 2003). */
#ifndef RECORD_CHANCE_H
#define RECORD_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the next is taken; state is not 0. Of n = 0 or 1 all are. */
static inline bool chance_one_in(uint64_t *state, uint32_t n)
{
	if (n <= 1)
		return true;
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n == 0;
}

#endif
