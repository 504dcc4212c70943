/* What the sources do by themselves where no BPF program does: fields of tracepoints, what processes map, sums of
 * calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/block_rwbs.h"
#include "record/fault_spaces.h"
#include "record/raw_sample.h"
#include "record/syscall_sums.h"

enum { PROCESS = 4194297, CHILD, OTHER }; /* numbers that no process has */

/* ---- arrays in raw records ---- */

static void numbers_of_an_array_are_read_one_by_one(void **state)
{
	static const char text[] =
		"name: sys_enter\nID: 1\nformat:\n"
		"\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;\n"
		"\tfield:unsigned long args[6];\toffset:16;\tsize:48;\tsigned:0;\n"
		"\nprint fmt: \"\"\n";
	const char *names[] = { "id", "args", NULL };
	uint64_t raw[8] = { 0, 17, 101, 103, 107, 109, 113, 127 };
	struct raw_sample s = { .raw = (const uint8_t *)raw, .raw_len = sizeof(raw) };
	struct trace_format format;
	struct arena arena = { 0 };
	struct raw_fields f;
	struct err err = { "" };

	(void)state;
	assert_int_equal(trace_format_parse(&format, text, strlen(text), &arena, &err), 0);
	assert_int_equal(raw_fields_find(&f, &format, names, &err), 0);
	assert_int_equal(raw_number(&f, 0, &s), 17);
	assert_int_equal(raw_number(&f, 1, &s), 0); /* it is no number */
	assert_int_equal(raw_element(&f, 1, 0, &s), 101);
	assert_int_equal(raw_element(&f, 1, 5, &s), 127);
	assert_int_equal(raw_element(&f, 1, 6, &s), 0);
	s.raw_len = 56; /* the record ends before the last two */
	assert_int_equal(raw_element(&f, 1, 3, &s), 109);
	assert_int_equal(raw_element(&f, 1, 5, &s), 0);
	arena_done(&arena);
}

/* ---- what requests are for ---- */

static void letters_tell_operations_and_flags(void **state)
{
	static const struct {
		const char *text;
		enum block_op op;
		uint32_t flags;
	} cases[] = {
		{ "R", BLOCK_OP_READ, 0 },
		{ "RA", BLOCK_OP_READ, BLOCK_FLAG_READ_AHEAD },
		{ "WS", BLOCK_OP_WRITE, BLOCK_FLAG_SYNC },
		{ "WFS", BLOCK_OP_WRITE, BLOCK_FLAG_FUA | BLOCK_FLAG_SYNC },
		{ "FWFSM", BLOCK_OP_WRITE,
			BLOCK_FLAG_PREFLUSH | BLOCK_FLAG_FUA | BLOCK_FLAG_SYNC |
				BLOCK_FLAG_METADATA },
		{ "FF", BLOCK_OP_FLUSH, BLOCK_FLAG_PREFLUSH },
		{ "F", BLOCK_OP_FLUSH, 0 },
		{ "DS", BLOCK_OP_DISCARD, BLOCK_FLAG_SYNC },
		{ "DE", BLOCK_OP_SECURE_ERASE, 0 },
		{ "ZRA", BLOCK_OP_ZONE, 0 },
		{ "N", BLOCK_OP_DRIVER_IN, 0 },
		{ "", BLOCK_OP_DRIVER_IN, 0 },
	};
	uint32_t flags;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(block_rwbs_parse(cases[i].text, &flags), cases[i].op);
		assert_int_equal(flags, cases[i].flags);
	}
}

/* ---- what processes map ---- */

static void map_at(struct fault_spaces *s, uint32_t pid, uint64_t start, uint64_t end,
	uint64_t offset, const char *name)
{
	struct fault_area_known a = { .start = start, .end = end, .offset = offset };

	fault_spaces_map(s, pid, &a, name);
}

/* "name start offset" of what is at an address. */
static void check_at(struct fault_spaces *s, uint32_t pid, uint64_t address, const char *name,
	uint64_t start, uint64_t offset)
{
	const struct fault_area_known *a = fault_spaces_find(s, pid, address);

	assert_non_null(a);
	assert_string_equal(a->name, name);
	assert_int_equal(a->start, start);
	assert_int_equal(a->offset, offset);
}

static void a_mapping_replaces_what_it_covers(void **state)
{
	struct fault_spaces *s = fault_spaces_new();

	(void)state;
	map_at(s, PROCESS, 0x1000, 0x9000, 0x5000, "/usr/lib/libold.so");
	map_at(s, PROCESS, 0x3000, 0x5000, 0, "/usr/lib/libnew.so");
	check_at(s, PROCESS, 0x2fff, "libold.so", 0x1000, 0x5000);
	check_at(s, PROCESS, 0x3000, "libnew.so", 0x3000, 0);
	check_at(s, PROCESS, 0x5000, "libold.so", 0x5000, 0x9000);
	assert_null(fault_spaces_find(s, PROCESS, 0x9000));
	map_at(s, PROCESS, 0x2000, 0x8000, 0, "//anon");
	check_at(s, PROCESS, 0x7fff, "", 0x2000, 0);
	assert_int_equal(fault_spaces_find(s, PROCESS, 0x4000)->area, FAULT_AREA_ANONYMOUS);
	check_at(s, PROCESS, 0x8000, "libold.so", 0x8000, 0xc000);
	fault_spaces_free(s);
}

