#include "format/annotate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/block.h"
#include "format/emit_tables.h"
#include "format/verify.h"

/* What is added to a segment. */
struct additions {
	const struct segment *from;
	struct map
		by_text; /* hash of a text -> number in texts; keys of the same hash follow each other */
	struct text *texts;          /* owned; the bytes are in the arena */
	struct dict_symbol *symbols; /* owned */
	uint32_t n_texts, cap_texts, n_symbols, cap_symbols;
	uint32_t first; /* number of the first text in the segment */
	struct arena arena;
};

bool annotate_allowed(struct reader *r)
{
	struct verify_result v;
	size_t n;

	if (reader_is_stream(r) || verify(r, &v, NULL))
		return false;
	reader_damage(r, &n);
	return !n && v.complete && !v.unlisted;
}

/* ---- what is new ---- */

static uint32_t add_text(struct additions *a, struct text t)
{
	if (a->n_texts == a->cap_texts) {
		a->cap_texts = a->cap_texts ? 2 * a->cap_texts : 256;
		a->texts = xrealloc(a->texts, a->cap_texts, sizeof(*a->texts));
	}
	a->texts[a->n_texts] = (struct text){ arena_strndup(&a->arena, t.s, t.len), t.len };
	return a->n_texts++;
}

/* The number of a text in the segment. It may be there already, which costs less than to find out. */
static uint32_t string_of(struct additions *a, struct text t)
{
	const uint32_t *at;
	uint64_t key;
	uint32_t number;

	if (!t.len)
		return 0;
	t.len = t.len < MAX_TEXT ? t.len : MAX_TEXT;
	for (key = hash_bytes(t.s, t.len); (at = map_get(&a->by_text, key)); key++) {
		const struct text *known = &a->texts[*at];

		if (known->len == t.len && memcmp(known->s, t.s, t.len) == 0)
			return a->first + *at;
	}
	number = add_text(a, t);
	*map_put(&a->by_text, key, NULL) = number;
	return a->first + number;
}

static void add_symbol(struct additions *a, uint32_t frame, uint32_t depth,
	const struct carry_symbol *y)
{
	if (a->n_symbols == a->cap_symbols) {
		a->cap_symbols = a->cap_symbols ? 2 * a->cap_symbols : 256;
		a->symbols = xrealloc(a->symbols, a->cap_symbols, sizeof(*a->symbols));
	}
	a->symbols[a->n_symbols++] = (struct dict_symbol){ .frame = frame,
		.depth = depth,
		.name = string_of(a, y->name),
		.linkage = string_of(a, y->linkage),
		.file = string_of(a, y->file),
		.line = y->line,
		.start = y->start };
}

static void find_additions(struct additions *a, const struct segment *from,
	const struct carry_symbols *symbols)
{
	a->from = from;
	if (!symbols)
		return;
	a->first = from->n_strings ? from->n_strings : 1;
	map_init(&a->by_text, 256);
	for (uint32_t f = 1; f < from->n_frames; f++) {
		const struct carry_symbol *list;
		uint32_t n = symbols->names(symbols->ctx, from, f, &list);

		for (uint32_t i = 0; i < n; i++)
			add_symbol(a, f, i, &list[i]);
	}
}

static void free_additions(struct additions *a)
{
	map_done(&a->by_text);
	arena_done(&a->arena);
	free(a->texts);
	free(a->symbols);
}

/* ---- writing ---- */

/* The texts from number i on that fit into a block; returns how many. */
static uint32_t gather_texts(const struct additions *a, uint32_t i, uint64_t *lengths, char *bytes)
{
	size_t len = 0;
	uint32_t n = 0;

	for (; i + n < a->n_texts && n < EMIT_MAX_ROWS; n++) {
		const struct text *t = &a->texts[i + n];

		if (len + t->len > EMIT_MAX_TEXT)
			break;
		lengths[n] = t->len;
		memcpy(bytes + len, t->s, t->len);
		len += t->len;
	}
	return n;
}

static int write_texts(struct emit *e, const struct additions *a)
{
	uint64_t *lengths = xcalloc(EMIT_MAX_ROWS, sizeof(*lengths));
	char *bytes = xcalloc(EMIT_MAX_TEXT, 1);
	int rc = 0;

	for (uint32_t i = 0, n; !rc && i < a->n_texts; i += n) {
		n = gather_texts(a, i, lengths, bytes);
		rc = emit_more_strings(e, a->first + i, lengths, bytes, n);
	}
	free(bytes);
	free(lengths);
	return rc;
}

static int write_symbols(struct emit *e, const struct additions *a)
{
	int rc = 0;

	for (uint32_t i = 0, n; !rc && i < a->n_symbols; i += n) {
		n = a->n_symbols - i < EMIT_MAX_ROWS ? a->n_symbols - i : EMIT_MAX_ROWS;
		rc = emit_more_symbols(e, a->symbols + i, n);
	}
	return rc;
}

static int write_additions(struct emit *e, const struct additions *a, const struct carry_fact *fact)
{
	const char *const pairs[1][2] = { { fact->key, fact->value } };
	bool told = !fact->key || text_is(segment_info(a->from, fact->key), fact->value);
	int rc = told || !a->n_symbols ? 0 : emit_info(e, pairs, 1);

	if (!rc)
		rc = write_texts(e, a);
	return rc ? rc : write_symbols(e, a);
}

/* The blocks of a sound segment, up to its index. */
static int copy_blocks(struct emit *e, struct reader *r, uint64_t from, uint64_t to)
{
	const uint8_t *map = reader_map(r);
	struct block_header h;
	int rc = 0;

	while (!rc && from < to && block_parse(map + from, to - from, &h, NULL) == 0 &&
		h.kind != BLOCK_INDEX && h.stored <= to - from - sizeof(h)) {
		rc = emit_copy(e, &h, map + from);
		from += sizeof(h) + h.stored;
		reader_done_before(r, from);
	}
	return rc;
}

static int annotate_segment(struct emit *e, struct reader *r, uint32_t number,
	const struct carry_symbols *symbols, const struct carry_fact *fact)
{
	const struct segment *s = symbols ? reader_segment(r, number)
					  : reader_declarations(r, number);
	bool last = number + 1 == reader_n_segments(r);
	uint64_t end = last ? reader_bytes(r) : reader_declarations(r, number + 1)->offset;
	struct additions a = { 0 };
	int rc;

	e->segment = s->id;
	find_additions(&a, s, symbols);
	rc = copy_blocks(e, r, s->offset, end);
	if (!rc)
		rc = write_additions(e, &a, fact);
	free_additions(&a);
	reader_forget(r, number);
	return rc ? rc : emit_end(e);
}

int annotate_trace(struct reader *r, struct sink *sink, const struct carry_symbols *symbols,
	const struct carry_fact *fact)
{
	struct emit e;
	int rc = 0;

	emit_init(&e, sink);
	e.patient = true;
	for (uint32_t k = 0; !rc && k < reader_n_segments(r); k++)
		rc = annotate_segment(&e, r, k, symbols, fact);
	emit_done(&e);
	return rc;
}
