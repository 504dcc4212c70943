/* `ana timeline`: what went on when, as lanes of CPUs, threads and disks.
 *
 * What threads did comes from the scheduler's events (sched_track.h). Any event that took a thread time has
 * a line below its thread, found by the schema in the trace: system calls, page faults, waits for locks,
 * pauses of a garbage collector, and what other sources there will be. Requests to disks have lanes of their
 * own. Where there is no scheduler in the trace, CPU samples show who was seen on the CPUs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/event_list.h"
#include "analyze/slow_findings.h"
#include "analyze/timeline_lanes.h"

enum { MAX_EVENTS = 32, MAX_NAME = 80 };

/* Fields of events with a duration, in this order. What the event was is told by the first that it has of
 * CALL to KIND. */
enum { TOOK, PID, TID, COMM, CPU, STACK, ERROR, CALL, NAME, OP, COST, KIND, N_FIELDS };
enum { D_LATENCY, D_BYTES, D_DISK, D_MAJOR, D_MINOR, D_OP, D_PID, D_TID, D_COMM, D_STACK, N_DISK };
enum { S_CPU, S_PID, S_TID, S_COMM, S_STACK, N_SAMPLE };

/* Wants behind those of sched_track. */
enum { WANT_DISK = SCHED_TRACK_WANTS, WANT_SAMPLE, WANT_EVENTS };

/* What was made of the strings of a segment: want, name and error -> name of the timeline. */
struct segment_names {
	const struct segment *segment;
	struct map by_key;
};

/* What was made of an event like one of lately: the same thread makes the same call again and again. */
struct recent_event {
	const struct event_type *type; /* of its segment; NULL: nothing */
	uint64_t pid, tid, comm, what, error;
	uint32_t want, who, name, lines;
};

/* Where a thread was when it was sampled last. */
struct seen {
	uint64_t time_ns;
	uint32_t stack;
};

struct timeline_state {
	const struct analyze_options *options;
	struct filter *filter; /* the options' */
	struct event_list list;
	struct want wants[WANT_EVENTS + MAX_EVENTS];
	uint32_t n_wants;
	const char *fields[MAX_EVENTS][N_FIELDS];
	enum timeline_kind kinds[MAX_EVENTS];
	bool has_sched; /* or it may come: then samples say nothing new of CPUs */
	struct sched_track *track;
	struct timeline_lanes lanes;
	struct slow_calls slow;
	struct seen *seen; /* owned; by number of thread */
	uint32_t n_seen;
	bool begun;
	struct segment_names *names; /* owned; by segment */
	uint32_t n_names;
	struct recent_event recent[RECENT_PLACES];
	struct tree tree;
	struct arena scratch;
	uint32_t states[SCHED_STOPPED + 1], running, waiting, sampled; /* names */
	uint64_t first_ns, last_ns;
	uint64_t n_rows;
};

/* ---- which events ---- */

/* Events whose time is told by others, or is no event's. */
static bool is_told_already(const struct timeline_state *t, const char *name)
{
	static const char *const names[] = { "cpu_sample", "block_io", "block_change",
		"sched_delay", "sched_switch", "sched_wakeup", "syscall_unfinished",
		"syscall_summary", "memory_use", NULL };

	for (int i = 0; names[i]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return t->has_sched && strcmp(name, "off_cpu") == 0;
}

static enum timeline_kind kind_of(const char *event)
{
	static const struct {
		const char *event;
		enum timeline_kind kind;
	} kinds[] = { { "syscall", TIMELINE_CALL }, { "page_fault", TIMELINE_FAULT },
		{ "lock_wait", TIMELINE_LOCK }, { "gc_pause", TIMELINE_PAUSE },
		{ "off_cpu", TIMELINE_SLEEPING } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(event, kinds[i].event) == 0)
			return kinds[i].kind;
	return TIMELINE_OTHER;
}

static bool is_there(const struct timeline_state *t, const char *event)
{
	const struct declared_event *e = event_list_find(&t->list, event);

	return e && (!t->list.counted || e->count);
}

static void want_event(struct timeline_state *t, const struct declared_event *e,
	const struct number_field *took)
{
	static const char *const fields[N_FIELDS] = { "", "pid", "tid", "comm", "cpu", "stack",
		"error", "call", "name", "op", "cost", "kind" };
	uint32_t i = t->n_wants - WANT_EVENTS;

	memcpy(t->fields[i], fields, sizeof(fields));
	t->fields[i][TOOK] = took->name;
	t->kinds[i] = kind_of(e->name);
	t->wants[t->n_wants++] = (struct want){ e->name, t->fields[i], N_FIELDS };
}

static int timeline_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	struct timeline_state *t = state;

	(void)err;
	event_list_init(&t->list, facts->inputs);
	timeline_lanes_init(&t->lanes, facts->start_ns, inputs_several_machines(facts->inputs));
	t->begun = true;
	t->has_sched = is_there(t, "sched_switch") || is_there(t, "sched:sched_switch");
	for (uint32_t i = 0; i < t->list.n && t->n_wants < WANT_EVENTS + MAX_EVENTS; i++) {
		const struct declared_event *e = &t->list.events[i];
		const struct number_field *took = declared_duration(e);

		if (took && declared_field(e, "tid") && !is_told_already(t, e->name))
			want_event(t, e, took);
	}
	return 0;
}

