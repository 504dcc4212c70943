/* Inlined functions and lines of programs compiled here, with DWARF 4 and 5, in one file and split;
 * binutils' addr2line is the oracle. And what damaged files and damaged replies may not do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/base/bytes.h"
#include "format/symbols/dwarf_frames.h"
#include "format/symbols/elf_image.h"
#include "format/symbols/inline_worker.h"
#include "format/symbols/split_file.h"
#include "tests/unit/support.h"

enum { MAX_ADDRESSES = 4096, MAX_BYTES = 1 << 20 };

static const char source[] =
	"static volatile unsigned long sink;\n"
	"#define INLINE static inline __attribute__((always_inline))\n"
	"INLINE void inner(unsigned long n) {\n"
	"	for (unsigned long i = 0; i < n; i++)\n"
	"		sink += i;\n" /* line 5 */
	"}\n"
	"INLINE void middle(unsigned long n) {\n"
	"	inner(n);\n" /* line 8 */
	"	sink = 7;\n"
	"}\n"
	"INLINE void outer(unsigned long n) {\n"
	"	{ unsigned long m = n * sink;\n"
	"	middle(m); }\n" /* line 13 */
	"}\n"
	"__attribute__((noinline)) void around(unsigned long n) {\n"
	"	outer(n);\n" /* line 16 */
	"	sink = 3;\n"
	"}\n"
	"__attribute__((noinline)) static int plain(int x) { return x * sink; }\n"
	"int main(int argc, char **argv) { around(argc); outer(argc); return plain(argc); }\n";

struct bench {
	char folder[64];
	int fd; /* the program */
	struct elf_image elf;
	uint64_t addresses[MAX_ADDRESSES];
	size_t n;
	struct inline_chain chains[MAX_ADDRESSES];
	struct inline_parts parts;
	struct dwarf_place places[2];
	struct arena arena;
};

static void in_folder(struct bench *b, const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd '%s' && { %s; } >>log 2>&1", b->folder, command);
	if (system(line)) {
		fprintf(stderr, "failed: %s\n", line);
		fail();
	}
}

static void put_file(struct bench *b, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void open_program(struct bench *b, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", b->folder, name);
	b->fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(b->fd >= 0);
	assert_int_equal(elf_image_open(&b->elf, b->fd, NULL), 0);
}

static void close_program(struct bench *b)
{
	elf_image_done(&b->elf);
	close(b->fd);
	b->fd = -1;
}

/* All addresses of the section with the program's own code. */
static void ask_text(struct bench *b)
{
	for (uint32_t i = 1; i < b->elf.n_sections; i++) {
		const GElf_Shdr *s = &b->elf.sections[i];

		if (!elf_image_section_is(&b->elf, s, ".text"))
			continue;
		for (b->n = 0; b->n < s->sh_size && b->n < MAX_ADDRESSES; b->n++)
			b->addresses[b->n] = s->sh_addr + b->n;
	}
	assert_true(b->n > 100);
}

static struct bench *bench_new(void)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	strcpy(b->folder, "/tmp/dwarf-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	b->fd = -1;
	b->parts = PARTS_NONE;
	return b;
}

static void bench_free(struct bench *b)
{
	char line[128];

	if (b->fd >= 0)
		close_program(b);
	arena_done(&b->arena);
	snprintf(line, sizeof(line), "rm -rf '%s'", b->folder);
	assert_int_equal(system(line), 0);
	free(b);
}

static int parse_file(struct bench *b, int fd, struct err *err)
{
	static uint8_t bytes[MAX_BYTES];
	ssize_t len = pread(fd, bytes, sizeof(bytes), 0);

	assert_true(len >= 0 && len < (ssize_t)sizeof(bytes));
	return inline_reply_parse(bytes, (size_t)len, &b->parts, b->chains, b->n, &b->arena, err);
}

static FILE *temporary(struct bench *b)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/reply", b->folder);
	f = fopen(path, "w+e");
	assert_non_null(f);
	return f;
}

/* The worker's two sides in this process. */
static int ask(struct bench *b, struct err *err)
{
	FILE *reply = temporary(b);
	int rc;

	rc = inline_reply_write(b->fd, &b->parts.given, true, b->addresses, b->n, reply, err);
	if (rc >= 0)
		assert_int_equal(parse_file(b, fileno(reply), err), rc);
	fclose(reply);
	return rc;
}

