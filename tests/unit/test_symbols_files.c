/* Symbols of real files: a library that is compiled, stripped and split here, what Debian installs,
 * this program, the vdso; and the build ids that tie them together. Whatever a compiler or another
 * tool says about the same file is the oracle; tests say so and skip where there is none. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/symbols/debug_file.h"
#include "format/symbols/elf_symbols.h"
#include "format/symbols/target_file.h"
#include "format/symbols/vdso.h"
#include "tests/unit/built.h"
#include "tests/unit/support.h"

#define BUILD_ID "00112233445566778899aabbccddeeff00112233"

/* ---- the library ---- */

/* The table `places` tells the truth about it: name, address, bytes into the function. */
static const char library_source[] =
	"#include <stdio.h>\n"
	"#define KEEP __attribute__((noinline, noclone, used))\n"
	"KEEP int exported(int x) { printf(\"%d\", x); return x * 3 + 1; }\n"
	"extern __typeof__(exported) __exported __attribute__((alias(\"exported\")));\n"
	"extern __typeof__(exported) a_weak_alias __attribute__((weak, alias(\"exported\")));\n"
	"KEEP static int hidden(int x) { puts(\"hidden\"); return x + 7; }\n"
	"static int chosen_one(int x) { return x - 5; }\n"
	"static int (*choose(void))(int) { return chosen_one; }\n"
	"__attribute__((ifunc(\"choose\"), visibility(\"hidden\"))) int chosen(int);\n"
	"KEEP int caller(int x) { return hidden(x) + exported(x) + chosen(x) + getchar(); }\n"
	"void asm_first(void); void asm_second(void); void asm_last(void);\n"
	"__asm__(\".text\\n.globl asm_first\\n.type asm_first, @function\\nasm_first:\\n\"\n"
	"	\".skip 24, 0x90\\na_label:\\n.skip 40, 0x90\\nret\\n\"\n"
	"	\".globl asm_second\\n.type asm_second, @function\\nasm_second:\\nnop\\nret\\n\"\n"
	"	\".size asm_second, .-asm_second\\n\"\n"
	"	\".section .text.z, \\\"ax\\\"\\n.globl asm_last\\nasm_last:\\nret\\n.text\\n\");\n"
	"const struct { const char *name; const void *address; int into; int is_static; }\n"
	"places[] = {\n"
	"	{ \"exported\", exported, 0, 0 }, { \"exported\", (char *)exported + 9, 9, 0 },\n"
	"	{ \"hidden\", hidden, 0, 1 }, { \"hidden\", (char *)hidden + 5, 5, 1 },\n"
	"	{ \"caller\", caller, 0, 0 }, { \"asm_first\", asm_first, 0, 0 },\n"
	"	{ \"asm_first\", (char *)asm_first + 60, 60, 0 },\n"
	"	{ \"asm_second\", (char *)asm_second + 1, 1, 0 },\n"
	"	{ \"asm_last\", asm_last, 0, 0 },\n"
	"	{ 0, 0, 0, 0 },\n"
	"};\n";

struct place {
	const char *name;
	const void *address;
	int into, is_static;
};

#define BUILD_LIBRARY "-O1 -shared -fPIC -fcf-protection=none -Wl,--build-id=0x" BUILD_ID " lib.c"
#define DEBUG_DIR     "root/usr/lib/debug/.build-id/00"

static int make_files(void **state)
{
	(void)state;
	write_file(in_dir("lib.c"), library_source);
	built("library",
		"gcc -g -Wl,-z,lazy " BUILD_LIBRARY " -o lib.so &&"
		" objcopy --only-keep-debug lib.so lib.debug &&"
		" strip --strip-all -o stripped.so lib.so && mkdir -p " DEBUG_DIR " &&"
		" cp lib.debug " DEBUG_DIR "/%s.debug",
		BUILD_ID + 2);
	return 0;
}

/* ---- questions ---- */

static void open_image(struct elf_image *e, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err err;

	assert_true(fd >= 0);
	assert_int_equal(elf_image_open(e, fd, &err), 0);
}

