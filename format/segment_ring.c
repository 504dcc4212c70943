/* A list of segments, each a list of chunks; free chunks wait in a list of their own. */
#include "format/segment_ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/reserve.h"

enum {
	CHUNK_BYTES = 32 << 10,
	MIN_CHUNKS = 16, /* a block, its dictionaries and some more */
};

struct chunk {
	struct chunk *next;
	uint32_t used;
	uint8_t bytes[CHUNK_BYTES];
};

struct kept {
	struct kept *next;
	struct chunk *first, *last;
	uint64_t begin_ns, end_ns;
	uint64_t bytes;
	uint32_t n_chunks, holders; /* snapshots that need it */
	bool dropped;               /* from the ring; lives until nobody holds it */
};

struct segment_ring {
	pthread_mutex_t lock;
	struct kept *oldest, *newest; /* newest is being filled; owned */
	struct chunk *spare;          /* owned */
	uint64_t span_ns;
	uint32_t max_chunks, n_chunks; /* n_chunks: of the segments in the ring */
	uint64_t n_dropped, n_early;
};

struct snapshot {
	struct segment_ring *ring; /* borrowed */
	struct kept **list;        /* owned; what they point to is held */
	uint32_t n, first;         /* those before `first` are left out */
};

struct segment_ring *segment_ring_new(size_t max_bytes, uint64_t span_ns)
{
	struct segment_ring *r = xcalloc(1, sizeof(*r));
	size_t chunks = (max_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES;

	pthread_mutex_init(&r->lock, NULL);
	r->span_ns = span_ns;
	r->max_chunks = chunks < MIN_CHUNKS ? MIN_CHUNKS
		: chunks > UINT32_MAX       ? UINT32_MAX
					    : (uint32_t)chunks;
	return r;
}

/* ---- under the lock ---- */

static void free_kept(struct segment_ring *r, struct kept *k)
{
	if (k->last) {
		k->last->next = r->spare;
		r->spare = k->first;
	}
	free(k);
}

/* Takes the oldest segment out, never the one being filled. False: there is no other. One that a
 * snapshot holds counts no longer: the ring would have to lose what is new for it. */
static bool drop_oldest(struct segment_ring *r)
{
	struct kept *k = r->oldest;

	if (!k || k == r->newest)
		return false;
	r->oldest = k->next;
	r->n_dropped++;
	r->n_chunks -= k->n_chunks;
	k->dropped = true;
	if (!k->holders)
		free_kept(r, k);
	return true;
}

static struct chunk *add_chunk(struct segment_ring *r, struct kept *k)
{
	struct chunk *c = r->spare;

