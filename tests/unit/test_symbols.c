/* Which symbol an address gets, on ELF images made here byte by byte: every class and byte order,
 * every rule of elf_symbols.h, and what damaged and hostile images may not do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/symbols/build_id.h"
#include "format/symbols/cover.h"
#include "format/symbols/elf_symbols.h"
#include "tests/unit/support.h"

/* ---- images ---- */

/* Where everything is in an image: code at 0x1000 in the file, 0x401000 in memory. */
enum {
	TEXT = 1,
	COLD,
	DATA,
	SYMTAB,
	STRTAB,
	N_SECTIONS,
	SEGMENT_OFFSET = 0x1000,
	VADDR = 0x401000,
	TEXT_SIZE = 0x1800,
	COLD_SIZE = 0x200,
	DATA_SIZE = 0x400,
	CODE_SIZE = TEXT_SIZE + COLD_SIZE + DATA_SIZE,
	SECTIONS_OFFSET = 0x200,
	TABLES_OFFSET = SEGMENT_OFFSET + CODE_SIZE,
};

struct made {
	const char *name;
	uint32_t at; /* from the start of the code */
	uint32_t size;
	int type, bind, section;
};

struct kind {
	int class, encoding, machine;
};

static const struct kind kinds[] = {
	{ ELFCLASS64, ELFDATA2LSB, EM_X86_64 },
	{ ELFCLASS64, ELFDATA2MSB, EM_S390 },
	{ ELFCLASS32, ELFDATA2LSB, EM_386 },
	{ ELFCLASS32, ELFDATA2MSB, EM_PPC },
};

static size_t put(uint8_t *image, const struct kind *k, size_t at, Elf_Type type,
	const void *record)
{
	size_t len = k->class == ELFCLASS32 ? elf32_fsize(type, 1, EV_CURRENT)
					    : elf64_fsize(type, 1, EV_CURRENT);
	Elf_Data from = { .d_buf = (void *)record,
		.d_size = len,
		.d_type = type,
		.d_version = EV_CURRENT };
	Elf_Data to = from;

	to.d_buf = image + at;
	if (k->class == ELFCLASS32)
		assert_non_null(elf32_xlatetof(&to, &from, k->encoding));
	else
		assert_non_null(elf64_xlatetof(&to, &from, k->encoding));
	return at + len;
}

static void put_ident(uint8_t *ident, const struct kind *k)
{
	memcpy(ident, ELFMAG, SELFMAG);
	ident[EI_CLASS] = k->class;
	ident[EI_DATA] = k->encoding;
	ident[EI_VERSION] = EV_CURRENT;
}

static void put_header(uint8_t *image, const struct kind *k)
{
	Elf64_Ehdr e64 = { .e_type = ET_DYN,
		.e_machine = k->machine,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(e64),
		.e_phoff = 0x100,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shoff = SECTIONS_OFFSET,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = N_SECTIONS };
	Elf32_Ehdr e32 = { .e_type = ET_DYN,
		.e_machine = k->machine,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(e32),
		.e_phoff = 0x100,
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
		.e_shoff = SECTIONS_OFFSET,
		.e_shentsize = sizeof(Elf32_Shdr),
		.e_shnum = N_SECTIONS };
	Elf64_Phdr p64 = { .p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = VADDR,
		.p_offset = SEGMENT_OFFSET,
		.p_filesz = CODE_SIZE,
		.p_memsz = CODE_SIZE };
	Elf32_Phdr p32 = { .p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = VADDR,
		.p_offset = SEGMENT_OFFSET,
		.p_filesz = CODE_SIZE,
		.p_memsz = CODE_SIZE };
	bool wide = k->class == ELFCLASS64;

	put_ident(e64.e_ident, k);
	put_ident(e32.e_ident, k);
	put(image, k, 0, ELF_T_EHDR, wide ? (void *)&e64 : (void *)&e32);
	put(image, k, 0x100, ELF_T_PHDR, wide ? (void *)&p64 : (void *)&p32);
}

