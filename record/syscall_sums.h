/* System calls counted by process and call: what the kernel's CPUs counted, or what rec counts itself. */
#ifndef RECORD_SYSCALL_SUMS_H
#define RECORD_SYSCALL_SUMS_H

#include "specs/syscall_ring.h"

struct syscall_sums;

struct syscall_sums *syscall_sums_new(void);
void syscall_sums_free(struct syscall_sums *s);

/* The counts of a process and call; made if there are none. Borrowed until the next call. */
struct syscall_counts *syscall_sums_of(struct syscall_sums *s, const struct syscall_key *key);

/* Adds other counts of the same process and call. */
void syscall_sums_add(struct syscall_sums *s, const struct syscall_key *key,
	const struct syscall_counts *counts);

/* Calls for all of them, and forgets them. */
typedef void (*syscall_sums_call)(void *ctx, const struct syscall_key *key,
	const struct syscall_counts *counts);
void syscall_sums_take(struct syscall_sums *s, syscall_sums_call call, void *ctx);

#endif
