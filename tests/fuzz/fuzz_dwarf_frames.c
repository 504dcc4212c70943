/* DWARF out of anyone's hands, through libdw: the input is an ELF file, asked for all over its code.
 * libdw itself is not instrumented; what it may do at worst is for the worker to bear
 * (inline_worker.h). What it says must become chains that go from the function inwards. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/symbols/dwarf_frames.h"

enum { ADDRESSES = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct last {
	size_t number;
	uint32_t depth;
	int n;
	const uint64_t *addresses;
};

static void check(void *ctx, const struct dwarf_frame *f)
{
	struct last *last = ctx;

	if (f->number >= ADDRESSES || f->depth > DWARF_MAX_DEPTH)
		abort();
	if (f->depth ? f->number != last->number || f->depth != last->depth + 1
		     : f->end &&
				(last->addresses[f->number] < f->start ||
					last->addresses[f->number] >= f->end))
		abort();
	last->number = f->number;
	last->depth = f->depth;
	last->n += f->depth == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t addresses[ADDRESSES];
	struct last last = { .addresses = addresses };
	int fd = memfd_create("input", MFD_CLOEXEC), found;

	for (uint64_t i = 0; i < ADDRESSES; i++)
		addresses[i] = 0x170 + i; /* where the code of the corpus is */
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	found = dwarf_frames(fd, addresses, ADDRESSES, check, &last, NULL);
	if (found >= 0 && found != last.n)
		abort();
	close(fd);
	return 0;
}
