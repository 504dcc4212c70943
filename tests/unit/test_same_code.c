/* Whether a debug file is of the same code as a program: both are put together here, of nothing but what tells where
 * code is: sections, segments, the table of .eh_frame_hdr, and symbols. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "format/symbols/same_code.h"
#include "tests/unit/support.h"

enum {
	TEXT = 0x1000, /* addresses */
	HEADER = 0x900000,
	PAIRS = 97, /* of a small function and a large one */
	SMALL = 100,
	LARGE = 412,
	FUNCTIONS = 2 * PAIRS,
	TEXT_SIZE = PAIRS * (SMALL + LARGE),
	SECTIONS_AT = 512, /* in the file */
	SYMBOLS_AT = 1024,
	MOST_RANGES = 3,
	/* What is looked at, at the most. */
	MOST_SYMBOLS = 1 << 22,
	MOST_FUNCTIONS = 1 << 21,
};

/* ---- making files ---- */

struct range {
	uint64_t start, size;
};

struct file {
	/* With code, up to the first without a size. */
	struct range sections[MOST_RANGES], segments[MOST_RANGES];
	uint64_t beginnings[FUNCTIONS];
	uint32_t n_beginnings; /* 0: it has no .eh_frame_hdr */
	uint32_t n_claimed;    /* by that; 0: as many */
	Elf64_Sym symbols[FUNCTIONS + 1];
	uint32_t n_symbols; /* 0: it has no .symtab; behind those above they are empty */
};

static void add_function(struct file *f, uint64_t start, uint64_t size)
{
	f->symbols[f->n_symbols++] = (Elf64_Sym){ .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = start,
		.st_size = size };
}

static uint64_t pair_at(uint32_t i)
{
	return TEXT + (uint64_t)i * (SMALL + LARGE);
}

static struct file *new_file(void)
{
	struct file *f = calloc(1, sizeof(*f));

	f->sections[0] = f->segments[0] = (struct range){ TEXT, TEXT_SIZE };
	return f;
}

/* As a linker leaves it, without symbols. */
static struct file *new_program(void)
{
	struct file *f = new_file();

	for (uint32_t i = 0; i < PAIRS; i++) {
		f->beginnings[f->n_beginnings++] = pair_at(i);
		f->beginnings[f->n_beginnings++] = pair_at(i) + SMALL;
	}
	return f;
}

/* Of the same code, but for so many pairs whose functions are exchanged. */
static struct file *new_debug(uint32_t n_exchanged)
{
	struct file *f = new_file();

	for (uint32_t i = 0; i < PAIRS; i++) {
		bool exchanged = i < n_exchanged;

		add_function(f, pair_at(i) + (exchanged ? LARGE : 0), SMALL);
		add_function(f, pair_at(i) + (exchanged ? 0 : SMALL), LARGE);
	}
	return f;
}

static uint32_t n_ranges(const struct range *r)
{
	uint32_t n = 0;

	while (n < MOST_RANGES && r[n].size)
		n++;
	return n;
}

static size_t table_at(const struct file *f)
{
	return SYMBOLS_AT + (size_t)f->n_symbols * sizeof(Elf64_Sym);
}

static void put_segments(const struct file *f, uint8_t *bytes, Elf64_Ehdr *h)
{
	Elf64_Phdr p[MOST_RANGES + 1] = { { 0 } };

	for (; h->e_phnum < n_ranges(f->segments); h->e_phnum++)
		p[h->e_phnum] = (Elf64_Phdr){ .p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_vaddr = f->segments[h->e_phnum].start,
			.p_memsz = f->segments[h->e_phnum].size };
	if (f->n_beginnings) /* of any length, so that only what is in the file bounds it */
		p[h->e_phnum++] = (Elf64_Phdr){ .p_type = PT_GNU_EH_FRAME,
			.p_flags = PF_R,
			.p_offset = table_at(f),
			.p_vaddr = HEADER,
			.p_filesz = 12 + 8ULL * (f->n_claimed ? f->n_claimed : f->n_beginnings) };
	memcpy(bytes + sizeof(*h), p, sizeof(p));
}

/* The code's sections are not in a debug file; their headers are. */
static void put_sections(const struct file *f, uint8_t *bytes, Elf64_Ehdr *h)
{
	Elf64_Shdr s[MOST_RANGES + 2] = { { 0 } };

	for (h->e_shnum = 1; h->e_shnum <= n_ranges(f->sections); h->e_shnum++)
		s[h->e_shnum] = (Elf64_Shdr){ .sh_type = SHT_NOBITS,
			.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
			.sh_addr = f->sections[h->e_shnum - 1].start,
			.sh_size = f->sections[h->e_shnum - 1].size };
	if (f->n_symbols)
		s[h->e_shnum++] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
			.sh_offset = SYMBOLS_AT,
			.sh_size = (uint64_t)f->n_symbols * sizeof(Elf64_Sym),
			.sh_entsize = sizeof(Elf64_Sym) };
	memcpy(bytes + SECTIONS_AT, s, sizeof(s));
}

