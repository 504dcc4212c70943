#include "record/fault_mapping.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "record/proc_fs.h"

enum { MAX_FILES = 65536 }; /* remembered; a machine that has more of them begins anew */

/* Numbers of inodes are used again, so the name counts too. */
struct file {
	uint64_t inode;
	uint32_t device;
	char name[sizeof(((struct fault_record *)0)->name)];
	uint32_t mapping, generation; /* valid in one segment */
	char *path;                   /* owned */
};

struct fault_mappings {
	struct writer *writer;       /* borrowed */
	const struct images *images; /* borrowed */
	struct map by_file;          /* device and inode -> number in files */
	struct file *files;          /* owned */
	uint32_t n_files, cap;
};

struct fault_mappings *fault_mappings_new(struct writer *w, const struct images *images)
{
	struct fault_mappings *m = xcalloc(1, sizeof(*m));

	m->writer = w;
	m->images = images;
	map_init(&m->by_file, 256);
	return m;
}

static void forget(struct fault_mappings *m)
{
	for (uint32_t i = 0; i < m->n_files; i++)
		free(m->files[i].path);
	map_clear(&m->by_file);
	m->n_files = 0;
}

void fault_mappings_free(struct fault_mappings *m)
{
	if (!m)
		return;
	forget(m);
	map_done(&m->by_file);
	free(m->files);
	free(m);
}

/* ---- paths ---- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static size_t name_length(const char *name)
{
	return strnlen(name, sizeof(((struct fault_record *)0)->name));
}

/* The kernel's program cuts long names, and some have slashes: "dev/zero", shared memory. */
static bool is_called(const char *path, const char *name, size_t len)
{
	bool cut = len == sizeof(((struct fault_record *)0)->name) - 1;
	const char *last = last_part(path), *part = name + len;

	while (part > name && part[-1] != '/')
		part--;
	len -= (size_t)(part - name);
	return strncmp(last, part, len) == 0 && (cut || !last[len]);
}

const char *fault_mapping_path(char *line, uint64_t address, const char *name)
{
	uint64_t start, end;
	int at = 0;

	/* "start-end perms offset major:minor inode   path" */
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &start, &end, &at) < 2 ||
		!at || address < start || address >= end)
		return NULL;
	line += at;
	line[strcspn(line, "\n")] = '\0';
	proc_strip_deleted(line);
	return line[0] == '/' && is_called(line, name, name_length(name)) ? line : NULL;
}

/* Owned by the caller; NULL if the process is gone or has something else there now. */
static char *path_from_maps(const struct fault_record *r)
{
	char path[64], *line = NULL, *found = NULL;
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", r->fault.pid);
	f = fopen(path, "re");
	while (f && !found && getline(&line, &cap, f) > 0) {
		const char *p = fault_mapping_path(line, r->fault.address, r->name);

		found = p ? strdup(p) : NULL;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* The only file of this name that somebody executes; NULL if there is none, or are several. */
static const char *path_from_images(const struct images *images, const char *name)
{
	const char *found = NULL;

	for (uint32_t i = 0; i < images->n; i++) {
		const struct image *image = images->all[i];

		if (image->kind != MAPPING_FILE || !is_called(image->path, name, name_length(name)))
			continue;
		if (found && strcmp(found, image->path) != 0)
			return NULL;
		found = image->path;
	}
	return found;
}

static char *path_of(const struct fault_mappings *m, const struct fault_record *r)
{
	char *path = path_from_maps(r);
	const char *known = path ? NULL : path_from_images(m->images, r->name);

	if (path)
		return path;
	return known ? strdup(known) : strndup(r->name, sizeof(r->name));
}

/* ---- the numbers ---- */

static struct file *file_of(struct fault_mappings *m, const struct fault_record *r)
{
	uint64_t key = hash_u64(hash_u64(r->inode) ^ r->device) ^
		hash_bytes(r->name, name_length(r->name));
	struct file *f;
	uint32_t *at;
	bool is_new;

	if (m->n_files == MAX_FILES)
		forget(m);
	/* Files with the same hash have keys one behind the other. */
	for (;; key++) {
		at = map_put(&m->by_file, key, &is_new);
		if (is_new)
			break;
		f = &m->files[*at];
		if (f->inode == r->inode && f->device == r->device &&
			!memcmp(f->name, r->name, sizeof(f->name)))
			return f;
	}
	if (m->n_files == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->files = xrealloc(m->files, m->cap, sizeof(*m->files));
	}
	*at = m->n_files;
	f = &m->files[m->n_files++];
	*f = (struct file){ .inode = r->inode, .device = r->device, .path = path_of(m, r) };
	memcpy(f->name, r->name, sizeof(f->name));
	return f;
}

static uint32_t add(struct writer *w, enum mapping_kind kind, const char *path)
{
	struct mapping m = { .kind = kind, .path = writer_string(w, path, strlen(path)) };

	return writer_mapping(w, &m);
}

static uint32_t file_mapping(struct fault_mappings *m, const struct fault_record *r)
{
	struct file *f = file_of(m, r);

	if (f->generation != writer_generation(m->writer) || !f->mapping) {
		f->mapping = add(m->writer, MAPPING_FILE, f->path);
		f->generation = writer_generation(m->writer);
	}
	return f->mapping;
}

static uint32_t anonymous_mapping(struct fault_mappings *m, const struct fault_record *r)
{
	char path[64];

	if (!r->name[0])
		return add(m->writer, MAPPING_NONE, "[anonymous]");
	snprintf(path, sizeof(path), "[anonymous: %.*s]", (int)sizeof(r->name), r->name);
	return add(m->writer, MAPPING_NONE, path);
}

uint32_t fault_mapping(struct fault_mappings *m, const struct fault_record *r)
{
	switch (r->area) {
	case FAULT_AREA_FILE: return file_mapping(m, r);
	case FAULT_AREA_HEAP: return add(m->writer, MAPPING_NONE, "[heap]");
	case FAULT_AREA_STACK: return add(m->writer, MAPPING_NONE, "[stack]");
	case FAULT_AREA_ANONYMOUS: return anonymous_mapping(m, r);
	default: return 0;
	}
}
