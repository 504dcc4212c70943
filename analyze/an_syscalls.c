/* `ana syscalls`: which system calls were made, how long they took, what failed, by whom.
 *
 * A trace of `rec syscalls` has every call, one of `rec syscalls --summary` counts by powers of two; both end in the
 * same tables (syscalls_report.h). With the scheduler's events in the trace the time in a call is divided
 * (call_time.h). There are millions of calls: what is looked up by text is looked up once per name. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/call_time.h"
#include "analyze/syscalls_report.h"
#include "analyze/tables.h"

enum {
	MAX_LIST = 1000000,
	MAX_GROUPS = 100000, /* rows of a table that are told apart; no recording has so many */
	BUCKETS = 32,
	FIRST_BUCKET = 8, /* of a summary: below 2^8 ns, below 2^9... */
};

/* Fields of a summary, behind CALL_COMMON. */
enum { CALLS = CALL_COMMON, ERRORS, TOTAL, LONGEST, BUCKET, N_SUMMARY = BUCKET + BUCKETS };

static const char *const unfinished_fields[N_UNFINISHED] = { "pid", "tid", "cpu", "comm", "call",
	"abi", "begin" };

enum { WANT_CALL = SCHED_TRACK_WANTS, WANT_UNFINISHED, WANT_SUMMARY, N_WANTS };

/* A call as a segment numbers it. */
struct numbered_call {
	struct text name;
	uint64_t hash; /* of the name */
	uint32_t sums; /* its number in calls */
};

/* Of a segment's strings that are paths, which sums they have: files come in the order of their strings, mostly. */
struct segment_paths {
	uint32_t *sums; /* owned; by number of the string: 1 + number in paths; 0: not yet */
	uint32_t n;
};

#define NOT_YET UINT32_MAX

/* Where calls like one of lately are counted: the same thread makes the same call again and again. */
struct recent_call {
	const struct segment *segment; /* NULL: nothing */
	uint64_t values[CALL_COMMON];
	uint32_t thread;                 /* its number in call_time; NOT_YET */
	uint32_t numbered, call, caller; /* their numbers; NOT_YET; caller: nobody asks */
};

struct syscalls {
	struct syscall_counts counts;
	struct filter *filter; /* the options' */
	struct want wants[N_WANTS];
	char summary_names[BUCKETS][12];
	const char *summary_fields[N_SUMMARY];
	struct call_time *time;
	struct keyed segments; /* of struct segment_paths */
	const struct segment *recent_segment;
	uint32_t recent_number; /* its number */
	struct keyed numbered;  /* of struct numbered_call, by segment and number of the string */
	struct recent_call recent[RECENT_PLACES];
	struct enum_field abi;
	uint64_t known_from_ns;
};

static struct text string_of(const struct row *row, unsigned field)
{
	return segment_string(row->segment, (uint32_t)row->values[field]);
}

/* ---- sums ---- */

static struct call_sums *find(struct keyed *k, uint64_t key, bool *is_new)
{
	struct call_sums *s = keyed_find(k, key, is_new);

	if (s)
		return s;
	s = keyed_rest(k, is_new);
	s->who = s->what = (struct text){ "(more)", 6 };
	*is_new = false;
	return s;
}

/* The sums of a name by whom; the texts are borrowed. */
static struct call_sums *find_named(struct keyed *k, uint64_t key, struct text who,
	struct text what)
{
	bool is_new;
	struct call_sums *s = find(k, key, &is_new);

	if (is_new) {
		s->who = who;
		s->what = what;
	}
	return s;
}

/* Of one call, or of what a summary counted. */
struct amount {
	uint64_t calls, errors, total_ns, longest_ns;
	const struct call_parts *parts; /* NULL: not known */
};

static void add(struct call_sums *s, const struct amount *a)
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

static uint64_t hash_of(struct text t)
{
	return hash_bytes(t.s, t.len);
}

static const struct text nobody = { "", 0 };

