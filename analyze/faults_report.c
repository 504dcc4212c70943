#include "analyze/faults_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/fold.h"
#include "analyze/inputs.h"
#include "analyze/tables.h"

enum { MAX_POINTS = 1000 }; /* of a process's working set; more are put together */

static void add_summary(const struct fault_counts *f, struct report *r)
{
	static const struct column columns[] = {
		{ "kind", "Faults", CELL_TEXT },
		{ "count", "Count", CELL_COUNT, { PART_SUM, SLICED_KIND } },
		{ "share", "Share", CELL_PERCENT, { PART_RATIO, SLICED_KIND, SLICED_ALL } },
	};
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = { { "all", f->all.faults }, { "minor", f->all.minor }, { "major", f->all.major },
		{ "served by user space", f->all.served }, { "in the kernel", f->all.kernel },
		{ "writes", f->all.writes } };
	struct table *t = report_table(r, "summary", "Page faults", columns, 3);

	t->slices = windowed_of(&f->windowed, SLICES_OF_KINDS);
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		union cell *c = table_row(r, t);

		table_thing(t, i);
		c[0].text = rows[i].name;
		c[1].count = rows[i].n;
		c[2].number = f->all.faults ? (double)rows[i].n / (double)f->all.faults : 0;
	}
}

static void add_latency(struct fault_counts *f, struct report *r)
{
	static const char *const names[] = { "minor", "major", "served by user space" };
	const struct histogram *const times[] = { &f->minor, &f->major, &f->served };
	struct distribution *d;

	if (!f->all.waits.count)
		return;
	d = report_histogram(r, "latency", "How long faults took", "Latency", CELL_NS, "faults");
	d->slices = windowed_of(&f->windowed, SLICES_OF_TIMES);
	for (uint32_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (!times[i]->count)
			continue;
		distribution_add(r, d, names[i], times[i]);
		distribution_thing(d, i);
	}
}

/* What the tables of processes, mappings and places have in common, from column c[0] on. */
#define SUM_COLUMNS \
	{ "faults", "Faults", CELL_COUNT, { PART_SUM, SLICED_FAULTS } }, \
		{ "minor", "Minor", CELL_COUNT, { PART_SUM, SLICED_MINOR } }, \
		{ "major", "Major", CELL_COUNT, { PART_SUM, SLICED_MAJOR } }, \
		{ "served", "By user space", CELL_COUNT, { PART_SUM, SLICED_SERVED } }, \
		{ "growth", "Growth", CELL_BYTES, { PART_SUM, SLICED_GROWTH } }, \
		{ "time", "Time", CELL_NS, { PART_TOTAL } }, \
		{ "p50", "p50", CELL_NS, { PART_PERCENTILE, 0, 50 } }, \
		{ "p99", "p99", CELL_NS, { PART_PERCENTILE, 0, 99 } }, \
	{ \
		"max", "Max", CELL_NS, \
		{ \
			PART_MAX \
		} \
	}

enum { N_SUM_COLUMNS = 9 };

static void fill_sums(union cell *c, const struct fault_sums *s)
{
	c[0].count = s->faults;
	c[1].count = s->minor;
	c[2].count = s->major;
	c[3].count = s->served;
	c[4].count = s->growth;
	c[5].count = s->waits.sum;
	c[6].count = histogram_percentile(&s->waits, 50);
	c[7].count = histogram_percentile(&s->waits, 99);
	c[8].count = s->waits.max;
}

static const struct fault_process *process(const struct fault_counts *f, uint32_t i)
{
	return *(struct fault_process *const *)keyed_get(&f->people, i);
}

static void sort_people(const struct fault_counts *f, int (*order)(const void *, const void *))
{
	if (f->people.n)
		qsort(f->people.items, f->people.n, f->people.size, order);
}

