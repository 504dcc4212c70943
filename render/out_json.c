/* JSON for scripts, by the schemas in specs/schema/. Stable: members may be added within a version, none
 * changes its meaning.
 *
 *	{"format": "rec-report", "version": 1, "report": "block",
 *	 "title": "...", "subtitle": "...", "overview": {"what": "..."},
 *	 "notes": [{"level": "warning", "text": "..."}],
 *	 "sections": {
 *	  "latency": {"kind": "table", "title": "...",
 *	   "columns": [{"name": "p99", "title": "99%", "unit": "ns"}],
 *	   "rows": [{"p99": 1234}]},
 *	  "run": {"kind": "facts", "title": "...", "facts": {"Kernel": "6.18"}},
 *	  "cpu": {"kind": "tree", "title": "...", "unit": "samples",
 *	   "root": {"name": "all", "kind": "none", "value": 3, "self": 0, "children": [...]},
 *	   "continued": []},
 *	  "waits": {"kind": "histogram", "title": "...", "value": "Latency", "unit": "ns",
 *	   "counted": "requests",
 *	   "series": [{"name": "", "count": 3, "sum": 61, "min": 4, "mean": 20, "max": 45,
 *	    "percentiles": {"p50": 12, ...}, "buckets": [{"from": 4, "to": 8, "count": 1}, ...]}]},
 *	  "map": {"kind": "heatmap", "title": "...", "counted": "requests", "full": 0,
 *	   "x": {"title": "Time", "unit": "ns", "edges": [0, 15625, ...]},
 *	   "y": {"title": "Latency", "unit": "ns", "edges": [4, 8, 16, ...]},
 *	   "cells": [[0, 3, ...], ...]}}}
 *
 * Numbers are plain: units are text, count, number, ns, bytes, fraction (of 1), float, address; what
 * is no finite number is null. A bucket is from <= v < to, a cell likewise; the cells are rows of y,
 * lowest first, each with one count for every column of x, which is time since the trace's start.
 * `full` is the count of a cell that is used all the time, 0 where there is no such thing.
 *
 * A node has "module" where one is known, and "children" if there are any, in order of name. Parsers
 * give up on deep nesting (jq 1.6 at 85 objects, Python at 500), and stacks can be deep: a node 64
 * levels above the root has, instead of "children", a number "continued": its children are that
 * element of the section's list "continued", which are written the same way, 64 levels at a time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "render/cell.h"
#include "render/escape.h"
#include "render/heatmap.h"
#include "render/histogram_view.h"
#include "render/render.h"
#include "render/timeline.h"
#include "render/tree.h"

enum { MAX_LEVELS = 64 };

static void put_string(FILE *out, const char *s)
{
	putc_unlocked('"', out);
	escape_put(out, ESCAPE_JSON, s);
	putc_unlocked('"', out);
}

static void put_member(FILE *out, const char *key, const char *value, const char *after)
{
	fprintf(out, "\"%s\":", key);
	put_string(out, value);
	fputs(after, out);
}

/* ---- tables ---- */

static void put_cell(FILE *out, enum cell_kind kind, const union cell *c)
{
	char number[NUMBER_MAX];

	if (cell_is_text(kind) && c->text)
		put_string(out, c->text);
	else if (cell_is_text(kind) || !*cell_raw(number, kind, c))
		fputs("null", out);
	else
		fputs(number, out);
}

static void put_columns(FILE *out, const struct table *t)
{
	fputs("\"columns\":[", out);
	for (uint32_t i = 0; i < t->n_columns; i++) {
		fputs(i ? ",{" : "{", out);
		put_member(out, "name", t->columns[i].name, ",");
		put_member(out, "title", t->columns[i].title, ",");
		put_member(out, "unit", cell_kind_name(t->columns[i].kind), "}");
	}
	fputs("],", out);
}

static void put_table(FILE *out, const struct table *t)
{
	put_columns(out, t);
	fputs("\"rows\":[", out);
	for (uint32_t row = 0; row < t->n_rows; row++) {
		fputs(row ? ",\n{" : "\n{", out);
		for (uint32_t i = 0; i < t->n_columns; i++) {
			fputs(i ? "," : "", out);
			put_string(out, t->columns[i].name);
			putc_unlocked(':', out);
			put_cell(out, t->columns[i].kind,
				&t->cells[(size_t)row * t->n_columns + i]);
		}
		putc_unlocked('}', out);
	}
	fputs("]", out);
}

