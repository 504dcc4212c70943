/* The public face of reader and merge: one handle, one event at a time. */
#include "format/rectrace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/merge.h"

#define PUBLIC __attribute__((visibility("default")))

struct rectrace {
	struct reader *reader; /* owned */
	struct merge *merge;   /* owned; NULL before the first event */
	struct arena arena;
	struct want *wants; /* owned */
	uint32_t n_wants;
	struct merge_options options;
	struct row row;
	int at_event; /* row is valid */
	struct err err;
	char damage[192];
};

static struct rectrace *wrap(struct reader *r, const struct err *err, char *error,
	size_t error_size)
{
	struct rectrace *t;

	if (!r) {
		if (error && error_size)
			snprintf(error, error_size, "%s", err->text);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->reader = r;
	return t;
}

PUBLIC struct rectrace *rectrace_open(const char *path, char *error, size_t error_size)
{
	struct err err = { "" };
	struct reader *r = reader_open(path, &err);

	return wrap(r, &err, error, error_size);
}

PUBLIC struct rectrace *rectrace_open_fd(int fd, char *error, size_t error_size)
{
	struct err err = { "" };
	struct reader *r = reader_open_stream(fd, &err);

	return wrap(r, &err, error, error_size);
}

PUBLIC void rectrace_close(struct rectrace *t)
{
	if (!t)
		return;
	merge_free(t->merge);
	reader_close(t->reader);
	arena_done(&t->arena);
	free(t->wants);
	free(t);
}

static void add_want(struct rectrace *t, const char *event)
{
	for (uint32_t i = 0; event && i < t->n_wants; i++)
		if (t->wants[i].event && strcmp(t->wants[i].event, event) == 0)
			return; /* otherwise each event came once for each want */
	t->wants = xrealloc(t->wants, t->n_wants + 1, sizeof(*t->wants));
	t->wants[t->n_wants++] = (struct want){ event ? arena_strdup(&t->arena, event) : NULL, NULL,
		0 };
}

PUBLIC int rectrace_select(struct rectrace *t, const char *event)
{
	add_want(t, event);
	return 0;
}

PUBLIC void rectrace_window(struct rectrace *t, uint64_t from_ns, uint64_t to_ns)
{
	t->options.from_ns = from_ns;
	t->options.to_ns = to_ns;
}

PUBLIC int rectrace_next(struct rectrace *t)
{
	int rc;

	if (!t->merge) {
		if (!t->n_wants)
			add_want(t, NULL);
		t->options.wants = t->wants;
		t->options.n_wants = t->n_wants;
		t->merge = merge_new(&t->reader, 1, &t->options);
	}
	rc = merge_next(t->merge, &t->row, &t->err);
	t->at_event = rc > 0;
	return rc < 0 ? -1 : rc;
}

PUBLIC const char *rectrace_error(const struct rectrace *t)
{
	return t->err.text;
}

PUBLIC uint64_t rectrace_time(const struct rectrace *t)
{
	return t->at_event ? t->row.time : 0;
}

PUBLIC const char *rectrace_event(const struct rectrace *t)
{
	return t->at_event ? t->row.type->name : NULL;
}

PUBLIC const char *rectrace_event_doc(const struct rectrace *t)
{
	return t->at_event ? t->row.type->doc : NULL;
}

PUBLIC int rectrace_n_fields(const struct rectrace *t)
{
	return t->at_event ? (int)t->row.type->n_fields : 0;
}

PUBLIC int rectrace_field(const struct rectrace *t, const char *name)
{
	return t->at_event ? event_field(t->row.type, name) : -1;
}

/* NULL for a number that is no field. */
static const struct field *field_of(const struct rectrace *t, int field)
{
	if (!t->at_event || field < 0 || field >= (int)t->row.type->n_fields)
		return NULL;
	return &t->row.type->fields[field];
}

PUBLIC const char *rectrace_field_name(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);

	return f ? f->name : "";
}

PUBLIC const char *rectrace_field_unit(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);

	return f ? f->unit : "";
}

PUBLIC const char *rectrace_field_doc(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);

	return f ? f->doc : "";
}

PUBLIC enum rectrace_kind rectrace_field_kind(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);

	switch (f ? f->type : FIELD_U64) {
	case FIELD_F64: return RECTRACE_FLOAT;
	case FIELD_STRING: return RECTRACE_TEXT;
	case FIELD_STACK: return RECTRACE_STACK;
	case FIELD_MAPPING: return RECTRACE_MAPPING;
	default: return f && field_signed(f->type) ? RECTRACE_INT : RECTRACE_UINT;
	}
}

