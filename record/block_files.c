#include "record/block_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "record/disks.h"
#include "record/proc_fs.h"

enum {
	MAX_FILES = 65536,      /* remembered */
	MAX_DESCRIPTORS = 4096, /* of a process that are looked at */
	MAX_SEARCHES = 4096,    /* for files among descriptors */
};

struct file {
	struct block_file id;
	uint32_t string, segment; /* valid in that one */
	char *path;               /* owned; NULL: looked for in vain */
};

struct block_files {
	struct writer *writer; /* borrowed */
	struct mounts *mounts; /* owned */
	struct map by_key;     /* what tells a file -> number in files */
	struct file *files;    /* owned */
	uint32_t n_files, n_searches;
};

struct block_files *block_files_new(struct writer *w)
{
	struct block_files *f = xcalloc(1, sizeof(*f));

	f->writer = w;
	f->mounts = mounts_new("/proc/self/mountinfo");
	map_init(&f->by_key, 256);
	return f;
}

static void forget(struct block_files *f)
{
	for (uint32_t i = 0; i < f->n_files; i++)
		free(f->files[i].path);
	map_clear(&f->by_key);
	f->n_files = 0;
}

void block_files_free(struct block_files *f)
{
	if (!f)
		return;
	forget(f);
	map_done(&f->by_key);
	mounts_free(f->mounts);
	free(f->files);
	free(f);
}

static uint64_t key_of(const struct block_file *id)
{
	return hash_u64(id->inode) ^ ((uint64_t)id->generation << 32 | id->device);
}

static struct file *known(struct block_files *f, const struct block_file *id)
{
	const uint32_t *n = map_get(&f->by_key, key_of(id));
	struct file *file = n ? &f->files[*n] : NULL;

	return file && file->id.device == id->device && file->id.inode == id->inode &&
			file->id.generation == id->generation
		? file
		: NULL;
}

/* A file at the place of its key, whatever was there. */
static struct file *put(struct block_files *f, const struct block_file *id)
{
	bool is_new;
	uint32_t *n = map_put(&f->by_key, key_of(id), &is_new);
	struct file *file;

	if (is_new) {
		f->files = xgrow(f->files, f->n_files, sizeof(*f->files));
		*n = f->n_files++;
		f->files[*n].path = NULL;
	}
	file = &f->files[*n];
	free(file->path);
	*file = (struct file){ .id = *id };
	return file;
}

/* ---- names that were told ---- */

struct path {
	char text[BLOCK_FILE_PATH];
	size_t at; /* where it begins: it grows to the front */
};

static void put_before(struct path *p, const char *s, size_t len)
{
	if (len > p->at)
		return;
	p->at -= len;
	memcpy(p->text + p->at, s, len);
}

size_t block_file_path(const struct ring_block_file *told, struct mounts *m, char *to)
{
	struct path p = { .at = sizeof(p.text) - 1 };
	size_t bytes = told->bytes < sizeof(told->names) ? told->bytes : sizeof(told->names);

	for (size_t at = 0; at < bytes;) {
		size_t len = strnlen(told->names + at, bytes - at);

		if (len) {
			put_before(&p, told->names + at, len);
			put_before(&p, "/", 1);
		}
		at += len + 1;
	}
	p.text[sizeof(p.text) - 1] = '\0';
	if (!p.text[p.at])
		return 0;
	if (told->whole)
		return mounts_path(m, told->device, p.text + p.at, to, BLOCK_FILE_PATH);
	put_before(&p, "...", 3);
	memcpy(to, p.text + p.at, sizeof(p.text) - p.at);
	return sizeof(p.text) - p.at - 1;
}

bool block_files_learn(struct block_files *f, const struct ring_block_file *told)
{
	struct block_file id = { told->device, told->generation, told->inode };
	bool is_full = f->n_files >= MAX_FILES;
	char path[BLOCK_FILE_PATH];
	struct file *file;

	if (!block_file_path(told, f->mounts, path))
		return false;
	if (is_full)
		forget(f);
	file = put(f, &id);
	file->path = strdup(path);
	return is_full;
}

/* ---- names among descriptors ---- */

static char *link_of(int folder, const char *name)
{
	char path[BLOCK_FILE_PATH];
	ssize_t n = readlinkat(folder, name, path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	proc_strip_deleted(path);
	return strdup(path);
}

/* Owned by the caller; NULL: it has no such file open. */
static char *find_open(uint32_t pid, const struct block_file *id)
{
	char name[32], *found = NULL;
	struct dirent *e;
	struct stat st;
	DIR *d;

	snprintf(name, sizeof(name), "/proc/%u/fd", pid);
	d = opendir(name);
	for (int i = 0; d && !found && i < MAX_DESCRIPTORS && (e = readdir(d)); i++) {
		if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, 0))
			continue;
		if (st.st_ino == id->inode &&
			disk_number(major(st.st_dev), minor(st.st_dev)) == id->device)
			found = link_of(dirfd(d), e->d_name);
	}
	if (d)
		closedir(d);
	return found;
}

static struct file *search(struct block_files *f, const struct block_file *id, uint32_t pid)
{
	struct file *file;

	if (f->n_searches == MAX_SEARCHES)
		return NULL;
	f->n_searches++;
	file = put(f, id);
	file->path = find_open(pid, id);
	return file;
}

uint32_t block_files_string(struct block_files *f, const struct block_file *id, uint32_t pid)
{
	struct file *file = known(f, id);

	if (!file && pid)
		file = search(f, id, pid);
	if (!file || !file->path)
		return 0;
	if (file->segment != writer_generation(f->writer)) {
		file->string = writer_string(f->writer, file->path, strlen(file->path));
		file->segment = writer_generation(f->writer);
	}
	return file->string;
}
