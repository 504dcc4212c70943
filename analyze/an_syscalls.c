/* `ana syscalls`: which system calls were made, how long they took, what failed, by whom.
 *
 * A trace of `rec syscalls` has every call, one of `rec syscalls --summary` counts by powers of two; both end in the
 * same tables. With the scheduler's events in the trace the time in a call is divided (call_time.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/call_time.h"
#include "analyze/longest.h"
#include "analyze/syscall_text.h"
#include "render/heatmap.h"
#include "render/number.h"

enum {
	DEFAULT_TOP = 20,
	MAX_LIST = 1000000,
	MAX_GROUPS = 100000, /* rows of a table that are told apart; no recording has so many */
	DRAWN = 4,           /* calls that have a histogram of their own */
	BUCKETS = 32,
	FIRST_BUCKET = 8, /* of a summary: below 2^8 ns, below 2^9... */
	MAX_NAME = 256,
};

/* Fields of each want, in this order: those all have in common first. */
enum {
	PID,
	TID,
	CPU,
	COMM,
	CALL,
	ABI,
	DURATION,
	ERROR,
	RET,
	WEIGHT,
	FORM,
	PATH,
	PATH2,
	ARGS,
	N_CALL = ARGS + SYSCALL_TEXT_ARGS
};
enum { BEGIN = DURATION, N_UNFINISHED };
enum { CALLS = DURATION, ERRORS, TOTAL, LONGEST, BUCKET, N_SUMMARY = BUCKET + BUCKETS };

static const char *const call_fields[N_CALL] = { "pid", "tid", "cpu", "comm", "call", "abi",
	"duration", "error", "ret", "weight", "form", "path", "path2", "arg0", "arg1", "arg2",
	"arg3", "arg4", "arg5" };
static const char *const unfinished_fields[N_UNFINISHED] = { "pid", "tid", "cpu", "comm", "call",
	"abi", "begin" };

enum { WANT_CALL = SCHED_TRACK_WANTS, WANT_UNFINISHED, WANT_SUMMARY, N_WANTS };

enum group_by { BY_COMM, BY_PID, BY_TID, BY_CPU, BY_NONE, BY_HOST };

/* What calls of one kind have in common. */
struct sums {
	char *who, *what; /* owned */
	uint64_t pid, tid;
	uint64_t calls, errors, total_ns, longest_ns;
	struct histogram durations;
	struct call_parts parts;
	uint64_t n_parted; /* calls of which these are known */
};

struct group {
	struct map by_key;
	struct sums *sums; /* owned */
	uint32_t n;
};

/* A call that is shown by itself; it gets its words at the end. */
struct shown {
	uint64_t duration; /* first: longest.h */
	uint64_t time;
	struct segment *segment;
	const struct event_type *type;
	uint64_t values[N_CALL];
};

struct shown_list {
	struct shown *calls; /* owned */
	uint32_t n, cap;
	uint64_t n_all; /* with those for which there was no room */
};

struct syscalls {
	const struct analyze_options *options;
	struct filter *filter; /* the options' */
	enum group_by by;
	struct want wants[N_WANTS];
	char summary_names[BUCKETS][12];
	const char *summary_fields[N_SUMMARY];
	struct call_time *time;
	struct group calls, errors, callers, paths;
	struct histogram durations;
	struct heatmap_builder map;
	bool has_map, has_calls, has_summary, has_parts, sampled;
	struct longest worst, unfinished;
	struct shown_list list;
	uint64_t known_from_ns;
	uint64_t n_unfinished;
	uint64_t n_ended; /* calls that end a thread or process */
};

/* ---- names ---- */

static struct text string_of(const struct row *row, unsigned field)
{
	return segment_string(row->segment, (uint32_t)row->values[field]);
}

/* The name of an enumeration's value, or "". */
static const char *word_of(const struct row *row, const char *name, uint64_t value)
{
	int field = event_field(row->type, name);
	const struct enumeration *e = field >= 0 ? row->type->fields[field].enumeration : NULL;
	const char *word = e ? enum_name(e, (int32_t)value) : NULL;

	return word ? word : "";
}

