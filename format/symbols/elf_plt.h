/* Entries of procedure linkage tables: stubs without symbols through which a library calls another,
 * and itself where a function has several variants (IFUNC). Tails and leaves of short functions
 * are often hit there. A stub jumps to an address it loads from a slot; the relocation of that slot
 * says what it will be. x86-64 and aarch64 are understood; others stay unnamed. */
#ifndef SYMBOLS_ELF_PLT_H
#define SYMBOLS_ELF_PLT_H

#include "format/base/arena.h"
#include "format/symbols/elf_image.h"

/* An address to be named. The arrays here and in elf_symbols.c are sorted by vaddr. */
struct target {
	uint64_t vaddr;   /* where it is; for a stub that jumps into this image, what it jumps to */
	uint64_t back;    /* bytes from the start of its function or stub to the query's address */
	uint32_t query;   /* number of the query */
	bool seen;        /* the address is in a section of stubs... */
	bool stub;        /* ...and in a stub whose relocation was found */
	const char *name; /* found, in the arena of the names; or NULL */
};

/* Marks the targets that are in stubs and gives them names (with "@plt") where a symbol is behind,
 * or the vaddr of the function behind, to be named like any other; the order may be lost. */
void elf_plt_resolve(const struct elf_image *e, struct target *t, size_t n, struct arena *names);

#endif
