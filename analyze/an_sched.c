/* `ana sched`: who waited for a CPU, how long, and why; who ran and who was blocked.
 *
 * The intervals come from sched_track.h. A trace of `rec sched --min` has no switches but only the waits
 * that were long enough: those are counted as they are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/sched_track.h"
#include "render/heatmap.h"
#include "render/number.h"

enum {
	DEFAULT_TOP = 20,
	MAX_LIST = 1000000,
	MAX_THREADS = 32768, /* that are told apart, and processes */
	MAX_CPUS = 4096,
	MAX_PRIORITIES = 256,
	WORST = 1000, /* waits that are kept at the most for the table of the worst */
};

/* Fields of sched_delay and off_cpu. */
enum {
	D_LATENCY,
	D_CPU,
	D_PID,
	D_TID,
	D_COMM,
	D_PRIO,
	D_BEFORE_TID,
	D_BEFORE_COMM,
	D_WAKER_TID,
	N_DELAY
};
enum { O_LATENCY, O_BLOCKED, O_CPU, O_PID, O_TID, O_COMM, O_STATE, N_OFF };

static const char *const delay_fields[N_DELAY] = { "latency", "cpu", "pid", "tid", "comm", "prio",
	"before_tid", "before_comm", "waker_tid" };
static const char *const off_fields[N_OFF] = { "latency", "blocked", "cpu", "pid", "tid", "comm",
	"state" };

enum { WANT_DELAY = SCHED_TRACK_WANTS, WANT_OFF, N_WANTS };

/* Sums of a thread, a process, a CPU, a priority. */
struct sums {
	char *name;                    /* owned; of threads and processes */
	const struct segment *segment; /* where the name is from... */
	uint32_t comm;                 /* ...as a number */
	uint64_t id;
	uint32_t pid, tid;
	struct histogram waits; /* for a CPU, ns */
	uint64_t run_ns, sleep_ns, disk_ns, other_ns;
	uint64_t voluntary, involuntary, migrations, woken;
};

struct group {
	struct map by_id;
	struct sums *sums; /* owned */
	uint32_t n, max;   /* how many are told apart */
};

/* One wait for a CPU. */
struct waited {
	uint64_t from, latency;
	char *name, *before, *waker; /* owned; waker NULL: it was preempted; "": not known */
	uint32_t pid, tid, before_tid, waker_tid, cpu;
	uint64_t before_ns; /* how long that ran meanwhile */
};

struct waker_pair {
	char *waker, *woken; /* owned */
	uint64_t n;
};

struct sched {
	const struct analyze_options *options;
	struct filter *filter; /* the options' */
	struct sched_track *track;
	struct want wants[N_WANTS];
	struct group threads, processes, cpus, prios;
	struct histogram waits;
	struct heatmap_builder latency_map, cpu_map;
	bool maps;
	struct waited *list; /* owned; the worst as a heap with the shortest first, or all */
	uint32_t n_list, cap_list, max_list;
	struct map by_pair;
	struct waker_pair *pairs; /* owned */
	uint32_t n_pairs;
	uint64_t n_switches, n_migrations, n_delays, n_off;
	bool streamed; /* there were switches */
	uint64_t first_ns, last_ns;
};

/* ---- sums ---- */

static struct sums *sums_of(struct group *g, uint64_t id)
{
	bool is_new;
	uint32_t *at = map_get(&g->by_id, id);

	if (at)
		return &g->sums[*at];
	if (g->n >= g->max) { /* the rest is one heap */
		id = UINT64_MAX;
		at = map_get(&g->by_id, id);
		if (at)
			return &g->sums[*at];
	}
	at = map_put(&g->by_id, id, &is_new);
	*at = g->n;
	if ((g->n & (g->n - 1)) == 0)
		g->sums = xrealloc(g->sums, g->n ? 2 * (size_t)g->n : 1, sizeof(*g->sums));
	g->sums[g->n] = (struct sums){ .id = id };
	return &g->sums[g->n++];
}

static void group_done(struct group *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		histogram_done(&g->sums[i].waits);
		free(g->sums[i].name);
	}
	free(g->sums);
	map_done(&g->by_id);
}