static void close_image(struct elf_image *e)
{
	close(e->fd);
	elf_image_done(e);
}

/* What a profiler would record for an address of this process: its place in the mapped file. */
static uint64_t file_offset(const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to, offset;
	uint64_t at = (uintptr_t)address, result = UINT64_MAX;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) == 3 && at >= from &&
			at < to)
			result = at - from + offset;
	fclose(maps);
	assert_true(result != UINT64_MAX);
	return result;
}

static int resolve_one(const struct elf_image *e, const struct elf_image *debug, uint64_t offset,
	struct symbol_query *q, struct arena *a)
{
	*q = (struct symbol_query){ .address = offset };
	return elf_symbols_resolve(e, debug, q, 1, a, NULL);
}

/* Every place of the loaded library, asked one by one and all at once. */
static void check_places(const struct elf_image *e, const struct elf_image *debug, bool stripped)
{
	void *lib = dlopen(in_dir("lib.so"), RTLD_NOW);
	const struct place *places = lib ? dlsym(lib, "places") : NULL;
	struct arena arena = { 0 };
	struct symbol_query q, all[16] = { 0 };
	size_t n = 0;

	assert_non_null(places);
	for (const struct place *p = places; p->name; p++) {
		uint64_t offset = file_offset(p->address);
		bool known = !stripped || !p->is_static;

		all[n++].address = offset;
		assert_int_equal(resolve_one(e, debug, offset, &q, &arena), known);
		if (!known) {
			assert_null(q.name);
			continue;
		}
		assert_string_equal(q.name, p->name);
		assert_int_equal(q.start, offset - (uint64_t)p->into);
	}
	symbol_query_sort(all, n);
	assert_int_equal(elf_symbols_resolve(e, debug, all, n, &arena, NULL), stripped ? n - 2 : n);
	for (size_t i = 0; i < n; i++) {
		resolve_one(e, debug, all[i].address, &q, &arena);
		assert_int_equal(q.name == NULL, all[i].name == NULL);
		if (q.name)
			assert_string_equal(all[i].name, q.name);
		assert_int_equal(all[i].start, q.start);
	}
	arena_done(&arena);
	dlclose(lib);
}

static void functions_of_a_loaded_library_get_the_names_the_compiler_gave(void **state)
{
	struct elf_image e;

	(void)state;
	need_compiler();
	open_image(&e, in_dir("lib.so"));
	check_places(&e, NULL, false);
	close_image(&e);
}

static void a_stripped_library_keeps_what_it_exports(void **state)
{
	struct elf_image e;

	(void)state;
	need_compiler();
	open_image(&e, in_dir("stripped.so"));
	check_places(&e, NULL, true);
	close_image(&e);
}

static void a_debug_file_gives_a_stripped_library_all_its_names(void **state)
{
	struct elf_image e, debug;
	struct build_id id;
	struct err err;
	int fd;

	(void)state;
	need_compiler();
	open_image(&e, in_dir("stripped.so"));
	assert_int_equal(build_id_of_image(&e, &id, &err), 0);
	fd = debug_file_open(in_dir("root"), &id, &err);
	assert_true(fd >= 0);
	assert_int_equal(elf_image_open(&debug, fd, &err), 0);
	check_places(&e, &debug, false);
	close_image(&debug);
	close_image(&e);
}

static void a_debug_file_of_another_build_is_refused(void **state)
{
	struct build_id id = { { 0x00, 0x12 }, 20 };
	struct err err;

	(void)state;
	need_compiler();
	assert_int_equal(debug_file_open(in_dir("root"), &id, &err), -ENOENT);
	assert_int_equal(sh("cp lib.debug " DEBUG_DIR
			    "/12000000000000000000000000000000000000.debug"),
		0);
	assert_int_equal(debug_file_open(in_dir("root"), &id, &err), -ESTALE);
	assert_non_null(strstr(err.text, "build id is " BUILD_ID ", not 0012"));
	assert_int_equal(sh("ln -sf ../../../../../../dev/zero " DEBUG_DIR
			    "/12000000000000000000000000000000000000.debug"),
		0);
	assert_true(debug_file_open(in_dir("root"), &id, &err) < 0);
	id.len = 0;
	assert_int_equal(debug_file_open(in_dir("root"), &id, &err), -ENOENT);
}

