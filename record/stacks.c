/* Addresses of callers are return addresses: one behind the call. They are stored less one, which
 * lies within the call instruction, so that a call at a function's very end gets the right name. */
#include "record/stacks.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "record/jit.h"
#include "record/perf_event.h"

enum {
	CACHE = 1 << 15,
	MAX_CHAIN = 4096, /* more than any sysctl permits */
};

/* A beginning of a stack, from the root, that was seen lately. */
struct cached {
	uint64_t hash[2];
	uint32_t stack;
};

/* One frame of a chain on its way into the trace. */
struct link {
	uint64_t ip;      /* of a caller less one */
	uint64_t version; /* of code made at run time, where it is told; or 0 */
	uint64_t hash[2]; /* of the stack from its root up to here */
	bool kernel;
};

struct stacks {
	struct writer *writer; /* borrowed, like the next */
	struct kernel_map *kernel;
	struct jit *jit;
	new_frame_handler on_frame;
	void *ctx;
	uint32_t max_depth; /* of the kernel's walk */
	struct cached cache[CACHE];
	struct link links[MAX_CHAIN];
};

/* Some addresses of a stack, innermost first. */
struct half {
	const uint64_t *ips;
	uint32_t n;
	bool exact; /* callers are not return addresses: nothing is to be taken off */
};

struct chain {
	struct half kernel, user;
	uint32_t depth;
};

/* Whose stack it is. */
struct owner {
	const struct space *space;
	uint32_t pid;
	uint64_t time_ns;
	const struct jit_process *jit; /* or NULL */
};

struct stacks *stacks_new(struct writer *w, struct kernel_map *kernel, struct jit *jit,
	new_frame_handler on_frame, void *ctx)
{
	struct stacks *s = xcalloc(1, sizeof(*s));

	s->writer = w;
	s->kernel = kernel;
	s->jit = jit;
	s->on_frame = on_frame;
	s->ctx = ctx;
	s->max_depth = (uint32_t)perf_read_number("/proc/sys/kernel/perf_event_max_stack", 127);
	return s;
}

void stacks_free(struct stacks *s)
{
	free(s);
}

void stacks_clear(struct stacks *s)
{
	memset(s->cache, 0, sizeof(s->cache));
}

static bool is_marker(uint64_t ip)
{
	return ip >= PERF_CONTEXT_MAX;
}

static struct chain split(const uint64_t *ips, uint32_t n)
{
	struct chain c = { { ips, 0, false }, { ips, 0, false }, 0 };
	struct half *half = NULL;

	for (uint32_t i = 0; i < n; i++) {
		if (!is_marker(ips[i])) {
			c.depth++;
			if (half)
				half->n++;
			continue;
		}
		half = ips[i] == PERF_CONTEXT_KERNEL  ? &c.kernel
			: ips[i] == PERF_CONTEXT_USER ? &c.user
						      : NULL;
		if (half)
			*half = (struct half){ ips + i + 1, 0, false };
	}
	return c;
}

const uint64_t *stacks_user_half(const uint64_t *chain, uint32_t n_chain, uint32_t *n)
{
	struct chain c = split(chain, n_chain);

	*n = c.user.n;
	return c.user.ips;
}

/* Where code has no frame pointers the kernel's walk reads whatever is in the register, and ends in
 * addresses where no code is. Those are left out, and said so. */
static bool trim_user(const struct thread *t, struct half *h)
{
	uint32_t n = h->n;

	while (h->n > 1 && !space_find(t->space, h->ips[h->n - 1]))
		h->n--;
	return h->n < n;
}

/* Each version of code made at run time has a mapping of its own. */
static uint32_t mapping_of(struct stacks *s, const struct new_frame *f)
{
	struct mapping m = { .kind = f->image->kind, .base = f->version, .pid = f->image->pid };

	if (!f->version)
		return image_mapping(f->image, s->writer);
	m.path = writer_string(s->writer, f->image->path, strlen(f->image->path));
	return writer_mapping(s->writer, &m);
}

static uint32_t add_frame(struct stacks *s, uint32_t parent, struct new_frame *f)
{
	bool is_new;

	f->frame = writer_frame(s->writer, mapping_of(s, f), f->address, &is_new);
	if (is_new)
		s->on_frame(s->ctx, f);
	return writer_stack(s->writer, parent, f->frame);
}

static uint32_t add_user(struct stacks *s, uint32_t stack, const struct owner *owner,
	const struct link *l)
{
	struct new_frame f = { .ip = l->ip,
		.pid = owner->pid,
		.version = l->version,
		.time_ns = owner->time_ns };
	const struct vma *v = space_find(owner->space, l->ip);

	if (!v) /* nobody knows what is there: keep the address itself */
		return writer_stack(s->writer, stack, writer_frame(s->writer, 0, l->ip, NULL));
	f.image = v->image;
	f.address = v->image->kind == MAPPING_JIT ? l->ip : l->ip - v->start + v->offset;
	return add_frame(s, stack, &f);
}

