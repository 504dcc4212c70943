/* Where traces go: rings of segments, files that follow each other, many CPUs at once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/size.h"
#include "format/reader.h"
#include "format/segment_ring.h"
#include "gen/events.h"
#include "specs/events/process.h"
#include "tests/unit/support.h"

#define SECOND 1000000000ULL

enum { CHUNK = 32 << 10 }; /* what the ring takes memory in */

/* Puts n bytes of a value. */
static int put_bytes(struct segment_ring *r, uint8_t value, size_t n)
{
	uint8_t *bytes = malloc(n);
	int rc;

	memset(bytes, value, n);
	rc = segment_ring_put(r, bytes, n);
	free(bytes);
	return rc;
}

/* Writes a snapshot into memory; gives the first byte of each segment-sized run as a string. */
static int64_t snapshot_bytes(struct segment_ring *r, bool all, char runs[64], uint64_t *from)
{
	struct snapshot *s = segment_ring_snapshot(r, all);
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	int64_t n = snapshot_write(s, fd, from);
	uint8_t *bytes = malloc((size_t)n + 1), last = 0;
	size_t k = 0;

	assert_int_equal(pread(fd, bytes, (size_t)n, 0), n);
	for (int64_t i = 0; i < n; i++)
		if (bytes[i] != last && k < 63)
			runs[k++] = (char)(last = bytes[i]);
	runs[k] = '\0';
	free(bytes);
	close(fd);
	snapshot_free(s);
	return n;
}

static void segments_that_are_too_old_go(void **state)
{
	struct segment_ring *r = segment_ring_new(64 << 20, 10 * SECOND);
	char runs[64];
	uint64_t from;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		segment_ring_begin(r, i * 2 * SECOND);
		assert_int_equal(put_bytes(r, (uint8_t)('a' + i), 100), 0);
	}
	/* It is second 38. What ended at 28 or before is gone: a to n. */
	assert_int_equal(snapshot_bytes(r, true, runs, &from), 600);
	assert_string_equal(runs, "opqrst");
	assert_int_equal(from, 28 * SECOND);
	assert_int_equal(snapshot_bytes(r, false, runs, NULL), 500); /* t has not ended */
	assert_string_equal(runs, "opqrs");
	segment_ring_free(r);
}

static void the_oldest_go_when_it_is_full(void **state)
{
	struct segment_ring *r = segment_ring_new(64 * CHUNK, 0);
	struct segment_ring_stats stats;
	char runs[64];

	(void)state;
	for (unsigned i = 0; i < 26; i++) {
		segment_ring_begin(r, i);
		for (unsigned k = 0; k < 10; k++)
			assert_int_equal(put_bytes(r, (uint8_t)('a' + i), CHUNK), 0);
	}
	segment_ring_stats(r, &stats);
	assert_int_equal(stats.n_segments, 6); /* of 10 chunks each, 64 there are */
	assert_int_equal(stats.n_early, 20);
	assert_int_equal(stats.bytes, 60 * CHUNK);
	snapshot_bytes(r, true, runs, NULL);
	assert_string_equal(runs, "uvwxyz");
	segment_ring_free(r);
}

static void a_segment_that_fills_it_alone_is_refused_without_a_trace(void **state)
{
	struct segment_ring *r = segment_ring_new(16 * CHUNK, 0);
	char runs[64];

	(void)state;
	segment_ring_begin(r, 1);
	for (unsigned k = 0; k < 16; k++)
		assert_int_equal(put_bytes(r, 'a', CHUNK), 0);
	assert_int_equal(put_bytes(r, 'b', 1), -EAGAIN);
	assert_int_equal(snapshot_bytes(r, true, runs, NULL), 16 * CHUNK);
	assert_string_equal(runs, "a");
	segment_ring_begin(r, 2);
	assert_int_equal(put_bytes(r, 'b', 1), 0); /* the full one goes */
	snapshot_bytes(r, true, runs, NULL);
	assert_string_equal(runs, "b");
	segment_ring_free(r);
}

