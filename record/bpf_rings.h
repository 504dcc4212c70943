/* The kernel side of the sources that are BPF programs: the rings and maps that all objects share, and the
 * records' way from the rings to the sources.
 *
 *	bpf_rings_open(r, &err);                    the first source that asks makes them
 *	skel = sched_bpf__open();
 *	bpf_rings_configure(r->bpf, skel->rodata);  whom to record
 *	bpf_rings_load(r->bpf, skel->skeleton, &err);
 *	bpf_rings_handle(r->bpf, RING_SCHED_SWITCH, "sched_switch", sizeof(...), on_switch, s);
 *
 * Programs are attached when they are loaded and do nothing until bpf_rings_enable, so that all sources
 * begin and end at one moment. What is filled in the kernel's memory is counted, never waited for. */
#ifndef RECORD_BPF_RINGS_H
#define RECORD_BPF_RINGS_H

#include <bpf/libbpf.h>

#include "record/recording.h"
#include "specs/ring.h"

/* A record as a source sees it; borrowed for the call. */
struct bpf_event {
	const void *data; /* the event's struct */
	uint64_t time;
	uint32_t stream;
	const uint64_t *kernel, *user; /* addresses, innermost first */
	uint32_t n_kernel, n_user;
	uint8_t user_flags;  /* see ring_head */
	const uint8_t *rest; /* what is behind the addresses */
	uint32_t rest_bytes;
};
typedef void (*bpf_event_handler)(void *ctx, const struct bpf_event *e);

/* Takes a record of `bytes` bytes, 8-aligned, apart; time and stream are not touched. False if its sizes do not
 * fit. */
bool bpf_event_parse(const void *record, uint32_t bytes, struct bpf_event *e, uint32_t *kind);

/* Whom programs look at; the same in all of them (bpf/filter.bpf.h). */
struct bpf_filter {
	uint32_t by, own_tgid;
	uint64_t cgroup_id;
	uint32_t cgroup_level;
	bool cgroup_v1;
	char comm[16];
	uint32_t n_tids;
	uint64_t wake_bytes;
};

/* Makes r->bpf if no source has yet. -errno and what to do where BPF is refused, the same to all who ask;
 * tracepoint_feed.h is what is left then. */
int bpf_rings_open(struct recording *r, struct err *err);
void bpf_rings_close(struct bpf_rings *b);

const struct bpf_filter *bpf_rings_filter(const struct bpf_rings *b);

/* Gives a skeleton's constants the filter. */
#define bpf_rings_configure(b, rodata) \
	do { \
		const struct bpf_filter *f_ = bpf_rings_filter(b); \
		(rodata)->filter_by = f_->by; \
		(rodata)->filter_own_tgid = f_->own_tgid; \
		(rodata)->filter_cgroup_id = f_->cgroup_id; \
		(rodata)->filter_cgroup_level = f_->cgroup_level; \
		(rodata)->filter_cgroup_v1 = f_->cgroup_v1; \
		(rodata)->filter_by_comm = f_->comm[0] != '\0'; \
		memcpy((char *)(rodata)->filter_comm, f_->comm, sizeof(f_->comm)); \
		(rodata)->filter_n_tids = f_->n_tids; \
		(rodata)->ring_wake_bytes = f_->wake_bytes; \
	} while (0)

struct walk_maps;

/* Objects that are loaded from now on share these maps, which stay the caller's; NULL: they do without. */
void bpf_rings_share(struct bpf_rings *b, struct walk_maps *walks);

/* Whether programs can walk user stacks by call frame information: the value of their walk_enabled. b may be
 * NULL. */
bool bpf_rings_walk(const struct bpf_rings *b);

/* Loads an object that was opened and configured, sharing our maps, and attaches its programs: those for
 * whose tracepoint the kernel has none are left out with a note by `source`, and -ENOTSUP says that there is not one
 * left. The skeleton stays the caller's. */
int bpf_rings_load(struct bpf_rings *b, struct bpf_object_skeleton *skeleton, const char *source,
	struct err *err);

/* Records of this kind, with an event of at least `size` bytes, go to the handler. `event` is borrowed: what
 * losses are called. */
void bpf_rings_handle(struct bpf_rings *b, enum ring_kind kind, const char *event, uint32_t size,
	bpf_event_handler handler, void *ctx);

/* The stack of a record, as a number of the trace; `pid` and `tid` are the thread's whose it is. */
uint32_t bpf_rings_stack(struct bpf_rings *b, const struct bpf_event *e, uint32_t pid,
	uint32_t tid);

/* How many arguments the kernel gives a tracepoint's programs; -1: not known. */
int bpf_rings_arguments(struct bpf_rings *b, const char *tracepoint);

/* The value of a word of one of the kernel's enums; -1: it has no such. Before bpf_rings_enable. */
int bpf_rings_enum(struct bpf_rings *b, const char *enumeration, const char *word);

/* How many places a table of the kernel gets: as many as usual, or, to see what happens when it is full, as
 * the environment says: REC_BPF_PLACES. */
uint32_t bpf_rings_places(uint32_t usual);

/* Begins and ends what is recorded. */
void bpf_rings_enable(struct bpf_rings *b);
void bpf_rings_disable(struct bpf_rings *b);

/* After the last record: tells of losses that were not told yet. */
void bpf_rings_settle(struct bpf_rings *b);

#endif