static uint32_t add_kernel(struct stacks *s, uint32_t stack, uint64_t ip, uint64_t now_ns)
{
	struct new_frame f = { .ip = ip };

	f.image = kernel_map_find(s->kernel, ip, now_ns, &f.address);
	return add_frame(s, stack, &f);
}

static uint8_t flags_of(const struct stacks *s, const struct chain *c, const struct thread *t)
{
	uint8_t flags = 0;

	if (c->user.n)
		flags |= STACK_USER_FP;
	else if (!t->kernel)
		flags |= STACK_NO_USER;
	if (c->kernel.n)
		flags |= STACK_KERNEL;
	if (c->depth >= s->max_depth)
		flags |= STACK_TRUNCATED;
	return flags;
}

/* At the same address there may be other code now. */
static uint64_t version_at(const struct owner *owner, uint64_t ip)
{
	const struct vma *v = space_find(owner->space, ip);

	return v && v->image->kind == MAPPING_JIT ? jit_version(owner->jit, ip, owner->time_ns) : 0;
}

/* owner: NULL for the kernel's half. */
static void link_half(struct stacks *s, uint32_t *n, const struct half *h,
	const struct owner *owner)
{
	for (uint32_t i = h->n; i-- > 0 && *n < MAX_CHAIN;) {
		struct link *l = &s->links[*n];

		l->ip = h->ips[i] - (i > 0 && !h->exact);
		l->kernel = !owner;
		l->version = owner && owner->jit ? version_at(owner, l->ip) : 0;
		l->hash[0] = hash_u64(l[-1].hash[0] + l->ip + hash_u64(l->version));
		l->hash[1] = (l[-1].hash[1] ^ l->ip) * 0x9e3779b97f4a7c15ULL;
		l->hash[1] ^= l->hash[1] >> 29;
		++*n;
	}
}

static struct cached *cached_for(struct stacks *s, const struct link *l)
{
	return &s->cache[l->hash[0] % CACHE];
}

static bool is_cached(const struct cached *c, const struct link *l)
{
	return c->stack && c->hash[0] == l->hash[0] && c->hash[1] == l->hash[1];
}

static void remember(struct stacks *s, const struct link *l, uint32_t stack)
{
	*cached_for(s, l) = (struct cached){ { l->hash[0], l->hash[1] }, stack };
}

static uint32_t add_chain(struct stacks *s, const struct chain *c, const struct owner *owner,
	uint8_t flags)
{
	uint32_t n = 1, known, stack;

	/* The first link is the root: address space and flags. */
	s->links[0].hash[0] = hash_u64((uint64_t)owner->space->serial << 8 | flags);
	s->links[0].hash[1] = ~s->links[0].hash[0];
	link_half(s, &n, &c->user, owner);
	link_half(s, &n, &c->kernel, NULL);
	for (known = n - 1; known > 0; known--)
		if (is_cached(cached_for(s, &s->links[known]), &s->links[known]))
			break;
	stack = known ? cached_for(s, &s->links[known])->stack
		      : writer_stack_root(s->writer, flags);
	for (uint32_t i = known + 1; i < n; i++) {
		const struct link *l = &s->links[i];

		stack = l->kernel ? add_kernel(s, stack, l->ip, owner->time_ns)
				  : add_user(s, stack, owner, l);
		remember(s, l, stack);
	}
	return stack;
}

static struct owner owner_of(const struct stacks *s, const struct space *space, uint32_t pid,
	uint64_t time_ns)
{
	return (struct owner){ space, pid, time_ns, s->jit ? jit_process(s->jit, pid) : NULL };
}

uint32_t stacks_get(struct stacks *s, const struct thread *t, const uint64_t *ips, uint32_t n_ips,
	uint64_t now_ns)
{
	struct chain c = split(ips, n_ips);
	struct owner owner = owner_of(s, t->space, t->pid, now_ns);
	bool broken = trim_user(t, &c.user);
	uint8_t flags = flags_of(s, &c, t) | (broken ? STACK_BROKEN : 0);

	return c.depth ? add_chain(s, &c, &owner, flags) : 0;
}

uint32_t stacks_get_unwound(struct stacks *s, const struct unwound *u, const uint64_t *ips,
	uint32_t n_ips, uint64_t now_ns)
{
	struct chain c = split(ips, n_ips);
	struct owner owner = owner_of(s, u->space, u->pid, now_ns);
	uint8_t flags = u->flags;

	c.user = (struct half){ u->frames, u->n_frames, true };
	if (!u->n_frames && !u->kernel_thread)
		flags |= STACK_NO_USER;
	if (c.kernel.n)
		flags |= STACK_KERNEL;
	return c.kernel.n + c.user.n ? add_chain(s, &c, &owner, flags) : 0;
}
