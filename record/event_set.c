/* Threads times CPUs. Threads that start later are inherited. */
#include "record/event_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "record/cpus.h"
#include "record/proc_fs.h"
#include "record/recording.h"

struct perf_feed {
	struct perf_ring ring;
	struct event_set *set;
	uint64_t told_lost;   /* so many losses the user has been told of... */
	uint64_t told_until;  /* ...and up to this time */
	uint64_t lost_before; /* by events that are closed: their CPU went away */
	bool offline;
};

struct event_fd {
	int fd;
	uint32_t ring;
};

struct event_set {
	struct event_set_event *events; /* owned, with their filters */
	uint32_t n_events;
	uint32_t *n_opened;      /* owned; of each event */
	struct perf_feed *feeds; /* owned; one a CPU */
	uint32_t n_feeds;
	struct event_fd *fds; /* owned */
	uint32_t n_fds, cap_fds;
	size_t ring_bytes;
	bool by_cpu;
	pid_t who; /* if by CPU */
	/* Since event_set_feed, all borrowed: */
	struct recording *recording;
	const char *stream;
	bool told_blind; /* that a CPU came which is not seen */
	struct event_set_user user;
};

static void add_fd(struct event_set *s, int fd, uint32_t ring)
{
	if (s->n_fds == s->cap_fds) {
		s->cap_fds = s->cap_fds ? s->cap_fds * 2 : 16;
		s->fds = xrealloc(s->fds, s->cap_fds, sizeof(*s->fds));
	}
	s->fds[s->n_fds++] = (struct event_fd){ fd, ring };
}

/* The first event of a CPU brings the ring, the others write into it. */
static int join_ring(struct event_set *s, uint32_t i, int fd, struct err *err)
{
	struct perf_ring *ring = &s->feeds[i].ring;

	if (!ring->page)
		return perf_ring_open(ring, fd, ring->cpu, s->ring_bytes, err);
	if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd))
		return err_errno(err, errno, "joining a ring");
	return 0;
}

static int open_event(struct event_set *s, const struct event_set_event *e, pid_t tid, uint32_t i,
	struct err *err)
{
	int fd = perf_open(&e->attr, tid, s->feeds[i].ring.cpu, err);

	if (fd < 0)
		return fd;
	add_fd(s, fd, i);
	if (e->program && ioctl(fd, PERF_EVENT_IOC_SET_BPF, e->program))
		return err_errno(err, errno, "attaching a BPF program to samples");
	if (e->filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, e->filter))
		return err_errno(err, errno, "setting the filter '%s'", e->filter);
	return join_ring(s, i, fd, err);
}

/* By the event's nature, not for want of threads or descriptors. */
static bool is_refused(int rc)
{
	return rc == -EPERM || rc == -EACCES || rc == -ENOENT || rc == -EOPNOTSUPP || rc == -EINVAL;
}

/* Opens for one thread, or all (target_who), on one CPU. -ENODEV: it has just gone offline. */
static int open_on_cpu(struct event_set *s, pid_t tid, uint32_t i, struct err *err)
{
	for (uint32_t k = 0; k < s->n_events; k++) {
		struct event_set_event *e = &s->events[k];
		int rc = e->missing ? 0 : open_event(s, e, tid, i, err);

		if (is_refused(rc) && e->optional && !s->n_opened[k])
			e->missing = -rc;
		else if (rc < 0)
			return rc;
		s->n_opened[k] += !e->missing;
	}
	return 0;
}

/* The same on every CPU that is there. */
static int open_thread(struct event_set *s, pid_t tid, struct err *err)
{
	for (uint32_t i = 0; i < s->n_feeds; i++) {
		int rc = s->feeds[i].offline ? 0 : open_on_cpu(s, tid, i, err);

		if (rc < 0 && (rc != -ENODEV || i == 0))
			return rc;
	}
	return 0;
}

struct open_threads {
	struct event_set *set;
	struct err *err;
};

static int open_new_thread(void *ctx, uint32_t tid)
{
	struct open_threads *o = ctx;

	return open_thread(o->set, (pid_t)tid, o->err);
}

static int open_process(struct event_set *s, uint32_t pid, struct err *err)
{
	struct open_threads o = { s, err };
	uint32_t n_fds = s->n_fds;
	int rc = proc_all_threads(pid, open_new_thread, &o);

	if (rc != -ESRCH)
		return rc;
	return s->n_fds > n_fds ? 0 : err_set(err, ESRCH, "there is no process %u", pid);
}

static int open_all(struct event_set *s, const struct target *t, struct err *err)
{
	int rc = 0;

	s->by_cpu = target_by_cpu(t);
	s->who = target_who(t);
	if (s->by_cpu)
		return open_thread(s, s->who, err);
	for (uint32_t k = 0; k < s->n_events; k++) {
		s->events[k].attr.inherit = 1;
		s->events[k].attr.enable_on_exec = t->kind == TARGET_COMMAND;
	}
	for (uint32_t i = 0; !rc && i < t->n_pids; i++)
		rc = t->kind == TARGET_COMMAND ? open_thread(s, (pid_t)t->pids[i], err)
					       : open_process(s, t->pids[i], err);
	return rc;
}

