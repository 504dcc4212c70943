/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* User stacks by call frame information, walked in the kernel: no copy of a stack leaves it. `rec` fills the
 * maps (record/walk_maps.c), which all objects share; specs/walk.h draws them. What unwind() of
 * format/symbols/unwind.c does with a copy is done here in place, with the same results; rules that cannot be
 * said in a walk_rule are the exception.
 *
 * Registers that functions hand back are not read frame by frame: it is only kept where they are, as few are
 * ever needed. Methods: the DWARF 5 standard, section 6.4; the public descriptions of parca-agent's and the
 * OpenTelemetry profiler's unwinders. */
#ifndef BPF_WALK_BPF_H
#define BPF_WALK_BPF_H

#include "bpf/kernel.h"
#include "specs/stack_flags.h"
#include "specs/walk.h"

const volatile bool walk_enabled; /* the maps are there */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk_space);
} walk_spaces SEC(".maps");

/* When a process last started a program while we looked. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} walk_execs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk_image);
} walk_images SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk_page);
} walk_pages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk_rule);
} walk_rules SEC(".maps");

struct walk_chunk_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct walk_chunk));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct walk_chunk_map);
} walk_chunks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk_control);
} walk_control SEC(".maps");

/* The user's registers as the kernel keeps them (arch/x86/include/asm/ptrace.h, the same since 2.6). */
struct walk_regs {
	u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip;
	u16 cs, cs_more[3];
	u64 flags, sp, ss;
};

enum walk_end {
	WALK_ON,
	WALK_COMPLETE,
	WALK_TOO_DEEP,
	WALK_ASTRAY,  /* nothing says what comes next */
	WALK_MISSING, /* `rec` could have said it, but has not yet, or cannot here */
};

enum {
	WALK_USER_CS = 0x33, /* of 64-bit code */
	WALK_PLACES = 4,
	WALK_ALL = 0xffff,
	WALK_PAGE = 4096,
	WALK_WINDOW = 1024,
	WALK_BELOW = 64, /* registers that were saved below a return address */
	WALK_KEPT_MASK = 1 << 3 | 1 << WALK_REG_FP | 0xf << 12,
	WALK_PATIENCE =
		64, /* walks that go astray in a process and are said to be for want of a mapping */
};

/* A walk on its way. */
struct walk {
	u64 ip;
	u64 regs[32];         /* by number: values, or... */
	u32 in_memory, known; /* ...bit i: where register i is; what it was is known */
	u32 n;                /* frames */
	u32 end;
	u32 last;                    /* the mapping of the frame before */
	u8 interrupted;              /* the present frame did not call */
	u8 by_rule, by_fp;           /* steps were taken so */
	u8 missing;                  /* enum walk_missing */
	u64 window_at, window_bytes; /* where the piece of the stack is that was read last */
	u64 window[WALK_WINDOW / 8];
	u64 frames[WALK_FRAMES + 1]; /* addresses to look names up by */
};

/* A program is not entered again on a CPU while it runs; where programs of an object interrupt each other
 * each takes a place of its own. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WALK_PLACES);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

struct walk_step_ctx {
	struct walk_space *space;
	struct walk *walk;
};

/* ---- the stack ----
 *
 * A call of a helper costs as much as a step of the walk: memory is read by pieces that serve several frames, none of
 * which goes beyond a page, as the next one may not be there.
 *
 * Functions that are not static are verified once and by themselves, and not again for each state in which they
 * are called, which would take the kernel a second. Such return but numbers, and their pointers may be NULL. They are
 * verified so also where nobody walks: no helper is in them then, since a kernel that is locked down refuses it
 * (libbpf 1.1 takes bpf_probe_read there, for want of the newer ones). */

/* Reads what is at an address and around it. 0 or -1. */
__noinline int walk_load(struct walk *w, u64 address)
{
	u64 from = address, bytes;

	if (!w || !walk_enabled)
		return -1;
	if (address & 7) { /* seldom: it may go beyond the page */
		bytes = 8;
	} else {
		if ((from & (WALK_PAGE - 1)) >= WALK_BELOW)
			from -= WALK_BELOW;
		bytes = WALK_PAGE - (from & (WALK_PAGE - 1));
		if (bytes > WALK_WINDOW)
			bytes = WALK_WINDOW;
	}
	barrier_var(bytes);
	if (bytes > WALK_WINDOW || bpf_probe_read_user(w->window, bytes, (void *)from)) {
		w->window_bytes = 0;
		return -1;
	}
	w->window_at = from;
	w->window_bytes = bytes;
	return 0;
}

