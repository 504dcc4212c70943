#include "analyze/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/archive.h"
#include "render/escape.h"

enum {
	NAMES_SHOWN = 3,
	FOLDER_MOST_UNWANTED = 128 << 20, /* bytes, of each archive in a folder */
};

/* ---- folders ---- */

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len > n && strcmp(s + len - n, end) == 0;
}

static bool is_archive_name(const char *name)
{
	static const char *const endings[] = { ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst",
		".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".zip", ".rec.gz", ".rec.zst", ".rec.xz",
		".rec.bz2" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends_with(name, endings[i]))
			return true;
	return false;
}

static int is_input_name(const struct dirent *e)
{
	return e->d_name[0] != '.' && (ends_with(e->d_name, ".rec") || is_archive_name(e->d_name));
}

/* Not alphasort: the order must not depend on the user's language. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_kind(const char *path, mode_t kind)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static bool is_folder(const char *path)
{
	return is_kind(path, S_IFDIR);
}

static void add_file(struct file_list *list, const char *name, const char *archive, int fd)
{
	list->files = xrealloc(list->files, list->n + 1, sizeof(*list->files));
	list->files[list->n++] = (struct input_file){ name, fd, archive };
}

struct paths {
	const char **list; /* in the arena */
	uint32_t n;
};

/* The files in it that may be traces or archives. */
static int list_folder(const char *folder, struct paths *p, struct arena *a, struct err *err)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_input_name, by_name);

	if (n < 0)
		return err_errno(err, errno, "folder '%s'", folder);
	p->list = arena_alloc(a, ((size_t)n + 1) * sizeof(*p->list));
	for (int i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", folder, names[i]->d_name);

		if (!is_folder(path))
			p->list[p->n++] = path;
		free(names[i]);
	}
	free(names);
	return 0;
}

/* ---- archives ---- */

struct unpacking {
	struct file_list *list;
	const char *archive;
	struct arena *arena;
	const char *inner; /* an archive in the archive, or NULL */
	bool named;        /* by the user, not found in a folder */
	bool has_traces, is_pack;
};

/* What is compressed alone is meant, if that is what the user named, or it is called so: a trace.rec.gz. */
static bool is_meant(const struct unpacking *u)
{
	static const char *const endings[] = { ".rec.gz", ".rec.zst", ".rec.xz", ".rec.bz2" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends_with(u->archive, endings[i]))
			return true;
	return u->named;
}

static bool is_trace_member(const struct unpacking *u, const struct archive_member *m)
{
	static const uint8_t magic[] = { 0x89, 'R', 'E', 'C' };
	const char *base = basename(m->name);

	if (m->n_head >= 4 && memcmp(m->head, magic, 4) == 0)
		return true;
	if (!*m->name)
		return is_meant(u);
	return base[0] != '.' && ends_with(base, ".rec");
}

static bool wants_trace(void *ctx, const struct archive_member *m)
{
	struct unpacking *u = ctx;
	bool inner = archive_is_head(m->head, m->n_head);

	if (inner && !u->inner)
		u->inner = arena_strdup(u->arena, *m->name ? m->name : "its content");
	if (inner || !is_trace_member(u, m)) {
		u->is_pack |= strcmp(m->name, "MANIFEST.json") == 0;
		return false;
	}
	u->has_traces = true;
	return true;
}

static int take_trace(void *ctx, const struct archive_member *m, int fd, struct err *err)
{
	struct unpacking *u = ctx;

	(void)err;
	add_file(u->list,
		*m->name ? arena_printf(u->arena, "%s/%s", u->archive, m->name) : u->archive,
		u->archive, fd);
	return 0;
}

static int by_member(const void *a, const void *b)
{
	return strcmp(((const struct input_file *)a)->name, ((const struct input_file *)b)->name);
}

static int no_traces(const struct unpacking *u, struct err *err)
{
	if (u->inner)
		return err_set(err, ENOENT,
			"'%s' is an archive without traces, but with another archive, '%.200s': unpack "
			"that first",
			u->archive, u->inner);
	return err_set(err, ENOENT, "'%s' is an archive without traces (*.rec)", u->archive);
}

static void note(const char *path, const char *what)
{
	fputs("ana: '", stderr);
	escape_put(stderr, ESCAPE_TEXT, path);
	fputs("': ", stderr);
	escape_put(stderr, ESCAPE_TEXT, what);
	fputc('\n', stderr);
}

