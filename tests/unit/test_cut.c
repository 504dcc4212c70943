/* Traces made of traces: what is cut out is what a filter lets pass and still has all its names, what is
 * joined adds up, what is repaired is whole and lost only what was damaged. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/cut.h"
#include "analyze/inputs.h"
#include "format/block.h"
#include "format/join.h"
#include "format/trace_out.h"
#include "format/verify.h"
#include "gen/events.h"
#include "specs/events/cpu.h"
#include "specs/events/process.h"
#include "specs/events/recorder.h"
#include "tests/unit/support.h"

enum { START = 1000000000, MS = 1000000 };

struct bytes {
	uint8_t *p; /* owned */
	size_t len;
};

/* ---- a trace with everything in it ---- */

struct maker {
	struct writer *w;
	uint64_t random;
	uint32_t frames[20], roots[2], comms[4], event;
	int sample, comm, mmap, lost, clock, recorder, throttle, namespace, trigger;
};

static uint32_t string(struct maker *m, const char *s)
{
	return writer_string(m->w, s, strlen(s));
}

/* Functions of two binaries; some have another linkage name, a file and line, or inlined functions. */
static void make_frames(struct maker *m)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct mapping file = { .kind = i < 15 ? MAPPING_FILE : MAPPING_KERNEL,
			.path = string(m, i < 15 ? "/bin/worker" : "[kernel]"),
			.build_id = (const uint8_t *)"0123456789abcdefghij",
			.build_id_len = i < 15 ? 20 : 0,
			.base = i < 15 ? 0 : 0xffffffff81000000 };
		char name[32];

		m->frames[i] = writer_frame(m->w, writer_mapping(m->w, &file), 0x1000 + i * 64,
			NULL);
		for (uint32_t depth = 0; depth <= i % 4 && i % 5; depth++) {
			struct dict_symbol s = { .frame = m->frames[i],
				.depth = depth,
				.line = i * 10 + depth,
				.start = 0x1000 + i * 64 - depth };

			snprintf(name, sizeof(name), "function_%u_%u", i, depth);
			s.name = string(m, name);
			s.file = i & 1 ? string(m, "worker.c") : 0;
			s.linkage = i & 2 ? string(m, "_ZN8function") : 0;
			assert_true(writer_symbol(m->w, &s));
		}
	}
}

/* Numbers of a segment's dictionaries. */
static void make_dictionaries(struct maker *m)
{
	static const char *const names[] = { "worker", "postgres", "nginx", "init" };

	for (int i = 0; i < 4; i++)
		m->comms[i] = string(m, names[i]);
	m->event = string(m, "cycles");
	m->roots[0] = writer_stack_root(m->w, STACK_USER_FP);
	m->roots[1] = writer_stack_root(m->w, STACK_USER_DWARF | STACK_KERNEL | STACK_TRUNCATED);
	make_frames(m);
}

static uint32_t make_stack(struct maker *m)
{
	uint32_t depth = (uint32_t)(random_u64(&m->random) % 6);
	uint32_t node = m->roots[random_u64(&m->random) % 2];

	for (uint32_t d = 0; d < depth; d++)
		node = writer_stack(m->w, node, m->frames[random_u64(&m->random) % 20]);
	return random_u64(&m->random) % 8 ? node : 0;
}

static void make_process_events(struct maker *m, uint64_t time, uint32_t pid)
{
	struct mapping lib = { .kind = MAPPING_FILE, .path = string(m, "/lib/lib.so") };

	writer_add(m->w, 0, m->comm, &(struct process_comm){ time, pid, pid, m->comms[pid % 4] });
	writer_add(m->w, 0, m->mmap,
		&(struct process_mmap){ time, pid, 0x7f0000000000 + pid, 4096, 0,
			writer_mapping(m->w, &lib) });
	writer_add(m->w, 0, m->namespace, &(struct process_namespace){ time, pid, pid - 6 });
}

static void make_others(struct maker *m, uint64_t time, unsigned i)
{
	if (i % 50 == 0)
		writer_add(m->w, 0, m->clock, &(struct clock){ time, time + 17, 5 });
	if (i % 40 == 0)
		writer_add(m->w, 0, m->recorder, &(struct recorder){ time, i, i, i, 0, 4096, 31 });
	if (i % 70 == 3)
		writer_add(m->w, 0, m->lost,
			&(struct lost){ time, time - 3 * MS, 1, m->event, LOST_RING_FULL, i });
	if (i % 90 == 5)
		writer_add(m->w, 1, m->throttle,
			&(struct cpu_throttle){ time, 0, CPU_THROTTLE_ON });
	if (i % 105 == 104)
		writer_add(m->w, 0, m->trigger, &(struct trigger){ time, m->event });
}