static void a_snapshot_keeps_what_it_holds_while_the_ring_goes_on(void **state)
{
	struct segment_ring *r = segment_ring_new(16 * CHUNK, 0);
	struct snapshot *s;
	int fd = memfd_create("snapshot", MFD_CLOEXEC);
	char last;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		segment_ring_begin(r, i);
		assert_int_equal(put_bytes(r, (uint8_t)('a' + i), 5 * CHUNK), 0);
	}
	s = segment_ring_snapshot(r, false);
	for (unsigned i = 3; i < 100; i++) {
		segment_ring_begin(r, i);
		assert_int_equal(put_bytes(r, 'z', 5 * CHUNK), 0);
	}
	assert_int_equal(snapshot_write(s, fd, NULL), 10 * CHUNK);
	assert_int_equal(pread(fd, &last, 1, 10 * CHUNK - 1), 1);
	assert_int_equal(last, 'b');
	snapshot_free(s);
	close(fd);
	segment_ring_free(r);
}

/* A file in memory, as a trace. */
static struct reader *open_fd(int fd)
{
	char path[32];
	struct reader *r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = reader_open(path, NULL);
	assert_non_null(r);
	return r;
}

static void what_a_ring_held_is_a_trace(void **state)
{
	struct writer_config config = { .start_ns = 1 };
	struct segment_ring *ring = segment_ring_new(1 << 20, 0);
	struct sink *sink = sink_new_ring(ring);
	struct writer *w = writer_new(sink, &config);
	int type = writer_type(w, &event_process_exit, NULL), fd;
	struct snapshot *s;
	struct reader *r;
	uint64_t seed = 7, rows = 0;
	size_t n;

	(void)state;
	for (uint64_t i = 1; i <= 400000; i++) {
		struct process_exit e = { .time = i,
			.pid = (uint32_t)random_u64(&seed),
			.tid = (uint32_t)random_u64(&seed) };

		assert_int_equal(writer_add(w, 0, type, &e), 0);
		if (i % 10000 == 0)
			assert_int_equal(writer_roll(w, i, i), 0);
	}
	assert_int_equal(writer_close(w, 400001), 0);
	fd = memfd_create("ring", MFD_CLOEXEC);
	s = segment_ring_snapshot(ring, true);
	assert_true(snapshot_write(s, fd, NULL) <= 1 << 20);
	snapshot_free(s);
	r = open_fd(fd);
	for (size_t i = 0; i < reader_n_blocks(r); i++) {
		const struct block_ref ref = reader_block_ref(r, i);

		rows += ref.kind == BLOCK_EVENTS ? ref.count : 0;
	}
	assert_true(rows >= 50000 && rows < 400000 && rows % 10000 == 0);
	reader_damage(r, &n);
	assert_int_equal(n, 0);
	assert_true(reader_is_complete(r));
	reader_close(r);
	close(fd);
	writer_free(w);
	sink_free(sink);
	segment_ring_free(ring);
}

/* ---- the file changes between segments, wherever the queue is ---- */

static void each_file_of_a_rotation_is_a_trace(void **state)
{
	struct writer_config config = { .start_ns = 1 };
	int fds[4];
	struct sink *sink;
	struct writer *w;
	int type, retired;
	struct reader *r;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		fds[i] = memfd_create("file", MFD_CLOEXEC);
	sink = sink_new(fds[0], 1 << 20);
	w = writer_new(sink, &config);
	type = writer_type(w, &event_process_exit, NULL);
	assert_int_equal(sink_start(sink), 0);
	for (unsigned i = 0; i < 4; i++) {
		for (uint64_t k = 0; k < 1000; k++)
			writer_add(w, 0, type, &(struct process_exit){ .time = i * 1000 + k + 1 });
		if (i == 3)
			break;
		assert_int_equal(sink_next_fd(sink, fds[i + 1]), 0);
		assert_int_equal(sink_next_fd(sink, fds[i + 1]), -EBUSY);
		assert_int_equal(writer_roll(w, (i + 1) * 1000 + 1, 0), 0);
		assert_int_equal(sink_drain(sink, -1), 0);
		while ((retired = sink_retired_fd(sink)) < 0)
			usleep(100);
		assert_int_equal(retired, fds[i]);
	}
	assert_int_equal(writer_close(w, 5000), 0);
	for (unsigned i = 0; i < 4; i++) {
		r = open_fd(fds[i]);
		assert_int_equal(reader_n_segments(r), 1);
		assert_true(reader_is_complete(r));
		reader_damage(r, &n);
		assert_int_equal(n, 0);
		reader_close(r);
		close(fds[i]);
	}
	writer_free(w);
	sink_free(sink);
}