/* "read", and "read (ia32)" of a program with calls of other numbers. */
static void name_call(const struct row *row, char name[MAX_NAME])
{
	struct text t = string_of(row, CALL);
	const char *abi = word_of(row, "abi", row->values[ABI]);

	if (!row->values[ABI] || strcmp(abi, "native") == 0)
		snprintf(name, MAX_NAME, "%.*s", (int)t.len, t.s);
	else
		snprintf(name, MAX_NAME, "%.*s (%s)", (int)t.len, t.s, abi);
}

/* ---- groups ---- */

#define REST_KEY 0x6d6f7265ULL /* no hash of anything is likely to be it */

static struct sums *find(struct group *g, uint64_t key, const char *who, const char *what)
{
	uint32_t *at = map_get(&g->by_key, key);
	bool is_new;

	if (at)
		return &g->sums[*at];
	if (g->n >= MAX_GROUPS) { /* the rest is one heap, which is called so */
		key = REST_KEY;
		who = what = "(more)";
		at = map_get(&g->by_key, key);
		if (at)
			return &g->sums[*at];
	}
	at = map_put(&g->by_key, key, &is_new);
	*at = g->n;
	if ((g->n & (g->n - 1)) == 0)
		g->sums = xrealloc(g->sums, g->n ? 2 * (size_t)g->n : 1, sizeof(*g->sums));
	g->sums[g->n] = (struct sums){ .who = strdup(who), .what = strdup(what) };
	return &g->sums[g->n++];
}

static void group_done(struct group *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		histogram_done(&g->sums[i].durations);
		free(g->sums[i].who);
		free(g->sums[i].what);
	}
	free(g->sums);
	map_done(&g->by_key);
}

/* Of one call, or of what a summary counted. */
struct amount {
	uint64_t calls, errors, total_ns, longest_ns;
	const struct call_parts *parts; /* NULL: not known */
};

static void add(struct sums *s, const struct amount *a)
{
	s->calls += a->calls;
	s->errors += a->errors;
	s->total_ns += a->total_ns;
	s->longest_ns = a->longest_ns > s->longest_ns ? a->longest_ns : s->longest_ns;
	if (!a->parts)
		return;
	s->n_parted += a->calls;
	s->parts.on_cpu_ns += a->parts->on_cpu_ns * a->calls;
	s->parts.blocked_ns += a->parts->blocked_ns * a->calls;
	s->parts.waited_ns += a->parts->waited_ns * a->calls;
}

static uint64_t hash_text(const char *s)
{
	return hash_bytes(s, strlen(s));
}

/* Whose call it was, by --by: the key, and the name in a buffer. */
static uint64_t caller_key(const struct syscalls *s, const struct row *row, char who[MAX_NAME])
{
	struct text comm = string_of(row, COMM), host;
	uint64_t machine = (uint64_t)row->reader << 32;

	snprintf(who, MAX_NAME, "%.*s", (int)comm.len, comm.s);
	switch (s->by) {
	case BY_PID: return machine | row->values[PID];
	case BY_TID: return machine | row->values[TID];
	case BY_CPU:
		snprintf(who, MAX_NAME, "CPU %" PRIu64, row->values[CPU]);
		return machine | row->values[CPU];
	case BY_HOST:
		host = segment_info(row->segment, "machine.host");
		snprintf(who, MAX_NAME, "%.*s", (int)host.len, host.s);
		return hash_text(who);
	default: return hash_text(who);
	}
}

/* The sums of the calls of that name, and of the caller's. */
enum { OF_CALL, OF_CALLER, N_OF };

static unsigned sums_of(struct syscalls *s, const struct row *row, const char *name,
	struct sums *of[N_OF])
{
	char who[MAX_NAME];
	uint64_t call = hash_text(name), caller;

