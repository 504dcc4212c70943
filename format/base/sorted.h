/* Search in a sorted array. */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <stddef.h>
#include <stdint.h>

/* The place of the first number that is not below `value`; n if all are. */
static inline size_t sorted_from(const uint64_t *numbers, size_t n, uint64_t value)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#endif