static void put_section(uint8_t *image, const struct kind *k, int number, Elf64_Shdr s)
{
	Elf32_Shdr s32 = { .sh_type = s.sh_type,
		.sh_flags = (Elf32_Word)s.sh_flags,
		.sh_addr = (Elf32_Addr)s.sh_addr,
		.sh_offset = (Elf32_Off)s.sh_offset,
		.sh_size = (Elf32_Word)s.sh_size,
		.sh_link = s.sh_link,
		.sh_entsize = (Elf32_Word)s.sh_entsize };

	if (k->class == ELFCLASS64)
		put(image, k, SECTIONS_OFFSET + (size_t)number * sizeof(s), ELF_T_SHDR, &s);
	else
		put(image, k, SECTIONS_OFFSET + (size_t)number * sizeof(s32), ELF_T_SHDR, &s32);
}

static void put_code_sections(uint8_t *image, const struct kind *k)
{
	Elf64_Shdr code = { .sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = VADDR,
		.sh_offset = SEGMENT_OFFSET,
		.sh_size = TEXT_SIZE };

	put_section(image, k, TEXT, code);
	code.sh_addr += TEXT_SIZE;
	code.sh_offset += TEXT_SIZE;
	code.sh_size = COLD_SIZE;
	put_section(image, k, COLD, code);
	code.sh_addr += COLD_SIZE;
	code.sh_offset += COLD_SIZE;
	code.sh_size = DATA_SIZE;
	code.sh_flags = SHF_ALLOC;
	put_section(image, k, DATA, code);
}

static size_t put_symbol(uint8_t *image, const struct kind *k, size_t at, const struct made *s,
	uint32_t name)
{
	Elf64_Sym s64 = { .st_name = name,
		.st_info = ELF64_ST_INFO(s->bind, s->type),
		.st_value = VADDR + s->at,
		.st_size = s->size,
		.st_shndx = (Elf64_Half)s->section };
	Elf32_Sym s32 = { .st_name = name,
		.st_info = ELF32_ST_INFO(s->bind, s->type),
		.st_value = VADDR + s->at,
		.st_size = s->size,
		.st_shndx = (Elf32_Half)s->section };

	return put(image, k, at, ELF_T_SYM, k->class == ELFCLASS64 ? (void *)&s64 : (void *)&s32);
}

/* An image with these symbols in a table of this type; to be freed. */
static uint8_t *make_image(const struct kind *k, uint32_t table, const struct made *s, size_t n,
	size_t *size)
{
	size_t entry = k->class == ELFCLASS64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	size_t names = TABLES_OFFSET + n * entry, at = TABLES_OFFSET, len = 1;
	uint8_t *image;

	for (size_t i = 0; i < n; i++)
		len += strlen(s[i].name) + 1;
	*size = names + len;
	image = calloc(1, *size);
	put_header(image, k);
	put_code_sections(image, k);
	put_section(image, k, SYMTAB,
		(Elf64_Shdr){ .sh_type = table,
			.sh_offset = TABLES_OFFSET,
			.sh_size = n * entry,
			.sh_entsize = entry,
			.sh_link = STRTAB });
	put_section(image, k, STRTAB,
		(Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = names, .sh_size = len });
	len = 1;
	for (size_t i = 0; i < n; i++) {
		at = put_symbol(image, k, at, &s[i], (uint32_t)len);
		strcpy((char *)image + names + len, s[i].name);
		len += strlen(s[i].name) + 1;
	}
	return image;
}

/* ---- questions ---- */

struct expected {
	uint32_t at;
	const char *name; /* NULL: none */
	uint32_t start;
};

static void resolve_and_compare(const struct elf_image *e, const struct expected *x, size_t n)
{
	struct symbol_query q[64] = { 0 };
	struct arena arena = { 0 };
	struct err err;
	int found = 0;

	assert_true(n <= 64);
	for (size_t i = 0; i < n; i++)
		q[i].address = SEGMENT_OFFSET + x[i].at;
	for (size_t i = 0; i < n; i++)
		found += x[i].name != NULL;
	assert_int_equal(elf_symbols_resolve(e, NULL, q, n, &arena, &err), found);
	for (size_t i = 0; i < n; i++) {
		if (!x[i].name) {
			assert_null(q[i].name);
			continue;
		}
		assert_non_null(q[i].name);
		assert_string_equal(q[i].name, x[i].name);
		assert_int_equal(q[i].start, SEGMENT_OFFSET + x[i].start);
	}
	arena_done(&arena);
}

