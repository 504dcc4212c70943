/* The kernel's lists of symbols and modules. The kernel is trusted, but its lists change form
 * between versions, are made up by containers, and come from files in tests. The input up to the
 * first zero byte is /proc/kallsyms, the rest /proc/modules. Whatever they hold, a name that is
 * found is not empty and its function starts at or before the address; an error has words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/symbols/kallsyms.h"

enum { QUERIES = 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int make_file(const uint8_t *data, size_t size, char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void check(const char *kallsyms, const char *modules)
{
	struct symbol_query q[QUERIES] = { 0 };
	struct arena arena = { 0 };
	struct err err = { "" };
	uint64_t base;
	int found;

	for (unsigned i = 0; i < QUERIES; i++)
		q[i].address = (i < 64 ? 0xffffffff81000000 : 0xffffffffc0100000 - 64 * 256) +
			i * 256;
	found = kallsyms_resolve(NULL, kallsyms, modules, q, QUERIES, &arena, &err);
	if (found < 0 && !err.text[0])
		abort();
	for (unsigned i = 0; found >= 0 && i < QUERIES; i++)
		if (q[i].name &&
			(!found-- || q[i].start > q[i].address ||
				strlen(q[i].name) > SYMBOL_NAME_MAX))
			abort();
	err.text[0] = '\0';
	if (kallsyms_base(kallsyms, &base, &err) < 0 && !err.text[0])
		abort();
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t first = zero ? (size_t)(zero - data) : size, rest = zero ? size - first - 1 : 0;
	char kallsyms[64], modules[64];
	int fd = make_file(data, first, kallsyms);
	int modules_fd = make_file(data + size - rest, rest, modules);

	check(kallsyms, modules);
	close(fd);
	close(modules_fd);
	return 0;
}
