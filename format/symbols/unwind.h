/* From the registers and a copy of the stack of a thread to the addresses of its callers.
 *
 * Knows nothing of where these come from (perf's samples, a BPF program), nor of processes: the caller
 * says what is at an address. Where a binary has call frame information that is used, else the frame
 * pointer: code made at run time often keeps one. */
#ifndef SYMBOLS_UNWIND_H
#define SYMBOLS_UNWIND_H

#include "format/symbols/cfi.h"

enum { UNWIND_MAX_FRAMES = 2048 };

/* In DWARF's numbers; value[UNWIND_REG_RA] is where it is. */
struct unwind_regs {
	uint64_t value[UNWIND_REGS];
	uint32_t known; /* bit i: register i */
};

/* Memory from `start`, the stack pointer, on. */
struct unwind_stack {
	uint64_t start;
	const uint8_t *bytes; /* borrowed */
	size_t len;
};

/* The same stack as the kernel found it by frame pointers alone: where it is, then return addresses. That
 * reaches farther than a copy, and is right where code keeps frame pointers. */
struct unwind_chain {
	const uint64_t *ips; /* borrowed */
	uint32_t n;          /* 0: there is none */
};

/* What is at an address. */
struct unwind_code {
	const struct cfi *cfi; /* NULL: none */
	uint64_t offset;       /* of the address in its file */
};

/* Says what is at an address; false: there is no code. */
typedef bool (*unwind_find)(void *ctx, uint64_t address, struct unwind_code *code);

enum unwind_end {
	UNWIND_COMPLETE,  /* the outermost frame was reached */
	UNWIND_COPY_ENDS, /* what comes next lies beyond the copy */
	UNWIND_TOO_DEEP,  /* more than UNWIND_MAX_FRAMES */
	UNWIND_LOST,      /* nothing says what comes next */
};

struct unwind_result {
	uint64_t frames[UNWIND_MAX_FRAMES]; /* innermost first; see unwind() */
	uint32_t n;
	uint32_t n_by_cfi, n_by_fp; /* steps */
	enum unwind_end end;
};

/* Walks a stack. Where the copy ends in code that keeps frame pointers, the rest is taken from the chain,
 * if the frames before agree with it. The frames are addresses to look names up by: of a caller that of its return
 * address less one, which lies in the call; where it was interrupted (the innermost, and below signal handlers) the
 * address itself. */
void unwind(const struct unwind_regs *regs, const struct unwind_stack *stack,
	const struct unwind_chain *chain, unwind_find find, void *ctx, struct unwind_result *to);

#endif
