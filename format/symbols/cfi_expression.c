#include "format/symbols/cfi_expression.h"

#include <dwarf.h>
#include <string.h>

#include "format/symbols/leb.h"

enum {
	STACK = 32,
	MAX_STEPS = 512, /* an expression may jump back */
};

struct machine {
	struct cursor c;
	const uint8_t *start;
	const struct unwind_regs *regs;
	const struct unwind_stack *memory;
	uint64_t stack[STACK];
	uint32_t n;
	uint64_t *outside;
	bool bad;
};

bool unwind_read(const struct unwind_stack *s, uint64_t address, uint64_t *value)
{
	uint64_t at = address - s->start;

	if (s->len < UNWIND_WORD || at > s->len - UNWIND_WORD)
		return false;
	memcpy(value, s->bytes + at, UNWIND_WORD);
	return true;
}

static void push(struct machine *m, uint64_t v)
{
	if (m->n == STACK)
		m->bad = true;
	else
		m->stack[m->n++] = v;
}

static uint64_t pop(struct machine *m)
{
	if (!m->n) {
		m->bad = true;
		return 0;
	}
	return m->stack[--m->n];
}

/* The value so many below the top. */
static void pick(struct machine *m, uint64_t down)
{
	if (down >= m->n)
		m->bad = true;
	else
		push(m, m->stack[m->n - 1 - down]);
}

static void push_register(struct machine *m, uint64_t reg, int64_t offset)
{
	if (reg >= UNWIND_REGS || !(m->regs->known >> reg & 1))
		m->bad = true;
	else
		push(m, m->regs->value[reg] + (uint64_t)offset);
}

static void load(struct machine *m, uint64_t size)
{
	uint64_t at = pop(m), v = 0;

	if (size == 0 || size > UNWIND_WORD || !unwind_read(m->memory, at, &v)) {
		*m->outside = at;
		m->bad = true;
	}
	push(m, size < UNWIND_WORD ? v & ((1ULL << 8 * size) - 1) : v);
}

static void jump(struct machine *m, bool taken)
{
	int16_t by = (int16_t)cursor_uint(&m->c, 2);
	int64_t to = m->c.p - m->start + by;

	if (!taken)
		return;
	if (to < 0 || to > m->c.end - m->start)
		m->bad = true;
	else
		m->c.p = m->start + to;
}

static void swap(struct machine *m, uint32_t a, uint32_t b)
{
	uint64_t v;

	if (a >= m->n || b >= m->n) {
		m->bad = true;
		return;
	}
	v = m->stack[m->n - 1 - a];
	m->stack[m->n - 1 - a] = m->stack[m->n - 1 - b];
	m->stack[m->n - 1 - b] = v;
}

static uint64_t shift_right(int64_t v, uint64_t by)
{
	return (uint64_t)(by < 64 ? v >> by : v < 0 ? -1 : 0);
}

static void compute(struct machine *m, uint8_t op)
{
	uint64_t b = pop(m), a = pop(m);
	int64_t x = (int64_t)a, y = (int64_t)b;

	switch (op) {
	case DW_OP_and: push(m, a & b); break;
	case DW_OP_or: push(m, a | b); break;
	case DW_OP_xor: push(m, a ^ b); break;
	case DW_OP_plus: push(m, a + b); break;
	case DW_OP_minus: push(m, a - b); break;
	case DW_OP_mul: push(m, a * b); break;
	case DW_OP_div:
		m->bad |= !y || (y == -1 && x == INT64_MIN);
		push(m, m->bad ? 0 : (uint64_t)(x / y));
		break;
	case DW_OP_mod:
		m->bad |= !b;
		push(m, m->bad ? 0 : a % b);
		break;
	case DW_OP_shl: push(m, b < 64 ? a << b : 0); break;
	case DW_OP_shr: push(m, b < 64 ? a >> b : 0); break;
	case DW_OP_shra: push(m, shift_right(x, b)); break;
	case DW_OP_eq: push(m, x == y); break;
	case DW_OP_ne: push(m, x != y); break;
	case DW_OP_lt: push(m, x < y); break;
	case DW_OP_le: push(m, x <= y); break;
	case DW_OP_gt: push(m, x > y); break;
	case DW_OP_ge: push(m, x >= y); break;
	default: m->bad = true; break;
	}
}

