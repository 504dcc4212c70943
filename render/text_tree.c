/* One line per frame: its share of the whole, the share that it spends itself, its weight, its
 * name. The heaviest child comes first. A dash begins a branch; an only child stands under its
 * parent without being indented, so that deep stacks stay on the screen:
 *
 *	 total    self  samples  frame (small: below 2.0%)
 *	100.0%    0.0%      200  - all
 *	100.0%    2.0%      200    main  (+1 small, 0.5%)
 *	 61.0%   61.0%      122    - compute
 *	 30.0%    0.0%       60    - read_all
 *	 30.0%   30.0%       60      read
 *	  6.5%               13    - (8 more below 2.0%)
 *
 * Children below the limit are counted: together at the end of their parent's line, or, if they
 * are not small together, on a line of their own. What is to be printed waits on a stack of our
 * own, as trees are deeper than the C stack. */
#include "render/text_tree.h"

#include <stdlib.h>
#include <string.h>

#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/number.h"

#define DEFAULT_PERCENT 0.5

/* Columns in front of the name, without those of the weight. */
enum { DEFAULT_WIDTH = 100, FIXED_COLUMNS = 18 };

static const char *const kind_color[FRAME_N_KINDS] = {
	[FRAME_NONE] = "",
	[FRAME_USER] = "",
	[FRAME_INLINED] = "\033[33m",
	[FRAME_JIT] = "\033[32m",
	[FRAME_KERNEL] = "\033[36m",
	[FRAME_UNKNOWN] = "\033[2m",
};

struct line {
	uint32_t node;
	uint32_t indent;        /* in steps of two columns */
	bool branch;            /* begins with a dash */
	struct flame_rest rest; /* if n is not 0, this is the line for those not listed */
};

struct text_tree {
	FILE *out;
	const struct tree *tree;
	const struct render_options *options;
	uint64_t smallest;
	double percent;
	unsigned weight_width, max_indent;
	struct line *lines; /* owned; a stack */
	size_t n, cap;
	struct arena scratch; /* of one line */
};

static struct line *push(struct text_tree *p)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->lines = xrealloc(p->lines, p->cap, sizeof(*p->lines));
	}
	p->lines[p->n] = (struct line){ 0 };
	return &p->lines[p->n++];
}

/* ---- what comes next ---- */

struct child {
	uint64_t total;
	uint32_t node, place;
};

/* The lightest first, as the last one pushed is printed first; equal ones by name. */
static int compare_children(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	if (x->total != y->total)
		return x->total < y->total ? -1 : 1;
	return x->place > y->place ? -1 : 1;
}

/* Children that are listed; the others go to *rest. The caller frees the result. */
static struct child *list_children(const struct text_tree *p, uint32_t parent, uint32_t *n,
	struct flame_rest *rest)
{
	struct child *list = NULL;
	uint32_t cap = 0;

	*n = 0;
	for (uint32_t c = p->tree->nodes[parent].first_child; c; c = p->tree->nodes[c].next) {
		uint64_t total = p->tree->nodes[c].total;

		if (total < p->smallest) {
			rest->n += total > 0;
			rest->weight += total;
			continue;
		}
		if (*n == cap) {
			cap = cap ? cap * 2 : 16;
			list = xrealloc(list, cap, sizeof(*list));
		}
		list[*n] = (struct child){ total, c, *n };
		++*n;
	}
	if (list)
		qsort(list, *n, sizeof(*list), compare_children);
	return list;
}

/* ---- lines ---- */

static void put_numbers(struct text_tree *p, uint64_t total, const char *self)
{
	char percent[NUMBER_MAX], weight[NUMBER_MAX];
	const char *text = number_weight(weight, total, p->tree->unit);
	unsigned width = (unsigned)visible_width(text);

	fprintf(p->out, "%6s  %6s  %*s%s  ",
		number_percent(percent, share(total, p->tree->nodes[0].total)), self,
		(int)(p->weight_width > width ? p->weight_width - width : 0), "", text);
}

/* Deeper than fits, the number of steps stands for them. */
static unsigned put_indent(struct text_tree *p, const struct line *l)
{
	unsigned indent = l->indent < p->max_indent ? l->indent : p->max_indent;
	int width = fprintf(p->out, "%*s", (int)indent * 2, "");

	if (l->indent > p->max_indent)
		width += fprintf(p->out, "+%u ", l->indent - p->max_indent);
	fputs(l->branch ? "- " : "  ", p->out);
	return (unsigned)width + 2;
}

