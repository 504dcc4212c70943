/* Rows of the index and blocks that were found are both in file order, so the two lists are gone
 * through side by side: a row without its block is a block that is missing. If the bytes between
 * its neighbours are still there the walk has reported them as damaged; otherwise nobody has. */
#include "format/account.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/index.h"

void account_init(struct account *a, struct column_decoder *decoder,
	void (*damaged)(void *ctx, const struct damage *d), void *ctx)
{
	memset(a, 0, sizeof(*a));
	a->decoder = decoder;
	a->damaged = damaged;
	a->ctx = ctx;
}

void account_done(struct account *a)
{
	free(a->found.all);
	free(a->rows.all);
	memset(a, 0, sizeof(*a));
}

static void __attribute__((format(printf, 4, 5)))
report(struct account *a, uint64_t offset, uint64_t bytes, const char *fmt, ...)
{
	struct damage d = { offset, bytes, "" };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d.what, sizeof(d.what), fmt, ap);
	va_end(ap);
	a->damaged(a->ctx, &d);
}

static void add(struct account_list *list, const struct block_ref *b)
{
	const uint64_t key[] = { b->kind, b->type, b->stream, b->count, b->stored, b->first,
		b->last };

	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 256;
		list->all = xrealloc(list->all, list->cap, sizeof(*list->all));
	}
	list->all[list->n++] = (struct account_block){ b->offset, hash_bytes(key, sizeof(key)),
		(uint32_t)sizeof(struct block_header) + b->stored };
}

/* ---- the two lists side by side ---- */

/* Rows by hash: next[i] is 1 + the next row with the hash of row i. */
struct lookup {
	struct map first;
	uint32_t *next; /* owned */
};

static void lookup_init(struct lookup *l, const struct account_list *rows)
{
	map_init(&l->first, (uint32_t)rows->n);
	l->next = xcalloc(rows->n, sizeof(*l->next));
	for (size_t i = rows->n; i-- > 0;) {
		uint32_t *head = map_put(&l->first, rows->all[i].hash, NULL);

		l->next[i] = *head;
		*head = (uint32_t)i + 1;
	}
}

/* The first row from number `from` on that names such a block, or SIZE_MAX. */
static size_t lookup_row(struct lookup *l, uint64_t hash, size_t from)
{
	uint32_t *head = map_get(&l->first, hash);

	while (head && *head && *head - 1 < from)
		*head = l->next[*head - 1];
	return head && *head ? *head - 1 : SIZE_MAX;
}

/* The rows [from, to) have no block; [at, end) is what lies in the file where they should be. */
static void missing(struct account *a, size_t from, size_t to, uint64_t at, uint64_t end)
{
	uint64_t bytes = 0, room = end > at ? end - at : 0;

	for (size_t i = from; i < to; i++)
		bytes += a->rows.all[i].bytes;
	if (room >= bytes)
		return;
	a->gone += bytes - room;
	report(a, at, bytes - room, "%zu block%s that the index names %s missing here", to - from,
		to - from == 1 ? "" : "s", to - from == 1 ? "is" : "are");
}

static void compare(struct account *a)
{
	struct lookup l;
	uint64_t at = a->before;
	size_t next = 0;

	lookup_init(&l, &a->rows);
	for (size_t i = 0; i < a->found.n; i++) {
		const struct account_block *b = &a->found.all[i];
		size_t row = lookup_row(&l, b->hash, next);

		if (row != SIZE_MAX) {
			missing(a, next, row, at, b->offset);
			next = row + 1;
		} else if (!a->partial) {
			a->unlisted++;
			report(a, b->offset, b->bytes, "the index does not name this block");
		}
		at = b->offset + b->bytes;
	}
	missing(a, next, a->rows.n, at, a->end - a->index_bytes);
	map_done(&l.first);
	free(l.next);
}

/* ---- a segment's life ---- */

static void close_segment(struct account *a)
{
	bool told = a->rows.n && a->rows.all[0].offset == 0; /* by the index, if it is missing */

	if (a->open && a->rows.n)
		compare(a);
	/* Where there are bytes in front of its first block, the walk has reported those. */
	if (a->open && a->headless && !told && a->start == a->before)
		report(a, a->start, 0, "the first block of a segment is missing here");
	a->open = false;
}