static const struct want *timeline_wants(void *state, uint32_t *n)
{
	struct timeline_state *t = state;

	*n = t->n_wants;
	return t->wants;
}

/* ---- threads and CPUs ---- */

static uint32_t who_is(struct timeline_state *t, const struct sched_thread *s)
{
	return timeline_who(&t->lanes, s->reader, s->pid, s->tid, s->segment, s->comm);
}

/* Not of the idle threads, which all have number 0. */
static bool is_shown(const struct timeline_state *t, const struct sched_thread *s)
{
	const uint64_t v[FILTER_FIELDS] = { s->pid, s->tid, s->cpu, s->comm };

	return s->tid && filter_pass(t->filter, s->segment, v, 0);
}

static uint32_t name(struct timeline_state *t, const char *text, enum timeline_kind kind)
{
	return timeline_name(&t->lanes.builder, text, strlen(text), kind);
}

static void make_states(struct timeline_state *t)
{
	t->running = name(t, "running", TIMELINE_RUNNING);
	t->sampled = name(t, "CPU sample", TIMELINE_SAMPLE);
	t->waiting = name(t, "waiting for a CPU", TIMELINE_WAITING);
	t->states[SCHED_PREEMPTED] = t->waiting;
	t->states[SCHED_SLEEPING] = name(t, "sleeping", TIMELINE_SLEEPING);
	t->states[SCHED_DISK] = name(t, "uninterruptible", TIMELINE_DISK);
	t->states[SCHED_IDLE] = t->states[SCHED_SLEEPING];
	t->states[SCHED_STOPPED] = name(t, "stopped", TIMELINE_STOPPED);
	t->states[SCHED_DEAD] = t->states[SCHED_STOPPED];
}

static void add_running(struct timeline_state *t, const struct sched_thread *s, uint64_t from,
	uint64_t to)
{
	uint32_t who = who_is(t, s);
	struct timeline_item item = { .from_ns = from, .to_ns = to, .name = t->running };

	item.value = s->cpu;
	timeline_add(&t->lanes.builder, timeline_thread_lane(&t->lanes, who), item);
	item.name = timeline_label(&t->lanes, who);
	item.who = who + 1;
	timeline_add(&t->lanes.builder, timeline_cpu_lane(&t->lanes, s->reader, s->cpu), item);
}

/* The waker of the last wake-up; 0 where an interrupt was it, or nobody is known. */
static uint32_t waker_of(struct timeline_state *t, const struct sched_thread *s)
{
	const struct sched_thread *waker;

	if (!s->woken_ns || s->by_interrupt)
		return 0;
	waker = sched_track_thread(t->track, s->waker);
	return waker->tid ? who_is(t, waker) + 1 : 0;
}

