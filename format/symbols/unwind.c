/* One step at a time: what is at the address, which rule holds there, where were the caller's registers. */
#include "format/symbols/unwind.h"

#include <string.h>

#include "format/symbols/cfi_expression.h"

struct walk {
	struct unwind_regs regs;
	const struct unwind_stack *stack;
	unwind_find find;
	void *ctx;
	struct unwind_result *to;
	struct unwind_chain chain;
	uint64_t link;     /* a frame pointer on the stack... */
	uint32_t chain_at; /* ...behind which this one of the chain is */
	bool interrupted;  /* the present frame did not call: its address is exact */
	bool elsewhere;    /* a signal handler had a stack of its own: the other was not copied */
};

enum { FAR = 64 << 20 }; /* from the copy: too far to be of the same stack */

static bool is_known(const struct unwind_regs *r, uint32_t reg)
{
	return r->known >> reg & 1;
}

static void set(struct unwind_regs *r, uint32_t reg, uint64_t value)
{
	r->value[reg] = value;
	r->known |= 1u << reg;
}

static bool stop(struct walk *w, enum unwind_end end)
{
	w->to->end = end;
	return false;
}

/* Ends where a word was needed that is not in the copy: it lies behind what was copied, or the address
 * is nonsense. */
static bool stop_at(struct walk *w, uint64_t address)
{
	const struct unwind_stack *s = w->stack;
	uint64_t into = address - s->start;
	bool behind = into < s->len + (uint64_t)FAR && into + UNWIND_WORD > s->len;

	return stop(w, w->elsewhere || behind ? UNWIND_COPY_ENDS : UNWIND_LOST);
}

static bool is_copied(const struct walk *w, uint64_t address)
{
	return address - w->stack->start < w->stack->len;
}

/* ---- the kernel's chain ---- */

/* A frame was left for its caller by way of this frame pointer. */
static void follow_chain(struct walk *w, uint64_t fp)
{
	if (fp != w->link || w->chain_at >= w->chain.n)
		return;
	if (w->chain.ips[w->chain_at] == w->regs.value[UNWIND_REG_RA]) {
		w->chain_at++;
		w->link = w->regs.value[UNWIND_REG_FP];
	} else {
		w->chain.n = 0; /* it goes another way */
	}
}

/* The frames that the copy no longer has, if the present one is on the chain. */
static void take_rest_of_chain(struct walk *w)
{
	struct unwind_result *to = w->to;
	uint32_t from = w->chain_at;
	struct unwind_code code;

	if (!is_known(&w->regs, UNWIND_REG_FP) || w->regs.value[UNWIND_REG_FP] != w->link)
		return;
	for (; w->chain_at < w->chain.n; w->chain_at++) {
		uint64_t ip = w->chain.ips[w->chain_at] - 1;

		if (to->n == UNWIND_MAX_FRAMES) {
			to->end = UNWIND_TOO_DEEP;
			return;
		}
		if (!w->find(w->ctx, ip, &code)) {
			to->end = UNWIND_LOST;
			return;
		}
		to->frames[to->n++] = ip;
		to->n_by_fp++;
	}
	if (w->chain_at > from)
		to->end = UNWIND_COMPLETE;
}

/* ---- by a rule ---- */

/* One register of the caller. False, with *outside set, if that is in memory that was not copied. */
static bool recover(const struct walk *w, const struct cfi *cfi, const struct cfi_reg *r,
	uint64_t cfa, struct unwind_regs *next, uint64_t *outside)
{
	const uint8_t *expression;
	uint64_t v = 0, at = cfa + (uint64_t)(int64_t)r->at;
	size_t len;

	switch (r->how) {
	case CFI_SAVED:
		*outside = at;
		if (!unwind_read(w->stack, at, &v))
			return false;
		break;
	case CFI_SUM: v = at; break;
	case CFI_REGISTER:
		if (!is_known(&w->regs, (uint32_t)r->at))
			return false;
		v = w->regs.value[r->at];
		break;
	case CFI_SAVED_BY:
	case CFI_VALUE_BY:
		expression = cfi_expression(cfi, r->at & 0xffffff, &len);
		if (!cfi_evaluate(expression, len, &w->regs, w->stack, &cfa, &v, outside))
			return false;
		if (r->how == CFI_VALUE_BY)
			break;
		*outside = v;
		if (!unwind_read(w->stack, v, &v))
			return false;
		break;
	default: return false;
	}
	set(next, r->reg, v);
	return true;
}

