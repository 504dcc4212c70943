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
#include <unistd.h>

#include "format/symbols/debug_file.h"
#include "format/symbols/vdso.h"
#include "record/cpus.h"
#include "record/recording.h"

#define QUEUE_BYTES ((size_t)32 << 20)
#define TABLE_BYTES ((size_t)256 << 20) /* of all tables; a library of 110 MB takes 3.5 */

enum {
	SLOTS = 1 << 14,
	RESERVE = QUEUE_BYTES / 8, /* kept for jobs without a stack, when the threads fall behind */
	MAX_WORKERS = 4,
	BATCH = 8, /* jobs that a thread takes at a time */
	KICK = 64, /* jobs after which threads are told while the loop still adds */
};

struct job {
	atomic_bool done; /* a thread says so, and does not look at the job again */
	bool bare;        /* there is nothing to be unwound */
	bool kernel_thread;
	uint32_t pid, stream;
	int type;
	uint64_t time_ns;
	struct space *space; /* held */
	uint8_t flags;       /* of the user's half (enum stack_flags) */
	uint32_t n_chain, n_frames, max_frames;
	uint32_t row_size, stack_at;
	uint32_t bytes; /* of memory, all in all */
	struct unwind_regs regs;
	struct unwind_stack stack; /* its bytes are in data */
	/* Behind it, each aligned to 8: the row, the chain, the copy of the stack, over which the frames
	 * are written when it is no longer needed. */
	uint8_t data[];
};

/* What is known of an image. It hangs on the image, and the list frees it. */
struct image_rules {
	struct image_rules *next, **link; /* link: what points to it */
	struct cfi *cfi;                  /* owned; NULL: none */
	size_t bytes;
};

struct worker {
	struct unwinding *u;
	pthread_t thread;
	struct unwind_result result;
	const struct space *space; /* of the present job */
	const struct vma *last;    /* of that space, found for the address before */
};

struct unwinding {
	struct recording *recording; /* borrowed */
	uint8_t *memory;             /* mapped */
	size_t head, tail;           /* of what is used of it */
	struct job **slots;          /* owned; by number modulo SLOTS */
	uint64_t n_added, n_collected;
	struct unwinding_totals totals;
	uint64_t frames[UNWIND_MAX_FRAMES]; /* of a job that was not unwound */
	struct worker *workers;             /* owned */
	uint32_t n_workers;
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t wake, progress;
	uint64_t n_ready, n_taken; /* jobs that may be taken, and were */
	bool finish;
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

static struct image_rules *make_rules(struct unwinding *u, const struct image *image)
{
	struct image_rules *rules = xcalloc(1, sizeof(*rules));
	struct cfi_stats stats = { 0 };
	uint64_t start = now_ns();

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