static void add_blocked(struct timeline_state *t, const struct sched_thread *s, uint64_t to)
{
	struct timeline_item item = { .from_ns = s->left_ns, .to_ns = to };

	item.name = t->states[s->why];
	item.value = s->cpu;
	item.who = waker_of(t, s);
	item.stack = stack_list_add(&t->lanes.stacks, s->stack.segment, s->stack.stack);
	if (s->woken_ns)
		item.stack_2 = stack_list_add(&t->lanes.stacks, s->waker_stack.segment,
			s->waker_stack.stack);
	timeline_add(&t->lanes.builder, timeline_thread_lane(&t->lanes, who_is(t, s)), item);
	slow_calls_wait(&t->slow, who_is(t, s),
		&(struct slow_wait){ .from_ns = s->left_ns,
			.to_ns = to,
			.kind = t->lanes.builder.names[item.name].kind });
}

/* Where a thread (from 1 on) was seen since a moment; 0: it was not. */
static uint32_t seen_since(const struct timeline_state *t, uint32_t who, uint64_t from_ns)
{
	const struct seen *s = who && who <= t->n_seen ? &t->seen[who - 1] : NULL;

	return s && s->time_ns >= from_ns ? s->stack : 0;
}

static void add_waiting(struct timeline_state *t, const struct sched_thread *s,
	const struct sched_thread *before, uint32_t cpu, uint64_t from, uint64_t to)
{
	uint32_t lane = timeline_thread_lane(&t->lanes, who_is(t, s));
	struct timeline_item item = { .from_ns = from,
		.to_ns = to,
		.name = t->waiting,
		.value = cpu,
		.who = waker_of(t, s) };
	const struct sched_thread *ran = NULL;
	uint64_t ran_ns;

	/* Who ran meanwhile is worth a search only if the piece will stand alone. */
	if (lane < t->lanes.builder.n_lanes && to - from >= t->lanes.builder.lanes[lane].least_ns)
		ran = sched_track_who_ran(t->track, s->reader, cpu, from, to, &ran_ns);
	ran = ran ? ran : before;
	item.behind = ran && ran->tid && ran != s ? who_is(t, ran) + 1 : 0;
	timeline_add(&t->lanes.builder, lane, item);
	slow_calls_wait(&t->slow, who_is(t, s),
		&(struct slow_wait){ from, to, TIMELINE_WAITING, item.behind,
			seen_since(t, item.behind, from) });
}

static bool was_blocked(const struct sched_thread *s, uint64_t to)
{
	return s->left_ns && s->left_ns < to && s->why != SCHED_PREEMPTED;
}

static void on_ran(void *ctx, const struct sched_thread *s, uint64_t from, uint64_t to)
{
	struct timeline_state *t = ctx;

	if (is_shown(t, s))
		add_running(t, s, from, to);
}

static void on_waited(void *ctx, const struct sched_thread *s, const struct sched_thread *before,
	uint32_t cpu, uint64_t from, uint64_t to)
{
	struct timeline_state *t = ctx;

	if (!is_shown(t, s))
		return;
	if (was_blocked(s, from))
		add_blocked(t, s, from);
	add_waiting(t, s, before, cpu, from, to);
}

/* Comes behind on_waited, which has told of it, unless the thread's wake-up was not seen. */
static void on_absent(void *ctx, const struct sched_thread *s, uint64_t to)
{
	struct timeline_state *t = ctx;

	if (is_shown(t, s) && !(s->runnable_ns && s->doing == SCHED_WAITING))
		add_blocked(t, s, to);
}

/* What goes on at the end of the trace. */
static void add_last(struct timeline_state *t)
{
	uint32_t n;
	const struct sched_thread *threads = sched_track_threads(t->track, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct sched_thread *s = &threads[i];
		uint64_t until = s->runnable_ns ? s->runnable_ns : t->last_ns;

		if (!is_shown(t, s))
			continue;
		if (s->doing == SCHED_RUNNING)
			add_running(t, s, s->since_ns, t->last_ns);
		else if (s->doing != SCHED_UNKNOWN && was_blocked(s, until) && s->why != SCHED_DEAD)
			add_blocked(t, s, until);
		if (s->doing == SCHED_WAITING && s->runnable_ns)
			add_waiting(t, s, NULL, s->cpu, s->runnable_ns, t->last_ns);
	}
}

/* ---- other events ---- */

static bool has(const struct row *row, unsigned field)
{
	return !(row->missing & 1ULL << field);
}

