/* Of each build that is wanted the best code and the best debug file are remembered by name, or, out of an archive,
 * opened. */
#include "analyze/binaries.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/archive.h"
#include "analyze/debug_parts.h"
#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/symbols/debuginfod.h"
#include "format/symbols/same_code.h"
#include "format/symbols/target_file.h"

enum { MAX_REFUSED = 1000 };

struct candidate {
	const char *name; /* NULL: there is none */
	int fd;           /* owned; of a file without a name of its own, or -1 */
	unsigned worth;
};

struct build {
	struct build_id id;
	const char *path;
	struct candidate code, debug;
};

struct binaries {
	const char *root;
	struct map
		by_id; /* hash of the build id -> number in builds; keys of the same hash follow each other */
	struct build *builds; /* owned */
	const char **refused; /* owned */
	uint32_t n, cap, n_refused;
	struct debug_parts *parts; /* owned */
	struct arena arena;
};

/* ---- what is wanted ---- */

static uint64_t key_of(const struct build_id *id)
{
	return hash_bytes(id->bytes, id->len);
}

static struct build *find(const struct binaries *b, const struct build_id *id)
{
	const uint32_t *at;

	for (uint64_t key = key_of(id); (at = map_get(&b->by_id, key)); key++)
		if (build_id_equal(&b->builds[*at].id, id))
			return &b->builds[*at];
	return NULL;
}

struct binaries *binaries_new(const char *root)
{
	struct binaries *b = xcalloc(1, sizeof(*b));

	b->root = root;
	b->parts = debug_parts_new(root);
	map_init(&b->by_id, 64);
	return b;
}

static void drop(struct candidate *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void binaries_free(struct binaries *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->n; i++) {
		drop(&b->builds[i].code);
		drop(&b->builds[i].debug);
	}
	debug_parts_free(b->parts);
	free(b->builds);
	free(b->refused);
	map_done(&b->by_id);
	arena_done(&b->arena);
	free(b);
}

struct debug_parts *binaries_parts(struct binaries *b)
{
	return b->parts;
}

void binaries_want(struct binaries *b, const struct build_id *id, const char *path)
{
	uint64_t key = key_of(id);

	if (find(b, id))
		return;
	while (map_get(&b->by_id, key))
		key++;
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 64;
		b->builds = xrealloc(b->builds, b->cap, sizeof(*b->builds));
	}
	b->builds[b->n] = (struct build){ *id, path, { NULL, -1, 0 }, { NULL, -1, 0 } };
	*map_put(&b->by_id, key, NULL) = b->n++;
}

/* ---- what a file is worth ---- */

static bool has_section(const struct elf_image *e, uint32_t type, uint64_t flags)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (e->sections[i].sh_type == type && (e->sections[i].sh_flags & flags) == flags)
			return true;
	return false;
}

/* Whether it tells where in the file the code was. A debug file may not: objcopy takes that out. */
static bool places_code(const struct elf_image *e)
{
	for (uint32_t i = 0; i < e->n_segments; i++)
		if (e->segments[i].p_type == PT_LOAD && e->segments[i].p_flags & PF_X &&
			e->segments[i].p_filesz >= e->segments[i].p_memsz)
			return true;
	return false;
}

/* 0: it is none. The program itself is best, as it has linkage tables. */
static unsigned worth_as_code(const struct elf_image *e)
{
	if ((e->type != ET_EXEC && e->type != ET_DYN) || !places_code(e))
		return 0;
	return !e->n_sections || has_section(e, SHT_PROGBITS, SHF_EXECINSTR) ? 2 : 1;
}

static unsigned worth_as_debug(const struct elf_image *e)
{
	return 2 * elf_image_has_dwarf(e) + has_section(e, SHT_SYMTAB, 0);
}

static void take_better(struct candidate *c, unsigned worth, const char *name, int fd)
{
	if (worth <= c->worth)
		return;
	drop(c);
	*c = (struct candidate){ name, fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1, worth };
}

/* ---- what is refused ---- */

