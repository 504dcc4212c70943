/* From bytes to segments and blocks. The index is looked for from the end of the file backwards,
 * segment by segment; what lies in front of the first segment without a good index is walked, and
 * held against what is left of its index. */
#include "format/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/account.h"
#include "format/base/arena.h"
#include "format/index.h"
#include "format/tables.h"

enum { MAX_DAMAGE = 1000, KEEP_BYTES = 8 << 20 };

/* How much of a file's segment is taken in. */
enum loaded { LOADED_NOTHING, LOADED_DECLARATIONS, LOADED_ALL };

struct slot {
	struct segment *segment; /* owned */
	enum loaded loaded;
	bool ended;
	bool headless;      /* its SEGMENT block was lost: it starts with its first event */
	size_t first_block; /* how many blocks the segments before it have */
	struct block_list blocks;
};

struct reader {
	char *name; /* owned */
	int fd;
	bool own_fd, own_map, stream;
	bool no_index; /* files: it is not used */
	const uint8_t *map;
	uint64_t size;
	uint64_t released; /* the mapping up to here is given back */
	bool is_aligned;   /* base is the clock of all traces that are read together */
	struct segment_clock base;
	struct scan scan;         /* streams */
	struct account account;   /* streams */
	struct block_header held; /* streams: the block that was read last... */
	uint64_t held_offset;
	const void *held_payload;
	bool is_held;       /* ...and is still to be looked at */
	struct slot *slots; /* owned */
	uint32_t n_slots;
	size_t n_blocks;
	struct damage *damage; /* owned, in order of the file */
	size_t n_damage;
	pthread_mutex_t damaged;        /* of these two: any thread may find some */
	struct column_decoder *decoder; /* owned */
};

/* ---- damage ---- */

/* In order of the file, as which is found first depends on who looks first. Of too many the first ones stay. */
static void insert_damage(struct reader *r, const struct damage *d)
{
	size_t at = r->n_damage;

	for (size_t i = 0; i < r->n_damage; i++)
		if (r->damage[i].offset == d->offset && r->damage[i].bytes == d->bytes)
			return; /* known: a block may be looked at several times */
	while (at && r->damage[at - 1].offset > d->offset)
		at--;
	if (at == MAX_DAMAGE)
		return;
	if (r->n_damage < MAX_DAMAGE)
		r->damage = xrealloc(r->damage, ++r->n_damage, sizeof(*r->damage));
	memmove(r->damage + at + 1, r->damage + at, (r->n_damage - at - 1) * sizeof(*r->damage));
	r->damage[at] = *d;
}

static void add_damage(void *ctx, const struct damage *d)
{
	struct reader *r = ctx;

	pthread_mutex_lock(&r->damaged);
	insert_damage(r, d);
	pthread_mutex_unlock(&r->damaged);
}

void reader_report(struct reader *r, uint64_t offset, uint64_t bytes, const char *fmt, ...)
{
	struct damage d = { offset, bytes, "" };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d.what, sizeof(d.what), fmt, ap);
	va_end(ap);
	add_damage(r, &d);
}

const struct damage *reader_damage(const struct reader *r, size_t *n)
{
	*n = r->n_damage;
	return r->damage;
}

/* ---- segments ---- */

