/* Lines are read as they come. One that repeats what is known (some programs write the whole map again) is no
 * news. */
#include "format/symbols/jit_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/symbols/lines.h"
#include "format/symbols/perf_map.h"

enum {
	PIECE = 128 << 10,
	AT_ONCE = 4 << 20, /* bytes in one look, which must not take long */
	MAX_NAMES = 256 << 20,
	TAIL = 64,
};

struct jit_map {
	int fd;          /* owned */
	uint64_t offset; /* behind the last line that was read */
	bool skip;       /* in a line that is too long */
	char tail
		[TAIL]; /* what is in front of the offset: it changes if the file is written anew */
	uint64_t look_ns; /* the last look that has read all there was; 0: none yet */
	uint32_t n_seen;  /* codes there were after it */
	struct arena names;
	uint64_t n_bytes; /* of names */
	struct jit_codes codes;
};

struct jit_map *jit_map_new(int fd)
{
	struct jit_map *m = xcalloc(1, sizeof(*m));

	m->fd = fd;
	jit_codes_init(&m->codes, -1, '\n');
	return m;
}

void jit_map_free(struct jit_map *m)
{
	if (!m)
		return;
	close(m->fd);
	arena_done(&m->names);
	jit_codes_done(&m->codes);
	free(m);
}

const struct jit_codes *jit_map_codes(const struct jit_map *m)
{
	return &m->codes;
}

uint64_t jit_map_bytes(const struct jit_map *m)
{
	return m->n_bytes;
}

/* Whether the code that is there now has the same place and name. */
static bool is_known(const struct jit_map *m, const struct jit_code *c, const char *name,
	size_t len)
{
	const struct jit_code *old = jit_codes_find(&m->codes, c->start, JIT_NEVER - 1);
	char text[SYMBOL_NAME_MAX];
	size_t n;

	if (!old || old->start != c->start || old->size != c->size)
		return false;
	n = jit_codes_name(&m->codes, old, text);
	return n == (len < SYMBOL_NAME_MAX ? len : SYMBOL_NAME_MAX) && memcmp(text, name, n) == 0;
}

/* What replaces other code came after the last look: since then it may have been either. If the other came after that,
 * too, it may have been either ever since. */
static bool add_line(struct jit_map *m, struct jit_code *c, uint64_t now_ns)
{
	struct jit_code either = { .start = c->start, .size = c->size };

	if (jit_codes_next_version(&m->codes, c) == 1)
		return jit_codes_add(&m->codes, c);
	if (!jit_codes_first_since(&m->codes, c, m->n_seen))
		either.time_ns = m->look_ns;
	c->time_ns = now_ns;
	return jit_codes_add(&m->codes, &either) && jit_codes_add(&m->codes, c);
}

static bool keep_name(struct jit_map *m, struct jit_code *c, const char *name, size_t len)
{
	len = len < SYMBOL_NAME_MAX ? len : SYMBOL_NAME_MAX;
	m->n_bytes += len;
	c->name_at = (uintptr_t)arena_strndup(&m->names, name, len);
	c->name_max = (uint32_t)len;
	return m->n_bytes <= MAX_NAMES;
}

static bool take_line(struct jit_map *m, const char *line, size_t len, uint64_t now_ns)
{
	struct jit_code c = { .time_ns = 0 };
	size_t at;

	return !perf_map_parse(line, len, &c.start, &c.size, &at) ||
		is_known(m, &c, line + at, len - at) ||
		(keep_name(m, &c, line + at, len - at) && add_line(m, &c, now_ns));
}

static int read_lines(struct jit_map *m, uint64_t most, uint64_t now_ns, struct err *err)
{
	struct lines lines;
	const char *line;
	bool room = true;
	size_t len;
	int error;

	lines_init(&lines, m->fd, PIECE, most);
	lines.offset = m->offset;
	lines.skip = m->skip;
	while (room && lines_fill(&lines))
		while (room && (line = lines_next(&lines, &len)))
			room = take_line(m, line, len, now_ns);
	m->offset = lines.offset + lines.next;
	m->skip = lines.skip;
	error = lines.error;
	lines_done(&lines);
	if (error)
		return err_errno(err, error, "read the perf map");
	return room ? 0
		    : err_set(err, E2BIG, "there is more code in the perf map than is looked at");
}

/* What is in front of the offset; false if it is not there any more. */
static bool read_tail(const struct jit_map *m, char tail[TAIL])
{
	size_t n = m->offset < TAIL ? (size_t)m->offset : TAIL;

	memset(tail, 0, TAIL);
	return pread(m->fd, tail, n, (off_t)(m->offset - n)) == (ssize_t)n;
}

static void begin_anew_if_changed(struct jit_map *m)
{
	char tail[TAIL];

	if (read_tail(m, tail) && memcmp(tail, m->tail, TAIL) == 0)
		return;
	m->offset = 0;
	m->skip = false;
}

static int read_new(struct jit_map *m, uint64_t now_ns, struct err *err)
{
	struct stat st;
	uint64_t size, most;
	int rc;

	if (fstat(m->fd, &st))
		return err_errno(err, errno, "perf map");
	begin_anew_if_changed(m);
	size = (uint64_t)st.st_size < PERF_MAP_MAX_BYTES ? (uint64_t)st.st_size
							 : PERF_MAP_MAX_BYTES;
	most = size > m->offset ? size - m->offset : 0;
	most = most < AT_ONCE ? most : AT_ONCE;
	if (most && lseek(m->fd, (off_t)m->offset, SEEK_SET) < 0)
		return err_errno(err, errno, "perf map");
	rc = most ? read_lines(m, most, now_ns, err) : 0;
	read_tail(m, m->tail);
	if (most < AT_ONCE) {
		m->look_ns = now_ns;
		m->n_seen = m->codes.n;
	}
	return rc;
}

int jit_map_read(struct jit_map *m, uint64_t now_ns, struct err *err)
{
	int rc = m->codes.blind_ns == JIT_NEVER ? read_new(m, now_ns, err) : 0;

	if (rc)
		m->codes.blind_ns = m->look_ns;
	return rc;
}
