/* Names that come later: from binaries of the same build only, and never instead of better ones. The binaries are
 * compiled here; where their functions are is what their symbol tables say. And what an archive takes along. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/pack.h"
#include "analyze/symbolize.h"
#include "format/annotate.h"
#include "format/copy.h"
#include "format/symbols/elf_find.h"
#include "format/symbols/inline_worker.h"
#include "format/symbols/module_image.h"
#include "format/symbols/split_file.h"
#include "format/verify.h"
#include "gen/events.h"
#include "specs/events/cpu.h"
#include "specs/events/process.h"
#include "tests/unit/built.h"
#include "tests/unit/support.h"

#define BUILD_ID "11223344556677889900aabbccddeeff00112233"

/* `leaf` is inlined into `branch`, on the lines below. */
static const char source[] = "volatile int n;\n"
			     "static inline __attribute__((always_inline)) void leaf(void)\n"
			     "{ n += 2; n += 3; n += 5; n += 7; }\n" /* line 3 */
			     "__attribute__((noinline)) void branch(void)\n"
			     "{\n"
			     "	leaf();\n" /* line 6 */
			     "}\n"
			     "__attribute__((noinline)) static void hidden(void)\n"
			     "{ n += 11; n += 13; n += 17; }\n" /* line 9 */
			     "int main(void) { branch(); hidden(); return 0; }\n";

static uint64_t at_branch, at_hidden; /* where they begin in the file */

/* ---- binaries ---- */

static void note_place(void *ctx, const struct elf_function *f)
{
	(void)ctx;
	if (f->matches && strcmp(f->linked, "branch") == 0)
		at_branch = f->offset;
	if (f->matches && strcmp(f->linked, "hidden") == 0)
		at_hidden = f->offset;
}

static void find_places(const char *program)
{
	int fd = open(in_dir(program), O_RDONLY | O_CLOEXEC);
	struct elf_image e;

	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	elf_find(&e, NULL, "branch", note_place, NULL);
	elf_find(&e, NULL, "hidden", note_place, NULL);
	elf_image_done(&e);
	close(fd);
	assert_true(at_branch && at_hidden);
}

static int make_files(void **state)
{
	const char *dir = built_folder();

	(void)state;
	write_file(in_dir("prog.c"), source);
	if (built("program",
		    "gcc -O1 -g -fno-ipa-icf -Wl,--build-id=0x" BUILD_ID " %s/prog.c -o full &&"
		    " mkdir debug other && objcopy --only-keep-debug full debug/prog.debug &&"
		    " strip -o prog full && strip -g -o names full &&"
		    " gcc -O2 -g -Wl,--build-id=0x99%s %s/prog.c -o other/prog",
		    dir, BUILD_ID + 2, dir))
		find_places("full");
	return 0;
}

/* ---- traces ---- */

/* A name that the trace knows. */
struct known {
	uint64_t address;
	const char *name, *file;
	uint64_t start;
	uint32_t line;
};

struct story {
	enum mapping_kind kind;
	uint64_t base;
	const char *path;
	uint8_t id[32];
	uint32_t id_len;
	uint64_t maps[2][2];       /* offset and size of its code's mappings; size 0: none */
	const struct known *known; /* until address 0; those without a name are addresses only */
};

static struct story story_of(const struct known *known)
{
	struct story s = { .kind = MAPPING_FILE,
		.path = "/nowhere/prog",
		.id_len = 20,
		.known = known };

	for (int i = 0; i < 20; i++) {
		unsigned byte;

		sscanf(BUILD_ID + 2 * i, "%2x", &byte);
		s.id[i] = (uint8_t)byte;
	}
	return s;
}

static uint32_t text(struct writer *w, const char *s)
{
	return s ? writer_string(w, s, strlen(s)) : 0;
}

static uint8_t *make_trace(const struct story *s, size_t *len)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	int type = writer_type(w, &event_cpu_sample, NULL);
	struct mapping m = { .kind = s->kind,
		.path = text(w, s->path),
		.base = s->base,
		.build_id = s->id,
		.build_id_len = s->id_len };
	uint32_t mapping = writer_mapping(w, &m);
	struct cpu_sample sample = { .time = 1000000100 };

	for (const struct known *k = s->known; k->address; k++) {
		uint32_t frame = writer_frame(w, mapping, k->address, NULL);

		sample.time++;
		sample.stack = writer_stack(w, writer_stack_root(w, STACK_USER_FP), frame);
		if (k->name)
			writer_symbol(w,
				&(struct dict_symbol){ .frame = frame,
					.name = text(w, k->name),
					.file = text(w, k->file),
					.line = k->line,
					.start = k->start });
		writer_add(w, 0, type, &sample);
	}
	for (int i = 0; i < 2 && s->maps[i][1]; i++) {
		struct process_mmap map = { .time = 1000000050,
			.offset = s->maps[i][0],
			.size = s->maps[i][1],
			.mapping = mapping };

		writer_add(w, 0, writer_type(w, &event_process_mmap, NULL), &map);
	}
	return finish_trace(w, sink, len);
}

/* A trace, what is known of it, and its copy with that. */
struct run {
	struct symbolize s;
	struct binaries *b;
	struct reader *r, *made;
	uint8_t *bytes;
	struct sink *sink;
	size_t len;
};

static void begin(struct run *r, const struct story *story, const char *from)
{
	struct err err = { "" };

	memset(r, 0, sizeof(*r));
	r->bytes = make_trace(story, &r->len);
	r->r = reader_open_memory(r->bytes, r->len, &err);
	assert_non_null(r->r);
	r->b = binaries_new("");
	symbolize_init(&r->s);
	symbolize_collect(&r->s, r->r);
	symbolize_want(&r->s, r->b);
	if (from)
		assert_int_equal(binaries_add(r->b, from, &err), 0);
	symbolize_resolve(&r->s, r->b);
}

/* The two ways to a new trace: of a sound one its blocks as they are, of others what can be read. */
enum way { ANNOTATE, COPY };

