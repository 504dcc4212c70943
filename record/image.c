/* Telling files apart, and finding them again. */
#include "record/image.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/symbols/build_id.h"
#include "format/symbols/target_file.h"

enum { MAX_IDS = 4096 }; /* build ids of files, remembered as long as they fit */

void images_init(struct images *m)
{
	memset(m, 0, sizeof(*m));
	m->ids = xcalloc(MAX_IDS, sizeof(*m->ids));
	map_init(&m->by_key, 256);
	map_init(&m->by_file, 256);
}

void images_done(struct images *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		free(m->all[i]);
	free(m->all);
	free(m->ids);
	map_done(&m->by_key);
	map_done(&m->by_file);
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

/* Reads the build id from the file; one without bytes if there is none. */
static void identify(const struct image *image, struct build_id *id)
{
	int fd = image_open(image);

	memset(id, 0, sizeof(*id));
	if (fd < 0)
		return;
	if (build_id_of_file(fd, id, NULL))
		id->len = 0;
	close(fd);
}

/* ---- all of them ---- */

static struct image *add_image(struct images *m, const struct image *like, uint64_t key)
{
	size_t len = strlen(like->path) + 1;
	struct image *i = xcalloc(1, sizeof(*i) + len);

	*i = *like;
	i->path = memcpy(i + 1, like->path, len);
	i->mapping = i->generation = i->home = i->walked = i->users = 0;
	i->was_idle = false;
	i->rules = NULL;
	i->key = key;
	i->place = m->n;
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->all = xrealloc(m->all, m->cap, sizeof(struct image *));
	}
	m->all[m->n++] = i;
	*map_put(&m->by_key, key, NULL) = m->n;
	return i;
}

/* Images with the same hash have keys one behind the other. */
static struct image *find_or_add(struct images *m, const struct image *like)
{
	uint64_t key = image_key(like), vacant = 0;
	bool has_vacant = false;
	uint32_t *at;

	for (; (at = map_get(&m->by_key, key)); key++) {
		if (*at && same_image(m->all[*at - 1], like))
			return m->all[*at - 1];
		if (!*at && !has_vacant) {
			has_vacant = true;
			vacant = key;
		}
	}
	return add_image(m, like, has_vacant ? vacant : key);
}

/* The build id that a file had when it was first seen; NULL if it has none. */
static const struct build_id *id_of_file(struct images *m, const struct image *like)
{
	uint64_t key = hash_u64(hash_bytes(like->path, strlen(like->path)) ^ like->inode);
	bool is_new;
	uint32_t *at;

	if (m->n_ids == MAX_IDS) {
		map_clear(&m->by_file);
		m->n_ids = 0;
	}
	at = map_put(&m->by_file, hash_u64(key ^ like->dev), &is_new);
	if (is_new) {
		*at = m->n_ids++;
		identify(like, &m->ids[*at]);
	}
	return m->ids[*at].len ? &m->ids[*at] : NULL;
}

struct image *images_get(struct images *m, const struct image *like)
{
	bool told = like->kind != MAPPING_FILE || like->build_id_len || !like->inode;
	const struct build_id *id = told ? NULL : id_of_file(m, like);
	struct image named = *like;

	if (id)
		image_set_build_id(&named, id);
	return find_or_add(m, &named);
}

/* ---- and their end ---- */

void image_hold(struct image *image)
{
	image->users++;
	image->was_idle = false;
}

void image_release(struct image *image)
{
	assert(image->users);
	image->users--;
}

/* A map cannot forget single keys: when those of forgotten images outnumber the others it is made anew. */
static void rebuild_map(struct images *m)
{
	map_clear(&m->by_key);
	for (uint32_t i = 0; i < m->n; i++) {
		uint64_t key = image_key(m->all[i]);

		while (map_get(&m->by_key, key))
			key++;
		*map_put(&m->by_key, key, NULL) = i + 1;
		m->all[i]->key = key;
	}
}

static void remove_image(struct images *m, struct image *image)
{
	struct image *last = m->all[--m->n];

	*map_get(&m->by_key, image->key) = 0;
	if (last != image) {
		last->place = image->place;
		m->all[last->place] = last;
		*map_get(&m->by_key, last->key) = last->place + 1;
	}
	free(image);
	if (m->by_key.count > 2 * m->n + 1024)
		rebuild_map(m);
}

void images_forget(struct images *m, bool (*let_go)(void *ctx, struct image *image), void *ctx)
{
	uint32_t n_idle = 0, i = 0;

	for (uint32_t k = 0; k < m->n; k++)
		n_idle += !m->all[k]->users;
	while (i < m->n) {
		struct image *image = m->all[i];
		bool idle = !image->users;

		if (idle && image->was_idle && n_idle > IMAGES_IDLE && let_go(ctx, image)) {
			remove_image(m, image); /* another takes its place */
			continue;
		}
		image->was_idle = idle;
		i++;
	}
}