/* n samples, one each millisecond, of 4 processes with 2 threads each on 3 CPUs; a new segment after
 * each `each`. */
static struct bytes make_trace(const struct writer_config *config, const char *host, unsigned n,
	unsigned each, uint64_t seed)
{
	struct sink *sink = sink_new_memory();
	struct maker m = { .w = writer_new(sink, config), .random = seed };
	struct bytes b;

	writer_info(m.w, "machine.host", host);
	m.sample = writer_type(m.w, &event_cpu_sample, NULL);
	m.comm = writer_type(m.w, &event_process_comm, NULL);
	m.mmap = writer_type(m.w, &event_process_mmap, NULL);
	m.namespace = writer_type(m.w, &event_process_namespace, NULL);
	m.trigger = writer_type(m.w, &event_trigger, NULL);
	m.lost = writer_type(m.w, &event_lost, NULL);
	m.clock = writer_type(m.w, &event_clock, NULL);
	m.recorder = writer_type(m.w, &event_recorder, NULL);
	m.throttle = writer_type(m.w, &event_cpu_throttle, NULL);
	for (int i = 0; i < 3; i++)
		writer_stream(m.w, "cpu", i, 0);
	for (unsigned i = 0; i < n; i++) {
		uint64_t time = config->start_ns + i * MS;
		uint32_t pid = 7 + (uint32_t)(random_u64(&m.random) % 4);
		struct cpu_sample s = { .time = time, .cpu = i % 3, .pid = pid, .period = i };

		if (i % each == 0 && i)
			assert_int_equal(writer_roll(m.w, time, config->start_real_ns + i * MS), 0);
		if (i % each == 0)
			make_dictionaries(&m);
		for (uint32_t p = 7; i % each == 0 && p < 11; p++)
			make_process_events(&m, time, p);
		s.tid = pid * 10 + (uint32_t)(random_u64(&m.random) % 2);
		s.comm = m.comms[pid % 4];
		s.event = m.event;
		s.mode = CPU_MODE_USER;
		s.stack = make_stack(&m);
		writer_add(m.w, 1 + i % 3, m.sample, &s);
		make_others(&m, time, i);
		if (i % 25 == 24)
			writer_flush(m.w, time);
	}
	b.p = finish_trace(m.w, sink, &b.len);
	return b;
}

static const struct writer_config machine_a = { .start_ns = START,
	.start_real_ns = 1700000000000000000,
	.boot_id = "machine-a-boots" };
static const struct writer_config machine_b = { .start_ns = 5000ULL * START,
	.start_real_ns = 1700000000000000000 + 50 * MS,
	.boot_id = "machine-b-boots" };

static struct bytes usual_trace(void)
{
	return make_trace(&machine_a, "a", 300, 120, 11);
}

/* ---- rows, by what they mean ---- */

static uint64_t hash_text(uint64_t h, struct text t)
{
	return hash_u64(h * 31 + hash_bytes(t.s, t.len) + t.len);
}

static uint64_t hash_mapping(uint64_t h, const struct segment *s, uint32_t number)
{
	struct mapping m = segment_mapping(s, number);

	h = hash_text(h, segment_string(s, m.path));
	h = hash_text(h, (struct text){ (const char *)m.build_id, m.build_id_len });
	return hash_u64(h * 31 + m.kind + hash_u64(m.base) + m.pid);
}

static uint64_t hash_stack(uint64_t h, const struct segment *s, uint32_t node)
{
	h = hash_u64(h + segment_stack_flags(s, node));
	for (; segment_stack_parent(s, node); node = segment_stack_parent(s, node)) {
		uint32_t frame = segment_stack_frame(s, node);
		uint64_t address;

		h = hash_mapping(h, s, segment_frame(s, frame, &address));
		h = hash_u64(h * 31 + address);
		for (const struct symbol *y = segment_symbol(s, frame); y;
			y = segment_symbol_next(s, y)) {
			h = hash_text(h, segment_string(s, y->name));
			h = hash_text(h, segment_string(s, y->linkage));
			h = hash_text(h, segment_string(s, y->file));
			h = hash_u64(h * 31 + y->line + hash_u64(y->start) + y->depth);
		}
	}
	return h;
}

static uint64_t hash_row(const struct row *row)
{
	const struct segment *s = row->segment;
	uint64_t h = hash_bytes(row->type->name, strlen(row->type->name)) + row->stream;

	h = hash_text(h, segment_info(s, "machine.host"));
	h = hash_u64(h + row->time);
	for (uint32_t i = 0; i < row->type->n_fields; i++) {
		uint32_t v = (uint32_t)row->values[i];

		switch (row->type->fields[i].type) {
		case FIELD_STRING: h = hash_text(h, segment_string(s, v)); break;
		case FIELD_MAPPING: h = hash_mapping(h, s, v); break;
		case FIELD_STACK: h = hash_stack(h, s, v); break;
		default: h = hash_u64(h * 31 + row->values[i]);
		}
	}
	return h;
}