static void make(struct run *r, enum way way)
{
	const struct carry_fact fact = { "trace.symbolized", "names by build id" };
	struct carry_symbols symbols = symbolize_symbols(&r->s);
	struct copy_options o = { .symbols = &symbols, .fact = fact };
	struct copy_result result = { 0 };
	const uint8_t *bytes;
	struct verify_result v;
	size_t len, n;

	r->sink = sink_new_memory();
	assert_true(annotate_allowed(r->r));
	if (way == ANNOTATE)
		assert_int_equal(annotate_trace(r->r, r->sink, &symbols, &fact), 0);
	else
		assert_int_equal(copy_trace(r->r, r->sink, &o, &result, NULL), 0);
	bytes = sink_memory(r->sink, &len);
	r->made = reader_open_memory(bytes, len, NULL);
	assert_non_null(r->made);
	assert_int_equal(verify(r->made, &v, NULL), 0);
	reader_damage(r->made, &n);
	assert_true(!n && v.complete && !v.unlisted);
}

static void copy(struct run *r)
{
	make(r, ANNOTATE);
}

static void end(struct run *r)
{
	symbolize_done(&r->s);
	binaries_free(r->b);
	reader_close(r->r);
	reader_close(r->made);
	if (r->sink)
		sink_free(r->sink);
	free(r->bytes);
}

/* "name file:line; name file:line" of the frame at an address, outer to inner; the file's last part. */
static const char *shown(struct reader *r, uint64_t address)
{
	static char out[512];
	const struct segment *s = reader_segment(r, 0);
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t f = 1; f < s->n_frames; f++) {
		uint64_t at;

		segment_frame(s, f, &at);
		if (at != address)
			continue;
		for (const struct symbol *y = segment_symbol(s, f); y;
			y = segment_symbol_next(s, y)) {
			struct text name = segment_string(s, y->name);
			struct text file = segment_string(s, y->file);
			char path[256];

			snprintf(path, sizeof(path), "%.*s", (int)file.len, file.s);
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", n ? "; " : "",
				(int)name.len, name.s);
			if (file.len)
				n += (size_t)snprintf(out + n, sizeof(out) - n, " %s:%u",
					basename(path), y->line);
		}
	}
	return out;
}

static void check_copy(const struct known *known, const char *from, const char *const *want)
{
	struct story story = story_of(known);
	struct run r;

	for (int way = ANNOTATE; way <= COPY; way++) {
		begin(&r, &story, from);
		make(&r, (enum way)way);
		for (int i = 0; known[i].address; i++)
			assert_string_equal(shown(r.made, known[i].address), want[i]);
		end(&r);
	}
}

/* ---- which names ---- */

static void unnamed_code_gets_names_lines_and_inlined_functions(void **state)
{
	const struct known known[] = { { .address = at_branch + 9 }, { .address = at_hidden + 9 },
		{ 0 } };
	const char *const want[] = { "branch prog.c:6; leaf prog.c:3", "hidden prog.c:9" };

	(void)state;
	need_compiler();
	check_copy(known, in_dir("full"), want);
}

static void a_debug_file_adds_to_the_stripped_program_it_is_of(void **state)
{
	const struct known known[] = { { .address = at_hidden + 9 }, { 0 } };
	struct story story = story_of(known);
	struct run r;

	(void)state;
	need_compiler();
	begin(&r, &story, in_dir("debug"));
	assert_null(r.s.homes[0].code); /* alone it does not tell where the code is */
	assert_non_null(strstr(r.s.homes[0].why, "only its debug file"));
	end(&r);
	story.path = in_dir("prog");
	begin(&r, &story, in_dir("debug"));
	copy(&r);
	assert_string_equal(shown(r.made, at_hidden + 9), "hidden prog.c:9");
	assert_int_equal(r.s.homes[0].before.names, 0);
	assert_int_equal(r.s.homes[0].now.names, 1);
	assert_int_equal(r.s.homes[0].now.lines, 1);
	end(&r);
}

/* objcopy takes out where the code was; how it was mapped tells. */
static void a_debug_file_alone_is_enough_if_the_mapping_fits(void **state)
{
	const struct known known[] = { { .address = at_branch + 9 }, { .address = at_hidden + 9 },
		{ 0 } };
	struct story story = story_of(known);
	uint64_t offset = at_branch & ~4095ULL;
	struct run r;

	(void)state;
	need_compiler();
	story.maps[0][0] = offset;
	story.maps[0][1] = 4096;
	begin(&r, &story, in_dir("debug"));
	copy(&r);
	assert_string_equal(shown(r.made, at_branch + 9), "branch prog.c:6; leaf prog.c:3");
	assert_string_equal(shown(r.made, at_hidden + 9), "hidden prog.c:9");
	end(&r);
	story.maps[0][1] = 1 << 20; /* of what is a page at the most */
	begin(&r, &story, in_dir("debug"));
	assert_false(symbolize_has_news(&r.s));
	end(&r);
	story.maps[0][1] = story.maps[1][1] = 4096;
	story.maps[1][0] = offset + 4096;
	begin(&r, &story, in_dir("debug"));
	assert_false(symbolize_has_news(&r.s));
	end(&r);
}

/* In the worker: whether it is to fail, as it is given files. */
static bool is_too_much(void)
{
	uint64_t head[2];

	return getenv("TEST_TOO_MUCH") &&
		pread(STDIN_FILENO, head, sizeof(head), 0) == sizeof(head) && head[1];
}

/* Lines of split DWARF are in the program itself, names and inlined functions in a .dwo file. */
static void lines_stay_where_asking_with_more_files_fails(void **state)
{
	(void)state;
	need_compiler();
	assert_int_equal(
		sh("mkdir split && gcc -O1 -gdwarf-5 -gsplit-dwarf -fno-ipa-icf -c prog.c -o split/prog.o && "
		   "gcc -Wl,--build-id=0x" BUILD_ID " split/prog.o -o split/prog && "
		   "mv split/prog.dwo split/moved.dwo"),
		0);
	find_places("split/prog");
	for (int i = 0; i < 2; i++) {
		const struct known known[] = { { .address = at_branch + 9 }, { 0 } };
		struct story story = story_of(known);
		struct run r;

		if (i)
			setenv("TEST_TOO_MUCH", "1", 1);
		begin(&r, &story, in_dir("split"));
		unsetenv("TEST_TOO_MUCH");
		copy(&r);
		assert_string_equal(shown(r.made, at_branch + 9),
			i ? "branch prog.c:3" : "branch prog.c:6; leaf prog.c:3");
		end(&r);
	}
	find_places("full");
}

