/* Reading a segment's index from its end. */
#ifndef FORMAT_INDEX_H
#define FORMAT_INDEX_H

#include "format/column.h"
#include "format/reader.h"

struct segment_index {
	uint64_t offset, bytes;    /* of the segment in the file */
	struct block_header start; /* its first block's header */
	struct block_list blocks; /* the caller's to end; those with content, offsets in the file */
};

/* Reads the index of the segment that ends at `end` of the file mapped at `map`. -EBADMSG if no
 * intact index ends there, or one that does not name every byte in front of it exactly once, or
 * that needs a newer reader; nothing is then owned. The blocks it names are not looked at. */
int index_read(const uint8_t *map, uint64_t end, struct column_decoder *decoder,
	struct segment_index *index);

/* The h->count rows of one intact INDEX block; offsets from the segment's start. -EBADMSG if they
 * make no sense or do not follow each other without a gap. `scratch` has room for INDEX_COLUMNS numbers a
 * row. */
enum { INDEX_COLUMNS = 8 };
int index_decode(const struct block_header *h, const void *payload, struct column_decoder *decoder,
	uint64_t *scratch, struct block_ref *rows);

#endif
