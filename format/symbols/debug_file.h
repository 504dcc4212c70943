/* The separate debug file of a stripped binary, where distributions put the symbol table.
 *
 * Found by build id only, never by name: symbols of another build are worse than none. */
#ifndef SYMBOLS_DEBUG_FILE_H
#define SYMBOLS_DEBUG_FILE_H

#include "format/symbols/build_id.h"

/* Opens ROOT/usr/lib/debug/.build-id/xx/yyyy.debug; root is "" or a process's root such as
 * "/proc/123/root". Returns a file descriptor, which the caller closes; -ENOENT when there is none;
 * -ESTALE when the file has another build id. */
int debug_file_open(const char *root, const struct build_id *id, struct err *err);

#endif
