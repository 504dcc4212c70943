/* One loop: is there an intact block here? If not, look for the next place that has one. */
#include "format/scan.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"

enum { BLOCK_BYTES = sizeof(struct block_header) + BLOCK_MAX_BYTES };

/* Each header that is made up costs a checksum of up to a megabyte. So many bytes of checksums may be
 * in vain for each byte of the trace up to there, on top of some for a start; what would need more
 * is passed over. A real trace never comes near: damage looks like a header once in four gigabytes. */
enum { TRIES_PER_BYTE = 64, TRIES_FREE = 64 * BLOCK_MAX_BYTES };

void scan_map(struct scan *s, const uint8_t *map, uint64_t from, uint64_t to)
{
	*s = (struct scan){ .fd = -1,
		.data = map + from,
		.base = from,
		.len = to - from,
		.eof = true };
}

void scan_fd(struct scan *s, int fd)
{
	*s = (struct scan){ .fd = fd, .cap = (size_t)BLOCK_BYTES * 2 };
	s->data = xrealloc(NULL, s->cap, 1);
}

void scan_done(struct scan *s)
{
	if (s->fd >= 0)
		free((void *)s->data);
	s->data = NULL;
}

static void tell_of_waiting(const struct scan *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	if (s->waits && poll(&p, 1, 0) == 0)
		s->waits(s->waits_ctx);
}

/* Reads what is there, at least one byte. Never asks for more than a pipe has, so that a live
 * stream is seen as it comes. */
static void read_more(struct scan *s)
{
	uint8_t *buffer = (uint8_t *)s->data;
	ssize_t n;

	if (s->cap - s->len < BLOCK_BYTES) {
		memmove(buffer, buffer + s->at, s->len - s->at);
		s->base += s->at;
		s->len -= s->at;
		s->at = 0;
	}
	tell_of_waiting(s);
	do {
		n = read(s->fd, buffer + s->len, s->cap - s->len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		s->error = errno;
	if (n <= 0)
		s->eof = true;
	else
		s->len += (size_t)n;
}

/* Bytes from `at` on, at least n unless the input ends before. */
static size_t have(struct scan *s, size_t n)
{
	while (s->len - s->at < n && !s->eof)
		read_more(s);
	return s->len - s->at;
}

/* What is at s->at: 1 an intact block, 0 the end of the input within a block or its header, or
 * -EBADMSG with the reason. */
static int look(struct scan *s, struct block_header *h, const void **payload, struct err *err)
{
	size_t n = have(s, sizeof(*h));
	int rc = block_parse(s->data + s->at, n, h, err);

	if (rc == -EAGAIN)
		return 0;
	if (rc)
		return rc;
	if (have(s, sizeof(*h) + h->stored) < sizeof(*h) + h->stored)
		return 0;
	*payload = s->data + s->at + sizeof(*h);
	if (s->tried + h->stored > TRIES_FREE + TRIES_PER_BYTE * (s->base + s->at))
		return err_set(err, EBADMSG, "too much here only looks like blocks");
	if (block_intact(h, *payload))
		return 1;
	s->tried += h->stored;
	return err_set(err, EBADMSG, "checksum does not match");
}

static void report(struct scan *s, uint64_t from, uint64_t to, const char *what)
{
	struct damage d = { from, to - from, "" };

	snprintf(d.what, sizeof(d.what), "%s", what);
	if (s->damaged)
		s->damaged(s->ctx, &d);
}

/* Moves to the next place that could be a block's start. False if there is none. */
static bool next_candidate(struct scan *s)
{
	static const uint32_t magic = TRACE_MAGIC;

	s->at++;
	while (have(s, sizeof(magic)) >= sizeof(magic)) {
		const uint8_t *p = memchr(s->data + s->at, magic & 255, s->len - s->at - 3);

		if (!p) {
			s->at = s->len - 3;
			continue;
		}
		s->at = (size_t)(p - s->data);
		if (memcmp(p, &magic, sizeof(magic)) == 0)
			return true;
		s->at++;
	}
	s->at = s->len;
	return false;
}

int scan_next(struct scan *s, struct block_header *h, const void **payload, uint64_t *offset)
{
	uint64_t gap = s->base + s->at;
	struct err why = { "" }, first = { "" };

	if (have(s, 1) == 0)
		return s->error ? -s->error : 0;
	for (;;) {
		int rc = look(s, h, payload, &why);

		if (rc == 1)
			break;
		if (!first.text[0])
			first = rc ? why
				   : (struct err){ "the trace ends in the middle of a block" };
		if (!next_candidate(s)) {
			report(s, gap, s->base + s->len, first.text);
			return s->error ? -s->error : 0;
		}
	}
	*offset = s->base + s->at;
	if (*offset > gap)
		report(s, gap, *offset, first.text);
	s->at += sizeof(*h) + h->stored;
	return 1;
}