static void check_table(const struct kind *k, uint32_t table, const struct made *s, size_t n,
	const struct expected *x, size_t n_expected)
{
	struct elf_image e;
	struct err err;
	size_t size;
	uint8_t *image = make_image(k, table, s, n, &size);

	assert_int_equal(elf_image_open_memory(&e, image, size, &err), 0);
	resolve_and_compare(&e, x, n_expected);
	elf_image_done(&e);
	free(image);
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void check(const struct made *s, size_t n, const struct expected *x, size_t n_expected)
{
	for (size_t i = 0; i < N(kinds); i++)
		check_table(&kinds[i], SHT_SYMTAB, s, n, x, n_expected);
}

static void a_function_is_found_from_its_first_to_its_last_byte(void **state)
{
	static const struct made symbols[] = {
		{ "second", 0x40, 0x20, STT_FUNC, STB_LOCAL, TEXT },
		{ "first", 0x10, 0x10, STT_FUNC, STB_GLOBAL, TEXT },
		{ "not_here", 0x10, TEXT_SIZE, STT_FUNC, STB_GLOBAL, SHN_UNDEF },
		{ "an_object", 0, TEXT_SIZE, STT_OBJECT, STB_GLOBAL, TEXT },
		{ "chosen_at_start", 0x60, 4, STT_GNU_IFUNC, STB_GLOBAL, TEXT },
	};
	static const struct expected expected[] = {
		{ 0x0f, NULL, 0 },
		{ 0x10, "first", 0x10 },
		{ 0x1f, "first", 0x10 },
		{ 0x20, NULL, 0 },
		{ 0x3f, NULL, 0 },
		{ 0x40, "second", 0x40 },
		{ 0x5f, "second", 0x40 },
		{ 0x60, "chosen_at_start", 0x60 },
		{ 0x64, NULL, 0 },
	};

	(void)state;
	check(symbols, N(symbols), expected, N(expected));
}

static void the_innermost_function_wins_and_gives_back_to_the_outer_one(void **state)
{
	static const struct made symbols[] = {
		{ "inner", 0x40, 0x10, STT_FUNC, STB_LOCAL, TEXT },
		{ "outer", 0x00, 0x100, STT_FUNC, STB_GLOBAL, TEXT },
		{ "entry", 0x40, 0, STT_FUNC, STB_GLOBAL, TEXT },
	};
	static const struct expected expected[] = {
		{ 0x3f, "outer", 0 },
		{ 0x40, "inner", 0x40 },
		{ 0x4f, "inner", 0x40 },
		{ 0x50, "outer", 0 },
		{ 0xff, "outer", 0 },
		{ 0x100, NULL, 0 },
	};

	(void)state;
	check(symbols, N(symbols), expected, N(expected));
}

static void aliases_are_chosen_by_kind_then_binding_then_name(void **state)
{
	static const struct made symbols[] = {
		{ "z_untyped", 0x00, 8, STT_NOTYPE, STB_GLOBAL, TEXT },
		{ "a_function", 0x00, 8, STT_FUNC, STB_LOCAL, TEXT },
		{ "local", 0x10, 8, STT_FUNC, STB_LOCAL, TEXT },
		{ "weak", 0x10, 8, STT_FUNC, STB_WEAK, TEXT },
		{ "__global", 0x10, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "__write", 0x20, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "write", 0x20, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "_write_long", 0x20, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "bb", 0x30, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "ba", 0x30, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "long_name", 0x40, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "longer_name", 0x40, 8, STT_FUNC, STB_GLOBAL, TEXT },
		{ "sized", 0x50, 8, STT_FUNC, STB_LOCAL, TEXT },
		{ "unsized", 0x50, 0, STT_FUNC, STB_GLOBAL, TEXT },
	};
	static const struct expected expected[] = {
		{ 0x01, "a_function", 0 },
		{ 0x11, "__global", 0x10 },
		{ 0x21, "write", 0x20 },
		{ 0x31, "ba", 0x30 },
		{ 0x41, "longer_name", 0x40 },
		{ 0x51, "sized", 0x50 },
		{ 0x59, NULL, 0 },
	};
	struct made reversed[N(symbols)];

	(void)state;
	for (size_t i = 0; i < N(symbols); i++)
		reversed[i] = symbols[N(symbols) - 1 - i];
	check(symbols, N(symbols), expected, N(expected));
	check(reversed, N(symbols), expected, N(expected));
}

static void a_symbol_without_a_size_reaches_to_the_next_function_or_border(void **state)
{
	static const struct made symbols[] = {
		{ "one", 0x10, 0, STT_FUNC, STB_LOCAL, TEXT },
		{ "two", 0x40, 0, STT_NOTYPE, STB_GLOBAL, TEXT },
		{ "three", 0x60, 0x10, STT_FUNC, STB_GLOBAL, TEXT },
		{ "four", 0x400, 0, STT_FUNC, STB_GLOBAL, TEXT },
		{ "data", TEXT_SIZE + COLD_SIZE + 8, 0, STT_NOTYPE, STB_GLOBAL, DATA },
	};
	static const struct expected expected[] = {
		{ 0x0f, NULL, 0 },
		{ 0x10, "one", 0x10 },
		{ 0x3f, "one", 0x10 },
		{ 0x40, "two", 0x40 },
		{ 0x5f, "two", 0x40 },
		{ 0x6f, "three", 0x60 },
		{ 0x70, NULL, 0 },
		{ 0x3ff, NULL, 0 },
		{ TEXT_SIZE - 1, "four", 0x400 },
		{ TEXT_SIZE, NULL, 0 },
		{ TEXT_SIZE + COLD_SIZE + 9, NULL, 0 },
	};

	(void)state;
	check(symbols, N(symbols), expected, N(expected));
}

static void a_local_label_counts_only_where_no_function_is(void **state)
{
	static const struct made symbols[] = {
		{ "function", 0x10, 0, STT_FUNC, STB_GLOBAL, TEXT },
		{ "loop_in_function", 0x20, 0, STT_NOTYPE, STB_LOCAL, TEXT },
		{ "sized", 0x40, 0x20, STT_FUNC, STB_GLOBAL, TEXT },
		{ "loop_in_sized", 0x50, 0, STT_NOTYPE, STB_LOCAL, TEXT },
		{ "thunk", 0x80, 0, STT_NOTYPE, STB_LOCAL, TEXT },
		{ "thunk_in_cold", TEXT_SIZE, 0, STT_NOTYPE, STB_LOCAL, COLD },
	};
	static const struct expected expected[] = {
		{ 0x22, "function", 0x10 },
		{ 0x51, "sized", 0x40 },
		{ 0x60, NULL, 0 },
		{ 0x80, "thunk", 0x80 },
		{ 0x90, "thunk", 0x80 },
		{ TEXT_SIZE + 5, "thunk_in_cold", TEXT_SIZE },
	};

	(void)state;
	check(symbols, N(symbols), expected, N(expected));
}

static void arm_marks_are_no_names_and_thumb_functions_start_at_even_addresses(void **state)
{
	static const struct made symbols[] = {
		{ "$x", 0x10, 0, STT_NOTYPE, STB_LOCAL, TEXT },
		{ "$d.7", 0x20, 0, STT_NOTYPE, STB_LOCAL, TEXT },
		{ "dollar", 0x30, 0, STT_NOTYPE, STB_LOCAL, TEXT },
		{ "$d", 0x40, 0, STT_NOTYPE, STB_LOCAL, TEXT },
		{ "thumb", 0x61, 0x10, STT_FUNC, STB_GLOBAL, TEXT },
	};
	static const struct expected on_arm[] = {
		{ 0x18, NULL, 0 },
		{ 0x28, NULL, 0 },
		{ 0x44, "dollar", 0x30 },
		{ 0x60, "thumb", 0x60 },
		{ 0x70, NULL, 0 },
	};
	static const struct expected elsewhere[] = {
		{ 0x18, "$x", 0x10 },
		{ 0x60, "$d", 0x40 },
		{ 0x61, "thumb", 0x61 },
	};
	static const struct kind arm = { ELFCLASS32, ELFDATA2LSB, EM_ARM };

	(void)state;
	check_table(&arm, SHT_SYMTAB, symbols, N(symbols), on_arm, N(on_arm));
	check(symbols, N(symbols), elsewhere, N(elsewhere));
}

static void dynsym_lacks_functions_so_its_symbols_do_not_reach_far(void **state)
{
	static const struct made symbols[] = {
		{ "exported", 0x10, 0x10, STT_FUNC, STB_GLOBAL, TEXT },
		{ "assembly", 0x40, 0, STT_FUNC, STB_GLOBAL, TEXT },
	};
	static const struct expected expected[] = {
		{ 0x18, "exported", 0x10 },
		{ 0x20, NULL, 0 },
		{ 0x40, "assembly", 0x40 },
		{ 0x103f, "assembly", 0x40 },
		{ 0x1040, NULL, 0 },
	};

	(void)state;
	check_table(&kinds[0], SHT_DYNSYM, symbols, N(symbols), expected, N(expected));
}

/* An image of the first kind, whose tables are plain structs here, to be changed. */
struct plain {
	uint8_t *image;
	size_t size;
	Elf64_Ehdr *header;
	Elf64_Phdr *segments;
	Elf64_Shdr *sections;
};

static struct plain make_plain(const struct made *s, size_t n)
{
	struct plain p;

	p.image = make_image(&kinds[0], SHT_SYMTAB, s, n, &p.size);
	p.header = (Elf64_Ehdr *)p.image;
	p.segments = (Elf64_Phdr *)(p.image + 0x100);
	p.sections = (Elf64_Shdr *)(p.image + SECTIONS_OFFSET);
	return p;
}

static void check_plain(const struct plain *p, const struct expected *x, size_t n)
{
	struct elf_image e;

	assert_int_equal(elf_image_open_memory(&e, p->image, p->size, NULL), 0);
	resolve_and_compare(&e, x, n);
	elf_image_done(&e);
	free(p->image);
}

static const struct made lonely[] = { { "lonely", 0x10, 0, STT_FUNC, STB_GLOBAL, TEXT } };

static void thread_local_zeros_are_no_border(void **state)
{
	static const struct expected expected[] = { { 0x80, "lonely", 0x10 },
		{ 0x180, "lonely", 0x10 }, { 0x280, "lonely", 0x10 } };
	struct plain p = make_plain(lonely, 1);

	(void)state;
	p.sections[DATA] = (Elf64_Shdr){ .sh_type = SHT_NOBITS,
		.sh_addr = VADDR + 0x100,
		.sh_flags = SHF_ALLOC | SHF_WRITE | SHF_TLS,
		.sh_size = 0x100 };
	check_plain(&p, expected, N(expected));
}

static void an_offset_in_two_segments_is_in_the_one_that_can_run(void **state)
{
	static const struct expected expected[] = { { 0x80, "lonely", 0x10 } };

	(void)state;
	for (unsigned data = 0; data < 2; data++) {
		struct plain p = make_plain(lonely, 1);

		p.segments[1] = p.segments[0];
		p.segments[data].p_flags = PF_R | PF_W;
		p.segments[data].p_vaddr += 0x100000;
		p.header->e_phnum = 2;
		check_plain(&p, expected, N(expected));
	}
}

static void notes_aligned_to_eight_bytes_are_read(void **state)
{
	static const uint32_t notes[] = {
		6,
		3,
		1,
		0x756e694c,
		0x78,
		0,
		1,
		0, /* a name of 6 bytes, content of 3 */
		4,
		8,
		3,
		0x00554e47,
		0x03020100,
		0x07060504,
	};
	struct plain p = make_plain(lonely, 1);
	char hex[BUILD_ID_HEX];
	struct build_id id;
	struct elf_image e;

	(void)state;
	memcpy(p.image + SEGMENT_OFFSET, notes, sizeof(notes));
	p.sections[DATA] = (Elf64_Shdr){ .sh_type = SHT_NOTE,
		.sh_offset = SEGMENT_OFFSET,
		.sh_size = sizeof(notes),
		.sh_addralign = 8 };
	assert_int_equal(elf_image_open_memory(&e, p.image, p.size, NULL), 0);
	assert_int_equal(build_id_of_image(&e, &id, NULL), 0);
	assert_string_equal(build_id_hex(&id, hex), "0001020304050607");
	elf_image_done(&e);
	free(p.image);
}

static void queries_with_a_name_are_left_alone_and_offsets_outside_are_not_found(void **state)
{
	static const struct made symbols[] = { { "f", 0, 0x10, STT_FUNC, STB_GLOBAL, TEXT } };
	struct symbol_query q[] = { { .address = 0 }, { .address = SEGMENT_OFFSET + 1 },
		{ .address = SEGMENT_OFFSET + 2, .name = "known" }, { .address = UINT64_MAX } };
	struct arena arena = { 0 };
	struct elf_image e;
	struct err err;
	size_t size;
	uint8_t *image = make_image(&kinds[0], SHT_SYMTAB, symbols, 1, &size);

	(void)state;
	assert_int_equal(elf_image_open_memory(&e, image, size, &err), 0);
	assert_int_equal(elf_symbols_resolve(&e, NULL, q, 4, &arena, &err), 1);
	assert_null(q[0].name);
	assert_string_equal(q[1].name, "f");
	assert_string_equal(q[2].name, "known");
	assert_null(q[3].name);
	assert_int_equal(elf_symbols_resolve(&e, NULL, q, 0, &arena, &err), 0);
	e.type = ET_REL;
	assert_int_equal(elf_symbols_resolve(&e, NULL, q, 4, &arena, &err), -ENOEXEC);
	elf_image_done(&e);
	arena_done(&arena);
	free(image);
}

static void what_is_no_elf_file_is_refused_in_words(void **state)
{
	static const struct made symbols[] = { { "f", 0, 0x10, STT_FUNC, STB_GLOBAL, TEXT } };
	struct elf_image e;
	struct err err;
	size_t size;
	uint8_t *image = make_image(&kinds[0], SHT_SYMTAB, symbols, 1, &size);
	int pipe_ends[2];

	(void)state;
	assert_int_equal(elf_image_open_memory(&e, image, 3, &err), -EINVAL);
	assert_string_equal(err.text, "not an ELF file: only 3 bytes");
	assert_int_equal(elf_image_open_memory(&e, image, 50, &err), -EINVAL);
	assert_string_equal(err.text, "ELF file is cut in its header");
	image[EI_CLASS] = 7;
	assert_int_equal(elf_image_open_memory(&e, image, size, &err), -EINVAL);
	image[0] = '#';
	assert_int_equal(elf_image_open_memory(&e, image, size, &err), -EINVAL);
	assert_string_equal(err.text, "not an ELF file");
	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(elf_image_open(&e, pipe_ends[0], &err), -EINVAL);
	assert_string_equal(err.text, "not a regular file");
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	free(image);
}

/* ---- damage ---- */

static const struct made some_symbols[] = {
	{ "alpha", 0x10, 0x30, STT_FUNC, STB_GLOBAL, TEXT },
	{ "alpha_alias", 0x10, 0x30, STT_FUNC, STB_WEAK, TEXT },
	{ "beta", 0x20, 0x08, STT_FUNC, STB_LOCAL, TEXT },
	{ "gamma", 0x80, 0, STT_FUNC, STB_GLOBAL, TEXT },
	{ "label", 0x90, 0, STT_NOTYPE, STB_LOCAL, TEXT },
	{ "delta", TEXT_SIZE, 0x40, STT_GNU_IFUNC, STB_GLOBAL, COLD },
};

/* Whatever the answers are, they must be possible. */
static void resolve_anything(const void *image, size_t size)
{
	struct symbol_query q[40] = { 0 };
	struct arena arena = { 0 };
	struct elf_image e;

	for (size_t i = 0; i < N(q); i++)
		q[i].address = SEGMENT_OFFSET + i * i * 2;
	if (elf_image_open_memory(&e, image, size, NULL) == 0) {
		int found = elf_symbols_resolve(&e, NULL, q, N(q), &arena, NULL);

		assert_true(found <= (int)N(q));
		for (size_t i = 0; found > 0 && i < N(q); i++)
			if (q[i].name)
				assert_true(*q[i].name && q[i].start <= q[i].address);
	}
	elf_image_done(&e);
	arena_done(&arena);
}

static void an_image_cut_at_any_length_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	for (size_t k = 0; k < N(kinds); k++) {
		size_t size;
		uint8_t *image = make_image(&kinds[k], SHT_SYMTAB, some_symbols, N(some_symbols),
			&size);

		for (size_t len = 0, step; len < size; len += step) {
			uint8_t *cut = malloc(len ? len : 1);

			memcpy(cut, image, len);
			resolve_anything(cut, len);
			free(cut);
			step = len > 0x400 && len < TABLES_OFFSET ? 61 : 1;
		}
		free(image);
	}
}

