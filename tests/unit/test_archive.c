/* Traces in archives, and archives that were made to do harm. */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/archive.h"
#include "analyze/inputs.h"
#include "tests/unit/support.h"

/* ---- making archives ---- */

struct maker {
	struct archive *to;
	int fd;
};

static struct maker begin(int format, int filter, const char *options)
{
	struct maker m = { archive_write_new(), memfd_create("archive", MFD_CLOEXEC) };

	assert_int_equal(archive_write_set_format(m.to, format), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter(m.to, filter), ARCHIVE_OK);
	if (options)
		assert_int_equal(archive_write_set_options(m.to, options), ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(m.to, 1);
	if (options)
		archive_write_set_passphrase(m.to, "secret");
	assert_int_equal(archive_write_open_fd(m.to, m.fd), ARCHIVE_OK);
	return m;
}

static struct archive_entry *entry(const char *name, int type, int64_t size)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, (unsigned)type);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, size);
	return e;
}

static void add(struct maker *m, const char *name, const void *data, size_t len)
{
	struct archive_entry *e = entry(name, AE_IFREG, (int64_t)len);

	assert_int_equal(archive_write_header(m->to, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(m->to, data, len), len);
	archive_entry_free(e);
}

/* Not of zeros, as these are an empty .tar. */
static void add_much(struct maker *m, const char *name, uint64_t len)
{
	static uint8_t bytes[1 << 20];
	struct archive_entry *e = entry(name, AE_IFREG, (int64_t)len);

	memset(bytes, 'z', sizeof(bytes));

	assert_int_equal(archive_write_header(m->to, e), ARCHIVE_OK);
	for (uint64_t at = 0; at < len; at += sizeof(bytes))
		assert_int_equal(archive_write_data(m->to, bytes, sizeof(bytes)), sizeof(bytes));
	archive_entry_free(e);
}

static void add_link(struct maker *m, const char *name, const char *to, bool hard)
{
	struct archive_entry *e = entry(name, hard ? AE_IFREG : AE_IFLNK, 0);

	if (hard)
		archive_entry_set_hardlink(e, to);
	else
		archive_entry_set_symlink(e, to);
	assert_int_equal(archive_write_header(m->to, e), ARCHIVE_OK);
	archive_entry_free(e);
}

static int end(struct maker *m)
{
	assert_int_equal(archive_write_close(m->to), ARCHIVE_OK);
	archive_write_free(m->to);
	lseek(m->fd, 0, SEEK_SET);
	return m->fd;
}

/* The name under which the file can be opened once more. */
static const char *name_of(int fd)
{
	static char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

/* ---- asking ---- */

struct seen {
	uint32_t n;
	uint64_t bytes;
	char last[64];
};

static bool wants_all(void *ctx, const struct archive_member *m)
{
	(void)ctx;
	(void)m;
	return true;
}

static bool wants_none(void *ctx, const struct archive_member *m)
{
	(void)ctx;
	(void)m;
	return false;
}

static int take(void *ctx, const struct archive_member *m, int fd, struct err *err)
{
	struct seen *s = ctx;
	struct stat st;

	(void)err;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0); /* it has no name */
	s->n++;
	s->bytes += (uint64_t)st.st_size;
	snprintf(s->last, sizeof(s->last), "%s", m->name);
	close(fd);
	return 0;
}

static int visit(int fd, bool all, struct seen *s, struct err *err)
{
	const struct archive_visitor v = { all ? wants_all : wants_none, take, s, 0 };

	*s = (struct seen){ 0 };
	return archive_visit(fd, &v, err);
}

static uint32_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint32_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int list_one(int fd, struct file_list *list, struct arena *a, struct err *err)
{
	const char *word = name_of(fd);

	return inputs_list(list, &word, 1, a, err);
}

/* ---- what is good ---- */

static void the_traces_of_an_archive_are_its_inputs_by_name(void **state)
{
	static const int ways[][2] = { { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE },
		{ ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_GZIP },
		{ ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_ZSTD },
		{ ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_XZ },
		{ ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_BZIP2 },
		{ ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE } };

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct maker m = begin(ways[i][0], ways[i][1], NULL);
		uint32_t before = open_files();
		struct file_list list;
		struct arena a = { 0 };
		struct err err = { "" };
		char text[16] = "";

		add(&m, "run/b.rec", "second", 6);
		add(&m, "notes.txt", "x", 1);
		add(&m, "run/._b.rec", "y", 1); /* what another system adds */
		add(&m, "a.rec", "first", 5);
		add(&m, "unnamed", "\x89RECthird", 9);
		assert_int_equal(list_one(end(&m), &list, &a, &err), 0);
		assert_int_equal(list.n, 3);
		assert_non_null(strstr(list.files[0].name, "/a.rec"));
		assert_non_null(strstr(list.files[1].name, "/run/b.rec"));
		assert_non_null(strstr(list.files[2].name, "/unnamed"));
		assert_int_equal(pread(list.files[1].fd, text, sizeof(text), 0), 6);
		assert_string_equal(text, "second");
		inputs_unlist(&list);
		arena_done(&a);
		assert_int_equal(open_files(), before);
		close(m.fd);
	}
}

