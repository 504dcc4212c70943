/* Comma-separated values, for spreadsheets and scripts: RFC 4180, with plain line feeds.
 *
 * One table, with a line of column names (those of JSON): a report of several sections makes several files,
 * or one is chosen (command_render). Numbers are plain, in the unit of the column's kind: ns, bytes, a part of
 * 1. A tree is the columns path, kind, module,
 * total, self: frames joined by `;`, parents before children, the root's path empty. Stacks are
 * cut as in folded stacks (stack_line.h); the last row of a cut one has all its weight as self. A
 * histogram is the columns series, from, to, count: powers of two, from <= value < to. A heatmap is
 * the columns x_from, x_to, y_from, y_to, count, of the cells that hold something.
 *
 * A text that begins with = + - or @ gets a ' in front: spreadsheets would run it as a formula, and
 * names come from whoever was recorded. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "render/cell.h"
#include "render/escape.h"
#include "render/heatmap.h"
#include "render/histogram_view.h"
#include "render/render.h"
#include "render/timeline.h"
#include "render/tree.h"
#include "render/stack_line.h"

static void put_text(FILE *out, const char *s)
{
	bool formula = *s && strchr("=+-@", *s);

	if (!formula && !s[strcspn(s, ",\"\n\r ")]) {
		escape_put(out, ESCAPE_CSV, s);
		return;
	}
	fputs(formula ? "\"'" : "\"", out);
	escape_put(out, ESCAPE_CSV, s);
	putc_unlocked('"', out);
}

static void put_row(FILE *out, const struct table *t, const union cell *row)
{
	char number[NUMBER_MAX];

	for (uint32_t i = 0; i < t->n_columns; i++) {
		enum cell_kind kind = t->columns[i].kind;

		if (i)
			putc_unlocked(',', out);
		if (cell_is_text(kind))
			put_text(out, row[i].text ? row[i].text : "");
		else
			fputs(cell_raw(number, kind, &row[i]), out);
	}
	putc_unlocked('\n', out);
}

static void put_table(FILE *out, const struct table *t)
{
	for (uint32_t i = 0; i < t->n_columns; i++) {
		fputs(i ? "," : "", out);
		put_text(out, t->columns[i].name);
	}
	putc_unlocked('\n', out);
	for (uint32_t row = 0; row < t->n_rows; row++)
		put_row(out, t, t->cells + (size_t)row * t->n_columns);
}

/* The path is always in quotes, so that only its beginning needs a look. */
static void put_tree(FILE *out, const struct tree *t)
{
	struct stack_line line;
	uint32_t node = 0, depth = 0;
	char total[NUMBER_MAX], self[NUMBER_MAX];

	stack_line_init(&line, t, ESCAPE_CSV_FOLDED, false, "");
	fputs("path,kind,module,total,self\n", out);
	do {
		const struct tree_node *n = &t->nodes[node];
		const struct tree_frame *f = tree_frame_of(t, node);
		const char *path = stack_line_set(&line, node, depth);
		bool deeper = depth == STACK_LINE_MAX && n->first_child;

		fprintf(out, "\"%s%s\",%s,", *path && strchr("=+-@", *path) ? "'" : "", path,
			frame_kind_name(f->kind));
		put_text(out, f->module);
		fprintf(out, ",%s,%s\n", number_plain(total, n->total),
			number_plain(self, deeper ? n->total : n->self));
		node = tree_next(t, node, !deeper, &depth);
	} while (node);
	stack_line_done(&line);
}

static void put_histogram(FILE *out, const struct distribution *d)
{
	fputs("series,from,to,count\n", out);
	for (uint32_t i = 0; i < d->n_series; i++) {
		struct histogram_view v = histogram_view_of(d->series[i].histogram);

		for (unsigned k = v.first; k <= v.last; k++) {
			struct histogram_bucket b = histogram_power(k);

			put_text(out, d->series[i].name);
			fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n", b.first,
				b.last + (b.last < UINT64_MAX), v.powers[k]);
		}
	}
}

static void put_heatmap(FILE *out, const struct heatmap *h)
{
	fputs("x_from,x_to,y_from,y_to,count\n", out);
	for (uint32_t i = 0; i < h->x.n; i++)
		for (uint32_t row = 0; row < h->y.n; row++)
			if (heatmap_cell(h, i, row))
				fprintf(out,
					"%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
					"\n",
					h->x.edges[i], h->x.edges[i + 1], h->y.edges[row],
					h->y.edges[row + 1], heatmap_cell(h, i, row));
}

static int render_csv(const struct report *r, const struct render_options *o, FILE *out,
	struct err *err)
{
	const struct section *s = r->sections;

	if (r->n_sections > 1)
		return err_set(err, ENOTSUP, "holds one table, not %u", r->n_sections);
	if (!r->n_sections)
		return 0;
	switch (s->kind) {
	case SECTION_TABLE: put_table(out, s->table); break;
	case SECTION_TREE: put_tree(out, s->tree); break;
	case SECTION_HISTOGRAM: put_histogram(out, s->distribution); break;
	case SECTION_HEATMAP: put_heatmap(out, s->heatmap); break;
	case SECTION_TIMELINE: put_table(out, s->timeline->table); break;
	}
	return 0;
}

const struct renderer out_csv = {
	.name = "csv",
	.suffix = ".csv",
	.summary = "comma-separated values: one table a file, several in a folder",
	.one_section = true,
	.render = render_csv,
};
