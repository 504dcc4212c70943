/* System calls: the table of names, how arguments read, and what is made of a history that was made up. */
#include <errno.h>
#include <fcntl.h>
#include <linux/net.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "analyze/syscall_text.h"
#include "gen/events.h"
#include "record/socket_address.h"
#include "record/syscall_names.h"
#include "record/syscall_table.h"
#include "specs/events/sched.h"
#include "specs/events/syscall.h"
#include "tests/unit/analysis.h"

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

static void socket_addresses_are_arguments(void **state)
{
	const char *spec = "fd:d addr:sockaddr len:d flags:socktype_flags",
		   *out = "fd:d addr:sockaddr len:x";
	struct syscall_args args;
	uint16_t how = 0;

	(void)state;
	assert_string_equal(FORM("fd:d addr:sockaddr len:d", SYSCALL_ADDRESS_READ, 3, 0x10, 16),
		"fd={0}, addr={address}, len={2}");
	assert_string_equal(FORM("fd:d addr:sockaddr len:d", 3, 3, 0x10, 16),
		"fd={0}, addr={1x}, len={2}");
	assert_true(syscall_args_parse(&args, spec));
	assert_int_equal(syscall_args_address(&args, &how), 2);
	assert_int_equal(how, SYSCALL_HAS_ADDRESS);
	assert_true(syscall_args_parse(&args, out));
	assert_int_equal(syscall_args_address(&args, &how), 2);
	assert_int_equal(how, SYSCALL_HAS_ADDRESS | SYSCALL_TELLS_ADDRESS);
	assert_true(syscall_args_parse(&args, "fd:d path:path"));
	assert_int_equal(syscall_args_address(&args, &how), 0);
}

static void addresses_are_found_in_messages_and_behind_socketcall(void **state)
{
	static struct syscall_name names[SYSCALL_PLACES];
	static struct syscall_traits traits[SYSCALL_PLACES], inner[SYSCALL_SOCKETCALLS];
	const unsigned in_msg = SYSCALL_HAS_ADDRESS | SYSCALL_ADDRESS_IN_MSG;
	const unsigned all = in_msg | SYSCALL_TELLS_ADDRESS | SYSCALL_MANY_MSGS |
		SYSCALL_ARGS_IN_MEMORY;

	(void)state;
	syscall_names(names);
	syscall_traits(names, traits);
	syscall_socketcalls(names, traits, inner);
	assert_int_equal(traits[SYS_sendmsg].traits & all, in_msg);
	assert_int_equal(traits[SYS_recvmsg].traits & all, in_msg | SYSCALL_TELLS_ADDRESS);
	assert_int_equal(traits[SYS_sendmmsg].traits & all, in_msg | SYSCALL_MANY_MSGS);
	assert_int_equal(traits[SYS_recvmmsg].traits & all,
		in_msg | SYSCALL_MANY_MSGS | SYSCALL_TELLS_ADDRESS);
	assert_int_equal(inner[SYS_SENDMSG].traits & all, in_msg);
	assert_int_equal(inner[SYS_ACCEPT].traits & all,
		SYSCALL_HAS_ADDRESS | SYSCALL_TELLS_ADDRESS);
	assert_int_equal(inner[SYS_RECVFROM].address, 5);
	assert_int_equal(inner[SYS_SOCKET].traits, 0);
	assert_string_equal(FORM("call:socketcall args:socketargs", SYSCALL_ADDRESS_READ,
				    SYS_CONNECT, 0x10),
		"call=SYS_CONNECT, args={address}");
	assert_string_equal(FORM("fd:d msg:msghdr flags:msg", 0, 3, 0x10, MSG_DONTWAIT),
		"fd={0}, msg={1x}, flags=MSG_DONTWAIT");
}

static void signed_numbers_of_32_bit_programs_are_widened(void **state)
{
	struct syscall_args args;
	uint64_t values[SYSCALL_ARGS] = { UINT32_MAX, UINT32_MAX, UINT32_MAX, 7 };

	(void)state;
	assert_true(syscall_args_parse(&args, "fd:d offset:l size:u pos:l"));
	syscall_args_widen(&args, values);
	assert_int_equal(values[0], UINT32_MAX); /* 32 of its bits are shown */
	assert_int_equal(values[1], UINT64_MAX);
	assert_int_equal(values[2], UINT32_MAX);
	assert_int_equal(values[3], 7);
}

