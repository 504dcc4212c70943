/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* System calls: sys_enter notes the moment in the thread's own storage, sys_exit makes the record, or
 * counts (--summary). Both run in the context of the thread, so storage may be allocated here; it goes
 * away with the thread.
 *
 * The registers still hold the arguments when a call returns. Only exec replaces them, and the memory
 * where its path is, so that is read before. Other paths are read at the end: the kernel has just read them, so
 * they are in memory, which at the beginning they sometimes are not. */
#include "bpf/filter.bpf.h"
#include "bpf/ring.bpf.h"
#include "specs/syscall_ring.h"

enum {
	TS_COMPAT = 0x0002,   /* arch/x86/include/asm/thread_info.h: in a 32-bit call */
	X32_BIT = 0x40000000, /* of the number */
	MAX_ERRNO = 4095,
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp, bx, r10, r9, r8, cx, dx, si, di;
} RELOCATABLE;

struct thread_info___x86 {
	u32 status;
} RELOCATABLE;

struct task_struct___x86 {
	struct thread_info___x86 thread_info;
} RELOCATABLE;
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
	u64 regs[31];
	u64 orig_x0;
} RELOCATABLE;
#endif

const volatile struct syscall_traits syscall_known[SYSCALL_ABIS * SYSCALL_NUMBERS];
const volatile bool syscall_stacks;
const volatile bool syscall_summary;
const volatile __u64 syscall_min_ns;
volatile __u32 syscall_sample = 1; /* one in so many is recorded */

RING_RECORD(ring_syscall);
RING_RECORD(ring_syscall_short);

/* A call under way. */
struct call {
	u64 begin_ns; /* 0: none */
	u32 number;
	u16 abi;
	bool is_target; /* for certain */
	u32 weight;     /* for how many calls it stands */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

/* What exec is about to replace. */
struct exec {
	u64 args[6];
	long path_bytes;
	char path[SYSCALL_PATH_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct exec);
} execs SEC(".maps");

/* A record with paths or a stack is put together here. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring_scratch);
} syscall_scratch SEC(".maps");

/* `rec` puts another map in the place of the one that it is about to read. The kernel lets that wait until no
 * program uses the old one any more (maybe_wait_bpf_programs, since 4.18), so nothing is counted late. */
struct counts_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct syscall_key));
	__uint(value_size, sizeof(struct syscall_counts));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct counts_map);
} counting SEC(".maps");

/* ---- what a call is ---- */

static __always_inline u32 abi_of(struct task_struct *task, u64 number)
{
#if defined(__TARGET_ARCH_x86)
	if (((struct task_struct___x86 *)task)->thread_info.status & TS_COMPAT)
		return SYSCALL_ABI_IA32;
	if (number & X32_BIT)
		return SYSCALL_ABI_X32;
#endif
	return SYSCALL_ABI_NATIVE;
}

/* The barrier keeps clang from turning the mask, which the verifier looks for, into something else. */
static __always_inline const volatile struct syscall_traits *traits_of(u32 abi, u32 number)
{
	u32 at = number < SYSCALL_NUMBERS ? number : SYSCALL_UNKNOWN;

	if (abi == SYSCALL_ABI_IA32)
		at += SYSCALL_NUMBERS;
	asm volatile("" : "+r"(at));
	return &syscall_known[at & (SYSCALL_ABIS * SYSCALL_NUMBERS - 1)];
}

static __always_inline void read_args(struct pt_regs *regs, u32 abi, u64 args[6])
{
#if defined(__TARGET_ARCH_x86)
	if (abi == SYSCALL_ABI_IA32) {
		args[0] = (u32)regs->bx;
		args[1] = (u32)regs->cx;
		args[2] = (u32)regs->dx;
		args[3] = (u32)regs->si;
		args[4] = (u32)regs->di;
		args[5] = (u32)regs->bp;
		return;
	}
	args[0] = regs->di;
	args[1] = regs->si;
	args[2] = regs->dx;
	args[3] = regs->r10;
	args[4] = regs->r8;
	args[5] = regs->r9;
#elif defined(__TARGET_ARCH_arm64)
	args[0] = regs->orig_x0;
	for (int i = 1; i < 6; i++)
		args[i] = regs->regs[i];
#else
	for (int i = 0; i < 6; i++)
		args[i] = 0;
#endif
}

