/* The blocks that are tables: dictionaries, facts, schema, index. Each function lays out the columns that
 * format/tables.c lists for the kind. */
#include "format/emit_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/tables.h"

/* A column of texts, collected first. */
struct texts {
	uint64_t *lengths; /* owned */
	char *bytes;       /* owned */
	size_t n_bytes;
	uint32_t n, cap;
};

static void texts_add(struct texts *t, const char *s, size_t len)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->lengths = xrealloc(t->lengths, t->cap, sizeof(*t->lengths));
	}
	if (len > MAX_TEXT)
		len = MAX_TEXT;
	t->bytes = xrealloc(t->bytes, t->n_bytes + len, 1);
	if (len)
		memcpy(t->bytes + t->n_bytes, s, len);
	t->lengths[t->n++] = len;
	t->n_bytes += len;
}

static void texts_put(struct emit *e, struct texts *t)
{
	column_coder_add_text(e->coder, t->lengths, t->bytes ? t->bytes : "");
	free(t->lengths);
	free(t->bytes);
}

/* Adds the column of one member of an array of structs. */
#define MEMBER_COLUMN(e, rows, n, type, member) \
	do { \
		for (uint32_t i_ = 0; i_ < (n); i_++) \
			(e)->values[i_] = (rows)[i_].member; \
		column_coder_add((e)->coder, type, (e)->values); \
	} while (0)

#define MEMBER_TEXTS(e, rows, n, member) \
	do { \
		struct texts t_ = { 0 }; \
		for (uint32_t i_ = 0; i_ < (n); i_++) \
			texts_add(&t_, (rows)[i_].member, strlen((rows)[i_].member)); \
		texts_put(e, &t_); \
	} while (0)

static struct block_header header(enum block_kind kind, uint32_t n)
{
	return (struct block_header){ .kind = (uint8_t)kind,
		.columns = (uint16_t)table_layout(kind)->n_columns,
		.count = n };
}

/* Of a dictionary: its rows have numbers, `first` and the next n - 1. */
static struct block_header numbered_header(enum block_kind kind, uint32_t first, uint32_t n)
{
	struct block_header h = header(kind, n);

	h.first = first;
	h.last = first + n - 1;
	return h;
}

int emit_more_strings(struct emit *e, uint32_t first, const uint64_t *lengths, const char *bytes,
	uint32_t n)
{
	struct block_header h = numbered_header(BLOCK_STRINGS, first, n);

	emit_begin(e, n);
	column_coder_add_text(e->coder, lengths, bytes);
	return emit_block(e, &h);
}

static int emit_strings(struct emit *e, struct dict *d, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = d->string_at[first + i + 1] - d->string_at[first + i];
	return emit_more_strings(e, first, e->values, d->bytes + d->string_at[first], n);
}

static int emit_mappings(struct emit *e, struct dict *d, uint32_t first, uint32_t n)
{
	struct block_header h = numbered_header(BLOCK_MAPPINGS, first, n);
	const struct dict_mapping *m = d->mappings + first;
	struct texts ids = { 0 };

	emit_begin(e, n);
	MEMBER_COLUMN(e, m, n, FIELD_U8, m.kind);
	MEMBER_COLUMN(e, m, n, FIELD_STRING, m.path);
	for (uint32_t i = 0; i < n; i++)
		texts_add(&ids, (const char *)m[i].build_id, m[i].m.build_id_len);
	texts_put(e, &ids);
	MEMBER_COLUMN(e, m, n, FIELD_U64, m.base);
	MEMBER_COLUMN(e, m, n, FIELD_U32, m.pid);
	return emit_block(e, &h);
}

static int emit_frames(struct emit *e, struct dict *d)
{
	uint32_t n = dict_order_frames(d, e->order, EMIT_MAX_ROWS);
	struct block_header h = numbered_header(BLOCK_FRAMES, d->frames_done, n);
	int rc;

	emit_begin(e, n);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = d->frame_mapping[e->order[i]];
	column_coder_add(e->coder, FIELD_MAPPING, e->values);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = d->frame_address[e->order[i]];
	column_coder_add(e->coder, FIELD_U64, e->values);
	rc = emit_block(e, &h);
	if (!rc)
		dict_frames_written(d, e->order, n);
	return rc;
}

