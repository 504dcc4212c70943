/* Bars on a log scale, four or more for each power of two where there is room; all histograms of a
 * section on one scale, so that they can be compared. */
#include <string.h>

#include "format/base/log_scale.h"
#include "render/escape.h"
#include "render/heat_still.h"
#include "render/histogram_view.h"
#include "render/pixel_text.h"
#include "render/svg.h"
#include "render/ticks.h"

/* Pixels. */
enum {
	FONT = 11,
	BOLD = 14, /* what 12 pixels of bold text take of plain */
	NAME = 18,
	LINE = 16,
	MARKS = 16, /* the names of percentiles, above the bars */
	PLOT = 140,
	BELOW = 34,
	LEFT = 64,
	MAX_BARS = 100,
	MAX_BAR = 40,
	X_TICK = 90,
};

struct plot {
	FILE *out;
	const struct distribution *d;
	unsigned x, y, width, bar, bits;
	uint32_t first; /* step of the scale */
	struct heat_axis axis;
	struct arena arena;
};

/* ---- the common axis ---- */

static void range_of(const struct distribution *d, uint64_t *min, uint64_t *max)
{
	*min = UINT64_MAX;
	*max = 0;
	for (uint32_t i = 0; i < d->n_series; i++) {
		const struct histogram *h = d->series[i].histogram;

		*min = h->count && h->min < *min ? h->min : *min;
		*max = h->count && h->max > *max ? h->max : *max;
	}
}

static void plot_init(struct plot *p, unsigned width)
{
	unsigned room = width > LEFT + 100 ? width - LEFT : 100;
	uint64_t min, max, *edges;
	uint32_t last;

	range_of(p->d, &min, &max);
	if (min > max)
		return;
	for (p->bits = HISTOGRAM_BITS - 2;; p->bits--) {
		p->first = log_scale_step(min, p->bits);
		last = log_scale_step(max, p->bits);
		if (last - p->first < MAX_BARS || !p->bits)
			break;
	}
	p->axis = (struct heat_axis){ .kind = p->d->kind, .n = last - p->first + 1, .log = true };
	edges = arena_alloc(&p->arena, (p->axis.n + 1) * sizeof(*edges));
	for (uint32_t i = 0; i <= p->axis.n; i++)
		edges[i] = log_scale_first(p->first + i, p->bits);
	p->axis.edges = edges;
	while (p->bar < MAX_BAR && (p->bar + 1) * p->axis.n <= room)
		p->bar++;
	p->bar += !p->bar;
}

/* Where a value is on the axis, in pixels. */
static double place(const struct plot *p, uint64_t v)
{
	uint32_t i = log_scale_step(v, p->bits) - p->first;
	uint64_t from = p->axis.edges[i], to = p->axis.edges[i + 1];

	return p->x + LEFT + p->bar * (i + (double)(v - from) / (double)(to - from));
}

/* ---- one histogram ---- */

static uint64_t count_bars(const struct plot *p, const struct histogram *h, uint64_t *bars)
{
	struct histogram_bucket b;
	uint64_t most = 0;
	uint32_t at = 0;

	while (histogram_next(h, &at, &b)) {
		uint64_t *bar = &bars[log_scale_step(b.first, p->bits) - p->first];

		*bar += b.count;
		most = *bar > most ? *bar : most;
	}
	return most;
}

static void put_bar(struct plot *p, const struct histogram *h, uint32_t i, uint64_t count,
	uint64_t most)
{
	double height = (double)count / (double)most * PLOT;
	char from[NUMBER_MAX], to[NUMBER_MAX], part[NUMBER_MAX];

	height = height < 1 ? 1 : height;
	fputs("<rect class=\"bar\" fill=\"#1a56db\"", p->out);
	svg_put_pixels(p->out, "x", p->x + LEFT + i * p->bar);
	svg_put_pixels(p->out, "y", p->y + PLOT - height);
	svg_put_pixels(p->out, "width", p->bar > 3 ? p->bar - 1 : p->bar);
	svg_put_pixels(p->out, "height", height);
	fputs("><title>", p->out);
	escape_put(p->out, ESCAPE_XML,
		arena_printf(&p->arena, "%s to %s: %s (%s)",
			value_text(from, p->d->kind, p->axis.edges[i]),
			value_text(to, p->d->kind, p->axis.edges[i + 1]),
			weight_text(&p->arena, count, p->d->counted),
			number_percent(part, share(count, h->count))));
	fputs("</title></rect>\n", p->out);
}

static void put_bars(struct plot *p, const struct histogram *h, const uint64_t *bars, uint64_t most)
{
	struct heat_axis counts = { .kind = CELL_COUNT,
		.n = 1,
		.edges = (const uint64_t[]){ 0, most } };
	struct tick ticks[MAX_TICKS];

	fputs("<g class=\"counts\">", p->out);
	for (unsigned n = ticks_of(&counts, ticks, 4); n--;) {
		double y = p->y + PLOT - ticks[n].at * PLOT;

		svg_put_line(p->out, p->x + LEFT - 4, y, p->x + LEFT, y);
		svg_put_label(p->out, p->x + LEFT - 7, y + 4, SVG_END, ticks[n].label);
	}
	fputs("</g>", p->out);
	for (uint32_t i = 0; i < p->axis.n; i++)
		if (bars[i])
			put_bar(p, h, i, bars[i], most);
}

