/* `ana faults`: which memory was touched first, by whom, and what that took; how much memory processes have
 * and use.
 *
 * A fault that brings a page makes the process larger by it, so faults attribute growth to mappings and to
 * places in the code. What processes really have is in the looks at /proc (memory_use): both are shown side
 * by side, as one fault may bring more than a page, and memory is given back without one. */
#include <stdlib.h>
#include <string.h>

#include "analyze/enum_field.h"
#include "analyze/faults_report.h"
#include "analyze/frames.h"
#include "analyze/tables.h"

enum {
	MAX_LIST = 1000000,
	MAX_PROCESSES = 65536, /* that are told apart; no recording has so many */
	STACK_FRAMES = 4,      /* innermost ones that name a place */
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

enum { MODE_KERNEL };
static const char *const mode_words[] = { [MODE_KERNEL] = "kernel", NULL };
enum { COST_MAJOR };
static const char *const cost_words[] = { [COST_MAJOR] = "major", NULL };
enum { ACCESS_WRITE };
static const char *const access_words[] = { [ACCESS_WRITE] = "write", "read", "exec", NULL };
enum { METHOD_NONE };
static const char *const method_words[] = { [METHOD_NONE] = "none", NULL };

struct faults {
	struct fault_counts counts;
	struct enum_field mode, cost, access, method;
};

/* ---- who ---- */

/* Names change; that of the first thread is shown, as it was at last. */
static void call_it(struct fault_process *p, const struct row *row, uint32_t comm, bool by_leader)
{
	if (p->segment && !by_leader)
		return;
	p->segment = row->segment;
	p->comm = comm;
}

static struct fault_process *process_of(struct fault_counts *f, const struct row *row, uint32_t pid)
{
	bool is_new;
	struct fault_process **p = keyed_find(&f->people, (uint64_t)row->reader << 32 | pid,
		&is_new);

