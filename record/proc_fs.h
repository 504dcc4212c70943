/* Reading /proc: what the kernel tells about processes that are there now. */
#ifndef RECORD_PROC_FS_H
#define RECORD_PROC_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/image.h"

/* The name of a thread, 16 bytes, zero padded. Negative errno if it is gone. */
int proc_comm(uint32_t pid, uint32_t tid, char comm[16]);

/* Calls for each executable mapping; of the image kind, path, pid, start, end, dev and inode are
 * set. -ESRCH if the process is gone. */
int proc_each_map(uint32_t pid, void (*call)(void *ctx, const struct image *image, uint64_t offset),
	void *ctx);

/* Calls for each thread of a process, or with proc_each_process each process. */
int proc_each_thread(uint32_t pid, void (*call)(void *ctx, uint32_t tid), void *ctx);
int proc_each_process(void (*call)(void *ctx, uint32_t pid), void *ctx);

/* Calls once for each thread of a process, looking again until nothing new is there, so that those are
 * caught too which start meanwhile. Ends with the first result that is not 0; but -ESRCH, of a thread
 * that has ended, does not count. -ESRCH if the process is gone, which may be after some calls. */
int proc_all_threads(uint32_t pid, int (*call)(void *ctx, uint32_t tid), void *ctx);

/* The process of a thread; the number itself if it cannot be known. */
uint32_t proc_process_of(uint32_t tid);

/* The number that a process has in its own pid namespace, where that is not ours; 0 where it is, or
 * nothing can be known. */
uint32_t proc_inner_pid(uint32_t pid);

/* Whether our pid namespace is the first one, whose numbers BPF programs and raw records tell; also if that
 * cannot be known. */
bool proc_in_first_namespace(void);

bool proc_is_kernel_thread(uint32_t pid);

/* Removes " (deleted)", which the kernel appends to the name of a file that is no longer there. */
void proc_strip_deleted(char *name);

/* What kind of thing a mapping's name stands for: "/usr/bin/x", "[vdso]", "//anon". */
enum mapping_kind proc_mapping_kind(const char *name);

#endif