static int by_faults(const void *a, const void *b)
{
	const struct fault_process *x = *(struct fault_process *const *)a,
				   *y = *(struct fault_process *const *)b;

	if (x->sums.faults != y->sums.faults)
		return x->sums.faults > y->sums.faults ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void add_processes(const struct fault_counts *f, struct report *r)
{
	static const struct column columns[] = { { "process", "Process", CELL_TEXT }, SUM_COLUMNS };
	struct table *t = report_table(r, "processes", "By process", columns, 1 + N_SUM_COLUMNS);
	uint32_t shown = tables_first(f->options, f->people.n);

	t->slices = windowed_of(&f->windowed, SLICES_OF_PROCESSES);
	sort_people(f, by_faults);
	for (uint32_t i = 0; i < shown && process(f, i)->sums.faults; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, process(f, i)->sums.number);
		c[0].text = process(f, i)->name;
		fill_sums(c + 1, &process(f, i)->sums);
	}
	tables_tell_cut(r, "processes", f->people.n, shown);
}

static void add_group(const struct fault_counts *f, struct fault_group *g, struct report *r,
	unsigned sliced, const char *id, const char *title,
	const struct column columns[1 + N_SUM_COLUMNS])
{
	struct table *t = report_table(r, id, title, columns, 1 + N_SUM_COLUMNS);

	t->slices = windowed_of(&f->windowed, sliced);
	fault_group_sort(g);
	for (uint32_t i = 0; i < tables_first(f->options, g->n); i++) {
		union cell *c = table_row(r, t);

		table_thing(t, g->sums[i].number);
		c[0].text = g->sums[i].name;
		fill_sums(c + 1, &g->sums[i]);
	}
}

static void add_groups(struct fault_counts *f, struct report *r)
{
	static const struct column mappings[] = { { "mapping", "Mapping", CELL_TEXT },
		SUM_COLUMNS };
	static const struct column places[] = { { "stack", "Where, and who called", CELL_TEXT },
		SUM_COLUMNS };

	add_group(f, &f->mappings, r, SLICES_OF_MAPPINGS, "mappings", "By mapping", mappings);
	tables_tell_cut(r, "mappings", f->mappings.n, tables_first(f->options, f->mappings.n));
	add_group(f, &f->places, r, SLICES_OF_PLACES, "stacks", "By place in the code", places);
	tables_tell_cut(r, "places in the code", f->places.n,
		tables_first(f->options, f->places.n));
}

