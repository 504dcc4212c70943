/* Sealing blocks and remembering where they are. */
#include "format/emit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/block.h"
#include "format/tables.h"

/* Of the disk's room, for what was lost, the index and the end; more for each block that the index lists. */
enum { LAST_BYTES = 64 << 10, LAST_BYTES_BLOCK = 24 };

void emit_init(struct emit *e, struct sink *sink)
{
	memset(e, 0, sizeof(*e));
	e->sink = sink;
	e->coder = column_coder_new(EMIT_MAX_ROWS);
	e->block = xcalloc(1, sizeof(struct block_header) + BLOCK_MAX_BYTES);
	e->values = xcalloc(EMIT_MAX_ROWS, sizeof(*e->values));
	e->order = xcalloc(EMIT_MAX_ROWS, sizeof(*e->order));
	e->cap_index = 1024;
	e->index = xcalloc(e->cap_index, sizeof(*e->index));
}

void emit_done(struct emit *e)
{
	column_coder_free(e->coder);
	free(e->block);
	free(e->values);
	free(e->order);
	free(e->index);
	memset(e, 0, sizeof(*e));
}

void emit_begin(struct emit *e, uint32_t n_rows)
{
	column_coder_begin(e->coder, n_rows);
}

static void remember(struct emit *e, const struct block_header *h, uint64_t offset)
{
	if (e->n_index == e->cap_index) {
		e->cap_index *= 2;
		e->index = xrealloc(e->index, e->cap_index, sizeof(*e->index));
	}
	e->must_know |= h->must_know;
	e->index[e->n_index++] = (struct index_entry){ offset, h->stored, h->kind, h->type,
		h->stream, h->count, h->first, h->last };
}

static bool has_room(const struct emit *e, size_t size)
{
	uint64_t last = LAST_BYTES + (uint64_t)e->n_index * LAST_BYTES_BLOCK;
	uint64_t want = size + (e->last_words ? 0 : last);

	return sink_left(e->sink, want) >= want;
}

/* The payload is in place behind the header in e->block. */
static int seal_and_put(struct emit *e, const struct block_header *h, size_t len)
{
	struct block_header *to = (struct block_header *)e->block;
	size_t size = sizeof(*to) + len;
	int rc;

	*to = *h;
	to->segment = e->segment;
	block_seal(to, (uint32_t)len);
	if (!has_room(e, size))
		return -EAGAIN;
	rc = sink_put(e->sink, e->block, size);
	if (rc == -EAGAIN && e->patient) {
		rc = sink_drain(e->sink, -1);
		rc = rc ? rc : sink_put(e->sink, e->block, size);
	}
	if (rc)
		return rc;
	remember(e, to, e->segment_bytes);
	e->segment_bytes += size;
	return 0;
}

/* Readers hold tables in memory and bound that by the bytes they were given, but a thousand levels
 * of recursion pack into a few bytes: such a block gets a column of zeros that makes it honest. */
static void add_weight(struct emit *e, struct block_header *h)
{
	if (h->count <= table_max_rows(column_coder_bytes(e->coder)))
		return;
	memset(e->values, 0, h->count * sizeof(*e->values));
	column_coder_force(e->coder, FIELD_U8, e->values, ENC_RAW, PRED_BASE, false);
	h->columns++;
}

int emit_block(struct emit *e, struct block_header *h)
{
	struct buf payload = buf_of(e->block + sizeof(*h), BLOCK_MAX_BYTES);
	int rc;

	if (table_layout(h->kind))
		add_weight(e, h);
	rc = column_coder_finish(e->coder, &payload);
	return rc ? rc : seal_and_put(e, h, payload.len);
}

int emit_copy(struct emit *e, const struct block_header *h, const void *block)
{
	size_t size = sizeof(*h) + h->stored;
	int rc = sink_put(e->sink, block, size);

	if (rc)
		return rc;
	remember(e, h, e->segment_bytes);
	e->segment_bytes += size;
	return 0;
}

int emit_plain(struct emit *e, const struct block_header *h, const void *payload, size_t len)
{
	if (len)
		memcpy(e->block + sizeof(*h), payload, len);
	return seal_and_put(e, h, len);
}
