/* A reply is a row of varints: REPLY_TEXT and a text, which gets the next number from 1 on;
 * REPLY_FRAME and a frame, whose texts are such numbers, 0 for none; REPLY_SPLIT and a unit that is split; REPLY_SOURCE
 * and the number of a source file's name; REPLY_TROUBLE and that of a sentence, if not all could be read; at the end
 * REPLY_END. Frames of one address follow each other,
 * outer to inner. The reader believes nothing of it.
 *
 * A request is a row of 8-byte numbers: the descriptor of an alternate file, plus 1, or 0; how many other files are
 * given; how many units are in them; whether sources are wanted; the descriptors; of each unit id and number of the
 * file; addresses. */
#include "format/symbols/inline_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/base/bytes.h"
#include "format/base/map.h"
#include "format/symbols/dwarf_frames.h"
#include "format/symbols/query.h"

enum {
	MAX_CPU_S = 30,
	MAX_WALL_S = 60,
	MAX_DATA = 1 << 30,  /* bytes of memory, besides the file that is mapped */
	MAX_REPLY = 1 << 28, /* bytes */
	FILE_FD = 3,         /* of the worker: the ELF file */
	FREE_FD = 10,        /* of the parent: out of the way of those of the worker */
};

enum { REPLY_END, REPLY_TEXT, REPLY_FRAME, REPLY_TROUBLE, REPLY_SPLIT, REPLY_SOURCE };
enum { REQUEST_ALTERNATE, REQUEST_SPLIT, REQUEST_PLACES, REQUEST_SOURCES, REQUEST_HEAD };

/* ---- the worker: what it says ---- */

struct reply {
	FILE *to;
	struct map by_hash; /* of a text -> its number */
	struct arena texts;
	const char **text; /* owned; by number */
	uint32_t n_texts, cap_texts;
	struct map sources; /* numbers of texts that were told as such */
};

static void put_number(struct reply *r, uint64_t v)
{
	uint8_t bytes[10];
	struct buf b = buf_of(bytes, sizeof(bytes));

	buf_varint(&b, v);
	fwrite(bytes, 1, b.len, r->to);
}

static uint32_t add_text(struct reply *r, const char *text, size_t len)
{
	if (r->n_texts + 1 >= r->cap_texts) {
		r->cap_texts = r->cap_texts ? 2 * r->cap_texts : 1024;
		r->text = xrealloc(r->text, r->cap_texts, sizeof(*r->text));
	}
	r->text[++r->n_texts] = arena_strndup(&r->texts, text, len);
	put_number(r, REPLY_TEXT);
	put_number(r, len);
	fwrite(text, 1, len, r->to);
	return r->n_texts;
}

/* The number of a text, which is told when it is new. Two of the same hash are each told anew. */
static uint32_t text_number(struct reply *r, const char *text)
{
	size_t len = text ? strnlen(text, SYMBOL_NAME_MAX) : 0;
	uint32_t *at;
	bool is_new;

	if (!len)
		return 0;
	at = map_put(&r->by_hash, hash_bytes(text, len), &is_new);
	if (!is_new && strncmp(r->text[*at], text, SYMBOL_NAME_MAX) == 0)
		return *at;
	*at = add_text(r, text, len);
	return *at;
}

static void put_frame(void *ctx, const struct dwarf_frame *f)
{
	struct reply *r = ctx;
	uint32_t name = text_number(r, f->name), linkage = text_number(r, f->linkage);
	uint32_t file = text_number(r, f->file);

	put_number(r, REPLY_FRAME);
	put_number(r, f->number);
	put_number(r, f->depth);
	put_number(r, name);
	put_number(r, linkage);
	put_number(r, file);
	put_number(r, f->line);
	if (f->depth)
		return;
	put_number(r, f->start);
	put_number(r, f->end);
}

static void put_split(void *ctx, const struct dwarf_split *s)
{
	struct reply *r = ctx;
	uint32_t folder = text_number(r, s->folder), name = text_number(r, s->name);

	put_number(r, REPLY_SPLIT);
	put_number(r, s->id);
	put_number(r, folder);
	put_number(r, name);
	put_number(r, s->found);
}

static void put_source(void *ctx, const char *file)
{
	struct reply *r = ctx;
	uint32_t number = text_number(r, file);
	bool is_new = false;

	if (number)
		map_put(&r->sources, number, &is_new);
	if (!is_new)
		return;
	put_number(r, REPLY_SOURCE);
	put_number(r, number);
}

