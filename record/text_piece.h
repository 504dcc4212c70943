/* A piece of a text that is being parsed: not terminated, owned by whoever has the text. */
#ifndef RECORD_TEXT_PIECE_H
#define RECORD_TEXT_PIECE_H

#include <ctype.h>
#include <stddef.h>

struct piece {
	const char *s;
	size_t len;
};

/* Without white space at both ends. */
static inline struct piece piece_trimmed(struct piece p)
{
	while (p.len && isspace((unsigned char)p.s[0])) {
		p.s++;
		p.len--;
	}
	while (p.len && isspace((unsigned char)p.s[p.len - 1]))
		p.len--;
	return p;
}

#endif
