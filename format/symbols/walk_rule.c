/* Nearly all rules are a register and an offset; of expressions compilers, linkers and assembly by hand write
 * a handful of forms, which are known by sight. */
#include "format/symbols/walk_rule.h"

#include <dwarf.h>
#include <string.h>

#include "format/symbols/leb.h"

/* An expression on its way: what has been read was as it should be as long as `c` is not bad. */
struct reading {
	struct cursor c;
};

static struct reading begin(const struct cfi *c, int32_t at)
{
	size_t len;
	const uint8_t *bytes = cfi_expression(c, at & 0xffffff, &len);

	return (struct reading){ cursor_of(bytes, len) };
}

/* Register and offset: what most begin with. */
static bool read_register(struct reading *r, uint8_t *reg, int64_t *offset)
{
	uint64_t op = cursor_uint(&r->c, 1);

	if (r->c.bad || op < DW_OP_breg0 || op > DW_OP_breg0 + WALK_REG_RA)
		return false;
	*reg = (uint8_t)(op - DW_OP_breg0);
	*offset = cursor_sleb(&r->c);
	return !r->c.bad;
}

static bool read_op(struct reading *r, uint8_t op)
{
	return cursor_uint(&r->c, 1) == op && !r->c.bad;
}

static bool at_end(const struct reading *r)
{
	return !r->c.bad && !cursor_left(&r->c);
}

static bool fits(int64_t v)
{
	return v >= INT32_MIN && v <= INT32_MAX;
}

/* reg + offset, maybe followed by a dereference and an addition. */
static bool is_place(struct reading r, struct walk_rule *to)
{
	int64_t at, more = 0;

	if (!read_register(&r, &to->cfa_reg, &at) || !fits(at))
		return false;
	to->at = (int32_t)at;
	to->cfa = WALK_CFA_REGISTER;
	if (at_end(&r))
		return true;
	if (!read_op(&r, DW_OP_deref))
		return false;
	to->cfa = WALK_CFA_DEREF;
	if (!at_end(&r)) {
		if (!read_op(&r, DW_OP_plus_uconst))
			return false;
		more = (int64_t)cursor_varint(&r.c);
	}
	if (!at_end(&r) || !fits(more))
		return false;
	to->more = (int32_t)more;
	return true;
}

/* rsp + 8 + ((rip & 15) >= N) << 3: what linkers say of a linkage table, whose entries of 16 bytes push a
 * number on their way. */
static bool is_linkage(struct reading r, struct walk_rule *to)
{
	uint8_t ip, from;
	int64_t at, zero;

	if (!read_register(&r, &to->cfa_reg, &at) || !read_register(&r, &ip, &zero) ||
		ip != WALK_REG_RA || zero || !fits(at) || !read_op(&r, DW_OP_lit15) ||
		!read_op(&r, DW_OP_and))
		return false;
	from = (uint8_t)cursor_uint(&r.c, 1);
	if (r.c.bad || from < DW_OP_lit0 || from > DW_OP_lit15 || !read_op(&r, DW_OP_ge) ||
		!read_op(&r, DW_OP_lit3) || !read_op(&r, DW_OP_shl) || !read_op(&r, DW_OP_plus))
		return false;
	to->cfa = WALK_CFA_LINKAGE;
	to->at = (int32_t)at;
	to->more = from - DW_OP_lit0;
	return at_end(&r);
}

static bool set_cfa(const struct cfi *c, const struct cfi_rule *from, struct walk_rule *to)
{
	struct reading r;

	if (from->cfa_how == CFI_REGISTER) {
		to->cfa = WALK_CFA_REGISTER;
		to->cfa_reg = from->cfa_reg;
		to->at = from->cfa_at;
		return from->cfa_reg < WALK_REG_RA;
	}
	r = begin(c, from->cfa_at);
	return (is_place(r, to) && to->cfa_reg != WALK_REG_RA) || is_linkage(r, to);
}

/* In memory at a place counted from a register; all of a rule must use the same one. */
static bool place_by(const struct cfi *c, const struct cfi_rule *from, const struct cfi_reg *reg,
	struct walk_rule *to, int16_t *place)
{
	struct reading r = begin(c, reg->at);
	uint8_t base;
	int64_t at;

	if (!read_register(&r, &base, &at) || !at_end(&r) || base == WALK_REG_RA || at & 1 ||
		at > INT16_MAX || at < INT16_MIN)
		return false;
	if (to->base != WALK_BASE_CFA && to->base != base)
		return false;
	to->base = base;
	*place = (int16_t)at;
	return true;
}

/* Where a register of the caller is; false if that cannot be said. */
static bool place_of(const struct cfi *c, const struct cfi_rule *from, const struct cfi_reg *reg,
	struct walk_rule *to, int16_t *place)
{
	if (reg->how == CFI_SAVED_BY)
		return place_by(c, from, reg, to, place);
	if (reg->how != CFI_SAVED || reg->at & 1 || reg->at > INT16_MAX || reg->at < INT16_MIN)
		return false;
	*place = (int16_t)reg->at;
	return true;
}

static int kept_number(uint32_t reg)
{
	static const uint8_t regs[WALK_KEPT] = WALK_KEPT_REGS;

	for (int i = 0; i < WALK_KEPT; i++)
		if (regs[i] == reg)
			return i;
	return -1;
}

/* Places counted from the CFA and from a register do not go together in one rule. False if there are both,
 * or the return address is nowhere. */
static bool set_places(const struct cfi *c, const struct cfi_rule *from, struct walk_rule *to)
{
	bool by_cfa = false;

	for (uint32_t i = 0; i < from->n_regs; i++) {
		const struct cfi_reg *reg = &from->regs[i];
		int kept = kept_number(reg->reg);
		bool is_ra = reg->reg == WALK_REG_RA;
		int16_t *place;

		if (!is_ra && kept < 0)
			continue;
		place = is_ra ? &to->ra : &to->kept[kept];
		if (!place_of(c, from, reg, to, place)) {
			*place = WALK_LOST;
			continue;
		}
		by_cfa |= reg->how == CFI_SAVED && !is_ra;
		if (is_ra && reg->how == CFI_SAVED_BY)
			to->flags |= WALK_RA_BY_BASE;
	}
	return to->ra != WALK_LOST && !(by_cfa && to->base != WALK_BASE_CFA);
}

void walk_rule_make(const struct cfi *c, const struct cfi_rule *from, struct walk_rule *to)
{
	memset(to, 0, sizeof(*to));
	to->base = WALK_BASE_CFA;
	for (int i = 0; i < WALK_KEPT; i++)
		to->kept[i] = WALK_SAME;
	to->ra = from->flags & CFI_USUAL ? -8 : WALK_LOST;
	to->flags = from->flags & CFI_SIGNAL ? WALK_SIGNAL : 0;
	if (from->flags & CFI_END)
		to->cfa = WALK_CFA_END;
	else if (!set_cfa(c, from, to) || !set_places(c, from, to))
		to->cfa = WALK_CFA_OTHER;
}
