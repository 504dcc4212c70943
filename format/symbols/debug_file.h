/* The separate debug file of a stripped binary, where distributions put the symbol table.
 *
 * Wherever it is found, its build id must be the binary's, and its code lie where the binary's does: symbols of another
 * build are worse than none. */
#ifndef SYMBOLS_DEBUG_FILE_H
#define SYMBOLS_DEBUG_FILE_H

#include "format/symbols/build_id.h"

/* Opens ROOT/usr/lib/debug/.build-id/xx/yyyy.debug; root is "" or a process's root such as
 * "/proc/123/root". Returns a file descriptor, which the caller closes; -ENOENT when there is none;
 * -ESTALE when the file has another build id. */
int debug_file_open(const char *root, const struct build_id *id, struct err *err);

/* The file in which dwz put what several debug files have in common (.gnu_debugaltlink). link: its build id, and
 * its path, which may be relative to the file that names it. False if none is named. */
struct alternate_link {
	struct build_id id;
	char path[SYMBOL_NAME_MAX + 1];
};
bool alternate_link_of(const struct elf_image *dwarf, struct alternate_link *link);

/* Opens that file: below root by build id, here by build id, at its path. -ENOENT if none is named or found. */
int alternate_file_open(const char *root, const struct elf_image *dwarf, struct err *err);

/* The debug file of an image, ready to be looked into, if there is one. */
struct debug_image {
	struct elf_image elf;
	int fd;          /* -1: there is none */
	bool other_code; /* there was one of the same build id, with other code */
};

/* Finds it by the image's build id; then by the name in the image (.gnu_debuglink), also from a server
 * (debuginfod.h); the file's own, or NULL. To be closed in both cases. */
const struct elf_image *debug_image_open(struct debug_image *d, const struct elf_image *code);
void debug_image_close(struct debug_image *d);

#endif
