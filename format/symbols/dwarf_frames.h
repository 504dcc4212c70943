/* Inlined functions and lines, from DWARF 4 and 5 through elfutils' libdw.
 *
 * As everywhere in this folder addresses are few and sorted, and the file is read once from front
 * to back: of each unit the ranges, of a unit that has addresses the line table and the functions
 * that have them. What libdw keeps of a unit is given back now and then, so memory is proportional
 * to the addresses and to the largest units.
 *
 * libdw maps the file and was not made for hostile ones: whoever may be given such a file calls this
 * in a process of its own, inline_worker.h. */
#ifndef SYMBOLS_DWARF_FRAMES_H
#define SYMBOLS_DWARF_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"

enum {
	DWARF_MAX_DEPTH =
		64, /* functions inlined into each other; what is inlined deeper is left out */
};

/* One function at an address. The texts are valid during the call only. */
struct dwarf_frame {
	size_t number;       /* of the address */
	uint32_t depth;      /* 0: the function itself; 1, 2, ...: inlined, outer to inner */
	const char *name;    /* in the source; NULL: only the line is known (depth 0) */
	const char *linkage; /* as linked (mangled), or NULL */
	const char *file;    /* where it is at this address, or NULL */
	uint32_t line;       /* there; 0: not known */
	uint64_t start, end; /* depth 0: the piece of the function that has the address; or 0 */
};

/* A unit with some of the addresses whose functions are in another file. */
struct dwarf_split {
	uint64_t id;
	const char *folder,
		*name; /* where its .dwo file was when it was made; or NULL. Valid in the call */
	bool found;
};

struct dwarf_listener {
	void (*frame)(void *ctx, const struct dwarf_frame *frame);
	void (*split)(void *ctx, const struct dwarf_split *unit); /* may be NULL */
	/* A source file of some code of a function that has an address, be it of another address of it; with the folder
	 * it was compiled in, where its name is relative. May be told repeatedly. NULL: nobody wants to know. */
	void (*source)(void *ctx, const char *file);
	void *ctx;
};

/* Which file has a unit. */
struct dwarf_place {
	uint64_t id;
	uint64_t file; /* its number in `split` */
};

/* What belongs to a file's DWARF and is in others, as far as whoever asks has found it. Borrowed. Beside it is
 * looked at what is where the file says. */
struct dwarf_parts {
	int alternate;    /* the file that dwz made, its build id checked; or -1 */
	const int *split; /* .dwo files and packages; looked into for the units of `places` only */
	uint32_t n_split;
	const struct dwarf_place *places;
	uint32_t n_places;
};

/* Calls for each function at each of n sorted addresses, as they were linked; those of one address
 * one behind the other, outer to inner. fd: an ELF file with .debug_info; the caller sees to it that
 * it belongs to the addresses. parts: or NULL. Alternate (dwz) files are taken only with the right build id,
 * other halves of units by their ids. Returns how many addresses it knew, or a negative errno if there is no DWARF
 * that libdw can read. Where only some of it is damaged, or more than is looked at, err tells so beside a result that
 * is none. */
int dwarf_frames(int fd, const struct dwarf_parts *parts, const uint64_t *addresses, size_t n,
	const struct dwarf_listener *listener, struct err *err);

#endif
