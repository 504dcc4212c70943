/* Symbols from text: /proc/kallsyms with /proc/modules, and the maps of code made at run time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/symbols/kallsyms.h"
#include "format/symbols/perf_map.h"
#include "tests/unit/support.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A file with this text and no name; path is how to open it. */
static int text_file(const char *text, size_t len, char path[64])
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

struct expected {
	uint64_t address;
	const char *name, *module;
	uint64_t start;
};

static void compare(const struct symbol_query *q, const struct expected *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!x[i].name) {
			assert_null(q[i].name);
			continue;
		}
		assert_non_null(q[i].name);
		assert_string_equal(q[i].name, x[i].name);
		assert_int_equal(q[i].start, x[i].start);
		assert_int_equal(q[i].module != NULL, x[i].module != NULL);
		if (x[i].module)
			assert_string_equal(q[i].module, x[i].module);
	}
}

static void check_kernel(const char *kallsyms, const char *modules, const struct expected *x,
	size_t n)
{
	struct symbol_query q[32] = { 0 };
	struct arena arena = { 0 };
	char path[64], modules_path[64] = "/nonexistent";
	int fd = text_file(kallsyms, strlen(kallsyms), path), modules_fd = -1, found = 0;
	struct err err;

	if (modules)
		modules_fd = text_file(modules, strlen(modules), modules_path);
	for (size_t i = 0; i < n; i++) {
		q[i].address = x[i].address;
		found += x[i].name != NULL;
	}
	assert_int_equal(kallsyms_resolve(NULL, path, modules_path, q, n, &arena, &err), found);
	compare(q, x, n);
	arena_done(&arena);
	close(fd);
	if (modules)
		close(modules_fd);
}

/* ---- kernel ---- */

static const char kernel[] = "0000000000000000 A fixed_percpu_data\n"
			     "ffffffff81000000 T _stext\n"
			     "ffffffff81000000 T _text\n"
			     "ffffffff81000000 T startup_64\n"
			     "ffffffff81000100 t local_alias\n"
			     "ffffffff81000100 W weak_alias\n"
			     "ffffffff81000100 T __global_alias\n"
			     "ffffffff81000200 d data_in_text\n"
			     "ffffffff81000300 t last_function\n"
			     "ffffffff81000400 T _etext\n"
			     "ffffffff81800000 D __start_rodata\n"
			     "ffffffff82000000 T _sinittext\n"
			     "ffffffff82000010 t init_function\n"
			     "ffffffff82000100 T _einittext\n"
			     "ffffffffc0300000 t late_module_function\t[late]\n"
			     "ffffffffc0300080 t late_module_last\t[late]\n"
			     "ffffffffc0100000 t early_module_function\t[early]\n"
			     "ffffffffc0100500 d early_module_data\t[early]\n"
			     "ffffffffc0400040 t bpf_prog_second\t[bpf]\n"
			     "ffffffffc0400000 t bpf_prog_first\t[bpf]\n";

static const char modules[] = "late 8192 0 - Live 0xffffffffc0300000\n"
			      "early 4096 2 late,other, Live 0xffffffffc0100000 (OE)\n";

static void kernel_functions_reach_to_the_next_text_symbol_of_their_own_region(void **state)
{
	static const struct expected expected[] = {
		{ 0xffffffff80ffffff, NULL, NULL, 0 },
		{ 0xffffffff81000000, "startup_64", NULL, 0xffffffff81000000 },
		{ 0xffffffff81000250, "__global_alias", NULL, 0xffffffff81000100 },
		{ 0xffffffff810003ff, "last_function", NULL, 0xffffffff81000300 },
		{ 0xffffffff81000400, NULL, NULL, 0 },
		{ 0xffffffff81900000, NULL, NULL, 0 },
		{ 0xffffffff82000020, "init_function", NULL, 0xffffffff82000010 },
		{ 0xffffffff82000100, NULL, NULL, 0 },
		{ 0xffffffffc0100fff, "early_module_function", "early", 0xffffffffc0100000 },
		{ 0xffffffffc0101000, NULL, NULL, 0 },
		{ 0xffffffffc0300010, "late_module_function", "late", 0xffffffffc0300000 },
		{ 0xffffffffc0300090, "late_module_last", "late", 0xffffffffc0300080 },
		{ 0xffffffffc0302000, NULL, NULL, 0 },
		{ 0xffffffffc0400010, "bpf_prog_first", "bpf", 0xffffffffc0400000 },
		{ 0xffffffffc0400050, "bpf_prog_second", "bpf", 0xffffffffc0400040 },
		{ 0xffffffffc0400040 + KALLSYMS_REACH, NULL, NULL, 0 },
		{ UINT64_MAX, NULL, NULL, 0 },
	};

	(void)state;
	check_kernel(kernel, modules, expected, N(expected));
}

