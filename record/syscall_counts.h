/* `rec syscalls --summary`: the kernel counts in one map, and one half of its array in front of that, while we read
 * the others, once a second. */
#ifndef RECORD_SYSCALL_COUNTS_H
#define RECORD_SYSCALL_COUNTS_H

#include <stdint.h>

#include "format/base/err.h"
#include "record/syscall_sums.h"

struct syscall_tally; /* the two maps */

/* Makes two maps for up to `entries` processes and calls each, and puts one into `outer_fd`, the array of maps in
 * which the programs look. `slots_fd` is their array, *half, borrowed, says which half of it they use. NULL and a
 * sentence if that fails. */
struct syscall_tally *syscall_tally_new(int outer_fd, uint32_t entries, int slots_fd,
	volatile uint32_t *half, struct err *err);
void syscall_tally_free(struct syscall_tally *t);

/* Calls for everything counted since the last time, and forgets it. 0 or -errno: what was counted is kept then
 * and comes the next time. */
int syscall_tally_read(struct syscall_tally *t, syscall_sums_call call, void *ctx);

/* How many entries fit into a reasonable amount of memory on so many CPUs. */
uint32_t syscall_tally_entries(uint32_t n_cpus);

#endif