static bool passes(const struct timeline_state *t, const struct row *row, uint64_t pid,
	uint64_t tid, uint64_t cpu, uint64_t comm)
{
	const uint64_t v[FILTER_FIELDS] = { pid, tid, cpu, comm };

	return filter_pass(t->filter, row->segment, v, 0);
}

/* A field's value in words; nothing if it has none. */
static struct text words_of(const struct timeline_state *t, const struct row *row, unsigned field)
{
	const char *field_name = t->fields[row->want - WANT_EVENTS][field];
	int at = event_field(row->type, field_name);
	const struct field *f = at < 0 ? NULL : &row->type->fields[at];
	const char *word;

	if (f && f->type == FIELD_STRING)
		return segment_string(row->segment, (uint32_t)row->values[field]);
	word = f && f->enumeration ? enum_name(f->enumeration, (int32_t)row->values[field]) : NULL;
	return word ? (struct text){ word, strlen(word) } : (struct text){ "", 0 };
}

static unsigned naming_field(const struct row *row)
{
	for (unsigned i = CALL; i < N_FIELDS; i++)
		if (has(row, i))
			return i;
	return TOOK;
}

/* "openat ENOENT", "major"; else what the event is called. */
static uint32_t make_name(struct timeline_state *t, const struct row *row, unsigned field)
{
	struct text what = field == TOOK ? (struct text){ "", 0 } : words_of(t, row, field);
	struct text error = has(row, ERROR) ? words_of(t, row, ERROR) : (struct text){ "", 0 };
	enum timeline_kind kind = t->kinds[row->want - WANT_EVENTS];
	char text[2 * MAX_NAME + 2];

	if (!what.len)
		what = (struct text){ row->type->name, strlen(row->type->name) };
	what.len = what.len < MAX_NAME ? what.len : MAX_NAME;
	error.len = error.len < MAX_NAME ? error.len : MAX_NAME;
	snprintf(text, sizeof(text), "%.*s%s%.*s", (int)what.len, what.s, error.len ? " " : "",
		(int)error.len, error.s);
	return timeline_name(&t->lanes.builder, text, strlen(text), kind);
}

static struct map *names_of(struct timeline_state *t, const struct segment *s)
{
	for (uint32_t i = t->n_names; i-- > 0;)
		if (t->names[i].segment == s)
			return &t->names[i].by_key;
	t->names = xrealloc(t->names, t->n_names + 1, sizeof(*t->names));
	t->names[t->n_names].segment = s;
	map_init(&t->names[t->n_names].by_key, 64);
	return &t->names[t->n_names++].by_key;
}

static uint32_t name_of(struct timeline_state *t, const struct row *row)
{
	unsigned field = naming_field(row);
	uint64_t key = hash_u64((field == TOOK ? 0 : row->values[field]) << 6 ^ row->want) ^
		(has(row, ERROR) ? row->values[ERROR] : 0);
	bool is_new;
	uint32_t *at = map_put(names_of(t, row->segment), key, &is_new);

	if (is_new)
		*at = make_name(t, row, field);
	return *at;
}

static struct recent_event describe(struct timeline_state *t, const struct row *row)
{
	const uint64_t *v = row->values;
	struct recent_event e = { .type = row->type,
		.pid = v[PID],
		.tid = v[TID],
		.comm = v[COMM],
		.what = v[naming_field(row)],
		.error = v[ERROR],
		.want = row->want };

	e.name = name_of(t, row);
	e.who = timeline_who(&t->lanes, row->reader, (uint32_t)v[PID], (uint32_t)v[TID],
		row->segment, (uint32_t)v[COMM]);
	e.lines = timeline_event_lines(&t->lanes, e.who, row->want - WANT_EVENTS,
		t->wants[row->want].event);
	return e;
}

/* Also makes the thread called as the event says. */
static const struct recent_event *recent_of(struct timeline_state *t, const struct row *row)
{
	const uint64_t *v = row->values;
	uint64_t what = v[naming_field(row)];
	struct recent_event *e = &t->recent[recent_place(v[TID] << 20 ^ what)];
	bool same = e->type == row->type && e->want == row->want &&
		!((e->pid ^ v[PID]) | (e->tid ^ v[TID]) | (e->comm ^ v[COMM]) | (e->what ^ what) |
			(e->error ^ v[ERROR]));

	if (!same ||
		!timeline_is_called(&t->lanes, e->who, (uint32_t)v[PID], row->segment,
			(uint32_t)v[COMM]))
		*e = describe(t, row);
	return e;
}

