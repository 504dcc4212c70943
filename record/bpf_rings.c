#include "record/bpf_rings.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/target.skel.h"
#include "record/bpf_losses.h"
#include "record/bpf_refusal.h"
#include "record/bpf_ring.h"
#include "record/cgroup.h"
#include "record/cpus.h"
#include "record/kernel_types.h"
#include "record/unwinding.h"
#include "record/walk_maps.h"

enum {
	RING_BYTES = 8 << 20,  /* of a CPU... */
	ALL_RINGS = 128 << 20, /* ...as long as all fit into this */
	RING_LEAST = 256 << 10,
	/* Where there is nothing but samples: half a second of copies of stacks, but a second of walked ones. */
	RING_SAMPLES_LEAST = 2 << 20,
	RING_SAMPLES_MOST = 4 << 20,
	MAX_TARGETS = 65536,
	MAX_OBJECTS = 16,
};

/* bpf/filter.bpf.h */
enum { FILTER_NONE, FILTER_TARGETS, FILTER_CGROUP };

struct handler {
	bpf_event_handler call;
	void *ctx;
	uint32_t size;
};

/* A CPU's ring as a feed of the loop. */
struct ring_feed {
	struct bpf_rings *rings;
	struct bpf_ring ring;
	uint32_t cpu, stream;
	struct bpf_told told;
	bool tried; /* there is a ring, or it was said that there is none */
};

struct bpf_rings {
	struct recording *recording; /* borrowed */
	struct bpf_filter filter;
	struct ring_feed *feeds; /* owned; by CPU */
	uint32_t n_cpus, ring_bytes;
	int rings_fd, losses_fd, control_fd, targets_fd; /* owned maps */
	struct ring_control *control;                    /* mapped */
	struct bpf_losses losses;
	struct handler handlers[RING_N_KINDS];
	struct walk_maps *walks;                 /* borrowed; NULL: none */
	struct bpf_object *objects[MAX_OBJECTS]; /* borrowed; asked at the end what they missed */
	unsigned n_objects;
	struct target_bpf *follow;  /* owned; NULL: nobody is followed */
	struct kernel_types *types; /* owned */
	int refused;                /* negative errno: nothing of this is there... */
	struct err why;             /* ...and why */
	uint64_t chain[2 * RING_MAX_STACK + 2];
};

/* ---- records ---- */

/* A record made by a program of ours: sizes are checked all the same. */
bool bpf_event_parse(const void *record, uint32_t bytes, struct bpf_event *e, uint32_t *kind)
{
	const struct ring_head *h = record;
	uint64_t need;

	if (bytes < sizeof(*h) || h->kind >= RING_N_KINDS || h->size % 8 || h->size < 8)
		return false;
	need = sizeof(*h) + h->size + 8ULL * (h->n_kernel + h->n_user);
	if (need > bytes)
		return false;
	*kind = h->kind;
	e->data = h + 1;
	e->kernel = (const uint64_t *)((const char *)e->data + h->size);
	e->user = e->kernel + h->n_kernel;
	e->n_kernel = h->n_kernel;
	e->n_user = h->n_user;
	e->user_flags = h->user_flags;
	e->rest = (const uint8_t *)(e->user + h->n_user);
	e->rest_bytes = bytes - (uint32_t)need;
	return true;
}

static void look_for_losses(struct ring_feed *f)
{
	bpf_losses_look(&f->rings->losses, f->rings->recording, f->cpu, f->stream, &f->told);
}

static void feed_refresh(void *feed)
{
	struct ring_feed *f = feed;

	bpf_ring_refresh(&f->ring);
	look_for_losses(f);
}

static const void *feed_peek(void *feed, uint64_t *time_ns)
{
	struct ring_feed *f = feed;
	const struct ring_head *h;
	uint32_t bytes;

	while ((h = bpf_ring_peek(&f->ring, &bytes))) {
		if (bytes >= sizeof(*h) + sizeof(*time_ns)) {
			memcpy(time_ns, h + 1, sizeof(*time_ns));
			return h;
		}
		bpf_ring_advance(&f->ring);
	}
	return NULL;
}