int inline_reply_write(int fd, const struct dwarf_parts *parts, bool want_sources,
	const uint64_t *addresses, size_t n, FILE *to, struct err *err)
{
	struct reply r = { .to = to };
	const struct dwarf_listener listener = { put_frame, put_split,
		want_sources ? put_source : NULL, &r };
	struct err trouble = { "" };
	uint32_t text;
	int rc;

	map_init(&r.by_hash, 1024);
	map_init(&r.sources, 64);
	rc = dwarf_frames(fd, parts, addresses, n, &listener, &trouble);
	text = text_number(&r, trouble.text);
	if (text) {
		put_number(&r, REPLY_TROUBLE);
		put_number(&r, text);
	}
	if (text && err)
		*err = trouble;
	put_number(&r, REPLY_END);
	if ((fflush(to) || ferror(to)) && rc >= 0)
		rc = err_errno(err, errno, "write");
	map_done(&r.by_hash);
	map_done(&r.sources);
	arena_done(&r.texts);
	free(r.text);
	return rc;
}

/* ---- the worker: what it may ---- */

static void limit(int resource, rlim_t most)
{
	struct rlimit l = { most, most };

	setrlimit(resource, &l);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };

	syscall(SYS_capset, &header, none);
}

/* DWARF names further files, and for root any path may be opened, devices too. So it becomes the one
 * whom the file belongs to; if it cannot, only root's own files may name others. */
static int become_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_uid == 0 || st.st_uid == geteuid())
		return 0;
	if (setgroups(0, NULL) || setresgid(st.st_gid, st.st_gid, st.st_gid) ||
		setresuid(st.st_uid, st.st_uid, st.st_uid))
		limit(RLIMIT_NOFILE, FILE_FD + 1);
	return 0;
}

static int confine(void)
{
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, MAX_CPU_S);
#ifndef __SANITIZE_ADDRESS__ /* which takes more than that for itself */
	limit(RLIMIT_DATA, MAX_DATA);
#endif
	limit(RLIMIT_FSIZE, MAX_REPLY);
	alarm(MAX_WALL_S);
	rc = become_owner(FILE_FD);
	drop_capabilities();
	return rc;
}

/* The whole of a file in memory; the caller frees it. */
static void *read_all(int fd, size_t *len)
{
	struct stat st;
	uint8_t *data;
	ssize_t n = 1;

	if (fstat(fd, &st) || st.st_size < 0)
		return NULL;
	data = xrealloc(NULL, (size_t)st.st_size + 1, 1);
	for (*len = 0; n > 0 && *len<(size_t)st.st_size; *len += n> 0 ? (size_t)n : 0)
		n = pread(fd, data + *len, (size_t)st.st_size - *len, (off_t)*len);
	return data;
}

/* What is asked for: by whoever started us, who is trusted. */
static int answer(const uint64_t *request, size_t n)
{
	int split[INLINE_MAX_SPLIT];
	struct dwarf_parts parts = { .alternate = -1, .split = split };
	const uint64_t *at = request + REQUEST_HEAD;
	size_t n_split, n_places, left = n - REQUEST_HEAD;

	if (n < REQUEST_HEAD)
		return -EINVAL;
	n_split = request[REQUEST_SPLIT];
	n_places = request[REQUEST_PLACES];
	if (n_split > INLINE_MAX_SPLIT || n_split > left || n_places > (left - n_split) / 2)
		return -EINVAL;
	parts.alternate = (int)request[REQUEST_ALTERNATE] - 1;
	for (size_t i = 0; i < n_split; i++)
		split[i] = (int)at[i];
	parts.n_split = (uint32_t)n_split;
	parts.places = (const struct dwarf_place *)(at + n_split);
	parts.n_places = (uint32_t)n_places;
	at += n_split + 2 * n_places;
	return inline_reply_write(FILE_FD, &parts, request[REQUEST_SOURCES], at,
		(size_t)(request + n - at), stdout, NULL);
}

int inline_worker_main(void)
{
	uint64_t *request;
	size_t len = 0;
	int rc;

	if (confine())
		return 1;
	request = read_all(STDIN_FILENO, &len);
	if (!request)
		return 1;
	rc = answer(request, len / sizeof(*request));
	free(request);
	return rc < 0;
}

/* ---- what is made of a reply ---- */

struct parse {
	struct cursor c;
	struct arena *arena;
	const char **text; /* owned; by number */
	uint32_t n_texts, cap_texts;
	struct inline_frame chain[DWARF_MAX_DEPTH + 1]; /* of the present address */
	struct inline_chain *chains;
	size_t n, number; /* number: of the present address; n: there is none yet */
	uint32_t depth;
	int found;
	const char *trouble;       /* or NULL */
	struct dwarf_split *units; /* owned */
	uint32_t n_units;
	const char **sources; /* owned */
	uint32_t n_sources;
};

