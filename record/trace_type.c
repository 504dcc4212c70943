/* Numbers are copied; everything else becomes a text. A short array of wide numbers becomes a field
 * for each, as with arrays of events that are declared at build time. */
#include "record/trace_type.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	MAX_SPREAD = 16,    /* numbers of an array that become fields of their own */
	MAX_ROW = 16 << 10, /* bytes; stages hold at least a dozen */
	MAX_SHOWN = 1024,   /* bytes of an array that become text */
};

/* How one field of a row is made. */
struct trace_column {
	const struct trace_field *field;
	uint16_t from; /* in the raw record */
	uint16_t to;   /* in the row */
	uint8_t width; /* bytes to copy; 0: a text is made */
};

struct builder {
	struct trace_type *t;
	struct field fields[MAX_FIELDS];
	struct trace_column columns[MAX_FIELDS];
	uint32_t n_fields, n_columns, size;
	struct arena *arena;
	bool full;
};

static void add_head(struct builder *b, bool with_stack)
{
	static const struct field head[] = {
		{ "time", "CLOCK_MONOTONIC", "ns", NULL, FIELD_U64, SHOW_PLAIN,
			offsetof(struct event_head, time), 8, false },
		{ "cpu", "CPU it happened on", "", NULL, FIELD_U32, SHOW_PLAIN,
			offsetof(struct event_head, cpu), 4, false },
		{ "pid", "process that was running", "", NULL, FIELD_U32, SHOW_PLAIN,
			offsetof(struct event_head, pid), 4, false },
		{ "tid", "thread that was running", "", NULL, FIELD_U32, SHOW_PLAIN,
			offsetof(struct event_head, tid), 4, false },
		{ "comm", "name of that thread", "", NULL, FIELD_STRING, SHOW_PLAIN,
			offsetof(struct event_head, comm), 4, false },
		{ "stack", "where it was, innermost frame last", "", NULL, FIELD_STACK, SHOW_PLAIN,
			offsetof(struct event_head, stack), 4, false },
	};

	b->n_fields = sizeof(head) / sizeof(head[0]) - !with_stack;
	memcpy(b->fields, head, b->n_fields * sizeof(head[0]));
	b->size = sizeof(struct event_head);
}

static bool is_taken(const struct builder *b, const char *name)
{
	for (uint32_t i = 0; i < b->n_fields; i++)
		if (strcmp(b->fields[i].name, name) == 0)
			return true;
	/* Also without stacks: the name means one thing in all traces. */
	return strcmp(name, "stack") == 0;
}

static enum field_type number_type(uint32_t size, bool is_signed)
{
	switch (size) {
	case 1: return is_signed ? FIELD_S8 : FIELD_U8;
	case 2: return is_signed ? FIELD_S16 : FIELD_U16;
	case 4: return is_signed ? FIELD_S32 : FIELD_U32;
	default: return is_signed ? FIELD_S64 : FIELD_U64;
	}
}

static void add_column(struct builder *b, const struct trace_field *f, const char *name,
	uint32_t from, uint32_t width)
{
	struct field *to = &b->fields[b->n_fields];

	if (b->n_fields == MAX_FIELDS || b->size + 8 > MAX_ROW) {
		b->full = true;
		return;
	}
	*to = (struct field){ .name = is_taken(b, name) ? arena_printf(b->arena, "args.%s", name)
							: name,
		.doc = f->type,
		.unit = "",
		.type = width ? number_type(width, f->is_signed) : FIELD_STRING,
		.offset = (uint16_t)b->size,
		.size = (uint16_t)(width ? width : 4) };
	b->full |= is_taken(b, to->name);
	if (width && f->enumeration) {
		to->enumeration = f->enumeration;
		to->show = f->flags ? SHOW_FLAGS : SHOW_ENUM;
	} else if (width && (f->is_pointer || f->hex || strcmp(f->type, "dev_t") == 0)) {
		to->show = SHOW_HEX;
		to->type = number_type(width, false);
	}
	if (width && f->unit)
		to->unit = f->unit;
	b->columns[b->n_columns++] = (struct trace_column){ f, (uint16_t)from, (uint16_t)b->size,
		(uint8_t)width };
	b->size += to->size;
	b->n_fields++;
}

