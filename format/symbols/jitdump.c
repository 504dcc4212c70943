/* One walk over the records. Of the file only places are kept: names and lines are read when somebody asks. */
#include "format/symbols/jitdump.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/map.h"
#include "format/symbols/query.h"

#define MAGIC     0x4a695444u  /* "JiTD" */
#define PROMPT_NS 200000000ULL /* who writes each record at once is not later than this */

enum {
	PIECE = 64 << 10,
	MAX_READ = 1 << 16,  /* records at once: a look must not take long */
	MAX_LINES = 1 << 20, /* bytes of the lines of one function */
	FILE_NAME_MAX = 4095,
	/* V8 adds the size of an ELF header to the addresses of its lines, for an old perf. */
	ELF_HEADER_BYTES = 64,
	BY_COUNTER = 1, /* a flag of the header: times are a processor's counter */
};

enum record_type { CODE_LOAD, CODE_MOVE, CODE_DEBUG_INFO, CODE_CLOSE, CODE_UNWINDING_INFO };

/* The beginnings of the header and of the records, as they are in the file. */
struct header {
	uint32_t magic, version, total_size, elf_mach, pad, pid;
	uint64_t timestamp, flags;
};

struct record {
	uint32_t type, total_size;
	uint64_t time_ns;
};

struct load {
	struct record r;
	uint32_t pid, tid;
	uint64_t vma, address, size, index; /* behind it: name, code */
};

struct move {
	struct record r;
	uint32_t pid, tid;
	uint64_t vma, from, to, size, index;
};

struct debug_info {
	struct record r;
	uint64_t address, n; /* behind it: so many lines */
	uint64_t first;      /* address of the first of them */
};

struct line_entry {
	uint64_t address;
	uint32_t line, discriminator; /* behind it: the file's name */
};

union any_record {
	struct record r;
	struct load load;
	struct move move;
	struct debug_info debug;
};

struct jitdump {
	int fd;           /* owned */
	uint64_t offset;  /* of what is not read yet; 0: nothing is */
	uint64_t look_ns; /* the last look; 0: none yet */
	uint64_t newest_ns;
	struct jit_codes codes;
	struct map by_index;     /* code index -> number in codes */
	struct debug_info lines; /* that wait for their code */
	uint64_t lines_at;
	/* How far behind a code's start its first line is, of all the least. */
	uint64_t least_first;
	bool held_back, cut;
	bool behind; /* there is more than was read at once */
};

struct jitdump *jitdump_new(int fd)
{
	struct jitdump *j = xcalloc(1, sizeof(*j));

	j->fd = fd;
	j->least_first = UINT64_MAX;
	jit_codes_init(&j->codes, fd, '\0');
	map_init(&j->by_index, 64);
	return j;
}

void jitdump_free(struct jitdump *j)
{
	if (!j)
		return;
	close(j->fd);
	jit_codes_done(&j->codes);
	map_done(&j->by_index);
	free(j);
}

const struct jit_codes *jitdump_codes(const struct jitdump *j)
{
	return &j->codes;
}

/* ---- records ---- */

static bool take_load(struct jitdump *j, const struct load *l)
{
	struct jit_code c = { .time_ns = l->r.time_ns, .start = l->address, .size = l->size };

	if (l->r.total_size <= sizeof(*l))
		return true;
	c.name_at = j->offset + sizeof(*l);
	c.name_max = l->r.total_size - (uint32_t)sizeof(*l);
	if (j->lines_at && j->lines.address == l->address) {
		c.lines_at = j->lines_at;
		c.n_lines = (uint32_t)(j->lines.n < UINT32_MAX ? j->lines.n : UINT32_MAX);
	}
	j->lines_at = 0;
	*map_put(&j->by_index, l->index, NULL) = j->codes.n;
	return jit_codes_add(&j->codes, &c);
}