static void take_text(struct parse *p)
{
	uint64_t len = cursor_varint(&p->c);
	const uint8_t *text = len <= SYMBOL_NAME_MAX ? cursor_take(&p->c, len) : NULL;

	if (!text) {
		p->c.bad = true;
		return;
	}
	if (p->n_texts + 1 >= p->cap_texts) {
		p->cap_texts = p->cap_texts ? 2 * p->cap_texts : 1024;
		p->text = xrealloc(p->text, p->cap_texts, sizeof(*p->text));
	}
	p->text[++p->n_texts] = arena_strndup(p->arena, (const char *)text, len);
}

static const char *text_at(struct parse *p)
{
	uint64_t number = cursor_varint(&p->c);

	if (number > p->n_texts)
		p->c.bad = true;
	return number && !p->c.bad ? p->text[number] : NULL;
}

static void end_chain(struct parse *p)
{
	struct inline_chain *to;

	if (p->number == p->n)
		return;
	to = &p->chains[p->number];
	to->frames = arena_alloc(p->arena, p->depth * sizeof(*to->frames));
	memcpy(to->frames, p->chain, p->depth * sizeof(*to->frames));
	to->n = p->depth;
	p->found++;
}

/* The first frame of an address, which must not have been there. */
static void begin_chain(struct parse *p, uint64_t number)
{
	end_chain(p);
	if (number >= p->n || p->chains[number].n) {
		p->c.bad = true;
		p->number = p->n;
		return;
	}
	p->number = number;
	p->depth = 0;
}

static void take_frame(struct parse *p)
{
	uint64_t number = cursor_varint(&p->c), depth = cursor_varint(&p->c), line;
	struct inline_frame *f;

	if (depth == 0)
		begin_chain(p, number);
	if (p->c.bad || number != p->number || depth != p->depth || depth > DWARF_MAX_DEPTH) {
		p->c.bad = true;
		return;
	}
	f = &p->chain[p->depth++];
	f->name = text_at(p);
	f->linkage = text_at(p);
	f->file = text_at(p);
	line = cursor_varint(&p->c);
	f->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	if (depth)
		return;
	p->chains[number].start = cursor_varint(&p->c);
	p->chains[number].end = cursor_varint(&p->c);
}

static void take_split(struct parse *p)
{
	struct dwarf_split u = { .id = cursor_varint(&p->c) };

	u.folder = text_at(p);
	u.name = text_at(p);
	u.found = cursor_varint(&p->c) != 0;
	p->units = xgrow(p->units, p->n_units, sizeof(*p->units));
	p->units[p->n_units++] = u;
}

static void take_source(struct parse *p)
{
	const char *file = text_at(p);

	if (!file)
		return;
	p->sources = xgrow(p->sources, p->n_sources, sizeof(*p->sources));
	p->sources[p->n_sources++] = file;
}

static int take_reply(struct parse *p)
{
	while (!p->c.bad) {
		switch (cursor_varint(&p->c)) {
		case REPLY_TEXT: take_text(p); break;
		case REPLY_FRAME: take_frame(p); break;
		case REPLY_SPLIT: take_split(p); break;
		case REPLY_SOURCE: take_source(p); break;
		case REPLY_TROUBLE: p->trouble = text_at(p); break;
		case REPLY_END:
			if (p->c.bad)
				return -EBADMSG;
			end_chain(p);
			return p->found;
		default: p->c.bad = true;
		}
	}
	return -EBADMSG;
}

static void give_parts(struct parse *p, struct inline_parts *parts)
{
	if (p->n_units) {
		parts->units = arena_alloc(p->arena, p->n_units * sizeof(*p->units));
		memcpy(parts->units, p->units, p->n_units * sizeof(*p->units));
		parts->n_units = p->n_units;
	}
	if (p->n_sources) {
		parts->sources = arena_alloc(p->arena, p->n_sources * sizeof(*p->sources));
		memcpy(parts->sources, p->sources, p->n_sources * sizeof(*p->sources));
		parts->n_sources = p->n_sources;
	}
}

int inline_reply_parse(const void *reply, size_t len, struct inline_parts *parts,
	struct inline_chain *chains, size_t n, struct arena *a, struct err *err)
{
	struct parse p = { .c = cursor_of(reply, len),
		.arena = a,
		.chains = chains,
		.n = n,
		.number = n };
	int rc;

