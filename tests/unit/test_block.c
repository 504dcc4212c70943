/* Requests to disks that were made up, and the sums that a report must have of them; the longest of many. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "analyze/longest.h"
#include "gen/block.skel.h"
#include "gen/events.h"
#include "record/block_files.h"
#include "record/disks.h"
#include "specs/events/block.h"
#include "tests/unit/analysis.h"

#define US 1000ULL

static void the_longest_stay_in_order(void **state)
{
	struct item {
		struct longest_key key;
		uint64_t what;
	};
	struct longest l;
	uint64_t seed = 41;

	(void)state;
	longest_init(&l, sizeof(struct item), 23);
	/* 0 to 996 in some order: 613 and 997 have no common divisor. */
	for (uint64_t i = 0; i < 997; i++) {
		struct item item = { { i * 613 % 997, i }, random_u64(&seed) };

		longest_add(&l, &item);
	}
	longest_sort(&l);
	assert_int_equal(l.n, 23);
	for (uint32_t i = 0; i < l.n; i++)
		assert_int_equal(((const struct item *)longest_get(&l, i))->key.length, 996 - i);
	longest_done(&l);
}

static void of_equal_ones_the_earliest_stay(void **state)
{
	struct longest l;

	(void)state;
	longest_init(&l, sizeof(struct longest_key), 7);
	for (uint64_t i = 0; i < 97; i++)
		longest_add(&l, &(struct longest_key){ 5, i * 61 % 97 });
	longest_sort(&l);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(((const struct longest_key *)longest_get(&l, i))->time, i);
	assert_false(longest_keeps(&l, (struct longest_key){ 5, 7 }));
	assert_true(longest_keeps(&l, (struct longest_key){ 6, 7 }));
	longest_done(&l);
}

