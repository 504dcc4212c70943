/* Blocks on their way out: columns are gathered, sealed and handed to a sink, and the place of
 * each block is remembered for the index. */
#ifndef FORMAT_EMIT_H
#define FORMAT_EMIT_H

#include "format/column.h"
#include "format/dict.h"
#include "format/schema.h"
#include "format/sink.h"
#include "specs/layout.h"

enum { EMIT_MAX_ROWS = 1 << 14 };

struct index_entry {
	uint64_t offset; /* from the segment's start */
	uint32_t stored;
	uint8_t kind;
	uint16_t type;
	uint32_t stream, count;
	uint64_t first, last;
};

struct emit {
	struct sink *sink;          /* borrowed */
	struct column_coder *coder; /* owned */
	uint8_t *block;             /* owned; one header and payload */
	uint32_t segment;           /* number that goes into each block */
	uint64_t segment_bytes;     /* put since the segment's start */
	struct index_entry *index;  /* owned */
	uint32_t n_index, cap_index;
	uint8_t must_know; /* of all blocks so far; the index has them, too */
	uint64_t *values;  /* owned; EMIT_MAX_ROWS, for callers that gather a column */
	uint32_t *order;   /* owned; EMIT_MAX_ROWS */
	bool patient;      /* wait for the sink instead of answering -EAGAIN */
	bool last_words;   /* where the disk is full: take the room that is kept for these */
};

void emit_init(struct emit *e, struct sink *sink);
void emit_done(struct emit *e);

/* Starts a block of n rows; add its columns to e->coder, then emit_block. */
void emit_begin(struct emit *e, uint32_t n_rows);

/* Writes the block whose columns are in the coder; h has kind, type, columns, stream, count,
 * first and last. A table may get a column of padding, then h->columns grows. 0, -EAGAIN (the sink
 * or the disk is full: nothing was written), or the errno with which the sink failed. */
int emit_block(struct emit *e, struct block_header *h);

/* Writes a block of another segment's as it is, header and payload; it becomes one of this segment if that has its
 * number. */
int emit_copy(struct emit *e, const struct block_header *h, const void *block);

/* Writes a block with this payload (may be empty). */
int emit_plain(struct emit *e, const struct block_header *h, const void *payload, size_t len);

#endif