static char *copy(struct text t)
{
	return strndup(t.len ? t.s : "?", t.len ? t.len : 1);
}

static char *name_of(const struct sched_thread *t)
{
	if (!t->tid)
		return strdup("idle");
	return copy(segment_string(t->segment, t->comm));
}

static bool passes(const struct sched *s, const struct sched_thread *t, uint32_t cpu)
{
	const uint64_t v[FILTER_FIELDS] = { t->pid, t->tid, cpu, t->comm };

	return filter_pass(s->filter, t->segment, v, 0);
}

/* The sums that a thread's share goes to: its own, its process's, a CPU's, its priority's. */
enum { OF_THREAD, OF_PROCESS, OF_CPU, OF_PRIO, N_OF };

/* Names change; the last one is shown. */
static void call_it(struct sums *x, const struct sched_thread *t)
{
	if (x->name && x->segment == t->segment && x->comm == t->comm)
		return;
	free(x->name);
	x->name = x->id == UINT64_MAX ? strdup("(more)") : name_of(t);
	x->segment = t->segment;
	x->comm = t->comm;
}

static void find_sums(struct sched *s, const struct sched_thread *t, uint32_t cpu,
	struct sums *of[N_OF])
{
	uint64_t host = (uint64_t)t->reader << 32;

	of[OF_THREAD] = sums_of(&s->threads, host | t->tid);
	of[OF_PROCESS] = sums_of(&s->processes, host | t->pid);
	of[OF_CPU] = sums_of(&s->cpus, host | cpu);
	of[OF_PRIO] = sums_of(&s->prios, (uint32_t)t->prio);
	of[OF_THREAD]->pid = of[OF_PROCESS]->pid = t->pid;
	of[OF_THREAD]->tid = t->tid;
	call_it(of[OF_THREAD], t);
	if (!of[OF_PROCESS]->name || t->tid == t->pid)
		call_it(of[OF_PROCESS], t);
}

/* ---- waits one by one ---- */

static void waited_done(struct waited *w)
{
	free(w->name);
	free(w->before);
	free(w->waker);
}

static void sift_down(struct waited *heap, uint32_t n, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		struct waited swap = heap[i];

		if (child >= n)
			return;
		if (child + 1 < n && heap[child + 1].latency < heap[child].latency)
			child++;
		if (heap[child].latency >= heap[i].latency)
			return;
		heap[i] = heap[child];
		heap[child] = swap;
		i = child;
	}
}

/* Whether a wait so long is to be kept. */
static bool is_kept(const struct sched *s, uint64_t latency)
{
	return s->n_list < s->max_list || (!s->options->list && latency > s->list[0].latency);
}

static void keep(struct sched *s, const struct waited *w)
{
	if (s->n_list == s->max_list) {
		waited_done(&s->list[0]);
		s->list[0] = *w;
		sift_down(s->list, s->n_list, 0);
		return;
	}
	if (s->n_list == s->cap_list) {
		s->cap_list = s->cap_list ? 2 * s->cap_list : 64;
		s->list = xrealloc(s->list, s->cap_list, sizeof(*s->list));
	}
	s->list[s->n_list++] = *w;
	if (s->n_list == s->max_list && !s->options->list)
		for (uint32_t i = s->n_list / 2; i-- > 0;)
			sift_down(s->list, s->n_list, i);
}

static void count_wait(struct sched *s, struct sums *const of[N_OF], uint64_t to, uint64_t latency)
{
	histogram_add(&s->waits, latency, 1);
	for (int i = 0; i < N_OF; i++)
		histogram_add(&of[i]->waits, latency, 1);
	heatmap_add(&s->latency_map, to, latency, 1);
}