static void fewer_than_wanted_all_stay(void **state)
{
	struct longest_key keys[] = { { 5, 1 }, { 9, 2 }, { 7, 3 } };
	struct longest l;

	(void)state;
	longest_init(&l, sizeof(keys[0]), 20);
	for (int i = 0; i < 3; i++)
		longest_add(&l, &keys[i]);
	longest_sort(&l);
	assert_int_equal(l.n, 3);
	assert_int_equal(((const struct longest_key *)longest_get(&l, 0))->length, 9);
	assert_int_equal(((const struct longest_key *)longest_get(&l, 2))->length, 5);
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

/* ---- names of files ---- */

/* Text of /proc/PID/mountinfo, as a file. */
static struct mounts *mounts_of(const char *text)
{
	char path[] = "/tmp/mounts-XXXXXX";
	int fd = mkstemp(path);
	struct mounts *m;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	m = mounts_new(path);
	unlink(path);
	return m;
}

static const char *path_at(struct mounts *m, uint32_t device, const char *path)
{
	static char to[256];

	size_t n = mounts_path(m, device, path, to, sizeof(to));

	assert_int_equal(n, strlen(to));
	return to;
}

static void paths_begin_where_their_file_system_is_mounted(void **state)
{
	struct mounts *m = mounts_of(
		"21 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		"22 21 254:1 /srv/data /mnt/bound rw - ext4 /dev/vda1 rw\n"
		"nonsense\n"
		"23 21 7:0 / /mnt/my\\040disk\\134 rw shared:2 - ext4 /dev/loop0 rw\n"
		"24 21 8:16 /only/this /opt/part rw - xfs /dev/sdb rw\n");

	(void)state;
	assert_string_equal(path_at(m, disk_number(254, 1), "/srv/data/x"), "/srv/data/x");
	assert_string_equal(path_at(m, disk_number(7, 0), "/a/b"), "/mnt/my disk\\/a/b");
	assert_string_equal(path_at(m, disk_number(8, 16), "/only/this/f"), "/opt/part/f");
	assert_string_equal(path_at(m, disk_number(8, 16), "/only/thistle"), "/only/thistle");
	assert_string_equal(path_at(m, disk_number(9, 9), "/a"), "/a");
	mounts_free(m);
	m = mounts_new("/nonexistent");
	assert_string_equal(path_at(m, 0, "/a"), "/a");
	mounts_free(m);
}

static const char *told_path(struct mounts *m, const char *names, uint16_t bytes, bool whole)
{
	static char to[BLOCK_FILE_PATH];
	struct ring_block_file told = { .device = disk_number(7, 0),
		.bytes = bytes,
		.whole = whole };

	memcpy(told.names, names, bytes < sizeof(told.names) ? bytes : sizeof(told.names));
	to[block_file_path(&told, m, to)] = '\0';
	return to;
}

static void names_that_programs_tell_become_paths(void **state)
{
	struct mounts *m = mounts_of("23 21 7:0 / /mnt rw - ext4 /dev/loop0 rw\n");
	char full[BLOCK_NAMES_BYTES];

	(void)state;
	assert_string_equal(told_path(m, "file\0inner\0outer", 17, true), "/mnt/outer/inner/file");
	assert_string_equal(told_path(m, "file\0inner", 11, false), ".../inner/file");
	assert_string_equal(told_path(m, "file", 5, true), "/mnt/file");
	assert_string_equal(told_path(m, "", 0, true), "");
	assert_string_equal(told_path(m, "\0\0", 3, true), "");
	/* No end, more bytes than there are. */
	memset(full, 'x', sizeof(full));
	assert_int_equal(strlen(told_path(m, full, 65535, true)), strlen("/mnt/") + sizeof(full));
	memset(full, '\0', sizeof(full));
	for (size_t i = 0; i < sizeof(full); i += 2)
		full[i] = 'a';
	assert_int_equal(strlen(told_path(m, full, sizeof(full), true)),
		strlen("/mnt") + sizeof(full));
	mounts_free(m);
}

static uint32_t string_of(struct block_files *f, uint32_t device, uint32_t generation,
	uint64_t inode)
{
	struct block_file id = { device, generation, inode };

	return block_files_string(f, &id, 0);
}

static void known_files_have_their_names_in_each_segment(void **state)
{
	struct ring_block_file told = { .inode = 41, .device = 5, .whole = 1 };
	struct block_files *f;
	struct story s;

	(void)state;
	story_begin(&s);
	f = block_files_new(s.w);
	assert_int_equal(string_of(f, 5, 0, 41), 0);
	told.bytes = (uint16_t)sizeof("first");
	memcpy(told.names, "first", sizeof("first"));
	assert_false(block_files_learn(f, &told));
	assert_int_equal(string_of(f, 5, 0, 41), story_string(&s, "/first"));
	assert_int_equal(string_of(f, 6, 0, 41), 0);
	told.bytes = (uint16_t)sizeof("other");
	memcpy(told.names, "other", sizeof("other"));
	assert_false(block_files_learn(f, &told));
	assert_int_equal(string_of(f, 5, 0, 41), story_string(&s, "/other"));
	/* 65536 are remembered. */
	for (told.inode = 1000; told.inode < 1000 + 65535; told.inode++)
		assert_false(block_files_learn(f, &told));
	assert_true(block_files_learn(f, &told));
	assert_int_equal(string_of(f, 5, 0, 41), 0);
	assert_int_not_equal(string_of(f, 5, 0, told.inode), 0);
	block_files_free(f);
	story_end(&s);
	story_done(&s);
}

/* Subvolumes of btrfs have one device number to the kernel, and count their inodes from 256. */
static void files_of_one_number_are_told_apart_by_their_generation(void **state)
{
	struct ring_block_file told = { .inode = 257, .device = 5, .generation = 8, .whole = 1 };
	struct block_files *f;
	struct story s;

	(void)state;
	story_begin(&s);
	f = block_files_new(s.w);
	told.bytes = (uint16_t)sizeof("first");
	memcpy(told.names, "first", sizeof("first"));
	assert_false(block_files_learn(f, &told));
	told.generation = 9;
	memcpy(told.names, "other", sizeof("other"));
	assert_false(block_files_learn(f, &told));
	assert_int_equal(string_of(f, 5, 8, 257), story_string(&s, "/first"));
	assert_int_equal(string_of(f, 5, 9, 257), story_string(&s, "/other"));
	assert_int_equal(string_of(f, 5, 0, 257), 0);
	block_files_free(f);
	story_end(&s);
	story_done(&s);
}

static void descriptors_of_who_asks_have_names_too(void **state)
{
	char path[] = "/tmp/open-XXXXXX";
	int fd = mkstemp(path);
	struct block_file id;
	struct block_files *f;
	struct story s;
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	story_begin(&s);
	f = block_files_new(s.w);
	id = (struct block_file){ disk_number(major(st.st_dev), minor(st.st_dev)), 7, st.st_ino };
	assert_int_equal(block_files_string(f, &id, (uint32_t)getpid()), story_string(&s, path));
	id.device = disk_number(4095, 7);
	assert_int_equal(block_files_string(f, &id, (uint32_t)getpid()), 0);
	block_files_free(f);
	story_end(&s);
	story_done(&s);
	close(fd);
	unlink(path);
}

/* ---- a report ---- */

struct disks_trace {
	struct story story;
	int io, change;
	uint32_t vda, sdb, writer, reader, weight;
	uint64_t time;
};

static void begin(struct disks_trace *t)
{
	story_begin(&t->story);
	t->io = writer_type(t->story.w, &event_block_io, NULL);
	t->change = writer_type(t->story.w, &event_block_change, NULL);
	t->vda = story_string(&t->story, "vda");
	t->sdb = story_string(&t->story, "sdb");
	t->writer = story_string(&t->story, "postgres");
	t->reader = story_string(&t->story, "scan");
	t->time = 1000000 * US;
	t->weight = 1;
}

/* A request a millisecond after the one before. */
static void request(struct disks_trace *t, struct block_io e)
{
	t->time += 1000 * US;
	e.time = t->time;
	e.latency = e.queued + e.device_time;
	e.comm = e.pid == 7 ? t->writer : e.pid == 8 ? t->reader : 0;
	e.disk = e.major == 254 ? t->vda : t->sdb;
	e.weight = t->weight;
	writer_add(t->story.w, t->story.stream, t->io, &e);
}

static void merge_of_vda(struct disks_trace *t, enum block_change_kind kind)
{
	struct block_change e = { .time = t->time,
		.disk = t->vda,
		.major = 254,
		.kind = kind,
		.weight = t->weight };

	writer_add(t->story.w, t->story.stream, t->change, &e);
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

/* The report of those requests. */
static void analyze(struct disks_trace *t, struct analysis *a)
{
	begin(t);
	fill(t);
	story_end(&t->story);
	analysis_run(a, &analyzer_block, &t->story);
}

#define KERNEL_TYPES "/sys/kernel/btf/vmlinux"

/* A copy of the kernel's types in which a word is another one, as long. */
static void put_types(int to, const char *word, const char *other)
{
	size_t bytes = 0, size = 64 << 20;
	char *types = malloc(size), *at;
	int from = open(KERNEL_TYPES, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while (from >= 0 && (n = read(from, types + bytes, size - bytes)) > 0)
		bytes += (size_t)n;
	close(from);
	at = memmem(types, bytes, word, strlen(word) + 1);
	while (at && at[-1])
		at = memmem(at + 1, bytes - (size_t)(at + 1 - types), word, strlen(word) + 1);
	assert_non_null(at);
	memcpy(at, other, strlen(other) + 1);
	assert_int_equal(write(to, types, bytes), bytes);
	free(types);
}

static int load_programs(const char *types)
{
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = types);
	struct block_bpf *skel = block_bpf__open_opts(&opts);
	int rc = -errno;

	if (skel) {
		skel->rodata->block_names = true;
		rc = block_bpf__load(skel);
	}
	block_bpf__destroy(skel);
	return rc;
}

static void programs_load_where_a_page_has_other_fields(void **state)
{
	static const char *const renamed[][2] = { { "compound_head", "compound_info" },
		{ "mapping", "folding" } };

	(void)state;
	if (load_programs(NULL)) {
		print_message("BPF is refused here, or has no types\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		char path[] = "/tmp/types-XXXXXX";
		int fd = mkstemp(path), rc;

		put_types(fd, renamed[i][0], renamed[i][1]);
		rc = load_programs(path);
		close(fd);
		unlink(path);
		assert_int_equal(rc, 0);
	}
}

static void a_report_has_the_sums_of_the_requests(void **state)
{
	struct analysis a = { .options.list = true };
	struct disks_trace t;

	(void)state;
	analyze(&t, &a);
	assert_int_equal(analysis_table(&a, "disks")->n_rows, 2);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "requests")->count,
		97 + 2 + 3 + 1);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "bytes")->count,
		97 * 8192 + 512);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "merges")->count, 7);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "max_depth")->count, 4);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "sdb", "errors")->count, 5);
	/* All writes but the first go on from another, no read does. */
	assert_true(analysis_cell(&a, "disks", "disk", "vda", "sequential")->number == 96.0 / 98);
	assert_true(analysis_cell(&a, "disks", "disk", "sdb", "sequential")->number == 0);
	assert_int_equal(analysis_table(&a, "operations")->n_rows, 5);
	assert_int_equal(analysis_cell(&a, "operations", "op", "write", "requests")->count, 97);
	assert_int_equal(analysis_cell(&a, "operations", "op", "write", "max")->count,
		(10 + 196) * US);
	assert_int_equal(analysis_cell(&a, "operations", "op", "write", "mean")->count,
		(10 + 148) * US);
	assert_int_equal(analysis_cell(&a, "operations", "op", "flush", "requests")->count, 2);
	assert_int_equal(analysis_cell(&a, "operations", "op", "asked flush", "requests")->count,
		3);
	assert_int_equal(analysis_cell(&a, "where", "op", "write", "max")->count,
		10 * US); /* in the queue */
	assert_string_equal(analysis_cell(&a, "errors", NULL, NULL, "error")->text, "EIO");
	assert_int_equal(analysis_cell(&a, "errors", NULL, NULL, "requests")->count, 5);
	assert_int_equal(analysis_table(&a, "requests")->n_rows, 116);
	/* As in a trace from before that was recorded. */
	assert_null(analysis_find(&a, "files"));
	analysis_done(&a);
	story_done(&t.story);
}

