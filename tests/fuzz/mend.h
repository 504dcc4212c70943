/* Makes blocks of what a fuzzer has changed whole again: their checksums would keep nearly every input out. */
#ifndef TESTS_FUZZ_MEND_H
#define TESTS_FUZZ_MEND_H

#include <stdlib.h>
#include <string.h>

#include "format/block.h"

/* Seals all that could be a block. Returns how many rows of events they say they have. */
static inline uint64_t mend_checksums(uint8_t *bytes, size_t size)
{
	struct block_header h;
	uint64_t rows = 0;

	for (size_t at = 0; at + sizeof(h) <= size;) {
		uint8_t *copy;

		memcpy(&h, bytes + at, sizeof(h));
		if (h.magic != TRACE_MAGIC || h.stored > size - at - sizeof(h)) {
			at++;
			continue;
		}
		/* block_seal wants header and payload side by side and aligned. */
		copy = malloc(sizeof(h) + h.stored);
		memcpy(copy, bytes + at, sizeof(h) + h.stored);
		block_seal((struct block_header *)copy, h.stored);
		memcpy(bytes + at, copy, sizeof(h));
		free(copy);
		rows += h.kind == BLOCK_EVENTS ? h.count : 0;
		at += sizeof(h) + h.stored;
	}
	return rows;
}

#endif
