/* Runs a function's call frame instructions: they make a table of how to find the caller's registers at
 * each place of the code, row by row (DWARF 5, section 6.4.2). */
#ifndef SYMBOLS_CFI_PROGRAM_H
#define SYMBOLS_CFI_PROGRAM_H

#include "format/symbols/cfi_entry.h"
#include "format/symbols/unwind_arch.h"

/* How the caller's value of a register is found. */
enum cfi_how {
	CFI_SAME,      /* it was not changed */
	CFI_UNDEFINED, /* it is lost; of the return address: there is no caller */
	CFI_SAVED,     /* in memory at CFA + at */
	CFI_SUM,       /* it is CFA + at */
	CFI_REGISTER,  /* in register number at */
	CFI_SAVED_BY,  /* in memory where an expression says */
	CFI_VALUE_BY,  /* an expression computes it */
};

/* Of the CFA, the stack pointer's value before the call: CFI_REGISTER means a register's value plus at,
 * CFI_VALUE_BY an expression. */
struct cfi_place {
	enum cfi_how how;
	uint32_t reg;       /* of the CFA */
	int64_t at;         /* see above */
	struct cfi_span by; /* the expression, in the section */
};

/* One row. */
struct cfi_state {
	struct cfi_place cfa;
	struct cfi_place regs[UNWIND_REGS];
	uint32_t changed; /* bit i: regs[i] is not CFI_SAME */
};

enum { CFI_REMEMBER = 8 };

/* What a program needs while it runs; kept from function to function as it is large. */
struct cfi_machine {
	struct cfi_state now, initial;
	struct cfi_state remembered[CFI_REMEMBER];
	uint32_t n_remembered;
};

/* Told of each row: holds for [from, to) of what the function covers. */
typedef void (*cfi_row_handler)(void *ctx, uint64_t from, uint64_t to, const struct cfi_state *s);

/* The rows of a common part, from which functions start. False if it makes no sense. */
bool cfi_run_common(struct cfi_machine *m, const struct cfi_section *s, const struct cfi_common *c,
	struct cfi_state *initial);

/* The rows of a function. Places are counted from its start. Where the program makes no sense its rows
 * end: there is no rule from there on. */
void cfi_run_function(struct cfi_machine *m, const struct cfi_section *s,
	const struct cfi_common *c, const struct cfi_state *initial, const struct cfi_function *f,
	cfi_row_handler row, void *ctx);

#endif
