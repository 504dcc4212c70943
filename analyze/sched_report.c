#include "analyze/sched_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/tables.h"
#include "render/number.h"

static int by_wait(const void *a, const void *b)
{
	const struct sched_sums *x = *(const struct sched_sums *const *)a,
				*y = *(const struct sched_sums *const *)b;

	if (x->waits.sum != y->waits.sum)
		return x->waits.sum > y->waits.sum ? -1 : 1;
	if (x->run_ns != y->run_ns)
		return x->run_ns > y->run_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_number(const void *a, const void *b)
{
	const struct sched_sums *x = *(const struct sched_sums *const *)a,
				*y = *(const struct sched_sums *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Columns that every table of waits has, behind those of its own. */
#define WAIT_COLUMNS \
	{ "waits", "Waits", CELL_COUNT, { PART_COUNT } }, \
		{ "wait", "Waited", CELL_NS, { PART_TOTAL } }, \
		{ "mean", "Mean", CELL_NS, { PART_MEAN } }, \
		{ "p50", "p50", CELL_NS, { PART_PERCENTILE, 0, 50 } }, \
		{ "p99", "p99", CELL_NS, { PART_PERCENTILE, 0, 99 } }, \
	{ \
		"max", "Max", CELL_NS, \
		{ \
			PART_MAX \
		} \
	}
enum { N_WAIT_COLUMNS = 6 };

static void put_waits(union cell *c, const struct histogram *h)
{
	c[0].count = h->count;
	c[1].count = h->sum;
	c[2].count = histogram_mean(h);
	c[3].count = histogram_percentile(h, 50);
	c[4].count = histogram_percentile(h, 99);
	c[5].count = h->max;
}

static void add_summary(const struct sched_counts *s, struct report *r)
{
	const struct keyed *cpus = &s->groups.of[OF_CPU];
	struct table *t = report_facts(r, "summary", "Summary");
	uint64_t voluntary = 0, involuntary = 0, woken = 0;

	for (uint32_t i = 0; i < cpus->n; i++) {
		const struct sched_sums *cpu = keyed_get(cpus, i);

		voluntary += cpu->voluntary;
		involuntary += cpu->involuntary;
		woken += cpu->woken;
	}
	report_fact(r, t, "time", "%.3f s", (double)(s->last_ns - s->first_ns) / 1e9);
	if (!s->streamed)
		return;
	if (!filter_is_set(s->filter))
		report_fact(r, t, "switches", "%" PRIu64, s->n_switches);
	report_fact(r, t, "voluntary", "%" PRIu64, voluntary);
	report_fact(r, t, "involuntary", "%" PRIu64, involuntary);
	report_fact(r, t, "wake-ups", "%" PRIu64, woken);
	report_fact(r, t, "migrations", "%" PRIu64, s->n_migrations);
}

static void add_latency(const struct sched_counts *s, struct report *r)
{
	static const struct column columns[] = { { "waits", "Waits", CELL_COUNT, { PART_COUNT } },
		{ "total", "Total", CELL_NS, { PART_TOTAL } },
		{ "mean", "Mean", CELL_NS, { PART_MEAN } },
		{ "p50", "p50", CELL_NS, { PART_PERCENTILE, 0, 50 } },
		{ "p90", "p90", CELL_NS, { PART_PERCENTILE, 0, 90 } },
		{ "p99", "p99", CELL_NS, { PART_PERCENTILE, 0, 99 } },
		{ "p99_9", "p99.9", CELL_NS, { PART_PERCENTILE, 0, 99.9 } },
		{ "p99_99", "p99.99", CELL_NS, { PART_PERCENTILE, 0, 99.99 } },
		{ "max", "Max", CELL_NS, { PART_MAX } } };
	static const double percents[] = { 50, 90, 99, 99.9, 99.99 };
	struct table *t = report_table(r, "latency", "Run-queue latency", columns, 9);
	struct distribution *d;
	union cell *c = table_row(r, t);

	c[0].count = s->waits.count;
	c[1].count = s->waits.sum;
	c[2].count = histogram_mean(&s->waits);
	for (int i = 0; i < 5; i++)
		c[3 + i].count = histogram_percentile(&s->waits, percents[i]);
	c[8].count = s->waits.max;
	t->slices = windowed_of(&s->windowed, OF_CPU);
	table_thing(t, ALL_THINGS);
	d = report_histogram(r, "latency_histogram", "How long waits took", "Latency", CELL_NS,
		"waits");
	distribution_add(r, d, "", &s->waits);
	d->slices = t->slices;
	distribution_thing(d, ALL_THINGS);
}

static void add_cpus(const struct sched_counts *s, struct report *r)
{
	static const struct column columns[] = { { "cpu", "CPU", CELL_NUMBER },
		{ "busy", "Busy", CELL_PERCENT, { PART_RATE, SLICED_RUN, 1 } },
		{ "run", "Ran", CELL_NS, { PART_SUM, SLICED_RUN } },
		{ "switches", "Switches", CELL_COUNT, { PART_SUM, SLICED_SWITCHES } },
		WAIT_COLUMNS };
	const struct keyed *cpus = &s->groups.of[OF_CPU];
	struct table *t = report_table(r, "cpus", "CPUs", columns, 4 + N_WAIT_COLUMNS);
	struct sched_sums **list = keyed_sorted(cpus, &r->arena, by_number);
	uint64_t all = s->last_ns - s->first_ns;

	t->slices = windowed_of(&s->windowed, OF_CPU);
	for (uint32_t i = 0; i < cpus->n; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, keyed_number(cpus, list[i]));
		c[0].count = (uint32_t)list[i]->id;
		c[1].number = all ? (double)list[i]->run_ns / (double)all : 0;
		c[2].count = list[i]->run_ns;
		c[3].count = list[i]->voluntary + list[i]->involuntary;
		put_waits(c + 4, &list[i]->waits);
	}
}

static void add_people(const struct sched_counts *s, struct report *r, bool threads)
{
	static const struct column columns[] = { { "comm", "Name", CELL_TEXT },
		{ "pid", "PID", CELL_NUMBER }, { "tid", "TID", CELL_NUMBER },
		{ "run", "Ran", CELL_NS, { PART_SUM, SLICED_RUN } }, WAIT_COLUMNS,
		{ "voluntary", "Voluntary", CELL_COUNT, { PART_SUM, SLICED_VOLUNTARY } },
		{ "involuntary", "Preempted", CELL_COUNT, { PART_SUM, SLICED_INVOLUNTARY } },
		{ "migrations", "Migrated", CELL_COUNT, { PART_SUM, SLICED_MIGRATIONS } },
		{ "sleep", "Slept", CELL_NS, { PART_SUM, SLICED_SLEEP } },
		{ "disk", "Uninterruptible", CELL_NS, { PART_SUM, SLICED_DISK } } };
	const struct keyed *people = &s->groups.of[threads ? OF_THREAD : OF_PROCESS];
	struct column *mine = arena_alloc(&r->arena, sizeof(columns));
	uint32_t skip = threads ? 0 : 1, n = tables_first(s->options, people->n);
	struct sched_sums **list = keyed_sorted(people, &r->arena, by_wait);
	struct table *t;

	memcpy(mine, columns, 2 * sizeof(*mine));
	memcpy(mine + 2, columns + 2 + skip, sizeof(columns) - (2 + skip) * sizeof(*mine));
	t = report_table(r, threads ? "threads" : "processes",
		threads ? "Threads, by how long they waited for a CPU" : "Processes", mine,
		15 - skip);
	t->slices = windowed_of(&s->windowed, threads ? OF_THREAD : OF_PROCESS);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);
		const struct sched_sums *x = list[i];

		table_thing(t, keyed_number(people, x));
		c[0].text = sched_sums_name(x, &r->arena);
		c[1].count = x->pid;
		c += 2;
		if (threads)
			(c++)->count = x->tid;
		c[0].count = x->run_ns;
		put_waits(c + 1, &x->waits);
		c += 1 + N_WAIT_COLUMNS;
		c[0].count = x->voluntary;
		c[1].count = x->involuntary;
		c[2].count = x->migrations;
		c[3].count = x->sleep_ns;
		c[4].count = x->disk_ns;
	}
	tables_tell_cut(r, threads ? "threads" : "processes", people->n, n);
}

