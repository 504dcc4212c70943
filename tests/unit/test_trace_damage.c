/* Traces that lack blocks, contradict themselves or ask for far more memory than they are long. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/command.h"
#include "format/block.h"
#include "format/tables.h"
#include "format/verify.h"
#include "tests/unit/support.h"

/* A reader that reads the bytes once, as from a pipe. */
static struct reader *open_stream(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return reader_open_stream(fd, NULL); /* the descriptor goes with the process */
}

struct finding {
	size_t n, n_missing;         /* of damages; those that are of missing blocks */
	struct damage last, missing; /* the last of them each */
	struct verify_result v;
};

static struct finding verify_trace(const uint8_t *bytes, size_t len, bool stream)
{
	struct reader *r = stream ? open_stream(bytes, len) : reader_open_memory(bytes, len, NULL);
	struct finding f = { 0 };
	const struct damage *d;

	assert_non_null(r);
	assert_int_equal(verify(r, &f.v, NULL), 0);
	d = reader_damage(r, &f.n);
	for (size_t i = 0; i < f.n; i++) {
		f.last = d[i];
		if (!strstr(d[i].what, "missing here"))
			continue;
		f.missing = d[i];
		f.n_missing++;
	}
	reader_close(r);
	return f;
}

static uint64_t read_rows(const uint8_t *bytes, size_t len)
{
	const struct want want = { NULL, NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct reader *r = reader_open_memory(bytes, len, NULL);
	struct merge *m = merge_new(&r, 1, &options);
	uint64_t n = 0, last = 0;
	struct row row;

	while (merge_next(m, &row, NULL) > 0) {
		assert_true(row.time >= last);
		last = row.time;
		n++;
	}
	merge_free(m);
	reader_close(r);
	return n;
}

/* Any one block, or any two that are not the end: what is left is intact block for block. */
static void a_block_that_is_cut_out_is_missed(void **state)
{
	size_t len, n_blocks = 0;
	uint8_t *bytes = small_trace(200, &len), *cut = malloc(len);

	(void)state;
	while (block_at(bytes, len, (unsigned)n_blocks) < len)
		n_blocks++;
	for (unsigned i = 0; i < 2 * n_blocks - 1; i++) {
		unsigned which = i % n_blocks, many = 1 + i / n_blocks;
		size_t from = block_at(bytes, len, which);
		size_t to = block_at(bytes, len, which + many);

		memcpy(cut, bytes, from);
		memcpy(cut + from, bytes + to, len - to);
		for (int stream = 0; stream < 2; stream++) {
			struct finding f = verify_trace(cut, len - (to - from), stream);

			if (which + many == n_blocks) {
				assert_false(f.v.complete); /* killed before it wrote the rest */
				continue;
			}
			assert_true(f.v.complete);
			if (f.n_missing != 1)
				fail_msg("%u blocks from %u on gone: %zu damages, %zu missing",
					many, which, f.n, f.n_missing);
			assert_int_equal(f.missing.offset, from);
			if (which + many < n_blocks - 1) /* the index is there and says how much */
				assert_int_equal(f.missing.bytes, to - from);
		}
	}
	free(cut);
	free(bytes);
}

static void a_damaged_block_is_not_told_as_a_missing_one_too(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(200, &len);

	(void)state;
	for (size_t at = 0, i = 0; at < len; at = block_at(bytes, len, (unsigned)++i)) {
		bytes[at + 9] ^= 1;
		for (int stream = 0; stream < 2; stream++) {
			struct finding f = verify_trace(bytes, len, stream);

			if (!f.n || f.n_missing)
				fail_msg("block %zu: %zu damages, %zu missing", i, f.n,
					f.n_missing);
		}
		bytes[at + 9] ^= 1;
	}
	free(bytes);
}

static void a_segment_without_its_head_starts_with_its_first_event(void **state)
{
	size_t len, head;
	uint8_t *bytes = small_trace(100, &len);

	(void)state;
	head = block_at(bytes, len, 1);
	for (int stream = 0; stream < 2; stream++) {
		struct reader *r = stream ? open_stream(bytes + head, len - head)
					  : reader_open_memory(bytes + head, len - head, NULL);

		assert_int_equal(reader_begin(r, NULL), 0);
		assert_int_equal(reader_segment(r, 0)->clock.start_ns, 1000000001);
		reader_close(r);
	}
	free(bytes);
}

static void an_index_that_names_a_block_twice_is_not_used(void **state)
{
	size_t len;
	struct forge f;
	struct index_entry again;
	struct finding found;
	uint8_t *bytes;

	(void)state;
	forge_init(&f, 7);
	forge_start(&f);
	forge_schema(&f, 0, 2, FIELD_U32);
	forge_constant_events(&f, 0, 2, 10, 5000);
	again = f.emit.index[f.emit.n_index - 1];
	f.emit.index[f.emit.n_index++] = again;
	bytes = forge_finish(&f, true, &len);
	assert_int_equal(read_rows(bytes, len), 10);
	found = verify_trace(bytes, len, false);
	assert_int_equal(found.n, 2);
	assert_int_equal(found.v.events, 10);
	free(bytes);
}

static void an_index_that_leaves_a_block_out_is_not_used(void **state)
{
	size_t len;
	struct finding found;
	struct forge f;
	uint8_t *bytes;

	(void)state;
	for (unsigned which = 0; which < 3; which++) {
		forge_init(&f, 7);
		forge_start(&f);
		forge_schema(&f, 0, 2, FIELD_U32);
		forge_constant_events(&f, 0, 2, 10, 5000);
		f.emit.n_index--;
		if (which < 2)
			f.emit.index[which] = f.emit.index[f.emit.n_index];
		bytes = forge_finish(&f, true, &len);
		assert_int_equal(read_rows(bytes, len), 10);
		found = verify_trace(bytes, len, false);
		assert_true(found.n > 0);
		free(bytes);
	}
}

static void verify_reads_the_tables_of_a_segment_without_events(void **state)
{
	const struct block_header h = { .kind = BLOCK_STRINGS,
		.count = 3,
		.columns = 1,
		.first = 1,
		.last = 3 };
	size_t len;
	struct forge f;
	uint8_t *bytes;

	(void)state;
	forge_init(&f, 7);
	forge_start(&f);
	emit_plain(&f.emit, &h, "nonsense", 8);
	bytes = forge_finish(&f, true, &len);
	for (int stream = 0; stream < 2; stream++) {
		struct finding found = verify_trace(bytes, len, stream);

		assert_int_equal(found.n, 1);
		assert_int_equal(found.last.offset, block_at(bytes, len, 1));
		assert_non_null(strstr(found.last.what, "strings"));
	}
	free(bytes);
}

static void damage_in_a_stream_is_told_where_it_starts(void **state)
{
	const struct want want = { NULL, NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	size_t len, n;
	struct forge f;
	uint8_t *bytes;
	struct finding found;
	struct reader *r;
	struct merge *m;
	struct row row;

	(void)state;
	forge_init(&f, 7);
	forge_start(&f);
	forge_schema(&f, 0, 2, FIELD_U32);
	forge_constant_events(&f, 1, 2, 10, 5000); /* of a type that is not declared */
	bytes = forge_finish(&f, true, &len);
	found = verify_trace(bytes, len, true);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.last.offset, block_at(bytes, len, 2));
	r = open_stream(bytes, len);
	m = merge_new(&r, 1, &options);
	assert_int_equal(merge_next(m, &row, NULL), 0);
	assert_int_equal(reader_damage(r, &n)->offset, block_at(bytes, len, 2));
	merge_free(m);
	reader_close(r);
	free(bytes);
}

/* What `ana verify` prints about a file of these bytes (to be freed). */
static char *printed_by_verify(const uint8_t *bytes, size_t len, int status)
{
	char path[] = "/tmp/test_trace_XXXXXX", *argv[] = { "verify", path, NULL };
	int file = mkstemp(path), out = memfd_create("out", MFD_CLOEXEC), saved;
	char *text = calloc(1, 4096);

	assert_int_equal(write(file, bytes, len), len);
	close(file);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(out, STDOUT_FILENO);
	assert_int_equal(command_verify.run(2, argv), status);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_true(pread(out, text, 4095, 0) > 0);
	close(out);
	unlink(path);
	return text;
}

/* The sentence about a damaged schema quotes the name of a field. */
static void names_in_sentences_cannot_steer_the_terminal(void **state)
{
	const struct field fields[] = {
		{ .name = "time", .doc = "", .unit = "", .type = FIELD_U64 },
		{ .name = "\x1b[31m\xff", .doc = "", .unit = "", .type = 99 }
	};
	const struct event_type type = { "forged", "", fields, 2, 0 };
	const struct event_type *types[] = { &type };
	uint16_t number = 0;
	struct forge f;
	uint8_t *bytes;
	size_t len;
	char *text;

	(void)state;
	forge_init(&f, 7);
	forge_start(&f);
	emit_schema(&f.emit, types, &number, 1);
	bytes = forge_finish(&f, true, &len);
	text = printed_by_verify(bytes, len, EXIT_CHECK);
	assert_non_null(strstr(text, "\\x1b[31m\\xff has unknown type 99"));
	assert_null(strchr(text, '\x1b'));
	free(text);
	free(bytes);
}

/* 20,000 headers that claim a megabyte each: 20 GB of checksums if all were believed. What is behind
 * them is read nevertheless. */
static void headers_that_lie_do_not_take_all_day(void **state)
{
	const struct block_header lie = { .magic = TRACE_MAGIC,
		.stored = BLOCK_MAX_BYTES - 100,
		.kind = BLOCK_EVENTS,
		.columns = 1,
		.count = 1 };
	size_t len, n = 20000, total;
	uint8_t *one = small_trace(1000, &len), *bytes;
	struct scan s;
	struct block_header h;
	const void *payload;
	uint64_t offset, events = 0;

	(void)state;
	total = n * sizeof(lie) + 25 * len;
	bytes = malloc(total);
	for (size_t i = 0; i < n; i++)
		memcpy(bytes + i * sizeof(lie), &lie, sizeof(lie));
	for (size_t i = 0; i < 25; i++)
		memcpy(bytes + n * sizeof(lie) + i * len, one, len);
	scan_map(&s, bytes, 0, total);
	while (scan_next(&s, &h, &payload, &offset) > 0)
		events += h.kind == BLOCK_EVENTS ? h.count : 0;
	assert_in_range(events, 25 * 1001 - 200, 25 * 1001);
	/* A number of bytes, as no time may be asserted. */
	assert_in_range(s.tried, 1, 64 * total + (64 << 20));
	scan_done(&s);
	free(bytes);
	free(one);
}

/* ---- memory ---- */

/* What may come on top: allocators keep what is freed, AddressSanitizer 256 MB of it. */
#ifdef __SANITIZE_ADDRESS__
enum { SLACK = 400 << 20 };
#else
enum { SLACK = 32 << 20 };
#endif

struct bytes {
	uint8_t *data;
	size_t len;
};

static void read_some(void *arg)
{
	const struct bytes *b = arg;
	const struct want want = { NULL, NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct reader *r = reader_open_memory(b->data, b->len, NULL);
	struct merge *m = merge_new(&r, 1, &options);
	struct row row;

	for (unsigned i = 0; i < 1000 && merge_next(m, &row, NULL) > 0; i++)
		;
	merge_free(m);
	reader_close(r);
}

static void open_and_load(void *arg)
{
	const struct bytes *b = arg;
	struct reader *r = reader_open_memory(b->data, b->len, NULL);

	for (uint32_t i = 0; r && i < reader_n_segments(r); i++)
		reader_segment(r, i);
	reader_close(r);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* What reading takes on top of what a process takes anyway. */
static uint64_t extra_bytes(void (*body)(void *arg), struct bytes *b)
{
	uint64_t all = peak_bytes(body, b), base = peak_bytes(nothing, b);

	return all > base ? all - base : 0;
}

/* 400 blocks of 52 bytes that hold 4.7 MB each, all of one moment. */
static void blocks_that_lie_over_each_other_fit_into_memory(void **state)
{
	struct forge f;
	struct bytes b;
	uint64_t took;

	(void)state;
	forge_init(&f, 7);
	forge_start(&f);
	forge_schema(&f, 0, 9, FIELD_U8);
	for (int i = 0; i < 400; i++)
		forge_constant_events(&f, 0, 9, BLOCK_MAX_ROWS, 1000);
	b.data = forge_finish(&f, true, &b.len);
	took = extra_bytes(read_some, &b);
	if (took > MERGE_HELD_BYTES + SLACK)
		fail_msg("%zu bytes of trace took %" PRIu64, b.len, took);
	free(b.data);
}

enum { SLICED_BLOCKS = 50, SLICED_ROWS = 1400, SLICED_FIELDS = 60 };

/* Row i of block b has the time i * 100 + b, and its fields are made of that. */
static uint8_t *sliced_trace(size_t *len)
{
	struct block_header h = { .kind = BLOCK_EVENTS,
		.columns = SLICED_FIELDS,
		.count = SLICED_ROWS };
	struct forge f;

	forge_init(&f, 7);
	forge_start(&f);
	forge_schema(&f, 0, SLICED_FIELDS, FIELD_U8);
	for (uint64_t b = 0; b < SLICED_BLOCKS; b++) {
		emit_begin(&f.emit, SLICED_ROWS);
		for (uint64_t c = 0; c < SLICED_FIELDS; c++) {
			for (uint64_t i = 0; i < SLICED_ROWS; i++)
				f.emit.values[i] = c ? (i + c + b) & 0xff : i * 100 + b;
			if (c < 5)
				column_coder_add(f.emit.coder, c ? FIELD_U8 : FIELD_U64,
					f.emit.values);
			else /* LZ4 over bytes: no encoding that could be read from the middle */
				column_coder_force(f.emit.coder, FIELD_U8, f.emit.values, ENC_RAW,
					PRED_BASE, true);
		}
		h.first = b;
		h.last = (SLICED_ROWS - 1) * 100 + b;
		assert_int_equal(emit_block(&f.emit, &h), 0);
	}
	return forge_finish(&f, true, len);
}

/* More than may be held at once, so that each block is decoded slice by slice. */
static void rows_of_slices_are_right_and_in_order(void **state)
{
	const struct want want = { NULL, NULL, 0 };
	struct merge_options options = { .wants = &want, .n_wants = 1, .held_bytes = 4 << 20 };
	size_t len, n_damage;
	uint8_t *bytes = sliced_trace(&len);
	struct reader *r = reader_open_memory(bytes, len, NULL);
	struct row row;

	(void)state;
	for (int window = 0; window < 2; window++) {
		uint64_t n = 0, from = 0, end = SLICED_ROWS;
		struct merge *m;

		if (window) {
			from = 700;
			end = 1300;
			options.from_ns = from * 100;
			options.to_ns = end * 100;
		}
		m = merge_new(&r, 1, &options);
		while (merge_next(m, &row, NULL) > 0) {
			uint64_t i = from + n / SLICED_BLOCKS, b = n % SLICED_BLOCKS;

			if (row.time != i * 100 + b)
				fail_msg("row %" PRIu64 " has time %" PRIu64, n, row.time);
			for (uint64_t c = 1; c < SLICED_FIELDS; c++)
				if (row.values[c] != ((i + c + b) & 0xff))
					fail_msg("row %" PRIu64 " column %" PRIu64, n, c);
			n++;
		}
		assert_int_equal(n, (end - from) * SLICED_BLOCKS);
		merge_free(m);
	}
	reader_damage(r, &n_damage);
	assert_int_equal(n_damage, 0);
	reader_close(r);
	free(bytes);
}

/* A block of so many equal rows in hardly any bytes; of texts, empty ones. */
static void forge_table(struct forge *f, enum block_kind kind, uint32_t n, uint64_t first)
{
	const struct table_layout *t = table_layout(kind);
	uint8_t heads[64], data[1 << 14], payload[1 << 14];
	struct buf head = buf_of(heads, sizeof(heads)), all = buf_of(data, sizeof(data));
	struct block_header h = { .kind = (uint8_t)kind,
		.columns = (uint16_t)t->n_columns,
		.count = n,
		.first = first,
		.last = first + n - 1 };

	for (uint32_t c = 0; c < t->n_columns; c++) {
		bool text = t->columns[c] == FIELD_TEXT;
		size_t before = all.len;

		for (uint32_t i = 0; i < (text ? (n + 127) / 128 : 1); i++)
			buf_uint(&all, 0, text ? 2 : 1); /* smallest, width; or the base */
		buf_uint(&head, text ? ENC_TEXT : ENC_CONST, 1);
		buf_varint(&head, all.len - before);
	}
	memcpy(payload, heads, head.len);
	memcpy(payload + head.len, data, all.len);
	assert_int_equal(emit_plain(&f->emit, &h, payload, head.len + all.len), 0);
}

static void numbers_that_jump_take_no_memory(void **state)
{
	static const enum block_kind kinds[] = { BLOCK_STRINGS, BLOCK_MAPPINGS, BLOCK_FRAMES,
		BLOCK_STACKS, BLOCK_STREAMS };

	(void)state;
	for (int end = 0; end < 2; end++) {
		for (int k = 0; k < 5; k++) {
			struct forge f;
			struct bytes b;
			uint64_t took;

			forge_init(&f, 7);
			forge_start(&f);
			for (uint32_t i = 0; i < 2000; i++)
				forge_table(&f, kinds[k], 1, 1 + i * 65536);
			b.data = forge_finish(&f, end, &b.len);
			took = extra_bytes(open_and_load, &b);
			if (took > 100 * b.len + SLACK)
				fail_msg("%zu bytes of trace took %" PRIu64, b.len, took);
			free(b.data);
		}
	}
}

/* Blocks that were lost leave numbers out; those behind must be read all the same. */
static void a_lost_dictionary_block_costs_its_own_rows(void **state)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	size_t len, n;
	uint8_t *bytes;
	struct reader *r;
	char name[32];
	uint32_t last = 0;
	struct block_header h;

	(void)state;
	for (uint32_t i = 0; i < 30000; i++) {
		snprintf(name, sizeof(name), "name-%u", i);
		last = writer_string(w, name, strlen(name));
		if (i % 10000 == 9999)
			writer_flush(w, 1000000000 + i);
	}
	bytes = finish_trace(w, sink, &len);
	for (size_t at = 0; at < len; at += sizeof(h) + h.stored) {
		memcpy(&h, bytes + at, sizeof(h));
		if (h.kind == BLOCK_STRINGS) {
			bytes[at + sizeof(h)] ^= 1;
			break;
		}
	}
	r = reader_open_memory(bytes, len, NULL);
	assert_true(text_is(segment_string(reader_segment(r, 0), last), "name-29999"));
	assert_int_equal(segment_string(reader_segment(r, 0), 2).len, 0);
	reader_damage(r, &n);
	assert_int_equal(n, 1);
	reader_close(r);
	free(bytes);
}

static void a_lost_block_of_streams_costs_its_own_rows(void **state)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	size_t len, n;
	uint8_t *bytes;
	struct reader *r;
	const struct segment *s;
	struct block_header h;

	(void)state;
	for (int i = 0; i < 3; i++) {
		writer_stream(w, "cpu", 7 + i, 0);
		writer_flush(w, 1000000000 + (uint64_t)i);
	}
	bytes = finish_trace(w, sink, &len);
	for (size_t at = 0; at < len; at += sizeof(h) + h.stored) {
		memcpy(&h, bytes + at, sizeof(h));
		if (h.kind == BLOCK_STREAMS && h.first == 2) {
			assert_int_equal(h.count, 1);
			bytes[at + sizeof(h)] ^= 1;
		}
	}
	r = reader_open_memory(bytes, len, NULL);
	s = reader_segment(r, 0);
	assert_int_equal(s->n_streams, 4);
	assert_int_equal(s->streams[1].cpu, 7);
	assert_int_equal(s->streams[2].cpu, -1);
	assert_int_equal(segment_string(s, s->streams[2].name).len, 0);
	assert_int_equal(s->streams[3].cpu, 9);
	reader_damage(r, &n);
	assert_int_equal(n, 1);
	reader_close(r);
	free(bytes);
}

/* The most rows that a block of a few bytes may have, thousands of times. */
static void tables_of_equal_rows_take_a_bounded_multiple_of_their_bytes(void **state)
{
	static const enum block_kind kinds[] = { BLOCK_INFO, BLOCK_ENUMS, BLOCK_STRINGS,
		BLOCK_MAPPINGS, BLOCK_FRAMES, BLOCK_STACKS, BLOCK_STREAMS };

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct forge f;
		struct bytes b;
		uint64_t first = kinds[k] != BLOCK_STREAMS, took;

		forge_init(&f, 7);
		forge_start(&f);
		for (uint32_t i = 0; i < 10000; i++, first += 100)
			forge_table(&f, kinds[k], 100, first);
		b.data = forge_finish(&f, false, &b.len);
		took = extra_bytes(open_and_load, &b);
		if (took > 200 * b.len + SLACK)
			fail_msg("%zu bytes of %s took %" PRIu64, b.len, block_kind_name(kinds[k]),
				took);
		free(b.data);
	}
}

