/* `rec --stat EVENT,...` and `rec stat`: counters, read again and again.
 *
 * Counting costs next to nothing, so this is the source that may run all day. Each counter is one
 * perf event without samples: for the whole system one a CPU, for processes one a thread, which
 * children inherit; an interval's row is the sum over a process's threads. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gen/events.h"
#include "record/count_scale.h"
#include "record/cpus.h"
#include "record/perf_event.h"
#include "record/proc_fs.h"
#include "record/recording.h"
#include "record/ticker.h"
#include "specs/events/counter.h"

#define DEFAULT_EVENTS \
	"task-clock,context-switches,cpu-migrations,page-faults,{cycles,instructions},branches," \
	"branch-misses,cache-misses"

enum { DEFAULT_INTERVAL_NS = 100000000 };

/* What the kernel answers to a read with the two times. */
struct reading {
	uint64_t value, enabled, running;
};

/* One counter of one CPU or thread. */
struct count_fd {
	int fd;
	uint32_t series; /* that it adds to */
};

/* What becomes one row an interval: an event of a CPU or a process. */
struct series {
	const struct event_spec *spec; /* borrowed */
	int cpu;
	uint32_t pid;
	struct reading sum, told;
};

struct stat_state {
	struct recording *recording; /* borrowed */
	struct event_specs defaults;
	const struct event_spec **events; /* owned array: what can be counted here */
	struct count_fd *fds;             /* owned */
	struct series *series;            /* owned */
	int *cpus;                        /* owned; that were online when it was last looked */
	uint32_t n_events, n_groups, n_fds, n_series, n_cpus;
	struct ticker *ticker; /* owned; an interval is over */
	int type;
	uint64_t read_ns; /* when they were last read */
	bool turns;       /* some counter was not there all the time */
	bool user_only;   /* the kernel's part may not be counted */
};

/* ---- reading ---- */