static struct numbered_call number_call(struct syscalls *s, struct text name)
{
	struct numbered_call c = { name, hash_of(name), 0 };

	struct call_sums *sums = find_named(&s->counts.calls, c.hash, nobody, name);

	sums->durations.budget = &s->counts.budget;
	c.sums = keyed_number(&s->counts.calls, sums);
	return c;
}

static struct numbered_call name_of_row(struct syscalls *s, const struct row *row)
{
	char name[CALL_NAME_MAX];

	call_name(&s->abi, row->type, string_of(row, CALL_NAME), row->values[CALL_ABI], name);
	return number_call(s, (struct text){ arena_strdup(&s->counts.arena, name), strlen(name) });
}

static uint32_t number_of_segment(struct syscalls *s, const struct segment *segment)
{
	bool is_new;

	if (s->recent_segment != segment)
		s->recent_number = keyed_number(&s->segments,
			keyed_find(&s->segments, (uint64_t)(uintptr_t)segment, &is_new));
	s->recent_segment = segment;
	return s->recent_number;
}

/* Valid until the next call. */
static const struct numbered_call *call_of(struct syscalls *s, const struct row *row)
{
	uint64_t segment = number_of_segment(s, row->segment);
	uint64_t abi = row->values[CALL_ABI] < 256 ? row->values[CALL_ABI] : 255;
	uint64_t key = segment << 40 | abi << 32 | (uint32_t)row->values[CALL_NAME];
	bool is_new;
	struct numbered_call *c = keyed_find(&s->numbered, key, &is_new);

	if (c && is_new)
		*c = name_of_row(s, row);
	if (!c) {
		c = keyed_rest(&s->numbered, &is_new);
		*c = number_call(s, (struct text){ "(more)", 6 });
	}
	return c;
}

/* Whose call it was, by --by. */
static uint64_t caller_key(const struct syscalls *s, const struct row *row)
{
	uint64_t machine = (uint64_t)row->reader << 32;

	switch (s->counts.by) {
	case BY_PID: return machine | row->values[CALL_PID];
	case BY_TID: return machine | row->values[CALL_TID];
	case BY_CPU: return machine | row->values[CALL_CPU];
	case BY_HOST: return hash_of(segment_info(row->segment, "machine.host"));
	default: return hash_of(string_of(row, CALL_COMM));
	}
}

static struct text caller_name(struct syscalls *s, const struct row *row)
{
	char *cpu;

	if (s->counts.by == BY_HOST)
		return segment_info(row->segment, "machine.host");
	if (s->counts.by != BY_CPU)
		return string_of(row, CALL_COMM);
	cpu = arena_printf(&s->counts.arena, "CPU %" PRIu64, row->values[CALL_CPU]);
	return (struct text){ cpu, strlen(cpu) };
}

/* There may be thousands of callers and paths: a look is taken at those that were there. */
static void touch(struct syscall_counts *c, unsigned table, const struct keyed *k,
	struct call_sums *s)
{
	if (windowed_is_first(&c->windowed, &s->turn))
		windowed_touch(&c->windowed, table, keyed_number(k, s),
			(const struct histogram *const[]){ &s->durations });
}

/* The sums of the calls of that name, and of the caller's. */
enum { OF_CALL, OF_CALLER, N_OF };

static unsigned sums_of(struct syscalls *s, const struct row *row, const struct numbered_call *c,
	struct call_sums *of[N_OF])
{
	bool is_new;

	of[OF_CALL] = keyed_get(&s->counts.calls, c->sums);
	if (s->counts.by == BY_NONE)
		return 1;
	of[OF_CALLER] = find(&s->counts.callers, hash_u64(caller_key(s, row)) ^ c->hash, &is_new);
	if (is_new) {
		of[OF_CALLER]->durations.budget = &s->counts.budget;
		of[OF_CALLER]->who = caller_name(s, row);
		of[OF_CALLER]->what = c->name;
	}
	touch(&s->counts, SLICES_OF_CALLERS, &s->counts.callers, of[OF_CALLER]);
	of[OF_CALLER]->pid = row->values[CALL_PID];
	of[OF_CALLER]->tid = row->values[CALL_TID];
	return 2;
}

