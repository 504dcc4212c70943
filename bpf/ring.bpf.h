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

static __always_inline void ring_count_gap(u32 gap)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct ring_losses *l = bpf_map_lookup_elem(&losses, &cpu);

	if (l && gap < RING_N_GAPS)
		__sync_fetch_and_add(&l->gaps[gap], 1);
}

/* The ring for a record of this kind. A CPU that has just come has none yet: that is a loss. */
static __always_inline void *ring_for(u32 kind)
{
	u32 cpu = bpf_get_smp_processor_id();
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	if (!ring)
		ring_count_lost(kind);
	return ring;
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

#endif