static void links_in_the_root_of_a_target_do_not_lead_out_of_it(void **state)
{
	struct err err;
	char byte = 0;
	int fd;

	(void)state;
	assert_int_equal(
		sh("mkdir -p jail/etc && echo inside >jail/etc/passwd &&"
		   " ln -s /etc/passwd jail/absolute && ln -s ../../../../../etc/passwd jail/up &&"
		   " ln -s /proc/self/exe jail/magic && mkfifo jail/pipe"),
		0);
	fd = target_file_open(in_dir("jail"), "/absolute", true, &err);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'i');
	close(fd);
	fd = target_file_open(in_dir("jail"), "up", true, &err);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'i');
	close(fd);
	assert_int_equal(target_file_open(in_dir("jail"), "absolute", false, &err), -ELOOP);
	assert_int_equal(target_file_open(in_dir("jail"), "magic", true, &err), -ENOENT);
	assert_int_equal(target_file_open(in_dir("jail"), "pipe", true, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is not a regular file"));
	assert_int_equal(target_file_open("/nowhere", "pipe", true, &err), -ENOENT);
}

/* ---- procedure linkage tables ---- */

/* Holds our name for each stub against objdump's; returns how many there were. */
static int compare_stubs(const struct elf_image *e, const char *path)
{
	char command[400], line[512], name[256];
	struct arena arena = { 0 };
	unsigned long vaddr;
	FILE *objdump;
	int n = 0;

	snprintf(command, sizeof(command), "objdump -d -j .plt -j .plt.sec -j .plt.got %s 2>&1",
		path);
	objdump = popen(command, "r");
	assert_non_null(objdump);
	while (fgets(line, sizeof(line), objdump)) {
		struct symbol_query q;
		char *end;

		if (sscanf(line, "%lx <%255[^>]>:", &vaddr, name) != 2)
			continue;
		end = strstr(name, "@plt");
		/* "f@plt-0x10" is the part in front that stubs share. */
		if (!end || end[4])
			continue;
		/* Linked so that these sections are at the same place in file and memory. */
		for (unsigned into = 0; into < 8; into += 7) {
			assert_int_equal(resolve_one(e, NULL, vaddr + into, &q, &arena), 1);
			assert_int_equal(q.start, vaddr);
			if (strncmp(name, "*ABS*", 5) != 0)
				assert_string_equal(q.name, name);
			else
				assert_non_null(strstr(q.name, "@plt"));
		}
		n++;
	}
	arena_done(&arena);
	assert_int_equal(pclose(objdump), 0);
	return n;
}

static void stubs_are_named_after_what_they_jump_to(void **state)
{
	static const char *const ways[] = { "-Wl,-z,lazy", "-Wl,-z,now",
		"-Wl,-z,lazy -fcf-protection=full -Wl,-z,ibtplt" };

	(void)state;
	need_compiler();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct elf_image e;

		assert_int_equal(sh("gcc " BUILD_LIBRARY " %s -o stubs.so", ways[i]), 0);
		open_image(&e, in_dir("stubs.so"));
		assert_true(compare_stubs(&e, in_dir("stubs.so")) >= 3);
		close_image(&e);
	}
}

/* All addresses of the tables of stubs: which names came up, how many instructions have one. */
static size_t names_of_stubs(const struct elf_image *e, const char *names[], size_t most,
	size_t *n_named, struct arena *a)
{
	size_t n = 0;

	*n_named = 0;

	for (uint32_t i = 1; i < e->n_sections; i++) {
		const GElf_Shdr *s = &e->sections[i];

		if (!elf_image_section_is(e, s, ".plt") &&
			!elf_image_section_is(e, s, ".plt.sec") &&
			!elf_image_section_is(e, s, ".iplt"))
			continue;
		for (uint64_t at = 0; at < s->sh_size; at += 4) {
			struct symbol_query q;

			if (resolve_one(e, NULL, s->sh_offset + at, &q, a) != 1)
				continue;
			(*n_named)++;
			if (n && strcmp(names[n - 1], q.name) == 0)
				continue;
			assert_true(n < most);
			assert_int_equal(q.start, s->sh_offset + at);
			names[n++] = q.name;
		}
	}
	return n;
}

