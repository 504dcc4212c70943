/* Turning the kernel's records into what we know (processes, kernel_map) and into events. */
#include "record/sideband.h"

#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "gen/events.h"
#include "record/cgroup.h"
#include "record/event_set.h"
#include "record/jit.h"
#include "record/proc_fs.h"
#include "specs/events/process.h"

enum { RING_BYTES = 256 << 10 };

struct sideband {
	struct recording *recording; /* borrowed */
	struct event_set *events;
	int fork_type, exec_type, comm_type, exit_type, mmap_type, namespace_type;
	uint64_t snapshot_ns; /* time of what a snapshot writes */
	int n_looks;          /* for threads whose end was lost, that are due */
};

/* ---- events ---- */

static void write_comm(struct sideband *s, struct thread *t, uint64_t time, int type)
{
	struct process_comm e = { .time = time,
		.pid = t->pid,
		.tid = t->tid,
		.comm = recording_comm(s->recording, t) };

	writer_add(s->recording->writer, 0, type, &e);
}

static void write_map(struct sideband *s, uint32_t stream, uint32_t pid, const struct vma *v,
	uint64_t time)
{
	struct process_mmap e = { .time = time,
		.pid = pid,
		.address = v->start,
		.size = v->end - v->start,
		.offset = v->offset,
		.mapping = image_mapping(v->image, s->recording->writer) };

	writer_add(s->recording->writer, stream, s->mmap_type, &e);
}

/* Tells the number that the process has inside its container, if it is in one. It keeps that for life. */
static void write_namespace(struct sideband *s, struct thread *t, uint64_t time)
{
	struct process_namespace e = { .time = time, .pid = t->pid };

	if (t->inner_pid == INNER_PID_UNKNOWN)
		t->inner_pid = proc_inner_pid(t->pid);
	e.inner_pid = t->inner_pid;
	if (e.inner_pid)
		writer_add(s->recording->writer, 0, s->namespace_type, &e);
}

/* The records are those of whom the recording is about, and of nobody else. */
static void mark_recorded(struct sideband *s, uint32_t tid)
{
	struct thread *t = processes_find(s->recording->processes, tid);

	if (t)
		t->recorded = true;
}

/* ---- records; layouts: perf_event_open(2) ---- */

struct record_mmap2 {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, pgoff;
	union {
		struct {
			uint32_t maj, min;
			uint64_t ino, ino_generation;
		};
		struct {
			uint8_t build_id_size, reserved[3];
			uint8_t build_id[20];
		};
	};
	uint32_t prot, flags;
	char filename[];
};

struct record_comm {
	struct perf_event_header header;
	uint32_t pid, tid;
	char comm[];
};

