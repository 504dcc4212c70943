/* Steps are taken when half of what is wanted has been used, and are to last for a second or more: mostly that is room
 * for what is still in the kernel's and our buffers when the disk is full. These hold more if we come late (up to
 * 128 MiB): the writer counts what then finds no room as lost, and keeps some for saying so and for the end. */
#include "format/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_NS 1000000000ULL

enum {
	MAX_AHEAD = 32 << 20,
	STEP_PAST_LIMIT = 256 << 10,
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool is_full(int code)
{
	return code == ENOSPC || code == EDQUOT;
}

/* A positive errno, or 0. */
static int take(int fd, uint64_t from, uint64_t until)
{
	int rc;

	do {
		rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(until - from));
	} while (rc && errno == EINTR);
	return rc ? errno : 0;
}

/* What a file system took before it had no more stays, as long as the file is. */
static void cut(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || ftruncate(fd, st.st_size))
		return; /* nothing to mend here: the room is the file's until it is removed */
}

struct reserve reserve_none(void)
{
	return (struct reserve){ .fd = -1 };
}

static int extend(struct reserve *r, uint64_t until)
{
	int code = take(r->fd, r->until, until);

	if (!code)
		r->until = until;
	else if (!is_full(code))
		r->ahead = 0;
	return is_full(code) ? -code : 0;
}

int reserve_begin(struct reserve *r, int fd, uint64_t limit)
{
	*r = (struct reserve){ .fd = fd,
		.limit = limit ? limit : UINT64_MAX,
		.ahead = RESERVE_BYTES,
		.most = MAX_AHEAD,
		.last_ns = now() };
	return extend(r, r->limit < RESERVE_BYTES ? r->limit : RESERVE_BYTES);
}

int reserve_keep(struct reserve *r, uint64_t bytes)
{
	uint64_t until, ns;

	if (!r->ahead || bytes + r->ahead / 2 <= r->until)
		return 0;
	if (bytes <= r->until && r->until >= r->limit)
		return 0;
	ns = now();
	if (ns - r->last_ns < STEP_NS && r->ahead < r->most)
		r->ahead *= 2;
	r->last_ns = ns;
	until = bytes + r->ahead;
	/* What is on its way when a recording ends may make the file longer all the same. */
	if (until > r->limit)
		until = bytes <= r->limit ? r->limit : bytes + STEP_PAST_LIMIT;
	return extend(r, until);
}

bool reserve_modestly(struct reserve *r)
{
	if (r->ahead <= RESERVE_BYTES)
		return false;
	r->ahead = r->most = RESERVE_BYTES;
	return true;
}

uint64_t reserve_until(const struct reserve *r)
{
	return r->ahead ? r->until : UINT64_MAX;
}

void reserve_end(struct reserve *r)
{
	if (r->fd >= 0)
		cut(r->fd);
	r->fd = -1;
}

int reserve_whole(int fd, uint64_t bytes)
{
	int code = bytes ? take(fd, 0, bytes) : 0;

	if (!is_full(code))
		return 0;
	cut(fd);
	return -code;
}
