/* Evaluates the expressions that rules are made of where an offset does not do: linkage tables, signal
 * frames, stacks that were aligned (DWARF 5, section 2.5). */
#ifndef SYMBOLS_CFI_EXPRESSION_H
#define SYMBOLS_CFI_EXPRESSION_H

#include "format/symbols/unwind.h"

/* A word of memory; false if it is not in the copy. */
bool unwind_read(const struct unwind_stack *stack, uint64_t address, uint64_t *value);

/* The value of an expression, with *first (may be NULL) on its stack at the start. False if it makes no
 * sense; -> *outside tells when it needed memory that is not in the copy. */
bool cfi_evaluate(const uint8_t *expression, size_t len, const struct unwind_regs *regs,
	const struct unwind_stack *stack, const uint64_t *first, uint64_t *value,
	uint64_t *outside);

#endif