static void add_priorities(const struct sched_counts *s, struct report *r)
{
	static const struct column columns[] = { { "prio", "Priority", CELL_NUMBER },
		{ "run", "Ran", CELL_NS, { PART_SUM, SLICED_RUN } }, WAIT_COLUMNS };
	const struct keyed *prios = &s->groups.of[OF_PRIO];
	struct sched_sums **list = keyed_sorted(prios, &r->arena, by_number);
	struct table *t;

	if (prios->n < 2)
		return;
	t = report_table(r, "priorities", "Priorities (120 is nice 0; below 100 is real-time)",
		columns, 2 + N_WAIT_COLUMNS);
	t->slices = windowed_of(&s->windowed, OF_PRIO);
	for (uint32_t i = 0; i < prios->n; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, keyed_number(prios, list[i]));
		c[0].count = list[i]->id;
		c[1].count = list[i]->run_ns;
		put_waits(c + 2, &list[i]->waits);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct longest_key *x = a, *y = b;

	return x->time < y->time ? -1 : x->time > y->time;
}

static const struct column wait_columns[] = { { "time", "At", CELL_NS },
	{ "comm", "Name", CELL_TEXT }, { "tid", "TID", CELL_NUMBER }, { "cpu", "CPU", CELL_NUMBER },
	{ "latency", "Waited", CELL_NS }, { "ran", "Who ran instead", CELL_TEXT },
	{ "ran_tid", "TID", CELL_NUMBER }, { "ran_ns", "For", CELL_NS },
	{ "woken_by", "Woken by", CELL_TEXT } };
