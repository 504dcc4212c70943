/* Names for addresses in an ELF image: programs, libraries, the vdso.
 *
 * Addresses are offsets in the file, as a profiler has them (ip - start of the mapping + its
 * offset in the file), and become the addresses that symbols are in by way of the image's PT_LOAD
 * segments. Asked are, in this order: entries of a procedure linkage table, which have no symbols
 * of their own and are named after where they jump (`malloc@plt`); .symtab of the separate debug
 * file; .symtab; the one packed in .gnu_debugdata (minidebug.h); Go's table (go_pclntab.h);
 * .dynsym.
 *
 * Which symbol an address gets:
 * - of the functions that cover it, the one that starts last, so the innermost;
 * - where none does, a symbol without a size (assembly) in front of it in the same section, as far
 *   as the next function; local labels without a type only where there is no such function;
 * - of several at one start: functions before untyped symbols, global before weak before local,
 *   then symbol_name_better(). */
#ifndef SYMBOLS_ELF_SYMBOLS_H
#define SYMBOLS_ELF_SYMBOLS_H

#include "format/base/arena.h"
#include "format/symbols/elf_image.h"
#include "format/symbols/query.h"

/* Fills name and start (both as file offsets of `code`) of the queries that have no name yet,
 * sorted by address. `debug` is the separate debug file of `code` (its build id checked,
 * debug_file.h) or NULL. Returns how many names were found, which may be none; -ENOEXEC for files
 * that are not linked (objects, kernel modules) or not code (cores). A damaged file gives the
 * names that can still be read. About 250 bytes of memory for each address while it works. */
int elf_symbols_resolve(const struct elf_image *code, const struct elf_image *debug,
	struct symbol_query *q, size_t n, struct arena *a, struct err *err);

#endif
