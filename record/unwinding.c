/* A queue in a ring of memory. The loop adds at its head; threads take the next job that nobody has;
 * the loop collects at the tail those that are done, in order. A job keeps its thread's address space as
 * it was: while someone else holds a space, a change makes a copy (process.h). */
#include "record/unwinding.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "format/symbols/debug_file.h"
#include "format/symbols/same_code.h"
#include "format/symbols/vdso.h"
#include "record/cpus.h"
#include "record/recording.h"
#include "specs/walk.h"

#define QUEUE_BYTES ((size_t)32 << 20) /* of memory for jobs... */
#define QUEUE_FEW   ((size_t)12 << 20) /* ...where that is enough for two seconds */
#define QUEUE_KEPT  ((size_t)2 << 20)  /* when there has been nothing to do for a while */
#define TABLE_BYTES \
	((size_t)256 << 20) /* of all; one of a library of 110 MB has 3.5, 13 while it is made */
/* Where the kernel walks by tables of its own, ours are for what it does not know yet: those that nobody has asked
 * for so long go, as long as there are more than this. */
#define TABLE_KEPT ((size_t)1 << 20)
#define TABLE_IDLE 500000000ULL
#define SWEEP      1000000000ULL

enum {
	SLOTS = 1 << 14,
	RESERVE = 8, /* this part is kept for jobs without a copy, when the threads fall behind */
	MAX_WORKERS = 4,
	BATCH = 8,             /* jobs that a thread takes at a time */
	MAX_ROW_AT_ONCE = 128, /* bytes */
	KICK = 64,             /* jobs after which threads are told while the loop still adds */
};

struct job {
	atomic_bool done; /* a thread says so, and does not look at the job again */
	bool bare;        /* there is nothing to be unwound */
	bool found;       /* it was before */
	bool kernel_thread;
	uint32_t pid, stream;
	int type;
	uint64_t time_ns;
	struct space *space; /* held */
	uint8_t flags;       /* of the user's half (enum stack_flags) */
	uint32_t n_chain, n_frames, max_frames, n_walked;
	bool same; /* as what was walked */
	uint32_t row_size, stack_at;
	uint32_t bytes; /* of memory, all in all */
	struct unwind_regs regs;
	struct unwind_stack stack; /* its bytes are in data */
	/* Behind it, each aligned to 8: the row, the chain, what was walked, and the copy of the stack, over
	 * which the frames are written when it is no longer needed. */
	uint8_t data[];
};

/* What is known of an image. It hangs on the image, and the list frees it. */
struct image_rules {
	struct image_rules *next, **link; /* link: what points to it */
	struct image *image;              /* borrowed */
	struct cfi *cfi;                  /* owned; NULL: none */
	size_t bytes;
	_Atomic uint64_t used_ns; /* when it was asked for last */
};

/* An image whose rules are to be made. */
struct request {
	struct request *next;
	struct image *image; /* held */
};

struct worker {
	struct unwinding *u;
	pthread_t thread;
	bool working;                  /* at jobs; under the lock, as is the next */
	const struct image *answering; /* of the request that it answers */
	struct unwind_result result;
	const struct space *space; /* of the present job */
	const struct vma *last;    /* of that space, found for the address before */
};

struct unwinding {
	struct recording *recording; /* borrowed */
	uint8_t *memory;             /* mapped */
	size_t size;                 /* of it */
	size_t head, tail,
		touched;         /* of what is used of it; and was, since it was last given back */
	_Atomic uint64_t now_ns; /* about */
	uint64_t swept_ns;
	struct job **slots; /* owned; by number modulo SLOTS */
	uint64_t n_added, n_collected;
	struct unwinding_totals totals;
	uint64_t frames[UNWIND_MAX_FRAMES]; /* of a job that was not unwound */
	struct worker *workers;             /* owned */
	uint32_t n_workers, max_workers;    /* n_workers: were started */
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t wake, progress;
	uint64_t n_ready, n_taken;           /* jobs that may be taken, and were */
	struct request *requests, *answered; /* owned */
	uint32_t n_answering;
	bool finish;
	rules_handler on_rules;
	void *on_rules_ctx;
	pthread_mutex_t compile_lock;
	/* Under the lock of tables, which is never held for long: the loop takes it too. */
	pthread_mutex_t tables_lock;
	struct image_rules *tables;
	uint32_t n_tables;
	uint64_t table_bytes, compile_ns;
};