static void put_table(const struct file *f, uint8_t *to)
{
	static const uint8_t form[] = { 1, 0x1b, 0x03, 0x3b };
	uint32_t n = f->n_claimed ? f->n_claimed : f->n_beginnings;

	memcpy(to, form, sizeof(form));
	memcpy(to + 8, &n, sizeof(n));
	for (uint32_t i = 0; i < f->n_beginnings; i++) {
		int32_t row[2] = { (int32_t)((int64_t)f->beginnings[i] - HEADER), 0 };

		memcpy(to + 12 + 8 * (size_t)i, row, sizeof(row));
	}
}

/* The file's bytes, to be freed; *symbols is where its table is in them. */
static uint8_t *open_file(const struct file *f, struct elf_image *e, Elf64_Sym **symbols)
{
	size_t len = table_at(f) + (f->n_beginnings ? 12 + 8 * (size_t)f->n_beginnings : 0);
	uint32_t n = f->n_symbols < FUNCTIONS + 1 ? f->n_symbols : FUNCTIONS + 1;
	uint8_t *bytes = calloc(1, len);
	Elf64_Ehdr h = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				 EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_shoff = SECTIONS_AT,
		.e_shentsize = sizeof(Elf64_Shdr) };

	assert_non_null(bytes);
	put_segments(f, bytes, &h);
	put_sections(f, bytes, &h);
	memcpy(bytes, &h, sizeof(h));
	*symbols = (Elf64_Sym *)(void *)(bytes + SYMBOLS_AT);
	memcpy(*symbols, f->symbols, n * sizeof(Elf64_Sym));
	if (f->n_beginnings)
		put_table(f, bytes + table_at(f));
	assert_int_equal(elf_image_open_memory(e, bytes, len, NULL), 0);
	return bytes;
}

/* With one more function of the debug file, at a place of its table that its own do not take; size 0: none. */
static bool same_with(const struct file *program, const struct file *debug, uint32_t place,
	struct range more)
{
	struct elf_image p, d;
	Elf64_Sym *symbols;
	uint8_t *of_program = open_file(program, &p, &symbols),
		*of_debug = open_file(debug, &d, &symbols);
	bool same;

	if (more.size)
		symbols[place] = (Elf64_Sym){ .st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC),
			.st_shndx = 1,
			.st_value = more.start,
			.st_size = more.size };
	same = same_code(&p, &d);
	elf_image_done(&p);
	elf_image_done(&d);
	free(of_program);
	free(of_debug);
	return same;
}

static bool same(const struct file *program, const struct file *debug)
{
	return same_with(program, debug, 0, (struct range){ 0, 0 });
}

/* ---- where code is ---- */

static void a_debug_file_of_the_program_is_of_the_same_code(void **state)
{
	struct file *p = new_program(), *d = new_debug(0);

	assert_true(same(p, d));
	assert_true(same(p, p));
	free(p);
	free(d);
}

static void a_section_that_was_moved_is_other_code(void **state)
{
	struct file *p = new_program(), *d = new_debug(0);

	d->sections[0].start += 16;
	assert_false(same(p, d));
	d->sections[0].start -= 16;
	d->sections[0].size++;
	assert_false(same(p, d));
	d->sections[0].size--;
	d->sections[1] = (struct range){ TEXT + TEXT_SIZE, 1 };
	assert_false(same(p, d));
	p->sections[1] = (struct range){ TEXT + TEXT_SIZE, 1 };
	assert_true(same(p, d));
	d->sections[1].size = 0;
	assert_false(same(p, d));
	free(p);
	free(d);
}

/* Sections can be taken from a program (sstrip), segments from a debug file. */
static void without_sections_the_segments_tell_and_without_both_nothing_does(void **state)
{
	struct file *p = new_program(), *d = new_debug(0);

	p->sections[0].size = 0;
	d->sections[0].start += 16;
	assert_true(same(p, d));
	d->segments[0].start += 4096;
	assert_false(same(p, d));
	d->segments[0].size = 0;
	assert_true(same(p, d));
	free(p);
	free(d);
}

/* ---- where functions begin ---- */