static void a_name_that_is_known_stays_and_gets_lines(void **state)
{
	const struct known known[] = { { at_branch + 9, "branch(shown otherwise)", NULL, at_branch,
					       0 },
		{ at_hidden + 9, "hidden", "/elsewhere/prog.c", at_hidden, 97 }, { 0 } };
	const char *const want[] = { "branch(shown otherwise) prog.c:6; leaf prog.c:3",
		"hidden prog.c:97" };

	(void)state;
	need_compiler();
	check_copy(known, in_dir("full"), want);
}

/* What begins farther away is from a table without the function, what begins nearer from a better one. */
static void of_two_names_that_of_the_function_that_begins_nearer_stays(void **state)
{
	const struct known known[] = { { at_branch + 9, "far", NULL, at_branch - 16, 0 },
		{ at_hidden + 9, "near", NULL, at_hidden + 4, 0 },
		{ at_hidden + 10, "far, with a line", "/x/y.c", at_hidden - 16, 3 }, { 0 } };
	const char *const want[] = { "branch", "near", "far, with a line y.c:3" };

	(void)state;
	need_compiler();
	check_copy(known, in_dir("names"), want);
}

static void what_is_not_of_the_build_adds_nothing(void **state)
{
	const struct known known[] = { { .address = at_branch + 9 },
		{ at_hidden + 9, "hidden", NULL, at_hidden, 0 }, { 0 } };
	const char *const want[] = { "", "hidden" };
	struct story story = story_of(known);
	struct run r;

	(void)state;
	need_compiler();
	check_copy(known, in_dir("other/prog"), want);
	begin(&r, &story, in_dir("other"));
	assert_false(symbolize_has_news(&r.s));
	assert_int_equal(binaries_n_refused(r.b), 1);
	assert_non_null(strstr(binaries_refused(r.b, 0), "/other/prog' has build id 99223344"));
	assert_non_null(strstr(binaries_refused(r.b, 0), "'/nowhere/prog' has " BUILD_ID));
	end(&r);
	story.path = in_dir("other/prog"); /* the right path, but it was built anew */
	begin(&r, &story, NULL);
	assert_non_null(strstr(r.s.homes[0].why, "has build id 99223344"));
	end(&r);
	begin(&r, &story, in_dir("prog.c"));
	assert_non_null(strstr(binaries_refused(r.b, 0), "is no ELF file"));
	end(&r);
}

static void code_that_is_in_no_file_of_a_build_is_left_alone(void **state)
{
	const struct known known[] = { { .address = at_branch + 9 }, { .address = UINT64_MAX },
		{ 0 } };
	struct story story = story_of(known);
	struct run r;

	(void)state;
	need_compiler();
	story.kind = MAPPING_JIT;
	begin(&r, &story, in_dir("full"));
	assert_int_equal(r.s.n_homes, 0);
	end(&r);
	story.kind = MAPPING_FILE;
	story.id_len = 0;
	begin(&r, &story, in_dir("full"));
	assert_int_equal(r.s.n_homes, 0);
	assert_int_equal(r.s.n_other, 2);
	end(&r);
}

/* Its addresses count from where its code begins. */
/* Of each form; the last byte of an operand or distance is the last of the call. */
static const uint8_t calls[][8] = {
	/* length first */
	{ 5, 0xe8, 1, 2, 3, 4 },                   /* call near */
	{ 2, 0xff, 0xd0 },                         /* call *%rax */
	{ 3, 0x41, 0xff, 0xd4 },                   /* call *%r12 */
	{ 2, 0xff, 0x13 },                         /* call *(%rbx) */
	{ 3, 0xff, 0x50, 0x18 },                   /* call *0x18(%rax) */
	{ 3, 0xff, 0x14, 0xc8 },                   /* call *(%rax,%rcx,8) */
	{ 4, 0xff, 0x54, 0x24, 0x08 },             /* call *8(%rsp) */
	{ 6, 0xff, 0x15, 1, 2, 3, 4 },             /* call *place(%rip) */
	{ 6, 0xff, 0x90, 1, 2, 0, 0 },             /* call *0x201(%rax) */
	{ 7, 0xff, 0x94, 0x24, 1, 2, 0, 0 },       /* call *0x201(%rsp) */
	{ 7, 0xff, 0x14, 0xc5, 0x10, 0x20, 0, 0 }, /* call *table(,%rax,8) */
};

static void a_call_is_known_in_each_of_its_forms(void **state)
{
	enum { N = sizeof(calls) / sizeof(calls[0]), EACH = 32 };
	uint8_t code[N * EACH];
	struct elf_image e = { .fd = -1,
		.memory = code,
		.size = sizeof(code),
		.machine = EM_X86_64 };

	(void)state;
	memset(code, 0x90, sizeof(code)); /* nop */
	for (unsigned i = 0; i < N; i++)
		memcpy(&code[i * EACH + EACH / 2], &calls[i][1], calls[i][0]);
	for (unsigned i = 0; i < N; i++)
		for (unsigned off = 0; off < 2; off++) {
			struct call_sites c = { .n = 0 };

			/* Four callees of each of two callers: nothing else is there to outvote them. */
			for (unsigned k = 0; k < 8; k++)
				call_sites_add(&c,
					i * EACH + EACH / 2 + calls[i][0] - 1 +
						(off ? 3 + k / 4 : 0),
					k);
			assert_int_equal(call_sites_fit(&c, &e), !off);
			call_sites_done(&c);
		}
}

static void what_a_signal_interrupts_needs_no_call(void **state)
{
	uint8_t code[4096];
	struct elf_image e = { .fd = -1,
		.memory = code,
		.size = sizeof(code),
		.machine = EM_X86_64 };
	struct call_sites c = { .n = 0 };

	(void)state;
	memset(code, 0x90, sizeof(code));
	code[100] = 0xe8;
	for (unsigned i = 0; i < 3; i++) /* whom the one call reached */
		call_sites_add(&c, 104, i);
	for (unsigned i = 0; i < 1000; i++) /* all below the same return of a handler */
		call_sites_add(&c, 200 + i, 77);
	assert_true(call_sites_fit(&c, &e));
	for (unsigned i = 0; i < 4; i++) /* one coroutine's start below any number of functions */
		call_sites_add(&c, 50, 1000 + i);
	assert_false(call_sites_fit(&c, &e));
	for (unsigned i = 0; i < 2; i++)
		call_sites_add(&c, 104, 2000 + i);
	assert_true(call_sites_fit(&c, &e));
	e.machine = EM_AARCH64;
	for (unsigned i = 0; i < 40000; i++) /* more than are kept */
		call_sites_add(&c, 500 + i, 3000 + i);
	assert_true(call_sites_fit(&c, &e));
	e.machine = EM_X86_64;
	assert_false(call_sites_fit(&c, &e));
	call_sites_done(&c);
}

