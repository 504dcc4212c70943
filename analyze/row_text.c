#include "analyze/row_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "analyze/frames.h"

enum { MAX_DEPTH = 1024 };

static const struct field *field_of(const struct row *row, uint32_t field)
{
	return &row->type->fields[field];
}

/* A terminated copy; zero bytes, which no output can show, become spaces. */
static const char *c_text(struct arena *a, struct text t)
{
	char *s = arena_strndup(a, t.s, t.len);

	for (size_t i = 0; i < t.len; i++)
		if (!s[i])
			s[i] = ' ';
	return s;
}

static const char *frame_text(const struct segment *s, uint32_t frame, struct arena *a)
{
	uint64_t address;
	struct mapping m = segment_mapping(s, segment_frame(s, frame, &address));
	const char *file = c_text(a, frames_file_name(segment_string(s, m.path)));

	if (!file[0])
		return arena_printf(a, "0x%" PRIx64, address);
	return arena_printf(a, "%s+0x%" PRIx64, file, address);
}

static const char *name_text(const struct frame_name *f, bool lines, struct arena *a)
{
	if (!lines || !f->file.len)
		return c_text(a, (struct text){ f->s, f->len });
	return arena_printf(a, "%.*s (%.*s:%u)", (int)f->len, f->s, (int)f->file.len, f->file.s,
		f->line);
}

static void call_frame(const struct segment *s, uint32_t frame, bool lines, struct arena *a,
	void (*call)(void *ctx, const char *name), void *ctx)
{
	struct frame_name names[FRAME_NAMES];
	unsigned n;

	if (!frames_is_named(s, frame)) {
		call(ctx, frame_text(s, frame, a));
		return;
	}
	n = frames_name(s, frame, a, names);
	for (unsigned i = 0; i < n; i++)
		call(ctx, name_text(&names[i], lines, a));
}

void row_each_frame(const struct row *row, uint32_t field, bool lines, struct arena *scratch,
	void (*call)(void *ctx, const char *name), void *ctx)
{
	const struct segment *s = row->segment;
	uint32_t node = (uint32_t)row->values[field], frames[MAX_DEPTH], n = 0;

	for (; segment_stack_parent(s, node) && n < MAX_DEPTH; node = segment_stack_parent(s, node))
		frames[n++] = segment_stack_frame(s, node);
	while (n-- > 0)
		call_frame(s, frames[n], lines, scratch, call, ctx);
}

struct put_frames {
	FILE *out;
	enum escape_for how;
	bool any;
};

static void put_frame(void *ctx, const char *name)
{
	struct put_frames *p = ctx;

	if (p->any)
		fputc(';', p->out);
	p->any = true;
	escape_put(p->out, p->how, name);
}

static void put_flags(FILE *out, const struct enumeration *e, uint64_t v, enum escape_for how)
{
	const char *none = v ? NULL : enum_name(e, 0);
	bool any = false;

	if (none) {
		escape_put(out, how, none);
		return;
	}
	for (uint32_t i = 0; i < e->n_values; i++) {
		uint64_t bit = (uint64_t)e->values[i].value;

		if (!bit || (v & bit) != bit)
			continue;
		if (any)
			fputc('|', out);
		escape_put(out, how, e->values[i].name);
		v &= ~bit;
		any = true;
	}
	if (v || !any)
		fprintf(out, "%s0x%" PRIx64, any ? "|" : "", v);
}

static void put_number(FILE *out, const struct field *f, uint64_t v, enum escape_for how)
{
	double d;

	if (f->type == FIELD_F64) {
		memcpy(&d, &v, sizeof(d));
		if (how == ESCAPE_JSON && !isfinite(d))
			fputs("null", out); /* JSON has no word for it */
		else
			fprintf(out, "%.17g", d);
	} else if (f->show == SHOW_HEX) {
		fprintf(out, "0x%" PRIx64, v);
	} else if (field_signed(f->type)) {
		fprintf(out, "%" PRId64, (int64_t)v);
	} else {
		fprintf(out, "%" PRIu64, v);
	}
}

bool row_is_text(const struct row *row, uint32_t field)
{
	const struct field *f = field_of(row, field);

	if (f->type == FIELD_STRING || f->type == FIELD_MAPPING || f->show == SHOW_HEX)
		return true;
	if (f->show == SHOW_FLAGS)
		return f->enumeration != NULL;
	return f->show == SHOW_ENUM && enum_name(f->enumeration, (int64_t)row->values[field]);
}

void row_put_value(FILE *out, const struct row *row, uint32_t field, enum escape_for how,
	struct arena *scratch)
{
	const struct field *f = field_of(row, field);
	uint64_t v = row->values[field];
	struct put_frames frames = { out, how, false };
	const char *name;

	if (f->type == FIELD_STACK) {
		row_each_frame(row, field, false, scratch, put_frame, &frames);
		return;
	}
	if (f->type == FIELD_MAPPING)
		v = segment_mapping(row->segment, (uint32_t)v).path;
	if (f->type == FIELD_MAPPING || f->type == FIELD_STRING) {
		escape_put(out, how, c_text(scratch, segment_string(row->segment, (uint32_t)v)));
		return;
	}
	name = f->show == SHOW_ENUM ? enum_name(f->enumeration, (int64_t)v) : NULL;
	if (name)
		escape_put(out, how, name);
	else if (f->show == SHOW_FLAGS && f->enumeration)
		put_flags(out, f->enumeration, v, how);
	else
		put_number(out, f, v, how);
}