PUBLIC uint64_t rectrace_uint(const struct rectrace *t, int field)
{
	return field_of(t, field) ? t->row.values[field] : 0;
}

PUBLIC int64_t rectrace_int(const struct rectrace *t, int field)
{
	return (int64_t)rectrace_uint(t, field);
}

PUBLIC double rectrace_float(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);
	double v = 0;

	if (f && f->type == FIELD_F64)
		memcpy(&v, &t->row.values[field], sizeof(v));
	return v;
}

static struct rectrace_text public_text(struct text t)
{
	return (struct rectrace_text){ t.s, t.len };
}

PUBLIC struct rectrace_text rectrace_text(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);
	uint32_t id = f ? (uint32_t)t->row.values[field] : 0;

	if (f && f->type == FIELD_MAPPING)
		id = segment_mapping(t->row.segment, id).path;
	else if (!f || f->type != FIELD_STRING)
		return (struct rectrace_text){ "", 0 };
	return public_text(segment_string(t->row.segment, id));
}

PUBLIC const char *rectrace_enum(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);

	return f ? enum_name(f->enumeration, (int64_t)t->row.values[field]) : NULL;
}

static void fill_frame(const struct segment *s, uint32_t frame, const struct symbol *symbol,
	struct rectrace_frame *to)
{
	struct mapping m = segment_mapping(s, segment_frame(s, frame, &to->address));

	to->binary = public_text(segment_string(s, m.path));
	to->build_id = m.build_id;
	to->build_id_len = m.build_id_len;
	to->kernel = m.kind == MAPPING_KERNEL || m.kind == MAPPING_MODULE || m.kind == MAPPING_BPF;
	to->function = public_text(segment_string(s, symbol ? symbol->name : 0));
	to->file = public_text(segment_string(s, symbol ? symbol->file : 0));
	to->line = symbol ? symbol->line : 0;
	to->inlined = symbol && symbol->depth > 0;
}

/* The names of one frame, innermost first, behind the n frames that are there. */
static size_t add_frames(const struct segment *s, uint32_t frame, struct rectrace_frame *frames,
	size_t n, size_t max)
{
	const struct symbol *first = segment_symbol(s, frame), *y;
	size_t depth = 0;

	for (y = first; y; y = segment_symbol_next(s, y))
		depth++;
	for (size_t i = 0; i < (depth ? depth : 1); i++) {
		y = first;
		for (size_t k = 0; y && k + 1 + i < depth; k++)
			y = segment_symbol_next(s, y);
		if (n + i < max)
			fill_frame(s, frame, y, &frames[n + i]);
	}
	return n + (depth ? depth : 1);
}

PUBLIC size_t rectrace_stack(const struct rectrace *t, int field, struct rectrace_frame *frames,
	size_t max)
{
	const struct field *f = field_of(t, field);
	const struct segment *s = t->row.segment;
	uint32_t node = f && f->type == FIELD_STACK ? (uint32_t)t->row.values[field] : 0;
	size_t n = 0;

	for (; node && segment_stack_parent(s, node); node = segment_stack_parent(s, node))
		n = add_frames(s, segment_stack_frame(s, node), frames, n, max);
	return n;
}

PUBLIC int rectrace_stack_truncated(const struct rectrace *t, int field)
{
	const struct field *f = field_of(t, field);
	uint32_t node = f && f->type == FIELD_STACK ? (uint32_t)t->row.values[field] : 0;

	return node && segment_stack_flags(t->row.segment, node) & (STACK_TRUNCATED | STACK_BROKEN)
		? 1
		: 0;
}

PUBLIC struct rectrace_text rectrace_info(const struct rectrace *t, const char *key)
{
	const struct segment *s = t->at_event ? t->row.segment : NULL;

	/* Before the first event a pipe is read as far as that; rectrace_next tells of failures. */
	if (!s && reader_begin(t->reader, NULL) == 0 && reader_n_segments(t->reader))
		s = reader_segment(t->reader, 0);
	return s ? public_text(segment_info(s, key)) : (struct rectrace_text){ "", 0 };
}

PUBLIC size_t rectrace_n_damage(const struct rectrace *t)
{
	size_t n;

	reader_damage(t->reader, &n);
	return n;
}

PUBLIC const char *rectrace_damage(const struct rectrace *t, size_t i)
{
	size_t n;
	const struct damage *d = reader_damage(t->reader, &n);
	struct rectrace *mutable_t = (struct rectrace *)t;

	if (i >= n)
		return "";
	snprintf(mutable_t->damage, sizeof(mutable_t->damage),
		"%" PRIu64 " bytes at %" PRIu64 ": %s", d[i].bytes, d[i].offset, d[i].what);
	return t->damage;
}