static bool find_cfa(const struct walk *w, const struct cfi *cfi, const struct cfi_rule *r,
	uint64_t *cfa, uint64_t *outside)
{
	const uint8_t *expression;
	size_t len;

	if (r->cfa_how == CFI_REGISTER) {
		if (!is_known(&w->regs, r->cfa_reg))
			return false;
		*cfa = w->regs.value[r->cfa_reg] + (uint64_t)(int64_t)r->cfa_at;
		return true;
	}
	expression = cfi_expression(cfi, r->cfa_at, &len);
	return cfi_evaluate(expression, len, &w->regs, w->stack, NULL, cfa, outside);
}

/* Registers whose value is not known in the caller are marked so: an error only when they are needed. */
static void recover_all(struct walk *w, const struct cfi *cfi, const struct cfi_rule *r,
	uint64_t cfa, struct unwind_regs *next, uint64_t *outside)
{
	for (uint32_t i = 0; i < r->n_regs; i++) {
		uint64_t at = 0;

		next->known &= ~(1u << r->regs[i].reg);
		if (!recover(w, cfi, &r->regs[i], cfa, next, &at) &&
			r->regs[i].reg == UNWIND_REG_RA)
			*outside = at;
	}
}

/* Whether code has set up its frame pointer there. */
static bool keeps_fp(const struct cfi_rule *r)
{
	return r->cfa_how == CFI_REGISTER && r->cfa_reg == UNWIND_REG_FP &&
		r->cfa_at == 2 * UNWIND_WORD && r->flags & CFI_USUAL;
}

/* Goes to the caller. False, and the end told, if that is not possible. */
static bool step_by_rule(struct walk *w, const struct cfi *cfi, const struct cfi_rule *r)
{
	bool signal = r->flags & CFI_SIGNAL;
	uint64_t fp = w->regs.value[UNWIND_REG_FP];
	struct unwind_regs next = w->regs;
	uint64_t cfa, outside = 0, ra;

	if (r->flags & CFI_END)
		return stop(w, UNWIND_COMPLETE);
	if (!find_cfa(w, cfi, r, &cfa, &outside))
		return stop_at(w, outside);
	if (!signal && cfa <= w->regs.value[UNWIND_REG_SP])
		return stop(w, UNWIND_LOST); /* stacks grow downwards */
	next.known &= signal ? ~(1u << UNWIND_REG_RA) : UNWIND_KEPT;
	set(&next, UNWIND_REG_SP, cfa);
	recover_all(w, cfi, r, cfa, &next, &outside);
	if (r->flags & CFI_USUAL) {
		outside = cfa - UNWIND_WORD;
		if (unwind_read(w->stack, outside, &ra))
			set(&next, UNWIND_REG_RA, ra);
	}
	if (!is_known(&next, UNWIND_REG_RA))
		return stop_at(w, outside);
	w->regs = next;
	w->interrupted = signal;
	w->elsewhere |= signal && !is_copied(w, next.value[UNWIND_REG_SP]);
	w->to->n_by_cfi++;
	if (keeps_fp(r))
		follow_chain(w, fp);
	return true;
}

/* ---- by the frame pointer ---- */

static bool is_code(const struct walk *w, uint64_t ra)
{
	struct unwind_code code;

	return w->find(w->ctx, ra - 1, &code);
}

