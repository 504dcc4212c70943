/* libarchive reads through our own three functions, as its own for descriptors cannot seek, which the list at the
 * end of a .zip needs. */
#include "analyze/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/libarchive.h"

enum { PIECE = 64 << 10 };

struct source {
	const struct libarchive *lib;
	int fd;
	int64_t at, size;
	uint8_t piece[PIECE];
};

struct visit {
	const struct libarchive *lib;
	struct archive *archive;
	struct source source;
	const struct archive_visitor *visitor;
	uint64_t unpacked, most, wanted; /* bytes */
	bool wanting;                    /* this member */
	uint32_t n_members;
	bool packed; /* as a whole, not member by member */
};

/* ---- what it is ---- */

struct magic {
	uint32_t offset, len;
	const char *bytes;
	int filter; /* ARCHIVE_FILTER_...; NONE: an archive itself */
};

static const struct magic magics[] = {
	{ 0, 4, "PK\3\4", ARCHIVE_FILTER_NONE },
	{ 0, 4, "PK\5\6", ARCHIVE_FILTER_NONE }, /* with nothing in it */
	{ 257, 5, "ustar", ARCHIVE_FILTER_NONE },
	{ 0, 2, "\x1f\x8b", ARCHIVE_FILTER_GZIP },
	{ 0, 4, "\x28\xb5\x2f\xfd", ARCHIVE_FILTER_ZSTD },
	{ 0, 6,
		"\xfd"
		"7zXZ\0",
		ARCHIVE_FILTER_XZ },
	{ 0, 3, "BZh", ARCHIVE_FILTER_BZIP2 },
};

static const struct magic *find_magic(const uint8_t *head, size_t n)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (m->offset + m->len <= n && memcmp(head + m->offset, m->bytes, m->len) == 0)
			return m;
	}
	return NULL;
}

static const struct magic *magic_of(int fd)
{
	uint8_t head[512];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n > 0 ? find_magic(head, (size_t)n) : NULL;
}

bool archive_is_head(const void *head, size_t n)
{
	return find_magic(head, n) != NULL;
}

bool archive_is(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && magic_of(fd);
}

/* ---- files to unpack to ---- */

/* Where large files may lie a while. */
static int nameless_file(struct err *err)
{
	const char *wish = getenv("TMPDIR"), *folder = wish && *wish ? wish : "/var/tmp";
	char name[PATH_MAX];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), code = errno;

	if (fd >= 0)
		return fd;
	snprintf(name, sizeof(name), "%s/ana-XXXXXX", folder); /* a file system that has none */
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	else if (code == EMFILE || code == ENFILE)
		errno = code;
	else
		fd = memfd_create("ana", MFD_CLOEXEC);
	return fd >= 0 ? fd
		       : err_errno(err, errno, "no file to unpack to in '%s' (TMPDIR)", folder);
}