/* ---- rows ---- */

static bool passes(const struct syscalls *s, const struct row *row)
{
	const uint64_t *v = row->values;

	return filter_pass(s->filter, row->segment,
		(const uint64_t[]){ v[CALL_PID], v[CALL_TID], v[CALL_CPU], v[CALL_COMM] },
		(unsigned)row->missing & 15);
}

static void put_on_map(struct syscall_counts *s, uint64_t time, uint64_t duration, uint64_t n)
{
	if (!s->has_map)
		heatmap_builder_init(&s->map, time);
	s->has_map = true;
	heatmap_add(&s->map, time, duration, n);
}

static void count_error(struct syscall_counts *s, const struct row *row,
	const struct numbered_call *c, const struct amount *a)
{
	struct text error = string_of(row, CALL_ERROR);

	add(find_named(&s->errors, c->hash * 31 + hash_of(error), error, c->name), a);
}

/* Where the number of a path's sums is kept; NULL: it is no string. Streams learn strings while they are read. */
static uint32_t *place_of_path(struct syscalls *s, const struct segment *segment, uint64_t string)
{
	struct segment_paths *p = keyed_get(&s->segments, number_of_segment(s, segment));

	if (string >= segment->n_strings)
		return NULL;
	if (string >= p->n) {
		p->sums = xrealloc(p->sums, segment->n_strings, sizeof(*p->sums));
		memset(p->sums + p->n, 0, (segment->n_strings - p->n) * sizeof(*p->sums));
		p->n = segment->n_strings;
	}
	return &p->sums[string];
}

static void count_path(struct syscalls *s, const struct row *row, const struct amount *a)
{
	struct syscall_counts *c = &s->counts;
	struct call_sums *sums;
	uint32_t *number;
	struct text path;

	if (!row->values[CALL_PATH])
		return;
	path = string_of(row, CALL_PATH);
	number = place_of_path(s, row->segment, row->values[CALL_PATH]);
	if (!path.len || !number)
		return;
	if (!*number)
		*number = 1 +
			keyed_number(&c->paths, find_named(&c->paths, hash_of(path), nobody, path));
	sums = keyed_get(&c->paths, *number - 1);
	touch(c, SLICES_OF_PATHS, &c->paths, sums);
	add(sums, a);
}

static void append(struct call_list *l, const struct shown_call *x)
{
	l->n_all++;
	if (l->n == MAX_LIST)
		return;
	l->calls = xgrow(l->calls, l->n, sizeof(*l->calls));
	l->calls[l->n++] = *x;
}

static void show_call(struct syscall_counts *s, const struct row *row)
{
	uint64_t duration = row->values[CALL_DURATION];
	struct shown_call shown;

	if (!s->options->list &&
		!longest_keeps(&s->worst, (struct longest_key){ duration, row->time }))
		return;
	shown = shown_call(row, duration, CALL_LATE);
	longest_add(&s->worst, &shown);
	if (s->options->list)
		append(&s->list, &shown);
}

static struct recent_call *recent_of(struct syscalls *s, const struct row *row)
{
	const uint64_t *v = row->values;
	struct recent_call *r = &s->recent[recent_place(v[CALL_TID] << 20 ^ v[CALL_NAME])];
	uint64_t differs = r->segment != row->segment;

	for (unsigned i = 0; i < CALL_COMMON; i++)
		differs |= r->values[i] ^ v[i];
	if (differs) {
		*r = (struct recent_call){ .segment = row->segment,
			.thread = NOT_YET,
			.call = NOT_YET,
			.caller = NOT_YET };
		memcpy(r->values, v, sizeof(r->values));
	}
	return r;
}