	of[OF_CALL] = find(&s->calls, call, "", name);
	if (s->by == BY_NONE)
		return 1;
	caller = hash_u64(caller_key(s, row, who)) ^ call;
	of[OF_CALLER] = find(&s->callers, caller, who, name);
	of[OF_CALLER]->pid = row->values[PID];
	of[OF_CALLER]->tid = row->values[TID];
	return 2;
}

/* ---- calls that are shown one by one ---- */

static struct shown show(const struct row *row, uint64_t duration, unsigned n)
{
	struct shown x = { .duration = duration,
		.time = row->time,
		.segment = row->segment,
		.type = row->type };

	memcpy(x.values, row->values, n * sizeof(*x.values));
	return x;
}

/* As if it had just been read. */
static struct row row_of(const struct shown *x)
{
	return (struct row){ .time = x->time,
		.segment = x->segment,
		.type = x->type,
		.values = x->values };
}

static const char *text_of(const struct shown *x, struct arena *a)
{
	struct row row = row_of(x);
	struct syscall_words w = { .form = string_of(&row, FORM),
		.path = { string_of(&row, PATH), string_of(&row, PATH2) },
		.error = string_of(&row, ERROR),
		.ret = (int64_t)x->values[RET] };
	char name[MAX_NAME];

	name_call(&row, name);
	w.call = (struct text){ name, strlen(name) };
	memcpy(w.args, x->values + ARGS, sizeof(w.args));
	return syscall_text(&w, a);
}

static const char *name_of(const struct shown *x, struct arena *a)
{
	struct row row = row_of(x);
	char name[MAX_NAME];

	name_call(&row, name);
	return arena_strdup(a, name);
}

static void append(struct shown_list *l, const struct shown *x)
{
	l->n_all++;
	if (l->n == MAX_LIST)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->calls = xrealloc(l->calls, l->cap, sizeof(*l->calls));
	}
	l->calls[l->n++] = *x;
}

/* ---- rows ---- */

static void put_on_map(struct syscalls *s, uint64_t time, uint64_t duration, uint64_t n)
{
	if (!s->has_map)
		heatmap_builder_init(&s->map, time);
	s->has_map = true;
	heatmap_add(&s->map, time, duration, n);
}

static void count_error(struct syscalls *s, const struct row *row, const char *name,
	const struct amount *a)
{
	struct text t = string_of(row, ERROR);
	char error[MAX_NAME];

	snprintf(error, sizeof(error), "%.*s", (int)t.len, t.s);
	add(find(&s->errors, hash_text(name) * 31 + hash_text(error), error, name), a);
}

static void count_path(struct syscalls *s, const struct row *row, const struct amount *a)
{
	struct text t = string_of(row, PATH);
	char *path;

	if (!t.len)
		return;
	path = strndup(t.s, t.len);
	add(find(&s->paths, hash_bytes(t.s, t.len), "", path), a);
	free(path);
}

static void call_row(struct syscalls *s, const struct row *row)
{
	const uint64_t *v = row->values;
	uint64_t weight = row->missing & 1ULL << WEIGHT || !v[WEIGHT] ? 1 : v[WEIGHT];
	uint64_t begin_ns = row->time > v[DURATION] ? row->time - v[DURATION] : 0;
	struct amount a = { weight, v[ERROR] ? weight : 0, weight * v[DURATION], v[DURATION],
		NULL };
	struct call_parts parts = call_time_take(s->time, row->reader, (uint32_t)v[TID], begin_ns,
		row->time);
	struct sums *of[N_OF];
	struct shown shown;
	char name[MAX_NAME];
	unsigned n;

	if (begin_ns >= s->known_from_ns)
		a.parts = &parts;
	if (!filter_pass(s->filter, row->segment,
		    (const uint64_t[]){ v[PID], v[TID], v[CPU], v[COMM] },
		    (unsigned)row->missing & 15))
		return;
	name_call(row, name);
	n = sums_of(s, row, name, of);
	for (unsigned i = 0; i < n; i++) {
		add(of[i], &a);
		histogram_add(&of[i]->durations, v[DURATION], weight);
	}
	histogram_add(&s->durations, v[DURATION], weight);
	if (v[ERROR])
		count_error(s, row, name, &a);
	count_path(s, row, &a);
	put_on_map(s, row->time, v[DURATION], weight);
	s->sampled |= weight > 1;
	shown = show(row, v[DURATION], N_CALL);
	longest_add(&s->worst, &shown);
	if (s->options->list)
		append(&s->list, &shown);
}

