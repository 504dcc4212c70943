#include "analyze/debug_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/archive.h"
#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/symbols/debuginfod.h"
#include "format/symbols/split_file.h"
#include "format/symbols/target_file.h"

enum { FREE_FD = 10 }; /* those below are the worker's own */

/* A file that the user named. */
struct known {
	const char *name;
	int fd; /* owned; -1: by name */
	struct build_id id;
	bool beyond; /* it has more units than are looked at */
};

struct known_list {
	struct known *items; /* owned */
	uint32_t n, cap;
};

struct debug_parts {
	const char *root;
	struct map by_unit; /* id -> number in units */
	struct known_list units, packages, alternates;
	struct arena arena;
};

/* ---- what the user named ---- */

struct debug_parts *debug_parts_new(const char *root)
{
	struct debug_parts *p = xcalloc(1, sizeof(*p));

	archive_allow_files(); /* a program may be made of thousands of units */
	p->root = root;
	map_init(&p->by_unit, 64);
	return p;
}

static void free_list(struct known_list *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->items[i].fd >= 0)
			close(l->items[i].fd);
	free(l->items);
}

void debug_parts_free(struct debug_parts *p)
{
	if (!p)
		return;
	free_list(&p->units);
	free_list(&p->packages);
	free_list(&p->alternates);
	map_done(&p->by_unit);
	arena_done(&p->arena);
	free(p);
}

static struct known *note_known(struct debug_parts *p, struct known_list *l, const char *name,
	int fd)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->items = xrealloc(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->n] = (struct known){ .name = arena_strdup(&p->arena, name),
		.fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD) : -1 };
	return &l->items[l->n++];
}

static int note_unit(void *ctx, const struct split_unit *unit)
{
	struct debug_parts *p = ctx;
	bool is_new;
	uint32_t *at = map_put(&p->by_unit, unit->id, &is_new);

	if (is_new)
		*at = p->units.n;
	return 0;
}

/* What dwz made has sections of DWARF and no code; a kernel's module has some. */
static bool is_alternate(const struct elf_image *e, struct build_id *id)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (e->sections[i].sh_flags & SHF_EXECINSTR)
			return false;
	return !e->n_segments && elf_image_has_dwarf(e) && build_id_of_image(e, id, NULL) == 0;
}

bool debug_parts_take(struct debug_parts *p, const struct elf_image *e, const char *name, int fd)
{
	enum split_kind kind = split_file_kind(e);
	struct build_id id;

	if (kind == SPLIT_PACKAGE) {
		note_known(p, &p->packages, name, fd);
	} else if (kind == SPLIT_UNITS) {
		bool beyond = split_file_units(e, note_unit, p) == -E2BIG;

		note_known(p, &p->units, name, fd)->beyond = beyond;
	} else if (is_alternate(e, &id)) {
		note_known(p, &p->alternates, name, fd)->id = id;
	} else {
		return false;
	}
	return true;
}

/* ---- what a binary needs ---- */

static const struct binary_file *dwarf_of(const struct binary *found)
{
	if (found->code.fd >= 0 && elf_image_has_dwarf(&found->code.elf))
		return &found->code;
	return found->debug.fd >= 0 ? &found->debug : NULL;
}

bool part_set_needless(const struct binary *found)
{
	const struct binary_file *f = dwarf_of(found);
	struct alternate_link link;

	return !f || !(split_program(&f->elf) || alternate_link_of(&f->elf, &link));
}

/* A descriptor out of the way of the worker's own; or -1. */
static int in_high_place(struct part_set *set, int fd)
{
	int high = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD);

	set->too_many |= fd == -EMFILE || fd == -ENFILE || (fd >= 0 && high < 0);
	if (fd >= 0)
		close(fd);
	return high < 0 ? -1 : high;
}

static int open_named(struct part_set *set, const char *root, const char *path)
{
	return in_high_place(set, target_file_open(root, path, true, NULL));
}

static int open_known(struct part_set *set, const struct known *k)
{
	int fd;

	if (k->fd < 0)
		return open_named(set, "", k->name);
	fd = fcntl(k->fd, F_DUPFD_CLOEXEC, FREE_FD);
	set->too_many |= fd < 0;
	return fd;
}

/* Reads the index of a package. */
static void read_index(int fd, struct split_index *index)
{
	struct elf_image e;

	if (elf_image_open(&e, fd, NULL) == 0)
		split_index_read(index, &e);
	elf_image_done(&e);
}