	if (!p)
		p = keyed_rest(&f->people, &is_new);
	if (is_new)
		*p = xcalloc(1, sizeof(**p));
	(*p)->sums.number = keyed_number(&f->people, p);
	(*p)->pid = pid;
	(*p)->sums.waits.budget = &f->budget;
	return *p;
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
static const char *count_mapping(struct fault_counts *f, const struct row *row,
	const struct fault_process *p, const struct fault_count *c)
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

static const char *count_place(struct fault_counts *f, const struct row *row,
	const struct fault_count *c)
{
	uint32_t stack = (uint32_t)row->values[F_STACK];
	struct fault_sums *s = fault_group_find(&f->places, row->segment, stack);
	struct arena scratch = { 0 };

	if (!s)
		s = fault_group_name(&f->places, row->segment, stack,
			place_name(&scratch, row->segment, stack));
	arena_done(&scratch);
	if (windowed_is_first(&f->windowed, &s->turn))
		windowed_touch(&f->windowed, SLICES_OF_PLACES, s->number,
			(const struct histogram *const[]){ &s->waits });
	fault_sums_add(s, c);
	return s->name;
}

static void count_growth(struct fault_counts *f, const struct row *row, uint64_t bytes)
{
	uint64_t stack = row->values[F_STACK], comm = row->values[F_COMM];
	uint64_t key = hash_u64(
		hash_u64((uint64_t)(uintptr_t)row->segment) ^ (comm << 32 | (uint32_t)stack));
	bool is_new;
	struct grown_stack *g = keyed_find(&f->grown, key, &is_new);

	if (is_new)
		*g = (struct grown_stack){ row->segment, (uint32_t)stack, (uint32_t)comm, 0,
			keyed_number(&f->grown, g) };
	g->bytes += bytes;
	if (f->grown_slices.slice_ns)
		slices_add(&f->grown_slices, row->time, g->number, bytes);
}

static void count_latency(struct fault_counts *f, const struct row *row,
	const struct fault_count *c)
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

static void add_to_list(struct fault_counts *f, const struct row *row, const struct fault_count *c,
	const struct listed_fault *words)
{
	const uint64_t *v = row->values;
	struct listed_fault *l;

	if (!f->options->list || f->n_list == MAX_LIST)
		return;
	f->list = xgrow(f->list, f->n_list, sizeof(*f->list));
	l = &f->list[f->n_list++];
	*l = *words;
	l->time = row->time;
	l->latency = v[F_LATENCY];
	l->address = v[F_ADDRESS];
	l->offset = v[F_OFFSET];
	l->segment = row->segment;
	l->pid = (uint32_t)v[F_PID];
	l->tid = (uint32_t)v[F_TID];
	l->comm = (uint32_t)v[F_COMM];
	l->major = c->major;
	l->served = c->served;
	l->kernel = c->kernel;
}

static void on_fault(struct faults *f, const struct row *row)
{
	const uint64_t *v = row->values;
	int access = enum_field_code(&f->access, row->type, v[F_ACCESS]);
	const struct fault_count c = { .latency = v[F_LATENCY],
		.weight = row_weight(row, F_WEIGHT),
		.growth = v[F_GROWTH],
		.major = enum_field_code(&f->cost, row->type, v[F_COST]) == COST_MAJOR,
		.served = v[F_SERVED] != 0,
		.kernel = enum_field_code(&f->mode, row->type, v[F_MODE]) == MODE_KERNEL,
		.write = access == ACCESS_WRITE };
	struct fault_counts *all = &f->counts;
	struct fault_process *p = process_of(all, row, (uint32_t)v[F_PID]);
	struct listed_fault words = { .access = access < 0 ? "" : access_words[access] };

	call_it(p, row, (uint32_t)v[F_COMM], v[F_TID] == v[F_PID]);
	all->n_rows++;
	all->n_sampled += c.weight > 1;
	p->brought_since += c.growth;
	fault_sums_add(&all->all, &c);
	fault_sums_add(&p->sums, &c);
	words.mapping = count_mapping(all, row, p, &c);
	words.place = count_place(all, row, &c);
	if (c.growth)
		count_growth(all, row, c.growth);
	count_latency(all, row, &c);
	add_to_list(all, row, &c, &words);
}

/* ---- looks at memory ---- */

static void add_look(struct fault_process *p, const struct row *row)
{
	p->looks = xgrow(p->looks, p->n_sets, sizeof(*p->looks));
	p->looks[p->n_sets++] = (struct memory_look){ row->time, row->values[M_INTERVAL],
		row->values[M_REFERENCED], row->values[M_RSS] };
}

/* Whether the look tells what was touched. */
static bool has_set(struct faults *f, const struct row *row)
{
	uint64_t method = row->values[M_METHOD];

	return enum_field_word(&f->method, row->type, method) &&
		enum_field_code(&f->method, row->type, method) != METHOD_NONE;
}

static void on_memory(struct faults *f, const struct row *row)
{
	const uint64_t *v = row->values;
	struct fault_process *p = process_of(&f->counts, row, (uint32_t)v[M_PID]);

	call_it(p, row, (uint32_t)v[M_COMM], true);
	if (!p->n_looks++)
		p->first_rss = v[M_RSS];
	else
		p->brought += p->brought_since;
	p->brought_since = 0;
	p->last_rss = v[M_RSS];
	p->max_rss = v[M_RSS] > p->max_rss ? v[M_RSS] : p->max_rss;
	if (has_set(f, row))
		add_look(p, row);
}

static void faults_row(void *state, const struct row *row)
{
	windowed_at(&((struct faults *)state)->counts.windowed, row->time);
	if (row->want == WANT_FAULT)
		on_fault(state, row);
	else
		on_memory(state, row);
}

/* ---- slice by slice ---- */

static void look_at_sums(struct windowed *w, unsigned table, const struct fault_sums *s)
{
	windowed_look(w, table, s->number,
		(const uint64_t[N_SLICED]){ [SLICED_FAULTS] = s->faults,
			[SLICED_MINOR] = s->minor,
			[SLICED_MAJOR] = s->major,
			[SLICED_SERVED] = s->served,
			[SLICED_GROWTH] = s->growth },
		(const struct histogram *const[]){ &s->waits });
}

static void look_at_all(struct windowed *w, const struct fault_counts *f)
{
	const struct fault_sums *s = &f->all;
	const uint64_t kinds[] = { s->faults, s->minor, s->major, s->served, s->kernel, s->writes };
	const struct histogram *const times[] = { &f->minor, &f->major, &f->served };

	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		windowed_look(w, SLICES_OF_KINDS, i,
			(const uint64_t[N_KIND_SUMS]){ kinds[i], s->faults }, NULL);
	for (uint32_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		windowed_look(w, SLICES_OF_TIMES, i, NULL, &times[i]);
}

/* Shows everything that is counted whenever a slice of the time is over. */
static void faults_look(void *ctx, struct windowed *w)
{
	const struct fault_counts *f = &((struct faults *)ctx)->counts;
	const uint32_t *touched;
	uint32_t n;

	look_at_all(w, f);
	for (uint32_t i = 0; i < f->people.n; i++)
		look_at_sums(w, SLICES_OF_PROCESSES,
			&(*(struct fault_process *const *)keyed_get(&f->people, i))->sums);
	for (uint32_t i = 0; i < f->mappings.n; i++)
		look_at_sums(w, SLICES_OF_MAPPINGS, &f->mappings.sums[i]);
	touched = windowed_touched(w, SLICES_OF_PLACES, &n);
	for (uint32_t i = 0; i < n; i++)
		look_at_sums(w, SLICES_OF_PLACES, &f->places.sums[touched[i]]);
}

static void add_windows(struct faults *f, bool is_on)
{
	struct windowed *w = &f->counts.windowed;

	windowed_init(w, is_on, faults_look, f);
	for (unsigned i = SLICES_OF_PROCESSES; i <= SLICES_OF_PLACES; i++)
		windowed_table(w, N_SLICED, 1);
	windowed_table(w, N_KIND_SUMS, 0);
	windowed_table(w, 0, 1);
}

/* ---- as an analyzer ---- */

static void faults_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct faults *f = state;

	windowed_finish(&f->counts.windowed);
	faults_report(&f->counts, facts, r);
}

static void *faults_new(const struct analyze_options *o)
{
	struct faults *f = xcalloc(1, sizeof(*f));

	f->counts.options = o;
	f->mode = (struct enum_field){ .name = "mode", .words = mode_words };
	f->cost = (struct enum_field){ .name = "cost", .words = cost_words };
	f->access = (struct enum_field){ .name = "access", .words = access_words };
	f->method = (struct enum_field){ .name = "method", .words = method_words };
	f->counts.budget = (struct histogram_budget){ .left = TABLES_HISTOGRAMS };
	fault_group_init(&f->counts.mappings, &f->counts.budget);
	fault_group_init(&f->counts.places, &f->counts.budget);
	keyed_init(&f->counts.people, sizeof(struct fault_process *), MAX_PROCESSES);
	keyed_init(&f->counts.grown, sizeof(struct grown_stack), UINT32_MAX);
	add_windows(f, o->report);
	return f;
}

static int faults_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	struct faults *f = state;

