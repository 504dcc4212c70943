/* Holding a segment against what its own index and end say was written.
 *
 * Whoever walks a trace hands each intact block over, in order. The walk itself sees bytes that are
 * damaged, but not that whole blocks are gone; the index, written last, names them all, and the end
 * block says how long everything was. */
#ifndef FORMAT_ACCOUNT_H
#define FORMAT_ACCOUNT_H

#include "format/column.h"
#include "format/scan.h"

/* A block in front of the index, or a row of the index. */
struct account_block {
	uint64_t offset; /* in the file; of a row: in the segment */
	uint64_t hash;   /* of all else that the index says of a block */
	uint32_t bytes;  /* with its header */
};

struct account_list {
	struct account_block *all; /* owned */
	size_t n, cap;
};

struct account {
	void (*damaged)(void *ctx, const struct damage *d);
	void *ctx;
	struct column_decoder *decoder; /* borrowed */
	uint64_t end;                   /* of the last block handed over */
	uint64_t unlisted;              /* blocks so far that their index does not name */
	/* Of the present segment: */
	bool open, headless; /* headless: its SEGMENT block was not seen */
	bool partial;        /* the index lacks rows, so a block may be missing in it */
	uint32_t id;
	uint64_t before, start; /* end of what precedes it, its own start */
	uint64_t holes, gone;   /* bytes between its blocks; bytes that are not there */
	struct account_list found, rows;
	uint64_t blocks_end;            /* of the last block that is no INDEX block */
	uint64_t index_bytes, rows_end; /* INDEX blocks seen; where the last row's block ended */
};

void account_init(struct account *a, struct column_decoder *decoder,
	void (*damaged)(void *ctx, const struct damage *d), void *ctx);
void account_done(struct account *a);

/* The next intact block of the walk. What does not agree is told to `damaged`, most of it at the
 * segment's end. */
void account_block(struct account *a, const struct block_header *h, const void *payload,
	uint64_t offset);

/* The walk is over. */
void account_end(struct account *a);

#endif
