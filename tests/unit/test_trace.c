/* Whole traces: what is written is read, by file, memory and pipe, and damage costs what it hits. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/base/map.h"
#include "format/batch.h"
#include "format/block.h"
#include "format/verify.h"
#include "gen/events.h"
#include "specs/events/cpu.h"
#include "specs/events/process.h"
#include "specs/events/recorder.h"
#include "tests/unit/support.h"

/* A sum over all rows of a trace that changes when any value changes. */
struct sum {
	uint64_t rows, hash, samples;
};

static void add_text(struct sum *s, struct text t)
{
	s->hash = hash_u64(s->hash ^ hash_bytes(t.s, t.len));
}

static void add_row(struct sum *s, const struct row *row)
{
	s->rows++;
	s->samples += strcmp(row->type->name, "cpu_sample") == 0;
	s->hash = hash_u64(s->hash + row->stream);
	for (uint32_t i = 0; i < row->type->n_fields; i++) {
		enum field_type type = row->type->fields[i].type;
		uint64_t v = row->values[i], address;

		if (type == FIELD_STRING) {
			add_text(s, segment_string(row->segment, (uint32_t)v));
		} else if (type == FIELD_STACK) {
			for (; v; v = segment_stack_parent(row->segment, (uint32_t)v)) {
				segment_frame(row->segment,
					segment_stack_frame(row->segment, (uint32_t)v), &address);
				s->hash = hash_u64(s->hash ^ address);
			}
		} else {
			s->hash = hash_u64(s->hash ^ v);
		}
	}
}

static struct sum sum_reader(struct reader *r)
{
	const struct want want = { NULL, NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct merge *m = merge_new(&r, 1, &options);
	struct sum s = { 0 };
	struct row row;
	struct err err = { "" };
	uint64_t last = 0;
	int rc;

	while ((rc = merge_next(m, &row, &err)) > 0) {
		assert_true(row.time >= last || merge_n_late(m));
		last = row.time;
		add_row(&s, &row);
	}
	if (rc < 0)
		s.hash = 0;
	merge_free(m);
	return s;
}

static struct sum sum_memory(const uint8_t *bytes, size_t len, size_t *n_damage)
{
	struct err err = { "" };
	struct reader *r = reader_open_memory(bytes, len, &err);
	struct sum s = { 0 };