static int emit_stacks(struct emit *e, struct dict *d)
{
	uint32_t n = dict_order_stacks(d, e->order, EMIT_MAX_ROWS);
	struct block_header h = numbered_header(BLOCK_STACKS, d->stacks_done, n);
	int rc;

	emit_begin(e, n);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = d->stack_in_file[d->stack_parent[e->order[i]]];
	column_coder_add(e->coder, FIELD_STACK, e->values);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = d->frame_in_file[d->stack_frame[e->order[i]]];
	column_coder_add(e->coder, FIELD_U32, e->values);
	for (uint32_t i = 0; i < n; i++)
		e->values[i] = d->stack_flags[e->order[i]];
	column_coder_add(e->coder, FIELD_U8, e->values);
	rc = emit_block(e, &h);
	if (!rc)
		dict_stacks_written(d, e->order, n);
	return rc;
}

/* How many strings from `first` on fit one block. */
static uint32_t strings_that_fit(const struct dict *d, uint32_t first)
{
	uint32_t n = 1;

	while (first + n < d->n_strings && n < EMIT_MAX_ROWS &&
		d->string_at[first + n + 1] - d->string_at[first] <= EMIT_MAX_TEXT)
		n++;
	return n;
}

static uint32_t rows_that_fit(uint32_t first, uint32_t end)
{
	return end - first < EMIT_MAX_ROWS ? end - first : EMIT_MAX_ROWS;
}

