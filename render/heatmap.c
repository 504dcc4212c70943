#include "render/heatmap.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/log_scale.h"

enum {
	FINE_BITS = 4,     /* rows on a log scale: 16 for each power of two at first */
	COLUMN_NS = 15625, /* times 64 is a millisecond: widths read well after doubling */
};

static void init(struct heatmap_builder *b, enum heat_scale scale, uint64_t origin_ns)
{
	*b = (struct heatmap_builder){ .scale = scale,
		.origin_ns = origin_ns,
		.column_ns = COLUMN_NS,
		.row_size = 1,
		.row_room = HEAT_ROWS };
}

void heatmap_builder_init(struct heatmap_builder *b, uint64_t origin_ns)
{
	init(b, HEAT_LOG, origin_ns);
	b->row_room = log_scale_steps(FINE_BITS);
}

void heatmap_builder_init_linear(struct heatmap_builder *b, uint64_t origin_ns, uint64_t row_size)
{
	init(b, HEAT_LINEAR, origin_ns);
	b->row_size = row_size;
}

void heatmap_builder_columns(struct heatmap_builder *b, uint64_t column_ns)
{
	b->column_ns = column_ns;
}

void heatmap_builder_done(struct heatmap_builder *b)
{
	free(b->cells);
	memset(b, 0, sizeof(*b));
}

void heatmap_builder_rows(struct heatmap_builder *b, uint64_t from, uint64_t to)
{
	b->keep = true;
	b->keep_from = from;
	b->keep_to = to;
}

static uint32_t place_of(const struct heatmap_builder *b, uint64_t column, uint64_t row)
{
	uint64_t place = row < b->row_room ? row : row % b->row_room; /* divisions are slow */

	return (uint32_t)(place * HEAT_COLUMNS + column % HEAT_COLUMNS);
}

static uint64_t *cell_of(const struct heatmap_builder *b, uint64_t *cells, uint64_t column,
	uint64_t row)
{
	return &cells[place_of(b, column, row)];
}

static uint64_t *new_cells(const struct heatmap_builder *b)
{
	return xcalloc((size_t)b->row_room * HEAT_COLUMNS, sizeof(*b->cells));
}

static void add_to(uint64_t *sum, uint64_t n)
{
	if (__builtin_add_overflow(*sum, n, sum))
		*sum = UINT64_MAX;
}

/* Makes columns and rows wider, by powers of two: number i goes into number i >> columns. */
static void widen(struct heatmap_builder *b, unsigned columns, unsigned rows)
{
	uint64_t *cells = new_cells(b);

	for (uint64_t i = 0; i <= b->last_row - b->first_row; i++)
		for (uint64_t k = 0; k <= b->last_column - b->first_column; k++) {
			uint64_t row = b->first_row + i, column = b->first_column + k;

			add_to(cell_of(b, cells, column >> columns, row >> rows),
				*cell_of(b, b->cells, column, row));
		}
	free(b->cells);
	b->cells = cells;
	b->column_ns <<= columns;
	b->first_column >>= columns;
	b->last_column >>= columns;
	b->row_size <<= rows;
	b->first_row >>= rows;
	b->last_row >>= rows;
}

static uint64_t column_of(const struct heatmap_builder *b, uint64_t time_ns)
{
	return time_ns < b->origin_ns ? 0 : (time_ns - b->origin_ns) / b->column_ns;
}

static uint64_t row_of(const struct heatmap_builder *b, uint64_t value)
{
	return b->scale == HEAT_LOG ? log_scale_step(value, FINE_BITS) : value / b->row_size;
}

static bool fits(uint64_t first, uint64_t last, uint64_t number, uint64_t room)
{
	return (number > last ? number : last) - (number < first ? number : first) < room;
}

/* How often the width has to be doubled until a number fits in. */
static unsigned widenings(uint64_t first, uint64_t last, uint64_t number, uint64_t room)
{
	unsigned n = 0;

	while (!fits(first >> n, last >> n, number >> n, room))
		n++;
	return n;
}

static void stretch(uint64_t *first, uint64_t *last, uint64_t number)
{
	*first = number < *first ? number : *first;
	*last = number > *last ? number : *last;
}

void heatmap_builder_widen(struct heatmap_builder *b)
{
	widen(b, 1, 0);
}

static void include(struct heatmap_builder *b, uint64_t time_ns, uint64_t value);

static void begin(struct heatmap_builder *b, uint64_t time_ns, uint64_t value)
{
	b->cells = new_cells(b);
	b->first_column = b->last_column = column_of(b, time_ns);
	b->first_row = b->last_row = row_of(b, value);
	if (b->keep) {
		include(b, time_ns, b->keep_from);
		include(b, time_ns, b->keep_to);
	}
}