	*n_damage = 1;
	if (!r) {
		assert_true(err.text[0]);
		return s;
	}
	s = sum_reader(r);
	reader_damage(r, n_damage);
	reader_close(r);
	return s;
}

struct feed {
	int fd;
	const uint8_t *bytes;
	size_t len, piece;
};

static void *feed_pipe(void *arg)
{
	struct feed *f = arg;

	for (size_t at = 0; at < f->len; at += f->piece)
		if (write(f->fd, f->bytes + at, f->len - at < f->piece ? f->len - at : f->piece) <
			0)
			break;
	close(f->fd);
	return NULL;
}

static struct sum sum_pipe(const uint8_t *bytes, size_t len, size_t piece, size_t *n_damage)
{
	struct feed f = { .bytes = bytes, .len = len, .piece = piece };
	struct reader *r;
	struct sum s;
	pthread_t thread;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	f.fd = fds[1];
	pthread_create(&thread, NULL, feed_pipe, &f);
	r = reader_open_stream(fds[0], NULL);
	s = sum_reader(r);
	reader_damage(r, n_damage);
	reader_close(r);
	pthread_join(thread, NULL);
	close(fds[0]);
	return s;
}

static void every_field_type_and_extreme_value_comes_back(void **state)
{
	struct extreme {
		uint64_t time;
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
		int8_t s8;
		int16_t s16;
		int32_t s32;
		int64_t s64;
		double f64;
		char name[16];
	};
#define F(member, type_, chars_) \
	{ \
#member, "", "", NULL, type_, SHOW_PLAIN, offsetof(struct extreme, member), \
			sizeof(((struct extreme *)0)->member), chars_ \
	}
	static const struct field fields[] = { F(time, FIELD_U64, false), F(u8, FIELD_U8, false),
		F(u16, FIELD_U16, false), F(u32, FIELD_U32, false), F(u64, FIELD_U64, false),
		F(s8, FIELD_S8, false), F(s16, FIELD_S16, false), F(s32, FIELD_S32, false),
		F(s64, FIELD_S64, false), F(f64, FIELD_F64, false), F(name, FIELD_STRING, true) };
	static const struct event_type type = { "extreme", "", fields, 11, sizeof(struct extreme) };
	const struct want want = { "extreme", NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	uint32_t stream = writer_stream(w, "x", -1, 5);
	int number = writer_type(w, &type, NULL);
	struct extreme rows[200];
	uint64_t seed = 1;
	size_t len;
	uint8_t *bytes;
	struct reader *r;
	struct merge *m;
	struct row row;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct extreme *x = &rows[i];

		memset(x, i % 3 == 0 ? 0 : i % 3 == 1 ? 0xff : 0x80, sizeof(*x));
		if (i > 100)
			for (size_t k = 0; k < sizeof(*x); k++)
				((uint8_t *)x)[k] = (uint8_t)random_u64(&seed);
		x->time = i < 199 ? i : UINT64_MAX;
		memcpy(x->name, "sixteen-bytes-ok", 16); /* not terminated, as from the kernel */
		if (i & 1)
			snprintf(x->name, sizeof(x->name), "%u", i);
		writer_add(w, stream, number, x);
	}
	bytes = finish_trace(w, sink, &len);
	r = reader_open_memory(bytes, len, NULL);
	m = merge_new(&r, 1, &options);
	for (unsigned i = 0; i < 200; i++) {
		const struct extreme *x = &rows[i];
		struct text name;
		double f64;

		assert_int_equal(merge_next(m, &row, NULL), 1);
		assert_true(row.time == x->time);
		assert_true(row.values[1] == x->u8 && row.values[2] == x->u16 &&
			row.values[3] == x->u32 && row.values[4] == x->u64);
		assert_true((int64_t)row.values[5] == x->s8 && (int64_t)row.values[6] == x->s16 &&
			(int64_t)row.values[7] == x->s32 && (int64_t)row.values[8] == x->s64);
		memcpy(&f64, &row.values[9], sizeof(f64));
		assert_memory_equal(&f64, &x->f64, sizeof(f64));
		name = segment_string(row.segment, (uint32_t)row.values[10]);
		assert_int_equal(name.len, strnlen(x->name, 16));
		assert_memory_equal(name.s, x->name, name.len);
	}
	assert_int_equal(merge_next(m, &row, NULL), 0);
	assert_string_equal(row.type->name, "extreme");
	merge_free(m);
	reader_close(r);
	free(bytes);
}

static void a_trace_tells_everything_that_was_written(void **state)
{
	size_t len, n_damage;
	uint8_t *bytes = small_trace(1000, &len);
	struct reader *r = reader_open_memory(bytes, len, NULL);
	struct segment *s = reader_segment(r, 0);
	struct verify_result v;
	struct err err;
	uint64_t address;
	struct mapping m;

	(void)state;
	assert_int_equal(verify(r, &v, &err), 0);
	reader_damage(r, &n_damage);
	assert_int_equal(n_damage, 0);
	assert_int_equal(v.events, 1001);
	assert_true(v.complete);
	assert_true(text_is(segment_info(s, "command"), "worker --fast"));
	assert_true(text_is(segment_info(s, "exit_status"), "0"));
	assert_int_equal(s->n_streams, 3);
	assert_int_equal(s->streams[2].cpu, 1);
	m = segment_mapping(s, segment_frame(s, 1, &address));
	assert_int_equal(address, 0x1000);
	assert_true(text_is(segment_string(s, m.path), "/bin/worker"));
	assert_memory_equal(m.build_id, "0123456789abcdefghij", 20);
	assert_true(text_is(segment_string(s, segment_symbol(s, 1)->name), "main"));
	assert_int_equal(segment_symbol(s, 1)->start, 0xff0);
	assert_int_equal(segment_stack_flags(s, 3), STACK_USER_FP);
	reader_close(r);
	free(bytes);
}

/* Names come before lines: a frame is spoken of twice, in one block or in two. */
static void what_is_said_later_of_a_frame_replaces_what_was(void **state)
{
	(void)state;
	for (int in_two = 0; in_two < 2; in_two++) {
		struct writer *w;
		struct sink *sink = memory_trace(&w);
		struct mapping file = { .kind = MAPPING_FILE, .path = writer_string(w, "/a", 2) };
		uint32_t frame = writer_frame(w, writer_mapping(w, &file), 0x1000, NULL);
		struct dict_symbol s = { .frame = frame, .name = writer_string(w, "main", 4) };
		const struct symbol *read;
		struct reader *r;
		uint8_t *bytes;
		struct err err;
		size_t len;

		writer_symbol(w, &s);
		if (in_two)
			writer_flush(w, UINT64_MAX);
		s.line = 29;
		writer_symbol(w, &s);
		bytes = finish_trace(w, sink, &len);
		r = reader_open_memory(bytes, len, &err);
		read = segment_symbol(reader_segment(r, 0), 1);
		assert_int_equal(read->line, 29);
		assert_null(segment_symbol_next(reader_segment(r, 0), read));
		reader_close(r);
		free(bytes);
	}
}

static void pipe_and_file_give_the_same_events(void **state)
{
	static const size_t pieces[] = { 1, 47, 1000, 1 << 20 };
	size_t len, n_damage;
	uint8_t *bytes = small_trace(500, &len);
	struct sum file = sum_memory(bytes, len, &n_damage);

	(void)state;
	assert_int_equal(n_damage, 0);
	assert_int_equal(file.samples, 500);
	for (int i = 0; i < 4; i++) {
		struct sum s = sum_pipe(bytes, len, pieces[i], &n_damage);

		assert_int_equal(s.rows, file.rows);
		assert_true(s.hash == file.hash);
		assert_int_equal(n_damage, 0);
	}
	free(bytes);
}

static void a_cut_at_any_byte_keeps_what_is_before(void **state)
{
	size_t len, n_damage;
	uint8_t *bytes = small_trace(200, &len);
	uint64_t last_rows = 0;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		struct sum s = sum_memory(bytes, cut, &n_damage);

		assert_true(s.rows >= last_rows || s.rows == 0);
		assert_true(s.rows >= last_rows);
		last_rows = s.rows;
		if (cut % 61 == 0) {
			struct sum p = sum_pipe(bytes, cut, 4096, &n_damage);

			assert_int_equal(p.rows, s.rows);
		}
	}
	assert_int_equal(last_rows, 201);
	free(bytes);
}

/* Every flip is seen by verify, or the trace is refused with a sentence; and whatever is read of the
 * damaged trace is read without a crash and without making events up. */
