/* `ana sched`: who waited for a CPU, how long, and why; who ran and who was blocked.
 *
 * The intervals come from sched_track.h, the tables from sched_report.h. A trace of `rec sched --min` has no
 * switches but only the waits that were long enough: those are counted as they are. */
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/sched_report.h"
#include "analyze/sched_track.h"

enum {
	MAX_LIST = 1000000,
	MAX_PAIRS = 65536, /* of waker and woken; no recording has so many */
	WORST = 1000, /* waits that are kept for the table of the worst, if not more are wanted */
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
	D_WEIGHT,
	N_DELAY
};
enum { O_LATENCY, O_BLOCKED, O_CPU, O_PID, O_TID, O_COMM, O_STATE, O_WEIGHT, N_OFF };

static const char *const delay_fields[N_DELAY] = { "latency", "cpu", "pid", "tid", "comm", "prio",
	"before_tid", "before_comm", "waker_tid", "weight" };
static const char *const off_fields[N_OFF] = { "latency", "blocked", "cpu", "pid", "tid", "comm",
	"state", "weight" };

enum { WANT_DELAY = SCHED_TRACK_WANTS, WANT_OFF, N_WANTS };

struct sched {
	struct sched_counts counts;
	struct sched_track *track;
	struct enum_field state; /* of off_cpu */
	struct want wants[N_WANTS];
};

static bool passes(const struct sched_counts *s, const struct sched_thread *t, uint32_t cpu)
{
	const uint64_t v[FILTER_FIELDS] = { t->pid, t->tid, cpu, t->comm };

	return filter_pass(s->filter, t->segment, v, 0);
}

/* The sums of a thread. A look is taken at those that were counted in the slice of the time. */
static void find_groups(struct sched_counts *s, const struct sched_thread *t, uint32_t cpu,
	struct sched_sums *of[N_SCHED_GROUPS])
{
	sched_groups_find(&s->groups, t, cpu, of);
	for (unsigned i = 0; i < N_SCHED_GROUPS; i++)
		if (windowed_is_first(&s->windowed, &of[i]->turn))
			windowed_touch(&s->windowed, i, keyed_number(&s->groups.of[i], of[i]),
				(const struct histogram *const[]){ &of[i]->waits });
}

/* ---- waits ---- */

static void count_wait(struct sched_counts *s, struct sched_sums *const of[N_SCHED_GROUPS],
	uint64_t to, uint64_t latency, uint64_t weight)
{
	for (int i = 0; i < N_SCHED_GROUPS; i++)
		histogram_add(&of[i]->waits, latency, weight);
	heatmap_add(&s->latency_map, to, latency, weight);
	s->n_waits++;
}

/* Whether a wait is to be shown one by one: most are not, so only then is more found out. */
static bool is_shown(const struct sched_counts *s, uint64_t from, uint64_t latency)
{
	return longest_keeps(&s->worst, (struct longest_key){ latency, from }) ||
		(s->options->list && s->n_list < MAX_LIST);
}

static void show(struct sched_counts *s, const struct sched_wait *w)
{
	longest_add(&s->worst, w);
	if (!s->options->list || s->n_list == MAX_LIST)
		return;
	s->list = xgrow(s->list, s->n_list, sizeof(*s->list));
	s->list[s->n_list++] = *w;
}

static struct sched_name waker_name(const struct sched *s, const struct sched_thread *t)
{
	if (t->by_interrupt)
		return (struct sched_name){ .kind = SCHED_INTERRUPT_NAME };
	return sched_name_of(sched_track_thread(s->track, t->waker));
}