/* A segment whose first block is this one, or one of its later blocks if the first is damaged. */
static int add_segment(struct reader *r, const struct block_header *h, const void *payload,
	uint64_t offset, struct err *err)
{
	struct segment_payload p = { 0 };
	struct segment *s;

	if (h->kind == BLOCK_SEGMENT) {
		if (h->stored < sizeof(p))
			return err_set(err, EBADMSG, "segment at %" PRIu64 " is too short", offset);
		memcpy(&p, payload, sizeof(p));
		if (p.major > TRACE_MAJOR)
			return err_set(err, ENOTSUP,
				"is of format %u.%u, which is newer than this program's %d.%d: "
				"install a newer version",
				p.major, p.minor, TRACE_MAJOR, TRACE_MINOR);
	}
	s = segment_new(offset, h->segment);
	s->clock.start_ns = p.start_ns;
	s->clock.start_real_ns = p.start_real_ns;
	memcpy(s->clock.boot_id, p.boot_id, sizeof(s->clock.boot_id));
	if (r->is_aligned || r->n_slots)
		s->shift_ns = segment_shift(r->is_aligned ? &r->base : &r->slots[0].segment->clock,
			&s->clock);
	r->slots = xrealloc(r->slots, r->n_slots + 1, sizeof(*r->slots));
	r->slots[r->n_slots++] = (struct slot){ .segment = s,
		.first_block = r->n_blocks,
		.headless = h->kind != BLOCK_SEGMENT };
	return 0;
}

/* Whether the block begins a new segment as seen from the one before. */
static bool begins_segment(const struct reader *r, const struct block_header *h)
{
	const struct slot *last = r->n_slots ? &r->slots[r->n_slots - 1] : NULL;

	return h->kind == BLOCK_SEGMENT || !last || last->ended || last->segment->id != h->segment;
}

/* The next intact block of a walk: makes its segment if it is the first one. */
static int place_block(struct reader *r, const struct block_header *h, const void *payload,
	uint64_t offset, struct err *err)
{
	int rc = block_understood(h, err);
	struct slot *slot;

	if (!rc && begins_segment(r, h))
		rc = add_segment(r, h, payload, offset, err);
	if (rc)
		return rc;
	slot = &r->slots[r->n_slots - 1];
	if (slot->headless && h->kind == BLOCK_EVENTS &&
		(!slot->segment->clock.start_ns || h->first < slot->segment->clock.start_ns))
		slot->segment->clock.start_ns = h->first;
	slot->ended = h->kind == BLOCK_END;
	slot->segment->bytes = offset + sizeof(*h) + h->stored - slot->segment->offset;
	return 0;
}

/* ---- files ---- */

/* Takes in [0, to) without an index. */
static int walk(struct reader *r, uint64_t to, struct err *err)
{
	struct scan s;
	struct account account;
	struct block_header h;
	const void *payload;
	uint64_t offset;
	int rc = 0;

	account_init(&account, r->decoder, add_damage, r);
	scan_map(&s, r->map, 0, to);
	s.damaged = add_damage;
	s.ctx = r;
	while (!rc && scan_next(&s, &h, &payload, &offset) > 0) {
		const struct block_ref ref = { offset, h.first, h.last, 0, h.stored, h.stream,
			h.count, h.type, h.kind };

		rc = place_block(r, &h, payload, offset, err);
		if (rc)
			break;
		account_block(&account, &h, payload, offset);
		if (block_has_content(h.kind)) {
			block_list_add(&r->slots[r->n_slots - 1].blocks, &ref);
			r->n_blocks++;
		}
		reader_done_before(r, offset);
	}
	if (!rc)
		account_end(&account);
	account_done(&account);
	scan_done(&s);
	return rc;
}

/* A segment found by its index, kept until those in front of it are known. */
struct indexed {
	struct segment_index index;
	struct indexed *next;
};

static int add_indexed(struct reader *r, struct segment_index *ix, struct err *err)
{
	struct slot *slot;
	int rc = add_segment(r, &ix->start, r->map + ix->offset + sizeof(ix->start), ix->offset,
		err);

	if (rc)
		return rc;
	slot = &r->slots[r->n_slots - 1];
	slot->ended = true;
	slot->segment->bytes = ix->bytes;
	slot->blocks = ix->blocks;
	ix->blocks = (struct block_list){ 0 };
	r->n_blocks += slot->blocks.n;
	return 0;
}