static void a_compressed_file_is_its_content(void **state)
{
	struct maker m = begin(ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_ZSTD, NULL);
	struct file_list list;
	struct arena a = { 0 };
	char text[16] = "";

	(void)state;
	add(&m, "x", "alone", 5);
	assert_int_equal(list_one(end(&m), &list, &a, NULL), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(pread(list.files[0].fd, text, sizeof(text), 0), 5);
	assert_string_equal(text, "alone");
	inputs_unlist(&list);
	arena_done(&a);
	close(m.fd);
}

static void an_archive_without_traces_says_so(void **state)
{
	struct maker m = begin(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, NULL);
	struct file_list list;
	struct arena a = { 0 };
	struct err err = { "" };

	(void)state;
	add(&m, "readme", "x", 1);
	assert_int_equal(list_one(end(&m), &list, &a, &err), -ENOENT);
	assert_non_null(strstr(err.text, "archive without traces"));
	inputs_unlist(&list);
	arena_done(&a);
	close(m.fd);
}

/* ---- pipes ---- */

/* A pipe, or a socket, into which another process writes so many bytes at a time. */
static int feed(bool socket, const void *bytes, size_t len, size_t step, pid_t *pid)
{
	int ends[2];

	assert_int_equal(socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends), 0);
	*pid = fork();
	if (*pid == 0) {
		close(ends[0]);
		for (size_t at = 0; at < len; at += step)
			if (write(ends[1], (const char *)bytes + at,
				    len - at < step ? len - at : step) < 0)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

static void an_archive_in_a_pipe_becomes_a_file(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		struct maker m = begin(i & 4 ? ARCHIVE_FORMAT_TAR_USTAR : ARCHIVE_FORMAT_ZIP,
			ARCHIVE_FILTER_NONE, NULL);
		static char bytes[1 << 16];
		struct seen seen;
		struct stat st;
		ssize_t len;
		pid_t pid;
		int fd;

		add(&m, "a.rec", "first", 5);
		len = pread(end(&m), bytes, sizeof(bytes), 0);
		fd = feed(i & 1, bytes, (size_t)len, i & 2 ? 1 : 4096, &pid);
		assert_int_equal(archive_settle(fd, NULL), 1);
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_size, len);
		assert_int_equal(st.st_nlink, 0);
		assert_int_equal(archive_settle(fd, NULL), 1); /* once more, as it is a file now */
		assert_int_equal(visit(fd, true, &seen, NULL), 0);
		assert_int_equal(seen.n, 1);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		close(fd);
		close(m.fd);
	}
}

static void what_is_no_archive_stays_in_its_pipe(void **state)
{
	static const char *const texts[] = { "\x89REC and so on", "hello\n", "", "P" };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(texts) / sizeof(texts[0]); i++) {
		const char *text = texts[i / 2];
		char got[64] = "";
		pid_t pid;
		int fd = feed(i & 1, text, strlen(text), 2, &pid);

		assert_int_equal(archive_settle(fd, NULL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(read(fd, got, sizeof(got)), strlen(text));
		assert_string_equal(got, text);
		close(fd);
	}
}

/* ---- what is not ---- */

static void names_that_lead_out_of_an_archive_are_refused(void **state)
{
	static const char *const names[] = { "../a.rec", "/etc/a.rec", "x/../../a.rec", "x/..",
		"..\\a.rec", "\\a.rec", "./x/.././../a.rec" };
	static const char *const good[] = { "./a.rec", "..a.rec", "x/a...rec", "x//a.rec" };
	struct seen s;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct maker m = begin(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, NULL);
		struct err err = { "" };

		add(&m, names[i], "x", 1);
		assert_int_equal(visit(end(&m), true, &s, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "leads out of it"));
		assert_int_equal(s.n, 0);
		close(m.fd);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct maker m = begin(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, NULL);

		add(&m, good[i], "x", 1);
		assert_int_equal(visit(end(&m), true, &s, NULL), 0);
		assert_int_equal(s.n, 1);
		close(m.fd);
	}
}

static void links_in_an_archive_are_not_followed(void **state)
{
	struct maker m = begin(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, NULL);
	struct seen s;

	(void)state;
	add_link(&m, "a.rec", "/etc/passwd", false);
	add_link(&m, "b.rec", "/etc/passwd", true);
	add_link(&m, "dir", "/etc", false);
	add(&m, "dir/c.rec", "real", 4);
	assert_int_equal(visit(end(&m), true, &s, NULL), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.bytes, 4);
	assert_string_equal(s.last, "dir/c.rec");
	close(m.fd);
}