static void feed_take(void *feed, const void *record, uint64_t time_ns)
{
	struct ring_feed *f = feed;
	struct bpf_event e = { .time = time_ns, .stream = f->stream };
	const struct handler *h;
	uint32_t kind, bytes = 0;

	bpf_ring_peek(&f->ring, &bytes);
	if (bpf_event_parse(record, bytes, &e, &kind)) {
		h = &f->rings->handlers[kind];
		if (h->call && (const char *)e.kernel - (const char *)e.data >= h->size)
			h->call(h->ctx, &e);
	}
	bpf_ring_advance(&f->ring);
}

static void feed_release(void *feed)
{
	struct ring_feed *f = feed;

	bpf_ring_release(&f->ring);
}

static const struct feed_ops feed_ops = { feed_refresh, feed_peek, feed_take, feed_release,
	.on_change = true };

/* One whose user half was walked by call frame information. */
static uint32_t walked_stack(struct bpf_rings *b, const struct bpf_event *e, const struct thread *t)
{
	struct recording *r = b->recording;
	const struct unwound found = { .space = t->space,
		.pid = t->pid,
		.kernel_thread = t->kernel,
		.frames = e->user,
		.n_frames = e->n_user,
		.flags = e->user_flags };

	b->chain[0] = PERF_CONTEXT_KERNEL;
	memcpy(b->chain + 1, e->kernel, e->n_kernel * sizeof(uint64_t));
	if (r->unwinding && e->n_user)
		unwinding_count(r->unwinding, e->user_flags);
	return stacks_get_unwound(r->stacks, &found, b->chain, 1 + e->n_kernel, e->time);
}

uint32_t bpf_rings_stack(struct bpf_rings *b, const struct bpf_event *e, uint32_t pid, uint32_t tid)
{
	struct recording *r = b->recording;
	struct thread *t;
	uint32_t n = 0;

	if (!e->n_kernel && !e->n_user)
		return 0;
	t = processes_thread(r->processes, pid, tid);
	if (e->user_flags)
		return walked_stack(b, e, t);
	b->chain[n++] = PERF_CONTEXT_KERNEL;
	memcpy(b->chain + n, e->kernel, e->n_kernel * sizeof(uint64_t));
	n += e->n_kernel;
	b->chain[n++] = PERF_CONTEXT_USER;
	memcpy(b->chain + n, e->user, e->n_user * sizeof(uint64_t));
	n += e->n_user;
	return stacks_get(r->stacks, t, b->chain, n, e->time);
}

/* ---- making them ---- */

static int add_ring(struct bpf_rings *b, uint32_t cpu, struct err *err)
{
	struct ring_feed *f = &b->feeds[cpu];
	int rc = bpf_ring_open(&f->ring, "rec_ring", b->ring_bytes, err);

	if (rc)
		return rc;
	if (bpf_map_update_elem(b->rings_fd, &cpu, &f->ring.fd, BPF_ANY)) {
		rc = -errno;
		bpf_ring_close(&f->ring);
		return err_errno(err, -rc, "sharing a BPF ring");
	}
	f->told.looked_ns = now_ns();
	f->stream = writer_stream(b->recording->writer, "bpf", (int)cpu, 0);
	return loop_add(b->recording->loop, &feed_ops, f, f->ring.fd, err);
}

static void add_late_ring(struct bpf_rings *b, uint32_t cpu)
{
	struct err err = { "" };

	b->feeds[cpu].tried = true;
	if (add_ring(b, cpu, &err))
		recording_note(b->recording, "bpf",
			"CPU %u came while recording, and what happens there is counted as lost: %.200s",
			cpu, err.text);
}

/* A CPU that was not there before gets its ring; one that went keeps it. */
static void cpus_changed(void *ctx, const int *online, uint32_t n)
{
	struct bpf_rings *b = ctx;

	for (uint32_t i = 0; !b->refused && i < n; i++)
		if ((uint32_t)online[i] < b->n_cpus && b->feeds[online[i]].ring.fd < 0 &&
			!b->feeds[online[i]].tried)
			add_late_ring(b, (uint32_t)online[i]);
}

static bool has_bpf_source(const struct options *o)
{
	for (unsigned i = 0; i < o->n_sources; i++)
		if (o->sources[i]->bpf)
			return true;
	return false;
}

static uint32_t wanted_size(const struct options *o)
{
	uint64_t half_second = (uint64_t)o->frequency * o->stack_bytes / 2;
	uint32_t bytes = RING_SAMPLES_LEAST;

	if (has_bpf_source(o))
		return RING_BYTES;
	while (bytes < RING_SAMPLES_MOST && (o->count || bytes < half_second))
		bytes *= 2;
	return bytes;
}