static void modules_without_a_list_of_modules_reach_only_so_far(void **state)
{
	static const struct expected expected[] = {
		{ 0xffffffff81000310, "last_function", NULL, 0xffffffff81000300 },
		{ 0xffffffffc0100fff, "early_module_function", "early", 0xffffffffc0100000 },
		{ 0xffffffffc0100000 + KALLSYMS_REACH, NULL, NULL, 0 },
		{ 0xffffffffc0300090, "late_module_last", "late", 0xffffffffc0300080 },
	};

	(void)state;
	check_kernel(kernel, NULL, expected, N(expected));
	check_kernel(kernel, "late 8192 0 - Live 0x0000000000000000\nlate x\n\n", expected,
		N(expected));
}

static void hidden_kernel_addresses_are_an_error_that_names_the_sysctl(void **state)
{
	static const char zeros[] = "0000000000000000 T _text\n0000000000000000 t f\t[m]\n";
	struct symbol_query q = { .address = 0xffffffff81000000 };
	struct arena arena = { 0 };
	uint64_t base = 77;
	char path[64];
	int fd = text_file(zeros, strlen(zeros), path);
	struct err err;

	(void)state;
	assert_int_equal(kallsyms_resolve(NULL, path, MODULES_PATH, &q, 1, &arena, &err), -EPERM);
	assert_non_null(strstr(err.text, "sysctl kernel.kptr_restrict"));
	assert_int_equal(kallsyms_base(path, &base, &err), -EPERM);
	assert_non_null(strstr(err.text, "sysctl kernel.kptr_restrict"));
	assert_int_equal(base, 77);
	close(fd);
	assert_int_equal(kallsyms_resolve(NULL, "/nonexistent", MODULES_PATH, &q, 1, &arena, &err),
		-ENOENT);
	assert_string_equal(err.text, "open '/nonexistent': No such file or directory");
	assert_int_equal(kallsyms_resolve(NULL, "/dev/null", MODULES_PATH, &q, 1, &arena, &err),
		-EINVAL);
	assert_null(q.name);
	arena_done(&arena);
}

