/* The whole report as one page that stands alone: flame graphs, and the tables in between.
 *
 * A Content-Security-Policy forbids the page everything but its own scripts, which it names by
 * their hashes, and its own styles: there is nothing it could load, and nowhere it could send
 * anything. Text from a trace is markup only in escaped form (escape.h); the data for the script
 * is JSON that cannot leave its element. */
#include <inttypes.h>
#include <string.h>

#include "render/assets.h"
#include "render/cell.h"
#include "render/escape.h"
#include "render/flame_data.h"
#include "render/heat_levels.h"
#include "render/heat_still.h"
#include "render/histogram_view.h"
#include "render/number.h"
#include "render/palette.h"
#include "render/render.h"
#include "render/table_slices.h"
#include "render/timeline.h"

enum { DRAWING_WIDTH = 1200, LEAST_WIDTH = 900 };

static void put_element(FILE *out, const char *open, const char *text, const char *close)
{
	fputs(open, out);
	escape_put(out, ESCAPE_XML, text);
	fputs(close, out);
}

/* ---- head ---- */

static bool put_hashes(FILE *out, const struct asset *const *list)
{
	for (; *list; list++) {
		const char *hash = asset_hash(*list);

		if (!hash)
			return false;
		fprintf(out, " '%s'", hash);
	}
	return true;
}

static void put_policy(FILE *out)
{
	fputs("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; script-src",
		out);
	if (!put_hashes(out, picture_scripts) || !put_hashes(out, report_scripts) ||
		!put_hashes(out, main_scripts))
		fputs(" 'unsafe-inline'", out);
	fputs("\">\n", out);
}

static void put_head(const struct report *r, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", out);
	put_policy(out);
	fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"color-scheme\" content=\"light dark\">\n",
		out);
	put_element(out, "<title>", r->title, "</title>\n<style>\n");
	assets_put(out, picture_styles);
	assets_put(out, report_styles);
	assets_put(out, still_styles);
	palette_put_css(out);
	heat_put_css(out);
	fputs("</style>\n</head>\n<body class=\"page\">\n", out);
}

static void put_note(FILE *out, const struct note *n)
{
	fprintf(out, "<p class=\"note %s\">", note_level_name(n->level));
	put_element(out, "", n->text, "</p>\n");
}

static void put_facts(FILE *out, const char *class, const struct table *t)
{
	fprintf(out, "<dl class=\"%s\">\n", class);
	for (uint32_t row = 0; row < t->n_rows; row++) {
		put_element(out, "<div><dt>", t->cells[row * 2].text, "</dt>");
		put_element(out, "<dd>", t->cells[row * 2 + 1].text, "</dd></div>\n");
	}
	fputs("</dl>\n", out);
}

static void put_header(const struct report *r, FILE *out)
{
	put_element(out, "<header>\n<h1>", r->title, "</h1>\n");
	if (*r->subtitle)
		put_element(out, "<p class=\"subtitle\">", r->subtitle, "</p>\n");
	if (r->overview)
		put_facts(out, "overview", r->overview);
	for (uint32_t i = 0; i < r->n_notes; i++)
		if (!note_is_aside(&r->notes[i]))
			put_note(out, &r->notes[i]);
	fputs("</header>\n", out);
}

static void put_group(const struct report *r, const char *group, FILE *out)
{
	put_element(out, "<h2 class=\"group\">", group, "</h2>\n");
	for (uint32_t i = 0; i < r->n_notes; i++)
		if (note_is_aside(&r->notes[i]) && strcmp(r->notes[i].group, group) == 0)
			put_note(out, &r->notes[i]);
}

/* Whether a section is the first of its group. */
static bool begins_group(const struct report *r, uint32_t i)
{
	const char *group = r->sections[i].group;

	return *group && (i == 0 || strcmp(group, r->sections[i - 1].group) != 0);
}

static void put_contents(const struct report *r, FILE *out)
{
	if (r->n_sections < 3)
		return;
	fputs("<nav aria-label=\"Contents\">\n", out);
	for (uint32_t i = 0; i < r->n_sections; i++) {
		if (begins_group(r, i))
			put_element(out, "<b>", r->sections[i].group, "</b>\n");
		put_element(out, "<a href=\"#", r->sections[i].id, "\">");
		put_element(out, "", r->sections[i].title, "</a>\n");
	}
	fputs("</nav>\n", out);
}

/* To the section; or to a moment in it, with some time around, and the window on it (page/link.js). */
static void put_evidence(FILE *out, const struct finding *f)
{
	uint64_t around = (f->to_ns - f->from_ns) / 2;
	uint64_t from = f->from_ns > around ? f->from_ns - around : 0;

	put_element(out, " <a href=\"#", f->section, "");
	if (f->to_ns)
		fprintf(out,
			".s=%" PRIu64 "-%" PRIu64 "&amp;window.s=%" PRIu64 "-%" PRIu64
			"\">Show when</a></li>\n",
			from, f->to_ns + around, f->from_ns, f->to_ns);
	else
		fputs("\">Show</a></li>\n", out);
}

