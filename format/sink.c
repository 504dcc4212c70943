/* A ring of bytes between the one who puts and the thread that writes. The thread writes what is
 * there up to the ring's edge in one call, so slow disks see few large writes. */
#include "format/sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/base/deadline.h"

struct sink {
	int fd;        /* -1: memory */
	uint8_t *ring; /* owned; queue, or the whole content of a memory sink */
	size_t size;   /* of ring */
	uint64_t put;  /* bytes taken so far */
	uint64_t written;
	uint64_t base;                        /* the byte that is at the beginning of the queue */
	int error;                            /* positive errno */
	struct segment_ring *segments;        /* borrowed; NULL: this is no ring of segments */
	int next_fd, retired_fd;              /* -1: none */
	struct reserve reserve, next_reserve; /* of who is `reserving` */
	uint64_t file_at;                     /* the first byte of the present file */
	int full;            /* positive errno: the disk has no more room than what is reserved */
	uint64_t room_until; /* so far the present file can be written; UINT64_MAX: not known */
	uint64_t ahead;      /* what is wanted ahead of what is written */
	bool stop, has_queue, has_thread;
	bool next_known;  /* next_fd is for the bytes from next_at on */
	uint64_t next_at; /* if known */
	pthread_t thread;
	pthread_mutex_t reserving; /* while more room is taken; before the lock */
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

/* Where what has been put for the present file ends. */
static uint64_t end_of_file(const struct sink *s)
{
	return s->next_known && s->next_at > s->written ? s->next_at : s->put;
}

/* Where a byte lies in the ring. */
static size_t place_of(const struct sink *s, uint64_t byte)
{
	return (byte - s->base) % s->size;
}

/* What lies in the ring up to its edge and belongs to one file, while holding the lock. */
static size_t contiguous(const struct sink *s, const uint8_t **p)
{
	size_t at = place_of(s, s->written), n = (size_t)(end_of_file(s) - s->written);

	*p = s->ring + at;
	return n < s->size - at ? n : s->size - at;
}

/* Up to which byte a file that begins at `at` has room. */
static uint64_t room_of(const struct reserve *r, uint64_t at)
{
	uint64_t until = reserve_until(r);

	return until == UINT64_MAX ? UINT64_MAX : at + until;
}

/* Takes more room for a file of so many bytes if it has little. */
static void keep_room(struct sink *s, struct reserve *r, uint64_t bytes)
{
	int full;

	pthread_mutex_lock(&s->reserving);
	full = -reserve_keep(r, bytes);
	pthread_mutex_lock(&s->lock);
	if (full)
		s->full = full;
	s->ahead = r->ahead;
	s->room_until = room_of(&s->reserve, s->file_at);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->reserving);
}

/* All of this file is written, and there is another. */
static bool file_is_done(const struct sink *s)
{
	return s->next_known && s->written >= s->next_at && s->retired_fd < 0;
}

static void change_file(struct sink *s)
{
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&s->reserving);
	reserve_end(&s->reserve);
	pthread_mutex_lock(&s->lock);
	s->reserve = s->next_reserve;
	s->file_at = s->next_at;
	s->retired_fd = s->fd;
	s->fd = s->next_fd;
	s->next_fd = -1;
	s->next_known = false;
	s->room_until = room_of(&s->reserve, s->file_at);
	pthread_mutex_unlock(&s->reserving);
}

static void *write_loop(void *arg)
{
	struct sink *s = arg;
	const uint8_t *p;
	uint64_t file_bytes;
	int rc, fd, full;
	size_t n;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (file_is_done(s))
			change_file(s);
		if (s->put == s->written || s->error) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		n = contiguous(s, &p);
		file_bytes = end_of_file(s) - s->file_at;
		fd = s->fd;
		full = s->full;
		pthread_mutex_unlock(&s->lock);
		if (!full)
			keep_room(s, &s->reserve, file_bytes);
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
	s->reserve = s->next_reserve = reserve_none();
	s->room_until = UINT64_MAX;
	pthread_mutex_init(&s->reserving, NULL);
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

void sink_reserve(struct sink *s, const struct reserve *r)
{
	s->reserve = *r;
	s->ahead = r->ahead;
	s->room_until = room_of(r, 0);
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

void sink_end(struct sink *s)
{
	if (s->has_thread) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
		s->has_thread = false;
	}
	reserve_end(&s->reserve);
	if (s->next_fd >= 0)
		reserve_end(&s->next_reserve);
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	sink_end(s);
	pthread_mutex_destroy(&s->reserving);
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
	size_t at, first;

	if (s->error)
		return -s->error;
	if (s->size - (size_t)(s->put - s->written) < len)
		return -EAGAIN;
	if (s->put == s->written) /* empty: memory that was never needed is not touched */
		s->base = s->put;
	at = place_of(s, s->put);
	first = len < s->size - at ? len : s->size - at;
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

int sink_next_fd(struct sink *s, int fd, const struct reserve *r)
{
	int rc = -EBUSY;

	pthread_mutex_lock(&s->lock);
	if (s->next_fd < 0 && s->retired_fd < 0) {
		s->next_fd = fd;
		s->next_reserve = *r;
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

int sink_full(struct sink *s)
{
	int full;

	pthread_mutex_lock(&s->lock);
	full = s->full;
	pthread_mutex_unlock(&s->lock);
	return full;
}

uint64_t sink_ahead(struct sink *s)
{
	uint64_t ahead;

	pthread_mutex_lock(&s->lock);
	ahead = s->ahead;
	pthread_mutex_unlock(&s->lock);
	return ahead;
}

void sink_more_room(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	s->full = 0;
	pthread_mutex_unlock(&s->lock);
}

bool sink_less_ahead(struct sink *s)
{
	bool less;

	pthread_mutex_lock(&s->reserving);
	less = reserve_modestly(&s->reserve);
	pthread_mutex_lock(&s->lock);
	if (less) {
		s->full = 0;
		s->ahead = s->reserve.ahead;
	}
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->reserving);
	return less;
}

/* Of the file that is put to, which may be the next one already; while holding the lock. */
static uint64_t bytes_left(const struct sink *s)
{
	uint64_t until = s->next_known ? room_of(&s->next_reserve, s->next_at) : s->room_until;

	if (until == UINT64_MAX)
		return UINT64_MAX;
	return until > s->put ? until - s->put : 0;
}

uint64_t sink_left(struct sink *s, uint64_t want)
{
	struct reserve *r;
	uint64_t left, bytes;
	bool full;

	for (int attempt = 0;; attempt++) {
		pthread_mutex_lock(&s->lock);
		left = bytes_left(s);
		full = s->full != 0;
		r = s->next_known ? &s->next_reserve : &s->reserve;
		bytes = s->put + want - (s->next_known ? s->next_at : s->file_at);
		pthread_mutex_unlock(&s->lock);
		if (left >= want || full || attempt == 2) /* the file may have changed meanwhile */
			return left;
		keep_room(s, r, bytes);
	}
}

int sink_drain(struct sink *s, int timeout_ms)
{
	struct timespec until = deadline_in(timeout_ms < 0 ? 0 : (uint64_t)timeout_ms * 1000000);
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
