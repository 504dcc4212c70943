/* Code made at run time, by its jitdump or its map: which was there at a moment, and what it is called. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/symbols/jit_map.h"
#include "format/symbols/jitdump.h"
#include "tests/unit/support.h"

enum { LOAD, MOVE, DEBUG_INFO, CLOSE, UNWINDING_INFO };

/* A dump that is being written: another descriptor of the file that is read. */
struct dump {
	int fd;
	struct jitdump *j;
};

static void put(struct dump *d, const void *data, size_t n)
{
	assert_int_equal(write(d->fd, data, n), n);
}

static void put_numbers(struct dump *d, const uint64_t *v, size_t n)
{
	put(d, v, n * sizeof(*v));
}

static void open_dump(struct dump *d)
{
	char path[64];

	d->fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(d->fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", d->fd);
	d->j = jitdump_new(open(path, O_RDONLY | O_CLOEXEC));
}

static void put_header(struct dump *d, uint64_t flags)
{
	static const uint32_t start[] = { 0x4a695444, 1, 40, 62, 0, 812 };

	put(d, start, sizeof(start));
	put_numbers(d, (uint64_t[]){ 1, flags }, 2);
}

static void begin_dump(struct dump *d)
{
	open_dump(d);
	put_header(d, 0);
}

static void end_dump(struct dump *d)
{
	close(d->fd);
	jitdump_free(d->j);
}

static void put_record(struct dump *d, uint32_t type, size_t bytes, uint64_t time)
{
	uint32_t words[] = { type, (uint32_t)(16 + bytes) };

	put(d, words, sizeof(words));
	put(d, &time, sizeof(time));
}

static void put_load(struct dump *d, uint64_t time, uint64_t at, uint64_t size, uint64_t index,
	const char *name)
{
	put_record(d, LOAD, 40 + strlen(name) + 1 + 5, time);
	put_numbers(d, (uint64_t[]){ 812, at, at, size, index }, 5);
	put(d, name, strlen(name) + 1);
	put(d, "12345", 5);
}

static void put_move(struct dump *d, uint64_t time, uint64_t from, uint64_t to, uint64_t size,
	uint64_t index)
{
	put_record(d, MOVE, 48, time);
	put_numbers(d, (uint64_t[]){ 812, to, from, to, size, index }, 6);
}

static void put_line(struct dump *d, uint64_t at, uint32_t line, const char *file)
{
	put(d, &at, sizeof(at));
	put(d, (uint32_t[]){ line, 0 }, 8);
	put(d, file, strlen(file) + 1);
}

static void check_name(const struct dump *d, const struct jit_code *c, const char *want)
{
	struct arena a = { 0 };
	struct jit_name name;

	if (want) {
		assert_non_null(c);
		assert_true(jitdump_name(d->j, c, c->start, &name, &a));
		assert_string_equal(name.name, want);
	} else if (c) {
		assert_false(jitdump_name(d->j, c, c->start, &name, &a));
	}
	arena_done(&a);
}

static void check_at(const struct dump *d, uint64_t address, uint64_t time, const char *want)
{
	check_name(d, jit_codes_find(jitdump_codes(d->j), address, time), want);
}

static void check_line(const struct dump *d, uint64_t address, uint64_t time, const char *file,
	uint32_t line)
{
	const struct jit_code *c = jit_codes_find(jitdump_codes(d->j), address, time);
	struct arena a = { 0 };
	struct jit_name name;

	assert_non_null(c);
	assert_true(jitdump_name(d->j, c, address, &name, &a));
	assert_int_equal(name.line, line);
	assert_int_equal(name.file != NULL, file != NULL);
	if (file)
		assert_string_equal(name.file, file);
	arena_done(&a);
}

static void the_code_of_a_moment_has_the_name(void **state)
{
	struct dump d;

	(void)state;
	begin_dump(&d);
	put_load(&d, 103, 0x10000, 0x2100, 1, "alpha");
	put_load(&d, 211, 0x11000, 0x10, 2, "beta");
	put_move(&d, 307, 0x10000, 0x20000, 0x2100, 1);
	put_load(&d, 401, 0x11008, 0x1000, 3, "gamma");
	assert_int_equal(jitdump_read(d.j, 500, NULL), 0);
	check_at(&d, 0x10000, 102, NULL);
	check_at(&d, 0xffff, 103, NULL);
	check_at(&d, 0x10000, 103, "alpha");
	check_at(&d, 0x120ff, 306, "alpha");
	check_at(&d, 0x12100, 306, NULL);
	check_at(&d, 0x11000, 210, "alpha");
	check_at(&d, 0x11000, 211, "beta");
	check_at(&d, 0x11010, 211, "alpha");
	check_at(&d, 0x11000, 307, NULL);
	check_at(&d, 0x20000, 306, NULL);
	check_at(&d, 0x220ff, 307, "alpha");
	check_at(&d, 0x11008, 401, "gamma");
	assert_true(jitdump_codes(d.j)->replaced);
	assert_int_equal(jitdump_newest_ns(d.j), 401);
	end_dump(&d);
}

static void code_at_the_same_address_has_another_version(void **state)
{
	uint32_t last = 0;
	struct dump d;

	(void)state;
	begin_dump(&d);
	for (uint64_t i = 1; i <= 7; i++)
		put_load(&d, i * 10, 0x10000 + i, 0x10, i, "x");
	put_load(&d, 71, 0x20000, 0x10, 8, "y");
	assert_int_equal(jitdump_read(d.j, 80, NULL), 0);
	for (uint64_t i = 1; i <= 7; i++) {
		const struct jit_code *c = jit_codes_find(jitdump_codes(d.j), 0x10009, i * 10);

		assert_non_null(c);
		assert_true(c->version > last);
		last = c->version;
	}
	assert_int_equal(jit_codes_find(jitdump_codes(d.j), 0x20000, 71)->version, 1);
	end_dump(&d);
}

static void what_was_there_all_along_has_a_name_and_nothing_else(void **state)
{
	struct dump d;

	(void)state;
	begin_dump(&d);
	put_load(&d, 103, 0x10000, 0x10, 1, "alpha");
	put_load(&d, 211, 0x10000, 0x10, 2, "beta");
	put_load(&d, 307, 0x10000, 0x10, 3, "beta");
	assert_int_equal(jitdump_read(d.j, 500, NULL), 0);
	check_name(&d, jit_codes_find_all_along(jitdump_codes(d.j), 0x10000, 110, 200), "alpha");
	check_name(&d, jit_codes_find_all_along(jitdump_codes(d.j), 0x10000, 103, 210), "alpha");
	assert_null(jit_codes_find_all_along(jitdump_codes(d.j), 0x10000, 102, 200));
	assert_null(jit_codes_find_all_along(jitdump_codes(d.j), 0x10000, 110, 211));
	assert_null(jit_codes_find_all_along(jitdump_codes(d.j), 0x10000, 110, 400));
	check_name(&d, jit_codes_find_all_along(jitdump_codes(d.j), 0x10000, 211, 400), "beta");
	assert_null(jit_codes_find_all_along(jitdump_codes(d.j), 0x10010, 211, 400));
	end_dump(&d);
}

static void lines_are_those_at_or_before_the_address(void **state)
{
	struct dump d;

	(void)state;
	begin_dump(&d);
	put_record(&d, DEBUG_INFO, 16 + 4 * 16 + 5 + 2 + 5 + 4, 100);
	put_numbers(&d, (uint64_t[]){ 0x10000, 4 }, 2);
	put_line(&d, 0x10000, 7, "a.js");
	put_line(&d, 0x10010, 11, "\377");
	put_line(&d, 0x10020, 13, "b.js");
	put_line(&d, 0x10030, 17, "\xc3(\x01");
	put_load(&d, 103, 0x10000, 0x40, 1, "alpha");
	put_load(&d, 104, 0x10100, 0x40, 2, "beta"); /* without lines */
	put_move(&d, 107, 0x10000, 0x20000, 0x40, 1);
	assert_int_equal(jitdump_read(d.j, 500, NULL), 0);
	check_line(&d, 0x1000f, 103, "a.js", 7);
	check_line(&d, 0x10010, 103, "a.js", 11);
	check_line(&d, 0x1002f, 103, "b.js", 13);
	check_line(&d, 0x10100, 104, NULL, 0);
	check_line(&d, 0x20010, 107, NULL, 0);
	end_dump(&d);
}

static void lines_behind_an_elf_header_are_moved_back(void **state)
{
	struct dump d;

	(void)state;
	begin_dump(&d);
	put_record(&d, DEBUG_INFO, 16 + 2 * 16 + 5 + 2, 100);
	put_numbers(&d, (uint64_t[]){ 0x10000, 2 }, 2);
	put_line(&d, 0x10040, 7, "a.js");
	put_line(&d, 0x10050, 11, "\377");
	put_load(&d, 103, 0x10000, 0x40, 1, "alpha");
	assert_int_equal(jitdump_read(d.j, 500, NULL), 0);
	check_line(&d, 0x10000, 103, "a.js", 7);
	check_line(&d, 0x10010, 103, "a.js", 11);
	end_dump(&d);
}

static void a_dump_may_grow_in_the_middle_of_a_record(void **state)
{
	struct dump d;

	(void)state;
	begin_dump(&d);
	assert_int_equal(jitdump_read(d.j, 100, NULL), 0);
	put_load(&d, 103, 0x10000, 0x10, 1, "alpha");
	put_record(&d, LOAD, 40 + 5 + 5, 107);
	put_numbers(&d, (uint64_t[]){ 812, 0x20000, 0x20000 }, 3);
	assert_int_equal(jitdump_read(d.j, 110, NULL), 0);
	assert_false(jitdump_held_back(d.j));
	check_at(&d, 0x10000, 110, "alpha");
	assert_null(jit_codes_find(jitdump_codes(d.j), 0x20000, 110));
	put_numbers(&d, (uint64_t[]){ 0x10, 2 }, 2);
	put(&d, "beta\0abcde", 10);
	assert_int_equal(jitdump_read(d.j, 120, NULL), 0);
	check_at(&d, 0x20000, 110, "beta");
	assert_false(jitdump_held_back(d.j));
	end_dump(&d);
}

static void who_holds_records_back_is_found_out(void **state)
{
	struct dump d;

	(void)state;
	open_dump(&d); /* nothing there yet */
	assert_int_equal(jitdump_read(d.j, 100, NULL), 0);
	assert_true(jitdump_held_back(d.j));
	end_dump(&d);
	begin_dump(&d); /* old records come */
	put_load(&d, 1, 0x10000, 0x10, 1, "alpha");
	assert_int_equal(jitdump_read(d.j, 3000000000, NULL), 0);
	assert_false(jitdump_held_back(d.j));
	put_load(&d, 2000000000, 0x10000, 0x10, 1, "beta");
	assert_int_equal(jitdump_read(d.j, 4000000000, NULL), 0);
	assert_true(jitdump_held_back(d.j));
	end_dump(&d);
	begin_dump(&d); /* half a record stays so */
	put(&d, "12345", 5);
	assert_int_equal(jitdump_read(d.j, 100, NULL), 0);
	assert_int_equal(jitdump_read(d.j, 200, NULL), 0);
	assert_true(jitdump_held_back(d.j));
	end_dump(&d);
}

static void a_dump_that_stops_making_sense_has_no_names_from_there_on(void **state)
{
	struct err err;
	struct dump d;

	(void)state;
	begin_dump(&d);
	put_load(&d, 103, 0x10000, 0x10, 1, "alpha");
	put_load(&d, 107, 0x20000, 0x10, 2, "beta");
	put(&d, (uint32_t[]){ LOAD, 8, 0, 0 }, 16);
	assert_int_equal(jitdump_read(d.j, 200, &err), -EINVAL);
	assert_non_null(strstr(err.text, "a record of 8 bytes at byte "));
	check_at(&d, 0x10000, 106, "alpha");
	assert_null(jit_codes_find(jitdump_codes(d.j), 0x10000,
		108)); /* it may be other code by then */
	assert_int_equal(jitdump_read(d.j, 300, &err), 0);
	end_dump(&d);
	open_dump(&d);
	put(&d, "\177ELF and so on, for long enough to be a header.", 47);
	assert_int_equal(jitdump_read(d.j, 200, &err), -EINVAL);
	end_dump(&d);
	open_dump(&d);
	put_header(&d, 1);
	assert_int_equal(jitdump_read(d.j, 200, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "CLOCK_MONOTONIC"));
	end_dump(&d);
}

/* Not all of a long dump is read at one look; until then it is as if it were held back. */
static void a_long_dump_takes_several_looks(void **state)
{
	enum { CODES = 70001 };
	struct dump d;

	(void)state;
	begin_dump(&d);
	for (uint64_t i = 0; i < CODES; i++)
		put_load(&d, 1, 0x10000 + i * 64, 64, i, i == CODES - 1 ? "last" : "other");
	assert_int_equal(jitdump_read(d.j, 1000000000, NULL), 0);
	assert_true(jitdump_held_back(d.j));
	check_at(&d, 0x10000 + (CODES - 1) * 64, 2, NULL);
	assert_int_equal(jitdump_read(d.j, 2000000000, NULL), 0);
	assert_false(jitdump_held_back(d.j));
	check_at(&d, 0x10000 + (CODES - 1) * 64, 2, "last");
	end_dump(&d);
}

/* Sizes that fit nowhere, and more than is looked at. */
static void code_larger_than_any_ends_the_dump(void **state)
{
	struct err err;
	struct dump d;

	(void)state;
	begin_dump(&d);
	put_load(&d, 103, 0x10000, 0, 1, "nothing");
	put_load(&d, 104, UINT64_MAX - 3, 16, 2, "beyond the end");
	put_load(&d, 105, UINT64_MAX - 15, 16, 3, "up to the end");
	assert_int_equal(jitdump_read(d.j, 200, &err), 0);
	assert_null(jit_codes_find(jitdump_codes(d.j), 0x10000, 200));
	check_at(&d, UINT64_MAX, 200, "up to the end");
	put_load(&d, 206, 0, UINT64_MAX, 4, "all");
	assert_int_equal(jitdump_read(d.j, 300, &err), -E2BIG);
	check_at(&d, UINT64_MAX, 200, "up to the end");
	end_dump(&d);
}

/* ---- maps ---- */

static struct jit_map *open_map(int *fd)
{
	char path[64];

	*fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC | O_APPEND, 0600);
	assert_true(*fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return jit_map_new(open(path, O_RDONLY | O_CLOEXEC));
}

static void put_lines(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void check_map(const struct jit_map *m, uint64_t address, uint64_t time, const char *want)
{
	const struct jit_code *c = jit_codes_find(jit_map_codes(m), address, time);
	char text[SYMBOL_NAME_MAX];
	size_t n = c ? jit_codes_name(jit_map_codes(m), c, text) : 0;

	assert_int_equal(n, want ? strlen(want) : 0);
	assert_memory_equal(text, want ? want : "", n);
}

static void lines_that_come_later_replace_what_was_there(void **state)
{
	struct jit_map *m;
	int fd;

	(void)state;
	m = open_map(&fd);
	put_lines(fd, "1000 100 alpha\n2000 100 be");
	assert_int_equal(jit_map_read(m, 100, NULL), 0);
	check_map(m, 0x1000, 50, "alpha"); /* it was there before us */
	check_map(m, 0x2000, 100, NULL);
	put_lines(fd, "ta\n1080 10 gamma\n3000 10 delta\n");
	assert_int_equal(jit_map_read(m, 200, NULL), 0);
	check_map(m, 0x2000, 50, "beta");
	check_map(m, 0x3000, 50, "delta");
	check_map(m, 0x1080, 99, "alpha");
	check_map(m, 0x1080, 100, NULL); /* one or the other */
	check_map(m, 0x1080, 199, NULL);
	check_map(m, 0x1080, 200, "gamma");
	check_map(m, 0x1000, 200, "alpha");
	assert_true(jit_map_codes(m)->replaced);
	jit_map_free(m);
	close(fd);
}

/* Between two looks, and before the first. */
static void what_came_and_was_replaced_unseen_is_not_known(void **state)
{
	struct jit_map *m;
	int fd;

	(void)state;
	m = open_map(&fd);
	put_lines(fd, "1000 100 alpha\n2000 100 beta\n1000 100 gamma\n");
	assert_int_equal(jit_map_read(m, 100, NULL), 0);
	check_map(m, 0x1000, 50, NULL);
	check_map(m, 0x1000, 100, "gamma");
	check_map(m, 0x2000, 50, "beta");
	put_lines(fd, "3000 100 delta\n3000 80 epsilon\n1000 100 alpha\n1000 100 zeta\n");
	assert_int_equal(jit_map_read(m, 200, NULL), 0);
	check_map(m, 0x3000, 0, NULL);
	check_map(m, 0x3000, 199, NULL);
	check_map(m, 0x3000, 200, "epsilon");
	check_map(m, 0x3090, 50, "delta"); /* what is behind it was never anything else */
	check_map(m, 0x1000, 99, NULL);
	check_map(m, 0x1000, 150, NULL);
	check_map(m, 0x1000, 200, "zeta");
	check_map(m, 0x2000, 200, "beta");
	put_lines(fd, "3000 80 eta\n");
	assert_int_equal(jit_map_read(m, 300, NULL), 0);
	check_map(m, 0x3000, 200, NULL);
	check_map(m, 0x3000, 300, "eta");
	jit_map_free(m);
	close(fd);
}

static void a_map_that_is_written_anew_changes_what_has_changed(void **state)
{
	struct jit_map *m;
	int fd;

	(void)state;
	m = open_map(&fd);
	put_lines(fd, "1000 100 alpha\n2000 100 beta\n3000 10 a name of some length\n");
	assert_int_equal(jit_map_read(m, 100, NULL), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	put_lines(fd,
		"3000 10 a name of some length\n2000 100 gamma\n1000 100 alpha\n"
		"4000 100 and more, so that the file is longer than it was\n");
	assert_int_equal(jit_map_read(m, 200, NULL), 0);
	assert_int_equal(jit_codes_find(jit_map_codes(m), 0x1000, 300)->version, 1);
	check_map(m, 0x1000, 150, "alpha");
	check_map(m, 0x3000, 150, "a name of some length");
	check_map(m, 0x2000, 99, "beta");
	check_map(m, 0x2000, 150, NULL);
	check_map(m, 0x2000, 300, "gamma");
	check_map(m, 0x4000, 300, "and more, so that the file is longer than it was");
	jit_map_free(m);
	close(fd);
}

static void a_line_without_an_end_is_not_read_again_and_again(void **state)
{
	char *line = malloc(300000);
	struct jit_map *m;
	int fd;

	(void)state;
	m = open_map(&fd);
	memset(line, 'x', 299999);
	memcpy(line, "1000 100 ", 9);
	line[299999] = '\0';
	put_lines(fd, line);
	assert_int_equal(jit_map_read(m, 100, NULL), 0);
	put_lines(fd, " 2000 100 its end\n3000 10 beta\n");
	assert_int_equal(jit_map_read(m, 200, NULL), 0);
	check_map(m, 0x1000, 300, NULL);
	check_map(m, 0x2000, 300, NULL);
	check_map(m, 0x3000, 300, "beta");
	jit_map_free(m);
	free(line);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_code_of_a_moment_has_the_name),
		cmocka_unit_test(code_at_the_same_address_has_another_version),
		cmocka_unit_test(what_was_there_all_along_has_a_name_and_nothing_else),
		cmocka_unit_test(lines_are_those_at_or_before_the_address),
		cmocka_unit_test(lines_behind_an_elf_header_are_moved_back),
		cmocka_unit_test(a_dump_may_grow_in_the_middle_of_a_record),
		cmocka_unit_test(who_holds_records_back_is_found_out),
		cmocka_unit_test(a_dump_that_stops_making_sense_has_no_names_from_there_on),
		cmocka_unit_test(a_long_dump_takes_several_looks),
		cmocka_unit_test(code_larger_than_any_ends_the_dump),
		cmocka_unit_test(lines_that_come_later_replace_what_was_there),
		cmocka_unit_test(what_came_and_was_replaced_unseen_is_not_known),
		cmocka_unit_test(a_map_that_is_written_anew_changes_what_has_changed),
		cmocka_unit_test(a_line_without_an_end_is_not_read_again_and_again),
	};

	return cmocka_run_group_tests_name("jitdump", tests, NULL, NULL);
}
