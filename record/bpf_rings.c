#include "record/bpf_rings.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/target.skel.h"
#include "record/bpf_ring.h"
#include "record/cgroup.h"
#include "record/cpus.h"
#include "record/perf_event.h"
#include "record/privileges.h"

enum {
	RING_BYTES = 8 << 20,  /* of a CPU... */
	ALL_RINGS = 128 << 20, /* ...as long as all fit into this */
	RING_LEAST = 256 << 10,
	MAX_TARGETS = 65536,
	MAX_OBJECTS = 16,
};

/* bpf/filter.bpf.h */
enum { FILTER_NONE, FILTER_TARGETS, FILTER_CGROUP };

struct handler {
	bpf_event_handler call;
	void *ctx;
	const char *event;
	uint32_t size;
};

/* A CPU's ring as a feed of the loop. */
struct ring_feed {
	struct bpf_rings *rings;
	struct bpf_ring ring;
	uint32_t cpu, stream;
	uint64_t told_lost[RING_N_KINDS], looked_ns;
	bool online;
};

struct bpf_rings {
	struct recording *recording; /* borrowed */
	struct bpf_filter filter;
	struct ring_feed *feeds; /* owned; by CPU */
	uint32_t n_cpus, ring_bytes;
	int rings_fd, losses_fd, control_fd, targets_fd; /* owned maps */
	struct ring_control *control;                    /* mapped */
	const struct ring_losses *losses;                /* mapped, by CPU */
	struct handler handlers[RING_N_KINDS];
	struct bpf_object *objects[MAX_OBJECTS]; /* borrowed; asked at the end what they missed */
	unsigned n_objects;
	struct target_bpf *follow; /* owned; NULL: nobody is followed */
	struct btf *kernel_types;  /* owned */
	int refused;               /* negative errno: nothing of this is there... */
	struct err why;            /* ...and why */
	uint64_t chain[2 * RING_MAX_STACK + 2];
};

/* ---- why not ---- */

static char first_complaint[256];

static int keep_complaint(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !first_complaint[0])
		vsnprintf(first_complaint, sizeof(first_complaint), fmt, ap);
	if (getenv("REC_BPF_LOG"))
		vfprintf(stderr, fmt, ap);
	return 0;
}

static bool is_locked_down(void)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return strstr(text, "[confidentiality]");
}

/* The capabilities' numbers are in no header of older systems: privileges.c. */
static bool permitted(void)
{
	enum { PERFMON = 38, BPF = 39 };

	return privileges_has(CAP_SYS_ADMIN) || (privileges_has(BPF) && privileges_has(PERFMON));
}

static int not_permitted(const char *doing, struct err *err)
{
	return err_set(err, EPERM,
		"%s: BPF is not permitted: run as root, or: setcap "
		"cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep $(which rec)%s",
		doing,
		perf_paranoid() > PARANOID_MOST ? " and sysctl kernel.perf_event_paranoid=2" : "");
}

int bpf_rings_permitted(struct err *err)
{
	return permitted() ? 0 : not_permitted("loading BPF programs", err);
}

static int explain(int code, const char *doing, struct err *err)
{
	bool may = permitted();

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return err_set(err, code,
			"%s: this kernel has no type information (CONFIG_DEBUG_INFO_BTF), which BPF "
			"programs need; -e SYSTEM:EVENT records tracepoints without",
			doing);
	if (code == ENOSYS)
		return err_set(err, code, "%s: this kernel has no BPF (CONFIG_BPF_SYSCALL)", doing);
	/* The verifier then knows no helper that reads memory: EINVAL (6.1). */
	if (may && (code == EPERM || code == EACCES || code == EINVAL) && is_locked_down())
		return err_set(err, code,
			"%s: the kernel is locked down (/sys/kernel/security/lockdown: confidentiality), "
			"which forbids BPF programs that read its memory; boot with lockdown=integrity",
			doing);
	/* What the verifier does not like of a program is EACCES as well, but libbpf says so first. */
	if ((code != EPERM && code != EACCES) || (may && code == EACCES && first_complaint[0]))
		return err_set(err, code, "%s: %s%s%.160s", doing, strerror(code),
			first_complaint[0] ? ": " : "", first_complaint);
	if (!may)
		return not_permitted(doing, err);
	return err_set(err, code,
		"%s: BPF is refused although the capabilities are there (a container's seccomp "
		"profile?)",
		doing);
}

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
	return true;
}

static void tell_lost(struct ring_feed *f, uint32_t kind, uint64_t n, uint64_t now)
{
	const char *event = f->rings->handlers[kind].event;

	recording_lost(f->rings->recording, f->stream, event ? event : "?", n, f->looked_ns, now);
}

