/* DWARF out of anyone's hands, through libdw: the input is an ELF file, asked for all over its code.
 * libdw itself is not instrumented; what it may do at worst is for the worker to bear
 * (inline_worker.h). The file is also its own other half, should it say that it is split. What it says must become
 * chains that go from the function inwards. */
#include <stdlib.h>
#include <string.h>
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
	size_t source_bytes;
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

struct places {
	struct dwarf_place list[ADDRESSES];
	uint32_t n;
};

static void leave(void *ctx, const struct dwarf_frame *f)
{
	(void)ctx;
	(void)f;
}

static void read_source(void *ctx, const char *file)
{
	struct last *last = ctx;

	last->source_bytes += strlen(file);
}

static void note_place(void *ctx, const struct dwarf_split *unit)
{
	struct places *p = ctx;

	if (p->n < ADDRESSES)
		p->list[p->n++].id = unit->id;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t addresses[ADDRESSES];
	struct last last = { .addresses = addresses };
	const struct dwarf_listener listener = { check, NULL, read_source, &last };
	int fd = memfd_create("input", MFD_CLOEXEC), found;
	struct places places = { .n = 0 };
	const struct dwarf_listener noting = { leave, note_place, NULL, &places };
	struct dwarf_parts parts = { .alternate = -1, .split = &fd, .n_split = 1 };

	for (uint64_t i = 0; i < ADDRESSES; i++)
		addresses[i] = 0x170 + i; /* where the code of the corpus is */
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	/* It is its own other half, too. */
	dwarf_frames(fd, NULL, addresses, ADDRESSES, &noting, NULL);
	parts.places = places.list;
	parts.n_places = places.n;
	found = dwarf_frames(fd, &parts, addresses, ADDRESSES, &listener, NULL);
	if (found >= 0 && found != last.n)
		abort();
	close(fd);
	return 0;
}
