/* A file is walked from front to back, whatever its index says, and what was found is held against
 * the index and the end of each segment. */
#include "format/verify.h"

#include <errno.h>
#include <inttypes.h>

#include "format/account.h"
#include "format/event_block.h"
#include "format/tables.h"

struct verifier {
	struct reader *reader;
	struct event_block block;
	struct verify_result result;
};

static uint32_t dictionary_size(const struct segment *s, enum field_type type)
{
	switch (type) {
	case FIELD_STRING: return s->n_strings;
	case FIELD_STACK: return s->n_stacks;
	case FIELD_MAPPING: return s->n_mappings;
	default: return 0;
	}
}

/* Number 0 means "none" in each dictionary. */
static bool references_hold(const struct segment *s, enum field_type type, const uint64_t *v,
	uint32_t n)
{
	uint32_t size = dictionary_size(s, type);

	if (type != FIELD_STRING && type != FIELD_STACK && type != FIELD_MAPPING)
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (v[i] && v[i] >= size)
			return false;
	return true;
}

static int check_events(struct verifier *v, const struct segment *s, const struct block_header *h,
	const void *payload, struct err *err)
{
	const struct event_type *type = segment_type(s, h->type);

	if (event_block_decode(&v->block, type, h, payload, err))
		return -EBADMSG;
	for (uint32_t f = 0; f < type->n_fields; f++)
		if (!references_hold(s, type->fields[f].type, v->block.columns[f], h->count))
			return err_set(err, EBADMSG, "%s.%s refers to what is not there",
				type->name, type->fields[f].name);
	return 0;
}

static void check_block(struct verifier *v, uint32_t segment, const struct block_header *h,
	const void *payload, uint64_t offset)
{
	struct err err;

	v->result.blocks++;
	if (block_understood(h, &err)) {
		reader_report(v->reader, offset, sizeof(*h) + h->stored, "%.90s", err.text);
		return;
	}
	if (h->kind != BLOCK_EVENTS)
		return;
	v->result.events += h->count;
	if (check_events(v, reader_segment(v->reader, segment), h, payload, &err))
		reader_report(v->reader, offset, sizeof(*h) + h->stored, "%.90s", err.text);
}

static void on_damage(void *ctx, const struct damage *d)
{
	reader_report(ctx, d->offset, d->bytes, "%s", d->what);
}

/* Numbers the segments of the walk as the reader did, by their offset. */
static uint32_t segment_at(struct reader *r, uint32_t current, uint64_t offset)
{
	while (current + 1 < reader_n_segments(r) &&
		reader_declarations(r, current + 1)->offset <= offset) {
		reader_forget(r, current++); /* a large trace has many, and each is needed once */
		reader_segment(r, current);  /* reports tables that are damaged */
	}
	return current;
}

static void check_file(struct verifier *v)
{
	struct reader *r = v->reader;
	struct account account;
	struct block_header h;
	const void *payload;
	uint64_t offset;
	uint32_t segment = 0;
	struct scan s;

	reader_segment(r, segment);
	account_init(&account, v->block.decoder, on_damage, r);
	scan_map(&s, reader_map(r), 0, reader_bytes(r));
	s.damaged = on_damage;
	s.ctx = r;
	while (scan_next(&s, &h, &payload, &offset) > 0) {
		segment = segment_at(r, segment, offset);
		check_block(v, segment, &h, payload, offset);
		reader_done_before(r, offset);
		account_block(&account, &h, payload, offset);
	}
	account_end(&account);
	v->result.unlisted = account.unlisted;
	account_done(&account);
	scan_done(&s);
}

static int check_stream(struct verifier *v, struct err *err)
{
	struct block_header h;
	const void *payload;
	uint64_t offset;
	uint32_t segment = 0;
	int rc;

	while ((rc = reader_next_block(v->reader, &h, &payload, &offset, &segment, err)) > 0)
		check_block(v, segment, &h, payload, offset);
	return rc;
}

int verify(struct reader *r, struct verify_result *result, struct err *err)
{
	struct verifier v = { .reader = r };
	int rc = 0;

	event_block_init(&v.block);
	if (reader_is_stream(r))
		rc = check_stream(&v, err);
	else
		check_file(&v);
	v.result.segments = reader_n_segments(r);
	v.result.bytes = reader_bytes(r);
	v.result.complete = reader_is_complete(r);
	event_block_done(&v.block);
	*result = v.result;
	return rc;
}
