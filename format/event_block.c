#include "format/event_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

void event_block_init(struct event_block *b)
{
	memset(b, 0, sizeof(*b));
	b->decoder = column_decoder_new();
}

void event_block_done(struct event_block *b)
{
	column_decoder_free(b->decoder);
	free(b->memory);
	memset(b, 0, sizeof(*b));
}

static int check_times(const uint64_t *t, const struct block_header *h, struct err *err)
{
	for (uint32_t i = 1; i < h->count; i++)
		if (t[i] < t[i - 1])
			return err_set(err, EBADMSG, "rows are not in order of time");
	if (t[0] != h->first || t[h->count - 1] != h->last)
		return err_set(err, EBADMSG, "times differ from the header's");
	return 0;
}

/* Rows in plain form are at most BLOCK_MAX_BYTES, which bounds this memory at 8 MiB. */
static void reserve(struct event_block *b, size_t values)
{
	if (values <= b->cap)
		return;
	free(b->memory);
	b->memory = xcalloc(values, sizeof(*b->memory));
	b->cap = values;
}

int event_block_decode(struct event_block *b, const struct event_type *type,
	const struct block_header *h, const void *payload, struct err *err)
{
	if (!type || type->n_fields != h->columns || !h->count ||
		event_row_bytes(type) * h->count > BLOCK_MAX_BYTES)
		return err_set(err, EBADMSG, "%u events of type %u, which is not declared so",
			h->count, h->type);
	for (uint32_t f = 0; f < type->n_fields; f++)
		b->types[f] = (uint8_t)type->fields[f].type;
	if (column_decoder_open(b->decoder, payload, h->stored, b->types, h->columns, h->count,
		    err))
		return -EBADMSG;
	reserve(b, (size_t)type->n_fields * h->count);
	for (uint32_t f = 0; f < type->n_fields; f++) {
		b->columns[f] = b->memory + (size_t)f * h->count;
		if (column_decode(b->decoder, f, b->columns[f], err))
			return -EBADMSG;
	}
	return check_times(b->columns[0], h, err);
}
