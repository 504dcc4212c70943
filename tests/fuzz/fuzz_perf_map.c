/* The map of code made at run time, which the program that is recorded writes as it likes. The
 * input is the file; asked are the small addresses, where the lines of the corpus and most
 * mutations lie, and the ends of the address space. A name that is found is not empty, has no
 * newline, and its function starts at or before the address. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/symbols/perf_map.h"

enum { QUERIES = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct symbol_query *q, size_t n, int found)
{
	for (size_t i = 0; i < n; i++) {
		if (!q[i].name)
			continue;
		found--;
		if (!*q[i].name || strchr(q[i].name, '\n') || q[i].start > q[i].address)
			abort();
	}
	if (found)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_query q[QUERIES] = { 0 };
	struct arena arena = { 0 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	int found;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	for (unsigned i = 0; i < QUERIES; i++)
		q[i].address = i < 280 ? i * 16 : UINT64_MAX - (QUERIES - 1 - i);
	found = perf_map_resolve(fd, q, QUERIES, &arena, NULL);
	if (found < 0)
		abort();
	check(q, QUERIES, found);
	arena_done(&arena);
	close(fd);
	return 0;
}