static uint32_t ring_size(const struct options *o, uint32_t n_cpus)
{
	uint32_t bytes = wanted_size(o);

	while (bytes > RING_LEAST && (uint64_t)bytes * n_cpus > ALL_RINGS)
		bytes /= 2;
	return bytes;
}

static int make_rings_map(struct bpf_rings *b)
{
	int inner = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "rec_inner", 0, 0, 4096, NULL);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (uint32_t)inner);
	int rc;

	if (inner < 0)
		return -errno;
	b->rings_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "rings", 4, 4, b->n_cpus, &opts);
	rc = b->rings_fd < 0 ? -errno : 0;
	close(inner);
	return rc;
}

/* An array that both sides have in memory. */
static int make_shared(const char *name, uint32_t size, uint32_t n, void **memory)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, size, n, &opts), code;

	if (fd < 0)
		return -errno;
	*memory = mmap(NULL, ((size_t)size * n + page - 1) / page * page, PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	if (*memory != MAP_FAILED)
		return fd;
	code = errno;
	*memory = NULL;
	close(fd);
	return -code;
}

uint32_t bpf_rings_places(uint32_t usual)
{
	const char *text = secure_getenv("REC_BPF_PLACES");
	unsigned long n = text ? strtoul(text, NULL, 10) : 0;

	return n && n < usual ? (uint32_t)n : usual;
}

static int make_maps(struct bpf_rings *b)
{
	uint32_t n_targets = b->filter.by == FILTER_TARGETS ? bpf_rings_places(MAX_TARGETS) : 1;
	void *memory = NULL;
	int rc = make_rings_map(b);

	if (rc)
		return rc;
	b->losses_fd = make_shared("losses", sizeof(struct ring_losses), b->n_cpus, &memory);
	if (b->losses_fd < 0)
		return b->losses_fd;
	b->losses.now = memory;
	b->control_fd = make_shared("control", sizeof(struct ring_control), 1, &memory);
	if (b->control_fd < 0)
		return b->control_fd;
	b->control = memory;
	b->targets_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "targets", 4, 4, n_targets, NULL);
	return b->targets_fd < 0 ? -errno : 0;
}

/* ---- whom ---- */

static int choose_cgroup(struct bpf_rings *b, int fd, struct err *err)
{
	struct stat s;

	if (fstat(fd, &s))
		return err_errno(err, errno, "looking at the cgroup");
	b->filter.by = FILTER_CGROUP;
	b->filter.cgroup_id = s.st_ino; /* on 64 bits the two are one */
	b->filter.cgroup_level = cgroup_level(fd);
	b->filter.cgroup_v1 = cgroup_is_v1(fd);
	return 0;
}

static int choose(struct bpf_rings *b, struct err *err)
{
	const struct recording *r = b->recording;

	b->filter.own_tgid = (uint32_t)getpid();
	if (r->options->comm)
		snprintf(b->filter.comm, sizeof(b->filter.comm), "%s", r->options->comm);
	b->filter.n_tids = r->options->n_tids;
	b->filter.wake_bytes = b->ring_bytes / 4;
	if (r->target.kind == TARGET_CGROUP)
		return choose_cgroup(b, r->target.cgroup, err);
	if (r->target.kind != TARGET_SYSTEM)
		b->filter.by = FILTER_TARGETS;
	return 0;
}

/* Processes that are to come are followed from their parents on, threads through their execs; that is in place
 * before the first is looked at. */
static int follow_targets(struct bpf_rings *b, struct err *err)
{
	const struct target *t = &b->recording->target;
	uint32_t state = t->kind == TARGET_COMMAND ? TARGET_PENDING : TARGET_ACTIVE;
	int rc;

	if (b->filter.by != FILTER_TARGETS && !b->filter.n_tids)
		return 0;
	memcpy(b->control->tids, b->recording->tids, sizeof(b->control->tids));
	b->follow = target_bpf__open();
	if (!b->follow)
		return bpf_refusal_explain(errno, "following processes", err);
	bpf_rings_configure(b, b->follow->rodata);
	bpf_program__set_autoload(b->follow->progs.target_fork, b->filter.by == FILTER_TARGETS);
	bpf_program__set_autoload(b->follow->progs.target_free, b->filter.by == FILTER_TARGETS);
	rc = bpf_rings_load(b, b->follow->skeleton, "bpf", err);
	for (uint32_t i = 0; !rc && i < t->n_pids; i++)
		if (bpf_map_update_elem(b->targets_fd, &t->pids[i], &state, BPF_ANY))
			rc = bpf_refusal_explain(errno, "naming a process", err);
	return rc;
}