static void add(struct reading *to, const struct reading *more)
{
	to->value += more->value;
	to->enabled += more->enabled;
	to->running += more->running;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void write_series(struct stat_state *s, struct series *c, uint64_t now)
{
	struct writer *w = s->recording->writer;
	struct counter e = { .time = now,
		.cpu = c->cpu,
		.pid = c->pid,
		.name = writer_string(w, c->spec->text, strlen(c->spec->text)),
		.counted = grown(c->sum.value, c->told.value),
		.enabled = grown(c->sum.enabled, c->told.enabled),
		.running = grown(c->sum.running, c->told.running),
		.interval = now - s->read_ns };

	e.value = count_scaled(e.counted, e.enabled, e.running);
	s->turns |= e.running < e.enabled;
	recording_add(s->recording, 0, s->type, &e);
	c->told = c->sum;
	s->recording->n_events++;
}

static void read_all(struct stat_state *s)
{
	uint64_t now = now_ns();

	for (uint32_t i = 0; i < s->n_series; i++)
		s->series[i].sum = (struct reading){ 0, 0, 0 };
	for (uint32_t i = 0; i < s->n_fds; i++) {
		struct reading r;

		if (read(s->fds[i].fd, &r, sizeof(r)) == sizeof(r))
			add(&s->series[s->fds[i].series].sum, &r);
	}
	for (uint32_t i = 0; i < s->n_series; i++)
		write_series(s, &s->series[i], now);
	s->read_ns = now;
}

static void on_tick(void *state)
{
	read_all(state);
}

/* ---- opening ---- */

static void fill_attr(const struct stat_state *s, const struct event_spec *e,
	struct perf_event_attr *attr)
{
	enum target_kind kind = s->recording->target.kind;

	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->type = e->sample.type;
	attr->config = e->sample.config;
	attr->disabled = 1;
	attr->read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	attr->inherit = kind != TARGET_SYSTEM && kind != TARGET_CGROUP;
	attr->enable_on_exec = kind == TARGET_COMMAND;
	attr->exclude_kernel = e->user && !e->kernel;
	attr->exclude_user = e->kernel && !e->user;
}

/* The descriptor of the group's first event, which the others join: the kernel then counts all of
 * them or none. */
static int open_counter(struct stat_state *s, const struct event_spec *e, pid_t tid, int cpu,
	int leader, struct err *err)
{
	struct perf_event_attr attr;
	int fd;

	fill_attr(s, e, &attr);
	if (leader >= 0) /* it starts with its leader */
		attr.disabled = attr.enable_on_exec = 0;
	fd = perf_open_in_group(&attr, tid, cpu, leader, err);
	if ((fd == -EACCES || fd == -EPERM) && !attr.exclude_kernel && !attr.exclude_user) {
		attr.exclude_kernel = 1;
		fd = perf_open_in_group(&attr, tid, cpu, leader, err);
		s->user_only |= fd >= 0;
	}
	if (fd == -EINVAL && leader >= 0)
		return err_set(err, EINVAL,
			"'%s' cannot be counted together with the others in its {}: the processor has "
			"too few counters for all of them",
			e->text);
	return fd;
}

/* Opens one event for one CPU or thread. `leaders` has the first event's descriptor of each group. */
static int add_counter(struct stat_state *s, uint32_t series, pid_t tid, int cpu, int *leaders,
	struct err *err)
{
	const struct event_spec *e = s->series[series].spec;
	int fd = open_counter(s, e, tid, cpu, e->group ? leaders[e->group] : -1, err);

	if (fd < 0)
		return fd;
	if (e->group && leaders[e->group] < 0)
		leaders[e->group] = fd;
	s->fds = xrealloc(s->fds, s->n_fds + 1, sizeof(*s->fds));
	s->fds[s->n_fds++] = (struct count_fd){ fd, series };
	return 0;
}

/* Opens every event for one CPU or thread; `first` is the series of the first event. */
static int add_counters(struct stat_state *s, uint32_t first, pid_t tid, int cpu, struct err *err)
{
	int *leaders = xcalloc(s->n_groups + 1, sizeof(*leaders)), rc = 0;

	for (uint32_t i = 0; i <= s->n_groups; i++)
		leaders[i] = -1;
	for (uint32_t i = 0; !rc && i < s->n_events; i++)
		rc = add_counter(s, first + i, tid, cpu, leaders, err);
	free(leaders);
	return rc;
}

/* A series for each event; the number of the first. */
static uint32_t add_all_series(struct stat_state *s, int cpu, uint32_t pid)
{
	uint32_t first = s->n_series;

	s->series = xrealloc(s->series, s->n_series + s->n_events, sizeof(*s->series));
	for (uint32_t i = 0; i < s->n_events; i++)
		s->series[s->n_series++] = (struct series){ .spec = s->events[i],
			.cpu = cpu,
			.pid = pid };
	return first;
}

struct open_threads {
	struct stat_state *state;
	uint32_t first; /* series */
	struct err *err;
};

static int open_thread(void *ctx, uint32_t tid)
{
	struct open_threads *o = ctx;

	return add_counters(o->state, o->first, (pid_t)tid, -1, o->err);
}

static int open_process(struct stat_state *s, uint32_t pid, struct err *err)
{
	struct open_threads o = { s, add_all_series(s, -1, pid), err };
	int rc = proc_all_threads(pid, open_thread, &o);

	return rc == -ESRCH ? 0 : rc; /* it has ended meanwhile */
}

static int open_cpu(struct stat_state *s, uint32_t series, int cpu, struct err *err)
{
	return add_counters(s, series, target_who(&s->recording->target), cpu, err);
}

static int open_system(struct stat_state *s, struct err *err)
{
	int rc = 0;

	s->n_cpus = cpus_online(&s->cpus);
	for (uint32_t i = 0; !rc && i < s->n_cpus; i++)
		rc = open_cpu(s, add_all_series(s, s->cpus[i], 0), s->cpus[i], err);
	return rc;
}

/* ---- CPUs that come ---- */

/* The first of a CPU's series, made if it was not there before. They count from 0 again. */
static uint32_t fresh_series(struct stat_state *s, int cpu)
{
	uint32_t first = 0;

	while (first < s->n_series && s->series[first].cpu != cpu)
		first += s->n_events;
	if (first == s->n_series)
		return add_all_series(s, cpu, 0);
	for (uint32_t i = 0; i < s->n_events; i++)
		s->series[first + i].told = (struct reading){ 0, 0, 0 };
	return first;
}

static void close_series(struct stat_state *s, uint32_t first)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->n_fds; i++) {
		if (s->fds[i].series - first < s->n_events)
			close(s->fds[i].fd);
		else
			s->fds[kept++] = s->fds[i];
	}
	s->n_fds = kept;
}

