/* A page must stay small. If the cells hold too many weights of frames, fewer frames are
 * kept, and the weight of those left out counts for the frame that stands for them; then several
 * rows share their weights, and a selection begins and ends between them. */
#include "render/heat_data.h"

#include <inttypes.h>
#include <stdlib.h>

#include "render/cell.h"
#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/flame_data.h"
#include "render/number.h"

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

/* What the page holds of the stacks. */
struct kept {
	const struct heat_picture *picture;
	struct heat_weight *weights; /* owned; cells are blocks of the drawing, in order */
	size_t n;
	uint32_t block; /* rows that share their weights */
	struct flame_cut cut;
	struct flame_entries entries;
};

/* The block that holds a cell: columns may have been made one in the drawing. */
static uint32_t block_of(const struct kept *k, uint32_t cell)
{
	uint32_t row = cell / k->picture->n_columns, column = cell % k->picture->n_columns;

	return row / k->block * k->picture->map.x.n + column / k->picture->merged;
}

static int by_cell(const void *a, const void *b)
{
	const struct heat_weight *x = a, *y = b;

	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static void make_blocks(struct kept *k, uint32_t rows)
{
	const struct heat_flame *f = k->picture->flame;

	k->block = rows;
	k->n = f->n;
	k->weights = xrealloc(k->weights, f->n + 1, sizeof(*k->weights));
	for (size_t i = 0; i < f->n; i++) {
		k->weights[i] = f->weights[i];
		k->weights[i].cell = block_of(k, f->weights[i].cell);
	}
	if (rows > 1 || k->picture->merged > 1)
		qsort(k->weights, k->n, sizeof(*k->weights), by_cell);
}

static void cut_tree(struct kept *k, uint32_t max_nodes, double min_percent)
{
	flame_cut_done(&k->cut);
	flame_entries_done(&k->entries);
	flame_cut_init(&k->cut, k->picture->flame->tree, max_nodes, min_percent);
	flame_entries_init(&k->entries, k->picture->flame->tree, &k->cut);
}

/* Adds up the weights of one block, from number i on; returns the number behind them. */
static size_t add_up(const struct kept *k, size_t i, struct sums *s)
{
	uint32_t cell = k->weights[i].cell;

	sums_clear(s);
	for (; i < k->n && k->weights[i].cell == cell; i++) {
		uint32_t entry = k->entries.of[k->weights[i].node];
		uint64_t *sum = &s->of[entry];

		if (!*sum && k->weights[i].weight)
			s->list[s->n++] = entry;
		if (__builtin_add_overflow(*sum, k->weights[i].weight, sum))
			*sum = UINT64_MAX;
	}
	return i;
}

static bool is_small(const struct kept *k, size_t max_weights)
{
	struct sums s;
	size_t pairs = 0;

	sums_init(&s, k->entries.n);
	for (size_t i = 0; i < k->n && pairs <= max_weights; pairs += s.n)
		i = add_up(k, i, &s);
	sums_done(&s);
	return pairs <= max_weights;
}

static void keep(struct kept *k, const struct heat_picture *p, double min_percent,
	size_t max_weights)
{
	static const struct {
		uint32_t nodes, rows;
	} steps[] = { { FLAME_MAX_NODES, 1 }, { 10000, 1 }, { 3000, 1 }, { 3000, 2 }, { 3000, 5 },
		{ 1000, 5 }, { 1000, 10 }, { 300, 10 }, { 300, 25 }, { 100, 25 }, { 100, 50 },
		{ 20, HEAT_ROWS } };

	*k = (struct kept){ .picture = p };
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (k->block != steps[i].rows)
			make_blocks(k, steps[i].rows);
		cut_tree(k, steps[i].nodes, min_percent);
		if (is_small(k, max_weights))
			return;
	}
}

static void kept_done(struct kept *k)
{
	free(k->weights);
	flame_cut_done(&k->cut);
	flame_entries_done(&k->entries);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void put_weights(FILE *out, const struct kept *k)
{
	struct sums s;
	uint32_t last = 0;

	sums_init(&s, k->entries.n);
	fputs("\n\"weights\":[", out);
	for (size_t i = 0, next; i < k->n; i = next) {
		uint32_t cell = k->weights[i].cell, before = 0;

		next = add_up(k, i, &s);
		qsort(s.list, s.n, sizeof(*s.list), by_number);
		fprintf(out, "%s%u,%u", i ? "," : "", cell - last, s.n);
		for (uint32_t n = 0; n < s.n; n++) {
			fprintf(out, ",%u,%" PRIu64, s.list[n] - before, s.of[s.list[n]]);
			before = s.list[n];
		}
		last = cell;
	}
	fputs("]", out);
	sums_done(&s);
}

static void put_flame(FILE *out, const struct section *s, const struct heat_picture *p,
	const struct render_options *o, size_t max_weights)
{
	struct arena a = { 0 };
	struct kept k;
	struct section tree = { .kind = SECTION_TREE,
		.id = arena_printf(&a, "%s-flame", s->id),
		.title = "Flame graph of the selection",
		.tree = p->flame->tree };

	keep(&k, p, o->min_percent, max_weights);
	fprintf(out, "\n\"flame\":{\"range\":%s,\"block\":%u,\"tree\":",
		p->flame->range ? "true" : "false", k.block);
	flame_data_put_tree(out, &tree, &k.cut, o);
	putc_unlocked(',', out);
	put_weights(out, &k);
	putc_unlocked('}', out);
	kept_done(&k);
	arena_done(&a);
}

void heat_data_put(FILE *out, const struct section *s, const struct heat_picture *p,
	const struct render_options *o, size_t max_weights)
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
		put_flame(out, s, p, o, max_weights);
	else
		fputs("\n\"flame\":null", out);
	fputs("}", out);
}
