/* Inlined functions and lines for addresses of a file that already have names from its symbols. */
#ifndef SYMBOLS_FILE_FRAMES_H
#define SYMBOLS_FILE_FRAMES_H

#include "format/symbols/elf_image.h"
#include "format/symbols/inline_worker.h"

/* The one of the two that file_frames_resolve() reads; NULL if neither has DWARF. */
const struct elf_image *file_frames_dwarf(const struct elf_image *code,
	const struct elf_image *debug);

/* Fills a chain for each query (offsets in the file of `code`, sorted) from the DWARF of `code` or of
 * its debug file, which may be NULL; both in files; and of what belongs to that (parts, or NULL). Where DWARF does not
 * agree with the symbol about where the function is, the chain stays empty. A query without a name gets that of
 * DWARF. Returns how many chains there are; 0 without DWARF; errors, and troubles with a part, as
 * inline_worker_ask(). */
int file_frames_resolve(const struct elf_image *code, const struct elf_image *debug,
	struct inline_parts *parts, struct symbol_query *q, size_t n, struct inline_chain *chains,
	struct arena *a, uint64_t *cpu_ns, struct err *err);

#endif
