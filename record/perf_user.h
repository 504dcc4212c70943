/* What perf adds to a sample for unwinding: the user's registers and a copy of the top of its stack. */
#ifndef RECORD_PERF_USER_H
#define RECORD_PERF_USER_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>

#include "format/symbols/unwind.h"

/* Whether we know this machine's registers. */
bool perf_user_supported(void);

/* Asks for both, the stack as far as `bytes` (a multiple of 8, below 64 KiB). */
void perf_user_attr(struct perf_event_attr *attr, uint32_t bytes);

struct perf_user {
	/* None known: of a thread of the kernel, or of 32-bit code, where only value[UNWIND_REG_RA] is set. */
	struct unwind_regs regs;
	struct unwind_stack stack;
};

/* Reads them from the end of a sample: [at, end). False if they are not what they should be. */
bool perf_user_read(struct perf_user *u, const uint8_t *at, const uint8_t *end);

#endif
