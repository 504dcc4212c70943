/* `ana faults`: which memory was touched first, by whom, and what that took; how much memory processes have
 * and use.
 *
 * A fault that brings a page makes the process larger by it, so faults attribute growth to mappings and to
 * places in the code. What processes really have is in the looks at /proc (memory_use): both are shown side
 * by side, as one fault may bring more than a page, and memory is given back without one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/fault_sums.h"
#include "analyze/fold.h"
#include "analyze/frames.h"
#include "analyze/touch_maps.h"
#include "specs/events/fault.h"

enum {
	DEFAULT_TOP = 20,
	MAX_LIST = 1000000,
	MAX_POINTS = 1000, /* of a process's working set; more are put together */
	STACK_FRAMES = 4,  /* innermost ones that name a place */
};

enum {
	F_LATENCY,
	F_ADDRESS,
	F_MAPPING,
	F_MODE,
	F_COST,
	F_ACCESS,
	F_SERVED,
	F_GROWTH,
	F_PID,
	F_TID,
	F_COMM,
	F_STACK,
	F_WEIGHT,
	F_OFFSET,
	N_FAULT
};
enum { M_PID, M_COMM, M_RSS, M_REFERENCED, M_INTERVAL, M_METHOD, N_MEMORY };
enum { WANT_FAULT, WANT_MEMORY, N_WANTS };

static const char *const fault_fields[N_FAULT] = { "latency", "address", "mapping", "mode", "cost",
	"access", "userfaultfd", "growth", "pid", "tid", "comm", "stack", "weight", "offset" };
static const char *const memory_fields[N_MEMORY] = { "pid", "comm", "rss", "referenced", "interval",
	"method" };

static const struct want wants[N_WANTS] = { { "page_fault", fault_fields, N_FAULT },
	{ "memory_use", memory_fields, N_MEMORY } };

/* A look at a process's working set. */
struct point {
	uint64_t time, interval, referenced, rss;
};

/* A process, with what is known of its memory. */
struct process {
	const char *name;              /* "comm pid" */
	const struct segment *segment; /* where the name is from... */
	uint32_t comm;                 /* ...as a number */
	bool by_leader;                /* it is the first thread's */
	struct fault_sums sums;
	uint64_t first_rss, last_rss, max_rss;
	uint64_t brought;       /* by faults between the first and the last look... */
	uint64_t brought_since; /* ...and since that */
	uint64_t looks;
	struct point *points; /* owned */
	uint32_t n_points, cap_points;
};

/* One fault of the list. */
struct listed {
	uint64_t time, latency, address, offset;
	const struct segment *segment; /* where the name is from */
	const char *mapping, *place;
	uint32_t pid, tid, comm;
	bool major, served;
	uint8_t mode, access;
};

/* A stack and what came by it. */
struct grown {
	struct segment *segment;
	uint32_t stack, comm;
	uint64_t bytes;
};

struct faults {
	const struct analyze_options *options;
	uint64_t origin_ns;
	struct fault_group mappings, places;
	struct fault_sums all;
	struct histogram minor, major, served;
	struct heatmap_builder latency_map;
	struct touch_maps touched;
	struct map by_pid;       /* reader << 32 | pid -> number in people */
	struct process **people; /* owned, like its elements */
	uint32_t n_people;
	struct arena arena;  /* names */
	struct listed *list; /* owned */
	uint32_t n_list, cap_list;
	struct map by_stack; /* -> number in grown */
	struct grown *grown; /* owned */
	uint32_t n_grown, cap_grown;
	struct tree tree;
	uint64_t n_rows, n_without_latency, n_sampled;
};

/* ---- who ---- */