/* The same requests, each for 7. */
static void requests_that_stand_for_several_count_so_everywhere(void **state)
{
	struct analysis a = { .options.list = true };
	struct disks_trace t;
	const struct heatmap *h;
	uint64_t n = 0;

	(void)state;
	begin(&t);
	t.weight = 7;
	fill(&t);
	story_end(&t.story);
	analysis_run(&a, &analyzer_block, &t.story);
	assert_int_equal(analysis_cell(&a, "latency", NULL, NULL, "requests")->count, 7 * 116);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "requests")->count, 7 * 103);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "bytes")->count,
		7 * (97 * 8192 + 512));
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "merges")->count, 7 * 7);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "sdb", "errors")->count, 7 * 5);
	/* Of the depths 1 to 4 in turn the mean stays. */
	assert_true(analysis_cell(&a, "disks", "disk", "vda", "depth")->number == 241.0 / 97);
	assert_int_equal(analysis_cell(&a, "disks", "disk", "vda", "max_depth")->count, 4);
	assert_int_equal(analysis_cell(&a, "operations", "op", "write", "requests")->count, 7 * 97);
	assert_int_equal(analysis_cell(&a, "operations", "op", "write", "bytes")->count,
		7 * 97 * 8192);
	assert_int_equal(analysis_cell(&a, "operations", "op", "write", "mean")->count,
		(10 + 148) * US);
	assert_int_equal(analysis_cell(&a, "sizes", NULL, NULL, "requests")->count, 7);
	assert_int_equal(analysis_cell(&a, "processes", "comm", "postgres", "latency")->count,
		7 * (97 * (10 + 148) * US + 3 * 3100 * US));
	assert_int_equal(analysis_cell(&a, "processes", "comm", "postgres", "writes")->count,
		7 * (97 + 3));
	assert_int_equal(analysis_cell(&a, "processes", "comm", "scan", "read_bytes")->count,
		7 * 13 * 4096);
	assert_int_equal(analysis_cell(&a, "errors", NULL, NULL, "requests")->count, 7 * 5);
	h = analysis_section(&a, "latency_heatmap")->heatmap;
	for (uint32_t i = 0; i < h->x.n * h->y.n; i++)
		n += h->cells[i];
	assert_int_equal(n, 7 * 116);
	/* One by one they are what was recorded, and what follows what is not known. */
	assert_int_equal(analysis_table(&a, "requests")->n_rows, 116);
	assert_int_equal(analysis_table(&a, "disks")->n_columns, 10);
	assert_true(analysis_notes(&a, "estimates from 116 requests"));
	analysis_done(&a);
	story_done(&t.story);
}

