/* Where traces go: rings of segments, files that follow each other, many CPUs at once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/size.h"
#include "format/reader.h"
#include "format/reserve.h"
#include "format/segment_ring.h"
#include "gen/events.h"
#include "specs/events/process.h"
#include "specs/events/recorder.h"
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
	const struct reserve none = reserve_none();
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
		assert_int_equal(sink_next_fd(sink, fds[i + 1], &none), 0);
		assert_int_equal(sink_next_fd(sink, fds[i + 1], &none), -EBUSY);
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

/* ---- room on the disk ---- */

static uint64_t bytes_taken(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void a_file_has_room_ahead_of_it_and_gives_back_what_it_does_not_need(void **state)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	uint64_t MiB = 1 << 20;
	struct reserve r;
	struct stat st;

	(void)state;
	assert_int_equal(reserve_begin(&r, fd, 0), 0);
	assert_int_equal(bytes_taken(fd), 2 * MiB);
	assert_int_equal(reserve_keep(&r, MiB), 0); /* half is there */
	assert_int_equal(reserve_until(&r), 2 * MiB);
	assert_int_equal(ftruncate(fd, (off_t)MiB + 1), 0);
	assert_int_equal(reserve_keep(&r, MiB + 1), 0);
	/* That was less than a second: what comes so fast gets more. */
	assert_int_equal(reserve_until(&r), MiB + 1 + 4 * MiB);
	assert_true(bytes_taken(fd) >= reserve_until(&r));
	/* On a disk where nothing can make room, it gets along with less. */
	assert_true(reserve_modestly(&r));
	assert_false(reserve_modestly(&r));
	assert_int_equal(reserve_keep(&r, 4 * MiB + 2), 0);
	assert_int_equal(reserve_until(&r), 6 * MiB + 2);
	reserve_end(&r);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, MiB + 1);
	assert_true(bytes_taken(fd) < 2 * MiB);
	close(fd);
}

static void a_file_reserves_no_more_than_it_may_become_unless_it_is_longer(void **state)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	struct reserve r;

	(void)state;
	assert_int_equal(reserve_begin(&r, fd, 409600), 0);
	assert_int_equal(bytes_taken(fd), 409600);
	assert_int_equal(reserve_keep(&r, 300000), 0);
	assert_int_equal(reserve_keep(&r, 409600), 0);
	assert_int_equal(bytes_taken(fd), 409600);
	assert_int_equal(reserve_keep(&r, 500000), 0);
	assert_in_range(reserve_until(&r), 500001, 1 << 20);
	assert_true(bytes_taken(fd) >= reserve_until(&r));
	reserve_end(&r);
	assert_int_equal(bytes_taken(fd), 0);
	close(fd);
}

static void what_is_no_file_has_no_reserve(void **state)
{
	struct reserve r;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(reserve_begin(&r, fds[1], 0), 0);
	assert_int_equal(reserve_until(&r), UINT64_MAX);
	assert_int_equal(reserve_keep(&r, 1 << 30), 0);
	reserve_end(&r);
	close(fds[0]);
	close(fds[1]);
}

/* A file on a disk of that size; -1: none may be mounted. */
static int file_on_disk(const char *size)
{
	char folder[] = "/tmp/disk-XXXXXX", path[64], options[64];
	int fd = -1;

	assert_non_null(mkdtemp(folder));
	snprintf(options, sizeof(options), "size=%s", size);
	if (mount("none", folder, "tmpfs", 0, options) == 0) {
		snprintf(path, sizeof(path), "%s/file", folder);
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		umount2(folder, MNT_DETACH); /* the file keeps it */
	}
	rmdir(folder);
	return fd;
}

/* Sums a field of all rows of an event where another is `with`. */
static uint64_t sum_of(struct reader *r, const char *event, const char *field, const char *by,
	uint64_t with)
{
	const char *const fields[] = { field, by };
	const struct want want = { event, fields, 2 };
	struct merge_options options = { .wants = &want, .n_wants = 1 };
	struct merge *m = merge_new(&r, 1, &options);
	uint64_t sum = 0;
	struct row row;

	while (merge_next(m, &row, NULL) > 0)
		sum += row.values[1] == with ? row.values[0] : 0;
	merge_free(m);
	return sum;
}

/* A trace on a disk of its own that fills. */
struct full_disk {
	int fd, type;
	uint64_t n, seed; /* rows so far; of random numbers */
	struct reserve reserve;
	struct sink *sink;
	struct writer *w;
};

/* Skips the test where there can be no such disk. `limit`: of the file, in bytes; 0: none. */
static void full_disk_begin(struct full_disk *d, const char *size, uint64_t limit,
	const struct event_type *event)
{
	struct writer_config config = { .start_ns = 1 };

	*d = (struct full_disk){ .fd = file_on_disk(size), .seed = 1 };
	if (d->fd < 0) {
		print_message("SKIP: no tmpfs may be mounted\n");
		skip();
	}
	assert_int_equal(reserve_begin(&d->reserve, d->fd, limit), 0);
	d->sink = sink_new(d->fd, 8 << 20);
	sink_reserve(d->sink, &d->reserve);
	d->w = writer_new(d->sink, &config);
	d->type = writer_type(d->w, event, NULL);
}