static __always_inline bool walk_read(struct walk *w, u64 address, u64 *value)
{
	u64 at = address - w->window_at;

	if (at >= w->window_bytes || at & 7) {
		if (walk_load(w, address))
			return false;
		at = address - w->window_at;
	}
	at >>= 3;
	barrier_var(at);
	*value = w->window[at & (WALK_WINDOW / 8 - 1)];
	return true;
}

/* ---- what is at an address ---- */

/* The barriers keep clang from turning the masks, which the verifier looks for, into something else. */
static __always_inline struct walk_mapping *walk_mapping_at(struct walk_space *s, u32 i)
{
	barrier_var(i);
	return &s->mappings[i & (WALK_MAPPINGS - 1)];
}

static __always_inline const struct walk_row *walk_row_at(const struct walk_chunk *c, u32 i)
{
	barrier_var(i);
	return &c->rows[i & (WALK_CHUNK_ROWS - 1)];
}

/* Its place in the space, or -1. */
__noinline int walk_find_mapping(struct walk_space *s, u64 address)
{
	u32 low = 0, high; /* the first that ends behind the address */

	if (!s)
		return -1;
	high = s->n;
	for (int i = 0; i <= 8 && low < high; i++) {
		u32 mid = (low + high) / 2;

		if (walk_mapping_at(s, mid)->end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low >= s->n || walk_mapping_at(s, low)->start > address)
		return -1;
	return low;
}

/* Most callers are where the code is that they called. */
static __always_inline int walk_mapping_of(struct walk *w, struct walk_space *s, u64 address)
{
	const struct walk_mapping *m = walk_mapping_at(s, w->last);
	int found;

	if (w->last < s->n && m->start <= address && address < m->end)
		return w->last;
	found = walk_find_mapping(s, address);
	if (found >= 0)
		w->last = found;
	return found;
}

/* The number of the rule that holds at a place of a page. */
static __always_inline u32 walk_search(const struct walk_page *page, const struct walk_chunk *chunk,
	u32 place)
{
	u32 first = page->first, low = first, high = first + page->n;

	for (int i = 0; i <= 16 && low < high; i++) {
		u32 mid = (low + high) / 2;

		if (walk_row_at(chunk, mid)->low <= place)
			low = mid + 1;
		else
			high = mid;
	}
	return low > first ? walk_row_at(chunk, low - 1)->rule : page->before;
}

enum { WALK_MAY_COME = 1 << 30 }; /* instead of a rule's number: its table is not here yet */

/* The number of the rule at a place of an image; 0: there is none. */
__noinline int walk_find_rule(u32 image_number, u64 offset)
{
	struct walk_image *image = bpf_map_lookup_elem(&walk_images, &image_number);
	struct walk_page *page;
	void *chunk_map, *chunk;
	u32 at, zero = 0;

	if (!image)
		return 0;
	if (image->state == WALK_IMAGE_NEW) {
		image->wanted = 1;
		return WALK_MAY_COME;
	}
	if (image->state != WALK_IMAGE_LOADED || offset >> WALK_PAGE_SHIFT >= image->n_pages)
		return 0;
	at = image->first_page + (u32)(offset >> WALK_PAGE_SHIFT);
	page = bpf_map_lookup_elem(&walk_pages, &at);
	if (!page)
		return 0;
	if (!page->n)
		return page->before;
	at = page->chunk;
	chunk_map = bpf_map_lookup_elem(&walk_chunks, &at);
	chunk = chunk_map ? bpf_map_lookup_elem(chunk_map, &zero) : NULL;
	return chunk ? walk_search(page, chunk, offset & 0xffff) : 0;
}

static __always_inline int walk_find_rule_by(struct walk_space *s, int mapping, u64 address)
{
	const struct walk_mapping *m = walk_mapping_at(s, mapping);

	return walk_find_rule(m->image,
		((u64)m->page << WALK_MAPPING_SHIFT) + (address - m->start));
}

/* ---- by a rule ---- */

static __always_inline bool walk_reg(struct walk *w, u32 reg, u64 *value)
{
	reg &= 31;
	if (!(w->known >> reg & 1))
		return false;
	*value = w->regs[reg];
	return !(w->in_memory >> reg & 1) || walk_read(w, *value, value);
}

static __always_inline bool walk_cfa(struct walk *w, const struct walk_rule *r, u64 *cfa)
{
	u64 v;

	if (r->cfa > WALK_CFA_LINKAGE || !walk_reg(w, r->cfa_reg, &v))
		return false;
	v += (s64)r->at;
	if (r->cfa == WALK_CFA_DEREF) {
		if (!walk_read(w, v, &v))
			return false;
		v += (s64)r->more;
	} else if (r->cfa == WALK_CFA_LINKAGE && (w->ip & 15) >= (u32)r->more) {
		v += 8;
	}
	*cfa = v;
	return true;
}

static __always_inline void walk_keep(struct walk *w, u32 reg, s16 at, u64 base)
{
	if (at == WALK_SAME)
		return;
	w->regs[reg] = base + (s64)at;
	w->in_memory |= 1U << reg;
	if (at == WALK_LOST)
		w->known &= ~(1U << reg);
	else
		w->known |= 1U << reg;
}

/* The end, or WALK_ON. */
__noinline int walk_by_rule(struct walk *w, const struct walk_rule *r)
{
	u64 cfa, base, ra, at;
	bool signal;

	if (!w || !r)
		return WALK_ASTRAY;
	signal = r->flags & WALK_SIGNAL;
	if (r->cfa == WALK_CFA_END)
		return WALK_COMPLETE;
	if (r->cfa == WALK_CFA_OTHER)
		return WALK_MISSING;
	if (!walk_cfa(w, r, &cfa) || (!signal && cfa <= w->regs[WALK_REG_SP]))
		return WALK_ASTRAY; /* stacks grow downwards */
	base = cfa;
	if (r->base != WALK_BASE_CFA && !walk_reg(w, r->base, &base))
		return WALK_ASTRAY;
	at = (r->flags & WALK_RA_BY_BASE ? base : cfa) + (s64)r->ra;
	if (r->ra == WALK_LOST || !walk_read(w, at, &ra))
		return WALK_ASTRAY;
	walk_keep(w, 3, r->kept[0], base);
	walk_keep(w, WALK_REG_FP, r->kept[1], base);
	walk_keep(w, 12, r->kept[2], base);
	walk_keep(w, 13, r->kept[3], base);
	walk_keep(w, 14, r->kept[4], base);
	walk_keep(w, 15, r->kept[5], base);
	w->known &= WALK_KEPT_MASK;
	w->known |= 1 << WALK_REG_SP;
	w->regs[WALK_REG_SP] = cfa;
	w->ip = ra;
	w->interrupted = signal;
	w->by_rule = 1;
	return WALK_ON;
}

/* ---- by the frame pointer ---- */

static __always_inline void walk_to(struct walk *w, u64 ip, u64 sp)
{
	w->known &= WALK_KEPT_MASK;
	w->known |= 1 << WALK_REG_SP;
	w->regs[WALK_REG_SP] = sp;
	w->ip = ip;
	w->interrupted = 0;
	w->by_fp = 1;
}

__noinline int walk_by_fp(struct walk *w, struct walk_space *space)
{
	u64 fp, next, ra;

	if (!w || !space || !walk_reg(w, WALK_REG_FP, &fp))
		return WALK_ASTRAY;
	if (!fp) /* the ABI's mark of the outermost frame */
		return WALK_COMPLETE;
	if (fp < w->regs[WALK_REG_SP] || fp & 7 || !walk_read(w, fp, &next) ||
		!walk_read(w, fp + 8, &ra))
		return WALK_ASTRAY;
	if (ra && walk_find_mapping(space, ra - 1) < 0)
		return WALK_ASTRAY;
	walk_to(w, ra, fp + 16);
	w->regs[WALK_REG_FP] = next;
	w->in_memory &= ~(1U << WALK_REG_FP);
	return WALK_ON;
}

/* Code without a rule that has called nobody yet, such as assembly by hand, often keeps no frame at all; then
 * the word at the stack pointer is the return address. Believed if a binary that has rules has one for it. */
__noinline int walk_out_of_leaf(struct walk *w, struct walk_space *space)
{
	u64 sp, ra;
	int m, rule;

	if (!w || !space)
		return WALK_ASTRAY;
	sp = w->regs[WALK_REG_SP];
	if (!walk_read(w, sp, &ra))
		return WALK_ASTRAY;
	m = walk_find_mapping(space, ra - 1);
	rule = m < 0 ? 0 : walk_find_rule_by(space, m, ra - 1);
	if (!rule || rule == WALK_MAY_COME)
		return WALK_ASTRAY;
	walk_to(w, ra, sp + 8);
	return WALK_ON;
}

/* ---- the walk ---- */

/* Notes the present frame and goes to its caller. 1 at the end. */
static long walk_step(u32 index, struct walk_step_ctx *c)
{
	struct walk *w = c->walk;
	struct walk_space *space = c->space;
	struct walk_rule *rule = NULL;
	u32 n = w->n, end;
	int m, number;
	u64 look;

	w->end = WALK_COMPLETE;
	if (!w->ip)
		return 1;
	w->end = WALK_TOO_DEEP;
	if (n >= WALK_FRAMES)
		return 1;
	look = w->ip - !w->interrupted;
	m = walk_mapping_of(w, space, look);
	w->end = WALK_ASTRAY;
	if (m < 0 && n)
		return 1;
	number = m < 0 ? 0 : walk_find_rule_by(space, m, look);
	if (number == WALK_MAY_COME)
		w->missing |= WALK_NO_TABLE;
	else if (number)
		rule = bpf_map_lookup_elem(&walk_rules, &number);
	w->frames[n & WALK_FRAMES] = rule && rule->flags & WALK_SIGNAL ? w->ip : look;
	w->n = n + 1;
	if (rule)
		end = walk_by_rule(w, rule);
	else
		end = walk_by_fp(w, space);
	if (!rule && !n && end == WALK_ASTRAY)
		end = walk_out_of_leaf(w, space);
	w->end = end;
	return end != WALK_ON;
}

/* `rec` is to look what is missing. True if nobody has said so yet: then it should be woken. */
static __always_inline bool walk_call_for_help(void)
{
	u32 zero = 0;
	struct walk_control *c = bpf_map_lookup_elem(&walk_control, &zero);

	if (!c || c->wanted)
		return false;
	c->wanted = 1;
	return true;
}

/* A process's mappings, unless they are of a program that it no longer runs. */
static __always_inline struct walk_space *walk_space_of(u32 tgid)
{
	struct walk_space *s = bpf_map_lookup_elem(&walk_spaces, &tgid);
	u64 *exec_ns = bpf_map_lookup_elem(&walk_execs, &tgid);

	if (!s || (exec_ns && s->exec_ns != *exec_ns))
		return NULL;
	return s;
}

static __always_inline void walk_take_regs(struct walk *w, const struct walk_regs *r)
{
	w->regs[0] = r->ax;
	w->regs[1] = r->dx;
	w->regs[2] = r->cx;
	w->regs[3] = r->bx;
	w->regs[4] = r->si;
	w->regs[5] = r->di;
	w->regs[WALK_REG_FP] = r->bp;
	w->regs[WALK_REG_SP] = r->sp;
	w->regs[8] = r->r8;
	w->regs[9] = r->r9;
	w->regs[10] = r->r10;
	w->regs[11] = r->r11;
	w->regs[12] = r->r12;
	w->regs[13] = r->r13;
	w->regs[14] = r->r14;
	w->regs[15] = r->r15;
	w->ip = r->ip;
	w->known = WALK_ALL;
	w->in_memory = 0;
	w->interrupted = 1;
	w->n = w->last = 0;
	w->window_bytes = 0;
	w->by_rule = w->by_fp = w->missing = 0;
	w->end = WALK_MISSING;
}

/* Walks from the registers that have been taken. 0 if nothing is known of the process. */
__noinline int walk_run(struct walk *w, u32 tgid)
{
	struct walk_step_ctx c = { .walk = w };

	if (!w)
		return 0;
	c.space = walk_space_of(tgid);
	if (!c.space) {
		w->missing = WALK_NO_SPACE;
		return 0;
	}
	bpf_loop(WALK_FRAMES + 1, walk_step, &c, 0);
	if (w->end == WALK_ASTRAY && c.space->n_astray < WALK_PATIENCE) {
		c.space->n_astray++;
		w->missing |= WALK_NO_CODE;
	}
	if (w->end == WALK_MISSING)
		w->missing |= WALK_NO_RULE;
	return 1;
}

/* enum stack_flags */
static __always_inline u8 walk_flags(const struct walk *w)
{
	u8 flags = 0;

	if (w->by_fp)
		flags |= STACK_USER_FP;
	if (w->by_rule || !w->by_fp)
		flags |= STACK_USER_DWARF;
	if (w->missing)
		flags |= STACK_TRUNCATED | STACK_OVERLOAD; /* `rec` will have it soon */
	else if (w->end == WALK_TOO_DEEP)
		flags |= STACK_TRUNCATED;
	else if (w->end != WALK_COMPLETE)
		flags |= STACK_BROKEN;
	return flags;
}

/* The present thread's user stack, walked at a place of the program's own. NULL: it is left to
 * bpf_get_stack. Not for threads of the kernel. *missing: enum walk_missing. */
static __always_inline struct walk *walk_present(u32 place, u8 *missing)
{
#if defined(__TARGET_ARCH_x86)
	struct task_struct *t = bpf_get_current_task_btf();
	struct walk_regs *regs;
	struct walk *w;

	if (!walk_enabled)
		return NULL;
	w = bpf_map_lookup_elem(&walks, &place);
	regs = (struct walk_regs *)bpf_task_pt_regs(t);
	if (!w || !regs || regs->cs != WALK_USER_CS)
		return NULL;
	walk_take_regs(w, regs);
	if (!walk_run(w, t->tgid)) {
		*missing = WALK_NO_SPACE;
		return NULL;
	}
	*missing = w->missing;
	return w;
#else
	return NULL;
#endif
}

#endif