static bool is_among(const char *name, const char *names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* With IBT there are two tables: what is called, and behind it what is called the first time. */
static void both_stubs_of_a_lazy_function_with_ibt_have_its_name(void **state)
{
	const char *names[32];
	struct arena arena = { 0 };
	struct elf_image e;
	size_t n, n_named;

	(void)state;
	need_compiler();
	assert_int_equal(sh("gcc " BUILD_LIBRARY
			    " -Wl,-z,lazy -fcf-protection=full -Wl,-z,ibtplt -o ibt.so"),
		0);
	open_image(&e, in_dir("ibt.so"));
	n = names_of_stubs(&e, names, 32, &n_named, &arena);
	assert_true(n >= 6 && n % 2 == 0);
	assert_int_equal(n_named, n * 4);
	for (size_t i = 0; i < n / 2; i++)
		assert_string_equal(names[i], names[n / 2 + i]);
	close_image(&e);
	arena_done(&arena);
}

static void stubs_of_another_linker_are_named_too(void **state)
{
	const char *names[32];
	struct arena arena = { 0 };
	struct elf_image e;
	size_t n, n_named;

	(void)state;
	need_compiler();
	if (sh("gcc " BUILD_LIBRARY " -fuse-ld=lld -o lld.so")) {
		print_message("no ld.lld\n");
		skip();
	}
	open_image(&e, in_dir("lld.so"));
	n = names_of_stubs(&e, names, 32, &n_named, &arena);
	assert_true(is_among("printf@plt", names, n));
	assert_true(is_among("choose@plt", names, n) || is_among("chosen@plt", names, n));
	close_image(&e);
	arena_done(&arena);
}

static const char foreign_source[] =
	"int outer_a(int); int outer_b(int);\n"
	"__attribute__((noinline)) int alpha(int x) { return outer_a(x) + 1; }\n"
	"__attribute__((noinline)) int beta(int x) { return outer_b(x) + alpha(x) * 3; }\n";

static bool make_foreign(const char *target, const char *options)
{
	if (sh("clang --target=%s -O1 -fPIC -nostdlib -shared -fuse-ld=lld %s foreign.c"
	       " -o foreign.so",
		    target, options) == 0)
		return true;
	print_message("no library for %s (clang and ld.lld needed)\n", target);
	return false;
}

/* How GNU ld has it and ld.lld has not: the last nop of each stub goes to its front as a bti. What
 * the others do does not change, as long as they stay in their page. */
static void begin_stubs_with_bti(const char *path)
{
	static const uint32_t bti = 0xd503245f;
	struct elf_image e;
	uint32_t stub[6];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	open_image(&e, path);
	for (uint32_t i = 1; i < e.n_sections; i++) {
		const GElf_Shdr *s = &e.sections[i];

		if (!elf_image_section_is(&e, s, ".plt"))
			continue;
		for (uint64_t at = 32; at < s->sh_size; at += sizeof(stub)) {
			elf_image_read(&e, s->sh_offset + at, stub, sizeof(stub));
			memmove(stub + 1, stub, sizeof(stub) - 4);
			stub[0] = bti;
			assert_int_equal(pwrite(fd, stub, sizeof(stub), s->sh_offset + at),
				sizeof(stub));
		}
	}
	close_image(&e);
	close(fd);
}

static void stubs_of_aarch64_are_named_with_and_without_branch_protection(void **state)
{
	static const char *const options[] = { "", "-mbranch-protection=standard -Wl,-z,force-bti",
		"-mbranch-protection=standard -Wl,-z,force-bti -Wl,-z,pac-plt",
		"-mbranch-protection=standard -Wl,-z,force-bti -Wl,-z,pac-plt" };
	bool made = false;

	(void)state;
	write_file(in_dir("foreign.c"), foreign_source);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *names[32];
		struct arena arena = { 0 };
		struct elf_image e;
		size_t n, n_named;

		if (!make_foreign("aarch64-linux-gnu", options[i]))
			continue;
		made = true;
		if (i == 3)
			begin_stubs_with_bti(in_dir("foreign.so"));
		open_image(&e, in_dir("foreign.so"));
		n = names_of_stubs(&e, names, 32, &n_named, &arena);
		assert_int_equal(n, 3);
		/* Four instructions; with bti and autia1716, or padding, six. */
		assert_int_equal(n_named, i == 0 ? 3 * 4 : 3 * 6);
		assert_true(is_among("alpha@plt", names, n));
		assert_true(is_among("outer_a@plt", names, n));
		assert_true(is_among("outer_b@plt", names, n));
		close_image(&e);
		arena_done(&arena);
	}
	if (!made)
		skip();
}