static void begin_segment(struct account *a, const struct block_header *h, uint64_t offset)
{
	close_segment(a);
	a->open = true;
	a->headless = h->kind != BLOCK_SEGMENT;
	a->partial = false;
	a->id = h->segment;
	a->before = a->end;
	a->start = offset;
	a->found.n = a->rows.n = 0;
	a->holes = a->gone = a->index_bytes = a->rows_end = 0;
	a->blocks_end = a->end;
	a->end = offset;
}

static void take_rows(struct account *a, const struct block_header *h, const void *payload,
	uint64_t offset)
{
	struct block_ref *rows = xcalloc(h->count, sizeof(*rows));
	uint64_t *scratch = xcalloc((size_t)h->count * INDEX_COLUMNS, sizeof(*scratch));

	if (index_decode(h, payload, a->decoder, scratch, rows)) {
		report(a, offset, sizeof(*h) + h->stored, "the index contradicts itself");
		a->partial = true;
	} else {
		/* A part of the index that was lost leaves a gap, which is in the walk's report. */
		a->partial |= rows[0].offset != a->rows_end;
		for (uint32_t i = 0; i < h->count; i++)
			add(&a->rows, &rows[i]);
		a->rows_end = rows[h->count - 1].offset + sizeof(*h) + rows[h->count - 1].stored;
	}
	a->index_bytes += sizeof(*h) + h->stored;
	free(scratch);
	free(rows);
}

/* Whether the INDEX blocks fill the space that the end block leaves for them. */
static void check_index(struct account *a, const struct end_payload *e, uint64_t offset)
{
	uint64_t own = sizeof(struct block_header) + sizeof(*e), space = offset - a->blocks_end;
	uint64_t area = e->segment_bytes - own - e->index_offset;

	if (e->segment_bytes < own || e->index_offset > e->segment_bytes - own ||
		a->index_bytes > area) {
		report(a, offset, own, "the segment's end contradicts its index");
	} else if (area > space) {
		a->partial = true;
		a->gone += area - space;
		report(a, a->blocks_end, area - space, "the index is missing here");
	} else if (a->index_bytes == area && (a->partial || a->rows_end != e->index_offset)) {
		a->partial = true;
		report(a, offset, own, "the index does not name every block once");
	}
}

static void check_end(struct account *a, const struct block_header *h, const void *payload,
	uint64_t offset)
{
	struct end_payload e;
	uint64_t bytes = offset + sizeof(*h) + h->stored - a->start;

	if (h->stored != sizeof(e)) {
		report(a, offset, sizeof(*h) + h->stored, "the segment's end makes no sense");
		return;
	}
	memcpy(&e, payload, sizeof(e));
	check_index(a, &e, offset);
	close_segment(a);
	/* Of a headless segment nobody knows where it began; its head is reported as missing. */
	if (!a->headless &&
		(e.segment_bytes > bytes + a->gone || e.segment_bytes < bytes + a->gone - a->holes))
		report(a, offset, sizeof(*h) + h->stored,
			"the segment had %" PRIu64 " bytes, here are %" PRIu64, e.segment_bytes,
			bytes);
}

void account_block(struct account *a, const struct block_header *h, const void *payload,
	uint64_t offset)
{
	const struct block_ref b = { offset, h->first, h->last, 0, h->stored, h->stream, h->count,
		h->type, h->kind };

	if (!a->open || h->kind == BLOCK_SEGMENT || h->segment != a->id)
		begin_segment(a, h, offset);
	a->holes += offset - a->end;
	if (h->kind == BLOCK_END)
		check_end(a, h, payload, offset);
	else if (h->kind == BLOCK_INDEX)
		take_rows(a, h, payload, offset);
	else
		add(&a->found, &b);
	a->end = offset + sizeof(*h) + h->stored;
	if (h->kind != BLOCK_INDEX)
		a->blocks_end = a->end;
	if (h->kind == BLOCK_END)
		a->open = false;
}

void account_end(struct account *a)
{
	close_segment(a);
}
