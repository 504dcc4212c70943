/* Pieces of a text, each by itself; see packed_text.h. */
#include "format/symbols/packed_text.h"

#include <errno.h>
#include <lz4.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"

enum { PIECE = 128 << 10, HEAD = 8 };

/* Files of the kernel come in reads of a page at most: as many as make a piece. */
static ssize_t read_piece(int fd, char *piece, size_t most)
{
	size_t have = 0;
	ssize_t n = 1;

	while (have < most && n > 0) {
		n = read(fd, piece + have, most - have);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			have += (size_t)n;
	}
	return n < 0 ? -errno : (ssize_t)have;
}

static void add_piece(struct packed_text *t, const char *piece, uint32_t len)
{
	int bound = LZ4_compressBound((int)len);
	uint32_t packed;

	if (t->cap - t->len < (size_t)bound + HEAD) {
		t->cap = t->cap ? 2 * t->cap : 2 * ((size_t)bound + HEAD);
		t->data = xrealloc(t->data, t->cap, 1);
	}
	packed = (uint32_t)LZ4_compress_default(piece, (char *)t->data + t->len + HEAD, (int)len,
		bound);
	memcpy(t->data + t->len, &packed, 4);
	memcpy(t->data + t->len + 4, &len, 4);
	t->len += HEAD + packed;
}

int packed_text_take(struct packed_text *t, int fd, uint64_t most, const char *path,
	struct err *err)
{
	char *piece = xrealloc(NULL, PIECE, 1);
	ssize_t n;

	t->len = 0;
	while ((n = read_piece(fd, piece, most < PIECE ? most : PIECE)) > 0) {
		add_piece(t, piece, (uint32_t)n);
		most -= (uint64_t)n;
	}
	free(piece);
	if (n == 0)
		return 0;
	t->len = 0;
	return err_errno(err, (int)-n, "read '%s'", path);
}

void packed_text_done(struct packed_text *t)
{
	free(t->data);
	*t = (struct packed_text){ NULL };
}

static bool next_piece(struct packed_reader *r)
{
	const uint8_t *p = r->text->data + r->at;
	uint32_t packed, len;

	if (r->at == r->text->len)
		return false;
	memcpy(&packed, p, 4);
	memcpy(&len, p + 4, 4);
	if (!r->piece)
		r->piece = xrealloc(NULL, PIECE, 1);
	LZ4_decompress_safe((const char *)p + HEAD, r->piece, (int)packed, PIECE);
	r->at += HEAD + packed;
	r->have = len;
	r->next = 0;
	return true;
}

ssize_t packed_text_read(struct packed_reader *r, void *to, size_t n)
{
	if (r->next == r->have && !next_piece(r))
		return 0;
	if (n > r->have - r->next)
		n = r->have - r->next;
	memcpy(to, r->piece + r->next, n);
	r->next += n;
	return (ssize_t)n;
}

void packed_reader_done(struct packed_reader *r)
{
	free(r->piece);
	r->piece = NULL;
}