static void on_waited(void *ctx, const struct sched_thread *t, const struct sched_thread *before,
	uint32_t cpu, uint64_t from, uint64_t to)
{
	struct sched *s = ctx;
	struct sums *of[N_OF];
	const struct sched_thread *ran, *threads;
	struct waited w;
	uint32_t n;

	if (!t->tid || !passes(s, t, cpu))
		return;
	find_sums(s, t, cpu, of);
	count_wait(s, of, to, to - from);
	if (!is_kept(s, to - from))
		return;
	threads = sched_track_threads(s->track, &n);
	w = (struct waited){ .from = from,
		.latency = to - from,
		.name = name_of(t),
		.pid = t->pid,
		.tid = t->tid,
		.cpu = cpu };
	ran = sched_track_who_ran(s->track, t->reader, cpu, from, to, &w.before_ns);
	ran = ran ? ran : before;
	w.before = name_of(ran);
	w.before_tid = ran->tid;
	if (t->woken_ns) {
		w.waker = t->by_interrupt ? strdup("interrupt") : name_of(&threads[t->waker]);
		w.waker_tid = t->by_interrupt ? 0 : threads[t->waker].tid;
	}
	keep(s, &w);
}

/* ---- other intervals ---- */

static void on_ran(void *ctx, const struct sched_thread *t, uint64_t from, uint64_t to)
{
	struct sched *s = ctx;
	struct sums *of[N_OF];

	if (!t->tid || !passes(s, t, t->cpu))
		return;
	find_sums(s, t, t->cpu, of);
	for (int i = 0; i < N_OF; i++) {
		of[i]->run_ns += to - from;
		of[i]->voluntary += t->why != SCHED_PREEMPTED;
		of[i]->involuntary += t->why == SCHED_PREEMPTED;
	}
	heatmap_add_span(&s->cpu_map, from, to, t->cpu);
}

static void add_blocked(struct sums *sums, enum sched_why why, uint64_t ns)
{
	uint64_t *to = why == SCHED_SLEEPING ? &sums->sleep_ns
		: why == SCHED_DISK          ? &sums->disk_ns
					     : &sums->other_ns;

	*to += ns;
}

static void on_absent(void *ctx, const struct sched_thread *t, uint64_t to)
{
	struct sched *s = ctx;
	struct sums *of[N_OF];
	uint64_t until = t->runnable_ns ? t->runnable_ns : to;

	if (!t->tid || t->why == SCHED_PREEMPTED || until < t->left_ns || !passes(s, t, t->cpu))
		return;
	find_sums(s, t, t->cpu, of);
	for (int i = 0; i < N_OF; i++)
		add_blocked(of[i], t->why, until - t->left_ns);
}

static void on_woken(void *ctx, const struct sched_thread *t)
{
	struct sched *s = ctx;
	const struct sched_thread *threads;
	struct sums *of[N_OF];
	char *waker, *woken;
	uint64_t hash;
	uint32_t n, *at;
	bool is_new;

	if (!passes(s, t, t->cpu))
		return;
	find_sums(s, t, t->cpu, of);
	for (int i = 0; i < N_OF; i++)
		of[i]->woken++;
	threads = sched_track_threads(s->track, &n);
	waker = t->by_interrupt ? strdup("interrupt") : name_of(&threads[t->waker]);
	woken = name_of(t);
	hash = hash_bytes(waker, strlen(waker)) * 31 + hash_bytes(woken, strlen(woken));
	at = map_put(&s->by_pair, hash, &is_new);
	if (!is_new) {
		s->pairs[*at].n++;
		free(waker);
		free(woken);
		return;
	}
	*at = s->n_pairs;
	s->pairs = xrealloc(s->pairs, s->n_pairs + 1, sizeof(*s->pairs));
	s->pairs[s->n_pairs++] = (struct waker_pair){ waker, woken, 1 };
}

/* ---- rows ---- */

static void start_maps(struct sched *s, uint64_t time)
{
	if (s->maps)
		return;
	s->maps = true;
	s->first_ns = time;
	heatmap_builder_init(&s->latency_map, time);
	heatmap_builder_init_linear(&s->cpu_map, time, 1);
}

/* As sched_track.h would have told it; there is no thread but what the row says. */
static struct sched_thread thread_of_row(const struct row *row, uint64_t pid, uint64_t tid,
	uint64_t comm)
{
	return (struct sched_thread){ .reader = row->reader,
		.pid = (uint32_t)pid,
		.tid = (uint32_t)tid,
		.segment = row->segment,
		.comm = (uint32_t)comm };
}

