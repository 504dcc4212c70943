/* A block of events, decoded: what verify and copy share. (A merge decodes only what is wanted.) */
#ifndef FORMAT_EVENT_BLOCK_H
#define FORMAT_EVENT_BLOCK_H

#include "format/column.h"
#include "format/schema.h"

struct event_block {
	struct column_decoder *decoder; /* owned */
	uint64_t *memory;               /* owned */
	size_t cap;                     /* values in memory */
	uint8_t types[MAX_FIELDS];
	uint64_t *columns[MAX_FIELDS]; /* of the last block; [field][row], until the next one */
};

void event_block_init(struct event_block *b);
void event_block_done(struct event_block *b);

/* Decodes all columns. -EBADMSG with a sentence if the block is not what the type (NULL: it is not
 * declared) and its own header say: columns, sizes, rows in order of time. */
int event_block_decode(struct event_block *b, const struct event_type *type,
	const struct block_header *h, const void *payload, struct err *err);

#endif
