/* Scrubbing: no byte of a secret is in the new trace, wherever it was planted, and what is left has the same
 * shape. Each secret has "zqx" in it, which no pseudonym and no public word has. */
#include <ctype.h>
#include <errno.h>
#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/scrub.h"
#include "analyze/scrub_check.h"
#include "format/base/bytes.h"
#include "format/block.h"
#include "format/tables.h"
#include "format/verify.h"
#include "gen/events.h"
#include "specs/events/counter.h"
#include "specs/events/cpu.h"
#include "specs/events/process.h"
#include "specs/events/recorder.h"
#include "tests/unit/support.h"

enum { START = 1000000000, SAMPLES = 997 };

struct bytes {
	uint8_t *p; /* owned */
	size_t len;
};

/* ---- a trace full of secrets ---- */

/* A type that no `ana` has heard of. */
struct order {
	uint64_t time;
	uint32_t customer, path, hex, prev_comm;
	uint64_t amount;
};

#define ORDER_FIELD(field, what, show_as) \
	{ \
		.name = #field, .doc = "", .unit = "", .type = what, .show = show_as, \
		.offset = offsetof(struct order, field), \
		.size = sizeof(((struct order *)0)->field) \
	}

static const struct field order_fields[] = {
	ORDER_FIELD(time, FIELD_U64, SHOW_PLAIN),
	ORDER_FIELD(customer, FIELD_STRING, SHOW_PLAIN),
	ORDER_FIELD(path, FIELD_STRING, SHOW_PLAIN),
	ORDER_FIELD(hex, FIELD_STRING, SHOW_PLAIN),
	ORDER_FIELD(prev_comm, FIELD_STRING, SHOW_PLAIN),
	ORDER_FIELD(amount, FIELD_U64, SHOW_PLAIN),
};
static const struct event_type order_type = { "shop:order", "An order.", order_fields, 6,
	sizeof(struct order) };

static const struct field probe_fields[] = {
	{ .name = "time", .doc = "", .unit = "ns", .type = FIELD_U64, .size = 8 }
};
static const struct event_type probe_types[] = {
	{ "uprobe:zqx-server:zqx::login(char const*)+0x1f",
		"A function was entered of /opt/zqx/zqx.", probe_fields, 1, 8 },
	{ "uretprobe:zqxd:zqx_return", "A function returned of /opt/zqxd.", probe_fields, 1, 8 },
	{ "usdt:zqx_provider:zqx_marker", "A marker of /opt/zqx.", probe_fields, 1, 8 },
	{ "usdt:python:gc__start", "A marker of /opt/zqx/python.", probe_fields, 1, 8 },
};

struct maker {
	struct writer *w;
	const char *tag; /* in names that traces do not share */
	uint32_t frames[24], roots[2], comms[3];
	int sample;
};

static uint32_t string(struct maker *m, const char *s)
{
	return writer_string(m->w, s, strlen(s));
}

static const struct {
	enum mapping_kind kind;
	const char *path, *name, *linkage, *file;
} homes[] = {
	{ MAPPING_FILE, "/opt/zqx-corp/bin/zqx-server", "zqx::Vault::open(char const*)",
		"_ZN3zqx5Vault4openEPKc", "/home/zqx/src/vault.cpp" },
	{ MAPPING_FILE, "/home/zqx/lib/libzqx.so.3.1", "zqx_hash", NULL, "zqx/hash.c" },
	{ MAPPING_FILE, "/usr/lib/x86_64-linux-gnu/libc.so.6", "memcpy", "__memcpy_avx",
		"./string/memcpy.c" },
	{ MAPPING_FILE, "/usr/lib/zqx/libc.so.6", "zqx_memcpy", NULL, NULL },
	{ MAPPING_KERNEL, "[kernel]", "vfs_read", NULL, "/home/zqx/linux/fs/read_write.c" },
	{ MAPPING_MODULE, "[ext4]", "ext4_map_blocks", NULL, NULL },
	{ MAPPING_JIT, NULL, "Lcom/zqx/Secret;::run", NULL, "Zqx.java" },
	{ MAPPING_BPF, "bpf_prog_6deef7357e7b4530_zqx", "bpf_prog_6deef7357e7b4530_zqx", NULL,
		NULL },
};
enum { N_HOMES = sizeof(homes) / sizeof(homes[0]) };

static const char build_id[] = "zqx-build-id-of-20-b";

