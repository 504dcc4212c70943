/* For a terminal: tables in columns, facts as a list, trees indented. Numbers are written for
 * people; who wants to compute asks for JSON or CSV. With a width, long texts are cut to fit. */
#include <string.h>

#include "render/cell.h"
#include "render/escape.h"
#include "render/render.h"
#include "render/text_heatmap.h"
#include "render/text_tree.h"
#include "render/timeline.h"

enum { GAP = 2, MIN_COLUMN = 8 };

static const char *style(const struct render_options *o, const char *escape)
{
	return o->color ? escape : "";
}

static void put_spaces(FILE *out, size_t n)
{
	for (; n; n--)
		putc_unlocked(' ', out);
}

/* ---- tables ---- */

/* All cells as text, and how wide the columns are. */
struct grid {
	const struct table *table;
	const char **titles; /* of columns, in the arena */
	const char **cells;  /* row after row, in the arena */
	size_t *widths;      /* in the arena */
	struct arena arena;
};

static const char *cell_text(struct grid *g, enum cell_kind kind, const union cell *c)
{
	char number[NUMBER_MAX];

	if (cell_is_text(kind))
		return escape_visible(&g->arena, c->text ? c->text : "");
	return arena_strdup(&g->arena, cell_shown(number, kind, c));
}

/* The row whose first cell this is. */
static void fill_row(struct grid *g, size_t first)
{
	for (uint32_t i = 0; i < g->table->n_columns; i++) {
		const char *text = cell_text(g, g->table->columns[i].kind,
			&g->table->cells[first + i]);
		size_t width = visible_width(text);

		g->cells[first + i] = text;
		if (width > g->widths[i])
			g->widths[i] = width;
	}
}

static void grid_init(struct grid *g, const struct table *t)
{
	memset(g, 0, sizeof(*g));
	g->table = t;
	g->cells = arena_alloc(&g->arena, t->n_columns * sizeof(*g->cells) * t->n_rows);
	g->titles = arena_alloc(&g->arena, t->n_columns * sizeof(*g->titles));
	g->widths = arena_alloc(&g->arena, t->n_columns * sizeof(*g->widths));
	for (uint32_t i = 0; i < t->n_columns; i++) {
		g->titles[i] = escape_visible(&g->arena, t->columns[i].title);
		g->widths[i] = visible_width(g->titles[i]);
	}
	for (uint32_t row = 0; row < t->n_rows; row++)
		fill_row(g, (size_t)row * t->n_columns);
}

static size_t grid_width(const struct grid *g)
{
	size_t width = 0;

	for (uint32_t i = 0; i < g->table->n_columns; i++)
		width += g->widths[i] + (i ? GAP : 0);
	return width;
}

/* The widest column of text, if it can be made narrower. */
static size_t *widest_text(const struct grid *g)
{
	size_t *widest = NULL;

	for (uint32_t i = 0; i < g->table->n_columns; i++)
		if (cell_is_text(g->table->columns[i].kind) && g->widths[i] > MIN_COLUMN &&
			(!widest || g->widths[i] > *widest))
			widest = &g->widths[i];
	return widest;
}

/* Takes columns from the widest texts until the table fits, or nothing more can be taken. */
static void grid_shrink(struct grid *g, size_t width)
{
	size_t *widest;

	while (grid_width(g) > width && (widest = widest_text(g)))
		--*widest;
}

/* Numbers to the right, text to the left; nothing behind the last text. */
static void put_padded(FILE *out, const struct grid *g, uint32_t column, const char *text)
{
	bool left = cell_is_text(g->table->columns[column].kind);
	bool last = column + 1 == g->table->n_columns;
	size_t room = g->widths[column], n = visible_fit(text, room), width;
	bool cut = text[n];

	if (cut)
		n = visible_fit(text, room - 1);
	width = visible_width(text);
	width = cut || width > room ? room : width;
	if (!left)
		put_spaces(out, room - width);
	fprintf(out, "%.*s%s", (int)n, text, cut ? "…" : "");
	if (left && !last)
		put_spaces(out, room - width);
	fputs(last ? "\n" : "  ", out);
}

