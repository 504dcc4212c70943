#include "format/symbols/cfi_program.h"

#include <dwarf.h>
#include <string.h>

#include "format/symbols/leb.h"

/* What newer headers call so; libdw 0.188 does not know them all. */
enum {
	GNU_ARGS_SIZE = 0x2e,
	GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
};

struct run {
	struct cfi_machine *m;
	const struct cfi_section *section;
	const struct cfi_common *common;
	struct cursor c;
	uint64_t vaddr, size; /* of the function; 0 for a common part */
	uint64_t row_at;      /* where the present row begins, from the start */
	cfi_row_handler row;  /* NULL for a common part */
	void *ctx;
	bool bad;
};

/* ---- changing the row ---- */

/* Registers that no rule is kept for (vector registers) may have one all the same. */
static void set_place(struct run *r, uint64_t reg, struct cfi_place place)
{
	struct cfi_state *s = &r->m->now;

	if (reg >= UNWIND_REGS)
		return;
	s->regs[reg] = place;
	if (place.how == CFI_SAME)
		s->changed &= ~(1u << reg);
	else
		s->changed |= 1u << reg;
}

static void set_offset(struct run *r, uint64_t reg, enum cfi_how how, int64_t factored)
{
	int64_t at;

	if (__builtin_mul_overflow(factored, r->common->data_align, &at))
		r->bad = true;
	else
		set_place(r, reg, (struct cfi_place){ .how = how, .at = at });
}

static void restore(struct run *r, uint64_t reg)
{
	if (reg < UNWIND_REGS)
		set_place(r, reg, r->m->initial.regs[reg]);
}

static struct cfi_span take_block(struct run *r)
{
	uint64_t len = cursor_varint(&r->c);
	const uint8_t *p = cursor_take(&r->c, len);

	return p ? (struct cfi_span){ (uint32_t)(p - r->section->bytes), (uint32_t)len }
		 : (struct cfi_span){ 0, 0 };
}

static void set_by(struct run *r, uint64_t reg, enum cfi_how how)
{
	struct cfi_place place = { .how = how, .by = take_block(r) };

	set_place(r, reg, place);
}

static void set_cfa(struct run *r, uint64_t reg, int64_t at)
{
	r->bad |= reg >= UNWIND_REGS;
	r->m->now.cfa = (struct cfi_place){ .how = CFI_REGISTER, .reg = (uint32_t)reg, .at = at };
}

static void set_cfa_offset(struct run *r, int64_t at)
{
	r->bad |= r->m->now.cfa.how != CFI_REGISTER;
	r->m->now.cfa.at = at;
}

static void remember_state(struct run *r)
{
	if (r->m->n_remembered == CFI_REMEMBER)
		r->bad = true;
	else
		r->m->remembered[r->m->n_remembered++] = r->m->now;
}

static void restore_state(struct run *r)
{
	if (r->m->n_remembered)
		r->m->now = r->m->remembered[--r->m->n_remembered];
	else
		r->bad = true;
}

/* ---- moving on ---- */

static void end_row(struct run *r, uint64_t to)
{
	if (r->row && to > r->row_at)
		r->row(r->ctx, r->row_at, to, &r->m->now);
	r->row_at = to;
}

static void go_to(struct run *r, uint64_t at)
{
	if (at < r->row_at || at > r->size)
		r->bad = true;
	else
		end_row(r, at);
}

static void advance(struct run *r, uint64_t delta)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(delta, r->common->code_align, &bytes) ||
		bytes > r->size - r->row_at)
		r->bad = true;
	else
		end_row(r, r->row_at + bytes);
}

static int64_t factored_sleb(struct run *r)
{
	int64_t v = cursor_sleb(&r->c), at;

	r->bad |= __builtin_mul_overflow(v, r->common->data_align, &at);
	return at;
}

/* ---- the instructions ---- */

static void step_cfa(struct run *r, uint8_t op)
{
	struct cursor *c = &r->c;
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
		reg = cursor_varint(c);
		set_cfa(r, reg, (int64_t)cursor_varint(c));
		break;
	case DW_CFA_def_cfa_sf:
		reg = cursor_varint(c);
		set_cfa(r, reg, factored_sleb(r));
		break;
	case DW_CFA_def_cfa_register: set_cfa(r, cursor_varint(c), r->m->now.cfa.at); break;
	case DW_CFA_def_cfa_offset: set_cfa_offset(r, (int64_t)cursor_varint(c)); break;
	case DW_CFA_def_cfa_offset_sf: set_cfa_offset(r, factored_sleb(r)); break;
	case DW_CFA_def_cfa_expression:
		r->m->now.cfa = (struct cfi_place){ .how = CFI_VALUE_BY, .by = take_block(r) };
		break;
	default: r->bad = true; break;
	}
}

