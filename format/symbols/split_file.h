/* Split DWARF: which units of a program a file has, a .dwo file or a package of many (dwp.h).
 *
 * A unit and the half that is left of it in the program, its skeleton, have the same id, a hash of 64 bits
 * (DWARF 5, 7.5.1.2; as an attribute with GNU's DWARF 4): it proves a unit as a build id proves a binary. It is read
 * here by hand, as files may come from anyone and libdw has a process of its own (inline_worker.h). */
#ifndef SYMBOLS_SPLIT_FILE_H
#define SYMBOLS_SPLIT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/symbols/elf_image.h"

enum split_kind {
	SPLIT_NONE,
	SPLIT_UNITS,   /* .dwo: one unit as a rule */
	SPLIT_PACKAGE, /* .dwp */
};

enum split_kind split_file_kind(const struct elf_image *e);

/* A unit of a .dwo file, and where it is in .debug_info.dwo (unpacked, if that is compressed). */
struct split_unit {
	uint64_t id, offset, size;
};

/* Calls for each unit of a .dwo file that can be read; not 0 ends it and is the result. -E2BIG: there are more than are
 * looked at. */
int split_file_units(const struct elf_image *e,
	int (*call)(void *ctx, const struct split_unit *unit), void *ctx);

/* Finds one, in a .dwo file. 1 if it is there, 0 if not, -E2BIG if it may be among more than are looked at. */
int split_file_find(const struct elf_image *e, uint64_t id, struct split_unit *unit);

/* Which units a package lists. Empty, if it cannot be read. */
struct split_index {
	uint8_t *bytes; /* owned */
	uint64_t size;
};
void split_index_read(struct split_index *x, const struct elf_image *e);
bool split_index_has(const struct split_index *x, uint64_t id);
void split_index_done(struct split_index *x);

/* Whether a program may have units that are split: it has a table of their addresses. */
bool split_program(const struct elf_image *e);

#endif