static void add_field(struct builder *b, const struct trace_field *f)
{
	if (f->shape == TRACE_NUMBER) {
		add_column(b, f, f->name, f->offset, f->element);
	} else if (f->shape == TRACE_ARRAY && f->element > 1 && f->count <= MAX_SPREAD) {
		for (uint32_t i = 0; i < f->count; i++)
			add_column(b, f, arena_printf(b->arena, "%s[%u]", f->name, i),
				f->offset + i * f->element, f->element);
	} else {
		add_column(b, f, f->name, f->offset, 0);
	}
}

int trace_type_make(struct trace_type *t, const char *name, const char *doc,
	const struct trace_format *format, bool with_stack, struct arena *a, struct err *err)
{
	struct builder *b = arena_alloc(a, sizeof(*b));
	struct field *fields;

	b->t = t;
	b->arena = a;
	add_head(b, with_stack);
	for (uint32_t i = 0; format && i < format->n_fields; i++)
		add_field(b, &format->fields[i]);
	if (b->full)
		return err_set(err, E2BIG, "%s has too many fields for a trace", name);
	fields = arena_alloc(a, b->n_fields * sizeof(*fields));
	memcpy(fields, b->fields, b->n_fields * sizeof(*fields));
	t->type = (struct event_type){ .name = arena_strdup(a, name),
		.doc = arena_strdup(a, doc),
		.fields = fields,
		.n_fields = b->n_fields,
		.size = (b->size + 7) & ~7u };
	t->columns = b->columns;
	t->n_columns = b->n_columns;
	return 0;
}

/* ---- rows ---- */

struct bytes {
	const uint8_t *p;
	size_t len;
};

/* What lies at [at, at + len) of the record, as far as the record goes. */
static struct bytes within(struct bytes raw, size_t at, size_t len)
{
	if (at >= raw.len)
		return (struct bytes){ raw.p, 0 };
	return (struct bytes){ raw.p + at, len < raw.len - at ? len : raw.len - at };
}

/* The bytes of a field that is a text or an array, wherever they are. */
static struct bytes content(const struct trace_column *c, struct bytes raw)
{
	const struct trace_field *f = c->field;
	struct bytes place = within(raw, c->from, f->size);
	uint32_t loc, at;

	if (f->shape != TRACE_LOC && f->shape != TRACE_RELLOC)
		return place;
	if (place.len < sizeof(loc))
		return (struct bytes){ raw.p, 0 };
	memcpy(&loc, place.p, sizeof(loc));
	at = loc & 0xffff;
	if (f->shape == TRACE_RELLOC)
		at += c->from + (uint32_t)sizeof(loc);
	return within(raw, at, loc >> 16);
}

static uint64_t load(const uint8_t *p, size_t width, bool is_signed)
{
	unsigned shift = 64 - 8 * (unsigned)width;
	uint64_t v = 0;

	memcpy(&v, p, width);
	return is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
}

/* "7f000001" for bytes, "1,2,3" for wider numbers. */
static size_t array_text(const struct trace_field *f, struct bytes b, char *text)
{
	size_t n = 0, end = (b.len < MAX_SHOWN ? b.len : MAX_SHOWN) / f->element * f->element;

	for (size_t i = 0; i < end; i += f->element) {
		uint64_t v = load(b.p + i, f->element, f->is_signed);

		if (f->element == 1)
			n += (size_t)sprintf(text + n, "%02x", b.p[i]);
		else
			n += (size_t)sprintf(text + n, f->is_signed ? "%s%" PRId64 : "%s%" PRIu64,
				i ? "," : "", v);
	}
	return n;
}

static uint32_t text_of(const struct trace_column *c, struct writer *w, struct bytes raw)
{
	struct bytes b = content(c, raw);
	char text[MAX_SHOWN * 12]; /* at most 22 characters for two bytes */

	if (c->field->is_text)
		return writer_string(w, (const char *)b.p, strnlen((const char *)b.p, b.len));
	return writer_string(w, text, array_text(c->field, b, text));
}

void trace_type_row(const struct trace_type *t, struct writer *w, const void *record,
	size_t raw_len, void *to)
{
	struct bytes raw = { record, raw_len };
	uint8_t *row = to;

	for (uint32_t i = 0; i < t->n_columns; i++) {
		const struct trace_column *c = &t->columns[i];
		struct bytes number = within(raw, c->from, c->width);
		uint32_t string = 0;

		if (c->width) {
			memset(row + c->to, 0, c->width);
			memcpy(row + c->to, number.p, number.len);
		} else {
			string = text_of(c, w, raw);
			memcpy(row + c->to, &string, sizeof(string));
		}
	}
}
