/* Filling a report. Arrays double in the report's arena; what they outgrow is freed with it. */
#include "render/report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void report_init(struct report *r, const char *title, const char *subtitle)
{
	memset(r, 0, sizeof(*r));
	r->title = title;
	r->subtitle = subtitle ? subtitle : "";
}

void report_done(struct report *r)
{
	arena_done(&r->arena);
	memset(r, 0, sizeof(*r));
}

/* A larger copy of n elements of this size. */
static void *grow(struct arena *a, const void *old, size_t n, size_t cap, size_t size)
{
	void *bigger = arena_alloc(a, cap * size);

	if (n)
		memcpy(bigger, old, n * size);
	return bigger;
}

/* Full whenever the number is a power of two (or none): saves a field for the capacity. */
static bool is_full(uint32_t n)
{
	return (n & (n - 1)) == 0;
}

void report_note(struct report *r, enum note_level level, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	if (is_full(r->n_notes))
		r->notes = grow(&r->arena, r->notes, r->n_notes,
			r->n_notes ? (size_t)r->n_notes * 2 : 1, sizeof(*r->notes));
	va_start(ap, fmt);
	text = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	if (r->group && level == NOTE_WARNING) /* it stands where everybody looks */
		text = arena_printf(&r->arena, "%s: %s", r->group, text);
	r->notes[r->n_notes++] = (struct note){ level, text, r->group ? r->group : "" };
}

bool note_is_aside(const struct note *n)
{
	return *n->group && n->level == NOTE_INFO;
}

void report_group(struct report *r, const char *id, const char *title)
{
	r->group_id = id;
	r->group = title;
}

static const char *full_id(struct report *r, const char *id)
{
	return r->group_id ? arena_printf(&r->arena, "%s.%s", r->group_id, id) : id;
}

void report_finding(struct report *r, uint64_t ns, const char *section, const char *fmt, ...)
{
	struct finding f = { .ns = ns, .section = full_id(r, section) };
	va_list ap;

	if (!r->group_id) /* one analyzer alone: its tables are in sight */
		return;
	if (is_full(r->n_findings))
		r->findings = grow(&r->arena, r->findings, r->n_findings,
			r->n_findings ? (size_t)r->n_findings * 2 : 1, sizeof(*r->findings));
	va_start(ap, fmt);
	f.text = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
	r->findings[r->n_findings++] = f;
}

static int by_time(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return strcmp(x->text, y->text);
}

void report_sort_findings(struct report *r)
{
	if (r->n_findings)
		qsort(r->findings, r->n_findings, sizeof(*r->findings), by_time);
}

const char *note_level_name(enum note_level level)
{
	return level == NOTE_WARNING ? "warning" : "info";
}

static struct section *add_section(struct report *r, enum section_kind kind, const char *id,
	const char *title)
{
	struct section *s;

	if (is_full(r->n_sections))
		r->sections = grow(&r->arena, r->sections, r->n_sections,
			r->n_sections ? (size_t)r->n_sections * 2 : 1, sizeof(*r->sections));
	s = &r->sections[r->n_sections++];
	*s = (struct section){ .kind = kind,
		.id = full_id(r, id),
		.title = title,
		.group = r->group ? r->group : "" };
	return s;
}

struct table *report_table(struct report *r, const char *id, const char *title,
	const struct column *columns, uint32_t n_columns)
{
	struct table *t = arena_alloc(&r->arena, sizeof(*t));

	t->columns = columns;
	t->n_columns = n_columns;
	add_section(r, SECTION_TABLE, id, title)->table = t;
	return t;
}

struct table *report_facts(struct report *r, const char *id, const char *title)
{
	static const struct column columns[] = {
		{ "name", "Name", CELL_TEXT },
		{ "value", "Value", CELL_TEXT },
	};
	struct table *t = report_table(r, id, title, columns, 2);

	t->facts = true;
	return t;
}

void report_tree(struct report *r, const char *id, const char *title, struct tree *tree)
{
	add_section(r, SECTION_TREE, id, title)->tree = tree;
}

struct distribution *report_histogram(struct report *r, const char *id, const char *title,
	const char *value, enum cell_kind kind, const char *counted)
{
	struct distribution *d = arena_alloc(&r->arena, sizeof(*d));

	d->value = value;
	d->kind = kind;
	d->counted = counted;
	add_section(r, SECTION_HISTOGRAM, id, title)->distribution = d;
	return d;
}

void distribution_add(struct report *r, struct distribution *d, const char *name,
	const struct histogram *h)
{
	if (is_full(d->n_series))
		d->series = grow(&r->arena, d->series, d->n_series,
			d->n_series ? (size_t)d->n_series * 2 : 1, sizeof(*d->series));
	d->series[d->n_series++] = (struct series){ arena_strdup(&r->arena, name), h };
}

struct heatmap *report_heatmap_section(struct report *r, const char *id, const char *title)
{
	struct heatmap *h = arena_alloc(&r->arena, sizeof(*h));

	add_section(r, SECTION_HEATMAP, id, title)->heatmap = h;
	return h;
}

union cell *table_row(struct report *r, struct table *t)
{
	size_t row_size = sizeof(*t->cells) * t->n_columns;

	if (t->n_rows == t->cap_rows) {
		t->cap_rows = t->cap_rows ? t->cap_rows * 2 : 16;
		t->cells = grow(&r->arena, t->cells, t->n_rows, t->cap_rows, row_size);
	}
	return t->cells + (size_t)t->n_rows++ * t->n_columns;
}

void report_fact(struct report *r, struct table *t, const char *name, const char *fmt, ...)
{
	union cell *row = table_row(r, t);
	va_list ap;

	va_start(ap, fmt);
	row[0].text = name;
	row[1].text = arena_vprintf(&r->arena, fmt, ap);
	va_end(ap);
}
