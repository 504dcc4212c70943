#include "format/symbols/elf_find.h"

#include <string.h>

#include "format/symbols/demangle.h"

enum {
	CHUNK = 1024,
	MAX_SYMBOLS = 1 << 24, /* of a table; the largest known programs have three million */
};

struct find {
	const struct elf_image *code; /* whose segments say what is in the file */
	const char *wanted;
	void (*call)(void *ctx, const struct elf_function *f);
	void *ctx;
	struct arena scratch; /* of one chunk */
};

static bool is_function(const GElf_Sym *s)
{
	unsigned type = GELF_ST_TYPE(s->st_info);

	return s->st_shndx != SHN_UNDEF && s->st_name &&
		(type == STT_FUNC || type == STT_GNU_IFUNC);
}

/* Versions of symbols ("memcpy@@GLIBC_2.14") are not part of the name that people ask for. */
static bool is_called(const char *name, const char *wanted)
{
	size_t len = strcspn(name, "@");

	return strcmp(name, wanted) == 0 ||
		(name[len] && strlen(wanted) == len && memcmp(name, wanted, len) == 0);
}

static void offer(struct find *f, const struct elf_image *e, const GElf_Shdr *strings,
	const GElf_Sym *s)
{
	char linked[SYMBOL_NAME_MAX + 1];
	struct elf_function found = { .linked = linked, .size = s->st_size };
	/* Bit 0 of a function's address says that it is Thumb code. */
	uint64_t vaddr = e->machine == EM_ARM ? s->st_value & ~1ULL : s->st_value;

	if (!elf_image_text(e, strings, s->st_name, linked) ||
		!elf_image_offset(f->code, vaddr, &found.offset))
		return;
	found.name = demangle(&f->scratch, linked);
	found.name = found.name ? found.name : linked;
	found.chosen = GELF_ST_TYPE(s->st_info) == STT_GNU_IFUNC;
	found.matches = is_called(linked, f->wanted) || is_called(found.name, f->wanted);
	f->call(f->ctx, &found);
}

static uint64_t read_table(struct find *f, const struct elf_image *e, const GElf_Shdr *table)
{
	uint64_t n = elf_image_n_records(e, ELF_T_SYM, table), first = 0;
	const GElf_Shdr *strings = elf_image_section(e, table->sh_link);
	GElf_Sym chunk[CHUNK];
	size_t have;

	n = strings ? n : 0;
	for (n = n < MAX_SYMBOLS ? n : MAX_SYMBOLS; first < n; first += have) {
		have = elf_image_records(e, ELF_T_SYM, table->sh_offset, first, chunk,
			n - first < CHUNK ? n - first : CHUNK);
		if (!have)
			break;
		for (size_t i = 0; i < have; i++)
			if (is_function(&chunk[i]))
				offer(f, e, strings, &chunk[i]);
		arena_reset(&f->scratch);
	}
	return first;
}

static uint64_t read_tables(struct find *f, const struct elf_image *e, unsigned type)
{
	uint64_t n = 0;

	for (uint32_t i = 1; e && i < e->n_sections; i++)
		if (e->sections[i].sh_type == type)
			n += read_table(f, e, &e->sections[i]);
	return n;
}

uint64_t elf_find(const struct elf_image *code, const struct elf_image *debug, const char *wanted,
	void (*call)(void *ctx, const struct elf_function *f), void *ctx)
{
	struct find f = { .code = code, .wanted = wanted, .call = call, .ctx = ctx };
	uint64_t n;

	n = read_tables(&f, debug, SHT_SYMTAB);
	n += read_tables(&f, code, SHT_SYMTAB);
	n += read_tables(&f, code, SHT_DYNSYM);
	arena_done(&f.scratch);
	return n;
}