static void step_register(struct run *r, uint8_t op)
{
	struct cursor *c = &r->c;
	uint64_t reg = cursor_varint(c);

	switch (op) {
	case DW_CFA_offset_extended:
		set_offset(r, reg, CFI_SAVED, (int64_t)cursor_varint(c));
		break;
	case DW_CFA_offset_extended_sf: set_offset(r, reg, CFI_SAVED, cursor_sleb(c)); break;
	case DW_CFA_val_offset: set_offset(r, reg, CFI_SUM, (int64_t)cursor_varint(c)); break;
	case DW_CFA_val_offset_sf: set_offset(r, reg, CFI_SUM, cursor_sleb(c)); break;
	case GNU_NEGATIVE_OFFSET_EXTENDED:
		set_offset(r, reg, CFI_SAVED, -(int64_t)cursor_varint(c));
		break;
	case DW_CFA_restore_extended: restore(r, reg); break;
	case DW_CFA_undefined: set_place(r, reg, (struct cfi_place){ .how = CFI_UNDEFINED }); break;
	case DW_CFA_same_value: set_place(r, reg, (struct cfi_place){ .how = CFI_SAME }); break;
	case DW_CFA_register:
		set_place(r, reg,
			(struct cfi_place){ .how = CFI_REGISTER, .at = (int64_t)cursor_varint(c) });
		break;
	case DW_CFA_expression: set_by(r, reg, CFI_SAVED_BY); break;
	case DW_CFA_val_expression: set_by(r, reg, CFI_VALUE_BY); break;
	default: r->bad = true; break;
	}
}

static void step_other(struct run *r, uint8_t op)
{
	struct cursor *c = &r->c;

	switch (op) {
	case DW_CFA_nop: break;
	case DW_CFA_set_loc: /* as an address, which no compiler of today writes */
		if (r->common->pointers == DW_EH_PE_absptr)
			go_to(r, cursor_uint(c, r->common->address_size) - r->vaddr);
		else
			r->bad = true;
		break;
	case DW_CFA_advance_loc1: advance(r, cursor_uint(c, 1)); break;
	case DW_CFA_advance_loc2: advance(r, cursor_uint(c, 2)); break;
	case DW_CFA_advance_loc4: advance(r, cursor_uint(c, 4)); break;
	case DW_CFA_remember_state: remember_state(r); break;
	case DW_CFA_restore_state: restore_state(r); break;
	case GNU_ARGS_SIZE: cursor_varint(c); break;
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression: step_cfa(r, op); break;
	default: step_register(r, op); break;
	}
}

static void step(struct run *r)
{
	uint8_t op = (uint8_t)cursor_uint(&r->c, 1);

	switch (op & 0xc0) {
	case DW_CFA_advance_loc: advance(r, op & 0x3f); break;
	case DW_CFA_offset:
		set_offset(r, op & 0x3f, CFI_SAVED, (int64_t)cursor_varint(&r->c));
		break;
	case DW_CFA_restore: restore(r, op & 0x3f); break;
	default: step_other(r, op); break;
	}
	r->bad |= r->c.bad;
}

static void run(struct run *r, struct cfi_span program)
{
	r->m->n_remembered = 0;
	r->c = cursor_of(r->section->bytes + program.at, program.len);
	while (!r->bad && cursor_left(&r->c))
		step(r);
}

bool cfi_run_common(struct cfi_machine *m, const struct cfi_section *s, const struct cfi_common *c,
	struct cfi_state *initial)
{
	struct run r = { .m = m, .section = s, .common = c };

	memset(&m->now, 0, sizeof(m->now));
	memset(&m->initial, 0, sizeof(m->initial));
	run(&r, c->program);
	if (!r.bad)
		*initial = m->now;
	return !r.bad;
}

void cfi_run_function(struct cfi_machine *m, const struct cfi_section *s,
	const struct cfi_common *c, const struct cfi_state *initial, const struct cfi_function *f,
	cfi_row_handler row, void *ctx)
{
	struct run r = { .m = m,
		.section = s,
		.common = c,
		.vaddr = f->vaddr,
		.size = f->size,
		.row = row,
		.ctx = ctx };

	m->now = *initial;
	m->initial = *initial;
	run(&r, f->program);
	if (!r.bad)
		end_row(&r, f->size);
}
