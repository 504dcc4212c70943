#include "record/bpf_ring.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/arena.h"

enum { GIVE_BACK = 64 << 10 };

static int map_pages(struct bpf_ring *r, uint32_t bytes, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	r->size = bytes;
	r->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->consumer == MAP_FAILED) {
		r->consumer = NULL;
		return err_errno(err, errno, "mapping a BPF ring");
	}
	r->producer = mmap(NULL, page + bytes, PROT_READ, MAP_SHARED, r->fd, (off_t)page);
	if (r->producer == MAP_FAILED) {
		r->producer = NULL;
		return err_errno(err, errno, "mapping a BPF ring");
	}
	r->data = (const uint8_t *)r->producer + page;
	return 0;
}

int bpf_ring_open(struct bpf_ring *r, const char *name, uint32_t bytes, struct err *err)
{
	int rc;

	*r = (struct bpf_ring){ .fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, name, 0, 0, bytes,
					NULL) };
	if (r->fd < 0) {
		rc = -errno;
		r->fd = -1;
		return err_errno(err, -rc, "making a BPF ring of %u bytes", bytes);
	}
	rc = map_pages(r, bytes, err);
	if (rc)
		bpf_ring_close(r);
	return rc;
}

void bpf_ring_close(struct bpf_ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (r->consumer)
		munmap(r->consumer, page);
	if (r->producer)
		munmap(r->producer, page + r->size);
	free(r->whole);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct bpf_ring){ .fd = -1 };
}

void bpf_ring_refresh(struct bpf_ring *r)
{
	r->head = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
}

static uint64_t whole(uint32_t bytes)
{
	return (bytes + BPF_RINGBUF_HDR_SZ + 7ULL) & ~7ULL;
}

static uint32_t header_at(const struct bpf_ring *r, uint64_t at)
{
	const uint32_t *h = (const uint32_t *)(r->data + (at & (r->size - 1)));

	return __atomic_load_n(h, __ATOMIC_ACQUIRE);
}

static uint32_t length(uint32_t header)
{
	return header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
}

/* Whether a record lies within what the kernel says it has written. */
static bool is_within(const struct bpf_ring *r, uint32_t header)
{
	uint64_t left = r->head - r->tail;

	return left <= r->size && whole(length(header)) <= left;
}

/* The record behind a header, in one piece. Its length is within the ring. */
static const void *record_at(struct bpf_ring *r, uint64_t at, uint32_t bytes)
{
	uint64_t from = (at + BPF_RINGBUF_HDR_SZ) & (r->size - 1), first = r->size - from;

	if (bytes <= first)
		return r->data + from;
	if (bytes > r->whole_bytes) { /* seldom: all are about as large */
		r->whole = xrealloc(r->whole, bytes, 1);
		r->whole_bytes = bytes;
	}
	memcpy(r->whole, r->data + from, first);
	memcpy(r->whole + first, r->data, bytes - first);
	return r->whole;
}

const void *bpf_ring_peek(struct bpf_ring *r, uint32_t *bytes)
{
	while (r->tail < r->head) {
		uint32_t h = header_at(r, r->tail);

		if (h & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		if (!is_within(r, h)) {
			r->tail = r->head; /* nothing in it can be found any more */
			return NULL;
		}
		if (!(h & BPF_RINGBUF_DISCARD_BIT)) {
			*bytes = length(h);
			return record_at(r, r->tail, *bytes);
		}
		r->tail += whole(length(h));
	}
	return NULL;
}

void bpf_ring_advance(struct bpf_ring *r)
{
	r->tail += whole(length(header_at(r, r->tail)));
	if (r->tail - *r->consumer >= GIVE_BACK)
		bpf_ring_release(r);
}

void bpf_ring_release(struct bpf_ring *r)
{
	__atomic_store_n(r->consumer, r->tail, __ATOMIC_RELEASE);
}
