/* Names for code that a program made at run time: /tmp/perf-PID.map, which Java, Node, .NET, PHP
 * and others write on request, one line "START SIZE NAME" for each function (the format is
 * described in tools/perf/Documentation/jit-interface.txt of Linux).
 *
 * The file belongs to the program and may be anything: growing while it is read, huge, a pipe.
 * Code moves and its memory is used again, so of overlapping lines the later one is right. */
#ifndef SYMBOLS_PERF_MAP_H
#define SYMBOLS_PERF_MAP_H

#include <sys/types.h>

#include "format/base/arena.h"
#include "format/base/err.h"
#include "format/symbols/query.h"

enum { PERF_MAP_MAX_BYTES = 1 << 30 }; /* what lies behind is not read */

/* Opens the map of a process: below its root, under its number in its own pid namespace. It must
 * be a regular file, no link, and belong to the process's user or to root. proc is "/proc" but in
 * tests. Returns a file descriptor, which the caller closes; -ENOENT when there is none, which is
 * the rule; -EACCES when it belongs to someone else. */
int perf_map_open(const char *proc, pid_t pid, struct err *err);

/* Fills name and start (both absolute) of the queries without a name, sorted by address, from the
 * file's beginning, whatever its position. Lines that make no sense are left out. Returns how many
 * names were found. */
int perf_map_resolve(int fd, struct symbol_query *q, size_t n, struct arena *a, struct err *err);

#endif