static void put_axis(struct plot *p)
{
	unsigned width = p->axis.n * p->bar;
	struct tick ticks[MAX_TICKS];
	unsigned n = ticks_of(&p->axis, ticks, width / X_TICK + 1);
	double bottom = p->y + PLOT;

	svg_put_line(p->out, p->x + LEFT, bottom, p->x + LEFT + width, bottom);
	for (unsigned i = 0; i < n; i++) {
		double at = p->x + LEFT + ticks[i].at * p->bar;

		svg_put_line(p->out, at, bottom, at, bottom + 4);
		svg_put_label(p->out, at, bottom + 16, SVG_MIDDLE, ticks[i].label);
	}
}

/* Dashed lines; those whose names would overlap have none. */
static void put_marks(struct plot *p, const struct histogram *h)
{
	double free_from = 0;

	for (unsigned i = 0; i < N_PERCENTILES; i++) {
		double x = place(p, histogram_percentile(h, percentiles[i].percent));
		double half = pixel_width(percentiles[i].name, FONT) / 2 + 3;

		if (x - half < free_from)
			continue;
		free_from = x + half;
		fputs("<g class=\"percentile\"><line class=\"mark\" stroke=\"#b42318\" stroke-dasharray=\"3 3\"",
			p->out);
		svg_put_pixels(p->out, "x1", x);
		svg_put_pixels(p->out, "x2", x);
		svg_put_pixels(p->out, "y1", p->y);
		svg_put_pixels(p->out, "y2", p->y + PLOT);
		fputs("/>\n", p->out);
		svg_put_label(p->out, x, p->y - 4, SVG_MIDDLE, percentiles[i].name);
		fputs("</g>", p->out);
	}
}

static void put_numbers(struct plot *p, const struct histogram *h)
{
	char number[NUMBER_MAX];
	const char *text = arena_printf(&p->arena, "%s: %s", p->d->value,
		weight_text(&p->arena, h->count, p->d->counted));

	text = arena_printf(&p->arena, "%s · min %s", text, value_text(number, p->d->kind, h->min));
	text = arena_printf(&p->arena, "%s · mean %s", text,
		value_text(number, p->d->kind, histogram_mean(h)));
	for (unsigned i = 0; i < N_PERCENTILES; i++)
		text = arena_printf(&p->arena, "%s · %s %s", text, percentiles[i].name,
			value_text(number, p->d->kind,
				histogram_percentile(h, percentiles[i].percent)));
	text = arena_printf(&p->arena, "%s · max %s", text, value_text(number, p->d->kind, h->max));
	fputs("<g class=\"numbers\">", p->out);
	svg_put_label(p->out, p->x, p->y + FONT, SVG_START, text);
	fputs("</g>", p->out);
	p->y += LINE + MARKS;
}

/* As much of it as fits. */
static void put_name(struct plot *p, const char *name)
{
	const char *text = escape_visible(&p->arena, name);
	size_t n = pixel_fit(text, BOLD, p->width);

	fprintf(p->out, "<text x=\"%u\" y=\"%u\" font-size=\"12\" font-weight=\"bold\">", p->x,
		p->y + 12);
	escape_put(p->out, ESCAPE_XML, arena_strndup(&p->arena, text, n));
	fputs("</text>\n", p->out);
	p->y += NAME;
}

static void put_series(struct plot *p, const struct series *s)
{
	uint64_t *bars, most;

	if (*s->name) {
		put_name(p, s->name);
	}
	if (!s->histogram->count) {
		svg_put_label(p->out, p->x, p->y + FONT, SVG_START, "There is nothing to show.");
		p->y += LINE;
		return;
	}
	/* Where things are, for the script: left, top, height, pixels of a bar, bars, bits and first step. */
	fprintf(p->out,
		"<g class=\"series\" data-series=\"%u\" data-plot=\"%u %u %u %u %u %u %u\">",
		(unsigned)(s - p->d->series), p->x + LEFT, p->y + LINE + MARKS, PLOT, p->bar,
		p->axis.n, p->bits, p->first);
	put_numbers(p, s->histogram);
	bars = arena_alloc(&p->arena, p->axis.n * sizeof(*bars));
	most = count_bars(p, s->histogram, bars);
	put_bars(p, s->histogram, bars, most);
	put_marks(p, s->histogram);
	fputs("</g>\n", p->out);
	put_axis(p);
	p->y += PLOT + BELOW;
}

unsigned histogram_still_height(const struct distribution *d)
{
	unsigned height = d->n_series ? 0 : LINE;

	for (uint32_t i = 0; i < d->n_series; i++) {
		height += *d->series[i].name ? NAME : 0;
		height += d->series[i].histogram->count ? LINE + MARKS + PLOT + BELOW : LINE;
	}
	return height;
}

void histogram_still_put(FILE *out, const struct distribution *d, unsigned x, unsigned y,
	unsigned width)
{
	struct plot p = { .out = out, .d = d, .x = x, .y = y, .width = width };

	plot_init(&p, width);
	for (uint32_t i = 0; i < d->n_series; i++)
		put_series(&p, &d->series[i]);
	if (!d->n_series)
		svg_put_label(out, x, y + FONT, SVG_START, "There is nothing to show.");
	arena_done(&p.arena);
}
