/* Unpacked piece by piece into memory that grows, so a file that claims much takes only what it has;
 * xz's own memory is limited, and how much a bomb may make of itself. */
#include "format/symbols/minidebug.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

enum {
	FIRST_SIZE = 64 << 10,
	MAX_XZ_MEMORY = 128 << 20, /* bytes; `xz -9` takes 65 MB */
};

static const GElf_Shdr *packed_section(const struct elf_image *e)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const GElf_Shdr *s = &e->sections[i];

		if (s->sh_type == SHT_PROGBITS && s->sh_size &&
			s->sh_size <= MINIDEBUG_MAX_PACKED &&
			elf_image_section_is(e, s, ".gnu_debugdata"))
			return s;
	}
	return NULL;
}

/* Room for more, twice as much as before; false when there is enough already. */
static bool make_room(lzma_stream *xz, uint8_t **bytes, size_t *size)
{
	if (*size >= MINIDEBUG_MAX)
		return false;
	*size = *size ? 2 * *size : FIRST_SIZE;
	*bytes = xrealloc(*bytes, *size, 1);
	xz->next_out = *bytes + xz->total_out;
	xz->avail_out = *size - xz->total_out;
	return true;
}

/* The unpacked bytes (the caller's to free) and how many; NULL if they are damaged. */
static uint8_t *unpack(const uint8_t *packed, size_t packed_len, size_t *len)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	lzma_ret rc = lzma_stream_decoder(&xz, MAX_XZ_MEMORY, 0);
	uint8_t *bytes = NULL;
	size_t size = 0;

	xz.next_in = packed;
	xz.avail_in = packed_len;
	while (rc == LZMA_OK && (xz.avail_out || make_room(&xz, &bytes, &size)))
		rc = lzma_code(&xz, LZMA_FINISH);
	*len = xz.total_out;
	lzma_end(&xz);
	if (rc == LZMA_STREAM_END)
		return bytes;
	free(bytes);
	return NULL;
}

static uint8_t *unpack_section(const struct elf_image *code, const GElf_Shdr *s, size_t *len)
{
	uint8_t *packed = xrealloc(NULL, s->sh_size, 1), *bytes;
	size_t have = elf_image_read(code, s->sh_offset, packed, s->sh_size);

	bytes = unpack(packed, have, len);
	free(packed);
	return bytes;
}

const struct elf_image *minidebug_open(struct minidebug *m, const struct elf_image *code)
{
	const GElf_Shdr *s = packed_section(code);
	size_t len = 0;

	memset(m, 0, sizeof(*m));
	m->bytes = s ? unpack_section(code, s, &len) : NULL;
	if (m->bytes && elf_image_open_memory(&m->elf, m->bytes, len, NULL)) {
		free(m->bytes);
		m->bytes = NULL;
	}
	return m->bytes ? &m->elf : NULL;
}

void minidebug_close(struct minidebug *m)
{
	if (!m->bytes)
		return;
	elf_image_done(&m->elf);
	free(m->bytes);
	m->bytes = NULL;
}