/* The lines of a code that moved were at its first place. Where it was is nothing now. */
static bool take_move(struct jitdump *j, const struct move *m)
{
	const uint32_t *at = map_get(&j->by_index, m->index);
	struct jit_code nothing = { .time_ns = m->r.time_ns, .start = m->from, .size = m->size };
	struct jit_code c = nothing;

	if (m->r.total_size < sizeof(*m))
		return true;
	if (at && *at < j->codes.n)
		c = j->codes.codes[*at];
	c.time_ns = m->r.time_ns;
	c.start = m->to;
	c.size = m->size;
	c.lines_at = 0;
	if (!jit_codes_add(&j->codes, &nothing))
		return false;
	*map_put(&j->by_index, m->index, NULL) = j->codes.n;
	return jit_codes_add(&j->codes, &c);
}

/* Lines come before their code. */
static void take_lines(struct jitdump *j, const struct debug_info *d)
{
	uint64_t first = d->first - d->address;

	if (d->r.total_size < sizeof(*d) || !d->n)
		return;
	j->lines = *d;
	j->lines_at = j->offset + offsetof(struct debug_info, first);
	if (d->first >= d->address && first < j->least_first)
		j->least_first = first;
}

static bool take_record(struct jitdump *j, const union any_record *any)
{
	if (j->look_ns && any->r.time_ns + PROMPT_NS < j->look_ns)
		j->held_back = true;
	if (any->r.time_ns > j->newest_ns)
		j->newest_ns = any->r.time_ns;
	switch (any->r.type) {
	case CODE_LOAD: return take_load(j, &any->load);
	case CODE_MOVE: return take_move(j, &any->move);
	case CODE_DEBUG_INFO: take_lines(j, &any->debug); return true;
	default: return true;
	}
}

/* ---- the file ---- */

static int read_header(struct jitdump *j, uint64_t size, struct err *err)
{
	struct header h;

	if (size < sizeof(h) || pread(j->fd, &h, sizeof(h), 0) != sizeof(h)) {
		j->held_back = true; /* it is written before there is code */
		return 0;
	}
	if (h.magic != MAGIC || h.total_size < sizeof(h))
		return err_set(err, EINVAL, "no jitdump of this machine's byte order");
	if (h.flags & BY_COUNTER)
		return err_set(err, ENOTSUP,
			"the times of the jitdump are a counter of the processor's, not CLOCK_MONOTONIC");
	j->offset = h.total_size;
	return 0;
}

/* A piece of the file, in memory that is aligned for any record. */
struct piece {
	uint64_t offset;
	size_t have;
	char bytes[PIECE];
};

/* Copies what is at an offset; fewer bytes than wanted at the end of the file. */
static size_t peek(const struct jitdump *j, struct piece *p, uint64_t offset, void *to, size_t n)
{
	ssize_t got;

	if (offset < p->offset || offset - p->offset + n > p->have) {
		got = pread(j->fd, p->bytes, sizeof(p->bytes), (off_t)offset);
		p->offset = offset;
		p->have = got > 0 ? (size_t)got : 0;
		n = n < p->have ? n : p->have;
	}
	memcpy(to, p->bytes + (offset - p->offset), n);
	return n;
}

static int read_records(struct jitdump *j, uint64_t size, struct piece *p, struct err *err)
{
	union any_record any;
	uint32_t n = 0;

	for (; j->offset < size && size - j->offset >= sizeof(any.r); n++) {
		memset(&any, 0, sizeof(any));
		if (peek(j, p, j->offset, &any, sizeof(any)) < sizeof(any.r))
			return 0; /* it was cut since */
		if (any.r.total_size < sizeof(any.r))
			return err_set(err, EINVAL,
				"a record of %u bytes at byte %llu of the jitdump",
				any.r.total_size, (unsigned long long)j->offset);
		if (any.r.total_size > size - j->offset)
			return 0;
		j->behind = n == MAX_READ;
		if (j->behind)
			return 0;
		if (!take_record(j, &any))
			return err_set(err, E2BIG,
				"there is more code in the jitdump than is looked at");
		j->offset += any.r.total_size;
	}
	return 0;
}

/* Who writes through a buffer leaves half a record behind. */
static void look_at_end(struct jitdump *j, uint64_t size)
{
	bool cut = j->offset < size && !j->behind;

	if (cut && j->cut)
		j->held_back = true;
	j->cut = cut;
}

