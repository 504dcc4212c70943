/* Events by name: what users write, what the kernel's format files say, what becomes of a raw record,
 * and conditions. */
#include <errno.h>
#include <ftw.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/emit_tables.h"
#include "record/condition.h"
#include "record/count_scale.h"
#include "record/event_spec.h"
#include "record/raw_sample.h"
#include "record/suggest.h"
#include "record/trace_constant.h"
#include "record/trace_type.h"
#include "record/tracefs.h"
#include "record/tracepoint.h"
#include "tests/unit/support.h"

/* ---- what users write ---- */

static void lists_are_cut_at_commas_but_not_in_filters_names_and_groups(void **state)
{
	static const struct {
		const char *text, *filter;
		enum event_kind kind;
		unsigned group;
	} want[] = {
		{ "sched:sched_switch", "prev_comm == \"a,b/,c\" && x > 1", EVENT_TRACEPOINT, 0 },
		{ "syscalls:sys_enter_open*", NULL, EVENT_TRACEPOINT, 0 },
		{ "cycles", NULL, EVENT_SAMPLE, 1 },
		{ "instructions:u", NULL, EVENT_SAMPLE, 1 },
		{ "r0243", NULL, EVENT_SAMPLE, 0 },
		{ "uprobe:/bin/app:map<int, long>::get+8", NULL, EVENT_UPROBE, 0 },
		{ "cyclse", NULL, EVENT_SAMPLE, 0 },
	};
	struct event_specs l = { 0 };
	struct err err = { "" };

	(void)state;
	assert_int_equal(event_specs_add(&l,
				 "sched:sched_switch/prev_comm == \"a,b/,c\" && x > 1/,"
				 "syscalls:sys_enter_open*,{cycles,instructions:u},r0243,"
				 "uprobe:/bin/app:map<int, long>::get+8,cyclse",
				 &err),
		0);
	assert_int_equal(l.n, sizeof(want) / sizeof(want[0]));
	for (unsigned i = 0; i < l.n; i++) {
		assert_string_equal(l.specs[i].text, want[i].text);
		assert_int_equal(l.specs[i].kind, want[i].kind);
		assert_int_equal(l.specs[i].group, want[i].group);
		assert_int_equal(l.specs[i].filter != NULL, want[i].filter != NULL);
		if (want[i].filter)
			assert_string_equal(l.specs[i].filter, want[i].filter);
	}
	assert_true(l.specs[3].user && !l.specs[3].kernel);
	assert_string_equal(l.specs[5].symbol, "map<int, long>::get");
	assert_int_equal(l.specs[5].offset, 8);
	assert_false(l.specs[6].known);
	assert_true(event_specs_has(&l, true) && event_specs_has(&l, false));
	event_specs_done(&l);
}

static void probes_have_a_path_a_name_and_an_offset(void **state)
{
	struct event_specs l = { 0 };
	struct err err = { "" };

	(void)state;
	assert_int_equal(event_specs_add(&l, "uprobe:/bin/sh:main+0x10", &err), 0);
	assert_int_equal(event_specs_add(&l, "uretprobe:/bin/sh:a::operator+", &err), 0);
	assert_int_equal(event_specs_add(&l, "usdt:/bin/sh:prov:mark__er", &err), 0);
	assert_int_equal(event_specs_add(&l, "uprobe:/bin/sh:ns::less<", &err), 0);
	assert_string_equal(l.specs[0].path, "/bin/sh");
	assert_string_equal(l.specs[0].symbol, "main");
	assert_int_equal(l.specs[0].offset, 16);
	assert_string_equal(l.specs[1].symbol, "a::operator+");
	assert_string_equal(l.specs[2].provider, "prov");
	assert_string_equal(l.specs[2].symbol, "mark__er");
	assert_string_equal(l.specs[3].symbol, "ns::less<");
	event_specs_done(&l);
}

static void what_is_no_event_is_refused_with_a_sentence(void **state)
{
	static const char *const bad[] = { "", ",", "cycles,", "a b", "sched:", ":x", "a:b:c",
		"sched:sched_switch/x==1", "cycles/x==1/", "uprobe:/bin/sh", "uprobe::x",
		"usdt:/bin/sh:x", "usdt:/bin/sh:x:", "uretprobe:/bin/sh:main+4",
		"uprobe:/bin/sh:main+4x", "{cycles", "cycles}", "sched:sched_switch/x==1/y" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct event_specs l = { 0 };
		struct err err = { "" };

		if (event_specs_add(&l, bad[i], &err) != -EINVAL || !err.text[0])
			fail_msg("'%s' was taken", bad[i]);
		event_specs_done(&l);
	}
}