static void the_kernel_is_known_by_its_build_id_too(void **state)
{
	struct known known[] = { { .address = 0 }, { .address = UINT64_MAX - 5 }, { 0 } };
	struct story story = story_of(known);
	struct elf_image e;
	struct run r;
	uint64_t start = 0, vaddr;
	int fd;

	(void)state;
	need_compiler();
	fd = open(in_dir("full"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	for (uint32_t i = 0; i < e.n_segments; i++)
		if (e.segments[i].p_type == PT_LOAD && e.segments[i].p_flags & PF_X)
			start = e.segments[i].p_vaddr;
	assert_true(elf_image_vaddr(&e, at_branch + 9, &vaddr));
	elf_image_done(&e);
	close(fd);
	known[0].address = vaddr - start;
	story.kind = MAPPING_KERNEL;
	story.path = "[kernel]";
	story.base = 0xffffffff81000000;
	begin(&r, &story, in_dir("full"));
	copy(&r);
	assert_string_equal(shown(r.made, known[0].address), "branch prog.c:6; leaf prog.c:3");
	assert_string_equal(shown(r.made, UINT64_MAX - 5), "");
	end(&r);
	story.base = 0; /* hidden: its addresses mean nothing elsewhere */
	begin(&r, &story, in_dir("full"));
	assert_int_equal(r.s.n_homes, 0);
	end(&r);
}

/* A module: what is of initialization lies elsewhere, the rest of the code one behind the other. Its debug file has the
 * same layout, and no code. */
static const char module_source[] =
	"volatile int n;\n"
	"#define IN(s, a) __attribute__((noinline, section(s), aligned(a)))\n"
	"static inline __attribute__((always_inline)) void leaf(void) { n += 2; n += 3; n += 5; }\n"
	"IN(\".init.text\", 16) void start(void) { n += 7; n += 11; }\n"
	"IN(\".text.first\", 16) void first(void) { n += 13; n += 17; n += 19; }\n" /* line 5 */
	"IN(\".text.second\", 256) void second(void)\n"
	"{\n"
	"	leaf();\n" /* line 8 */
	"	n += 23;\n"
	"}\n";

static void make_module(void)
{
	FILE *f = fopen(in_dir("mod.c"), "w");

	fputs(module_source, f);
	fclose(f);
	assert_int_equal(
		sh("gcc -O1 -g -fno-asynchronous-unwind-tables -c mod.c && ld -r --build-id=0x" BUILD_ID
		   " mod.o -o mod.ko && mkdir -p ko && objcopy --only-keep-debug mod.ko ko/mod.debug"),
		0);
}

static void lines_of_a_module_come_to_names_that_the_kernel_told(void **state)
{
	const struct known known[] = { { .address = 9,
					       .name = "first",
					       .start = 0 }, /* the first section; .text is empty */
		{ .address = 256 + 9, .name = "second", .start = 256 },
		{ .address = 256 + 16, .name = "other", .start = 256 }, /* not as the file has it */
		{ .address = 256 + 17 }, /* nobody says that it is right */
		{ 0 } };
	const char *const want[] = { "first mod.c:5", "second mod.c:8; leaf mod.c:3", "other", "" };
	const char *const from[] = { "mod.ko", "ko/mod.debug" };

	(void)state;
	need_compiler();
	make_module();
	for (int i = 0; i < 2; i++) {
		struct story story = story_of(known);
		struct run r;

		story.kind = MAPPING_MODULE;
		story.path = "[mod]";
		begin(&r, &story, in_dir(from[i]));
		copy(&r);
		for (int k = 0; known[k].address; k++)
			assert_string_equal(shown(r.made, known[k].address), want[k]);
		end(&r);
	}
}

/* In the tree of the machine, where one with DWARF is, or the one without names the debug file. */
/* Headers that say they are of so many symbol tables and relocations, all over the same bytes. */
static void tables_of_a_module_that_lie_upon_each_other_are_moved_once(void **state)
{
	enum { SECTIONS = 40, SYMBOLS = 8, CODE = 4096 };
	struct {
		Elf64_Ehdr head;
		Elf64_Sym symbols[SYMBOLS];
		Elf64_Rela relocations[2];
		uint64_t info[2];
		Elf64_Shdr sections[SECTIONS];
	} file = { 0 };
	struct module_image m;
	struct elf_image e;
	uint64_t info[2];
	Elf64_Sym y;
	int fd = memfd_create("module", MFD_CLOEXEC);

	(void)state;
	memcpy(file.head.e_ident, ELFMAG, SELFMAG);
	file.head.e_ident[EI_CLASS] = ELFCLASS64;
	file.head.e_ident[EI_DATA] = ELFDATA2LSB;
	file.head.e_ident[EI_VERSION] = file.head.e_version = EV_CURRENT;
	file.head.e_type = ET_REL;
	file.head.e_machine = EM_X86_64;
	file.head.e_ehsize = sizeof(file.head);
	file.head.e_shentsize = sizeof(Elf64_Shdr);
	file.head.e_shoff = (uint8_t *)file.sections - (uint8_t *)&file;
	file.head.e_shnum = SECTIONS;
	for (int i = 0; i < SYMBOLS; i++)
		file.symbols[i] = (Elf64_Sym){ .st_shndx = 2, .st_value = (uint64_t)i };
	file.relocations[0] = (Elf64_Rela){ 0, ELF64_R_INFO(3, R_X86_64_64), 0 };
	file.sections[1] = file.sections[2] = (Elf64_Shdr){ .sh_type = SHT_NOBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_size = CODE };
	file.sections[3] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
		.sh_offset = (uint64_t)((uint8_t *)file.info - (uint8_t *)&file),
		.sh_size = sizeof(file.info) };
	for (int i = 4; i < SECTIONS; i++)
		file.sections[i] = i % 2 ? (Elf64_Shdr){ .sh_type = SHT_RELA,
			.sh_offset = (uint64_t)((uint8_t *)file.relocations - (uint8_t *)&file),
			.sh_size = sizeof(file.relocations),
			.sh_entsize = sizeof(Elf64_Rela),
			.sh_link = 4,
			.sh_info = 3 }
					 : (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
						   .sh_offset = (uint64_t)((uint8_t *)file.symbols -
							   (uint8_t *)&file),
						   .sh_size = sizeof(file.symbols),
						   .sh_entsize = sizeof(Elf64_Sym) };
	assert_int_equal(pwrite(fd, &file, sizeof(file), 0), sizeof(file));
	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	assert_int_equal(module_image_open(&m, &e, NULL), 0);
	for (int i = 0; i < SYMBOLS; i++) {
		assert_int_equal(pread(m.fd, &y, sizeof(y),
					 file.sections[4].sh_offset + i * sizeof(y)),
			sizeof(y));
		assert_int_equal(y.st_value, CODE + i);
	}
	assert_int_equal(pread(m.fd, info, sizeof(info), file.sections[3].sh_offset), sizeof(info));
	assert_int_equal(info[0], CODE + 3);
	assert_int_equal(info[1], 0);
	module_image_close(&m);
	elf_image_done(&e);
	close(fd);
}

static void check_module_is_found(const char *file)
{
	const struct known known[] = { { .address = 256 + 9, .name = "second", .start = 256 },
		{ 0 } };
	struct story story = story_of(known);
	struct binaries *b;
	struct binary found;

	assert_int_equal(sh("printf 'kernel/a.ko:\\nkernel/net/%s: kernel/a.ko\\n' "
			    ">root/lib/modules/6.1/modules.dep",
				 file),
		0);
	for (int i = 0; i < 2; i++) {
		struct build_id id = { .len = story.id_len };

		b = binaries_new(in_dir("root"));
		memcpy(id.bytes, story.id, id.len);
		binaries_want(b, &id, i ? "/lib/modules/6.1/my_mod.ko" : "/lib/modules/6.1/mod.ko");
		assert_int_equal(binary_open(&found, b, &id, false), i ? 0 : -ENOENT);
		if (i)
			assert_non_null(strstr(found.code.name, file));
		binary_close(&found);
		binaries_free(b);
	}
}

static void a_module_is_found_where_depmod_says(void **state)
{
	(void)state;
	need_compiler();
	make_module();
	assert_int_equal(sh("mkdir -p root/lib/modules/6.1/kernel/net && "
			    "cp mod.ko root/lib/modules/6.1/kernel/net/my-mod.ko"),
		0);
	check_module_is_found("my-mod.ko");
}

/* As Debian 13 and others have them. */
static void a_module_that_is_compressed_is_unpacked(void **state)
{
	static const char *const by[][2] = { { "xz", "my-mod.ko.xz" }, { "gzip", "my_mod.ko.gz" },
		{ "zstd --rm", "my-mod.ko.zst" } };

	(void)state;
	need_compiler();
	make_module();
	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		if (sh("command -v %s", by[i][0]))
			continue;
		assert_int_equal(
			sh("rm -rf root && mkdir -p root/lib/modules/6.1/kernel/net && "
			   "cd root/lib/modules/6.1/kernel/net && cp ../../../../../../mod.ko %.*s && %s %.*s",
				(int)(strrchr(by[i][1], '.') - by[i][1]), by[i][1], by[i][0],
				(int)(strrchr(by[i][1], '.') - by[i][1]), by[i][1]),
			0);
		check_module_is_found(by[i][1]);
	}
}

