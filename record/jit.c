/* A list of processes, each with what it tells and the frames that wait for their names. */
#include "record/jit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/symbols/demangle.h"
#include "format/symbols/jit_map.h"
#include "format/symbols/jitdump.h"
#include "format/symbols/perf_map.h"
#include "record/proc_fs.h"
#include "record/recording.h"

#define SECOND 1000000000ULL

enum {
	MAX_PROCESSES = 128, /* that make code at the same time */
	MAX_WAITING = 1 << 16,
	MAX_BYTES =
		512 << 20, /* of what is known of code, of all processes; a look adds some more */
	MAX_TOLD = 8,      /* troubles that are told one by one */
	STAYS_SECONDS = 3, /* after its end: its last samples are still to come */
};

/* Versions from here on stand for pieces of time in which it is not known yet which code it was. */
#define UNSURE   (1ULL << 32)
#define PIECE_NS 125000000ULL

struct waiting {
	struct new_frame frame;
	uint32_t generation;
	uint64_t until_ns; /* it is of samples before this; 0: of one code */
};

struct jit_process {
	uint32_t pid;
	struct jitdump *dump;        /* owned; NULL: it writes a perf map, or nothing */
	struct jit_map *map;         /* owned; NULL: none yet */
	struct perf_map_place place; /* without a dump */
	struct waiting *list;        /* owned */
	uint32_t n, cap;
	uint64_t ended_ns;   /* 0: it lives */
	uint64_t dev, inode; /* of the dump */
	uint64_t tried_ns;   /* when a map was last looked for */
	uint64_t bytes;      /* of memory, at the last look */
	bool told_map;
};

struct jit {
	struct recording *recording; /* borrowed */
	struct jit_process *list;    /* owned */
	struct arena scratch;
	uint32_t n, n_told;
	uint64_t bytes; /* that is known of code takes */
	bool told_many, told_full;
};

struct jit *jit_new(struct recording *r)
{
	struct jit *j = xcalloc(1, sizeof(*j));

	j->recording = r;
	j->list = xcalloc(MAX_PROCESSES, sizeof(*j->list));
	return j;
}

static void forget(struct jit *j, struct jit_process *p)
{
	j->bytes -= p->bytes;
	if (!p->dump)
		perf_map_place_done(&p->place);
	jitdump_free(p->dump);
	jit_map_free(p->map);
	free(p->list);
}

void jit_free(struct jit *j)
{
	if (!j)
		return;
	for (uint32_t i = 0; i < j->n; i++)
		forget(j, &j->list[i]);
	arena_done(&j->scratch);
	free(j->list);
	free(j);
}

static struct jit_process *find(const struct jit *j, uint32_t pid)
{
	for (uint32_t i = 0; i < j->n; i++)
		if (j->list[i].pid == pid)
			return &j->list[i];
	return NULL;
}

const struct jit_process *jit_process(const struct jit *j, uint32_t pid)
{
	return j->n ? find(j, pid) : NULL;
}

/* ---- finding and reading dumps ---- */

/* "/tmp/.debug/jit/x/jit-812.dump" of the process itself, by either of its numbers: a child has its
 * parent's mapped, too. */
static bool is_dump_of(const char *path, uint32_t pid)
{
	const char *file = strrchr(path, '/');
	char *end;
	unsigned long number;

	if (!file || strncmp(file, "/jit-", 5) != 0)
		return false;
	number = strtoul(file + 5, &end, 10);
	return strcmp(end, ".dump") == 0 && (number == pid || number == proc_inner_pid(pid));
}

/* What the process has told so far; NULL: nothing. */
static const struct jit_codes *codes_of(const struct jit_process *p)
{
	return p->dump ? jitdump_codes(p->dump) : p->map ? jit_map_codes(p->map) : NULL;
}

static void tell_trouble(struct jit *j, uint32_t pid, const char *why)
{
	if (j->n_told++ < MAX_TOLD)
		recording_note(j->recording, "jit",
			"names of code made by process %u are missing: %s", pid, why);
}

/* Opens the perf map when there is one. That of somebody else is named, once. */
static void find_map(struct jit *j, struct jit_process *p, uint64_t now)
{
	struct err err;
	int fd = perf_map_open_at(&p->place, &err);

	p->tried_ns = now;
	if (fd >= 0)
		p->map = jit_map_new(fd);
	else if (fd != -ENOENT && !p->told_map)
		tell_trouble(j, p->pid, err.text);
	p->told_map |= fd != -ENOENT;
}