/* ---- rules of images ---- */

static struct cfi *compile_file(const struct image *image)
{
	struct elf_image code, debug;
	struct build_id id = { { 0 }, image->build_id_len };
	struct cfi *cfi = NULL;
	int fd = image_open(image), debug_fd;

	if (fd < 0)
		return NULL;
	if (elf_image_open(&code, fd, NULL) == 0) {
		cfi = cfi_compile(&code, NULL);
		memcpy(id.bytes, image->build_id, id.len);
		debug_fd = cfi || !id.len ? -1 : debug_file_open("", &id, NULL);
		if (debug_fd >= 0 && elf_image_open(&debug, debug_fd, NULL) == 0) {
			if (same_code(&code, &debug))
				cfi = cfi_compile(&code, &debug);
			elf_image_done(&debug);
		}
		if (debug_fd >= 0)
			close(debug_fd);
	}
	elf_image_done(&code);
	close(fd);
	return cfi;
}

static struct cfi *compile_vdso(void)
{
	struct elf_image e;
	struct cfi *cfi;

	if (vdso_open(&e, NULL))
		return NULL;
	cfi = cfi_compile(&e, NULL);
	elf_image_done(&e);
	return cfi;
}

static struct cfi *compile(struct unwinding *u, const struct image *image)
{
	bool full;

	pthread_mutex_lock(&u->tables_lock);
	full = u->table_bytes >= TABLE_BYTES;
	pthread_mutex_unlock(&u->tables_lock);
	if (full)
		return NULL;
	return image->kind == MAPPING_FILE    ? compile_file(image)
		: image->kind == MAPPING_VDSO ? compile_vdso()
					      : NULL;
}

static void insert_rules(struct unwinding *u, struct image_rules *rules, uint64_t took_ns)
{
	pthread_mutex_lock(&u->tables_lock);
	rules->next = u->tables;
	rules->link = &u->tables;
	if (rules->next)
		rules->next->link = &rules->next;
	u->tables = rules;
	u->n_tables += rules->cfi != NULL;
	u->table_bytes += rules->bytes;
	u->compile_ns += took_ns;
	pthread_mutex_unlock(&u->tables_lock);
}

static struct image_rules *make_rules(struct unwinding *u, struct image *image)
{
	struct image_rules *rules = xcalloc(1, sizeof(*rules));
	struct cfi_stats stats = { 0 };
	uint64_t start = now_ns();

	rules->image = image;
	rules->cfi = compile(u, image);
	if (rules->cfi)
		cfi_stats(rules->cfi, &stats);
	rules->bytes = stats.bytes;
	insert_rules(u, rules, now_ns() - start);
	return rules;
}

/* One thread compiles; others that need a table wait for it. */
static const struct cfi *rules_of(struct unwinding *u, struct image *image)
{
	struct image_rules *rules = atomic_load_explicit(&image->rules, memory_order_acquire);

	if (!rules) {
		pthread_mutex_lock(&u->compile_lock);
		rules = atomic_load_explicit(&image->rules, memory_order_relaxed);
		if (!rules) {
			rules = make_rules(u, image);
			atomic_store_explicit(&image->rules, rules, memory_order_release);
		}
		pthread_mutex_unlock(&u->compile_lock);
	}
	atomic_store_explicit(&rules->used_ns,
		atomic_load_explicit(&u->now_ns, memory_order_relaxed), memory_order_relaxed);
	return rules->cfi;
}

void unwinding_let_go(struct unwinding *u, struct image *image)
{
	struct image_rules *rules = atomic_exchange(&image->rules, NULL);

	if (!rules)
		return;
	pthread_mutex_lock(&u->tables_lock);
	*rules->link = rules->next;
	if (rules->next)
		rules->next->link = rules->link;
	u->table_bytes -= rules->bytes;
	pthread_mutex_unlock(&u->tables_lock);
	cfi_free(rules->cfi);
	free(rules);
}