/* ---- against addr2line ---- */

static const char *base(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "??";
}

/* As `addr2line -i -f -s` prints it: innermost first, NAME and FILE:LINE. */
static void check_line(FILE *oracle, const char *want)
{
	char got[4096];
	char *more;

	assert_non_null(fgets(got, sizeof(got), oracle));
	got[strcspn(got, "\n")] = '\0';
	more = strstr(got, " (discriminator");
	if (more)
		*more = '\0';
	assert_string_equal(got, want);
}

static void check_chain(FILE *oracle, const struct inline_chain *c)
{
	char want[4096];

	for (uint32_t i = c->n; i-- > 0;) {
		check_line(oracle, c->frames[i].name);
		snprintf(want, sizeof(want), "%s:%u", base(c->frames[i].file), c->frames[i].line);
		check_line(oracle, want);
	}
}

/* Returns how many inlined functions there were. */
static unsigned compare(struct bench *b, const char *program)
{
	char line[256];
	unsigned n_inlined = 0;
	FILE *oracle, *in;

	snprintf(line, sizeof(line), "%s/addresses", b->folder);
	in = fopen(line, "w");
	assert_non_null(in);
	for (size_t i = 0; i < b->n; i++)
		if (b->chains[i].n && b->chains[i].frames[0].name)
			fprintf(in, "%#lx\n", (unsigned long)b->addresses[i]);
	fclose(in);
	snprintf(line, sizeof(line), "addr2line -i -f -s -e '%s/%s' <'%s/addresses'", b->folder,
		program, b->folder);
	oracle = popen(line, "r");
	assert_non_null(oracle);
	for (size_t i = 0; i < b->n; i++) {
		if (!b->chains[i].n || !b->chains[i].frames[0].name)
			continue;
		check_chain(oracle, &b->chains[i]);
		n_inlined += b->chains[i].n - 1;
	}
	assert_int_equal(fgetc(oracle), EOF);
	assert_int_equal(pclose(oracle), 0);
	return n_inlined;
}

static void check_built(const char *options)
{
	struct bench *b = bench_new();
	char line[256];
	struct err err = { "" };

	if (system("command -v addr2line gcc >/dev/null 2>&1"))
		skip();
	put_file(b, "s.c", source);
	snprintf(line, sizeof(line), "gcc -O2 %s -c s.c && gcc %s s.o -o s", options, options);
	in_folder(b, line);
	open_program(b, "s");
	ask_text(b);
	assert_true(ask(b, &err) > 50);
	assert_true(compare(b, "s") > 50);
	bench_free(b);
}

static void inlined_functions_of_dwarf_4_are_as_addr2line_says(void **state)
{
	check_built("-gdwarf-4");
}

static void inlined_functions_of_dwarf_5_are_as_addr2line_says(void **state)
{
	check_built("-gdwarf-5");
}

static void compressed_sections_are_read(void **state)
{
	check_built("-g -gz=zlib");
}

/* ---- known answers ---- */

static void check_frame(const struct inline_frame *f, const char *name, uint32_t line)
{
	assert_string_equal(f->name, name);
	assert_string_equal(base(f->file), "s.c");
	assert_int_equal(f->line, line);
}

static void build(struct bench *b, const char *command)
{
	put_file(b, "s.c", source);
	in_folder(b, command);
	open_program(b, "s");
	ask_text(b);
}

static void check_build_of_three(struct bench *b, const char *command)
{
	unsigned n_found = 0;

	build(b, command);
	assert_true(ask(b, NULL) > 0);
	for (size_t i = 0; i < b->n; i++) {
		const struct inline_chain *c = &b->chains[i];

		if (c->n != 4 || c->frames[3].line != 5 || strcmp(c->frames[0].name, "around") != 0)
			continue;
		check_frame(&c->frames[0], "around", 16);
		check_frame(&c->frames[1], "outer", 13);
		check_frame(&c->frames[2], "middle", 8);
		check_frame(&c->frames[3], "inner", 5);
		assert_true(c->start <= b->addresses[i] && b->addresses[i] < c->end);
		n_found++;
	}
	assert_true(n_found > 5);
}

static void check_chain_of_three(const char *command)
{
	struct bench *b = bench_new();

	check_build_of_three(b, command);
	bench_free(b);
}

