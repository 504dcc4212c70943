/* From the lanes of a trace to what a page can hold: all CPUs and disks, the threads that did or waited
 * most, with so many pieces together. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/timeline_lanes.h"
#include "render/number.h"
#include "render/tree.h"

enum { MAX_THREADS_SHOWN = 100 };

/* ---- which lanes ---- */

static void sum_threads(struct timeline_lanes *t)
{
	for (uint32_t i = 0; i < t->builder.n_lanes; i++) {
		const struct timeline_lane *l = &t->builder.lanes[i];
		struct timeline_who *who = l->thread ? &t->threads[l->thread - 1] : NULL;

		/* What a thread does is told best by the scheduler; calls that sleep are long. */
		if (!who)
			continue;
		who->n_events += l->n_events;
		if (!*l->title || who->lane >= t->builder.n_lanes)
			who->busy_ns += l->busy_ns;
	}
}

static int by_work(const void *a, const void *b, void *ctx)
{
	const struct timeline_lanes *t = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct timeline_who *v = &t->threads[x], *w = &t->threads[y];

	if (v->busy_ns != w->busy_ns)
		return v->busy_ns > w->busy_ns ? -1 : 1;
	if (v->n_events != w->n_events)
		return v->n_events > w->n_events ? -1 : 1;
	if (v->tid != w->tid)
		return v->tid < w->tid ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Threads' places, those that worked most first; the caller's to free. */
static uint32_t *rank_threads(struct timeline_lanes *t)
{
	uint32_t *order = xcalloc(t->n_threads + 1, sizeof(*order));
	uint32_t *rank = xcalloc(t->n_threads + 1, sizeof(*rank));

	sum_threads(t);
	for (uint32_t i = 0; i < t->n_threads; i++)
		order[i] = i;
	qsort_r(order, t->n_threads, sizeof(*order), by_work, t);
	for (uint32_t i = 0; i < t->n_threads; i++)
		rank[order[i]] = i;
	free(order);
	return rank;
}

static int by_place(const void *a, const void *b, void *ctx)
{
	const struct timeline_builder *builder = ctx;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct timeline_lane *x = &builder->lanes[i], *y = &builder->lanes[k];

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->sort != y->sort)
		return x->sort < y->sort ? -1 : 1;
	return i < k ? -1 : i > k;
}

/* The numbers of the lanes that are shown, in order; the caller's to free. */
static uint32_t *choose_lanes(struct timeline_lanes *t, const uint32_t *rank, uint32_t *n)
{
	struct timeline_builder *b = &t->builder;
	uint32_t *list = xcalloc(b->n_lanes + 1, sizeof(*list));

	*n = 0;
	for (uint32_t i = 0; i < b->n_lanes; i++) {
		struct timeline_lane *l = &b->lanes[i];

		if (!l->n || (l->thread && rank[l->thread - 1] >= MAX_THREADS_SHOWN))
			continue;
		if (l->thread) /* its lanes stay together */
			l->sort = (uint64_t)rank[l->thread - 1] << 20 | l->sort;
		list[(*n)++] = i;
	}
	qsort_r(list, *n, sizeof(*list), by_place, b);
	if (*n > TIMELINE_PAGE_LANES)
		*n = TIMELINE_PAGE_LANES;
	return list;
}

/* ---- the model ---- */

static const struct timeline_thread *copy_threads(const struct timeline_lanes *t, struct report *r)
{
	struct timeline_thread *list = arena_alloc(&r->arena, (t->n_threads + 1) * sizeof(*list));

	for (uint32_t i = 0; i < t->n_threads; i++) {
		const struct timeline_who *who = &t->threads[i];
		struct text comm = segment_string(who->segment, who->comm);

		list[i] = (struct timeline_thread){ comm.len
				? arena_strndup(&r->arena, comm.s, comm.len < 64 ? comm.len : 64)
				: "[unknown]",
			who->pid, who->tid, who->busy_ns };
	}
	return list;
}

/* Stacks weigh as much as the time of their pieces: those of long ones are kept. */
static void want_stacks(struct timeline_lanes *t, const struct timeline *line)
{
	for (uint32_t i = 0; i < line->n_lanes; i++) {
		for (uint32_t k = 0; k < line->lanes[i].n; k++) {
			const struct timeline_item *item = &line->lanes[i].items[k];
			uint64_t ns = item->to_ns - item->from_ns;

			stack_list_want(&t->stacks, item->stack, ns + 1);
			stack_list_want(&t->stacks, item->stack_2, ns + 1);
		}
	}
}

/* Whose lanes are there. They stand in order of thread. */
static uint32_t count_threads(const struct timeline *line)
{
	uint32_t n = 0, last = 0;

	for (uint32_t i = 0; i < line->n_lanes; i++) {
		n += line->lanes[i].thread && line->lanes[i].thread != last;
		last = line->lanes[i].thread;
	}
	return n;
}

