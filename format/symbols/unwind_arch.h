/* What unwinding must know of the processor, in DWARF's numbers of registers.
 *
 * x86-64: System V psABI, "DWARF Definition". Another architecture gets its own numbers here, and in
 * record/perf_regs.h the order in which the kernel delivers registers; aarch64 will also have to strip
 * the signature from return addresses (DW_CFA_AARCH64_negate_ra_state). */
#ifndef SYMBOLS_UNWIND_ARCH_H
#define SYMBOLS_UNWIND_ARCH_H

#include <elf.h>
#include <stdint.h>

enum {
	UNWIND_MACHINE = EM_X86_64,
	UNWIND_REGS = 17,   /* registers that rules are kept for; the last is the return address */
	UNWIND_REG_FP = 6,  /* rbp */
	UNWIND_REG_SP = 7,  /* rsp */
	UNWIND_REG_RA = 16, /* rip */
	UNWIND_WORD = 8,
};

/* What a function hands back to its caller as it was: rbx, rbp, r12 to r15. */
#define UNWIND_KEPT (1u << 3 | 1u << 6 | 0xfu << 12)

#endif
