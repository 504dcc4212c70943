/* A row has what real blocks need and no more: offsets count from the start of a group of rows, the
 * last time from the first one, the small numbers share a word. The few blocks with larger numbers
 * are kept whole, beside the rows. */
#include "format/block_list.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "format/base/arena.h"

enum { GROUP = 1024, WIDE = 0 /* no kind of a block */ };

struct packed_ref {
	uint64_t first; /* WIDE: place in wide */
	uint64_t kind : 4, stored : 21, count : 17, type : 10, stream : 12;
	uint32_t offset, span;
};

static_assert(sizeof(struct packed_ref) == 24, "the point of it");

void block_list_done(struct block_list *list)
{
	free(list->rows);
	free(list->bases);
	free(list->wide);
	*list = (struct block_list){ 0 };
}

/* The list of a large trace is all written at once: huge pages, where the kernel has some, spare it
 * thousands of page faults, which were a tenth of the time of a small window. */
static void *new_rows(size_t n)
{
	enum { HUGE_PAGE = 2 << 20 };
	size_t bytes = n * sizeof(struct packed_ref);
	void *p;

	if (bytes < 2 * HUGE_PAGE || posix_memalign(&p, HUGE_PAGE, bytes))
		return xrealloc(NULL, n, sizeof(struct packed_ref));
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

void block_list_reserve(struct block_list *list, size_t n)
{
	if (n <= list->cap)
		return;
	if (list->rows)
		list->rows = xrealloc(list->rows, n, sizeof(*list->rows));
	else
		list->rows = new_rows(n);
	list->bases = xrealloc(list->bases, n / GROUP + 1, sizeof(*list->bases));
	list->cap = n;
}

static bool pack(struct packed_ref *row, const struct block_ref *b, uint64_t base)
{
	*row = (struct packed_ref){ .first = b->first,
		.kind = b->kind,
		.stored = b->stored,
		.count = b->count,
		.type = b->type,
		.stream = b->stream,
		.offset = (uint32_t)(b->offset - base),
		.span = (uint32_t)(b->last - b->first) };
	return row->kind == b->kind && row->kind != WIDE && row->stored == b->stored &&
		row->count == b->count && row->type == b->type && row->stream == b->stream &&
		row->offset == b->offset - base && row->span == b->last - b->first;
}

static uint64_t add_wide(struct block_list *list, const struct block_ref *b)
{
	if (list->n_wide == list->cap_wide) {
		list->cap_wide = list->cap_wide ? list->cap_wide * 2 : 16;
		list->wide = xrealloc(list->wide, list->cap_wide, sizeof(*list->wide));
	}
	list->wide[list->n_wide] = *b;
	return list->n_wide++;
}

void block_list_add(struct block_list *list, const struct block_ref *block)
{
	struct packed_ref *row;

	if (list->n == list->cap)
		block_list_reserve(list, list->cap ? list->cap * 2 : 64);
	if (list->n % GROUP == 0)
		list->bases[list->n / GROUP] = block->offset;
	row = &list->rows[list->n];
	if (!pack(row, block, list->bases[list->n / GROUP]))
		*row = (struct packed_ref){ .kind = WIDE, .first = add_wide(list, block) };
	list->n++;
}

struct block_ref block_list_get(const struct block_list *list, size_t i)
{
	const struct packed_ref *row = &list->rows[i];

	if (row->kind == WIDE)
		return list->wide[row->first];
	return (struct block_ref){ .offset = list->bases[i / GROUP] + row->offset,
		.first = row->first,
		.last = row->first + row->span,
		.stored = row->stored,
		.stream = row->stream,
		.count = row->count,
		.type = row->type,
		.kind = row->kind };
}
