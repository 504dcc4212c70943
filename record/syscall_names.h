/* System calls by number, as the kernel's programs tell them. */
#ifndef RECORD_SYSCALL_NAMES_H
#define RECORD_SYSCALL_NAMES_H

#include <stdbool.h>

#include "format/base/err.h"
#include "record/syscall_args.h"
#include "specs/syscall_ring.h"

enum { SYSCALL_PLACES = SYSCALL_ABIS * SYSCALL_NUMBERS };

/* The place of a call in arrays of SYSCALL_PLACES. */
static inline unsigned syscall_place(unsigned abi, unsigned number)
{
	number = number < SYSCALL_NUMBERS ? number : SYSCALL_UNKNOWN;
	return abi == SYSCALL_ABI_IA32 ? SYSCALL_NUMBERS + number : number;
}

struct syscall_name {
	const char *name; /* NULL: no such call */
	struct syscall_args args;
};

/* Fills a table by place. */
void syscall_names(struct syscall_name names[SYSCALL_PLACES]);

/* What the programs must know of each. */
void syscall_traits(const struct syscall_name names[SYSCALL_PLACES],
	struct syscall_traits traits[SYSCALL_PLACES]);

/* The same of the calls that a socketcall makes, by number in linux/net.h. */
void syscall_socketcalls(const struct syscall_name names[SYSCALL_PLACES],
	const struct syscall_traits traits[SYSCALL_PLACES],
	struct syscall_traits inner[SYSCALL_SOCKETCALLS]);

/* Which calls a list such as "openat,epoll_*" or "!futex" names. -ENOENT and a sentence with names that are near if
 * it names none. */
int syscall_select(const char *list, bool wanted[SYSCALL_PLACES], struct err *err);

#endif
