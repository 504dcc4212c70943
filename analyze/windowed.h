/* What tables count, slice by slice of the time, so that a page can show them of a part of it.
 *
 * Rows come in order of time, so an event costs nothing but a comparison: whenever a slice is over, the analyzer
 * shows each thing that it counts, and what is more than last time came in that slice. Slices are narrow at first
 * and become twice as wide when there are too many of them, or of the sums.
 *
 *	windowed_init(&w, options->report, look, state);
 *	threads = windowed_table(&w, 2, 1);                             two sums, a histogram
 *	windowed_start(&w, facts->start_ns, facts->length_ns);          when the pass begins
 *	windowed_at(&w, row->time);                                     for each row, before it is counted
 *	windowed_look(&w, threads, number, sums, histograms);           in look: once for each thing
 *	windowed_finish(&w);                                            behind the last row
 *	table->slices = windowed_of(&w, threads);                       see column_part, table_thing
 */
#ifndef ANALYZE_WINDOWED_H
#define ANALYZE_WINDOWED_H

#include "format/base/histogram.h"
#include "render/table_slices.h"

enum { WINDOWED_TABLES = 8, WINDOWED_SUMS = 8, WINDOWED_HISTOGRAMS = 3 };

struct windowed_table {
	unsigned n_sums, n_histograms;
	uint64_t *sums; /* owned; as things had them when they were looked at last */
	struct histogram
		*before; /* owned; likewise; of things that are touched only while they are */
	uint32_t n_things;
	size_t bytes_kept;            /* of what was touched */
	bool is_cut;                  /* there are things that are not followed */
	bool is_lost;                 /* there was no room for all that one slice has */
	struct slice_weight *weights; /* owned */
	size_t n, cap;
	uint32_t *touched; /* owned; things that were counted in the slice under way */
	uint32_t n_touched, cap_touched;
	struct table_slices result;
};

struct windowed {
	uint64_t origin_ns, slice_ns;
	uint64_t begin_ns, end_ns; /* of the slice under way */
	uint32_t slice, turn;      /* turn: how many slices there were; 0: nothing is followed */
	void (*look)(void *ctx, struct windowed *w);
	void *ctx;
	struct histogram_budget budget;
	struct windowed_table tables[WINDOWED_TABLES];
	unsigned n_tables;
	bool is_on, is_started;
};

/* With is_on false all the others do nothing. look is called whenever a slice is over. */
void windowed_init(struct windowed *w, bool is_on, void (*look)(void *ctx, struct windowed *w),
	void *ctx);
void windowed_done(struct windowed *w);

/* Adds a table, before the first row; its number. */
unsigned windowed_table(struct windowed *w, unsigned n_sums, unsigned n_histograms);

/* origin_ns is the trace's start, length_ns how long it is, about; 0: not known. */
void windowed_start(struct windowed *w, uint64_t origin_ns, uint64_t length_ns);

void windowed_turn(struct windowed *w, uint64_t time_ns);

/* Before a row of this time is counted. */
static inline void windowed_at(struct windowed *w, uint64_t time_ns)
{
	if (time_ns >= w->end_ns)
		windowed_turn(w, time_ns);
}

/* For tables with thousands of things: whether this one, of which *turn is a part that begins as 0, is counted for
 * the first time in the slice under way. If so it is to be touched before that; `look` then goes through
 * windowed_touched. */
static inline bool windowed_is_first(const struct windowed *w, uint32_t *turn)
{
	if (*turn == w->turn)
		return false;
	*turn = w->turn;
	return true;
}

/* With the thing's histograms as they are. Those of a table are all touched or none. */
void windowed_touch(struct windowed *w, unsigned table, uint32_t thing,
	const struct histogram *const *histograms);

/* The things that were touched since the last look, *n of them. Valid until the next row. */
const uint32_t *windowed_touched(struct windowed *w, unsigned table, uint32_t *n);

/* What a thing of a table has by now; its number counts from 0 in the order in which things came. */
void windowed_look(struct windowed *w, unsigned table, uint32_t thing, const uint64_t *sums,
	const struct histogram *const *histograms);

void windowed_move(struct windowed *w, unsigned table, uint32_t thing, unsigned sum,
	uint64_t from_ns, uint64_t to_ns);

/* Says that to_ns - from_ns is now added to a sum of nanoseconds: what of it was in slices that are over counts
 * there. */
static inline void windowed_span(struct windowed *w, unsigned table, uint32_t thing, unsigned sum,
	uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns < w->begin_ns)
		windowed_move(w, table, thing, sum, from_ns, to_ns);
}

void windowed_finish(struct windowed *w);

/* What is known of a table; NULL: nothing. Lives as long as w. */
const struct table_slices *windowed_of(const struct windowed *w, unsigned table);

#endif
