/* Lines of large text files, read in big pieces without a copy: a piece is filled, its whole lines
 * are taken one by one, the unfinished line at its end moves to the front of the next piece.
 *
 * A line without its newline at the end of the file is still being written (or cut) and is not
 * given out; a line that does not fit into a piece is skipped. */
#ifndef SYMBOLS_LINES_H
#define SYMBOLS_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/symbols/packed_text.h"

struct lines {
	int fd; /* borrowed; not used when it reads a packed text */
	struct packed_reader packed;
	char *piece;     /* owned */
	size_t size;     /* of a piece, bytes */
	size_t have;     /* bytes in the piece */
	size_t next;     /* of them, taken */
	uint64_t offset; /* in the file, of the piece's first byte */
	uint64_t left;   /* bytes that may still be read */
	int error;       /* errno of a failed read, or 0 */
	bool skip;       /* inside a line that is too long */
};

/* Reads from fd's position, at most `most` bytes in all. */
void lines_init(struct lines *l, int fd, size_t size, uint64_t most);
/* The whole of a text that is kept. */
void lines_init_packed(struct lines *l, const struct packed_text *text, size_t size);
void lines_done(struct lines *l);

/* The next piece; false when there is none. Lines of the piece before are no longer valid. */
bool lines_fill(struct lines *l);

/* The next line of the piece, its newline excluded and not terminated; NULL when there is none. */
const char *lines_next(struct lines *l, size_t *len);

/* A hexadecimal number of 1 to 16 digits at *p, of either case; *p moves behind it. */
bool take_hex(const char **p, const char *end, uint64_t *v);

/* Moves *p behind c; false if it is not there. */
static inline bool take_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

#endif