static void count_bytes(struct jit *j, struct jit_process *p)
{
	const struct jit_codes *codes = codes_of(p);

	j->bytes -= p->bytes;
	p->bytes = codes ? jit_codes_bytes(codes) : 0;
	if (p->map)
		p->bytes += jit_map_bytes(p->map);
	j->bytes += p->bytes;
}

/* What programs write is not to fill the machine's memory. */
static bool is_full(struct jit *j)
{
	if (j->bytes < MAX_BYTES)
		return false;
	if (!j->told_full)
		recording_note(j->recording, "jit",
			"programs make more code than is followed: what came after 512 MiB of it has no names");
	j->told_full = true;
	return true;
}

/* At its end a process may just have written its map. */
static void read_process(struct jit *j, struct jit_process *p, uint64_t now, bool at_end)
{
	struct err err;
	int rc = 0;

	if (!p->dump && !p->map && (at_end || now - p->tried_ns >= SECOND))
		find_map(j, p, now);
	if (is_full(j))
		return;
	if (p->dump)
		rc = jitdump_read(p->dump, now, &err);
	else if (p->map)
		rc = jit_map_read(p->map, now, &err);
	count_bytes(j, p);
	if (rc)
		tell_trouble(j, p->pid, err.text);
}

/* NULL: there are too many. */
static struct jit_process *new_place(struct jit *j)
{
	if (j->n < MAX_PROCESSES)
		return &j->list[j->n++];
	if (!j->told_many)
		recording_note(j->recording, "jit",
			"more than %d processes make code: of the others it is not told when they replace some",
			MAX_PROCESSES);
	j->told_many = true;
	return NULL;
}

void jit_mapped(struct jit *j, uint32_t pid, const struct image *image)
{
	struct jit_process *p;
	int fd;

	if (image->kind != MAPPING_FILE || !is_dump_of(image->path, pid))
		return;
	p = find(j, pid);
	if (p && p->inode == image->inode && p->dev == image->dev)
		return; /* found by a scan and told by the kernel */
	fd = image_open(image);
	if (fd < 0) {
		tell_trouble(j, pid, "its dump cannot be opened");
		return;
	}
	if (p)
		forget(j, p); /* it had another, or a map */
	else
		p = new_place(j);
	if (!p) {
		close(fd);
		return;
	}
	*p = (struct jit_process){ .pid = pid,
		.dump = jitdump_new(fd),
		.dev = image->dev,
		.inode = image->inode };
	read_process(j, p, now_ns(), false);
}

/* ---- which code ---- */

/* What nobody has told yet is the first code at its address, or what its line in the map will say. */
static uint64_t version_in_map(const struct jit_codes *codes, uint64_t address, uint64_t time_ns)
{
	const struct jit_code *c = codes ? jit_codes_find(codes, address, time_ns) : NULL;

	if (codes && time_ns >= codes->blind_ns)
		return UNSURE;
	return c ? c->version - 1 : 0;
}

uint64_t jit_version(const struct jit_process *p, uint64_t address, uint64_t time_ns)
{
	const struct jit_codes *codes = codes_of(p);
	const struct jit_code *c;

	if (!p->dump)
		return version_in_map(codes, address, time_ns);
	c = jitdump_held_back(p->dump) ? NULL : jit_codes_find(codes, address, time_ns);
	return c ? c->version : UNSURE + time_ns / PIECE_NS;
}

/* A process that has no dump, as far as we know, may write a perf map. */
static struct jit_process *follow(struct jit *j, uint32_t pid)
{
	struct perf_map_place place = { .root = -1 };
	struct jit_process *p = NULL;

	if (perf_map_place_of("/proc", (pid_t)pid, &place, NULL))
		return NULL;
	p = new_place(j);
	if (!p) {
		perf_map_place_done(&place);
		return NULL;
	}
	*p = (struct jit_process){ .pid = pid, .place = place };
	read_process(j, p, now_ns(), false);
	return p;
}

bool jit_request(struct jit *j, const struct new_frame *f)
{
	struct jit_process *p;
	struct waiting *w;

	if (f->image->kind != MAPPING_JIT)
		return false;
	p = find(j, f->pid);
	if (!p)
		p = follow(j, f->pid);
	if (!p || p->n == MAX_WAITING)
		return false;
	if (!p->list || p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 256;
		p->list = xrealloc(p->list, p->cap, sizeof(*p->list));
	}
	w = &p->list[p->n++];
	*w = (struct waiting){ *f, writer_generation(j->recording->writer), 0 };
	if (f->version >= UNSURE)
		w->until_ns = (f->version - UNSURE + 1) * PIECE_NS;
	return true;
}

