/* Page faults without BPF: the software events that count them, page-faults-min and -maj, sampled one by one; when
 * they began and what was tried, by the tracepoints exceptions:page_fault_*; and whose page it was, by the
 * records of what processes map. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/chance.h"
#include "record/event_set.h"
#include "record/fault_spaces.h"
#include "record/faults_source.h"
#include "record/proc_fs.h"
#include "record/tracepoint_feed.h"

enum {
	RING_BYTES = 4 << 20, /* of a CPU */
	MAPS_BYTES = 1 << 20,
	/* The processor's error code: arch/x86/include/asm/trap_pf.h. */
	ERROR_PROTECTION = 1,
	ERROR_WRITE = 2,
	ERROR_EXEC = 16,
};

struct fault_events {
	struct faults_source *source;           /* borrowed */
	struct event_set *minor, *major, *maps; /* owned */
	struct tracepoint_feed *begins;         /* owned; NULL: there are none */
	struct fault_spaces *spaces;            /* owned */
	bool stacks;
	uint64_t random;
};

/* ---- the begin ---- */

enum { ADDRESS, ERROR_CODE };

static void begin(const struct fault_events *e, const struct tracepoint_record *r,
	enum fault_mode mode)
{
	struct thread *t = processes_thread(e->source->recording->processes, r->sample->pid,
		r->sample->tid);

	t->fault[mode == FAULT_MODE_KERNEL] = (struct thread_fault){ .time_ns = r->sample->time,
		.address = (uint64_t)tracepoint_number(r, ADDRESS),
		.error = (uint32_t)tracepoint_number(r, ERROR_CODE) };
}

static void on_begin_user(void *ctx, const struct tracepoint_record *r)
{
	begin(ctx, r, FAULT_MODE_USER);
}

static void on_begin_kernel(void *ctx, const struct tracepoint_record *r)
{
	begin(ctx, r, FAULT_MODE_KERNEL);
}

/* ---- the end ---- */

/* PERF_RECORD_SAMPLE with TID, TIME, ADDR, CPU; then, with stacks, n and n addresses. */
struct record_fault {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time, address;
	uint32_t cpu, reserved;
	uint64_t n;
	uint64_t chain[];
};

static bool is_whole(const struct fault_events *e, const struct record_fault *f)
{
	size_t least = offsetof(struct record_fault, n);

	if (f->header.type != PERF_RECORD_SAMPLE || f->header.size < least)
		return false;
	return !e->stacks ||
		(f->header.size >= sizeof(*f) &&
			f->n <= (f->header.size - sizeof(*f)) / sizeof(f->chain[0]));
}

static enum fault_access access_of(uint32_t error)
{
	if (error & ERROR_EXEC)
		return FAULT_ACCESS_EXEC;
	return error & ERROR_WRITE ? FAULT_ACCESS_WRITE : FAULT_ACCESS_READ;
}

/* Takes over what is known of the begin, if it is this fault's. */
static void join(struct thread *t, struct page_fault *f)
{
	struct thread_fault *b = &t->fault[f->mode == FAULT_MODE_KERNEL];

	if (!b->time_ns || b->address != f->address || f->time < b->time_ns)
		return;
	f->latency = f->time - b->time_ns;
	f->access = access_of(b->error);
	f->protection = b->error & ERROR_PROTECTION;
	b->time_ns = 0;
}

static void find_mapping(const struct fault_events *e, struct fault_record *r)
{
	const struct fault_area_known *a = fault_spaces_find(e->spaces, r->fault.pid,
		r->fault.address);
	uint64_t in_page = (1ULL << e->source->page_shift) - 1;

	if (!a)
		return;
	r->fault.start = a->start;
	r->area = a->area;
	if (a->area != FAULT_AREA_FILE) {
		r->fault.backing = FAULT_BACKING_ANONYMOUS;
		return;
	}
	r->fault.backing = a->shared ? FAULT_BACKING_SHARED : FAULT_BACKING_PRIVATE;
	r->fault.offset = (r->fault.address & ~in_page) - a->start + a->offset;
	r->inode = a->inode;
	r->device = a->device;
	memcpy(r->name, a->name, sizeof(r->name));
}

/* As bpf/faults.bpf.c: reading memory that nobody has written maps the one page of zeros. */
static bool is_growth(const struct page_fault *f)
{
	if (f->protection)
		return false;
	return f->backing != FAULT_BACKING_ANONYMOUS || f->access != FAULT_ACCESS_READ ||
		f->cost == FAULT_MAJOR;
}