struct rows {
	uint64_t *hashes; /* owned; sorted, as rows of one time may come in any order */
	size_t n, n_lost;
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* What `ana dump` shows of a trace. Rows of "lost" are counted but left out if told so. */
static struct rows rows_of(struct reader *r, struct analyze_options *o, bool no_lost)
{
	const struct want want = { o ? o->event : NULL, NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct rows rows = { NULL, 0, 0 };
	struct merge *m;
	struct row row;
	size_t cap = 0;

	readers_align(&r, 1);
	if (o)
		o->filter.segment = NULL; /* it knows the names of a segment that may be gone */
	if (o)
		filter_bounds(&o->filter, readers_start(&r, 1), &options.from_ns, &options.to_ns);
	m = merge_new(&r, 1, &options);
	while (merge_next(m, &row, NULL) > 0) {
		bool is_lost = strcmp(row.type->name, "lost") == 0;

		rows.n_lost += is_lost;
		if ((o && !filter_pass_row(&o->filter, &row)) || (is_lost && no_lost))
			continue;
		if (rows.n == cap) {
			cap = cap ? cap * 2 : 64;
			rows.hashes = xrealloc(rows.hashes, cap, sizeof(*rows.hashes));
		}
		rows.hashes[rows.n++] = hash_row(&row);
	}
	merge_free(m);
	if (rows.n)
		qsort(rows.hashes, rows.n, sizeof(*rows.hashes), by_value);
	return rows;
}

static struct rows rows_in(struct bytes b, struct analyze_options *o)
{
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	struct rows rows;

	assert_non_null(r);
	rows = rows_of(r, o, false);
	reader_close(r);
	return rows;
}

/* Takes both. */
static void assert_same_rows(struct rows a, struct rows b)
{
	assert_int_equal(a.n, b.n);
	if (a.n)
		assert_memory_equal(a.hashes, b.hashes, a.n * sizeof(*a.hashes));
	free(a.hashes);
	free(b.hashes);
}

static void assert_sound(struct bytes b, uint64_t events)
{
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	struct verify_result v;
	const struct damage *d;
	size_t n;

	assert_non_null(r);
	assert_int_equal(verify(r, &v, NULL), 0);
	d = reader_damage(r, &n);
	if (n)
		fail_msg("at %llu: %s", (unsigned long long)d[0].offset, d[0].what);
	assert_true(v.complete);
	assert_int_equal(v.unlisted, 0);
	if (events != UINT64_MAX)
		assert_int_equal(v.events, events);
	reader_close(r);
}

/* ---- cut ---- */

static void options_init(struct analyze_options *o)
{
	memset(o, 0, sizeof(*o));
	filter_init(&o->filter);
	o->filter.idle = true;
}

static struct bytes take_memory(struct sink *sink)
{
	struct bytes b;
	const uint8_t *p = sink_memory(sink, &b.len);

	b.p = malloc(b.len + 1);
	if (b.len)
		memcpy(b.p, p, b.len);
	sink_free(sink);
	return b;
}

static struct bytes cut_reader(struct reader *r, struct analyze_options *o)
{
	struct sink *sink = sink_new_memory();
	struct copy_result result = { 0 };
	struct copy_options options;
	struct arena a = { 0 };
	struct err err = { "" };
	struct cut c;

	readers_align(&r, 1);
	o->filter.segment = NULL;
	cut_init(&c, o, readers_start(&r, 1));
	options = cut_copy_options(&c);
	options.fact = (struct carry_fact){ "trace.cut", cut_describe(&c, &a) };
	if (copy_trace(r, sink, &options, &result, &err))
		fail_msg("%s", err.text);
	arena_done(&a);
	return take_memory(sink);
}

static struct bytes cut_bytes(struct bytes b, struct analyze_options *o)
{
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	struct bytes cut;

