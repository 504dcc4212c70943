/* The map of code made at run time, followed while it grows and is written anew: the first byte says where the rest is
 * cut in two; both halves are read one after the other, and then the second half alone. A name that is found is not
 * empty and has no newline, and its code covers the address. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/symbols/jit_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct jit_codes *codes, uint64_t address, uint64_t time)
{
	const struct jit_code *c = jit_codes_find(codes, address, time);
	char text[SYMBOL_NAME_MAX];

	if (!c)
		return;
	if (c->time_ns > time || address < c->start || address - c->start >= c->size || !c->version)
		abort();
	if (memchr(text, '\n', jit_codes_name(codes, c, text)))
		abort();
}

static void ask(const struct jit_map *m)
{
	for (uint64_t time = 0; time < 400; time += 50) {
		for (uint64_t at = 0; at < 0x3000; at += 16)
			check(jit_map_codes(m), at, time);
		check(jit_map_codes(m), UINT64_MAX - time, UINT64_MAX - 1);
	}
}

static void put(int fd, const uint8_t *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t half = size ? (size_t)data[0] * size / 256 : 0;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct jit_map *m = jit_map_new(fd);

	if (fd < 0)
		abort();
	put(fd, data, half);
	jit_map_read(m, 100, NULL);
	lseek(fd, 0, SEEK_END);
	put(fd, data + half, size - half);
	jit_map_read(m, 200, NULL);
	ask(m);
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET))
		abort();
	put(fd, data + half, size - half);
	jit_map_read(m, 300, NULL);
	ask(m);
	jit_map_free(m);
	return 0;
}