/* Of one whose begin is not known nobody can say that it was short. */
static bool is_wanted(struct fault_events *e, const struct page_fault *f, const struct thread *t)
{
	const struct options *o = e->source->recording->options;

	if (f->pid == (uint32_t)getpid() ||
		!recording_wants_thread(e->source->recording, t->tid, t->comm))
		return false;
	return !(f->latency && f->latency < o->min_ns) &&
		chance_one_in(&e->random, e->source->sample);
}

static void end(struct fault_events *e, uint32_t stream, const struct record_fault *f,
	enum fault_cost cost)
{
	struct recording *rec = e->source->recording;
	struct thread *t;
	struct fault_record r = { .fault = { .time = f->time,
					  .address = f->address,
					  .cpu = f->cpu,
					  .pid = f->pid,
					  .tid = f->tid,
					  .cost = cost,
					  .weight = e->source->sample } };
	uint32_t stack = 0;

	if ((f->header.misc & PERF_RECORD_MISC_CPUMODE_MASK) == PERF_RECORD_MISC_KERNEL)
		r.fault.mode = FAULT_MODE_KERNEL;
	else
		r.fault.mode = FAULT_MODE_USER;
	t = processes_thread(rec->processes, f->pid, f->tid);
	join(t, &r.fault);
	if (!is_wanted(e, &r.fault, t))
		return;
	find_mapping(e, &r);
	if (is_growth(&r.fault))
		r.fault.growth = (uint64_t)e->source->sample << e->source->page_shift;
	if (e->stacks && f->n)
		stack = stacks_get(rec->stacks, t, f->chain, (uint32_t)f->n, f->time);
	faults_take(e->source, stream, &r, stack);
}

static void on_minor(void *ctx, const struct perf_ring *ring, const struct perf_event_header *h,
	uint64_t time)
{
	const struct record_fault *f = (const struct record_fault *)h;

	(void)time;
	if (is_whole(ctx, f))
		end(ctx, ring->stream, f, FAULT_MINOR);
}

static void on_major(void *ctx, const struct perf_ring *ring, const struct perf_event_header *h,
	uint64_t time)
{
	const struct record_fault *f = (const struct record_fault *)h;

	(void)time;
	if (is_whole(ctx, f))
		end(ctx, ring->stream, f, FAULT_MAJOR);
}

static void on_lost(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since,
	uint64_t until)
{
	struct fault_events *e = ctx;

	recording_lost(e->source->recording, ring->stream, "page_fault", n, since, until);
}

/* ---- what is mapped ---- */

struct record_map {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t address, len, offset;
	uint32_t maj, min;
	uint64_t inode, generation;
	uint32_t prot, flags;
	char name[];
};

struct record_task {
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
};

static void on_map(struct fault_events *e, const struct record_map *m)
{
	struct fault_area_known a = { .start = m->address,
		.end = m->address + m->len,
		.offset = m->offset,
		.inode = m->inode,
		.device = m->maj << 20 | (m->min & 0xfffff),
		.shared = (m->flags & MAP_SHARED) != 0 };
	char name[256];

	if (m->header.size <= sizeof(*m) || m->pid == UINT32_MAX)
		return;
	strncpy(name, m->name, sizeof(name) - 1); /* within the record, or cut */
	name[sizeof(name) - 1] = '\0';
	proc_strip_deleted(name);
	fault_spaces_map(e->spaces, m->pid, &a, name);
}

static void on_change(void *ctx, const struct perf_ring *ring, const struct perf_event_header *h,
	uint64_t time)
{
	struct fault_events *e = ctx;
	const struct record_task *t = (const struct record_task *)h;

	(void)ring;
	(void)time;
	if (h->size < sizeof(*t))
		return;
	switch (h->type) {
	case PERF_RECORD_MMAP2: on_map(e, (const struct record_map *)h); break;
	case PERF_RECORD_FORK: fault_spaces_fork(e->spaces, t->pid, t->ppid); break;
	case PERF_RECORD_EXIT:
		if (t->pid == t->tid)
			fault_spaces_exit(e->spaces, t->pid);
		break;
	case PERF_RECORD_COMM:
		if (h->misc & PERF_RECORD_MISC_COMM_EXEC)
			fault_spaces_exec(e->spaces, t->pid);
		break;
	default: break;
	}
}

