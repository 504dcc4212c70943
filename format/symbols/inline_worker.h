/* Inlined functions and lines of a file that nobody vouches for (dwarf_frames.h), found by a process
 * of its own: what is hostile in it meets a library that was not made for that, but can at the worst
 * end the worker, which has little memory and time and the rights of the file's owner.
 *
 * The worker is the program itself, started with one argument; main() hands over to
 * inline_worker_main(). Both sides talk through two files in memory: sorted addresses there, frames
 * back. Further files that are given to it are open in it under the same numbers. */
#ifndef SYMBOLS_INLINE_WORKER_H
#define SYMBOLS_INLINE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "format/base/arena.h"
#include "format/base/err.h"
#include "format/symbols/dwarf_frames.h"

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

/* What belongs to the file's DWARF and is in others: what is given (all may be nothing: PARTS_NONE), and what came out
 * about it. Whoever asks may look for what was not found, and ask again. */
struct inline_parts {
	struct dwarf_parts given;
	/* Each unit with some of the addresses whose functions are in another file; in the caller's arena. */
	struct dwarf_split *units;
	uint32_t n_units;
	/* Where that is wanted: the source files of all code of the functions that have addresses, each once; in the
	 * caller's arena. */
	bool want_sources;
	const char **sources;
	uint32_t n_sources;
};

#define PARTS_NONE ((struct inline_parts){ .given = { .alternate = -1 } })

enum { INLINE_MAX_SPLIT = 4096 }; /* files that may be given */

/* Fills a chain for each of n sorted addresses, as they were linked, from the DWARF of a file.
 * parts: or NULL. Returns how many are known, or a negative errno: then the chains are empty. Of DWARF that is
 * damaged in part err tells, beside a result that is none. Blocks; 60 s at the
 * most. *cpu_ns grows by the CPU time that the worker took. */
int inline_worker_ask(int fd, struct inline_parts *parts, const uint64_t *addresses, size_t n,
	struct inline_chain *chains, struct arena *a, uint64_t *cpu_ns, struct err *err);

/* The worker's side of it. Its exit status. */
int inline_worker_main(void);

/* For tests: what the worker says about the addresses, and what is made of that. Both as above. */
int inline_reply_write(int fd, const struct dwarf_parts *parts, bool want_sources,
	const uint64_t *addresses, size_t n, FILE *to, struct err *err);
int inline_reply_parse(const void *reply, size_t len, struct inline_parts *parts,
	struct inline_chain *chains, size_t n, struct arena *a, struct err *err);

#endif