static void on_waited(void *ctx, const struct sched_thread *t, const struct sched_thread *before,
	uint32_t cpu, uint64_t from, uint64_t to)
{
	struct sched *s = ctx;
	struct sched_sums *of[N_SCHED_GROUPS];
	const struct sched_thread *ran;
	struct sched_wait w;

	if (!t->tid || !passes(&s->counts, t, cpu))
		return;
	find_groups(&s->counts, t, cpu, of);
	count_wait(&s->counts, of, to, to - from, 1);
	if (!is_shown(&s->counts, from, to - from))
		return;
	w = (struct sched_wait){ .key = { to - from, from },
		.name = sched_name_of(t),
		.pid = t->pid,
		.tid = t->tid,
		.cpu = cpu,
		.preempted = !t->woken_ns };
	ran = sched_track_who_ran(s->track, t->reader, cpu, from, to, &w.before_ns);
	ran = ran ? ran : before;
	w.before = sched_name_of(ran);
	w.before_tid = ran->tid;
	if (t->woken_ns) {
		w.waker = waker_name(s, t);
		w.waker_tid = t->by_interrupt ? 0 : sched_track_thread(s->track, t->waker)->tid;
	}
	show(&s->counts, &w);
}

/* ---- other intervals ---- */

/* What went on in slices that are over counts there. */
static void count_span(struct sched_counts *s, struct sched_sums *const of[N_SCHED_GROUPS],
	unsigned sum, uint64_t from, uint64_t to)
{
	if (from >= s->windowed.begin_ns)
		return;
	for (unsigned i = 0; i < N_SCHED_GROUPS; i++)
		windowed_span(&s->windowed, i, keyed_number(&s->groups.of[i], of[i]), sum, from,
			to);
}

static void on_ran(void *ctx, const struct sched_thread *t, uint64_t from, uint64_t to)
{
	struct sched_counts *s = &((struct sched *)ctx)->counts;
	struct sched_sums *of[N_SCHED_GROUPS];

	if (!t->tid || !passes(s, t, t->cpu))
		return;
	find_groups(s, t, t->cpu, of);
	for (int i = 0; i < N_SCHED_GROUPS; i++) {
		of[i]->run_ns += to - from;
		of[i]->voluntary += t->why != SCHED_PREEMPTED;
		of[i]->involuntary += t->why == SCHED_PREEMPTED;
	}
	count_span(s, of, SLICED_RUN, from, to);
	heatmap_add_span(&s->cpu_map, from, to, t->cpu);
}

static void add_blocked(struct sched_sums *sums, enum sched_why why, uint64_t ns)
{
	uint64_t *to = why == SCHED_SLEEPING ? &sums->sleep_ns
		: why == SCHED_DISK          ? &sums->disk_ns
					     : &sums->other_ns;

	*to += ns;
}

static void on_absent(void *ctx, const struct sched_thread *t, uint64_t to)
{
	struct sched_counts *s = &((struct sched *)ctx)->counts;
	struct sched_sums *of[N_SCHED_GROUPS];
	uint64_t until = t->runnable_ns ? t->runnable_ns : to;

	if (!t->tid || t->why == SCHED_PREEMPTED || until < t->left_ns || !passes(s, t, t->cpu))
		return;
	find_groups(s, t, t->cpu, of);
	for (int i = 0; i < N_SCHED_GROUPS; i++)
		add_blocked(of[i], t->why, until - t->left_ns);
	if (t->why == SCHED_SLEEPING || t->why == SCHED_DISK)
		count_span(s, of, t->why == SCHED_DISK ? SLICED_DISK : SLICED_SLEEP, t->left_ns,
			until);
}

static uint64_t key_of_name(const struct sched_name *n)
{
	struct text t;

	if (n->kind != SCHED_NAMED)
		return n->kind;
	t = segment_string(n->segment, n->comm);
	return hash_bytes(t.s, t.len);
}

static void count_pair(struct sched_counts *s, const struct sched_name *waker,
	const struct sched_name *woken)
{
	uint64_t key = hash_u64(key_of_name(waker)) ^ key_of_name(woken);
	bool is_new;
	struct waker_pair *p = keyed_find(&s->pairs, key, &is_new);

	if (p && is_new)
		*p = (struct waker_pair){ *waker, *woken, 0 };
	if (!p) {
		p = keyed_rest(&s->pairs, &is_new);
		p->waker.kind = p->woken.kind = SCHED_MORE_NAMES;
	}
	p->n++;
}

