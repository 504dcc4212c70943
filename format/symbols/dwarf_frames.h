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

typedef void (*dwarf_frame_handler)(void *ctx, const struct dwarf_frame *frame);

/* Calls for each function at each of n sorted addresses, as they were linked; those of one address
 * one behind the other, outer to inner. fd: an ELF file with .debug_info; the caller sees to it that
 * it belongs to the addresses. Alternate (dwz) files are taken only with the right build id. Returns
 * how many addresses it knew, or a negative errno if there is no DWARF that libdw can read. */
int dwarf_frames(int fd, const uint64_t *addresses, size_t n, dwarf_frame_handler handler,
	void *ctx, struct err *err);

#endif
