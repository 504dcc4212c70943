/* Names for code that a program made at run time: /tmp/perf-PID.map, which Java, Node, .NET, PHP
 * and others write on request, one line "START SIZE NAME" for each function (the format is
 * described in tools/perf/Documentation/jit-interface.txt of Linux).
 *
 * The file belongs to the program and may be anything: growing while it is read, huge, a pipe.
 * Code moves and its memory is used again, so of overlapping lines the later one is right. */
#ifndef SYMBOLS_PERF_MAP_H
#define SYMBOLS_PERF_MAP_H

#include <stdbool.h>
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

/* Where the map of a process is, kept as long as wanted: programs write it at their end, too, when the way to it
 * through their root is gone. */
struct perf_map_place {
	int root;   /* its root folder; owned */
	long pid;   /* in its innermost pid namespace */
	uid_t user; /* its effective one */
};

/* Finds it while the process lives. 0 or a negative errno. */
int perf_map_place_of(const char *proc, pid_t pid, struct perf_map_place *place, struct err *err);
void perf_map_place_done(struct perf_map_place *place);

/* As perf_map_open. */
int perf_map_open_at(const struct perf_map_place *place, struct err *err);

/* One line, "START SIZE NAME": false if it makes no sense. *name_at: where in it the name begins. */
bool perf_map_parse(const char *line, size_t len, uint64_t *start, uint64_t *size, size_t *name_at);

/* Fills name and start (both absolute) of the queries without a name, sorted by address, from the
 * file's beginning, whatever its position. Lines that make no sense are left out. Returns how many
 * names were found. */
int perf_map_resolve(int fd, struct symbol_query *q, size_t n, struct arena *a, struct err *err);

#endif
