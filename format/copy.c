#include "format/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/event_block.h"

/* Rows wait until there are enough of them for good blocks, as a filter may leave few of each. */
enum { WAITING_BYTES = 8 << 20 };

/* A block that is to be copied. */
struct chosen {
	uint64_t first;
	size_t block;
	enum copy_choice choice;
};

struct copier {
	struct reader *reader;
	struct sink *sink;
	const struct copy_options *o;
	struct copy_result *result;
	struct event_block block;
	bool *keep;            /* owned; BLOCK_MAX_ROWS */
	struct writer *writer; /* owned; of all segments, one after the other */
	uint32_t generation;   /* of the writer, when the segment at hand began */
	struct carry *carry;   /* owned; of the segment at hand, or NULL */
	bool begun;            /* streams: the segment at hand is number `segment` */
	uint32_t segment;
	struct chosen *chosen; /* owned; of a file's segment */
	size_t n_chosen, cap_chosen;
};

static int failed(int rc, struct err *err)
{
	return rc ? err_errno(err, -rc, "writing the new trace") : 0;
}

static int begin_segment(struct copier *c, const struct segment *s,
	const struct segment_clock *clock)
{
	struct segment_clock told = *clock;
	struct writer_config config;
	int rc = 0;

	if (c->o->change)
		c->o->change->clock(c->o->change->ctx, &told);
	config = carry_config(&told);
	config.dict = carry_room(s);
	if (c->writer && !writer_has_room(c->writer, &config.dict)) {
		writer_free(c->writer);
		c->writer = NULL;
	}
	if (c->writer)
		rc = writer_restart(c->writer, &config);
	else
		c->writer = writer_new(c->sink, &config);
	c->generation = writer_generation(c->writer);
	c->carry = carry_new(c->writer, s, &told, &c->o->fact, c->o->change, c->o->symbols);
	c->result->segments++;
	return rc;
}

static int end_segment(struct copier *c)
{
	int rc = c->carry ? carry_close(c->carry) : 0;

	if (c->carry)
		c->result->segments += writer_generation(c->writer) - c->generation;
	carry_free(c->carry);
	c->carry = NULL;
	return rc;
}

/* ---- blocks ---- */

static enum copy_choice choose(const struct copier *c, const struct segment *s,
	const struct event_type *type, uint64_t first, uint64_t last)
{
	return c->o->block ? c->o->block(c->o->ctx, s, type, first, last) : COPY_THIS;
}

/* Decodes a block and marks the rows that are kept. Returns whether they are a reason for their segment
 * to be copied, or -EBADMSG. */
static int mark_rows(struct copier *c, const struct segment *s, const struct block_header *h,
	const void *payload, struct err *err)
{
	const struct event_type *type = segment_type(s, h->type);

	if (event_block_decode(&c->block, type, h, payload, err))
		return -EBADMSG;
	memset(c->keep, true, h->count);
	return !c->o->rows || c->o->rows(c->o->ctx, s, type, c->block.columns, h->count, c->keep);
}

static int copy_rows(struct copier *c, int type, const struct block_header *h)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < h->count; i++) {
		if (!c->keep[i])
			continue;
		rc = carry_row(c->carry, type, h->stream, c->block.columns, i);
		c->result->kept++;
	}
	c->result->seen += h->count;
	return rc;
}

/* Copies an intact block. A damaged one is reported: -EBADMSG, and the copy goes on. */
static int copy_block(struct copier *c, const struct segment *s, const struct block_header *h,
	const void *payload, uint64_t offset)
{
	struct err why = { "" };
	int number = 0, rc = mark_rows(c, s, h, payload, &why);

	if (rc >= 0)
		number = rc = carry_type(c->carry, segment_type(s, h->type), &why);
	if (rc < 0) {
		reader_report(c->reader, offset, sizeof(*h) + h->stored, "%.90s", why.text);
		return -EBADMSG;
	}
	return copy_rows(c, number, h);
}

/* ---- files ---- */

static int by_first(const void *a, const void *b)
{
	const struct chosen *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->block < y->block ? -1 : x->block > y->block;
}

static void add_chosen(struct copier *c, uint64_t first, size_t block, enum copy_choice choice)
{
	if (c->n_chosen == c->cap_chosen) {
		c->cap_chosen = c->cap_chosen ? c->cap_chosen * 2 : 256;
		c->chosen = xrealloc(c->chosen, c->cap_chosen, sizeof(*c->chosen));
	}
	c->chosen[c->n_chosen++] = (struct chosen){ first, block, choice };
}

/* Lists the blocks [from, to) of a segment that may be copied, in order of time. */
static void choose_blocks(struct copier *c, const struct segment *s, size_t from, size_t to)
{
	c->n_chosen = 0;
	for (size_t i = from; i < to; i++) {
		const struct block_ref b = reader_block_ref(c->reader, i);
		enum copy_choice choice = COPY_NOT;

		if (b.kind == BLOCK_EVENTS)
			choice = choose(c, s, segment_type(s, b.type), b.first, b.last);
		if (choice != COPY_NOT)
			add_chosen(c, b.first, i, choice);
	}
	if (c->n_chosen)
		qsort(c->chosen, c->n_chosen, sizeof(*c->chosen), by_first);
}

/* Whether a row of the chosen blocks is a reason to copy the segment; what a damaged block had could
 * have been one. Mostly the first block that is looked at answers it. */
static bool has_reason(struct copier *c, const struct segment *s)
{
	for (size_t i = 0; i < c->n_chosen; i++) {
		const struct block_ref ref = reader_block_ref(c->reader, c->chosen[i].block);
		struct block_header h;
		const void *payload;

		if (c->chosen[i].choice != COPY_THIS)
			continue;
		payload = reader_block(c->reader, &ref, &h);
		if (!payload || mark_rows(c, s, &h, payload, NULL))
			return true;
		reader_done_before(c->reader, ref.offset);
	}
	return false;
}