static int by_frame(const void *a, const void *b)
{
	const struct dict_symbol *x = a, *y = b;

	if (x->frame != y->frame)
		return x->frame < y->frame ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Of those said twice only the last remains. */
static uint32_t without_replaced(struct dict_symbol *s, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (i + 1 == n || s[i].frame != s[i + 1].frame || s[i].depth != s[i + 1].depth)
			s[kept++] = s[i];
	for (uint32_t i = 0; i < kept; i++)
		s[i].order = i;
	return kept;
}

/* Symbols refer to frames by the numbers in the file from here on, sorted by them: neighbours then
 * are often in the same function. */
static void order_symbols(struct dict *d)
{
	for (; d->symbols_ready < d->n_symbols; d->symbols_ready++) {
		struct dict_symbol *s = &d->symbols[d->symbols_ready];

		s->frame = d->frame_in_file[s->frame];
	}
	qsort(d->symbols, d->n_symbols, sizeof(*d->symbols), by_frame);
	d->n_symbols = without_replaced(d->symbols, d->n_symbols);
	d->symbols_ready = d->n_symbols;
}

int emit_more_symbols(struct emit *e, const struct dict_symbol *s, uint32_t n)
{
	struct block_header h = header(BLOCK_SYMBOLS, n);

	emit_begin(e, n);
	MEMBER_COLUMN(e, s, n, FIELD_U32, frame);
	MEMBER_COLUMN(e, s, n, FIELD_U8, depth);
	MEMBER_COLUMN(e, s, n, FIELD_STRING, name);
	MEMBER_COLUMN(e, s, n, FIELD_STRING, linkage);
	MEMBER_COLUMN(e, s, n, FIELD_STRING, file);
	MEMBER_COLUMN(e, s, n, FIELD_U32, line);
	MEMBER_COLUMN(e, s, n, FIELD_U64, start);
	return emit_block(e, &h);
}

static int emit_symbols(struct emit *e, struct dict *d)
{
	int rc;

	if (!d->n_symbols)
		return 0;
	order_symbols(d);
	rc = emit_more_symbols(e, d->symbols, d->n_symbols);
	if (!rc)
		d->n_symbols = d->symbols_ready = 0;
	return rc;
}

int emit_dict(struct emit *e, struct dict *d)
{
	int rc = 0;

	while (!rc && d->strings_done < d->n_strings) {
		uint32_t n = strings_that_fit(d, d->strings_done);

		rc = emit_strings(e, d, d->strings_done, n);
		if (!rc)
			d->strings_done += n;
	}
	while (!rc && d->mappings_done < d->n_mappings) {
		uint32_t n = rows_that_fit(d->mappings_done, d->n_mappings);

		rc = emit_mappings(e, d, d->mappings_done, n);
		if (!rc)
			d->mappings_done += n;
	}
	while (!rc && d->frames_done < d->n_frames)
		rc = emit_frames(e, d);
	while (!rc && d->stacks_done < d->n_stacks)
		rc = emit_stacks(e, d);
	return rc ? rc : emit_symbols(e, d);
}

int emit_info(struct emit *e, const char *const (*pairs)[2], uint32_t n)
{
	struct block_header h = header(BLOCK_INFO, n);
	struct texts column[2] = { 0 };

	emit_begin(e, n);
	for (int c = 0; c < 2; c++) {
		for (uint32_t i = 0; i < n; i++)
			texts_add(&column[c], pairs[i][c], strlen(pairs[i][c]));
		texts_put(e, &column[c]);
	}
	return emit_block(e, &h);
}

/* ---- schema ---- */

struct schema_row {
	uint16_t type;
	const char *name, *unit, *doc;
	uint8_t field, show;
	uint32_t enumeration;
};

/* The enumerations of the types, each once; numbered from 1. */
struct enum_list {
	const struct enumeration *all[MAX_FIELDS];
	uint32_t n, n_values;
};

static uint32_t enum_number(struct enum_list *list, const struct enumeration *e)
{
	uint32_t i = 0;

	if (!e)
		return 0;
	while (i < list->n && list->all[i] != e)
		i++;
	if (i == list->n) {
		list->all[list->n++] = e;
		list->n_values += e->n_values;
	}
	return i + 1;
}

bool emit_schema_fits(const struct event_type *type)
{
	struct enum_list list = { .n = 0 };

	if (type->n_fields < 1 || type->n_fields > MAX_FIELDS)
		return false;
	for (uint32_t i = 0; i < type->n_fields; i++)
		enum_number(&list, type->fields[i].enumeration);
	return list.n <= EMIT_TYPE_ENUMS && list.n_values <= EMIT_TYPE_VALUES;
}

static uint32_t fill_rows(struct schema_row *row, const struct event_type *t, uint16_t number,
	uint32_t first_enum, struct enum_list *enums)
{
	row[0] = (struct schema_row){ number, t->name, "", t->doc, 0, 0, 0 };
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		uint32_t e = enum_number(enums, f->enumeration);

		row[i + 1] = (struct schema_row){ number, f->name, f->unit, f->doc,
			(uint8_t)f->type, (uint8_t)f->show, e ? first_enum + e : 0 };
	}
	return t->n_fields + 1;
}

static int emit_enums(struct emit *e, const struct enum_list *list, uint32_t first_enum)
{
	uint64_t values[EMIT_MAX_ROWS];
	struct texts names = { 0 };
	struct block_header h;
	uint32_t n = 0;

	for (uint32_t k = 0; k < list->n; k++) {
		for (uint32_t i = 0; i < list->all[k]->n_values; i++) {
			const struct enum_value *v = &list->all[k]->values[i];

			e->values[n] = first_enum + k + 1;
			values[n++] = (uint64_t)v->value;
			texts_add(&names, v->name, strlen(v->name));
		}
	}
	if (!n)
		return 0;
	h = header(BLOCK_ENUMS, n);
	emit_begin(e, n);
	column_coder_add(e->coder, FIELD_U32, e->values);
	column_coder_add(e->coder, FIELD_S64, values);
	texts_put(e, &names);
	return emit_block(e, &h);
}

static int emit_schema_rows(struct emit *e, const struct schema_row *row, uint32_t n)
{
	struct block_header h = header(BLOCK_SCHEMA, n);

	emit_begin(e, n);
	MEMBER_COLUMN(e, row, n, FIELD_U16, type);
	MEMBER_TEXTS(e, row, n, name);
	MEMBER_TEXTS(e, row, n, unit);
	MEMBER_TEXTS(e, row, n, doc);
	MEMBER_COLUMN(e, row, n, FIELD_U8, field);
	MEMBER_COLUMN(e, row, n, FIELD_U8, show);
	MEMBER_COLUMN(e, row, n, FIELD_U32, enumeration);
	return emit_block(e, &h);
}

