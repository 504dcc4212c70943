/* Each page of memory has a list of the code that was ever in it, newest first. */
#include "format/symbols/jit_codes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PAGE_SHIFT = 12,
	MAX_LINKS = 1 << 20,
	MAX_PAGES = 1 << 14, /* of one code: 64 MB */
	MAX_WALK = 512,      /* steps in the list of a page, where some 128 functions fit */
	MAX_SAME = 16,       /* codes of one name in a row */
};

/* A place in the list of a page. */
struct jit_link {
	uint32_t code, older; /* numbers; older 0: none */
};

void jit_codes_init(struct jit_codes *c, int fd, char name_end)
{
	*c = (struct jit_codes){ .fd = fd, .name_end = name_end, .blind_ns = JIT_NEVER };
	c->n_links = c->n = 1;
	map_init(&c->newest_link, 64);
}

void jit_codes_done(struct jit_codes *c)
{
	map_done(&c->newest_link);
	free(c->links);
	free(c->codes);
}

static bool covers(const struct jit_code *c, uint64_t address)
{
	return address >= c->start && address - c->start < c->size;
}

static bool overlap(const struct jit_code *a, const struct jit_code *b)
{
	return covers(a, b->start) || covers(b, a->start);
}

static uint32_t newest_of_page(const struct jit_codes *c, uint64_t page)
{
	const uint32_t *at = map_get(&c->newest_link, page);

	return at ? *at : 0;
}

static uint64_t first_page(const struct jit_code *c)
{
	return c->start >> PAGE_SHIFT;
}

static uint64_t last_page(const struct jit_code *c)
{
	return (c->start + c->size - 1) >> PAGE_SHIFT;
}

static bool has_addresses(const struct jit_code *c)
{
	return c->size && c->size - 1 <= UINT64_MAX - c->start;
}

static bool has_room(const struct jit_codes *c, const struct jit_code *code)
{
	uint64_t more = last_page(code) - first_page(code);

	return c->n < JIT_MAX_CODES && more < MAX_PAGES && more < MAX_LINKS - c->n_links;
}

uint64_t jit_codes_bytes(const struct jit_codes *c)
{
	return c->n * sizeof(*c->codes) + c->n_links * sizeof(*c->links) +
		c->newest_link.count * 2 * sizeof(uint64_t);
}

/* One more than any that it overlaps has. Where that would take long to find out it is one that no other
 * has at all. */
uint32_t jit_codes_next_version(const struct jit_codes *c, const struct jit_code *code)
{
	uint32_t version = 0, steps = 0;

	if (!has_addresses(code) || !has_room(c, code))
		return 1;
	for (uint64_t page = first_page(code); page <= last_page(code); page++) {
		for (uint32_t at = newest_of_page(c, page); at; at = c->links[at].older) {
			const struct jit_code *old = &c->codes[c->links[at].code];

			if (++steps > MAX_WALK)
				return JIT_MAX_CODES + c->n;
			if (overlap(old, code) && old->version > version)
				version = old->version;
		}
	}
	return version + 1;
}

bool jit_codes_first_since(const struct jit_codes *c, const struct jit_code *code, uint32_t since)
{
	uint32_t steps = 0;

	if (!has_addresses(code) || !has_room(c, code))
		return false;
	for (uint64_t page = first_page(code); page <= last_page(code); page++) {
		for (uint32_t at = newest_of_page(c, page); at; at = c->links[at].older) {
			const struct jit_code *old = &c->codes[c->links[at].code];

			if (++steps > MAX_WALK)
				return true;
			if (c->links[at].code < since)
				break;
			if (old->version == 1 && overlap(old, code))
				return true;
		}
	}
	return false;
}

static void push_link(struct jit_codes *c, uint64_t page)
{
	uint32_t *newest = map_put(&c->newest_link, page, NULL);

	if (!c->links || c->n_links == c->cap_links) {
		c->cap_links = c->cap_links ? 2 * c->cap_links : 256;
		c->links = xrealloc(c->links, c->cap_links, sizeof(*c->links));
	}
	c->links[c->n_links] = (struct jit_link){ c->n, *newest };
	*newest = c->n_links++;
}

bool jit_codes_add(struct jit_codes *c, const struct jit_code *code)
{
	uint32_t version = jit_codes_next_version(c, code);

	if (!has_addresses(code))
		return true;
	if (!has_room(c, code))
		return false;
	if (!c->codes || c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 256;
		c->codes = xrealloc(c->codes, c->cap, sizeof(*c->codes));
	}
	c->codes[c->n] = *code;
	c->codes[c->n].version = version;
	c->replaced |= version > 1;
	for (uint64_t page = first_page(code); page <= last_page(code); page++)
		push_link(c, page);
	c->n++;
	return true;
}

/* ---- answers ---- */

/* The newest code at the address that is not younger, from this place of the list of its page on. */
static const struct jit_code *first_before(const struct jit_codes *c, uint32_t *at,
	uint64_t address, uint64_t time_ns)
{
	uint32_t steps = 0;

	for (; *at && steps++ < MAX_WALK; *at = c->links[*at].older) {
		const struct jit_code *code = &c->codes[c->links[*at].code];

		if (code->time_ns <= time_ns && covers(code, address))
			return code;
	}
	return NULL;
}

const struct jit_code *jit_codes_find(const struct jit_codes *c, uint64_t address, uint64_t time_ns)
{
	uint32_t at = newest_of_page(c, address >> PAGE_SHIFT);

	return time_ns < c->blind_ns ? first_before(c, &at, address, time_ns) : NULL;
}

size_t jit_codes_name(const struct jit_codes *c, const struct jit_code *code,
	char text[SYMBOL_NAME_MAX])
{
	size_t max = code->name_max < SYMBOL_NAME_MAX ? code->name_max : SYMBOL_NAME_MAX;
	ssize_t n = 0;
	const char *end;

	if (code->name_at && c->fd >= 0)
		n = pread(c->fd, text, max, (off_t)code->name_at);
	else if (code->name_at)
		n = (ssize_t)max;
	if (n > 0 && c->fd < 0)
		memcpy(text, (const char *)(uintptr_t)code->name_at, max);
	end = n > 0 ? memchr(text, c->name_end, (size_t)n) : NULL;
	return n > 0 ? strnlen(text, end ? (size_t)(end - text) : (size_t)n) : 0;
}

static bool same_name(const struct jit_codes *c, const struct jit_code *a, const struct jit_code *b)
{
	char texts[2][SYMBOL_NAME_MAX];
	size_t n = jit_codes_name(c, a, texts[0]);

	return n && n == jit_codes_name(c, b, texts[1]) && memcmp(texts[0], texts[1], n) == 0;
}

const struct jit_code *jit_codes_find_all_along(const struct jit_codes *c, uint64_t address,
	uint64_t from_ns, uint64_t until_ns)
{
	uint32_t at = newest_of_page(c, address >> PAGE_SHIFT), n_same = 0;
	const struct jit_code *last, *code;

	if (until_ns >= c->blind_ns)
		return NULL;
	last = code = first_before(c, &at, address, until_ns);
	while (code && code->time_ns > from_ns) {
		at = c->links[at].older;
		code = first_before(c, &at, address, until_ns);
		if (!code || ++n_same > MAX_SAME || !same_name(c, last, code))
			return NULL;
	}
	return last;
}