static void on_woken(void *ctx, const struct sched_thread *t)
{
	struct sched *s = ctx;
	struct sched_sums *of[N_SCHED_GROUPS];
	struct sched_name waker, woken;

	if (!passes(&s->counts, t, t->cpu))
		return;
	find_groups(&s->counts, t, t->cpu, of);
	for (int i = 0; i < N_SCHED_GROUPS; i++)
		of[i]->woken++;
	waker = waker_name(s, t);
	woken = sched_name_of(t);
	count_pair(&s->counts, &waker, &woken);
}

/* ---- rows ---- */

static void start_maps(struct sched_counts *s, uint64_t time)
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

static uint64_t weight_of(struct sched_counts *s, const struct row *row, unsigned field)
{
	uint64_t weight = row_weight(row, field);

	s->sampled |= weight > 1;
	return weight;
}

static void delay_row(struct sched_counts *s, const struct row *row)
{
	const uint64_t *v = row->values;
	struct sched_thread t = thread_of_row(row, v[D_PID], v[D_TID], v[D_COMM]);
	struct sched_thread before = thread_of_row(row, 0, v[D_BEFORE_TID], v[D_BEFORE_COMM]);
	struct sched_sums *of[N_SCHED_GROUPS];

	t.prio = (int)v[D_PRIO];
	s->n_delays++;
	if (s->streamed || !passes(s, &t, (uint32_t)v[D_CPU]))
		return;
	find_groups(s, &t, (uint32_t)v[D_CPU], of);
	count_wait(s, of, row->time, v[D_LATENCY], weight_of(s, row, D_WEIGHT));
	if (is_shown(s, row->time - v[D_LATENCY], v[D_LATENCY]))
		show(s,
			&(struct sched_wait){ .key = { v[D_LATENCY], row->time - v[D_LATENCY] },
				.name = sched_name_of(&t),
				.before = sched_name_of(&before),
				.preempted = !v[D_WAKER_TID],
				.waker_tid = (uint32_t)v[D_WAKER_TID],
				.pid = t.pid,
				.tid = t.tid,
				.before_tid = before.tid,
				.cpu = (uint32_t)v[D_CPU] });
}

static void off_row(struct sched *s, const struct row *row)
{
	const uint64_t *v = row->values;
	struct sched_thread t = thread_of_row(row, v[O_PID], v[O_TID], v[O_COMM]);
	enum sched_why why = sched_why_of(&s->state, row, v[O_STATE]);
	struct sched_sums *of[N_SCHED_GROUPS];
	uint64_t ns = v[O_BLOCKED] ? v[O_BLOCKED] : v[O_LATENCY];

	s->counts.n_off++;
	if (!passes(&s->counts, &t, (uint32_t)v[O_CPU]))
		return;
	find_groups(&s->counts, &t, (uint32_t)v[O_CPU], of);
	ns *= weight_of(&s->counts, row, O_WEIGHT);
	for (int i = 0; i < N_SCHED_GROUPS; i++)
		add_blocked(of[i], why, ns);
}

static void migrate_row(struct sched_counts *s, const struct row *row)
{
	struct sched_thread t = thread_of_row(row, row->values[1], row->values[2], row->values[3]);
	struct sched_sums *of[N_SCHED_GROUPS];

	t.prio = (int)row->values[4];
	if (!passes(s, &t, (uint32_t)row->values[0]))
		return;
	s->n_migrations++;
	find_groups(s, &t, (uint32_t)row->values[0], of);
	for (int i = 0; i < N_SCHED_GROUPS; i++)
		of[i]->migrations++;
}