static const char *note_of(const struct timeline_lanes *t, const struct timeline *line,
	struct report *r)
{
	const char *note = "";
	char ns[NUMBER_MAX], n[NUMBER_MAX];
	uint64_t least = 0, merged = 0, threads = 0;

	for (uint32_t i = 0; i < line->n_lanes; i++) {
		merged += line->lanes[i].least_ns > 0;
		least = line->lanes[i].least_ns > least ? line->lanes[i].least_ns : least;
	}
	if (merged)
		note = arena_printf(&r->arena,
			"To keep this small, in %" PRIu64
			" of %u lanes short pieces that follow each "
			"other are shown as one, which tells what it is made of; none of the pieces "
			"of %s or more is.",
			merged, line->n_lanes, number_ns(ns, least));
	for (uint32_t i = 0; i < t->n_threads; i++)
		threads += t->threads[i].n_events > 0;
	if (threads > count_threads(line))
		note = arena_printf(&r->arena,
			"%s%sOf %s threads the %u that ran and waited for CPUs or disks most have "
			"lanes.",
			note, *note ? " " : "", number_count(n, threads), count_threads(line));
	if (t->builder.n_refused)
		note = arena_printf(&r->arena,
			"%s%sThere are too many threads: %" PRIu64 " pieces are in no lane.", note,
			*note ? " " : "", t->builder.n_refused);
	return note;
}

/* ---- the lanes as a table ---- */

enum { C_LANE, C_PID, C_TID, C_EVENTS, C_PIECES, C_LEAST, C_TIME, N_COLUMNS };

static const char *lane_title(const struct timeline *line, const struct timeline_lane *l,
	struct report *r)
{
	const char *name = l->thread ? line->threads[l->thread - 1].name : "";

	if (!l->thread)
		return l->title;
	return *l->title ? arena_printf(&r->arena, "%s: %s", name, l->title) : name;
}

static void fill_table(const struct timeline *line, struct report *r)
{
	for (uint32_t i = 0; i < line->n_lanes; i++) {
		const struct timeline_lane *l = &line->lanes[i];
		union cell *c = table_row(r, line->table);

		c[C_LANE].text = lane_title(line, l, r);
		c[C_PID].count = l->thread ? line->threads[l->thread - 1].pid : 0;
		c[C_TID].count = l->thread ? line->threads[l->thread - 1].tid : 0;
		c[C_EVENTS].count = l->n_events;
		c[C_PIECES].count = l->n;
		c[C_LEAST].count = l->least_ns;
		c[C_TIME].count = l->busy_ns;
	}
}

static struct table *new_table(struct report *r)
{
	static const struct column columns[N_COLUMNS] = { { "lane", "Lane", CELL_TEXT },
		{ "pid", "Process", CELL_NUMBER }, { "tid", "Thread", CELL_NUMBER },
		{ "events", "Events", CELL_COUNT }, { "pieces", "Pieces", CELL_COUNT },
		{ "together_below", "Together below", CELL_NS },
		{ "busy", "Not asleep", CELL_NS } };
	struct table *t = arena_alloc(&r->arena, sizeof(*t));

	t->columns = columns;
	t->n_columns = N_COLUMNS;
	return t;
}

static void copy_lanes(const struct timeline_lanes *t, const uint32_t *list, struct timeline *line,
	struct report *r)
{
	struct timeline_lane *lanes = arena_alloc(&r->arena, (line->n_lanes + 1) * sizeof(*lanes));

	for (uint32_t i = 0; i < line->n_lanes; i++)
		lanes[i] = t->builder.lanes[list[i]];
	line->lanes = lanes;
}

struct timeline *timeline_lanes_report(struct timeline_lanes *t, uint64_t from_ns, uint64_t to_ns,
	struct tree *tree, struct arena *scratch, struct report *r)
{
	struct timeline *line = report_timeline(r, "timeline", "Timeline");
	uint32_t *rank = rank_threads(t);
	uint32_t *list = choose_lanes(t, rank, &line->n_lanes);

	timeline_shrink(&t->builder, list, line->n_lanes, TIMELINE_PAGE_ITEMS);
	line->from_ns = from_ns;
	line->to_ns = to_ns;
	line->names = t->builder.names;
	line->n_names = t->builder.n_names;
	line->threads = copy_threads(t, r);
	line->n_threads = t->n_threads;
	copy_lanes(t, list, line, r);
	want_stacks(t, line);
	line->tree = tree;
	line->node_of = t->node_of = stack_list_fold(&t->stacks, tree, scratch);
	tree_finish(tree);
	line->note = note_of(t, line, r);
	line->table = new_table(r);
	fill_table(line, r);
	free(rank);
	free(list);
	return line;
}
