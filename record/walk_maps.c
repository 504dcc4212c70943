/* Pages and rows of an image lie where there is room for all of its pages, and for all rows of each page;
 * what becomes free of pages is used again, of rows chunk by chunk. The kernel's own memory of chunks, pages,
 * images and rules is ours as well, mapped; no system calls are needed to fill it. */
#include "record/walk_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/symbols/walk_rule.h"
#include "record/now.h"
#include "record/rule_numbers.h"

#define CLEAR_NS 60000000000ULL

enum { MAX_IMAGE_PAGES = 1 << 14 }; /* 1 GiB of a file */

/* A map that is in our memory as well. */
struct shared {
	int fd;
	void *memory;
	size_t bytes;
};

struct chunk {
	struct shared map;
	uint32_t used, images; /* rows, and images that have some of them */
};

/* Where an image's things are. */
struct place {
	uint32_t first_page, n_pages;
	uint32_t *chunks; /* owned; those it has rows in */
	uint32_t n_chunks;
	uint16_t *rules; /* owned; by the image's own numbers, 0: there was no number left */
	uint32_t n_rules;
};

struct walk_maps {
	int spaces_fd, execs_fd, chunks_fd, sample_fd; /* sample: what a chunk is like */
	struct shared images, pages, rules, control;
	struct chunk chunks[WALK_CHUNKS];
	struct place places[WALK_IMAGES];
	uint8_t page_used[WALK_PAGES];
	/* Under the lock, but for spaces. */
	pthread_mutex_t lock;
	struct rule_numbers *numbers; /* owned */
	struct walk_stats stats;
	uint64_t cleared_ns;
	_Atomic uint32_t n_cleared;
};

/* ---- making them ---- */

static size_t whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static int open_shared(struct shared *s, const char *name, uint32_t size, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int code;

	s->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, size, n, &opts);
	if (s->fd < 0)
		return -errno;
	s->bytes = whole_pages((size_t)((size + 7) & ~7U) * n);
	s->memory = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->memory != MAP_FAILED)
		return 0;
	code = errno;
	s->memory = NULL;
	return -code;
}

static void close_shared(struct shared *s)
{
	if (s->memory)
		munmap(s->memory, s->bytes);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct shared){ .fd = -1 };
}

static int open_hash(int *fd, enum bpf_map_type type, const char *name, uint32_t size,
	uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	*fd = bpf_map_create(type, name, 4, size, WALK_SPACES, &opts);
	return *fd < 0 ? -errno : 0;
}

static int open_chunks(struct walk_maps *m)
{
	LIBBPF_OPTS(bpf_map_create_opts, of_chunk, .map_flags = BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	m->sample_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "walk_chunk", 4,
		sizeof(struct walk_chunk), 1, &of_chunk);
	if (m->sample_fd < 0)
		return -errno;
	opts.inner_map_fd = (uint32_t)m->sample_fd;
	m->chunks_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "walk_chunks", 4, 4, WALK_CHUNKS,
		&opts);
	return m->chunks_fd < 0 ? -errno : 0;
}

static int open_all(struct walk_maps *m)
{
	int rc = open_hash(&m->spaces_fd, BPF_MAP_TYPE_HASH, "walk_spaces",
		sizeof(struct walk_space), BPF_F_NO_PREALLOC);

	if (!rc)
		rc = open_hash(&m->execs_fd, BPF_MAP_TYPE_LRU_HASH, "walk_execs", 8, 0);
	if (!rc)
		rc = open_shared(&m->images, "walk_images", sizeof(struct walk_image), WALK_IMAGES);
	if (!rc)
		rc = open_shared(&m->pages, "walk_pages", sizeof(struct walk_page), WALK_PAGES);
	if (!rc)
		rc = open_shared(&m->rules, "walk_rules", sizeof(struct walk_rule), WALK_RULES);
	if (!rc)
		rc = open_shared(&m->control, "walk_control", sizeof(struct walk_control), 1);
	return rc ? rc : open_chunks(m);
}

static struct walk_image *image_at(const struct walk_maps *m, uint32_t i)
{
	return (struct walk_image *)m->images.memory + i;
}