static void make_frames(struct maker *m)
{
	for (uint32_t i = 0; i < 24; i++) {
		uint32_t home = i % N_HOMES;
		struct mapping file = { .kind = homes[home].kind,
			.path = homes[home].path ? string(m, homes[home].path) : 0,
			.build_id = (const uint8_t *)build_id,
			.build_id_len = home < 2 ? 20 : 0,
			.base = homes[home].kind == MAPPING_KERNEL ||
					homes[home].kind == MAPPING_BPF
				? 0xffffffff81000000
				: 0,
			.pid = homes[home].kind == MAPPING_JIT ? 7 : 0 };
		char name[100];

		m->frames[i] = writer_frame(m->w, writer_mapping(m->w, &file), 0x1000 + i * 64,
			NULL);
		for (uint32_t depth = 0; depth <= (i == 8); depth++) { /* one has an inlined one */
			struct dict_symbol s = { .frame = m->frames[i], .depth = depth, .line = i };

			snprintf(name, sizeof(name), "%s%s", homes[home].name,
				i < N_HOMES      ? ""
					: i < 16 ? "_2"
						 : "_3");
			s.name = depth ? string(m, "zqx_inlined") : string(m, name);
			s.linkage = homes[home].linkage ? string(m, homes[home].linkage) : 0;
			s.file = homes[home].file ? string(m, homes[home].file) : 0;
			assert_true(writer_symbol(m->w, &s));
		}
	}
}