/* Names change; that of the first thread is shown, as it was at last. */
static void call_it(struct faults *f, struct process *p, const struct row *row, uint32_t pid,
	uint32_t comm, bool by_leader)
{
	struct text t = segment_string(row->segment, comm);

	if (p->name && (p->by_leader > by_leader || by_leader == p->by_leader) &&
		(!by_leader || (p->segment == row->segment && p->comm == comm)))
		return;
	p->name = arena_printf(&f->arena, "%.*s %u", t.len < 64 ? (int)t.len : 64, t.s, pid);
	p->segment = row->segment;
	p->comm = comm;
	p->by_leader = by_leader;
}

static struct process *process_of(struct faults *f, const struct row *row, uint32_t pid)
{
	bool is_new;
	uint32_t *at = map_put(&f->by_pid, (uint64_t)row->reader << 32 | pid, &is_new);

	if (!is_new)
		return f->people[*at];
	*at = f->n_people;
	if ((f->n_people & (f->n_people - 1)) == 0)
		f->people = xrealloc(f->people, f->n_people ? 2 * (size_t)f->n_people : 1,
			sizeof(struct process *));
	f->people[f->n_people] = xcalloc(1, sizeof(struct process));
	return f->people[f->n_people++];
}

static const char *text_of(struct arena *a, struct text t, const char *none)
{
	return t.len ? arena_strndup(a, t.s, t.len) : none;
}

static const char *mapping_name(struct arena *a, const struct segment *s, uint32_t mapping)
{
	return text_of(a, segment_string(s, segment_mapping(s, mapping).path), "[unknown]");
}

/* The innermost functions, inlined ones too: "memset < fill < main". */
static const char *place_name(struct arena *a, const struct segment *s, uint32_t stack)
{
	struct frame_name names[FRAME_NAMES];
	const char *place = NULL;
	unsigned left = STACK_FRAMES;

	for (; stack && left; stack = segment_stack_parent(s, stack)) {
		unsigned n;

		if (!segment_stack_parent(s, stack))
			break; /* the root is no frame */
		n = frames_name(s, segment_stack_frame(s, stack), a, names);
		for (; n && left; left--) {
			n--;
			place = place
				? arena_printf(a, "%s < %.*s", place, (int)names[n].len, names[n].s)
				: arena_strndup(a, names[n].s, names[n].len);
		}
	}
	return place ? place : "[no stack]";
}

/* ---- faults ---- */

/* Both return the name, which lives as long as the state. */
static const char *count_mapping(struct faults *f, const struct row *row, const struct process *p,
	const struct fault_count *c)
{
	uint32_t mapping = (uint32_t)row->values[F_MAPPING];
	struct fault_sums *s = fault_group_find(&f->mappings, row->segment, mapping);
	struct arena scratch = { 0 };

	if (!s)
		s = fault_group_name(&f->mappings, row->segment, mapping,
			mapping_name(&scratch, row->segment, mapping));
	arena_done(&scratch);
	fault_sums_add(s, c);
	touch_maps_add(&f->touched, hash_u64((uint64_t)(uintptr_t)p) ^ (uint64_t)(uintptr_t)s->name,
		s->name, &p->name, f->origin_ns, row->time, row->values[F_ADDRESS], c->weight);
	return s->name;
}

static const char *count_place(struct faults *f, const struct row *row, const struct fault_count *c)
{
	uint32_t stack = (uint32_t)row->values[F_STACK];
	struct fault_sums *s = fault_group_find(&f->places, row->segment, stack);
	struct arena scratch = { 0 };

	if (!s)
		s = fault_group_name(&f->places, row->segment, stack,
			place_name(&scratch, row->segment, stack));
	arena_done(&scratch);
	fault_sums_add(s, c);
	return s->name;
}

