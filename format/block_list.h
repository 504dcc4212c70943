/* Where the blocks of a segment are, in 24 bytes a block: a trace of 10 GB has millions of them, and
 * its list is to fit a laptop. */
#ifndef FORMAT_BLOCK_LIST_H
#define FORMAT_BLOCK_LIST_H

#include <stddef.h>
#include <stdint.h>

/* Where a block is: an entry of the index, or of what replaces it. */
struct block_ref {
	uint64_t offset;
	uint64_t first, last;
	uint32_t segment; /* number in the reader */
	uint32_t stored, stream, count;
	uint16_t type;
	uint8_t kind;
};

/* All zero: empty. */
struct block_list {
	struct packed_ref *rows; /* owned */
	uint64_t *bases;         /* owned; offset of the first block of each group of rows */
	struct block_ref *wide;  /* owned; blocks whose numbers a row has no room for */
	size_t n, cap, n_wide, cap_wide;
};

void block_list_done(struct block_list *list);

/* Room for n blocks together. */
void block_list_reserve(struct block_list *list, size_t n);

/* Any block can be kept; those that lie in order of their offsets, as in a file, take the least. Its
 * segment is not kept. */
void block_list_add(struct block_list *list, const struct block_ref *block);

struct block_ref block_list_get(const struct block_list *list, size_t i);

#endif