static int emit_index_rows(struct emit *e, const struct index_entry *row, uint32_t n)
{
	struct block_header h = header(BLOCK_INDEX, n);

	h.must_know = e->must_know; /* who opens a trace by its index sees these blocks only */
	emit_begin(e, n);
	MEMBER_COLUMN(e, row, n, FIELD_U64, offset);
	MEMBER_COLUMN(e, row, n, FIELD_U32, stored);
	MEMBER_COLUMN(e, row, n, FIELD_U8, kind);
	MEMBER_COLUMN(e, row, n, FIELD_U16, type);
	MEMBER_COLUMN(e, row, n, FIELD_U32, stream);
	MEMBER_COLUMN(e, row, n, FIELD_U32, count);
	MEMBER_COLUMN(e, row, n, FIELD_U64, first);
	MEMBER_COLUMN(e, row, n, FIELD_U64, last);
	return emit_block(e, &h);
}

static int emit_index(struct emit *e)
{
	uint32_t n_index = e->n_index;
	int rc = 0;

	for (uint32_t i = 0, n; !rc && i < n_index; i += n) {
		n = rows_that_fit(i, n_index);
		rc = emit_index_rows(e, e->index + i, n);
	}
	return rc;
}

int emit_end(struct emit *e)
{
	struct block_header h = { .kind = BLOCK_END };
	struct end_payload end = { .index_offset = e->segment_bytes };
	int rc;

	if (!e->patient &&
		sink_room(e->sink) < BLOCK_MAX_BYTES / 4 + e->n_index * sizeof(*e->index))
		return -EAGAIN;
	rc = emit_index(e);
	if (rc)
		return rc;
	end.segment_bytes = e->segment_bytes + sizeof(h) + sizeof(end);
	rc = emit_plain(e, &h, &end, sizeof(end));
	if (!rc) {
		e->segment_bytes = 0;
		e->n_index = 0;
		e->must_know = 0;
	}
	return rc;
}

/* Types that go into one block; their enumerations are numbered by the first type. */
static int emit_schema_piece(struct emit *e, const struct event_type *const *types,
	const uint16_t *numbers, uint32_t n)
{
	struct enum_list enums = { .n = 0 };
	struct schema_row *rows;
	uint32_t n_rows = 0, cap = 0, first_enum = (uint32_t)numbers[0] << 16;
	int rc;

	for (uint32_t i = 0; i < n; i++)
		cap += types[i]->n_fields + 1;
	rows = xcalloc(cap, sizeof(*rows));
	for (uint32_t i = 0; i < n; i++)
		n_rows += fill_rows(rows + n_rows, types[i], numbers[i], first_enum, &enums);
	rc = emit_enums(e, &enums, first_enum);
	if (!rc)
		rc = emit_schema_rows(e, rows, n_rows);
	free(rows);
	return rc;
}

/* How many of the types fit one piece: as many as may have the most of everything. */
static uint32_t types_that_fit(const struct event_type *const *types, uint32_t n)
{
	struct enum_list list = { .n = 0 };
	uint32_t i = 0, rows = 0;

	while (i < n && rows + MAX_FIELDS + 1 <= EMIT_MAX_ROWS &&
		list.n + EMIT_TYPE_ENUMS <= MAX_FIELDS &&
		list.n_values + EMIT_TYPE_VALUES <= EMIT_MAX_ROWS) {
		for (uint32_t k = 0; k < types[i]->n_fields; k++)
			enum_number(&list, types[i]->fields[k].enumeration);
		rows += types[i++]->n_fields + 1;
	}
	return i;
}

int emit_schema(struct emit *e, const struct event_type *const *types, const uint16_t *numbers,
	uint32_t n)
{
	int rc = 0;

	for (uint32_t i = 0, fit; !rc && i < n; i += fit) {
		fit = types_that_fit(types + i, n - i);
		rc = emit_schema_piece(e, types + i, numbers + i, fit);
	}
	return rc;
}
