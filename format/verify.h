/* Checking a trace to the last byte. */
#ifndef FORMAT_VERIFY_H
#define FORMAT_VERIFY_H

#include "format/reader.h"

struct verify_result {
	uint64_t bytes, blocks, events;
	uint64_t unlisted; /* intact blocks that the index does not name: it is wrong */
	uint32_t segments;
	bool complete; /* the last segment has its end */
};

/* Reads every block, decodes every column and looks up every number that refers to a dictionary.
 * What is wrong is added to reader_damage. 0, or a negative errno when a stream cannot be read. */
int verify(struct reader *r, struct verify_result *result, struct err *err);

#endif