	if (c)
		r->spare = c->next;
	else
		c = xcalloc(1, sizeof(*c));
	c->next = NULL;
	c->used = 0;
	if (k->last)
		k->last->next = c;
	else
		k->first = c;
	k->last = c;
	k->n_chunks++;
	r->n_chunks++;
	return c;
}

/* Drops segments until this many more chunks fit. */
static bool make_room(struct segment_ring *r, uint32_t chunks)
{
	while (r->n_chunks + chunks > r->max_chunks) {
		if (!drop_oldest(r))
			return false;
		r->n_early++;
	}
	return true;
}

static int put(struct segment_ring *r, const uint8_t *p, size_t len)
{
	struct kept *k = r->newest;
	size_t room = k->last ? CHUNK_BYTES - k->last->used : 0;
	uint32_t more = len > room ? (uint32_t)((len - room + CHUNK_BYTES - 1) / CHUNK_BYTES) : 0;

	if (!make_room(r, more))
		return -EAGAIN;
	k->bytes += len;
	while (len) {
		struct chunk *c = k->last && k->last->used < CHUNK_BYTES ? k->last
									 : add_chunk(r, k);
		size_t n = CHUNK_BYTES - c->used < len ? CHUNK_BYTES - c->used : len;

		memcpy(c->bytes + c->used, p, n);
		c->used += (uint32_t)n;
		p += n;
		len -= n;
	}
	return 0;
}

/* ---- the recording's side ---- */

void segment_ring_begin(struct segment_ring *r, uint64_t now_ns)
{
	struct kept *k = xcalloc(1, sizeof(*k));

	k->begin_ns = now_ns;
	pthread_mutex_lock(&r->lock);
	if (r->newest) {
		r->newest->end_ns = now_ns;
		r->newest->next = k;
	} else {
		r->oldest = k;
	}
	r->newest = k;
	while (r->span_ns && r->oldest != k && r->oldest->end_ns + r->span_ns <= now_ns)
		drop_oldest(r);
	pthread_mutex_unlock(&r->lock);
}

int segment_ring_put(struct segment_ring *r, const void *data, size_t len)
{
	int rc;

	pthread_mutex_lock(&r->lock);
	rc = put(r, data, len);
	pthread_mutex_unlock(&r->lock);
	return rc;
}

void segment_ring_stats(struct segment_ring *r, struct segment_ring_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	pthread_mutex_lock(&r->lock);
	for (const struct kept *k = r->oldest; k; k = k->next) {
		stats->bytes += k->bytes;
		stats->n_segments++;
	}
	stats->from_ns = r->oldest ? r->oldest->begin_ns : 0;
	stats->n_dropped = r->n_dropped;
	stats->n_early = r->n_early;
	pthread_mutex_unlock(&r->lock);
}

void segment_ring_free(struct segment_ring *r)
{
	struct chunk *next;

	if (!r)
		return;
	while (drop_oldest(r))
		;
	if (r->newest)
		free_kept(r, r->newest);
	for (struct chunk *c = r->spare; c; c = next) {
		next = c->next;
		free(c);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- snapshots ---- */

struct snapshot *segment_ring_snapshot(struct segment_ring *r, bool all)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	uint32_t cap = 0;

	s->ring = r;
	pthread_mutex_lock(&r->lock);
	for (struct kept *k = r->oldest; k && (all || k != r->newest); k = k->next) {
		if (s->n == cap) {
			cap = cap ? cap * 2 : 16;
			s->list = xrealloc(s->list, cap, sizeof(struct kept *));
		}
		k->holders++;
		s->list[s->n++] = k;
	}
	pthread_mutex_unlock(&r->lock);
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->ring->lock);
	for (uint32_t i = 0; i < s->n; i++)
		if (--s->list[i]->holders == 0 && s->list[i]->dropped)
			free_kept(s->ring, s->list[i]);
	pthread_mutex_unlock(&s->ring->lock);
	free(s->list);
	free(s);
}

static uint64_t bytes_from(const struct snapshot *s, uint32_t first)
{
	uint64_t bytes = 0;

	for (uint32_t i = first; i < s->n; i++)
		bytes += s->list[i]->bytes;
	return bytes;
}

int snapshot_fit(struct snapshot *s, int fd)
{
	int rc = -ENOSPC;

	for (s->first = 0; s->first < s->n; s->first++) {
		rc = reserve_whole(fd, bytes_from(s, s->first));
		if (!rc)
			break;
	}
	return rc && s->n ? rc : (int)s->first;
}

static int write_chunk(int fd, const struct chunk *c)
{
	for (uint32_t at = 0; at < c->used;) {
		ssize_t n = write(fd, c->bytes + at, c->used - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (uint32_t)n : 0;
	}
	return 0;
}

int64_t snapshot_write(const struct snapshot *s, int fd, uint64_t *from_ns)
{
	int64_t total = 0;

	if (from_ns)
		*from_ns = s->first < s->n ? s->list[s->first]->begin_ns : 0;
	for (uint32_t i = s->first; i < s->n; i++) {
		for (const struct chunk *c = s->list[i]->first; c; c = c->next) {
			int rc = write_chunk(fd, c);

			if (rc)
				return rc;
			total += c->used;
		}
	}
	return total;
}