static void make_facts(struct maker *m)
{
	static const char *const facts[][2] = {
		{ "machine.host", "zqx-db1.example.com" },
		{ "machine.arch", "x86_64" },
		{ "machine.cpu", "AMD EPYC 7763 64-Core Processor" },
		{ "machine.cpus", "zqx 2" },
		{ "kernel.release", "6.1.0-zqxbuild-amd64" },
		{ "kernel.version",
			"#1 SMP PREEMPT_DYNAMIC zqx@zqxhost Debian 6.1.90-1 (2024-05-03)" },
		{ "kernel.build_id", "e4f18d9dc1d0e6fc" },
		{ "recorder.command",
			"rec cpu -F 99 -o /tmp/zqx.rec -- ./zqx --password=zqx 'a zqx'" },
		{ "target.command", "./zqx --password=zqx 'a zqx'" },
		{ "target.cgroup", "/system.slice/zqx.service" },
		{ "target.pids", "7,8" },
		{ "target.exit_status", "signal 9" },
		{ "source.cpu.event", "cycles, zqx" },
		{ "source.cpu.note", "no counter for zqx here" },
		{ "source.event.events",
			"sched:sched_switch,uprobe:/opt/zqx:zqx,x:y/a == \"zqx\"/" },
		{ "source.cpu.zqx", "1" },
		{ "source.zqx.event", "cycles" },
		{ "zqx.secret", "zqx is the password" },
		{ "environment", "ZQX_TOKEN=zqx" },
		{ "trace.cut", "--time 1s..2s --comm 'zqx' --host 'zqx'" },
		{ "trace.scrubbed", "zqx" },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		writer_info(m->w, facts[i][0], facts[i][1]);
}

static void make_others(struct maker *m)
{
	struct mapping lib = { .kind = MAPPING_FILE,
		.path = string(m, "/srv/zqx/deep/er/lib.jar (deleted)") };
	struct mapping kernel = { .kind = MAPPING_KERNEL,
		.path = string(m, "[kernel]"),
		.base = 0xffffffff81000000 };
	struct order order = { .time = START + 5,
		.customer = string(m, "Dr. Zqx"),
		.path = string(m, "/var/lib/zqx/zqx.db"),
		.hex = string(m, "7a717800"),
		.prev_comm = m->comms[0],
		.amount = 4099 };
	uint64_t time = START + 7;

	writer_add(m->w, 0, writer_type(m->w, &event_process_comm, NULL),
		&(struct process_comm){ START + 1, 7, 7, m->comms[0] });
	writer_add(m->w, 0, writer_type(m->w, &event_process_mmap, NULL),
		&(struct process_mmap){ START + 2, 7, 0x7f0000000000, 4096, 0,
			writer_mapping(m->w, &lib) });
	writer_add(m->w, 0, writer_type(m->w, &event_process_mmap, NULL),
		&(struct process_mmap){ START + 3, 0, 0xffffffff81000000, 0, 0,
			writer_mapping(m->w, &kernel) });
	writer_add(m->w, 0, writer_type(m->w, &event_trigger, NULL),
		&(struct trigger){ START + 4, string(m, "process_exec.comm == \"zqx\"") });
	writer_add(m->w, 0, writer_type(m->w, &order_type, NULL), &order);
	writer_add(m->w, 0, writer_type(m->w, &event_lost, NULL),
		&(struct lost){ START + 6, START, 1, string(m, "zqx_event"), LOST_RING_FULL, 3 });
	writer_add(m->w, 0, writer_type(m->w, &event_counter, NULL),
		&(struct counter){ .time = START + 6, .name = string(m, "zqx_counter") });
	for (size_t i = 0; i < sizeof(probe_types) / sizeof(probe_types[0]); i++)
		writer_add(m->w, 0, writer_type(m->w, &probe_types[i], NULL), &time);
	string(m, "zqx: nothing refers to this");
}

static void make_samples(struct maker *m, uint64_t seed)
{
	uint32_t stream = writer_stream(m->w, "zqx-ring", 0, 0);
	uint32_t event = string(m, "cpu-clock");

	for (unsigned i = 0; i < SAMPLES; i++) {
		struct cpu_sample s = { .time = START + 1000 + i,
			.pid = 7,
			.tid = 7 + i % 3,
			.comm = m->comms[i % 3],
			.event = event,
			.mode = CPU_MODE_USER,
			.period = 1 };
		unsigned depth = (unsigned)(random_u64(&seed) % 5);

		s.stack = m->roots[i % 2];
		for (unsigned d = 0; d < depth; d++)
			s.stack = writer_stack(m->w, s.stack, m->frames[random_u64(&seed) % 24]);
		writer_add(m->w, stream, m->sample, &s);
	}
}

static struct bytes make_trace(const char *tag, uint64_t seed)
{
	static const struct writer_config config = { .start_ns = START,
		.start_real_ns = 1700000000000000000,
		.boot_id = "zqx-boot-number" };
	struct sink *sink = sink_new_memory();
	struct maker m = { .w = writer_new(sink, &config), .tag = tag };
	struct bytes b;
	char own[64];

	make_facts(&m);
	m.sample = writer_type(m.w, &event_cpu_sample, NULL);
	snprintf(own, sizeof(own), "zqx-%s", tag);
	m.comms[0] = string(&m, "zqx-worker");
	m.comms[1] = string(&m, "kworker/u4:1-zqx_wq");
	m.comms[2] = string(&m, own);
	m.roots[0] = writer_stack_root(m.w, STACK_USER_FP);
	m.roots[1] = writer_stack_root(m.w, STACK_USER_FP | STACK_KERNEL);
	make_frames(&m);
	make_others(&m);
	make_samples(&m, seed);
	b.p = finish_trace(m.w, sink, &b.len);
	return b;
}

/* Puts a block of a kind that nobody knows behind the trace. */
static struct bytes with_unknown_block(struct bytes b)
{
	struct {
		struct block_header h;
		char payload[32];
	} block = { .h = { .kind = 100, .segment = 7 }, .payload = "zqx in a block" };

	block_seal(&block.h, sizeof(block.payload));
	b.p = realloc(b.p, b.len + sizeof(block));
	memcpy(b.p + b.len, &block, sizeof(block));
	b.len += sizeof(block);
	return b;
}

/* ---- scrubbing ---- */

static struct bytes scrub_with(struct bytes whole, const char *key, const char *const *keep,
	uint32_t n_keep, struct text_set *replaced)
{
	struct reader *r = reader_open_memory(whole.p, whole.len, NULL);
	struct sink *sink = sink_new_memory();
	struct copy_result result = { 0 };
	struct copy_options o;
	struct err err = { "" };
	struct scrub s;
	struct bytes b;
	const uint8_t *p;

	assert_non_null(r);
	readers_align(&r, 1);
	scrub_init(&s, keep, n_keep);
	pseudonym_key_set(&s.key, key, strlen(key));
	s.replaced = replaced;
	o = scrub_copy_options(&s);
	o.fact = (struct carry_fact){ "trace.scrubbed", "names are pseudonyms" };
	if (copy_trace(r, sink, &o, &result, &err))
		fail_msg("%s", err.text);
	p = sink_memory(sink, &b.len);
	b.p = malloc(b.len);
	memcpy(b.p, p, b.len);
	sink_free(sink);
	scrub_done(&s);
	reader_close(r);
	return b;
}

static struct bytes scrub_bytes(struct bytes whole, const char *key)
{
	return scrub_with(whole, key, NULL, 0, NULL);
}

static const char key_a[] = "0123456789abcdef", key_b[] = "another key, as good";

/* ---- looking at every byte ---- */

static bool has_marker(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 3 <= n; i++)
		if (tolower(p[i]) == 'z' && tolower(p[i + 1]) == 'q' && tolower(p[i + 2]) == 'x')
			return true;
	return false;
}