static void damaged_images_never_do_harm(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		const struct kind *k = &kinds[round % N(kinds)];
		size_t size;
		uint8_t *image = make_image(k, SHT_SYMTAB, some_symbols, N(some_symbols), &size);

		for (unsigned i = 0; i <= random_u64(&random) % 8; i++) {
			size_t at = random_u64(&random) %
				(SECTIONS_OFFSET + 0x200 + size - TABLES_OFFSET);

			if (at >= SECTIONS_OFFSET + 0x200)
				at += TABLES_OFFSET - SECTIONS_OFFSET - 0x200;
			image[at] = (uint8_t)random_u64(&random);
		}
		resolve_anything(image, size);
		free(image);
	}
}

static int temporary_file(const void *bytes, size_t len)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

static void a_file_that_is_cut_while_open_costs_names_but_not_the_process(void **state)
{
	struct symbol_query q[] = { { .address = SEGMENT_OFFSET + 0x10 } };
	struct arena arena = { 0 };
	struct elf_image e;
	struct err err;
	size_t size;
	uint8_t *image = make_image(&kinds[0], SHT_SYMTAB, some_symbols, N(some_symbols), &size);
	int fd = temporary_file(image, size);

	(void)state;
	assert_int_equal(elf_image_open(&e, fd, &err), 0);
	assert_int_equal(ftruncate(fd, SEGMENT_OFFSET), 0);
	assert_int_equal(elf_symbols_resolve(&e, NULL, q, 1, &arena, &err), 0);
	assert_null(q[0].name);
	assert_int_equal(pwrite(fd, image, size, 0), size);
	assert_int_equal(elf_symbols_resolve(&e, NULL, q, 1, &arena, &err), 1);
	assert_string_equal(q[0].name, "alpha");
	elf_image_done(&e);
	arena_done(&arena);
	close(fd);
	free(image);
}

