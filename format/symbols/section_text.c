#include "format/symbols/section_text.h"

#include <string.h>
#include <zlib.h>

enum {
	PIECE = 16 << 10,
	MAX_RATIO = 1032, /* zlib can do no better */
};

const GElf_Shdr *section_find(const struct elf_image *e, const char *name)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (e->sections[i].sh_type != SHT_NOBITS &&
			elf_image_section_is(e, &e->sections[i], name))
			return &e->sections[i];
	return NULL;
}

static uint64_t stored_size(const struct elf_image *e, const GElf_Shdr *s)
{
	return s->sh_offset < e->size && s->sh_size <= e->size - s->sh_offset ? s->sh_size : 0;
}

static bool is_compressed(const GElf_Shdr *s)
{
	return s->sh_flags & SHF_COMPRESSED;
}

uint64_t section_size(const struct elf_image *e, const GElf_Shdr *s)
{
	uint64_t stored = stored_size(e, s);
	Elf64_Chdr h;

	if (!is_compressed(s))
		return stored;
	if (stored < sizeof(h) || e->class != ELFCLASS64 ||
		elf_image_read(e, s->sh_offset, &h, sizeof(h)) < sizeof(h) ||
		h.ch_type != ELFCOMPRESS_ZLIB || h.ch_size / MAX_RATIO > stored)
		return 0;
	return h.ch_size;
}

struct packed {
	const struct elf_image *from;
	uint64_t at, end; /* in the file */
	z_stream z;
	uint8_t piece[PIECE];
};

/* Unpacks up to len bytes; fewer where it ends or is damaged. */
static size_t inflate_some(struct packed *p, uint8_t *to, size_t len)
{
	int rc = Z_OK;

	len = len < UINT32_MAX ? len : UINT32_MAX;
	p->z.next_out = to;
	p->z.avail_out = (uInt)len;
	while (rc == Z_OK && p->z.avail_out) {
		if (!p->z.avail_in) {
			size_t n = p->end - p->at < PIECE ? p->end - p->at : PIECE;

			p->z.avail_in = (uInt)elf_image_read(p->from, p->at, p->piece, n);
			p->z.next_in = p->piece;
			p->at += p->z.avail_in;
		}
		rc = inflate(&p->z, Z_NO_FLUSH);
	}
	return len - p->z.avail_out;
}

static size_t read_packed(struct packed *p, uint64_t skip, void *to, size_t len)
{
	uint8_t nowhere[PIECE];

	while (skip) {
		size_t n = inflate_some(p, nowhere, skip < PIECE ? skip : PIECE);

		if (!n)
			return 0;
		skip -= n;
	}
	return inflate_some(p, to, len);
}

size_t section_read(const struct elf_image *e, const GElf_Shdr *s, uint64_t offset, void *to,
	size_t len)
{
	struct packed p = { .from = e, .at = s->sh_offset + sizeof(Elf64_Chdr) };
	uint64_t size = section_size(e, s);

	if (offset >= size)
		return 0;
	len = len < size - offset ? len : size - offset;
	if (!is_compressed(s))
		return elf_image_read(e, s->sh_offset + offset, to, len);
	p.end = s->sh_offset + s->sh_size;
	if (inflateInit(&p.z) != Z_OK)
		return 0;
	len = read_packed(&p, offset, to, len);
	inflateEnd(&p.z);
	return len;
}
