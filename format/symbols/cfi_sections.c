#include "format/symbols/cfi_sections.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "format/base/arena.h"

enum {
	MAX_SECTION = 128 << 20, /* Chromium's is 11 MB */
	MAX_HEADER = 64,
	MAX_RATIO = 1032, /* zlib can do no better */
};

static const GElf_Shdr *find_section(const struct elf_image *e, const char *name)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (e->sections[i].sh_type != SHT_NOBITS &&
			elf_image_section_is(e, &e->sections[i], name))
			return &e->sections[i];
	return NULL;
}

static bool read_bytes(const struct elf_image *e, uint64_t offset, uint64_t size,
	struct cfi_section *s)
{
	uint8_t *bytes;

	if (offset >= e->size)
		return false;
	size = size < e->size - offset ? size : e->size - offset;
	if (size > MAX_SECTION)
		return false;
	bytes = xcalloc(size + 1, 1);
	s->len = (uint32_t)elf_image_read(e, offset, bytes, size);
	s->bytes = bytes;
	return true;
}

/* Where .eh_frame_hdr says that .eh_frame is. How long that is nobody says: as long as it can be read. */
static bool read_by_segment(const struct elf_image *e, struct cfi_section *s)
{
	for (uint32_t i = 0; i < e->n_segments; i++) {
		const GElf_Phdr *p = &e->segments[i];
		uint8_t bytes[MAX_HEADER];
		struct cfi_section header = { .bytes = bytes, .vaddr = p->p_vaddr, .eh = true };
		uint64_t offset;

		if (p->p_type != PT_GNU_EH_FRAME)
			continue;
		header.len = (uint32_t)elf_image_read(e, p->p_offset, bytes, sizeof(bytes));
		if (!cfi_read_header(&header, &s->vaddr) || !elf_image_offset(e, s->vaddr, &offset))
			return false;
		for (uint32_t k = 0; k < e->n_segments; k++) {
			const GElf_Phdr *in = &e->segments[k];

			if (in->p_type == PT_LOAD && offset >= in->p_offset &&
				offset - in->p_offset < in->p_filesz)
				return read_bytes(e, offset, in->p_filesz - (offset - in->p_offset),
					s);
		}
	}
	return false;
}

bool cfi_read_eh_frame(const struct elf_image *e, struct cfi_section *s)
{
	const GElf_Shdr *h = find_section(e, ".eh_frame");

	*s = (struct cfi_section){ .eh = true };
	if (!h || h->sh_flags & SHF_COMPRESSED)
		return read_by_segment(e, s);
	s->vaddr = h->sh_addr;
	return read_bytes(e, h->sh_offset, h->sh_size, s);
}

/* ELF gABI, "Section Compression". */
static bool decompress(struct cfi_section *s)
{
	Elf64_Chdr h;
	uLongf len;
	uint8_t *bytes;

	if (s->len < sizeof(h))
		return false;
	memcpy(&h, s->bytes, sizeof(h));
	if (h.ch_type != ELFCOMPRESS_ZLIB || !h.ch_size || h.ch_size > MAX_SECTION ||
		h.ch_size / MAX_RATIO > s->len)
		return false;
	len = h.ch_size;
	bytes = xcalloc(h.ch_size, 1);
	if (uncompress(bytes, &len, s->bytes + sizeof(h), s->len - sizeof(h)) != Z_OK) {
		free(bytes);
		return false;
	}
	free((uint8_t *)s->bytes);
	s->bytes = bytes;
	s->len = (uint32_t)len;
	return true;
}

bool cfi_read_debug_frame(const struct elf_image *e, struct cfi_section *s)
{
	const GElf_Shdr *h = find_section(e, ".debug_frame");

	*s = (struct cfi_section){ .eh = false };
	if (!h || !read_bytes(e, h->sh_offset, h->sh_size, s))
		return false;
	if (!(h->sh_flags & SHF_COMPRESSED) || decompress(s))
		return true;
	free((uint8_t *)s->bytes);
	return false;
}