static void counters_have_the_names_that_perf_gives_them(void **state)
{
	struct sample_event e;

	(void)state;
	assert_true(sample_event_find("LLC-load-misses", 15, &e));
	assert_int_equal(e.type, PERF_TYPE_HW_CACHE);
	assert_int_equal(e.config, 2 | 0 << 8 | 1 << 16);
	assert_true(sample_event_find("dTLB-stores", 11, &e));
	assert_int_equal(e.config, 3 | 1 << 8);
	assert_true(sample_event_find("r0243", 5, &e));
	assert_int_equal(e.type, PERF_TYPE_RAW);
	assert_int_equal(e.config, 0x243);
	assert_true(sample_event_find("page-faults", 11, &e));
	assert_false(sample_event_is_hardware(&e));
	assert_false(sample_event_find("r02g3", 5, &e));
	assert_false(sample_event_find("cycle", 5, &e));
	assert_false(sample_event_find("r", 1, &e));
}

static void near_names_are_suggested_nearest_first(void **state)
{
	struct err err = { "no" };
	struct suggest s;

	(void)state;
	suggest_init(&s, "sched:sched_swich");
	suggest_offer(&s, "sched:sched_stick");
	suggest_offer(&s, "block:block_rq_issue");
	suggest_offer(&s, "sched:sched_switch");
	suggest_offer(&s, "sched:sched_switch");
	suggest_append(&s, &err);
	assert_string_equal(err.text, "no; did you mean sched:sched_switch or sched:sched_stick?");
	suggest_init(&s, "xyz");
	suggest_offer(&s, "abc");
	suggest_append(&s, &err);
	assert_string_equal(err.text, "no; did you mean sched:sched_switch or sched:sched_stick?");
}

/* ---- format files ---- */

static const char switch_format[] =
	"name: sched_switch\nID: 372\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;\n"
	"\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n"
	"\tfield:enum mode mode;\toffset:40;\tsize:4;\tsigned:0;\n"
	"\tfield:__data_loc char[] path;\toffset:44;\tsize:4;\tsigned:0;\n"
	"\tfield:__rel_loc u8[] bytes;\toffset:48;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned short few[2];\toffset:52;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 runtime;\toffset:56;\tsize:8;\tsigned:0;\n"
	"\tfield:const char * user;\toffset:64;\tsize:8;\tsigned:0;\n"
	"\tfield:int dfd;\toffset:72;\tsize:8;\tsigned:0;\n"
	"\tfield:u32 mask;\toffset:80;\tsize:4;\tsigned:0;\n"
	"\n"
	"print fmt: \"c=%s pid=%d st=%s%s mode=%s runtime=%Lu [ns] mask=%x\", REC->prev_comm, "
	"REC->pid, (REC->prev_state & (0x10 - 1)) ? __print_flags(REC->prev_state & (0x10 - 1), "
	"\"|\", { 0x0001, \"S\" }, { (1UL << 1), \"D,\\\"\" }, { SOMETHING, \"?\" }) : \"R\", "
	"REC->prev_state & 0x100 ? \"+\" : \"\", __print_symbolic(REC->mode, { 0, \"none\" }, "
	"{ -1, \"all\" }), (unsigned long long)REC->runtime, REC->mask\n";

static struct trace_format parsed(const char *text, struct arena *a)
{
	struct trace_format f;
	struct err err = { "" };

	if (trace_format_parse(&f, text, strlen(text), a, &err))
		fail_msg("%s", err.text);
	return f;
}

static void a_format_file_gives_fields_names_of_values_and_units(void **state)
{
	struct arena a = { 0 };
	struct trace_format f = parsed(switch_format, &a);
	const struct trace_field *x = f.fields;

	(void)state;
	assert_string_equal(f.name, "sched_switch");
	assert_int_equal(f.id, 372);
	assert_int_equal(f.n_fields, 11);
	assert_true(x[0].shape == TRACE_ARRAY && x[0].is_text && x[0].count == 16);
	assert_true(x[1].shape == TRACE_NUMBER && x[1].is_signed && x[1].element == 4);
	assert_true(x[2].flags);
	assert_int_equal(x[2].enumeration->n_values, 3);
	assert_string_equal(enum_name(x[2].enumeration, 1), "S");
	assert_string_equal(enum_name(x[2].enumeration, 2), "D,\\\"");
	assert_string_equal(enum_name(x[2].enumeration, 0), "R");
	assert_string_equal(enum_name(x[3].enumeration, UINT32_MAX), "all");
	assert_true(x[4].shape == TRACE_LOC && x[4].is_text);
	assert_true(x[5].shape == TRACE_RELLOC && !x[5].is_text && x[5].element == 1);
	assert_true(x[6].shape == TRACE_ARRAY && x[6].element == 2 && x[6].count == 2);
	assert_true(x[8].is_pointer);
	assert_true(x[9].element == 4 && x[9].is_signed); /* an argument of a system call */
	assert_true(x[10].hex);
	arena_done(&a);
}