	(void)err;
	f->counts.origin_ns = facts->start_ns;
	heatmap_builder_init(&f->counts.latency_map, facts->start_ns);
	windowed_start(&f->counts.windowed, facts->start_ns, facts->length_ns);
	if (f->counts.options->report)
		slices_init(&f->counts.grown_slices, facts->start_ns, facts->length_ns);
	return 0;
}

static const struct want *faults_wants(void *state, uint32_t *n)
{
	(void)state;
	*n = N_WANTS;
	return wants;
}

static void process_free(struct fault_process *p)
{
	histogram_done(&p->sums.waits);
	free(p->looks);
	free(p);
}

static void faults_free(void *state)
{
	struct faults *f = state;
	struct fault_counts *c = &f->counts;

	windowed_done(&c->windowed);
	slices_done(&c->grown_slices);
	fault_group_done(&c->mappings);
	fault_group_done(&c->places);
	histogram_done(&c->all.waits);
	histogram_done(&c->minor);
	histogram_done(&c->major);
	histogram_done(&c->served);
	heatmap_builder_done(&c->latency_map);
	touch_maps_done(&c->touched);
	for (uint32_t i = 0; i < c->people.n; i++)
		process_free(*(struct fault_process **)keyed_get(&c->people, i));
	keyed_done(&c->people);
	keyed_done(&c->grown);
	free(c->list);
	if (c->tree.nodes)
		tree_done(&c->tree);
	arena_done(&c->arena);
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