static void event_row(struct timeline_state *t, const struct row *row)
{
	const uint64_t *v = row->values;
	struct timeline_item item = { .to_ns = row->time };
	const struct recent_event *e;

	if (!passes(t, row, v[PID], v[TID], v[CPU], v[COMM]))
		return;
	e = recent_of(t, row);
	item.from_ns = row->time > v[TOOK] ? row->time - v[TOOK] : 0;
	item.name = e->name;
	if (v[STACK])
		item.stack = stack_list_add(&t->lanes.stacks, row->segment, (uint32_t)v[STACK]);
	timeline_add_free(&t->lanes.builder, &t->lanes.lines[e->lines], &item);
	if (t->has_sched)
		slow_calls_end(&t->slow, e->who, item.name, item.from_ns, item.to_ns);
}

static uint32_t op_name(struct timeline_state *t, const struct row *row)
{
	int at = event_field(row->type, "op");
	const struct enumeration *e = at < 0 ? NULL : row->type->fields[at].enumeration;
	const char *op = e ? enum_name(e, (int32_t)row->values[D_OP]) : NULL;

	return name(t, op ? op : "request",
		op && !strcmp(op, "read") ? TIMELINE_READ : TIMELINE_WRITE);
}

static void disk_row(struct timeline_state *t, const struct row *row)
{
	const uint64_t *v = row->values;
	struct timeline_item item = { .to_ns = row->time, .name = op_name(t, row) };
	uint32_t lines;

	if (!passes(t, row, v[D_PID], v[D_TID], 0, v[D_COMM]))
		return;
	item.from_ns = row->time > v[D_LATENCY] ? row->time - v[D_LATENCY] : 0;
	item.value = (uint32_t)v[D_BYTES];
	item.stack = stack_list_add(&t->lanes.stacks, row->segment, (uint32_t)v[D_STACK]);
	if (v[D_TID])
		item.who = 1 +
			timeline_who(&t->lanes, row->reader, (uint32_t)v[D_PID], (uint32_t)v[D_TID],
				row->segment, (uint32_t)v[D_COMM]);
	lines = timeline_disk_lines(&t->lanes, row->reader,
		(uint32_t)v[D_MAJOR] << 20 ^ (uint32_t)v[D_MINOR],
		segment_string(row->segment, (uint32_t)v[D_DISK]));
	timeline_add_free(&t->lanes.builder, &t->lanes.lines[lines], &item);
}

static void note_seen(struct timeline_state *t, uint32_t who, uint64_t time, uint32_t stack)
{
	if (who >= t->n_seen) {
		uint32_t n = 2 * who + 64;

		t->seen = xrealloc(t->seen, n, sizeof(*t->seen));
		memset(t->seen + t->n_seen, 0, (n - t->n_seen) * sizeof(*t->seen));
		t->n_seen = n;
	}
	t->seen[who] = (struct seen){ time, stack };
}

static void sample_row(struct timeline_state *t, const struct row *row)
{
	const uint64_t *v = row->values;
	struct timeline_item item = { .from_ns = row->time, .to_ns = row->time };
	uint32_t who, lines;

	if (!v[S_TID] || !passes(t, row, v[S_PID], v[S_TID], v[S_CPU], v[S_COMM]))
		return;
	who = timeline_who(&t->lanes, row->reader, (uint32_t)v[S_PID], (uint32_t)v[S_TID],
		row->segment, (uint32_t)v[S_COMM]);
	item.stack = stack_list_add(&t->lanes.stacks, row->segment, (uint32_t)v[S_STACK]);
	item.name = t->sampled;
	note_seen(t, who, row->time, item.stack);
	lines = timeline_event_lines(&t->lanes, who, MAX_EVENTS, "CPU samples");
	timeline_add_free(&t->lanes.builder, &t->lanes.lines[lines], &item);
	if (t->has_sched)
		return;
	item.name = timeline_label(&t->lanes, who);
	item.who = who + 1;
	timeline_add(&t->lanes.builder,
		timeline_cpu_lane(&t->lanes, row->reader, (uint32_t)v[S_CPU]), item);
}

