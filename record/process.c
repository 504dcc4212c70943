/* Two tables: threads by tid, and the address spaces they point to. */
#include "record/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "record/proc_fs.h"

enum { ENDED = 64 };

struct processes {
	struct images *images;  /* borrowed */
	struct map by_tid;      /* tid -> place in threads */
	struct thread *threads; /* owned */
	uint32_t n, cap;
	uint32_t serial;
	uint32_t ended[ENDED];    /* threads, the last ones */
	uint32_t n_ended, n_kept; /* ever, and of those in threads */
	space_watcher on_space;   /* NULL: nobody wants to know */
	void *on_space_ctx;
};

struct processes *processes_new(struct images *images)
{
	struct processes *p = xcalloc(1, sizeof(*p));

	p->images = images;
	map_init(&p->by_tid, 256);
	return p;
}

/* ---- address spaces ---- */

static struct space *space_new(struct processes *p)
{
	struct space *s = xcalloc(1, sizeof(*s));

	s->refs = 1;
	s->serial = ++p->serial;
	return s;
}

static void space_put(struct space *s)
{
	if (!s || --s->refs)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		image_release(s->vmas[i].image);
	free(s->vmas);
	free(s);
}

struct space *space_hold(struct space *s)
{
	s->refs++;
	return s;
}

void space_release(struct space *s)
{
	space_put(s);
}

static struct space *space_copy(struct processes *p, const struct space *from)
{
	struct space *s = space_new(p);

	s->n = s->cap = from->n;
	s->vmas = xcalloc(s->cap, sizeof(*s->vmas));
	for (uint32_t i = 0; i < s->n; i++) {
		s->vmas[i] = from->vmas[i];
		image_hold(s->vmas[i].image);
	}
	return s;
}

void processes_on_space(struct processes *p, space_watcher call, void *ctx)
{
	p->on_space = call;
	p->on_space_ctx = ctx;
}

static void tell_space(struct processes *p, uint32_t pid)
{
	if (p->on_space)
		p->on_space(p->on_space_ctx, pid);
}

/* The first mapping that ends behind the address. */
static uint32_t space_search(const struct space *s, uint64_t address)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (s->vmas[mid].end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct vma *space_find(const struct space *s, uint64_t address)
{
	uint32_t i = space_search(s, address);

	return i < s->n && s->vmas[i].start <= address ? &s->vmas[i] : NULL;
}

static void insert_at(struct space *s, uint32_t i, const struct vma *vma)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->vmas = xrealloc(s->vmas, s->cap, sizeof(*s->vmas));
	}
	memmove(s->vmas + i + 1, s->vmas + i, (s->n - i) * sizeof(*s->vmas));
	s->vmas[i] = *vma;
	image_hold(vma->image);
	s->n++;
}

static void remove_at(struct space *s, uint32_t i)
{
	image_release(s->vmas[i].image);
	memmove(s->vmas + i, s->vmas + i + 1, (s->n - i - 1) * sizeof(*s->vmas));
	s->n--;
}

/* Puts a mapping over what was there: the kernel does not tell when code is unmapped. */
static void space_insert(struct space *s, const struct vma *new)
{
	uint32_t i = space_search(s, new->start);

	if (i < s->n && s->vmas[i].start < new->start) {
		struct vma rest = s->vmas[i];

		s->vmas[i].end = new->start;
		if (rest.end > new->end) {
			rest.offset += new->end - rest.start;
			rest.start = new->end;
			insert_at(s, i + 1, &rest);
		}
		i++;
	}
	while (i < s->n && s->vmas[i].end <= new->end)
		remove_at(s, i);
	if (i < s->n && s->vmas[i].start < new->end) {
		s->vmas[i].offset += new->end - s->vmas[i].start;
		s->vmas[i].start = new->end;
	}
	insert_at(s, i, new);
}

/* ---- threads ---- */

static struct thread *find(struct processes *p, uint32_t tid)
{
	uint32_t *at = map_get(&p->by_tid, tid);

	return at && *at ? &p->threads[*at - 1] : NULL;
}

struct thread *processes_find(struct processes *p, uint32_t tid)
{
	struct thread *t = find(p, tid);

	return t && !t->ended ? t : NULL;
}

struct thread *processes_find_late(struct processes *p, uint32_t tid)
{
	return find(p, tid);
}

/* A thread without a name; its address space is its process's, or a new one. */
static struct thread *add_thread(struct processes *p, uint32_t pid, uint32_t tid)
{
	struct thread *leader = find(p, pid), *t;
	struct space *space = leader ? leader->space : NULL;
	bool kernel = leader && leader->kernel, recorded = leader && leader->recorded;

