/* The bytes of a section, which may be compressed (ELF gABI, "Section Compression"). */
#ifndef SYMBOLS_SECTION_TEXT_H
#define SYMBOLS_SECTION_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/symbols/elf_image.h"

/* The section of this name that has bytes, or NULL. */
const GElf_Shdr *section_find(const struct elf_image *e, const char *name);

/* How many bytes it has, unpacked; 0 if it lies behind the file's end, or claims more than zlib could have packed. */
uint64_t section_size(const struct elf_image *e, const GElf_Shdr *s);

/* Its first bytes from `offset` on, unpacked; returns how many there were. Of a compressed one all before them are
 * unpacked too. */
size_t section_read(const struct elf_image *e, const GElf_Shdr *s, uint64_t offset, void *to,
	size_t len);

#endif