static void count_growth(struct faults *f, const struct row *row, uint64_t bytes)
{
	uint64_t stack = row->values[F_STACK], comm = row->values[F_COMM];
	uint64_t key = hash_u64(
		hash_u64((uint64_t)(uintptr_t)row->segment) ^ (comm << 32 | (uint32_t)stack));
	bool is_new;
	uint32_t *at = map_put(&f->by_stack, key, &is_new);

	if (is_new) {
		*at = f->n_grown;
		if (f->n_grown == f->cap_grown) {
			f->cap_grown = f->cap_grown ? 2 * f->cap_grown : 256;
			f->grown = xrealloc(f->grown, f->cap_grown, sizeof(*f->grown));
		}
		f->grown[f->n_grown++] = (struct grown){ row->segment, (uint32_t)stack,
			(uint32_t)comm, 0 };
	}
	f->grown[*at].bytes += bytes;
}

static void count_latency(struct faults *f, const struct row *row, const struct fault_count *c)
{
	if (!c->latency) {
		f->n_without_latency++;
		return;
	}
	histogram_add(c->served    ? &f->served
			: c->major ? &f->major
				   : &f->minor,
		c->latency, c->weight);
	heatmap_add(&f->latency_map, row->time, c->latency, c->weight);
}

static void add_to_list(struct faults *f, const struct row *row, const char *mapping,
	const char *place)
{
	const uint64_t *v = row->values;

	if (!f->options->list || f->n_list == MAX_LIST)
		return;
	if (f->n_list == f->cap_list) {
		f->cap_list = f->cap_list ? 2 * f->cap_list : 1024;
		f->list = xrealloc(f->list, f->cap_list, sizeof(*f->list));
	}
	f->list[f->n_list++] = (struct listed){ .time = row->time,
		.latency = v[F_LATENCY],
		.address = v[F_ADDRESS],
		.offset = v[F_OFFSET],
		.segment = row->segment,
		.mapping = mapping,
		.place = place,
		.pid = (uint32_t)v[F_PID],
		.tid = (uint32_t)v[F_TID],
		.comm = (uint32_t)v[F_COMM],
		.major = v[F_COST] == FAULT_MAJOR,
		.served = v[F_SERVED] != 0,
		.mode = (uint8_t)v[F_MODE],
		.access = (uint8_t)v[F_ACCESS] };
}

static void on_fault(struct faults *f, const struct row *row)
{
	const uint64_t *v = row->values;
	struct fault_count c = { .latency = v[F_LATENCY],
		.weight = row->missing & 1u << F_WEIGHT ? 1 : v[F_WEIGHT],
		.growth = v[F_GROWTH],
		.major = v[F_COST] == FAULT_MAJOR,
		.served = v[F_SERVED] != 0,
		.kernel = v[F_MODE] == FAULT_MODE_KERNEL,
		.write = v[F_ACCESS] == FAULT_ACCESS_WRITE };
	struct process *p = process_of(f, row, (uint32_t)v[F_PID]);
	const char *mapping, *place;

	call_it(f, p, row, (uint32_t)v[F_PID], (uint32_t)v[F_COMM], v[F_TID] == v[F_PID]);
	f->n_rows++;
	f->n_sampled += c.weight > 1;
	p->brought_since += c.growth;
	fault_sums_add(&f->all, &c);
	fault_sums_add(&p->sums, &c);
	mapping = count_mapping(f, row, p, &c);
	place = count_place(f, row, &c);
	if (c.growth)
		count_growth(f, row, c.growth);
	count_latency(f, row, &c);
	add_to_list(f, row, mapping, place);
}

/* ---- looks at memory ---- */

static void add_point(struct process *p, const struct row *row)
{
	if (p->n_points == p->cap_points) {
		p->cap_points = p->cap_points ? 2 * p->cap_points : 64;
		p->points = xrealloc(p->points, p->cap_points, sizeof(*p->points));
	}
	p->points[p->n_points++] = (struct point){ row->time, row->values[M_INTERVAL],
		row->values[M_REFERENCED], row->values[M_RSS] };
}