/* Only that a call is in a bucket is known: it counts with the bucket's longest duration. */
static void summary_row(struct syscalls *s, const struct row *row)
{
	const uint64_t *v = row->values;
	struct amount a = { v[CALLS], v[ERRORS], v[TOTAL], v[LONGEST], NULL };
	struct sums *of[N_OF];
	char name[MAX_NAME];
	unsigned n;

	if (!filter_pass(s->filter, row->segment,
		    (const uint64_t[]){ v[PID], v[TID], v[CPU], v[COMM] },
		    (unsigned)row->missing & 15))
		return;
	name_call(row, name);
	n = sums_of(s, row, name, of);
	for (unsigned i = 0; i < n; i++)
		add(of[i], &a);
	for (unsigned b = 0; b < BUCKETS; b++) {
		uint64_t most = (1ULL << (FIRST_BUCKET + b)) - 1, calls = v[BUCKET + b];

		if (!calls)
			continue;
		most = b == BUCKETS - 1 || most > v[LONGEST] ? v[LONGEST] : most;
		for (unsigned i = 0; i < n; i++)
			histogram_add(&of[i]->durations, most, calls);
		histogram_add(&s->durations, most, calls);
		put_on_map(s, row->time, most, calls);
	}
	if (v[ERRORS]) {
		struct amount errors = { v[ERRORS], v[ERRORS], 0, 0, NULL };

		add(find(&s->errors, hash_text(name), "(not told apart)", name), &errors);
	}
}

static void unfinished_row(struct syscalls *s, const struct row *row)
{
	const uint64_t *v = row->values;
	struct shown shown;

	if (!filter_pass(s->filter, row->segment,
		    (const uint64_t[]){ v[PID], v[TID], v[CPU], v[COMM] },
		    (unsigned)row->missing & 15))
		return;
	if (row->time <= v[BEGIN]) {
		s->n_ended++;
		return;
	}
	shown = show(row, row->time - v[BEGIN], N_UNFINISHED);
	longest_add(&s->unfinished, &shown);
	s->n_unfinished++;
}

/* From when on all events are there: what began before has a part that is not known. */
static uint64_t known_from(const struct syscalls *s, const struct row *first)
{
	const struct segment *g = first->segment;

	return s->filter->has_window ? first->time : g->clock.start_ns + (uint64_t)g->shift_ns;
}

static void syscalls_row(void *state, const struct row *row)
{
	struct syscalls *s = state;

	if (!s->known_from_ns)
		s->known_from_ns = known_from(s, row);
	if (row->want < SCHED_TRACK_WANTS) {
		call_time_row(s->time, row, row->want);
	} else if (row->want == WANT_CALL) {
		s->has_calls = true;
		call_row(s, row);
	} else if (row->want == WANT_UNFINISHED) {
		unfinished_row(s, row);
	} else {
		s->has_summary = true;
		summary_row(s, row);
	}
}

/* ---- the report ---- */

static uint32_t top(const struct syscalls *s)
{
	return s->options->top ? s->options->top : DEFAULT_TOP;
}

static int by_total(const void *a, const void *b)
{
	const struct sums *x = *(const struct sums *const *)a, *y = *(const struct sums *const *)b;
	int c;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	c = strcmp(x->what, y->what);
	return c ? c : strcmp(x->who, y->who);
}

