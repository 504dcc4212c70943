/* Go's table of functions in each of its forms, made by the assembler, and damaged. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/symbols/elf_symbols.h"
#include "tests/unit/support.h"

#define CODE \
	".text\n.globl base\nbase:\none:\n.skip 64,0x90\ntwo:\n.skip 32,0x90\nend:\n.skip 16,0x90\n"
#define TABLE ".section .gopclntab,\"a\"\ntab:\n"
#define NAMES "names:\n.asciz \"main.one\"\nname2:\n.asciz \"main.(*T).two\"\n"

/* Offsets from the start of the code -> name and start. */
struct answer {
	uint64_t at;
	const char *name;
	uint64_t start;
};

static const struct answer both[] = {
	{ 0, "main.one", 0 },
	{ 63, "main.one", 0 },
	{ 64, "main.(*T).two", 64 },
	{ 95, "main.(*T).two", 64 },
	{ 96, NULL, 0 },
};

static const struct answer none[] = { { 0, NULL, 0 }, { 64, NULL, 0 } };

static void assemble(const char *folder, const char *source)
{
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "%s/t.s", folder);
	f = fopen(line, "w");
	assert_non_null(f);
	fprintf(f, "%s", source);
	fclose(f);
	snprintf(line, sizeof(line),
		"cd %s && gcc -nostdlib -static -no-pie -Wl,-e,base t.s -o t >log 2>&1 && strip t",
		folder);
	assert_int_equal(system(line), 0);
}

static uint64_t code_offset(const struct elf_image *e)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (elf_image_section_is(e, &e->sections[i], ".text"))
			return e->sections[i].sh_offset;
	fail();
	return 0;
}

static void check_image(const struct elf_image *e, const struct answer *want, size_t n)
{
	uint64_t code = code_offset(e);
	struct arena a = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct symbol_query q = { .address = code + want[i].at };

		elf_symbols_resolve(e, NULL, &q, 1, &a, NULL);
		if (!want[i].name) {
			assert_null(q.name);
			continue;
		}
		assert_non_null(q.name);
		assert_string_equal(q.name, want[i].name);
		assert_int_equal(q.start - code, want[i].start);
	}
	arena_done(&a);
}

static void check(const char *source, const struct answer *want, size_t n)
{
	char folder[] = "/tmp/go-XXXXXX", path[64];
	struct elf_image e;
	int fd;

	if (system("command -v gcc strip >/dev/null 2>&1"))
		skip();
	assert_non_null(mkdtemp(folder));
	assemble(folder, source);
	snprintf(path, sizeof(path), "%s/t", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && elf_image_open(&e, fd, NULL) == 0);
	check_image(&e, want, n);
	elf_image_done(&e);
	close(fd);
	snprintf(path, sizeof(path), "rm -rf %s", folder);
	assert_int_equal(system(path), 0);
}

#define CHECK(source, want) check(source, want, sizeof(want) / sizeof((want)[0]))
#define RECORDS_32 \
	"list:\n.long one-base,r1-list,two-base,r2-list,end-base\n" \
	"r1:\n.long one-base,0\nr2:\n.long two-base,name2-names\n"
#define HEAD_18(magic, n, text, names) \
	CODE TABLE ".long " magic "\n.byte 0,0,1,8\n.quad " n ",0," text "," names \
		   ",0,0,0,list-tab\n" NAMES RECORDS_32

static void names_of_go_1_20_are_found(void **state)
{
	CHECK(HEAD_18("0xfffffff1", "2", "base", "names-tab"), both);
}

static void names_of_go_1_18_are_found(void **state)
{
	CHECK(HEAD_18("0xfffffff0", "2", "base", "names-tab"), both);
}

static void names_of_go_1_16_are_found(void **state)
{
	CHECK(CODE TABLE
		".long 0xfffffffa\n.byte 0,0,1,8\n.quad 2,0,names-tab,0,0,0,list-tab,0\n" NAMES
		"list:\n.quad one,r1-list,two,r2-list,end\n"
		"r1:\n.quad one\n.long 0\nr2:\n.quad two\n.long name2-names\n",
		both);
}

static void names_of_go_1_2_are_found(void **state)
{
	CHECK(CODE TABLE ".long 0xfffffffb\n.byte 0,0,1,8\n.quad 2\n"
			 ".quad one,r1-tab,two,r2-tab,end\n.skip 64\n" NAMES
			 "r1:\n.quad one\n.long names-tab\nr2:\n.quad two\n.long name2-tab\n",
		both);
}

static void tables_that_do_not_say_where_code_is_name_nothing(void **state)
{
	CHECK(HEAD_18("0xfffffff0", "2", "0", "names-tab"), none);
}

static void damaged_tables_name_nothing(void **state)
{
	CHECK(HEAD_18("0xfffffff0", "2", "base", "0x7fffffff"), none);
	CHECK(HEAD_18("0xfffffff0", "0xffffffffffff", "base", "names-tab"), none);
	CHECK(HEAD_18("0xfffffff0", "5000", "base", "names-tab"), none);
	CHECK(HEAD_18("0xfffffff2", "2", "base", "names-tab"), none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_go_1_20_are_found),
		cmocka_unit_test(names_of_go_1_18_are_found),
		cmocka_unit_test(names_of_go_1_16_are_found),
		cmocka_unit_test(names_of_go_1_2_are_found),
		cmocka_unit_test(tables_that_do_not_say_where_code_is_name_nothing),
		cmocka_unit_test(damaged_tables_name_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
