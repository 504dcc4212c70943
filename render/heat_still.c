/* Cells of one colour are one path whose unit is a cell, neighbours in a row one stroke of it: some
 * six bytes for a run of cells. */
#include "render/heat_still.h"

#include <stdlib.h>

#include "render/escape.h"
#include "render/heat_levels.h"
#include "render/number.h"
#include "render/pixel_text.h"
#include "render/svg.h"
#include "render/ticks.h"

/* Pixels. */
enum {
	FONT = 11,
	TITLE = 18, /* the line above the cells */
	BELOW = 56, /* the axis of time, and the legend */
	PLOT = 360, /* the cells together, about */
	MAX_CELL = 40,
	MAX_CELL_HEIGHT = 24,
	Y_TICK = 36, /* one for so many */
	LINE = 16,
	X_TICK = 110,
	KEY = 14,
	AXIS_END = 24, /* half of the last label */
	LEGEND = 560,
};

/* `most` wins. */
static unsigned between(unsigned v, unsigned least, unsigned most)
{
	v = v < least ? least : v;
	return v > most ? most : v;
}

static unsigned y_ticks(const struct heat_picture *p, struct tick *ticks)
{
	unsigned apart = p->map.y.kind == CELL_NUMBER ? LINE : Y_TICK;

	return ticks_of(&p->map.y, ticks, p->map.y.n * p->cell_height / apart + 1);
}

static unsigned label_width(const struct heat_picture *p)
{
	struct tick ticks[MAX_TICKS];
	double widest = 0;

	for (unsigned n = y_ticks(p, ticks); n--;) {
		double width = pixel_width(ticks[n].label, FONT);

		widest = width > widest ? width : widest;
	}
	return (unsigned)widest + 10;
}

struct heat_picture heat_picture_of(const struct heatmap *h, unsigned width, struct arena *a)
{
	struct heat_picture p = { .map = *h,
		.flame = h->flame,
		.n_columns = h->x.n,
		.merged = 1,
		.top = TITLE,
		.width = width };
	unsigned room;

	if (!h->x.n)
		return p;
	p.cell_height = between(PLOT / h->y.n, 3, MAX_CELL_HEIGHT);
	p.left = label_width(&p);
	room = width > p.left + 20 ? width - p.left : 20;
	p.merged = (h->x.n + room - 1) / room;
	if (p.merged > 1)
		p.map = heatmap_coarser(h, p.merged, 1, a);
	p.cell_width = between(room / p.map.x.n, 1, MAX_CELL);
	p.width = between(p.left + p.map.x.n * p.cell_width + AXIS_END, LEGEND, width);
	p.height = TITLE + p.map.y.n * p.cell_height + BELOW;
	return p;
}

/* ---- cells ---- */

static void put_run(FILE *out, uint32_t column, uint32_t n, uint32_t row)
{
	fprintf(out, "M%u %uh%u", column, row, n);
}

/* All cells of a level, the highest row first. */
static void put_level(FILE *out, const struct heatmap *h, const uint8_t *levels, unsigned level)
{
	for (uint32_t row = h->y.n; row-- > 0;) {
		const uint8_t *line = levels + (size_t)row * h->x.n;

		for (uint32_t i = 0, n; i < h->x.n; i += n) {
			for (n = 1; i + n < h->x.n && line[i + n] == line[i];)
				n++;
			if (line[i] == level)
				put_run(out, i, n, h->y.n - 1 - row);
		}
	}
}

static void put_cells(FILE *out, const struct heatmap *h, const struct heat_levels *l)
{
	size_t n = (size_t)h->x.n * h->y.n;
	uint8_t *levels = xcalloc(n, 1);
	bool there[HEAT_COLORS + 1] = { false };

	for (size_t i = 0; i < n; i++) {
		levels[i] = (uint8_t)heat_level(l, h->cells[i]);
		there[levels[i]] = true;
	}
	for (unsigned level = 1; level <= l->n; level++) {
		unsigned color = heat_color(l, level);

		if (!there[level])
			continue;
		fprintf(out, "<path class=\"h%u\" stroke=\"#%06x\" d=\"", color,
			(unsigned)heat_light(color));
		put_level(out, h, levels, level);
		fputs("\"/>\n", out);
	}
	free(levels);
}

/* ---- around them ---- */