/* Makes place for a time and a value. */
static void include(struct heatmap_builder *b, uint64_t time_ns, uint64_t value)
{
	unsigned columns, rows;

	if (!b->cells) {
		begin(b, time_ns, value);
		return;
	}
	columns = widenings(b->first_column, b->last_column, column_of(b, time_ns), HEAT_COLUMNS);
	rows = widenings(b->first_row, b->last_row, row_of(b, value), b->row_room);
	if (columns || rows)
		widen(b, columns, rows);
	stretch(&b->first_column, &b->last_column, column_of(b, time_ns));
	stretch(&b->first_row, &b->last_row, row_of(b, value));
}

static bool lies_within(uint64_t first, uint64_t last, uint64_t number)
{
	return number - first <= last - first;
}

/* The column of a time, which is mostly that of the time before. */
static uint64_t next_column(struct heatmap_builder *b, uint64_t time_ns)
{
	if (b->recent_width != b->column_ns || time_ns - b->recent_ns >= b->column_ns) {
		b->recent_column = column_of(b, time_ns);
		b->recent_ns = b->origin_ns + b->recent_column * b->column_ns;
		b->recent_width = time_ns < b->origin_ns ? 0 : b->column_ns;
	}
	return b->recent_column;
}

void heatmap_add(struct heatmap_builder *b, uint64_t time_ns, uint64_t value, uint64_t weight)
{
	uint64_t column = next_column(b, time_ns), row = row_of(b, value);

	if (b->cells && lies_within(b->first_column, b->last_column, column) &&
		lies_within(b->first_row, b->last_row, row)) {
		add_to(cell_of(b, b->cells, column, row), weight);
		return;
	}
	include(b, time_ns, value);
	add_to(cell_of(b, b->cells, column_of(b, time_ns), row_of(b, value)), weight);
}

void heatmap_add_span(struct heatmap_builder *b, uint64_t from_ns, uint64_t to_ns, uint64_t value)
{
	from_ns = from_ns < b->origin_ns ? b->origin_ns : from_ns;
	if (to_ns <= from_ns)
		return;
	include(b, from_ns, value);
	include(b, to_ns - 1, value);
	while (from_ns < to_ns) {
		uint64_t column = column_of(b, from_ns);
		uint64_t left = b->column_ns - (from_ns - b->origin_ns) % b->column_ns;
		uint64_t part = left < to_ns - from_ns ? left : to_ns - from_ns;

		add_to(cell_of(b, b->cells, column, row_of(b, value)), part);
		from_ns += part;
	}
}

/* ---- numbers of cells ---- */

uint32_t heatmap_builder_cell(const struct heatmap_builder *b, uint64_t time_ns, uint64_t value)
{
	return place_of(b, column_of(b, time_ns), row_of(b, value));
}

uint32_t heatmap_builder_n_cells(const struct heatmap_builder *b)
{
	return b->row_room * HEAT_COLUMNS;
}

/* How far number `place` modulo `room` lies behind the first. */
static uint64_t behind(uint64_t first, uint32_t place, uint32_t room)
{
	return (place + room - first % room) % room;
}

static unsigned doublings(uint64_t from, uint64_t to)
{
	return (unsigned)(__builtin_ctzll(to) - __builtin_ctzll(from));
}

uint32_t heatmap_builder_follow(const struct heatmap_builder *old,
	const struct heatmap_builder *now, uint32_t cell)
{
	uint64_t column = old->first_column +
		behind(old->first_column, cell % HEAT_COLUMNS, HEAT_COLUMNS);
	uint64_t row = old->first_row + behind(old->first_row, cell / HEAT_COLUMNS, old->row_room);

	return place_of(now, column >> doublings(old->column_ns, now->column_ns),
		row >> doublings(old->row_size, now->row_size));
}

/* ---- the result ---- */

/* The edges of n columns or rows from this one on; what cannot be told is UINT64_MAX. */
static const uint64_t *even_edges(struct arena *a, uint64_t first, uint64_t size, uint32_t n)
{
	uint64_t *edges = arena_alloc(a, (n + 1) * sizeof(*edges));

	for (uint32_t i = 0; i <= n; i++)
		if (__builtin_add_overflow(first, i, &edges[i]) ||
			__builtin_mul_overflow(edges[i], size, &edges[i]))
			edges[i] = UINT64_MAX;
	return edges;
}