static void add_file(struct part_set *set, struct part_file f)
{
	if (set->n == set->cap) {
		set->cap = set->cap ? 2 * set->cap : 16;
		set->files = xrealloc(set->files, set->cap, sizeof(*set->files));
		set->split = xrealloc(set->split, set->cap, sizeof(*set->split));
	}
	set->files[set->n++] = f;
	if (f.kind != PART_ALTERNATE)
		set->split[set->n_split++] = f.fd;
}

/* ---- alternate files ---- */

static bool is_build(int fd, const struct build_id *id)
{
	struct build_id has;

	return fd >= 0 && build_id_of_file(fd, &has, NULL) == 0 && build_id_equal(&has, id);
}

/* Takes the descriptor if it is of that build; closes it otherwise. */
static bool take_alternate(struct part_set *set, const char *name, int fd,
	const struct build_id *id)
{
	if (is_build(fd, id)) {
		add_file(set, (struct part_file){ PART_ALTERNATE, name, fd, *id, 0 });
		return true;
	}
	if (fd >= 0)
		close(fd);
	return false;
}

static bool take_known_alternate(struct part_set *set, const struct debug_parts *p,
	const struct build_id *id)
{
	for (uint32_t i = 0; i < p->alternates.n; i++) {
		const struct known *k = &p->alternates.items[i];

		if (build_id_equal(&k->id, id) &&
			take_alternate(set, k->name, open_known(set, k), id))
			return true;
	}
	return false;
}

static void find_alternate(struct part_set *set, struct debug_parts *p, const struct binary_file *f)
{
	struct alternate_link link;
	const char *name;

	if (!alternate_link_of(&f->elf, &link) || take_known_alternate(set, p, &link.id))
		return;
	name = arena_strdup(&p->arena, link.path);
	if (!f->archived &&
		take_alternate(set, name,
			in_high_place(set, alternate_file_open(p->root, &f->elf, NULL)), &link.id))
		return;
	take_alternate(set, name, in_high_place(set, debuginfod_open(&link.id, NULL)), &link.id);
}

void part_set_init(struct part_set *set, struct debug_parts *p, const struct binary *found)
{
	const struct binary_file *f = dwarf_of(found);

	memset(set, 0, sizeof(*set));
	map_init(&set->by_unit, 64);
	if (f)
		find_alternate(set, p, f);
}

void part_set_close(struct part_set *set, uint32_t i)
{
	if (set->files[i].fd >= 0)
		close(set->files[i].fd);
	set->files[i].fd = -1;
}

void part_set_done(struct part_set *set)
{
	for (uint32_t i = 0; i < set->n; i++)
		part_set_close(set, i);
	map_done(&set->by_unit);
	free(set->files);
	free(set->split);
	free(set->places);
}

/* ---- split units ---- */

/* Which units are missing, and who has them. */
struct search {
	struct part_set *set;
	struct debug_parts *parts;
	const struct binary_file *of;
	const struct dwarf_split *units;
	uint32_t n;
	bool all; /* those too that the worker finds by itself */
};

static bool is_missing(const struct search *s, const struct dwarf_split *u)
{
	return (s->all || !u->found) && !map_get(&s->set->by_unit, u->id);
}

static void add_place(struct part_set *set, uint64_t id, uint32_t file)
{
	if (set->n_places == set->cap_places) {
		set->cap_places = set->cap_places ? 2 * set->cap_places : 64;
		set->places = xrealloc(set->places, set->cap_places, sizeof(*set->places));
	}
	*map_put(&set->by_unit, id, NULL) = set->n_places;
	set->places[set->n_places++] = (struct dwarf_place){ id, file };
}

/* Takes the descriptor, or closes it: of a file with a unit. */
static bool take_split(struct part_set *set, enum part_kind kind, const char *name, int fd,
	uint64_t id)
{
	if (fd < 0)
		return false;
	if (set->n_split == INLINE_MAX_SPLIT) {
		set->beyond = true;
		close(fd);
		return false;
	}
	add_file(set, (struct part_file){ kind, name, fd, { .len = 0 }, id });
	return true;
}

/* By what the user named. A file that has several of the units is there once. */
static void add_known(struct search *s)
{
	uint32_t *file_of = xcalloc(s->parts->units.n + 1, sizeof(*file_of)); /* plus 1 */

	for (uint32_t i = 0; i < s->n; i++) {
		const uint32_t *at = map_get(&s->parts->by_unit, s->units[i].id);
		const struct known *k = at ? &s->parts->units.items[*at] : NULL;

		if (!k || !is_missing(s, &s->units[i]))
			continue;
		if (!file_of[*at] &&
			take_split(s->set, PART_UNIT, k->name, open_known(s->set, k),
				s->units[i].id))
			file_of[*at] = s->set->n_split;
		if (file_of[*at])
			add_place(s->set, s->units[i].id, file_of[*at] - 1);
	}
	free(file_of);
}