static void put_facts(FILE *out, const char *key, const struct table *t)
{
	fprintf(out, "\"%s\":{", key);
	for (uint32_t row = 0; row < t->n_rows; row++) {
		fputs(row ? ",\n" : "\n", out);
		put_string(out, t->cells[row * 2].text);
		putc_unlocked(':', out);
		put_string(out, t->cells[row * 2 + 1].text);
	}
	fputs("}", out);
}

/* ---- trees ---- */

/* Nodes whose children are still to be written, in order of their numbers. */
struct later {
	uint32_t *nodes; /* owned */
	uint32_t n, cap;
};

static uint32_t put_off(struct later *l, uint32_t node)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->nodes = xrealloc(l->nodes, l->cap, sizeof(*l->nodes));
	}
	l->nodes[l->n] = node;
	return l->n++;
}

static void put_node(FILE *out, const struct tree *t, uint32_t node)
{
	const struct tree_frame *f = tree_frame_of(t, node);

	putc_unlocked('{', out);
	put_member(out, "name", f->name, ",");
	if (*f->module)
		put_member(out, "module", f->module, ",");
	fprintf(out, "\"kind\":\"%s\",\"value\":%" PRIu64 ",\"self\":%" PRIu64,
		frame_kind_name(f->kind), t->nodes[node].total, t->nodes[node].self);
}

/* Writes the children of `top` as a list, MAX_LEVELS of them at most one inside the other. Each
 * node is closed when the walk goes on to a sibling or back to a parent: no recursion. */
static void put_children(FILE *out, const struct tree *t, uint32_t top, struct later *later)
{
	uint32_t node = t->nodes[top].first_child, depth = 1;

	putc_unlocked('[', out);
	while (node) {
		uint32_t child = t->nodes[node].first_child;

		put_node(out, t, node);
		if (child && depth < MAX_LEVELS) {
			fputs(",\n\"children\":[", out);
			node = child;
			depth++;
			continue;
		}
		if (child)
			fprintf(out, ",\"continued\":%u", put_off(later, node));
		putc_unlocked('}', out);
		while (!t->nodes[node].next && --depth > 0) {
			node = t->nodes[node].parent;
			fputs("]}", out);
		}
		node = depth ? t->nodes[node].next : 0;
		fputs(node ? ",\n" : "]", out);
	}
}

static void put_tree(FILE *out, const struct tree *t)
{
	struct later later = { 0 };

	put_member(out, "unit", t->unit, ",\n\"root\":");
	put_node(out, t, 0);
	if (t->nodes[0].first_child) {
		fputs(",\n\"children\":", out);
		put_children(out, t, 0, &later);
	}
	fputs("},\n\"continued\":[", out);
	for (uint32_t i = 0; i < later.n; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_children(out, t, later.nodes[i], &later);
	}
	fputs("]", out);
	free(later.nodes);
}

/* ---- histograms ---- */

static void put_buckets(FILE *out, const struct histogram *h)
{
	struct histogram_view v = histogram_view_of(h);

	fputs("\"buckets\":[", out);
	for (unsigned k = v.first; k <= v.last; k++) {
		struct histogram_bucket b = histogram_power(k);

		fprintf(out, "%s{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"count\":%" PRIu64 "}",
			k > v.first ? "," : "", b.first, b.last + (b.last < UINT64_MAX),
			v.powers[k]);
	}
	fputs("]", out);
}

static void put_series(FILE *out, const struct series *s)
{
	const struct histogram *h = s->histogram;

	putc_unlocked('{', out);
	put_member(out, "name", s->name, ",");
	fprintf(out,
		"\"count\":%" PRIu64 ",\"sum\":%" PRIu64 ",\"min\":%" PRIu64 ",\"mean\":%" PRIu64
		",\"max\":%" PRIu64 ",\n\"percentiles\":{",
		h->count, h->sum, h->min, histogram_mean(h), h->max);
	for (unsigned i = 0; i < N_PERCENTILES; i++)
		fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", percentiles[i].name,
			histogram_percentile(h, percentiles[i].percent));
	fputs("},\n", out);
	put_buckets(out, h);
	putc_unlocked('}', out);
}

