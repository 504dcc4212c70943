#include "analyze/scrub_check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/scrub.h"
#include "format/block.h"
#include "format/column.h"
#include "format/tables.h"
#include "format/verify.h"
#include "render/escape.h"

enum { LISTED = 20, SHOWN_BYTES = 200, FILTER_BITS = 20 };

struct checker {
	const struct scrub_check *o;
	struct scrub_findings *f;
	struct reader *r;
	struct scrub scrub;
	struct text_set seen, left;
	struct column_decoder *decoder; /* owned */
};

static void tell(struct checker *c, const char *what, struct text t, const char *where)
{
	struct arena a = { 0 };
	struct text id;

	id.s = arena_printf(&a, "%s\n%.*s", what, (int)(t.len < MAX_TEXT ? t.len : MAX_TEXT), t.s);
	id.len = strlen(id.s);
	if (text_set_add(&c->left, id) && c->f->n_left++ < LISTED) {
		escape_put(c->o->say, ESCAPE_TEXT, reader_name(c->r));
		fprintf(c->o->say, ": left over%s: %s", where, what);
		if (t.len) {
			fputs(" '", c->o->say);
			escape_put(c->o->say, ESCAPE_TEXT,
				arena_strndup(&a, t.s, t.len < SHOWN_BYTES ? t.len : SHOWN_BYTES));
			fputc('\'', c->o->say);
		}
		fputc('\n', c->o->say);
	}
	arena_done(&a);
}

/* ---- by the rules ---- */

static void on_leftover(void *ctx, const char *what, struct text t)
{
	tell(ctx, what, t, "");
}

/* Everything that rows refer to, by copying it to nowhere. */
static int check_reached(struct checker *c, struct err *err)
{
	struct copy_options o = scrub_copy_options(&c->scrub);
	struct copy_result result = { 0 };
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC), rc;
	struct sink *sink;

	if (fd < 0)
		return err_errno(err, errno, "/dev/null");
	sink = sink_new(fd, 0);
	rc = copy_trace(c->r, sink, &o, &result, err);
	sink_free(sink);
	close(fd);
	return rc;
}

/* Facts and declarations are there without any row. */
static void check_declared(struct checker *c, const struct segment *s)
{
	struct carry_change *change = &c->scrub.change;
	struct arena a = { 0 };

	for (uint32_t i = 0; i < s->n_info; i++) {
		struct info_pair p = s->info[i];

		change->fact(change->ctx, &p);
	}
	for (uint32_t i = 0; i < s->n_types; i++) {
		struct event_type t;

		if (s->types[i]) {
			t = *s->types[i];
			scrub_type(&c->scrub, &t, &a);
		}
	}
	for (uint32_t i = 0; i < s->n_streams; i++) {
		struct text name = segment_string(s, s->streams[i].name);

		if (name.len)
			change->text(change->ctx, CARRY_STREAM, name);
	}
	arena_done(&a);
}

/* Nothing refers to them, so there is no rule by which they may stay. */
static void check_unreached(struct checker *c, const struct segment *s)
{
	for (uint32_t i = 1; i < s->n_strings; i++) {
		struct text t = s->strings[i];

		if (t.len && !text_set_has(&c->seen, t) && !pseudonym_is_any(t))
			tell(c, "text that nothing refers to", t, "");
	}
}

static int check_texts(struct checker *c, struct err *err)
{
	int rc = check_reached(c, err);

	for (uint32_t i = 0; !rc && i < reader_n_segments(c->r); i++) {
		const struct segment *s = reader_segment(c->r, i);

		check_declared(c, s);
		check_unreached(c, s);
		reader_forget(c->r, i);
	}
	c->f->n_texts = c->seen.n;
	return rc;
}

/* ---- what no rule knows ---- */

static int check_sound(struct checker *c, struct err *err)
{
	struct verify_result v;
	const struct damage *d;
	size_t n;
	int rc = verify(c->r, &v, err);

	if (rc)
		return rc;
	d = reader_damage(c->r, &n);
	if (n)
		tell(c, "damage", (struct text){ d[0].what, strlen(d[0].what) }, "");
	return 0;
}