static void put_row(FILE *out, const struct grid *g, const char *const *cells)
{
	for (uint32_t i = 0; i < g->table->n_columns; i++)
		put_padded(out, g, i, cells[i]);
}

static void put_table(FILE *out, const struct table *t, const struct render_options *o)
{
	struct grid g;

	if (!t->n_rows) {
		fputs("(nothing)\n", out);
		return;
	}
	grid_init(&g, t);
	if (o->width)
		grid_shrink(&g, o->width);
	fputs(style(o, "\033[4m"), out);
	put_row(out, &g, g.titles);
	fputs(style(o, "\033[0m"), out);
	for (uint32_t row = 0; row < t->n_rows; row++)
		put_row(out, &g, g.cells + (size_t)row * t->n_columns);
	arena_done(&g.arena);
}

static void put_facts(FILE *out, const struct table *t)
{
	struct grid g;

	grid_init(&g, t);
	for (uint32_t row = 0; row < t->n_rows; row++) {
		const char *name = g.cells[row * 2];

		fprintf(out, "%s:", name);
		put_spaces(out, g.widths[0] - visible_width(name) + GAP);
		fprintf(out, "%s\n", g.cells[row * 2 + 1]);
	}
	arena_done(&g.arena);
}

/* ---- the report ---- */

static void put_line(FILE *out, const char *before, const char *text, const char *after)
{
	fputs(before, out);
	escape_put(out, ESCAPE_TEXT, text);
	fputs(after, out);
	putc_unlocked('\n', out);
}

static void put_header(const struct report *r, const struct render_options *o, FILE *out)
{
	const char *plain = style(o, "\033[0m");

	put_line(out, style(o, "\033[1m"), r->title, plain);
	if (*r->subtitle)
		put_line(out, style(o, "\033[2m"), r->subtitle, plain);
	if (r->overview)
		put_facts(out, r->overview);
	for (uint32_t i = 0; i < r->n_notes; i++) {
		bool warning = r->notes[i].level == NOTE_WARNING;

		fputs(warning ? style(o, "\033[33m") : "", out);
		fputs(warning ? "warning: " : "note: ", out);
		if (note_is_aside(&r->notes[i]))
			fprintf(out, "%s: ", r->notes[i].group);
		put_line(out, "", r->notes[i].text, warning ? plain : "");
	}
}

static void put_section(FILE *out, const struct section *s, const struct render_options *o)
{
	switch (s->kind) {
	case SECTION_TABLE:
		if (s->table->facts)
			put_facts(out, s->table);
		else
			put_table(out, s->table, o);
		return;
	case SECTION_TREE: text_tree_put(out, s->tree, o); return;
	case SECTION_HISTOGRAM: text_histogram_put(out, s->distribution, o); return;
	case SECTION_HEATMAP: text_heatmap_put(out, s->heatmap, o); return;
	case SECTION_TIMELINE: put_table(out, s->timeline->table, o); return;
	}
}

static void put_findings(const struct report *r, const struct render_options *o, FILE *out)
{
	if (!r->n_findings)
		return;
	fputs("\n", out);
	put_line(out, style(o, "\033[1m"), "Findings", style(o, "\033[0m"));
	for (uint32_t i = 0; i < r->n_findings; i++) {
		fprintf(out, "%u. ", i + 1);
		put_line(out, "", r->findings[i].text, "");
	}
}

static int render_text(const struct report *r, const struct render_options *o, FILE *out,
	struct err *err)
{
	put_header(r, o, out);
	put_findings(r, o, out);
	for (uint32_t i = 0; i < r->n_sections; i++) {
		const struct section *s = &r->sections[i];

		putc_unlocked('\n', out);
		if (*s->group)
			fprintf(out, "%s%s: ", style(o, "\033[1m"), s->group);
		if (strcmp(s->title, r->title) != 0)
			put_line(out, style(o, "\033[1m"), s->title, style(o, "\033[0m"));
		put_section(out, s, o);
	}
	return 0;
}

const struct renderer out_text = {
	.name = "text",
	.suffix = ".txt",
	.summary = "for a terminal",
	.one_by_one = true,
	.render = render_text,
};