/* Whether somebody who is not root can read a module of root's. */
static bool is_found_by_others(const char *module)
{
	const struct known known[] = { { .address = 256 + 9, .name = "second", .start = 256 },
		{ 0 } };
	struct story story = story_of(known);
	struct build_id id = { .len = story.id_len };
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct binaries *b = binaries_new(in_dir("root"));
		struct binary found;

		memcpy(id.bytes, story.id, id.len);
		binaries_want(b, &id, module);
		if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
			setresuid(65534, 65534, 65534))
			_exit(2);
		_exit(binary_open(&found, b, &id, false) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_compressed_module_of_root_is_read_by_others(void **state)
{
	(void)state;
	need_compiler();
	if (geteuid() != 0)
		skip();
	make_module();
	assert_int_equal(
		sh("rm -rf root && mkdir -p root/lib/modules/6.1 && "
		   "gzip -c mod.ko >root/lib/modules/6.1/mod.ko.gz && cp mod.ko root/lib/modules/6.1/plain.ko && "
		   "printf 'mod.ko.gz:\nplain.ko:\n' >root/lib/modules/6.1/modules.dep && chmod -R a+rX ."),
		0);
	assert_true(is_found_by_others("/lib/modules/6.1/plain.ko"));
	assert_true(is_found_by_others("/lib/modules/6.1/mod.ko"));
}

/* ---- the new trace ---- */

/* Where the index of a trace of one segment begins. */
static size_t index_at(const uint8_t *bytes, size_t len)
{
	struct end_payload end;

	memcpy(&end, bytes + len - sizeof(end), sizeof(end));
	return end.index_offset;
}

static void all_that_was_there_stays_byte_for_byte(void **state)
{
	const struct known known[] = { { .address = at_branch + 9 }, { .address = at_hidden + 9 },
		{ 0 } };
	struct story story = story_of(known);
	const uint8_t *made, *again;
	size_t len, len_again, kept;
	struct run r, second;

	(void)state;
	need_compiler();
	begin(&r, &story, in_dir("full"));
	make(&r, ANNOTATE);
	made = sink_memory(r.sink, &len);
	kept = index_at(r.bytes, r.len);
	assert_true(index_at(made, len) > kept);
	assert_memory_equal(made, r.bytes, kept);
	assert_true(text_is(segment_info(reader_segment(r.made, 0), "trace.symbolized"),
		"names by build id"));
	/* Once more: there is nothing to add. */
	begin(&second, &story, NULL);
	free(second.bytes);
	reader_close(second.r);
	second.bytes = malloc(len);
	memcpy(second.bytes, made, len);
	second.r = reader_open_memory(second.bytes, len, NULL);
	symbolize_collect(&second.s, second.r);
	assert_int_equal(binaries_add(second.b, in_dir("full"), NULL), 0);
	symbolize_resolve(&second.s, second.b);
	make(&second, ANNOTATE);
	again = sink_memory(second.sink, &len_again);
	assert_int_equal(len_again, len);
	assert_memory_equal(again, made, len);
	end(&second);
	end(&r);
}

/* Strings of a block that cannot be read have numbers, too. */
static void a_damaged_trace_is_not_added_to(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(97, &len);
	struct reader *r = reader_open_memory(bytes, len, NULL);

	(void)state;
	assert_true(annotate_allowed(r));
	reader_close(r);
	bytes[block_at(bytes, len, 5) + 60] ^= 1;
	r = reader_open_memory(bytes, len, NULL);
	assert_false(annotate_allowed(r));
	reader_close(r);
	bytes[block_at(bytes, len, 5) + 60] ^= 1;
	r = reader_open_memory(bytes, index_at(bytes, len), NULL);
	assert_false(annotate_allowed(r));
	reader_close(r);
	free(bytes);
}

/* Names that are as long and as many as they may be, over several blocks. */
struct flood {
	struct carry_symbol list[3];
	char name[4000];
	uint32_t n;
};

static uint32_t flood_names(void *ctx, const struct segment *from, uint32_t frame,
	const struct carry_symbol **list)
{
	struct flood *f = ctx;

	(void)from;
	memset(f->name, 'x', sizeof(f->name));
	f->n += (uint32_t)snprintf(f->name, 20, "%u", frame) > 0;
	for (int i = 0; i < 3; i++)
		f->list[i] = (struct carry_symbol){ .name = { f->name, sizeof(f->name) },
			.line = frame };
	*list = f->list;
	return 3;
}

static void many_long_names_fill_several_blocks(void **state)
{
	enum { FRAMES = 997 };
	struct known known[FRAMES + 1] = { 0 };
	struct story story = story_of(known);
	struct flood flood = { .n = 0 };
	const struct carry_symbols symbols = { flood_names, &flood };
	const uint8_t *made;
	struct run r;
	size_t len;

	(void)state;
	for (int i = 0; i < FRAMES; i++)
		known[i].address = 100 + (uint64_t)i;
	begin(&r, &story, NULL);
	r.sink = sink_new_memory();
	assert_int_equal(annotate_trace(r.r, r.sink, &symbols, &(struct carry_fact){ 0 }), 0);
	made = sink_memory(r.sink, &len);
	r.made = reader_open_memory(made, len, NULL);
	assert_non_null(r.made);
	assert_true(annotate_allowed(r.made));
	assert_int_equal(flood.n, FRAMES);
	for (uint32_t f = 1; f <= FRAMES; f++) {
		const struct segment *s = reader_segment(r.made, 0);
		const struct symbol *y = segment_symbol(s, f);
		char start[20];

		snprintf(start, sizeof(start), "%u", f);
		assert_int_equal(segment_string(s, y->name).len, sizeof(flood.name));
		assert_string_equal(segment_string(s, y->name).s, start);
		assert_int_equal(y->line, f);
		assert_int_equal(segment_symbol_next(s, segment_symbol_next(s, y))->depth, 2);
	}
	end(&r);
}

/* ---- packing ---- */

static void only_what_is_called_as_sources_are_is_one(void **state)
{
	static const char *const sources[] = { "/a/b.c", "/x.rs", "/usr/include/c++/12/bits/x.tcc",
		"/a/../b.go", "/weird.name/x.S" };
	static const char *const others[] = { "/etc/shadow", "/root/.ssh/id_rsa", "a.c", "/a/.c",
		"/.c", "", "/a/b.c/", "/a/b.conf", "/a/c", "/a.c/key", "../x.c", "/a/b.c.bak" };
	const char zero[] = "/etc/shadow\0.c";

	(void)state;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		assert_true(pack_is_source_name((struct text){ sources[i], strlen(sources[i]) }));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(pack_is_source_name((struct text){ others[i], strlen(others[i]) }));
	assert_false(pack_is_source_name((struct text){ zero, sizeof(zero) - 1 }));
}

/* The names of the members of an archive, one a line. */
static const char *members(int fd)
{
	static char out[4096];
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	size_t n = 0;

	lseek(fd, 0, SEEK_SET);
	archive_read_support_format_all(a);
	archive_read_support_filter_all(a);
	assert_int_equal(archive_read_open_fd(a, fd, 4096), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) == ARCHIVE_OK)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s\n", archive_entry_pathname(e));
	archive_read_free(a);
	return out;
}

