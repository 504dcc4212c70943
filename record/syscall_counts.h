/* `rec syscalls --summary`: the kernel counts in one map while we read the other, once a second. */
#ifndef RECORD_SYSCALL_COUNTS_H
#define RECORD_SYSCALL_COUNTS_H

#include <stdint.h>

#include "format/base/err.h"
#include "specs/syscall_ring.h"

struct syscall_tally; /* the two maps */

/* Makes two maps for up to `entries` processes and calls each, and puts one into `outer_fd`, the array of maps in
 * which the programs look. NULL and a sentence if that fails. */
struct syscall_tally *syscall_tally_new(int outer_fd, uint32_t entries, struct err *err);
void syscall_tally_free(struct syscall_tally *t);

/* Calls for everything counted since the last time, and forgets it. 0 or -errno: what was counted is kept then
 * and comes the next time. */
typedef void (*syscall_tally_call)(void *ctx, const struct syscall_key *key,
	const struct syscall_counts *counts);
int syscall_tally_read(struct syscall_tally *t, syscall_tally_call call, void *ctx);

/* How many entries fit into a reasonable amount of memory on so many CPUs. */
uint32_t syscall_tally_entries(uint32_t n_cpus);

#endif