static int by_calls(const void *a, const void *b)
{
	const struct sums *x = *(const struct sums *const *)a, *y = *(const struct sums *const *)b;

	return x->calls == y->calls ? by_total(a, b) : x->calls > y->calls ? -1 : 1;
}

static struct sums **sorted(const struct group *g, struct arena *a,
	int (*order)(const void *, const void *))
{
	struct sums **list = arena_alloc(a, (g->n + 1) * sizeof(*list));

	for (uint32_t i = 0; i < g->n; i++)
		list[i] = &g->sums[i];
	qsort(list, g->n, sizeof(*list), order);
	return list;
}

static void tell_cut(struct report *r, const char *what, uint32_t n, uint32_t shown)
{
	if (shown < n)
		report_note(r, NOTE_INFO, "Of %u %s %u are shown (--top).", n, what, shown);
}

static const struct column sum_columns[] = { { "calls", "Calls", CELL_COUNT },
	{ "errors", "Errors", CELL_COUNT }, { "total", "Total", CELL_NS },
	{ "mean", "Mean", CELL_NS }, { "p50", "p50", CELL_NS }, { "p99", "p99", CELL_NS },
	{ "max", "Max", CELL_NS } };
static const struct column part_columns[] = { { "on_cpu", "On CPU", CELL_NS },
	{ "blocked", "Blocked", CELL_NS }, { "waited", "Waited for CPU", CELL_NS } };
enum { N_SUM_COLUMNS = 7, N_PART_COLUMNS = 3 };

static void put_sums(const struct syscalls *s, union cell *c, const struct sums *x)
{
	c[0].count = x->calls;
	c[1].count = x->errors;
	c[2].count = x->total_ns;
	c[3].count = x->calls ? x->total_ns / x->calls : 0;
	c[4].count = histogram_percentile(&x->durations, 50);
	c[5].count = histogram_percentile(&x->durations, 99);
	c[6].count = x->longest_ns;
	if (!s->has_parts)
		return;
	c[7].count = x->parts.on_cpu_ns;
	c[8].count = x->parts.blocked_ns;
	c[9].count = x->parts.waited_ns;
}

/* Columns of its own, then those of sums, then those of the parts if there are any. */
static struct table *sums_table(const struct syscalls *s, struct report *r, const char *id,
	const char *title, const struct column *own, unsigned n_own)
{
	unsigned n_parts = s->has_parts ? N_PART_COLUMNS : 0;
	struct column *columns = arena_alloc(&r->arena,
		(n_own + N_SUM_COLUMNS + N_PART_COLUMNS) * sizeof(*columns));

	memcpy(columns, own, n_own * sizeof(*own));
	memcpy(columns + n_own, sum_columns, sizeof(sum_columns));
	memcpy(columns + n_own + N_SUM_COLUMNS, part_columns, sizeof(part_columns));
	return report_table(r, id, title, columns, n_own + N_SUM_COLUMNS + n_parts);
}

static void add_calls(const struct syscalls *s, struct report *r, struct sums *const *list)
{
	static const struct column own[] = { { "call", "Call", CELL_TEXT } };
	uint32_t n = s->calls.n < top(s) ? s->calls.n : top(s);
	struct table *t = sums_table(s, r, "calls", "System calls, by the time they took", own, 1);

	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		c[0].text = arena_strdup(&r->arena, list[i]->what);
		put_sums(s, c + 1, list[i]);
	}
	tell_cut(r, "calls", s->calls.n, n);
}