static void every_flipped_bit_is_detected(void **state)
{
	size_t len, n_damage;
	uint8_t *bytes = small_trace(60, &len);
	struct sum whole = sum_memory(bytes, len, &n_damage);
	struct verify_result v;
	struct err err;
	size_t lost_all = 0, schema_bits = 0;
	struct block_header h;

	(void)state;
	for (size_t at = 0; at < len; at += sizeof(h) + h.stored) {
		memcpy(&h, bytes + at, sizeof(h));
		if (h.kind == BLOCK_SCHEMA)
			schema_bits = 8 * (sizeof(h) + h.stored);
	}
	for (size_t bit = 0; bit < len * 8; bit++) {
		struct reader *r;
		struct sum s;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		r = reader_open_memory(bytes, len, &err);
		if (!r) /* a checksum guards what could make a trace one that is refused */
			fail_msg("bit %zu of %zu flipped: %s", bit, len * 8, err.text);
		assert_int_equal(verify(r, &v, &err), 0);
		reader_damage(r, &n_damage);
		if (!n_damage)
			fail_msg("bit %zu of %zu flipped unseen", bit, len * 8);
		reader_close(r);
		s = sum_memory(bytes, len, &n_damage);
		assert_true(s.rows <= whole.rows);
		/* The schema's loss costs all; any other block's only its own rows. */
		lost_all += s.rows == 0;
		if (s.rows && s.rows + 25 < whole.rows)
			fail_msg("bit %zu costs all but %" PRIu64 " rows", bit, s.rows);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(lost_all, schema_bits);
	free(bytes);
}

static void a_list_of_blocks_keeps_small_and_large_numbers(void **state)
{
	struct block_list list = { 0 };
	uint64_t seed = 23;

	(void)state;
	for (int pass = 0; pass < 2; pass++) {
		uint64_t offset = 0, seed_now = seed;

		for (size_t i = 0; i < 5000; i++) {
			bool large = i % 97 == 3;
			struct block_ref b = { .offset = offset,
				.first = random_u64(&seed_now),
				.stored = (uint32_t)(random_u64(&seed_now) % (BLOCK_MAX_BYTES + 1)),
				.count = (uint32_t)(random_u64(&seed_now) % (BLOCK_MAX_ROWS + 1)),
				.type = (uint16_t)(random_u64(&seed_now) % (large ? 65536 : 1000)),
				.stream = (uint32_t)random_u64(&seed_now) %
					(large ? UINT32_MAX : 4096),
				.kind = BLOCK_EVENTS },
					 got;

			b.last = large ? random_u64(&seed_now) : b.first + 4294967295U;
			offset += large ? random_u64(&seed_now) >> 8 : sizeof(struct block_header);
			if (!pass) {
				block_list_add(&list, &b);
				continue;
			}
			got = block_list_get(&list, i);
			assert_true(got.offset == b.offset && got.first == b.first &&
				got.last == b.last);
			assert_true(got.stored == b.stored && got.count == b.count);
			assert_true(
				got.type == b.type && got.stream == b.stream && got.kind == b.kind);
		}
	}
	assert_int_equal(list.n, 5000);
	assert_true(list.n_wide > 0);
	block_list_done(&list);
}

static void a_damaged_block_costs_that_block(void **state)
{
	size_t len, n_damage;
	uint8_t *bytes = small_trace(1000, &len);
	struct sum whole = sum_memory(bytes, len, &n_damage), s;
	struct reader *r = reader_open_memory(bytes, len, NULL);
	struct block_ref hit = { 0 };

	(void)state;
	for (size_t i = 0; i < reader_n_blocks(r); i++) {
		const struct block_ref ref = reader_block_ref(r, i);

		if (ref.kind == BLOCK_EVENTS && ref.count == 25)
			hit = ref;
	}
	bytes[hit.offset + sizeof(struct block_header) + 5] ^= 4;
	s = sum_memory(bytes, len, &n_damage);
	assert_int_equal(s.rows, whole.rows - 25);
	assert_int_equal(n_damage, 1);
	/* The same without the index. */
	s = sum_memory(bytes, len - 20, &n_damage);
	assert_int_equal(s.rows, whole.rows - 25);
	assert_int_equal(n_damage, 2);
	reader_close(r);
	free(bytes);
}

static void a_segment_whose_first_block_is_damaged_keeps_its_events(void **state)
{
	size_t len, n_damage;
	uint8_t *one = small_trace(100, &len), *two = malloc(2 * len);
	struct sum s;

	(void)state;
	memcpy(two, one, len);
	memcpy(two + len, one, len);
	for (size_t i = 0; i < 2 * len; i += len) {
		two[i + 50] ^= 1;
		s = sum_memory(two, 2 * len, &n_damage);
		assert_int_equal(s.samples, 200);
		assert_int_equal(n_damage, 1);
		s = sum_pipe(two, 2 * len, 1000, &n_damage);
		assert_int_equal(s.samples, 200);
		assert_int_equal(n_damage, 1);
		two[i + 50] ^= 1;
	}
	free(one);
	free(two);
}

static void traces_can_be_concatenated(void **state)
{
	size_t len, n_damage;
	uint8_t *one = small_trace(300, &len), *three = malloc(3 * len);
	struct sum s, p;

	(void)state;
	for (int i = 0; i < 3; i++)
		memcpy(three + (size_t)i * len, one, len);
	s = sum_memory(three, 3 * len, &n_damage);
	assert_int_equal(s.rows, 903);
	assert_int_equal(n_damage, 0);
	p = sum_pipe(three, 3 * len, 5000, &n_damage);
	assert_int_equal(p.rows, 903);
	assert_int_equal(n_damage, 0);
	/* The middle one without its end. */
	memmove(three + 2 * len - 30, three + 2 * len, len);
	s = sum_memory(three, 3 * len - 30, &n_damage);
	assert_int_equal(s.rows, 903);
	assert_int_equal(n_damage, 1);
	free(one);
	free(three);
}

static void bytes_before_between_and_behind_are_skipped_and_told(void **state)
{
	size_t len, n_damage;
	uint8_t *one = small_trace(100, &len), *noisy = calloc(1, 2 * len + 3000);
	struct sum s;

	(void)state;
	memset(noisy, TRACE_MAGIC & 255, 1000);
	memcpy(noisy + 1000, one, len);
	memset(noisy + 1000 + len, 'x', 1000);
	memcpy(noisy + 2000 + len, one, len);
	s = sum_memory(noisy, 2 * len + 3000, &n_damage);
	assert_int_equal(s.rows, 202);
	assert_int_equal(n_damage, 3);
	free(one);
	free(noisy);
}

/* Puts a block of this kind and these flags in front of the blocks of a trace; index and end are made
 * to fit, or left out. */
static uint8_t *with_foreign_block(const uint8_t *bytes, size_t *len, struct block_header h,
	bool end)
{
	struct block_header first;
	struct forge f;
	uint8_t payload[16];

	memset(payload, 7, sizeof(payload));
	memcpy(&first, bytes, sizeof(first));
	forge_init(&f, first.segment);
	assert_int_equal(emit_plain(&f.emit, &first, bytes + sizeof(first), first.stored), 0);
	assert_int_equal(emit_plain(&f.emit, &h, payload, sizeof(payload)), 0);
	forge_copy(&f, bytes, *len, 0);
	return forge_finish(&f, end, len);
}

static void unknown_kinds_and_flags_are_skipped_or_refused(void **state)
{
	const struct block_header skip = { .kind = 77, .may_skip = 0xff },
				  kind = { .kind = BLOCK_MUST_KNOW + 3 },
				  flag = { .kind = BLOCK_INFO, .must_know = 4 };
	size_t len, n_damage, n;
	uint8_t *bytes = small_trace(50, &len), *changed;
	struct err err;

	(void)state;
	for (int end = 0; end < 2; end++) { /* by walking, and by the index */
		n = len;
		changed = with_foreign_block(bytes, &n, skip, end);
		assert_int_equal(sum_memory(changed, n, &n_damage).rows, 51);
		assert_int_equal(n_damage, 0);
		free(changed);

		n = len;
		changed = with_foreign_block(bytes, &n, kind, end);
		err.text[0] = '\0';
		assert_null(reader_open_memory(changed, n, &err));
		assert_non_null(strstr(err.text, "newer"));
		assert_non_null(strstr(err.text, "131"));
		free(changed);

		n = len;
		changed = with_foreign_block(bytes, &n, flag, end);
		err.text[0] = '\0';
		assert_null(reader_open_memory(changed, n, &err));
		assert_non_null(strstr(err.text, "0x4"));
		free(changed);
	}
	free(bytes);
}

/* A writer that does not repeat the flag in its index, so that it is seen only block by block. */
static void a_flagged_block_that_the_index_hides_is_not_read(void **state)
{
	const struct block_header sync = { .kind = BLOCK_SYNC };
	struct block_header h;
	struct forge f;
	size_t len, n, n_damage;
	uint8_t *bytes = small_trace(100, &len), *changed;
	struct sum whole = sum_memory(bytes, len, &n_damage), s;
	uint32_t count = 0;
	struct reader *r;

	(void)state;
	memcpy(&h, bytes, sizeof(h));
	forge_init(&f, h.segment);
	for (size_t at = 0; at < len; at += sizeof(h) + h.stored) {
		memcpy(&h, bytes + at, sizeof(h));
		if (h.kind == BLOCK_INDEX)
			break;
		if (h.kind == BLOCK_EVENTS && !count && h.count > 1) {
			count = h.count;
			h.must_know = 16;
		}
		emit_plain(&f.emit, &h, bytes + at + sizeof(h), h.stored);
	}
	emit_plain(&f.emit, &sync, NULL, 0);
	f.emit.must_know = 0;
	changed = forge_finish(&f, true, &n);
	s = sum_memory(changed, n, &n_damage);
	assert_int_equal(s.rows, whole.rows - count);
	assert_int_equal(n_damage, 1);
	r = reader_open_memory(changed, n, NULL);
	sum_reader(r);
	assert_non_null(strstr(reader_damage(r, &n_damage)->what, "0x10"));
	reader_close(r);
	free(changed);
	free(bytes);
}

/* Takes the blocks in one by one, as a reader of a pipe does. */
static void a_block_comes_after_all_that_it_refers_to(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(200, &len);
	struct column_decoder *d = column_decoder_new();
	struct segment *s = segment_new(0, 0);
	struct block_header h;
	uint32_t n_events = 0;

	(void)state;
	s->bytes = len;
	for (size_t at = 0; at < len; at += sizeof(h) + h.stored) {
		memcpy(&h, bytes + at, sizeof(h));
		assert_int_equal(segment_load(s, &h, bytes + at + sizeof(h), d, NULL), 0);
		for (uint32_t i = 0; i < s->n_streams; i++)
			assert_true(s->streams[i].name < s->n_strings);
		for (uint32_t i = 0; i < s->n_mappings; i++)
			assert_true(s->mappings[i].path < (s->n_strings ? s->n_strings : 1));
		for (uint32_t i = 0; i < s->n_frames; i++)
			assert_true(s->frame_mapping[i] < (s->n_mappings ? s->n_mappings : 1));
		for (uint32_t i = 0; i < s->n_stacks; i++)
			assert_true(s->stack_frame[i] < (s->n_frames ? s->n_frames : 1));
		if (h.kind != BLOCK_EVENTS)
			continue;
		assert_true(h.stream < s->n_streams);
		assert_non_null(segment_type(s, h.type));
		n_events++;
	}
	assert_true(n_events > 5);
	assert_int_equal(s->n_streams, 3);
	segment_free(s);
	column_decoder_free(d);
	free(bytes);
}

static void headers_hold_what_the_specification_says(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(200, &len);
	struct block_header h;

	(void)state;
	for (size_t at = 0; at < len; at += sizeof(h) + h.stored) {
		bool numbered, timed;

		memcpy(&h, bytes + at, sizeof(h));
		numbered = (h.kind >= BLOCK_STRINGS && h.kind <= BLOCK_STACKS) ||
			h.kind == BLOCK_STREAMS;
		timed = h.kind == BLOCK_EVENTS || h.kind == BLOCK_SYNC || h.kind == BLOCK_SEGMENT;
		if (numbered)
			assert_int_equal(h.last, h.first + h.count - 1);
		else if (!timed)
			assert_true(h.first == 0 && h.last == 0);
		assert_true(h.must_know == 0 && h.may_skip == 0 && h.reserved == 0);
		if (h.kind != BLOCK_EVENTS)
			assert_true(h.type == 0 && h.stream == 0);
	}
	free(bytes);
}

static void a_newer_major_version_is_refused_a_newer_minor_read(void **state)
{
	size_t len, n_damage;
	uint8_t *bytes = small_trace(50, &len);
	struct block_header *h = (struct block_header *)bytes;
	struct segment_payload *p = (struct segment_payload *)(h + 1);
	struct err err = { "" };

	(void)state;
	p->minor = TRACE_MINOR + 1;
	block_seal(h, h->stored);
	assert_int_equal(sum_memory(bytes, len, &n_damage).rows, 51);
	assert_int_equal(n_damage, 0);
	p->major = TRACE_MAJOR + 1;
	block_seal(h, h->stored);
	assert_null(reader_open_memory(bytes, len, &err));
	assert_non_null(strstr(err.text, "newer than this program"));
	free(bytes);
}

static void what_is_no_trace_is_named(void **state)
{
	static const char *const files[][2] = { { "", "empty" },
		{ "PERFILE2........", "perf.data" }, { "hello", "not a trace" },
		{ "\x1f\x8b\x08", "gunzip" }, { "PK\3\4....", "zip" } };
	struct err err = { "" };

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_null(reader_open_memory(files[i][0], strlen(files[i][0]), &err));
		assert_non_null(strstr(err.text, files[i][1]));
	}
	assert_null(reader_open("/nonexistent.rec", &err));
	assert_non_null(strstr(err.text, "No such file"));
	assert_null(reader_open("/", &err));
	assert_non_null(strstr(err.text, "directory"));
}