enum { N_WAIT_TABLE = 9 };

static const char *waker_text(const struct sched_wait *w, struct arena *a)
{
	const char *name = sched_name_text(&w->waker, a);

	if (w->preempted)
		return "(preempted)";
	return w->waker_tid ? arena_printf(a, "%s%s%u", name, name[0] ? " " : "", w->waker_tid)
			    : name;
}

static void put_wait(const struct trace_facts *f, struct report *r, struct table *t,
	const struct sched_wait *w)
{
	union cell *c = table_row(r, t);

	c[0].count = w->key.time > f->start_ns ? w->key.time - f->start_ns : 0;
	c[1].text = sched_name_text(&w->name, &r->arena);
	c[2].count = w->tid;
	c[3].count = w->cpu;
	c[4].count = w->key.length;
	c[5].text = sched_name_text(&w->before, &r->arena);
	c[6].count = w->before_tid;
	c[7].count = w->before_ns;
	c[8].text = waker_text(w, &r->arena);
}

static void add_worst(const struct sched_counts *s, const struct trace_facts *f, struct report *r)
{
	struct table *t = report_table(r, "worst", "Longest waits for a CPU", wait_columns,
		N_WAIT_TABLE);

	for (uint32_t i = 0; i < tables_first(s->options, s->worst.n); i++)
		put_wait(f, r, t, longest_get(&s->worst, i));
}

static void add_list(const struct sched_counts *s, const struct trace_facts *f, struct report *r)
{
	struct table *t;

	if (!s->options->list)
		return;
	if (s->n_list)
		qsort(s->list, s->n_list, sizeof(*s->list), by_time);
	t = report_table(r, "waits", "Every wait", wait_columns, N_WAIT_TABLE);
	for (uint32_t i = 0; i < s->n_list; i++)
		put_wait(f, r, t, &s->list[i]);
	if (s->n_waits > s->n_list)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " waits.",
			s->n_list, s->n_waits);
}

/* A pair with its names, which equal counts are in order of. */
struct named_pair {
	const char *waker, *woken;
	uint64_t n;
};

static int by_count(const void *a, const void *b)
{
	const struct named_pair *x = a, *y = b;
	int c;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	c = strcmp(x->waker, y->waker);
	return c ? c : strcmp(x->woken, y->woken);
}

