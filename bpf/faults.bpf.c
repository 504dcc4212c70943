/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Page faults. The kernel counts one when its page is there (mm_account_fault), once however often it was
 * tried again, and perf's two software events, page-faults-min and -maj, tell of each: our programs are
 * attached to those, so that what is recorded is what getrusage counts. When the fault began a tracepoint
 * tells, on processors that have it; it is remembered by thread, as a fault that waits ends on any CPU. */
#include <linux/bpf_perf_event.h>

#include "bpf/filter.bpf.h"
#include "bpf/stack.bpf.h"
#include "specs/ring_fault.h"

enum {
	MAX_THREADS = 65536,
	/* The processor's error code: arch/x86/include/asm/trap_pf.h. */
	ERROR_PROTECTION = 1,
	ERROR_WRITE = 2,
	ERROR_EXEC = 16,
	VM_SHARED = 8,
	VM_UFFD_MISSING = 0x200,
	PAGE_SHIFT = 12,
};

const volatile bool fault_stacks;
const volatile bool fault_has_begin; /* the tracepoints are there */
const volatile __u64 fault_min_ns;   /* 0: everything */
const volatile __u32 fault_sample;   /* one in so many; 1: all */
const volatile __u32 fault_chance;   /* that is, of 2^32 */
const volatile __u32 fault_page_shift = PAGE_SHIFT;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring_scratch);
} fault_scratch SEC(".maps");

/* While the kernel handles a fault of a program, an interrupt may look at that program's memory and fault
 * as well: such faults of the kernel have a place of their own. */
struct begun {
	struct {
		u64 time, address, n_waits;
		u32 error;
	} by[2]; /* of the program, of the kernel */
};

/* How often a thread went to sleep. */
struct task_struct___waits {
	u64 nvcsw;
} RELOCATABLE;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_THREADS);
	__type(key, u32);
	__type(value, struct begun);
} begun SEC(".maps");

struct super_block {
	u32 s_dev;
} RELOCATABLE;

struct inode {
	u64 i_ino;
	struct super_block *i_sb;
} RELOCATABLE;

struct qstr {
	const unsigned char *name;
} RELOCATABLE;

struct dentry {
	struct qstr d_name;
} RELOCATABLE;

struct path {
	struct dentry *dentry;
} RELOCATABLE;

struct file {
	struct inode *f_inode;
	struct path f_path;
} RELOCATABLE;

struct seqcount {
	u32 sequence;
} RELOCATABLE;
typedef struct seqcount seqcount_t;

struct mm_struct {
	u64 start_brk, brk, start_stack;
	seqcount_t mm_lock_seq; /* since 6.13 */
} RELOCATABLE;

/* 6.4 to 6.12. */
struct mm_struct___int {
	u32 mm_lock_seq;
} RELOCATABLE;

struct task_struct___mm {
	struct mm_struct *mm;
} RELOCATABLE;

struct anon_vma_name {
	char name[0];
} RELOCATABLE;

struct userfaultfd_ctx;

struct vm_userfaultfd_ctx {
	struct userfaultfd_ctx *ctx;
} RELOCATABLE;

struct vm_area_struct {
	u64 vm_start, vm_end;
	struct mm_struct *vm_mm;
	u64 vm_flags;
	struct anon_vma_name *anon_name; /* CONFIG_ANON_VMA_NAME, since 5.17 */
	u64 vm_pgoff;
	struct file *vm_file;
	struct vm_userfaultfd_ctx vm_userfaultfd_ctx;
} RELOCATABLE;

/* Faults that recording causes in `rec` itself are left out. */
static __always_inline bool is_recorded(struct task_struct *t)
{
	return ring_enabled() && t->tgid != filter_own_tgid && filter_task(t, t->tgid);
}

static __always_inline u64 n_waits(struct task_struct *t)
{
	return ((struct task_struct___waits *)t)->nvcsw;
}

/* ---- the begin ---- */

static __always_inline int begin(u64 address, u32 error, u32 who)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct begun *b, fresh = { 0 };
	u32 tid = t->pid;

	if ((s64)address < 0 || !is_recorded(t))
		return 0;
	b = bpf_map_lookup_elem(&begun, &tid);
	if (!b) {
		bpf_map_update_elem(&begun, &tid, &fresh, BPF_NOEXIST);
		b = bpf_map_lookup_elem(&begun, &tid);
	}
	if (!b) {
		ring_count_gap(RING_NO_PLACE_FAULTS);
		return 0;
	}
	b->by[who].address = address;
	b->by[who].error = error;
	b->by[who].n_waits = n_waits(t);
	b->by[who].time = bpf_ktime_get_ns();
	return 0;
}

SEC("?tp_btf/page_fault_user")
int BPF_PROG(fault_user, u64 address, void *regs, u64 error)
{
	return begin(address, error, 0);
}

