/* Opening files that belong to someone else: below the root of a traced process, where any name may
 * be a symbolic link out of it, a pipe that never ends, or a device that acts when it is opened. */
#ifndef SYMBOLS_TARGET_FILE_H
#define SYMBOLS_TARGET_FILE_H

#include <stdbool.h>

#include "format/base/err.h"

/* Opens a regular file for reading. root is "" or a directory such as "/proc/123/root"; links in
 * path, absolute ones too, stay below it (before Linux 5.6, which has no openat2, absolute links
 * are followed from our root). Without follow_link the file itself must not be a link. Returns the
 * file descriptor, or a negative errno: -ENOENT, -ELOOP (a link), -EINVAL (no regular file). */
int target_file_open(const char *root, const char *path, bool follow_link, struct err *err);

#endif
