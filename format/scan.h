/* Walking the blocks of a trace from front to back, over whatever damage lies between.
 *
 * Works on a mapped file and on anything that can only be read once (a pipe, a socket). What is
 * not an intact block is skipped to the next one that is; each such gap is reported. */
#ifndef FORMAT_SCAN_H
#define FORMAT_SCAN_H

#include <stdbool.h>

#include "format/block.h"

struct damage {
	uint64_t offset, bytes;
	char what[96];
};

struct scan {
	int fd;              /* -1: mapped */
	const uint8_t *data; /* the mapping, or the buffer (then owned) */
	uint64_t base;       /* file offset of data[0] */
	size_t len, cap;     /* bytes in data; its size when it is a buffer */
	size_t at;           /* of the next block, in data */
	bool eof;
	int error;      /* errno of reading */
	uint64_t tried; /* bytes that were checksummed in vain */
	/* Called for each gap; may be NULL. */
	void (*damaged)(void *ctx, const struct damage *d);
	void *ctx;
	/* Called when a stream has no more bytes now and the next read will wait; may be NULL. */
	void (*waits)(void *ctx);
	void *waits_ctx;
};

/* [from, to) of a file that is mapped at `map`. */
void scan_map(struct scan *s, const uint8_t *map, uint64_t from, uint64_t to);
/* fd is read to its end and stays the caller's. */
void scan_fd(struct scan *s, int fd);
void scan_done(struct scan *s);

/* The next intact block: 1, with its header, payload (valid until the next call) and file offset;
 * 0 at the end; negative errno if reading failed. */
int scan_next(struct scan *s, struct block_header *h, const void **payload, uint64_t *offset);

#endif
