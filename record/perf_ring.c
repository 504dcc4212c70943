/* Reading the ring without copying, and never past what the kernel has written. */
#include "record/perf_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/arena.h"

enum { RECORD_MAX = 1 << 16 }; /* header.size is 16 bits */

static size_t pages_for(size_t bytes, size_t page)
{
	size_t pages = 1;

	while (pages * page < bytes)
		pages *= 2;
	return pages;
}

int perf_ring_open(struct perf_ring *r, int fd, int cpu, size_t bytes, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = pages_for(bytes, page);
	void *p;

	memset(r, 0, sizeof(*r));
	/* EPERM: more locked memory than kernel.perf_event_mlock_kb and RLIMIT_MEMLOCK allow. */
	do {
		p = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	} while (p == MAP_FAILED && (errno == EPERM || errno == ENOMEM) && (pages /= 2));
	if (p == MAP_FAILED && errno == EPERM)
		return err_set(err, ENOMEM,
			"no locked memory left for a ring: raise kernel.perf_event_mlock_kb or "
			"RLIMIT_MEMLOCK (ulimit -l), or run as root");
	if (p == MAP_FAILED)
		return err_errno(err, errno, "mapping a ring of %zu bytes", pages * page);
	r->fd = fd;
	r->cpu = cpu;
	r->page = p;
	r->data = (const uint8_t *)p + page;
	r->size = pages * page;
	r->piece = xcalloc(1, RECORD_MAX);
	return 0;
}

void perf_ring_close(struct perf_ring *r)
{
	if (r->page)
		munmap(r->page, r->size + (size_t)sysconf(_SC_PAGESIZE));
	free(r->piece);
	memset(r, 0, sizeof(*r));
}

void perf_ring_refresh(struct perf_ring *r)
{
	r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE);
}

static void copy_out(const struct perf_ring *r, uint64_t at, void *to, size_t n)
{
	size_t first = (size_t)(r->size - (at & (r->size - 1)));

	if (first > n)
		first = n;
	memcpy(to, r->data + (at & (r->size - 1)), first);
	memcpy((uint8_t *)to + first, r->data, n - first);
}

const struct perf_event_header *perf_ring_peek(struct perf_ring *r)
{
	const struct perf_event_header *h;
	uint64_t at = r->tail & (r->size - 1);

	if (r->head - r->tail < sizeof(*h))
		return NULL;
	h = (const struct perf_event_header *)(r->data + at); /* records are 8-byte aligned */
	if (h->size < sizeof(*h) || h->size > r->head - r->tail) {
		r->tail = r->head; /* never seen; going on in the middle would be worse */
		return NULL;
	}
	if (at + h->size <= r->size)
		return h;
	copy_out(r, r->tail, r->piece, h->size);
	return (const struct perf_event_header *)r->piece;
}

void perf_ring_advance(struct perf_ring *r, const struct perf_event_header *record)
{
	r->tail += record->size;
}

void perf_ring_release(struct perf_ring *r)
{
	__atomic_store_n(&r->page->data_tail, r->tail, __ATOMIC_RELEASE);
}

uint64_t perf_record_time(const struct perf_event_header *record)
{
	const uint8_t *p = (const uint8_t *)record;
	uint64_t time;

	/* Sample: header, pid and tid, time. Others end with: pid and tid, time, cpu. */
	if (record->type == PERF_RECORD_SAMPLE)
		p += record->size >= 24 ? 16 : 0;
	else
		p += record->size >= 32 ? record->size - 16 : 0;
	if (p == (const uint8_t *)record)
		return 0;
	memcpy(&time, p, sizeof(time));
	return time;
}
