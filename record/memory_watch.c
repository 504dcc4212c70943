#include "record/memory_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/map.h"
#include "gen/events.h"
#include "record/ticker.h"
#include "specs/events/fault.h"

enum {
	MAX_WATCHED = 65536,
	TEXT_BYTES = 4096,
};

#define DEFAULT_INTERVAL_NS 1000000000ULL

struct watched {
	uint32_t pid;
	bool touched;
	uint64_t looked_ns;  /* 0: not yet */
	uint64_t cleared_ns; /* when its references were; 0: they were not */
};

struct memory_watch {
	struct recording *recording; /* borrowed */
	const char *source;          /* borrowed; whose notes these are */
	struct map by_pid;           /* -> place in all, plus 1; 0: gone */
	struct watched *all;         /* owned */
	uint32_t n, cap;
	struct ticker *ticker; /* owned */
	int type;
	bool refused;
};

/* ---- one look ---- */

/* The first bytes of a file of a process, terminated; false if it is gone, or we may not. */
static bool read_text(uint32_t pid, const char *name, char text[TEXT_BYTES])
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, TEXT_BYTES - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

bool memory_watch_parse(const char *text, uint64_t *referenced)
{
	const char *line = strstr(text, "\nReferenced:");
	uint64_t kib;

	if (!line || sscanf(line, "\nReferenced: %" SCNu64 " kB", &kib) != 1 ||
		kib > UINT64_MAX / 1024)
		return false;
	*referenced = kib * 1024;
	return true;
}

static void clear_references(struct memory_watch *m, struct watched *w)
{
	char path[64];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/clear_refs", w->pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, "1", 1) == 1;
	w->cleared_ns = done ? now_ns() : 0;
	if (!done && errno != ENOENT && errno != ESRCH && !m->refused) {
		m->refused = true;
		recording_note(m->recording, m->source,
			"no working sets: the kernel does not let us write %s (%s)", path,
			strerror(errno));
	}
	if (fd >= 0)
		close(fd);
}

static void fill_working_set(struct memory_watch *m, struct watched *w, struct memory_use *e)
{
	char text[TEXT_BYTES];
	uint64_t referenced;

	if (w->cleared_ns && read_text(w->pid, "smaps_rollup", text) &&
		memory_watch_parse(text, &referenced)) {
		e->referenced = referenced;
		e->interval = now_ns() - w->cleared_ns;
		e->method = WORKING_SET_CLEAR_REFS;
	}
	clear_references(m, w);
}

/* Whether it is still there. */
static bool look(struct memory_watch *m, struct watched *w)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), now = now_ns();
	struct memory_use e = { .time = now, .pid = w->pid };
	uint64_t size, rss, shared;
	char text[TEXT_BYTES];

	if (!read_text(w->pid, "statm", text) ||
		sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &size, &rss, &shared) != 3 ||
		!size)
		return false;
	e.comm = recording_comm(m->recording,
		processes_thread(m->recording->processes, w->pid, w->pid));
	e.size = size * page;
	e.rss = rss * page;
	e.rss_shared = shared * page;
	e.interval = w->looked_ns ? now - w->looked_ns : 0;
	if (m->recording->options->working_set)
		fill_working_set(m, w, &e);
	recording_add(m->recording, 0, m->type, &e);
	w->looked_ns = now;
	w->touched = false;
	return true;
}

/* ---- all of them ---- */

static void remove_at(struct memory_watch *m, uint32_t i)
{
	*map_put(&m->by_pid, m->all[i].pid, NULL) = 0;
	m->all[i] = m->all[--m->n];
	if (i < m->n)
		*map_put(&m->by_pid, m->all[i].pid, NULL) = i + 1;
	if (m->by_pid.count <= 2 * m->n + 1024)
		return;
	map_clear(&m->by_pid); /* it cannot forget single keys */
	for (uint32_t k = 0; k < m->n; k++)
		*map_put(&m->by_pid, m->all[k].pid, NULL) = k + 1;
}

/* Of the whole system only those who got memory since the last time. */
static void look_at_all(void *watch)
{
	struct memory_watch *m = watch;
	bool few = m->recording->target.kind != TARGET_SYSTEM;

	for (uint32_t i = m->n; i-- > 0;) {
		struct watched *w = &m->all[i];

		if (!(few || w->touched) || !look(m, w))
			remove_at(m, i);
	}
}

void memory_watch_touch(struct memory_watch *m, uint32_t pid)
{
	uint32_t *at = map_get(&m->by_pid, pid);

	if (at && *at) {
		m->all[*at - 1].touched = true;
		return;
	}
	if (m->n == MAX_WATCHED)
		return;
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 64;
		m->all = xrealloc(m->all, m->cap, sizeof(*m->all));
	}
	m->all[m->n++] = (struct watched){ .pid = pid };
	*map_put(&m->by_pid, pid, NULL) = m->n;
	/* Also one that is gone stays until the next turn: more of its events may come, and it is not looked for at
	 * each of them. */
	look(m, &m->all[m->n - 1]);
}

/* ---- life ---- */

struct memory_watch *memory_watch_new(struct recording *r, const char *source, struct err *err)
{
	struct memory_watch *m = xcalloc(1, sizeof(*m));

	m->recording = r;
	m->source = source;
	m->type = writer_type(r->writer, &event_memory_use, NULL);
	map_init(&m->by_pid, 64);
	m->ticker = ticker_open(r->loop, look_at_all, m, err);
	if (m->ticker)
		return m;
	memory_watch_free(m);
	return NULL;
}

void memory_watch_free(struct memory_watch *m)
{
	if (!m)
		return;
	ticker_close(m->ticker);
	map_done(&m->by_pid);
	free(m->all);
	free(m);
}

void memory_watch_start(struct memory_watch *m)
{
	uint64_t asked = m->recording->options->interval_ns;
	const struct target *target = &m->recording->target;

	for (uint32_t i = 0; target->kind == TARGET_PIDS && i < target->n_pids; i++)
		memory_watch_touch(m, target->pids[i]);
	ticker_start(m->ticker, asked ? asked : DEFAULT_INTERVAL_NS);
}

void memory_watch_stop(struct memory_watch *m)
{
	look_at_all(m);
	ticker_skip(m->ticker);
}