/* Finds out where such calls are counted. */
static void settle(struct syscalls *s, const struct row *row, struct recent_call *r)
{
	const struct numbered_call *c = call_of(s, row);
	struct call_sums *of[N_OF];

	r->numbered = keyed_number(&s->numbered, c);
	if (sums_of(s, row, c, of) > OF_CALLER)
		r->caller = keyed_number(&s->counts.callers, of[OF_CALLER]);
	r->call = keyed_number(&s->counts.calls, of[OF_CALL]);
}

static void count_in(struct call_sums *sums, const struct amount *a)
{
	add(sums, a);
	histogram_add(&sums->durations, a->longest_ns, a->calls);
}

static void count_caller(struct syscalls *s, const struct row *row, const struct recent_call *r,
	const struct amount *a)
{
	struct call_sums *sums = keyed_get(&s->counts.callers, r->caller);

	touch(&s->counts, SLICES_OF_CALLERS, &s->counts.callers, sums);
	sums->pid = row->values[CALL_PID];
	sums->tid = row->values[CALL_TID];
	count_in(sums, a);
}

static void count_call(struct syscalls *s, const struct row *row, struct recent_call *r,
	uint64_t weight, const struct call_parts *parts)
{
	const uint64_t *v = row->values;
	uint64_t duration = v[CALL_DURATION];
	const struct amount a = { weight, v[CALL_ERROR] ? weight : 0, weight * duration, duration,
		parts };

	if (r->call == NOT_YET)
		settle(s, row, r);
	count_in(keyed_get(&s->counts.calls, r->call), &a);
	if (r->caller != NOT_YET)
		count_caller(s, row, r, &a);
	if (v[CALL_ERROR])
		count_error(&s->counts, row, keyed_get(&s->numbered, r->numbered), &a);
	count_path(s, row, &a);
	put_on_map(&s->counts, row->time, duration, weight);
	s->counts.sampled |= weight > 1;
}

/* How the call was spent; what is filtered out has to be asked for, too. */
static struct call_parts parts_of(struct syscalls *s, const struct row *row, struct recent_call *r,
	uint64_t begin_ns)
{
	if (!call_time_known(s->time))
		return (struct call_parts){ .on_cpu_ns = row->time - begin_ns };
	if (r->thread == NOT_YET)
		r->thread = call_time_thread(s->time, row->reader, (uint32_t)r->values[CALL_TID]);
	return call_time_take(s->time, r->thread, begin_ns, row->time);
}

static void call_row(struct syscalls *s, const struct row *row)
{
	const uint64_t *v = row->values;
	uint64_t weight = row_weight(row, CALL_WEIGHT);
	uint64_t begin_ns = row->time > v[CALL_DURATION] ? row->time - v[CALL_DURATION] : 0;
	struct recent_call *r = recent_of(s, row);
	struct call_parts parts = parts_of(s, row, r, begin_ns);

	if (!passes(s, row))
		return;
	count_call(s, row, r, weight, begin_ns >= s->known_from_ns ? &parts : NULL);
	show_call(&s->counts, row);
}

/* Only that a call is in a bucket is known: it counts with the bucket's longest duration. */
static void add_buckets(struct syscalls *s, const struct row *row, struct call_sums *const *of,
	unsigned n)
{
	const uint64_t *v = row->values;

	for (unsigned b = 0; b < BUCKETS; b++) {
		uint64_t most = (1ULL << (FIRST_BUCKET + b)) - 1, calls = v[BUCKET + b];

		if (!calls)
			continue;
		most = b == BUCKETS - 1 || most > v[LONGEST] ? v[LONGEST] : most;
		for (unsigned i = 0; i < n; i++)
			histogram_add(&of[i]->durations, most, calls);
		put_on_map(&s->counts, row->time, most, calls);
	}
}