static const char *refuse(struct binaries *b, const char *sentence)
{
	if (b->n_refused < MAX_REFUSED) {
		b->refused = xrealloc(b->refused, b->n_refused + 1, sizeof(*b->refused));
		b->refused[b->n_refused++] = sentence;
	}
	return sentence;
}

/* Whether a file of this name is one of the path's: the same name, or with ".debug" behind it; kernels may have the
 * number of their release behind it. */
static bool same_name(const char *file, const char *path)
{
	static const char kernel[] = "vmlinux";
	const char *a = basename(file), *b = basename(path);
	size_t len = strlen(b);

	if (strncmp(b, kernel, strlen(kernel)) == 0)
		return strncmp(a, kernel, strlen(kernel)) == 0;
	return strncmp(a, b, len) == 0 && (!a[len] || strcmp(a + len, ".debug") == 0);
}

static const struct build *find_by_name(const struct binaries *b, const char *name)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (same_name(name, b->builds[i].path))
			return &b->builds[i];
	return NULL;
}

static const char *other_build(struct binaries *b, const char *name, const struct build_id *has,
	const struct build *wanted)
{
	char of_file[BUILD_ID_HEX], of_trace[BUILD_ID_HEX];

	return arena_printf(&b->arena, "'%s' has build id %s, the trace's '%s' has %s", name,
		build_id_hex(has, of_file), wanted->path, build_id_hex(&wanted->id, of_trace));
}

/* named: by the user. */
static void refuse_build(struct binaries *b, const char *name, const struct build_id *has,
	bool named)
{
	const struct build *wanted = find_by_name(b, name);
	char hex[BUILD_ID_HEX];

	if (wanted)
		refuse(b, other_build(b, name, has, wanted));
	else if (named)
		refuse(b,
			arena_printf(&b->arena,
				"'%s' has build id %s, which nothing in the trace has", name,
				build_id_hex(has, hex)));
}

/* ---- what there is ---- */

/* How much is said about files that do not fit. */
enum tell { TELL_NOTHING, TELL_OTHER_BUILDS, TELL_ALL };

static void refuse_unwanted(struct binaries *b, const char *name, const struct elf_image *e,
	enum tell tell)
{
	struct build_id id;

	if (build_id_of_image(e, &id, NULL) == 0) {
		if (tell != TELL_NOTHING)
			refuse_build(b, name, &id, tell == TELL_ALL);
	} else if (tell == TELL_ALL) {
		refuse(b, arena_printf(&b->arena, "'%s' has no build id", name));
	}
}

/* fd: borrowed. has_name: it can be opened again by name. */
static void look_at(struct binaries *b, const char *name, int fd, bool has_name, enum tell tell)
{
	struct elf_image e;
	struct build_id id;
	struct build *build;

	if (elf_image_open(&e, fd, NULL)) {
		if (tell == TELL_ALL)
			refuse(b,
				arena_printf(&b->arena,
					"'%s' is no ELF file: it has no build id to know it by",
					name));
		return;
	}
	if (build_id_of_image(&e, &id, NULL) == 0 && (build = find(b, &id))) {
		name = arena_strdup(&b->arena, name);
		take_better(&build->code, worth_as_code(&e), name, has_name ? -1 : fd);
		take_better(&build->debug, worth_as_debug(&e), name, has_name ? -1 : fd);
	} else if (!debug_parts_take(b->parts, &e, name, has_name ? -1 : fd)) {
		refuse_unwanted(b, name, &e, tell);
	}
	elf_image_done(&e);
}

struct archived {
	struct binaries *b;
	const char *archive;
	enum tell tell;
};

static bool wants_elf(void *ctx, const struct archive_member *m)
{
	(void)ctx;
	return m->n_head >= SELFMAG && memcmp(m->head, ELFMAG, SELFMAG) == 0;
}

/* Debug information names further files, which are opened with the rights of a file's owner (inline_worker.h): for
 * what somebody sent these must not be root's. */
static void disown(int fd)
{
	enum { NOBODY = 65534 };

	if (geteuid() == 0 && fchown(fd, NOBODY, NOBODY))
		return; /* in a container that has no nobody: what its root may is not much */
}

