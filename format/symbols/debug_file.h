/* The separate debug file of a stripped binary, where distributions put the symbol table.
 *
 * Wherever it is found, its build id must be the binary's: symbols of another build are worse than none. */
#ifndef SYMBOLS_DEBUG_FILE_H
#define SYMBOLS_DEBUG_FILE_H

#include "format/symbols/build_id.h"

/* Opens ROOT/usr/lib/debug/.build-id/xx/yyyy.debug; root is "" or a process's root such as
 * "/proc/123/root". Returns a file descriptor, which the caller closes; -ENOENT when there is none;
 * -ESTALE when the file has another build id. */
int debug_file_open(const char *root, const struct build_id *id, struct err *err);

/* The debug file of an image, ready to be looked into, if there is one. */
struct debug_image {
	struct elf_image elf;
	int fd; /* -1: there is none */
};

/* Finds it by the image's build id; then by the name in the image (.gnu_debuglink), also from a server (debuginfod.h); the file's own, or NULL. To be closed in both cases. */
const struct elf_image *debug_image_open(struct debug_image *d, const struct elf_image *code);
void debug_image_close(struct debug_image *d);

#endif
