/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Records with stacks: the kernel's half by the kernel, the user's by call frame information where it can be
 * walked (walk.bpf.h), else by the kernel as well, which follows frame pointers. */
#ifndef BPF_STACK_BPF_H
#define BPF_STACK_BPF_H

#include "bpf/ring.bpf.h"
#include "bpf/walk.bpf.h"

/* The innermost frames of a kernel stack are the program itself and bpf_trace_runN (6.1 to 6.18). */
enum { RING_OWN_FRAMES = 2 };

enum { RING_MAX_EVENT = 640 }; /* bytes of an event that is put together */

/* A record with stacks is put together here. A program is not entered again on a CPU while it runs, and
 * each object has one of its own; programs of one object that interrupt each other must not share. */
struct ring_scratch {
	struct ring_head head;
	u8 bytes[RING_MAX_EVENT + 2 * 8 * RING_MAX_STACK];
};

/* How a user stack was found: enum stack_flags, 0: by the kernel; and whether `rec` is to be woken, as
 * something was missing. */
struct stack_found {
	u8 flags;
	bool help;
};

/* The present thread's user stack to `to`, where there is room for `max` bytes; returns its bytes. */
static __always_inline u32 stack_take_user(void *ctx, void *to, u32 max, u32 place,
	struct stack_found *found)
{
	u8 missing = 0;
	struct walk *w = walk_present(place, &missing);
	u32 bytes;
	long n;

	*found = (struct stack_found){ 0 };
	if (missing)
		found->help = walk_call_for_help();
	if (!w) {
		n = bpf_get_stack(ctx, to, max, BPF_F_USER_STACK);
		return n > 0 && n <= max ? n : 0;
	}
	bytes = w->n;
	if (bytes > max / 8)
		bytes = max / 8;
	if (bytes > WALK_FRAMES)
		return 0;
	bytes *= 8;
	bpf_probe_read_kernel(to, bytes, w->frames);
	found->flags = walk_flags(w);
	if (w->n > max / 8)
		found->flags = (found->flags & ~STACK_BROKEN) | STACK_TRUNCATED;
	return bytes;
}

static __always_inline u64 stack_wakeup(void *ring, u64 bytes, const struct stack_found *found)
{
	return found->help ? BPF_RB_FORCE_WAKEUP : ring_flags(ring, bytes);
}

/* Takes the stacks that are wanted to where the event ends, and hands everything over. `ctx` is the
 * program's, whose kernel stack begins with so many frames to leave out. The event of `size` bytes has
 * been filled in. */
static __always_inline void ring_output_from(void *ctx, void *ring, struct ring_scratch *s,
	u32 kind, u32 size, bool kernel, bool user, u32 own_frames)
{
	struct stack_found found = { 0 };
	u64 at = size;
	long n_kernel = 0;
	u32 n_user = 0;

	if (kernel)
		n_kernel = bpf_get_stack(ctx, s->bytes + size, 8 * RING_MAX_STACK, own_frames);
	if (n_kernel < 0 || n_kernel > 8 * RING_MAX_STACK)
		n_kernel = 0;
	at += n_kernel;
	barrier_var(at); /* 6.1 wants what is checked to be what is used, not a copy */
	if (user && at <= RING_MAX_EVENT + 8 * RING_MAX_STACK)
		n_user = stack_take_user(ctx, s->bytes + at, 8 * RING_MAX_STACK, 0, &found);
	if (n_user > 8 * RING_MAX_STACK)
		n_user = 0;
	at += n_user;
	s->head = (struct ring_head){ .kind = kind,
		.size = size,
		.n_kernel = (u64)n_kernel >> 3,
		.n_user = n_user >> 3,
		.user_flags = found.flags };
	at += sizeof(s->head);
	if (at > sizeof(*s))
		return;
	if (bpf_ringbuf_output(ring, s, at, stack_wakeup(ring, at, &found)))
		ring_count_lost(kind);
}

static __always_inline void ring_output(void *ctx, void *ring, struct ring_scratch *s, u32 kind,
	u32 size, bool kernel, bool user)
{
	ring_output_from(ctx, ring, s, kind, size, kernel, user, RING_OWN_FRAMES);
}

#endif
