/* System calls: the table of names, how arguments read, and what is made of a history that was made up. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "analyze/pass.h"
#include "analyze/syscall_text.h"
#include "gen/events.h"
#include "record/syscall_names.h"
#include "record/syscall_table.h"
#include "specs/events/sched.h"
#include "specs/events/syscall.h"
#include "tests/unit/support.h"

/* ---- names ---- */

static void every_line_of_the_table_can_be_read_and_no_number_comes_twice(void **state)
{
	bool seen[N_NUMBERINGS][SYSCALL_NUMBERS] = { { false } };
	struct syscall_args args;

	(void)state;
	for (unsigned i = 0; i < syscall_table_n; i++) {
		const struct syscall_entry *e = &syscall_table[i];

		if (!syscall_args_parse(&args, e->args))
			fail_msg("%s: '%s'", e->name, e->args);
		for (int k = 0; k < N_NUMBERINGS; k++) {
			assert_in_range(e->numbers[k] + 1, 0, SYSCALL_UNKNOWN);
			if (e->numbers[k] < 0)
				continue;
			if (seen[k][e->numbers[k]])
				fail_msg("%s has a number that another has", e->name);
			seen[k][e->numbers[k]] = true;
		}
	}
}

static void names_are_those_of_the_numbers_that_this_machine_uses(void **state)
{
	static const struct {
		long number;
		const char *name;
	} want[] = { { SYS_read, "read" }, { SYS_openat, "openat" }, { SYS_futex, "futex" },
		{ SYS_mmap, "mmap" }, { SYS_execve, "execve" }, { SYS_clone3, "clone3" },
		{ SYS_exit_group, "exit_group" }, { SYS_epoll_pwait, "epoll_pwait" } };
	static struct syscall_name names[SYSCALL_PLACES];
	static struct syscall_traits traits[SYSCALL_PLACES];

	(void)state;
	syscall_names(names);
	syscall_traits(names, traits);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_string_equal(names[syscall_place(SYSCALL_ABI_NATIVE,
						  (unsigned)want[i].number)]
					    .name,
			want[i].name);
	assert_int_equal(traits[SYS_openat].path[0], 2);
	assert_int_equal(traits[SYS_renameat2].path[1], 4);
	assert_true(traits[SYS_execve].traits & SYSCALL_REPLACES);
	assert_true(traits[SYS_exit_group].traits & SYSCALL_NO_RETURN);
	assert_false(traits[SYS_read].traits & (SYSCALL_MANY | SYSCALL_HAS_PATHS));
	assert_true(traits[SYS_pread64].traits & SYSCALL_MANY);
	assert_null(names[syscall_place(SYSCALL_ABI_NATIVE, 100000)].name);
}

static void calls_are_chosen_by_name_and_pattern(void **state)
{
	static bool wanted[SYSCALL_PLACES];
	struct err err = { "" };

	(void)state;
	assert_int_equal(syscall_select("openat,pread*", wanted, &err), 0);
	assert_true(wanted[SYS_openat] && wanted[SYS_pread64] && wanted[SYS_preadv]);
	assert_false(wanted[SYS_read] || wanted[SYSCALL_UNKNOWN]);
	assert_int_equal(syscall_select("!futex,!epoll_*", wanted, &err), 0);
	assert_true(wanted[SYS_read] && wanted[SYSCALL_UNKNOWN]);
	assert_false(wanted[SYS_futex] || wanted[SYS_epoll_pwait]);
	assert_int_equal(syscall_select("opena", wanted, &err), -ENOENT);
	assert_non_null(strstr(err.text, "openat"));
	assert_int_equal(syscall_select("read,", wanted, &err), -EINVAL);
	assert_int_equal(syscall_select("", wanted, &err), -EINVAL);
	assert_int_equal(syscall_select("!", wanted, &err), -EINVAL);
}

/* ---- arguments ---- */