static void units_stand_in_brackets_behind_the_number(void **state)
{
	struct arena a = { 0 };
	struct trace_format f =
		parsed("name: x\nID: 1\nformat:\n"
		       "\tfield:u64 runtime;\toffset:8;\tsize:8;\tsigned:0;\n"
		       "\tfield:u64 delay;\toffset:16;\tsize:8;\tsigned:0;\n"
		       "print fmt: \"%% runtime=%Lu [ns] delay=%Lu [ns]\", REC->runtime, "
		       "(unsigned long long)REC->delay\n",
			&a);

	(void)state;
	assert_string_equal(f.fields[0].unit, "ns");
	assert_string_equal(f.fields[1].unit, "ns");
	arena_done(&a);
}

static void constants_of_c_are_evaluated(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = { { "1", 1 }, { " 0x10UL ", 16 }, { "-1", -1 }, { "~0", -1 },
		{ "(1UL << 3) | 0x40", 72 }, { "(( gfp_t)(0x400u|0x800u))", 0xc00 },
		{ "((((0x1 | 0x2) + 1) << 1) - 1)", 7 }, { "2 + 3 * 4", 14 },
		{ "1 | 2 ^ 3 & 1", 3 }, { "'A'", 65 }, { "(unsigned int)-1", -1 } };
	static const char *const bad[] = { "", "FOO", "1 +", "(1", "1)", "1 2", "sizeof(int)",
		"1 << 64", "((FOO)) | 1", "1 ? 2 : 3", "0x", "12ab" };
	char deep[512];
	int64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!trace_constant(good[i].text, strlen(good[i].text), &v) || v != good[i].value)
			fail_msg("'%s' is %lld", good[i].text, (long long)v);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (trace_constant(bad[i], strlen(bad[i]), &v))
			fail_msg("'%s' is %lld", bad[i], (long long)v);
	memset(deep, '(', sizeof(deep));
	assert_false(trace_constant(deep, sizeof(deep), &v));
	memset(deep, '-', sizeof(deep));
	assert_false(trace_constant(deep, sizeof(deep), &v));
}

static void what_is_no_format_is_refused(void **state)
{
	static const char *const bad[] = { "", "ID: 1\n", "name: x\nID: y\n", "name: x\nhello\n",
		"name: x\n\tfield:int x;\toffset:0;\tsize:4;\n",
		"name: x\n\tfield:int;\toffset:0;\tsize:4;\tsigned:1;\n",
		"name: x\n\tfield:int x;\toffset:99999;\tsize:4;\tsigned:1;\n",
		"name: x\n\tfield:int x;\toffset:65535;\tsize:4;\tsigned:1;\n",
		"name: x\n\tfield:__data_loc char[] x;\toffset:0;\tsize:8;\tsigned:1;\n" };
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct trace_format f;
		struct err err = { "" };

		if (trace_format_parse(&f, bad[i], strlen(bad[i]), &a, &err) != -EBADMSG ||
			!err.text[0])
			fail_msg("taken: %s", bad[i]);
	}
	arena_done(&a);
}

/* The file's lines once more, by the simplest means, to compare with. */
static void compare_lines(const char *text, const struct trace_format *f, const char *path)
{
	uint32_t n = 0;

	for (const char *line = text; (line = strstr(line, "\tfield:")); line++) {
		const char *end = strchr(line, ';'), *offset = strstr(line, "\toffset:");
		unsigned at, size, is_signed;
		const struct trace_field *x = &f->fields[n];

		if (sscanf(offset, "\toffset:%u;\tsize:%u;\tsigned:%u;", &at, &size, &is_signed) !=
			3)
			fail_msg("%s: %.80s", path, line);
		if (memmem(line, (size_t)(end - line), " common_", 8) || !size)
			continue;
		if (n == f->n_fields || x->offset != at || x->size != size ||
			!memmem(line, (size_t)(end - line), x->name, strlen(x->name)))
			fail_msg("%s: %.80s", path, line);
		if (x->shape == TRACE_NUMBER && x->element > size)
			fail_msg("%s: %s reaches beyond its size", path, x->name);
		if (x->shape == TRACE_ARRAY && x->element * x->count > size)
			fail_msg("%s: %s is longer than its size", path, x->name);
		n++;
	}
	if (n != f->n_fields)
		fail_msg("%s: %u fields of %u", path, f->n_fields, n);
}