/* A frame pointer leads to the caller's, and behind it is the return address. */
static bool step_by_fp(struct walk *w)
{
	uint64_t fp = w->regs.value[UNWIND_REG_FP], next, ra;
	struct unwind_regs *r = &w->regs;

	if (!is_known(r, UNWIND_REG_FP))
		return stop(w, UNWIND_LOST);
	if (!fp) /* the ABI's mark of the outermost frame */
		return stop(w, UNWIND_COMPLETE);
	if (fp < r->value[UNWIND_REG_SP] || fp % UNWIND_WORD)
		return stop(w, UNWIND_LOST);
	if (!unwind_read(w->stack, fp, &next) || !unwind_read(w->stack, fp + UNWIND_WORD, &ra))
		return stop_at(w, fp + UNWIND_WORD);
	if (ra && !is_code(w, ra))
		return stop(w, UNWIND_LOST);
	r->known &= UNWIND_KEPT;
	set(r, UNWIND_REG_FP, next);
	set(r, UNWIND_REG_SP, fp + 2 * UNWIND_WORD);
	set(r, UNWIND_REG_RA, ra);
	w->interrupted = false;
	w->to->n_by_fp++;
	follow_chain(w, fp);
	return true;
}

/* Code without a rule that has called nobody yet, such as assembly by hand, often keeps no frame at all;
 * then the word at the stack pointer is the return address. Believed if a binary that has rules has one
 * for it. */
static bool step_out_of_leaf(struct walk *w)
{
	struct unwind_regs *r = &w->regs;
	uint64_t sp = r->value[UNWIND_REG_SP], ra;
	struct unwind_code code;

	if (!unwind_read(w->stack, sp, &ra) || !w->find(w->ctx, ra - 1, &code) || !code.cfi ||
		!cfi_find(code.cfi, code.offset))
		return false;
	r->known &= UNWIND_KEPT;
	set(r, UNWIND_REG_SP, sp + UNWIND_WORD);
	set(r, UNWIND_REG_RA, ra);
	w->interrupted = false;
	w->to->n_by_fp++;
	return true;
}

/* ---- the walk ---- */

static bool step(struct walk *w, const struct unwind_code *code, const struct cfi_rule *rule)
{
	bool innermost = w->to->n == 1;

	if (rule ? step_by_rule(w, code->cfi, rule) : step_by_fp(w))
		return true;
	if (!rule && innermost && w->to->end == UNWIND_LOST)
		return step_out_of_leaf(w);
	if (w->to->end == UNWIND_COPY_ENDS && (!rule || keeps_fp(rule)))
		take_rest_of_chain(w);
	return false;
}

/* Notes the present frame and goes to its caller. False at the end. */
static bool visit(struct walk *w)
{
	struct unwind_result *to = w->to;
	uint64_t ip = w->regs.value[UNWIND_REG_RA], look = ip - !w->interrupted;
	const struct cfi_rule *rule = NULL;
	struct unwind_code code = { NULL, 0 };

	if (!ip)
		return stop(w, UNWIND_COMPLETE);
	if (to->n == UNWIND_MAX_FRAMES)
		return stop(w, UNWIND_TOO_DEEP);
	if (!w->find(w->ctx, look, &code) && to->n)
		return stop(w, UNWIND_LOST);
	if (code.cfi)
		rule = cfi_find(code.cfi, code.offset);
	to->frames[to->n++] = rule && rule->flags & CFI_SIGNAL ? ip : look;
	return step(w, &code, rule);
}

void unwind(const struct unwind_regs *regs, const struct unwind_stack *stack,
	const struct unwind_chain *chain, unwind_find find, void *ctx, struct unwind_result *to)
{
	struct walk w = { .regs = *regs,
		.stack = stack,
		.chain = *chain,
		.link = regs->value[UNWIND_REG_FP],
		.chain_at = 1,
		.find = find,
		.ctx = ctx,
		.to = to,
		.interrupted = true };

	to->n = to->n_by_cfi = to->n_by_fp = 0;
	to->end = UNWIND_LOST;
	while (visit(&w))
		;
}