/* ---- handing over ---- */

static __always_inline void fill_head(struct ring_syscall *e, const struct call *c, u64 now,
	long ret)
{
	u64 id = bpf_get_current_pid_tgid();

	e->time = now;
	e->duration = now - c->begin_ns;
	e->ret = ret;
	e->pid = id >> 32;
	e->tid = (u32)id;
	e->number = c->number;
	e->weight = c->weight;
	e->cpu = bpf_get_smp_processor_id();
	e->abi = c->abi;
	e->unfinished = 0;
	e->text_bytes[0] = e->text_bytes[1] = 0;
}

static __always_inline void tell_short(void *ring, struct pt_regs *regs, const struct call *c,
	u64 now, long ret)
{
	struct ring_syscall_short_record *r = ring_reserve(ring, struct ring_syscall_short_record,
		RING_SYSCALL);
	struct ring_syscall *e;
	u64 args[6];

	if (!r)
		return;
	e = (struct ring_syscall *)&r->event; /* they begin alike */
	fill_head(e, c, now, ret);
	read_args(regs, c->abi, args);
	e->args[0] = args[0];
	e->args[1] = args[1];
	e->args[2] = args[2];
	ring_submit(ring, r, sizeof(*r));
}

static __always_inline void tell_long(void *ring, struct pt_regs *regs, const struct call *c,
	u64 now, long ret)
{
	struct ring_syscall_record *r = ring_reserve(ring, struct ring_syscall_record,
		RING_SYSCALL);

	if (!r)
		return;
	fill_head(&r->event, c, now, ret);
	read_args(regs, c->abi, r->event.args);
	ring_submit(ring, r, sizeof(*r));
}

/* Reads a path to where the others end; returns its bytes, with the 0 at its end. */
static __always_inline u32 read_path(struct ring_scratch *s, u32 at, u64 address)
{
	long n;

	if (at > sizeof(struct ring_syscall) + SYSCALL_PATH_BYTES)
		return 0;
	n = bpf_probe_read_user_str(s->bytes + at, SYSCALL_PATH_BYTES, (void *)address);
	return n > 0 && n <= SYSCALL_PATH_BYTES ? n : 0;
}

static __always_inline u64 arg_of(const struct ring_syscall *e, u8 which)
{
	switch (which) {
	case 1: return e->args[0];
	case 2: return e->args[1];
	case 3: return e->args[2];
	case 4: return e->args[3];
	case 5: return e->args[4];
	default: return 0;
	}
}

static __always_inline u32 read_paths(struct ring_scratch *s, struct ring_syscall *e,
	const volatile struct syscall_traits *t)
{
	u32 at = sizeof(*e), n;

	for (int i = 0; i < SYSCALL_PATHS; i++) {
		if (!t->path[i])
			break;
		n = read_path(s, at, arg_of(e, t->path[i]));
		e->text_bytes[i] = n;
		at += n;
	}
	return at;
}

static __always_inline u32 take_exec(struct ring_scratch *s, struct ring_syscall *e)
{
	struct exec *x = bpf_task_storage_get(&execs, bpf_get_current_task_btf(), 0, 0);
	long n = x ? x->path_bytes : 0;

	if (!x)
		return sizeof(*e);
	__builtin_memcpy(e->args, x->args, sizeof(e->args));
	if (n <= 0 || n > SYSCALL_PATH_BYTES)
		return sizeof(*e);
	__builtin_memcpy(s->bytes + sizeof(*e), x->path, sizeof(x->path));
	e->text_bytes[0] = n;
	return sizeof(*e) + n;
}