SEC("?tp_btf/page_fault_kernel")
int BPF_PROG(fault_kernel, u64 address, void *regs, u64 error)
{
	return begin(address, error, 1);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(fault_exit, struct task_struct *t)
{
	u32 tid = t->pid;

	bpf_map_delete_elem(&begun, &tid);
	return 0;
}

/* ---- whose page ---- */

/* What bpf_find_vma finds; it wants that on the stack. */
struct found {
	u64 start, end, file_page, inode;
	u32 device;
	enum fault_area area;
	enum fault_backing backing;
	bool userfaultfd, missing; /* it is registered; for pages that are not there */
	char name[40];
};

static __always_inline enum fault_area area_of(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	if (vma->vm_file)
		return FAULT_AREA_FILE;
	if (vma->vm_start < mm->brk && vma->vm_end > mm->start_brk)
		return FAULT_AREA_HEAP;
	if (vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack)
		return FAULT_AREA_STACK;
	return FAULT_AREA_ANONYMOUS;
}

static __always_inline void look_at_file(struct vm_area_struct *vma, struct found *found)
{
	struct file *f = vma->vm_file;

	found->file_page = vma->vm_pgoff;
	found->backing = vma->vm_flags & VM_SHARED ? FAULT_BACKING_SHARED : FAULT_BACKING_PRIVATE;
	found->inode = f->f_inode->i_ino;
	found->device = f->f_inode->i_sb->s_dev;
	bpf_probe_read_kernel_str(found->name, sizeof(found->name), f->f_path.dentry->d_name.name);
}

static __always_inline void look_at_memory(struct vm_area_struct *vma, struct found *found)
{
	const char *name;

	found->backing = FAULT_BACKING_ANONYMOUS;
	if (!bpf_core_field_exists(vma->anon_name) || !vma->anon_name)
		return;
	name = (const char *)vma->anon_name + bpf_core_field_offset(struct anon_vma_name, name);
	bpf_probe_read_kernel_str(found->name, sizeof(found->name), name);
}

static long look(struct task_struct *t, struct vm_area_struct *vma, struct found *found)
{
	found->start = vma->vm_start;
	found->end = vma->vm_end;
	found->area = area_of(vma);
	if (vma->vm_file)
		look_at_file(vma, found);
	else
		look_at_memory(vma, found);
	if (bpf_core_field_exists(vma->vm_userfaultfd_ctx))
		found->userfaultfd = vma->vm_userfaultfd_ctx.ctx != NULL;
	found->missing = vma->vm_flags & VM_UFFD_MISSING;
	return 0;
}

/* The last mappings that were found, by process and 2 MiB of addresses. Where perf's events are told of with
 * interrupts off (6.18) bpf_find_vma interrupts its CPU to let go of a lock, which takes longer than all the
 * rest; so it is asked once for a mapping until the process changes any. */
enum { KNOWN = 64, KNOWN_SHIFT = 21 };

struct known {
	struct mm_struct *mm;
	u32 tgid, changes;
	struct found found;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, KNOWN);
	__type(key, u32);
	__type(value, struct known);
} known SEC(".maps");

/* Grows with every change of the process's mappings. False: this kernel does not count them. */
static __always_inline bool n_changes(struct mm_struct *mm, u32 *n)
{
	struct mm_struct___int *before = (void *)mm;

	if (bpf_core_field_exists(mm->mm_lock_seq.sequence))
		*n = mm->mm_lock_seq.sequence;
	else if (bpf_core_field_exists(before->mm_lock_seq))
		*n = before->mm_lock_seq;
	else
		return false;
	return true;
}

static __always_inline struct known *known_for(u32 tgid, u64 address)
{
	u32 place = (tgid * 31 ^ address >> KNOWN_SHIFT ^ address >> (KNOWN_SHIFT + 6)) % KNOWN;

	return bpf_map_lookup_elem(&known, &place);
}

static __always_inline bool covers(const struct known *k, struct mm_struct *mm, u32 tgid,
	u64 address)
{
	return k->mm == mm && k->tgid == tgid && address >= k->found.start &&
		address < k->found.end;
}

static __always_inline void find(struct task_struct *t, u64 address, struct found *found)
{
	struct mm_struct *mm = ((struct task_struct___mm *)t)->mm;
	u32 tgid = t->tgid, changes = 0;
	struct known *k = known_for(tgid, address);
	bool counted = n_changes(mm, &changes);

	if (!k)
		return;
	if (counted && k->changes == changes && covers(k, mm, tgid, address)) {
		*found = k->found;
		return;
	}
	if (bpf_find_vma(t, address, look, found, 0) == 0 && found->end) {
		k->mm = mm;
		k->tgid = tgid;
		k->changes = changes;
		k->found = *found;
	} else if (covers(k, mm, tgid, address)) {
		*found = k->found; /* somebody changes the mappings right now: as they were */
	}
}

