/* Finding and reading the sections with call frame information. */
#ifndef SYMBOLS_CFI_SECTIONS_H
#define SYMBOLS_CFI_SECTIONS_H

#include "format/symbols/cfi_entry.h"
#include "format/symbols/elf_image.h"

/* Reads .eh_frame, by the table of sections or, without one, by the program header of .eh_frame_hdr. False
 * if there is none. s->bytes is the caller's to free. */
bool cfi_read_eh_frame(const struct elf_image *e, struct cfi_section *s);

/* The same with .debug_frame, which may be compressed. */
bool cfi_read_debug_frame(const struct elf_image *e, struct cfi_section *s);

#endif