/* Finds all blocks: indexed segments from the back, the rest by walking. */
static int find_blocks(struct reader *r, struct err *err)
{
	struct indexed *list = NULL, *next;
	uint64_t end = r->size;
	int rc;

	while (end > 0 && !r->no_index) {
		struct indexed *x = xcalloc(1, sizeof(*x));

		if (index_read(r->map, end, r->decoder, &x->index)) {
			free(x);
			break;
		}
		x->next = list;
		list = x;
		end = x->index.offset;
	}
	rc = end ? walk(r, end, err) : 0;
	for (; list; list = next) {
		next = list->next;
		if (!rc)
			rc = add_indexed(r, &list->index, err);
		block_list_done(&list->index.blocks);
		free(list);
	}
	return rc;
}

static int not_a_trace(const struct reader *r, struct err *err)
{
	const char *start = (const char *)r->map;

	if (r->size >= 8 && memcmp(start, "PERFILE2", 8) == 0)
		return err_set(err, EINVAL,
			"is a perf.data file, not a trace: record with `rec cpu`");
	if (r->size >= 4 && memcmp(start, "PK\3\4", 4) == 0)
		return err_set(err, EINVAL, "is a zip archive, not a trace: unpack it first");
	if (r->size >= 2 && memcmp(start, "\x1f\x8b", 2) == 0)
		return err_set(err, EINVAL, "is compressed with gzip: unpack it first (gunzip)");
	if (r->size >= 4 && memcmp(start, "\x28\xb5\x2f\xfd", 4) == 0)
		return err_set(err, EINVAL, "is compressed with zstd: unpack it first (unzstd)");
	return err_set(err, EINVAL, "is not a trace: `rec` makes traces, try `rec cpu -- COMMAND`");
}

static int open_map(struct reader *r, struct err *err)
{
	int rc;

	if (r->size == 0)
		return err_set(err, EINVAL, "is empty: nothing was recorded into it");
	rc = find_blocks(r, err);
	if (!rc && !r->n_slots)
		rc = not_a_trace(r, err);
	return rc;
}

static int map_file(struct reader *r, uint64_t size, struct err *err)
{
	void *p;

	r->size = size;
	if (!size)
		return 0;
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, r->fd, 0);
	if (p == MAP_FAILED)
		return err_errno(err, errno, "cannot be mapped");
	r->map = p;
	r->own_map = true;
	return 0;
}

static struct reader *new_reader(const char *name)
{
	struct reader *r = xcalloc(1, sizeof(*r));

	r->name = strdup(name);
	r->fd = -1;
	r->decoder = column_decoder_new();
	pthread_mutex_init(&r->damaged, NULL);
	return r;
}

static void start_stream(struct reader *r, int fd)
{
	r->stream = true;
	scan_fd(&r->scan, fd);
	r->scan.damaged = add_damage;
	r->scan.ctx = r;
	account_init(&r->account, r->decoder, add_damage, r);
}

/* Opens whatever fd is. */
static int open_fd(struct reader *r, struct err *err)
{
	struct stat st;
	int rc;

	if (fstat(r->fd, &st))
		return err_errno(err, errno, "cannot be examined");
	if (S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "is a directory, not a trace");
	if (!S_ISREG(st.st_mode) || lseek(r->fd, 0, SEEK_CUR) != 0) {
		start_stream(r, r->fd);
		return 0;
	}
	rc = map_file(r, (uint64_t)st.st_size, err);
	if (r->own_fd) { /* the mapping stays; descriptors are few when files are many */
		close(r->fd);
		r->fd = -1;
	}
	return rc ? rc : open_map(r, err);
}

static struct reader *open_path(const char *path, bool no_index, struct err *err)
{
	struct reader *r;
	int rc;

	if (strcmp(path, "-") == 0) {
		r = new_reader("standard input");
		r->fd = STDIN_FILENO;
	} else {
		r = new_reader(path);
		r->fd = open(path, O_RDONLY | O_CLOEXEC);
		r->own_fd = true;
	}
	r->no_index = no_index;
	if (r->fd < 0)
		rc = err_errno(err, errno, "cannot be opened");
	else
		rc = open_fd(r, err);
	if (!rc)
		return r;
	err_step(err, rc, "'%s'", r->name);
	reader_close(r);
	return NULL;
}