static int put_piece(int fd, const uint8_t *bytes, size_t n, int64_t at, struct err *err)
{
	while (n) {
		ssize_t done = pwrite(fd, bytes, n, at);

		if (done <= 0)
			return err_errno(err, done ? errno : EIO,
				"cannot be unpacked; TMPDIR names another folder for that");
		bytes += done;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* ---- pipes ---- */

/* The first bytes of what waits in a pipe or a socket; they stay there. */
static ssize_t peek(int fd, uint8_t *head, size_t n)
{
	int copy[2];
	ssize_t have = recv(fd, head, n, MSG_PEEK);

	if (have >= 0 || errno != ENOTSOCK)
		return have;
	if (pipe2(copy, O_CLOEXEC))
		return -1;
	have = tee(fd, copy[1], n, 0);
	if (have > 0)
		have = read(copy[0], head, (size_t)have);
	close(copy[0]);
	close(copy[1]);
	return have;
}

/* Nothing is told by fewer bytes than the shortest mark has, and a trace has a mark, too. */
static bool is_decided(const uint8_t *head, size_t n)
{
	static const uint8_t trace[] = { 0x89, 'R', 'E', 'C' };

	return find_magic(head, n) || (n >= 4 && memcmp(head, trace, 4) == 0);
}

/* Waits until it is known what comes. A writer may write byte by byte; but whoever does not go on for a second has
 * said what it has to say. */
static bool comes_archive(int fd)
{
	enum { WAIT_MS = 5, PATIENCE = 200 };
	uint8_t head[512];
	ssize_t n = peek(fd, head, sizeof(head)), before = n;

	for (int i = 0; i < PATIENCE && n > 0 && n < (ssize_t)sizeof(head); i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (is_decided(head, (size_t)n) || (poll(&p, 1, 0) > 0 && p.revents & POLLHUP))
			break;
		poll(NULL, 0, WAIT_MS);
		n = peek(fd, head, sizeof(head));
		i = n > before ? 0 : i;
		before = n;
	}
	return n > 0 && find_magic(head, (size_t)n);
}

static int spool(int from, int to, struct err *err)
{
	static uint8_t piece[PIECE];
	int64_t at = 0, most = (int64_t)ARCHIVE_MAX_GIB << 30;
	ssize_t n;
	int rc = 0;

	while (!rc && (n = read(from, piece, PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "reading");
		rc = at + n > most
			? err_set(err, EFBIG, "has no end: more than %d GiB", ARCHIVE_MAX_GIB)
			: put_piece(to, piece, (size_t)n, at, err);
		at += n;
	}
	return rc;
}

int archive_settle(int fd, struct err *err)
{
	struct stat st;
	int file, rc;

	if (fstat(fd, &st))
		return 0;
	if (S_ISREG(st.st_mode))
		return lseek(fd, 0, SEEK_CUR) == 0 && archive_is(fd);
	if ((!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)) || !comes_archive(fd))
		return 0;
	file = nameless_file(err);
	if (file < 0)
		return file;
	rc = spool(fd, file, err);
	if (!rc && dup2(file, fd) < 0)
		rc = err_errno(err, errno, "standard input");
	close(file);
	return rc ? err_step(err, rc, "standard input") : 1;
}

/* ---- reading it ---- */

static la_ssize_t read_piece(struct archive *a, void *ctx, const void **piece)
{
	struct source *s = ctx;
	ssize_t n = pread(s->fd, s->piece, PIECE, s->at);

	*piece = s->piece;
	if (n < 0)
		s->lib->archive_set_error(a, errno, "reading: %s", strerror(errno));
	else
		s->at += n;
	return n;
}

static la_int64_t skip_bytes(struct archive *a, void *ctx, la_int64_t n)
{
	struct source *s = ctx;
	int64_t left = s->size > s->at ? s->size - s->at : 0;

	(void)a;
	n = n < 0 ? 0 : n < left ? n : left;
	s->at += n;
	return n;
}

static la_int64_t seek_to(struct archive *a, void *ctx, la_int64_t offset, int whence)
{
	struct source *s = ctx;
	int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s->at : s->size, to;

	if (__builtin_add_overflow(base, offset, &to) || to < 0) {
		s->lib->archive_set_error(a, EINVAL, "a place before the start");
		return ARCHIVE_FATAL;
	}
	return s->at = to;
}

/* Only what its first bytes say; libarchive would try all that it knows, and any number of layers. */
static int choose_formats(struct visit *v, const struct magic *m)
{
	int rc;

	v->packed = m->filter != ARCHIVE_FILTER_NONE;
	if (!v->packed)
		return m->bytes[0] == 'P' ? v->lib->archive_read_support_format_zip(v->archive)
					  : v->lib->archive_read_support_format_tar(v->archive);
	rc = v->lib->archive_read_append_filter(v->archive, m->filter);
	if (rc == ARCHIVE_OK)
		rc = v->lib->archive_read_support_format_tar(v->archive);
	return rc == ARCHIVE_OK ? v->lib->archive_read_support_format_raw(v->archive) : rc;
}

static int failed(const struct visit *v, struct err *err)
{
	const char *why = v->lib->archive_error_string(v->archive);

	return err_set(err, EBADMSG, "is a damaged archive: %s", why ? why : "it makes no sense");
}

static int open_archive(struct visit *v, int fd, struct err *err)
{
	const struct magic *m = magic_of(fd);
	struct stat st;

	if (!m || fstat(fd, &st))
		return err_set(err, EINVAL, "is no archive");
	v->source.fd = fd;
	v->source.size = st.st_size;
	v->most = ARCHIVE_SPARE + ARCHIVE_RATIO * (uint64_t)st.st_size;
	if (v->most > (uint64_t)ARCHIVE_MAX_GIB << 30)
		v->most = (uint64_t)ARCHIVE_MAX_GIB << 30;
	v->archive = v->lib->archive_read_new();
	if (!v->archive)
		return err_set(err, ENOMEM, "libarchive has no memory");
	v->lib->archive_read_set_read_callback(v->archive, read_piece);
	v->lib->archive_read_set_skip_callback(v->archive, skip_bytes);
	v->lib->archive_read_set_seek_callback(v->archive, seek_to);
	v->lib->archive_read_set_callback_data(v->archive, &v->source);
	if (choose_formats(v, m) != ARCHIVE_OK ||
		v->lib->archive_read_open1(v->archive) != ARCHIVE_OK)
		return failed(v, err);
	return 0;
}

/* ---- limits ---- */

static int too_large(const struct visit *v, struct err *err)
{
	return err_set(err, EBADMSG,
		"unpacks to more than %" PRIu64 " bytes, from %" PRIi64
		": it is not opened, as it may have been made to fill the disk",
		v->most, v->source.size);
}

/* What the layer of compression gave counts too: headers may be large as well. */
static int check_size(const struct visit *v, struct err *err)
{
	uint64_t patience = v->visitor->most_unwanted;
	int64_t through = v->packed ? v->lib->archive_filter_bytes(v->archive, 0) : 0;

	if (v->unpacked > v->most || (through > 0 && (uint64_t)through > v->most))
		return too_large(v, err);
	if (patience && !v->wanting && through > 0 && (uint64_t)through > v->wanted &&
		(uint64_t)through - v->wanted > patience)
		return err_set(err, ECANCELED,
			"is looked at no further: %" PRIu64 " bytes of it were of no use",
			patience);
	return 0;
}

/* Only ways down: no root, no "..". Nothing is written to such a name, but whoever unpacks it by other means should
 * know. */
static bool stays_inside(const char *name)
{
	if (!*name || *name == '/' || *name == '\\')
		return false;
	for (const char *p = name; *p; p += strcspn(p, "/\\"), p += strspn(p, "/\\")) {
		size_t n = strcspn(p, "/\\");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
	}
	return true;
}

static int check_member(struct visit *v, struct archive_entry *e, struct err *err)
{
	const char *name = v->lib->archive_entry_pathname(e);

	if (++v->n_members > ARCHIVE_MAX_MEMBERS)
		return err_set(err, EBADMSG, "has more than %d members", ARCHIVE_MAX_MEMBERS);
	if (!name)
		return err_set(err, EBADMSG, "is a damaged archive: a member has no name");
	if (!stays_inside(name))
		return err_set(err, EBADMSG,
			"has a member whose name leads out of it, '%.200s': it is not opened",
			name);
	return check_size(v, err);
}

/* ---- unpacking ---- */

/* The next piece of the member's bytes. 1, 0 at its end. A hole counts as if it were bytes. */
static int next_piece(struct visit *v, const void **bytes, size_t *n, int64_t *at, uint64_t *end,
	struct err *err)
{
	int rc = v->lib->archive_read_data_block(v->archive, bytes, n, at);

	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK)
		return failed(v, err);
	if (*at < 0 || (uint64_t)*at < *end || (uint64_t)*at + *n > INT64_MAX)
		return err_set(err, EBADMSG, "is a damaged archive: pieces of a member overlap");
	v->unpacked += (uint64_t)*at + *n - *end;
	v->wanted += v->wanting ? *n : 0;
	*end = (uint64_t)*at + *n;
	rc = check_size(v, err);
	return rc ? rc : 1;
}

/* The rest of a member whose first piece was read; to nowhere where fd is -1. */
static int unpack(struct visit *v, int fd, const void *bytes, size_t n, int64_t at, uint64_t end,
	struct err *err)
{
	int rc = 1;

	while (rc > 0) {
		rc = fd >= 0 ? put_piece(fd, bytes, n, at, err) : 0;
		if (!rc)
			rc = next_piece(v, &bytes, &n, &at, &end, err);
	}
	return rc;
}

static int take_member(struct visit *v, const struct archive_member *m, const void *bytes, size_t n,
	int64_t at, uint64_t end, struct err *err)
{
	int fd = nameless_file(err), rc;

	if (fd < 0)
		return fd;
	v->wanting = true;
	v->wanted += n;
	rc = n ? unpack(v, fd, bytes, n, at, end, err) : 0;
	v->wanting = false;
	if (!rc)
		return v->visitor->take(v->visitor->ctx, m, fd, err);
	close(fd);
	return rc;
}

static int visit_member(struct visit *v, struct archive_entry *e, struct err *err)
{
	struct archive_member m = { .name = v->lib->archive_entry_pathname(e) };
	const void *bytes = "";
	uint64_t end = 0;
	int64_t at = 0;
	size_t n = 0;
	int rc;

	if (v->lib->archive_entry_filetype(e) != AE_IFREG || v->lib->archive_entry_hardlink(e))
		return 0;
	if (v->lib->archive_entry_is_encrypted(e))
		return err_set(err, EBADMSG, "is encrypted: unpack it first");
	if (v->lib->archive_format(v->archive) == ARCHIVE_FORMAT_RAW)
		m.name = "";
	do /* the first piece that has bytes */
		rc = next_piece(v, &bytes, &n, &at, &end, err);
	while (rc > 0 && !n);
	if (rc < 0)
		return rc;
	if (rc > 0 && at == 0) {
		m.n_head = n < ARCHIVE_HEAD ? n : ARCHIVE_HEAD;
		memcpy(m.head, bytes, m.n_head);
	}
	if (v->visitor->wants(v->visitor->ctx, &m))
		return take_member(v, &m, bytes, rc ? n : 0, at, end, err);
	/* Of what is compressed as a whole each byte is unpacked anyway: with an eye on how many. */
	return rc && v->packed ? unpack(v, -1, bytes, n, at, end, err) : 0;
}

static int visit_all(struct visit *v, struct err *err)
{
	struct archive_entry *e;
	int rc = 0, next;

	while (!rc && (next = v->lib->archive_read_next_header(v->archive, &e)) != ARCHIVE_EOF) {
		if (next != ARCHIVE_OK && next != ARCHIVE_WARN)
			return failed(v, err);
		rc = check_member(v, e, err);
		if (!rc)
			rc = visit_member(v, e, err);
	}
	return rc;
}

/* A recording that was rotated may be a thousand files, each open for a moment. */
void archive_allow_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

int archive_visit(int fd, const struct archive_visitor *visitor, struct err *err)
{
	struct visit *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return err_set(err, ENOMEM, "no memory");
	archive_allow_files();
	v->visitor = visitor;
	v->lib = v->source.lib = libarchive_load(err);
	rc = v->lib ? open_archive(v, fd, err) : -ENOSYS;
	if (!rc)
		rc = visit_all(v, err);
	if (v->archive)
		v->lib->archive_read_free(v->archive);
	free(v);
	return rc;
}