static bool constant(struct machine *m, uint8_t op)
{
	struct cursor *c = &m->c;

	switch (op) {
	case DW_OP_const1u: push(m, cursor_uint(c, 1)); return true;
	case DW_OP_const1s: push(m, (uint64_t)(int8_t)cursor_uint(c, 1)); return true;
	case DW_OP_const2u: push(m, cursor_uint(c, 2)); return true;
	case DW_OP_const2s: push(m, (uint64_t)(int16_t)cursor_uint(c, 2)); return true;
	case DW_OP_const4u: push(m, cursor_uint(c, 4)); return true;
	case DW_OP_const4s: push(m, (uint64_t)(int32_t)cursor_uint(c, 4)); return true;
	case DW_OP_const8u:
	case DW_OP_const8s: push(m, cursor_uint(c, 8)); return true;
	case DW_OP_constu: push(m, cursor_varint(c)); return true;
	case DW_OP_consts: push(m, (uint64_t)cursor_sleb(c)); return true;
	default: return false;
	}
}

static void other(struct machine *m, uint8_t op)
{
	struct cursor *c = &m->c;
	uint64_t v;

	switch (op) {
	case DW_OP_bregx:
		v = cursor_varint(c);
		push_register(m, v, cursor_sleb(c));
		break;
	case DW_OP_deref: load(m, UNWIND_WORD); break;
	case DW_OP_deref_size: load(m, cursor_uint(c, 1)); break;
	case DW_OP_dup: pick(m, 0); break;
	case DW_OP_over: pick(m, 1); break;
	case DW_OP_pick: pick(m, cursor_uint(c, 1)); break;
	case DW_OP_drop: pop(m); break;
	case DW_OP_swap: swap(m, 0, 1); break;
	case DW_OP_rot: /* the top goes below the next two */
		swap(m, 0, 1);
		swap(m, 1, 2);
		break;
	case DW_OP_abs:
		v = pop(m);
		push(m, (int64_t)v < 0 ? 0 - v : v);
		break;
	case DW_OP_neg: push(m, 0 - pop(m)); break;
	case DW_OP_not: push(m, ~pop(m)); break;
	case DW_OP_plus_uconst:
		v = pop(m);
		push(m, v + cursor_varint(c));
		break;
	case DW_OP_skip: jump(m, true); break;
	case DW_OP_bra: jump(m, pop(m) != 0); break;
	case DW_OP_nop: break;
	default: compute(m, op); break;
	}
}

static void step(struct machine *m)
{
	uint8_t op = (uint8_t)cursor_uint(&m->c, 1);

	if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		push_register(m, op - DW_OP_breg0, cursor_sleb(&m->c));
	else if (op >= DW_OP_lit0 && op <= DW_OP_lit31)
		push(m, op - DW_OP_lit0);
	else if (!constant(m, op))
		other(m, op);
	m->bad |= m->c.bad;
}

bool cfi_evaluate(const uint8_t *expression, size_t len, const struct unwind_regs *regs,
	const struct unwind_stack *stack, const uint64_t *first, uint64_t *value, uint64_t *outside)
{
	struct machine m = { .c = cursor_of(expression, len),
		.start = expression,
		.regs = regs,
		.memory = stack,
		.outside = outside };

	if (first)
		push(&m, *first);
	for (int i = 0; i < MAX_STEPS && !m.bad && cursor_left(&m.c); i++)
		step(&m);
	if (m.bad || cursor_left(&m.c) || !m.n)
		return false;
	*value = m.stack[m.n - 1];
	return true;
}
