/* Sealing and checking blocks. */
#include "format/block.h"

#include <errno.h>
#include <string.h>

#include "format/base/crc32c.h"
#include "format/tables.h"

enum { CRC_FROM = offsetof(struct block_header, stored) };

static uint32_t checksum(const struct block_header *h, const void *payload)
{
	uint32_t crc = crc32c(0, (const char *)h + CRC_FROM, sizeof(*h) - CRC_FROM);

	return crc32c(crc, payload, h->stored);
}

void block_seal(struct block_header *h, uint32_t stored)
{
	h->magic = TRACE_MAGIC;
	h->stored = stored;
	h->crc = checksum(h, h + 1);
}

int block_parse(const void *p, size_t len, struct block_header *h, struct err *err)
{
	struct block_header got;

	if (len < sizeof(got))
		return -EAGAIN;
	memcpy(&got, p, sizeof(got));
	if (got.magic != TRACE_MAGIC)
		return err_set(err, EBADMSG, "no block starts here");
	if (got.stored > BLOCK_MAX_BYTES || got.count > BLOCK_MAX_ROWS || got.columns > MAX_FIELDS)
		return err_set(err, EBADMSG, "header makes no sense");
	*h = got;
	return 0;
}

bool block_intact(const struct block_header *h, const void *payload)
{
	return checksum(h, payload) == h->crc;
}

int block_understood(const struct block_header *h, struct err *err)
{
	if (h->must_know)
		return err_set(err, ENOTSUP,
			"needs feature %#x of a newer trace format: install a newer version",
			h->must_know);
	if (h->kind >= BLOCK_MUST_KNOW && !block_kind_name(h->kind))
		return err_set(err, ENOTSUP,
			"needs blocks of kind %u of a newer trace format: install a newer version",
			h->kind);
	return 0;
}