/* With paths or a stack. */
static __always_inline void tell_more(void *ctx, void *ring, struct pt_regs *regs,
	const struct call *c, u64 now, long ret)
{
	const volatile struct syscall_traits *t = traits_of(c->abi, c->number);
	struct ring_syscall *e;
	struct ring_scratch *s;
	u32 zero = 0, at = sizeof(*e);

	s = bpf_map_lookup_elem(&syscall_scratch, &zero);
	if (!s)
		return;
	e = (void *)s->bytes;
	fill_head(e, c, now, ret);
	read_args(regs, c->abi, e->args);
	if (t->traits & SYSCALL_REPLACES)
		at = take_exec(s, e);
	else if (t->traits & SYSCALL_HAS_PATHS)
		at = read_paths(s, e, t);
	at = (at + 7) & ~7U;
	if (at <= RING_MAX_EVENT)
		ring_output(ctx, ring, s, RING_SYSCALL, at, false, syscall_stacks);
}

static __always_inline void tell(void *ctx, struct pt_regs *regs, const struct call *c, u64 now,
	long ret)
{
	u8 traits = traits_of(c->abi, c->number)->traits;
	void *ring = ring_here();

	if (!ring)
		return;
	if (syscall_stacks || traits & (SYSCALL_HAS_PATHS | SYSCALL_REPLACES))
		tell_more(ctx, ring, regs, c, now, ret);
	else if (traits & SYSCALL_MANY)
		tell_long(ring, regs, c, now, ret);
	else
		tell_short(ring, regs, c, now, ret);
}

/* exit and exit_group are told when they are called. */
static __always_inline void tell_unfinished(const struct call *c, u64 now)
{
	void *ring = ring_here();
	struct ring_syscall_short_record *r;
	struct ring_syscall *e;

	r = ring ? ring_reserve(ring, struct ring_syscall_short_record, RING_SYSCALL) : NULL;
	if (!r)
		return;
	e = (struct ring_syscall *)&r->event;
	fill_head(e, c, now, 0);
	e->unfinished = 1;
	e->args[0] = e->args[1] = e->args[2] = 0;
	ring_submit(ring, r, sizeof(*r));
}

/* ---- counting ---- */

static __always_inline u32 log2_of(u64 v)
{
	u32 r = 0;

	if (v >> 32) {
		r += 32;
		v >>= 32;
	}
	if (v >> 16) {
		r += 16;
		v >>= 16;
	}
	if (v >> 8) {
		r += 8;
		v >>= 8;
	}
	if (v >> 4) {
		r += 4;
		v >>= 4;
	}
	if (v >> 2) {
		r += 2;
		v >>= 2;
	}
	return r + (v >> 1 & 1);
}

static __always_inline u32 bucket_of(u64 ns)
{
	u32 power = log2_of(ns);

	if (power < SYSCALL_FIRST_BUCKET)
		return 0;
	power -= SYSCALL_FIRST_BUCKET - 1;
	return power < SYSCALL_BUCKETS ? power : SYSCALL_BUCKETS - 1;
}