/* Makes the columns of a table ready. NULL if it is none. */
static const struct table_layout *open_table(struct checker *c, const struct block_header *h,
	const uint8_t *payload)
{
	static _Thread_local uint8_t types[MAX_FIELDS];
	const struct table_layout *layout = table_layout(h->kind);

	if (!layout || h->columns < layout->n_columns || table_rows_allowed(h, NULL))
		return NULL;
	memset(types, 0, sizeof(types));
	memcpy(types, layout->columns, layout->n_columns);
	if (column_decoder_open(c->decoder, payload, h->stored, types, h->columns, h->count, NULL))
		return NULL;
	return layout;
}

/* Whether the columns from number n on, which lie at the payload's end, are bytes of zero: a writer makes
 * one where the others pack so well that a reader would not believe it. */
static bool are_zeros(struct checker *c, const struct block_header *h, const uint8_t *payload,
	uint32_t n)
{
	size_t bytes = 0;

	for (uint32_t i = n; i < h->columns; i++)
		bytes += column_choice(c->decoder, i).stored;
	for (size_t i = h->stored - bytes; i < h->stored; i++)
		if (payload[i])
			return false;
	return true;
}

/* Whether a block has only what this version understands. */
static bool is_known(struct checker *c, const struct block_header *h, const uint8_t *payload)
{
	const struct table_layout *layout = table_layout(h->kind);

	if (h->may_skip || h->reserved || !block_kind_name(h->kind))
		return false;
	if (!layout || h->columns == layout->n_columns)
		return true;
	layout = open_table(c, h, payload);
	return layout && are_zeros(c, h, payload, layout->n_columns);
}

/* Calls body for each block; false: the file is not made of blocks only. */
static bool each_block(struct checker *c,
	void (*body)(void *ctx, const struct block_header *h, const uint8_t *payload), void *ctx)
{
	const uint8_t *map = reader_map(c->r);
	uint64_t bytes = reader_bytes(c->r);
	struct block_header h;

	for (uint64_t at = 0; at < bytes; at += sizeof(h) + h.stored) {
		if (block_parse(map + at, bytes - at, &h, NULL) ||
			h.stored > bytes - at - sizeof(h))
			return false;
		body(ctx, &h, map + at + sizeof(h));
	}
	return true;
}

static void check_block(void *ctx, const struct block_header *h, const uint8_t *payload)
{
	struct checker *c = ctx;
	const char *kind = block_kind_name(h->kind);

	if (!is_known(c, h, payload))
		tell(c, "block or column that this version does not know",
			(struct text){ kind, kind ? strlen(kind) : 0 }, "");
}

static void check_blocks(struct checker *c)
{
	if (!each_block(c, check_block, c))
		tell(c, "bytes that are no block", (struct text){ "", 0 }, "");
}

/* ---- searching ---- */

/* Many texts at once: the six bytes at each place are looked up among the first six of all texts, mostly in
 * a table of bits. */
struct search {
	const struct text_set *texts;
	uint8_t *bits;    /* owned */
	struct map heads; /* by the first six bytes: 1 + number of a text */
	uint32_t *next;   /* owned; 1 + number of another one */
	bool *found;      /* owned; by number */
	bool *public;     /* owned; it is in a text that may stay */
	bool *mark;       /* which of the two is set */
};

static uint64_t first_bytes(const void *p)
{
	uint64_t v = 0;

	memcpy(&v, p, SEARCHED_BYTES);
	return v;
}

static uint32_t bit_of(uint64_t first)
{
	return (uint32_t)(hash_u64(first) >> (64 - FILTER_BITS));
}

