/* How to get from a function to its caller, at each place of a binary: its call frame information,
 * compiled once into a table that is small and quick to search.
 *
 * Different rows are few, places are many: a library of 110 MB has some 2 million rows but only some
 * thousand different ones. So a row is 4 bytes: the lower half of its offset in the file, and the number
 * of its rule; an index by the upper half says where each 64 KiB of the file begin. (The idea of numbering
 * rules is Mozilla's, of the two levels the OpenTelemetry profiler's.)
 *
 * libdw's dwarf_cfi_addrframe interprets the program anew for each frame that is looked up. */
#ifndef SYMBOLS_CFI_H
#define SYMBOLS_CFI_H

#include <stddef.h>

#include "format/symbols/cfi_program.h"
#include "format/symbols/elf_image.h"

enum cfi_flags {
	CFI_SIGNAL =
		1, /* the kernel made this frame; what it returns to was interrupted, and did not call */
	CFI_END = 2,   /* there is no caller: where threads start */
	CFI_USUAL = 4, /* the return address is right below the CFA, and not in regs */
};

/* Where one register of the caller is. */
struct cfi_reg {
	uint32_t reg : 5, how : 3; /* how: enum cfi_how */
	int32_t at : 24;           /* of expressions: where it is in the table's */
};

struct cfi_rule {
	uint8_t cfa_how, cfa_reg; /* CFI_REGISTER or CFI_VALUE_BY */
	uint8_t flags;
	uint8_t n_regs;
	int32_t cfa_at;        /* of an expression: where it is in the table's */
	struct cfi_reg regs[]; /* those that are not CFI_SAME */
};

struct cfi;

struct cfi_stats {
	uint32_t functions, rows, rules;
	size_t bytes; /* of memory */
};

/* Compiles .eh_frame and .debug_frame of an image, and of its separate debug file (may be NULL). NULL if
 * there is nothing, or it is of another kind of processor. What is damaged is left out. */
struct cfi *cfi_compile(const struct elf_image *e, const struct elf_image *debug);
void cfi_free(struct cfi *c);

/* The rule at an offset in the file; NULL: there is none. Borrowed from the table. */
const struct cfi_rule *cfi_find(const struct cfi *c, uint64_t offset);

/* The table itself, for those who search it elsewhere (bpf/walk.bpf.h): of each 64 KiB of the file its rows in
 * order of `low`, the lower half of their offsets, and the rule that holds where the page begins. Rules are
 * numbered from 1; number 0 means that there is none. */
struct cfi_row {
	uint16_t low, rule;
};

uint32_t cfi_n_pages(const struct cfi *c);
const struct cfi_row *cfi_page(const struct cfi *c, uint32_t page, uint32_t *n, uint16_t *before);
uint32_t cfi_n_rules(const struct cfi *c);
const struct cfi_rule *cfi_rule_number(const struct cfi *c, uint32_t number);

/* An expression of a rule (DWARF 5, section 2.5); *len its bytes. */
const uint8_t *cfi_expression(const struct cfi *c, int32_t at, size_t *len);

void cfi_stats(const struct cfi *c, struct cfi_stats *stats);

#endif
