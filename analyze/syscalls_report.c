/* Tables of calls, callers, errors and files; calls one by one. */
#include "analyze/syscalls_report.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/tables.h"
#include "render/number.h"

enum { DRAWN = 4 }; /* calls that have a histogram of their own */

static int compare(struct text a, struct text b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.s, b.s, n) : 0;

	return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static const char *text(struct report *r, struct text t)
{
	return arena_strndup(&r->arena, t.s, t.len);
}

static int by_total(const void *a, const void *b)
{
	const struct call_sums *x = *(const struct call_sums *const *)a,
			       *y = *(const struct call_sums *const *)b;
	int c;

	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	if (x->calls != y->calls)
		return x->calls > y->calls ? -1 : 1;
	c = compare(x->what, y->what);
	return c ? c : compare(x->who, y->who);
}

static int by_calls(const void *a, const void *b)
{
	const struct call_sums *x = *(const struct call_sums *const *)a,
			       *y = *(const struct call_sums *const *)b;

	return x->calls == y->calls ? by_total(a, b) : x->calls > y->calls ? -1 : 1;
}

static const struct column sum_columns[] = {
	{ "calls", "Calls", CELL_COUNT, { PART_SUM, SLICED_CALLS } },
	{ "errors", "Errors", CELL_COUNT, { PART_SUM, SLICED_ERRORS } },
	{ "total", "Total", CELL_NS, { PART_SUM, SLICED_TOTAL } },
	{ "mean", "Mean", CELL_NS, { PART_RATIO, SLICED_TOTAL, SLICED_CALLS } },
	{ "p50", "p50", CELL_NS, { PART_PERCENTILE, 0, 50 } },
	{ "p99", "p99", CELL_NS, { PART_PERCENTILE, 0, 99 } },
	{ "max", "Max", CELL_NS, { PART_MAX } },
};
static const struct column part_columns[] = {
	{ "on_cpu", "On CPU", CELL_NS, { PART_SUM, SLICED_ON_CPU } },
	{ "blocked", "Blocked", CELL_NS, { PART_SUM, SLICED_BLOCKED } },
	{ "waited", "Waited for CPU", CELL_NS, { PART_SUM, SLICED_WAITED } },
};
enum { N_SUM_COLUMNS = 7, N_PART_COLUMNS = 3 };

static void put_sums(const struct syscall_counts *s, union cell *c, const struct call_sums *x)
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
static struct table *sums_table(const struct syscall_counts *s, struct report *r, const char *id,
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

static void add_calls(const struct syscall_counts *s, struct report *r,
	struct call_sums *const *list)
{
	static const struct column own[] = { { "call", "Call", CELL_TEXT } };
	uint32_t n = tables_first(s->options, s->calls.n);
	struct table *t = sums_table(s, r, "calls", "System calls, by the time they took", own, 1);

	t->slices = windowed_of(&s->windowed, SLICES_OF_CALLS);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, keyed_number(&s->calls, list[i]));
		c[0].text = text(r, list[i]->what);
		put_sums(s, c + 1, list[i]);
	}
	tables_tell_cut(r, "calls", s->calls.n, n);
}

static void add_callers(const struct syscall_counts *s, struct report *r)
{
	static const struct column own[] = { { "who", "Who", CELL_TEXT },
		{ "pid", "PID", CELL_NUMBER }, { "tid", "TID", CELL_NUMBER },
		{ "call", "Call", CELL_TEXT } };
	struct call_sums **list = keyed_sorted(&s->callers, &r->arena, by_total);
	uint32_t n = tables_first(s->options, s->callers.n);
	unsigned numbers = s->by == BY_TID ? 2 : s->by == BY_PID ? 1 : 0;
	struct column mine[4] = { own[0] };
	struct table *t;

	if (s->by == BY_NONE)
		return;
	memcpy(mine + 1, own + 1, numbers * sizeof(*own));
	mine[1 + numbers] = own[3];
	t = sums_table(s, r, "callers", "Who called", mine, 2 + numbers);
	t->slices = windowed_of(&s->windowed, SLICES_OF_CALLERS);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, keyed_number(&s->callers, list[i]));
		(c++)->text = text(r, list[i]->who);
		if (numbers > 0)
			(c++)->count = list[i]->pid;
		if (numbers > 1)
			(c++)->count = list[i]->tid;
		(c++)->text = text(r, list[i]->what);
		put_sums(s, c, list[i]);
	}
	tables_tell_cut(r, "callers and calls", s->callers.n, n);
}