static void processes_have_what_they_asked_for(void **state)
{
	struct analysis a = { .options.top = 2 };
	struct disks_trace t;

	(void)state;
	analyze(&t, &a);
	assert_int_equal(analysis_table(&a, "processes")->n_rows, 2);
	assert_int_equal(analysis_cell(&a, "processes", "comm", "postgres", "requests")->count,
		97 + 3);
	assert_int_equal(analysis_cell(&a, "processes", "comm", "postgres", "latency")->count,
		97 * (10 + 148) * US + 3 * 3100 * US);
	assert_int_equal(analysis_cell(&a, "processes", "comm", "(not known)", "requests")->count,
		1);
	assert_int_equal(analysis_table(&a, "worst")->n_rows, 2);
	assert_string_equal(analysis_cell(&a, "worst", "flags", "begun_before", "comm")->text,
		"(not known)");
	analysis_done(&a);
	story_done(&t.story);
}

/* Of two files (one without a name), a disk, memory, and of what is not known; the numbers of files of one name
 * are no matter, those of devices are. */
static void files_have_what_was_asked_of_them(void **state)
{
	struct analysis a = { .options.list = true };
	struct disks_trace t;
	uint32_t log, vda;
	struct block_io e = { .device_time = 10 * US,
		.bytes = 4096,
		.major = 254,
		.op = BLOCK_OP_WRITE };

	(void)state;
	begin(&t);
	log = story_string(&t.story, "/var/log/x");
	vda = t.vda;
	for (uint32_t i = 0; i < 97; i++) {
		e.data = BLOCK_DATA_FILE;
		e.file = log;
		e.inode = 100 + i % 2;
		e.file_major = 254;
		e.op = i < 13 ? BLOCK_OP_READ : BLOCK_OP_WRITE;
		request(&t, e);
	}
	e.file_major = 8;
	for (int i = 0; i < 5; i++)
		request(&t, e);
	e.file = 0;
	for (int i = 0; i < 3; i++)
		request(&t, e);
	e.data = BLOCK_DATA_DISK;
	e.file = vda;
	request(&t, e);
	e.data = BLOCK_DATA_MEMORY;
	request(&t, e);
	e.data = BLOCK_DATA_UNKNOWN;
	request(&t, e);
	e.data = BLOCK_DATA_NONE;
	e.op = BLOCK_OP_DISCARD;
	e.pid = 8;
	request(&t, e);
	request(&t, e);
	e.op = BLOCK_OP_FLUSH;
	e.bytes = 0;
	request(&t, e);
	story_end(&t.story);
	analysis_run(&a, &analyzer_block, &t.story);
	assert_int_equal(analysis_table(&a, "files")->n_rows, 6);
	assert_int_equal(analysis_cell(&a, "files", "file", "/var/log/x", "requests")->count, 97);
	assert_int_equal(analysis_cell(&a, "files", "file", "/var/log/x", "reads")->count, 13);
	assert_int_equal(analysis_cell(&a, "files", "file", "/var/log/x", "write_bytes")->count,
		84 * 4096);
	assert_int_equal(analysis_cell(&a, "files", "file", "(inode 100 on 8:0)", "writes")->count,
		3);
	assert_int_equal(analysis_cell(&a, "files", "file", "(vda: metadata, or the disk itself)",
				 "requests")
				 ->count,
		1);
	assert_int_equal(analysis_cell(&a, "files", "file", "(memory of processes)", "requests")
				 ->count,
		1);
	assert_int_equal(analysis_cell(&a, "files", "file", "(not known)", "requests")->count, 1);
	/* Who asked is known of discards, and what they are neither. */
	assert_int_equal(analysis_cell(&a, "processes", "comm", "scan", "requests")->count, 2);
	assert_int_equal(analysis_cell(&a, "processes", "comm", "scan", "reads")->count, 0);
	assert_int_equal(analysis_cell(&a, "processes", "comm", "scan", "writes")->count, 0);
	assert_string_equal(analysis_cell(&a, "requests", NULL, NULL, "file")->text, "/var/log/x");
	assert_true(analysis_notes(&a, "are of no file: 3 are not among"));
	analysis_done(&a);
	story_done(&t.story);
}