static int take_elf(void *ctx, const struct archive_member *m, int fd, struct err *err)
{
	struct archived *a = ctx;
	char *name = arena_printf(&a->b->arena, "%s%s%s", a->archive, *m->name ? "/" : "", m->name);

	(void)err;
	disown(fd);
	look_at(a->b, name, fd, false, a->tell);
	close(fd);
	return 0;
}

static int add_archive(struct binaries *b, const char *name, int fd, enum tell tell,
	struct err *err)
{
	struct archived a = { b, name, tell };
	const struct archive_visitor v = { .wants = wants_elf, .take = take_elf, .ctx = &a };
	int rc = archive_visit(fd, &v, err);

	return rc ? err_step(err, rc, "'%s'", name) : 0;
}

static int add_file(struct binaries *b, const char *path, enum tell tell, struct err *err)
{
	int fd = target_file_open("", path, true, err), rc = 0;

	if (fd < 0)
		return fd;
	if (archive_is(fd) && tell == TELL_ALL)
		rc = add_archive(b, path, fd, TELL_OTHER_BUILDS, err);
	else
		look_at(b, path, fd, true, tell);
	close(fd);
	return rc;
}

/* Links are followed, as folders of debug files are made of them. */
static int add_folder(struct binaries *b, const char *folder, struct err *err)
{
	char *const roots[] = { (char *)folder, NULL };
	FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	if (!walk)
		return err_errno(err, errno, "folder '%s'", folder);
	while ((e = fts_read(walk)))
		if (e->fts_info == FTS_F)
			add_file(b, e->fts_path, TELL_OTHER_BUILDS, NULL);
	fts_close(walk);
	return 0;
}

/* Relative names are those of the folder we are in, and stay so. */
static const char *absolute(struct binaries *b, const char *path)
{
	char *full = *path == '/' ? NULL : realpath(path, NULL);
	const char *kept = full ? arena_strdup(&b->arena, full) : path;

	free(full);
	return kept;
}

int binaries_add(struct binaries *b, const char *place, struct err *err)
{
	struct stat st;

	if (stat(place, &st))
		return err_errno(err, errno, "'%s'", place);
	place = absolute(b, place);
	return S_ISDIR(st.st_mode) ? add_folder(b, place, err) : add_file(b, place, TELL_ALL, err);
}

int binaries_add_archive(struct binaries *b, const char *name, int fd, struct err *err)
{
	return add_archive(b, name, fd, TELL_NOTHING, err);
}

uint32_t binaries_n_refused(const struct binaries *b)
{
	return b->n_refused;
}

const char *binaries_refused(const struct binaries *b, uint32_t number)
{
	return b->refused[number];
}

/* ---- opening ---- */

/* Takes the descriptor if it is of this build; closes it otherwise. */
static bool take(struct binary_file *f, const char *name, int fd, const struct build_id *id,
	struct build_id *has)
{
	has->len = 0;
	if (fd < 0)
		return false;
	if (build_id_of_file(fd, has, NULL) || !build_id_equal(has, id) ||
		elf_image_open(&f->elf, fd, NULL)) {
		close(fd);
		return false;
	}
	f->fd = fd;
	f->name = name;
	f->archived = false;
	return true;
}

static bool take_candidate(struct binary_file *f, const struct candidate *c,
	const struct build_id *id)
{
	struct build_id has;
	int fd = -1;

	if (c->name)
		fd = c->fd >= 0 ? fcntl(c->fd, F_DUPFD_CLOEXEC, 0)
				: target_file_open("", c->name, true, NULL);
	if (!take(f, c->name, fd, id, &has))
		return false;
	f->archived = c->fd >= 0;
	return true;
}

static int take_first(void *ctx, const struct archive_member *m, int fd, struct err *err)
{
	int *first = ctx;

	(void)m;
	(void)err;
	*first = fd;
	return 1;
}

/* Whether what is in a file that is compressed may be read with the rights with which that would (inline_worker.h): by
 * all who can read a file of root or of their own. */