static void a_chain_of_three_has_its_calls_lines(void **state)
{
	check_chain_of_three("gcc -O2 -g s.c -o s");
}

/* Linked in two steps: of `gcc s.c` the .dwo would be named after the program. */
static void split_dwarf_4_is_read_from_its_dwo_file(void **state)
{
	check_chain_of_three("gcc -O2 -gdwarf-4 -gsplit-dwarf -c s.c && gcc s.o -o s");
}

static void split_dwarf_5_is_read_from_its_dwo_file(void **state)
{
	check_chain_of_three("gcc -O2 -gdwarf-5 -gsplit-dwarf -c s.c && gcc s.o -o s");
}

static void split_dwarf_4_is_read_from_a_package(void **state)
{
	if (system("command -v dwp >/dev/null 2>&1"))
		skip();
	check_chain_of_three(
		"gcc -O2 -gdwarf-4 -gsplit-dwarf -c s.c && gcc s.o -o s && dwp -e s && rm s.dwo");
}

static void a_package_may_be_compressed(void **state)
{
	if (system("command -v dwp >/dev/null 2>&1"))
		skip();
	check_chain_of_three(
		"gcc -O2 -gdwarf-4 -gsplit-dwarf -c s.c && gcc s.o -o s && dwp -e s && rm s.dwo && "
		"objcopy --compress-debug-sections s.dwp && readelf -S s.dwp | grep -q ' C '");
}

static int note_place(void *ctx, const struct split_unit *unit)
{
	struct dwarf_place *p = ctx;

	p->id = unit->id;
	return 1;
}

static void find_place(struct bench *b, int i, int fd)
{
	struct elf_image e;

	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	b->places[i].file = (uint64_t)i;
	assert_int_equal(split_file_units(&e, note_place, &b->places[i]), 1);
	elf_image_done(&e);
}

/* Makes two .dwo files, moves them away, and gives them by descriptor: of the unit, and of another. */
static void give_moved(struct bench *b, int *fds, const char *options, bool compressed)
{
	static const char *const names[] = { "moved/t.dwo", "moved/s.dwo" };
	char command[512], path[128];

	snprintf(command, sizeof(command),
		"echo 'int other(int x) { return x * 3; }' >t.c && "
		"gcc -O2 %s -gsplit-dwarf -c s.c t.c && mkdir moved && mv s.dwo t.dwo moved && "
		"for f in moved/*; do objcopy --%scompress-debug-sections $f || exit 1; done",
		options, compressed ? "" : "de");
	put_file(b, "s.c", source);
	in_folder(b, command);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", b->folder, names[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(fds[i] >= 0);
		find_place(b, i, fds[i]);
	}
	b->parts.given.split = fds;
	b->parts.given.places = b->places;
	b->parts.given.n_places = 2;
}

static void a_dwo_file_that_was_moved_is_known_by_its_unit(void **state)
{
	for (int i = 0; i < 4; i++) {
		struct bench *b = bench_new();
		int fds[2];

		give_moved(b, fds, i % 2 ? "-gdwarf-5" : "-gdwarf-4", i > 1);
		b->parts.given.n_split = 2;
		check_build_of_three(b, "gcc s.o -o s");
		assert_int_equal(b->parts.n_units, 1);
		assert_true(b->parts.units[0].found);
		assert_string_equal(b->parts.units[0].name, "s.dwo");
		close(fds[0]);
		close(fds[1]);
		bench_free(b);
	}
}

static void a_dwo_file_of_another_unit_leaves_the_lines(void **state)
{
	struct bench *b = bench_new();
	int fds[2];

	give_moved(b, fds, "-gdwarf-5", false);
	b->parts.given.n_split = 1;
	b->places[1].file = 0; /* which is not true */
	build(b, "gcc s.o -o s");
	assert_true(ask(b, NULL) > 0);
	for (size_t i = 0; i < b->n; i++)
		assert_true(!b->chains[i].n || !b->chains[i].frames[0].name);
	assert_int_equal(b->parts.n_units, 1);
	assert_false(b->parts.units[0].found);
	b->places[1].file = 1; /* nor is there that one */
	assert_true(ask(b, NULL) > 0);
	assert_false(b->parts.units[0].found);
	close(fds[0]);
	close(fds[1]);
	bench_free(b);
}