/* ---- other machines ---- */

static void libraries_of_other_machines_are_read_in_their_own_byte_order(void **state)
{
	static const char *const targets[] = { "powerpc-linux-gnu", "mips64-linux-gnuabi64",
		"armv7-linux-gnueabihf -mthumb", "riscv64-linux-gnu", "i686-linux-gnu" };
	bool made = false;

	(void)state;
	write_file(in_dir("foreign.c"), foreign_source);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		bool alpha = false, beta = false;
		struct arena arena = { 0 };
		char hex[BUILD_ID_HEX];
		struct build_id id;
		struct elf_image e;

		if (!make_foreign(targets[i], "-Wl,--build-id=0x" BUILD_ID))
			continue;
		made = true;
		open_image(&e, in_dir("foreign.so"));
		for (uint64_t at = 0; at < e.size; at += 2) {
			struct symbol_query q;

			if (resolve_one(&e, NULL, at, &q, &arena) != 1)
				continue;
			alpha |= strcmp(q.name, "alpha") == 0 && q.start == at;
			beta |= strcmp(q.name, "beta") == 0 && q.start == at;
			assert_true(q.name[0] != '$');
		}
		assert_true(alpha && beta);
		assert_int_equal(build_id_of_image(&e, &id, NULL), 0);
		assert_string_equal(build_id_hex(&id, hex), BUILD_ID);
		close_image(&e);
		arena_done(&arena);
	}
	if (!made)
		skip();
}

/* ---- what is installed ---- */

static int by_address(const void *a, const void *b)
{
	const GElf_Sym *p = a, *q = b;

	return (p->st_value > q->st_value) - (p->st_value < q->st_value);
}

/* The functions of .dynsym by way of libelf itself, sorted by address. */
static GElf_Sym *functions_of(int fd, size_t *n, Elf **elf, size_t *strings)
{
	GElf_Sym *list = NULL, sym;
	Elf_Scn *section = NULL;
	GElf_Shdr h;

	*n = 0;
	elf_version(EV_CURRENT);
	*elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(*elf);
	while ((section = elf_nextscn(*elf, section))) {
		Elf_Data *data;

		gelf_getshdr(section, &h);
		if (h.sh_type != SHT_DYNSYM)
			continue;
		*strings = h.sh_link;
		data = elf_getdata(section, NULL);
		list = calloc(h.sh_size / h.sh_entsize, sizeof(*list));
		for (size_t i = 0; i < h.sh_size / h.sh_entsize; i++) {
			int type;

			gelf_getsym(data, (int)i, &sym);
			type = GELF_ST_TYPE(sym.st_info);
			if (sym.st_shndx != SHN_UNDEF && sym.st_size &&
				(type == STT_FUNC || type == STT_GNU_IFUNC))
				list[(*n)++] = sym;
		}
	}
	qsort(list, *n, sizeof(*list), by_address);
	return list;
}