static bool give_to_owner(int plain, int packed)
{
	struct stat st;

	if (fstat(packed, &st))
		return false;
	return st.st_uid == 0 || st.st_uid == geteuid() || fchown(plain, st.st_uid, st.st_gid) == 0;
}

/* What a file that is compressed has in it, as a file without a name; other files as they are. */
static int unpacked(int fd)
{
	int plain = -1;
	const struct archive_visitor v = { .wants = wants_elf, .take = take_first, .ctx = &plain };

	if (fd < 0 || !archive_is(fd))
		return fd;
	archive_visit(fd, &v, NULL);
	if (plain >= 0 && !give_to_owner(plain, fd)) {
		close(plain);
		plain = -1;
	}
	close(fd);
	return plain;
}

/* The file at the path where it was, if it is still of that build. */
static bool take_at_path(struct binary *found, struct binaries *b, const char *root,
	const struct build *build)
{
	const char *name = arena_printf(&b->arena, "%s%s", root, build->path);
	struct build_id has;

	if (build->path[0] != '/')
		return false;
	if (take(&found->code, name, unpacked(target_file_open(root, build->path, true, NULL)),
		    &build->id, &has))
		return true;
	if (has.len)
		found->wrong = other_build(b, name, &has, build);
	return false;
}

/* Other places of a kernel with debug information, whose path ends with its release. */
static bool take_kernel(struct binary *found, struct binaries *b, const char *root,
	const struct build *build)
{
	static const char *const places[] = { "/usr/lib/debug/lib/modules/%s/vmlinux",
		"/lib/modules/%s/build/vmlinux", "/lib/modules/%s/vmlinux", "/boot/vmlinux-%s" };
	static const char kernel[] = "vmlinux-";
	const char *file = basename(build->path);

	if (strncmp(file, kernel, strlen(kernel)) != 0)
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct build at = *build;
		char path[512];

		snprintf(path, sizeof(path), places[i], file + strlen(kernel));
		at.path = path;
		if (take_at_path(found, b, root, &at))
			return true;
	}
	return false;
}

/* Whether a file is of a module, "ext4.ko": it may be compressed, and names of modules be written either way. */
static bool same_module(const char *file, const char *module)
{
	for (; *file && *module; file++, module++)
		if (*file != *module && !(strchr("-_", *file) && strchr("-_", *module)))
			return false;
	return !*module &&
		(!*file || strcmp(file, ".xz") == 0 || strcmp(file, ".zst") == 0 ||
			strcmp(file, ".gz") == 0);
}

/* Where a module is in its folder, as depmod wrote: "kernel/fs/ext4/ext4.ko: what it needs". NULL if it
 * is not there. */
static const char *module_place(struct binaries *b, const char *root, const char *path)
{
	const char *file = basename(path),
		   *folder = arena_strndup(&b->arena, path, (size_t)(file - path));
	int fd = target_file_open(root, arena_printf(&b->arena, "%smodules.dep", folder), true,
		NULL);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	const char *found = NULL;
	char *line = NULL;
	size_t size = 0;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while (!found && getline(&line, &size, f) > 0) {
		line[strcspn(line, ":\n")] = '\0';
		if (same_module(basename(line), file))
			found = arena_printf(&b->arena, "%s%s", folder, line);
	}
	free(line);
	fclose(f);
	return found;
}

static bool take_module(struct binary *found, struct binaries *b, const char *root,
	const struct build *build)
{
	static const char modules[] = "/lib/modules/";
	struct build at = *build;

	if (strncmp(build->path, modules, strlen(modules)) != 0)
		return false;
	at.path = module_place(b, root, build->path);
	return at.path && take_at_path(found, b, root, &at);
}

static bool take_by_path(struct binary *found, struct binaries *b, const char *root,
	const struct build *build)
{
	return take_at_path(found, b, root, build) || take_kernel(found, b, root, build) ||
		take_module(found, b, root, build);
}