struct record_task {
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct record_ksymbol {
	struct perf_event_header header;
	uint64_t addr;
	uint32_t len;
	uint16_t ksym_type, flags;
	char name[];
};

/* A text at the end of a record, terminated somewhere in it; false if the record is too short or
 * has no end of text. */
static bool text_fits(const struct perf_event_header *h, const char *text)
{
	size_t at = (size_t)(text - (const char *)h);

	return at < h->size && memchr(text, '\0', h->size - at);
}

static void on_mmap2(struct sideband *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	const struct record_mmap2 *m = (const struct record_mmap2 *)h;
	struct recording *r = s->recording;
	char path[PATH_MAX];
	struct image like = { .pid = m->pid,
		.start = m->addr,
		.end = m->addr + m->len,
		.path = path };
	struct vma v = { m->addr, m->addr + m->len, m->pgoff, NULL };

	if (!text_fits(h, m->filename) || m->pid == UINT32_MAX)
		return;
	snprintf(path, sizeof(path), "%s", m->filename);
	proc_strip_deleted(path);
	like.kind = proc_mapping_kind(path);
	if (like.kind == MAPPING_FILE && h->misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		like.build_id_len = m->build_id_size <= 20 ? m->build_id_size : 20;
		memcpy(like.build_id, m->build_id, like.build_id_len);
	} else if (like.kind == MAPPING_FILE) {
		like.dev = makedev(m->maj, m->min);
		like.inode = m->ino;
	}
	v.image = images_get(&r->images, &like);
	processes_map(r->processes, m->pid, m->tid, &v);
	jit_mapped(r->jit, m->pid, v.image);
	mark_recorded(s, m->tid);
	write_map(s, ring->stream, m->pid, &v, time);
}

static void on_comm(struct sideband *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	const struct record_comm *c = (const struct record_comm *)h;
	bool exec = h->misc & PERF_RECORD_MISC_COMM_EXEC;
	struct recording *r = s->recording;
	struct thread *t;

	if (!text_fits(h, c->comm))
		return;
	processes_comm(r->processes, c->pid, c->tid, c->comm, exec);
	if (exec)
		jit_exec(r->jit, c->pid);
	mark_recorded(s, c->tid);
	t = processes_thread(r->processes, c->pid, c->tid);
	write_comm(s, t, time, exec ? s->exec_type : s->comm_type);
	if (exec)
		write_namespace(s, t, time);
}

static void on_fork(struct sideband *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	const struct record_task *t = (const struct record_task *)h;
	struct process_fork e = { .time = time,
		.pid = t->pid,
		.tid = t->tid,
		.parent_pid = t->ppid,
		.parent_tid = t->ptid };

	if (h->size < sizeof(*t))
		return;
	processes_fork(s->recording->processes, t->pid, t->tid, t->ppid, t->ptid);
	mark_recorded(s, t->tid);
	writer_add(s->recording->writer, ring->stream, s->fork_type, &e);
}

static void on_task_exit(struct sideband *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	const struct record_task *t = (const struct record_task *)h;
	struct process_exit e = { .time = time, .pid = t->pid, .tid = t->tid };

	if (h->size < sizeof(*t))
		return;
	processes_exit(s->recording->processes, t->tid);
	writer_add(s->recording->writer, ring->stream, s->exit_type, &e);
}

static void on_ksymbol(struct sideband *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	const struct record_ksymbol *k = (const struct record_ksymbol *)h;

	if (text_fits(h, k->name))
		kernel_map_symbol(s->recording->kernel, k->addr, k->len, k->name,
			k->flags & PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER);
}

typedef void (*record_function)(struct sideband *, const struct perf_ring *,
	const struct perf_event_header *, uint64_t time);

static const record_function by_type[] = {
	[PERF_RECORD_MMAP2] = on_mmap2,
	[PERF_RECORD_COMM] = on_comm,
	[PERF_RECORD_FORK] = on_fork,
	[PERF_RECORD_EXIT] = on_task_exit,
	[PERF_RECORD_KSYMBOL] = on_ksymbol,
};

/* Of processes outside of our pid namespace perf tells no numbers, but 0 (6.18). All of these records begin with
 * the process, but for PERF_RECORD_KSYMBOL. */
static bool is_nameless(const struct perf_event_header *h)
{
	uint32_t pid;

	if (h->type == PERF_RECORD_KSYMBOL || h->size < sizeof(*h) + sizeof(pid))
		return false;
	memcpy(&pid, h + 1, sizeof(pid));
	return !pid;
}

static void handle(void *ctx, const struct perf_ring *ring, const struct perf_event_header *h,
	uint64_t time)
{
	if (is_nameless(h))
		return;
	if (h->type < sizeof(by_type) / sizeof(by_type[0]) && by_type[h->type])
		by_type[h->type](ctx, ring, h, time);
}

static void lost(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since,
	uint64_t until)
{
	struct sideband *s = ctx;

	s->n_looks = 2;
	recording_lost(s->recording, ring->stream, "process", n, since, until);
}

/* ---- the outside ---- */

struct sideband *sideband_open(struct recording *r, struct err *err)
{
	struct sideband *s = xcalloc(1, sizeof(*s));
	struct event_set_user user = { handle, lost, s };
	struct perf_event_attr attr;
	int code = 0;