static void delay_row(struct sched *s, const struct row *row)
{
	const uint64_t *v = row->values;
	struct sched_thread t = thread_of_row(row, v[D_PID], v[D_TID], v[D_COMM]);
	struct sums *of[N_OF];
	struct waited w;

	t.prio = (int)v[D_PRIO];
	s->n_delays++;
	if (s->streamed || !passes(s, &t, (uint32_t)v[D_CPU]))
		return;
	find_sums(s, &t, (uint32_t)v[D_CPU], of);
	count_wait(s, of, row->time, v[D_LATENCY]);
	if (!is_kept(s, v[D_LATENCY]))
		return;
	w = (struct waited){ .from = row->time - v[D_LATENCY],
		.latency = v[D_LATENCY],
		.name = name_of(&t),
		.before = v[D_BEFORE_TID]
			? copy(segment_string(row->segment, (uint32_t)v[D_BEFORE_COMM]))
			: strdup("idle"),
		.waker = v[D_WAKER_TID] ? strdup("") : NULL,
		.waker_tid = (uint32_t)v[D_WAKER_TID],
		.pid = t.pid,
		.tid = t.tid,
		.before_tid = (uint32_t)v[D_BEFORE_TID],
		.cpu = (uint32_t)v[D_CPU] };
	keep(s, &w);
}

static void off_row(struct sched *s, const struct row *row)
{
	const uint64_t *v = row->values;
	struct sched_thread t = thread_of_row(row, v[O_PID], v[O_TID], v[O_COMM]);
	struct sums *of[N_OF];

	s->n_off++;
	if (!passes(s, &t, (uint32_t)v[O_CPU]))
		return;
	find_sums(s, &t, (uint32_t)v[O_CPU], of);
	for (int i = 0; i < N_OF; i++)
		add_blocked(of[i], sched_why_of(row, "state", v[O_STATE]),
			v[O_BLOCKED] ? v[O_BLOCKED] : v[O_LATENCY]);
}

static void migrate_row(struct sched *s, const struct row *row)
{
	struct sched_thread t = thread_of_row(row, row->values[1], row->values[2], row->values[3]);
	struct sums *of[N_OF];

	t.prio = (int)row->values[4];
	if (!passes(s, &t, (uint32_t)row->values[0]))
		return;
	s->n_migrations++;
	find_sums(s, &t, (uint32_t)row->values[0], of);
	for (int i = 0; i < N_OF; i++)
		of[i]->migrations++;
}

static void sched_row(void *state, const struct row *row)
{
	struct sched *s = state;

	start_maps(s, row->time);
	s->last_ns = row->time;
	if (row->want == WANT_DELAY) {
		delay_row(s, row);
	} else if (row->want == WANT_OFF) {
		off_row(s, row);
	} else {
		s->streamed = true;
		s->n_switches += row->want == 0 || row->want == 2;
		if (row->want == SCHED_TRACK_WANTS - 1)
			migrate_row(s, row);
		sched_track_row(s->track, row, row->want);
	}
}

/* ---- the report ---- */

static uint32_t top(const struct sched *s)
{
	return s->options->top ? s->options->top : DEFAULT_TOP;
}

