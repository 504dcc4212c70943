/* Names for kernel addresses, from /proc/kallsyms and /proc/modules.
 *
 * The file has 120,000 to 200,000 lines, which the kernel formats one by one (45 ms here); parsing
 * is a tenth of that. So a file that is asked again is kept, packed, until other modules are loaded (names of
 * BPF programs come from elsewhere, and trampolines that are made later have none). Its lines are
 * ascending only within the kernel, each module, and BPF programs; a function reaches to the next
 * address that code has anywhere in the file.
 *
 * The last function of a piece of kernel memory has no next one; so the pieces are taken from
 * _stext.._etext, _sinittext.._einittext and the sizes in /proc/modules, and a function and the
 * address must be in the same piece. Memory that belongs to none (BPF programs, trampolines) is
 * known only by its symbols: there a function reaches KALLSYMS_REACH bytes. */
#ifndef SYMBOLS_KALLSYMS_H
#define SYMBOLS_KALLSYMS_H

#include <stdbool.h>

#include "format/base/arena.h"
#include "format/base/err.h"
#include "format/symbols/packed_text.h"
#include "format/symbols/query.h"

#define KALLSYMS_PATH "/proc/kallsyms"
#define MODULES_PATH  "/proc/modules"

enum { KALLSYMS_REACH = 128 << 10 };

/* What is kept of the file. Starts as zeros. */
struct kallsyms_kept {
	struct packed_text text;
	uint64_t modules; /* hash of the list of modules it goes with */
};

void kallsyms_kept_done(struct kallsyms_kept *kept);

struct kernel_module {
	const char *name; /* in the arena */
	uint64_t base;    /* 0 if the kernel hides it from us */
	uint64_t size;    /* bytes: all its memory, its code first */
};

/* Fills name, start (both absolute) and module of the queries without a name, sorted by address. The
 * file is read from `kept` where it is there and still true, and kept there otherwise; NULL: always read.
 * Returns how many names were found; -EPERM with a sentence that names the sysctl when the kernel
 * hides its addresses; other errors of reading the first file. A second file that cannot be read
 * (a kernel without modules has none) only leaves modules without their ends. */
int kallsyms_resolve(struct kallsyms_kept *kept, const char *kallsyms_path,
	const char *modules_path, struct symbol_query *q, size_t n, struct arena *a,
	struct err *err);

/* The address of _text, or of _stext where there is none: what kernel addresses are counted from
 * in a trace. Reads only the front of the file. Errors as above, -ENOENT if neither is there. */
int kallsyms_base(const char *kallsyms_path, uint64_t *base, struct err *err);

/* Which of n names (at most 32) a file has, by their bits. Kernels without CONFIG_KALLSYMS_ALL list
 * functions only. */
uint32_t kallsyms_has(const char *kallsyms_path, const char *const *names, unsigned n);

/* The loaded modules, in the order of the file. Returns how many; the list is in the arena. */
int kernel_modules(const char *modules_path, struct kernel_module **list, struct arena *a,
	struct err *err);

#endif