static void put_findings(const struct report *r, FILE *out)
{
	if (!r->n_findings)
		return;
	fputs("<section id=\"findings\">\n<h2>Findings</h2>\n<ol class=\"findings\">\n", out);
	for (uint32_t i = 0; i < r->n_findings; i++) {
		put_element(out, "<li>", r->findings[i].text, "");
		put_evidence(out, &r->findings[i]);
	}
	fputs("</ol>\n</section>\n", out);
}

/* Seen while a window is chosen. */
static void put_whole(FILE *out)
{
	fputs("<p class=\"whole shown-time\">Of the whole recording, not of the window.</p>\n",
		out);
}

/* ---- tables ---- */

/* The value as a script can compare it, and as a person reads it. */
static void put_cell(FILE *out, enum cell_kind kind, const union cell *c)
{
	char raw[NUMBER_MAX], shown[NUMBER_MAX];

	if (cell_is_text(kind)) {
		put_element(out, "<td>", c->text ? c->text : "", "</td>");
		return;
	}
	fprintf(out, "<td class=\"n\" data-v=\"%s\">", cell_raw(raw, kind, c));
	put_element(out, "", cell_shown(shown, kind, c), "</td>");
}

static void put_rows(FILE *out, const struct table *t)
{
	for (uint32_t row = 0; row < t->n_rows && row < PAGE_MAX_ROWS; row++) {
		fputs("<tr>", out);
		for (uint32_t i = 0; i < t->n_columns; i++)
			put_cell(out, t->columns[i].kind,
				&t->cells[(size_t)row * t->n_columns + i]);
		fputs("</tr>\n", out);
	}
}

static void put_table(FILE *out, const struct table *t)
{
	char shown[NUMBER_MAX], all[NUMBER_MAX];

	if (!t->n_rows) {
		fputs("<p class=\"more\">Nothing was found.</p>\n", out);
		return;
	}
	fputs("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>", out);
	for (uint32_t i = 0; i < t->n_columns; i++)
		put_element(out,
			cell_is_text(t->columns[i].kind) ? "<th scope=\"col\">"
							 : "<th scope=\"col\" class=\"n\">",
			t->columns[i].title, "</th>");
	fputs("</tr></thead>\n<tbody>\n", out);
	put_rows(out, t);
	fputs("</tbody></table></div>\n", out);
	if (t->n_rows > PAGE_MAX_ROWS)
		fprintf(out,
			"<p class=\"more\">The first %s of %s rows; JSON and CSV have all of "
			"them.</p>\n",
			number_count(shown, PAGE_MAX_ROWS), number_count(all, t->n_rows));
}

/* ---- sections ---- */

static void put_flame(FILE *out, const struct section *s)
{
	put_element(out, "<div class=\"flame waiting\" data-id=\"", s->id,
		"\"><noscript>"
		"<p class=\"note\">The graph needs JavaScript, which this page runs from itself "
		"only. An SVG (-o file.svg) shows it without.</p></noscript></div>\n");
}

/* An SVG element for a drawing of this size, which shrinks with the window as long as its text can be
 * read. */
static void open_drawing(FILE *out, const struct section *s, unsigned width, unsigned height)
{
	put_element(out, "<div class=\"drawing\" data-id=\"", s->id, "\">");
	fprintf(out,
		"<svg class=\"still\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" "
		"style=\"min-width:%upx\" role=\"img\" fill=\"#16181d\"",
		width, height, width, height, width < LEAST_WIDTH ? width : LEAST_WIDTH);
	put_element(out, " aria-label=\"", s->title, "\">\n");
}

/* The numbers that a histogram's bars show, for those who see no bars. */
static void put_buckets(FILE *out, const struct distribution *d, const struct series *s)
{
	struct histogram_view v = histogram_view_of(s->histogram);
	char from[NUMBER_MAX], to[NUMBER_MAX], count[NUMBER_MAX];

	put_element(out, "<details><summary>", *s->name ? s->name : d->value,
		" as a table</summary>\n");
	put_whole(out);
	fputs("<table><thead><tr>", out);
	put_element(out, "<th scope=\"col\" class=\"n\">", d->value, " from</th>");
	fputs("<th scope=\"col\" class=\"n\">below</th>", out);
	put_element(out, "<th scope=\"col\" class=\"n\">", d->counted,
		"</th></tr></thead>\n<tbody>\n");
	for (unsigned k = v.first; k <= v.last; k++) {
		struct histogram_bucket b = histogram_power(k);

		fprintf(out,
			"<tr><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
			value_text(from, d->kind, b.first),
			value_text(to, d->kind, b.last + (b.last < UINT64_MAX)),
			number_count(count, v.powers[k]));
	}
	fputs("</tbody></table></details>\n", out);
}

