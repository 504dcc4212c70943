/* Requests to disks that were made up, and the sums that a report must have of them; the longest of many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/longest.h"
#include "analyze/pass.h"
#include "gen/events.h"
#include "record/disks.h"
#include "specs/events/block.h"
#include "tests/unit/support.h"

#define US 1000ULL

static void the_longest_stay_in_order(void **state)
{
	struct item {
		uint64_t key, what;
	};
	struct longest l;
	uint64_t seed = 41;

	(void)state;
	longest_init(&l, sizeof(struct item), 23);
	/* 0 to 996 in some order: 613 and 997 have no common divisor. */
	for (uint64_t i = 0; i < 997; i++) {
		struct item item = { i * 613 % 997, random_u64(&seed) };

		longest_add(&l, &item);
	}
	longest_sort(&l);
	assert_int_equal(l.n, 23);
	for (uint32_t i = 0; i < l.n; i++)
		assert_int_equal(((const struct item *)longest_get(&l, i))->key, 996 - i);
	longest_done(&l);
}

static void fewer_than_wanted_all_stay(void **state)
{
	uint64_t keys[] = { 5, 9, 7 };
	struct longest l;

	(void)state;
	longest_init(&l, sizeof(uint64_t), 20);
	for (int i = 0; i < 3; i++)
		longest_add(&l, &keys[i]);
	longest_sort(&l);
	assert_int_equal(l.n, 3);
	assert_int_equal(*(const uint64_t *)longest_get(&l, 0), 9);
	assert_int_equal(*(const uint64_t *)longest_get(&l, 2), 5);
	longest_done(&l);
}

static void unknown_disks_are_refused_with_those_there_are(void **state)
{
	static const char *const bad[] = { "", "nosuchdisk", "/dev/null", "..", "vda/../vda",
		"999:1048000", "/nonexistent" };
	struct err err = { "" };
	struct disk d;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_true(disk_find(bad[i], &d, &err) < 0);
		assert_non_null(strstr(err.text, "there are: "));
	}
}

/* ---- a report ---- */

struct disks_trace {
	struct writer *w;
	struct sink *sink;
	int io, change;
	uint32_t stream, vda, sdb, writer, reader;
	uint64_t time;
	char path[64];
};

static void begin(struct disks_trace *t)
{
	t->sink = memory_trace(&t->w);
	t->io = writer_type(t->w, &event_block_io, NULL);
	t->change = writer_type(t->w, &event_block_change, NULL);
	t->stream = writer_stream(t->w, "bpf", 0, 0);
	t->vda = writer_string(t->w, "vda", 3);
	t->sdb = writer_string(t->w, "sdb", 3);
	t->writer = writer_string(t->w, "postgres", 8);
	t->reader = writer_string(t->w, "scan", 4);
	t->time = 1000000 * US;
}

/* A request a millisecond after the one before. */
static void request(struct disks_trace *t, struct block_io e)
{
	t->time += 1000 * US;
	e.time = t->time;
	e.latency = e.queued + e.device_time;
	e.comm = e.pid == 7 ? t->writer : e.pid == 8 ? t->reader : 0;
	e.disk = e.major == 254 ? t->vda : t->sdb;
	writer_add(t->w, t->stream, t->io, &e);
}

static void merge_of_vda(struct disks_trace *t, enum block_change_kind kind)
{
	struct block_change e = { .time = t->time, .disk = t->vda, .major = 254, .kind = kind };

	writer_add(t->w, t->stream, t->change, &e);
}

/* 97 writes of 8 KiB one behind the other, 13 reads at random places of another disk, 5 of them failed, 3 asked
 * flushes with 2 flushes, one of unknown origin. */
static void fill(struct disks_trace *t)
{
	for (uint32_t i = 0; i < 97; i++)
		request(t,
			(struct block_io){ .queued = 10 * US,
				.device_time = (100 + i) * US,
				.sector = 16ULL * i,
				.bytes = 8192,
				.major = 254,
				.op = BLOCK_OP_WRITE,
				.flags = BLOCK_FLAG_SYNC,
				.depth = 1 + i % 4,
				.pid = 7,
				.tid = 7 });
	for (uint32_t i = 0; i < 13; i++)
		request(t,
			(struct block_io){ .device_time = 500 * US,
				.sector = 100000 - 1000ULL * i,
				.bytes = 4096,
				.major = 8,
				.minor = 16,
				.error = i < 5 ? 5 : 0,
				.depth = 1,
				.pid = 8,
				.tid = 9 });
	for (int i = 0; i < 2; i++)
		request(t,
			(struct block_io){ .device_time = 3000 * US,
				.major = 254,
				.op = BLOCK_OP_FLUSH,
				.pid = 7,
				.tid = 7 });
	for (int i = 0; i < 3; i++)
		request(t,
			(struct block_io){ .queued = 3100 * US,
				.major = 254,
				.op = BLOCK_OP_WRITE,
				.flags = BLOCK_FLAG_PREFLUSH,
				.pid = 7,
				.tid = 7 });
	request(t,
		(struct block_io){ .queued = 9000 * US,
			.major = 254,
			.flags = BLOCK_FLAG_BEGUN_BEFORE,
			.bytes = 512,
			.sector = 1 });
	for (int i = 0; i < 7; i++)
		merge_of_vda(t, BLOCK_CHANGE_BACK_MERGE);
	merge_of_vda(t, BLOCK_CHANGE_REQUEUE);
}

