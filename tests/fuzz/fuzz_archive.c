/* An archive from anyone. Everything in it is wanted. What is unpacked has no name, stays below the limit, and no
 * member's name leads out; a visit that fails says why. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool wants(void *ctx, const struct archive_member *m)
{
	(void)ctx;
	if (m->n_head > ARCHIVE_HEAD || m->name[0] == '/' || strncmp(m->name, "../", 3) == 0)
		abort();
	return true;
}

static int take(void *ctx, const struct archive_member *m, int fd, struct err *err)
{
	uint64_t *left = ctx;
	uint8_t head[ARCHIVE_HEAD];
	struct stat st;

	(void)err;
	if (fstat(fd, &st) || (uint64_t)st.st_size > *left)
		abort();
	*left -= (uint64_t)st.st_size;
	if (pread(fd, head, m->n_head, 0) != (ssize_t)m->n_head ||
		memcmp(head, m->head, m->n_head) != 0)
		abort();
	close(fd);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t left = ARCHIVE_SPARE + ARCHIVE_RATIO * size;
	const struct archive_visitor v = { wants, take, &left, 0 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct err err = { "" };

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (archive_visit(fd, &v, &err) && !err.text[0])
		abort();
	close(fd);
	return 0;
}
