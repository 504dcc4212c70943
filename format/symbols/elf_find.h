/* From the name of a function to where it is in the file: the way back from elf_symbols.h. */
#ifndef SYMBOLS_ELF_FIND_H
#define SYMBOLS_ELF_FIND_H

#include "format/symbols/elf_image.h"

struct elf_function {
	const char *name; /* as people know it: demangled, without parameters; valid in the call */
	const char *linked; /* as linked; the same if it is not mangled */
	uint64_t offset;    /* in the file */
	uint64_t size;      /* bytes, 0 if not known */
	bool chosen;        /* what runs is chosen at run time (IFUNC): this is who chooses */
	bool matches;       /* it is called as asked */
};

/* Calls for each function of a program or library that has code in the file: of .symtab of the separate
 * debug file (checked by its build id; may be NULL), .symtab, .dynsym. One place may come several
 * times. `wanted` is compared to the linker's name and to the demangled one. Returns how many
 * symbols were looked at. */
uint64_t elf_find(const struct elf_image *code, const struct elf_image *debug, const char *wanted,
	void (*call)(void *ctx, const struct elf_function *f), void *ctx);

#endif