static int by_wait(const void *a, const void *b)
{
	const struct sums *x = *(const struct sums *const *)a, *y = *(const struct sums *const *)b;

	if (x->waits.sum != y->waits.sum)
		return x->waits.sum > y->waits.sum ? -1 : 1;
	if (x->run_ns != y->run_ns)
		return x->run_ns > y->run_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_number(const void *a, const void *b)
{
	const struct sums *x = *(const struct sums *const *)a, *y = *(const struct sums *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
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

/* Columns that every table of waits has, behind those of its own. */
#define WAIT_COLUMNS \
	{ "waits", "Waits", CELL_COUNT }, { "wait", "Waited", CELL_NS }, \
		{ "mean", "Mean", CELL_NS }, { "p50", "p50", CELL_NS }, { "p99", "p99", CELL_NS }, \
	{ \
		"max", "Max", CELL_NS \
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

static void add_summary(const struct sched *s, const struct trace_facts *f, struct report *r)
{
	struct table *t = report_facts(r, "summary", "Summary");
	uint64_t voluntary = 0, involuntary = 0, woken = 0;

	(void)f;
	for (uint32_t i = 0; i < s->cpus.n; i++) {
		voluntary += s->cpus.sums[i].voluntary;
		involuntary += s->cpus.sums[i].involuntary;
		woken += s->cpus.sums[i].woken;
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

static void add_latency(const struct sched *s, struct report *r)
{
	static const struct column columns[] = { { "waits", "Waits", CELL_COUNT },
		{ "total", "Total", CELL_NS }, { "mean", "Mean", CELL_NS },
		{ "p50", "p50", CELL_NS }, { "p90", "p90", CELL_NS }, { "p99", "p99", CELL_NS },
		{ "p99_9", "p99.9", CELL_NS }, { "p99_99", "p99.99", CELL_NS },
		{ "max", "Max", CELL_NS } };
	static const double percents[] = { 50, 90, 99, 99.9, 99.99 };
	struct table *t = report_table(r, "latency", "Run-queue latency", columns, 9);
	union cell *c = table_row(r, t);

	c[0].count = s->waits.count;
	c[1].count = s->waits.sum;
	c[2].count = histogram_mean(&s->waits);
	for (int i = 0; i < 5; i++)
		c[3 + i].count = histogram_percentile(&s->waits, percents[i]);
	c[8].count = s->waits.max;
	distribution_add(r,
		report_histogram(r, "latency_histogram", "How long waits took", "Latency", CELL_NS,
			"waits"),
		"", &s->waits);
}

static void add_cpus(const struct sched *s, struct report *r)
{
	static const struct column columns[] = { { "cpu", "CPU", CELL_NUMBER },
		{ "busy", "Busy", CELL_PERCENT }, { "run", "Ran", CELL_NS },
		{ "switches", "Switches", CELL_COUNT }, WAIT_COLUMNS };
	struct table *t = report_table(r, "cpus", "CPUs", columns, 4 + N_WAIT_COLUMNS);
	struct sums **list = sorted(&s->cpus, &r->arena, by_number);
	uint64_t all = s->last_ns - s->first_ns;

	for (uint32_t i = 0; i < s->cpus.n; i++) {
		union cell *c = table_row(r, t);

		c[0].count = (uint32_t)list[i]->id;
		c[1].number = all ? (double)list[i]->run_ns / (double)all : 0;
		c[2].count = list[i]->run_ns;
		c[3].count = list[i]->voluntary + list[i]->involuntary;
		put_waits(c + 4, &list[i]->waits);
	}
}

static void add_people(const struct sched *s, struct report *r, const struct group *g, bool threads)
{
	static const struct column columns[] = { { "comm", "Name", CELL_TEXT },
		{ "pid", "PID", CELL_NUMBER }, { "tid", "TID", CELL_NUMBER },
		{ "run", "Ran", CELL_NS }, WAIT_COLUMNS, { "voluntary", "Voluntary", CELL_COUNT },
		{ "involuntary", "Preempted", CELL_COUNT },
		{ "migrations", "Migrated", CELL_COUNT }, { "sleep", "Slept", CELL_NS },
		{ "disk", "Uninterruptible", CELL_NS } };
	struct column *mine = arena_alloc(&r->arena, sizeof(columns));
	uint32_t skip = threads ? 0 : 1, n = g->n < top(s) ? g->n : top(s);
	struct sums **list = sorted(g, &r->arena, by_wait);
	struct table *t;

	memcpy(mine, columns, 2 * sizeof(*mine));
	memcpy(mine + 2, columns + 2 + skip, sizeof(columns) - (2 + skip) * sizeof(*mine));
	t = report_table(r, threads ? "threads" : "processes",
		threads ? "Threads, by how long they waited for a CPU" : "Processes", mine,
		15 - skip);
	for (uint32_t i = 0; i < n; i++) {
		union cell *c = table_row(r, t);
		const struct sums *x = list[i];

		c[0].text = arena_strdup(&r->arena, x->name);
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
	if (n < g->n)
		report_note(r, NOTE_INFO, "Of %u %s %u are shown (--top).", g->n,
			threads ? "threads" : "processes", n);
}

static void add_priorities(const struct sched *s, struct report *r)
{
	static const struct column columns[] = { { "prio", "Priority", CELL_NUMBER },
		{ "run", "Ran", CELL_NS }, WAIT_COLUMNS };
	struct sums **list = sorted(&s->prios, &r->arena, by_number);
	struct table *t;

	if (s->prios.n < 2)
		return;
	t = report_table(r, "priorities", "Priorities (120 is nice 0; below 100 is real-time)",
		columns, 2 + N_WAIT_COLUMNS);
	for (uint32_t i = 0; i < s->prios.n; i++) {
		union cell *c = table_row(r, t);

		c[0].count = list[i]->id;
		c[1].count = list[i]->run_ns;
		put_waits(c + 2, &list[i]->waits);
	}
}

static int by_latency(const void *a, const void *b)
{
	const struct waited *x = a, *y = b;

	if (x->latency != y->latency)
		return x->latency > y->latency ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static int by_time(const void *a, const void *b)
{
	const struct waited *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

static void add_list(const struct sched *s, const struct trace_facts *f, struct report *r,
	const char *id, const char *title, uint32_t n)
{
	static const struct column columns[] = { { "time", "At", CELL_NS },
		{ "comm", "Name", CELL_TEXT }, { "tid", "TID", CELL_NUMBER },
		{ "cpu", "CPU", CELL_NUMBER }, { "latency", "Waited", CELL_NS },
		{ "ran", "Who ran instead", CELL_TEXT }, { "ran_tid", "TID", CELL_NUMBER },
		{ "ran_ns", "For", CELL_NS }, { "woken_by", "Woken by", CELL_TEXT } };
	struct table *t = report_table(r, id, title, columns, 9);

	for (uint32_t i = 0; i < n && i < s->n_list; i++) {
		const struct waited *w = &s->list[i];
		union cell *c = table_row(r, t);

		c[0].count = w->from > f->start_ns ? w->from - f->start_ns : 0;
		c[1].text = arena_strdup(&r->arena, w->name);
		c[2].count = w->tid;
		c[3].count = w->cpu;
		c[4].count = w->latency;
		c[5].text = arena_strdup(&r->arena, w->before);
		c[6].count = w->before_tid;
		c[7].count = w->before_ns;
		c[8].text = !w->waker   ? "(preempted)"
			: !w->waker_tid ? arena_strdup(&r->arena, w->waker)
					: arena_printf(&r->arena, "%s%s%u", w->waker,
						  w->waker[0] ? " " : "", w->waker_tid);
	}
}

static int by_count(const void *a, const void *b)
{
	const struct waker_pair *x = a, *y = b;
	int c;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	c = strcmp(x->waker, y->waker);
	return c ? c : strcmp(x->woken, y->woken);
}

static void add_wakers(const struct sched *s, struct report *r)
{
	static const struct column columns[] = { { "waker", "Who wakes", CELL_TEXT },
		{ "woken", "Whom", CELL_TEXT }, { "count", "Times", CELL_COUNT } };
	struct table *t;

	if (!s->n_pairs)
		return;
	qsort(s->pairs, s->n_pairs, sizeof(*s->pairs), by_count);
	t = report_table(r, "wakers", "Wake-ups", columns, 3);
	for (uint32_t i = 0; i < s->n_pairs && i < top(s); i++) {
		union cell *c = table_row(r, t);

		c[0].text = arena_strdup(&r->arena, s->pairs[i].waker);
		c[1].text = arena_strdup(&r->arena, s->pairs[i].woken);
		c[2].count = s->pairs[i].n;
	}
}

static void add_maps(const struct sched *s, struct report *r)
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

/* What waiting for a CPU came to, and the longest of it. The list is sorted. */
static void add_findings(const struct sched *s, struct report *r)
{
	char sum[NUMBER_MAX], p99[NUMBER_MAX], longest[NUMBER_MAX];
	const struct waited *w = s->n_list ? &s->list[0] : NULL;
	struct sums **list = sorted(&s->threads, &r->arena, by_wait);

	if (!w || !s->waits.sum)
		return;
	report_finding(r, s->waits.sum, "latency",
		"Threads waited %s for a CPU, 1 in 100 times longer than %s. %.0f%% of that is %s "
		"(thread %u). The longest wait was %s, of %s (thread %u) on CPU %u, where %s ran "
		"meanwhile.",
		number_ns(sum, s->waits.sum), number_ns(p99, histogram_percentile(&s->waits, 99)),
		100 * (double)list[0]->waits.sum / (double)s->waits.sum, list[0]->name,
		list[0]->tid, number_ns(longest, w->latency), w->name, w->tid, w->cpu, w->before);
}

static void sched_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct sched *s = state;

	if (!s->streamed && !s->n_delays && !s->n_off) {
		report_note(r, NOTE_WARNING,
			"There are no events of the scheduler in this trace; `rec sched` records them.");
		return;
	}
	if (!s->streamed)
		report_note(r, NOTE_INFO,
			"Recorded with --min: only long waits are in the trace, so counts and "
			"percentiles are of those alone.");
	add_summary(s, facts, r);
	add_latency(s, r);
	add_people(s, r, &s->threads, true);
	add_people(s, r, &s->processes, false);
	add_cpus(s, r);
	add_priorities(s, r);
	qsort(s->list, s->n_list, sizeof(*s->list), by_latency);
	add_findings(s, r);
	add_list(s, facts, r, "worst", "Longest waits for a CPU", top(s));
	if (sched_track_unsure_wakers(s->track))
		report_note(r, NOTE_INFO,
			"Of %" PRIu64
			" wake-ups it is not known whether an interrupt made them, as the "
			"recorded kernel hides that: who is told to have woken may have been interrupted.",
			sched_track_unsure_wakers(s->track));
	add_wakers(s, r);
	add_maps(s, r);
	if (!s->options->list)
		return;
	qsort(s->list, s->n_list, sizeof(*s->list), by_time);
	add_list(s, facts, r, "waits", "Every wait", s->n_list);
	if (s->waits.count > s->n_list)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " waits.",
			s->n_list, s->waits.count);
}

/* ---- as an analyzer ---- */

static void *sched_new(const struct analyze_options *o)
{
	struct sched *s = xcalloc(1, sizeof(*s));
	const struct sched_track_user user = { on_ran, on_waited, on_absent, on_woken, s };

	s->options = o;
	s->filter = (struct filter *)&o->filter;
	s->track = sched_track_new(&user);
	memcpy(s->wants, sched_track_wants, sizeof(sched_track_wants));
	s->wants[WANT_DELAY] = (struct want){ "sched_delay", delay_fields, N_DELAY };
	s->wants[WANT_OFF] = (struct want){ "off_cpu", off_fields, N_OFF };
	s->max_list = o->list ? MAX_LIST : o->top > WORST ? o->top : WORST;
	s->threads.max = s->processes.max = MAX_THREADS;
	s->cpus.max = MAX_CPUS;
	s->prios.max = MAX_PRIORITIES;
	map_init(&s->threads.by_id, 64);
	map_init(&s->processes.by_id, 64);
	map_init(&s->cpus.by_id, 16);
	map_init(&s->prios.by_id, 16);
	map_init(&s->by_pair, 64);
	return s;
}

static const struct want *sched_wants(void *state, uint32_t *n)
{
	struct sched *s = state;

	*n = N_WANTS;
	return s->wants;
}

static void sched_free(void *state)
{
	struct sched *s = state;

	sched_track_free(s->track);
	group_done(&s->threads);
	group_done(&s->processes);
	group_done(&s->cpus);
	group_done(&s->prios);
	histogram_done(&s->waits);
	heatmap_builder_done(&s->latency_map);
	heatmap_builder_done(&s->cpu_map);
	for (uint32_t i = 0; i < s->n_list; i++)
		waited_done(&s->list[i]);
	for (uint32_t i = 0; i < s->n_pairs; i++) {
		free(s->pairs[i].waker);
		free(s->pairs[i].woken);
	}
	free(s->list);
	free(s->pairs);
	map_done(&s->by_pair);
	free(s);
}

const struct analyzer analyzer_sched = {
	.name = "sched",
	.title = "Scheduler",
	.summary = "who waited for a CPU, how long and behind whom; who ran, slept, woke whom",
	.ordered = true,
	.unfiltered = true,
	.options = OPTIONS_FILTER | OPTIONS_TABLES,
	.new = sched_new,
	.wants = sched_wants,
	.row = sched_row,
	.finish = sched_finish,
	.free = sched_free,
};