struct reader *reader_open_file(int fd, const char *name, bool walking, struct err *err)
{
	struct reader *r = new_reader(name);
	struct stat st;
	int rc;

	r->fd = fd;
	r->no_index = walking;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = err_set(err, EINVAL, "is no regular file");
	else
		rc = map_file(r, (uint64_t)st.st_size, err);
	r->fd = -1;
	if (!rc)
		rc = open_map(r, err);
	if (!rc)
		return r;
	err_step(err, rc, "'%s'", name);
	reader_close(r);
	return NULL;
}

struct reader *reader_open(const char *path, struct err *err)
{
	return open_path(path, false, err);
}

struct reader *reader_open_walking(const char *path, struct err *err)
{
	return open_path(path, true, err);
}

struct reader *reader_open_stream(int fd, struct err *err)
{
	struct reader *r = new_reader("stream");

	(void)err;
	start_stream(r, fd);
	return r;
}

struct reader *reader_open_memory(const void *data, size_t len, struct err *err)
{
	struct reader *r = new_reader("memory");

	r->map = data;
	r->size = len;
	if (open_map(r, err)) {
		reader_close(r);
		return NULL;
	}
	return r;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	if (r->own_map)
		munmap((void *)r->map, r->size);
	if (r->own_fd && r->fd >= 0)
		close(r->fd);
	if (r->stream)
		scan_done(&r->scan);
	account_done(&r->account);
	for (uint32_t i = 0; i < r->n_slots; i++) {
		segment_free(r->slots[i].segment);
		block_list_done(&r->slots[i].blocks);
	}
	column_decoder_free(r->decoder);
	free(r->name);
	free(r->slots);
	free(r->damage);
	pthread_mutex_destroy(&r->damaged);
	free(r);
}

size_t reader_n_blocks(const struct reader *r)
{
	return r->n_blocks;
}

/* A segment's block by its number in the segment. */
static struct block_ref ref_in(const struct reader *r, uint32_t segment, size_t number)
{
	struct block_ref ref = block_list_get(&r->slots[segment].blocks, number);

	ref.segment = segment;
	return ref;
}

struct block_ref reader_block_ref(const struct reader *r, size_t number)
{
	uint32_t low = 0, high = r->n_slots - 1; /* the last that starts at or before it has it */

	while (low < high) {
		uint32_t middle = high - (high - low) / 2;

		if (r->slots[middle].first_block <= number)
			low = middle;
		else
			high = middle - 1;
	}
	return ref_in(r, low, number - r->slots[low].first_block);
}

static bool same_block(const struct block_ref *ref, const struct block_header *h, uint32_t segment)
{
	return h->segment == segment && h->kind == ref->kind && h->type == ref->type &&
		h->stream == ref->stream && h->count == ref->count && h->first == ref->first &&
		h->last == ref->last && h->stored == ref->stored;
}

const void *reader_block(struct reader *r, const struct block_ref *ref, struct block_header *h)
{
	uint64_t bytes = sizeof(*h) + (uint64_t)ref->stored;
	const uint8_t *at = r->map + ref->offset;
	struct err err = { "" };

	if (ref->offset > r->size || bytes > r->size - ref->offset)
		reader_report(r, ref->offset, bytes, "the index names a block outside the file");
	else if (block_parse(at, bytes, h, &err))
		reader_report(r, ref->offset, bytes, "%.80s", err.text);
	else if (!same_block(ref, h, r->slots[ref->segment].segment->id))
		reader_report(r, ref->offset, bytes, "the index names another block");
	else if (!block_intact(h, at + sizeof(*h)))
		reader_report(r, ref->offset, bytes, "checksum does not match");
	else if (block_understood(h, &err))
		reader_report(r, ref->offset, bytes, "%.90s", err.text);
	else
		return at + sizeof(*h);
	return NULL;
}

