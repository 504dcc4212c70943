/* A page must stay small: if what the cells hold is more than MAX_PAIRS numbers, fewer frames are
 * kept, and the weight of those left out counts for the frame that stands for them. */
#include "render/heat_data.h"

#include <inttypes.h>
#include <stdlib.h>

#include "render/cell.h"
#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/flame_data.h"
#include "render/number.h"

enum { MAX_PAIRS = 700000, LEAST_NODES = 500 };

static void put_string(FILE *out, const char *key, const char *s)
{
	fprintf(out, "\"%s\":\"", key);
	escape_put(out, ESCAPE_JSON, s);
	fputs("\",", out);
}

/* ---- cells ---- */

static void put_edge(FILE *out, enum cell_kind kind, uint64_t v)
{
	if (kind == CELL_HEX)
		fprintf(out, "\"0x%" PRIx64 "\"", v);
	else
		fprintf(out, "%" PRIu64, v);
}

static void put_edges(FILE *out, const struct heat_axis *a)
{
	for (uint32_t i = 0; i <= a->n; i++) {
		if (i)
			putc_unlocked(',', out);
		put_edge(out, a->kind, a->edges[i]);
	}
}

static void put_cells(FILE *out, const struct heatmap *h)
{
	size_t n = (size_t)h->x.n * h->y.n;

	fputs("\n\"cells\":[", out);
	for (size_t i = 0, run; i < n; i += run) {
		for (run = 0; i + run < n && !h->cells[i + run];)
			run++;
		if (i)
			putc_unlocked(',', out);
		if (run)
			fprintf(out, "-%zu", run);
		else
			fprintf(out, "%" PRIu64, h->cells[i]);
		run += !run;
	}
	fputs("],", out);
}

/* ---- stacks ---- */

/* The weights of a cell, by the entries of the page's tree. */
struct sums {
	uint64_t *of;   /* owned; by entry */
	uint32_t *list; /* owned; entries that have any */
	uint32_t n;
};

static void sums_init(struct sums *s, uint32_t n_entries)
{
	s->of = xcalloc(n_entries, sizeof(*s->of));
	s->list = xcalloc(n_entries, sizeof(*s->list));
	s->n = 0;
}

static void sums_done(struct sums *s)
{
	free(s->of);
	free(s->list);
}

static void sums_clear(struct sums *s)
{
	while (s->n)
		s->of[s->list[--s->n]] = 0;
}

/* The cell of the drawing, which may be of columns made one. */
static uint32_t drawn_cell(const struct heat_picture *p, uint32_t cell)
{
	uint32_t row = cell / p->n_columns, column = cell % p->n_columns;

	return row * p->map.x.n + column / p->merged;
}

/* Adds up the weights of one cell, from number i on; returns the number behind them. */
static size_t add_up(const struct heat_picture *p, const uint32_t *entry_of, size_t i,
	struct sums *s)
{
	const struct heat_weight *w = p->flame->weights;
	uint32_t cell = drawn_cell(p, w[i].cell);

	sums_clear(s);
	for (; i < p->flame->n && drawn_cell(p, w[i].cell) == cell; i++) {
		uint64_t *sum = &s->of[entry_of[w[i].node]];

		if (!*sum && w[i].weight)
			s->list[s->n++] = entry_of[w[i].node];
		if (__builtin_add_overflow(*sum, w[i].weight, sum))
			*sum = UINT64_MAX;
	}
	return i;
}

static size_t count_pairs(const struct heat_picture *p, const struct flame_entries *e)
{
	struct sums s;
	size_t pairs = 0;

	sums_init(&s, e->n);
	for (size_t i = 0; i < p->flame->n; pairs += s.n)
		i = add_up(p, e->of, i, &s);
	sums_done(&s);
	return pairs;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void put_weights(FILE *out, const struct heat_picture *p, const struct flame_entries *e)
{
	struct sums s;
	uint32_t last = 0;

	sums_init(&s, e->n);
	fputs("\n\"weights\":[", out);
	for (size_t i = 0, next; i < p->flame->n; i = next) {
		uint32_t cell = drawn_cell(p, p->flame->weights[i].cell), before = 0;

		next = add_up(p, e->of, i, &s);
		qsort(s.list, s.n, sizeof(*s.list), by_number);
		fprintf(out, "%s%u,%u", i ? "," : "", cell - last, s.n);
		for (uint32_t k = 0; k < s.n; k++) {
			fprintf(out, ",%u,%" PRIu64, s.list[k] - before, s.of[s.list[k]]);
			before = s.list[k];
		}
		last = cell;
	}
	fputs("]", out);
	sums_done(&s);
}

/* As many frames as there is room for. */
static void cut_to_size(struct flame_cut *cut, struct flame_entries *e,
	const struct heat_picture *p, double min_percent)
{
	for (uint32_t max = FLAME_MAX_NODES;; max /= 2) {
		flame_cut_init(cut, p->flame->tree, max, min_percent);
		flame_entries_init(e, p->flame->tree, cut);
		if (max / 2 < LEAST_NODES || count_pairs(p, e) <= MAX_PAIRS)
			return;
		flame_cut_done(cut);
		flame_entries_done(e);
	}
}

static void put_flame(FILE *out, const struct section *s, const struct heat_picture *p,
	const struct render_options *o)
{
	struct flame_entries entries;
	struct flame_cut cut;
	struct arena a = { 0 };
	struct section tree = { .kind = SECTION_TREE,
		.id = arena_printf(&a, "%s-flame", s->id),
		.title = "Flame graph of the selection",
		.tree = p->flame->tree };

	cut_to_size(&cut, &entries, p, o->min_percent);
	fprintf(out, "\n\"flame\":{\"range\":%s,\"tree\":", p->flame->range ? "true" : "false");
	flame_data_put_tree(out, &tree, &cut, o);
	putc_unlocked(',', out);
	put_weights(out, p, &entries);
	putc_unlocked('}', out);
	flame_cut_done(&cut);
	flame_entries_done(&entries);
	arena_done(&a);
}

void heat_data_put(FILE *out, const struct section *s, const struct heat_picture *p,
	const struct render_options *o)
{
	const struct heatmap *h = &p->map;

	fputs("{", out);
	put_string(out, "id", s->id);
	put_string(out, "title", s->title);
	put_string(out, "counted", h->counted);
	fprintf(out, "\"full\":%" PRIu64 ",\"plot\":[%u,%u,%u,%u],\n\"x\":[", h->full, p->left,
		p->top, p->cell_width, p->cell_height);
	put_edges(out, &h->x);
	fputs("],\n\"y\":{", out);
	put_string(out, "title", h->y.title);
	put_string(out, "unit", cell_kind_name(h->y.kind));
	fputs("\"edges\":[", out);
	put_edges(out, &h->y);
	fputs("]},", out);
	put_cells(out, h);
	if (p->flame)
		put_flame(out, s, p, o);
	else
		fputs("\n\"flame\":null", out);
	fputs("}", out);
}
