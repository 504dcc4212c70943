/* tracefs, where the kernel lists its tracepoints. It is only read: recording goes through
 * perf_event_open, so nothing is left there whatever happens to us. */
#ifndef RECORD_TRACEFS_H
#define RECORD_TRACEFS_H

#include <stddef.h>

#include "format/base/arena.h"
#include "format/base/err.h"

/* What makes it readable: to be run as root. The second for a place it is mounted at, for one's group. */
#define TRACEFS_MOUNT "mount -t tracefs nodev /sys/kernel/tracing"
#define TRACEFS_SHARE "mount -o remount,gid=$(id -g),mode=750 %s"

/* Where it is mounted, from a mount table such as /proc/self/mounts; NULL: that one. Into path.
 * -ENOENT where it is not, with the command that mounts it. Nothing is mounted here, not even by
 * looking below /sys/kernel/debug, where the kernel mounts it for whoever looks. */
int tracefs_find(const char *mounts, char *path, size_t size, struct err *err);

/* Calls for every "SYSTEM:EVENT". -EACCES says what an ordinary user can do. */
int tracefs_each(const char *tracefs, void (*call)(void *ctx, const char *name), void *ctx,
	struct err *err);

/* The content of the format file of "SYSTEM:EVENT", in the arena. */
int tracefs_format(const char *tracefs, const char *name, struct arena *a, const char **text,
	size_t *len, struct err *err);

#endif