struct walk_maps *walk_maps_open(struct err *err)
{
	struct walk_maps *m = xcalloc(1, sizeof(*m));
	int rc;

	m->spaces_fd = m->execs_fd = m->chunks_fd = m->sample_fd = -1;
	m->images.fd = m->pages.fd = m->rules.fd = m->control.fd = -1;
	for (uint32_t i = 0; i < WALK_CHUNKS; i++)
		m->chunks[i].map.fd = -1;
	pthread_mutex_init(&m->lock, NULL);
	rc = open_all(m);
	if (!rc) {
		m->numbers = rule_numbers_new(m->rules.memory, WALK_RULES);
		image_at(m, 0)->state = WALK_IMAGE_BARE;
		return m;
	}
	err_errno(err, -rc, "making BPF maps for stacks");
	walk_maps_close(m);
	return NULL;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void walk_maps_close(struct walk_maps *m)
{
	if (!m)
		return;
	close_fd(m->spaces_fd);
	close_fd(m->execs_fd);
	close_fd(m->chunks_fd);
	close_fd(m->sample_fd);
	close_shared(&m->images);
	close_shared(&m->pages);
	close_shared(&m->rules);
	close_shared(&m->control);
	for (uint32_t i = 0; i < WALK_CHUNKS; i++)
		close_shared(&m->chunks[i].map);
	for (uint32_t i = 0; i < WALK_IMAGES; i++) {
		free(m->places[i].chunks);
		free(m->places[i].rules);
	}
	rule_numbers_free(m->numbers);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

const char *walk_maps_each(const struct walk_maps *m, unsigned i, int *fd)
{
	const struct {
		const char *name;
		int fd;
	} maps[] = { { "walk_spaces", m->spaces_fd }, { "walk_execs", m->execs_fd },
		{ "walk_chunks", m->chunks_fd }, { "walk_images", m->images.fd },
		{ "walk_pages", m->pages.fd }, { "walk_rules", m->rules.fd },
		{ "walk_control", m->control.fd } };

	if (i >= sizeof(maps) / sizeof(maps[0]))
		return NULL;
	*fd = maps[i].fd;
	return maps[i].name;
}

/* ---- rules ---- */

static void drop_rules(struct walk_maps *m, struct place *p)
{
	for (uint32_t i = 1; i < p->n_rules; i++)
		rule_numbers_drop(m->numbers, p->rules[i]);
	free(p->rules);
}

/* Our numbers of a table's rules. */
static void intern_rules(struct walk_maps *m, struct place *p, const struct cfi *cfi)
{
	p->n_rules = cfi_n_rules(cfi);
	p->rules = xcalloc(p->n_rules, sizeof(*p->rules));
	for (uint32_t i = 1; i < p->n_rules; i++) {
		struct walk_rule rule;

		walk_rule_make(cfi, cfi_rule_number(cfi, i), &rule);
		p->rules[i] = rule_numbers_get(m->numbers, &rule);
		m->stats.left_out += !p->rules[i];
	}
}

/* ---- chunks ---- */

static int make_chunk(struct walk_maps *m, uint32_t i)
{
	struct chunk *c = &m->chunks[i];
	int rc = open_shared(&c->map, "walk_chunk", sizeof(struct walk_chunk), 1);

	if (!rc && bpf_map_update_elem(m->chunks_fd, &i, &c->map.fd, BPF_ANY))
		rc = -errno;
	if (rc)
		close_shared(&c->map);
	else
		m->stats.bytes += sizeof(struct walk_chunk);
	return rc;
}

/* The kernel waits until no program uses it any more. */
static void drop_chunk(struct walk_maps *m, uint32_t i)
{
	bpf_map_delete_elem(m->chunks_fd, &i);
	close_shared(&m->chunks[i].map);
	m->chunks[i].used = 0;
	m->stats.bytes -= sizeof(struct walk_chunk);
}

/* A chunk with room for so many rows, the image's last one if it serves. */
static int find_chunk(struct walk_maps *m, struct place *p, uint32_t n)
{
	uint32_t i = p->n_chunks ? p->chunks[p->n_chunks - 1] : 0;
	int rc;

	if (p->n_chunks && m->chunks[i].used + n <= WALK_CHUNK_ROWS)
		return (int)i;
	for (i = 0; i < WALK_CHUNKS; i++)
		if (m->chunks[i].used + n <= WALK_CHUNK_ROWS)
			break;
	if (i == WALK_CHUNKS)
		return -ENOSPC;
	rc = m->chunks[i].map.memory ? 0 : make_chunk(m, i);
	if (rc)
		return rc;
	p->chunks = xrealloc(p->chunks, p->n_chunks + 1, sizeof(*p->chunks));
	p->chunks[p->n_chunks++] = i;
	m->chunks[i].images++;
	return (int)i;
}

static int add_page(struct walk_maps *m, struct place *p, const struct cfi *cfi, uint32_t page)
{
	struct walk_page *to = (struct walk_page *)m->pages.memory + p->first_page + page;
	struct walk_row *rows;
	uint16_t before;
	uint32_t n;
	const struct cfi_row *from = cfi_page(cfi, page, &n, &before);
	int chunk = n ? find_chunk(m, p, n) : 0;

	if (chunk < 0 || n > WALK_CHUNK_ROWS)
		return chunk < 0 ? chunk : -ENOSPC;
	*to = (struct walk_page){ .chunk = (uint32_t)chunk,
		.first = m->chunks[chunk].used,
		.n = n,
		.before = p->rules[before] };
	if (!n)
		return 0;
	rows = ((struct walk_chunk *)m->chunks[chunk].map.memory)->rows + to->first;
	for (uint32_t i = 0; i < n; i++)
		rows[i] = (struct walk_row){ from[i].low, p->rules[from[i].rule] };
	m->chunks[chunk].used += n;
	return 0;
}

/* ---- images ---- */

/* So many pages in a row. */
static int take_pages(struct walk_maps *m, struct place *p, uint32_t n)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < WALK_PAGES; i++) {
		run = m->page_used[i] ? 0 : run + 1;
		if (run < n)
			continue;
		p->first_page = i + 1 - n;
		p->n_pages = n;
		memset(m->page_used + p->first_page, 1, n);
		return 0;
	}
	return -ENOSPC;
}