/* These files are linked so that code has one distance between file and memory. */
static void check_all_functions(const char *path)
{
	struct arena arena = { 0 };
	struct symbol_query *q;
	struct elf_image e;
	size_t n, strings = 0;
	uint64_t distance = 0;
	GElf_Sym *list;
	Elf *elf;

	if (access(path, R_OK)) {
		print_message("no %s\n", path);
		return;
	}
	open_image(&e, path);
	list = functions_of(e.fd, &n, &elf, &strings);
	for (uint32_t i = 0; i < e.n_segments; i++)
		if (e.segments[i].p_type == PT_LOAD && e.segments[i].p_flags & PF_X)
			distance = e.segments[i].p_vaddr - e.segments[i].p_offset;
	assert_true(n > 100);
	q = calloc(n, sizeof(*q));
	for (size_t i = 0; i < n; i++)
		q[i].address = list[i].st_value - distance;
	assert_int_equal(elf_symbols_resolve(&e, NULL, q, n, &arena, NULL), n);
	for (size_t i = 0, k = 0; i < n; i++) {
		bool is_one_of_them = false;

		assert_int_equal(q[i].start, q[i].address);
		while (list[k].st_value < list[i].st_value)
			k++;
		for (size_t j = k; j < n && list[j].st_value == list[i].st_value; j++)
			is_one_of_them |= strcmp(q[i].name,
						  elf_strptr(elf, strings, list[j].st_name)) == 0;
		assert_true(is_one_of_them);
	}
	elf_end(elf);
	close_image(&e);
	free(list);
	free(q);
	arena_done(&arena);
}

static void every_function_of_libc_and_bash_is_found_at_its_start(void **state)
{
	struct link_map *libc;
	void *handle = dlopen("libc.so.6", RTLD_NOW);

	(void)state;
	assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &libc), 0);
	check_all_functions(libc->l_name);
	check_all_functions("/bin/bash");
	dlclose(handle);
}

static void stubs_of_libc_and_bash_have_the_names_that_objdump_shows(void **state)
{
	static const char *const files[] = { "/lib/x86_64-linux-gnu/libc.so.6", "/bin/bash" };

	(void)state;
	need_compiler();
	for (size_t i = 0; i < 2; i++) {
		struct elf_image e;

		if (access(files[i], R_OK)) {
			print_message("no %s\n", files[i]);
			continue;
		}
		open_image(&e, files[i]);
		assert_true(compare_stubs(&e, files[i]) > 20);
		close_image(&e);
	}
}

__attribute__((noinline)) static uint64_t a_static_function_of_this_program(void)
{
	return file_offset(__builtin_extract_return_addr(__builtin_return_address(0)));
}

static void this_program_finds_its_own_functions(void **state)
{
	uint64_t caller = a_static_function_of_this_program();
	struct arena arena = { 0 };
	struct symbol_query q;
	struct elf_image e;

	(void)state;
	open_image(&e, "/proc/self/exe");
	assert_int_equal(resolve_one(&e, NULL, caller, &q, &arena), 1);
	assert_string_equal(q.name, "this_program_finds_its_own_functions");
	assert_int_equal(resolve_one(&e, NULL, file_offset((const void *)file_offset), &q, &arena),
		1);
	assert_string_equal(q.name, "file_offset");
	close_image(&e);
	arena_done(&arena);
}

static void functions_of_the_vdso_have_names(void **state)
{
	bool clock = false, cpu = false;
	struct arena arena = { 0 };
	struct symbol_query *q;
	struct build_id id;
	struct elf_image e;
	struct err err;

	(void)state;
	if (vdso_open(&e, &err)) {
		print_message("%s\n", err.text);
		skip();
	}
	q = calloc(e.size, sizeof(*q));
	for (uint64_t i = 0; i < e.size; i++)
		q[i].address = i;
	assert_true(elf_symbols_resolve(&e, NULL, q, e.size, &arena, &err) > 100);
	for (uint64_t i = 0; i < e.size; i++) {
		clock |= q[i].name && strstr(q[i].name, "clock_gettime");
		cpu |= q[i].name && strstr(q[i].name, "gettimeofday");
	}
	assert_true(clock && cpu);
	assert_int_equal(build_id_of_image(&e, &id, &err), 0);
	assert_int_equal(id.len, 20);
	free(q);
	elf_image_done(&e);
	arena_done(&arena);
}

/* ---- build ids ---- */

