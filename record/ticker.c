#include "record/ticker.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "format/base/arena.h"

struct ticker {
	int fd;
	bool due;
	void (*tick)(void *ctx);
	void *ctx; /* borrowed */
};

static void feed_refresh(void *feed)
{
	struct ticker *t = feed;
	uint64_t ticks;

	if (read(t->fd, &ticks, sizeof(ticks)) == sizeof(ticks))
		t->due = true;
}

static const void *feed_peek(void *feed, uint64_t *time_ns)
{
	struct ticker *t = feed;

	*time_ns = 0; /* now: what is made of it has the time of the look */
	return t->due ? t : NULL;
}

static void feed_take(void *feed, const void *record, uint64_t time_ns)
{
	struct ticker *t = feed;

	(void)record;
	(void)time_ns;
	t->due = false;
	t->tick(t->ctx);
}

static void feed_release(void *feed)
{
	(void)feed;
}

static const struct feed_ops ops = { feed_refresh, feed_peek, feed_take, feed_release, false };

struct ticker *ticker_open(struct loop *l, void (*tick)(void *ctx), void *ctx, struct err *err)
{
	struct ticker *t = xcalloc(1, sizeof(*t));

	t->tick = tick;
	t->ctx = ctx;
	t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->fd < 0)
		err_errno(err, errno, "timerfd_create");
	else if (loop_add(l, &ops, t, t->fd, err) == 0)
		return t;
	ticker_close(t);
	return NULL;
}

void ticker_close(struct ticker *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

void ticker_start(struct ticker *t, uint64_t interval_ns)
{
	struct timespec every = { (time_t)(interval_ns / 1000000000),
		(long)(interval_ns % 1000000000) };

	timerfd_settime(t->fd, 0, &(struct itimerspec){ every, every }, NULL);
}

void ticker_skip(struct ticker *t)
{
	t->due = false;
}