static const char *form_of(const char *spec, const uint64_t *values, unsigned read)
{
	static char text[512];
	struct syscall_args args;
	uint64_t key[SYSCALL_ARGS];

	assert_true(syscall_args_parse(&args, spec));
	syscall_args_key(&args, values, read, key);
	syscall_args_form(&args, key, text, sizeof(text));
	return text;
}

#define FORM(spec, read, ...) form_of(spec, (const uint64_t[SYSCALL_ARGS]){ __VA_ARGS__ }, read)

static void arguments_that_have_names_are_called_by_them(void **state)
{
	(void)state;
	assert_string_equal(FORM("dfd:dirfd filename:path flags:open mode:o", 1, (uint64_t)AT_FDCWD,
				    0x7f00, O_WRONLY | O_CREAT | O_CLOEXEC, 0644),
		"dfd=AT_FDCWD, filename={path}, flags=O_WRONLY|O_CREAT|O_CLOEXEC, mode={3o}");
	assert_string_equal(FORM("dfd:dirfd filename:path", 0, 5, 0x7f00),
		"dfd={0}, filename={1x}");
	assert_string_equal(FORM("old:path new:path", 3, 1, 2), "old={path}, new={path2}");
	assert_string_equal(FORM("old:path new:path", 2, 1, 2), "old={0x}, new={path2}");
	assert_string_equal(FORM("f:open", 0, O_RDONLY), "f=O_RDONLY");
	assert_string_equal(FORM("f:open", 0, O_RDWR | O_TMPFILE), "f=O_RDWR|O_TMPFILE");
	assert_string_equal(FORM("f:open", 0, 3), "f=0x3");
	assert_string_equal(FORM("p:prot f:mmap", 0, PROT_READ | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS),
		"p=PROT_READ|PROT_EXEC, f=MAP_PRIVATE|MAP_ANONYMOUS");
	assert_string_equal(FORM("p:prot m:access", 0, 0, 0), "p=PROT_NONE, m=F_OK");
	assert_string_equal(FORM("op:futex", 0, 0x80), "op=FUTEX_WAIT|FUTEX_PRIVATE_FLAG");
	assert_string_equal(FORM("op:futex", 0, 0x181),
		"op=FUTEX_WAKE|FUTEX_PRIVATE_FLAG|FUTEX_CLOCK_REALTIME");
	assert_string_equal(FORM("f:family t:socktype", 0, 2, 0x80801),
		"f=AF_INET, t=SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC");
	assert_string_equal(FORM("f:clone", 0, 0x4111), "f=SIGCHLD|CLONE_VM|CLONE_VFORK");
	assert_string_equal(FORM("f:rename", 0, 0x40000001), "f=RENAME_NOREPLACE|0x40000000");
	assert_string_equal(FORM("s:signal w:whence", 0, 9, 77), "s=SIGKILL, w=0x4d");
	assert_string_equal(FORM("o:wait", 0, 0), "o=0");
	assert_string_equal(FORM("", 0, 1), "");
}

/* What differs from call to call is no part of the form. */
static void calls_with_other_numbers_have_the_same_form(void **state)
{
	struct syscall_args args;
	uint64_t a[SYSCALL_ARGS], b[SYSCALL_ARGS];

	(void)state;
	assert_true(syscall_args_parse(&args, "fd:d buf:x count:u pos:l"));
	syscall_args_key(&args, (const uint64_t[SYSCALL_ARGS]){ 3, 0x1000, 1, 7 }, 0, a);
	syscall_args_key(&args, (const uint64_t[SYSCALL_ARGS]){ 4, 0x2000, 9, 8 }, 0, b);
	assert_memory_equal(a, b, sizeof(a));
	assert_false(syscall_args_parse(&args, "fd:nothing"));
	assert_false(syscall_args_parse(&args, "fd"));
	assert_false(syscall_args_parse(&args, "a:d b:d c:d d:d e:d f:d g:d"));
}