static const char *address_text(const void *address, size_t n)
{
	static char to[SOCKET_ADDRESS_TEXT];
	size_t len = socket_address_text(address, n, to);

	assert_int_equal(len, strlen(to));
	return to;
}

static void socket_addresses_read_as_people_write_them(void **state)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(8191),
		.sin_addr.s_addr = htonl(0x0a0b0c0d) };
	const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(53),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_scope_id = 7 };
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
	const unsigned short odd = 9999;
	char many[256] = { AF_UNIX };

	(void)state;
	assert_string_equal(address_text(&in, sizeof(in)), "AF_INET 10.11.12.13:8191");
	assert_string_equal(address_text(&in, 8), "AF_INET 10.11.12.13:8191");
	assert_string_equal(address_text(&in, 7), "family 2");
	assert_string_equal(address_text(&in, 1), "");
	assert_string_equal(address_text(&in6, sizeof(in6)), "AF_INET6 [::1%7]:53");
	assert_string_equal(address_text(&in6, 24), "AF_INET6 [::1]:53");
	assert_string_equal(address_text(&un, sizeof(un)), "AF_UNIX /run/x");
	assert_string_equal(address_text(&un, 5), "AF_UNIX /ru");
	assert_string_equal(address_text(&un, 2), "AF_UNIX");
	memcpy(un.sun_path, "\0a\0b", 4);
	assert_string_equal(address_text(&un, 6), "AF_UNIX @a@b");
	assert_string_equal(address_text(&odd, 2), "family 9999");
	memset(many + 2, 'x', sizeof(many) - 2);
	assert_int_equal(strlen(address_text(many, sizeof(many))), strlen("AF_UNIX ") + 108);
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
			"dfd=AT_FDCWD, name={path}, to={path2}, at={address}, a={0}, b={1x}, c={2u}, d={3o}, e={4l}"),
		.path = { text("/a"), text("/b") },
		.address = text("AF_INET 1.2.3.4:5"),
		.args = { 0xffffffff, 0x10, UINT64_MAX, 0755, (uint64_t)-2 },
		.ret = 3 };

	(void)state;
	assert_string_equal(syscall_text(&w, &a),
		"openat(dfd=AT_FDCWD, name=\"/a\", to=\"/b\", at=AF_INET 1.2.3.4:5, a=-1, b=0x10, c=18446744073709551615, "
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

static void returns(struct story *s, uint64_t ms, uint32_t tid, const char *call, uint64_t took_ms,
	const char *error, uint32_t weight)
{
	struct syscall e = { .time = START + ms * MS,
		.duration = took_ms * MS,
		.pid = READER,
		.tid = tid,
		.comm = story_string(s, "reader"),
		.call = story_string(s, call),
		.error = error ? story_string(s, error) : 0,
		.ret = error ? -1 : 7,
		.arg0 = 3,
		.form = story_string(s, "fd={0}"),
		.weight = weight };

	writer_add(s->w, s->stream, writer_type(s->w, &event_syscall, NULL), &e);
}

static void switches(struct story *s, uint64_t ms, uint32_t from, enum sched_state state,
	uint32_t to)
{
	struct sched_switch e = { .time = START + ms * MS,
		.pid = from,
		.tid = from,
		.comm = story_string(s, "reader"),
		.state = state,
		.next_pid = to,
		.next_tid = to,
		.next_comm = story_string(s, "reader"),
		.recorded = 3 };

	writer_add(s->w, s->stream, writer_type(s->w, &event_sched_switch, NULL), &e);
}

static void wakes(struct story *s, uint64_t ms, uint32_t tid)
{
	struct sched_wakeup e = { .time = START + ms * MS, .pid = tid, .tid = tid };

	writer_add(s->w, s->stream, writer_type(s->w, &event_sched_wakeup, NULL), &e);
}

static void run(struct analysis *a, const struct story *s, const char *by)
{
	*a = (struct analysis){ .options = { .by = by, .list = true } };
	analysis_run(a, &analyzer_syscalls, s);
}

/* A read of 50 ms in which the reader is blocked for 20 ms and waits for a CPU for 7; then it is preempted outside of
 * calls for 13 ms; then a write of 5 ms. */
static void time_in_calls_is_divided_by_the_switches_in_them(void **state)
{
	struct story s;
	struct analysis r;

	(void)state;
	story_begin(&s);
	switches(&s, 0, OTHER, SCHED_STATE_RUNNABLE, READER);
	switches(&s, 20, READER, SCHED_STATE_SLEEPING, OTHER);
	wakes(&s, 40, READER);
	switches(&s, 47, OTHER, SCHED_STATE_RUNNABLE, READER);
	returns(&s, 60, READER, "read", 50, NULL, 1);
	switches(&s, 61, READER, SCHED_STATE_RUNNABLE, OTHER);
	switches(&s, 74, OTHER, SCHED_STATE_RUNNABLE, READER);
	returns(&s, 80, READER, "write", 5, "EIO", 1);
	story_end(&s);
	run(&r, &s, NULL);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "total")->count, 50 * MS);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "blocked")->count, 20 * MS);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "waited")->count, 7 * MS);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "on_cpu")->count, 23 * MS);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "write", "on_cpu")->count, 5 * MS);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "write", "blocked")->count, 0);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "write", "errors")->count, 1);
	assert_string_equal(analysis_cell(&r, "errors", NULL, "write", "error")->text, "EIO");
	assert_string_equal(analysis_cell(&r, "worst", NULL, NULL, "call")->text, "read(fd=3) = 7");
	assert_int_equal(analysis_table(&r, "list")->n_rows, 2);
	analysis_done(&r);
	story_done(&s);
}