/* Many threads on many CPUs need many descriptors; the hard limit is ours to use. */
static void raise_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

struct event_set *event_set_open(const struct perf_event_attr *attr, const struct target *target,
	size_t ring_bytes, int *code, struct err *err)
{
	struct event_set_event one = { .attr = *attr };

	return event_set_open_all(&one, 1, target, ring_bytes, code, err);
}

/* Tells which are missing; the errno of one of them if none is there. */
static int tell_missing(const struct event_set *s, struct event_set_event *events)
{
	int code = 0;

	for (uint32_t k = 0; k < s->n_events; k++) {
		events[k].missing = s->events[k].missing;
		code = events[k].missing ? events[k].missing : code;
	}
	return s->n_fds ? 0 : -code;
}

struct event_set *event_set_open_all(struct event_set_event *events, uint32_t n,
	const struct target *target, size_t ring_bytes, int *code, struct err *err)
{
	struct event_set *s = xcalloc(1, sizeof(*s));
	uint32_t n_online;
	int *cpus, rc;

	s->events = xcalloc(n, sizeof(*events));
	memcpy(s->events, events, n * sizeof(*events));
	for (uint32_t k = 0; k < n; k++)
		if (events[k].filter)
			s->events[k].filter = strdup(events[k].filter);
	s->n_events = n;
	s->n_opened = xcalloc(n, sizeof(*s->n_opened));
	s->ring_bytes = ring_bytes;
	s->n_feeds = cpus_possible();
	s->feeds = xcalloc(s->n_feeds, sizeof(*s->feeds));
	for (uint32_t i = 0; i < s->n_feeds; i++) {
		s->feeds[i].ring.cpu = (int)i;
		s->feeds[i].set = s;
		s->feeds[i].offline = true;
	}
	n_online = cpus_online(&cpus);
	for (uint32_t i = 0; i < n_online && (uint32_t)cpus[i] < s->n_feeds; i++)
		s->feeds[cpus[i]].offline = false;
	free(cpus);
	raise_file_limit();
	rc = open_all(s, target, err);
	if (!rc)
		rc = tell_missing(s, events);
	if (!rc)
		return s;
	*code = -rc;
	event_set_close(s);
	return NULL;
}

void event_set_close(struct event_set *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_feeds; i++)
		perf_ring_close(&s->feeds[i].ring);
	for (uint32_t i = 0; i < s->n_fds; i++)
		close(s->fds[i].fd);
	free(s->feeds);
	free(s->fds);
	for (uint32_t k = 0; k < s->n_events; k++)
		free((char *)s->events[k].filter);
	free(s->events);
	free(s->n_opened);
	free(s);
}

/* ---- as a feed ---- */

static void feed_refresh(void *feed)
{
	struct perf_feed *f = feed;

	perf_ring_refresh(&f->ring);
}

static const void *feed_peek(void *feed, uint64_t *time_ns)
{
	struct perf_feed *f = feed;
	const struct perf_event_header *h = perf_ring_peek(&f->ring);

	if (h)
		*time_ns = perf_record_time(h);
	return h;
}

static void tell_lost(struct perf_feed *f, uint64_t n, uint64_t until_ns)
{
	f->set->user.lost(f->set->user.ctx, &f->ring, n, f->told_until, until_ns);
	f->told_lost += n;
	f->told_until = until_ns;
}

static void feed_take(void *feed, const void *record, uint64_t time_ns)
{
	struct perf_feed *f = feed;
	const struct perf_event_header *h = record;
	uint64_t lost[2]; /* event, how many */

	if (h->type == PERF_RECORD_LOST && h->size >= sizeof(*h) + sizeof(lost)) {
		memcpy(lost, h + 1, sizeof(lost));
		tell_lost(f, lost[1], time_ns);
	} else {
		f->set->user.record(f->set->user.ctx, &f->ring, h, time_ns);
	}
	perf_ring_advance(&f->ring, h);
}

static void feed_release(void *feed)
{
	struct perf_feed *f = feed;

	perf_ring_release(&f->ring);
}

static const struct feed_ops ring_feed = { feed_refresh, feed_peek, feed_take, feed_release,
	false };

/* The ring joins the loop as a stream of its own. */
static int start_feed(struct event_set *s, uint32_t i, struct err *err)
{
	struct perf_ring *ring = &s->feeds[i].ring;

	ring->stream = writer_stream(s->recording->writer, s->stream, ring->cpu, 0);
	return loop_add(s->recording->loop, &ring_feed, &s->feeds[i], ring->fd, err);
}

static uint64_t lost_by(int fd)
{
	uint64_t values[2]; /* value, lost */

	return read(fd, values, sizeof(values)) == sizeof(values) ? values[1] : 0;
}

