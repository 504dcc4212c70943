/* A known number of direct writes to a file or disk, of known sizes in known places.
 *
 *	diskwrites FILE [WRITES [FLUSHES]]
 *
 * Write i has 4 KiB * (1 + i % 8) and goes to the beginning of the 32 KiB numbered i * 613 modulo the
 * number of writes, so that all are random and none overlap; the defaults are 997 writes and no flush.
 * Flushes come evenly in between. Prints the bytes that were written. Failed writes are counted. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, SLOT = 8 * BLOCK };

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	long writes = argc > 2 ? atol(argv[2]) : 997;
	long flushes = argc > 3 ? atol(argv[3]) : 0;
	long bytes = 0, failed = 0, error = 0;
	char *data;
	int fd;

	if (argc < 2 || writes < 1 || flushes < 0 || flushes > writes) {
		fprintf(stderr, "usage: diskwrites FILE [WRITES [FLUSHES]]\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_DIRECT, 0600);
	must(fd >= 0, argv[1]);
	data = aligned_alloc(BLOCK, SLOT);
	must(data != NULL, "memory");
	memset(data, 'x', SLOT);
	for (long i = 0; i < writes; i++) {
		long size = BLOCK * (1 + i % 8);

		if (pwrite(fd, data, (size_t)size, i * 613 % writes * SLOT) == size) {
			bytes += size;
		} else {
			error = errno;
			failed++;
		}
		if (flushes && (i + 1) * flushes / writes > i * flushes / writes)
			must(fsync(fd) == 0, "fsync");
	}
	printf("%ld bytes\n", bytes);
	if (failed)
		printf("%ld failed: %s\n", failed, strerror((int)error));
	return 0;
}