static void search_init(struct search *s, const struct text_set *texts)
{
	memset(s, 0, sizeof(*s));
	s->texts = texts;
	s->bits = xcalloc((size_t)1 << (FILTER_BITS - 3), 1);
	map_init(&s->heads, texts->n + 1);
	s->next = xcalloc(texts->n + 1, sizeof(*s->next));
	s->found = xcalloc(texts->n + 1, sizeof(*s->found));
	s->public = xcalloc(texts->n + 1, sizeof(*s->public));
	for (uint32_t i = 0; i < texts->n; i++) {
		uint32_t *head, bit;

		if (texts->items[i].len < SEARCHED_BYTES)
			continue;
		bit = bit_of(first_bytes(texts->items[i].s));
		s->bits[bit / 8] |= (uint8_t)(1 << bit % 8);
		head = map_put(&s->heads, first_bytes(texts->items[i].s), NULL);
		s->next[i] = *head;
		*head = i + 1;
	}
}

static void search_done(struct search *s)
{
	free(s->bits);
	map_done(&s->heads);
	free(s->next);
	free(s->found);
	free(s->public);
}

static void mark_texts_at(struct search *s, const uint8_t *p, size_t left)
{
	const uint32_t *head = map_get(&s->heads, first_bytes(p));

	for (uint32_t i = head ? *head : 0; i; i = s->next[i - 1]) {
		struct text t = s->texts->items[i - 1];

		if (t.len <= left && memcmp(p, t.s, t.len) == 0)
			s->mark[i - 1] = true;
	}
}

static void search_bytes(struct search *s, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + SEARCHED_BYTES <= len; i++) {
		uint32_t bit = bit_of(first_bytes(p + i));

		if (s->bits[bit / 8] >> bit % 8 & 1)
			mark_texts_at(s, p + i, len - i);
	}
}

struct text_columns {
	struct checker *checker;
	struct search *search;
	uint64_t *lengths; /* owned */
};

/* Texts as they lie side by side: each was looked at by the rules, so what is found here may stay. */
static void search_texts(void *ctx, const struct block_header *h, const uint8_t *payload)
{
	struct text_columns *t = ctx;
	const struct table_layout *layout = open_table(t->checker, h, payload);
	struct column_decoder *decoder = t->checker->decoder;
	const uint8_t *bytes;
	size_t n;

	if (!layout)
		return;
	t->lengths = xrealloc(t->lengths, h->count + 1, sizeof(*t->lengths));
	for (uint32_t i = 0; i < layout->n_columns; i++)
		if (layout->columns[i] == FIELD_TEXT &&
			!column_decode_text(decoder, i, t->lengths, &bytes, &n, NULL))
			search_bytes(t->search, bytes, n);
}

static void search_file(struct checker *c)
{
	struct search s;
	struct text_columns t = { .checker = c, .search = &s };

	search_init(&s, c->o->replaced);
	s.mark = s.public;
	each_block(c, search_texts, &t);
	s.mark = s.found;
	search_bytes(&s, reader_map(c->r), reader_bytes(c->r));
	for (uint32_t i = 0; i < s.texts->n; i++) {
		if (s.public[i] && !c->f->n_public++) {
			c->f->public = s.texts->items[i].s;
			c->f->public_len = s.texts->items[i].len;
		}
		if (s.found[i] && !s.public[i])
			tell(c, "bytes of the original", s.texts->items[i],
				" somewhere in the file");
	}
	free(t.lengths);
	search_done(&s);
}

/* ---- all of it ---- */

int scrub_check(struct reader *r, const struct scrub_check *o, struct scrub_findings *f,
	struct err *err)
{
	struct checker c = { .o = o, .f = f, .r = r };
	int rc = reader_refuse_stream(r, err);

	if (rc)
		return rc;
	memset(f, 0, sizeof(*f));
	c.decoder = column_decoder_new();
	scrub_init(&c.scrub, o->keep, o->n_keep);
	text_set_init(&c.seen);
	text_set_init(&c.left);
	c.scrub.seen = &c.seen;
	c.scrub.leftover = on_leftover;
	c.scrub.leftover_ctx = &c;
	readers_align(&r, 1);
	rc = check_texts(&c, err);
	if (!rc)
		rc = check_sound(&c, err);
	if (!rc)
		check_blocks(&c);
	if (!rc && o->replaced)
		search_file(&c);
	text_set_done(&c.seen);
	text_set_done(&c.left);
	scrub_done(&c.scrub);
	column_decoder_free(c.decoder);
	return rc;
}