static double seconds_to_resolve(const void *image, size_t size, size_t n)
{
	struct symbol_query *q = calloc(n, sizeof(*q));
	struct arena arena = { 0 };
	struct timespec from, to;
	struct elf_image e;
	int fd = temporary_file(image, size);

	for (size_t i = 0; i < n; i++)
		q[i].address = SEGMENT_OFFSET + i % TEXT_SIZE;
	symbol_query_sort(q, n);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	elf_symbols_resolve(&e, NULL, q, n, &arena, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	elf_image_done(&e);
	arena_done(&arena);
	close(fd);
	free(q);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* 100,000 functions that all cover all of 5,000 addresses: 500 million pairs to a naive scan. */
static void a_table_made_of_overlaps_and_ties_takes_no_time(void **state)
{
	enum { SYMBOLS = 100000 };
	struct made *s = calloc(SYMBOLS, sizeof(*s));
	char(*names)[16] = calloc(SYMBOLS, sizeof(*names));
	size_t size;
	uint8_t *image;

	(void)state;
	for (unsigned i = 0; i < SYMBOLS; i++) {
		snprintf(names[i], sizeof(names[i]), "f%u", i);
		s[i] = (struct made){ names[i], i % 3, TEXT_SIZE, STT_FUNC, STB_GLOBAL, TEXT };
	}
	image = make_image(&kinds[0], SHT_SYMTAB, s, SYMBOLS, &size);
	assert_true(seconds_to_resolve(image, size, 5000) < 10);
	free(image);
	free(names);
	free(s);
}

static void headers_that_promise_too_much_cost_neither_time_nor_memory(void **state)
{
	size_t size;
	uint8_t *image = make_image(&kinds[0], SHT_SYMTAB, some_symbols, N(some_symbols), &size);
	Elf64_Ehdr *h = (Elf64_Ehdr *)image;
	Elf64_Shdr *s = (Elf64_Shdr *)(image + SECTIONS_OFFSET);

	(void)state;
	s[SYMTAB].sh_size = (uint64_t)1 << 62;
	s[STRTAB].sh_size = UINT64_MAX;
	assert_true(seconds_to_resolve(image, size, 5000) < 10);
	h->e_shnum = h->e_phnum = 0xffff;
	assert_true(seconds_to_resolve(image, size, 5000) < 10);
	s[SYMTAB].sh_offset = UINT64_MAX - 8;
	h->e_shoff = h->e_phoff = UINT64_MAX - 64;
	assert_true(seconds_to_resolve(image, size, 5000) < 10);
	free(image);
}

/* ---- the structures below ---- */

static bool starts_later(void *owner, const struct range *a, const struct range *b)
{
	(void)owner;
	return a->start != b->start ? a->start > b->start : a->id > b->id;
}

static void a_cover_and_a_nearest_agree_with_looking_at_every_pair(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct symbol_query q[40] = { 0 };
		size_t n = 1 + random_u64(&random) % N(q), n_ranges = random_u64(&random) % 30;
		struct range ranges[30];
		struct arena arena = { 0 };
		struct wanted w;
		struct cover c;
		struct nearest near;

		for (size_t i = 0; i < n; i++)
			q[i].address = random_u64(&random) % 64;
		symbol_query_sort(q, n);
		wanted_of_queries(&w, q, n, &arena);
		cover_init(&c, &w, starts_later, NULL, &arena);
		nearest_init(&near, &w, starts_later, NULL, &arena);
		for (size_t i = 0; i < n_ranges; i++) {
			uint64_t start = random_u64(&random) % 64;

			ranges[i] = (struct range){ start, start + random_u64(&random) % 20, i, 1 };
			cover_offer(&c, wanted_from(&w, start), &ranges[i]);
			nearest_offer(&near, wanted_from(&w, start), &ranges[i]);
		}
		cover_settle(&c);
		nearest_settle(&near);
		for (size_t i = 0; i < n; i++) {
			const struct range *cover = NULL, *nearest = NULL;

			for (size_t k = 0; k < n_ranges; k++) {
				const struct range *r = &ranges[k];

				if (r->start > q[i].address)
					continue;
				if (!nearest || starts_later(NULL, r, nearest))
					nearest = r;
				if (r->end > q[i].address &&
					(!cover || starts_later(NULL, r, cover)))
					cover = r;
			}
			assert_int_equal(c.node[n + i].rank, cover != NULL);
			assert_int_equal(near.slot[i].rank, nearest != NULL);
			if (cover)
				assert_int_equal(c.node[n + i].id, cover->id);
			if (nearest)
				assert_int_equal(near.slot[i].id, nearest->id);
		}
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_found_from_its_first_to_its_last_byte),
		cmocka_unit_test(the_innermost_function_wins_and_gives_back_to_the_outer_one),
		cmocka_unit_test(aliases_are_chosen_by_kind_then_binding_then_name),
		cmocka_unit_test(a_symbol_without_a_size_reaches_to_the_next_function_or_border),
		cmocka_unit_test(a_local_label_counts_only_where_no_function_is),
		cmocka_unit_test(
			arm_marks_are_no_names_and_thumb_functions_start_at_even_addresses),
		cmocka_unit_test(dynsym_lacks_functions_so_its_symbols_do_not_reach_far),
		cmocka_unit_test(thread_local_zeros_are_no_border),
		cmocka_unit_test(an_offset_in_two_segments_is_in_the_one_that_can_run),
		cmocka_unit_test(notes_aligned_to_eight_bytes_are_read),
		cmocka_unit_test(
			queries_with_a_name_are_left_alone_and_offsets_outside_are_not_found),
		cmocka_unit_test(what_is_no_elf_file_is_refused_in_words),
		cmocka_unit_test(an_image_cut_at_any_length_is_read_as_far_as_it_goes),
		cmocka_unit_test(damaged_images_never_do_harm),
		cmocka_unit_test(a_file_that_is_cut_while_open_costs_names_but_not_the_process),
		cmocka_unit_test(a_table_made_of_overlaps_and_ties_takes_no_time),
		cmocka_unit_test(headers_that_promise_too_much_cost_neither_time_nor_memory),
		cmocka_unit_test(a_cover_and_a_nearest_agree_with_looking_at_every_pair),
	};

	return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