/* What was missing in memory that a userfaultfd has, user space has supplied; for other faults there
 * (write protection, pages that are in the cache) the thread has slept if it was asked. */
static __always_inline void find_mapping(struct task_struct *t, struct fault_record *r, bool slept)
{
	struct found found = { 0 };
	struct page_fault *f = &r->fault;

	find(t, f->address, &found);
	f->start = found.start;
	f->backing = found.backing;
	f->userfaultfd = found.userfaultfd && (slept || (found.missing && !f->protection));
	if (found.area == FAULT_AREA_FILE)
		f->offset = (found.file_page + ((f->address - found.start) >> fault_page_shift))
			<< fault_page_shift;
	r->inode = found.inode;
	r->device = found.device;
	r->area = found.area;
	__builtin_memcpy(r->name, found.name, sizeof(r->name));
}

/* ---- the end ---- */

static __always_inline enum fault_access access_of(u32 error)
{
	if (error & ERROR_EXEC)
		return FAULT_ACCESS_EXEC;
	return error & ERROR_WRITE ? FAULT_ACCESS_WRITE : FAULT_ACCESS_READ;
}

/* Reading memory that nobody has written maps the one page of zeros, which is nobody's. */
static __always_inline bool is_growth(const struct page_fault *f)
{
	if (f->protection)
		return false;
	return f->backing != FAULT_BACKING_ANONYMOUS || f->access != FAULT_ACCESS_READ ||
		f->cost == FAULT_MAJOR || f->userfaultfd;
}

/* Takes over what is known of the begin, if it is this fault's. True if the thread has slept since. */
static __always_inline bool join(struct task_struct *t, struct page_fault *f)
{
	u32 tid = f->tid;
	struct begun *b = bpf_map_lookup_elem(&begun, &tid);
	u32 who = f->mode == FAULT_MODE_KERNEL;

	if (!b || !b->by[who].time || b->by[who].address != f->address)
		return false;
	f->latency = f->time - b->by[who].time;
	f->access = access_of(b->by[who].error);
	f->protection = b->by[who].error & ERROR_PROTECTION;
	b->by[who].time = 0;
	return n_waits(t) != b->by[who].n_waits;
}

static __always_inline bool is_user(struct bpf_perf_event_data *ctx)
{
#if defined(__TARGET_ARCH_x86)
	return ctx->regs.cs & 3;
#elif defined(__TARGET_ARCH_arm64)
	return !(ctx->regs.pstate & 15);
#else
	return (s64)PT_REGS_IP(&ctx->regs) >= 0;
#endif
}

static __always_inline bool is_wanted(const struct page_fault *f)
{
	/* Of one whose begin is not known nobody can say that it was short. */
	if (fault_has_begin && f->latency && f->latency < fault_min_ns)
		return false;
	return fault_sample <= 1 || bpf_get_prandom_u32() < fault_chance;
}

static __always_inline int end(struct bpf_perf_event_data *ctx, enum fault_cost cost)
{
	struct task_struct *t = bpf_get_current_task_btf();
	u64 now = bpf_ktime_get_ns();
	struct ring_scratch *s;
	struct fault_record *r;
	u32 zero = 0;
	void *ring;
	bool slept;

	if (!is_recorded(t))
		return 0;
	ring = ring_for(RING_PAGE_FAULT);
	s = bpf_map_lookup_elem(&fault_scratch, &zero);
	if (!s || !ring)
		return 0;
	r = (void *)s->bytes;
	__builtin_memset(r, 0, sizeof(*r));
	r->fault.time = now;
	r->fault.address = ctx->addr;
	r->fault.cpu = bpf_get_smp_processor_id();
	r->fault.pid = t->tgid;
	r->fault.tid = t->pid;
	r->fault.mode = is_user(ctx) ? FAULT_MODE_USER : FAULT_MODE_KERNEL;
	r->fault.cost = cost;
	r->fault.weight = fault_sample;
	slept = join(t, &r->fault);
	if (!is_wanted(&r->fault))
		return 0;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_find_vma))
		find_mapping(t, r, slept);
	if (is_growth(&r->fault))
		r->fault.growth = (u64)fault_sample << fault_page_shift;
	/* These stacks begin where the page was touched. */
	ring_output_from(ctx, ring, s, RING_PAGE_FAULT, sizeof(*r),
		fault_stacks && r->fault.mode == FAULT_MODE_KERNEL, fault_stacks, 0);
	return 0;
}

SEC("perf_event")
int fault_minor(struct bpf_perf_event_data *ctx)
{
	return end(ctx, FAULT_MINOR);
}

SEC("perf_event")
int fault_major(struct bpf_perf_event_data *ctx)
{
	return end(ctx, FAULT_MAJOR);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