/* The columns of a table as the format draws them, LZ4 undone; nothing of the project's reader is used. */
static unsigned markers_in_columns(const uint8_t *payload, const struct block_header *h)
{
	struct cursor c = cursor_of(payload, h->stored);
	struct {
		uint8_t code;
		uint64_t stored, plain;
	} heads[256];
	unsigned found = 0;

	for (unsigned i = 0; i < h->columns; i++) {
		heads[i].code = (uint8_t)cursor_uint(&c, 1);
		heads[i].stored = cursor_varint(&c);
		heads[i].plain = heads[i].code & COLUMN_LZ4 ? cursor_varint(&c) : 0;
	}
	for (unsigned i = 0; i < h->columns; i++) {
		const uint8_t *data = cursor_take(&c, heads[i].stored);
		char *plain;

		assert_non_null(data);
		if (!heads[i].plain)
			continue;
		plain = malloc(heads[i].plain);
		assert_int_equal(LZ4_decompress_safe((const char *)data, plain,
					 (int)heads[i].stored, (int)heads[i].plain),
			heads[i].plain);
		found += has_marker((uint8_t *)plain, heads[i].plain);
		free(plain);
	}
	assert_int_equal(cursor_left(&c), 0);
	return found;
}

/* How many blocks have a secret in their bytes or columns. */
static unsigned markers(struct bytes b)
{
	unsigned found = 0;

	for (size_t at = 0; at < b.len;) {
		struct block_header h;

		memcpy(&h, b.p + at, sizeof(h));
		assert_true(at + sizeof(h) + h.stored <= b.len);
		found += has_marker(b.p + at, sizeof(h) + h.stored);
		if (h.columns)
			found += markers_in_columns(b.p + at + sizeof(h), &h);
		at += sizeof(h) + h.stored;
	}
	return found;
}

static void assert_sound(struct bytes b)
{
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	struct verify_result v;
	size_t n;

	assert_non_null(r);
	assert_int_equal(verify(r, &v, NULL), 0);
	reader_damage(r, &n);
	assert_int_equal(n, 0);
	assert_true(v.complete);
	reader_close(r);
}

static void no_byte_of_a_secret_is_in_the_scrubbed_trace(void **state)
{
	struct bytes whole = with_unknown_block(make_trace("one", 3)), clean;

	(void)state;
	assert_true(markers(whole) > 5); /* the test would see them */
	clean = scrub_bytes(whole, key_a);
	assert_sound(clean);
	assert_int_equal(markers(clean), 0);
	free(whole.p);
	free(clean.p);
}

/* ---- what is left means the same ---- */

static void put_frame(FILE *f, const struct segment *s, uint32_t frame)
{
	uint64_t address;
	struct mapping m = segment_mapping(s, segment_frame(s, frame, &address));
	struct text path = segment_string(s, m.path);

	fprintf(f, ";%.*s+%llx", (int)path.len, path.s, (unsigned long long)address);
	for (const struct symbol *y = segment_symbol(s, frame); y; y = segment_symbol_next(s, y)) {
		struct text name = segment_string(s, y->name), file = segment_string(s, y->file);

		fprintf(f, " %.*s %.*s:%u", (int)name.len, name.s, (int)file.len, file.s, y->line);
	}
}