/* Two that the disk still has, begun 7 and 30 ms before the end, and nothing else. */
static void requests_in_flight_are_told_apart_and_in_no_sum(void **state)
{
	struct analysis a = { 0 };
	struct disks_trace t;
	struct block_unfinished e = { .bytes = 8192, .op = BLOCK_OP_WRITE, .pid = 7, .tid = 7 };
	int type;

	(void)state;
	begin(&t);
	type = writer_type(t.story.w, &event_block_unfinished, NULL);
	e.disk = t.vda;
	e.time = t.time + 40000 * US;
	e.begin = e.issued = e.time - 7000 * US;
	writer_add(t.story.w, t.story.stream, type, &e);
	e.begin = e.time - 30000 * US;
	e.issued = 0;
	e.disk = t.sdb;
	writer_add(t.story.w, t.story.stream, type, &e);
	story_end(&t.story);
	analysis_run(&a, &analyzer_block, &t.story);
	assert_int_equal(a.report.n_sections, 1);
	assert_int_equal(analysis_table(&a, "unfinished")->n_rows, 2);
	assert_int_equal(analysis_cell(&a, "unfinished", "where", "device", "age")->count,
		7000 * US);
	assert_int_equal(analysis_cell(&a, "unfinished", "where", "queue", "age")->count,
		30000 * US);
	assert_string_equal(analysis_cell(&a, "unfinished", "disk", "sdb", "op")->text, "write");
	analysis_done(&a);
	story_done(&t.story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_stay_in_order),
		cmocka_unit_test(of_equal_ones_the_earliest_stay),
		cmocka_unit_test(fewer_than_wanted_all_stay),
		cmocka_unit_test(unknown_disks_are_refused_with_those_there_are),
		cmocka_unit_test(paths_begin_where_their_file_system_is_mounted),
		cmocka_unit_test(names_that_programs_tell_become_paths),
		cmocka_unit_test(known_files_have_their_names_in_each_segment),
		cmocka_unit_test(files_of_one_number_are_told_apart_by_their_generation),
		cmocka_unit_test(descriptors_of_who_asks_have_names_too),
		cmocka_unit_test(programs_load_where_a_page_has_other_fields),
		cmocka_unit_test(a_report_has_the_sums_of_the_requests),
		cmocka_unit_test(requests_that_stand_for_several_count_so_everywhere),
		cmocka_unit_test(processes_have_what_they_asked_for),
		cmocka_unit_test(files_have_what_was_asked_of_them),
		cmocka_unit_test(requests_in_flight_are_told_apart_and_in_no_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
