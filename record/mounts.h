/* Where file systems are mounted: /proc/self/mountinfo (proc_pid_mountinfo(5)), read again when the kernel says
 * that it has changed. */
#ifndef RECORD_MOUNTS_H
#define RECORD_MOUNTS_H

#include <stddef.h>
#include <stdint.h>

struct mounts;

/* Of a file such as /proc/self/mountinfo; nothing is mounted if it cannot be read. */
struct mounts *mounts_new(const char *file);
void mounts_free(struct mounts *m);

/* The path of a file by the number of its file system's device (disk_number) and its path there, which begins
 * with a slash. It is the latter where that is mounted nowhere. Cut off at size - 1 bytes; its length. */
size_t mounts_path(struct mounts *m, uint32_t device, const char *path, char *to, size_t size);

#endif