/* Each sample's thread name and stack, in order of time. */
static char **stacks_of(struct bytes b, size_t *n)
{
	const struct want want = { "cpu_sample", NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	struct merge *m = merge_new(&r, 1, &options);
	char **stacks = calloc(SAMPLES, sizeof(*stacks));
	struct row row;

	for (*n = 0; merge_next(m, &row, NULL) > 0; ++*n) {
		const struct segment *s = row.segment;
		uint32_t stack = (uint32_t)row.values[event_field(row.type, "stack")];
		struct text comm = segment_string(s,
			(uint32_t)row.values[event_field(row.type, "comm")]);
		size_t size;
		FILE *f;

		assert_true(*n < SAMPLES);
		f = open_memstream(&stacks[*n], &size);
		fprintf(f, "%.*s %u", (int)comm.len, comm.s, segment_stack_flags(s, stack));
		for (; segment_stack_parent(s, stack); stack = segment_stack_parent(s, stack))
			put_frame(f, s, segment_stack_frame(s, stack));
		fclose(f);
	}
	merge_free(m);
	reader_close(r);
	return stacks;
}

static void free_stacks(char **stacks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(stacks[i]);
	free(stacks);
}

static void two_samples_have_one_stack_after_as_before(void **state)
{
	struct bytes whole = make_trace("one", 3), clean = scrub_bytes(whole, key_a);
	size_t n, n_clean, same = 0;
	char **before = stacks_of(whole, &n), **after = stacks_of(clean, &n_clean);

	(void)state;
	assert_int_equal(n, SAMPLES);
	assert_int_equal(n_clean, SAMPLES);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++) {
			bool was = strcmp(before[i], before[k]) == 0;

			assert_int_equal(was, strcmp(after[i], after[k]) == 0);
			same += was;
		}
	assert_true(same > 1000);
	free_stacks(before, n);
	free_stacks(after, n);
	free(whole.p);
	free(clean.p);
}

static struct text_set strings_of(struct bytes b)
{
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	const struct segment *s = reader_segment(r, 0);
	struct text_set set;

	text_set_init(&set);
	for (uint32_t i = 1; i < s->n_strings; i++)
		text_set_add(&set, s->strings[i]);
	reader_close(r);
	return set;
}

/* How many pseudonyms both have. */
static unsigned common_pseudonyms(struct bytes a, struct bytes b)
{
	struct text_set of_a = strings_of(a), of_b = strings_of(b);
	unsigned n = 0;

	for (uint32_t i = 0; i < of_a.n; i++)
		n += pseudonym_is_any(of_a.items[i]) && text_set_has(&of_b, of_a.items[i]);
	text_set_done(&of_a);
	text_set_done(&of_b);
	return n;
}

static void a_key_gives_the_same_pseudonyms_in_every_trace(void **state)
{
	struct bytes one = make_trace("one", 3), two = make_trace("two", 11);
	struct bytes one_a = scrub_bytes(one, key_a), two_a = scrub_bytes(two, key_a);
	struct bytes two_b = scrub_bytes(two, key_b);
	struct text_set pseudonyms = strings_of(one_a);
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < pseudonyms.n; i++)
		n += pseudonym_is_any(pseudonyms.items[i]);
	/* All but the one that was named after the trace. */
	assert_true(n > 10);
	assert_int_equal(common_pseudonyms(one_a, two_a), n - 1);
	assert_int_equal(common_pseudonyms(one_a, two_b), 0);
	text_set_done(&pseudonyms);
	free(one.p);
	free(two.p);
	free(one_a.p);
	free(two_a.p);
	free(two_b.p);
}

/* ---- single texts ---- */

struct example {
	unsigned role;
	const char *text, *scrubbed; /* each pseudonym's digits as one `*` */
};

static char *stars(struct text t)
{
	char *out = calloc(t.len + 1, 1), *to = out;
	size_t i = 0;

	while (i < t.len) {
		size_t digits = 0;

		while (i + digits < t.len && digits < PSEUDONYM_DIGITS &&
			memchr("0123456789abcdef", t.s[i + digits], 16))
			digits++;
		*to++ = digits == PSEUDONYM_DIGITS ? '*' : t.s[i];
		i += digits == PSEUDONYM_DIGITS ? PSEUDONYM_DIGITS : 1;
	}
	return out;
}

