/* Names of a file as a program of ours read them from the kernel: the input is the record. And what is mounted where:
 * the rest of the input is a mountinfo. The path must be bounded, and its length true. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/block_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mounts *mounts_of(const uint8_t *text, size_t size)
{
	int fd = memfd_create("mountinfo", MFD_CLOEXEC);
	struct mounts *m;
	char path[64];

	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	m = mounts_new(path);
	close(fd);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring_block_file told = { 0 };
	size_t n = size < sizeof(told) ? size : sizeof(told);
	struct mounts *m = mounts_of(data + n, size - n);
	char path[BLOCK_FILE_PATH] = "";

	memcpy(&told, data, n);
	n = block_file_path(&told, m, path);
	if (n >= sizeof(path) || n != strlen(path))
		abort();
	mounts_free(m);
	return 0;
}