/* Two units in it. By clang: binutils' dwp (2.40) breaks over DWARF 5, and llvm-dwp (14) over that of gcc. */
static void split_dwarf_5_is_read_from_a_package(void **state)
{
	if (system("command -v llvm-dwp clang >/dev/null 2>&1"))
		skip();
	check_chain_of_three(
		"echo 'int other(int x) { return x * 3; }' >t.c && "
		"clang -O1 -gdwarf-5 -gsplit-dwarf -c t.c s.c && clang s.o t.o -o s && "
		"timeout 60 llvm-dwp -e s -o s.dwp && rm s.dwo t.dwo");
}

/* The names of a split program are in the .dwo; without it only lines are left. */
static void a_missing_dwo_file_leaves_the_lines(void **state)
{
	struct bench *b = bench_new();
	unsigned n_lines = 0;

	build(b, "gcc -O2 -g -gsplit-dwarf s.c -o s && rm -f *.dwo");
	assert_true(ask(b, NULL) > 0);
	for (size_t i = 0; i < b->n; i++) {
		if (!b->chains[i].n)
			continue;
		assert_int_equal(b->chains[i].n, 1);
		assert_null(b->chains[i].frames[0].name);
		n_lines += b->chains[i].frames[0].line > 0;
	}
	assert_true(n_lines > 20);
	bench_free(b);
}

static void a_file_without_dwarf_is_an_error(void **state)
{
	struct bench *b = bench_new();
	struct err err = { "" };

	build(b, "gcc -O2 -s s.c -o s");
	assert_false(elf_image_has_dwarf(&b->elf));
	assert_true(ask(b, &err) < 0);
	assert_non_null(strstr(err.text, "no DWARF"));
	bench_free(b);
}

/* ---- dwz ---- */

#define DWZ "gcc -O2 -gdwarf-4 s.c -o s && cp s t && dwz -m common -r s t"

static bool has_dwz(void)
{
	return system("command -v dwz >/dev/null 2>&1") == 0;
}

static void names_are_found_in_an_alternate_file(void **state)
{
	if (!has_dwz())
		skip();
	check_chain_of_three(DWZ);
}

static void an_alternate_file_of_another_build_leaves_the_lines(void **state)
{
	struct bench *b;

	if (!has_dwz())
		skip();
	b = bench_new();
	build(b, DWZ " && printf 'int x;' >x.c && gcc -g -shared x.c -o common");
	assert_true(ask(b, NULL) > 50);
	for (size_t i = 0; i < b->n; i++)
		assert_true(
			b->chains[i].n <= 1 && (!b->chains[i].n || !b->chains[i].frames[0].name));
	bench_free(b);
}

/* ---- damage ---- */

static size_t read_program(struct bench *b, uint8_t *bytes)
{
	ssize_t len = pread(b->fd, bytes, MAX_BYTES, 0);

	assert_true(len > 0 && len < MAX_BYTES);
	return (size_t)len;
}

static int damage(struct bench *b, const uint8_t *bytes, size_t len, uint64_t *random)
{
	int fd = open(b->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
	for (uint32_t i = 1; i < b->elf.n_sections; i++) {
		const GElf_Shdr *s = &b->elf.sections[i];
		uint8_t byte = (uint8_t)random_u64(random);

		if (s->sh_type != SHT_PROGBITS || s->sh_flags & SHF_ALLOC || !s->sh_size)
			continue;
		if (random_u64(random) % 2)
			assert_int_equal(pwrite(fd, &byte, 1,
						 (off_t)(s->sh_offset +
							 random_u64(random) % s->sh_size)),
				1);
	}
	return fd;
}

/* In a process of its own, as for `rec`: libdw may do what it wants with such a file, but what comes
 * out is refused or within the rules. */
static void damaged_files_give_chains_within_the_rules_or_none(void **state)
{
	static uint8_t bytes[MAX_BYTES];
	struct bench *b = bench_new();
	uint64_t random = 20261123;
	unsigned n_good = 0;
	size_t len;

	build(b, "gcc -O2 -g s.c -o s");
	len = read_program(b, bytes);
	for (int round = 0; round < 97; round++) {
		int fd = damage(b, bytes, len, &random), status;
		FILE *reply = temporary(b);
		pid_t pid = fork();

		if (pid == 0) {
			alarm(20);
			_exit(inline_reply_write(fd, NULL, true, b->addresses, b->n, reply, NULL) <
				0);
		}
		assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
			assert_true(parse_file(b, fileno(reply), NULL) >= 0);
			n_good++;
		}
		fclose(reply);
		close(fd);
		arena_reset(&b->arena);
	}
	assert_true(n_good > 10); /* one byte of an abbreviation spoils little */
	bench_free(b);
}