static uint32_t random_word(struct full_disk *d)
{
	d->seed = d->seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(d->seed >> 32);
}

/* A row of a random number is hardly smaller than 8 bytes. */
static void add_exit(struct full_disk *d)
{
	struct process_exit e = { .time = ++d->n, .pid = random_word(d), .tid = 7 };

	assert_int_equal(writer_add(d->w, 0, d->type, &e), 0);
}

static void add_path(struct full_disk *d)
{
	struct process_comm e = { .time = ++d->n, .pid = 7, .tid = 7 };
	uint32_t words[15];

	for (unsigned i = 0; i < 15; i++)
		words[i] = random_word(d) | 0x01010101;
	e.comm = writer_string(d->w, (const char *)words, sizeof(words));
	assert_int_equal(writer_add(d->w, 0, d->type, &e), 0);
}

/* The trace is whole, and each row is there or counted; `low` to `high` of them are only counted. */
static void full_disk_check(struct full_disk *d, const char *event, uint64_t low, uint64_t high)
{
	struct reader *r;
	size_t n_damage;
	uint64_t rest;

	assert_int_equal(writer_close(d->w, d->n + 1), 0);
	assert_int_equal(sink_full(d->sink), ENOSPC);
	writer_free(d->w);
	sink_free(d->sink);
	r = open_fd(d->fd);
	assert_true(reader_is_complete(r));
	reader_damage(r, &n_damage);
	assert_int_equal(n_damage, 0);
	rest = sum_of(r, "lost", "lost", "reason", LOST_DISK_FULL);
	assert_in_range(rest, low, high);
	assert_int_equal(rest + sum_of(r, event, "tid", "tid", 7) / 7, d->n);
	reader_close(r);
	close(d->fd);
}

/* As many rows as are twice what the reserve has room for come after the disk is full. */
static void on_a_full_disk_every_event_is_there_or_counted(void **state)
{
	struct full_disk d;
	uint64_t rest = 0;

	(void)state;
	full_disk_begin(&d, "5m", 0, &event_process_exit);
	assert_int_equal(sink_start(d.sink), 0);
	while (rest < 500000) {
		add_exit(&d);
		rest += sink_full(d.sink) != 0;
		if (!rest && d.n % 10000 == 0)
			assert_int_equal(sink_drain(d.sink, -1), 0);
	}
	assert_int_equal(sink_full(d.sink), ENOSPC);
	full_disk_check(&d, "process_exit", 100000, 500000);
}

/* The texts of the rows that wait are several times what is kept for the end, and so are those of rows that come
 * while nothing is written: in the kernel's buffers, say. */
static void on_a_full_disk_what_nothing_refers_to_costs_no_room(void **state)
{
	struct full_disk d;

	(void)state;
	full_disk_begin(&d, "3m", 0, &event_process_comm);
	assert_int_equal(sink_start(d.sink), 0);
	while (d.n < 10000)
		add_path(&d);
	assert_int_equal(writer_flush(d.w, d.n), 0);
	while (d.n < 60000)
		add_path(&d);
	full_disk_check(&d, "process_comm", 10000, 50000);
}

/* More comes at once than the thread that writes could take room for: none of it is put where there is no room. */
static void on_a_disk_that_is_full_before_a_burst_the_end_is_written(void **state)
{
	struct full_disk d;

	(void)state;
	full_disk_begin(&d, "2500k", 0, &event_process_exit);
	while (d.n < 1000000)
		add_exit(&d);
	assert_int_equal(sink_start(d.sink), 0);
	full_disk_check(&d, "process_exit", 500000, 950000);
}

/* A recording is over when its file nears --max-size: what is still on its way makes it longer. */
static void the_end_of_a_file_that_reached_its_limit_meets_no_full_disk(void **state)
{
	struct full_disk d;

	(void)state;
	full_disk_begin(&d, "1100k", 500 << 10, &event_process_comm);
	assert_int_equal(sink_start(d.sink), 0);
	while (d.n < 40000)
		add_path(&d);
	full_disk_check(&d, "process_comm", 1, d.n);
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
		cmocka_unit_test(a_file_has_room_ahead_of_it_and_gives_back_what_it_does_not_need),
		cmocka_unit_test(a_file_reserves_no_more_than_it_may_become_unless_it_is_longer),
		cmocka_unit_test(the_end_of_a_file_that_reached_its_limit_meets_no_full_disk),
		cmocka_unit_test(what_is_no_file_has_no_reserve),
		cmocka_unit_test(on_a_full_disk_every_event_is_there_or_counted),
		cmocka_unit_test(on_a_full_disk_what_nothing_refers_to_costs_no_room),
		cmocka_unit_test(on_a_disk_that_is_full_before_a_burst_the_end_is_written),
		cmocka_unit_test(a_hundred_cpus_lose_nothing),
		cmocka_unit_test(sizes_have_a_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