static void analyze(struct disks_trace *t, struct analyze_options *o, struct report *r,
	struct pass **pass)
{
	static const struct analyzer *const list[] = { &analyzer_block };
	const char **files = xcalloc(1, sizeof(*files));
	struct err err = { "" };
	size_t len;
	uint8_t *bytes = finish_trace(t->w, t->sink, &len);
	int fd;

	snprintf(t->path, sizeof(t->path), "/tmp/test_block-XXXXXX");
	fd = mkstemp(t->path);
	assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
	free(bytes);
	files[0] = t->path;
	o->files = files;
	o->n_files = 1;
	filter_init(&o->filter);
	report_init(r, "Disks", "");
	*pass = pass_new(list, 1, o);
	assert_int_equal(pass_run(*pass, r, &err), 0);
}

static void done(struct disks_trace *t, struct analyze_options *o, struct report *r,
	struct pass *pass)
{
	report_done(r);
	pass_free(pass);
	analyze_options_done(o);
	unlink(t->path);
}

static const struct table *table(const struct report *r, const char *id)
{
	for (uint32_t i = 0; i < r->n_sections; i++)
		if (strcmp(r->sections[i].id, id) == 0)
			return r->sections[i].table;
	fail_msg("no section %s", id);
	return NULL;
}

/* The cell in the first row whose cell in column `by` has this text. */
static const union cell *cell(const struct table *t, const char *by, const char *text,
	const char *column)
{
	int where = -1, what = -1;

	for (uint32_t i = 0; i < t->n_columns; i++) {
		where = strcmp(t->columns[i].name, by) == 0 ? (int)i : where;
		what = strcmp(t->columns[i].name, column) == 0 ? (int)i : what;
	}
	assert_true(where >= 0 && what >= 0);
	for (uint32_t row = 0; row < t->n_rows; row++)
		if (strcmp(t->cells[row * t->n_columns + (uint32_t)where].text, text) == 0)
			return &t->cells[row * t->n_columns + (uint32_t)what];
	fail_msg("no row with %s %s", by, text);
	return NULL;
}

static void a_report_has_the_sums_of_the_requests(void **state)
{
	struct analyze_options o = { .list = true };
	struct disks_trace t;
	struct report r;
	struct pass *pass;
	const struct table *x;

	(void)state;
	begin(&t);
	fill(&t);
	analyze(&t, &o, &r, &pass);
	x = table(&r, "disks");
	assert_int_equal(x->n_rows, 2);
	assert_int_equal(cell(x, "disk", "vda", "requests")->count, 97 + 2 + 3 + 1);
	assert_int_equal(cell(x, "disk", "vda", "bytes")->count, 97 * 8192 + 512);
	assert_int_equal(cell(x, "disk", "vda", "merges")->count, 7);
	assert_int_equal(cell(x, "disk", "vda", "max_depth")->count, 4);
	assert_int_equal(cell(x, "disk", "sdb", "errors")->count, 5);
	/* All writes but the first go on from another, no read does. */
	assert_true(cell(x, "disk", "vda", "sequential")->number == 96.0 / 98);
	assert_true(cell(x, "disk", "sdb", "sequential")->number == 0);
	x = table(&r, "operations");
	assert_int_equal(x->n_rows, 5);
	assert_int_equal(cell(x, "op", "write", "requests")->count, 97);
	assert_int_equal(cell(x, "op", "write", "max")->count, (10 + 196) * US);
	assert_int_equal(cell(x, "op", "write", "mean")->count, (10 + 148) * US);
	assert_int_equal(cell(x, "op", "flush", "requests")->count, 2);
	assert_int_equal(cell(x, "op", "asked flush", "requests")->count, 3);
	x = table(&r, "where");
	assert_int_equal(cell(x, "op", "write", "max")->count, 10 * US); /* in the queue */
	x = table(&r, "errors");
	assert_string_equal(x->cells[2].text, "EIO");
	assert_int_equal(x->cells[3].count, 5);
	assert_int_equal(table(&r, "requests")->n_rows, 116);
	done(&t, &o, &r, pass);
}

static void processes_have_what_they_asked_for(void **state)
{
	struct analyze_options o = { .top = 2 };
	struct disks_trace t;
	struct report r;
	struct pass *pass;
	const struct table *x;

	(void)state;
	begin(&t);
	fill(&t);
	analyze(&t, &o, &r, &pass);
	x = table(&r, "processes");
	assert_int_equal(x->n_rows, 2);
	assert_int_equal(cell(x, "comm", "postgres", "requests")->count, 97 + 3);
	assert_int_equal(cell(x, "comm", "postgres", "latency")->count,
		97 * (10 + 148) * US + 3 * 3100 * US);
	assert_int_equal(cell(x, "comm", "(not known)", "requests")->count, 1);
	x = table(&r, "worst");
	assert_int_equal(x->n_rows, 2);
	assert_string_equal(cell(x, "flags", "begun_before", "comm")->text, "(not known)");
	done(&t, &o, &r, pass);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_stay_in_order),
		cmocka_unit_test(fewer_than_wanted_all_stay),
		cmocka_unit_test(unknown_disks_are_refused_with_those_there_are),
		cmocka_unit_test(a_report_has_the_sums_of_the_requests),
		cmocka_unit_test(processes_have_what_they_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
