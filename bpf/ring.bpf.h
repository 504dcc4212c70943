/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Handing events to `rec`: one ring buffer a CPU, shared by all objects. What does not fit is counted,
 * by kind. The layout of a record: specs/ring.h.
 *
 * `rec` is woken when a quarter more of a ring has filled; otherwise it comes by itself now and then. */
#ifndef BPF_RING_BPF_H
#define BPF_RING_BPF_H

#include "bpf/kernel.h"
#include "specs/ring.h"

/* The maps' real sizes are rec's business, which makes them once for all objects. */
struct ring_of_one_cpu {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct ring_of_one_cpu);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring_losses);
} losses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring_control);
} control SEC(".maps");

const volatile __u64 ring_wake_bytes = 1 << 20; /* a power of two */

static __always_inline bool ring_enabled(void)
{
	u32 zero = 0;
	struct ring_control *c = bpf_map_lookup_elem(&control, &zero);

	return c && c->enabled;
}

static __always_inline void ring_count_lost(u32 kind)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct ring_losses *l = bpf_map_lookup_elem(&losses, &cpu);

	if (l && kind < RING_N_KINDS)
		__sync_fetch_and_add(&l->lost[kind], 1);
}

static __always_inline void *ring_here(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &cpu);
}

/* Whether another quarter of the ring has filled with these bytes. */
static __always_inline u64 ring_flags(void *ring, u64 bytes)
{
	u64 after = bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA);

	return (after ^ (after - bytes)) & ~(ring_wake_bytes - 1) ? BPF_RB_FORCE_WAKEUP
								  : BPF_RB_NO_WAKEUP;
}

/* A record without stacks: reserve, fill the event, submit. */
#define RING_RECORD(name) \
	struct name##_record { \
		struct ring_head head; \
		struct name event; \
	}

#define ring_reserve(ring, record, ring_kind) \
	({ \
		record *r_ = bpf_ringbuf_reserve(ring, sizeof(record), 0); \
		if (r_) \
			r_->head = (struct ring_head){ .kind = ring_kind, \
				.size = sizeof(r_->event) }; \
		else \
			ring_count_lost(ring_kind); \
		r_; \
	})

static __always_inline void ring_submit(void *ring, void *record, u64 bytes)
{
	bpf_ringbuf_submit(record, ring_flags(ring, bytes));
}

/* The innermost frames of a kernel stack are the program itself and bpf_trace_runN (6.1 to 6.18). */
enum { RING_OWN_FRAMES = 2 };

enum { RING_MAX_EVENT = 640 }; /* bytes of an event that is put together */

/* A record with stacks is put together here. A program is not entered again on a CPU while it runs, and
 * each object has one of its own; programs of one object that interrupt each other must not share. */
struct ring_scratch {
	struct ring_head head;
	u8 bytes[RING_MAX_EVENT + 2 * 8 * RING_MAX_STACK];
};

/* Takes the stacks that are wanted to where the event ends, and hands everything over. `ctx` is the
 * program's, whose kernel stack begins with so many frames to leave out. The event of `size` bytes has
 * been filled in. */
static __always_inline void ring_output_from(void *ctx, void *ring, struct ring_scratch *s,
	u32 kind, u32 size, bool kernel, bool user, u32 own_frames)
{
	u64 at = size;
	long n_kernel = 0, n_user = 0;

	if (kernel)
		n_kernel = bpf_get_stack(ctx, s->bytes + size, 8 * RING_MAX_STACK, own_frames);
	if (n_kernel < 0 || n_kernel > 8 * RING_MAX_STACK)
		n_kernel = 0;
	at += n_kernel;
	barrier_var(at); /* 6.1 wants what is checked to be what is used, not a copy */
	if (user && at <= RING_MAX_EVENT + 8 * RING_MAX_STACK)
		n_user = bpf_get_stack(ctx, s->bytes + at, 8 * RING_MAX_STACK, BPF_F_USER_STACK);
	if (n_user < 0 || n_user > 8 * RING_MAX_STACK)
		n_user = 0;
	at += n_user;
	s->head = (struct ring_head){ .kind = kind,
		.size = size,
		.n_kernel = (u64)n_kernel >> 3,
		.n_user = (u64)n_user >> 3 };
	at += sizeof(s->head);
	if (at > sizeof(*s))
		return;
	if (bpf_ringbuf_output(ring, s, at, ring_flags(ring, at)))
		ring_count_lost(kind);
}

static __always_inline void ring_output(void *ctx, void *ring, struct ring_scratch *s, u32 kind,
	u32 size, bool kernel, bool user)
{
	ring_output_from(ctx, ring, s, kind, size, kernel, user, RING_OWN_FRAMES);
}

#endif
