/* How the arguments of a system call read: AT_FDCWD, O_RDONLY|O_CLOEXEC instead of numbers. */
#ifndef RECORD_SYSCALL_ARGS_H
#define RECORD_SYSCALL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SYSCALL_ARGS = 6,
	SYSCALL_ADDRESS_READ = 4, /* beside 1 and 2 for the paths */
};

struct arg_kind;

/* The arguments of one call. */
struct syscall_args {
	unsigned n;
	struct {
		const char *name; /* borrowed, not terminated */
		unsigned name_bytes;
		const struct arg_kind *kind;
	} arg[SYSCALL_ARGS];
};

/* Takes "fd:d buf:x count:u" apart; `text` is borrowed and must be as in syscall_table. False if it is
 * not: a kind that there is not. */
bool syscall_args_parse(struct syscall_args *a, const char *text);

/* The arguments that are paths: 1 + the number of the first, of the second; 0: none. */
void syscall_args_paths(const struct syscall_args *a, uint8_t path[2]);

/* The argument that is a socket address, or leads to one: 1 + its number; 0: none. `traits` (enum syscall_trait) says
 * how; it is only set if there is one. */
uint8_t syscall_args_address(const struct syscall_args *a, uint16_t *traits);

/* Makes numbers of 64 bits of the signed ones that a 32-bit program gave. */
void syscall_args_widen(const struct syscall_args *a, uint64_t values[SYSCALL_ARGS]);

/* What of the values the form depends on: calls with the same have the same form. `read` says which of
 * the paths are known: 1 the first, 2 the second; and SYSCALL_ADDRESS_READ. */
void syscall_args_key(const struct syscall_args *a, const uint64_t values[SYSCALL_ARGS],
	unsigned read, uint64_t key[SYSCALL_ARGS]);

/* Writes the form for such values (specs/events/syscall.h), cut off where the buffer ends; its length. */
size_t syscall_args_form(const struct syscall_args *a, const uint64_t key[SYSCALL_ARGS], char *buf,
	size_t size);

/* The name of an errno value such as ENOENT or ERESTARTSYS, or NULL. */
const char *syscall_error_name(int code);

#endif
