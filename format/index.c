/* The end block says where the segment and its index start; everything on the way must be intact
 * and belong together, or the index is not used. */
#include "format/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

/* Memory for the list. That of a large trace is all written at once: huge pages, where the kernel has
 * some, spare it thousands of page faults, which were a tenth of the time of a small window. */
static struct block_ref *new_list(size_t n)
{
	enum { HUGE_PAGE = 2 << 20 };
	size_t bytes = n * sizeof(struct block_ref);
	void *p;

	if (bytes < 2 * HUGE_PAGE || posix_memalign(&p, HUGE_PAGE, bytes))
		return xrealloc(NULL, n, sizeof(struct block_ref));
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
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

/* Appends the rows of one index block; there is room for them. Blocks follow each other without a gap,
 * so none comes twice. v has room for their columns. */
static int add_rows(struct segment_index *ix, const struct block_header *h, const uint8_t *payload,
	struct column_decoder *decoder, uint64_t *v)
{
	uint64_t expected = ix->n ? end_of(&ix->blocks[ix->n - 1]) : 0;
	struct block_ref *to = ix->blocks + ix->n;

	if (index_decode(h, payload, decoder, v, to) || to->offset != expected)
		return -EBADMSG;
	ix->n += h->count;
	return 0;
}

static int read_blocks(const uint8_t *map, uint64_t at, uint64_t end, uint32_t segment,
	struct column_decoder *decoder, struct segment_index *ix)
{
	struct block_header h;
	uint64_t limit = at - ix->offset, *values = NULL; /* one memory for all blocks */
	size_t n = count_rows(map, at, end), cap = 0;
	int rc = 0;

	if (n > limit / sizeof(h))
		return -EBADMSG; /* more blocks than there is room for in front of it */
	ix->blocks = new_list(n);
	while (!rc && at < end) {
		if (!block_at(map, at, end, BLOCK_INDEX, &h) || h.segment != segment || !h.count ||
			ix->n + h.count > n) {
			rc = -EBADMSG;
			break;
		}
		if (h.count > cap) {
			cap = h.count;
			values = xrealloc(values, cap * INDEX_COLUMNS, sizeof(*values));
		}
		rc = add_rows(ix, &h, map + at + sizeof(h), decoder, values);
		at += sizeof(h) + h.stored;
	}
	free(values);
	if (!rc && (!ix->n || end_of(&ix->blocks[ix->n - 1]) != limit))
		rc = -EBADMSG;
	for (size_t i = 0; !rc && i < ix->n; i++)
		ix->blocks[i].offset += ix->offset;
	return rc;
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
		free(ix.blocks);
		return -EBADMSG;
	}
	*index = ix;
	return 0;
}