static void put_y_axis(FILE *out, const struct heat_picture *p, unsigned x, unsigned y)
{
	struct tick ticks[MAX_TICKS];
	unsigned n = y_ticks(p, ticks), bottom = y + p->top + p->map.y.n * p->cell_height;

	svg_put_label(out, x + p->left, y + FONT, SVG_START, p->map.y.title);
	for (unsigned i = 0; i < n; i++) {
		double at = bottom - ticks[i].at * p->cell_height;

		svg_put_line(out, x + p->left - 4, at, x + p->left, at);
		svg_put_label(out, x + p->left - 7, at + 4, SVG_END, ticks[i].label);
	}
}

static void put_x_axis(FILE *out, const struct heat_picture *p, unsigned x, unsigned y)
{
	unsigned width = p->map.x.n * p->cell_width;
	unsigned bottom = y + p->top + p->map.y.n * p->cell_height;
	struct tick ticks[MAX_TICKS];
	unsigned n = ticks_of(&p->map.x, ticks, width / X_TICK + 2);

	for (unsigned i = 0; i < n; i++) {
		double at = x + p->left + ticks[i].at * p->cell_width;
		double half = pixel_width(ticks[i].label, FONT) / 2;
		bool is_over = at + half > x + p->width;

		svg_put_line(out, at, bottom, at, bottom + 4);
		svg_put_label(out, at, bottom + 16, is_over ? SVG_END : SVG_MIDDLE, ticks[i].label);
	}
}

/* "12" or "12.3%". */
static const char *count_text(struct arena *a, const struct heatmap *h, uint64_t count)
{
	char number[NUMBER_MAX];

	if (h->full)
		return arena_strdup(a, number_percent(number, share(count, h->full)));
	return arena_strdup(a, number_weight(number, count, h->counted));
}

static void put_key(FILE *out, struct arena *a, const struct heatmap *h,
	const struct heat_levels *l, unsigned level, double x, double y)
{
	unsigned color = heat_color(l, level);
	uint64_t from = l->from[level - 1], last = l->from[level] - (level < l->n);

	fprintf(out,
		"<rect class=\"h%u\" fill=\"#%06x\" stroke=\"none\" width=\"%d\" height=\"12\"",
		color, (unsigned)heat_light(color), KEY);
	svg_put_pixels(out, "x", x);
	svg_put_pixels(out, "y", y);
	fputs("><title>", out);
	escape_put(out, ESCAPE_XML, count_text(a, h, from));
	if (last > from) {
		fputs(" to ", out);
		escape_put(out, ESCAPE_XML, count_text(a, h, last));
	}
	fputs("</title></rect>\n", out);
}

static void put_legend(FILE *out, const struct heat_picture *p, const struct heat_levels *l,
	unsigned x, unsigned y)
{
	struct arena a = { 0 };
	const struct heatmap *h = &p->map;
	const char *suffix = h->full ? "busy" : unit_suffix(h->counted);
	const char *first, *last;
	double at = x + p->left;

	if (!l->n)
		return;
	y += p->height - 12;
	first = count_text(&a, h, h->full ? 0 : 1);
	last = arena_printf(&a, "%s %s in a cell, on a %s scale", count_text(&a, h, l->from[l->n]),
		suffix, h->full || h->linear ? "linear" : "log");
	svg_put_label(out, at, y, SVG_START, first);
	at += pixel_width(first, FONT) + 6;
	for (unsigned level = 1; level <= l->n; level++, at += KEY)
		put_key(out, &a, h, l, level, at, y - 10);
	svg_put_label(out, at + 6, y, SVG_START, last);
	arena_done(&a);
}

void heat_still_put(FILE *out, const struct heat_picture *p, unsigned x, unsigned y)
{
	const struct heatmap *h = &p->map;
	struct heat_levels l = heat_levels_of(h, HEAT_COLORS);

	fprintf(out,
		"<rect class=\"plot\" fill=\"#f6f7f9\" x=\"%u\" y=\"%u\" width=\"%u\" "
		"height=\"%u\"/>\n<g class=\"cells\" shape-rendering=\"crispEdges\" "
		"transform=\"translate(%u %u) scale(%u %u) translate(0 .5)\">\n",
		x + p->left, y + p->top, h->x.n * p->cell_width, h->y.n * p->cell_height,
		x + p->left, y + p->top, p->cell_width, p->cell_height);
	put_cells(out, h, &l);
	fputs("</g>\n", out);
	put_y_axis(out, p, x, y);
	put_x_axis(out, p, x, y);
	put_legend(out, p, &l, x, y);
}