static int open_rings(struct bpf_rings *b, struct err *err)
{
	int *online, rc = 0;
	uint32_t n = cpus_online(&online);

	for (uint32_t i = 0; !rc && i < n; i++)
		if ((uint32_t)online[i] < b->n_cpus)
			rc = add_ring(b, (uint32_t)online[i], err);
	free(online);
	if (!rc)
		loop_on_hotplug(b->recording->loop, cpus_changed, b);
	return rc;
}

int bpf_rings_open(struct recording *r, struct err *err)
{
	struct bpf_rings *b;
	int rc;

	if (r->bpf)
		return r->bpf->refused ? err_set(err, -r->bpf->refused, "%s", r->bpf->why.text) : 0;
	bpf_refusal_listen();
	b = xcalloc(1, sizeof(*b));
	b->recording = r;
	b->rings_fd = b->losses_fd = b->control_fd = b->targets_fd = -1;
	b->types = kernel_types_new();
	b->n_cpus = cpus_possible();
	b->ring_bytes = r->options->buffer_bytes ? (uint32_t)r->options->buffer_bytes
						 : ring_size(r->options, b->n_cpus);
	b->feeds = xcalloc(b->n_cpus, sizeof(*b->feeds));
	for (uint32_t i = 0; i < b->n_cpus; i++)
		b->feeds[i] = (struct ring_feed){ .rings = b, .ring = { .fd = -1 }, .cpu = i };
	r->bpf = b; /* feeds join the loop: it is closed after that */
	rc = choose(b, err);
	if (!rc && (rc = make_maps(b)))
		rc = bpf_refusal_explain(-rc, "making BPF maps", err);
	if (!rc)
		rc = open_rings(b, err);
	if (!rc)
		rc = follow_targets(b, err);
	b->refused = rc;
	b->why = *err;
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void bpf_rings_close(struct bpf_rings *b)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!b)
		return;
	target_bpf__destroy(b->follow);
	for (uint32_t i = 0; i < b->n_cpus; i++)
		bpf_ring_close(&b->feeds[i].ring);
	if (b->control)
		munmap(b->control, page);
	if (b->losses.now)
		munmap((void *)b->losses.now,
			(b->n_cpus * sizeof(struct ring_losses) + page - 1) / page * page);
	close_fd(b->rings_fd);
	close_fd(b->losses_fd);
	close_fd(b->control_fd);
	close_fd(b->targets_fd);
	kernel_types_free(b->types);
	free(b->feeds);
	free(b);
}

const struct bpf_filter *bpf_rings_filter(const struct bpf_rings *b)
{
	return &b->filter;
}

/* ---- objects ---- */

void bpf_rings_share(struct bpf_rings *b, struct walk_maps *walks)
{
	b->walks = walks;
}

bool bpf_rings_walk(const struct bpf_rings *b)
{
	return b && b->walks;
}

/* The maps of walks, where the object has any. Without walks its own stay as small as they are; a hash that
 * allocates is nothing for all programs before Linux 6.1. */
static int share_walks(struct bpf_rings *b, struct bpf_object *o)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o, "walk_spaces");
	const char *name;
	int fd, rc = 0;

	if (!b->walks)
		return map ? bpf_map__set_map_flags(map, 0) : 0;
	for (unsigned i = 0; !rc && (name = walk_maps_each(b->walks, i, &fd)); i++) {
		map = bpf_object__find_map_by_name(o, name);
		if (map)
			rc = bpf_map__reuse_fd(map, fd);
	}
	return rc;
}

static int share_maps(struct bpf_rings *b, struct bpf_object *o)
{
	const struct {
		const char *name;
		int fd;
	} shared[] = { { "rings", b->rings_fd }, { "losses", b->losses_fd },
		{ "control", b->control_fd }, { "targets", b->targets_fd } };
	struct bpf_map *map;
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(shared) / sizeof(shared[0]); i++) {
		map = bpf_object__find_map_by_name(o, shared[i].name);
		if (map)
			rc = bpf_map__reuse_fd(map, shared[i].fd);
	}
	return rc ? rc : share_walks(b, o);
}

