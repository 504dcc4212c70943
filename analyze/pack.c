/* First it is decided what goes in, each file opened, so that the manifest, which comes first, is true. Sources are
 * too many to be open at once: they are looked at twice. */
#include "analyze/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/archived_sources.h"
#include "analyze/libarchive.h"
#include "format/symbols/target_file.h"
#include "render/escape.h"

enum { MAX_PARTS = 64 }; /* of a path, from its end on, that a relative one may have */

enum kind { PACK_TRACE, PACK_BINARY, PACK_DEBUG, PACK_SOURCE, N_KINDS };

struct member {
	enum kind kind;
	const char *name;          /* in the archive */
	const char *path;          /* where it was when it was recorded */
	const struct build_id *id; /* NULL: it has none */
	uint64_t unit;             /* of a .dwo file; or 0 */
	const char *root;          /* sources: below which the path is */
	int fd;                    /* owned; -1: sources, opened when it is their turn */
	uint64_t bytes;
	time_t time;
};

struct missing {
	const char *path, *why;
	const struct build_id *id; /* NULL: a source */
};

struct pack {
	struct arena arena;
	struct member *members;  /* owned */
	struct missing *missing; /* owned */
	uint32_t n, cap, n_missing, cap_missing;
	struct text_set names; /* of members */
	const struct libarchive *lib;
	struct archive *to;
	struct pack_result *result;
};

/* ---- which kind of archive ---- */

struct way {
	const char *ending;
	int format, filter;
};

static const struct way ways[] = {
	{ ".tar.zst", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_ZSTD },
	{ ".tzst", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_ZSTD },
	{ ".tar.gz", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_GZIP },
	{ ".tgz", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_GZIP },
	{ ".tar.xz", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_XZ },
	{ ".tar", ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, ARCHIVE_FILTER_NONE },
	{ ".zip", ARCHIVE_FORMAT_ZIP, ARCHIVE_FILTER_NONE },
};

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && strncmp(s + len - n, end, n) == 0;
}

static const struct way *find_way(const char *name)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ends_with(name, strlen(name), ways[i].ending))
			return &ways[i];
	return NULL;
}

int pack_check_name(const char *name, struct err *err)
{
	if (find_way(name))
		return 0;
	return err_set(err, EINVAL,
		"'%s' has no ending of an archive: .tar.zst, .tar.gz, .tar.xz, .tar or .zip", name);
}

/* ---- what goes in ---- */

static struct member *add_member(struct pack *p, enum kind kind, const char *name, const char *path)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->members = xrealloc(p->members, p->cap, sizeof(*p->members));
	}
	p->members[p->n] = (struct member){ .kind = kind, .name = name, .path = path, .fd = -1 };
	return &p->members[p->n++];
}

static void add_missing(struct pack *p, const char *path, const struct build_id *id,
	const char *why)
{
	if (p->n_missing == p->cap_missing) {
		p->cap_missing = p->cap_missing ? 2 * p->cap_missing : 64;
		p->missing = xrealloc(p->missing, p->cap_missing, sizeof(*p->missing));
	}
	p->missing[p->n_missing++] = (struct missing){ path, why, id };
}

/* Whether it is free, and then no longer. */
static bool take_name(struct pack *p, const char *name)
{
	return text_set_add(&p->names, (struct text){ name, strlen(name) });
}

static int too_many_files(const char *path, struct err *err)
{
	return err_set(err, EMFILE,
		"'%s': it needs more files than may be open at once; `ulimit -n` allows more",
		path);
}

static int measure(struct member *m, struct err *err)
{
	struct stat st;

	if (fstat(m->fd, &st))
		return err_errno(err, errno, "'%s'", m->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "'%s' is no regular file: save it to one first",
			m->path);
	m->bytes = (uint64_t)st.st_size;
	m->time = st.st_mtime;
	return 0;
}

