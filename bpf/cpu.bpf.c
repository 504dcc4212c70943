/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* CPU samples (--unwind bpf): a program on the sampling events walks the user's stack and hands the sample over
 * through our rings, so that perf writes none. What is not known here yet - code that was mapped a moment ago, a
 * rule that cannot be said - brings a copy of the stack instead, as with --unwind dwarf, and the tables come.
 *
 * Runs in an NMI where the machine can, so the other objects' programs may be under way on this CPU. */
#include <linux/bpf_perf_event.h>

#include "bpf/stack.bpf.h"
#include "specs/ring_cpu.h"

enum {
	PF_KTHREAD = 0x00200000,
	PAGE = 4096,
	COPY_PIECES = RING_CPU_COPY / PAGE + 1,
};

const volatile __u16 cpu_sampler;
const volatile __u32 cpu_copy_bytes = RING_CPU_COPY; /* 8-aligned */
const volatile bool cpu_check;                       /* both, to be compared */

struct cpu_scratch {
	struct ring_head head;
	struct ring_cpu_sample e;
	u8 bytes[2 * 8 * RING_MAX_STACK + RING_CPU_COPY +
		PAGE]; /* no piece of a copy ends behind it */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_scratch);
} cpu_scratch SEC(".maps");

static __always_inline bool is_user(struct bpf_perf_event_data *ctx)
{
	return ctx->regs.cs & 3;
}

/* As far as there is memory: up to the stack's end, or a page that is not there. Returns the bytes. */
static __always_inline u64 copy_stack(struct cpu_scratch *s, u64 from, u64 sp)
{
	u64 done = 0;

	for (int i = 0; i < COPY_PIECES; i++) {
		u64 piece = PAGE - ((sp + done) & (PAGE - 1)), at = from + done;

		if (piece > cpu_copy_bytes - done)
			piece = cpu_copy_bytes - done;
		/* The verifier wants to see these checks, which clang finds needless. */
		barrier_var(piece);
		barrier_var(at);
		if (!piece || piece > PAGE || at > sizeof(s->bytes) - PAGE)
			break;
		if (bpf_probe_read_user(s->bytes + at, piece, (void *)(sp + done)))
			break;
		done += piece;
	}
	return done & ~7ULL;
}

/* For `rec` to walk: frame pointers lead the kernel as far as they do, and may be wrong. */
static __always_inline u64 take_copy(struct cpu_scratch *s, const struct walk *w, u64 at,
	u8 missing)
{
	u64 bytes;

	for (int i = 0; i < WALK_REGS - 1; i++)
		s->e.regs[i] = w->regs[i];
	s->e.regs[WALK_REG_RA] = w->ip;
	s->e.has_regs = 1;
	s->e.missing = missing;
	bytes = copy_stack(s, at, w->regs[WALK_REG_SP]);
	s->e.copy_bytes = bytes;
	return at + bytes;
}

static __always_inline bool take_user_regs(struct bpf_perf_event_data *ctx, struct task_struct *t,
	struct walk *w)
{
	struct walk_regs *kept;

	if (is_user(ctx)) {
		walk_take_regs(w, (const struct walk_regs *)&ctx->regs);
		/* Keeps clang from making one of both ways, whose pointer is neither's. */
		asm volatile("" ::: "memory");
		return ctx->regs.cs == WALK_USER_CS;
	}
	kept = (struct walk_regs *)bpf_task_pt_regs(t);
	if (!kept || kept->cs != WALK_USER_CS)
		return false; /* the kernel is not entered yet, or this is 32-bit code */
	walk_take_regs(w, kept);
	return true;
}

/* The user's half behind the kernel's; returns where it ends. */
static __always_inline u64 take_user(struct bpf_perf_event_data *ctx, struct cpu_scratch *s,
	struct task_struct *t, u64 at, bool *help)
{
	u32 zero = 0;
	u64 n;
	struct walk *w = bpf_map_lookup_elem(&walks, &zero);
	long bytes;

	barrier_var(at); /* 6.1 wants what is checked to be what is used */
	if (!w || at > 8 * RING_MAX_STACK)
		return at;
	if (!take_user_regs(ctx, t, w)) {
		bytes = bpf_get_stack(ctx, s->bytes + at, 8 * RING_MAX_STACK, BPF_F_USER_STACK);
		n = bytes > 0 && bytes <= 8 * RING_MAX_STACK ? bytes : 0;
		s->head.n_user = n >> 3;
		return at + n;
	}
	if (!walk_run(w, t->tgid) || w->missing) {
		u8 missing = w->missing;

		*help = walk_call_for_help();
		take_user_regs(ctx, t, w);
		return take_copy(s, w, at, missing);
	}
	n = w->n;
	if (n > WALK_FRAMES)
		return at;
	bpf_probe_read_kernel(s->bytes + at, 8 * n, w->frames);
	s->head.n_user = n;
	s->head.user_flags = walk_flags(w);
	at += 8 * n;
	if (cpu_check && take_user_regs(ctx, t, w))
		at = take_copy(s, w, at, 0);
	return at;
}

static __always_inline void fill(struct bpf_perf_event_data *ctx, struct task_struct *t,
	struct cpu_scratch *s)
{
	s->head = (struct ring_head){ .kind = RING_CPU_SAMPLE, .size = sizeof(s->e) };
	__builtin_memset(&s->e.sample, 0, sizeof(s->e.sample));
	s->e.sample.time = bpf_ktime_get_ns();
	s->e.sample.cpu = bpf_get_smp_processor_id();
	s->e.sample.pid = t->tgid;
	s->e.sample.tid = t->pid;
	s->e.sample.mode = is_user(ctx) ? CPU_MODE_USER : CPU_MODE_KERNEL;
	s->e.sample.period = ctx->sample_period;
	s->e.sampler = cpu_sampler;
	s->e.copy_bytes = s->e.has_regs = 0;
}

/* 0: perf is to write no sample. */
SEC("perf_event")
int cpu_sample(struct bpf_perf_event_data *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct cpu_scratch *s;
	void *ring;
	bool help = false;
	u64 bytes, at = 0;
	u32 zero = 0;
	long n = 0;

	s = bpf_map_lookup_elem(&cpu_scratch, &zero);
	if (!ring_enabled() || !s)
		return 0;
	ring = ring_for(RING_CPU_SAMPLE);
	if (!ring)
		return 0;
	fill(ctx, t, s);
	if (!is_user(ctx))
		n = bpf_get_stack(ctx, s->bytes, 8 * RING_MAX_STACK, 0);
	if (n > 0 && n <= 8 * RING_MAX_STACK) {
		s->head.n_kernel = (u32)n >> 3;
		at = n;
	}
	if (!(t->flags & PF_KTHREAD))
		at = take_user(ctx, s, t, at, &help);
	bytes = sizeof(s->head) + sizeof(s->e) + at;
	barrier_var(bytes);
	if (bytes > sizeof(*s))
		return 0;
	if (bpf_ringbuf_output(ring, s, bytes,
		    help ? BPF_RB_FORCE_WAKEUP : ring_flags(ring, bytes)))
		ring_count_lost(RING_CPU_SAMPLE);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