/* 211 MB from a few KB: as the one file, as a member that is wanted, as one that is not. */
static void what_unpacks_to_far_more_than_its_size_is_refused(void **state)
{
	const uint64_t large = 211 << 20;
	struct maker m[] = { begin(ARCHIVE_FORMAT_RAW, ARCHIVE_FILTER_ZSTD, NULL),
		begin(ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_ZSTD, NULL),
		begin(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, NULL) };
	struct seen s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct err err = { "" };
		int fd;

		add_much(&m[i], "a.rec", large);
		fd = end(&m[i]);
		assert_int_equal(visit(fd, true, &s, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "unpacks to more than"));
		assert_int_equal(s.n, 0);
		/* Of a .zip what is not wanted is not unpacked. */
		assert_int_equal(visit(fd, false, &s, &err), i == 2 ? 0 : -EBADMSG);
		close(fd);
	}
}

/* Its size is nothing: all of it is headers. */
static void an_archive_of_too_many_members_is_refused(void **state)
{
	struct maker m = begin(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_ZSTD, NULL);
	struct err err = { "" };
	struct seen s;

	(void)state;
	for (int i = 0; i <= ARCHIVE_MAX_MEMBERS; i++)
		add(&m, "x", "", 0);
	assert_int_equal(visit(end(&m), false, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "members"));
	close(m.fd);
}

static void an_archive_in_an_archive_is_named_and_not_opened(void **state)
{
	struct maker inner = begin(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, NULL);
	struct maker outer = begin(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, NULL);
	struct file_list list;
	struct arena a = { 0 };
	struct err err = { "" };
	char data[4096];
	ssize_t n;

	(void)state;
	add(&inner, "a.rec", "x", 1);
	n = pread(end(&inner), data, sizeof(data), 0);
	assert_true(n > 0);
	add(&outer, "inner.rec", data, (size_t)n); /* whatever it calls itself */
	assert_int_equal(list_one(end(&outer), &list, &a, &err), -ENOENT);
	assert_non_null(strstr(err.text, "another archive, 'inner.rec'"));
	inputs_unlist(&list);
	arena_done(&a);
	close(inner.fd);
	close(outer.fd);
}

static void an_encrypted_archive_is_refused(void **state)
{
	struct maker m = begin(ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE, "encryption=traditional");
	struct err err = { "" };
	struct seen s;

	(void)state;
	add(&m, "a.rec", "x", 1);
	assert_int_equal(visit(end(&m), true, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "encrypted"));
	close(m.fd);
}

static void an_archive_cut_at_any_byte_is_damaged_or_shorter(void **state)
{
	static const int ways[][2] = { { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP },
		{ ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE } };
	uint32_t before = open_files();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct maker m = begin(ways[i][0], ways[i][1], NULL);
		uint32_t n_damaged = 0;
		struct seen s;
		off_t size;
		int fd;

		add(&m, "a.rec", "some bytes of a trace", 21);
		add(&m, "b.rec", "and of another", 14);
		fd = end(&m);
		for (size = lseek(fd, 0, SEEK_END) - 1; size > 0; size--) {
			struct err err = { "" };
			int rc;

			assert_int_equal(ftruncate(fd, size), 0);
			rc = visit(fd, true, &s, &err);
			assert_true(rc == 0 || rc == -EBADMSG || rc == -EINVAL);
			assert_int_equal(rc != 0, err.text[0] != 0);
			assert_true(s.n <= 2);
			n_damaged += rc != 0;
		}
		assert_true(n_damaged > 30);
		close(fd);
	}
	assert_int_equal(open_files(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_traces_of_an_archive_are_its_inputs_by_name),
		cmocka_unit_test(a_compressed_file_is_its_content),
		cmocka_unit_test(an_archive_without_traces_says_so),
		cmocka_unit_test(an_archive_in_a_pipe_becomes_a_file),
		cmocka_unit_test(what_is_no_archive_stays_in_its_pipe),
		cmocka_unit_test(names_that_lead_out_of_an_archive_are_refused),
		cmocka_unit_test(links_in_an_archive_are_not_followed),
		cmocka_unit_test(what_unpacks_to_far_more_than_its_size_is_refused),
		cmocka_unit_test(an_archive_of_too_many_members_is_refused),
		cmocka_unit_test(an_archive_in_an_archive_is_named_and_not_opened),
		cmocka_unit_test(an_encrypted_archive_is_refused),
		cmocka_unit_test(an_archive_cut_at_any_byte_is_damaged_or_shorter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