static void add_wakers(const struct sched_counts *s, struct report *r)
{
	static const struct column columns[] = { { "waker", "Who wakes", CELL_TEXT },
		{ "woken", "Whom", CELL_TEXT }, { "count", "Times", CELL_COUNT } };
	struct named_pair *list;
	struct table *t;

	if (!s->pairs.n)
		return;
	list = arena_alloc(&r->arena, s->pairs.n * sizeof(*list));
	for (uint32_t i = 0; i < s->pairs.n; i++) {
		const struct waker_pair *p = keyed_get(&s->pairs, i);

		list[i] = (struct named_pair){ sched_name_text(&p->waker, &r->arena),
			sched_name_text(&p->woken, &r->arena), p->n };
	}
	qsort(list, s->pairs.n, sizeof(*list), by_count);
	t = report_table(r, "wakers", "Wake-ups", columns, 3);
	for (uint32_t i = 0; i < tables_first(s->options, s->pairs.n); i++) {
		union cell *c = table_row(r, t);

		c[0].text = list[i].waker;
		c[1].text = list[i].woken;
		c[2].count = list[i].n;
	}
}

static void add_maps(const struct sched_counts *s, struct report *r)
{
	if (!s->maps)
		return;
	report_heatmap(r, "latency_heatmap", "Run-queue latency over time", &s->latency_map,
		"Latency", CELL_NS, "waits");
	if (s->streamed)
		report_heatmap(r, "utilisation", "Utilisation by CPU", &s->cpu_map, "CPU",
			CELL_NUMBER, "ns")
			->full = s->cpu_map.column_ns * s->cpu_map.row_size;
}

/* What waiting for a CPU came to, and the longest of it. The worst are sorted. */
static void add_findings(const struct sched_counts *s, struct report *r)
{
	char sum[NUMBER_MAX], p99[NUMBER_MAX], longest[NUMBER_MAX];
	const struct sched_wait *w = s->worst.n ? longest_get(&s->worst, 0) : NULL;
	struct sched_sums **list = keyed_sorted(&s->groups.of[OF_THREAD], &r->arena, by_wait);

	if (!w || !s->waits.sum)
		return;
	report_finding(r, s->waits.sum, "latency",
		"Threads waited %s for a CPU, 1 in 100 times longer than %s. %.0f%% of that is %s "
		"(thread %u). The longest wait was %s, of %s (thread %u) on CPU %u, where %s ran "
		"meanwhile.",
		number_ns(sum, s->waits.sum), number_ns(p99, histogram_percentile(&s->waits, 99)),
		100 * (double)list[0]->waits.sum / (double)s->waits.sum,
		sched_sums_name(list[0], &r->arena), list[0]->tid,
		number_ns(longest, w->key.length), sched_name_text(&w->name, &r->arena), w->tid,
		w->cpu, sched_name_text(&w->before, &r->arena));
}

void sched_report(struct sched_counts *s, const struct trace_facts *facts, struct report *r)
{
	if (!s->streamed && !s->n_delays && !s->n_off) {
		report_note(r, NOTE_WARNING,
			"There are no events of the scheduler in this trace; `rec sched` records them.");
		return;
	}
	if (!s->streamed)
		report_note(r, NOTE_INFO,
			"Recorded with --min: only long waits are in the trace, so counts and "
			"percentiles are of those alone.");
	if (s->sampled)
		report_note(r, NOTE_INFO,
			"Not every wait was recorded (rec --sample): each stands for several, and "
			"numbers are estimates from those.");
	tables_tell_budget(r, &s->groups.budget);
	add_summary(s, r);
	add_latency(s, r);
	add_people(s, r, true);
	add_people(s, r, false);
	add_cpus(s, r);
	add_priorities(s, r);
	longest_sort(&s->worst);
	add_findings(s, r);
	add_worst(s, facts, r);
	if (s->n_unsure_wakers)
		report_note(r, NOTE_INFO,
			"Of %" PRIu64
			" wake-ups it is not known whether an interrupt made them, as the "
			"recorded kernel hides that: who is told to have woken may have been interrupted.",
			s->n_unsure_wakers);
	add_wakers(s, r);
	add_maps(s, r);
	add_list(s, facts, r);
}