/* In a folder archives may be of anything, damaged, without an end: what is wrong with one matters if it has traces, or
 * is called as one. Those of a pack come first. */
static int judge(const struct unpacking *u, int rc, struct err *err, struct err *why)
{
	if (!rc || (rc == -ECANCELED && u->is_pack && u->has_traces))
		return 0;
	if (rc == -ECANCELED)
		err_set(why, ECANCELED,
			"more than %d MiB of it are no traces: the rest was not looked at; if it has "
			"traces, name the archive itself",
			FOLDER_MOST_UNWANTED >> 20);
	else if (u->has_traces || is_meant(u))
		return err_set(err, -rc, "'%s': %s", u->archive, why->text);
	note(u->archive, why->text);
	return 0;
}

/* fd: consumed. */
static int add_archive(struct file_list *list, const char *path, int fd, bool in_folder,
	struct arena *a, struct err *err)
{
	struct unpacking u = { .list = list, .archive = path, .arena = a, .named = !in_folder };
	const struct archive_visitor v = { wants_trace, take_trace, &u,
		in_folder ? FOLDER_MOST_UNWANTED : 0 };
	uint32_t before = list->n;
	struct err why = { "" };
	int rc = judge(&u, archive_visit(fd, &v, &why), err, &why);

	close(fd);
	if (rc)
		return rc;
	if (list->n == before)
		return in_folder ? 0 : no_traces(&u, err);
	qsort(list->files + before, list->n - before, sizeof(*list->files), by_member);
	return 0;
}

/* Of standard input at its start; a pipe, which can be read only once, becomes a file first. */
static int open_input(struct err *err)
{
	int rc = archive_settle(STDIN_FILENO, err), fd;

	if (rc <= 0)
		return rc ? rc : -EINVAL;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : err_errno(err, errno, "standard input");
}

/* Opens what the word names if it is an archive: -EINVAL if it is none, or cannot be looked at, which is left to those
 * who open traces; other errors, with a sentence, of a pipe. */