static void paths_keep_depth_and_suffix_and_public_names_stay(void **state)
{
	static const struct example examples[] = {
		{ CARRY_PATH, "/home/alice/lib/libfoo.so", "/home/p-*/p-*/p-*.so" },
		{ CARRY_PATH, "/home/alice/libfoo.so.3.1", "/home/p-*/p-*.so" },
		{ CARRY_PATH, "/usr/lib/jvm/app.jar", "/usr/lib/p-*/p-*.jar" },
		{ CARRY_PATH, "/app/x (deleted)", "/p-*/p-* (deleted)" },
		{ CARRY_PATH, "relative/../x.py", "p-*/../p-*.py" },
		{ CARRY_PATH, "/usr", "/p-*" },
		{ CARRY_PATH, "/usr/lib64/libstdc++.so.6.0.30", "/usr/lib64/libstdc++.so.6.0.30" },
		{ CARRY_PATH, "/lib/x86_64-linux-gnu/libc-2.31.so",
			"/lib/x86_64-linux-gnu/libc-2.31.so" },
		{ CARRY_PATH, "/lib/x86_64-linux-gnu/libc-acme.so",
			"/lib/x86_64-linux-gnu/p-*.so" },
		{ CARRY_PATH, "/opt/lib/libc.so.6", "/opt/p-*/p-*.so" },
		{ CARRY_PATH, "/usr/lib/../../opt/libc.so.6", "/usr/lib/../../p-*/p-*.so" },
		{ CARRY_PATH, "[vdso]", "[vdso]" },
		{ CARRY_PATH, "[anon:acme]", "p-*" },
		{ CARRY_FUNCTION, "main", "main" },
		{ CARRY_FUNCTION, "f-0123456789ab", "f-*" },
		{ CARRY_PUBLIC_FUNCTION, "vfs_read", "vfs_read" },
		{ CARRY_PUBLIC_FILE, "fs/read_write.c", "fs/read_write.c" },
		{ CARRY_PUBLIC_FILE, "/home/alice/fs/x.c", "/home/p-*/p-*/p-*.c" },
		{ CARRY_EVENT, "cpu-clock", "cpu-clock" },
		{ CARRY_EVENT, "L1-dcache-load-misses", "L1-dcache-load-misses" },
		{ CARRY_EVENT, "r0243", "r0243" },
		{ CARRY_EVENT, "sched:sched_switch", "sched:sched_switch" },
		{ CARRY_EVENT, "uprobe:app:ns::f(int)+0x1f", "uprobe:p-*:f-*+0x1f" },
		{ CARRY_EVENT, "acme", "event-*" },
		{ CARRY_FIELD, "swapper/0", "swapper/0" },
		{ CARRY_FIELD, "kworker/u4:10-acme", "kworker/u4:10-w-*" },
		{ CARRY_FIELD, "kworker/acme", "comm-*" },
		{ CARRY_FIELD, "kworker", "kworker" },
		{ CARRY_FIELD, "nginx", "comm-*" },
		{ CARRY_FIELD + 1, "nvme0n1p2", "nvme0n1p2" },
		{ CARRY_FIELD + 1, "sdb1", "sdb1" },
		{ CARRY_FIELD + 1, "sdbackup", "text-*" },
		{ CARRY_FIELD + 2, "openat({0}, {path}, O_RDONLY)",
			"openat({0}, {path}, O_RDONLY)" },
		{ CARRY_FIELD + 2, "open(\"secret\")", "text-*" },
		{ CARRY_FIELD + 3, "GET /a/b.html", "p-*/p-*/p-*.html" },
		{ CARRY_FIELD + 3, "hello", "text-*" },
	};
	struct scrub s;

	(void)state;
	scrub_init(&s, NULL, 0);
	pseudonym_key_set(&s.key, key_a, strlen(key_a));
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct example *e = &examples[i];
		char *got = stars(s.change.text(s.change.ctx, e->role,
			(struct text){ e->text, strlen(e->text) }));

		assert_string_equal(got, e->scrubbed);
		free(got);
	}
	scrub_done(&s);
}

static void what_the_user_keeps_stays(void **state)
{
	static const char *const keep[] = { "/opt/zqx-corp/*", "kworker*" };
	struct bytes whole = make_trace("one", 3), clean = scrub_with(whole, key_a, keep, 2, NULL);
	struct text_set strings = strings_of(clean);
	static const char *const kept[] = { "/opt/zqx-corp/bin/zqx-server",
		"zqx::Vault::open(char const*)", "kworker/u4:1-zqx_wq" };

	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_true(text_set_has(&strings, (struct text){ kept[i], strlen(kept[i]) }));
	assert_false(text_set_has(&strings, (struct text){ "zqx_hash", 8 }));
	text_set_done(&strings);
	free(whole.p);
	free(clean.p);
}

/* ---- the check ---- */

static uint64_t left_in(struct bytes b, const struct text_set *replaced)
{
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	FILE *say = fopen("/dev/null", "w");
	struct scrub_check c = { NULL, 0, replaced, say };
	struct scrub_findings f;

	assert_non_null(r);
	assert_int_equal(scrub_check(r, &c, &f, NULL), 0);
	fclose(say);
	reader_close(r);
	return f.n_left;
}