	if (space)
		space->refs++;
	else
		space = space_new(p);
	if (!p->threads || p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->threads = xrealloc(p->threads, p->cap, sizeof(*p->threads));
	}
	t = &p->threads[p->n++];
	*t = (struct thread){ .pid = pid,
		.tid = tid,
		.space = space,
		.inner_pid = INNER_PID_UNKNOWN,
		.kernel = kernel,
		.recorded = recorded };
	*map_put(&p->by_tid, tid, NULL) = p->n;
	return t;
}

/* A map cannot forget single keys: one whose thread ended keeps value 0. When those outnumber the
 * living the map is made anew. */
static void rebuild_map(struct processes *p)
{
	map_clear(&p->by_tid);
	for (uint32_t i = 0; i < p->n; i++)
		*map_put(&p->by_tid, p->threads[i].tid, NULL) = i + 1;
}

static void remove_thread(struct processes *p, uint32_t tid)
{
	uint32_t *at = map_get(&p->by_tid, tid), i;

	if (!at || !*at)
		return;
	i = *at - 1;
	*at = 0;
	tell_space(p, p->threads[i].pid);
	space_put(p->threads[i].space);
	p->n_kept -= p->threads[i].ended;
	p->threads[i] = p->threads[--p->n];
	if (i < p->n)
		*map_put(&p->by_tid, p->threads[i].tid, NULL) = i + 1;
	if (p->by_tid.count > 2 * p->n + 1024)
		rebuild_map(p);
}

void processes_free(struct processes *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->n; i++)
		space_put(p->threads[i].space);
	map_done(&p->by_tid);
	free(p->threads);
	free(p);
}

static void set_comm(struct thread *t, const char *comm)
{
	memset(t->comm, 0, sizeof(t->comm));
	memcpy(t->comm, comm, strnlen(comm, sizeof(t->comm)));
	t->generation = 0;
}

struct thread *processes_thread(struct processes *p, uint32_t pid, uint32_t tid)
{
	struct thread *t = find(p, tid);
	char comm[16] = "";

	if (t && t->pid == pid)
		return t;
	if (t)
		remove_thread(p, tid); /* the number was used again and we missed its end */
	if (!find(p, pid))
		processes_scan(p, pid, NULL);
	t = find(p, tid);
	if (t && t->pid == pid)
		return t;
	t = add_thread(p, pid, tid);
	if (pid)
		proc_comm(pid, tid, comm);
	set_comm(t, pid ? comm : "swapper");
	return t;
}

struct thread *processes_by_tid(struct processes *p, uint32_t tid)
{
	struct thread *t = find(p, tid);

	return t ? t : processes_thread(p, tid ? proc_process_of(tid) : 0, tid);
}

void processes_fork(struct processes *p, uint32_t pid, uint32_t tid, uint32_t parent_pid,
	uint32_t parent_tid)
{
	struct thread parent = *processes_thread(p, parent_pid, parent_tid), *t;

	parent.space->refs++; /* the number may be the parent's own, if records are wrong */
	if (find(p, tid))
		remove_thread(p, tid);
	t = add_thread(p, pid, tid);
	space_put(t->space);
	t->space = parent.space;
	t->kernel = parent.kernel;
	set_comm(t, parent.comm);
	if (pid == tid)
		tell_space(p, pid);
}

/* The thread that does something, so it is not the one of this number that ended. */
static struct thread *living(struct processes *p, uint32_t pid, uint32_t tid)
{
	struct thread *t = find(p, tid);

	if (t && t->ended)
		remove_thread(p, tid);
	return processes_thread(p, pid, tid);
}

void processes_comm(struct processes *p, uint32_t pid, uint32_t tid, const char *comm, bool exec)
{
	struct thread *t = living(p, pid, tid);

	set_comm(t, comm);
	if (exec) { /* the mappings of the new program are told after this */
		space_put(t->space);
		t->space = space_new(p);
		t->kernel = false;
		tell_space(p, pid);
	}
}

void processes_exit(struct processes *p, uint32_t tid)
{
	struct thread *t = find(p, tid), *oldest;
	uint32_t *place = &p->ended[p->n_ended % ENDED];

	if (!t || t->ended)
		return;
	t->ended = true;
	tell_space(p, t->pid);
	space_put(t->space); /* its memory is gone, only its name is wanted */
	t->space = space_new(p);
	p->n_kept++;
	oldest = p->n_ended++ >= ENDED ? find(p, *place) : NULL;
	if (oldest && oldest->ended)
		remove_thread(p, *place);
	*place = tid;
}