static void look_for_losses(struct ring_feed *f)
{
	const struct ring_losses *l = &f->rings->losses[f->cpu];
	uint64_t now = now_ns();

	for (uint32_t k = 0; k < RING_N_KINDS; k++) {
		uint64_t lost = __atomic_load_n(&l->lost[k], __ATOMIC_RELAXED);

		if (lost > f->told_lost[k])
			tell_lost(f, k, lost - f->told_lost[k], now);
		f->told_lost[k] = lost;
	}
	f->looked_ns = now;
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

uint32_t bpf_rings_stack(struct bpf_rings *b, const struct bpf_event *e, uint32_t pid, uint32_t tid)
{
	struct recording *r = b->recording;
	struct thread *t;
	uint32_t n = 0;

	if (!e->n_kernel && !e->n_user)
		return 0;
	t = processes_thread(r->processes, pid, tid);
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
	f->rings = b;
	f->cpu = cpu;
	f->looked_ns = now_ns();
	f->stream = writer_stream(b->recording->writer, "bpf", (int)cpu, 0);
	return loop_add(b->recording->loop, &feed_ops, f, f->ring.fd, err);
}

/* A CPU that was not there before gets its ring; one that went keeps it. */
static void cpus_changed(void *ctx, const int *online, uint32_t n)
{
	struct bpf_rings *b = ctx;

	for (uint32_t i = 0; !b->refused && i < n; i++)
		if ((uint32_t)online[i] < b->n_cpus && b->feeds[online[i]].ring.fd < 0)
			add_ring(b, (uint32_t)online[i], NULL);
}

static uint32_t ring_size(uint32_t n_cpus)
{
	uint32_t bytes = RING_BYTES;

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

static int make_maps(struct bpf_rings *b)
{
	uint32_t n_targets = b->filter.by == FILTER_TARGETS ? MAX_TARGETS : 1;
	void *memory = NULL;
	int rc = make_rings_map(b);

	if (rc)
		return rc;
	b->losses_fd = make_shared("losses", sizeof(struct ring_losses), b->n_cpus, &memory);
	if (b->losses_fd < 0)
		return b->losses_fd;
	b->losses = memory;
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
	b->filter.wake_bytes = b->ring_bytes / 4;
	if (r->target.kind == TARGET_CGROUP)
		return choose_cgroup(b, r->target.cgroup, err);
	if (r->target.kind != TARGET_SYSTEM)
		b->filter.by = FILTER_TARGETS;
	return 0;
}

/* Processes that are to come are followed from their parents on; that is in place before the first is
 * looked at. */
static int follow_targets(struct bpf_rings *b, struct err *err)
{
	const struct target *t = &b->recording->target;
	uint32_t state = t->kind == TARGET_COMMAND ? TARGET_PENDING : TARGET_ACTIVE;
	int rc;

	if (b->filter.by != FILTER_TARGETS)
		return 0;
	b->follow = target_bpf__open();
	if (!b->follow)
		return explain(errno, "following processes", err);
	bpf_rings_configure(b, b->follow->rodata);
	rc = bpf_rings_load(b, b->follow->skeleton, "bpf", err);
	for (uint32_t i = 0; !rc && i < t->n_pids; i++)
		if (bpf_map_update_elem(b->targets_fd, &t->pids[i], &state, BPF_ANY))
			rc = explain(errno, "naming a process", err);
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
	libbpf_set_print(keep_complaint);
	first_complaint[0] = '\0';
	b = xcalloc(1, sizeof(*b));
	b->recording = r;
	b->rings_fd = b->losses_fd = b->control_fd = b->targets_fd = -1;
	b->n_cpus = cpus_possible();
	b->ring_bytes = r->options->buffer_bytes ? (uint32_t)r->options->buffer_bytes
						 : ring_size(b->n_cpus);
	b->feeds = xcalloc(b->n_cpus, sizeof(*b->feeds));
	for (uint32_t i = 0; i < b->n_cpus; i++)
		b->feeds[i].ring.fd = -1;
	r->bpf = b; /* feeds join the loop: it is closed after that */
	rc = choose(b, err);
	if (!rc && (rc = make_maps(b)))
		rc = explain(-rc, "making BPF maps", err);
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
	if (b->losses)
		munmap((void *)b->losses,
			(b->n_cpus * sizeof(*b->losses) + page - 1) / page * page);
	close_fd(b->rings_fd);
	close_fd(b->losses_fd);
	close_fd(b->control_fd);
	close_fd(b->targets_fd);
	btf__free(b->kernel_types);
	free(b->feeds);
	free(b);
}

const struct bpf_filter *bpf_rings_filter(const struct bpf_rings *b)
{
	return &b->filter;
}

/* ---- objects ---- */

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
	return rc;
}

/* Whether the kernel has the tracepoint that a program is for. */
static bool has_tracepoint(struct bpf_rings *b, const char *section)
{
	const char *slash = strchr(section, '/');
	char name[128];

	if (!b->kernel_types)
		b->kernel_types = btf__load_vmlinux_btf();
	if (!slash || strncmp(section, "tp_btf", 6) != 0 || !b->kernel_types)
		return true;
	snprintf(name, sizeof(name), "btf_trace_%s", slash + 1);
	return btf__find_by_name_kind(b->kernel_types, name, BTF_KIND_TYPEDEF) > 0;
}

static void leave_out_missing(struct bpf_rings *b, struct bpf_object *o, const char *source)
{
	struct bpf_program *p;

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
}

int bpf_rings_load(struct bpf_rings *b, struct bpf_object_skeleton *skeleton, const char *source,
	struct err *err)
{
	struct bpf_object *o = *skeleton->obj;
	int rc;

	first_complaint[0] = '\0';
	leave_out_missing(b, o, source);
	rc = share_maps(b, o);
	if (!rc)
		rc = bpf_object__load_skeleton(skeleton);
	if (rc)
		return explain(-rc, "loading BPF programs", err);
	rc = bpf_object__attach_skeleton(skeleton);
	if (rc)
		return explain(-rc, "attaching BPF programs", err);
	if (b->n_objects < MAX_OBJECTS)
		b->objects[b->n_objects++] = o;
	return 0;
}

int bpf_rings_arguments(struct bpf_rings *b, const char *tracepoint)
{
	const struct btf_type *t;
	char name[128];
	int id;

	has_tracepoint(b, "tp_btf/"); /* reads the types */
	if (!b->kernel_types)
		return -1;
	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(b->kernel_types, name, BTF_KIND_TYPEDEF);
	if (id <= 0)
		return -1;
	t = btf__type_by_id(b->kernel_types, (uint32_t)id);
	t = btf__type_by_id(b->kernel_types, t->type); /* a pointer... */
	t = btf__type_by_id(b->kernel_types, t->type); /* ...to a function */
	return btf_is_func_proto(t) ? btf_vlen(t) - 1 : -1;
}

int bpf_rings_enum(struct bpf_rings *b, const char *enumeration, const char *word)
{
	const struct btf_type *t;
	const struct btf_enum *e;
	int id;

	has_tracepoint(b, "tp_btf/"); /* reads the types */
	if (!b->kernel_types)
		return -1;
	id = btf__find_by_name_kind(b->kernel_types, enumeration, BTF_KIND_ENUM);
	if (id <= 0)
		return -1;
	t = btf__type_by_id(b->kernel_types, (uint32_t)id);
	e = btf_enum(t);
	for (int i = 0; i < btf_vlen(t); i++)
		if (strcmp(btf__name_by_offset(b->kernel_types, e[i].name_off), word) == 0)
			return e[i].val;
	return -1;
}

void bpf_rings_handle(struct bpf_rings *b, enum ring_kind kind, const char *event, uint32_t size,
	bpf_event_handler handler, void *ctx)
{
	b->handlers[kind] = (struct handler){ handler, ctx, event, size };
}

void bpf_rings_enable(struct bpf_rings *b)
{
	btf__free(b->kernel_types); /* all objects are loaded */
	b->kernel_types = NULL;
	if (!b->refused)
		__atomic_store_n(&b->control->enabled, 1, __ATOMIC_RELEASE);
}

void bpf_rings_disable(struct bpf_rings *b)
{
	if (!b->refused)
		__atomic_store_n(&b->control->enabled, 0, __ATOMIC_RELEASE);
}

/* How often the kernel left a program out because it was running on that CPU already. */
static uint64_t missed_by(const struct bpf_program *p)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = bpf_program__fd(p);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	return info.recursion_misses;
}

void bpf_rings_settle(struct bpf_rings *b)
{
	struct bpf_program *p;
	uint64_t missed;

	for (uint32_t i = 0; !b->refused && i < b->n_cpus; i++)
		if (b->feeds[i].ring.fd >= 0)
			look_for_losses(&b->feeds[i]);
	for (unsigned i = 0; i < b->n_objects; i++)
		bpf_object__for_each_program(p, b->objects[i])
		{
			missed = missed_by(p);
			if (missed)
				recording_lost_as(b->recording, LOST_UNTOLD, 0,
					bpf_program__name(p), missed, 0, now_ns());
		}
	b->n_objects = 0;
}
