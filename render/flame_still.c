/* The tree is walked in order of drawing; edge[] remembers for each row how far to the right it is
 * drawn, which is all that is needed to place the next frame. */
#include "render/flame_still.h"

#include <string.h>

#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/number.h"
#include "render/palette.h"
#include "render/pixel_text.h"
#include "render/svg.h"

/* Pixels. */
enum { MIN_WIDTH = 1, MIN_TEXT = 20, PADDING = 4, FONT = 11 };

struct still {
	FILE *out; /* NULL: only measure */
	const struct tree *tree;
	struct still_shape shape;
	unsigned x, y;
	bool icicle;
	double scale; /* pixels for one of weight */
	double edge[STILL_MAX_ROWS + 2];
	struct arena scratch; /* reset for each text */
	struct arena names;   /* that had to be cut */
};

static double row_top(const struct still *s, uint32_t depth)
{
	uint32_t row = s->icicle ? depth : s->shape.rows - 1 - depth;

	return (double)s->y + (double)row * STILL_ROW;
}

/* What a viewer shows when the pointer rests on a frame. */
static void put_title(struct still *s, const char *label, const char *kind, uint64_t weight)
{
	char percent[NUMBER_MAX];
	char *text = arena_printf(&s->scratch, "%s (%s, %s%s%s)", label,
		weight_text(&s->scratch, weight, s->tree->unit),
		number_percent(percent, share(weight, s->tree->nodes[0].total)), *kind ? ", " : "",
		kind);

	fputs("<title>", s->out);
	escape_put(s->out, ESCAPE_XML, text);
	fputs("</title>", s->out);
	arena_reset(&s->scratch);
}

/* The text, cut to what fits. */
static void put_label(struct still *s, const char *label, double x, double top, double width)
{
	double room = width - 2 * PADDING;
	char *text;
	size_t n;

	if (width < MIN_TEXT)
		return;
	text = escape_visible(&s->scratch, label);
	n = pixel_fit(text, FONT, room);
	if (text[n])
		n = pixel_fit(text, FONT, room - FONT);
	if (n && text[n])
		strcpy(text + n, "…");
	if (n) {
		fputs("<text", s->out);
		svg_put_pixels(s->out, "x", x + PADDING);
		svg_put_pixels(s->out, "y", top + 13);
		putc_unlocked('>', s->out);
		escape_put(s->out, ESCAPE_XML, text);
		fputs("</text>", s->out);
	}
	arena_reset(&s->scratch);
}

static void put_rect(struct still *s, double x, double top, double width)
{
	int corner = width > 12 ? 2 : width > 4;

	fputs("<rect", s->out);
	svg_put_pixels(s->out, "x", x);
	svg_put_pixels(s->out, "y", top);
	/* A gap to the neighbour, if there is anything to take it from. */
	svg_put_pixels(s->out, "width", width > 3 ? width - 1 : width > 1 ? width - 0.3 : width);
	fprintf(s->out, " height=\"%d\" rx=\"%d\"", STILL_ROW - 1, corner);
}

static void put_frame(struct still *s, uint32_t node, uint32_t depth, double width)
{
	const struct tree_frame *f = tree_frame_of(s->tree, node);
	double x = s->edge[depth], top = row_top(s, depth);
	const char *name = flame_name(&s->names, f->name);
	unsigned color = palette_index(f);

	fputs("<g>", s->out);
	put_title(s, name, f->kind == FRAME_NONE ? "" : frame_kind_name(f->kind),
		s->tree->nodes[node].total);
	put_rect(s, x, top, width);
	fprintf(s->out, " class=\"c%u\" fill=\"#%06x\"/>", color, palette_light(color));
	put_label(s, name, x, top, width);
	fputs("</g>\n", s->out);
	arena_reset(&s->names);
}

static bool is_seen(const struct still *s, uint64_t weight)
{
	return weight >= s->shape.smallest && (double)weight * s->scale >= MIN_WIDTH;
}

/* The children that are too narrow, and where a frame for them goes: behind the others. */
static struct flame_rest small_children(const struct still *s, uint32_t node, double *x)
{
	const struct tree *t = s->tree;
	struct flame_rest small = { 0 };

	for (uint32_t n = t->nodes[node].first_child; n; n = t->nodes[n].next) {
		if (is_seen(s, t->nodes[n].total)) {
			*x += (double)t->nodes[n].total * s->scale;
		} else if (t->nodes[n].total) {
			small.weight += t->nodes[n].total;
			small.n++;
		}
	}
	return small;
}

static void put_small(struct still *s, const struct flame_rest *small, uint32_t depth, double x)
{
	double width = (double)small->weight * s->scale;
	char label[64], number[NUMBER_MAX];

	snprintf(label, sizeof(label), "%s small frame%s", number_count(number, small->n),
		small->n > 1 ? "s" : "");
	fputs("<g>", s->out);
	put_title(s, label, "", small->weight);
	put_rect(s, x, row_top(s, depth), width);
	fputs(" fill=\"url(#hatch)\"/>", s->out);
	put_label(s, label, x, row_top(s, depth), width);
	fputs("</g>\n", s->out);
}

static void count_row(struct still *s, uint32_t depth)
{
	if (depth >= s->shape.rows)
		s->shape.rows = depth + 1;
}

/* A frame, and its small children. */
static void visit(struct still *s, uint32_t node, uint32_t depth, double width)
{
	double x = s->edge[depth];
	struct flame_rest small = small_children(s, node, &x);

	count_row(s, depth);
	if (s->out)
		put_frame(s, node, depth, width);
	if ((double)small.weight * s->scale < (double)MIN_WIDTH / 2 || depth + 1 >= STILL_MAX_ROWS)
		return;
	count_row(s, depth + 1);
	if (s->out)
		put_small(s, &small, depth + 1, x);
}

static void walk(struct still *s)
{
	uint32_t node = 0, depth = 0;
	bool seen;

	s->edge[0] = s->x;
	do {
		double width = (double)s->tree->nodes[node].total * s->scale;

		seen = is_seen(s, s->tree->nodes[node].total);
		s->shape.is_higher |= seen && depth >= STILL_MAX_ROWS;
		seen = seen && depth < STILL_MAX_ROWS;
		if (seen) {
			visit(s, node, depth, width);
			s->edge[depth + 1] = s->edge[depth];
			s->edge[depth] += width;
		}
		node = tree_next(s->tree, node, seen, &depth);
	} while (node);
}

static struct still still_of(FILE *out, const struct tree *t, unsigned width)
{
	uint64_t total = t->nodes[0].total;

	return (struct still){ .out = out,
		.tree = t,
		.shape.width = width,
		.scale = total ? (double)width / (double)total : 0 };
}

struct still_shape flame_still_shape(const struct tree *t, unsigned width, double min_percent)
{
	struct still s = still_of(NULL, t, width);

	s.shape.smallest = flame_smallest(t, min_percent);
	walk(&s);
	return s.shape;
}

void flame_still_put(FILE *out, const struct tree *t, const struct still_shape *shape, unsigned x,
	unsigned y, bool icicle)
{
	struct still s = still_of(out, t, shape->width);

	s.shape = *shape;
	s.x = x;
	s.y = y;
	s.icicle = icicle;
	fputs("<g fill=\"#16181d\" font-family=\"Verdana, 'DejaVu Sans', sans-serif\" "
	      "font-size=\"11\">\n",
		out);
	walk(&s);
	fputs("</g>\n", out);
	arena_done(&s.scratch);
	arena_done(&s.names);
}