static void timeline_row(void *state, const struct row *row)
{
	struct timeline_state *t = state;

	if (!t->n_rows++) {
		make_states(t);
		t->first_ns = row->time;
	}
	t->last_ns = row->time > t->last_ns ? row->time : t->last_ns;
	if (row->want < SCHED_TRACK_WANTS)
		sched_track_row(t->track, row, row->want);
	else if (row->want == WANT_DISK)
		disk_row(t, row);
	else if (row->want == WANT_SAMPLE)
		sample_row(t, row);
	else
		event_row(t, row);
}

/* ---- the report ---- */

/* Of some sources there may be one event in so many. */
static void tell_samples(const struct trace_facts *facts, struct report *r)
{
	static const char *const sources[] = { "block", "sched", "syscalls", "faults" };
	const struct segment *s = reader_declarations(facts->inputs->readers[0], 0);
	char key[32];

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		struct text n;

		snprintf(key, sizeof(key), "source.%s.sample", sources[i]);
		n = segment_info(s, key);
		if (n.len && !text_is(n, "1"))
			report_note(r, NOTE_INFO,
				"Of %s one event in %.*s was recorded (rec --sample): lanes show these, and "
				"in between there were more.",
				sources[i], n.len < 12 ? (int)n.len : 12, n.s);
	}
}

static void timeline_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct timeline_state *t = state;
	uint64_t from = t->first_ns > facts->start_ns ? t->first_ns - facts->start_ns : 0;
	uint64_t to = t->last_ns > facts->start_ns ? t->last_ns - facts->start_ns : 0;

	if (!t->n_rows) {
		report_note(r, NOTE_WARNING,
			"There is nothing that takes time in this trace (or the filter lets none "
			"pass).");
		return;
	}
	add_last(t);
	tree_init(&t->tree, "ns");
	timeline_lanes_report(&t->lanes, from, to, &t->tree, &t->scratch, r);
	tell_samples(facts, r);
	slow_findings(&t->slow, &t->lanes, facts->start_ns, r);
}

static void *timeline_new(const struct analyze_options *options)
{
	static const char *const disk[N_DISK] = { "latency", "bytes", "disk", "major", "minor",
		"op", "pid", "tid", "comm", "stack" };
	static const char *const sample[N_SAMPLE] = { "cpu", "pid", "tid", "comm", "stack" };
	struct timeline_state *t = xcalloc(1, sizeof(*t));
	const struct sched_track_user user = { on_ran, on_waited, on_absent, NULL, t };

	t->options = options;
	t->filter = (struct filter *)&options->filter;
	t->track = sched_track_new(&user);
	slow_calls_init(&t->slow);
	memcpy(t->wants, sched_track_wants, sizeof(sched_track_wants));
	t->wants[WANT_DISK] = (struct want){ "block_io", disk, N_DISK };
	t->wants[WANT_SAMPLE] = (struct want){ "cpu_sample", sample, N_SAMPLE };
	t->n_wants = WANT_EVENTS;
	return t;
}

static void timeline_free(void *state)
{
	struct timeline_state *t = state;

	sched_track_free(t->track);
	slow_calls_done(&t->slow);
	free(t->seen);
	for (uint32_t i = 0; i < t->n_names; i++)
		map_done(&t->names[i].by_key);
	free(t->names);
	if (t->begun) {
		timeline_lanes_done(&t->lanes);
		event_list_done(&t->list);
	}
	if (t->tree.nodes)
		tree_done(&t->tree);
	arena_done(&t->scratch);
	free(t);
}

const struct analyzer analyzer_timeline = {
	.name = "timeline",
	.title = "Timeline",
	.summary = "what went on when: CPUs, threads and what they waited for, disks",
	.ordered = true,
	.unfiltered = true,
	.options = OPTIONS_FILTER,
	.new = timeline_new,
	.begin = timeline_begin,
	.wants = timeline_wants,
	.row = timeline_row,
	.finish = timeline_finish,
	.free = timeline_free,
};
