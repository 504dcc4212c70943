/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* System calls: sys_enter notes the moment in the thread's own place, sys_exit makes the record, or
 * counts (--summary).
 *
 * Every call of a helper costs as much as a dozen lines here (more so where returns are made safe from
 * speculation), so there is none on the way of most calls but that for the time: a thread is known by where its
 * registers are on its stack, which the tracepoints tell.
 *
 * The registers still hold the arguments when a call returns. Only exec replaces them, and the memory
 * where its path is, so that is read before. Other paths are read at the end: the kernel has just read them, so
 * they are in memory, which at the beginning they sometimes are not. */
#include "bpf/filter.bpf.h"
#include "bpf/stack.bpf.h"
#include "specs/syscall_ring.h"

enum {
	TS_COMPAT = 0x0002,   /* arch/x86/include/asm/thread_info.h: in a 32-bit call */
	X32_BIT = 0x40000000, /* of the number */
	MAX_ERRNO = 4095,
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long bp, bx, r11, r10, r9, r8, cx, dx, si, di, ip, flags;
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
const volatile struct syscall_traits syscall_socketcalls[SYSCALL_SOCKETCALLS];
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
	u32 pid;
};

/* A thread's place, from its first call to its end. */
struct place {
	u64 thread; /* 0: nobody's */
	struct call call;
};

static struct place places[SYSCALL_THREADS];
const volatile __u32 syscall_place_mask = SYSCALL_THREADS - 1;

/* Of threads whose place is another's. Both tracepoints run in the context of the thread, so storage may be
 * allocated there; it goes away with the thread. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

bool syscall_storage_used;

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

const volatile __u32 syscall_slot_mask = SYSCALL_SLOTS - 1;
volatile __u32 syscall_half; /* which is counted in; changes before the map does */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * SYSCALL_SLOTS);
	__type(key, u32);
	__type(value, struct syscall_slot);
} slots SEC(".maps");

/* ---- what a call is ---- */

/* The instruction syscall of a 64-bit program leaves these registers so, except with FRED; of other ways into the
 * kernel the task tells. */