/* A table block of more rows than its bytes may stand for. */
static void tables_that_pack_too_tight_are_refused(void **state)
{
	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		struct finding found;
		struct forge f;
		size_t len;
		uint8_t *bytes;

		forge_init(&f, 7);
		forge_start(&f);
		/* Of two columns: 2 heads of 2 bytes and 2 bytes of data. */
		forge_table(&f, BLOCK_FRAMES, (uint32_t)table_max_rows(6) + more, 1);
		bytes = forge_finish(&f, true, &len);
		found = verify_trace(bytes, len, false);
		assert_int_equal(found.n, more);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_that_is_cut_out_is_missed),
		cmocka_unit_test(a_damaged_block_is_not_told_as_a_missing_one_too),
		cmocka_unit_test(a_segment_without_its_head_starts_with_its_first_event),
		cmocka_unit_test(an_index_that_names_a_block_twice_is_not_used),
		cmocka_unit_test(an_index_that_leaves_a_block_out_is_not_used),
		cmocka_unit_test(verify_reads_the_tables_of_a_segment_without_events),
		cmocka_unit_test(damage_in_a_stream_is_told_where_it_starts),
		cmocka_unit_test(names_in_sentences_cannot_steer_the_terminal),
		cmocka_unit_test(headers_that_lie_do_not_take_all_day),
		cmocka_unit_test(blocks_that_lie_over_each_other_fit_into_memory),
		cmocka_unit_test(rows_of_slices_are_right_and_in_order),
		cmocka_unit_test(numbers_that_jump_take_no_memory),
		cmocka_unit_test(a_lost_dictionary_block_costs_its_own_rows),
		cmocka_unit_test(a_lost_block_of_streams_costs_its_own_rows),
		cmocka_unit_test(tables_of_equal_rows_take_a_bounded_multiple_of_their_bytes),
		cmocka_unit_test(tables_that_pack_too_tight_are_refused),
	};

	return cmocka_run_group_tests_name("trace_damage", tests, NULL, NULL);
}