static void choose_places(struct bpf_object *o)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, o)
	{
		if (bpf_map__type(map) == BPF_MAP_TYPE_HASH)
			bpf_map__set_max_entries(map, bpf_rings_places(bpf_map__max_entries(map)));
	}
}

/* Whether the kernel has the tracepoint that a program is for. */
static bool has_tracepoint(struct bpf_rings *b, const char *section)
{
	const char *slash = strchr(section, '/');

	return !slash || strncmp(section, "tp_btf", 6) != 0 ||
		kernel_types_has_tracepoint(b->types, slash + 1);
}

/* Programs for tracepoints: how many there are to load, and of how many the kernel has no tracepoint. */
static void count_missing(struct bpf_rings *b, const struct bpf_object *o, unsigned *n,
	unsigned *n_missing)
{
	struct bpf_program *p;

	*n = *n_missing = 0;
	bpf_object__for_each_program(p, o)
	{
		const char *section = bpf_program__section_name(p);

		if (!bpf_program__autoload(p) || strncmp(section, "tp_btf/", 7) != 0)
			continue;
		*n += 1;
		*n_missing += !has_tracepoint(b, section);
	}
}

/* A kernel that has none of them does not lack the tracepoints: before 5.5 its types do not name any. */
static int leave_out_missing(struct bpf_rings *b, struct bpf_object *o, const char *source,
	struct err *err)
{
	struct bpf_program *p;
	unsigned n, n_missing;

	count_missing(b, o, &n, &n_missing);
	if (n && n == n_missing)
		return err_set(err, ENOTSUP,
			"this kernel's type information does not name the tracepoints, as it does since "
			"Linux 5.5");
	bpf_object__for_each_program(p, o)
	{
		const char *section = bpf_program__section_name(p);

		if (!bpf_program__autoload(p) || has_tracepoint(b, section))
			continue;
		bpf_program__set_autoload(p, false);
		recording_note(b->recording, source,
			"this kernel has no tracepoint %s: what it would tell is missing",
			strchr(section, '/') + 1);
	}
	return 0;
}

int bpf_rings_load(struct bpf_rings *b, struct bpf_object_skeleton *skeleton, const char *source,
	struct err *err)
{
	struct bpf_object *o = *skeleton->obj;
	int rc;

	bpf_refusal_listen();
	rc = leave_out_missing(b, o, source, err);
	if (rc)
		return rc;
	choose_places(o);
	rc = share_maps(b, o);
	if (!rc)
		rc = bpf_object__load_skeleton(skeleton);
	if (rc)
		return bpf_refusal_explain(-rc, "loading BPF programs", err);
	rc = bpf_object__attach_skeleton(skeleton);
	if (rc)
		return bpf_refusal_explain(-rc, "attaching BPF programs", err);
	if (b->n_objects < MAX_OBJECTS)
		b->objects[b->n_objects++] = o;
	return 0;
}

int bpf_rings_arguments(struct bpf_rings *b, const char *tracepoint)
{
	return kernel_types_arguments(b->types, tracepoint);
}

int bpf_rings_enum(struct bpf_rings *b, const char *enumeration, const char *word)
{
	return kernel_types_enum(b->types, enumeration, word);
}

void bpf_rings_handle(struct bpf_rings *b, enum ring_kind kind, const char *event, uint32_t size,
	bpf_event_handler handler, void *ctx)
{
	b->handlers[kind] = (struct handler){ handler, ctx, size };
	b->losses.events[kind] = event;
}

void bpf_rings_enable(struct bpf_rings *b)
{
	kernel_types_rest(b->types); /* all objects are loaded */
	if (!b->refused)
		__atomic_store_n(&b->control->enabled, 1, __ATOMIC_RELEASE);
}

void bpf_rings_disable(struct bpf_rings *b)
{
	if (!b->refused)
		__atomic_store_n(&b->control->enabled, 0, __ATOMIC_RELEASE);
}

void bpf_rings_settle(struct bpf_rings *b)
{
	for (uint32_t i = 0; !b->refused && i < b->n_cpus; i++)
		look_for_losses(&b->feeds[i]);
	for (unsigned i = 0; i < b->n_objects; i++)
		bpf_losses_missed(b->recording, b->objects[i]);
	b->n_objects = 0;
}
