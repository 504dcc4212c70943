/* Where sections and segments with code are, and where functions begin. */
#include "format/symbols/same_code.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/sorted.h"

enum {
	FEW = 16,                /* one function in so many may not fit */
	CHUNK = 1024,            /* symbols that are read at once */
	MAX_SYMBOLS = 1 << 22,   /* of a table: more are not looked at */
	MAX_FUNCTIONS = 1 << 21, /* of a program that is compared; libLLVM has 100,000 */
	NEAR = 16,               /* bytes */
	MAX_INSIDE = 64,         /* beginnings that are looked at for one symbol */
};

/* ---- where code is ---- */

/* Where code is, by the one table or the other: from its row i on. */
struct code_range {
	uint64_t start, size;
};

typedef bool (*next_range)(const struct elf_image *e, uint32_t *i, struct code_range *r);

static bool next_code_section(const struct elf_image *e, uint32_t *i, struct code_range *r)
{
	while (*i < e->n_sections) {
		const GElf_Shdr *s = &e->sections[(*i)++];

		*r = (struct code_range){ s->sh_addr, s->sh_size };
		if ((s->sh_flags & SHF_EXECINSTR) && s->sh_size)
			return true;
	}
	return false;
}

static bool next_code_segment(const struct elf_image *e, uint32_t *i, struct code_range *r)
{
	while (*i < e->n_segments) {
		const GElf_Phdr *p = &e->segments[(*i)++];

		*r = (struct code_range){ p->p_vaddr, p->p_memsz };
		if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
			return true;
	}
	return false;
}

/* A file that has no such table may be of any code. */
static bool same_ranges(const struct elf_image *a, const struct elf_image *b, next_range next)
{
	uint32_t i = 0, k = 0;
	struct code_range p, q;
	bool of_a = next(a, &i, &p), of_b = next(b, &k, &q);

	if (!of_a || !of_b)
		return true;
	while (of_a && of_b && p.start == q.start && p.size == q.size) {
		of_a = next(a, &i, &p);
		of_b = next(b, &k, &q);
	}
	return !of_a && !of_b;
}

/* ---- where functions begin ---- */

/* Those of the program, by address. */
struct beginnings {
	uint64_t *at; /* owned */
	uint8_t *is;  /* owned; enum place */
	uint32_t n;
};

/* What the debug file has there. */
enum place { NOTHING, INSIDE, BEGINNING };

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The table that .eh_frame_hdr has for searching, in the only form that linkers make: two numbers of 4 bytes a
 * function, from the header on (Linux Standard Base Core, "Exception Frame Header"). */
static void read_beginnings(const struct elf_image *e, const GElf_Phdr *p, struct beginnings *b)
{
	enum { HEADER = 12, ROW = 2 };
	static const uint8_t form[] = { 1, 0x1b, 0x03, 0x3b };
	uint8_t header[HEADER];
	uint32_t claimed;
	int32_t *rows;

	if (elf_image_read(e, p->p_offset, header, HEADER) < HEADER ||
		memcmp(header, form, sizeof(form)) != 0)
		return;
	memcpy(&claimed, header + 8, sizeof(claimed));
	if (claimed > p->p_filesz / sizeof(*rows) / ROW || claimed > MAX_FUNCTIONS)
		return;
	rows = xcalloc((size_t)claimed * ROW + 1, sizeof(*rows));
	b->n = (uint32_t)(elf_image_read(e, p->p_offset + HEADER, rows,
				  (size_t)claimed * ROW * sizeof(*rows)) /
		(ROW * sizeof(*rows)));
	b->at = xcalloc(b->n + 1, sizeof(*b->at));
	b->is = xcalloc(b->n + 1, 1);
	for (uint32_t i = 0; i < b->n; i++)
		b->at[i] = p->p_vaddr + (uint64_t)(int64_t)rows[(size_t)i * ROW];
	free(rows);
	qsort(b->at, b->n, sizeof(*b->at), by_number);
}

static void find_beginnings(const struct elf_image *e, struct beginnings *b)
{
	if (e->encoding != (BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB))
		return;
	for (uint32_t i = 0; i < e->n_segments && !b->at; i++)
		if (e->segments[i].p_type == PT_GNU_EH_FRAME)
			read_beginnings(e, &e->segments[i], b);
}

/* Assembly may tell of a function from behind its first instruction on. */
static void compare_function(struct beginnings *b, const GElf_Sym *s)
{
	uint32_t from = (uint32_t)sorted_from(b->at, b->n, s->st_value);

	for (uint32_t i = from; i < b->n && i - from < MAX_INSIDE; i++) {
		uint64_t into = b->at[i] - s->st_value;

		if (into >= NEAR && into >= s->st_size)
			break;
		if (into < NEAR)
			b->is[i] = BEGINNING;
		else if (b->is[i] == NOTHING)
			b->is[i] = INSIDE;
	}
}

static void compare_table(struct beginnings *b, const struct elf_image *debug,
	const GElf_Shdr *table)
{
	uint64_t n = elf_image_n_records(debug, ELF_T_SYM, table);
	GElf_Sym *symbols = xcalloc(CHUNK, sizeof(*symbols));
	size_t got = CHUNK;

	for (uint64_t at = 0; at < n && at < MAX_SYMBOLS && got == CHUNK; at += got) {
		got = elf_image_records(debug, ELF_T_SYM, table->sh_offset, at, symbols,
			n - at < CHUNK ? n - at : CHUNK);
		for (size_t i = 0; i < got; i++)
			if (GELF_ST_TYPE(symbols[i].st_info) == STT_FUNC &&
				symbols[i].st_shndx != SHN_UNDEF)
				compare_function(b, &symbols[i]);
	}
	free(symbols);
}

/* The first: a file has no other. */
static const GElf_Shdr *find_symbols(const struct elf_image *e)
{
	for (uint32_t i = 0; i < e->n_sections; i++)
		if (e->sections[i].sh_type == SHT_SYMTAB)
			return &e->sections[i];
	return NULL;
}

static bool same_functions(const struct elf_image *program, const struct elf_image *debug)
{
	const GElf_Shdr *table = find_symbols(debug);
	struct beginnings b = { .n = 0 };
	uint32_t n_wrong = 0;

	find_beginnings(program, &b);
	if (b.n && table)
		compare_table(&b, debug, table);
	for (uint32_t i = 0; i < b.n; i++)
		n_wrong += b.is[i] == INSIDE;
	free(b.at);
	free(b.is);
	return n_wrong <= b.n / FEW;
}

bool same_code(const struct elf_image *program, const struct elf_image *debug)
{
	return same_ranges(program, debug, next_code_section) &&
		same_ranges(program, debug, next_code_segment) && same_functions(program, debug);
}