static void add_errors(const struct syscall_counts *s, struct report *r)
{
	static const struct column columns[] = { { "call", "Call", CELL_TEXT },
		{ "error", "Error", CELL_TEXT },
		{ "count", "Times", CELL_COUNT, { PART_SUM, SLICED_CALLS } } };
	struct table *t = report_table(r, "errors", "Errors", columns, 3);
	struct call_sums **list = keyed_sorted(&s->errors, &r->arena, by_calls);
	uint32_t n = tables_first(s->options, s->errors.n);

	t->slices = windowed_of(&s->windowed, SLICES_OF_ERRORS);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, keyed_number(&s->errors, list[i]));
		c[0].text = text(r, list[i]->what);
		c[1].text = text(r, list[i]->who);
		c[2].count = list[i]->calls;
	}
	tables_tell_cut(r, "errors", s->errors.n, n);
}

static void add_paths(const struct syscall_counts *s, struct report *r)
{
	static const struct column columns[] = { { "path", "Path", CELL_TEXT },
		{ "calls", "Calls", CELL_COUNT, { PART_SUM, SLICED_CALLS } },
		{ "errors", "Errors", CELL_COUNT, { PART_SUM, SLICED_ERRORS } },
		{ "total", "Total", CELL_NS, { PART_SUM, SLICED_TOTAL } } };
	struct call_sums **list = keyed_sorted(&s->paths, &r->arena, by_calls);
	uint32_t n = tables_first(s->options, s->paths.n);
	struct table *t;

	if (!n)
		return;
	t = report_table(r, "paths", "Files named most", columns, 4);
	t->slices = windowed_of(&s->windowed, SLICES_OF_PATHS);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, keyed_number(&s->paths, list[i]));
		c[0].text = text(r, list[i]->what);
		c[1].count = list[i]->calls;
		c[2].count = list[i]->errors;
		c[3].count = list[i]->total_ns;
	}
	tables_tell_cut(r, "paths", s->paths.n, n);
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
	const struct shown_call *x, uint64_t time, const char *call)
{
	union cell *c = table_row(r, t);

	c[0].count = time > f->start_ns ? time - f->start_ns : 0;
	c[1].text = text(r, shown_call_string(x, CALL_COMM));
	c[2].count = x->values[CALL_PID];
	c[3].count = x->values[CALL_TID];
	c[4].count = x->key.length;
	c[5].text = call;
}

static void add_worst(struct syscall_counts *s, const struct trace_facts *f, struct report *r)
{
	struct table *t;

	if (!s->worst.n)
		return;
	longest_sort(&s->worst);
	t = shown_table(r, "worst", "Longest calls", "Took");
	for (uint32_t i = 0; i < s->worst.n; i++) {
		const struct shown_call *x = longest_get(&s->worst, i);

		add_shown(r, t, f, x, x->key.time, shown_call_text(x, &r->arena));
	}
}

static void add_unfinished(struct syscall_counts *s, const struct trace_facts *f, struct report *r)
{
	struct table *t;

	if (!s->n_unfinished)
		return;
	longest_sort(&s->unfinished);
	t = shown_table(r, "unfinished", "Calls that had not returned at the end", "For at least");
	for (uint32_t i = 0; i < s->unfinished.n; i++) {
		const struct shown_call *x = longest_get(&s->unfinished, i);

		add_shown(r, t, f, x, x->values[CALL_BEGIN], shown_call_name(x, &r->arena));
	}
	tables_tell_cut(r, "unfinished calls", (uint32_t)s->n_unfinished, s->unfinished.n);
}