/* The kernel takes the events of a CPU that goes offline away, for good (seen on 6.18). */
static void open_again(struct stat_state *s, int cpu)
{
	uint32_t series = fresh_series(s, cpu), from;
	struct err err = { "" };

	close_series(s, series);
	from = s->n_fds;
	if (open_cpu(s, series, cpu, &err))
		recording_note(s->recording, "stat",
			"CPU %d came while recording, and not everything is counted there: %.200s",
			cpu, err.text);
	for (uint32_t i = from; i < s->n_fds; i++)
		ioctl(s->fds[i].fd, PERF_EVENT_IOC_ENABLE, 0);
}

static bool has_cpu(const int *cpus, uint32_t n, int cpu)
{
	for (uint32_t i = 0; i < n; i++)
		if (cpus[i] == cpu)
			return true;
	return false;
}

static void cpus_changed(void *ctx, const int *online, uint32_t n)
{
	struct stat_state *s = ctx;

	for (uint32_t i = 0; i < n; i++)
		if (!has_cpu(s->cpus, s->n_cpus, online[i]))
			open_again(s, online[i]);
	s->cpus = xrealloc(s->cpus, n, sizeof(*s->cpus));
	memcpy(s->cpus, online, n * sizeof(*s->cpus));
	s->n_cpus = n;
}

/* ---- all of them ---- */

static int open_counters(struct stat_state *s, struct err *err)
{
	const struct target *t = &s->recording->target;
	int rc = 0;

	if (target_by_cpu(t)) { /* counters of threads go along to every CPU */
		loop_on_hotplug(s->recording->loop, cpus_changed, s);
		return open_system(s, err);
	}
	for (uint32_t i = 0; !rc && i < t->n_pids; i++)
		rc = t->kind == TARGET_COMMAND ? add_counters(s, add_all_series(s, -1, t->pids[i]),
							 (pid_t)t->pids[i], -1, err)
					       : open_process(s, t->pids[i], err);
	return rc;
}

/* ---- which events ---- */

/* Whether this machine can count it at all; tried on ourselves, so that a recording either has all
 * threads of an event or none. */
static bool is_there(struct stat_state *s, const struct event_spec *e)
{
	int fd = open_counter(s, e, 0, -1, -1, NULL);

	if (fd >= 0)
		close(fd);
	return fd != -ENOENT && fd != -EOPNOTSUPP && fd != -ENODEV;
}

static void append(char *list, size_t size, const char *name)
{
	size_t n = strlen(list);

	snprintf(list + n, size - n, "%s%s", n ? ", " : "", name);
}

