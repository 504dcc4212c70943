/* Inlined functions and lines of a file that nobody vouches for (dwarf_frames.h), found by a process
 * of its own: what is hostile in it meets a library that was not made for that, but can at the worst
 * end the worker, which has little memory and time and the rights of the file's owner.
 *
 * The worker is the program itself, started with one argument; main() hands over to
 * inline_worker_main(). Both sides talk through two files in memory: sorted addresses there, frames
 * back. */
#ifndef SYMBOLS_INLINE_WORKER_H
#define SYMBOLS_INLINE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "format/base/arena.h"
#include "format/base/err.h"

#define INLINE_WORKER "--inline-worker" /* the argument */

/* As struct dwarf_frame; the texts are in the caller's arena. */
struct inline_frame {
	const char *name, *linkage, *file; /* or NULL */
	uint32_t line;
};

/* What is known of an address. */
struct inline_chain {
	struct inline_frame *frames; /* the function, then those inlined, outer to inner */
	uint32_t n;                  /* 0: nothing is known */
	uint64_t start, end;         /* the piece of the function that has the address; or 0 */
};

/* Fills a chain for each of n sorted addresses, as they were linked, from the DWARF of a file.
 * Returns how many are known, or a negative errno: then the chains are empty. Blocks; 60 s at the
 * most. *cpu_ns grows by the CPU time that the worker took. */
int inline_worker_ask(int fd, const uint64_t *addresses, size_t n, struct inline_chain *chains,
	struct arena *a, uint64_t *cpu_ns, struct err *err);

/* The worker's side of it. Its exit status. */
int inline_worker_main(void);

/* For tests: what the worker says about the addresses, and what is made of that. Both as above. */
int inline_reply_write(int fd, const uint64_t *addresses, size_t n, FILE *to, struct err *err);
int inline_reply_parse(const void *reply, size_t len, struct inline_chain *chains, size_t n,
	struct arena *a, struct err *err);

#endif
