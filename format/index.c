/* The end block says where the segment and its index start; everything on the way must be intact
 * and belong together, or the index is not used. */
#include "format/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/block.h"
#include "format/tables.h"

enum { END_BYTES = sizeof(struct block_header) + sizeof(struct end_payload) };

/* An intact block of this kind at `at`, with all of it below `end`. One that needs a newer reader
 * does not count: the walk that replaces the index then refuses the trace by name. */
static bool block_at(const uint8_t *map, uint64_t at, uint64_t end, unsigned kind,
	struct block_header *h)
{
	return at <= end && block_parse(map + at, end - at, h, NULL) == 0 && h->kind == kind &&
		h->stored <= end - at - sizeof(*h) && block_intact(h, map + at + sizeof(*h)) &&
		block_understood(h, NULL) == 0;
}

static int decode_columns(const struct block_header *h, const void *payload,
	struct column_decoder *decoder, uint64_t *columns)
{
	const struct table_layout *t = table_layout(BLOCK_INDEX);
	uint8_t types[MAX_FIELDS] = { 0 };

	if (table_rows_allowed(h, NULL))
		return -EBADMSG;
	memcpy(types, t->columns, t->n_columns);
	if (column_decoder_open(decoder, payload, h->stored, types, h->columns, h->count, NULL))
		return -EBADMSG;
	for (uint32_t c = 0; c < t->n_columns; c++)
		if (column_decode(decoder, c, columns + (size_t)c * h->count, NULL))
			return -EBADMSG;
	return 0;
}

/* How many rows the index blocks [at, end) have; that they are intact is looked at when they are read. */
static size_t count_rows(const uint8_t *map, uint64_t at, uint64_t end)
{
	struct block_header h;
	size_t n = 0;

	while (at < end && block_parse(map + at, end - at, &h, NULL) == 0 &&
		h.count <= table_max_rows(h.stored)) {
		n += h.count;
		at += sizeof(h) + h.stored;
	}
	return n;
}

static uint64_t end_of(const struct block_ref *b)
{
	return b->offset + sizeof(struct block_header) + b->stored;
}

int index_decode(const struct block_header *h, const void *payload, struct column_decoder *decoder,
	uint64_t *v, struct block_ref *rows)
{
	size_t n = h->count;
	int rc = decode_columns(h, payload, decoder, v);

	for (size_t i = 0; !rc && i < n; i++) {
		struct block_ref *b = &rows[i];

		b->offset = v[n * INDEX_OFFSET + i];
		b->stored = (uint32_t)v[n * INDEX_STORED + i];
		b->kind = (uint8_t)v[n * INDEX_KIND + i];
		b->type = (uint16_t)v[n * INDEX_TYPE + i];
		b->stream = (uint32_t)v[n * INDEX_STREAM + i];
		b->count = (uint32_t)v[n * INDEX_COUNT + i];
		b->first = v[n * INDEX_FIRST + i];
		b->last = v[n * INDEX_LAST + i];
		b->segment = 0;
		if (b->stored > BLOCK_MAX_BYTES || b->count > BLOCK_MAX_ROWS ||
			(i && b->offset != end_of(b - 1)))
			rc = -EBADMSG;
	}
	return rc;
}

/* What reading the index blocks of a segment needs. */
struct index_rows {
	struct column_decoder *decoder; /* borrowed */
	uint64_t *values;               /* owned; the columns of one block */
	struct block_ref *rows;         /* owned; the rows of one block */
	uint32_t cap;
	uint64_t at; /* from the segment's start: where the next block must be */
};

/* Appends what one index block lists. Blocks follow each other without a gap, so none comes twice. A
 * kind that needs a newer reader makes the index unusable: the walk that replaces it refuses by name. */
static int add_rows(struct segment_index *ix, const struct block_header *h, const uint8_t *payload,
	struct index_rows *x)
{
	if (h->count > x->cap) {
		x->cap = h->count;
		x->values = xrealloc(x->values, (size_t)x->cap * INDEX_COLUMNS, sizeof(*x->values));
		x->rows = xrealloc(x->rows, x->cap, sizeof(*x->rows));
	}
	if (index_decode(h, payload, x->decoder, x->values, x->rows) || x->rows->offset != x->at)
		return -EBADMSG;
	for (uint32_t i = 0; i < h->count; i++) {
		struct block_ref *b = &x->rows[i];
		const struct block_header kind = { .kind = b->kind };

		if (block_understood(&kind, NULL))
			return -EBADMSG;
		x->at = end_of(b);
		b->offset += ix->offset;
		if (block_has_content(b->kind))
			block_list_add(&ix->blocks, b);
	}
	return 0;
}

static int read_blocks(const uint8_t *map, uint64_t at, uint64_t end, uint32_t segment,
	struct column_decoder *decoder, struct segment_index *ix)
{
	struct index_rows x = { .decoder = decoder };
	struct block_header h;
	uint64_t limit = at - ix->offset;
	size_t n = count_rows(map, at, end), left = n;
	int rc = 0;

	if (n > limit / sizeof(h))
		return -EBADMSG; /* more blocks than there is room for in front of it */
	block_list_reserve(&ix->blocks, n);
	while (!rc && at < end) {
		if (!block_at(map, at, end, BLOCK_INDEX, &h) || h.segment != segment || !h.count ||
			h.count > left) {
			rc = -EBADMSG;
			break;
		}
		rc = add_rows(ix, &h, map + at + sizeof(h), &x);
		left -= h.count;
		at += sizeof(h) + h.stored;
	}
	free(x.values);
	free(x.rows);
	return !rc && x.at == limit && n ? 0 : -EBADMSG;
}

int index_read(const uint8_t *map, uint64_t end, struct column_decoder *decoder,
	struct segment_index *index)
{
	struct segment_index ix = { 0 };
	struct end_payload e;
	struct block_header h;
	uint64_t last = end - END_BYTES;

	if (end < END_BYTES || !block_at(map, last, end, BLOCK_END, &h) || h.stored != sizeof(e))
		return -EBADMSG;
	memcpy(&e, map + last + sizeof(h), sizeof(e));
	if (e.segment_bytes > end || e.segment_bytes < END_BYTES ||
		e.index_offset > e.segment_bytes - END_BYTES)
		return -EBADMSG;
	ix.bytes = e.segment_bytes;
	ix.offset = end - e.segment_bytes;
	if (!block_at(map, ix.offset, last, BLOCK_SEGMENT, &ix.start) ||
		ix.start.segment != h.segment)
		return -EBADMSG;
	if (read_blocks(map, ix.offset + e.index_offset, last, h.segment, decoder, &ix)) {
		block_list_done(&ix.blocks);
		return -EBADMSG;
	}
	*index = ix;
	return 0;
}