/* ---- what it is called ---- */

static uint32_t put_text(struct jit *j, const char *text)
{
	return text ? writer_string(j->recording->writer, text, strlen(text)) : 0;
}

/* False when the writer takes no more now. */
static bool write_name(struct jit *j, const struct new_frame *f, const struct jit_code *c,
	const struct jit_name *name)
{
	const char *readable = demangle(&j->scratch, name->name);
	struct dict_symbol s = { .frame = f->frame, .start = c->start };

	if (writer_crowded(j->recording->writer))
		return false;
	s.name = put_text(j, readable ? readable : name->name);
	s.linkage = readable ? put_text(j, name->name) : 0;
	s.file = put_text(j, name->file);
	s.line = s.file ? name->line : 0;
	return writer_symbol(j->recording->writer, &s);
}

/* Of a dump that is complete, or that has come as far. One that has not, of a program that still runs, will do
 * if the program never used an address again. */
static const struct jit_code *in_dump(const struct jit_process *p, const struct waiting *w,
	bool at_end)
{
	const struct jit_codes *codes = jitdump_codes(p->dump);
	bool complete = p->ended_ns || jitdump_newest_ns(p->dump) >= w->until_ns ||
		!jitdump_held_back(p->dump);

	if (!w->until_ns)
		return jit_codes_find(codes, w->frame.ip, w->frame.time_ns);
	if (complete || (at_end && !codes->replaced))
		return jit_codes_find_all_along(codes, w->frame.ip, w->frame.time_ns, w->until_ns);
	return NULL;
}

/* A frame that came before anything was known of its address is of the first code there. */
static const struct jit_code *in_map(const struct jit_process *p, const struct waiting *w)
{
	return p->map ? jit_codes_find(jit_map_codes(p->map), w->frame.ip,
				w->frame.version ? w->frame.time_ns : 0)
		      : NULL;
}

static bool name_of(struct jit *j, const struct jit_process *p, const struct jit_code *c,
	uint64_t ip, struct jit_name *name)
{
	char text[SYMBOL_NAME_MAX];
	size_t n;

	if (p->dump)
		return jitdump_name(p->dump, c, ip, name, &j->scratch);
	n = jit_codes_name(jit_map_codes(p->map), c, text);
	*name = (struct jit_name){ .name = arena_strndup(&j->scratch, text, n) };
	return n > 0;
}

/* Whether that is done with. */
static bool answer(struct jit *j, struct jit_process *p, const struct waiting *w, bool at_end)
{
	const struct jit_code *c = p->dump ? in_dump(p, w, at_end) : in_map(p, w);
	struct jit_name name;
	bool done = true;

	if (w->generation != writer_generation(j->recording->writer))
		return true; /* the new segment asked anew */
	if (c && name_of(j, p, c, w->frame.ip, &name))
		done = write_name(j, &w->frame, c, &name);
	else if (!c)
		done = at_end;
	arena_reset(&j->scratch);
	return done;
}

static void answer_all(struct jit *j, struct jit_process *p, bool at_end)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < p->n; i++)
		if (!answer(j, p, &p->list[i], at_end))
			p->list[kept++] = p->list[i];
	p->n = kept;
}

/* Whether a process that has ended was kept long enough. */
static bool is_over(struct jit *j, struct jit_process *p, uint64_t now)
{
	if (!p->ended_ns && !processes_find(j->recording->processes, p->pid)) {
		read_process(j, p, now, true);
		p->ended_ns = now;
	}
	return p->ended_ns && now - p->ended_ns > STAYS_SECONDS * SECOND;
}

static void remove_process(struct jit *j, struct jit_process *p)
{
	forget(j, p);
	*p = j->list[--j->n];
}

void jit_exec(struct jit *j, uint32_t pid)
{
	struct jit_process *p = find(j, pid);

	if (!p)
		return;
	p->ended_ns = now_ns();
	read_process(j, p, p->ended_ns, true);
	answer_all(j, p, true);
	remove_process(j, p);
}

void jit_look(struct jit *j, uint64_t now)
{
	uint32_t i = 0;

	while (i < j->n) {
		struct jit_process *p = &j->list[i];
		bool over = is_over(j, p, now);

		if (!p->ended_ns)
			read_process(j, p, now, false);
		answer_all(j, p, over);
		if (over)
			remove_process(j, p); /* another takes its place */
		else
			i++;
	}
}

void jit_settle(struct jit *j)
{
	for (uint32_t i = 0; i < j->n; i++)
		answer_all(j, &j->list[i], true);
}
