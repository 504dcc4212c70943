/* Constant expressions of C, as they stand in the kernel's print formats after its preprocessor. */
#include "record/trace_constant.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NESTED = 64 };

struct expression {
	const char *p, *end;
	unsigned depth;
	bool bad;
};

static void skip_space(struct expression *e)
{
	while (e->p < e->end && isspace((unsigned char)*e->p))
		e->p++;
}

static bool take(struct expression *e, const char *operator)
{
	size_t len = strlen(operator);

	skip_space(e);
	if ((size_t)(e->end - e->p) < len || memcmp(e->p, operator, len) != 0)
		return false;
	e->p += len;
	return true;
}

static uint64_t fail(struct expression *e)
{
	e->bad = true;
	return 0;
}

static uint64_t integer(struct expression *e)
{
	char digits[32], *end;
	size_t n = 0;
	uint64_t v;

	while (e->p + n < e->end && n < sizeof(digits) - 1 && isalnum((unsigned char)e->p[n])) {
		digits[n] = e->p[n];
		n++;
	}
	digits[n] = '\0';
	v = strtoull(digits, &end, 0);
	if (end == digits || strspn(end, "uUlL") != strlen(end))
		return fail(e);
	e->p += n;
	return v;
}

/* What is behind "(unsigned long)", or NULL if what begins here is no cast. Names in brackets that
 * are followed by an operand are taken for a type. */
static const char *behind_cast(const struct expression *e)
{
	const char *p = e->p, *close;

	while (p < e->end && isspace((unsigned char)*p))
		p++;
	if (p == e->end || !(isalpha((unsigned char)*p) || *p == '_'))
		return NULL;
	close = p;
	while (close < e->end &&
		(isalnum((unsigned char)*close) || *close == '_' || *close == ' ' || *close == '*'))
		close++;
	return close < e->end && *close == ')' ? close + 1 : NULL;
}

static uint64_t sum(struct expression *e, int above);

static uint64_t operand(struct expression *e)
{
	const char *cast;
	uint64_t v;

	skip_space(e);
	if (e->bad || e->p == e->end || e->depth == MAX_NESTED)
		return fail(e);
	e->depth++;
	if (take(e, "-")) {
		v = -operand(e);
	} else if (take(e, "~")) {
		v = ~operand(e);
	} else if (take(e, "(")) {
		cast = behind_cast(e);
		e->p = cast ? cast : e->p;
		v = cast ? operand(e) : sum(e, 0);
		if (!cast && !take(e, ")"))
			fail(e);
	} else if (e->end - e->p >= 3 && e->p[0] == '\'' && e->p[2] == '\'') {
		v = (uint64_t)(unsigned char)e->p[1];
		e->p += 3;
	} else {
		v = integer(e);
	}
	e->depth--;
	return v;
}

static uint64_t shifted(struct expression *e, bool left, uint64_t a, uint64_t n)
{
	if (n > 63)
		return fail(e);
	return left ? a << n : a >> n;
}

/* By rising precedence: | ^ & << >> + - *. `above`: only what binds at least so tightly. */
static uint64_t sum(struct expression *e, int above)
{
	uint64_t v = operand(e);

	while (!e->bad) {
		if (above <= 0 && take(e, "|"))
			v |= sum(e, 1);
		else if (above <= 1 && take(e, "^"))
			v ^= sum(e, 2);
		else if (above <= 2 && take(e, "&"))
			v &= sum(e, 3);
		else if (above <= 3 && take(e, "<<"))
			v = shifted(e, true, v, sum(e, 4));
		else if (above <= 3 && take(e, ">>"))
			v = shifted(e, false, v, sum(e, 4));
		else if (above <= 4 && take(e, "+"))
			v += sum(e, 5);
		else if (above <= 4 && take(e, "-"))
			v -= sum(e, 5);
		else if (take(e, "*"))
			v *= operand(e);
		else
			break;
	}
	return v;
}

bool trace_constant(const char *text, size_t len, int64_t *value)
{
	struct expression e = { text, text + len, 0, false };
	uint64_t v = sum(&e, 0);

	skip_space(&e);
	if (e.bad || e.p != e.end)
		return false;
	*value = (int64_t)v;
	return true;
}