static __always_inline struct syscall_counts *counts_of(const struct syscall_key *key)
{
	u32 zero = 0;
	void *map = bpf_map_lookup_elem(&counting, &zero);
	struct syscall_counts *c, none = { 0 };

	if (!map)
		return NULL;
	c = bpf_map_lookup_elem(map, key);
	if (c)
		return c;
	bpf_get_current_comm(none.comm, sizeof(none.comm));
	bpf_map_update_elem(map, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

static __always_inline void count(const struct call *call, u64 ns, long ret)
{
	struct syscall_key key = { bpf_get_current_pid_tgid() >> 32, call->number, call->abi };
	struct syscall_counts *c = counts_of(&key);
	u32 bucket = bucket_of(ns);

	if (!c) {
		ring_count_lost(RING_SYSCALL);
		return;
	}
	c->calls++;
	c->total_ns += ns;
	asm volatile(""
		     : "+r"(bucket)); /* or clang leaves the mask out, which 6.1's verifier needs */
	c->buckets[bucket & (SYSCALL_BUCKETS - 1)]++;
	if (ns > c->longest_ns)
		c->longest_ns = ns;
	if (ret < 0 && ret >= -MAX_ERRNO)
		c->errors++;
}

/* ---- the tracepoints ---- */

static __always_inline void keep_exec(struct task_struct *task, struct pt_regs *regs, u32 abi,
	u32 number)
{
	const volatile struct syscall_traits *t = traits_of(abi, number);
	struct exec *x = bpf_task_storage_get(&execs, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!x)
		return;
	read_args(regs, abi, x->args);
	x->path_bytes = bpf_probe_read_user_str(x->path, sizeof(x->path),
		(void *)(t->path[0] == 2 ? x->args[1] : x->args[0]));
}

/* Whether this call stands for one_in calls; the others are not recorded. */
static __always_inline bool is_chosen(u32 one_in)
{
	return one_in <= 1 || bpf_get_prandom_u32() % one_in == 0;
}

/* The thread's storage if it is recorded, or NULL. Whoever is a target once is one as long as it lives, and a
 * thread's storage is found sooner than its process among the targets; names and cgroups change. */
static __always_inline struct call *recorded_call(struct task_struct *task)
{
	struct call *c = bpf_task_storage_get(&calls, task, 0, 0);

	if (c && c->is_target)
		return c;
	if (task->tgid == filter_own_tgid || !filter_task(task, task->tgid))
		return NULL;
	if (!c)
		c = bpf_task_storage_get(&calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!c)
		ring_count_lost(RING_SYSCALL);
	else
		c->is_target = filter_by != FILTER_CGROUP && !filter_by_comm;
	return c;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(syscall_enter, struct pt_regs *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 abi = abi_of(task, id), number = abi == SYSCALL_ABI_X32 ? id & ~X32_BIT : id;
	u8 traits = traits_of(abi, number)->traits;
	struct call *c;

	if (!ring_enabled() || !(traits & SYSCALL_WANTED))
		return 0;
	c = recorded_call(task);
	if (!c)
		return 0;
	if (c->begin_ns) /* its end was not seen: 6.1's storage cannot always be had */
		ring_count_lost(RING_SYSCALL);
	c->number = number;
	c->abi = abi;
	c->begin_ns = bpf_ktime_get_ns();
	if (traits & SYSCALL_REPLACES && !syscall_summary)
		keep_exec(task, regs, abi, number);
	if (traits & SYSCALL_NO_RETURN) {
		if (!syscall_summary)
			tell_unfinished(c, c->begin_ns);
		c->begin_ns = 0;
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	struct call *c = bpf_task_storage_get(&calls, bpf_get_current_task_btf(), 0, 0);
	struct call call;
	u64 now;

	/* What ends when nothing is recorded any more stays under way. */
	if (!c || !c->begin_ns || !ring_enabled())
		return 0;
	call = *c;
	c->begin_ns = 0;
	now = bpf_ktime_get_ns();
	if (now - call.begin_ns < syscall_min_ns)
		return 0;
	call.weight = syscall_sample; /* may change meanwhile */
	if (syscall_summary)
		count(&call, now - call.begin_ns, ret);
	else if (is_chosen(call.weight))
		tell(ctx, regs, &call, now, ret);
	return 0;
}

/* Calls that go on: asked for at the end. */
SEC("iter/task")
int syscall_unfinished(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct syscall_begun b;
	struct call *c;

	c = task ? bpf_task_storage_get(&calls, task, 0, 0) : NULL;
	if (!c || !c->begin_ns)
		return 0;
	b = (struct syscall_begun){ c->begin_ns, task->tgid, task->pid, c->number, c->abi };
	bpf_seq_write(ctx->meta->seq, &b, sizeof(b));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