static void build_ids_are_read_from_libraries_debug_files_and_notes(void **state)
{
	static const char *const names[] = { "lib.so", "stripped.so", "lib.debug" };
	char hex[BUILD_ID_HEX];
	struct build_id id;
	struct err err;

	(void)state;
	need_compiler();
	for (size_t i = 0; i < 3; i++) {
		int fd = open(in_dir(names[i]), O_RDONLY);

		memset(&id, 0, sizeof(id));
		assert_int_equal(build_id_of_file(fd, &id, &err), 0);
		assert_string_equal(build_id_hex(&id, hex), BUILD_ID);
		close(fd);
	}
	assert_int_equal(sh("mkdir -p sys/module/veth/notes && objcopy -O binary"
			    " --only-section=.note.gnu.build-id lib.so"
			    " sys/module/veth/notes/.note.gnu.build-id"),
		0);
	memset(&id, 0, sizeof(id));
	assert_int_equal(build_id_of_module(in_dir("sys"), "veth", &id, &err), 0);
	assert_string_equal(build_id_hex(&id, hex), BUILD_ID);
	assert_int_equal(build_id_of_module(in_dir("sys"), "none", &id, &err), -ENOENT);
	assert_int_equal(build_id_of_module(in_dir("sys"), "../x", &id, &err), -EINVAL);
}

static void notes_in_front_of_the_build_id_are_passed_over(void **state)
{
	static const uint32_t notes[] = {
		4,
		5,
		6,
		0x756e694c,
		1,
		2, /* another name, content of 5 bytes */
		4,
		4,
		1,
		0x00554e47,
		0, /* GNU, another type */
		3,
		0,
		0,
		0x00585858, /* no content */
		4,
		8,
		3,
		0x00554e47,
		0x03020100,
		0x07060504,
	};
	char hex[BUILD_ID_HEX];
	struct build_id id = { .len = 77 };
	struct err err;

	(void)state;
	assert_int_equal(build_id_of_notes(notes, sizeof(notes), &id, &err), 0);
	assert_string_equal(build_id_hex(&id, hex), "0001020304050607");
	for (size_t cut = 1; cut <= 24; cut++)
		assert_int_equal(build_id_of_notes(notes, sizeof(notes) - cut, &id, &err), -ENOENT);
	assert_string_equal(err.text, "no build id among the notes");
}

static void the_kernel_tells_its_build_id(void **state)
{
	struct build_id id;
	struct err err;

	(void)state;
	if (build_id_of_notes_file(KERNEL_NOTES_PATH, &id, &err)) {
		print_message("%s\n", err.text);
		skip();
	}
	assert_true(id.len >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_a_loaded_library_get_the_names_the_compiler_gave),
		cmocka_unit_test(a_stripped_library_keeps_what_it_exports),
		cmocka_unit_test(a_debug_file_gives_a_stripped_library_all_its_names),
		cmocka_unit_test(a_debug_file_of_another_build_is_refused),
		cmocka_unit_test(links_in_the_root_of_a_target_do_not_lead_out_of_it),
		cmocka_unit_test(stubs_are_named_after_what_they_jump_to),
		cmocka_unit_test(both_stubs_of_a_lazy_function_with_ibt_have_its_name),
		cmocka_unit_test(stubs_of_another_linker_are_named_too),
		cmocka_unit_test(stubs_of_aarch64_are_named_with_and_without_branch_protection),
		cmocka_unit_test(libraries_of_other_machines_are_read_in_their_own_byte_order),
		cmocka_unit_test(every_function_of_libc_and_bash_is_found_at_its_start),
		cmocka_unit_test(stubs_of_libc_and_bash_have_the_names_that_objdump_shows),
		cmocka_unit_test(this_program_finds_its_own_functions),
		cmocka_unit_test(functions_of_the_vdso_have_names),
		cmocka_unit_test(build_ids_are_read_from_libraries_debug_files_and_notes),
		cmocka_unit_test(notes_in_front_of_the_build_id_are_passed_over),
		cmocka_unit_test(the_kernel_tells_its_build_id),
	};

	return cmocka_run_group_tests_name("symbols of files", tests, make_files, remove_built);
}