	assert_non_null(r);
	cut = cut_reader(r, o);
	reader_close(r);
	return cut;
}

/* Any mixture of conditions. Texts are borrowed from `text`. */
static void random_options(struct analyze_options *o, uint64_t *random, char text[64])
{
	static const char *const ids[] = { "7", "8-9", "7,10", "99" };
	static const char *const tids[] = { "70", "71,80", "100-101" };
	static const char *const cpus[] = { "0", "1-2", "2" };
	static const char *const comms[] = { "worker", "n*", "[ip]*" };
	static const char *const events[] = { "cpu_sample", "process_comm", "process_mmap",
		"recorder" };
	uint64_t choice = random_u64(random);

	options_init(o);
	snprintf(text, 64, "%ums..%ums", (unsigned)(choice >> 8) % 310,
		(unsigned)(choice >> 8) % 310 + 1 + (unsigned)(choice >> 32) % 200);
	if (choice & 1)
		filter_window(&o->filter, text, NULL);
	if ((choice & 6) == 6)
		filter_ids(&o->filter.pids, ids[choice >> 40 & 3], NULL);
	if ((choice & 24) == 24)
		filter_ids(&o->filter.tids, tids[(choice >> 42) % 3], NULL);
	if ((choice & 96) == 96)
		filter_ids(&o->filter.cpus, cpus[(choice >> 44) % 3], NULL);
	if ((choice >> 50 & 3) == 3)
		filter_comm(&o->filter, comms[(choice >> 52) % 3]);
	if ((choice >> 54 & 1) == 1)
		o->event = events[choice >> 56 & 3];
}

static void a_cut_shows_through_its_filter_what_the_trace_shows(void **state)
{
	struct bytes whole = usual_trace();
	uint64_t random = 5;

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct analyze_options o;
		char text[64];
		struct bytes cut;

		random_options(&o, &random, text);
		cut = cut_bytes(whole, &o);
		assert_sound(cut, UINT64_MAX);
		assert_same_rows(rows_in(whole, &o), rows_in(cut, &o));
		assert_true(cut.len <= whole.len + 500);
		free(cut.p);
		filter_done(&o.filter);
	}
	free(whole.p);
}

static void a_cut_of_everything_is_everything(void **state)
{
	struct bytes whole = usual_trace(), cut;
	struct analyze_options o;

	(void)state;
	options_init(&o);
	cut = cut_bytes(whole, &o);
	assert_same_rows(rows_in(whole, NULL), rows_in(cut, NULL));
	filter_done(&o.filter);
	free(whole.p);
	free(cut.p);
}

/* Samples of stacks of 61 frames, no two alike, that together have more frames than a usual writer has room for. */
static struct bytes make_large_dictionary(uint32_t n_stacks)
{
	const struct writer_config config = { .start_ns = START, .dict = { .stacks = 1 << 20 } };
	struct sink *sink = sink_new_memory();
	struct maker m = { .w = writer_new(sink, &config), .random = 19 };