/* The index of a package may be large, and compressed: it is read once, for all units. fd: consumed. */
static void add_package(struct search *s, const char *name, int fd)
{
	struct split_index index = { 0 };
	bool taken = false;

	if (fd < 0)
		return;
	read_index(fd, &index);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct dwarf_split *u = &s->units[i];

		if (!is_missing(s, u) || !split_index_has(&index, u->id))
			continue;
		if (!taken && !take_split(s->set, PART_PACKAGE, name, fd, u->id)) {
			fd = -1;
			break;
		}
		taken = true;
		add_place(s->set, u->id, s->set->n_split - 1);
	}
	split_index_done(&index);
	if (!taken && fd >= 0)
		close(fd);
}

static void add_known_packages(struct search *s)
{
	for (uint32_t i = 0; i < s->parts->packages.n; i++) {
		const struct known *k = &s->parts->packages.items[i];

		add_package(s, k->name, open_known(s->set, k));
	}
}

static bool has_unit(struct part_set *set, int fd, uint64_t id)
{
	struct split_unit unit;
	struct elf_image e;
	int rc = elf_image_open(&e, fd, NULL) ? 0 : split_file_find(&e, id, &unit);

	elf_image_done(&e);
	set->beyond |= rc == -E2BIG;
	return rc == 1;
}

static bool take_at(struct search *s, const char *root, const char *folder, const char *name,
	uint64_t id)
{
	struct arena *a = &s->parts->arena;
	const char *path = *name == '/' ? arena_strdup(a, name)
					: arena_printf(a, "%s/%s", folder, name);
	int fd = *path == '/' ? open_named(s->set, root, path) : -1;

	if (fd >= 0 && !has_unit(s->set, fd, id)) {
		close(fd);
		fd = -1;
	}
	if (!take_split(s->set, PART_UNIT, path, fd, id))
		return false;
	add_place(s->set, id, s->set->n_split - 1);
	return true;
}

/* The folder of a file that has a name. */
static const char *folder_of(struct debug_parts *p, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? arena_strndup(&p->arena, path, (size_t)(slash - path)) : ".";
}

/* Where libdw looks too: by the names that the unit has, and beside the binary. */
static void add_by_name(struct search *s, const struct dwarf_split *u)
{
	const char *root = s->parts->root, *folder = u->folder ? u->folder : "";

	if (!u->name || !is_missing(s, u))
		return;
	if ((*root && take_at(s, root, folder, u->name, u->id)) || s->of->archived ||
		take_at(s, "", folder_of(s->parts, s->of->name), u->name, u->id))
		return;
	take_at(s, "", folder, u->name, u->id);
}

static void add_beside(struct search *s, const struct binary_file *f)
{
	const char *path;

	if (f->fd < 0 || f->archived || f->name[0] != '/')
		return;
	path = arena_printf(&s->parts->arena, "%s.dwp", f->name);
	add_package(s, path, open_named(s->set, "", path));
}

/* What is still missing may be in what was not looked at of a file that the user named. */
static void note_beyond(struct search *s)
{
	bool missing = false;

	for (uint32_t i = 0; !missing && i < s->n; i++)
		missing = is_missing(s, &s->units[i]);
	for (uint32_t i = 0; missing && i < s->parts->units.n; i++)
		s->set->beyond |= s->parts->units.items[i].beyond;
}

uint32_t part_set_add(struct part_set *set, struct debug_parts *p, const struct binary *found,
	const struct inline_parts *asked, bool all)
{
	struct search s = { set, p, dwarf_of(found), asked->units, asked->n_units, all };
	uint32_t before = set->n;

	if (!s.of || !s.n)
		return 0;
	add_known(&s);
	add_known_packages(&s);
	for (uint32_t i = 0; i < s.n; i++)
		add_by_name(&s, &s.units[i]);
	add_beside(&s, &found->code);
	add_beside(&s, &found->debug);
	note_beyond(&s);
	return set->n - before;
}

struct inline_parts part_set_given(const struct part_set *set)
{
	struct inline_parts parts = PARTS_NONE;

	for (uint32_t i = 0; i < set->n; i++)
		if (set->files[i].kind == PART_ALTERNATE)
			parts.given.alternate = set->files[i].fd;
	parts.given.split = set->split;
	parts.given.n_split = set->n_split;
	parts.given.places = set->places;
	parts.given.n_places = set->n_places;
	return parts;
}