/* ---- many CPUs ---- */

static void a_hundred_cpus_lose_nothing(void **state)
{
	enum { CPUS = 100, EACH = 5000 };
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	int type = writer_type(w, &event_process_exit, NULL);
	uint32_t streams[CPUS], seen[CPUS] = { 0 };
	static const char *const fields[] = { "pid", "tid" };
	const struct want want = { "process_exit", fields, 2 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct writer_stats stats;
	uint64_t last = 0, n = 0;
	struct reader *r;
	struct merge *m;
	struct row row;
	uint8_t *bytes;
	size_t len;

	(void)state;
	for (unsigned c = 0; c < CPUS; c++)
		streams[c] = writer_stream(w, "cpu", (int)c, 0);
	for (uint32_t i = 0; i < EACH; i++) {
		for (uint32_t c = 0; c < CPUS; c++) {
			struct process_exit e = { .time = 1000000001 + (uint64_t)i * 1000 + c * 7,
				.pid = c,
				.tid = i };

			assert_int_equal(writer_add(w, streams[c], type, &e), 0);
		}
		if (i % 1000 == 999)
			writer_flush(w, 1000000001 + (uint64_t)i * 1000);
	}
	writer_stats(w, &stats);
	assert_int_equal(stats.dropped, 0);
	bytes = finish_trace(w, sink, &len);
	r = reader_open_memory(bytes, len, NULL);
	m = merge_new(&r, 1, &options);
	while (merge_next(m, &row, NULL) > 0) {
		assert_true(row.time >= last);
		last = row.time;
		assert_int_equal(row.values[1], seen[row.values[0]]++);
		n++;
	}
	assert_int_equal(n, CPUS * EACH);
	merge_free(m);
	reader_close(r);
	free(bytes);
}

static void sizes_have_a_unit(void **state)
{
	static const char *const bad[] = { "", "5", "M", "-1M", "5m", "5Mb", "5 M", "5MiBs", "nanM",
		"1e30T" };
	uint64_t v = 0;
	char text[32];

	(void)state;
	assert_int_equal(size_parse("64M", &v), 0);
	assert_int_equal(v, 64 << 20);
	assert_int_equal(size_parse("1.5KiB", &v), 0);
	assert_int_equal(v, 1536);
	assert_int_equal(size_parse("2GB", &v), 0);
	assert_int_equal(v, 2ULL << 30);
	assert_int_equal(size_parse("1T", &v), 0);
	assert_int_equal(v, 1ULL << 40);
	assert_string_equal(size_text(1023, text), "1023 bytes");
	assert_string_equal(size_text(1536, text), "1.5 KiB");
	assert_string_equal(size_text(5ULL << 40, text), "5.0 TiB");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(size_parse(bad[i], &v), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_that_are_too_old_go),
		cmocka_unit_test(the_oldest_go_when_it_is_full),
		cmocka_unit_test(a_segment_that_fills_it_alone_is_refused_without_a_trace),
		cmocka_unit_test(a_snapshot_keeps_what_it_holds_while_the_ring_goes_on),
		cmocka_unit_test(what_a_ring_held_is_a_trace),
		cmocka_unit_test(each_file_of_a_rotation_is_a_trace),
		cmocka_unit_test(a_hundred_cpus_lose_nothing),
		cmocka_unit_test(sizes_have_a_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