static void add_callers(const struct syscalls *s, struct report *r)
{
	static const struct column own[] = { { "who", "Who", CELL_TEXT },
		{ "pid", "PID", CELL_NUMBER }, { "tid", "TID", CELL_NUMBER },
		{ "call", "Call", CELL_TEXT } };
	struct sums **list = sorted(&s->callers, &r->arena, by_total);
	uint32_t n = s->callers.n < top(s) ? s->callers.n : top(s);
	unsigned numbers = s->by == BY_TID ? 2 : s->by == BY_PID ? 1 : 0;
	struct column mine[4] = { own[0] };
	struct table *t;

	if (s->by == BY_NONE)
		return;
	memcpy(mine + 1, own + 1, numbers * sizeof(*own));
	mine[1 + numbers] = own[3];
	t = sums_table(s, r, "callers", "Who called", mine, 2 + numbers);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		(c++)->text = arena_strdup(&r->arena, list[i]->who);
		if (numbers > 0)
			(c++)->count = list[i]->pid;
		if (numbers > 1)
			(c++)->count = list[i]->tid;
		(c++)->text = arena_strdup(&r->arena, list[i]->what);
		put_sums(s, c, list[i]);
	}
	tell_cut(r, "callers and calls", s->callers.n, n);
}

static void add_errors(const struct syscalls *s, struct report *r)
{
	static const struct column columns[] = { { "call", "Call", CELL_TEXT },
		{ "error", "Error", CELL_TEXT }, { "count", "Times", CELL_COUNT } };
	struct table *t = report_table(r, "errors", "Errors", columns, 3);
	struct sums **list = sorted(&s->errors, &r->arena, by_calls);
	uint32_t n = s->errors.n < top(s) ? s->errors.n : top(s);

	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		c[0].text = arena_strdup(&r->arena, list[i]->what);
		c[1].text = arena_strdup(&r->arena, list[i]->who);
		c[2].count = list[i]->calls;
	}
	tell_cut(r, "errors", s->errors.n, n);
}

static void add_paths(const struct syscalls *s, struct report *r)
{
	static const struct column columns[] = { { "path", "Path", CELL_TEXT },
		{ "calls", "Calls", CELL_COUNT }, { "errors", "Errors", CELL_COUNT },
		{ "total", "Total", CELL_NS } };
	struct sums **list = sorted(&s->paths, &r->arena, by_calls);
	uint32_t n = s->paths.n < top(s) ? s->paths.n : top(s);
	struct table *t;

	if (!n)
		return;
	t = report_table(r, "paths", "Files named most", columns, 4);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		c[0].text = arena_strdup(&r->arena, list[i]->what);
		c[1].count = list[i]->calls;
		c[2].count = list[i]->errors;
		c[3].count = list[i]->total_ns;
	}
	tell_cut(r, "paths", s->paths.n, n);
}

static struct table *shown_table(struct report *r, const char *id, const char *title,
	const char *took)
{
	static const struct column columns[] = { { "time", "At", CELL_NS },
		{ "comm", "Name", CELL_TEXT }, { "pid", "PID", CELL_NUMBER },
		{ "tid", "TID", CELL_NUMBER }, { "duration", "", CELL_NS },
		{ "call", "Call", CELL_TEXT } };
	struct column *mine = arena_alloc(&r->arena, sizeof(columns));

	memcpy(mine, columns, sizeof(columns));
	mine[4].title = took;
	return report_table(r, id, title, mine, 6);
}

static void add_shown(struct report *r, struct table *t, const struct trace_facts *f,
	const struct shown *x, uint64_t time, const char *call)
{
	struct row row = row_of(x);
	struct text comm = string_of(&row, COMM);
	union cell *c = table_row(r, t);

	c[0].count = time > f->start_ns ? time - f->start_ns : 0;
	c[1].text = arena_strndup(&r->arena, comm.s, comm.len);
	c[2].count = x->values[PID];
	c[3].count = x->values[TID];
	c[4].count = x->duration;
	c[5].text = call;
}

static void add_worst(struct syscalls *s, const struct trace_facts *f, struct report *r)
{
	struct table *t;

	if (!s->worst.n)
		return;
	longest_sort(&s->worst);
	t = shown_table(r, "worst", "Longest calls", "Took");
	for (uint32_t i = 0; i < s->worst.n; i++) {
		const struct shown *x = longest_get(&s->worst, i);

		add_shown(r, t, f, x, x->time, text_of(x, &r->arena));
	}
}

