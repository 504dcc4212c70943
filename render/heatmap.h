/* Heatmaps: what was seen when, counted in cells.
 *
 * Time runs to the right, rows are ranges of a value: a latency, a part of a second, an address, the
 * number of a CPU. However many events there are, a heatmap holds at most HEAT_COLUMNS x HEAT_ROWS
 * counts: cells, not points.
 *
 * A builder is fed in one pass and knows neither the end of time nor the largest value. It begins
 * with narrow columns; when an event lies so far from the others that there would be too many, two
 * neighbours become one until there are few enough. The same goes for rows of equal width. Rows on
 * a log scale are divided finely at first, and made coarser at the end until they are few enough. */
#ifndef RENDER_HEATMAP_H
#define RENDER_HEATMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "render/report.h"

enum { HEAT_COLUMNS = 300, HEAT_ROWS = 80 };

enum heat_scale {
	HEAT_LOG,    /* rows are steps of a log-linear scale: latencies, sizes */
	HEAT_LINEAR, /* rows are of one width: offsets, addresses, CPUs */
};

struct heatmap_builder {
	enum heat_scale scale;
	uint64_t origin_ns;           /* of time; what was before counts as if it was then */
	uint64_t column_ns, row_size; /* row_size: HEAT_LINEAR only */
	uint64_t first_column, last_column, first_row, last_row; /* with something in them */
	uint64_t *
		cells; /* owned; a column's place is its number modulo HEAT_COLUMNS, a row's likewise */
	uint32_t row_room;
	uint64_t keep_from, keep_to; /* values whose rows are there even if nothing is in them */
	bool keep;
	uint64_t recent_ns, recent_width,
		recent_column; /* where the last column began, its width then */
};

/* Rows on a log scale. origin_ns is where the axis of time has its 0: the start of the trace. */
void heatmap_builder_init(struct heatmap_builder *b, uint64_t origin_ns);

/* Rows of one width: row_size at first, a power of two times that where the values are far apart. */
void heatmap_builder_init_linear(struct heatmap_builder *b, uint64_t origin_ns, uint64_t row_size);

void heatmap_builder_done(struct heatmap_builder *b);

/* Columns of one width from the start, such as a second; wider only if there would be too many. */
void heatmap_builder_columns(struct heatmap_builder *b, uint64_t column_ns);

/* Rows for these values are shown whatever is in them: all of a second. */
void heatmap_builder_rows(struct heatmap_builder *b, uint64_t from, uint64_t to);

/* Makes columns twice as wide, for a caller who has no room for so many. */
void heatmap_builder_widen(struct heatmap_builder *b);

/* A cell's number for as long as column_ns and row_size stay as they are. */
uint32_t heatmap_builder_cell(const struct heatmap_builder *b, uint64_t time_ns, uint64_t value);
uint32_t heatmap_builder_n_cells(const struct heatmap_builder *b);

/* The number of a cell of `old` in `now`, which was the same builder before more was added. */
uint32_t heatmap_builder_follow(const struct heatmap_builder *old,
	const struct heatmap_builder *now, uint32_t cell);

/* Its number in the cells of the heatmap that this builder makes. */
uint32_t heatmap_builder_final(const struct heatmap_builder *b, uint32_t cell);

/* Counts `weight` events (or nanoseconds, or bytes) at a time and a value. */
void heatmap_add(struct heatmap_builder *b, uint64_t time_ns, uint64_t value, uint64_t weight);

/* The same for what lasted from..to, shared among the columns by time: a thread that ran. */
void heatmap_add_span(struct heatmap_builder *b, uint64_t from_ns, uint64_t to_ns, uint64_t value);

/* Adds what was built to the report as a section. y_title says what the rows are ("Latency"), kind
 * what its numbers are, counted what is in the cells ("requests"). The builder may be ended after. */
struct heatmap *report_heatmap(struct report *r, const char *id, const char *title,
	const struct heatmap_builder *b, const char *y_title, enum cell_kind y_kind,
	const char *counted);

/* The largest count. */
uint64_t heatmap_max(const struct heatmap *h);

/* The same with `columns` columns made one and `rows` rows, as far as they go; in the arena. */
struct heatmap heatmap_coarser(const struct heatmap *h, uint32_t columns, uint32_t rows,
	struct arena *a);

static inline uint64_t heatmap_cell(const struct heatmap *h, uint32_t column, uint32_t row)
{
	return h->cells[(size_t)row * h->x.n + column];
}

#endif