static void a_call_that_stands_for_many_counts_for_many(void **state)
{
	struct story s;
	struct analysis r;

	(void)state;
	story_begin(&s);
	returns(&s, 10, READER, "read", 2, NULL, 100);
	returns(&s, 20, READER, "read", 4, "EAGAIN", 100);
	returns(&s, 30, OTHER, "read", 6, NULL, 100);
	story_end(&s);
	run(&r, &s, "tid");
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "calls")->count, 300);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "errors")->count, 100);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "total")->count, 1200 * MS);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "max")->count, 6 * MS);
	assert_int_equal(analysis_table(&r, "callers")->n_rows, 2);
	analysis_done(&r);
	story_done(&s);
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
	struct analysis r;

	(void)state;
	story_begin(&s);
	e.comm = u.comm = story_string(&s, "reader");
	e.call = story_string(&s, "read");
	u.call = story_string(&s, "poll");
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_summary, NULL), &e);
	e.time += MS;
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_summary, NULL), &e);
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_unfinished, NULL), &u);
	u.time = u.begin; /* an exit */
	writer_add(s.w, s.stream, writer_type(s.w, &event_syscall_unfinished, NULL), &u);
	story_end(&s);
	run(&r, &s, "comm");
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "calls")->count, 10);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "errors")->count, 4);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "total")->count, 10000);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "p50")->count, 511);
	assert_int_equal(analysis_cell(&r, "calls", NULL, "read", "max")->count, 3000);
	assert_string_equal(analysis_cell(&r, "callers", NULL, "reader", "call")->text, "read");
	assert_int_equal(analysis_table(&r, "unfinished")->n_rows, 1);
	assert_int_equal(analysis_cell(&r, "unfinished", NULL, NULL, "duration")->count, 7 * MS);
	analysis_done(&r);
	story_done(&s);
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
		cmocka_unit_test(socket_addresses_are_arguments),
		cmocka_unit_test(addresses_are_found_in_messages_and_behind_socketcall),
		cmocka_unit_test(signed_numbers_of_32_bit_programs_are_widened),
		cmocka_unit_test(socket_addresses_read_as_people_write_them),
		cmocka_unit_test(errors_have_their_names),
		cmocka_unit_test(a_call_reads_as_strace_would_write_it),
		cmocka_unit_test(time_in_calls_is_divided_by_the_switches_in_them),
		cmocka_unit_test(a_call_that_stands_for_many_counts_for_many),
		cmocka_unit_test(counts_of_the_kernel_make_the_same_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