static const char *packed(struct run *r, const char *name, const struct pack_options *o,
	const struct text_set *sources, struct pack_result *result)
{
	struct input_file file = { "/somewhere/run.rec.zst", memfd_create("trace", MFD_CLOEXEC),
		NULL };
	struct file_list traces = { &file, 1 };
	int fd = memfd_create("pack", MFD_CLOEXEC);
	struct err err = { "" };
	const char *list;

	assert_int_equal(write(file.fd, r->bytes, r->len), r->len);
	assert_int_equal(pack_write(fd, name, &traces, &r->s, sources, r->b, o, result, &err), 0);
	list = members(fd);
	close(file.fd);
	close(fd);
	return list;
}

static bool has_source(const struct text_set *sources, const char *end)
{
	size_t n = strlen(end);

	for (uint32_t i = 0; i < sources->n; i++) {
		struct text t = sources->items[i];

		if (t.len > n && memcmp(t.s + t.len - n, end, n) == 0)
			return true;
	}
	return false;
}

static void a_pack_has_the_trace_its_binaries_and_sources(void **state)
{
	static const char *const names[] = { "x.tar.zst", "x.tgz", "x.zip", "x.tar" };
	const struct known known[] = { { .address = at_hidden + 9 }, { 0 } };
	struct story story = story_of(known);
	struct pack_options o = { .root = "" };
	struct pack_result result;
	struct text_set sources;
	char want[1024];
	struct run r;

	(void)state;
	need_compiler();
	story.path = in_dir("prog");
	begin(&r, &story, in_dir("debug"));
	text_set_init(&sources);
	symbolize_resolve_sources(&r.s, r.b, &sources);
	text_set_add(&sources, (struct text){ "/etc/passwd", 11 }); /* a hostile trace wants it */
	text_set_add(&sources, (struct text){ "/nowhere/x.c", 12 });
	snprintf(want, sizeof(want),
		"MANIFEST.json\nrun.rec\ndebug/.build-id/11/%s\ndebug/.build-id/11/%s.debug\n"
		"sources%s/prog.c\n",
		BUILD_ID + 2, BUILD_ID + 2, built_folder());
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_string_equal(packed(&r, names[i], &o, &sources, &result), want);
		assert_int_equal(result.sources, 1);
		assert_int_equal(result.no_sources, 1);
		assert_int_equal(result.binaries, 1);
		assert_int_equal(result.debug_files, 1);
	}
	o = (struct pack_options){ true, true, true, "" };
	assert_string_equal(packed(&r, "x.zip", &o, &sources, &result), "MANIFEST.json\nrun.rec\n");
	assert_int_equal(pack_check_name("x.rar", NULL), -EINVAL);
	assert_int_equal(pack_check_name(".zip", NULL), -EINVAL);
	text_set_done(&sources);
	end(&r);
}