static void a_child_has_what_its_parent_had_and_an_exec_nothing(void **state)
{
	struct fault_spaces *s = fault_spaces_new();

	(void)state;
	map_at(s, PROCESS, 0x1000, 0x2000, 0, "/a");
	fault_spaces_fork(s, CHILD, PROCESS);
	map_at(s, PROCESS, 0x1000, 0x2000, 0, "/b");
	check_at(s, CHILD, 0x1000, "a", 0x1000, 0);
	check_at(s, PROCESS, 0x1000, "b", 0x1000, 0);
	map_at(s, OTHER, 0x1000, 0x2000, 0, "/c");
	fault_spaces_exit(s, PROCESS);
	check_at(s, OTHER, 0x1000, "c", 0x1000, 0);
	check_at(s, CHILD, 0x1000, "a", 0x1000, 0);
	fault_spaces_exec(s, CHILD);
	assert_null(fault_spaces_find(s, CHILD, 0x1000));
	fault_spaces_free(s);
}

static void a_stack_grows_without_a_record(void **state)
{
	struct fault_spaces *s = fault_spaces_new();

	(void)state;
	map_at(s, PROCESS, 0x7ff000000000, 0x7ff000021000, 0, "[stack]");
	assert_int_equal(fault_spaces_find(s, PROCESS, 0x7fefffff0000)->area, FAULT_AREA_STACK);
	assert_null(fault_spaces_find(s, PROCESS, 0x7fe000000000));
	fault_spaces_free(s);
}

static void a_process_that_was_there_is_read_from_proc(void **state)
{
	struct fault_spaces *s = fault_spaces_new();
	char *shared = mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct fault_area_known *a;
	int local = 0;

	(void)state;
	a = fault_spaces_find(s, (uint32_t)getpid(), (uintptr_t)a_stack_grows_without_a_record);
	assert_non_null(a);
	assert_int_equal(a->area, FAULT_AREA_FILE);
	assert_string_equal(a->name, "test_without_bpf");
	assert_true(a->inode > 0 && !a->shared);
	a = fault_spaces_find(s, (uint32_t)getpid(), (uintptr_t)shared);
	assert_true(a && a->shared);
	a = fault_spaces_find(s, (uint32_t)getpid(), (uintptr_t)&local);
	assert_true(a && a->area == FAULT_AREA_STACK);
	munmap(shared, 8192);
	fault_spaces_free(s);
}

/* ---- sums of calls ---- */

struct seen {
	uint64_t n, calls, longest;
};

static void on_sum(void *ctx, const struct syscall_key *key, const struct syscall_counts *c)
{
	struct seen *seen = ctx;

	assert_string_equal(c->comm, key->pid == 7 ? "seven" : "");
	seen->n++;
	seen->calls += c->calls;
	seen->longest = c->longest_ns > seen->longest ? c->longest_ns : seen->longest;
}

static void counts_of_several_cpus_are_one(void **state)
{
	struct syscall_sums *s = syscall_sums_new();
	struct syscall_key read = { 7, 0, 0 }, write = { 7, 1, 0 }, ia32 = { 11, 0, 1 };
	struct syscall_counts c = { .calls = 3, .longest_ns = 13, .comm = "seven" };
	struct seen seen = { 0 };

	(void)state;
	syscall_sums_add(s, &read, &c);
	syscall_sums_add(s, &write, &c);
	c.calls = 5;
	c.longest_ns = 11;
	syscall_sums_add(s, &read, &c);
	assert_int_equal(syscall_sums_of(s, &read)->calls, 8);
	assert_int_equal(syscall_sums_of(s, &read)->longest_ns, 13);
	syscall_sums_of(s, &ia32)->calls = 17;
	syscall_sums_take(s, on_sum, &seen);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.calls, 8 + 3 + 17);
	syscall_sums_take(s, on_sum, &seen);
	assert_int_equal(seen.n, 3); /* they are forgotten */
	assert_int_equal(syscall_sums_of(s, &read)->calls, 0);
	syscall_sums_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_an_array_are_read_one_by_one),
		cmocka_unit_test(letters_tell_operations_and_flags),
		cmocka_unit_test(a_mapping_replaces_what_it_covers),
		cmocka_unit_test(a_child_has_what_its_parent_had_and_an_exec_nothing),
		cmocka_unit_test(a_stack_grows_without_a_record),
		cmocka_unit_test(a_process_that_was_there_is_read_from_proc),
		cmocka_unit_test(counts_of_several_cpus_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