	memset(chains, 0, n * sizeof(*chains));
	if (parts)
		parts->n_units = parts->n_sources = 0;
	rc = take_reply(&p);
	if (rc >= 0 && parts)
		give_parts(&p, parts);
	free(p.units);
	free(p.sources);
	free(p.text);
	if (rc >= 0 && p.trouble)
		err_set(err, EBADMSG, "%s", p.trouble);
	if (rc >= 0)
		return rc;
	memset(chains, 0, n * sizeof(*chains));
	return err_set(err, EBADMSG, "damaged reply");
}

/* ---- the parent ---- */

static int memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC), high;

	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD);
	close(fd);
	return high < 0 ? -errno : high;
}

static int write_all(int fd, size_t at, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, (const uint8_t *)data + done, len - done,
			(off_t)(at + done));

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int write_request(int fd, const struct inline_parts *parts, const uint64_t *addresses,
	size_t n)
{
	const struct dwarf_parts *given = parts ? &parts->given : NULL;
	uint32_t n_split = given ? given->n_split : 0, n_places = given ? given->n_places : 0;
	uint64_t *head = xcalloc(REQUEST_HEAD + n_split, sizeof(*head));
	size_t len = (REQUEST_HEAD + n_split) * sizeof(*head);
	size_t places = n_places * sizeof(struct dwarf_place);
	int rc;

	head[REQUEST_ALTERNATE] = given ? (uint64_t)(given->alternate + 1) : 0;
	head[REQUEST_SPLIT] = n_split;
	head[REQUEST_PLACES] = n_places;
	head[REQUEST_SOURCES] = parts && parts->want_sources;
	for (uint32_t i = 0; i < n_split; i++)
		head[REQUEST_HEAD + i] = (uint64_t)given->split[i];
	rc = write_all(fd, 0, head, len);
	free(head);
	if (!rc && n_places)
		rc = write_all(fd, len, given->places, places);
	return rc ? rc : write_all(fd, len + places, addresses, n * sizeof(*addresses));
}

/* A descriptor put in its own place stays open in the worker (glibc 2.29). */
static void keep_given(posix_spawn_file_actions_t *files, const struct dwarf_parts *given)
{
	if (given->alternate >= 0)
		posix_spawn_file_actions_adddup2(files, given->alternate, given->alternate);
	for (uint32_t i = 0; i < given->n_split; i++)
		posix_spawn_file_actions_adddup2(files, given->split[i], given->split[i]);
}

static int start(int file, int request, int reply, const struct dwarf_parts *given, pid_t *pid)
{
	char *argv[] = { "rec", INLINE_WORKER, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int code;

	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, request, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, reply, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, file, FILE_FD);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (given)
		keep_given(&files, given);
	code = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -code;
}

static int await(pid_t pid, uint64_t *cpu_ns, struct err *err)
{
	struct rusage use;
	int status;

	while (wait4(pid, &status, 0, &use) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "wait for the worker");
	*cpu_ns += (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000;
	if (WIFSIGNALED(status))
		return err_set(err, EBADMSG, "its DWARF broke the reader: %s",
			strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return err_set(err, EBADMSG, "its DWARF cannot be read");
	return 0;
}

static int converse(int file, int request, int reply, const struct dwarf_parts *given,
	uint64_t *cpu_ns, struct err *err)
{
	pid_t pid;
	int rc = start(file, request, reply, given, &pid);

	if (rc)
		return err_errno(err, -rc, "start the worker that reads DWARF");
	return await(pid, cpu_ns, err);
}

static int take_file(int reply, struct inline_parts *parts, struct inline_chain *chains, size_t n,
	struct arena *a, struct err *err)
{
	size_t len = 0;
	void *data = read_all(reply, &len);
	int rc;

	if (!data)
		return err_errno(err, errno, "read the worker's reply");
	rc = inline_reply_parse(data, len, parts, chains, n, a, err);
	free(data);
	return rc;
}

int inline_worker_ask(int fd, struct inline_parts *parts, const uint64_t *addresses, size_t n,
	struct inline_chain *chains, struct arena *a, uint64_t *cpu_ns, struct err *err)
{
	const struct dwarf_parts *given = parts ? &parts->given : NULL;
	int request = memory_file("addresses"), reply = memory_file("frames");
	int file = fcntl(fd, F_DUPFD_CLOEXEC, FREE_FD), rc = -EMFILE;

	memset(chains, 0, n * sizeof(*chains));
	if (request >= 0 && reply >= 0 && file >= 0)
		rc = write_request(request, parts, addresses, n);
	if (rc)
		err_errno(err, -rc, "ask for inlined functions");
	else
		rc = converse(file, request, reply, given, cpu_ns, err);
	if (!rc)
		rc = take_file(reply, parts, chains, n, a, err);
	if (request >= 0)
		close(request);
	if (reply >= 0)
		close(reply);
	if (file >= 0)
		close(file);
	return rc;
}
