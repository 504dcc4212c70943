/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Stacks that wait, in a hash with places made beforehand, until it is known whether what began there
 * took long enough to be told. */
#ifndef BPF_KEPT_STACK_BPF_H
#define BPF_KEPT_STACK_BPF_H

#include "bpf/stack.bpf.h"

enum { KEPT_STACK = 64 }; /* addresses of a half */

struct kept_stack {
	u32 n_kernel, n_user; /* bytes */
	u32 user_flags, reserved;
	u64 kernel[KEPT_STACK], user[KEPT_STACK];
};

/* Takes the present thread's stacks to `to`. `ctx` is the program's; `place` as in walk_present. */
static __always_inline void kept_stack_take(void *ctx, struct kept_stack *to, bool user, u32 place)
{
	long n = bpf_get_stack(ctx, to->kernel, sizeof(to->kernel), RING_OWN_FRAMES);
	struct stack_found found = { 0 };

	to->n_kernel = n > 0 ? n : 0;
	to->n_user = user ? stack_take_user(ctx, to->user, sizeof(to->user), place, &found) : 0;
	to->user_flags = found.flags;
}

/* Puts them behind the event, whose bytes end at `at`; returns where they end. The head is there. The
 * lengths are read once: what was checked is what is used. */
static __always_inline u32 kept_stack_add(struct ring_scratch *s, u32 at,
	const struct kept_stack *k)
{
	u32 n_kernel = *(const volatile u32 *)&k->n_kernel;
	u32 n_user = *(const volatile u32 *)&k->n_user;

	if (n_kernel > sizeof(k->kernel) || n_user > sizeof(k->user) || at > 256)
		return at;
	bpf_probe_read_kernel(s->bytes + at, n_kernel, k->kernel);
	at += n_kernel;
	if (at > 256 + sizeof(k->kernel))
		return at;
	bpf_probe_read_kernel(s->bytes + at, n_user, k->user);
	s->head.n_kernel = n_kernel >> 3;
	s->head.n_user = n_user >> 3;
	s->head.user_flags = k->user_flags;
	return at + n_user;
}

#endif
