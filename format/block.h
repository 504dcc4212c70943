/* Blocks: the 48-byte header and the checksum over header and payload. */
#ifndef FORMAT_BLOCK_H
#define FORMAT_BLOCK_H

#include <stdbool.h>

#include "format/base/err.h"
#include "specs/layout.h"

/* Fills in magic, stored size and checksum; the payload lies directly behind the header. */
void block_seal(struct block_header *h, uint32_t stored);

/* Copies a header out of len bytes at p. 0; -EAGAIN if there are fewer bytes than a header; or
 * -EBADMSG if this is no header (err says why). Does not look at the payload. */
int block_parse(const void *p, size_t len, struct block_header *h, struct err *err);

/* Whether the checksum over the header and its h->stored bytes of payload is right. */
bool block_intact(const struct block_header *h, const void *payload);

/* Whether a reader of this version may go on without understanding the block. If not, -ENOTSUP
 * with a sentence. */
int block_understood(const struct block_header *h, struct err *err);

#endif