/* Drops tables that nobody has asked for lately. No thread may be at work. */
static void drop_idle_tables(struct unwinding *u, uint64_t now)
{
	struct image_rules *next;

	for (struct image_rules *t = u->tables; t && u->table_bytes > TABLE_KEPT; t = next) {
		next = t->next;
		if (!t->cfi || now - atomic_load(&t->used_ns) < TABLE_IDLE)
			continue;
		unwinding_let_go(u, t->image); /* it is made anew when it is asked for */
	}
}

/* ---- the threads ---- */

static bool find_code(void *ctx, uint64_t address, struct unwind_code *code)
{
	struct worker *w = ctx;
	const struct vma *v = w->last;

	if (!v || address - v->start >= v->end - v->start)
		v = space_find(w->space, address);
	if (!v)
		return false;
	w->last = v;
	code->offset = address - v->start + v->offset;
	code->cfi = rules_of(w->u, v->image);
	return true;
}

/* Nothing is copied if the page was not in memory: then it is not that the stack is too deep. */
static uint8_t flags_of(const struct unwind_result *r, size_t copied)
{
	uint8_t flags = 0;

	if (r->n_by_fp)
		flags |= STACK_USER_FP;
	if (r->n_by_cfi || !r->n_by_fp)
		flags |= STACK_USER_DWARF;
	switch (r->end) {
	case UNWIND_COPY_ENDS:
		return flags | STACK_TRUNCATED | (copied ? STACK_COPY_ENDS : STACK_NO_USER);
	case UNWIND_TOO_DEEP: return flags | STACK_TRUNCATED;
	case UNWIND_LOST: return flags | STACK_BROKEN;
	default: return flags;
	}
}

static uint64_t *frames_of(struct job *j)
{
	return (uint64_t *)(uintptr_t)j->stack.bytes;
}