/* The events of a block that cannot be read are told as lost. */
static int tell_lost(struct copier *c, const struct segment *s, const struct block_ref *ref)
{
	const struct event_type *type = segment_type(s, ref->type);

	c->result->lost += ref->count;
	return carry_lost(c->carry, type ? type->name : NULL, ref->stream, ref->first, ref->last,
		ref->count);
}

static int copy_chosen(struct copier *c, const struct segment *s, const struct block_ref *ref)
{
	struct block_header h;
	const void *payload = reader_block(c->reader, ref, &h);
	int rc = payload ? copy_block(c, s, &h, payload, ref->offset) : -EBADMSG;

	if (ref->offset > BLOCK_MAX_BYTES) /* blocks are nearly in file order */
		reader_done_before(c->reader, ref->offset - BLOCK_MAX_BYTES);
	return rc == -EBADMSG ? tell_lost(c, s, ref) : rc;
}

/* Of a segment whose first block was lost the start is not known: its first event is near. */
static struct segment_clock clock_of(const struct copier *c, const struct segment *s)
{
	struct segment_clock clock = s->clock;

	if (!clock.start_ns && c->n_chosen)
		clock.start_ns = c->chosen[0].first;
	return clock;
}

/* As blocks come in order of time, no event that is still to come is before the next block. */
static int copy_blocks(struct copier *c, const struct segment *s)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < c->n_chosen; i++) {
		if (carry_waiting(c->carry) > WAITING_BYTES)
			rc = carry_flush(c->carry, c->chosen[i].first);
		if (!rc) {
			const struct block_ref ref = reader_block_ref(c->reader,
				c->chosen[i].block);

			rc = copy_chosen(c, s, &ref);
		}
	}
	return rc;
}

/* Whether no segment before this one is of the same machine and boot. */
static bool is_first_of_boot(struct reader *r, uint32_t number)
{
	const struct segment_clock *c = reader_clock(r, number);

	for (uint32_t i = 0; i < number; i++)
		if (segment_same_boot(reader_clock(r, i), c))
			return false;
	return true;
}

static int copy_segment(struct copier *c, uint32_t number, size_t from, size_t to)
{
	const struct segment *s = reader_declarations(c->reader, number);
	struct segment_clock clock;
	int rc;

	if (c->o->segment && !c->o->segment(c->o->ctx, s))
		return 0;
	choose_blocks(c, s, from, to);
	s = reader_segment(c->reader, number);
	if (!is_first_of_boot(c->reader, number) && !has_reason(c, s))
		return 0;
	clock = clock_of(c, s);
	rc = begin_segment(c, s, &clock);
	if (!rc)
		rc = copy_blocks(c, s);
	return rc ? rc : end_segment(c);
}

static int copy_file(struct copier *c, struct err *err)
{
	size_t n = reader_n_blocks(c->reader), from = 0, to;
	int rc = 0;

	for (uint32_t k = 0; !rc && k < reader_n_segments(c->reader); k++) {
		for (to = from; to < n && reader_block_ref(c->reader, to).segment == k; to++)
			;
		rc = copy_segment(c, k, from, to);
		reader_forget(c->reader, k);
		from = to;
	}
	return failed(rc, err);
}

/* ---- streams ---- */

/* Ends the copy of the segment at hand, and begins that of the segment with this number. */
static int change_segment(struct copier *c, uint32_t number)
{
	const struct segment *s = reader_segment(c->reader, number);
	int rc = end_segment(c);

	c->segment = number;
	c->begun = true;
	if (rc || (c->o->segment && !c->o->segment(c->o->ctx, s)))
		return rc;
	return begin_segment(c, s, &s->clock);
}

static int copy_streamed(struct copier *c, const struct block_header *h, const void *payload)
{
	const struct segment *s = reader_segment(c->reader, c->segment);
	int rc;

	if (!c->carry)
		return 0;
	if (h->kind == BLOCK_SYNC)
		return carry_flush(c->carry, h->last);
	if (choose(c, s, segment_type(s, h->type), h->first, h->last) == COPY_NOT)
		return 0;
	carry_update(c->carry);
	rc = copy_block(c, s, h, payload, reader_bytes(c->reader) - sizeof(*h) - h->stored);
	return rc == -EBADMSG ? 0 : rc;
}

static int copy_stream(struct copier *c, struct err *err)
{
	struct block_header h;
	const void *payload;
	uint64_t offset;
	uint32_t segment = 0;
	int rc, more;

	for (rc = 0; !rc;) {
		more = reader_next_block(c->reader, &h, &payload, &offset, &segment, err);
		if (more < 0)
			return more;
		if (more == 0)
			break;
		if (!c->begun || segment != c->segment)
			rc = change_segment(c, segment);
		if (!rc)
			rc = copy_streamed(c, &h, payload);
	}
	if (!rc)
		rc = end_segment(c);
	return failed(rc, err);
}

int copy_trace(struct reader *r, struct sink *sink, const struct copy_options *o,
	struct copy_result *result, struct err *err)
{
	struct copier c = { .reader = r, .sink = sink, .o = o, .result = result };
	int rc;

	event_block_init(&c.block);
	c.keep = xcalloc(BLOCK_MAX_ROWS, sizeof(*c.keep));
	rc = reader_is_stream(r) ? copy_stream(&c, err) : copy_file(&c, err);
	carry_free(c.carry);
	writer_free(c.writer);
	event_block_done(&c.block);
	free(c.keep);
	free(c.chosen);
	return rc;
}