	s->recording = r;
	s->fork_type = writer_type(r->writer, &event_process_fork, NULL);
	s->exec_type = writer_type(r->writer, &event_process_exec, NULL);
	s->comm_type = writer_type(r->writer, &event_process_comm, NULL);
	s->exit_type = writer_type(r->writer, &event_process_exit, NULL);
	s->namespace_type = writer_type(r->writer, &event_process_namespace, NULL);
	s->mmap_type = writer_type(r->writer, &event_process_mmap, NULL);
	perf_attr_init(&attr, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
	perf_attr_sideband(&attr);
	attr.exclude_kernel = 1; /* counts nothing anyway; lets ordinary users have it */
	attr.exclude_hv = 1;
	attr.watermark = 1;
	attr.wakeup_watermark = RING_BYTES / 4;
	s->events = event_set_open(&attr, &r->target, RING_BYTES, &code, err);
	if (!s->events || event_set_feed(s->events, r, "process", &user, err)) {
		sideband_close(s);
		return NULL;
	}
	return s;
}

void sideband_close(struct sideband *s)
{
	if (!s)
		return;
	event_set_close(s->events);
	free(s);
}

void sideband_enable(struct sideband *s)
{
	event_set_enable(s->events);
}

void sideband_disable(struct sideband *s)
{
	event_set_disable(s->events);
}

void sideband_tick(struct sideband *s)
{
	if (!s->n_looks)
		return;
	s->n_looks--;
	processes_reap(s->recording->processes);
}

void sideband_settle(struct sideband *s)
{
	event_set_settle(s->events, now_ns());
}

static void snapshot_kernel(void *ctx, struct image *image, uint64_t start, uint64_t size)
{
	struct vma v = { start, start + size, 0, image };
	struct sideband *s = ctx;

	write_map(s, 0, 0, &v, s->snapshot_ns);
}

static void snapshot_thread(void *ctx, struct thread *t)
{
	struct sideband *s = ctx;

	write_comm(s, t, s->snapshot_ns, s->comm_type);
	if (t->pid == t->tid && !t->kernel)
		write_namespace(s, t, s->snapshot_ns);
}

static void snapshot_map(void *ctx, uint32_t pid, const struct vma *v)
{
	struct sideband *s = ctx;

	write_map(s, 0, pid, v, s->snapshot_ns);
}

static void scan_thread(void *ctx, struct thread *t)
{
	t->recorded = true;
	snapshot_thread(ctx, t);
}

static void scan_map(void *ctx, uint32_t pid, const struct vma *v)
{
	struct sideband *s = ctx;

	jit_mapped(s->recording->jit, pid, v->image);
	snapshot_map(ctx, pid, v);
}

static void scan_process(void *ctx, uint32_t pid)
{
	struct sideband *s = ctx;
	struct process_visitor v = { scan_thread, scan_map, s };

	processes_scan(s->recording->processes, pid, &v);
}

void sideband_scan(struct sideband *s, uint64_t time_ns)
{
	const struct target *t = &s->recording->target;

	s->snapshot_ns = time_ns;
	kernel_map_each(s->recording->kernel, snapshot_kernel, s);
	if (t->kind == TARGET_SYSTEM)
		proc_each_process(scan_process, s);
	if (t->kind == TARGET_CGROUP)
		cgroup_each_process(t->cgroup, scan_process, s);
	for (uint32_t i = 0; t->kind == TARGET_PIDS && i < t->n_pids; i++)
		scan_process(s, t->pids[i]);
}

void sideband_repeat(struct sideband *s, uint64_t time_ns)
{
	struct process_visitor v = { snapshot_thread, snapshot_map, s };

	s->snapshot_ns = time_ns;
	kernel_map_each(s->recording->kernel, snapshot_kernel, s);
	processes_each(s->recording->processes, &v);
}