static void give_back(struct walk_maps *m, struct place *p)
{
	for (uint32_t i = 0; i < p->n_chunks; i++)
		if (--m->chunks[p->chunks[i]].images == 0)
			drop_chunk(m, p->chunks[i]);
	memset(m->page_used + p->first_page, 0, p->n_pages);
	drop_rules(m, p);
	free(p->chunks);
	*p = (struct place){ 0 };
}

static int add_pages(struct walk_maps *m, struct place *p, const struct cfi *cfi)
{
	int rc = 0;

	intern_rules(m, p, cfi);
	for (uint32_t i = 0; !rc && i < p->n_pages; i++)
		rc = add_page(m, p, cfi, i);
	return rc;
}

static int add_rules(struct walk_maps *m, uint32_t image, const struct cfi *cfi)
{
	struct place *p = &m->places[image];
	struct walk_image *to = image_at(m, image);
	int rc = cfi_n_pages(cfi) > MAX_IMAGE_PAGES ? -E2BIG : take_pages(m, p, cfi_n_pages(cfi));

	if (!rc)
		rc = add_pages(m, p, cfi);
	if (rc) {
		give_back(m, p);
		return rc;
	}
	to->first_page = p->first_page;
	to->n_pages = p->n_pages;
	__atomic_store_n(&to->state, WALK_IMAGE_LOADED, __ATOMIC_RELEASE);
	m->stats.images++;
	return 0;
}

/* Waits until no program uses what it found before: the kernel does so when a map in a map is replaced. */
static void wait_for_walks(struct walk_maps *m)
{
	for (uint32_t i = 0; i < WALK_CHUNKS; i++) {
		if (!m->chunks[i].map.memory)
			continue;
		bpf_map_update_elem(m->chunks_fd, &i, &m->chunks[i].map.fd, BPF_ANY);
		return;
	}
}

/* Forgets the rules of all images; those that are met come again. Chunks are as full as what was ever added to them
 * since they were made, and stay for one image that is met now and then. */