static bool take_code(struct binary *found, struct binaries *b, const struct build *build,
	bool servers)
{
	struct build_id has;

	if (take_candidate(&found->code, &build->code, &build->id) ||
		(*b->root && take_by_path(found, b, b->root, build)) ||
		take_by_path(found, b, "", build))
		return true;
	return servers &&
		take(&found->code, "debuginfod", debuginfod_open_program(&build->id, NULL),
			&build->id, &has);
}

/* A debug file where they are by build id. */
static bool take_by_id(struct binary *found, const char *root, const struct build_id *id)
{
	struct build_id has;

	return take(&found->debug, *root ? root : "/usr/lib/debug", debug_file_open(root, id, NULL),
		id, &has);
}

static void close_file(struct binary_file *f)
{
	if (f->fd < 0)
		return;
	elf_image_done(&f->elf);
	close(f->fd);
	f->fd = -1;
}

/* A build id may lie. */
static const char *refuse_other_code(struct binaries *b, const char *name,
	const struct build *build)
{
	const char *why = arena_printf(&b->arena,
		"%s has the build id of '%s', but is of other code", name, build->path);

	refuse(b, why);
	return why;
}

static void check_debug(struct binary *found, struct binaries *b, const struct build *build)
{
	struct binary_file *f = &found->debug;

	if (f->fd < 0 || same_code(&found->code.elf, &f->elf))
		return;
	refuse_other_code(b, arena_printf(&b->arena, "'%s'", f->name), build);
	close_file(f);
}

/* What a debug file adds; none is needed for code that has it all. */
static void take_debug(struct binary *found, struct binaries *b, const struct build *build,
	bool servers)
{
	struct debug_image d;
	char self[64], name[4096];
	ssize_t len;

	if (build->debug.worth > worth_as_debug(&found->code.elf) &&
		take_candidate(&found->debug, &build->debug, &build->id))
		return;
	if (elf_image_has_dwarf(&found->code.elf) ||
		(*b->root && take_by_id(found, b->root, &build->id)))
		return;
	if (!servers) {
		take_by_id(found, "", &build->id);
		return;
	}
	if (!debug_image_open(&d, &found->code.elf)) {
		if (d.other_code)
			refuse_other_code(b, "a debug file here", build);
		return;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", d.fd);
	len = readlink(self, name, sizeof(name) - 1);
	name[len > 0 ? len : 0] = '\0';
	found->debug = (struct binary_file){ arena_strdup(&b->arena, name), d.elf, d.fd, false };
}

/* A debug file whose program is not to be had. */
static void take_debug_alone(struct binary *found, struct binaries *b, const struct build *build,
	bool servers)
{
	struct build_id has;

	if (take_candidate(&found->debug, &build->debug, &build->id) ||
		(*b->root && take_by_id(found, b->root, &build->id)) ||
		take_by_id(found, "", &build->id))
		return;
	if (servers)
		take(&found->debug, "debuginfod", debuginfod_open(&build->id, NULL), &build->id,
			&has);
}

/* A debug file that has its code is the program itself, as a kernel's is. */
static bool is_program(struct binary *found)
{
	if (found->debug.fd < 0 || worth_as_code(&found->debug.elf) < 2)
		return false;
	found->code = found->debug;
	found->debug.fd = -1;
	return true;
}

int binary_open(struct binary *found, struct binaries *b, const struct build_id *id, bool servers)
{
	const struct build *build = find(b, id);

	*found = (struct binary){ .code.fd = -1, .debug.fd = -1 };
	if (!build)
		return -ENOENT;
	if (take_code(found, b, build, servers)) {
		take_debug(found, b, build, servers);
		check_debug(found, b, build);
		return 0;
	}
	take_debug_alone(found, b, build, servers);
	return is_program(found) ? 0 : -ENOENT;
}

void binary_refuse(struct binary *found, struct binaries *b, const struct build_id *id)
{
	found->wrong = refuse_other_code(b, arena_printf(&b->arena, "'%s'", found->code.name),
		find(b, id));
	binary_close(found);
}

void binary_close(struct binary *found)
{
	close_file(&found->code);
	close_file(&found->debug);
}
