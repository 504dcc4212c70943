/* One SVG file that is two things: a drawn picture for viewers that run no script (an <img>, an
 * image viewer, a document), and, opened in a browser, the same graph alive. The script takes the
 * drawing away and puts the live one in its place; its data is in the file, and it asks for
 * nothing from anywhere. */
#include <errno.h>
#include <string.h>

#include "render/assets.h"
#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/flame_data.h"
#include "render/flame_still.h"
#include "render/heat_levels.h"
#include "render/heat_still.h"
#include "render/number.h"
#include "render/palette.h"
#include "render/pixel_text.h"
#include "render/render.h"
#include "render/tree.h"

/* Pixels. */
enum { DEFAULT_WIDTH = 1200, MIN_WIDTH = 200, MARGIN = 12, LINE = 17, EMPTY_HEIGHT = 60 };

struct picture {
	FILE *out; /* NULL: only measure */
	const struct report *report;
	const struct render_options *options;
	unsigned width, y;
	struct arena arena;
};

/* ---- text ---- */

static void put_text(struct picture *p, unsigned x, unsigned size, const char *attributes,
	const char *text, size_t n)
{
	if (!p->out)
		return;
	fprintf(p->out, "<text x=\"%u\" y=\"%u\" font-size=\"%u\"%s>", x, p->y, size, attributes);
	escape_put(p->out, ESCAPE_XML, arena_strndup(&p->arena, text, n));
	fputs("</text>\n", p->out);
}

/* How much of the text goes on this line: up to the last space that fits, if there is one. */
static size_t line_length(const char *text, unsigned size, double room)
{
	size_t fits = pixel_fit(text, size, room), n = fits;

	if (!text[fits])
		return fits;
	while (n && text[n] != ' ')
		n--;
	return n ? n : fits ? fits : 1;
}

/* Text of as many lines as it takes; moves y down. */
static void put_paragraph(struct picture *p, unsigned size, const char *attributes,
	const char *text)
{
	const char *s = escape_visible(&p->arena, text);

	while (*s) {
		size_t n = line_length(s, size, p->width - 2 * MARGIN);

		p->y += size + 5;
		put_text(p, MARGIN, size, attributes, s, n);
		s += n;
		s += strspn(s, " ");
	}
}

static void put_header(struct picture *p)
{
	const struct report *r = p->report;

	put_paragraph(p, 16, " font-weight=\"bold\"", r->title);
	put_paragraph(p, 12, " class=\"muted\" fill=\"#59606d\"", r->subtitle);
	for (uint32_t i = 0; i < r->n_notes; i++) {
		bool warning = r->notes[i].level == NOTE_WARNING;

		put_paragraph(p, 12, "",
			arena_printf(&p->arena, "%s%s", warning ? "Warning: " : "",
				r->notes[i].text));
	}
	p->y += MARGIN;
}

/* ---- graphs ---- */

/* What the full width stands for. */
static const char *whole_text(struct picture *p, const struct tree *t)
{
	return escape_visible(&p->arena,
		arena_printf(&p->arena, "width: share of %s",
			weight_text(&p->arena, t->nodes[0].total, t->unit)));
}

static void put_legend(struct picture *p, const struct tree *t)
{
	static const char *const words[FRAME_N_KINDS] = { "process or thread", "user", "inlined",
		"JIT", "kernel", "unknown" };
	bool there[FRAME_N_KINDS] = { false };
	unsigned x = MARGIN;
	const char *whole = whole_text(p, t);

	for (uint32_t f = 0; f < t->n_frames; f++)
		there[t->frames[f].kind] = true;
	p->y += LINE + 4;
	for (unsigned kind = 0; kind < FRAME_N_KINDS; kind++) {
		unsigned color = kind * PALETTE_SHADES + 3;

		if (!there[kind])
			continue;
		if (p->out)
			fprintf(p->out,
				"<rect x=\"%u\" y=\"%u\" width=\"14\" height=\"12\" rx=\"2\" "
				"class=\"c%u\" fill=\"#%06x\"/>\n",
				x, p->y - 10, color, palette_light(color));
		put_text(p, x + 19, 11, " class=\"muted\" fill=\"#59606d\"", words[kind],
			strlen(words[kind]));
		x += 19 + (unsigned)pixel_width(words[kind], 11) + 16;
	}
	if (x + pixel_width(whole, 11) < p->width - MARGIN)
		put_text(p, p->width - MARGIN - (unsigned)pixel_width(whole, 11), 11,
			" class=\"muted\" fill=\"#59606d\"", whole, strlen(whole));
	p->y += 4;
}

static void put_graph(struct picture *p, const struct tree *t)
{
	struct still_shape shape = flame_still_shape(t, p->width - 2 * MARGIN,
		p->options->min_percent);
	bool icicle = p->options->inverted;

	if (p->out)
		flame_still_put(p->out, t, &shape, MARGIN, p->y, icicle);
	p->y += shape.rows * STILL_ROW;
	put_legend(p, t);
	if (shape.is_higher)
		put_paragraph(p, 11, "",
			arena_printf(&p->arena,
				"Stacks go higher than the %d "
				"frames drawn here; a browser shows all of them.",
				STILL_MAX_ROWS));
}

