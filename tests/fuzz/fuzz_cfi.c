/* Call frame information out of anyone's hands. The input is an ELF image, or else a section as it is in
 * one. What comes out of it must be within the rules, whatever it says: rows within their function, steps
 * up the stack only, no more frames than there is room for. Stacks are made of the input's own bytes. */
#include <stdlib.h>
#include <string.h>

#include "format/symbols/cfi.h"
#include "format/symbols/cfi_expression.h"
#include "format/symbols/walk_rule.h"

enum { STACK_AT = 0x10000, PLACES = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- an image ---- */

struct place {
	const struct cfi *cfi;
	size_t size;
};

static bool find(void *ctx, uint64_t address, struct unwind_code *code)
{
	const struct place *p = ctx;

	*code = (struct unwind_code){ p->cfi, address % (p->size + 16) };
	return address % 17 != 0;
}

static void walk(const struct cfi *c, const uint8_t *data, size_t size, uint64_t at)
{
	static struct unwind_result result;
	struct place place = { c, size };
	struct unwind_stack stack = { STACK_AT, data, size };
	uint64_t ips[3] = { at, at + 8, at + 16 };
	struct unwind_chain chain = { ips, size % 3 ? 3 : 0 };
	struct unwind_regs regs = { .known = (1u << UNWIND_REGS) - 1 };

	for (unsigned i = 0; i < UNWIND_REGS; i++)
		regs.value[i] = STACK_AT + 8 * i;
	regs.value[UNWIND_REG_SP] = STACK_AT;
	regs.value[UNWIND_REG_RA] = at;
	unwind(&regs, &stack, &chain, find, &place, &result);
	if (result.n > UNWIND_MAX_FRAMES || (!result.n && at))
		abort();
}

/* What the kernel's walker would be given. */
static void rules_for_the_kernel(const struct cfi *c)
{
	for (uint32_t i = 1; i < cfi_n_rules(c); i++) {
		struct walk_rule r;

		walk_rule_make(c, cfi_rule_number(c, i), &r);
		if (r.cfa > WALK_CFA_OTHER || (r.cfa < WALK_CFA_END && r.cfa_reg >= WALK_REG_RA) ||
			(r.base != WALK_BASE_CFA && r.base >= WALK_REG_RA))
			abort();
	}
	for (uint32_t i = 0; i < cfi_n_pages(c); i++) {
		uint16_t before;
		uint32_t n;
		const struct cfi_row *rows = cfi_page(c, i, &n, &before);

		for (uint32_t k = 0; k < n; k++)
			if (rows[k].rule >= cfi_n_rules(c) || (k && rows[k].low < rows[k - 1].low))
				abort();
		if (before >= cfi_n_rules(c))
			abort();
	}
}

static void image(const uint8_t *data, size_t size)
{
	struct elf_image e;
	struct cfi_stats stats;
	struct cfi *c;

	if (elf_image_open_memory(&e, data, size, NULL) == 0) {
		c = cfi_compile(&e, size & 1 ? &e : NULL);
		if (c) {
			cfi_stats(c, &stats);
			if (stats.rules > 65535 || stats.rows > 2 * size)
				abort();
			for (uint64_t i = 0; i < PLACES; i++) {
				cfi_find(c, size * i / PLACES);
				walk(c, data, size, size * i / PLACES);
			}
			cfi_find(c, UINT64_MAX);
			rules_for_the_kernel(c);
			cfi_free(c);
		}
	}
	elf_image_done(&e);
}

/* ---- a section ---- */

struct rows {
	const struct cfi_section *section;
	uint64_t end, size;
};

static void compute(const struct cfi_section *s, struct cfi_span by)
{
	struct unwind_stack stack = { STACK_AT, s->bytes, s->len };
	struct unwind_regs regs = { .known = 0x10055, .value = { STACK_AT } };
	uint64_t v, outside, first = STACK_AT + 8;

	if (by.at > s->len || by.len > s->len - by.at)
		abort();
	cfi_evaluate(s->bytes + by.at, by.len, &regs, &stack, &first, &v, &outside);
}

static void on_row(void *ctx, uint64_t from, uint64_t to, const struct cfi_state *state)
{
	struct rows *r = ctx;

	if (from < r->end || to <= from || to > r->size)
		abort();
	r->end = to;
	compute(r->section, state->cfa.by);
	for (unsigned i = 0; i < UNWIND_REGS; i++)
		compute(r->section, state->regs[i].by);
}

static void section(const uint8_t *data, size_t size, bool eh)
{
	static struct cfi_machine machine;
	static struct cfi_state initial;
	struct cfi_section s = { data, (uint32_t)size, 0x400000, eh };
	struct cfi_common common,
		any = { .code_align = 1,
			.data_align = -8,
			.pointers = 0x1b,
			.address_size = 8,
			.augmented = true };
	struct cfi_function f;
	struct cfi_entry e;
	uint32_t at = 0;
	uint64_t eh_frame;

	memset(&initial, 0, sizeof(initial)); /* that of the input before is not in this section */
	while (cfi_next(&s, &at, &e)) {
		struct rows rows = { &s, 0, 0 };

		if (at > s.len || e.in.at + e.in.len != at)
			abort();
		if (e.is_common && cfi_read_common(&s, &e, &common) &&
			cfi_run_common(&machine, &s, &common, &initial))
			any = common;
		if (e.is_common || !cfi_read_function(&s, &e, &any, &f))
			continue;
		rows.size = f.size;
		cfi_run_function(&machine, &s, &any, &initial, &f, on_row, &rows);
	}
	cfi_read_header(&s, &eh_frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4 && memcmp(data, ELFMAG, SELFMAG) == 0)
		image(data, size);
	else if (size)
		section(data + 1, size - 1, data[0] & 1);
	return 0;
}