/* Cut so that the suffix still fits. */
static void put_name(struct text_tree *p, uint32_t node, unsigned column, const char *suffix)
{
	const struct tree_frame *f = tree_frame_of(p->tree, node);
	const char *color = p->options->color ? kind_color[f->kind] : "";
	const char *name = *f->name ? f->name : "(no name)";
	const char *mark = p->options->annotate ? frame_kind_mark(f->kind) : "";
	char *text = escape_visible(&p->scratch, arena_printf(&p->scratch, "%s%s", name, mark));
	unsigned used = column + (unsigned)strlen(suffix);
	unsigned room = p->options->width > used + 8 ? p->options->width - used : 8;
	size_t n = p->options->width ? visible_fit(text, room) : strlen(text);
	bool cut = text[n];

	if (cut)
		n = visible_fit(text, room - 1);
	fprintf(p->out, "%s%.*s%s%s%s\n", color, (int)n, text, cut ? "…" : "",
		*color ? "\033[0m" : "", suffix);
	arena_reset(&p->scratch);
}

static void put_frame(struct text_tree *p, const struct line *l, const struct flame_rest *small)
{
	const struct tree_node *n = &p->tree->nodes[l->node];
	uint64_t whole = p->tree->nodes[0].total;
	char percent[NUMBER_MAX], number[NUMBER_MAX], suffix[3 * NUMBER_MAX] = "";
	unsigned column;

	if (small->n)
		snprintf(suffix, sizeof(suffix), "  (+%s small, %s)",
			number_count(number, small->n),
			number_percent(percent, share(small->weight, whole)));
	put_numbers(p, n->total, number_percent(percent, share(n->self, whole)));
	column = FIXED_COLUMNS + p->weight_width + put_indent(p, l);
	put_name(p, l->node, column, suffix);
}

static void put_rest(struct text_tree *p, const struct line *l)
{
	char percent[NUMBER_MAX], count[NUMBER_MAX];

	put_numbers(p, l->rest.weight, "");
	put_indent(p, l);
	fprintf(p->out, "(%s more below %s)\n", number_count(count, l->rest.n),
		number_percent(percent, p->percent / 100));
}

/* ---- the tree ---- */

/* A frame's line; its children's are put on the stack. */
static void expand(struct text_tree *p, const struct line *l)
{
	static const struct flame_rest none = { 0 };
	struct flame_rest rest = { 0 };
	uint32_t n, indent;
	struct child *list = list_children(p, l->node, &n, &rest);
	bool own_line = rest.weight >= p->smallest;
	bool only = n + own_line == 1;

	put_frame(p, l, own_line ? &none : &rest);
	indent = l->indent + !only;
	if (own_line)
		*push(p) = (struct line){ .indent = indent, .branch = true, .rest = rest };
	for (uint32_t i = 0; i < n; i++)
		*push(p) = (struct line){ list[i].node, indent, !only, { 0 } };
	free(list);
}

static void put_heading(struct text_tree *p)
{
	const char *unit = unit_suffix(p->tree->unit);
	const char *title = *unit ? unit : !strcmp(p->tree->unit, "ns") ? "time" : "size";
	char *text = escape_visible(&p->scratch, title), number[NUMBER_MAX];
	size_t width = visible_width(text);
	size_t widest = visible_width(
		number_weight(number, p->tree->nodes[0].total, p->tree->unit));

	/* Durations and sizes of up to "1023.99 KiB" are wider than that of the root may be. */
	widest = *unit || widest > 8 ? widest : 8;
	p->weight_width = (unsigned)(width > widest ? width : widest);
	fprintf(p->out, "%6s  %6s  %*s%s  frame", "total", "self", (int)(p->weight_width - width),
		"", text);
	if (p->smallest > 1)
		fprintf(p->out, " (small: below %s)", number_percent(number, p->percent / 100));
	putc_unlocked('\n', p->out);
	arena_reset(&p->scratch);
}

void text_tree_put(FILE *out, const struct tree *t, const struct render_options *o)
{
	struct text_tree p = { .out = out, .tree = t, .options = o };

	if (!t->nodes[0].total) {
		fputs("Nothing: the tree is empty.\n", out);
		return;
	}
	p.percent = o->min_percent < 0 ? DEFAULT_PERCENT : o->min_percent;
	p.smallest = flame_smallest(t, p.percent);
	p.max_indent = (o->width ? o->width : DEFAULT_WIDTH) / 6;
	put_heading(&p);
	push(&p)->branch = true;
	while (p.n) {
		struct line l = p.lines[--p.n];

		if (l.rest.n)
			put_rest(&p, &l);
		else
			expand(&p, &l);
	}
	free(p.lines);
	arena_done(&p.scratch);
}