static void add_list(const struct syscall_counts *s, const struct trace_facts *f, struct report *r)
{
	struct table *t = shown_table(r, "list", "Every call, as it returned", "Took");

	for (uint32_t i = 0; i < s->list.n; i++)
		add_shown(r, t, f, &s->list.calls[i], s->list.calls[i].key.time,
			shown_call_text(&s->list.calls[i], &r->arena));
	if (s->list.n < s->list.n_all)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " calls.",
			s->list.n, s->list.n_all);
}

static void add_distributions(const struct syscall_counts *s, struct report *r,
	struct call_sums *const *list)
{
	struct distribution *all = report_histogram(r, "duration_histogram",
		"Duration of all calls", "Duration", CELL_NS, "calls");
	struct distribution *some;

	all->slices = windowed_of(&s->windowed, SLICES_OF_CALLS);
	distribution_add(r, all, "", &s->durations);
	distribution_thing(all, ALL_THINGS);
	if (s->calls.n < 2)
		return;
	some = report_histogram(r, "call_histograms", "Duration of the calls that took most time",
		"Duration", CELL_NS, "calls");
	some->slices = all->slices;
	for (uint32_t i = 0; i < s->calls.n && i < DRAWN; i++) {
		distribution_add(r, some, text(r, list[i]->what), &list[i]->durations);
		distribution_thing(some, keyed_number(&s->calls, list[i]));
	}
}

static void add_notes(const struct syscall_counts *s, struct report *r)
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
static bool is_for_waiting(struct text call)
{
	static const char *const names[] = { "accept", "clock_nanosleep", "epoll_", "futex",
		"io_getevents", "io_pgetevents", "io_uring_enter", "msgrcv", "mq_timedreceive",
		"nanosleep", "pause", "poll", "ppoll", "pselect", "restart_syscall",
		"rt_sigsuspend", "rt_sigtimedwait", "select", "semop", "semtimedop", "vfork",
		"wait" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (call.len >= strlen(names[i]) && memcmp(call.s, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The call that took most, of those from which a program wants something done. The list is sorted. */
static void add_finding(const struct syscall_counts *s, struct report *r,
	struct call_sums *const *list)
{
	char total[NUMBER_MAX], p99[NUMBER_MAX], blocked[NUMBER_MAX];
	char calls[NUMBER_MAX], errors[NUMBER_MAX];
	const struct call_sums *x;
	uint32_t i = 0;

	while (i < s->calls.n && is_for_waiting(list[i]->what))
		i++;
	if (i == s->calls.n || !list[i]->total_ns)
		return;
	x = list[i];
	report_finding(r, x->total_ns, "calls",
		"Of the system calls that do not just wait, %s took most: %s in %s calls, "
		"1 in 100 longer than %s, %s failed%s%s.",
		text(r, x->what), number_ns(total, x->total_ns), number_count(calls, x->calls),
		number_ns(p99, histogram_percentile(&x->durations, 99)),
		number_count(errors, x->errors), s->has_parts ? "; blocked for " : "",
		s->has_parts ? number_ns(blocked, x->parts.blocked_ns) : "");
}

void syscalls_report(struct syscall_counts *s, const struct trace_facts *facts, struct report *r)
{
	struct call_sums **list;

	if (!s->has_calls && !s->has_summary && !s->n_unfinished) {
		report_note(r, NOTE_WARNING,
			"There are no system calls in this trace; `rec syscalls` records them.");
		return;
	}
	add_notes(s, r);
	tables_tell_budget(r, &s->budget);
	list = keyed_sorted(&s->calls, &r->arena, by_total);
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
