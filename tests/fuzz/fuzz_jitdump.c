/* The dump of code made at run time, which the program that is recorded writes as it likes. The input is the
 * file, which grows: its first half is read, then all of it. Asked are addresses where the corpus has code, and the
 * ends of the address space, at some moments. A name that is found is not empty, and its code covers the address
 * and is not younger than asked for. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/symbols/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct jitdump *j, uint64_t address, uint64_t time, struct arena *a)
{
	const struct jit_code *c = jit_codes_find(jitdump_codes(j), address, time);
	struct jit_name name;

	if (!c)
		return;
	if (c->time_ns > time || address < c->start || address - c->start >= c->size || !c->version)
		abort();
	if (jitdump_name(j, c, address, &name, a) && (!*name.name || (name.file && !*name.file)))
		abort();
	c = jit_codes_find_all_along(jitdump_codes(j), address, time / 2, time);
	if (c && c->time_ns > time)
		abort();
}

static void ask(const struct jitdump *j)
{
	struct arena a = { 0 };

	for (uint64_t time = 0; time < 1000; time += 97) {
		for (uint64_t at = 0; at < 0x3000; at += 61)
			check(j, 0x10000 + at, time, &a);
		check(j, 0, time, &a);
		check(j, UINT64_MAX, UINT64_MAX - 1 - time, &a);
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct jitdump *j = jitdump_new(fd);

	if (fd < 0 || write(fd, data, size / 2) != (ssize_t)(size / 2))
		abort();
	jitdump_read(j, 100, NULL);
	ask(j);
	if (write(fd, data + size / 2, size - size / 2) != (ssize_t)(size - size / 2))
		abort();
	jitdump_read(j, 200, NULL);
	ask(j);
	jitdump_free(j);
	return 0;
}