/* Closes the events of a ring, but the one that the ring was mapped through. */
static void close_events(struct event_set *s, uint32_t ring)
{
	uint32_t kept = 0;

	for (uint32_t k = 0; k < s->n_fds; k++) {
		const struct event_fd *f = &s->fds[k];

		if (f->ring != ring || f->fd == s->feeds[ring].ring.fd) {
			s->fds[kept++] = *f;
			continue;
		}
		s->feeds[ring].lost_before += lost_by(f->fd);
		close(f->fd);
	}
	s->n_fds = kept;
}

struct late_cpu {
	struct event_set *set;
	uint32_t cpu;
	int rc;
	struct err err;
};

static int open_late_thread(void *ctx, uint32_t tid)
{
	struct late_cpu *l = ctx;

	if (!l->rc)
		l->rc = open_on_cpu(l->set, (pid_t)tid, l->cpu, &l->err);
	if (l->rc == -ESRCH) /* it has ended meanwhile */
		l->rc = 0;
	return l->rc;
}

static void open_late_process(void *ctx, struct thread *t)
{
	if (t->pid == t->tid && t->recorded)
		proc_all_threads(t->pid, open_late_thread, ctx);
}

static void leave_mapping(void *ctx, uint32_t pid, const struct vma *vma)
{
	(void)ctx;
	(void)pid;
	(void)vma;
}

/* Everybody who is recorded by now; who starts later inherits. */
static int open_processes(struct late_cpu *l)
{
	const struct process_visitor each = { open_late_process, leave_mapping, l };

	processes_each(l->set->recording->processes, &each);
	return l->rc;
}

static void tell_blind(struct late_cpu *l)
{
	struct event_set *s = l->set;

	if (s->told_blind || l->rc == -ENODEV) /* it has gone again */
		return;
	s->told_blind = true;
	recording_note(s->recording, s->stream,
		"CPU %u came while recording: not all that runs there is seen (%s): %.200s", l->cpu,
		s->stream, l->err.text);
}

/* The kernel takes the events of a CPU that goes offline away, for good (seen on 6.18). Those of threads
 * are not tied to a CPU in that way, but have none for a CPU that was not there when they were opened. */
static void open_again(struct event_set *s, uint32_t i)
{
	struct late_cpu l = { .set = s, .cpu = i };
	bool is_new = !s->feeds[i].ring.page;
	uint32_t from;

	if (!s->by_cpu && !is_new)
		return;
	close_events(s, i);
	from = s->n_fds;
	l.rc = s->by_cpu ? open_on_cpu(s, s->who, i, &l.err) : open_processes(&l);
	if (is_new && s->feeds[i].ring.page) {
		int rc = start_feed(s, i, &l.err);

		l.rc = l.rc ? l.rc : rc;
	}
	for (uint32_t k = from; k < s->n_fds; k++)
		ioctl(s->fds[k].fd, PERF_EVENT_IOC_ENABLE, 0);
	if (l.rc)
		tell_blind(&l);
}

static void cpus_changed(void *ctx, const int *online, uint32_t n)
{
	struct event_set *s = ctx;

	for (uint32_t i = 0, at = 0; i < s->n_feeds; i++) {
		bool was_offline = s->feeds[i].offline;

		while (at < n && online[at] < (int)i)
			at++;
		s->feeds[i].offline = at == n || online[at] != (int)i;
		if (was_offline && !s->feeds[i].offline)
			open_again(s, i);
	}
}

int event_set_feed(struct event_set *s, struct recording *r, const char *stream,
	const struct event_set_user *user, struct err *err)
{
	int rc = 0;

	s->user = *user;
	s->recording = r;
	s->stream = stream;
	for (uint32_t i = 0; !rc && i < s->n_feeds; i++)
		if (s->feeds[i].ring.page)
			rc = start_feed(s, i, err);
	loop_on_hotplug(r->loop, cpus_changed, s);
	return rc;
}

static void tell_all(struct event_set *s, unsigned long request)
{
	for (uint32_t i = 0; i < s->n_fds; i++)
		ioctl(s->fds[i].fd, request, 0);
}

void event_set_enable(struct event_set *s)
{
	if (!s->events[0].attr.enable_on_exec)
		tell_all(s, PERF_EVENT_IOC_ENABLE);
}

void event_set_disable(struct event_set *s)
{
	tell_all(s, PERF_EVENT_IOC_DISABLE);
}

void event_set_rate(struct event_set *s, uint64_t value)
{
	for (uint32_t i = 0; i < s->n_fds; i++)
		ioctl(s->fds[i].fd, PERF_EVENT_IOC_PERIOD, &value);
}

/* What the events of one ring say they have lost. */
static uint64_t count_lost(const struct event_set *s, uint32_t ring)
{
	uint64_t lost = s->feeds[ring].lost_before;

	for (uint32_t k = 0; k < s->n_fds; k++)
		if (s->fds[k].ring == ring)
			lost += lost_by(s->fds[k].fd);
	return lost;
}

void event_set_settle(struct event_set *s, uint64_t now_ns)
{
	for (uint32_t i = 0; i < s->n_feeds; i++) {
		uint64_t lost = count_lost(s, i);

		if (lost > s->feeds[i].told_lost)
			tell_lost(&s->feeds[i], lost - s->feeds[i].told_lost, now_ns);
	}
}
