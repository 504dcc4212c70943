#include "record/perf_user.h"

#include <string.h>

#include "format/base/bytes.h"

/* In the kernel's order (asm/perf_regs.h): the number in DWARF, or NOT_KEPT. */
enum { NOT_KEPT = 0xff };

#if defined(__x86_64__)
static const uint8_t dwarf_number[] = { 0, 3, 2, 1, 4, 5, UNWIND_REG_FP, UNWIND_REG_SP,
	UNWIND_REG_RA, NOT_KEPT, NOT_KEPT, NOT_KEPT, NOT_KEPT, NOT_KEPT, NOT_KEPT, NOT_KEPT, 8, 9,
	10, 11, 12, 13, 14, 15 };
#else
static const uint8_t dwarf_number[] = { NOT_KEPT };
#endif

enum { N_REGS = sizeof(dwarf_number) / sizeof(dwarf_number[0]) };

bool perf_user_supported(void)
{
	return N_REGS > 1;
}

void perf_user_attr(struct perf_event_attr *attr, uint32_t bytes)
{
	attr->sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	attr->sample_stack_user = bytes;
	for (unsigned i = 0; i < N_REGS; i++)
		if (dwarf_number[i] != NOT_KEPT)
			attr->sample_regs_user |= 1ULL << i;
}

/* Of 32-bit code only where it is serves. */
static void read_regs(struct unwind_regs *regs, struct cursor *c, uint64_t abi)
{
	for (unsigned i = 0; i < N_REGS; i++) {
		uint64_t v;

		if (dwarf_number[i] == NOT_KEPT)
			continue;
		v = cursor_uint(c, 8);
		if (abi == PERF_SAMPLE_REGS_ABI_64)
			regs->known |= 1u << dwarf_number[i];
		if (abi == PERF_SAMPLE_REGS_ABI_64 || dwarf_number[i] == UNWIND_REG_RA)
			regs->value[dwarf_number[i]] = v;
	}
}

bool perf_user_read(struct perf_user *u, const uint8_t *at, const uint8_t *end)
{
	struct cursor c = cursor_of(at, (size_t)(end - at));
	uint64_t abi = cursor_uint(&c, 8), asked, copied = 0;

	memset(u, 0, sizeof(*u));
	if (abi != PERF_SAMPLE_REGS_ABI_NONE)
		read_regs(&u->regs, &c, abi);
	asked = cursor_uint(&c, 8);
	u->stack.bytes = cursor_take(&c, asked);
	if (asked)
		copied = cursor_uint(&c,
			8); /* up to the stack's end, or a page that is not there */
	if (c.bad || copied > asked)
		return false;
	u->stack.start = u->regs.value[UNWIND_REG_SP];
	u->stack.len = copied;
	return true;
}