void reader_done_before(struct reader *r, uint64_t offset)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), to = offset / page * page;

	if (to < r->released)
		r->released = 0; /* the file is read once more */
	if (!r->own_map || to < r->released + KEEP_BYTES)
		return;
	madvise((void *)(r->map + r->released), to - r->released, MADV_DONTNEED);
	r->released = to;
}

static bool is_declaration(unsigned kind)
{
	return kind == BLOCK_INFO || kind == BLOCK_ENUMS || kind == BLOCK_SCHEMA;
}

/* Tables are copied. They lie scattered among blocks of events, and the system maps what is around each: of a trace
 * whose segments are all loaded that is nearly the whole file. */
static void give_back_segment(const struct reader *r, const struct segment *s)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t from = (s->offset + page - 1) / page * page,
		 to = (s->offset + s->bytes) / page * page;

	if (r->own_map && from < to && to <= r->size)
		madvise((void *)(r->map + from), to - from, MADV_DONTNEED);
}

/* Declarations need no dictionaries, and the other way round, so each can be had alone. */
static void load_tables(struct reader *r, uint32_t number, bool declarations)
{
	const struct slot *slot = &r->slots[number];

	for (size_t i = 0; i < slot->blocks.n; i++) {
		const struct block_ref ref = ref_in(r, number, i);
		struct block_header h;
		const void *payload;
		struct err err;

		if (ref.kind == BLOCK_EVENTS || is_declaration(ref.kind) != declarations)
			continue;
		payload = reader_block(r, &ref, &h);
		if (payload && segment_load(slot->segment, &h, payload, r->decoder, &err))
			reader_report(r, ref.offset, sizeof(h) + h.stored, "%.90s", err.text);
	}
	give_back_segment(r, slot->segment);
}

static struct segment *load(struct reader *r, uint32_t number, enum loaded how_much)
{
	struct slot *slot = &r->slots[number];

	if (r->stream)
		return slot->segment; /* has what has come so far */
	for (; slot->loaded < how_much; slot->loaded++)
		load_tables(r, number, slot->loaded == LOADED_NOTHING);
	return slot->segment;
}

const struct segment_clock *reader_clock(const struct reader *r, uint32_t number)
{
	return &r->slots[number].segment->clock;
}

struct segment *reader_declarations(struct reader *r, uint32_t number)
{
	return load(r, number, LOADED_DECLARATIONS);
}

struct segment *reader_segment(struct reader *r, uint32_t number)
{
	return load(r, number, LOADED_ALL);
}

void reader_forget(struct reader *r, uint32_t number)
{
	struct slot *slot = &r->slots[number];

	if (r->stream)
		return;
	segment_clear(slot->segment);
	slot->loaded = LOADED_NOTHING;
}

/* ---- clocks ---- */

/* When the machine booted, in wall-clock time. */
static int64_t boot_time(const struct segment_clock *c)
{
	return (int64_t)(c->start_real_ns - c->start_ns);
}

/* NULL if no segment is known. */
static const struct segment_clock *earliest_boot(struct reader *const *readers, uint32_t n)
{
	const struct segment_clock *base = NULL;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < readers[i]->n_slots; k++) {
			const struct segment_clock *c = &readers[i]->slots[k].segment->clock;

			/* One that is not known decides nothing; and a wall clock that was set
			 * between two segments makes no other boot. */
			if (!base || !base->start_real_ns ||
				(segment_shift(base, c) != 0 && boot_time(c) < boot_time(base)))
				base = c;
		}
	}
	return base;
}

void readers_align(struct reader *const *readers, uint32_t n)
{
	const struct segment_clock *base;

	for (uint32_t i = 0; i < n; i++)
		reader_begin(readers[i], NULL); /* who reads on learns of what is wrong */
	base = earliest_boot(readers, n);
	for (uint32_t i = 0; base && i < n; i++) {
		struct reader *r = readers[i];

		r->is_aligned = true;
		r->base = *base;
		for (uint32_t k = 0; k < r->n_slots; k++)
			r->slots[k].segment->shift_ns = segment_shift(base,
				&r->slots[k].segment->clock);
	}
}