/* Takes what this machine can count, and says what it cannot; -ENOENT if nothing remains. */
static int keep_countable(struct stat_state *s, const struct event_specs *l, struct err *err)
{
	char missing[512] = "", kept[512] = "";

	s->events = xcalloc(l->n, sizeof(struct event_spec *));
	s->n_groups = l->n_groups;
	for (unsigned i = 0; i < l->n; i++) {
		bool there = l->specs[i].known && is_there(s, &l->specs[i]);

		if (!l->specs[i].known)
			return sample_event_unknown(l->specs[i].text, err);
		append(there ? kept : missing, sizeof(kept), l->specs[i].text);
		if (there)
			s->events[s->n_events++] = &l->specs[i];
	}
	if (!s->n_events)
		return err_set(err, ENOENT,
			"no counter for %s here (a virtual machine?): page-faults, context-switches, "
			"task-clock and other software events are counted everywhere",
			missing);
	writer_info(s->recording->writer, "source.stat.events", kept);
	if (missing[0])
		recording_note(s->recording, "stat",
			"no counter for %s here (a virtual machine?): not counted", missing);
	return 0;
}

static int choose_events(struct stat_state *s, struct err *err)
{
	const struct event_specs *asked = &s->recording->options->stat;
	int rc = asked->n ? 0 : event_specs_add(&s->defaults, DEFAULT_EVENTS, err);

	return rc ? rc : keep_countable(s, asked->n ? asked : &s->defaults, err);
}

static uint64_t interval_ns(const struct stat_state *s)
{
	uint64_t asked = s->recording->options->interval_ns;

	return asked ? asked : DEFAULT_INTERVAL_NS;
}

static int open_ticker(struct stat_state *s, struct err *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)interval_ns(s));
	writer_info(s->recording->writer, "source.stat.interval_ns", text);
	s->ticker = ticker_open(s->recording->loop, on_tick, s, err);
	return s->ticker ? 0 : -ENOMEM;
}

/* ---- as a source ---- */

static void stat_close(void *state)
{
	struct stat_state *s = state;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_fds; i++)
		close(s->fds[i].fd);
	ticker_close(s->ticker);
	event_specs_done(&s->defaults);
	free(s->events);
	free(s->fds);
	free(s->series);
	free(s->cpus);
	free(s);
}

static int stat_open(struct recording *r, void **state, struct err *err)
{
	struct stat_state *s = xcalloc(1, sizeof(*s));
	int rc;

	s->recording = r;
	s->type = writer_type(r->writer, &event_counter, NULL);
	rc = choose_events(s, err);
	if (!rc)
		rc = open_counters(s, err);
	if (!rc)
		rc = open_ticker(s, err);
	if (rc) {
		stat_close(s);
		return rc;
	}
	if (s->user_only)
		recording_note(r, "stat",
			"only user code is counted: kernel.perf_event_paranoid forbids the rest");
	*state = s;
	return 0;
}

/* Of a group only the leader is told: the others are on, and count when it does. */
static void stat_enable(void *state)
{
	struct stat_state *s = state;

	for (uint32_t i = 0; i < s->n_fds && s->recording->target.kind != TARGET_COMMAND; i++)
		ioctl(s->fds[i].fd, PERF_EVENT_IOC_ENABLE, 0);
	s->read_ns = now_ns();
	ticker_start(s->ticker, interval_ns(s));
}

/* The last interval is shorter than the others. */
static void stat_disable(void *state)
{
	struct stat_state *s = state;

	for (uint32_t i = 0; i < s->n_fds; i++)
		ioctl(s->fds[i].fd, PERF_EVENT_IOC_DISABLE, 0);
	read_all(s);
	ticker_skip(s->ticker);
	if (s->turns)
		recording_note(s->recording, "stat",
			"more counters were asked for than the processor has: they took turns, and "
			"values are estimates from their share of the time (counted, enabled, running)");
}

static void stat_settle(void *state)
{
	(void)state;
}

const struct source source_stat = {
	.name = "stat",
	.summary = "counts of events, every 100 ms: of --stat, or the usual ones",
	.needs = { "sampling" },
	.better_with = { "hardware counters" },
	.open = stat_open,
	.enable = stat_enable,
	.disable = stat_disable,
	.settle = stat_settle,
	.close = stat_close,
};