static size_t aligned(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static const uint64_t *chain_of(const struct job *j)
{
	return (const uint64_t *)(j->data + aligned(j->row_size));
}

/* As far as the shorter of the two goes: a copy may end, and a walk takes no more than so many frames. */
static bool is_same(const struct unwind_result *r, const uint64_t *walked, uint32_t n)
{
	uint32_t both = r->n < n ? r->n : n;

	if (r->n != n && !(r->n < n && r->end == UNWIND_COPY_ENDS) && n != WALK_FRAMES)
		return false;
	return memcmp(r->frames, walked, both * sizeof(*walked)) == 0;
}

static void do_job(struct worker *w, struct job *j)
{
	struct unwind_chain chain;

	chain.ips = stacks_user_half(chain_of(j), j->n_chain, &chain.n);
	w->space = j->space;
	w->last = NULL;
	unwind(&j->regs, &j->stack, &chain, find_code, w, &w->result);
	j->flags = flags_of(&w->result, j->stack.len);
	j->same = is_same(&w->result, chain_of(j) + j->n_chain, j->n_walked);
	j->n_frames = w->result.n < j->max_frames ? w->result.n : j->max_frames;
	memcpy(frames_of(j), w->result.frames, j->n_frames * sizeof(uint64_t));
}

/* Takes up to BATCH jobs; called and left with the lock held. */
static void work(struct worker *w)
{
	struct unwinding *u = w->u;
	uint64_t from = u->n_taken, to = from + BATCH < u->n_ready ? from + BATCH : u->n_ready;

	u->n_taken = to;
	w->working = true;
	if (to < u->n_ready) /* more than one is to do: each wakes the next */
		pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	for (; from < to; from++) {
		struct job *j = u->slots[from % SLOTS];

		if (!j->bare && !j->found)
			do_job(w, j);
		atomic_store_explicit(&j->done, true, memory_order_release);
	}
	pthread_mutex_lock(&u->lock);
	w->working = false;
	pthread_cond_signal(&u->progress);
}

/* Whether another thread may have rules of the image in its hands. With the lock held. */
static bool is_needed(const struct unwinding *u, const struct image *image)
{
	for (uint32_t i = 0; i < u->max_workers; i++)
		if (u->workers[i].working || u->workers[i].answering == image)
			return true;
	return false;
}

/* Takes one request; called and left with the lock held. Rules that were made for the kernel only are not kept
 * here: the first seconds of a recording ask for those of all that runs. */
static void answer(struct worker *w)
{
	struct unwinding *u = w->u;
	struct request *q = u->requests;
	const struct cfi *cfi;
	bool is_new;

	u->requests = q->next;
	u->n_answering++;
	w->answering = q->image;
	pthread_mutex_unlock(&u->lock);
	is_new = !atomic_load(&q->image->rules);
	cfi = rules_of(u, q->image);
	u->on_rules(u->on_rules_ctx, q->image, cfi);
	pthread_mutex_lock(&u->lock);
	w->answering = NULL;
	if (is_new && cfi && !is_needed(u, q->image))
		unwinding_let_go(u, q->image);
	u->n_answering--;
	pthread_cond_signal(&u->progress);
	q->next = u->answered;
	u->answered = q;
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct unwinding *u = w->u;

	pthread_mutex_lock(&u->lock);
	while (!u->finish) {
		if (u->requests)
			answer(w);
		else if (u->n_taken == u->n_ready)
			pthread_cond_wait(&u->wake, &u->lock);
		else
			work(w);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

/* ---- the queue, on the loop's side ---- */

/* So many bytes in one piece at the head of the ring, of which `spare` must stay free; NULL: there is no
 * room. A piece that does not fit at the end goes to the start. */
static struct job *take_room(struct unwinding *u, size_t bytes, size_t spare)
{
	size_t head = u->head;

	if (u->n_added == u->n_collected)
		head = u->tail = 0;
	if (u->n_added - u->n_collected == SLOTS)
		return NULL;
	if (head >= u->tail && head + bytes + spare > u->size) {
		if (bytes + spare >= u->tail)
			return NULL;
		head = 0;
	} else if (head < u->tail && head + bytes + spare >= u->tail) {
		return NULL;
	}
	u->head = head + bytes;
	u->touched = u->head > u->touched ? u->head : u->touched;
	return (struct job *)(u->memory + head);
}

/* `stack` bytes for a copy of a stack, or frames that were found. */
static struct job *new_job(struct unwinding *u, const struct unwinding_row *row, size_t stack,
	bool copy)
{
	size_t addresses = 8 * (row->n_chain + row->n_walked);
	size_t bytes = aligned(sizeof(struct job)) + aligned(row->size) + addresses + stack;
	struct job *j = take_room(u, bytes, copy ? u->size / RESERVE : 0);

	if (!j)
		return NULL;
	*j = (struct job){ .pid = row->thread->pid,
		.kernel_thread = row->thread->kernel,
		.space = space_hold(row->thread->space),
		.stream = row->stream,
		.type = row->type,
		.time_ns = row->time_ns,
		.n_chain = row->n_chain,
		.n_walked = row->n_walked,
		.row_size = (uint32_t)row->size,
		.stack_at = (uint32_t)row->stack_at,
		.bytes = (uint32_t)bytes,
		.max_frames = (uint32_t)(stack / sizeof(uint64_t)),
		.regs = *row->regs,
		.stack = *row->stack };
	memcpy(j->data, row->row, row->size);
	memcpy(j->data + aligned(row->size), row->chain, 8 * row->n_chain);
	if (row->n_walked)
		memcpy(j->data + aligned(row->size) + 8 * row->n_chain, row->walked,
			8 * row->n_walked);
	j->stack.bytes = j->data + aligned(row->size) + addresses;
	return j;
}

/* A row whose user half needs no work, or cannot get it. */
static void add_as_it_is(struct job *j, bool overloaded)
{
	j->bare = true;
	if (overloaded)
		j->flags = STACK_TRUNCATED | STACK_OVERLOAD;
}

/* The user half of a job that was not unwound: what the kernel found by frame pointers, or at least where
 * it was. */
static void take_chain(struct unwinding *u, struct job *j, struct unwound *to)
{
	uint32_t n;
	const uint64_t *ips = stacks_user_half(chain_of(j), j->n_chain, &n);

	if (!n && j->regs.value[UNWIND_REG_RA]) {
		n = 1;
		ips = &j->regs.value[UNWIND_REG_RA];
	}
	to->frames = u->frames;
	to->n_frames = n < UNWIND_MAX_FRAMES ? n : UNWIND_MAX_FRAMES;
	for (uint32_t i = 0; i < to->n_frames; i++)
		u->frames[i] = ips[i] - (i > 0);
	to->flags |= n ? STACK_USER_FP : 0;
}

void unwinding_count(struct unwinding *u, uint8_t flags)
{
	u->totals.stacks++;
	u->totals.copy_ends += (flags & STACK_COPY_ENDS) != 0;
	u->totals.lost += (flags & STACK_BROKEN) != 0;
	u->totals.overload += (flags & STACK_OVERLOAD) != 0;
	u->totals.unread += (flags & STACK_NO_USER) != 0;
}

/* The oldest job goes to the writer. */
static void hand_on(struct unwinding *u)
{
	struct job *j = u->slots[u->n_collected % SLOTS];
	struct recording *r = u->recording;
	uint32_t stack;
	struct unwound found = { .space = j->space,
		.pid = j->pid,
		.kernel_thread = j->kernel_thread,
		.frames = frames_of(j),
		.n_frames = j->n_frames,
		.flags = j->flags };

	if (j->bare)
		take_chain(u, j, &found);
	if (found.n_frames)
		unwinding_count(u, found.flags);
	u->totals.copied += !j->bare && !j->found;
	if (j->n_walked && !j->bare)
		++*(j->same ? &u->totals.same : &u->totals.other);
	stack = stacks_get_unwound(r->stacks, &found, chain_of(j), j->n_chain, j->time_ns);
	memcpy(j->data + j->stack_at, &stack, sizeof(stack));
	recording_add(r, j->stream, j->type, j->data);
	space_release(j->space);
	u->tail = (size_t)((uint8_t *)j - u->memory) + j->bytes;
	u->n_collected++;
}

static bool is_done(const struct unwinding *u)
{
	struct job *j;

	if (u->n_collected == u->n_added)
		return false;
	j = u->slots[u->n_collected % SLOTS];
	return atomic_load_explicit(&j->done, memory_order_acquire);
}

/* Lets threads take what was added. */
static void kick(struct unwinding *u)
{
	if (u->n_ready == u->n_added) /* only we change it */
		return;
	pthread_mutex_lock(&u->lock);
	u->n_ready = u->n_added;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
}

void unwinding_add(struct unwinding *u, const struct unwinding_row *row)
{
	bool unwound = row->regs->known;
	struct job *j = NULL;

	if (unwound)
		j = new_job(u, row, aligned(row->stack->len) + 2 * sizeof(uint64_t), true);
	if (j) {
		memcpy((uint8_t *)(uintptr_t)j->stack.bytes, row->stack->bytes, row->stack->len);
	} else if ((j = new_job(u, row, sizeof(uint64_t), false))) {
		add_as_it_is(j, unwound);
	} else {
		recording_lost(u->recording, row->stream, row->event, 1, row->time_ns,
			row->time_ns);
		return;
	}
	u->slots[u->n_added++ % SLOTS] = j;
	if (u->n_added - u->n_ready >= KICK)
		kick(u);
}

/* The row itself, if no other is under way. */
static void add_at_once(struct unwinding *u, const struct unwinding_row *row,
	const struct unwound *found)
{
	struct recording *r = u->recording;
	uint64_t copy[16];
	uint32_t stack = stacks_get_unwound(r->stacks, found, row->chain, row->n_chain,
		row->time_ns);

	memcpy(copy, row->row, row->size);
	memcpy((uint8_t *)copy + row->stack_at, &stack, sizeof(stack));
	if (found->n_frames)
		unwinding_count(u, found->flags);
	recording_add(r, row->stream, row->type, copy);
}

void unwinding_add_found(struct unwinding *u, const struct unwinding_row *row,
	const uint64_t *frames, uint32_t n_frames, uint8_t flags)
{
	const struct unwound found = { .space = row->thread->space,
		.pid = row->thread->pid,
		.kernel_thread = row->thread->kernel,
		.frames = frames,
		.n_frames = n_frames,
		.flags = flags };
	static const struct unwind_regs no_regs;
	static const struct unwind_stack no_stack;
	struct unwinding_row queued = *row;
	struct job *j;

	if (u->n_collected == u->n_added && row->size <= MAX_ROW_AT_ONCE) {
		add_at_once(u, row, &found);
		return;
	}
	queued.regs = &no_regs;
	queued.stack = &no_stack;
	j = new_job(u, &queued, (n_frames + 1) * sizeof(uint64_t), false);
	if (!j) {
		recording_lost(u->recording, row->stream, row->event, 1, row->time_ns,
			row->time_ns);
		return;
	}
	j->found = true;
	j->flags = flags;
	j->n_frames = n_frames;
	memcpy(frames_of(j), frames, n_frames * sizeof(uint64_t));
	u->slots[u->n_added++ % SLOTS] = j;
}

void unwinding_on_rules(struct unwinding *u, rules_handler call, void *ctx)
{
	u->on_rules = call;
	u->on_rules_ctx = ctx;
}

void unwinding_prepare(struct unwinding *u, struct image *image)
{
	struct request *q = xcalloc(1, sizeof(*q));

	q->image = image;
	image_hold(image);
	pthread_mutex_lock(&u->lock);
	q->next = u->requests;
	u->requests = q;
	pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
}

void unwinding_wait_prepared(struct unwinding *u)
{
	struct timespec until;
	int code = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&u->lock);
	while (!code && (u->requests || u->n_answering))
		code = pthread_cond_timedwait(&u->progress, &u->lock, &until);
	pthread_mutex_unlock(&u->lock);
}

static void free_requests(struct request *q, bool release)
{
	struct request *next;

	for (; q; q = next) {
		next = q->next;
		if (release)
			image_release(q->image);
		free(q);
	}
}

static void release_images(struct unwinding *u)
{
	struct request *answered;

	if (!u->on_rules)
		return;
	pthread_mutex_lock(&u->lock);
	answered = u->answered;
	u->answered = NULL;
	pthread_mutex_unlock(&u->lock);
	free_requests(answered, true);
}

/* Once a second, when there is nothing to do: gives memory back that is not needed all the time. */
static void sweep(struct unwinding *u, uint64_t now)
{
	u->swept_ns = now;
	if (u->touched > QUEUE_KEPT)
		madvise(u->memory + QUEUE_KEPT, u->touched - QUEUE_KEPT, MADV_DONTNEED);
	u->touched = 0;
	if (!u->on_rules)
		return;
	pthread_mutex_lock(&u->lock); /* nobody begins */
	if (!u->n_answering)
		drop_idle_tables(u, now);
	pthread_mutex_unlock(&u->lock);
}

void unwinding_collect(struct unwinding *u)
{
	uint64_t now = now_ns();

	atomic_store_explicit(&u->now_ns, now, memory_order_relaxed);
	release_images(u);
	kick(u);
	while (is_done(u))
		hand_on(u);
	if (u->n_collected == u->n_added && now - u->swept_ns >= SWEEP)
		sweep(u, now);
}

void unwinding_finish(struct unwinding *u)
{
	unwinding_collect(u);
	while (u->n_collected < u->n_added) {
		pthread_mutex_lock(&u->lock);
		if (!is_done(u))
			pthread_cond_wait(&u->progress, &u->lock);
		pthread_mutex_unlock(&u->lock);
		unwinding_collect(u);
	}
}

uint64_t unwinding_oldest_ns(const struct unwinding *u)
{
	return u->n_collected == u->n_added ? UINT64_MAX
					    : u->slots[u->n_collected % SLOTS]->time_ns;
}

void unwinding_totals(const struct unwinding *u, struct unwinding_totals *t)
{
	*t = u->totals;
}

static void write_fact(struct writer *w, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	writer_info(w, key, text);
}

void unwinding_info(struct unwinding *u, struct writer *w)
{
	write_fact(w, "unwind.stacks", u->totals.stacks);
	write_fact(w, "unwind.copy_ends", u->totals.copy_ends);
	write_fact(w, "unwind.lost", u->totals.lost);
	write_fact(w, "unwind.overload", u->totals.overload);
	write_fact(w, "unwind.unread", u->totals.unread);
	write_fact(w, "unwind.copied", u->totals.copied);
	if (u->totals.same + u->totals.other) {
		write_fact(w, "unwind.checked_same", u->totals.same);
		write_fact(w, "unwind.checked_other", u->totals.other);
	}
	pthread_mutex_lock(&u->tables_lock);
	write_fact(w, "unwind.tables", u->n_tables);
	write_fact(w, "unwind.tables_bytes", u->table_bytes);
	write_fact(w, "unwind.tables_ns", u->compile_ns);
	pthread_mutex_unlock(&u->tables_lock);
}

/* ---- the outside ---- */

bool unwinding_few(const struct options *o)
{
	uint64_t a_second = (uint64_t)(o->frequency ? o->frequency : DEFAULT_HZ) * o->stack_bytes *
		cpus_possible();

	/* Where most are walked in the kernel, or at a rate that is known. */
	return o->unwind == UNWIND_BPF ||
		(!o->count && !options_event_copies(o) && 2 * a_second <= QUEUE_FEW);
}

struct unwinding *unwinding_new(struct recording *r, bool few)
{
	struct unwinding *u = xcalloc(1, sizeof(*u));

	u->recording = r;
	u->slots = xcalloc(SLOTS, sizeof(struct job *));
	u->size = few ? QUEUE_FEW : QUEUE_BYTES;
	u->memory = mmap(NULL, u->size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_mutex_init(&u->lock, NULL);
	pthread_mutex_init(&u->tables_lock, NULL);
	pthread_mutex_init(&u->compile_lock, NULL);
	pthread_cond_init(&u->wake, NULL);
	pthread_cond_init(&u->progress, NULL);
	return u;
}

int unwinding_start(struct unwinding *u)
{
	uint32_t n = cpus_possible();
	int code = 0;

	if (u->memory == MAP_FAILED)
		return -ENOMEM;
	n = n < MAX_WORKERS ? n : MAX_WORKERS;
	u->workers = xcalloc(n, sizeof(*u->workers));
	u->max_workers = n;
	for (; !code && u->n_workers < n; u->n_workers += !code) {
		struct worker *w = &u->workers[u->n_workers];

		w->u = u;
		code = pthread_create(&w->thread, NULL, run, w);
	}
	return u->n_workers ? 0 : -code;
}

static void free_tables(struct unwinding *u)
{
	struct image_rules *next;

	for (struct image_rules *t = u->tables; t; t = next) {
		next = t->next;
		cfi_free(t->cfi);
		free(t);
	}
}

void unwinding_free(struct unwinding *u)
{
	if (!u)
		return;
	pthread_mutex_lock(&u->lock);
	u->finish = true;
	pthread_cond_broadcast(&u->wake);
	pthread_mutex_unlock(&u->lock);
	for (uint32_t i = 0; i < u->n_workers; i++)
		pthread_join(u->workers[i].thread, NULL);
	for (; u->n_collected < u->n_added; u->n_collected++)
		space_release(u->slots[u->n_collected % SLOTS]->space);
	if (u->memory != MAP_FAILED)
		munmap(u->memory, u->size);
	free_tables(u);
	free_requests(u->requests, false);
	free_requests(u->answered, false);
	free(u->workers);
	free(u->slots);
	pthread_mutex_destroy(&u->lock);
	pthread_mutex_destroy(&u->tables_lock);
	pthread_mutex_destroy(&u->compile_lock);
	pthread_cond_destroy(&u->wake);
	pthread_cond_destroy(&u->progress);
	free(u);
}