static int by_growth(const void *a, const void *b)
{
	const struct fault_process *x = *(struct fault_process *const *)a,
				   *y = *(struct fault_process *const *)b;
	int64_t dx = (int64_t)(x->last_rss - x->first_rss);
	int64_t dy = (int64_t)(y->last_rss - y->first_rss);

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* How much processes grew, as the kernel counts and as faults explain it. */
static void add_memory(struct fault_counts *f, struct report *r)
{
	static const struct column columns[] = {
		{ "process", "Process", CELL_TEXT },
		{ "first", "At first", CELL_BYTES },
		{ "last", "At last", CELL_BYTES },
		{ "most", "Most seen", CELL_BYTES },
		{ "grown", "Grown by", CELL_BYTES },
		{ "shrunk", "Shrunk by", CELL_BYTES },
		{ "brought", "Brought by faults", CELL_BYTES },
	};
	struct table *t = NULL;

	sort_people(f, by_growth);
	for (uint32_t i = 0, n = 0; i < f->people.n && n < tables_top(f->options); i++) {
		const struct fault_process *p = process(f, i);
		union cell *c;

		if (p->n_looks < 2)
			continue;
		t = t ? t : report_table(r, "memory", "Resident memory", columns, 7);
		c = table_row(r, t);
		c[0].text = p->name;
		c[1].count = p->first_rss;
		c[2].count = p->last_rss;
		c[3].count = p->max_rss;
		c[4].count = p->last_rss > p->first_rss ? p->last_rss - p->first_rss : 0;
		c[5].count = p->last_rss < p->first_rss ? p->first_rss - p->last_rss : 0;
		c[6].count = p->brought;
		n++;
	}
	if (t)
		report_note(r, NOTE_INFO,
			"Resident memory is what /proc said, between a process's first and last look; "
			"faults bring a page each. One fault may bring more (huge pages, pages of files "
			"around it), memory comes without faults (MAP_POPULATE, mlock), and goes.");
}

static void add_points(const struct fault_process *p, const struct fault_counts *f,
	const struct trace_facts *facts, struct report *r, struct table *t)
{
	uint32_t step = f->options->list ? 1 : p->n_sets / MAX_POINTS + 1;

	for (uint32_t i = 0; i < p->n_sets; i += step) {
		const struct memory_look *most = &p->looks[i];
		union cell *c = table_row(r, t);

		for (uint32_t k = i; k < i + step && k < p->n_sets; k++)
			if (p->looks[k].referenced > most->referenced)
				most = &p->looks[k];
		c[0].count = most->time - facts->start_ns;
		c[1].text = p->name;
		c[2].count = most->interval;
		c[3].count = most->referenced;
		c[4].count = most->rss;
	}
}

static void add_working_sets(const struct fault_counts *f, const struct trace_facts *facts,
	struct report *r)
{
	static const struct column columns[] = {
		{ "time", "Time", CELL_NS },
		{ "process", "Process", CELL_TEXT },
		{ "interval", "Within", CELL_NS },
		{ "referenced", "Touched", CELL_BYTES },
		{ "rss", "Of", CELL_BYTES },
	};
	struct table *t = NULL;

	for (uint32_t i = 0; i < f->people.n; i++) {
		if (!process(f, i)->n_sets)
			continue;
		t = t ? t : report_table(r, "working_set", "Working set over time", columns, 5);
		add_points(process(f, i), f, facts, r, t);
	}
	if (t)
		report_note(r, NOTE_INFO,
			"Working sets are what was touched since references were cleared "
			"(/proc/PID/clear_refs), which slows processes down a little.");
}

static void add_list(const struct fault_counts *f, const struct trace_facts *facts,
	struct report *r)
{
	static const struct column columns[] = {
		{ "time", "Time", CELL_NS },
		{ "process", "Thread", CELL_TEXT },
		{ "pid", "PID", CELL_NUMBER },
		{ "tid", "TID", CELL_NUMBER },
		{ "address", "Address", CELL_HEX },
		{ "mapping", "Mapping", CELL_TEXT },
		{ "offset", "Offset", CELL_HEX },
		{ "kind", "Kind", CELL_TEXT },
		{ "mode", "By", CELL_TEXT },
		{ "access", "Access", CELL_TEXT },
		{ "latency", "Latency", CELL_NS },
		{ "stack", "Where", CELL_TEXT },
	};
	struct table *t = report_table(r, "faults", "Every fault", columns, 12);

	for (uint32_t i = 0; i < f->n_list; i++) {
		const struct listed_fault *l = &f->list[i];
		struct text comm = segment_string(l->segment, l->comm);
		union cell *c = table_row(r, t);

		c[0].count = l->time - facts->start_ns;
		c[1].text = arena_strndup(&r->arena, comm.s, comm.len);
		c[2].count = l->pid;
		c[3].count = l->tid;
		c[4].count = l->address;
		c[5].text = l->mapping;
		c[6].count = l->offset;
		c[7].text = l->served ? "served" : l->major ? "major" : "minor";
		c[8].text = l->kernel ? "kernel" : "user";
		c[9].text = l->access;
		c[10].count = l->latency;
		c[11].text = l->place;
	}
	if (f->n_rows > f->n_list)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " faults.",
			f->n_list, f->n_rows);
}

