/* A heap of feeds, keyed by the time of their next record. */
#include "record/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "record/cpus.h"

enum {
	BETWEEN = 256,
	RELEASE = 32,   /* records of a feed after which its producer gets their space back */
	BLIND_MS = 100, /* at most so long without a look when a descriptor no longer wakes us */
};

struct feed {
	const struct feed_ops *ops;
	void *state;
	const void *next;
	uint64_t time;
	uint32_t taken;
};

struct watcher {
	loop_hotplug call;
	void *ctx;
};

struct loop {
	int epoll;
	struct feed *feeds; /* owned */
	struct feed **heap; /* owned; feeds that have a record */
	uint32_t n, cap, n_heap;
	struct watcher *watchers; /* owned */
	uint32_t n_watchers;
	int *online; /* owned; as of the last look */
	uint32_t n_online;
	uint64_t last;
	bool blind; /* some feed's descriptor has been hung up */
};

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->n_online = cpus_online(&l->online);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->epoll >= 0)
		close(l->epoll);
	free(l->feeds);
	free(l->heap);
	free(l->watchers);
	free(l->online);
	free(l);
}

void loop_on_hotplug(struct loop *l, loop_hotplug call, void *ctx)
{
	l->watchers = xrealloc(l->watchers, l->n_watchers + 1, sizeof(*l->watchers));
	l->watchers[l->n_watchers++] = (struct watcher){ call, ctx };
}

bool loop_check_cpus(struct loop *l)
{
	int *online;
	uint32_t n = cpus_online(&online);
	bool changed = n != l->n_online || memcmp(online, l->online, n * sizeof(*online)) != 0;

	free(l->online);
	l->online = online;
	l->n_online = n;
	for (uint32_t i = 0; changed && i < l->n_watchers; i++)
		l->watchers[i].call(l->watchers[i].ctx, online, n);
	return changed;
}

static int watch(struct loop *l, int fd, uint32_t events, struct err *err)
{
	struct epoll_event e = { .events = events, .data = { .fd = fd } };

	if (fd >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) && errno != EEXIST)
		return err_errno(err, errno, "watching a descriptor");
	return 0;
}

int loop_watch(struct loop *l, int fd, struct err *err)
{
	return watch(l, fd, EPOLLIN, err);
}

int loop_add(struct loop *l, const struct feed_ops *ops, void *state, int fd, struct err *err)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->feeds = xrealloc(l->feeds, l->cap, sizeof(*l->feeds));
		l->heap = xrealloc(l->heap, l->cap, sizeof(struct feed *));
	}
	l->feeds[l->n++] = (struct feed){ .ops = ops, .state = state };
	return watch(l, fd, EPOLLIN | (ops->on_change ? EPOLLET : 0), err);
}

static void sink_down(struct loop *l, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		struct feed *f = l->heap[i];

		if (child >= l->n_heap)
			return;
		if (child + 1 < l->n_heap && l->heap[child + 1]->time < l->heap[child]->time)
			child++;
		if (l->heap[child]->time >= f->time)
			return;
		l->heap[i] = l->heap[child];
		l->heap[child] = f;
		i = child;
	}
}

/* Puts the feeds that have something into the heap. */
static void refresh(struct loop *l)
{
	l->n_heap = 0;
	for (uint32_t i = 0; i < l->n; i++) {
		struct feed *f = &l->feeds[i];

		f->ops->refresh(f->state);
		f->next = f->ops->peek(f->state, &f->time);
		if (f->next)
			l->heap[l->n_heap++] = f;
	}
	for (uint32_t i = l->n_heap / 2; i-- > 0;)
		sink_down(l, i);
}

uint64_t loop_drain(struct loop *l, uint64_t until_ns, bool (*between)(void *ctx), void *ctx)
{
	uint64_t n = 0;
	bool go_on = true;

	refresh(l);
	while (go_on && l->n_heap && l->heap[0]->time <= until_ns) {
		struct feed *f = l->heap[0];

		l->last = f->time;
		f->ops->take(f->state, f->next, f->time);
		if (++f->taken % RELEASE == 0) /* more comes while we work */
			f->ops->release(f->state);
		f->next = f->ops->peek(f->state, &f->time);
		if (!f->next)
			l->heap[0] = l->heap[--l->n_heap];
		if (l->n_heap)
			sink_down(l, 0);
		if (++n % BETWEEN == 0 && between)
			go_on = between(ctx);
	}
	for (uint32_t i = 0; i < l->n; i++)
		l->feeds[i].ops->release(l->feeds[i].state);
	return n;
}

uint64_t loop_last(const struct loop *l)
{
	return l->last;
}

/* The kernel hangs a ring's descriptor up when the thread it was opened for ends, and then reports
 * that for ever; other threads may still write into the ring. */
static void stop_watching(struct loop *l, int fd)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
	l->blind = true;
}

void loop_wait(struct loop *l, int timeout_ms)
{
	struct epoll_event events[64];
	int n;

	if (l->blind && timeout_ms > BLIND_MS)
		timeout_ms = BLIND_MS;
	n = epoll_wait(l->epoll, events, 64, timeout_ms);
	for (int i = 0; i < n; i++)
		if (!(events[i].events & EPOLLIN) && events[i].events & (EPOLLHUP | EPOLLERR))
			stop_watching(l, events[i].data.fd);
}
