/* A package of split DWARF, or a .dwo file. The input is the file, and the program as well; asked are the ids that
 * stand where an index may have them, and some that do not. Parts of a unit that is found lie in the file, or behind
 * it if they were compressed; each unit of a .dwo file is found. (What libdw makes of them is no question here: it
 * runs in a process of its own.) */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/symbols/dwp.h"
#include "format/symbols/split_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct dwp *p, uint64_t id)
{
	uint64_t size = dwp_bytes(p);
	struct dwp_unit u;

	if (!dwp_find(p, id, &u))
		return;
	for (int i = 0; i < DWP_PARTS; i++)
		if (u.offset[i] > size || u.size[i] > size - u.offset[i])
			abort();
}

static int look_for(void *ctx, const struct split_unit *unit)
{
	const struct elf_image *e = ctx;
	struct split_unit found;

	if (split_file_find(e, unit->id, &found) != 1 || found.id != unit->id)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_image program;
	struct dwp *p = NULL;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (elf_image_open(&program, fd, NULL) == 0) {
		p = dwp_new(fd, &program);
		split_file_units(&program, look_for, &program);
		elf_image_done(&program);
	}
	for (size_t i = 0; p && i + 8 <= size; i += 4) {
		uint64_t id;

		memcpy(&id, data + i, sizeof(id));
		check(p, id);
	}
	dwp_free(p);
	close(fd);
	return 0;
}