static void on_memory(struct faults *f, const struct row *row)
{
	const uint64_t *v = row->values;
	struct process *p = process_of(f, row, (uint32_t)v[M_PID]);

	call_it(f, p, row, (uint32_t)v[M_PID], (uint32_t)v[M_COMM], true);
	if (!p->looks++)
		p->first_rss = v[M_RSS];
	else
		p->brought += p->brought_since;
	p->brought_since = 0;
	p->last_rss = v[M_RSS];
	p->max_rss = v[M_RSS] > p->max_rss ? v[M_RSS] : p->max_rss;
	if (v[M_METHOD] != WORKING_SET_NONE)
		add_point(p, row);
}

static void faults_row(void *state, const struct row *row)
{
	struct faults *f = state;

	if (row->want == WANT_FAULT)
		on_fault(f, row);
	else
		on_memory(f, row);
}

/* ---- the report ---- */

static uint32_t top(const struct faults *f)
{
	return f->options->top ? f->options->top : DEFAULT_TOP;
}

static void add_summary(const struct faults *f, struct report *r)
{
	static const struct column columns[] = {
		{ "kind", "Faults", CELL_TEXT },
		{ "count", "Count", CELL_COUNT },
		{ "share", "Share", CELL_PERCENT },
	};
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = { { "all", f->all.faults }, { "minor", f->all.minor }, { "major", f->all.major },
		{ "served by user space", f->all.served }, { "in the kernel", f->all.kernel },
		{ "writes", f->all.writes } };
	struct table *t = report_table(r, "summary", "Page faults", columns, 3);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		union cell *c = table_row(r, t);

		c[0].text = rows[i].name;
		c[1].count = rows[i].n;
		c[2].number = f->all.faults ? (double)rows[i].n / (double)f->all.faults : 0;
	}
}

static void add_latency(struct faults *f, struct report *r)
{
	struct distribution *d;

	if (!f->all.waits.count)
		return;
	d = report_histogram(r, "latency", "How long faults took", "Latency", CELL_NS, "faults");
	if (f->minor.count)
		distribution_add(r, d, "minor", &f->minor);
	if (f->major.count)
		distribution_add(r, d, "major", &f->major);
	if (f->served.count)
		distribution_add(r, d, "served by user space", &f->served);
}