static unsigned n_files, n_enums;

static void check_type(const struct trace_format *f, const char *path, struct arena *a)
{
	struct err err = { "" };
	struct trace_type t;

	if (trace_type_make(&t, path, "", f, true, a, &err))
		fail_msg("%s: %s", path, err.text);
	if (!emit_schema_fits(&t.type))
		fail_msg("%s: does not fit a schema", path);
	for (uint32_t i = 0; i < t.type.n_fields; i++) {
		const struct field *x = &t.type.fields[i];

		n_enums += x->enumeration != NULL;
		if (event_field(&t.type, x->name) != (int)i)
			fail_msg("%s: two fields are called %s", path, x->name);
		if (field_width(x->type) != x->size || x->offset + x->size > t.type.size)
			fail_msg("%s: %s does not fit the row", path, x->name);
	}
}

static int check_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	static char text[1 << 20];
	struct arena a = { 0 };
	struct err err = { "" };
	struct trace_format f;
	FILE *file;
	size_t len;

	(void)st;
	if (kind != FTW_F || strcmp(path + ftw->base, "format") != 0)
		return 0;
	file = fopen(path, "re");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	if (trace_format_parse(&f, text, len, &a, &err))
		fail_msg("%s: %s", path, err.text);
	compare_lines(text, &f, path);
	check_type(&f, path, &a);
	arena_done(&a);
	n_files++;
	return 0;
}

static void every_format_file_of_this_machine_is_understood(void **state)
{
	char path[256], events[512];
	struct err err = { "" };

	(void)state;
	if (tracefs_find(NULL, path, sizeof(path), &err)) {
		printf("SKIP: every_format_file_of_this_machine_is_understood: %s\n", err.text);
		return;
	}
	snprintf(events, sizeof(events), "%s/events", path);
	if (access(events, R_OK)) {
		printf("SKIP: every_format_file_of_this_machine_is_understood: only root may\n");
		return;
	}
	n_files = n_enums = 0;
	assert_int_equal(nftw(events, check_file, 16, FTW_PHYS), 0);
	printf("%u format files, %u fields with names of values\n", n_files, n_enums);
	assert_true(n_files > 100);
	assert_true(n_enums > 50);
}

static void tracefs_is_found_in_the_mount_table(void **state)
{
	char path[256], mounts[] = "/tmp/mounts-XXXXXX";
	struct err err = { "" };
	FILE *f = fdopen(mkstemp(mounts), "w");

	(void)state;
	fputs("proc /proc proc rw 0 0\nnodev /sys/kernel/debug/tracing tracefs rw 0 0\n", f);
	fclose(f);
	assert_int_equal(tracefs_find(mounts, path, sizeof(path), &err), 0);
	assert_string_equal(path, "/sys/kernel/debug/tracing");
	assert_int_equal(truncate(mounts, 0), 0);
	assert_int_equal(tracefs_find(mounts, path, sizeof(path), &err), -ENOENT);
	assert_non_null(strstr(err.text, "mount -t tracefs nodev /sys/kernel/tracing"));
	unlink(mounts);
}

/* ---- rows ---- */

/* A raw record of switch_format: what the offsets say, and texts behind. */
static size_t make_raw(uint8_t raw[128])
{
	const int64_t running = 2;
	const int32_t pid = 97, all = -1;
	const uint16_t few[] = { 5, 7 };
	const uint64_t runtime = 1009, dfd = 0x12345678ffffff9c;
	const uint32_t path = 96 | 6 << 16, bytes = (102 - 52) | 3 << 16, mask = 0xab;

	memset(raw, 0, 128);
	memcpy(raw + 8, "sleeper", 8);
	memcpy(raw + 24, &pid, 4);
	memcpy(raw + 32, &running, 8);
	memcpy(raw + 40, &all, 4);
	memcpy(raw + 44, &path, 4);
	memcpy(raw + 48, &bytes, 4);
	memcpy(raw + 52, few, 4);
	memcpy(raw + 56, &runtime, 8);
	memcpy(raw + 72, &dfd, 8);
	memcpy(raw + 80, &mask, 4);
	memcpy(raw + 96, "/tmp/x", 6);
	memcpy(raw + 102, "\x01\x02\xff", 3);
	return 105;
}

static uint64_t value(const struct row *row, const char *field)
{
	int i = event_field(row->type, field);

	if (i < 0)
		fail_msg("no field %s", field);
	return row->values[i];
}