static void the_base_is_text_or_else_stext(void **state)
{
	static const struct {
		const char *text;
		uint64_t base;
	} cases[] = {
		{ "ffff000000000000 T _text\nffff000000010000 T _stext\n", 0xffff000000000000 },
		{ "ffff000000000000 T _stext\nffff000000000000 T _text\n", 0xffff000000000000 },
		{ "ffff000000000000 t head\nffff000000010000 T _stext\nffff000000010008 t f\n",
			0xffff000000010000 },
		{ "ffff000000010000 T _stext\n", 0xffff000000010000 },
		{ "ffff000000000010 t f\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		uint64_t base = 0;
		char path[64];
		int fd = text_file(cases[i].text, strlen(cases[i].text), path);

		assert_int_equal(kallsyms_base(path, &base, NULL), cases[i].base ? 0 : -ENOENT);
		assert_int_equal(base, cases[i].base);
		close(fd);
	}
}

static void modules_are_listed_with_base_and_size(void **state)
{
	struct kernel_module *list;
	struct arena arena = { 0 };
	char path[64];
	int fd = text_file(modules, strlen(modules), path);

	(void)state;
	assert_int_equal(kernel_modules(path, &list, &arena, NULL), 2);
	assert_string_equal(list[1].name, "early");
	assert_int_equal(list[1].base, 0xffffffffc0100000);
	assert_int_equal(list[1].size, 4096);
	assert_int_equal(kernel_modules("/nonexistent", &list, &arena, NULL), -ENOENT);
	close(fd);
	arena_done(&arena);
}

/* Names must survive that their lines leave the buffer, so the file is many times as long. */
static void thousands_of_addresses_are_right_in_a_long_file(void **state)
{
	enum { LINES = 60000, STEP = 7, QUERIES = LINES / STEP };
	struct symbol_query *q = calloc(QUERIES, sizeof(*q));
	struct kallsyms_kept kept = { 0 };
	struct arena arena = { 0 };
	char *text = malloc(LINES * 80), path[64], *p = text;
	int fd;

	(void)state;
	p += sprintf(p, "ffff000000000000 T _stext\n");
	for (unsigned i = 0; i < LINES; i++)
		p += sprintf(p, "ffff%012x t function_%u_%.*s\n", 0x100 + i * 16, i, (int)(i % 40),
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	p += sprintf(p, "ffff%012x T _etext\n", 0x100 + LINES * 16);
	fd = text_file(text, (size_t)(p - text), path);
	for (unsigned i = 0; i < QUERIES; i++)
		q[i].address = 0xffff000000000100 + i * STEP * 16 + i % 16;
	assert_int_equal(kallsyms_resolve(&kept, path, "/nonexistent", q, QUERIES, &arena, NULL),
		QUERIES);
	for (unsigned i = 0; i < QUERIES; i++) {
		assert_int_equal(strtol(q[i].name + strlen("function_"), NULL, 10), i * STEP);
		assert_int_equal(strspn(strrchr(q[i].name, '_') + 1, "x"), i * STEP % 40);
		assert_int_equal(q[i].start, 0xffff000000000100 + i * STEP * 16);
	}
	close(fd);
	free(text);
	free(q);
	kallsyms_kept_done(&kept);
	arena_done(&arena);
}

static int resolve_one(struct kallsyms_kept *kept, const char *path, const char *modules_path,
	uint64_t address, const char *name)
{
	struct symbol_query q = { .address = address };
	struct arena arena = { 0 };
	int rc = kallsyms_resolve(kept, path, modules_path, &q, 1, &arena, NULL);

	if (rc > 0)
		assert_string_equal(q.name, name);
	arena_done(&arena);
	return rc;
}

static void what_was_read_is_kept_until_there_are_other_modules(void **state)
{
	static const char more[] = "new 4096 0 - Live 0xffffffffc0200000\n";
	static const char used[] = "late 8192 7 by,it, Live 0xffffffffc0300000\n"
				   "early 4096 2 late,other, Live 0xffffffffc0100000 (OE)\n";
	char path[64], modules_path[64], used_path[64], more_path[64];
	int fd = text_file(kernel, strlen(kernel), path);
	int modules_fd = text_file(modules, strlen(modules), modules_path);
	int used_fd = text_file(used, strlen(used), used_path);
	int more_fd = text_file(more, strlen(more), more_path);
	struct kallsyms_kept kept = { 0 };

	(void)state;
	assert_int_equal(resolve_one(&kept, path, modules_path, 0xffffffff81000250,
				 "__global_alias"),
		1);
	assert_int_equal(resolve_one(&kept, "/nonexistent", modules_path, 0xffffffff82000020,
				 "init_function"),
		1);
	assert_int_equal(resolve_one(&kept, "/nonexistent", used_path, 0xffffffffc0100fff,
				 "early_module_function"),
		1);
	assert_int_equal(resolve_one(&kept, "/nonexistent", more_path, 0xffffffff82000020, ""),
		-ENOENT);
	assert_int_equal(resolve_one(&kept, path, more_path, 0xffffffff82000020, "init_function"),
		1);
	kallsyms_kept_done(&kept);
	close(fd);
	close(modules_fd);
	close(used_fd);
	close(more_fd);
}

static void names_are_found_in_one_read(void **state)
{
	static const char *const names[] = { "init_function", "no_function", "early_module_data" };
	char path[64];
	int fd = text_file(kernel, strlen(kernel), path);

	(void)state;
	assert_int_equal(kallsyms_has(path, names, 3), 5);
	assert_int_equal(kallsyms_has("/nonexistent", names, 3), 0);
	close(fd);
}

static void this_kernel_knows_its_own_functions(void **state)
{
	struct symbol_query q[200] = { 0 };
	char names[200][256], line[1024], type, name[512];
	struct arena arena = { 0 };
	FILE *f = fopen(KALLSYMS_PATH, "r");
	unsigned long address;
	uint64_t base;
	struct err err;
	size_t n = 0;

	(void)state;
	if (!f || kallsyms_base(KALLSYMS_PATH, &base, &err)) {
		print_message("%s\n", f ? err.text : "no " KALLSYMS_PATH);
		skip();
	}
	for (unsigned i = 0; n < N(q) && fgets(line, sizeof(line), f); i++) {
		if (i < 1000 || i % 401 || strchr(line, '[') ||
			sscanf(line, "%lx %c %255s", &address, &type, name) != 3 ||
			!strchr("tT", type))
			continue;
		q[n].address = address;
		strcpy(names[n++], name);
	}
	fclose(f);
	assert_true(base && n > 100);
	assert_int_equal(kallsyms_resolve(NULL, KALLSYMS_PATH, MODULES_PATH, q, n, &arena, &err),
		n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(q[i].start, q[i].address);
		/* Most have one name only. */
		if (strcmp(q[i].name, names[i]) != 0)
			assert_true(strncmp(names[i], "__", 2) == 0 ||
				strlen(q[i].name) >= strlen(names[i]));
	}
	arena_done(&arena);
}

/* ---- code made at run time ---- */

static void check_map(const char *text, size_t len, const struct expected *x, size_t n)
{
	struct symbol_query q[32] = { 0 };
	struct arena arena = { 0 };
	char path[64];
	int fd = text_file(text, len, path), found = 0;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		q[i].address = x[i].address;
		found += x[i].name != NULL;
	}
	assert_int_equal(perf_map_resolve(fd, q, n, &arena, &err), found);
	compare(q, x, n);
	arena_done(&arena);
	close(fd);
}

static void of_overlapping_lines_the_later_is_right(void **state)
{
	static const char text[] = "1000 100 old method\n"
				   "1040 20 int Foo.bar(long, java.lang.String)\n"
				   "2000 10 first\n"
				   "2000 10 second\n"
				   "3010 10 inner\n"
				   "3000 100 outer again\n"
				   "0x4000 0x10 with prefix\n";
	static const struct expected expected[] = {
		{ 0x0fff, NULL, NULL, 0 },
		{ 0x103f, "old method", NULL, 0x1000 },
		{ 0x1040, "int Foo.bar(long, java.lang.String)", NULL, 0x1040 },
		{ 0x105f, "int Foo.bar(long, java.lang.String)", NULL, 0x1040 },
		{ 0x1060, "old method", NULL, 0x1000 },
		{ 0x1100, NULL, NULL, 0 },
		{ 0x2008, "second", NULL, 0x2000 },
		{ 0x3018, "outer again", NULL, 0x3000 },
		{ 0x400f, "with prefix", NULL, 0x4000 },
	};

	(void)state;
	check_map(text, strlen(text), expected, N(expected));
}

static void lines_that_make_no_sense_are_left_out(void **state)
{
	static const char text[] = "\n \nnonsense\n1000\n1000 \n1000 10\n1000 10 \n1000 0 empty\n"
				   "1000 10  two spaces\n"
				   "10000000000000000 10 too many digits\n"
				   "-2000 10 sign\n2000 -10 sign\n2000\t10\ttabs\n"
				   "fffffffffffffff0 ffffffffffffffff to the end\n"
				   "3000 10 zero\0byte\n"
				   "5000 10 unfinis";
	static const struct expected expected[] = {
		{ 0, NULL, NULL, 0 },
		{ 0x1001, " two spaces", NULL, 0x1000 },
		{ 0x2001, NULL, NULL, 0 },
		{ 0x3001, "zero", NULL, 0x3000 },
		{ 0x5001, NULL, NULL, 0 },
		{ 0xfffffffffffffff8, "to the end", NULL, 0xfffffffffffffff0 },
	};

	(void)state;
	check_map(text, sizeof(text) - 1, expected, N(expected));
}

static void a_line_without_an_end_is_skipped_and_the_next_one_read(void **state)
{
	static const struct expected expected[] = {
		{ 0x1001, "before", NULL, 0x1000 },
		{ 0x2001, NULL, NULL, 0 },
		{ 0x3001, "after", NULL, 0x3000 },
	};
	static const char after[] = "\n3000 10 after\n";
	size_t size = 1 << 20;
	char *text = malloc(size);

	(void)state;
	/* Wherever the rest of the long line begins, it looks like a line. */
	memcpy(text, "1000 10 before\n", 15);
	for (size_t at = 15; at < size; at++)
		text[at] = "2001 10 wrong   "[(at - 15) % 16];
	memcpy(text + size - strlen(after), after, strlen(after));
	check_map(text, size, expected, N(expected));
	free(text);
}

/* Lines, at random places and sizes, against looking at all of them. */
static void a_large_map_agrees_with_looking_at_every_line(void **state)
{
	enum { LINES = 20000, QUERIES = 500 };
	uint64_t random = 3, (*range)[2] = calloc(LINES, sizeof(*range));
	struct symbol_query *q = calloc(QUERIES, sizeof(*q));
	char *text = malloc(LINES * 60), *p = text, path[64];
	struct arena arena = { 0 };
	int fd;

	(void)state;
	for (unsigned i = 0; i < LINES; i++) {
		range[i][0] = random_u64(&random) % 100000;
		range[i][1] = range[i][0] + 1 + random_u64(&random) % 40;
		p += sprintf(p, "%lx %lx method number %u\n", range[i][0],
			range[i][1] - range[i][0], i);
	}
	fd = text_file(text, (size_t)(p - text), path);
	for (unsigned i = 0; i < QUERIES; i++)
		q[i].address = random_u64(&random) % 110000;
	symbol_query_sort(q, QUERIES);
	assert_true(perf_map_resolve(fd, q, QUERIES, &arena, NULL) > QUERIES / 2);
	for (unsigned i = 0; i < QUERIES; i++) {
		int last = LINES - 1;

		while (last >= 0 &&
			(q[i].address < range[last][0] || q[i].address >= range[last][1]))
			last--;
		assert_int_equal(q[i].name != NULL, last >= 0);
		if (last >= 0)
			assert_int_equal(atoi(q[i].name + strlen("method number ")), last);
	}
	close(fd);
	free(text);
	free(q);
	free(range);
	arena_done(&arena);
}

static void the_map_of_this_process_is_found(void **state)
{
	struct symbol_query q = { .address = 0x1008 };
	struct arena arena = { 0 };
	char path[64];
	struct err err;
	FILE *f;
	int fd;

	(void)state;
	assert_int_equal(perf_map_open("/proc", getpid(), &err), -ENOENT);
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("1000 10 made at run time\n", f);
	fclose(f);
	fd = perf_map_open("/proc", getpid(), &err);
	unlink(path);
	assert_true(fd >= 0);
	assert_int_equal(perf_map_resolve(fd, &q, 1, &arena, &err), 1);
	assert_string_equal(q.name, "made at run time");
	close(fd);
	arena_done(&arena);
}

static void sh(const char *command)
{
	assert_int_equal(system(command), 0);
}

/* A /proc of our own, where process 812 is process 7 of a container and runs as user 1000. */
static void the_map_of_a_container_is_opened_under_its_own_number_if_it_is_its_own(void **state)
{
	char dir[] = "/tmp/test_symbols.XXXXXX", command[512];
	struct err err;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	sh("mkdir -p 812/root/tmp && printf 'Name:\\tjava\\nUid:\\t1000\\t4242\\t0\\t0\\n"
	   "NStgid:\\t812\\t7\\n' > 812/status && echo '1000 10 f' > 812/root/tmp/perf-7.map");
	fd = perf_map_open(".", 812, &err);
	if (geteuid() == 0) {
		assert_true(fd >= 0);
		close(fd);
		sh("chown 4242 812/root/tmp/perf-7.map");
		fd = perf_map_open(".", 812, &err);
		assert_true(fd >= 0);
		close(fd);
		sh("chown 1000 812/root/tmp/perf-7.map");
		fd = perf_map_open(".", 812, &err);
	}
	assert_int_equal(fd, -EACCES);
	assert_non_null(strstr(err.text, "/perf-7.map': belongs to user "));
	sh("rm 812/root/tmp/perf-7.map && mkfifo 812/root/tmp/perf-7.map");
	assert_int_equal(perf_map_open(".", 812, &err), -EINVAL);
	sh("rm 812/root/tmp/perf-7.map && ln -s /etc/passwd 812/root/tmp/perf-7.map");
	assert_int_equal(perf_map_open(".", 812, &err), -ELOOP);
	assert_int_equal(perf_map_open(".", 813, &err), -ENOENT);
	snprintf(command, sizeof(command), "cd / && rm -rf %s", dir);
	sh(command);
	assert_int_equal(chdir("/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			kernel_functions_reach_to_the_next_text_symbol_of_their_own_region),
		cmocka_unit_test(modules_without_a_list_of_modules_reach_only_so_far),
		cmocka_unit_test(hidden_kernel_addresses_are_an_error_that_names_the_sysctl),
		cmocka_unit_test(the_base_is_text_or_else_stext),
		cmocka_unit_test(modules_are_listed_with_base_and_size),
		cmocka_unit_test(thousands_of_addresses_are_right_in_a_long_file),
		cmocka_unit_test(what_was_read_is_kept_until_there_are_other_modules),
		cmocka_unit_test(names_are_found_in_one_read),
		cmocka_unit_test(this_kernel_knows_its_own_functions),
		cmocka_unit_test(of_overlapping_lines_the_later_is_right),
		cmocka_unit_test(lines_that_make_no_sense_are_left_out),
		cmocka_unit_test(a_line_without_an_end_is_skipped_and_the_next_one_read),
		cmocka_unit_test(a_large_map_agrees_with_looking_at_every_line),
		cmocka_unit_test(the_map_of_this_process_is_found),
		cmocka_unit_test(
			the_map_of_a_container_is_opened_under_its_own_number_if_it_is_its_own),
	};

	return cmocka_run_group_tests_name("symbols from text", tests, NULL, NULL);
}