static void sched_row(void *state, const struct row *row)
{
	struct sched *s = state;

	windowed_at(&s->counts.windowed, row->time);
	start_maps(&s->counts, row->time);
	s->counts.last_ns = row->time;
	if (row->want == WANT_DELAY) {
		delay_row(&s->counts, row);
	} else if (row->want == WANT_OFF) {
		off_row(s, row);
	} else {
		s->counts.streamed = true;
		s->counts.n_switches += row->want == 0 || row->want == 2;
		if (row->want == SCHED_TRACK_WANTS - 1)
			migrate_row(&s->counts, row);
		sched_track_row(s->track, row, row->want);
	}
}

/* ---- as an analyzer ---- */

static void look_at(struct windowed *w, unsigned group, const struct keyed *k, uint32_t number)
{
	const struct sched_sums *s = keyed_get(k, number);

	windowed_look(w, group, number,
		(const uint64_t[N_SLICED]){ [SLICED_RUN] = s->run_ns,
			[SLICED_SLEEP] = s->sleep_ns,
			[SLICED_DISK] = s->disk_ns,
			[SLICED_VOLUNTARY] = s->voluntary,
			[SLICED_INVOLUNTARY] = s->involuntary,
			[SLICED_SWITCHES] = s->voluntary + s->involuntary,
			[SLICED_MIGRATIONS] = s->migrations },
		(const struct histogram *const[]){ &s->waits });
}

/* Shows what was counted whenever a slice of the time is over. */
static void sched_look(void *ctx, struct windowed *w)
{
	const struct sched_groups *g = &((struct sched *)ctx)->counts.groups;
	uint32_t n;

	for (unsigned i = 0; i < N_SCHED_GROUPS; i++) {
		const uint32_t *touched = windowed_touched(w, i, &n);

		for (uint32_t k = 0; k < n; k++)
			look_at(w, i, &g->of[i], touched[k]);
	}
}

static void sched_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct sched *s = state;
	const struct keyed *cpus = &s->counts.groups.of[OF_CPU];

	windowed_finish(&s->counts.windowed);
	for (uint32_t i = 0; i < cpus->n; i++)
		histogram_merge(&s->counts.waits,
			&((struct sched_sums *)keyed_get(cpus, i))->waits);
	s->counts.n_unsure_wakers = sched_track_unsure_wakers(s->track);
	sched_report(&s->counts, facts, r);
}

static void *sched_new(const struct analyze_options *o)
{
	struct sched *s = xcalloc(1, sizeof(*s));
	const struct sched_track_user user = { on_ran, on_waited, on_absent, on_woken, s };

	s->counts.options = o;
	s->counts.filter = (struct filter *)&o->filter;
	s->track = sched_track_new(&user);
	s->state = (struct enum_field){ .name = "state", .words = sched_why_words };
	memcpy(s->wants, sched_track_wants, sizeof(sched_track_wants));
	s->wants[WANT_DELAY] = (struct want){ "sched_delay", delay_fields, N_DELAY };
	s->wants[WANT_OFF] = (struct want){ "off_cpu", off_fields, N_OFF };
	longest_init(&s->counts.worst, sizeof(struct sched_wait), o->top > WORST ? o->top : WORST);
	sched_groups_init(&s->counts.groups);
	windowed_init(&s->counts.windowed, o->report, sched_look, s);
	for (unsigned i = 0; i < N_SCHED_GROUPS; i++)
		windowed_table(&s->counts.windowed, N_SLICED, 1);
	keyed_init(&s->counts.pairs, sizeof(struct waker_pair), MAX_PAIRS);
	return s;
}

static int sched_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	(void)err;
	windowed_start(&((struct sched *)state)->counts.windowed, facts->start_ns,
		facts->length_ns);
	return 0;
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
	sched_groups_done(&s->counts.groups);
	windowed_done(&s->counts.windowed);
	histogram_done(&s->counts.waits);
	heatmap_builder_done(&s->counts.latency_map);
	heatmap_builder_done(&s->counts.cpu_map);
	longest_done(&s->counts.worst);
	free(s->counts.list);
	keyed_done(&s->counts.pairs);
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
	.begin = sched_begin,
	.wants = sched_wants,
	.row = sched_row,
	.finish = sched_finish,
	.free = sched_free,
};