static const char *text(const struct row *row, const char *field)
{
	static char to[64];
	struct text t = segment_string(row->segment, (uint32_t)value(row, field));

	snprintf(to, sizeof(to), "%.*s", (int)t.len, t.s);
	return to;
}

/* Writes one row of switch_format with so many bytes of its raw record, and reads it again. */
static void through_a_trace(size_t raw_len, void (*check)(const struct row *row))
{
	struct arena a = { 0 };
	struct trace_format f = parsed(switch_format, &a);
	struct merge_options o = { .wants = &(struct want){ "sched:x", NULL, 0 }, .n_wants = 1 };
	struct trace_type t;
	struct err err = { "" };
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	uint8_t raw[128], *bytes;
	union {
		struct event_head head;
		uint8_t bytes[512];
	} row = { .head = { .time = 5, .cpu = 1, .pid = 2, .tid = 3 } };
	struct reader *r;
	struct merge *m;
	struct row got;
	size_t len = make_raw(raw);

	assert_int_equal(trace_type_make(&t, "sched:x", "", &f, false, &a, &err), 0);
	assert_true(t.type.size <= sizeof(row));
	trace_type_row(&t, w, raw, raw_len < len ? raw_len : len, &row);
	assert_int_equal(writer_add(w, 0, writer_type(w, &t.type, &err), &row), 0);
	bytes = finish_trace(w, sink, &len);
	r = reader_open_memory(bytes, len, &err);
	assert_non_null(r);
	m = merge_new(&r, 1, &o);
	assert_int_equal(merge_next(m, &got, &err), 1);
	check(&got);
	merge_free(m);
	reader_close(r);
	free(bytes);
	arena_done(&a);
}

static void check_whole(const struct row *row)
{
	const struct field *state = &row->type->fields[event_field(row->type, "prev_state")];

	assert_int_equal(row->time, 5);
	assert_int_equal(value(row, "cpu"), 1);
	assert_int_equal(value(row, "pid"), 2);
	assert_int_equal(value(row, "tid"), 3);
	assert_int_equal(value(row, "args.pid"), 97);
	assert_string_equal(text(row, "prev_comm"), "sleeper");
	assert_string_equal(enum_name(state->enumeration, 0), "R");
	assert_int_equal(state->show, SHOW_FLAGS);
	assert_int_equal((int64_t)value(row, "mode"), (uint32_t)-1);
	assert_string_equal(text(row, "path"), "/tmp/x");
	assert_string_equal(text(row, "bytes"), "0102ff");
	assert_int_equal(value(row, "few[0]"), 5);
	assert_int_equal(value(row, "few[1]"), 7);
	assert_int_equal(value(row, "runtime"), 1009);
	assert_int_equal((int64_t)value(row, "dfd"), -100);
	assert_int_equal(value(row, "mask"), 0xab);
	assert_int_equal(event_field(row->type, "stack"), -1);
	assert_int_equal(event_field(row->type, "common_pid"), -1);
}

static void check_cut(const struct row *row)
{
	assert_string_equal(text(row, "prev_comm"), "sleeper");
	assert_int_equal(value(row, "args.pid"), 97);
	assert_string_equal(text(row, "path"), "");
	assert_string_equal(text(row, "bytes"), "");
	assert_int_equal(value(row, "runtime"), 0);
	assert_int_equal(value(row, "few[0]"), 0);
}

static void a_raw_record_becomes_a_row(void **state)
{
	(void)state;
	through_a_trace(SIZE_MAX, check_whole);
}

static void a_record_that_is_too_short_leaves_fields_empty(void **state)
{
	(void)state;
	through_a_trace(28, check_cut);
	through_a_trace(51, check_cut);
}