static void put_distribution(FILE *out, const struct distribution *d)
{
	put_member(out, "value", d->value, ",");
	put_member(out, "unit", cell_kind_name(d->kind), ",");
	put_member(out, "counted", d->counted, ",\n\"series\":[");
	for (uint32_t i = 0; i < d->n_series; i++) {
		fputs(i ? ",\n" : "", out);
		put_series(out, &d->series[i]);
	}
	fputs("]", out);
}

/* ---- heatmaps ---- */

static void put_axis(FILE *out, const char *key, const struct heat_axis *a)
{
	fprintf(out, "\n\"%s\":{", key);
	put_member(out, "title", a->title, ",");
	put_member(out, "unit", cell_kind_name(a->kind), ",\"edges\":[");
	for (uint32_t i = 0; a->n && i <= a->n; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", a->edges[i]);
	fputs("]},", out);
}

static void put_heatmap(FILE *out, const struct heatmap *h)
{
	put_member(out, "counted", h->counted, ",");
	fprintf(out, "\"full\":%" PRIu64 ",", h->full);
	put_axis(out, "x", &h->x);
	put_axis(out, "y", &h->y);
	fputs("\n\"cells\":[", out);
	for (uint32_t row = 0; row < h->y.n; row++) {
		fputs(row ? "],\n[" : "\n[", out);
		for (uint32_t i = 0; i < h->x.n; i++)
			fprintf(out, "%s%" PRIu64, i ? "," : "", heatmap_cell(h, i, row));
	}
	fputs(h->y.n ? "]]" : "]", out);
}

/* ---- the report ---- */

static const char *kind_name(const struct section *s)
{
	static const char *const names[] = {
		[SECTION_TABLE] = "table",
		[SECTION_TREE] = "tree",
		[SECTION_HISTOGRAM] = "histogram",
		[SECTION_HEATMAP] = "heatmap",
		[SECTION_TIMELINE] = "table", /* its lanes */
	};

	return s->kind == SECTION_TABLE && s->table->facts ? "facts" : names[s->kind];
}

static void put_section(FILE *out, const struct section *s)
{
	put_string(out, s->id);
	fprintf(out, ":{\"kind\":\"%s\",", kind_name(s));
	put_member(out, "title", s->title, ",");
	switch (s->kind) {
	case SECTION_TABLE:
		if (s->table->facts)
			put_facts(out, "facts", s->table);
		else
			put_table(out, s->table);
		break;
	case SECTION_TREE: put_tree(out, s->tree); break;
	case SECTION_HISTOGRAM: put_distribution(out, s->distribution); break;
	case SECTION_HEATMAP: put_heatmap(out, s->heatmap); break;
	case SECTION_TIMELINE: put_table(out, s->timeline->table); break;
	}
	fputs("}", out);
}

static void put_findings(FILE *out, const struct report *r)
{
	if (!r->n_findings)
		return;
	fputs("\"findings\":[", out);
	for (uint32_t i = 0; i < r->n_findings; i++) {
		fprintf(out, "%s{\"ns\":%" PRIu64 ",", i ? ",\n" : "", r->findings[i].ns);
		put_member(out, "text", r->findings[i].text, ",");
		put_member(out, "section", r->findings[i].section, "}");
	}
	fputs("],\n", out);
}

static int render_json(const struct report *r, const struct render_options *o, FILE *out,
	struct err *err)
{
	fputs("{\"format\":\"rec-report\",\"version\":1,\n", out);
	if (r->name)
		put_member(out, "report", r->name, ",\n");
	put_member(out, "title", r->title, ",\n");
	put_member(out, "subtitle", r->subtitle, ",\n");
	if (r->overview) {
		put_facts(out, "overview", r->overview);
		fputs(",\n", out);
	}
	fputs("\"notes\":[", out);
	for (uint32_t i = 0; i < r->n_notes; i++) {
		fprintf(out, "%s{\"level\":\"%s\",", i ? ",\n" : "",
			note_level_name(r->notes[i].level));
		if (*r->notes[i].group)
			put_member(out, "part", r->notes[i].group, ",");
		put_member(out, "text", r->notes[i].text, "}");
	}
	fputs("],\n", out);
	put_findings(out, r);
	fputs("\"sections\":{", out);
	for (uint32_t i = 0; i < r->n_sections; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_section(out, &r->sections[i]);
	}
	fputs("}}\n", out);
	return 0;
}

const struct renderer out_json = {
	.name = "json",
	.suffix = ".json",
	.summary = "everything, for scripts; numbers plain, the layout stable",
	.one_by_one = true,
	.render = render_json,
};