static void summary_row(struct syscalls *s, const struct row *row)
{
	static const struct text not_told = { "(not told apart)", 16 };
	const uint64_t *v = row->values;
	const struct amount a = { v[CALLS], v[ERRORS], v[TOTAL], v[LONGEST], NULL };
	const struct amount errors = { v[ERRORS], v[ERRORS], 0, 0, NULL };
	const struct numbered_call *c;
	struct call_sums *of[N_OF];
	unsigned n;

	if (!passes(s, row))
		return;
	c = call_of(s, row);
	n = sums_of(s, row, c, of);
	for (unsigned i = 0; i < n; i++)
		add(of[i], &a);
	add_buckets(s, row, of, n);
	if (v[ERRORS])
		add(find_named(&s->counts.errors, c->hash, not_told, c->name), &errors);
}

static void unfinished_row(struct syscalls *s, const struct row *row)
{
	uint64_t begin_ns = row->values[CALL_BEGIN];
	struct shown_call shown;

	if (!passes(s, row))
		return;
	if (row->time <= begin_ns) {
		s->counts.n_ended++;
		return;
	}
	shown = shown_call(row, row->time - begin_ns, N_UNFINISHED);
	longest_add(&s->counts.unfinished, &shown);
	s->counts.n_unfinished++;
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

	windowed_at(&s->counts.windowed, row->time);
	if (!s->known_from_ns)
		s->known_from_ns = known_from(s, row);
	if (row->want < SCHED_TRACK_WANTS) {
		call_time_row(s->time, row, row->want);
	} else if (row->want == WANT_CALL) {
		s->counts.has_calls = true;
		call_row(s, row);
	} else if (row->want == WANT_UNFINISHED) {
		unfinished_row(s, row);
	} else {
		s->counts.has_summary = true;
		summary_row(s, row);
	}
}

/* ---- as an analyzer ---- */

static void look_at(struct windowed *w, unsigned table, const struct keyed *k, uint32_t number)
{
	const struct call_sums *s = keyed_get(k, number);

	windowed_look(w, table, number,
		(const uint64_t[N_SLICED]){ [SLICED_CALLS] = s->calls,
			[SLICED_ERRORS] = s->errors,
			[SLICED_TOTAL] = s->total_ns,
			[SLICED_ON_CPU] = s->parts.on_cpu_ns,
			[SLICED_BLOCKED] = s->parts.blocked_ns,
			[SLICED_WAITED] = s->parts.waited_ns },
		(const struct histogram *const[]){ &s->durations });
}

static void look_at_touched(struct windowed *w, unsigned table, const struct keyed *k)
{
	uint32_t n;
	const uint32_t *touched = windowed_touched(w, table, &n);

	for (uint32_t i = 0; i < n; i++)
		look_at(w, table, k, touched[i]);
}

/* Shows what was counted whenever a slice of the time is over. */
static void syscalls_look(void *ctx, struct windowed *w)
{
	const struct syscall_counts *c = &((struct syscalls *)ctx)->counts;

	for (uint32_t i = 0; i < c->calls.n; i++)
		look_at(w, SLICES_OF_CALLS, &c->calls, i);
	for (uint32_t i = 0; i < c->errors.n; i++)
		look_at(w, SLICES_OF_ERRORS, &c->errors, i);
	look_at_touched(w, SLICES_OF_CALLERS, &c->callers);
	look_at_touched(w, SLICES_OF_PATHS, &c->paths);
}

static void syscalls_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct syscalls *s = state;

	windowed_finish(&s->counts.windowed);
	for (uint32_t i = 0; i < s->counts.calls.n; i++) {
		const struct call_sums *call = keyed_get(&s->counts.calls, i);

		histogram_merge(&s->counts.durations, &call->durations);
	}
	s->counts.has_parts = s->counts.has_calls && call_time_known(s->time);
	syscalls_report(&s->counts, facts, r);
}

static enum call_group_by parse_by(const char *by)
{
	static const char *const names[] = { "comm", "pid", "tid", "cpu", "none", "host" };

	for (unsigned i = 0; by && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(by, names[i]) == 0)
			return (enum call_group_by)i;
	return BY_PID;
}

