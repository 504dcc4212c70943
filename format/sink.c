/* A ring of bytes between the one who puts and the thread that writes. The thread writes what is
 * there up to the ring's edge in one call, so slow disks see few large writes. */
#include "format/sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/base/arena.h"

struct sink {
	int fd;        /* -1: memory */
	uint8_t *ring; /* owned; queue, or the whole content of a memory sink */
	size_t size;   /* of ring */
	uint64_t put;  /* bytes taken so far */
	uint64_t written;
	int error;                     /* positive errno */
	struct segment_ring *segments; /* borrowed; NULL: this is no ring of segments */
	int next_fd, retired_fd;       /* -1: none */
	bool stop, has_queue, has_thread;
	bool next_known;  /* next_fd is for the bytes from next_at on */
	uint64_t next_at; /* if known */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, drained;
};

/* Returns a positive errno or 0. */
static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What lies in the ring up to its edge and belongs to one file, while holding the lock. */
static size_t contiguous(const struct sink *s, const uint8_t **p)
{
	uint64_t until = s->next_known && s->next_at > s->written ? s->next_at : s->put;
	size_t at = s->written % s->size, n = (size_t)(until - s->written);

	*p = s->ring + at;
	return n < s->size - at ? n : s->size - at;
}

/* Turns to the next file when all of this one is written. */
static void change_file(struct sink *s)
{
	if (!s->next_known || s->written < s->next_at || s->retired_fd >= 0)
		return;
	s->retired_fd = s->fd;
	s->fd = s->next_fd;
	s->next_fd = -1;
	s->next_known = false;
}

static void *write_loop(void *arg)
{
	struct sink *s = arg;
	const uint8_t *p;
	size_t n;
	int rc, fd;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		change_file(s);
		if (s->put == s->written || s->error) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		n = contiguous(s, &p);
		fd = s->fd;
		pthread_mutex_unlock(&s->lock);
		rc = write_all(fd, p, n);
		pthread_mutex_lock(&s->lock);
		if (rc)
			s->error = rc;
		else
			s->written += n;
		pthread_cond_broadcast(&s->drained);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static struct sink *new_sink(int fd)
{
	struct sink *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->fd = fd;
	s->next_fd = s->retired_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_cond_init(&s->drained, &attr);
	pthread_condattr_destroy(&attr);
	return s;
}

struct sink *sink_new(int fd, size_t queue_bytes)
{
	struct sink *s = new_sink(fd);

	if (!queue_bytes)
		return s;
	s->ring = xcalloc(1, queue_bytes);
	s->size = queue_bytes;
	s->has_queue = true;
	return s;
}

int sink_start(struct sink *s)
{
	int code;

	if (!s->has_queue || s->has_thread)
		return 0;
	code = pthread_create(&s->thread, NULL, write_loop, s);
	s->has_thread = code == 0;
	return -code;
}

struct sink *sink_new_ring(struct segment_ring *ring)
{
	struct sink *s = new_sink(-1);

	s->segments = ring;
	return s;
}

struct sink *sink_new_memory(void)
{
	return new_sink(-1);
}

const uint8_t *sink_memory(const struct sink *s, size_t *len)
{
	*len = (size_t)s->put;
	return s->ring;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	if (s->has_thread) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->drained);
	free(s->ring);
	free(s);
}

static int put_memory(struct sink *s, const void *data, size_t len)
{
	if (s->size - s->put < len) {
		s->size = s->size * 2 + len;
		s->ring = xrealloc(s->ring, s->size, 1);
	}
	memcpy(s->ring + s->put, data, len);
	s->put += len;
	s->written = s->put;
	return 0;
}

static int put_now(struct sink *s, const void *data, size_t len)
{
	if (!s->error)
		s->error = write_all(s->fd, data, len);
	if (s->error)
		return -s->error;
	s->put += len;
	s->written = s->put;
	return 0;
}

static int put_queue(struct sink *s, const uint8_t *data, size_t len)
{
	size_t at = s->put % s->size, first = len < s->size - at ? len : s->size - at;

	if (s->error)
		return -s->error;
	if (s->size - (size_t)(s->put - s->written) < len)
		return -EAGAIN;
	memcpy(s->ring + at, data, first);
	memcpy(s->ring, data + first, len - first);
	s->put += len;
	pthread_cond_signal(&s->wake);
	return 0;
}

static int put_segment(struct sink *s, const void *data, size_t len)
{
	int rc = segment_ring_put(s->segments, data, len);

	if (rc)
		return rc;
	s->put += len;
	s->written = s->put;
	return 0;
}

int sink_put(struct sink *s, const void *data, size_t len)
{
	int rc;

	if (s->segments)
		return put_segment(s, data, len);
	if (s->fd < 0)
		return put_memory(s, data, len);
	if (!s->has_queue)
		return put_now(s, data, len);
	pthread_mutex_lock(&s->lock);
	rc = put_queue(s, data, len);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void sink_segment(struct sink *s, uint64_t now_ns)
{
	if (s->segments)
		segment_ring_begin(s->segments, now_ns);
	if (!s->has_queue)
		return;
	pthread_mutex_lock(&s->lock);
	/* The first segment goes to the first file. */
	if (s->put && s->next_fd >= 0 && !s->next_known) {
		s->next_known = true;
		s->next_at = s->put;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
}

int sink_next_fd(struct sink *s, int fd)
{
	int rc = -EBUSY;

	pthread_mutex_lock(&s->lock);
	if (s->next_fd < 0 && s->retired_fd < 0) {
		s->next_fd = fd;
		rc = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int sink_retired_fd(struct sink *s)
{
	int fd;

	pthread_mutex_lock(&s->lock);
	fd = s->retired_fd;
	s->retired_fd = -1;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	return fd;
}

size_t sink_room(struct sink *s)
{
	size_t room;

	if (!s->has_queue)
		return SIZE_MAX;
	pthread_mutex_lock(&s->lock);
	room = s->size - (size_t)(s->put - s->written);
	pthread_mutex_unlock(&s->lock);
	return room;
}

static struct timespec in_ms(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

int sink_drain(struct sink *s, int timeout_ms)
{
	struct timespec until = in_ms(timeout_ms < 0 ? 0 : timeout_ms);
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (s->put != s->written && !s->error && !rc) {
		if (timeout_ms < 0)
			pthread_cond_wait(&s->drained, &s->lock);
		else
			rc = -pthread_cond_timedwait(&s->drained, &s->lock, &until);
	}
	if (s->error)
		rc = -s->error;
	else if (s->put == s->written)
		rc = 0;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

uint64_t sink_taken(struct sink *s)
{
	uint64_t n;

	pthread_mutex_lock(&s->lock);
	n = s->put;
	pthread_mutex_unlock(&s->lock);
	return n;
}

uint64_t sink_written(struct sink *s)
{
	uint64_t n;

	pthread_mutex_lock(&s->lock);
	n = s->written;
	pthread_mutex_unlock(&s->lock);
	return n;
}

int sink_error(struct sink *s)
{
	int e;

	pthread_mutex_lock(&s->lock);
	e = s->error;
	pthread_mutex_unlock(&s->lock);
	return e;
}