/* The last part of its path; without what an archive has of it is compressed by. */
static const char *trace_name(struct pack *p, const char *path)
{
	static const char *const endings[] = { ".gz", ".zst", ".xz", ".bz2" };
	const char *base = basename(path), *name;
	size_t len = strlen(base);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (ends_with(base, len, endings[i]))
			len -= strlen(endings[i]);
	if (ends_with(base, len, ".rec"))
		len -= strlen(".rec");
	name = arena_printf(&p->arena, "%.*s.rec", (int)len, base);
	for (int i = 2; !take_name(p, name); i++)
		name = arena_printf(&p->arena, "%.*s-%d.rec", (int)len, base, i);
	return name;
}

static int add_traces(struct pack *p, const struct file_list *traces, struct err *err)
{
	for (uint32_t i = 0; i < traces->n; i++) {
		const struct input_file *f = &traces->files[i];
		struct member *m = add_member(p, PACK_TRACE, trace_name(p, f->name), f->name);
		int rc;

		m->fd = f->fd >= 0 ? fcntl(f->fd, F_DUPFD_CLOEXEC, 0)
				   : open(f->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		rc = m->fd < 0 ? err_errno(err, errno, "'%s'", f->name) : measure(m, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* A file of which a descriptor is kept. NULL where there is one of that name; so it is only once. */
static int add_open(struct pack *p, enum kind kind, const char *name, const char *path, int fd,
	struct member **added, struct err *err)
{
	struct member *m;

	*added = NULL;
	if (!take_name(p, name))
		return 0;
	m = *added = add_member(p, kind, name, path);
	m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return m->fd < 0 ? too_many_files(path, err) : measure(m, err);
}

static const char *name_by_id(struct pack *p, const struct build_id *id, const char *ending)
{
	char hex[BUILD_ID_HEX];

	build_id_hex(id, hex);
	return arena_printf(&p->arena, "debug/.build-id/%.2s/%s%s", hex, hex + 2, ending);
}

static int add_binary(struct pack *p, enum kind kind, const char *ending, const struct code_home *h,
	const struct binary_file *f, struct err *err)
{
	struct member *m;
	int rc;

	if (f->fd < 0 || h->id.len < 2)
		return 0;
	rc = add_open(p, kind, name_by_id(p, &h->id, ending), h->path, f->fd, &m, err);
	if (m)
		m->id = &h->id;
	return rc;
}

/* A binary may have several packages. */
static const char *package_name(struct pack *p, const struct build_id *id)
{
	const char *name = name_by_id(p, id, ".dwp");

	for (int i = 2; text_set_has(&p->names, (struct text){ name, strlen(name) }); i++)
		name = name_by_id(p, id, arena_printf(&p->arena, "-%d.dwp", i));
	return name;
}

static const char *part_name(struct pack *p, const struct code_home *h, const struct part_file *f)
{
	if (f->kind == PART_ALTERNATE)
		return name_by_id(p, &f->build_id, ".debug");
	if (f->kind == PART_PACKAGE)
		return package_name(p, &h->id);
	return arena_printf(&p->arena, "debug/dwo/%016" PRIx64 ".dwo", f->unit);
}

static int add_part(struct pack *p, const struct code_home *h, const struct part_file *f,
	struct err *err)
{
	struct build_id *id;
	struct member *m;
	int rc = add_open(p, PACK_DEBUG, part_name(p, h, f), arena_strdup(&p->arena, f->name),
		f->fd, &m, err);

	if (!m)
		return rc;
	m->unit = f->kind == PART_UNIT ? f->unit : 0;
	if (f->kind == PART_ALTERNATE) {
		id = arena_alloc(&p->arena, sizeof(*id));
		*id = f->build_id;
		m->id = id;
	}
	return rc;
}

/* What the DWARF of a binary names beside it: only the units that have addresses. */
static int add_parts(struct pack *p, struct code_home *h, struct binaries *b,
	const struct binary *found, struct err *err)
{
	struct part_set set;
	int rc = 0;

	if (part_set_needless(found))
		return 0;
	symbolize_parts(h, b, found, &set);
	if (set.too_many)
		rc = too_many_files(h->path, err);
	if (set.beyond) {
		add_missing(p, h->path, &h->id,
			"there is more split DWARF than is looked into: the rest is left out");
		p->result->partial++;
	}
	for (uint32_t i = 0; !rc && i < set.n; i++) {
		rc = add_part(p, h, &set.files[i], err);
		part_set_close(&set, i); /* the pack has its own */
	}
	part_set_done(&set);
	return rc;
}

static void note_absent(struct pack *p, const struct code_home *h, const struct binary *found)
{
	add_missing(p, h->path, &h->id,
		found->wrong ? found->wrong
			: symbolize_in_kernel(h)
			? "not found; the trace has the kernel's names, but no lines"
			: "not found");
	p->result->no_binaries += !symbolize_in_kernel(h);
}

/* The kernel's file is there for debugging only. */
static int add_home(struct pack *p, struct code_home *h, struct binaries *b,
	const struct pack_options *o, struct err *err)
{
	struct binary found;
	int rc = 0;

	if (symbolize_in_kernel(h) && o->no_debug)
		return 0;
	if (symbolize_open(h, b, true, &found))
		note_absent(p, h, &found);
	else if (symbolize_in_kernel(h) || !o->no_binaries)
		rc = add_binary(p, symbolize_in_kernel(h) ? PACK_DEBUG : PACK_BINARY, "", h,
			&found.code, err);
	if (!rc && !o->no_debug)
		rc = add_binary(p, PACK_DEBUG, ".debug", h, &found.debug, err);
	if (!rc && !o->no_debug && h->id.len >= 2)
		rc = add_parts(p, h, b, &found, err);
	binary_close(&found);
	return rc;
}

static int add_binaries(struct pack *p, const struct symbolize *s, struct binaries *b,
	const struct pack_options *o, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < s->n_homes; i++)
		if (s->homes[i].n)
			rc = add_home(p, &s->homes[i], b, o, err);
	return rc;
}

/* ---- sources ---- */

static bool ends_as_source(struct text path)
{
	static const char *const endings[] = { "c", "h", "cc", "cpp", "cxx", "c++", "hh", "hpp",
		"hxx", "h++", "ipp", "inl", "tcc", "inc", "def", "y", "l", "s", "S", "asm", "rs",
		"go", "zig", "d", "m", "mm", "f", "F", "f90", "f95", "f03", "adb", "ads", "pas",
		"swift", "java", "kt", "scala", "py", "pyx", "js", "mjs", "ts", "tsx", "jsx", "rb",
		"lua", "php", "cs", "hs", "ml", "ex", "erl", "nim", "cr", "jl", "vala", "cu",
		"cl" };
	size_t dot = path.len;

	while (dot > 0 && path.s[dot - 1] != '.' && path.s[dot - 1] != '/')
		dot--;
	if (dot < 2 || path.s[dot - 1] != '.' || path.s[dot - 2] == '/' ||
		memchr(path.s, '\0', path.len))
		return false;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (text_is((struct text){ path.s + dot, path.len - dot }, endings[i]))
			return true;
	return false;
}

bool pack_is_source_name(struct text path)
{
	return path.len && path.s[0] == '/' && ends_as_source(path);
}

static bool is_text(int fd)
{
	char piece[4096];
	ssize_t n = pread(fd, piece, sizeof(piece), 0);

	return n >= 0 && !memchr(piece, '\0', (size_t)n);
}

static bool is_source(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size <= PACK_MAX_SOURCE && is_text(fd);
}

/* As a descriptor, or a negative errno. */
static int open_source(const char *root, const char *path)
{
	int fd = target_file_open(root, path, true, NULL);

	if (fd < 0 || is_source(fd))
		return fd;
	close(fd);
	return -EINVAL;
}

/* "sources" and the path without "." and "..", so that it leads nowhere else. */
static const char *source_name(struct pack *p, const char *path)
{
	char *name = arena_printf(&p->arena, "sources%s", path), *to = name + strlen("sources");
	const char *root = to, *part = path;

	while (*part) {
		size_t len;

		part += strspn(part, "/");
		len = strcspn(part, "/");
		if (len == 2 && part[0] == '.' && part[1] == '.') {
			while (to > root && *--to != '/')
				;
		} else if (len && !(len == 1 && part[0] == '.')) {
			*to++ = '/';
			memmove(to, part, len);
			to += len;
		}
		part += len;
	}
	*to = '\0';
	return name;
}

static bool try_source(struct pack *p, const char *root, const char *path)
{
	int fd = open_source(root, path), rc;
	struct member *m;
	const char *name;

	if (fd < 0)
		return false;
	name = source_name(p, path);
	if (!take_name(p, name)) { /* it is there by another spelling */
		close(fd);
		return true;
	}
	m = add_member(p, PACK_SOURCE, name, path);
	m->root = root;
	m->fd = fd;
	rc = measure(m, NULL);
	m->fd = -1;
	close(fd);
	if (rc)
		p->n--;
	return !rc;
}

/* Whether it is in the archive that the trace is out of; then it is no other's that only has the same path. */
static bool try_archived(struct pack *p, const struct archived_sources *from, const char *path)
{
	const char *name = source_name(p, path);
	int fd = archived_sources_find(from, name);
	struct member *m;

	if (fd < 0 || !is_source(fd))
		return false;
	if (!take_name(p, name))
		return true;
	m = add_member(p, PACK_SOURCE, name, path);
	m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (m->fd >= 0 && measure(m, NULL) == 0)
		return true;
	if (m->fd >= 0)
		close(m->fd);
	p->n--;
	return false;
}

/* Out of the archives that the traces are out of. */
static int take_archived(struct pack *p, const struct text_set *sources,
	struct archived_sources *to, struct text_set *wanted, const struct pack_options *o,
	struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < sources->n && i < PACK_MAX_SOURCES; i++) {
		const char *path = arena_strndup(&p->arena, sources->items[i].s,
			sources->items[i].len);
		const char *name = source_name(p, path);

		if (pack_is_source_name(sources->items[i]))
			text_set_add(wanted, (struct text){ name, strlen(name) });
	}
	for (uint32_t i = 0; !rc && i < o->n_words; i++)
		rc = archived_sources_add(to, o->words[i], err);
	return rc;
}

/* Notes which sources are the end of this one, if that has a full path. */
static void note_ends(const struct text_set *sources, struct text full, bool *is_end)
{
	uint32_t n = 0;

	if (!full.len || full.s[0] != '/')
		return;
	for (size_t at = full.len; at-- > 0 && n < MAX_PARTS;) {
		uint32_t number;

		if (full.s[at] != '/')
			continue;
		number = text_set_find(sources,
			(struct text){ full.s + at + 1, full.len - at - 1 });
		if (number)
			is_end[number - 1] = true;
		n++;
	}
}

/* By number, which sources are the end of one with a full path: then debug files told from where they count. To be
 * freed. */
static bool *find_ends(const struct text_set *sources)
{
	bool *is_end = xcalloc(sources->n + 1, sizeof(*is_end));

	for (uint32_t i = 0; i < sources->n; i++)
		note_ends(sources, sources->items[i], is_end);
	return is_end;
}

static void note_relative(struct pack *p, struct text t, bool is_end)
{
	if (!t.len || t.s[0] == '/' || !ends_as_source(t) || is_end)
		return;
	add_missing(p, arena_strndup(&p->arena, t.s, t.len), NULL,
		"its path is relative, to a folder that is not known");
	p->result->no_sources++;
}

static void add_found(struct pack *p, const struct text_set *sources,
	const struct archived_sources *archived, const char *root)
{
	bool *is_end = find_ends(sources);

	for (uint32_t i = 0; i < sources->n && i < PACK_MAX_SOURCES; i++) {
		const char *path;

		note_relative(p, sources->items[i], is_end[i]);
		if (!pack_is_source_name(sources->items[i]))
			continue;
		path = arena_strndup(&p->arena, sources->items[i].s, sources->items[i].len);
		if (try_archived(p, archived, path) || (*root && try_source(p, root, path)) ||
			try_source(p, "", path))
			continue;
		add_missing(p, path, NULL, "not found, or no text");
		p->result->no_sources++;
	}
	if (sources->n > PACK_MAX_SOURCES) {
		add_missing(p, arena_printf(&p->arena, "(%u more)", sources->n - PACK_MAX_SOURCES),
			NULL, "too many");
		p->result->no_sources += sources->n - PACK_MAX_SOURCES;
	}
	free(is_end);
}

static int add_sources(struct pack *p, const struct text_set *sources, const struct pack_options *o,
	struct err *err)
{
	struct archived_sources archived;
	struct text_set wanted;
	int rc;

	text_set_init(&wanted);
	archived_sources_init(&archived, &wanted);
	rc = take_archived(p, sources, &archived, &wanted, o, err);
	if (!rc)
		add_found(p, sources, &archived, o->root);
	archived_sources_done(&archived);
	text_set_done(&wanted);
	return rc;
}

/* ---- the manifest ---- */

static void put_text(FILE *f, const char *key, const char *text)
{
	fprintf(f, "\"%s\": \"", key);
	escape_put(f, ESCAPE_JSON, text);
	fputc('"', f);
}

static void put_id(FILE *f, const struct build_id *id)
{
	char hex[BUILD_ID_HEX];

	if (id)
		fprintf(f, ", \"build_id\": \"%s\"", build_id_hex(id, hex));
}

static void put_members(FILE *f, const struct pack *p, enum kind kind, const char *key)
{
	const char *between = "";

	fprintf(f, "  \"%s\": [", key);
	for (uint32_t i = 0; i < p->n; i++) {
		const struct member *m = &p->members[i];

		if (m->kind != kind)
			continue;
		fprintf(f, "%s\n    { ", between);
		put_text(f, "name", m->name);
		if (kind != PACK_TRACE) { /* where a trace lay is nobody else's business */
			fputs(", ", f);
			put_text(f, "path", m->path);
		}
		put_id(f, m->id);
		if (m->unit)
			fprintf(f, ", \"unit\": \"%016" PRIx64 "\"", m->unit);
		fprintf(f, ", \"bytes\": %" PRIu64 " }", m->bytes);
		between = ",";
	}
	fprintf(f, "%s],\n", *between ? "\n  " : "");
}

static void put_missing(FILE *f, const struct pack *p)
{
	fputs("  \"missing\": [", f);
	for (uint32_t i = 0; i < p->n_missing; i++) {
		fprintf(f, "%s\n    { ", i ? "," : "");
		put_text(f, "path", p->missing[i].path);
		put_id(f, p->missing[i].id);
		fputs(", ", f);
		put_text(f, "why", p->missing[i].why);
		fputs(" }", f);
	}
	fprintf(f, "%s]\n", p->n_missing ? "\n  " : "");
}

/* The text, to be freed. */
static char *make_manifest(const struct pack *p, size_t *len)
{
	static const char *const keys[N_KINDS] = { "traces", "binaries", "debug_files", "sources" };
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		return NULL;
	fputs("{\n  \"format\": \"ana pack 1\",\n", f);
	for (int k = 0; k < N_KINDS; k++)
		put_members(f, p, (enum kind)k, keys[k]);
	put_missing(f, p);
	fputs("}\n", f);
	fclose(f);
	return text;
}

/* ---- writing ---- */

static int failed(const struct pack *p, struct err *err)
{
	int code = p->lib->archive_errno(p->to);
	const char *why = p->lib->archive_error_string(p->to);

	return err_set(err, code > 0 ? code : EIO, "writing: %s", why ? why : "libarchive failed");
}

static int put_header(struct pack *p, const char *name, uint64_t bytes, time_t time,
	struct err *err)
{
	struct archive_entry *e = p->lib->archive_entry_new();
	int rc;

	if (!e)
		return err_set(err, ENOMEM, "libarchive has no memory");
	p->lib->archive_entry_set_pathname(e, name);
	p->lib->archive_entry_set_filetype(e, AE_IFREG);
	p->lib->archive_entry_set_perm(e, 0644);
	p->lib->archive_entry_set_size(e, (int64_t)bytes);
	p->lib->archive_entry_set_mtime(e, time, 0);
	rc = p->lib->archive_write_header(p->to, e);
	p->lib->archive_entry_free(e);
	p->result->bytes += bytes;
	return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? 0 : failed(p, err);
}

static int put_bytes(struct pack *p, const void *bytes, size_t n, struct err *err)
{
	return p->lib->archive_write_data(p->to, bytes, n) == (la_ssize_t)n ? 0 : failed(p, err);
}

static int put_file(struct pack *p, const struct member *m, int fd, struct err *err)
{
	static uint8_t piece[1 << 18];
	uint64_t at = 0;
	int rc = put_header(p, m->name, m->bytes, m->time, err);

	while (!rc && at < m->bytes) {
		uint64_t left = m->bytes - at;
		ssize_t n = pread(fd, piece, left < sizeof(piece) ? left : sizeof(piece),
			(off_t)at);

		if (n <= 0)
			return n ? err_errno(err, errno, "reading '%s'", m->path)
				 : err_set(err, EIO, "'%s' became shorter while it was packed",
					   m->path);
		rc = put_bytes(p, piece, (size_t)n, err);
		at += (uint64_t)n;
	}
	return rc;
}

static int put_member(struct pack *p, const struct member *m, struct err *err)
{
	int fd = m->fd >= 0 ? m->fd : open_source(m->root, m->path), rc;

	if (fd < 0)
		return err_errno(err, -fd, "'%s' went away while it was packed", m->path);
	rc = put_file(p, m, fd, err);
	if (m->fd < 0)
		close(fd);
	return rc;
}

static int put_all(struct pack *p, struct err *err)
{
	size_t len = 0;
	char *manifest = make_manifest(p, &len);
	int rc = manifest ? put_header(p, "MANIFEST.json", len, p->n ? p->members[0].time : 0, err)
			  : err_set(err, ENOMEM, "no memory");

	if (!rc)
		rc = put_bytes(p, manifest, len, err);
	free(manifest);
	for (uint32_t i = 0; !rc && i < p->n; i++)
		rc = put_member(p, &p->members[i], err);
	if (!rc && p->lib->archive_write_close(p->to) != ARCHIVE_OK)
		rc = failed(p, err);
	return rc;
}

static int open_archive(struct pack *p, int fd, const char *name, struct err *err)
{
	const struct way *w = find_way(name);

	p->to = p->lib->archive_write_new();
	if (!p->to || !w)
		return err_set(err, ENOMEM, "libarchive has no memory");
	if (p->lib->archive_write_set_format(p->to, w->format) != ARCHIVE_OK ||
		p->lib->archive_write_add_filter(p->to, w->filter) != ARCHIVE_OK)
		return failed(p, err);
	p->lib->archive_write_set_bytes_in_last_block(p->to, 1);
	return p->lib->archive_write_open_fd(p->to, fd) == ARCHIVE_OK ? 0 : failed(p, err);
}

static void count_members(struct pack *p)
{
	uint32_t *counts[N_KINDS] = { &p->result->traces, &p->result->binaries,
		&p->result->debug_files, &p->result->sources };

	for (uint32_t i = 0; i < p->n; i++)
		(*counts[p->members[i].kind])++;
}

static void free_pack(struct pack *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->members[i].fd >= 0)
			close(p->members[i].fd);
	if (p->lib && p->to)
		p->lib->archive_write_free(p->to);
	text_set_done(&p->names);
	arena_done(&p->arena);
	free(p->members);
	free(p->missing);
}

int pack_write(int fd, const char *name, const struct file_list *traces, const struct symbolize *s,
	const struct text_set *sources, struct binaries *b, const struct pack_options *o,
	struct pack_result *result, struct err *err)
{
	struct pack p = { .result = result };
	int rc;

	*result = (struct pack_result){ 0 };
	text_set_init(&p.names);
	p.lib = libarchive_load(err);
	rc = p.lib ? add_traces(&p, traces, err) : -ENOSYS;
	if (!rc)
		rc = add_binaries(&p, s, b, o, err);
	if (!rc && !o->no_sources)
		rc = add_sources(&p, sources, o, err);
	if (!rc)
		rc = open_archive(&p, fd, name, err);
	if (!rc)
		rc = put_all(&p, err);
	count_members(&p);
	free_pack(&p);
	return rc;
}