static void put_tree(struct picture *p, const struct tree *t)
{
	if (t->nodes[0].total)
		put_graph(p, t);
	else
		put_paragraph(p, 13, "", flame_note(&(struct flame_cut){ 0 }, t, &p->arena));
}

/* A group that the script can take out and put into the live page; what it must know to do so is in
 * its attributes. */
static void open_group(struct picture *p, const struct section *s, unsigned width, unsigned height)
{
	fputs("<g class=\"drawn\" data-id=\"", p->out);
	escape_put(p->out, ESCAPE_XML, s->id);
	fprintf(p->out, "\" data-box=\"%u %u %u %u\">\n", MARGIN, p->y, width, height);
}

static void put_histogram(struct picture *p, const struct section *s)
{
	unsigned height = histogram_still_height(s->distribution);

	if (p->out) {
		open_group(p, s, p->width - 2 * MARGIN, height);
		histogram_still_put(p->out, s->distribution, MARGIN, p->y, p->width - 2 * MARGIN);
		fputs("</g>\n", p->out);
	}
	p->y += height;
}

static void put_heatmap(struct picture *p, const struct section *s)
{
	struct heat_picture pic = heat_picture_of(s->heatmap, p->width - 2 * MARGIN, &p->arena);

	if (!s->heatmap->x.n) {
		put_paragraph(p, 13, "", "There is nothing to show.");
		return;
	}
	if (p->out) {
		open_group(p, s, pic.width, pic.height);
		heat_still_put(p->out, &pic, MARGIN, p->y);
		fputs("</g>\n", p->out);
	}
	p->y += pic.height;
}

/* A timeline lives in a page only: it is too large to be looked at as a whole. */
static bool is_drawn(const struct section *s)
{
	return s->kind != SECTION_TABLE && s->kind != SECTION_TIMELINE;
}

static unsigned count_pictures(const struct report *r)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < r->n_sections; i++)
		n += is_drawn(&r->sections[i]);
	return n;
}

static void put_sections(struct picture *p)
{
	unsigned n = count_pictures(p->report);

	for (uint32_t i = 0; i < p->report->n_sections; i++) {
		const struct section *s = &p->report->sections[i];

		if (!is_drawn(s))
			continue;
		if (n > 1)
			put_paragraph(p, 14, " font-weight=\"bold\"", s->title);
		p->y += n > 1 ? 8 : 0;
		switch (s->kind) {
		case SECTION_TREE: put_tree(p, s->tree); break;
		case SECTION_HISTOGRAM: put_histogram(p, s); break;
		case SECTION_HEATMAP: put_heatmap(p, s); break;
		case SECTION_TABLE:
		case SECTION_TIMELINE: break;
		}
		p->y += MARGIN;
	}
}

/* Everything that is drawn. Once to measure the height, once to write. */
static unsigned put_picture(const struct report *r, const struct render_options *o, FILE *out)
{
	struct picture p = { .out = out, .report = r, .options = o, .y = MARGIN - 4 };

	p.width = o->width ? o->width : DEFAULT_WIDTH;
	if (p.width < MIN_WIDTH)
		p.width = MIN_WIDTH;
	put_header(&p);
	put_sections(&p);
	arena_done(&p.arena);
	return p.y;
}

/* ---- the file ---- */

static void put_styles(FILE *out)
{
	fputs("<style><![CDATA[\n", out);
	assets_put(out, still_styles);
	assets_put(out, picture_styles);
	palette_put_css(out);
	heat_put_css(out);
	fputs("]]></style>\n<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" "
	      "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
	      "<rect class=\"hatch-back\" width=\"6\" height=\"6\" fill=\"#eceff3\"/>"
	      "<path class=\"hatch-line\" d=\"M1 0V6\" stroke=\"#c3c9d3\" stroke-width=\"2\"/>"
	      "</pattern></defs>\n",
		out);
}

/* One element for all: an SVG has no policy that would name them one by one. */
static void put_scripts(FILE *out)
{
	fputs("<script><![CDATA[\n", out);
	assets_put(out, picture_scripts);
	assets_put(out, main_scripts);
	fputs("]]></script>\n", out);
}

static int render_svg(const struct report *r, const struct render_options *o, FILE *out,
	struct err *err)
{
	unsigned width = o->width ? o->width : DEFAULT_WIDTH, height;

	if (!count_pictures(r))
		return err_set(err, ENOTSUP,
			"an SVG shows graphs, and this report has only tables: use html or text");
	width = width < MIN_WIDTH ? MIN_WIDTH : width;
	height = put_picture(r, o, NULL) + MARGIN;
	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" role=\"img\">\n<title>",
		width, height, width, height);
	escape_put(out, ESCAPE_XML, r->title);
	fputs("</title>\n", out);
	put_styles(out);
	fputs("<g id=\"still\" class=\"still\" fill=\"#16181d\" "
	      "font-family=\"Verdana, 'DejaVu Sans', sans-serif\">\n"
	      "<rect class=\"back\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
		out);
	put_picture(r, o, out);
	fputs("</g>\n", out);
	flame_data_put(out, r, o, width - 2 * MARGIN);
	put_scripts(out);
	fputs("</svg>\n", out);
	return 0;
}

const struct renderer out_svg = {
	.name = "svg",
	.suffix = ".svg",
	.summary = "graphs in one file: a picture, and in a browser a live one",
	.render = render_svg,
};
