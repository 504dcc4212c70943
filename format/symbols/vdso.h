/* The vdso: code that the kernel maps into every process, an ELF image that is in no file. All
 * processes of our kind (64-bit) have the same one, so we read our own; a build id tells whether a
 * recorded one is it. */
#ifndef SYMBOLS_VDSO_H
#define SYMBOLS_VDSO_H

#include "format/symbols/elf_image.h"

/* Opens our own as an image: elf_symbols_resolve() takes offsets from its start, and
 * build_id_of_image() works. -ENOENT on a kernel booted with vdso=0. */
int vdso_open(struct elf_image *e, struct err *err);

#endif