static void add_unfinished(struct syscalls *s, const struct trace_facts *f, struct report *r)
{
	struct table *t;

	if (!s->n_unfinished)
		return;
	longest_sort(&s->unfinished);
	t = shown_table(r, "unfinished", "Calls that had not returned at the end", "For at least");
	for (uint32_t i = 0; i < s->unfinished.n; i++) {
		const struct shown *x = longest_get(&s->unfinished, i);

		add_shown(r, t, f, x, x->values[BEGIN], name_of(x, &r->arena));
	}
	tell_cut(r, "unfinished calls", (uint32_t)s->n_unfinished, s->unfinished.n);
}

static void add_list(const struct syscalls *s, const struct trace_facts *f, struct report *r)
{
	struct table *t = shown_table(r, "list", "Every call, as it returned", "Took");

	for (uint32_t i = 0; i < s->list.n; i++)
		add_shown(r, t, f, &s->list.calls[i], s->list.calls[i].time,
			text_of(&s->list.calls[i], &r->arena));
	if (s->list.n < s->list.n_all)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " calls.",
			s->list.n, s->list.n_all);
}

static void add_distributions(const struct syscalls *s, struct report *r, struct sums *const *list)
{
	struct distribution *all = report_histogram(r, "duration_histogram",
		"Duration of all calls", "Duration", CELL_NS, "calls");
	struct distribution *some;

	distribution_add(r, all, "", &s->durations);
	if (s->calls.n < 2)
		return;
	some = report_histogram(r, "call_histograms", "Duration of the calls that took most time",
		"Duration", CELL_NS, "calls");
	for (uint32_t i = 0; i < s->calls.n && i < DRAWN; i++)
		distribution_add(r, some, list[i]->what, &list[i]->durations);
}

static void add_notes(const struct syscalls *s, struct report *r)
{
	if (s->has_summary)
		report_note(r, NOTE_INFO,
			"Counted in the kernel by powers of two (--summary): percentiles, and means under a "
			"histogram, are rounded up to these.");
	if (s->sampled)
		report_note(r, NOTE_INFO,
			"Only some calls were recorded, each counts for as many as it was chosen from.");
	if (s->has_calls && !s->has_parts)
		report_note(r, NOTE_INFO,
			"What the time in calls was spent on is told where the scheduler was recorded "
			"too: `rec sched,syscalls`.");
	if (s->n_ended)
		report_note(r, NOTE_INFO,
			"exit and exit_group were called %" PRIu64
			" times: they never return, and are not "
			"counted.",
			s->n_ended);
}