static void the_check_finds_nothing_in_what_was_scrubbed(void **state)
{
	struct bytes whole = make_trace("one", 3), clean;
	struct text_set replaced;

	(void)state;
	text_set_init(&replaced);
	clean = scrub_with(whole, key_a, NULL, 0, &replaced);
	assert_true(replaced.n > 40);
	assert_int_equal(left_in(clean, &replaced), 0);
	assert_int_equal(left_in(clean, NULL), 0);
	assert_true(left_in(whole, NULL) > 40);
	text_set_done(&replaced);
	free(whole.p);
	free(clean.p);
}

static uint32_t put_string(struct writer *w, const char *s)
{
	return writer_string(w, s, strlen(s));
}

static void add_sample(struct writer *w, uint32_t comm, uint32_t stack)
{
	struct cpu_sample s = { .time = START + 1, .comm = comm, .stack = stack };

	writer_add(w, 0, writer_type(w, &event_cpu_sample, NULL), &s);
}

/* How many blocks have more columns than their kind. */
static unsigned padded_tables(struct bytes b)
{
	unsigned n = 0;

	for (size_t at = 0; at < b.len;) {
		struct block_header h;
		const struct table_layout *layout;

		memcpy(&h, b.p + at, sizeof(h));
		layout = table_layout(h.kind);
		n += layout && h.columns > layout->n_columns;
		at += sizeof(h) + h.stored;
	}
	return n;
}

/* A table that packs into a few bytes has a column of zeros, which hides nothing. */
static void a_table_of_equal_rows_is_clean(void **state)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	struct bytes b;
	uint32_t stack;

	(void)state;
	stack = writer_stack_root(w, 0);
	for (uint32_t i = 0; i < 4099; i++) {
		stack = writer_stack(w, stack, writer_frame(w, 0, i * 16, NULL));
		add_sample(w, put_string(w, "comm-0123456789ab"), stack);
	}
	b.p = finish_trace(w, sink, &b.len);
	assert_true(padded_tables(b) > 0);
	assert_int_equal(left_in(b, NULL), 0);
	free(b.p);
}

/* A scrubbed trace into which one secret is put back in each of many places: the check finds each. */
struct planted {
	const char *what;
	void (*plant)(struct writer *w);
};

static void plant_nothing(struct writer *w)
{
	add_sample(w, put_string(w, "comm-0123456789ab"), 0);
}

static void plant_comm(struct writer *w)
{
	add_sample(w, put_string(w, "zqx"), 0);
}

static void plant_wrong_class(struct writer *w)
{
	add_sample(w, put_string(w, "docker-0123456789ab"), 0);
}

static void plant_string(struct writer *w)
{
	put_string(w, "zqx");
	plant_nothing(w);
}

static void plant_fact(struct writer *w)
{
	writer_info(w, "machine.host", "zqx");
	plant_nothing(w);
}

static void plant_key(struct writer *w)
{
	writer_info(w, "zqx", "text-0123456789ab");
	plant_nothing(w);
}

static void plant_stream(struct writer *w)
{
	writer_stream(w, "zqx", 0, 0);
	plant_nothing(w);
}

static void plant_type(struct writer *w)
{
	assert_true(writer_type(w, &probe_types[0], NULL) >= 0);
	plant_nothing(w);
}

static void plant_frame(struct writer *w, const char *path, const char *name, uint64_t base)
{
	struct mapping m = { .kind = base ? MAPPING_KERNEL : MAPPING_FILE,
		.path = put_string(w, path),
		.base = base };
	uint32_t frame = writer_frame(w, writer_mapping(w, &m), 64, NULL);
	struct dict_symbol s = { .frame = frame, .name = put_string(w, name) };

	writer_symbol(w, &s);
	add_sample(w, put_string(w, "comm-0123456789ab"),
		writer_stack(w, writer_stack_root(w, 0), frame));
}

static void plant_function(struct writer *w)
{
	plant_frame(w, "/p-0123456789ab", "zqx", 0);
}

static void plant_path(struct writer *w)
{
	plant_frame(w, "/p-0123456789ab/zqx.so", "f-0123456789ab", 0);
}

static void plant_base(struct writer *w)
{
	plant_frame(w, "[kernel]", "vfs_read", 0xffffffff81000000);
}

