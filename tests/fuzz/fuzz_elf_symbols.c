/* An ELF image out of anyone's hands: headers, sections, symbol tables, relocations and stubs of
 * linkage tables, notes. The input is the image; addresses all over it are asked for, densely at
 * the start of each loaded segment and each section of code. Whatever it holds, the answers must
 * lie within the rules: a name is not empty and its function starts at or before the address. The
 * input is read from memory that ends where it ends, so a read too far is seen. */
#include <stdlib.h>
#include <string.h>

#include "format/symbols/build_id.h"
#include "format/symbols/elf_symbols.h"
#include "format/symbols/same_code.h"

enum { QUERIES = 256 };

/* Of two files, too. */
static void compare_with_half(const struct elf_image *e, const uint8_t *data, size_t size)
{
	struct elf_image other;

	same_code(e, e);
	if (elf_image_open_memory(&other, data + size / 2, size - size / 2, NULL) == 0) {
		same_code(e, &other);
		same_code(&other, e);
	}
	elf_image_done(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t ask_around(struct symbol_query *q, size_t n, uint64_t offset)
{
	for (unsigned i = 0; i < 24 && n < QUERIES; i++)
		q[n++].address = offset + i * 4 + i % 3;
	return n;
}

static size_t ask(const struct elf_image *e, struct symbol_query *q)
{
	size_t n = 0;

	for (; n < 64; n++)
		q[n].address = e->size / 64 * n;
	for (uint32_t i = 0; i < e->n_segments; i++)
		if (e->segments[i].p_type == PT_LOAD)
			n = ask_around(q, n, e->segments[i].p_offset);
	for (uint32_t i = 0; i < e->n_sections; i++)
		if (e->sections[i].sh_flags & SHF_EXECINSTR)
			n = ask_around(q, n, e->sections[i].sh_offset);
	symbol_query_sort(q, n);
	return n;
}

static void check(const struct symbol_query *q, size_t n, int found)
{
	for (size_t i = 0; i < n; i++) {
		if (!q[i].name)
			continue;
		found--;
		if (!*q[i].name || strlen(q[i].name) > SYMBOL_NAME_MAX + strlen("@plt") ||
			q[i].start > q[i].address)
			abort();
	}
	if (found)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_query q[QUERIES] = { 0 };
	struct arena arena = { 0 };
	struct build_id id = { 0 };
	struct elf_image e;
	struct err err;

	if (elf_image_open_memory(&e, data, size, &err) == 0) {
		size_t n = ask(&e, q);
		int found = elf_symbols_resolve(&e, size & 1 ? &e : NULL, q, n, &arena, &err);

		if (found >= 0)
			check(q, n, found);
		compare_with_half(&e, data, size);
		if (build_id_of_image(&e, &id, &err) == 0 && (!id.len || id.len > sizeof(id.bytes)))
			abort();
	}
	elf_image_done(&e);
	arena_done(&arena);
	return 0;
}
