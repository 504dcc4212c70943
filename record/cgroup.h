/* Control groups, of version 1 or 2: finding one by its path and who is in it. */
#ifndef RECORD_CGROUP_H
#define RECORD_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"

/* Opens the group of a path: of a folder in a cgroup file system, or as /proc/PID/cgroup writes it. It must
 * be in the hierarchy that perf_event uses. A descriptor of its folder, or a negative errno and a
 * sentence. */
int cgroup_open(const char *path, struct err *err);

/* Calls for each process in the group and in those below it. */
void cgroup_each_process(int fd, void (*call)(void *ctx, uint32_t pid), void *ctx);

/* Calls for each thread in the group and in those below it. */
void cgroup_each_thread(int fd, void (*call)(void *ctx, uint32_t tid), void *ctx);

/* How many groups it is in: 0 for the root, as far as the file system is mounted. */
uint32_t cgroup_level(int fd);

/* Whether it is in a hierarchy of version 1. */
bool cgroup_is_v1(int fd);

/* Whether the group has been removed. */
bool cgroup_is_gone(int fd);

#endif
