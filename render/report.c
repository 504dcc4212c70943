/* Filling a report. Arrays double in the report's arena; what they outgrow is freed with it. */
#include "render/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "render/escape.h"
#include "render/timeline.h"

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

void report_finding_seen(struct report *r, uint64_t from_ns, uint64_t to_ns)
{
	if (!r->group_id)
		return;
	r->findings[r->n_findings - 1].from_ns = from_ns;
	r->findings[r->n_findings - 1].to_ns = to_ns;
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

int report_keep_section(struct report *r, const char *id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_sections && !n; i++)
		if (strcmp(r->sections[i].id, id) == 0)
			r->sections[n++] = r->sections[i];
	if (!n)
		return -ENOENT;
	r->n_sections = n;
	n = 0;
	for (uint32_t i = 0; i < r->n_findings; i++)
		if (strcmp(r->findings[i].section, id) == 0)
			r->findings[n++] = r->findings[i];
	r->n_findings = n;
	return 0;
}

const char *report_section_list(struct report *r)
{
	const char *list = "";

	for (uint32_t i = 0; i < r->n_sections; i++)
		list = arena_printf(&r->arena, "%s%s%s", list, i ? ", " : "",
			escape_visible(&r->arena, r->sections[i].id));
	return list;
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

static const struct column fact_columns[] = {
	{ "name", "Name", CELL_TEXT },
	{ "value", "Value", CELL_TEXT },
};

struct table *report_facts(struct report *r, const char *id, const char *title)
{
	struct table *t = report_table(r, id, title, fact_columns, 2);

	t->facts = true;
	return t;
}

void report_tree(struct report *r, const char *id, const char *title, struct tree *tree)
{
	add_section(r, SECTION_TREE, id, title)->tree = tree;
}

void report_tree_slices(struct report *r, const struct tree_slices *slices)
{
	r->sections[r->n_sections - 1].slices = slices;
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
	d->series[d->n_series++] = (struct series){ arena_strdup(&r->arena, name), h, 0 };
}

struct heatmap *report_heatmap_section(struct report *r, const char *id, const char *title)
{
	struct heatmap *h = arena_alloc(&r->arena, sizeof(*h));

	add_section(r, SECTION_HEATMAP, id, title)->heatmap = h;
	return h;
}

struct timeline *report_timeline(struct report *r, const char *id, const char *title)
{
	struct timeline *t = arena_alloc(&r->arena, sizeof(*t));

	add_section(r, SECTION_TIMELINE, id, title)->timeline = t;
	return t;
}

bool report_has_timeline(const struct report *r)
{
	for (uint32_t i = 0; i < r->n_sections; i++)
		if (r->sections[i].kind == SECTION_TIMELINE)
			return true;
	return false;
}

union cell *table_row(struct report *r, struct table *t)
{
	size_t row_size = sizeof(*t->cells) * t->n_columns;

	if (t->n_rows == t->cap_rows) {
		t->cap_rows = t->cap_rows ? t->cap_rows * 2 : 16;
		t->cells = grow(&r->arena, t->cells, t->n_rows, t->cap_rows, row_size);
		t->things = grow(&r->arena, t->things, t->n_rows, t->cap_rows, sizeof(*t->things));
	}
	return t->cells + (size_t)t->n_rows++ * t->n_columns;
}

void table_thing(struct table *t, uint32_t thing)
{
	t->things[t->n_rows - 1] = thing + 1;
}

void distribution_thing(struct distribution *d, uint32_t thing)
{
	d->series[d->n_series - 1].thing = thing + 1;
}

static void add_fact(struct report *r, struct table *t, const char *name, const char *fmt,
	va_list ap)
{
	union cell *row = table_row(r, t);

	row[0].text = name;
	row[1].text = arena_vprintf(&r->arena, fmt, ap);
}

void report_fact(struct report *r, struct table *t, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_fact(r, t, name, fmt, ap);
	va_end(ap);
}

void report_overview(struct report *r, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (!r->overview) {
		r->overview = arena_alloc(&r->arena, sizeof(*r->overview));
		*r->overview = (struct table){ .columns = fact_columns,
			.n_columns = 2,
			.facts = true };
	}
	va_start(ap, fmt);
	add_fact(r, r->overview, name, fmt, ap);
	va_end(ap);
}