static __always_inline u32 abi_of(struct pt_regs *regs, u64 number)
{
#if defined(__TARGET_ARCH_x86)
	if ((regs->cx != regs->ip || regs->r11 != regs->flags) &&
		((struct task_struct___x86 *)bpf_get_current_task_btf())->thread_info.status &
			TS_COMPAT)
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
	struct task_struct *task = bpf_get_current_task_btf();

	e->time = now;
	e->duration = now - c->begin_ns;
	e->ret = ret;
	e->pid = task->tgid;
	e->tid = task->pid;
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

static __always_inline u64 arg_of(const u64 args[6], u8 which)
{
	switch (which) {
	case 1: return args[0];
	case 2: return args[1];
	case 3: return args[2];
	case 4: return args[3];
	case 5: return args[4];
	case 6: return args[5];
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
		n = read_path(s, at, arg_of(e->args, t->path[i]));
		e->text_bytes[i] = n;
		at += n;
	}
	return at;
}

/* ---- socket addresses ---- */

struct address {
	u64 at;
	u64 bytes; /* 0: there is none */
};

/* The begin of a struct msghdr: name and length of it. */
static __always_inline void look_in_msg(u64 msg, u32 abi, struct address *a)
{
	u32 words[3] = { 0 };

	if (abi == SYSCALL_ABI_IA32) {
		if (bpf_probe_read_user(words, 2 * sizeof(words[0]), (void *)msg))
			return;
		a->at = words[0];
		a->bytes = words[1];
	} else {
		if (bpf_probe_read_user(words, sizeof(words), (void *)msg))
			return;
		a->at = (u64)words[1] << 32 | words[0];
		a->bytes = words[2];
	}
}

/* The arguments of the call that a socketcall makes; what is known of it, or NULL. */
static __always_inline const volatile struct syscall_traits *read_inner_args(u64 args[6])
{
	u64 number = args[0];
	u32 inner[6];

	if (number >= SYSCALL_SOCKETCALLS ||
		bpf_probe_read_user(inner, sizeof(inner), (void *)args[1]))
		return NULL;
	for (int i = 0; i < 6; i++)
		args[i] = inner[i];
	asm volatile("" : "+r"(number));
	return &syscall_socketcalls[number & (SYSCALL_SOCKETCALLS - 1)];
}

/* Most calls that could have one have none: send, recv. What the kernel tells is there where the call did not
 * fail. */
static __noinline void find_address(struct pt_regs *regs, const struct call *c, long ret,
	struct address *a)
{
	const volatile struct syscall_traits *t = traits_of(c->abi, c->number);
	u32 told = 0;
	u64 args[6], next;

	read_args(regs, c->abi, args);
	if (t->traits & SYSCALL_ARGS_IN_MEMORY)
		t = read_inner_args(args);
	if (!t || !(t->traits & SYSCALL_HAS_ADDRESS) ||
		(ret < 0 && t->traits & SYSCALL_TELLS_ADDRESS))
		return;
	next = arg_of(args, t->address + 1);
	if (t->traits & SYSCALL_MANY_MSGS && !(u32)next)
		return;
	a->at = arg_of(args, t->address);
	if (t->traits & SYSCALL_ADDRESS_IN_MSG)
		look_in_msg(a->at, c->abi, a);
	else if (t->traits & SYSCALL_TELLS_ADDRESS)
		a->bytes = bpf_probe_read_user(&told, sizeof(told), (void *)next) ? 0 : told;
	else
		a->bytes = (u32)next; /* an int: what else is in the register means nothing */
	if (!a->at)
		a->bytes = 0;
}

/* Returns where it ends. */
static __always_inline u32 read_address(struct ring_scratch *s, struct ring_syscall *e,
	const struct address *a)
{
	u64 n = a->bytes;

	if (n > SYSCALL_ADDRESS_BYTES)
		n = SYSCALL_ADDRESS_BYTES;
	barrier_var(n); /* 6.1 wants what is checked to be what is used */
	if (n > SYSCALL_ADDRESS_BYTES ||
		bpf_probe_read_user(s->bytes + sizeof(*e), n, (void *)a->at))
		return sizeof(*e);
	e->text_bytes[0] = n;
	return sizeof(*e) + n;
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

/* With paths, an address or a stack. */
static __always_inline void tell_more(void *ctx, void *ring, struct pt_regs *regs,
	const struct call *c, u64 now, long ret, const struct address *address)
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
	else if (address->bytes)
		at = read_address(s, e, address);
	at = (at + 7) & ~7U;
	if (at <= RING_MAX_EVENT)
		ring_output(ctx, ring, s, RING_SYSCALL, at, false, syscall_stacks);
}

static __always_inline void tell(void *ctx, struct pt_regs *regs, const struct call *c, u64 now,
	long ret)
{
	const volatile struct syscall_traits *t = traits_of(c->abi, c->number);
	void *ring = ring_for(RING_SYSCALL);
	struct address address = { 0 };
	u16 traits = t->traits;

	if (!ring)
		return;
	if (traits & SYSCALL_HAS_ADDRESS)
		find_address(regs, c, ret, &address);
	if (syscall_stacks || traits & (SYSCALL_HAS_PATHS | SYSCALL_REPLACES) || address.bytes)
		tell_more(ctx, ring, regs, c, now, ret, &address);
	else if (traits & SYSCALL_MANY)
		tell_long(ring, regs, c, now, ret);
	else
		tell_short(ring, regs, c, now, ret);
}

/* exit and exit_group are told when they are called. */
static __always_inline void tell_unfinished(const struct call *c, u64 now)
{
	void *ring = ring_for(RING_SYSCALL);
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
	u64 v = ns >> SYSCALL_FIRST_BUCKET;
	u32 bucket = v ? 1 + log2_of(v) : 0;

	return bucket < SYSCALL_BUCKETS ? bucket : SYSCALL_BUCKETS - 1;
}

static __always_inline struct syscall_key key_of(const struct call *call)
{
	return (struct syscall_key){ call->pid, call->number, call->abi };
}

static __always_inline bool is_slot_of(const struct syscall_slot *s, const struct call *call)
{
	return s->key.pid == call->pid && s->key.number == call->number && s->key.abi == call->abi;
}

/* Not inline: what it has on the kernel's small stack for programs is not there when stacks are walked. */
static __noinline struct syscall_counts *in_map(const struct call *call)
{
	struct syscall_key key = key_of(call);
	u32 zero = 0;
	void *map = bpf_map_lookup_elem(&counting, &zero);
	struct syscall_counts *c, none = { 0 };

	if (!map)
		return NULL;
	c = bpf_map_lookup_elem(map, &key);
	if (c)
		return c;
	bpf_get_current_comm(none.comm, sizeof(none.comm));
	bpf_map_update_elem(map, &key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, &key);
}

static __always_inline struct syscall_counts *counts_of(const struct call *call)
{
	u32 mixed = call->pid * 0x9e3779b1 + (call->number << 1 | call->abi) * 0x85ebca6b;
	u32 at = (syscall_half & 1) << SYSCALL_SLOT_BITS |
		(mixed >> (32 - SYSCALL_SLOT_BITS) & syscall_slot_mask);
	struct syscall_slot *s = bpf_map_lookup_elem(&slots, &at);

	if (!s)
		return NULL;
	if (is_slot_of(s, call))
		return &s->counts;
	if (s->key.pid)
		return in_map(call);
	s->key = key_of(call);
	bpf_get_current_comm(s->counts.comm, sizeof(s->counts.comm));
	return &s->counts;
}

static __always_inline void count(const struct call *call, u64 ns, long ret)
{
	struct syscall_counts *c = counts_of(call);
	u32 bucket = bucket_of(ns);

	if (!c) {
		ring_count_gap(RING_NO_PLACE_COUNTS);
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

/* A number for the thread whose registers these are, as long as it lives. Of pointers the verifier lets only
 * differences be used so. */
static __always_inline u64 thread_of(struct pt_regs *regs)
{
	u64 n = (u64)regs - (u64)places;

	barrier_var(n);
	return n;
}

/* The place that the thread has, or would have; stacks are 16 KiB apart at least. The barrier is for the verifier,
 * as in traits_of. */
static __always_inline struct place *place_of(u64 thread)
{
	u64 at = thread >> SYSCALL_STACK_BITS & syscall_place_mask;

	barrier_var(at);
	return &places[at & (SYSCALL_THREADS - 1)];
}

/* NULL: it has none yet. */
static __always_inline struct call *call_of(u64 thread)
{
	struct place *p = place_of(thread);

	if (p->thread == thread)
		return &p->call;
	return syscall_storage_used ? bpf_task_storage_get(&calls, bpf_get_current_task_btf(), 0, 0)
				    : NULL;
}

static __always_inline struct call *new_call(u64 thread, struct task_struct *task)
{
	struct place *p = place_of(thread);
	struct call *c;

	if (!__sync_val_compare_and_swap(&p->thread, 0, thread)) {
		c = &p->call;
	} else {
		syscall_storage_used = true;
		c = bpf_task_storage_get(&calls, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	}
	if (c)
		c->pid = task->tgid;
	else
		ring_count_gap(RING_NO_PLACE_CALLS);
	return c;
}

/* The thread's call if it is recorded, or NULL. Whoever is a target once is one as long as it lives, and a
 * thread's place is found sooner than its process among the targets; names and cgroups change. */
static __always_inline struct call *recorded_call(u64 thread)
{
	struct call *c = call_of(thread);
	struct task_struct *task;

	if (c && c->is_target)
		return c;
	task = bpf_get_current_task_btf();
	if (task->tgid == filter_own_tgid || !filter_task(task, task->tgid))
		return NULL;
	if (!c)
		c = new_call(thread, task);
	if (c)
		c->is_target = filter_by != FILTER_CGROUP && !filter_by_comm;
	return c;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(syscall_enter, struct pt_regs *regs, long id)
{
	u32 abi = abi_of(regs, id), number = abi == SYSCALL_ABI_X32 ? id & ~X32_BIT : id;
	u16 traits = traits_of(abi, number)->traits;
	struct call *c;

	if (!ring_enabled() || !(traits & SYSCALL_WANTED))
		return 0;
	c = recorded_call(thread_of(regs));
	if (!c)
		return 0;
	if (c->begin_ns) /* its end was not seen: 6.1's storage cannot always be had */
		ring_count_gap(RING_UNTOLD_CALLS);
	c->number = number;
	c->abi = abi;
	c->begin_ns = bpf_ktime_get_ns();
	if (traits & SYSCALL_REPLACES && !syscall_summary)
		keep_exec(bpf_get_current_task_btf(), regs, abi, number);
	if (traits & SYSCALL_NO_RETURN) {
		if (!syscall_summary)
			tell_unfinished(c, c->begin_ns);
		c->begin_ns = 0;
	}
	return 0;
}

static __always_inline void tell_chosen(void *ctx, struct pt_regs *regs, struct call call, u64 now,
	long ret)
{
	call.weight = syscall_sample; /* may change meanwhile */
	if (is_chosen(call.weight))
		tell(ctx, regs, &call, now, ret);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(syscall_exit, struct pt_regs *regs, long ret)
{
	struct call *c = call_of(thread_of(regs));
	u64 now, begin_ns;

	/* What ends when nothing is recorded any more stays under way. */
	if (!c || !c->begin_ns || !ring_enabled())
		return 0;
	now = bpf_ktime_get_ns();
	begin_ns = c->begin_ns;
	if (now - begin_ns >= syscall_min_ns) {
		if (syscall_summary)
			count(c, now - begin_ns, ret);
		else
			tell_chosen(ctx, regs, *c, now, ret);
	}
	c->begin_ns = 0;
	return 0;
}

/* A thread's stack, and so its place, is another's after its end. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(syscall_thread_end, struct task_struct *task)
{
	u64 thread = thread_of((struct pt_regs *)bpf_task_pt_regs(task));
	struct place *p = place_of(thread);
	struct call *c;

	if (p->thread == thread) {
		p->call = (struct call){ 0 };
		__sync_lock_test_and_set(&p->thread, 0);
	} else if (syscall_storage_used) {
		c = bpf_task_storage_get(&calls, task, 0, 0);
		if (c)
			c->begin_ns = 0; /* until its parent asks for it, it is among the tasks */
	}
	return 0;
}

/* Calls that go on: asked for at the end. */
SEC("iter/task")
int syscall_unfinished(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct syscall_begun b;
	struct place *p;
	struct call *c;
	u64 thread, begin_ns;

	if (!task)
		return 0;
	thread = thread_of((struct pt_regs *)bpf_task_pt_regs(task));
	p = place_of(thread);
	c = p->thread == thread ? &p->call : bpf_task_storage_get(&calls, task, 0, 0);
	begin_ns = c ? *(volatile u64 *)&c->begin_ns : 0; /* the thread may end meanwhile */
	if (!begin_ns)
		return 0;
	b = (struct syscall_begun){ begin_ns, task->tgid, task->pid, c->number, c->abi };
	bpf_seq_write(ctx->meta->seq, &b, sizeof(b));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