static void clear_images(struct walk_maps *m)
{
	for (uint32_t i = 1; i < WALK_IMAGES; i++)
		if (image_at(m, i)->state == WALK_IMAGE_LOADED)
			__atomic_store_n(&image_at(m, i)->state, WALK_IMAGE_BARE, __ATOMIC_RELEASE);
	wait_for_walks(m);
	for (uint32_t i = 0; i < WALK_CHUNKS; i++)
		m->chunks[i].used = m->chunks[i].images = 0;
	memset(m->page_used, 0, sizeof(m->page_used));
	for (uint32_t i = 1; i < WALK_IMAGES; i++) {
		drop_rules(m, &m->places[i]);
		free(m->places[i].chunks);
		m->places[i] = (struct place){ 0 };
		*image_at(m, i) = (struct walk_image){ .state = WALK_IMAGE_NEW };
	}
	m->stats.images = 0;
	m->n_cleared++;
}

/* Now and then: a machine whose code does not fit would do nothing else. */
static bool may_clear(struct walk_maps *m)
{
	uint64_t now = now_ns();

	if (m->cleared_ns && now - m->cleared_ns < CLEAR_NS)
		return false;
	m->cleared_ns = now;
	return true;
}

uint32_t walk_maps_cleared(const struct walk_maps *m)
{
	return m->n_cleared;
}

int walk_maps_add_image(struct walk_maps *m, uint32_t image, const struct cfi *cfi)
{
	int rc = 0;

	pthread_mutex_lock(&m->lock);
	if (cfi && image_at(m, image)->state != WALK_IMAGE_LOADED)
		rc = add_rules(m, image, cfi);
	if (rc == -ENOSPC && may_clear(m)) {
		clear_images(m);
		rc = add_rules(m, image, cfi);
	}
	if (!cfi || rc)
		__atomic_store_n(&image_at(m, image)->state, WALK_IMAGE_BARE, __ATOMIC_RELEASE);
	m->stats.left_out += rc != 0;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

void walk_maps_remove_image(struct walk_maps *m, uint32_t image)
{
	struct walk_image *i = image_at(m, image);

	pthread_mutex_lock(&m->lock);
	m->stats.images -= i->state == WALK_IMAGE_LOADED;
	__atomic_store_n(&i->state, WALK_IMAGE_BARE, __ATOMIC_RELEASE);
	give_back(m, &m->places[image]);
	*i = (struct walk_image){ .state = WALK_IMAGE_NEW };
	pthread_mutex_unlock(&m->lock);
}

bool walk_maps_wants_image(const struct walk_maps *m, uint32_t image)
{
	const struct walk_image *i = image_at(m, image);

	return __atomic_load_n(&i->wanted, __ATOMIC_RELAXED) && i->state == WALK_IMAGE_NEW;
}

/* ---- processes ---- */

int walk_maps_set_space(struct walk_maps *m, uint32_t pid, const struct walk_space *space)
{
	int rc = bpf_map_update_elem(m->spaces_fd, &pid, space, BPF_ANY);

	if (!rc)
		return 0;
	pthread_mutex_lock(&m->lock);
	m->stats.left_out++;
	pthread_mutex_unlock(&m->lock);
	return rc;
}

uint64_t walk_maps_exec_ns(const struct walk_maps *m, uint32_t pid)
{
	uint64_t ns = 0;

	return bpf_map_lookup_elem(m->execs_fd, &pid, &ns) ? 0 : ns;
}

void walk_maps_remove_space(struct walk_maps *m, uint32_t pid)
{
	bpf_map_delete_elem(m->spaces_fd, &pid);
	bpf_map_delete_elem(m->execs_fd, &pid);
}

/* ---- the rest ---- */

bool walk_maps_asked(const struct walk_maps *m)
{
	const struct walk_control *c = m->control.memory;

	return __atomic_load_n(&c->wanted, __ATOMIC_RELAXED);
}

void walk_maps_answered(struct walk_maps *m)
{
	struct walk_control *c = m->control.memory;

	__atomic_store_n(&c->wanted, 0, __ATOMIC_RELAXED);
}

void walk_maps_stats(struct walk_maps *m, struct walk_stats *s)
{
	pthread_mutex_lock(&m->lock);
	*s = m->stats;
	s->rules = rule_numbers_used(m->numbers);
	pthread_mutex_unlock(&m->lock);
}