static void the_check_finds_what_is_left_wherever_it_is(void **state)
{
	static const struct planted places[] = {
		{ "nothing", plant_nothing },
		{ "comm", plant_comm },
		{ "pseudonym of another class", plant_wrong_class },
		{ "string", plant_string },
		{ "fact", plant_fact },
		{ "key", plant_key },
		{ "stream", plant_stream },
		{ "type", plant_type },
		{ "function", plant_function },
		{ "path", plant_path },
		{ "kernel's base", plant_base },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct writer *w;
		struct sink *sink = memory_trace(&w);
		struct bytes b;
		uint64_t left;

		places[i].plant(w);
		b.p = finish_trace(w, sink, &b.len);
		left = left_in(b, NULL);
		if ((left > 0) != (i > 0))
			fail_msg("%s: %u left over", places[i].what, (unsigned)left);
		if (i == 0) { /* in a block that a reader skips */
			b = with_unknown_block(b);
			assert_true(left_in(b, NULL) > 0);
		}
		free(b.p);
	}
}

/* The search through bytes does not need the rules: here they would let the text pass. */
static void the_check_searches_all_bytes_for_texts_of_the_original(void **state)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	struct mapping m = { .kind = MAPPING_FILE,
		.build_id = (const uint8_t *)build_id,
		.build_id_len = 20 };
	struct text_set replaced;
	struct bytes b;

	(void)state;
	text_set_init(&replaced);
	m.path = put_string(w, "/p-0123456789ab");
	add_sample(w, put_string(w, "comm-0123456789ab"),
		writer_stack(w, writer_stack_root(w, 0),
			writer_frame(w, writer_mapping(w, &m), 64, NULL)));
	b.p = finish_trace(w, sink, &b.len);
	assert_int_equal(left_in(b, &replaced), 0);
	text_set_add(&replaced, (struct text){ "bootbootbootboo", 15 }); /* its boot number */
	assert_int_equal(left_in(b, &replaced), 1);
	text_set_done(&replaced);
	free(b.p);
}

/* ---- keys ---- */

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static void keys_come_from_files_that_only_their_owner_reads(void **state)
{
	char folder[] = "/tmp/scrub-XXXXXX", path[64], a[PSEUDONYM_MAX], b[PSEUDONYM_MAX];
	const struct text text = { "hello", 5 };
	struct pseudonym_key k;
	struct err err = { "" };
	struct stat st;
	bool made;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	assert_int_equal(pseudonym_key_load(&k, path, &made, NULL), 0);
	assert_true(made);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65);
	pseudonym_make(&k, PSEUDONYM_COMM, text, a);
	assert_int_equal(pseudonym_key_load(&k, path, &made, NULL), 0);
	assert_false(made);
	pseudonym_make(&k, PSEUDONYM_COMM, text, b);
	assert_string_equal(a, b);
	pseudonym_make(&k, PSEUDONYM_FUNCTION, text, b);
	assert_string_not_equal(strchr(a, '-'), strchr(b, '-'));
	chmod(path, 0640);
	assert_int_equal(pseudonym_key_load(&k, path, &made, &err), -EPERM);
	assert_non_null(strstr(err.text, "chmod"));
	write_file(path, "short", 0600);
	assert_int_equal(pseudonym_key_load(&k, path, &made, &err), -EINVAL);
	unlink(path);
	rmdir(folder);
}

/* RFC 4231 has no vector of this form; what is made is HMAC-SHA-256 of "comm-" and the text, as
 * `printf comm-hello | openssl dgst -sha256 -mac HMAC -macopt key:0123456789abcdef` says. */
static void a_pseudonym_is_the_beginning_of_an_hmac(void **state)
{
	struct pseudonym_key k;
	char name[PSEUDONYM_MAX];

	(void)state;
	pseudonym_key_set(&k, key_a, strlen(key_a));
	assert_int_equal(pseudonym_make(&k, PSEUDONYM_COMM, (struct text){ "hello", 5 }, name), 17);
	assert_string_equal(name, "comm-280a723c9031");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_of_a_secret_is_in_the_scrubbed_trace),
		cmocka_unit_test(two_samples_have_one_stack_after_as_before),
		cmocka_unit_test(a_key_gives_the_same_pseudonyms_in_every_trace),
		cmocka_unit_test(paths_keep_depth_and_suffix_and_public_names_stay),
		cmocka_unit_test(what_the_user_keeps_stays),
		cmocka_unit_test(the_check_finds_nothing_in_what_was_scrubbed),
		cmocka_unit_test(a_table_of_equal_rows_is_clean),
		cmocka_unit_test(the_check_finds_what_is_left_wherever_it_is),
		cmocka_unit_test(the_check_searches_all_bytes_for_texts_of_the_original),
		cmocka_unit_test(keys_come_from_files_that_only_their_owner_reads),
		cmocka_unit_test(a_pseudonym_is_the_beginning_of_an_hmac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
