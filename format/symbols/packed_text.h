/* A text file kept in memory to be read again, compressed with LZ4: /proc/kallsyms, which costs the
 * kernel 45 ms to write down, in 1.5 MB instead of 5.4, for 10 ms once and 4 ms each time it is read. */
#ifndef SYMBOLS_PACKED_TEXT_H
#define SYMBOLS_PACKED_TEXT_H

#include <stdint.h>
#include <sys/types.h>

#include "format/base/err.h"

struct packed_text {
	uint8_t *data; /* owned; each piece: its length packed, its length, and its packed bytes */
	size_t len, cap;
};

/* Where a reader is. Starts as { text }. */
struct packed_reader {
	const struct packed_text *text; /* borrowed */
	size_t at;                      /* of the next piece in its data */
	char *piece;                    /* owned */
	size_t have, next;
};

/* Takes the rest of a file, at most `most` bytes, instead of what it held. 0 or a negative errno, and
 * then it is empty. */
int packed_text_take(struct packed_text *t, int fd, uint64_t most, const char *path,
	struct err *err);
void packed_text_done(struct packed_text *t);

/* As read(2). */
ssize_t packed_text_read(struct packed_reader *r, void *to, size_t n);
void packed_reader_done(struct packed_reader *r);

#endif