static void a_form_stays_in_its_buffer(void **state)
{
	struct syscall_args args;
	uint64_t key[SYSCALL_ARGS] = { 0 };
	char text[8] = "xxxxxxx";

	(void)state;
	assert_true(syscall_args_parse(&args, "a:d b:d c:d"));
	assert_int_equal(syscall_args_form(&args, key, text, 6), 5);
	assert_string_equal(text, "a={0}");
	assert_int_equal(text[6], 'x');
}

static void errors_have_their_names(void **state)
{
	(void)state;
	assert_string_equal(syscall_error_name(ENOENT), "ENOENT");
	assert_string_equal(syscall_error_name(512), "ERESTARTSYS");
	assert_null(syscall_error_name(0));
	assert_null(syscall_error_name(4000));
}

/* ---- as text ---- */

static struct text text(const char *s)
{
	return (struct text){ s, strlen(s) };
}

static void a_call_reads_as_strace_would_write_it(void **state)
{
	struct arena a = { 0 };
	struct syscall_words w = { .call = text("openat"),
		.form = text(
			"dfd=AT_FDCWD, name={path}, to={path2}, a={0}, b={1x}, c={2u}, d={3o}, e={4l}"),
		.path = { text("/a"), text("/b") },
		.args = { 0xffffffff, 0x10, UINT64_MAX, 0755, (uint64_t)-2 },
		.ret = 3 };

	(void)state;
	assert_string_equal(syscall_text(&w, &a),
		"openat(dfd=AT_FDCWD, name=\"/a\", to=\"/b\", a=-1, b=0x10, c=18446744073709551615, "
		"d=0755, e=-2) = 3");
	w.form = text("{7} {} {0z} {path {0");
	w.ret = -2;
	w.error = text("ENOENT");
	assert_string_equal(syscall_text(&w, &a), "openat({7} {} {0z} {path {0) = -1 ENOENT");
	w.form = text("");
	w.error = text("");
	w.ret = 0x7f0000000000;
	assert_string_equal(syscall_text(&w, &a), "openat() = 0x7f0000000000");
	arena_done(&a);
}

/* ---- a history ---- */

#define MS    1000000ULL
#define START (2000 * MS) /* behind that of memory_trace */

enum { READER = 11, OTHER = 12 };

struct story {
	struct writer *w;
	struct sink *sink;
	uint32_t stream;
	char path[64];
};

static uint32_t string(struct story *s, const char *t)
{
	return writer_string(s->w, t, strlen(t));
}

static void begin(struct story *s)
{
	s->sink = memory_trace(&s->w);
	s->stream = writer_stream(s->w, "bpf", 0, 0);
}

static void returns(struct story *s, uint64_t ms, uint32_t tid, const char *call, uint64_t took_ms,
	const char *error, uint32_t weight)
{
	struct syscall e = { .time = START + ms * MS,
		.duration = took_ms * MS,
		.pid = READER,
		.tid = tid,
		.comm = string(s, "reader"),
		.call = string(s, call),
		.error = error ? string(s, error) : 0,
		.ret = error ? -1 : 7,
		.arg0 = 3,
		.form = string(s, "fd={0}"),
		.weight = weight };

	writer_add(s->w, s->stream, writer_type(s->w, &event_syscall, NULL), &e);
}

static void switches(struct story *s, uint64_t ms, uint32_t from, enum sched_state state,
	uint32_t to)
{
	struct sched_switch e = { .time = START + ms * MS,
		.pid = from,
		.tid = from,
		.comm = string(s, "reader"),
		.state = state,
		.next_pid = to,
		.next_tid = to,
		.next_comm = string(s, "reader"),
		.recorded = 3 };

	writer_add(s->w, s->stream, writer_type(s->w, &event_sched_switch, NULL), &e);
}