/* Whether a call is there to wait for something: that it took long says nothing. */
static bool is_for_waiting(const char *call)
{
	static const char *const names[] = { "accept", "clock_nanosleep", "epoll_", "futex",
		"io_getevents", "io_pgetevents", "io_uring_enter", "msgrcv", "mq_timedreceive",
		"nanosleep", "pause", "poll", "ppoll", "pselect", "restart_syscall",
		"rt_sigsuspend", "rt_sigtimedwait", "select", "semop", "semtimedop", "vfork",
		"wait" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(call, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The call that took most, of those from which a program wants something done. The list is sorted. */
static void add_finding(const struct syscalls *s, struct report *r, struct sums *const *list)
{
	char total[NUMBER_MAX], p99[NUMBER_MAX], blocked[NUMBER_MAX];
	const struct sums *x;
	uint32_t i = 0;

	while (i < s->calls.n && is_for_waiting(list[i]->what))
		i++;
	if (i == s->calls.n || !list[i]->total_ns)
		return;
	x = list[i];
	report_finding(r, x->total_ns, "calls",
		"Of the system calls that do not just wait %s took most: %s in %" PRIu64
		" calls, 1 in 100 longer than %s, %" PRIu64 " failed%s%s.",
		x->what, number_ns(total, x->total_ns), x->calls,
		number_ns(p99, histogram_percentile(&x->durations, 99)), x->errors,
		s->has_parts ? "; blocked for " : "",
		s->has_parts ? number_ns(blocked, x->parts.blocked_ns) : "");
}

static void syscalls_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct syscalls *s = state;
	struct sums **list;

	if (!s->has_calls && !s->has_summary && !s->n_unfinished) {
		report_note(r, NOTE_WARNING,
			"There are no system calls in this trace; `rec syscalls` records them.");
		return;
	}
	s->has_parts = s->has_calls && call_time_known(s->time);
	add_notes(s, r);
	list = sorted(&s->calls, &r->arena, by_total);
	add_finding(s, r, list);
	add_calls(s, r, list);
	add_errors(s, r);
	add_callers(s, r);
	add_distributions(s, r, list);
	if (s->has_map)
		report_heatmap(r, "duration_heatmap", "Duration over time", &s->map, "Duration",
			CELL_NS, "calls");
	add_worst(s, facts, r);
	add_paths(s, r);
	add_unfinished(s, facts, r);
	if (s->options->list)
		add_list(s, facts, r);
}

/* ---- as an analyzer ---- */

static enum group_by parse_by(const char *by)
{
	static const char *const names[] = { "comm", "pid", "tid", "cpu", "none", "host" };

	for (unsigned i = 0; by && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(by, names[i]) == 0)
			return (enum group_by)i;
	return BY_PID;
}

static void choose_wants(struct syscalls *s)
{
	static const char *const own[] = { "calls", "errors", "total", "longest" };

	memcpy(s->summary_fields, call_fields, DURATION * sizeof(*call_fields));
	memcpy(s->summary_fields + DURATION, own, sizeof(own));
	for (unsigned b = 0; b < BUCKETS; b++) {
		snprintf(s->summary_names[b], sizeof(s->summary_names[b]), "bucket%u", b);
		s->summary_fields[BUCKET + b] = s->summary_names[b];
	}
	memcpy(s->wants, sched_track_wants, sizeof(sched_track_wants));
	s->wants[WANT_CALL] = (struct want){ "syscall", call_fields, N_CALL };
	s->wants[WANT_UNFINISHED] = (struct want){ "syscall_unfinished", unfinished_fields,
		N_UNFINISHED };
	s->wants[WANT_SUMMARY] = (struct want){ "syscall_summary", s->summary_fields, N_SUMMARY };
}

static void *syscalls_new(const struct analyze_options *o)
{
	struct syscalls *s = xcalloc(1, sizeof(*s));
	struct group *groups[] = { &s->calls, &s->errors, &s->callers, &s->paths };

	s->options = o;
	s->filter = (struct filter *)&o->filter;
	s->by = parse_by(o->by);
	s->time = call_time_new();
	longest_init(&s->worst, sizeof(struct shown), top(s));
	longest_init(&s->unfinished, sizeof(struct shown), top(s));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		map_init(&groups[i]->by_key, 64);
	choose_wants(s);
	return s;
}

static const struct want *syscalls_wants(void *state, uint32_t *n)
{
	struct syscalls *s = state;

	*n = N_WANTS;
	return s->wants;
}

static void syscalls_free(void *state)
{
	struct syscalls *s = state;

	call_time_free(s->time);
	group_done(&s->calls);
	group_done(&s->errors);
	group_done(&s->callers);
	group_done(&s->paths);
	histogram_done(&s->durations);
	heatmap_builder_done(&s->map);
	longest_done(&s->worst);
	longest_done(&s->unfinished);
	free(s->list.calls);
	free(s);
}

const struct analyzer analyzer_syscalls = {
	.name = "syscalls",
	.title = "System calls",
	.summary = "which system calls took how long, on CPU or blocked, and which failed",
	.ordered = true,
	.unfiltered = true,
	.options = OPTIONS_FILTER | OPTIONS_TABLES | OPTIONS_BY,
	.new = syscalls_new,
	.wants = syscalls_wants,
	.row = syscalls_row,
	.finish = syscalls_finish,
	.free = syscalls_free,
};