static void a_window_reads_only_its_events(void **state)
{
	static const char *const fields[] = { "tid", "nonsense", "time" };
	const struct want want = { "cpu_sample", fields, 3 };
	struct merge_options options = { .wants = &want,
		.n_wants = 1,
		.from_ns = 1000000100 + 300 * 1000,
		.to_ns = 1000000100 + 400 * 1000 };
	size_t len;
	uint8_t *bytes = small_trace(1000, &len);
	struct reader *r = reader_open_memory(bytes, len, NULL);
	struct merge *m = merge_new(&r, 1, &options);
	struct row row;
	unsigned n = 0;

	(void)state;
	while (merge_next(m, &row, NULL) > 0) {
		assert_in_range(row.time, options.from_ns, options.to_ns - 1);
		assert_int_equal(row.values[2], row.time);
		assert_in_range(row.values[0], 7, 9);
		assert_int_equal(row.missing, 2);
		n++;
	}
	assert_int_equal(n, 100);
	merge_free(m);
	reader_close(r);
	free(bytes);
}

/* Rows of which some are asked for more: read from a file at once, from one in slices, and from a stream. */
static void late_fields_are_those_of_the_row(void **state)
{
	static const char *const fields[] = { "stack", "time" },
				 *const late[] = { "cpu", "nonsense", "tid", "time" };
	const struct want want = { "cpu_sample", fields, 2, late, 4 };
	size_t len;
	uint8_t *bytes = small_trace(1009, &len);

	(void)state;
	for (int way = 0; way < 3; way++) {
		struct merge_options options = { .wants = &want,
			.n_wants = 1,
			.held_bytes = way == 1 ? 1000 : 0 };
		int fd = memfd_create("trace", MFD_CLOEXEC);
		struct reader *r;
		struct merge *m;
		struct row row;
		unsigned n = 0;

		assert_true(write(fd, bytes, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
		r = way == 2 ? reader_open_stream(fd, NULL) : reader_open_memory(bytes, len, NULL);
		m = merge_new(&r, 1, &options);
		for (; merge_next(m, &row, NULL) > 0; n++) {
			uint64_t v[4] = { 1, 1, 1, 1 };

			if (n % 7)
				continue;
			merge_late(&row, v);
			assert_int_equal(v[0], n & 1);
			assert_int_equal(v[1], 0);
			assert_int_equal(v[2], 7 + n % 3);
			assert_int_equal(v[3], row.values[1]);
		}
		assert_int_equal(n, 1009);
		merge_free(m);
		reader_close(r);
		close(fd);
	}
	free(bytes);
}

/* What a merge delivers, in order, as one number. */
static uint64_t hash_rows(struct reader *r, unsigned n_threads, bool unordered, unsigned *n)
{
	static const char *const fields[] = { "tid", "cpu", "stack" };
	const struct want want = { "cpu_sample", fields, 3 };
	struct merge_options options = { .wants = &want,
		.n_wants = 1,
		.n_threads = n_threads,
		.unordered = unordered };
	struct merge *m = merge_new(&r, 1, &options);
	uint64_t hash = 0;
	struct row row;

	for (*n = 0; merge_next(m, &row, NULL) > 0; ++*n)
		hash = hash_u64(hash ^ row.time) ^ hash_bytes(row.values, 3 * sizeof(*row.values));
	merge_free(m);
	return hash;
}

static void threads_that_decode_ahead_change_nothing(void **state)
{
	size_t len, n_damage[2];
	uint8_t *bytes = small_trace(10007, &len); /* 200 blocks */
	struct reader *r;
	unsigned n[2];

	(void)state;
	for (int damaged = 0; damaged < 2; damaged++) {
		if (damaged)
			for (size_t at = len / 4; at < len / 2; at += 997)
				bytes[at] ^= 1;
		r = reader_open_memory(bytes, len, NULL);
		for (int unordered = 0; unordered < 2; unordered++) {
			uint64_t alone = hash_rows(r, 0, unordered, &n[0]);

			reader_damage(r, &n_damage[0]);
			assert_int_equal(hash_rows(r, 3, unordered, &n[1]), alone);
			reader_damage(r, &n_damage[1]);
			assert_int_equal(n[0], n[1]);
			assert_true(damaged ? n[0] < 10007 : n[0] == 10007);
			assert_int_equal(n_damage[0], n_damage[1]); /* each place is told once */
		}
		reader_close(r);
	}
	free(bytes);
}

/* Rows as they come, as one number. */
static void hash_row(void *ctx, struct row *row)
{
	uint64_t *hash = ctx, late[2];

	merge_late(row, late);
	*hash = hash_u64(*hash ^ row->time) ^ hash_u64(row->want << 8 ^ row->missing) ^
		hash_bytes(row->values, 3 * sizeof(*row->values)) ^ hash_bytes(late, sizeof(late));
}

static uint64_t hash_one_by_one(struct merge *m)
{
	uint64_t hash = 0;
	struct row row;

	while (merge_next(m, &row, NULL) > 0)
		hash_row(&hash, &row);
	merge_free(m);
	return hash;
}

/* Holds as many batches as it may. */
static uint64_t hash_batches(struct merge *m, uint32_t n_wants)
{
	uint64_t hash = 0;
	struct batch *held[8], *b;
	unsigned n = 0;

	while (merge_next_batch(m, &b, NULL) > 0) {
		assert_in_range(b->n_rows, 1, BATCH_ROWS);
		batch_rows(b, 0, n_wants, hash_row, &hash);
		held[n++] = b;
		if (n < 8 && !merge_one_by_one(m) && !merge_is_full(m))
			continue;
		for (unsigned i = 0; i < n; i++)
			merge_return_batch(m, held[i]);
		n = 0;
	}
	merge_free(m); /* and what is held */
	return hash;
}

static void batches_have_the_rows_that_come_one_by_one(void **state)
{
	static const char *const fields[] = { "tid", "stack", "nonsense" },
				 *const late[] = { "cpu", "pid", "comm" };
	const struct want wants[] = { { "cpu_sample", fields, 3, late, 2 },
		{ "process_comm", fields, 3, late, 2 }, { "cpu_sample", late, 3, fields, 2 },
		{ NULL, fields, 3, late, 2 } };
	enum { FILE_IN_ORDER, FILE_WITHOUT, SLICES, STREAM, WINDOW, N_WAYS };
	size_t len;
	uint8_t *bytes = small_trace(10007, &len);

	(void)state;
	for (uint32_t n_wants = 1; n_wants <= 4; n_wants += 3) {
		for (int way = 0; way < N_WAYS; way++) {
			struct merge_options options = { .wants = wants,
				.n_wants = n_wants,
				.unordered = way == FILE_WITHOUT,
				.n_threads = way == FILE_IN_ORDER,
				.held_bytes = way == SLICES ? 1000 : 0,
				.from_ns = way == WINDOW ? 1000000100 + 300 * 1000 : 0,
				.to_ns = way == WINDOW ? 1000000100 + 9001 * 1000 : 0 };
			uint64_t hashes[2];

			for (int i = 0; i < 2; i++) {
				int fd = memfd_create("trace", MFD_CLOEXEC);
				struct reader *r;
				struct merge *m;

				assert_true(write(fd, bytes, len) == (ssize_t)len &&
					lseek(fd, 0, SEEK_SET) == 0);
				r = way == STREAM ? reader_open_stream(fd, NULL)
						  : reader_open_memory(bytes, len, NULL);
				m = merge_new(&r, 1, &options);
				assert_int_equal(merge_one_by_one(m),
					way == STREAM || way == SLICES);
				hashes[i] = i ? hash_batches(m, n_wants) : hash_one_by_one(m);
				reader_close(r);
				close(fd);
			}
			assert_true(hashes[0]);
			assert_int_equal(hashes[0], hashes[1]);
		}
	}
	free(bytes);
}

/* Whoever stops early leaves blocks behind that threads still decode. */
static void a_merge_may_be_left_before_its_end(void **state)
{
	static const char *const fields[] = { "tid" };
	const struct want want = { "cpu_sample", fields, 1 };
	struct merge_options options = { .wants = &want, .n_wants = 1, .n_threads = 2 };
	size_t len;
	uint8_t *bytes = small_trace(10007, &len);
	struct reader *r = reader_open_memory(bytes, len, NULL);
	struct row row;

	(void)state;
	for (int i = 0; i < 23; i++) {
		struct merge *m = merge_new(&r, 1, &options);

		for (int k = 0; k <= i; k++)
			assert_int_equal(merge_next(m, &row, NULL), 1);
		merge_free(m);
	}
	reader_close(r);
	free(bytes);
}

static void several_wants_share_one_pass(void **state)
{
	static const char *const a[] = { "tid" }, *const b[] = { "period", "cpu" };
	const struct want wants[] = { { "cpu_sample", a, 1 }, { "process_comm", a, 1 },
		{ "cpu_sample", b, 2 }, { "nobody", a, 1 } };
	struct merge_options options = { .wants = wants, .n_wants = 4 };
	size_t len;
	uint8_t *bytes = small_trace(100, &len);
	struct reader *r = reader_open_memory(bytes, len, NULL);
	unsigned n[4] = { 0 };
	struct row row;

	(void)state;
	for (int unordered = 0; unordered < 2; unordered++) {
		struct merge *m;

		options.unordered = unordered;
		m = merge_new(&r, 1, &options);
		while (merge_next(m, &row, NULL) > 0)
			n[row.want]++;
		merge_free(m);
	}
	assert_int_equal(n[0], 200);
	assert_int_equal(n[1], 2);
	assert_int_equal(n[2], 200);
	assert_int_equal(n[3], 0);
	reader_close(r);
	free(bytes);
}

static void traces_of_two_machines_meet_on_wall_clock_time(void **state)
{
	struct writer_config early = { .start_ns = 5000,
		.start_real_ns = 1000000000000,
		.boot_id = "machine-a" };
	struct writer_config late = { .start_ns = 900000000,
		.start_real_ns = 1000000000500,
		.boot_id = "machine-b" };
	const struct writer_config *configs[] = { &early, &late };
	const struct want want = { "process_exit", NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	uint8_t *bytes[2], *both;
	struct reader *readers[2], *r;
	size_t len[2];
	uint32_t order[4];

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct sink *sink = sink_new_memory();
		struct writer *w = writer_new(sink, configs[i]);
		int type = writer_type(w, &event_process_exit, NULL);

		for (uint32_t k = 0; k < 2; k++)
			writer_add(w, 0, type,
				&(struct process_exit){ .time = configs[i]->start_ns + 100 +
						k * 1000,
					.pid = i * 10 + k });
		bytes[i] = finish_trace(w, sink, &len[i]);
		readers[i] = reader_open_memory(bytes[i], len[i], NULL);
	}
	both = malloc(len[0] + len[1]);
	memcpy(both, bytes[0], len[0]);
	memcpy(both + len[0], bytes[1], len[1]);
	r = reader_open_memory(both, len[0] + len[1], NULL);
	for (int way = 0; way < 2; way++) {
		struct merge *m = merge_new(way ? &r : readers, way ? 1 : 2, &options);
		struct row row;
		int n = 0;

		while (merge_next(m, &row, NULL) > 0 && n < 4)
			order[n++] = (uint32_t)row.values[1];
		assert_int_equal(n, 4);
		assert_true(order[0] == 0 && order[1] == 10 && order[2] == 1 && order[3] == 11);
		/* Machine b booted first, so times are on its clock. */
		assert_int_equal(readers_start(way ? &r : readers, way ? 1 : 2), 900000000 - 500);
		merge_free(m);
	}
	for (int i = 0; i < 2; i++) {
		reader_close(readers[i]);
		free(bytes[i]);
	}
	reader_close(r);
	free(both);
}

static void a_new_segment_stands_alone(void **state)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	int type = writer_type(w, &event_process_comm, NULL);
	const struct want want = { "process_comm", NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct reader *r;
	struct merge *m;
	struct row row;
	uint8_t *bytes;
	size_t len, n = 0;

	(void)state;
	writer_info(w, "command", "x");
	for (uint32_t i = 0; i < 5; i++) {
		struct process_comm c = { .time = 2000000000 + i, .pid = i };
		char name[16];

		snprintf(name, sizeof(name), "name-%u", i);
		c.comm = writer_string(w, name, strlen(name));
		assert_int_equal(c.comm, 1); /* numbers start again in each segment */
		writer_add(w, 0, type, &c);
		assert_int_equal(writer_generation(w), i + 1);
		writer_roll(w, c.time, 0);
	}
	bytes = finish_trace(w, sink, &len);
	r = reader_open_memory(bytes, len, NULL);
	assert_int_equal(reader_n_segments(r), 6);
	m = merge_new(&r, 1, &options);
	while (merge_next(m, &row, NULL) > 0) {
		struct text t = segment_string(row.segment, (uint32_t)row.values[3]);

		assert_int_equal(t.len, 6);
		assert_int_equal(t.s[5], '0' + (int)n++);
		assert_true(text_is(segment_info(row.segment, "command"), "x"));
	}
	assert_int_equal(n, 5);
	merge_free(m);
	reader_close(r);
	free(bytes);
}

static void a_crowded_dictionary_asks_for_a_new_segment(void **state)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	uint32_t root = writer_stack_root(w, 0), n = 0, node = root;
	size_t len, n_damage;
	uint8_t *bytes;
	struct reader *r;

	(void)state;
	while (!writer_crowded(w))
		node = writer_stack(w, node, writer_frame(w, 0, n++ % 1000, NULL));
	assert_true(n > 100000);
	while (node)
		node = writer_stack(w, node, 5);
	assert_int_equal(writer_stack(w, root, 4711), 0); /* full: none, and no harm */
	bytes = finish_trace(w, sink, &len);
	r = reader_open_memory(bytes, len, NULL);
	reader_segment(r, 0);
	reader_damage(r, &n_damage);
	assert_int_equal(n_damage, 0); /* deep recursion packs tightly, yet readers accept it */
	assert_true(reader_segment(r, 0)->n_stacks > 200000);
	reader_close(r);
	free(bytes);
}

/* A pipe that nobody reads takes 64 KiB; the rest is lost, counted, and told once there is room. */
static void what_a_stuck_reader_costs_is_counted(void **state)
{
	static const char *const fields[] = { "lost", "reason", "stream" };
	const struct want wants[] = { { "lost", fields, 3 }, { "cpu_sample", fields, 0 } };
	struct merge_options options = { .wants = wants, .n_wants = 2 };
	struct writer_config config = { .start_ns = 1, .stage_bytes = 65536 };
	uint64_t seed = 1, lost = 0, seen = 0, n = 300000;
	struct writer_stats stats;
	struct sink *sink;
	struct writer *w;
	struct reader *r;
	struct merge *m;
	struct row row;
	int fds[2], type;
	char path[] = "/tmp/test_trace_XXXXXX";
	int file = mkstemp(path);
	uint8_t chunk[65536];
	ssize_t got;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	sink = sink_new(fds[1], 1 << 20);
	assert_int_equal(sink_start(sink), 0);
	w = writer_new(sink, &config);
	type = writer_type(w, &event_cpu_sample, NULL);
	for (uint64_t i = 0; i < n; i++)
		writer_add(w, 0, type,
			&(struct cpu_sample){ .time = i, .period = random_u64(&seed) });
	assert_int_equal(writer_flush(w, n), 0);
	writer_stats(w, &stats);
	assert_true(stats.dropped > 0);
	assert_int_equal(stats.events, n);
	/* Now somebody reads. */
	if (fork() == 0) {
		close(fds[1]);
		while ((got = read(fds[0], chunk, sizeof(chunk))) > 0)
			if (write(file, chunk, (size_t)got) != got)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(writer_close(w, n), 0);
	writer_stats(w, &stats);
	writer_free(w);
	sink_free(sink);
	close(fds[1]);
	close(fds[0]);
	assert_int_equal(wait(NULL) > 0, 1);
	r = reader_open(path, NULL);
	m = merge_new(&r, 1, &options);
	while (merge_next(m, &row, NULL) > 0) {
		seen += row.want == 1;
		if (row.want == 0) {
			assert_int_equal(row.values[1], LOST_DISK_SLOW);
			lost += row.values[0];
		}
	}
	assert_int_equal(seen + lost, n);
	assert_int_equal(lost, stats.dropped);
	merge_free(m);
	reader_close(r);
	unlink(path);
	close(file);
}

/* Reads a pipe while it may. */
struct slow_reader {
	int from, to;
	atomic_bool reads;
	unsigned late_us; /* when it begins again */
};

static void *read_slowly(void *arg)
{
	struct slow_reader *r = arg;
	uint8_t chunk[65536];
	ssize_t got = 1;

	while (got > 0) {
		if (!atomic_load(&r->reads)) {
			while (!atomic_load(&r->reads))
				usleep(100);
			usleep(r->late_us);
		}
		got = read(r->from, chunk, sizeof(chunk));
		if (got > 0 && write(r->to, chunk, (size_t)got) != got)
			abort();
	}
	return NULL;
}

/* A row of losses that found no room refers to the dictionary of its segment, which ends behind it and not before. */
static void a_segment_does_not_end_before_its_losses_are_told(void **state)
{
	static const char *const fields[] = { "lost", "event" };
	const struct want wants[] = { { "lost", fields, 2 }, { "cpu_sample", fields, 0 } };
	struct merge_options options = { .wants = wants, .n_wants = 2 };
	struct writer_config config = { .start_ns = 1, .stage_bytes = 65536 };
	enum { ROUNDS = 12, EVENTS = 200000, NAMES = 50000 };
	uint64_t seed = 1, lost = 0, seen = 0, now = 0;
	struct slow_reader slow = { 0 };
	struct verify_result v;
	struct sink *sink;
	struct writer *w;
	struct reader *r;
	struct merge *m;
	struct row row;
	struct err err;
	pthread_t thread;
	size_t n_damage;
	int fds[2], type;
	char path[] = "/tmp/test_trace_XXXXXX", name[48];

	(void)state;
	slow.to = mkstemp(path);
	assert_int_equal(pipe(fds), 0);
	slow.from = fds[0];
	pthread_create(&thread, NULL, read_slowly, &slow);
	sink = sink_new(fds[1], 1 << 20);
	assert_int_equal(sink_start(sink), 0);
	w = writer_new(sink, &config);
	type = writer_type(w, &event_cpu_sample, NULL);
	for (int round = 0; round < ROUNDS; round++) {
		atomic_store(&slow.reads, false);
		for (int i = 0; i < NAMES - 1000 * round; i++) {
			snprintf(name, sizeof(name), "%016" PRIx64 "%016" PRIx64, random_u64(&seed),
				random_u64(&seed));
			writer_string(w, name, strlen(name));
		}
		for (int i = 0; i < EVENTS; i++)
			writer_add(w, 0, type,
				&(struct cpu_sample){ .time = ++now, .period = random_u64(&seed) });
		assert_int_equal(writer_flush(w, now), 0);
		slow.late_us = (unsigned)round * 1000;
		atomic_store(&slow.reads, true);
		while (writer_roll(w, now, now) == -EAGAIN)
			;
	}
	assert_int_equal(writer_close(w, now), 0);
	writer_free(w);
	sink_free(sink);
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
	r = reader_open(path, NULL);
	assert_int_equal(verify(r, &v, &err), 0);
	reader_damage(r, &n_damage);
	assert_int_equal(n_damage, 0);
	assert_int_equal(v.segments, ROUNDS + 1);
	m = merge_new(&r, 1, &options);
	while (merge_next(m, &row, NULL) > 0) {
		seen += row.want == 1;
		if (row.want == 0) {
			struct text event = segment_string(row.segment, (uint32_t)row.values[1]);

			assert_int_equal(event.len, strlen("cpu_sample"));
			assert_memory_equal(event.s, "cpu_sample", event.len);
			lost += row.values[0];
		}
	}
	assert_true(lost > 0);
	assert_int_equal(seen + lost, now);
	merge_free(m);
	reader_close(r);
	unlink(path);
	close(slow.to);
}

static void a_full_disk_is_an_error_that_stays(void **state)
{
	struct writer_config config = { .start_ns = 1 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct sink *sink = sink_new(fd, 1 << 20);
	struct writer *w = writer_new(sink, &config);
	int type = writer_type(w, &event_process_exit, NULL);

	(void)state;
	assert_int_equal(sink_start(sink), 0);
	writer_add(w, 0, type, &(struct process_exit){ .time = 5 });
	writer_flush(w, 5);
	assert_int_equal(sink_drain(sink, 5000), -ENOSPC);
	assert_int_equal(writer_flush(w, 6), -ENOSPC);
	assert_int_equal(writer_add(w, 0, type, &(struct process_exit){ .time = 6 }), -ENOSPC);
	assert_int_equal(writer_close(w, 7), -ENOSPC);
	writer_free(w);
	sink_free(sink);
	close(fd);
}

static void rows_that_come_a_little_out_of_order_are_sorted(void **state)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	int type = writer_type(w, &event_process_exit, NULL);
	uint64_t seed = 3, last = 0;
	const struct want want = { "process_exit", NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct reader *r;
	struct merge *m;
	struct row row;
	uint8_t *bytes;
	size_t len, n = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		writer_add(w, 0, type,
			&(struct process_exit){ .time = 5000 + i * 10 + random_u64(&seed) % 100,
				.pid = i });
	bytes = finish_trace(w, sink, &len);
	r = reader_open_memory(bytes, len, NULL);
	m = merge_new(&r, 1, &options);
	while (merge_next(m, &row, NULL) > 0) {
		assert_true(row.time >= last);
		last = row.time;
		n++;
	}
	assert_int_equal(n, 1000);
	merge_free(m);
	reader_close(r);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_type_and_extreme_value_comes_back),
		cmocka_unit_test(a_trace_tells_everything_that_was_written),
		cmocka_unit_test(what_is_said_later_of_a_frame_replaces_what_was),
		cmocka_unit_test(pipe_and_file_give_the_same_events),
		cmocka_unit_test(a_cut_at_any_byte_keeps_what_is_before),
		cmocka_unit_test(every_flipped_bit_is_detected),
		cmocka_unit_test(a_list_of_blocks_keeps_small_and_large_numbers),
		cmocka_unit_test(a_damaged_block_costs_that_block),
		cmocka_unit_test(a_segment_whose_first_block_is_damaged_keeps_its_events),
		cmocka_unit_test(traces_can_be_concatenated),
		cmocka_unit_test(bytes_before_between_and_behind_are_skipped_and_told),
		cmocka_unit_test(unknown_kinds_and_flags_are_skipped_or_refused),
		cmocka_unit_test(a_flagged_block_that_the_index_hides_is_not_read),
		cmocka_unit_test(a_block_comes_after_all_that_it_refers_to),
		cmocka_unit_test(headers_hold_what_the_specification_says),
		cmocka_unit_test(a_newer_major_version_is_refused_a_newer_minor_read),
		cmocka_unit_test(what_is_no_trace_is_named),
		cmocka_unit_test(a_window_reads_only_its_events),
		cmocka_unit_test(late_fields_are_those_of_the_row),
		cmocka_unit_test(threads_that_decode_ahead_change_nothing),
		cmocka_unit_test(batches_have_the_rows_that_come_one_by_one),
		cmocka_unit_test(a_merge_may_be_left_before_its_end),
		cmocka_unit_test(several_wants_share_one_pass),
		cmocka_unit_test(traces_of_two_machines_meet_on_wall_clock_time),
		cmocka_unit_test(a_new_segment_stands_alone),
		cmocka_unit_test(a_crowded_dictionary_asks_for_a_new_segment),
		cmocka_unit_test(what_a_stuck_reader_costs_is_counted),
		cmocka_unit_test(a_segment_does_not_end_before_its_losses_are_told),
		cmocka_unit_test(a_full_disk_is_an_error_that_stays),
		cmocka_unit_test(rows_that_come_a_little_out_of_order_are_sorted),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