	m.sample = writer_type(m.w, &event_cpu_sample, NULL);
	make_dictionaries(&m);
	for (uint32_t i = 0; i < n_stacks; i++) {
		uint32_t node = m.roots[i % 2];

		for (int k = 0; k < 61; k++)
			node = writer_stack(m.w, node, m.frames[random_u64(&m.random) % 20]);
		writer_add(m.w, 0, m.sample,
			&(struct cpu_sample){ .time = START + i, .stack = node });
	}
	assert_int_equal(writer_generation(m.w), 1);
	assert_int_equal(writer_close(m.w, UINT64_MAX), 0);
	writer_free(m.w);
	return take_memory(sink);
}

static void a_large_dictionary_is_copied_once(void **state)
{
	struct bytes whole = make_large_dictionary(4447), cut;
	struct analyze_options o;
	struct reader *r;

	(void)state;
	options_init(&o);
	cut = cut_bytes(whole, &o);
	r = reader_open_memory(cut.p, cut.len, NULL);
	assert_int_equal(reader_n_segments(r), 1);
	assert_true(reader_segment(r, 0)->n_stacks > 1 << 18);
	reader_close(r);
	assert_true(cut.len <= whole.len + 500);
	assert_same_rows(rows_in(whole, NULL), rows_in(cut, NULL));
	filter_done(&o.filter);
	free(whole.p);
	free(cut.p);
}

static void a_cut_of_a_cut_is_the_same(void **state)
{
	struct bytes whole = usual_trace();
	uint64_t random = 77;

	(void)state;
	for (int i = 0; i < 30; i++) {
		struct analyze_options o;
		char text[64];
		struct bytes once, twice;
		struct reader *r;

		random_options(&o, &random, text);
		once = cut_bytes(whole, &o);
		twice = cut_bytes(once, &o);
		assert_same_rows(rows_in(once, NULL), rows_in(twice, NULL));
		r = reader_open_memory(twice.p, twice.len, NULL);
		/* The same cut is told once, another one would be put behind. */
		assert_null(memchr(segment_info(reader_declarations(r, 0), "trace.cut").s, ';',
			segment_info(reader_declarations(r, 0), "trace.cut").len));
		reader_close(r);
		free(once.p);
		free(twice.p);
		filter_done(&o.filter);
	}
	free(whole.p);
}

static void a_stream_is_cut_as_a_file_is(void **state)
{
	struct bytes whole = usual_trace(), cut;
	struct analyze_options o;
	FILE *f = tmpfile();
	struct reader *r;

	(void)state;
	assert_int_equal(fwrite(whole.p, 1, whole.len, f), whole.len);
	rewind(f);
	options_init(&o);
	filter_window(&o.filter, "50ms..200ms", NULL);
	filter_ids(&o.filter.pids, "7-8", NULL);
	r = reader_open_stream(fileno(f), NULL);
	cut = cut_reader(r, &o);
	reader_close(r);
	assert_sound(cut, UINT64_MAX);
	assert_same_rows(rows_in(whole, &o), rows_in(cut, &o));
	filter_done(&o.filter);
	fclose(f);
	free(whole.p);
	free(cut.p);
}

/* How many rows of a type there are, and the earliest and latest. */
struct span {
	uint64_t n, first, last;
};

static struct span span_of(struct bytes b, const char *event)
{
	const struct want want = { event, NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct reader *r = reader_open_memory(b.p, b.len, NULL);
	struct merge *m = merge_new(&r, 1, &options);
	struct span span = { 0, 0, 0 };
	struct row row;

	while (merge_next(m, &row, NULL) > 0) {
		span.first = span.n++ ? span.first : row.time;
		span.last = row.time;
	}
	merge_free(m);
	reader_close(r);
	return span;
}

static void what_gives_events_meaning_is_kept(void **state)
{
	struct bytes whole = make_trace(&machine_a, "a", 300, 1000, 3), cut;
	struct analyze_options o;

	(void)state;
	options_init(&o);
	filter_window(&o.filter, "100ms..110ms", NULL);
	filter_ids(&o.filter.cpus, "0", NULL);
	cut = cut_bytes(whole, &o);
	assert_int_equal(span_of(cut, "cpu_sample").n, 3); /* 102, 105, 108 */
	/* All processes of the start, though none of their events is in the window. */
	assert_int_equal(span_of(cut, "process_comm").n, 4);
	assert_int_equal(span_of(cut, "process_mmap").n, 4);
	assert_int_equal(span_of(cut, "process_namespace").n, 4);
	/* At 104, 209 ms. */
	assert_int_equal(span_of(cut, "trigger").n, 1);
	/* Those before the end: at 0, 50 and 100 ms. */
	assert_int_equal(span_of(cut, "clock").n, 3);
	/* At 40, 80, 120... ms: none in the window. */
	assert_int_equal(span_of(cut, "recorder").n, 0);
	/* At 3, 73, 143, 213, 283 ms, each with 3 ms before it: none touches. */
	assert_int_equal(span_of(cut, "lost").n, 0);
	free(cut.p);
	filter_done(&o.filter);

	options_init(&o);
	filter_window(&o.filter, "141ms..142ms", NULL);
	cut = cut_bytes(whole, &o);
	assert_int_equal(span_of(cut, "lost").n, 1); /* told at 143 ms, for 140 to 143 */
	assert_int_equal(span_of(cut, "lost").first, START + 143 * MS);
	free(cut.p);
	filter_done(&o.filter);
	free(whole.p);
}

static void only_what_is_reached_is_carried(void **state)
{
	struct bytes whole = make_trace(&machine_a, "a", 300, 1000, 3), cut;
	struct analyze_options o;
	struct reader *r;
	struct segment *s;

	(void)state;
	options_init(&o);
	filter_window(&o.filter, "100ms..101ms", NULL); /* one sample */
	cut = cut_bytes(whole, &o);
	r = reader_open_memory(cut.p, cut.len, NULL);
	s = reader_segment(r, 0);
	assert_true(s->n_stacks <= 1 + 6);
	assert_true(s->n_frames <= 1 + 5);
	assert_int_equal(s->n_streams, 4); /* their numbers mean something */
	assert_true(text_is(segment_info(s, "machine.host"), "a"));
	assert_true(text_is(segment_info(s, "trace.cut"), "--time 0.1s..0.101s"));
	assert_int_equal(s->clock.start_ns, START);
	reader_close(r);
	free(cut.p);
	filter_done(&o.filter);
	free(whole.p);
}

static void segments_outside_the_window_are_left_out_but_the_first(void **state)
{
	struct bytes whole = make_trace(&machine_a, "a", 300, 50, 3), cut;
	struct analyze_options o;
	struct reader *r;

	(void)state;
	options_init(&o);
	filter_window(&o.filter, "210ms..240ms", NULL); /* in the fifth of six */
	cut = cut_bytes(whole, &o);
	r = reader_open_memory(cut.p, cut.len, NULL);
	assert_int_equal(reader_n_segments(r), 2);
	assert_int_equal(reader_clock(r, 0)->start_ns, START);
	assert_int_equal(reader_clock(r, 1)->start_ns, START + 200 * MS);
	assert_int_equal(span_of(cut, "cpu_sample").n, 30);
	reader_close(r);
	free(cut.p);
	filter_done(&o.filter);
	free(whole.p);
}

/* Writers have dictionaries of a fixed size; a trace of several such segments in one. */
static void a_dictionary_that_is_too_large_becomes_two_segments(void **state)
{
	enum { N = 60000 };
	static uint64_t column[2][N];
	uint64_t *columns[] = { column[0], column[1] };
	static const struct field fields[] = {
		{ "time", "", "ns", NULL, FIELD_U64, SHOW_PLAIN, 0, 8, false },
		{ "name", "", "", NULL, FIELD_STRING, SHOW_PLAIN, 8, 4, false },
	};
	static const struct event_type type = { "named", "", fields, 2, 12 };
	struct segment *from = segment_new(0, 1);
	struct segment_clock clock = { .start_ns = START };
	struct sink *sink = sink_new_memory();
	const struct carry_fact no_fact = { NULL, NULL };
	const struct writer_config config = carry_config(&clock);
	struct writer *w = writer_new(sink, &config);
	struct carry *c;
	struct bytes b;
	char *names = malloc(N * 8);
	int number;

	(void)state;
	from->n_strings = N;
	from->strings = xcalloc(N, sizeof(*from->strings));
	for (uint32_t i = 1; i < N; i++) {
		int len = snprintf(names + (size_t)i * 8, 8, "n%u", i);

		from->strings[i] = (struct text){ names + (size_t)i * 8, (size_t)len };
	}
	c = carry_new(w, from, &clock, &no_fact, NULL, NULL);
	number = carry_type(c, &type, NULL);
	for (uint32_t i = 0; i < N; i++) {
		column[0][i] = START + i;
		column[1][i] = i;
		assert_int_equal(carry_row(c, number, 0, columns, i), 0);
	}
	assert_int_equal(carry_close(c), 0);
	carry_free(c);
	writer_free(w);
	b = take_memory(sink);
	assert_sound(b, N);
	assert_int_equal(span_of(b, "named").n, N);
	segment_free(from);
	free(names);
	free(b.p);
}

/* ---- join ---- */

static struct bytes concat(struct bytes a, struct bytes b)
{
	struct bytes both = { malloc(a.len + b.len), a.len + b.len };

