/* Opening perf events, with errors that say what to do.
 *
 * perf_event_open(2) is the reference; how kernels really behave is noted where it matters. */
#ifndef RECORD_PERF_EVENT_H
#define RECORD_PERF_EVENT_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "format/base/err.h"

/* Stands for all processes of a cgroup, given its descriptor, where a thread's number is asked for. */
static inline pid_t perf_cgroup(int fd)
{
	return -2 - fd;
}

/* Opens one event for thread `pid` (-1: all, or perf_cgroup) on `cpu` (-1: all). The descriptor, or negative errno
 * with a sentence. */
int perf_open(const struct perf_event_attr *attr, pid_t pid, int cpu, struct err *err);

/* The same as a member of the group that event `leader` leads (-1: none). */
int perf_open_in_group(const struct perf_event_attr *attr, pid_t pid, int cpu, int leader,
	struct err *err);

/* What every record that is no sample carries at its end, given the sample_type that these events
 * have in common. */
#define PERF_SAMPLE_COMMON (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU)

/* Fills in what all our events share: CLOCK_MONOTONIC, sample_id_all, disabled. */
void perf_attr_init(struct perf_event_attr *attr, unsigned type, unsigned long long config);

/* Asks for the records about processes: comm, fork, exit, mmap with build ids, BPF symbols. */
void perf_attr_sideband(struct perf_event_attr *attr);

/* The content of a small file of numbers such as those in /proc/sys/kernel, or `missing` if it cannot
 * be read. */
long perf_read_number(const char *path, long missing);

/* What is above comes from distributions. At Debian's 3 only CAP_SYS_ADMIN opens events (6.1); CAP_PERFMON is as
 * nothing then. */
enum { PARANOID_MOST = 2 };

/* kernel.perf_event_paranoid: from -1, everything is permitted, to 2, the default, and beyond. */
long perf_paranoid(void);

/* A sentence for a caller who was refused: which sysctl, capability or file decides. */
void perf_explain_refusal(struct err *err, int code, bool whole_system);

#endif
