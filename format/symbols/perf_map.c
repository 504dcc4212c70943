/* One scan over the lines: a line that covers wanted addresses hides the lines before it. Only its
 * place in the file is kept; the names are read at the end. */
#include "format/symbols/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/symbols/cover.h"
#include "format/symbols/lines.h"
#include "format/symbols/target_file.h"

enum { PIECE = 128 << 10 };

/* ---- the file ---- */

struct owner {
	long pid; /* in the innermost pid namespace */
	uid_t uid;
};

/* "NStgid:\t812\t7": its number in each pid namespace, ours first; "Uid:\t0\t1000...": real and
 * effective user, which is who new files belong to. Kernels before 4.1 have no NStgid. */
static void parse_status(char *text, struct owner *o)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *last = strrchr(line, '\t');
		unsigned long real, effective;

		if (strncmp(line, "NStgid:", 7) == 0 && last)
			o->pid = strtol(last, NULL, 10);
		else if (sscanf(line, "Uid: %lu %lu", &real, &effective) == 2)
			o->uid = (uid_t)effective;
	}
}

static int read_status(const char *proc, pid_t pid, struct owner *o, struct err *err)
{
	char path[256], text[4096];
	ssize_t n;
	int fd;

	*o = (struct owner){ .pid = pid };
	snprintf(path, sizeof(path), "%s/%ld/status", proc, (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open '%s'", path);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return err_errno(err, n < 0 ? errno : ESRCH, "read '%s'", path);
	text[n] = '\0';
	parse_status(text, o);
	return 0;
}

static int check_owner(int fd, uid_t uid, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(err, errno, "fstat");
	if (st.st_uid != uid && st.st_uid != 0)
		return err_set(err, EACCES, "belongs to user %u, not to the process's user %u",
			st.st_uid, uid);
	return 0;
}

int perf_map_place_of(const char *proc, pid_t pid, struct perf_map_place *place, struct err *err)
{
	char path[256];
	struct owner owner;
	int root, rc = read_status(proc, pid, &owner, err);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/%ld/root", proc, (long)pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_errno(err, errno, "open '%s'", path);
	*place = (struct perf_map_place){ root, owner.pid, owner.uid };
	return 0;
}

void perf_map_place_done(struct perf_map_place *place)
{
	close(place->root);
}

int perf_map_open_at(const struct perf_map_place *place, struct err *err)
{
	char root[64], path[64];
	int fd, rc;

	snprintf(root, sizeof(root), "/proc/self/fd/%d", place->root);
	snprintf(path, sizeof(path), "/tmp/perf-%ld.map", place->pid);
	fd = target_file_open(root, path, false, err);
	if (fd < 0)
		return fd;
	rc = check_owner(fd, place->user, err);
	if (rc == 0)
		return fd;
	close(fd);
	return err_step(err, rc, "'%s'", path);
}

int perf_map_open(const char *proc, pid_t pid, struct err *err)
{
	struct perf_map_place place = { .root = -1 };
	int rc = perf_map_place_of(proc, pid, &place, err);

	if (rc)
		return rc;
	rc = perf_map_open_at(&place, err);
	perf_map_place_done(&place);
	return rc;
}

/* ---- the lines ---- */

/* A range's id is where its name is in the file, so the larger is the later. */
static bool later(void *owner, const struct range *a, const struct range *b)
{
	return a->id > b->id;
}

static void skip_0x(const char **p, const char *end)
{
	if (end - *p > 2 && (*p)[0] == '0' && (*p)[1] == 'x')
		*p += 2;
}

/* "7f05fc8a1d20 2a0 Ljava/lang/String;::hashCode". */
bool perf_map_parse(const char *line, size_t len, uint64_t *start, uint64_t *size, size_t *name_at)
{
	const char *p = line, *end = line + len;

	skip_0x(&p, end);
	if (!take_hex(&p, end, start) || !take_char(&p, end, ' '))
		return false;
	skip_0x(&p, end);
	if (!take_hex(&p, end, size) || !take_char(&p, end, ' ') || p == end || !*size)
		return false;
	*name_at = (size_t)(p - line);
	return true;
}

/* offset is that of the line in the file. */
static bool parse_line(const char *line, size_t len, uint64_t offset, struct range *r)
{
	uint64_t size;
	size_t name_at;

	if (!perf_map_parse(line, len, &r->start, &size, &name_at))
		return false;
	r->end = size > UINT64_MAX - r->start ? UINT64_MAX : r->start + size;
	r->id = offset + name_at;
	r->rank = 1;
	return true;
}

static void scan_lines(struct lines *lines, struct cover *c)
{
	const char *line;
	struct range r;
	size_t len;

	while (lines_fill(lines))
		while ((line = lines_next(lines, &len)))
			if (parse_line(line, len, lines->offset + (uint64_t)(line - lines->piece),
				    &r))
				cover_offer(c, wanted_from(c->wanted, r.start), &r);
	cover_settle(c);
}

/* What is there up to the end of the line, or NULL if the file was cut since. */
static const char *read_name(int fd, uint64_t offset, struct arena *a)
{
	char text[SYMBOL_NAME_MAX];
	ssize_t n = pread(fd, text, sizeof(text), (off_t)offset);
	const char *end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;
	size_t len = n > 0 ? strnlen(text, end ? (size_t)(end - text) : (size_t)n) : 0;

	return len ? arena_strndup(a, text, len) : NULL;
}

static int take_answers(int fd, const struct cover *c, struct symbol_query *q, struct arena *a)
{
	const char *name = NULL;
	uint64_t id = 0;
	int found = 0;

	for (size_t i = 0; i < c->wanted->n; i++) {
		const struct range *r = &c->node[c->wanted->n + i];

		if (!r->rank)
			continue;
		if (r->id != id)
			name = read_name(fd, r->id, a);
		id = r->id;
		if (!name)
			continue;
		q[c->wanted->number[i]].name = name;
		q[c->wanted->number[i]].start = r->start;
		found++;
	}
	return found;
}

/* A file that grows while it is read is read as far as it was when we began. */
static int start_lines(struct lines *lines, int fd, struct err *err)
{
	struct stat st;
	uint64_t most;

	if (fstat(fd, &st) || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "perf map");
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "perf map is not a regular file");
	most = (uint64_t)st.st_size;
	lines_init(lines, fd, PIECE, most < PERF_MAP_MAX_BYTES ? most : PERF_MAP_MAX_BYTES);
	return 0;
}

int perf_map_resolve(int fd, struct symbol_query *q, size_t n, struct arena *a, struct err *err)
{
	struct arena scratch = { 0 };
	struct wanted wanted;
	struct cover cover;
	struct lines lines;
	int rc = start_lines(&lines, fd, err);

	if (rc)
		return rc;
	wanted_of_queries(&wanted, q, n, &scratch);
	cover_init(&cover, &wanted, later, NULL, &scratch);
	scan_lines(&lines, &cover);
	rc = lines.error ? err_errno(err, lines.error, "read the perf map")
			 : take_answers(fd, &cover, q, a);
	lines_done(&lines);
	arena_done(&scratch);
	return rc;
}