static void a_pack_has_all_packages_of_a_binary(void **state)
{
	struct pack_options o = { true, false, true, "" };
	struct pack_result result;
	struct text_set sources;
	struct story story;
	const char *members;
	struct run r;

	(void)state;
	need_compiler();
	if (system("command -v dwp >/dev/null 2>&1"))
		skip();
	assert_int_equal(
		sh("mkdir two && sed -n 2,7p prog.c >two/b.c && sed -i 1i'extern volatile int n;' two/b.c &&"
		   " sed '2,7d;1a void branch(void);' prog.c >two/h.c && cd two &&"
		   " gcc -O1 -gdwarf-4 -gsplit-dwarf -fno-ipa-icf -c b.c h.c &&"
		   " gcc -Wl,--build-id=0x" BUILD_ID " b.o h.o -o prog &&"
		   " dwp b.dwo -o b.dwp && dwp h.dwo -o h.dwp && rm *.dwo"),
		0);
	find_places("two/prog");
	story = story_of((const struct known[]){ { .address = at_branch + 9 },
		{ .address = at_hidden + 9 }, { 0 } });
	begin(&r, &story, in_dir("two"));
	copy(&r);
	assert_string_equal(shown(r.made, at_branch + 9), "branch b.c:6; leaf b.c:3");
	text_set_init(&sources);
	members = packed(&r, "x.zip", &o, &sources, &result);
	assert_non_null(strstr(members, ".dwp\n"));
	assert_non_null(strstr(members, "-2.dwp\n"));
	assert_null(strstr(members, "-3.dwp\n"));
	text_set_done(&sources);
	end(&r);
	find_places("full");
}

/* A .dwo file with so many units of DWARF 5, whose ids count from 7. */
static void make_units(const char *name, unsigned n)
{
	assert_int_equal(
		sh("printf '.section .debug_info.dwo,\"e\",@progbits\n.set id, 7\n.rept %u\n.long 16\n"
		   ".value 5\n.byte 5, 8\n.long 0\n.quad id\n.set id, id + 1\n.endr\n' | as - -o %s",
			n, name),
		0);
}

static bool reads_all_units(const char *name)
{
	int fd = open(in_dir(name), O_RDONLY | O_CLOEXEC), rc;
	struct split_unit unit;
	struct elf_image e;

	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	rc = split_file_find(&e, 1, &unit); /* which it has not */
	assert_int_equal(split_file_find(&e, 7, &unit), 1);
	elf_image_done(&e);
	close(fd);
	assert_true(rc == 0 || rc == -E2BIG);
	return rc == 0;
}

static void more_units_in_a_file_than_are_looked_at_are_told(void **state)
{
	(void)state;
	need_compiler();
	make_units("most.dwo", 4096);
	assert_true(reads_all_units("most.dwo"));
	make_units("more.dwo", 4097);
	assert_false(reads_all_units("more.dwo"));
	make_units("some.dwo", 16);
	make_units("packed.dwo", 17);
	assert_int_equal(
		sh("objcopy --compress-debug-sections some.dwo && objcopy --compress-debug-sections packed.dwo"),
		0);
	assert_true(reads_all_units("some.dwo"));
	assert_false(reads_all_units("packed.dwo"));
}

/* Copies of a file with one unit, each with an id of its own. */
static struct dwarf_split *make_unit_files(unsigned n)
{
	struct dwarf_split *units = calloc(n, sizeof(*units));
	char bytes[4096], name[64];
	FILE *f = fopen(in_dir("one.dwo"), "re");
	size_t len = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
	uint64_t id = 0x7a7a7a7a7a7a7a7a;
	char *at = memmem(bytes, len, &id, sizeof(id));

	assert_true(units && at && len < sizeof(bytes));
	fclose(f);
	for (unsigned i = 0; i < n; i++) {
		id = 1000 + i;
		memcpy(at, &id, sizeof(id));
		snprintf(name, sizeof(name), "many/%u.dwo", i);
		f = fopen(in_dir(name), "we");
		assert_int_equal(fwrite(bytes, 1, len, f), len);
		fclose(f);
		units[i] = (struct dwarf_split){ id, built_folder(), strdup(name), false };
	}
	return units;
}

static bool takes_all(const struct binary *found, struct dwarf_split *units, uint32_t n)
{
	const struct inline_parts asked = { .units = units, .n_units = n };
	struct debug_parts *p = debug_parts_new("");
	struct part_set set;
	bool all;

	part_set_init(&set, p, found);
	part_set_add(&set, p, found, &asked, true);
	assert_false(set.too_many);
	assert_int_equal(set.n_split, n < INLINE_MAX_SPLIT ? n : INLINE_MAX_SPLIT);
	all = !set.beyond;
	part_set_done(&set);
	debug_parts_free(p);
	return all;
}