	if (rules)
		return rules->cfi;
	pthread_mutex_lock(&u->compile_lock);
	rules = atomic_load_explicit(&image->rules, memory_order_relaxed);
	if (!rules) {
		rules = make_rules(u, image);
		atomic_store_explicit(&image->rules, rules, memory_order_release);
	}
	pthread_mutex_unlock(&u->compile_lock);
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

static uint8_t flags_of(const struct unwind_result *r)
{
	uint8_t flags = 0;

	if (r->n_by_fp)
		flags |= STACK_USER_FP;
	if (r->n_by_cfi || !r->n_by_fp)
		flags |= STACK_USER_DWARF;
	switch (r->end) {
	case UNWIND_COPY_ENDS: return flags | STACK_TRUNCATED | STACK_COPY_ENDS;
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

static void do_job(struct worker *w, struct job *j)
{
	struct unwind_chain chain;

	chain.ips = stacks_user_half(chain_of(j), j->n_chain, &chain.n);
	w->space = j->space;
	w->last = NULL;
	unwind(&j->regs, &j->stack, &chain, find_code, w, &w->result);
	j->flags = flags_of(&w->result);
	j->n_frames = w->result.n < j->max_frames ? w->result.n : j->max_frames;
	memcpy(frames_of(j), w->result.frames, j->n_frames * sizeof(uint64_t));
}

/* Takes up to BATCH jobs; called and left with the lock held. */
static void work(struct worker *w)
{
	struct unwinding *u = w->u;
	uint64_t from = u->n_taken, to = from + BATCH < u->n_ready ? from + BATCH : u->n_ready;

	u->n_taken = to;
	if (to < u->n_ready) /* more than one is to do: each wakes the next */
		pthread_cond_signal(&u->wake);
	pthread_mutex_unlock(&u->lock);
	for (; from < to; from++) {
		struct job *j = u->slots[from % SLOTS];

		if (!j->bare)
			do_job(w, j);
		atomic_store_explicit(&j->done, true, memory_order_release);
	}
	pthread_mutex_lock(&u->lock);
	pthread_cond_signal(&u->progress);
}

static void *run(void *arg)
{
	struct worker *w = arg;
	struct unwinding *u = w->u;

	pthread_mutex_lock(&u->lock);
	while (!u->finish) {
		if (u->n_taken == u->n_ready)
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
	if (head >= u->tail && head + bytes + spare > QUEUE_BYTES) {
		if (bytes + spare >= u->tail)
			return NULL;
		head = 0;
	} else if (head < u->tail && head + bytes + spare >= u->tail) {
		return NULL;
	}
	u->head = head + bytes;
	return (struct job *)(u->memory + head);
}

static struct job *new_job(struct unwinding *u, const struct unwinding_row *row, size_t stack)
{
	size_t bytes = aligned(sizeof(struct job)) + aligned(row->size) + 8 * row->n_chain + stack;
	struct job *j = take_room(u, bytes, stack > sizeof(uint64_t) ? RESERVE : 0);

	if (!j)
		return NULL;
	*j = (struct job){ .pid = row->thread->pid,
		.kernel_thread = row->thread->kernel,
		.space = space_hold(row->thread->space),
		.stream = row->stream,
		.type = row->type,
		.time_ns = row->time_ns,
		.n_chain = row->n_chain,
		.row_size = (uint32_t)row->size,
		.stack_at = (uint32_t)row->stack_at,
		.bytes = (uint32_t)bytes,
		.max_frames = (uint32_t)(stack / sizeof(uint64_t)),
		.regs = *row->regs,
		.stack = *row->stack };
	memcpy(j->data, row->row, row->size);
	memcpy(j->data + aligned(row->size), row->chain, 8 * row->n_chain);
	j->stack.bytes = j->data + aligned(row->size) + 8 * row->n_chain;
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

static void count(struct unwinding *u, const struct unwound *found)
{
	u->totals.stacks += found->n_frames > 0;
	u->totals.copy_ends += (found->flags & STACK_COPY_ENDS) != 0;
	u->totals.lost += (found->flags & STACK_BROKEN) != 0;
	u->totals.overload += (found->flags & STACK_OVERLOAD) != 0;
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
	count(u, &found);
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
	bool unwound = row->regs->known && row->stack->len;
	struct job *j = NULL;

	if (unwound)
		j = new_job(u, row, aligned(row->stack->len) + 2 * sizeof(uint64_t));
	if (j) {
		memcpy((uint8_t *)(uintptr_t)j->stack.bytes, row->stack->bytes, row->stack->len);
	} else if ((j = new_job(u, row, sizeof(uint64_t)))) {
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

void unwinding_collect(struct unwinding *u)
{
	kick(u);
	while (is_done(u))
		hand_on(u);
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
	pthread_mutex_lock(&u->tables_lock);
	write_fact(w, "unwind.tables", u->n_tables);
	write_fact(w, "unwind.tables_bytes", u->table_bytes);
	write_fact(w, "unwind.tables_ns", u->compile_ns);
	pthread_mutex_unlock(&u->tables_lock);
}

/* ---- the outside ---- */

struct unwinding *unwinding_new(struct recording *r)
{
	struct unwinding *u = xcalloc(1, sizeof(*u));

	u->recording = r;
	u->slots = xcalloc(SLOTS, sizeof(struct job *));
	u->memory = mmap(NULL, QUEUE_BYTES, PROT_READ | PROT_WRITE,
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
		munmap(u->memory, QUEUE_BYTES);
	free_tables(u);
	free(u->workers);
	free(u->slots);
	pthread_mutex_destroy(&u->lock);
	pthread_mutex_destroy(&u->tables_lock);
	pthread_mutex_destroy(&u->compile_lock);
	pthread_cond_destroy(&u->wake);
	pthread_cond_destroy(&u->progress);
	free(u);
}
