/* Names of Go's functions, which stay in a stripped program: the table from which its runtime prints
 * stacks (section .gopclntab; src/internal/abi/symtab.go, src/debug/gosym/pclntab.go of Go). Understood
 * are those of Go 1.2 to 1.15, 1.16 to 1.17, 1.18 to 1.19, and from 1.20 on. */
#ifndef SYMBOLS_GO_PCLNTAB_H
#define SYMBOLS_GO_PCLNTAB_H

#include "format/symbols/elf_plt.h"

/* Names targets that have no name and are in no stub, sorted by vaddr. A table that says its code is
 * nowhere (position-independent programs: it is relocated at start) is left alone. */
void go_pclntab_resolve(const struct elf_image *e, struct target *t, size_t n, struct arena *names);

#endif