static int open_archive(const char *word, struct err *err)
{
	int fd;

	if (strcmp(word, "-") == 0)
		return open_input(err);
	fd = is_kind(word, S_IFREG) ? open(word, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
	if (fd >= 0 && archive_is(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -EINVAL;
}

static const char *archive_name(const char *word)
{
	return strcmp(word, "-") == 0 ? "standard input" : word;
}

static int add_path(struct file_list *list, const char *word, bool in_folder, struct arena *a,
	struct err *err)
{
	int fd = open_archive(word, err);

	if (fd >= 0)
		return add_archive(list, archive_name(word), fd, in_folder, a, err);
	if (fd != -EINVAL)
		return fd;
	/* What is called as archives are, and is none, is nothing of ours. */
	if (!in_folder || ends_with(word, ".rec"))
		add_file(list, word, NULL, -1);
	return 0;
}

static int add_folder(struct file_list *list, const char *folder, struct arena *a, struct err *err)
{
	uint32_t before = list->n;
	struct paths p = { 0 };
	int rc = list_folder(folder, &p, a, err);

	for (uint32_t i = 0; !rc && i < p.n; i++)
		rc = add_path(list, p.list[i], true, a, err);
	if (!rc && list->n == before)
		return err_set(err, ENOENT, "'%s' is a directory without traces (*.rec)", folder);
	return rc;
}

static bool names_folder(const char *word)
{
	return strcmp(word, "-") != 0 && is_folder(word);
}

static int take_one(void *ctx, const struct archive_member *m, int fd, struct err *err)
{
	(void)ctx;
	(void)m;
	(void)err;
	close(fd);
	return 1; /* one is enough */
}

/* Whether an archive in a folder belongs to the traces there. What else there is to say of it was said when they were
 * listed. */
static bool has_traces(const char *path, int fd)
{
	struct arena a = { 0 };
	struct unpacking u = { .archive = path, .arena = &a };
	const struct archive_visitor v = { wants_trace, take_one, &u, FOLDER_MOST_UNWANTED };

	archive_visit(fd, &v, NULL);
	arena_done(&a);
	return u.has_traces;
}

static int show_archive(const char *word, bool in_folder, inputs_archive_call call, void *ctx,
	struct err *err)
{
	int fd = open_archive(word, err), rc = 0;

	if (fd < 0)
		return fd == -EINVAL ? 0 : fd;
	if (!in_folder || has_traces(word, fd))
		rc = call(ctx, archive_name(word), fd, err);
	close(fd);
	return rc;
}

int inputs_archives(const char *word, inputs_archive_call call, void *ctx, struct err *err)
{
	struct arena a = { 0 };
	struct paths p = { &word, 1 };
	bool in_folder = names_folder(word);
	int rc = 0;

	if (in_folder) {
		p = (struct paths){ 0 };
		rc = list_folder(word, &p, &a, err);
	}
	for (uint32_t i = 0; !rc && i < p.n; i++)
		rc = show_archive(p.list[i], in_folder, call, ctx, err);
	arena_done(&a);
	return rc;
}

int inputs_list(struct file_list *list, const char *const *words, uint32_t n, struct arena *a,
	struct err *err)
{
	*list = (struct file_list){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		int rc = names_folder(words[i]) ? add_folder(list, words[i], a, err)
						: add_path(list, words[i], false, a, err);

		if (rc)
			return rc;
	}
	return 0;
}

void inputs_unlist(struct file_list *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->files[i].fd >= 0)
			close(list->files[i].fd);
	free(list->files);
	*list = (struct file_list){ 0 };
}

/* ---- opening ---- */

struct reader *input_open(const struct input_file *f, bool walking, struct err *err)
{
	if (f->fd >= 0)
		return reader_open_file(f->fd, f->name, walking, err);
	return walking ? reader_open_walking(f->name, err) : reader_open(f->name, err);
}

static int open_files(struct inputs *in, const struct file_list *list, struct err *err)
{
	in->readers = xcalloc(list->n, sizeof(struct reader *));
	for (in->n = 0; in->n < list->n; in->n++) {
		in->readers[in->n] = input_open(&list->files[in->n], false, err);
		if (!in->readers[in->n])
			return -EIO;
	}
	return 0;
}

int inputs_open(struct inputs *in, const char *const *words, uint32_t n, struct err *err)
{
	struct arena a = { 0 };
	struct file_list list;
	int rc = inputs_list(&list, words, n, &a, err);

	if (!rc)
		rc = open_files(in, &list, err);
	inputs_unlist(&list);
	arena_done(&a);
	return rc;
}

void inputs_close(struct inputs *in)
{
	for (uint32_t i = 0; i < in->n; i++)
		reader_close(in->readers[i]);
	free(in->readers);
	memset(in, 0, sizeof(*in));
}

int inputs_start(struct inputs *in, uint64_t *start_ns, struct err *err)
{
	for (uint32_t i = 0; i < in->n; i++) {
		int rc = reader_begin(in->readers[i], err);

		if (rc)
			return rc;
	}
	readers_align(in->readers, in->n);
	*start_ns = readers_start(in->readers, in->n);
	return 0;
}

bool inputs_several_machines(const struct inputs *in)
{
	const struct segment_clock *first = reader_clock(in->readers[0], 0);

	for (uint32_t i = 0; i < in->n; i++)
		for (uint32_t k = 0; k < reader_n_segments(in->readers[i]); k++)
			if (!segment_same_boot(first, reader_clock(in->readers[i], k)))
				return true;
	return false;
}

const char *inputs_names(const struct inputs *in, struct arena *a)
{
	const char *names = "";

	for (uint32_t i = 0; i < in->n && i < NAMES_SHOWN; i++)
		names = arena_printf(a, "%s%s%s", names, i ? ", " : "",
			basename(reader_name(in->readers[i])));
	if (in->n > NAMES_SHOWN)
		names = arena_printf(a, "%s and %u more", names, in->n - NAMES_SHOWN);
	return names;
}

const char *inputs_subtitle(const struct inputs *in, struct arena *a)
{
	const struct segment *s = reader_declarations(in->readers[0], 0);
	struct text host = segment_info(s, "machine.host");
	struct text command = segment_info(s, "target.command");
	const char *text = inputs_names(in, a);

	if (command.len)
		text = arena_printf(a, "%s: %.*s", text, (int)command.len, command.s);
	if (host.len)
		text = arena_printf(a, "%s, on %.*s", text, (int)host.len, host.s);
	return text;
}