static void put_histogram(FILE *out, const struct section *s)
{
	const struct distribution *d = s->distribution;

	open_drawing(out, s, DRAWING_WIDTH, histogram_still_height(d));
	histogram_still_put(out, d, 0, 0, DRAWING_WIDTH);
	fputs("</svg></div>\n", out);
	for (uint32_t i = 0; i < d->n_series; i++)
		if (d->series[i].histogram->count)
			put_buckets(out, d, &d->series[i]);
}

static void put_heatmap(FILE *out, const struct section *s)
{
	struct arena a = { 0 };
	struct heat_picture p = heat_picture_of(s->heatmap, DRAWING_WIDTH, &a);

	if (!s->heatmap->x.n) {
		fputs("<p class=\"more\">There is nothing to show.</p>\n", out);
		return;
	}
	open_drawing(out, s, p.width, p.height);
	heat_still_put(out, &p, 0, 0);
	fputs("</svg></div>\n", out);
	arena_done(&a);
}

/* The picture needs the script; the table of its lanes is for who sees none, and for paper. */
static void put_timeline(FILE *out, const struct section *s)
{
	put_element(out, "<div class=\"timeline waiting\" data-id=\"", s->id,
		"\"><noscript>"
		"<p class=\"note\">The timeline needs JavaScript, which this page runs from itself "
		"only.</p></noscript></div>\n");
	if (*s->timeline->note)
		put_element(out, "<p class=\"hint-below\">", s->timeline->note, "</p>\n");
	fputs("<details class=\"lanes\"><summary>Lanes as a table</summary>\n", out);
	put_table(out, s->timeline->table);
	fputs("</details>\n", out);
}

/* Whether a heading would only say again what the page's title says. */
static bool says_it_all(const struct report *r, const struct section *s)
{
	return r->n_sections == 1 && !strcmp(r->title, s->title);
}

/* Whether a section shows the window that is chosen in a timeline. */
static bool follows_window(const struct section *s)
{
	switch (s->kind) {
	case SECTION_TREE: return s->slices;
	case SECTION_TABLE:
	case SECTION_HISTOGRAM: return table_slices_known(s);
	case SECTION_HEATMAP:
	case SECTION_TIMELINE: return true;
	}
	return false;
}

static void put_section(FILE *out, const struct report *r, const struct section *s)
{
	put_element(out, "<section id=\"", s->id, "\">\n");
	if (!says_it_all(r, s))
		put_element(out, *s->group ? "<h3>" : "<h2>", s->title,
			*s->group ? "</h3>\n" : "</h2>\n");
	if (report_has_timeline(r) && !follows_window(s))
		put_whole(out);
	switch (s->kind) {
	case SECTION_TABLE:
		if (s->table->facts)
			put_facts(out, "facts", s->table);
		else
			put_table(out, s->table);
		break;
	case SECTION_TREE: put_flame(out, s); break;
	case SECTION_HISTOGRAM: put_histogram(out, s); break;
	case SECTION_HEATMAP: put_heatmap(out, s); break;
	case SECTION_TIMELINE: put_timeline(out, s); break;
	}
	fputs("</section>\n", out);
}

/* ---- scripts ---- */

/* Nothing but the file's own bytes between the tags: the hash is taken over exactly these. */
static void put_scripts(FILE *out, const struct asset *const *list)
{
	for (; *list; list++) {
		fputs("<script>", out);
		assets_put(out, (const struct asset *const[]){ *list, NULL });
		fputs("</script>\n", out);
	}
}

static int render_html(const struct report *r, const struct render_options *o, FILE *out,
	struct err *err)
{
	put_head(r, out);
	put_header(r, out);
	put_findings(r, out);
	put_contents(r, out);
	fputs("<main>\n", out);
	for (uint32_t i = 0; i < r->n_sections; i++) {
		if (begins_group(r, i))
			put_group(r, r->sections[i].group, out);
		put_section(out, r, &r->sections[i]);
	}
	fputs("</main>\n", out);
	flame_data_put(out, r, o, DRAWING_WIDTH);
	put_scripts(out, picture_scripts);
	put_scripts(out, report_scripts);
	put_scripts(out, main_scripts);
	fputs("</body>\n</html>\n", out);
	return 0;
}

const struct renderer out_html = {
	.name = "html",
	.suffix = ".html",
	.summary = "one page with live flame graphs and sortable tables; needs no network",
	.render = render_html,
};