static void wakes(struct story *s, uint64_t ms, uint32_t tid)
{
	struct sched_wakeup e = { .time = START + ms * MS, .pid = tid, .tid = tid };

	writer_add(s->w, s->stream, writer_type(s->w, &event_sched_wakeup, NULL), &e);
}

static void end(struct story *s)
{
	size_t len;
	uint8_t *bytes = finish_trace(s->w, s->sink, &len);
	int fd;

	snprintf(s->path, sizeof(s->path), "/tmp/test_syscalls-XXXXXX");
	fd = mkstemp(s->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	free(bytes);
}

struct run {
	struct report report;
	struct pass *pass;
	struct analyze_options options;
	const char *files[1];
	const struct analyzer *list[1]; /* the pass borrows it */
};

static void run(struct run *r, const char *path, const char *by)
{
	struct err err = { "" };

	memset(r, 0, sizeof(*r));
	filter_init(&r->options.filter);
	r->files[0] = path;
	r->options.files = r->files;
	r->options.n_files = 1;
	r->options.by = by;
	r->options.list = true;
	report_init(&r->report, "test", "");
	r->list[0] = &analyzer_syscalls;
	r->pass = pass_new(r->list, 1, &r->options);
	if (pass_run(r->pass, &r->report, &err))
		fail_msg("%s", err.text);
}

static void run_done(struct run *r)
{
	report_done(&r->report);
	pass_free(r->pass);
	filter_done(&r->options.filter);
}

static const struct table *table(const struct run *r, const char *id)
{
	for (uint32_t i = 0; i < r->report.n_sections; i++)
		if (strcmp(r->report.sections[i].id, id) == 0)
			return r->report.sections[i].table;
	fail_msg("no section %s", id);
	return NULL;
}

/* The cell of a column, in a row whose first cell is this text (NULL: the first row). */
static const union cell *cell(const struct run *r, const char *id, const char *first,
	const char *column)
{
	const struct table *t = table(r, id);

	for (uint32_t row = 0; row < t->n_rows; row++) {
		const union cell *cells = t->cells + (size_t)row * t->n_columns;

		if (first && strcmp(cells[0].text, first) != 0)
			continue;
		for (uint32_t i = 0; i < t->n_columns; i++)
			if (strcmp(t->columns[i].name, column) == 0)
				return &cells[i];
	}
	fail_msg("no %s of %s in %s", column, first, id);
	return NULL;
}

/* A read of 50 ms in which the reader is blocked for 20 ms and waits for a CPU for 7; then it is preempted outside of
 * calls for 13 ms; then a write of 5 ms. */
static void time_in_calls_is_divided_by_the_switches_in_them(void **state)
{
	struct story s;
	struct run r;

	(void)state;
	begin(&s);
	switches(&s, 0, OTHER, SCHED_STATE_RUNNABLE, READER);
	switches(&s, 20, READER, SCHED_STATE_SLEEPING, OTHER);
	wakes(&s, 40, READER);
	switches(&s, 47, OTHER, SCHED_STATE_RUNNABLE, READER);
	returns(&s, 60, READER, "read", 50, NULL, 1);
	switches(&s, 61, READER, SCHED_STATE_RUNNABLE, OTHER);
	switches(&s, 74, OTHER, SCHED_STATE_RUNNABLE, READER);
	returns(&s, 80, READER, "write", 5, "EIO", 1);
	end(&s);
	run(&r, s.path, NULL);
	assert_int_equal(cell(&r, "calls", "read", "total")->count, 50 * MS);
	assert_int_equal(cell(&r, "calls", "read", "blocked")->count, 20 * MS);
	assert_int_equal(cell(&r, "calls", "read", "waited")->count, 7 * MS);
	assert_int_equal(cell(&r, "calls", "read", "on_cpu")->count, 23 * MS);
	assert_int_equal(cell(&r, "calls", "write", "on_cpu")->count, 5 * MS);
	assert_int_equal(cell(&r, "calls", "write", "blocked")->count, 0);
	assert_int_equal(cell(&r, "calls", "write", "errors")->count, 1);
	assert_string_equal(cell(&r, "errors", "write", "error")->text, "EIO");
	assert_string_equal(cell(&r, "worst", NULL, "call")->text, "read(fd=3) = 7");
	assert_int_equal(table(&r, "list")->n_rows, 2);
	run_done(&r);
	unlink(s.path);
}

static void a_call_that_stands_for_many_counts_for_many(void **state)
{
	struct story s;
	struct run r;

	(void)state;
	begin(&s);
	returns(&s, 10, READER, "read", 2, NULL, 100);
	returns(&s, 20, READER, "read", 4, "EAGAIN", 100);
	returns(&s, 30, OTHER, "read", 6, NULL, 100);
	end(&s);
	run(&r, s.path, "tid");
	assert_int_equal(cell(&r, "calls", "read", "calls")->count, 300);
	assert_int_equal(cell(&r, "calls", "read", "errors")->count, 100);
	assert_int_equal(cell(&r, "calls", "read", "total")->count, 1200 * MS);
	assert_int_equal(cell(&r, "calls", "read", "max")->count, 6 * MS);
	assert_int_equal(table(&r, "callers")->n_rows, 2);
	run_done(&r);
	unlink(s.path);
}

static void counts_of_the_kernel_make_the_same_tables(void **state)
{
	struct syscall_summary e = { .time = START + MS,
		.interval = MS,
		.pid = READER,
		.calls = 5,
		.errors = 2,
		.total = 5000,
		.longest = 3000,
		.bucket = { [1] = 4, [4] = 1 } };
	struct syscall_unfinished u = { .time = START + 9 * MS,
		.begin = START + 2 * MS,
		.pid = READER,
		.tid = READER,
		.end = SYSCALL_END_RECORDING };
	struct story s;
	struct run r;

	(void)state;
	begin(&s);
	e.comm = u.comm = string(&s, "reader");
	e.call = string(&s, "read");
	u.call = string(&s, "poll");
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_summary, NULL), &e);
	e.time += MS;
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_summary, NULL), &e);
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_unfinished, NULL), &u);
	u.time = u.begin; /* an exit */
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_unfinished, NULL), &u);
	end(&s);
	run(&r, s.path, "comm");
	assert_int_equal(cell(&r, "calls", "read", "calls")->count, 10);
	assert_int_equal(cell(&r, "calls", "read", "errors")->count, 4);
	assert_int_equal(cell(&r, "calls", "read", "total")->count, 10000);
	assert_int_equal(cell(&r, "calls", "read", "p50")->count, 511);
	assert_int_equal(cell(&r, "calls", "read", "max")->count, 3000);
	assert_string_equal(cell(&r, "callers", "reader", "call")->text, "read");
	assert_int_equal(table(&r, "unfinished")->n_rows, 1);
	assert_int_equal(cell(&r, "unfinished", NULL, "duration")->count, 7 * MS);
	run_done(&r);
	unlink(s.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_of_the_table_can_be_read_and_no_number_comes_twice),
		cmocka_unit_test(names_are_those_of_the_numbers_that_this_machine_uses),
		cmocka_unit_test(calls_are_chosen_by_name_and_pattern),
		cmocka_unit_test(arguments_that_have_names_are_called_by_them),
		cmocka_unit_test(calls_with_other_numbers_have_the_same_form),
		cmocka_unit_test(a_form_stays_in_its_buffer),
		cmocka_unit_test(errors_have_their_names),
		cmocka_unit_test(a_call_reads_as_strace_would_write_it),
		cmocka_unit_test(time_in_calls_is_divided_by_the_switches_in_them),
		cmocka_unit_test(a_call_that_stands_for_many_counts_for_many),
		cmocka_unit_test(counts_of_the_kernel_make_the_same_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