static void functions_that_were_exchanged_are_other_code(void **state)
{
	struct file *p = new_program(), *few = new_debug(FUNCTIONS / 16),
		    *more = new_debug(FUNCTIONS / 16 + 1), *all = new_debug(PAIRS);

	assert_true(same(p, few)); /* one in sixteen functions may not fit */
	assert_false(same(p, more));
	assert_false(same(p, all));
	free(p);
	free(few);
	free(more);
	free(all);
}

static void two_functions_are_enough_to_tell(void **state)
{
	struct file *p = new_program(), *d = new_debug(1);

	p->n_beginnings = 2;
	d->n_symbols = 2;
	assert_false(same(p, d));
	free(p);
	free(d);
}

static void only_functions_of_the_file_count(void **state)
{
	struct file *p = new_program(), *d = new_debug(PAIRS);

	for (uint32_t i = 0; i < d->n_symbols; i++)
		d->symbols[i].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
	assert_true(same(p, d));
	for (uint32_t i = 0; i < d->n_symbols; i++) {
		d->symbols[i].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
		d->symbols[i].st_shndx = SHN_UNDEF;
	}
	assert_true(same(p, d));
	free(p);
	free(d);
}

static void a_debug_file_without_symbols_may_be_of_any_code(void **state)
{
	struct file *p = new_program(), *d = new_debug(PAIRS);

	d->n_symbols = 0;
	assert_true(same(p, d));
	free(p);
	free(d);
}

static void a_program_that_tells_of_no_functions_may_be_of_any_code(void **state)
{
	struct file *p = new_program(), *d = new_debug(PAIRS);

	assert_false(same(p, d));
	p->n_beginnings = 0;
	assert_true(same(p, d));
	free(p);
	free(d);
}

/* What assembly says of its frames may begin behind the first instructions. */
static void entries_may_begin_a_few_bytes_late(void **state)
{
	struct file *p = new_program(), *d = new_debug(0);

	for (uint32_t i = 0; i < FUNCTIONS; i++)
		p->beginnings[i] += 15;
	assert_true(same(p, d));
	for (uint32_t i = 0; i < FUNCTIONS; i++)
		p->beginnings[i]++;
	assert_false(same(p, d));
	for (uint32_t i = 0; i < FUNCTIONS; i++)
		d->symbols[i].st_size = 0; /* then nothing is in the middle of it */
	assert_true(same(p, d));
	free(p);
	free(d);
}

/* Where one function of the debug file begins in another, in whatever order the two are told of. */
static void a_function_may_begin_in_another_if_the_debug_file_says_so(void **state)
{
	struct file *p = new_program(), *d = new_file();

	p->n_beginnings = 2;
	add_function(d, TEXT, SMALL + LARGE);
	assert_false(same(p, d));
	add_function(d, TEXT + SMALL, LARGE);
	assert_true(same(p, d));
	d->n_symbols = 0;
	add_function(d, TEXT + SMALL, LARGE);
	add_function(d, TEXT, SMALL + LARGE);
	assert_true(same(p, d));
	free(p);
	free(d);
}

/* ---- what a hostile file can ask for ---- */

static void of_too_many_symbols_the_last_are_not_looked_at(void **state)
{
	struct range wrong = { TEXT, SMALL + LARGE };
	struct file *p = new_program(), *d = new_file();

	p->n_beginnings = 2;
	d->n_symbols = MOST_SYMBOLS + 1;
	assert_false(same_with(p, d, MOST_SYMBOLS - 1, wrong));
	assert_true(same_with(p, d, MOST_SYMBOLS, wrong));
	free(p);
	free(d);
}

static void a_table_of_too_many_functions_is_not_read(void **state)
{
	struct file *p = new_program(), *d = new_debug(PAIRS);

	p->n_claimed = MOST_FUNCTIONS; /* of which few are in the file */
	assert_false(same(p, d));
	p->n_claimed++;
	assert_true(same(p, d));
	free(p);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_debug_file_of_the_program_is_of_the_same_code),
		cmocka_unit_test(a_section_that_was_moved_is_other_code),
		cmocka_unit_test(without_sections_the_segments_tell_and_without_both_nothing_does),
		cmocka_unit_test(functions_that_were_exchanged_are_other_code),
		cmocka_unit_test(two_functions_are_enough_to_tell),
		cmocka_unit_test(only_functions_of_the_file_count),
		cmocka_unit_test(a_debug_file_without_symbols_may_be_of_any_code),
		cmocka_unit_test(a_program_that_tells_of_no_functions_may_be_of_any_code),
		cmocka_unit_test(entries_may_begin_a_few_bytes_late),
		cmocka_unit_test(a_function_may_begin_in_another_if_the_debug_file_says_so),
		cmocka_unit_test(of_too_many_symbols_the_last_are_not_looked_at),
		cmocka_unit_test(a_table_of_too_many_functions_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
