#include "analyze/call_sites.h"

#include <stdlib.h>

#include "format/base/arena.h"

enum {
	MAX_SITES = 1 << 12,
	FIRST_SITES = 64,
	LONGEST_CALL = 7, /* bytes, but for prefixes */
	MIN_CALLERS = 2,  /* without a call, and... */
	MIN_CALLEES =
		4, /* ...whom they called: what a signal interrupts has but the handler's return above it */
};

struct call_site {
	uint64_t callee, caller;
};

static int by_callee(const void *a, const void *b)
{
	const struct call_site *p = a, *q = b;

	if (p->callee != q->callee)
		return p->callee > q->callee ? 1 : -1;
	return (p->caller > q->caller) - (p->caller < q->caller);
}

/* Sorts, each once. */
static void settle(struct call_sites *c)
{
	uint32_t n = 0;

	if (c->n)
		qsort(c->list, c->n, sizeof(*c->list), by_callee);
	for (uint32_t i = 0; i < c->n; i++)
		if (!n || by_callee(&c->list[n - 1], &c->list[i]) != 0)
			c->list[n++] = c->list[i];
	c->n = n;
}

void call_sites_add(struct call_sites *c, uint64_t caller, uint64_t callee)
{
	if (c->n == c->cap)
		settle(c);
	if (c->n == MAX_SITES)
		return;
	if (c->n > c->cap / 2 || !c->cap) {
		c->cap = c->cap ? 2 * c->cap : FIRST_SITES;
		c->list = xrealloc(c->list, c->cap, sizeof(*c->list));
	}
	c->list[c->n++] = (struct call_site){ .caller = caller, .callee = callee };
}

void call_sites_done(struct call_sites *c)
{
	free(c->list);
	*c = (struct call_sites){ .n = 0 };
}

/* Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, 2.1: how long an operand in memory is, from
 * its ModRM byte on. */
static unsigned operand_bytes(const uint8_t *modrm)
{
	unsigned mod = modrm[0] >> 6, rm = modrm[0] & 7, n = 1;
	bool has_sib = mod != 3 && rm == 4;

	n += has_sib;
	if (mod == 1)
		return n + 1;
	if (mod == 2 || (mod == 0 && (rm == 5 || (has_sib && (modrm[1] & 7) == 5))))
		return n + 4;
	return n;
}

/* Whether some instruction that calls ends with the last of these bytes: E8 with a distance, or FF /2. */
static bool ends_a_call(const uint8_t bytes[LONGEST_CALL])
{
	if (bytes[LONGEST_CALL - 5] == 0xe8)
		return true;
	for (unsigned at = 0; at + 2 <= LONGEST_CALL; at++)
		if (bytes[at] == 0xff && (bytes[at + 1] >> 3 & 7) == 2 &&
			at + 1 + operand_bytes(&bytes[at + 1]) == LONGEST_CALL)
			return true;
	return false;
}

static bool is_call(const struct elf_image *code, uint64_t last)
{
	uint8_t bytes[LONGEST_CALL + 1] = { 0 };

	return last >= LONGEST_CALL &&
		elf_image_read(code, last + 1 - LONGEST_CALL, bytes, LONGEST_CALL) ==
		LONGEST_CALL &&
		ends_a_call(bytes);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint32_t n_different(uint64_t *numbers, uint32_t n)
{
	uint32_t different = 0;

	if (n)
		qsort(numbers, n, sizeof(*numbers), by_number);
	for (uint32_t i = 0; i < n; i++)
		different += !i || numbers[i] != numbers[i - 1];
	return different;
}

bool call_sites_fit(struct call_sites *c, const struct elf_image *code)
{
	uint64_t *wrong = xcalloc(c->n + 1, sizeof(*wrong)); /* callers */
	uint32_t n_wrong = 0, n_callees = 0, n_uncalled = 0, end;

	settle(c);
	for (uint32_t i = 0; i < c->n; i = end) {
		bool called = false;

		for (end = i; end < c->n && c->list[end].callee == c->list[i].callee; end++)
			if (is_call(code, c->list[end].caller))
				called = true;
			else
				wrong[n_wrong++] = c->list[end].caller;
		n_callees++;
		n_uncalled += !called;
	}
	n_wrong = n_different(wrong, n_wrong);
	free(wrong);
	return (code->machine != EM_X86_64 && code->machine != EM_386) || n_wrong < MIN_CALLERS ||
		n_uncalled < MIN_CALLEES || n_uncalled <= n_callees / 2;
}
