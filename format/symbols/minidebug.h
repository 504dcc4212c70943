/* MiniDebugInfo: the names of a stripped binary's static functions, a small ELF file with a symbol
 * table, packed with xz in section .gnu_debugdata. Fedora, Android and others ship all their binaries
 * so (https://sourceware.org/gdb/current/onlinedocs/gdb.html/MiniDebugInfo.html). */
#ifndef SYMBOLS_MINIDEBUG_H
#define SYMBOLS_MINIDEBUG_H

#include "format/symbols/elf_image.h"

enum {
	MINIDEBUG_MAX_PACKED = 64 << 20, /* bytes; Fedora's largest has 2 MB */
	MINIDEBUG_MAX = 128 << 20,       /* bytes unpacked; what lies behind is not read */
};

struct minidebug {
	struct elf_image elf;
	uint8_t *bytes; /* owned; NULL: there is none */
};

/* Unpacks the one in `code`. NULL if there is none, or none that can be read. To be closed in both
 * cases. */
const struct elf_image *minidebug_open(struct minidebug *m, const struct elf_image *code);
void minidebug_close(struct minidebug *m);

#endif