static void choose_wants(struct syscalls *s)
{
	static const char *const own[] = { "calls", "errors", "total", "longest" };

	memcpy(s->summary_fields, call_fields, CALL_COMMON * sizeof(*call_fields));
	memcpy(s->summary_fields + CALLS, own, sizeof(own));
	for (unsigned b = 0; b < BUCKETS; b++) {
		snprintf(s->summary_names[b], sizeof(s->summary_names[b]), "bucket%u", b);
		s->summary_fields[BUCKET + b] = s->summary_names[b];
	}
	memcpy(s->wants, sched_track_wants, sizeof(sched_track_wants));
	s->wants[WANT_CALL] = (struct want){ "syscall", call_fields, CALL_LATE,
		call_fields + CALL_LATE, N_CALL - CALL_LATE };
	s->wants[WANT_UNFINISHED] = (struct want){ "syscall_unfinished", unfinished_fields,
		N_UNFINISHED };
	s->wants[WANT_SUMMARY] = (struct want){ "syscall_summary", s->summary_fields, N_SUMMARY };
}

static void *syscalls_new(const struct analyze_options *o)
{
	struct syscalls *s = xcalloc(1, sizeof(*s));
	struct syscall_counts *c = &s->counts;

	c->options = o;
	c->budget = (struct histogram_budget){ .left = TABLES_HISTOGRAMS };
	c->by = parse_by(o->by);
	s->filter = (struct filter *)&o->filter;
	s->time = call_time_new();
	s->abi = (struct enum_field){ .name = "abi" };
	longest_init(&c->worst, sizeof(struct shown_call), tables_top(o));
	longest_init(&c->unfinished, sizeof(struct shown_call), tables_top(o));
	keyed_init(&c->calls, sizeof(struct call_sums), MAX_GROUPS);
	keyed_init(&c->errors, sizeof(struct call_sums), MAX_GROUPS);
	keyed_init(&c->callers, sizeof(struct call_sums), MAX_GROUPS);
	keyed_init(&c->paths, sizeof(struct call_sums), MAX_GROUPS);
	keyed_init(&s->segments, sizeof(struct segment_paths), UINT32_MAX);
	keyed_init(&s->numbered, sizeof(struct numbered_call), MAX_GROUPS);
	windowed_init(&c->windowed, o->report, syscalls_look, s);
	for (unsigned i = 0; i < N_SLICED_TABLES; i++)
		windowed_table(&c->windowed, N_SLICED, 1);
	choose_wants(s);
	return s;
}

static int syscalls_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	(void)err;
	windowed_start(&((struct syscalls *)state)->counts.windowed, facts->start_ns,
		facts->length_ns);
	return 0;
}

static const struct want *syscalls_wants(void *state, uint32_t *n)
{
	struct syscalls *s = state;

	*n = N_WANTS;
	return s->wants;
}

static void sums_done(struct keyed *k)
{
	for (uint32_t i = 0; i < k->n; i++)
		histogram_done(&((struct call_sums *)keyed_get(k, i))->durations);
	keyed_done(k);
}

static void syscalls_free(void *state)
{
	struct syscalls *s = state;

	call_time_free(s->time);
	sums_done(&s->counts.calls);
	sums_done(&s->counts.errors);
	sums_done(&s->counts.callers);
	sums_done(&s->counts.paths);
	windowed_done(&s->counts.windowed);
	for (uint32_t i = 0; i < s->segments.n; i++)
		free(((struct segment_paths *)keyed_get(&s->segments, i))->sums);
	keyed_done(&s->segments);
	keyed_done(&s->numbered);
	histogram_done(&s->counts.durations);
	heatmap_builder_done(&s->counts.map);
	longest_done(&s->counts.worst);
	longest_done(&s->counts.unfinished);
	free(s->counts.list.calls);
	arena_done(&s->counts.arena);
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
	.begin = syscalls_begin,
	.wants = syscalls_wants,
	.row = syscalls_row,
	.finish = syscalls_finish,
	.free = syscalls_free,
};