static void more_files_of_units_than_are_looked_into_are_told(void **state)
{
	struct binary found = { .code.name = "/nowhere/full", .debug.fd = -1 };
	enum { MANY = INLINE_MAX_SPLIT + 1 };
	struct dwarf_split *units;
	struct rlimit l;

	(void)state;
	need_compiler();
	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_max < MANY + 64) {
		printf("SKIP: more files are needed than may be open (ulimit -Hn)\n");
		skip();
	}
	assert_int_equal(
		sh("mkdir many && printf '.section .debug_info.dwo,\"e\",@progbits\n.long 16\n.value 5\n"
		   ".byte 5, 8\n.long 0\n.quad 0x7a7a7a7a7a7a7a7a\n' | as - -o one.dwo"),
		0);
	units = make_unit_files(MANY);
	found.code.fd = open(in_dir("full"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_image_open(&found.code.elf, found.code.fd, NULL), 0);
	assert_true(takes_all(&found, units, MANY - 1));
	assert_false(takes_all(&found, units, MANY));
	binary_close(&found);
	for (unsigned i = 0; i < MANY; i++)
		free((char *)units[i].name);
	free(units);
}

/* Of code that the trace does not name: it was inlined where no address is. */
static void all_code_of_a_function_with_an_address_has_its_sources_packed(void **state)
{
	static const char program[] =
		"extern volatile int n;\n"
		"#include \"away.h\"\n"
		"#include \"unused.h\"\n"
		"volatile int n;\n"
		"__attribute__((noinline)) void branch(void) { unused(); }\n"
		"__attribute__((noinline)) static void hidden(void) { n += 11; away(); }\n"
		"int main(void) { branch(); hidden(); return 0; }\n";
	struct known known[2] = { { 0 } };
	struct text_set sources;
	struct story story;
	struct run r;

	(void)state;
	need_compiler();
	assert_int_equal(sh("mkdir rows"), 0);
	write_file(in_dir("rows/rows.c"), program);
	write_file(in_dir("rows/away.h"), "static inline void away(void) { n += 7; n *= 3; }\n");
	write_file(in_dir("rows/unused.h"), "static inline void unused(void) { n += 7; }\n");
	assert_int_equal(sh("cd rows && gcc -O1 -g -fno-ipa-icf -Wl,--build-id=0x" BUILD_ID
			    " rows.c -o prog"),
		0);
	find_places("rows/prog");
	known[0] = (struct known){ at_hidden, "hidden", "/x/rows.c", at_hidden, 6 };
	story = story_of(known);
	begin(&r, &story, in_dir("rows"));
	text_set_init(&sources);
	symbolize_resolve_sources(&r.s, r.b, &sources);
	assert_true(has_source(&sources, "/rows.c"));
	assert_true(has_source(&sources, "/away.h"));
	assert_false(has_source(&sources, "/unused.h"));
	text_set_done(&sources);
	end(&r);
	find_places("full");
}

/* Paths that lead up stay in the archive, and what has too many bytes or is no text does not come along. */
static void sources_are_named_below_their_folder(void **state)
{
	const struct known known[] = { { .address = at_hidden + 9 }, { 0 } };
	struct story story = story_of(known);
	struct pack_options o = { true, true, false, built_folder() };
	struct pack_result result;
	struct text_set sources;
	struct run r;

	(void)state;
	need_compiler();
	assert_int_equal(
		sh("mkdir -p src; echo a >src/a.c; printf 'x\\0y' >src/binary.c;"
		   "truncate -s 9M src/large.c; ln -s /etc/passwd src/link.c; mkfifo src/pipe.c"),
		0);
	begin(&r, &story, NULL);
	text_set_init(&sources);
	text_set_add(&sources, (struct text){ "/src/../../../src/a.c", 21 });
	text_set_add(&sources, (struct text){ "/src//./a.c", 11 });
	text_set_add(&sources, (struct text){ "/src/binary.c", 13 });
	text_set_add(&sources, (struct text){ "/src/large.c", 12 });
	text_set_add(&sources, (struct text){ "/src/link.c", 11 });
	text_set_add(&sources, (struct text){ "/src/pipe.c", 11 });
	assert_string_equal(packed(&r, "x.tar", &o, &sources, &result),
		"MANIFEST.json\nrun.rec\nsources/src/a.c\n");
	assert_int_equal(result.no_sources, 4);
	text_set_done(&sources);
	end(&r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_known_in_each_of_its_forms),
		cmocka_unit_test(what_a_signal_interrupts_needs_no_call),
		cmocka_unit_test(unnamed_code_gets_names_lines_and_inlined_functions),
		cmocka_unit_test(a_debug_file_adds_to_the_stripped_program_it_is_of),
		cmocka_unit_test(a_debug_file_alone_is_enough_if_the_mapping_fits),
		cmocka_unit_test(lines_stay_where_asking_with_more_files_fails),
		cmocka_unit_test(a_name_that_is_known_stays_and_gets_lines),
		cmocka_unit_test(of_two_names_that_of_the_function_that_begins_nearer_stays),
		cmocka_unit_test(what_is_not_of_the_build_adds_nothing),
		cmocka_unit_test(code_that_is_in_no_file_of_a_build_is_left_alone),
		cmocka_unit_test(the_kernel_is_known_by_its_build_id_too),
		cmocka_unit_test(lines_of_a_module_come_to_names_that_the_kernel_told),
		cmocka_unit_test(tables_of_a_module_that_lie_upon_each_other_are_moved_once),
		cmocka_unit_test(a_module_is_found_where_depmod_says),
		cmocka_unit_test(a_module_that_is_compressed_is_unpacked),
		cmocka_unit_test(a_compressed_module_of_root_is_read_by_others),
		cmocka_unit_test(all_that_was_there_stays_byte_for_byte),
		cmocka_unit_test(a_damaged_trace_is_not_added_to),
		cmocka_unit_test(many_long_names_fill_several_blocks),
		cmocka_unit_test(only_what_is_called_as_sources_are_is_one),
		cmocka_unit_test(a_pack_has_the_trace_its_binaries_and_sources),
		cmocka_unit_test(a_pack_has_all_packages_of_a_binary),
		cmocka_unit_test(more_units_in_a_file_than_are_looked_at_are_told),
		cmocka_unit_test(more_files_of_units_than_are_looked_into_are_told),
		cmocka_unit_test(all_code_of_a_function_with_an_address_has_its_sources_packed),
		cmocka_unit_test(sources_are_named_below_their_folder),
	};

	/* Whoever asks for inlined functions starts itself once more. */
	if (argc == 2 && strcmp(argv[1], INLINE_WORKER) == 0)
		return is_too_much() ? 1 : inline_worker_main();
	return cmocka_run_group_tests(tests, make_files, remove_built);
}