static int by_segment(const void *a, const void *b)
{
	const struct grown_stack *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	if (x->comm != y->comm)
		return x->comm < y->comm ? -1 : 1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static void fold_segment(struct fault_counts *f, const struct grown_stack *g, uint32_t n,
	uint32_t *node_of)
{
	struct fold fold;

	fold_init(&fold, &f->tree, g->segment, &f->arena);
	for (uint32_t i = 0; i < n; i++) {
		struct text comm = segment_string(g->segment, g[i].comm);

		if (i == 0 || g[i].comm != g[i - 1].comm)
			fold_onto(&fold,
				tree_child(&f->tree, 0, comm.len ? comm.s : "[unknown]",
					comm.len ? comm.len : 9, FRAME_NONE));
		node_of[g[i].number] = fold_stack(&fold, g[i].stack);
		tree_add(&f->tree, node_of[g[i].number], g[i].bytes);
	}
	fold_done(&fold);
}

static void add_growth(struct fault_counts *f, struct report *r)
{
	const struct grown_stack *list;
	uint32_t *node_of;

	if (!f->grown.n)
		return;
	node_of = arena_alloc(&f->arena, f->grown.n * sizeof(*node_of));
	list = keyed_get(&f->grown, 0);
	tree_init(&f->tree, "bytes");
	qsort(f->grown.items, f->grown.n, f->grown.size, by_segment);
	for (uint32_t i = 0, n; i < f->grown.n; i += n) {
		for (n = 1; i + n < f->grown.n && list[i + n].segment == list[i].segment;)
			n++;
		fold_segment(f, &list[i], n, node_of);
	}
	tree_finish(&f->tree);
	report_tree(r, "growth", "Who brought memory into use", &f->tree);
	if (f->grown_slices.slice_ns)
		report_tree_slices(r, slices_finish(&f->grown_slices, node_of));
}

/* ---- notes ---- */

static void add_notes(const struct fault_counts *f, const struct trace_facts *facts,
	struct report *r)
{
	const struct segment *s = reader_declarations(facts->inputs->readers[0], 0);
	struct text min = segment_info(s, "source.faults.min_ns");

	if (f->n_sampled)
		report_note(r, NOTE_INFO,
			"Not every fault was recorded (rec --sample): each stands for several, and "
			"counts are estimates from %" PRIu64 " faults.",
			f->n_rows);
	if (min.len)
		report_note(r, NOTE_INFO,
			"Recorded with --min: only faults that took long are in the trace.");
	if (f->n_without_latency)
		report_note(r, NOTE_INFO,
			"How long a fault took is not known of %" PRIu64 ": those began before the "
			"recording, or this processor has no tracepoint for it.",
			f->n_without_latency);
}

static void name_people(struct fault_counts *f)
{
	for (uint32_t i = 0; i < f->people.n; i++) {
		struct fault_process **at = keyed_get(&f->people, i), *p = *at;
		struct text t = segment_string(p->segment, p->comm);

		p->name = keyed_is_rest(&f->people, at)
			? "(more)"
			: arena_printf(&f->arena, "%.*s %u", t.len < 64 ? (int)t.len : 64, t.s,
				  p->pid);
	}
}

void faults_report(struct fault_counts *f, const struct trace_facts *facts, struct report *r)
{
	name_people(f);
	if (!f->n_rows)
		report_note(r, NOTE_WARNING,
			"There are no page faults in this trace (or the filter lets none pass); "
			"`rec faults` records them.");
	if (f->n_rows) {
		add_notes(f, facts, r);
		tables_tell_budget(r, &f->budget);
		add_summary(f, r);
		add_latency(f, r);
		add_processes(f, r);
		add_groups(f, r);
	}
	add_memory(f, r);
	add_working_sets(f, facts, r);
	if (f->latency_map.cells)
		report_heatmap(r, "latency_heatmap", "How long faults took over time",
			&f->latency_map, "Latency", CELL_NS, "faults");
	touch_maps_report(&f->touched, r);
	add_growth(f, r);
	if (f->options->list)
		add_list(f, facts, r);
}