uint64_t readers_start(struct reader *const *readers, uint32_t n)
{
	uint64_t start = UINT64_MAX;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < readers[i]->n_slots; k++) {
			const struct segment *s = readers[i]->slots[k].segment;
			uint64_t t = s->clock.start_ns + (uint64_t)s->shift_ns;

			if (s->clock.start_ns) /* not of one whose first block was lost */
				start = t < start ? t : start;
		}
	}
	return start == UINT64_MAX ? 0 : start;
}

/* ---- streams ---- */

static int nothing_read(struct reader *r, struct err *err)
{
	int rc;

	r->map = r->scan.data;
	r->size = r->scan.len;
	rc = r->scan.base || r->scan.len
		? not_a_trace(r, err)
		: err_set(err, EINVAL, "is empty: nothing was recorded into it");
	r->map = NULL;
	return err_step(err, rc, "%s", r->name);
}

/* The next block, its segment known. 1, 0 at the end, negative errno. */
static int take_block(struct reader *r, struct err *err)
{
	struct block_header *h = &r->held;
	int rc = scan_next(&r->scan, h, &r->held_payload, &r->held_offset);

	if (rc < 0)
		return err_errno(err, -rc, "reading %s", r->name);
	if (rc == 0) {
		account_end(&r->account);
		return r->n_slots ? 0 : nothing_read(r, err);
	}
	r->size = r->held_offset + sizeof(*h) + h->stored;
	rc = place_block(r, h, r->held_payload, r->held_offset, err);
	if (rc)
		return err_step(err, rc, "%s", r->name);
	account_block(&r->account, h, r->held_payload, r->held_offset);
	return 1;
}

/* Reads on to a block of events or sync, which is then held. 1, 0 at the end, negative errno. */
static int hold_block(struct reader *r, struct err *err)
{
	int rc = 1;

	while (!r->is_held && (rc = take_block(r, err)) > 0) {
		const struct block_header *h = &r->held;
		struct segment *s = r->slots[r->n_slots - 1].segment;
		struct err why;

		r->is_held = h->kind == BLOCK_EVENTS || h->kind == BLOCK_SYNC;
		if (!r->is_held && segment_load(s, h, r->held_payload, r->decoder, &why))
			reader_report(r, r->held_offset, sizeof(*h) + h->stored, "%.90s", why.text);
	}
	return rc;
}

int reader_begin(struct reader *r, struct err *err)
{
	int rc = r->stream && !r->n_slots ? hold_block(r, err) : 0;

	return rc < 0 ? rc : 0;
}

int reader_next_block(struct reader *r, struct block_header *h, const void **payload,
	uint64_t *offset, uint32_t *segment, struct err *err)
{
	int rc = hold_block(r, err);

	if (rc <= 0)
		return rc;
	r->is_held = false;
	*h = r->held;
	*payload = r->held_payload;
	*offset = r->held_offset;
	*segment = r->n_slots - 1;
	return 1;
}

bool reader_is_stream(const struct reader *r)
{
	return r->stream;
}

int reader_refuse_stream(const struct reader *r, struct err *err)
{
	if (!r->stream)
		return 0;
	return err_set(err, ESPIPE,
		"%s is read twice, to check and to copy: save it to a file first", reader_name(r));
}

uint32_t reader_n_segments(const struct reader *r)
{
	return r->n_slots;
}

bool reader_is_complete(const struct reader *r)
{
	return r->n_slots && r->slots[r->n_slots - 1].ended;
}

uint64_t reader_bytes(const struct reader *r)
{
	return r->size;
}

void reader_on_wait(struct reader *r, void (*call)(void *ctx), void *ctx)
{
	r->scan.waits = call;
	r->scan.waits_ctx = ctx;
}

const char *reader_name(const struct reader *r)
{
	return r->name;
}

const uint8_t *reader_map(const struct reader *r)
{
	return r->map;
}