/* ---- replies ---- */

static void put(struct buf *b, unsigned n, const uint64_t *v)
{
	for (unsigned i = 0; i < n; i++)
		buf_varint(b, v[i]);
}

#define PUT(b, ...) \
	put(b, sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), (uint64_t[]){ __VA_ARGS__ })

static int parse(const struct buf *b, struct inline_chain chains[4], struct arena *a)
{
	return inline_reply_parse(b->data, b->len, NULL, chains, 4, a, NULL);
}

static void replies_are_not_believed(void **state)
{
	struct inline_chain chains[4];
	struct arena a = { 0 };
	uint8_t bytes[256];
	struct buf b = buf_of(bytes, sizeof(bytes));

	PUT(&b, 1, 1, 'f');
	PUT(&b, 2, 3, 0, 1, 0, 0, 17, 100, 200);
	PUT(&b, 2, 3, 1, 1, 0, 1, 19);
	assert_int_equal(parse(&b, chains, &a), -EBADMSG); /* without its end */
	assert_int_equal(chains[3].n, 0);
	PUT(&b, 0);
	assert_int_equal(parse(&b, chains, &a), 1);
	assert_int_equal(chains[3].n, 2);
	assert_string_equal(chains[3].frames[1].file, "f");
	assert_int_equal(chains[3].frames[1].line, 19);

	b.len = 0;
	PUT(&b, 2, 4, 0, 0, 0, 0, 17, 100, 200, 0);
	assert_int_equal(parse(&b, chains, &a), -EBADMSG); /* an address that was not asked for */
	b.len = 0;
	PUT(&b, 2, 1, 1, 0, 0, 0, 17, 0);
	assert_int_equal(parse(&b, chains, &a), -EBADMSG); /* inlined into nothing */
	b.len = 0;
	PUT(&b, 2, 1, 0, 1, 0, 0, 17, 100, 200, 0);
	assert_int_equal(parse(&b, chains, &a), -EBADMSG); /* a text that was not there */
	b.len = 0;
	PUT(&b, 2, 1, 0, 0, 0, 0, 17, 100, 200, 2, 1, 2, 0, 0, 0, 17, 0);
	assert_int_equal(parse(&b, chains, &a), -EBADMSG); /* a gap in the chain */
	b.len = 0;
	PUT(&b, 2, 1, 0, 0, 0, 0, 1, 1, 2, 2, 2, 0, 0, 0, 0, 1, 1, 2, 2, 1, 0, 0, 0, 0, 1, 1, 2, 0);
	assert_int_equal(parse(&b, chains, &a), -EBADMSG); /* an address twice */
	assert_int_equal(chains[2].n, 0);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inlined_functions_of_dwarf_4_are_as_addr2line_says),
		cmocka_unit_test(inlined_functions_of_dwarf_5_are_as_addr2line_says),
		cmocka_unit_test(compressed_sections_are_read),
		cmocka_unit_test(a_chain_of_three_has_its_calls_lines),
		cmocka_unit_test(split_dwarf_4_is_read_from_its_dwo_file),
		cmocka_unit_test(split_dwarf_5_is_read_from_its_dwo_file),
		cmocka_unit_test(split_dwarf_4_is_read_from_a_package),
		cmocka_unit_test(split_dwarf_5_is_read_from_a_package),
		cmocka_unit_test(a_package_may_be_compressed),
		cmocka_unit_test(a_dwo_file_that_was_moved_is_known_by_its_unit),
		cmocka_unit_test(a_dwo_file_of_another_unit_leaves_the_lines),
		cmocka_unit_test(a_missing_dwo_file_leaves_the_lines),
		cmocka_unit_test(a_file_without_dwarf_is_an_error),
		cmocka_unit_test(names_are_found_in_an_alternate_file),
		cmocka_unit_test(an_alternate_file_of_another_build_leaves_the_lines),
		cmocka_unit_test(damaged_files_give_chains_within_the_rules_or_none),
		cmocka_unit_test(replies_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