int jitdump_read(struct jitdump *j, uint64_t now_ns, struct err *err)
{
	struct stat st = { 0 };
	struct piece *p;
	int rc;

	if (j->codes.blind_ns != JIT_NEVER)
		return 0;
	j->behind = false;
	rc = fstat(j->fd, &st) ? err_errno(err, errno, "jitdump") : 0;
	if (!rc && !j->offset)
		rc = read_header(j, (uint64_t)st.st_size, err);
	if (!rc && j->offset && j->offset < (uint64_t)st.st_size) {
		p = xcalloc(1, sizeof(*p));
		rc = read_records(j, (uint64_t)st.st_size, p, err);
		free(p);
	}
	look_at_end(j, (uint64_t)st.st_size);
	if (!j->behind)
		j->look_ns = now_ns;
	if (rc)
		j->codes.blind_ns = j->newest_ns;
	return rc;
}

bool jitdump_held_back(const struct jitdump *j)
{
	return j->held_back || j->behind;
}

uint64_t jitdump_newest_ns(const struct jitdump *j)
{
	return j->newest_ns;
}

/* ---- answers ---- */

/* The next entry of a list of lines: where it ends, or NULL. */
static const char *next_line(const char *p, const char *end, struct line_entry *e,
	const char **file)
{
	const char *zero;

	if ((size_t)(end - p) < sizeof(*e))
		return NULL;
	memcpy(e, p, sizeof(*e));
	p += sizeof(*e);
	zero = memchr(p, '\0', (size_t)(end - p));
	if (!zero)
		return NULL;
	if (strcmp(p, "\377") != 0) /* the one before */
		*file = p;
	return zero + 1;
}

/* Printable UTF-8. V8 (Node 20) writes for some functions whatever is in memory it has freed. */
static bool is_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p) {
		unsigned more = *p < 0x80 ? 0
			: *p < 0xc2       ? 9
			: *p < 0xe0       ? 1
			: *p < 0xf0       ? 2
			: *p < 0xf5       ? 3
					  : 9;

		if (more == 9 || *p < 0x20 || *p == 0x7f)
			return false;
		for (p++; more; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return p > (const unsigned char *)s;
}

/* The line of the last entry at or before the address. */
static void search_lines(const char *p, const char *end, uint32_t n, uint64_t address,
	struct jit_name *name)
{
	const char *file = NULL;
	uint64_t best = 0;
	struct line_entry e;

	for (uint32_t i = 0; i < n && (p = next_line(p, end, &e, &file)); i++) {
		if (e.address > address || e.address < best || !file)
			continue;
		best = e.address;
		name->file = is_text(file) ? file : NULL;
		name->line = e.line;
	}
}

static void find_line(const struct jitdump *j, const struct jit_code *c, uint64_t address,
	struct jit_name *name, struct arena *a)
{
	uint64_t end = c->name_at - sizeof(struct load), shift = 0;
	size_t size = c->lines_at < end ? (size_t)(end - c->lines_at) : 0;
	char *bytes;
	ssize_t n;

	if (j->least_first >= ELF_HEADER_BYTES && j->least_first != UINT64_MAX)
		shift = ELF_HEADER_BYTES;
	size = size < MAX_LINES ? size : MAX_LINES;
	bytes = xcalloc(1, size + 1);
	n = pread(j->fd, bytes, size, (off_t)c->lines_at);
	if (n > 0)
		search_lines(bytes, bytes + n, c->n_lines, address + shift, name);
	if (name->file)
		name->file = arena_strndup(a, name->file, strnlen(name->file, FILE_NAME_MAX));
	free(bytes);
}

bool jitdump_name(const struct jitdump *j, const struct jit_code *c, uint64_t address,
	struct jit_name *name, struct arena *a)
{
	char text[SYMBOL_NAME_MAX];
	size_t n = jit_codes_name(&j->codes, c, text);

	memset(name, 0, sizeof(*name));
	if (!n)
		return false;
	name->name = arena_strndup(a, text, n);
	if (c->lines_at)
		find_line(j, c, address, name, a);
	return true;
}
