/* A kernel module out of anyone's hands: its sections laid out, symbols moved and relocations applied in a copy. The
 * copy is asked for names as any image is, and the file for what it names beside it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/symbols/debug_file.h"
#include "format/symbols/elf_symbols.h"
#include "format/symbols/module_image.h"

enum { QUERIES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct elf_image *e)
{
	struct symbol_query q[QUERIES] = { 0 };
	struct arena arena = { 0 };

	for (uint64_t i = 0; i < QUERIES; i++)
		q[i].address = i * i;
	elf_symbols_resolve(e, NULL, q, QUERIES, &arena, NULL);
	for (int i = 0; i < QUERIES; i++)
		if (q[i].name && q[i].start > q[i].address)
			abort();
	arena_done(&arena);
}

/* A debug file that is found by what the image says is of its build. */
static void follow_link(const struct elf_image *e)
{
	struct build_id id, found;
	struct debug_image d;

	if (debug_image_open(&d, e) &&
		(build_id_of_image(e, &id, NULL) || build_id_of_image(&d.elf, &found, NULL) ||
			!build_id_equal(&id, &found)))
		abort();
	debug_image_close(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct alternate_link link;
	struct module_image m;
	struct elf_image file;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (elf_image_open(&file, fd, NULL) == 0) {
		if (alternate_link_of(&file, &link) &&
			(!link.path[0] || !link.id.len || link.id.len > sizeof(link.id.bytes)))
			abort();
		follow_link(&file);
		if (module_image_open(&m, &file, NULL) == 0)
			ask(&m.elf);
		module_image_close(&m);
	}
	elf_image_done(&file);
	close(fd);
	return 0;
}
