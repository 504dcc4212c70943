/* Telling files apart, and finding them again. */
#include "record/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "format/symbols/build_id.h"
#include "format/symbols/target_file.h"

void images_init(struct images *m)
{
	memset(m, 0, sizeof(*m));
	map_init(&m->by_key, 256);
	map_init(&m->by_file, 256);
}

void images_done(struct images *m)
{
	arena_done(&m->arena);
	map_done(&m->by_key);
	map_done(&m->by_file);
	free(m->all);
}

void image_set_build_id(struct image *image, const struct build_id *id)
{
	image->build_id_len = id->len;
	memcpy(image->build_id, id->bytes, id->len);
}

static bool private_to_process(enum mapping_kind kind)
{
	return kind == MAPPING_JIT;
}

static uint64_t image_key(const struct image *i)
{
	uint64_t key = hash_bytes(i->path, strlen(i->path)) + i->kind;

	key = hash_u64(key ^ hash_bytes(i->build_id, i->build_id_len));
	if (!i->build_id_len)
		key = hash_u64(hash_u64(key ^ i->inode) ^ i->dev);
	return private_to_process(i->kind) ? hash_u64(key ^ i->pid) : key;
}

static bool same_image(const struct image *a, const struct image *b)
{
	if (a->kind != b->kind || strcmp(a->path, b->path) != 0 || a->base != b->base)
		return false;
	if (private_to_process(a->kind) && a->pid != b->pid)
		return false;
	if (a->build_id_len || b->build_id_len)
		return a->build_id_len == b->build_id_len &&
			memcmp(a->build_id, b->build_id, a->build_id_len) == 0;
	return a->inode == b->inode && a->dev == b->dev;
}

uint32_t image_mapping(struct image *image, struct writer *w)
{
	struct mapping m = { .kind = image->kind,
		.build_id = image->build_id,
		.build_id_len = image->build_id_len,
		.base = image->base };

	if (image->generation == writer_generation(w) && image->mapping)
		return image->mapping;
	m.path = writer_string(w, image->path, strlen(image->path));
	if (private_to_process(image->kind))
		m.pid = image->pid;
	image->mapping = writer_mapping(w, &m);
	image->generation = writer_generation(w);
	return image->mapping;
}

static bool is_the_file(const struct image *image, int fd)
{
	struct build_id id;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	/* The device is not compared: btrfs and overlayfs tell stat another one than maps. */
	if (image->inode && image->inode != (uint64_t)st.st_ino)
		return false;
	if (!image->build_id_len)
		return true;
	return build_id_of_file(fd, &id, NULL) == 0 && id.len == image->build_id_len &&
		memcmp(id.bytes, image->build_id, id.len) == 0;
}

static int keep_if_same(const struct image *image, int fd)
{
	if (fd < 0 || is_the_file(image, fd))
		return fd;
	close(fd);
	return -ESTALE;
}

int image_open(const struct image *image)
{
	char path[64], root[32];
	int fd;

	/* The file itself, even if it was deleted or replaced; for root only. */
	snprintf(path, sizeof(path), "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, image->pid,
		image->start, image->end);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	fd = keep_if_same(image, fd < 0 ? -errno : fd);
	if (fd >= 0 || image->path[0] != '/')
		return fd;
	snprintf(root, sizeof(root), "/proc/%u/root", image->pid);
	fd = keep_if_same(image, target_file_open(root, image->path, true, NULL));
	return fd >= 0 ? fd : keep_if_same(image, target_file_open("", image->path, true, NULL));
}

/* Reads the build id from the file. */
static void identify(struct image *image)
{
	int fd = image_open(image);
	struct build_id id;

	if (fd < 0)
		return;
	if (build_id_of_file(fd, &id, NULL) == 0)
		image_set_build_id(image, &id);
	close(fd);
}

static uint32_t add_image(struct images *m, const struct image *like)
{
	struct image *i = arena_alloc(&m->arena, sizeof(*i));

	*i = *like;
	i->path = arena_strdup(&m->arena, like->path);
	i->mapping = i->generation = 0;
	i->rules = NULL;
	m->all = xrealloc(m->all, m->n + 1, sizeof(struct image *));
	m->all[m->n] = i;
	return m->n++;
}

static uint32_t find_or_add(struct images *m, const struct image *like)
{
	uint64_t key = image_key(like);
	uint32_t *at;

	for (; (at = map_get(&m->by_key, key)); key++)
		if (same_image(m->all[*at], like))
			return *at;
	at = map_put(&m->by_key, key, NULL);
	*at = add_image(m, like);
	return *at;
}

/* The number of a file's image; its build id is read the first time. */
static uint32_t find_file(struct images *m, const struct image *like)
{
	uint64_t key = hash_u64(hash_bytes(like->path, strlen(like->path)) ^ like->inode);
	struct image named = *like;
	bool is_new;
	uint32_t *at;

	key = hash_u64(key ^ like->dev);
	at = map_put(&m->by_file, key, &is_new);
	if (!is_new)
		return *at;
	identify(&named);
	*at = find_or_add(m, &named);
	return *at;
}

struct image *images_get(struct images *m, const struct image *like)
{
	bool told = like->kind != MAPPING_FILE || like->build_id_len || !like->inode;
	uint32_t number = told ? find_or_add(m, like) : find_file(m, like);

	return m->all[number];
}
