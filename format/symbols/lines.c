/* Pieces and lines; see lines.h. */
#include "format/symbols/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"

void lines_init(struct lines *l, int fd, size_t size, uint64_t most)
{
	*l = (struct lines){ .fd = fd, .size = size, .left = most };
	l->piece = xrealloc(NULL, size, 1);
}

void lines_init_packed(struct lines *l, const struct packed_text *text, size_t size)
{
	lines_init(l, -1, size, UINT64_MAX);
	l->packed.text = text;
}

void lines_done(struct lines *l)
{
	packed_reader_done(&l->packed);
	free(l->piece);
	l->piece = NULL;
}

/* The unfinished line to the front; one that fills the piece is given up. */
static void keep_rest(struct lines *l)
{
	size_t rest = l->have - l->next;

	if (rest == l->size) {
		l->skip = true;
		rest = 0;
	}
	memmove(l->piece, l->piece + l->have - rest, rest);
	l->offset += l->have - rest;
	l->have = rest;
	l->next = 0;
}

static bool read_some(struct lines *l)
{
	size_t room = l->size - l->have;
	ssize_t n;

	if (room > l->left)
		room = l->left;
	do
		n = !room                ? 0
			: l->packed.text ? packed_text_read(&l->packed, l->piece + l->have, room)
					 : read(l->fd, l->piece + l->have, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		l->error = errno;
	if (n <= 0)
		return false;
	l->have += (size_t)n;
	l->left -= (size_t)n;
	return true;
}

/* Files of the kernel come in reads of a page at most: as many as make a piece. */
bool lines_fill(struct lines *l)
{
	size_t before;

	keep_rest(l);
	before = l->have;
	while (l->have < l->size && read_some(l))
		;
	return l->have > before;
}

const char *lines_next(struct lines *l, size_t *len)
{
	while (l->next < l->have) {
		const char *line = l->piece + l->next;
		const char *end = memchr(line, '\n', l->have - l->next);
		bool skip = l->skip;

		if (!end) {
			if (skip)
				l->next = l->have;
			return NULL;
		}
		l->next = (size_t)(end - l->piece) + 1;
		l->skip = false;
		*len = (size_t)(end - line);
		if (!skip)
			return line;
	}
	return NULL;
}

/* The value of a digit plus one; 0 for what is none. */
static const uint8_t digit[256] = {
	['0'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	['a'] = 11,
	12,
	13,
	14,
	15,
	16,
	['A'] = 11,
	12,
	13,
	14,
	15,
	16,
};

bool take_hex(const char **p, const char *end, uint64_t *v)
{
	const char *s = *p;
	const char *limit = end - s > 16 ? s + 16 : end;
	uint64_t x = 0;

	for (; s < limit && digit[(uint8_t)*s]; s++)
		x = x << 4 | (uint64_t)(digit[(uint8_t)*s] - 1);
	if (s == *p || (s < end && digit[(uint8_t)*s]))
		return false;
	*p = s;
	*v = x;
	return true;
}