static void on_change_lost(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since,
	uint64_t until)
{
	struct fault_events *e = ctx;

	recording_lost(e->source->recording, ring->stream, "mapping of page_fault", n, since,
		until);
}

/* ---- opening ---- */

static struct event_set *open_set(struct fault_events *e, const struct perf_event_attr *attr,
	size_t bytes, const struct event_set_user *user, struct err *err)
{
	struct recording *r = e->source->recording;
	uint64_t given = r->options->buffer_bytes;
	struct event_set *s;
	int code;

	bytes = given ? (size_t)given : bytes;
	s = event_set_open(attr, &r->target, bytes, &code, err);
	if (s && event_set_feed(s, r, "fault", user, err)) {
		event_set_close(s);
		return NULL;
	}
	return s;
}

static struct event_set *open_faults(struct fault_events *e, uint64_t config, bool major,
	struct err *err)
{
	const struct event_set_user user = { major ? on_major : on_minor, on_lost, e };
	struct perf_event_attr attr;

	perf_attr_init(&attr, PERF_TYPE_SOFTWARE, config);
	attr.sample_period = 1;
	attr.sample_type |= PERF_SAMPLE_ADDR;
	if (e->stacks)
		attr.sample_type |= PERF_SAMPLE_CALLCHAIN;
	attr.watermark = 1;
	attr.wakeup_watermark = RING_BYTES / 4;
	return open_set(e, &attr, RING_BYTES, &user, err);
}

static struct event_set *open_maps(struct fault_events *e, struct err *err)
{
	const struct event_set_user user = { on_change, on_change_lost, e };
	struct perf_event_attr attr;

	perf_attr_init(&attr, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
	attr.mmap = attr.mmap2 = attr.mmap_data = 1;
	attr.task = attr.comm = attr.comm_exec = 1;
	attr.watermark = 1;
	attr.wakeup_watermark = MAPS_BYTES / 4;
	return open_set(e, &attr, MAPS_BYTES, &user, err);
}

/* The kernel tells faults also where it does not tell when they began. */
static void open_begins(struct fault_events *e)
{
#define BEGIN(tracepoint, handler) \
	{ \
		.name = "exceptions:" tracepoint, .event = "latency of page_fault", \
		.fields = { "address", "error_code" }, .call = handler, .by_target = true \
	}
	const struct tracepoint_use uses[] = {
		BEGIN("page_fault_user", on_begin_user),
		BEGIN("page_fault_kernel", on_begin_kernel),
	};
#undef BEGIN
	struct err err = { "" };

	e->begins = tracepoint_feed_open(e->source->recording, "faults", uses, 2, e, &err);
	e->source->has_begin = e->begins != NULL;
}

int fault_events_open(struct faults_source *s, bool stacks, struct err *err)
{
	struct fault_events *e = xcalloc(1, sizeof(*e));

	s->events = e;
	e->source = s;
	e->stacks = stacks;
	e->random = now_ns() | 1;
	e->spaces = fault_spaces_new();
	e->minor = open_faults(e, PERF_COUNT_SW_PAGE_FAULTS_MIN, false, err);
	if (e->minor)
		e->major = open_faults(e, PERF_COUNT_SW_PAGE_FAULTS_MAJ, true, err);
	if (e->major)
		e->maps = open_maps(e, err);
	if (!e->maps)
		return -EPERM;
	open_begins(e);
	return 0;
}

static void each(struct fault_events *e, void (*call)(struct event_set *))
{
	if (!e)
		return;
	call(e->maps);
	call(e->minor);
	call(e->major);
}

void fault_events_enable(struct fault_events *e)
{
	each(e, event_set_enable);
	tracepoint_feed_enable(e ? e->begins : NULL);
}

void fault_events_disable(struct fault_events *e)
{
	each(e, event_set_disable);
	tracepoint_feed_disable(e ? e->begins : NULL);
}

static void settle(struct event_set *s)
{
	event_set_settle(s, now_ns());
}

void fault_events_settle(struct fault_events *e)
{
	each(e, settle);
	tracepoint_feed_settle(e ? e->begins : NULL);
}

void fault_events_close(struct fault_events *e)
{
	if (!e)
		return;
	each(e, event_set_close);
	tracepoint_feed_close(e->begins);
	fault_spaces_free(e->spaces);
	free(e);
}