static void a_filters_unknown_field_is_found(void **state)
{
	struct arena a = { 0 };
	struct trace_format f = parsed(switch_format, &a);
	static const struct {
		const char *filter, *unknown;
	} cases[] = { { "pid == 1 && common_pid != 2 || COMM ~ \"x == y\"", NULL },
		{ "pid == 1 && nope > 3", "nope" }, { "(mask & 3) && x&1", "x" },
		{ "prev_comm == 'a=b'", NULL }, { "pid == one", NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;
		const char *p = tracepoint_unknown_field(&f, cases[i].filter, &len);

		assert_int_equal(p != NULL, cases[i].unknown != NULL);
		if (p && (strlen(cases[i].unknown) != len || memcmp(p, cases[i].unknown, len) != 0))
			fail_msg("%s: %.*s", cases[i].filter, (int)len, p);
	}
	arena_done(&a);
}

static void counts_are_scaled_by_the_time_they_were_counted(void **state)
{
	(void)state;
	assert_int_equal(count_scaled(97, 1000, 1000), 97);
	assert_int_equal(count_scaled(97, 1000, 500), 194);
	assert_int_equal(count_scaled(10, 3, 2), 15);
	assert_int_equal(count_scaled(10, 1000, 0), 10);
	assert_int_equal(count_scaled(0, 1000, 1), 0);
	/* Beyond what 64 bits hold on the way. */
	assert_int_equal(count_scaled(1ULL << 50, 1ULL << 40, 1ULL << 39), 1ULL << 51);
}

/* ---- conditions ---- */

struct wake {
	uint64_t time;
	uint64_t delay;
	uint32_t comm, state;
	int32_t prio;
	uint64_t bytes;
	char name[8];
	double ratio;
	uint8_t small;
};

static const struct enum_value wake_values[] = { { 1, "S" }, { 2, "D" } };
static const struct enumeration wake_enum = { "state", wake_values, 2 };
static const struct field wake_fields[] = {
	{ "time", "", "ns", NULL, FIELD_U64, SHOW_PLAIN, 0, 8, false },
	{ "delay", "", "ns", NULL, FIELD_U64, SHOW_PLAIN, offsetof(struct wake, delay), 8, false },
	{ "comm", "", "", NULL, FIELD_STRING, SHOW_PLAIN, offsetof(struct wake, comm), 4, false },
	{ "state", "", "", &wake_enum, FIELD_U32, SHOW_ENUM, offsetof(struct wake, state), 4,
		false },
	{ "prio", "", "", NULL, FIELD_S32, SHOW_PLAIN, offsetof(struct wake, prio), 4, false },
	{ "bytes", "", "bytes", NULL, FIELD_U64, SHOW_PLAIN, offsetof(struct wake, bytes), 8,
		false },
	{ "name", "", "", NULL, FIELD_STRING, SHOW_PLAIN, offsetof(struct wake, name), 8, true },
	{ "ratio", "", "", NULL, FIELD_F64, SHOW_PLAIN, offsetof(struct wake, ratio), 8, false },
	{ "args.pid", "", "", NULL, FIELD_U8, SHOW_PLAIN, offsetof(struct wake, small), 1, false },
};
static const struct event_type wake_type = { "wake.up", "", wake_fields, 9, sizeof(struct wake) };
static const struct event_type short_type = { "wake", "", wake_fields, 2, sizeof(struct wake) };
static const struct event_type *const wake_types[] = { &short_type, &wake_type };

/* A dictionary with one word. */
static uint32_t number_of_word(void *ctx, const char *s, size_t len)
{
	(void)ctx;
	return len == 8 && memcmp(s, "postgres", 8) == 0 ? 13 : 99;
}

static bool holds(const char *condition, const struct wake *row)
{
	struct condition c;
	struct err err = { "" };

	if (condition_parse(&c, condition, wake_types, 2, &err))
		fail_msg("%s: %s", condition, err.text);
	return condition_holds(&c, row, number_of_word, NULL);
}

static void conditions_compare_numbers_with_units_texts_and_names(void **state)
{
	static const struct wake row = { .delay = 60000000,
		.comm = 13,
		.state = 2,
		.prio = -5,
		.bytes = UINT64_MAX,
		.name = "eightlen",
		.ratio = 0.5,
		.small = 200 };
	static const char *const yes[] = { "wake.up.delay > 50ms", "wake.up.delay >= 60ms",
		"wake.up.delay==60000000", "wake.up.delay < 1s && prio < 0", "wake.up.prio == -5",
		"wake.up.comm == 'postgres'", "wake.up.comm != \"bash\"", "wake.up.state == 'D'",
		"wake.up.state != 'S' && wake.up.state == 2", "wake.up.bytes > 15GiB",
		"wake.up.bytes == 18446744073709551615", "wake.up.name == 'eightlen'",
		"wake.up.ratio >= .5", "wake.up.args.pid == 200", "wake.delay <= 0.06s",
		"wake.up.delay>59.9ms&&delay<60.1ms", "wake.up.comm != ''",
		"wake.up.bytes != 18446744073709551614" };
	static const char *const no[] = { "wake.up.delay > 60ms",
		"wake.up.delay > 50ms && prio > 0", "wake.up.comm == 'bash'",
		"wake.up.comm != 'postgres'", "wake.up.state == 'S'", "wake.up.bytes < 1TiB",
		"wake.up.name == 'eight'", "wake.up.name != 'eightlen'", "wake.up.ratio > 0.5",
		"wake.up.args.pid < 0", "wake.up.comm == ''" };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!holds(yes[i], &row))
			fail_msg("does not hold: %s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (holds(no[i], &row))
			fail_msg("holds: %s", no[i]);
}

static void conditions_that_make_no_sense_say_why(void **state)
{
	static const struct {
		const char *text, *why;
		int rc;
	} bad[] = {
		{ "", "no EVENT.FIELD", -EINVAL },
		{ "delay > 3", "no EVENT.FIELD", -EINVAL },
		{ "wakeup.delay > 3", "recorded here; did you mean wake.up or wake?", -ENOENT },
		{ "wake.up.dealy > 3", "did you mean delay?", -ENOENT },
		{ "wake.up.delay", "one of >", -EINVAL },
		{ "wake.up.delay = 3", "one of >", -EINVAL },
		{ "wake.up.delay > ", "no number", -EINVAL },
		{ "wake.up.delay > 3KiB", "use ns, us, ms", -EINVAL },
		{ "wake.up.prio > 3ms", "without a unit", -EINVAL },
		{ "wake.up.prio == 'x'", "no text", -EINVAL },
		{ "wake.up.comm == 3", "put the value in", -EINVAL },
		{ "wake.up.comm > 'a'", "== and != only", -EINVAL },
		{ "wake.up.comm == 'a", "no end", -EINVAL },
		{ "wake.up.delay > 3 || prio < 1", "joined by &&", -EINVAL },
		{ "wake.up.delay > 3 &&", "name of a field", -EINVAL },
		{ "wake.up.delay > 3 && wake.delay > 4", "one event", -EINVAL },
		{ "wake.up.delay > nan", "no number", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct condition c;
		struct err err = { "" };
		int rc = condition_parse(&c, bad[i].text, wake_types, 2, &err);

		if (rc != bad[i].rc || !strstr(err.text, bad[i].why))
			fail_msg("'%s': %d, %s", bad[i].text, rc, err.text);
	}
}

/* ---- raw samples ---- */

static const char *const wanted[] = { "pid", "prev_comm", "path", "bytes", "prev_state", "dfd",
	"none?", NULL };
enum { W_PID, W_COMM, W_PATH, W_BYTES, W_STATE, W_DFD, W_NONE };

/* A PERF_RECORD_SAMPLE with a chain of two addresses and a raw record of 96 bytes. */
struct sample_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, reserved;
	uint64_t period, n_chain, chain[2];
	uint32_t raw_len;
	uint8_t raw[96];
	uint32_t pad;
};

static struct sample_record a_sample(void)
{
	struct sample_record p = { .header = { PERF_RECORD_SAMPLE, 0, sizeof(p) },
		.pid = 23,
		.tid = 29,
		.time = 1009,
		.cpu = 3,
		.n_chain = 2,
		.chain = { 11, 13 },
		.raw_len = 96 };
	int32_t pid = -31, tid = 37;
	int64_t state = -41;
	uint32_t path = 88 | 8u << 16;

	p.raw[2] = 0x08; /* in an interrupt */
	memcpy(p.raw + 4, &tid, 4);
	memcpy(p.raw + 8, "sixteen bytes in", 16);
	memcpy(p.raw + 24, &pid, 4);
	memcpy(p.raw + 32, &state, 8);
	memcpy(p.raw + 44, &path, 4);
	memcpy(p.raw + 72, "\xff\xff\xff\xff\0\0\0\0", 8); /* an int in 8 bytes */
	memcpy(p.raw + 88, "/a/path", 8);
	return p;
}

static void fields_of_a_raw_sample_are_read_by_name(void **state)
{
	struct sample_record p = a_sample();
	struct arena a = { 0 };
	struct trace_format f = parsed(switch_format, &a);
	struct err err = { "" };
	struct raw_fields r;
	struct raw_sample s;
	char text[20];

	(void)state;
	assert_int_equal(raw_fields_find(&r, &f, wanted, &err), 0);
	assert_true(raw_sample_read(&p.header, true, &s));
	assert_int_equal(s.time, 1009);
	assert_int_equal(s.cpu, 3);
	assert_int_equal(s.pid, 23);
	assert_int_equal(s.tid, 29);
	assert_int_equal(s.n_chain, 2);
	assert_int_equal(s.chain[1], 13);
	assert_int_equal(raw_sample_thread(&s), 37);
	assert_true(raw_sample_in_interrupt(&s));
	assert_int_equal(raw_number(&r, W_PID, &s), -31);
	assert_int_equal(raw_number(&r, W_STATE, &s), -41);
	assert_int_equal(raw_number(&r, W_DFD, &s), -1);
	assert_int_equal(raw_number(&r, W_NONE, &s), 0);
	assert_int_equal(raw_number(&r, W_COMM, &s), 0);
	assert_int_equal(raw_text(&r, W_COMM, &s, text, sizeof(text)), 16);
	assert_string_equal(text, "sixteen bytes in");
	assert_int_equal(raw_text(&r, W_COMM, &s, text, 8), 7);
	assert_string_equal(text, "sixteen");
	assert_int_equal(raw_text(&r, W_PATH, &s, text, sizeof(text)), 7);
	assert_string_equal(text, "/a/path");
	assert_int_equal(raw_text(&r, W_NONE, &s, text, sizeof(text)), 0);
	arena_done(&a);
}

static void a_field_that_the_kernel_does_not_have_is_named(void **state)
{
	static const char *const names[] = { "pid", "next_pid", NULL };
	struct arena a = { 0 };
	struct trace_format f = parsed(switch_format, &a);
	struct err err = { "" };
	struct raw_fields r;

	(void)state;
	assert_int_equal(raw_fields_find(&r, &f, names, &err), -ENOENT);
	assert_non_null(strstr(err.text, "has no field 'next_pid'"));
	arena_done(&a);
}

static void raw_samples_are_read_as_far_as_they_go(void **state)
{
	struct sample_record whole = a_sample();
	struct arena a = { 0 };
	struct trace_format f = parsed(switch_format, &a);
	struct err err = { "" };
	struct raw_fields r;
	struct raw_sample s;
	char text[20];

	(void)state;
	raw_fields_find(&r, &f, wanted, &err);
	for (size_t n = 0; n <= sizeof(whole); n++) { /* cut; memory ends where it ends */
		struct sample_record *p = malloc(sizeof(whole));
		struct perf_event_header *cut;

		whole.header.size = (uint16_t)n;
		memcpy(p, &whole, sizeof(whole));
		cut = realloc(p, n < 8 ? 8 : n);
		assert_int_equal(raw_sample_read(cut, true, &s),
			n >= offsetof(struct sample_record, pad));
		free(cut);
	}
	whole.header.size = sizeof(whole);
	for (uint32_t n = 0; n <= 96; n++) { /* a shorter raw record */
		whole.raw_len = n;
		assert_true(raw_sample_read(&whole.header, true, &s));
		assert_int_equal(raw_number(&r, W_PID, &s), n >= 28 ? -31 : 0);
		assert_int_equal(raw_text(&r, W_COMM, &s, text, sizeof(text)),
			n < 8            ? 0
				: n < 24 ? n - 8
					 : 16);
		raw_text(&r, W_PATH, &s, text, sizeof(text));
	}
	whole.n_chain = UINT64_MAX / 8;
	assert_false(raw_sample_read(&whole.header, true, &s));
	whole.n_chain = 2;
	whole.raw_len = UINT32_MAX;
	assert_false(raw_sample_read(&whole.header, true, &s));
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_cut_at_commas_but_not_in_filters_names_and_groups),
		cmocka_unit_test(probes_have_a_path_a_name_and_an_offset),
		cmocka_unit_test(what_is_no_event_is_refused_with_a_sentence),
		cmocka_unit_test(counters_have_the_names_that_perf_gives_them),
		cmocka_unit_test(near_names_are_suggested_nearest_first),
		cmocka_unit_test(a_format_file_gives_fields_names_of_values_and_units),
		cmocka_unit_test(units_stand_in_brackets_behind_the_number),
		cmocka_unit_test(constants_of_c_are_evaluated),
		cmocka_unit_test(what_is_no_format_is_refused),
		cmocka_unit_test(every_format_file_of_this_machine_is_understood),
		cmocka_unit_test(tracefs_is_found_in_the_mount_table),
		cmocka_unit_test(a_raw_record_becomes_a_row),
		cmocka_unit_test(a_record_that_is_too_short_leaves_fields_empty),
		cmocka_unit_test(a_filters_unknown_field_is_found),
		cmocka_unit_test(counts_are_scaled_by_the_time_they_were_counted),
		cmocka_unit_test(conditions_compare_numbers_with_units_texts_and_names),
		cmocka_unit_test(conditions_that_make_no_sense_say_why),
		cmocka_unit_test(fields_of_a_raw_sample_are_read_by_name),
		cmocka_unit_test(a_field_that_the_kernel_does_not_have_is_named),
		cmocka_unit_test(raw_samples_are_read_as_far_as_they_go),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