	memcpy(both.p, a.p, a.len);
	memcpy(both.p + a.len, b.p, b.len);
	return both;
}

static struct bytes join_bytes(struct bytes a, struct bytes b, int *code,
	struct join_result *result)
{
	struct reader *readers[] = { reader_open_memory(a.p, a.len, NULL),
		reader_open_memory(b.p, b.len, NULL) };
	struct sink *sink = sink_new_memory();
	struct err err = { "" };
	struct join *j = join_new(readers, 2, code, &err);

	assert_true((j == NULL) == (err.text[0] != 0));
	if (j) {
		assert_int_equal(join_write(j, sink), 0);
		join_result(j, result);
	}
	join_free(j);
	reader_close(readers[0]);
	reader_close(readers[1]);
	return take_memory(sink);
}

static void joined_traces_add_up(void **state)
{
	struct bytes a = make_trace(&machine_a, "a", 100, 40, 1);
	struct bytes b = make_trace(&machine_b, "b", 100, 70, 2);
	struct bytes cat = concat(a, b), joined;
	struct rows of_a = rows_in(a, NULL), of_b = rows_in(b, NULL), of_both;
	struct join_result result;
	int code;

	(void)state;
	joined = join_bytes(b, a, &code, &result);
	assert_int_equal(code, 0);
	assert_int_equal(joined.len, a.len + b.len);
	assert_sound(joined, of_a.n + of_b.n);
	assert_int_equal(result.events, of_a.n + of_b.n);
	assert_int_equal(result.machines, 2);
	assert_int_equal(result.segments, 5);
	assert_int_equal(result.unaligned, 0);
	of_both = rows_in(joined, NULL);
	assert_int_equal(of_both.n, of_a.n + of_b.n);
	assert_same_rows(of_both, rows_in(cat, NULL));
	free(of_a.hashes);
	free(of_b.hashes);
	free(a.p);
	free(b.p);
	free(cat.p);
	free(joined.p);
}

/* Machine b starts 50 ms after a, so its sample i comes between a's samples 50 + i and 51 + i. */
static void joined_machines_are_on_one_clock(void **state)
{
	const struct want want = { "cpu_sample", NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct bytes a = make_trace(&machine_a, "a", 100, 1000, 1);
	struct bytes b = make_trace(&machine_b, "b", 100, 1000, 2), joined;
	struct join_result result;
	struct reader *r;
	struct merge *m;
	struct row row;
	uint64_t start;
	int code, n = 0;

	(void)state;
	joined = join_bytes(b, a, &code, &result);
	r = reader_open_memory(joined.p, joined.len, NULL);
	m = merge_new(&r, 1, &options);
	start = readers_start(&r, 1);
	while (merge_next(m, &row, NULL) > 0) {
		bool is_b = text_is(segment_info(row.segment, "machine.host"), "b");

		assert_int_equal(row.time - start,
			(row.values[event_field(row.type, "period")] + (is_b ? 50 : 0)) * MS);
		n++;
	}
	assert_int_equal(n, 200);
	merge_free(m);
	reader_close(r);
	free(a.p);
	free(b.p);
	free(joined.p);
}

static void what_is_damaged_or_there_twice_is_not_joined(void **state)
{
	struct bytes a = make_trace(&machine_a, "a", 100, 40, 1);
	struct bytes b = make_trace(&machine_b, "b", 100, 40, 2), joined;
	struct bytes cut = { a.p, a.len - 10 };
	struct join_result result;
	int code;

	(void)state;
	joined = join_bytes(a, a, &code, &result);
	assert_int_equal(code, -EEXIST);
	assert_int_equal(joined.len, 0);
	free(joined.p);
	joined = join_bytes(b, cut, &code, &result);
	assert_int_equal(code, -EBADMSG);
	free(joined.p);
	b.p[b.len / 2] ^= 1;
	joined = join_bytes(a, b, &code, &result);
	assert_int_equal(code, -EBADMSG);
	free(joined.p);
	free(a.p);
	free(b.p);
}

static void a_host_is_cut_out_of_a_joined_trace(void **state)
{
	struct bytes a = make_trace(&machine_a, "a", 100, 40, 1);
	struct bytes b = make_trace(&machine_b, "b", 100, 40, 2), both = concat(a, b), cut;
	struct analyze_options o;

	(void)state;
	options_init(&o);
	filter_host(&o.filter, "b");
	cut = cut_bytes(both, &o);
	assert_same_rows(rows_in(b, NULL), rows_in(cut, NULL));
	free(cut.p);
	filter_done(&o.filter);
	free(a.p);
	free(b.p);
	free(both.p);
}

/* ---- repair ---- */

static struct bytes repair_bytes(struct reader *r, struct copy_result *result)
{
	struct sink *sink = sink_new_memory();
	struct copy_options o = { .fact = { "trace.repaired", "1 place" } };
	struct err err = { "" };

	if (copy_trace(r, sink, &o, result, &err))
		fail_msg("%s", err.text);
	return take_memory(sink);
}

/* The block at an offset of an undamaged trace. */
static struct block_header header_at(struct bytes b, size_t offset)
{
	struct block_header h = { 0 };

	for (size_t at = 0; at < b.len; at += sizeof(h) + h.stored) {
		memcpy(&h, b.p + at, sizeof(h));
		if (offset < at + sizeof(h) + h.stored)
			return h;
	}
	return h;
}

/* What is read of the damaged trace is what the repaired one has, and that is everything but the
 * block that was hit. */
static void check_repair(struct bytes b, const struct block_header *hit, size_t n_whole)
{
	struct reader *r = reader_open_memory(b.p, b.len, NULL), *mended;
	struct copy_result result = { 0 };
	struct rows before, after;
	struct bytes fixed;
	size_t least = n_whole - (hit->kind == BLOCK_EVENTS ? hit->count : 0);

	assert_non_null(r);
	before = rows_of(r, NULL, true);
	fixed = repair_bytes(r, &result);
	assert_sound(fixed, UINT64_MAX);
	mended = reader_open_memory(fixed.p, fixed.len, NULL);
	after = rows_of(mended, NULL, true);
	if (hit->kind != BLOCK_SCHEMA)
		assert_true(result.kept >= least);
	assert_true(result.kept <= n_whole);
	if (hit->kind == BLOCK_EVENTS) /* the index tells what that cost */
		assert_int_equal(result.lost, hit->count);
	assert_same_rows(before, after);
	reader_close(mended);
	reader_close(r);
	free(fixed.p);
}

static void every_damaged_byte_costs_no_more_than_its_block(void **state)
{
	struct bytes b;
	struct rows whole;

	(void)state;
	b.p = small_trace(40, &b.len);
	whole = rows_in(b, NULL);
	for (size_t at = 0; at < b.len; at++) {
		struct block_header hit = header_at(b, at);

		b.p[at] ^= 0x55;
		check_repair(b, &hit, whole.n);
		b.p[at] ^= 0x55;
	}
	free(whole.hashes);
	free(b.p);
}

static void a_trace_cut_at_any_byte_is_repaired(void **state)
{
	struct bytes b = make_trace(&machine_a, "a", 60, 1000, 9);
	struct block_header first = header_at(b, 0);

	(void)state;
	for (size_t len = sizeof(first) + first.stored; len < b.len; len += 31) {
		struct reader *r = reader_open_memory(b.p, len, NULL), *mended;
		struct copy_result result = { 0 };
		struct bytes fixed = repair_bytes(r, &result);

		assert_sound(fixed, UINT64_MAX);
		mended = reader_open_memory(fixed.p, fixed.len, NULL);
		assert_same_rows(rows_of(r, NULL, false), rows_of(mended, NULL, false));
		reader_close(mended);
		reader_close(r);
		free(fixed.p);
	}
	free(b.p);
}

/* ---- files ---- */

static void no_file_is_written_over(void **state)
{
	char folder[] = "/tmp/test-cut-XXXXXX", path[64], link_path[64];
	struct trace_out out;
	struct stat st;
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x.rec", folder);
	snprintf(link_path, sizeof(link_path), "%s/link.rec", folder);
	assert_int_equal(trace_out_open(&out, path, &err), 0);
	assert_true(out.own);
	assert_int_equal(fstat(out.fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(trace_out_close(&out, false, &err), 0);
	assert_int_equal(trace_out_open(&out, path, &err), -EEXIST);
	assert_int_equal(symlink("/nonexistent/target", link_path), 0);
	assert_int_equal(trace_out_open(&out, link_path, &err), -EEXIST);
	assert_int_equal(trace_out_open(&out, folder, &err), -EISDIR);
	unlink(link_path);
	unlink(path);
	rmdir(folder);
}

static void a_folder_stands_for_its_traces_by_name(void **state)
{
	static const char *const made[] = { "b.rec", "a.rec", "notes.txt", ".hidden.rec", "c.rec" };
	char folder[] = "/tmp/test-cut-XXXXXX", path[64];
	const char *words[] = { "first", folder, "-" };
	struct file_list list;
	struct arena a = { 0 };
	struct err err = { "" };

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(inputs_list(&list, words, 3, &a, &err), -ENOENT);
	assert_non_null(strstr(err.text, "directory without traces"));
	inputs_unlist(&list);
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, made[i]);
		fclose(fopen(path, "w"));
	}
	assert_int_equal(inputs_list(&list, words, 3, &a, &err), 0);
	assert_int_equal(list.n, 5);
	assert_string_equal(list.files[0].name, "first");
	assert_non_null(strstr(list.files[1].name, "/a.rec"));
	assert_non_null(strstr(list.files[2].name, "/b.rec"));
	assert_non_null(strstr(list.files[3].name, "/c.rec"));
	assert_string_equal(list.files[4].name, "-");
	inputs_unlist(&list);
	arena_done(&a);
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, made[i]);
		unlink(path);
	}
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_shows_through_its_filter_what_the_trace_shows),
		cmocka_unit_test(a_cut_of_everything_is_everything),
		cmocka_unit_test(a_large_dictionary_is_copied_once),
		cmocka_unit_test(a_cut_of_a_cut_is_the_same),
		cmocka_unit_test(a_stream_is_cut_as_a_file_is),
		cmocka_unit_test(what_gives_events_meaning_is_kept),
		cmocka_unit_test(only_what_is_reached_is_carried),
		cmocka_unit_test(segments_outside_the_window_are_left_out_but_the_first),
		cmocka_unit_test(a_dictionary_that_is_too_large_becomes_two_segments),
		cmocka_unit_test(joined_traces_add_up),
		cmocka_unit_test(joined_machines_are_on_one_clock),
		cmocka_unit_test(what_is_damaged_or_there_twice_is_not_joined),
		cmocka_unit_test(a_host_is_cut_out_of_a_joined_trace),
		cmocka_unit_test(every_damaged_byte_costs_no_more_than_its_block),
		cmocka_unit_test(a_trace_cut_at_any_byte_is_repaired),
		cmocka_unit_test(no_file_is_written_over),
		cmocka_unit_test(a_folder_stands_for_its_traces_by_name),
	};

	/* The memory of a writer is large and hardly touched; by default malloc would hand out and clear
	 * the same again for each of thousands of traces. */
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
