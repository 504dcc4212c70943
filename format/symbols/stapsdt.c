#include "format/symbols/stapsdt.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

enum {
	NOTE_STAPSDT = 3,
	NOTES_MAX = 16 << 20, /* bytes; libjvm, with 532 markers, has 43 KB */
};

struct notes {
	const struct elf_image *image;
	void (*call)(void *ctx, const struct stapsdt *marker);
	void *ctx;
	uint32_t n;
};

static const GElf_Shdr *section(const struct elf_image *e, const char *name)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (elf_image_section_is(e, &e->sections[i], name))
			return &e->sections[i];
	return NULL;
}

static uint64_t number(const struct elf_image *e, const uint8_t *p, unsigned width)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < width; i++)
		v |= (uint64_t)p[i] << 8 * (e->encoding == ELFDATA2LSB ? i : width - 1 - i);
	return v;
}

/* The next text of the note, or NULL if it has no end. */
static const char *next_text(const uint8_t **p, const uint8_t *end)
{
	const char *text = (const char *)*p;
	const uint8_t *zero = memchr(*p, 0, (size_t)(end - *p));

	*p = zero ? zero + 1 : end;
	return zero ? text : NULL;
}

/* Three addresses (marker, base, semaphore), three texts. The base is what .stapsdt.base had as its
 * address when the note was written. */
static void take_note(struct notes *n, const uint8_t *p, size_t len, uint64_t base)
{
	unsigned width = n->image->class == ELFCLASS32 ? 4 : 8;
	const uint8_t *end = p + len;
	struct stapsdt m = { 0 };
	uint64_t vaddr, semaphore, moved, mask = width == 4 ? UINT32_MAX : UINT64_MAX;

	if (len < 3 * (size_t)width)
		return;
	/* Prelinking moves a file, but leaves its notes as they are. */
	moved = base ? base - number(n->image, p + width, width) : 0;
	vaddr = (number(n->image, p, width) + moved) & mask;
	semaphore = number(n->image, p + 2 * width, width);
	p += 3 * width;
	m.provider = next_text(&p, end);
	m.name = next_text(&p, end);
	m.arguments = next_text(&p, end);
	if (!m.provider || !m.name || !elf_image_offset(n->image, vaddr, &m.offset))
		return;
	if (semaphore && !elf_image_offset(n->image, (semaphore + moved) & mask, &m.semaphore))
		return;
	m.arguments = m.arguments ? m.arguments : "";
	n->n++;
	n->call(n->ctx, &m);
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Notes: three numbers of 4 bytes (sizes of name and content, type), name, content. */
static void walk(struct notes *n, const uint8_t *p, size_t len, uint64_t base)
{
	while (len >= 12) {
		size_t name = (size_t)number(n->image, p, 4);
		size_t content = (size_t)number(n->image, p + 4, 4);
		uint64_t type = number(n->image, p + 8, 4);

		if (padded(name) > len - 12 || padded(content) > len - 12 - padded(name))
			return;
		if (type == NOTE_STAPSDT && name == 8 && memcmp(p + 12, "stapsdt", 8) == 0)
			take_note(n, p + 12 + padded(name), content, base);
		p += 12 + padded(name) + padded(content);
		len -= 12 + padded(name) + padded(content);
	}
}

uint32_t stapsdt_each(const struct elf_image *e,
	void (*call)(void *ctx, const struct stapsdt *marker), void *ctx)
{
	const GElf_Shdr *s = section(e, ".note.stapsdt"), *base = section(e, ".stapsdt.base");
	struct notes n = { .image = e, .call = call, .ctx = ctx };
	uint8_t *bytes;
	size_t len;

	if (!s || s->sh_type != SHT_NOTE)
		return 0;
	len = s->sh_size < NOTES_MAX ? s->sh_size : NOTES_MAX;
	len = len < e->size ? len : e->size;
	bytes = xcalloc(len + 1, 1);
	len = elf_image_read(e, s->sh_offset, bytes, len);
	walk(&n, bytes, len, base ? base->sh_addr : 0);
	free(bytes);
	return n.n;
}