static bool is_gone(const struct thread *t)
{
	/* The idle threads, 0, and those outside of our pid namespace are never found. */
	return !t->ended && (int)t->pid > 0 && (int)t->tid > 0 &&
		syscall(SYS_tgkill, (int)t->pid, (int)t->tid, 0) && errno == ESRCH;
}

void processes_reap(struct processes *p)
{
	uint32_t i = 0;

	while (i < p->n) {
		struct thread *t = &p->threads[i];
		bool was_gone = t->gone;

		t->gone = is_gone(t);
		if (t->gone && was_gone)
			remove_thread(p, t->tid); /* another takes its place */
		else
			i++;
	}
}

/* The space of a process, for changing: not shared with another process. */
static struct space *own_space(struct processes *p, uint32_t pid, struct thread *t)
{
	struct space *old = t->space, *mine;
	uint32_t mine_refs = 0;

	for (uint32_t i = 0; old->refs > 1 && i < p->n; i++)
		mine_refs += p->threads[i].space == old && p->threads[i].pid == pid;
	if (old->refs == 1 || mine_refs == old->refs) {
		old->serial = ++p->serial;
		return old;
	}
	mine = space_copy(p, old);
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->threads[i].space != old || p->threads[i].pid != pid)
			continue;
		mine->refs++;
		p->threads[i].space = mine;
		old->refs--; /* never the last: another process has it */
	}
	mine->refs--; /* the one that space_new gave it */
	return mine;
}

void processes_map(struct processes *p, uint32_t pid, uint32_t tid, const struct vma *vma)
{
	struct thread *t = living(p, pid, tid);

	if (vma->end <= vma->start)
		return;
	space_insert(own_space(p, pid, t), vma);
	tell_space(p, pid);
}

const struct space *processes_space(struct processes *p, uint32_t pid)
{
	const struct thread *t = find(p, pid);

	if (t && !t->ended)
		return t->space->n ? t->space : NULL;
	for (uint32_t i = 0; p->threads && i < p->n; i++) /* threads live on without their first */
		if (p->threads[i].pid == pid && !p->threads[i].ended && p->threads[i].space->n)
			return p->threads[i].space;
	return NULL;
}

uint32_t processes_count(const struct processes *p)
{
	return p->n - p->n_kept;
}

/* ---- what was there before ---- */

struct scan_ctx {
	struct processes *p;
	uint32_t pid;
	const struct process_visitor *visitor;
	uint32_t n_maps;
};

static void scan_map(void *ctx, const struct image *like, uint64_t offset)
{
	struct scan_ctx *s = ctx;
	struct vma vma = { like->start, like->end, offset, images_get(s->p->images, like) };

	space_insert(find(s->p, s->pid)->space, &vma);
	s->n_maps++;
	if (s->visitor)
		s->visitor->map(s->visitor->ctx, s->pid, &vma);
}

static void scan_thread(void *ctx, uint32_t tid)
{
	struct scan_ctx *s = ctx;
	struct thread *t = find(s->p, tid);
	char comm[16] = "";

	if (!t)
		t = add_thread(s->p, s->pid, tid);
	if (proc_comm(s->pid, tid, comm) == 0)
		set_comm(t, comm);
	if (s->visitor)
		s->visitor->thread(s->visitor->ctx, t);
}

int processes_scan(struct processes *p, uint32_t pid, const struct process_visitor *v)
{
	struct scan_ctx s = { p, pid, v, 0 };
	struct thread *leader;
	int rc;

	if (!find(p, pid))
		add_thread(p, pid, pid);
	rc = proc_each_map(pid, scan_map, &s);
	if (rc == 0)
		rc = proc_each_thread(pid, scan_thread, &s);
	leader = find(p, pid);
	if (leader && rc == 0)
		leader->kernel = proc_is_kernel_thread(pid);
	tell_space(p, pid);
	return rc;
}

void processes_each(struct processes *p, const struct process_visitor *v)
{
	for (uint32_t i = 0; i < p->n; i++) {
		struct thread *t = &p->threads[i];

		if (t->ended)
			continue;
		v->thread(v->ctx, t);
		for (uint32_t k = 0; t->tid == t->pid && k < t->space->n; k++)
			v->map(v->ctx, t->pid, &t->space->vmas[k]);
	}
}
