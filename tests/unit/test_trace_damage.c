/* Traces that lack blocks, contradict themselves or ask for far more memory than they are long. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
		assert_int_equal(reader_segment(r, 0)->start_ns, 1000000001);
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
	};

	return cmocka_run_group_tests_name("trace_damage", tests, NULL, NULL);
}
