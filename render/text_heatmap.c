/* Cells are shaded characters; those of a large heatmap stand for several. */
#include "render/text_heatmap.h"

#include <string.h>

#include "render/escape.h"
#include "render/heat_levels.h"
#include "render/heatmap.h"
#include "render/ticks.h"

enum {
	WIDTH = 100,
	MIN_COLUMNS = 20,
	LINES = 24,
	SHADES = 4,
	TICK_LINES = 3,
	TICK_COLUMNS = 14,
	MAX_CELL = 4
};

static const char *const shades[SHADES + 1] = { " ", "░", "▒", "▓", "█" };

static void put_line(FILE *out, const char *text)
{
	escape_put(out, ESCAPE_TEXT, text);
	putc_unlocked('\n', out);
}

static uint32_t factor(uint32_t n, uint32_t room)
{
	return (n + room - 1) / room;
}

/* The fullest cells are always the darkest. */
static const char *shade(const struct heat_levels *l, unsigned level)
{
	return shades[level ? level + SHADES - l->n : 0];
}

static void put_spaces(FILE *out, size_t n)
{
	for (; n; n--)
		putc_unlocked(' ', out);
}

/* Characters a cell is wide: few columns would be a thin picture. */
static uint32_t cell_width(const struct heatmap *h, size_t room)
{
	size_t width = room / h->x.n;

	return width < 1 ? 1 : width > MAX_CELL ? MAX_CELL : (uint32_t)width;
}

static void put_times(FILE *out, const char *s, uint32_t n)
{
	for (; n; n--)
		fputs(s, out);
}

/* The tick that belongs to this row, or NULL. */
static const struct tick *tick_in(const struct tick *ticks, unsigned n, uint32_t row,
	uint32_t n_rows)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t at = (uint32_t)ticks[i].at;

		if ((at < n_rows ? at : n_rows - 1) == row)
			return &ticks[i];
	}
	return NULL;
}

static size_t widest(const struct tick *ticks, unsigned n)
{
	size_t width = 0;

	for (unsigned i = 0; i < n; i++)
		if (visible_width(ticks[i].label) > width)
			width = visible_width(ticks[i].label);
	return width;
}

static void put_rows(FILE *out, const struct heatmap *h, const struct heat_levels *levels,
	const struct tick *ticks, unsigned n_ticks, size_t margin, uint32_t wide)
{
	for (uint32_t row = h->y.n; row-- > 0;) {
		const struct tick *t = tick_in(ticks, n_ticks, row, h->y.n);

		put_spaces(out, margin - (t ? visible_width(t->label) : 0));
		fprintf(out, "%s %s", t ? t->label : "", t ? "┤" : "│");
		for (uint32_t i = 0; i < h->x.n; i++)
			put_times(out, shade(levels, heat_level(levels, heatmap_cell(h, i, row))),
				wide);
		putc_unlocked('\n', out);
	}
}

/* A line with marks, and one with what they say. */
static void put_time_axis(FILE *out, const struct heatmap *h, size_t margin, uint32_t wide)
{
	struct tick ticks[MAX_TICKS];
	unsigned n = ticks_of(&h->x, ticks, h->x.n * wide / TICK_COLUMNS + 2);
	size_t at = 0;

	for (unsigned i = 0; i < n; i++)
		ticks[i].at *= wide;

	put_spaces(out, margin + 1);
	fputs("└", out);
	for (uint32_t i = 0; i < h->x.n * wide; i++)
		fputs(tick_in(ticks, n, i, h->x.n * wide) ? "┬" : "─", out);
	putc_unlocked('\n', out);
	put_spaces(out, margin + 2);
	for (unsigned i = 0; i < n; i++) {
		size_t column = (size_t)ticks[i].at;

		if (i && column < at + 1)
			continue;
		put_spaces(out, column - at);
		fputs(ticks[i].label, out);
		at = column + visible_width(ticks[i].label);
	}
	putc_unlocked('\n', out);
}

static void put_legend(FILE *out, const struct heatmap *h, const struct heat_levels *l,
	size_t margin)
{
	char number[NUMBER_MAX];

	put_spaces(out, margin + 2);
	for (unsigned i = 0; i < l->n; i++) {
		if (h->full)
			number_percent(number, i ? share(l->from[i], h->full) : 0);
		else
			number_weight(number, l->from[i], h->counted);
		fprintf(out, "%s%s from %s", i ? "  " : "", shade(l, i + 1), number);
	}
	fprintf(out, " %s\n", h->full ? "" : unit_suffix(h->counted));
}

void text_heatmap_put(FILE *out, const struct heatmap *h, const struct render_options *o)
{
	struct tick ticks[MAX_TICKS];
	struct arena a = { 0 };
	struct heatmap small;
	struct heat_levels levels;
	size_t width = o->width ? o->width : WIDTH, margin;
	uint32_t wide;
	unsigned n;

	if (!h->x.n) {
		fputs("(nothing)\n", out);
		return;
	}
	small = heatmap_coarser(h, 1, factor(h->y.n, LINES), &a);
	n = ticks_of(&small.y, ticks, small.y.n / TICK_LINES + 2);
	margin = widest(ticks, n);
	width = width > margin + 2 + MIN_COLUMNS ? width - margin - 2 : MIN_COLUMNS;
	small = heatmap_coarser(&small, factor(h->x.n, (uint32_t)width), 1, &a);
	levels = heat_levels_of(&small, SHADES);
	wide = cell_width(&small, width);
	put_line(out, h->y.title);
	put_rows(out, &small, &levels, ticks, n, margin, wide);
	put_time_axis(out, &small, margin, wide);
	put_legend(out, &small, &levels, margin);
	arena_done(&a);
}