static const uint64_t *log_edges(struct arena *a, uint64_t first, unsigned coarser, uint32_t n)
{
	uint64_t *edges = arena_alloc(a, (n + 1) * sizeof(*edges));

	for (uint32_t i = 0; i <= n; i++)
		edges[i] = log_scale_first((uint32_t)(first + i) << coarser, FINE_BITS);
	return edges;
}

/* How often two rows must become one so that there are few enough. */
static unsigned coarseness(const struct heatmap_builder *b)
{
	unsigned coarser = 0;

	while ((b->last_row >> coarser) - (b->first_row >> coarser) >= HEAT_ROWS)
		coarser++;
	return coarser;
}

static void fill(struct heatmap *h, const struct heatmap_builder *b, struct arena *a)
{
	unsigned coarser = coarseness(b);
	uint64_t first = b->first_row >> coarser;

	h->x.n = (uint32_t)(b->last_column - b->first_column + 1);
	h->y.n = (uint32_t)((b->last_row >> coarser) - first + 1);
	h->x.edges = even_edges(a, b->first_column, b->column_ns, h->x.n);
	h->y.edges = b->scale == HEAT_LOG ? log_edges(a, first, coarser, h->y.n)
					  : even_edges(a, first, b->row_size, h->y.n);
	h->cells = arena_alloc(a, sizeof(*h->cells) * h->x.n * h->y.n);
	for (uint64_t k = 0; k <= b->last_row - b->first_row; k++) {
		uint64_t row = b->first_row + k;

		for (uint32_t i = 0; i < h->x.n; i++)
			add_to(&h->cells[((row >> coarser) - first) * h->x.n + i],
				*cell_of(b, b->cells, b->first_column + i, row));
	}
}

uint32_t heatmap_builder_final(const struct heatmap_builder *b, uint32_t cell)
{
	unsigned coarser = coarseness(b);
	uint64_t row = b->first_row + behind(b->first_row, cell / HEAT_COLUMNS, b->row_room);
	uint64_t column = behind(b->first_column, cell % HEAT_COLUMNS, HEAT_COLUMNS);
	uint64_t width = b->last_column - b->first_column + 1;

	return (uint32_t)(((row >> coarser) - (b->first_row >> coarser)) * width + column);
}

/* From a builder's origin, which may be its first event, to the trace's start. */
static void move_axis(struct heat_axis *x, uint64_t ns, struct arena *a)
{
	uint64_t *edges = arena_alloc(a, (x->n + 1) * sizeof(*edges));

	for (uint32_t i = 0; i <= x->n; i++)
		edges[i] = x->edges[i] + ns;
	x->edges = edges;
}

struct heatmap *report_heatmap(struct report *r, const char *id, const char *title,
	const struct heatmap_builder *b, const char *y_title, enum cell_kind y_kind,
	const char *counted)
{
	struct heatmap *h = report_heatmap_section(r, id, title);

	h->x.title = "Time";
	h->x.kind = CELL_NS;
	h->y.title = y_title;
	h->y.kind = y_kind;
	h->y.log = b->scale == HEAT_LOG;
	h->counted = counted;
	if (b->cells)
		fill(h, b, &r->arena);
	if (b->cells && r->start_ns && b->origin_ns > r->start_ns)
		move_axis(&h->x, b->origin_ns - r->start_ns, &r->arena);
	return h;
}

uint64_t heatmap_max(const struct heatmap *h)
{
	uint64_t max = 0;

	for (size_t i = 0; i < (size_t)h->x.n * h->y.n; i++)
		max = h->cells[i] > max ? h->cells[i] : max;
	return max;
}

static void coarser_axis(struct heat_axis *to, uint32_t factor, struct arena *a)
{
	uint32_t n = (to->n + factor - 1) / factor;
	uint64_t *edges = arena_alloc(a, (n + 1) * sizeof(*edges));

	for (uint32_t i = 0; i < n; i++)
		edges[i] = to->edges[i * factor];
	edges[n] = to->edges[to->n];
	to->edges = edges;
	to->n = n;
}

struct heatmap heatmap_coarser(const struct heatmap *h, uint32_t columns, uint32_t rows,
	struct arena *a)
{
	struct heatmap c = *h;

	c.flame = NULL; /* its cells have other numbers */
	if (!h->x.n)
		return c;
	coarser_axis(&c.x, columns, a);
	coarser_axis(&c.y, rows, a);
	c.full = h->full * columns * rows;
	c.cells = arena_alloc(a, sizeof(*c.cells) * c.x.n * c.y.n);
	for (uint32_t row = 0; row < h->y.n; row++)
		for (uint32_t i = 0; i < h->x.n; i++)
			add_to(&c.cells[(size_t)(row / rows) * c.x.n + i / columns],
				heatmap_cell(h, i, row));
	return c;
}