/* What the tables of processes, mappings and places have in common, from column c[0] on. */
#define SUM_COLUMNS \
	{ "faults", "Faults", CELL_COUNT }, { "minor", "Minor", CELL_COUNT }, \
		{ "major", "Major", CELL_COUNT }, { "served", "By user space", CELL_COUNT }, \
		{ "growth", "Growth", CELL_BYTES }, { "time", "Time", CELL_NS }, \
		{ "p50", "p50", CELL_NS }, { "p99", "p99", CELL_NS }, \
	{ \
		"max", "Max", CELL_NS \
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

static void tell_cut(const struct faults *f, uint32_t n, const char *what, struct report *r)
{
	if (n > top(f))
		report_note(r, NOTE_INFO, "Of %u %s %u are shown (--top).", n, what, top(f));
}

static int by_faults(const void *a, const void *b)
{
	const struct process *x = *(struct process *const *)a, *y = *(struct process *const *)b;

	if (x->sums.faults != y->sums.faults)
		return x->sums.faults > y->sums.faults ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void add_processes(const struct faults *f, struct report *r)
{
	static const struct column columns[] = { { "process", "Process", CELL_TEXT }, SUM_COLUMNS };
	struct table *t = report_table(r, "processes", "By process", columns, 1 + N_SUM_COLUMNS);

	qsort(f->people, f->n_people, sizeof(struct process *), by_faults);
	for (uint32_t i = 0; i < f->n_people && i < top(f) && f->people[i]->sums.faults; i++) {
		union cell *c = table_row(r, t);

		c[0].text = f->people[i]->name;
		fill_sums(c + 1, &f->people[i]->sums);
	}
	tell_cut(f, f->n_people, "processes", r);
}

static void add_group(const struct faults *f, struct fault_group *g, struct report *r,
	const char *id, const char *title, const struct column columns[1 + N_SUM_COLUMNS])
{
	struct table *t = report_table(r, id, title, columns, 1 + N_SUM_COLUMNS);

	fault_group_sort(g);
	for (uint32_t i = 0; i < g->n && i < top(f); i++) {
		union cell *c = table_row(r, t);

		c[0].text = g->sums[i].name;
		fill_sums(c + 1, &g->sums[i]);
	}
}

static void add_groups(struct faults *f, struct report *r)
{
	static const struct column mappings[] = { { "mapping", "Mapping", CELL_TEXT },
		SUM_COLUMNS };
	static const struct column places[] = { { "stack", "Where, and who called", CELL_TEXT },
		SUM_COLUMNS };

	add_group(f, &f->mappings, r, "mappings", "By mapping", mappings);
	tell_cut(f, f->mappings.n, "mappings", r);
	add_group(f, &f->places, r, "stacks", "By place in the code", places);
	tell_cut(f, f->places.n, "places in the code", r);
}

static int by_growth(const void *a, const void *b)
{
	const struct process *x = *(struct process *const *)a, *y = *(struct process *const *)b;
	int64_t dx = (int64_t)(x->last_rss - x->first_rss);
	int64_t dy = (int64_t)(y->last_rss - y->first_rss);

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* How much processes grew, as the kernel counts and as faults explain it. */
static void add_memory(struct faults *f, struct report *r)
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

	if (f->n_people)
		qsort(f->people, f->n_people, sizeof(struct process *), by_growth);
	for (uint32_t i = 0, n = 0; i < f->n_people && n < top(f); i++) {
		const struct process *p = f->people[i];
		union cell *c;

		if (p->looks < 2)
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

static void add_points(const struct process *p, const struct faults *f,
	const struct trace_facts *facts, struct report *r, struct table *t)
{
	uint32_t step = f->options->list ? 1 : p->n_points / MAX_POINTS + 1;

	for (uint32_t i = 0; i < p->n_points; i += step) {
		const struct point *most = &p->points[i];
		union cell *c = table_row(r, t);

		for (uint32_t k = i; k < i + step && k < p->n_points; k++)
			if (p->points[k].referenced > most->referenced)
				most = &p->points[k];
		c[0].count = most->time - facts->start_ns;
		c[1].text = p->name;
		c[2].count = most->interval;
		c[3].count = most->referenced;
		c[4].count = most->rss;
	}
}

static void add_working_sets(const struct faults *f, const struct trace_facts *facts,
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

	for (uint32_t i = 0; i < f->n_people; i++) {
		if (!f->people[i]->n_points)
			continue;
		t = t ? t : report_table(r, "working_set", "Working set over time", columns, 5);
		add_points(f->people[i], f, facts, r, t);
	}
	if (t)
		report_note(r, NOTE_INFO,
			"Working sets are what was touched since references were cleared "
			"(/proc/PID/clear_refs), which slows processes down a little.");
}

static const char *access_name(const struct listed *l)
{
	static const char *const names[] = { "", "read", "write", "exec" };

	return l->access < sizeof(names) / sizeof(names[0]) ? names[l->access] : "";
}

static void add_list(const struct faults *f, const struct trace_facts *facts, struct report *r)
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
		const struct listed *l = &f->list[i];
		union cell *c = table_row(r, t);

		c[0].count = l->time - facts->start_ns;
		c[1].text = text_of(&r->arena, segment_string(l->segment, l->comm), "");
		c[2].count = l->pid;
		c[3].count = l->tid;
		c[4].count = l->address;
		c[5].text = l->mapping;
		c[6].count = l->offset;
		c[7].text = l->served ? "served" : l->major ? "major" : "minor";
		c[8].text = l->mode == FAULT_MODE_KERNEL ? "kernel" : "user";
		c[9].text = access_name(l);
		c[10].count = l->latency;
		c[11].text = l->place;
	}
	if (f->n_rows > f->n_list)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " faults.",
			f->n_list, f->n_rows);
}

static int by_segment(const void *a, const void *b)
{
	const struct grown *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	if (x->comm != y->comm)
		return x->comm < y->comm ? -1 : 1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static void fold_segment(struct faults *f, const struct grown *g, uint32_t n)
{
	struct fold fold;

	fold_init(&fold, &f->tree, g->segment, &f->arena);
	for (uint32_t i = 0; i < n; i++) {
		struct text comm = segment_string(g->segment, g[i].comm);

		if (i == 0 || g[i].comm != g[i - 1].comm)
			fold_onto(&fold,
				tree_child(&f->tree, 0, comm.len ? comm.s : "[unknown]",
					comm.len ? comm.len : 9, FRAME_NONE));
		tree_add(&f->tree, fold_stack(&fold, g[i].stack), g[i].bytes);
	}
	fold_done(&fold);
}

static void add_growth(struct faults *f, struct report *r)
{
	if (!f->n_grown)
		return;
	tree_init(&f->tree, "bytes");
	qsort(f->grown, f->n_grown, sizeof(*f->grown), by_segment);
	for (uint32_t i = 0, n; i < f->n_grown; i += n) {
		for (n = 1; i + n < f->n_grown && f->grown[i + n].segment == f->grown[i].segment;)
			n++;
		fold_segment(f, &f->grown[i], n);
	}
	tree_finish(&f->tree);
	report_tree(r, "growth", "Who brought memory into use", &f->tree);
}

/* ---- notes ---- */

static void add_notes(const struct faults *f, const struct trace_facts *facts, struct report *r)
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

static void faults_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct faults *f = state;

	if (!f->n_rows)
		report_note(r, NOTE_WARNING,
			"There are no page faults in this trace (or the filter lets none pass); "
			"`rec faults` records them.");
	if (f->n_rows) {
		add_notes(f, facts, r);
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

/* ---- as an analyzer ---- */

static void *faults_new(const struct analyze_options *o)
{
	struct faults *f = xcalloc(1, sizeof(*f));

	f->options = o;
	fault_group_init(&f->mappings);
	fault_group_init(&f->places);
	map_init(&f->by_pid, 64);
	map_init(&f->by_stack, 1024);
	return f;
}

static int faults_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	struct faults *f = state;

	(void)err;
	f->origin_ns = facts->start_ns;
	heatmap_builder_init(&f->latency_map, f->origin_ns);
	return 0;
}

static const struct want *faults_wants(void *state, uint32_t *n)
{
	(void)state;
	*n = N_WANTS;
	return wants;
}

static void faults_free(void *state)
{
	struct faults *f = state;

	fault_group_done(&f->mappings);
	fault_group_done(&f->places);
	histogram_done(&f->all.waits);
	histogram_done(&f->minor);
	histogram_done(&f->major);
	histogram_done(&f->served);
	heatmap_builder_done(&f->latency_map);
	touch_maps_done(&f->touched);
	for (uint32_t i = 0; i < f->n_people; i++) {
		histogram_done(&f->people[i]->sums.waits);
		free(f->people[i]->points);
		free(f->people[i]);
	}
	free(f->people);
	free(f->list);
	free(f->grown);
	map_done(&f->by_pid);
	map_done(&f->by_stack);
	if (f->tree.nodes)
		tree_done(&f->tree);
	arena_done(&f->arena);
	free(f);
}

const struct analyzer analyzer_faults = {
	.name = "faults",
	.title = "Page faults",
	.summary = "which memory was touched first, by whom, what it took; growth, working sets",
	.ordered = true,
	.options = OPTIONS_FILTER | OPTIONS_TABLES,
	.new = faults_new,
	.begin = faults_begin,
	.wants = faults_wants,
	.row = faults_row,
	.finish = faults_finish,
	.free = faults_free,
};
