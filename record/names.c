/* Requests gather in one list; once a second the thread takes those whose image is due, sorts them by
 * image and address, and hands them back as a batch with an arena of its own. Names come first; what
 * DWARF has to say of the same addresses is read later and rarely, as it costs much more. */
#include "record/names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/deadline.h"
#include "format/symbols/perf_map.h"
#include "record/names_known.h"

enum {
	/* Seconds until an image's first batch. Each further one waits twice as long, of the kernel four
	 * times, as it may be that kallsyms, which costs 45 ms of CPU, is to be read anew. */
	FIRST_WAIT = 1,
	FIRST_LINES = 16, /* as FIRST_WAIT, until DWARF is read; it is when a segment ends, too */
	MAX_WAIT = 64,
	MAX_OPEN = 256, /* files kept open */
	SETTLE_ROUNDS = 2,
	LOOK_NS = 50000000, /* how often somebody who waits is asked whether to go on */
};

/* Seconds between batches, and the second of the next one. */
struct timer {
	uint32_t wait, due;
};

/* An image and the way to its names. While something is asked of it it stays where it is. */
struct home {
	struct image *image; /* borrowed; NULL: free for another */
	uint32_t serial;     /* that no other ever had */
	uint32_t n_wanted;   /* requests that are not answered yet */
	int fd;              /* its file, or a perf map; -1 */
	bool tried;          /* to open it */
	uint32_t pid;
	struct timer names, lines;
	uint32_t next_free;
};

struct request {
	uint32_t frame, generation, home;
	uint64_t address, ip;
};

struct answer {
	uint32_t frame, generation;
	uint32_t serial; /* of its home, which may be gone by now */
	uint64_t address;
	struct name_found found; /* its texts are in the batch's arena */
	bool lasting; /* true also in later segments: not so of code made at run time, which
				  * can be other code later, nor of a file that was not found */
};

struct batch {
	struct batch *next;
	struct arena arena;
	struct answer *answers; /* owned */
	uint32_t n, at;         /* at: the first that is not yet written */
};

struct requests {
	struct request *list; /* owned */
	uint32_t n, cap;
};

struct names {
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* The recording's own. */
	struct writer *writer; /* borrowed */
	struct names_known known;
	struct answer *ready; /* owned; of known addresses, not yet written */
	uint32_t n_ready, cap_ready;
	uint32_t n_rounds; /* of looking up at the end of a segment */
	/* Under the lock. */
	struct requests asked;
	struct requests unread; /* named; what DWARF says of them is to be read */
	struct home *homes;     /* owned; an image has its number; the first is nobody's */
	uint32_t n_homes, cap_homes, free_home, last_serial;
	uint32_t n_fds;
	uint32_t generation; /* of the newest request */
	struct batch *done;  /* in the order of their making */
	bool finish, hurry;
	bool finished;        /* the thread has answered all */
	uint32_t second;      /* of the thread's life */
	uint64_t workers_cpu; /* ns, of the processes that read DWARF */
	/* The thread's own. */
	struct name_lookup lookup;
	struct requests waiting; /* JIT code without a name yet: asked again later */
	struct timer kernel;
};

/* ---- the recording's side ---- */

static void add_request(struct requests *r, const struct request *q)
{
	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4096;
		r->list = xrealloc(r->list, r->cap, sizeof(*r->list));
	}
	r->list[r->n++] = *q;
}

/* The number of a place for a home. */
static uint32_t free_place(struct names *n)
{
	uint32_t at = n->free_home;

	if (at) {
		n->free_home = n->homes[at].next_free;
		return at;
	}
	if (n->n_homes == n->cap_homes) {
		n->cap_homes *= 2;
		n->homes = xrealloc(n->homes, n->cap_homes, sizeof(*n->homes));
	}
	return n->n_homes++;
}

static uint32_t home_number(struct names *n, struct image *image, uint32_t pid, bool *is_new)
{
	*is_new = !image->home;
	if (!*is_new)
		return image->home;
	image->home = free_place(n);
	n->homes[image->home] = (struct home){ .image = image,
		.serial = ++n->last_serial,
		.fd = -1,
		.pid = pid,
		.names = { FIRST_WAIT, n->second + FIRST_WAIT },
		.lines = { FIRST_LINES, n->second + FIRST_LINES } };
	return image->home;
}

static void close_home(struct names *n, struct home *h)
{
	if (h->fd < 0)
		return;
	close(h->fd);
	h->fd = -1;
	h->tried = false;
	n->n_fds--;
}

bool names_let_go(struct names *n, struct image *image)
{
	uint32_t at = image->home;
	bool wanted;

	if (!at)
		return true;
	pthread_mutex_lock(&n->lock);
	wanted = n->homes[at].n_wanted > 0;
	if (!wanted) {
		close_home(n, &n->homes[at]);
		n->homes[at] = (struct home){ .fd = -1, .next_free = n->free_home };
		n->free_home = at;
		image->home = 0;
	}
	pthread_mutex_unlock(&n->lock);
	return !wanted;
}

static void add_ready(struct names *n, const struct name_found *known, const struct request *q)
{
	if (n->n_ready == n->cap_ready) {
		n->cap_ready = n->cap_ready ? n->cap_ready * 2 : 256;
		n->ready = xrealloc(n->ready, n->cap_ready, sizeof(*n->ready));
	}
	n->ready[n->n_ready++] = (struct answer){ .frame = q->frame,
		.generation = q->generation,
		.address = q->address,
		.found = *known };
}

void names_request(struct names *n, const struct new_frame *f)
{
	struct request q = { .frame = f->frame,
		.generation = writer_generation(n->writer),
		.address = f->address,
		.ip = f->ip };
	const struct name_found *known;
	bool is_new;

	pthread_mutex_lock(&n->lock);
	q.home = home_number(n, f->image, f->pid, &is_new);
	n->generation = q.generation;
	known = names_recall(&n->known, n->homes[q.home].serial, q.address);
	if (!known) {
		add_request(&n->asked, &q);
		n->homes[q.home].n_wanted++;
	}
	if (is_new) /* its file is to be opened while it is there */
		pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
	if (known)
		add_ready(n, known, &q);
}

static void free_batch(struct batch *b)
{
	arena_done(&b->arena);
	free(b->answers);
	free(b);
}

static uint32_t put_text(struct names *n, const char *text)
{
	return text ? writer_string(n->writer, text, strlen(text)) : 0;
}

static void put_place(struct names *n, struct dict_symbol *s, const struct inline_frame *f)
{
	s->file = put_text(n, f->file);
	s->line = s->file ? f->line : 0;
}

/* What was inlined there. A writer that takes no more is given all of it again. */
static bool write_inlined(struct names *n, const struct answer *a)
{
	const struct inline_chain *c = &a->found.chain;

	for (uint32_t i = 1; i < c->n && !writer_crowded(n->writer); i++) {
		const struct inline_frame *f = &c->frames[i];
		struct dict_symbol s = { .frame = a->frame,
			.depth = i,
			.start = a->address - a->found.back };

		s.name = put_text(n, f->name);
		s.linkage = put_text(n, f->linkage);
		put_place(n, &s, f);
		if (!writer_symbol(n->writer, &s))
			return false;
	}
	return true;
}

/* False when the writer takes no more now. */
static bool write_answer(struct names *n, const struct answer *a)
{
	const struct name_found *f = &a->found;
	struct dict_symbol s = { .frame = a->frame, .start = a->address - f->back };

	if (!f->name || a->generation != writer_generation(n->writer))
		return true; /* of a segment that has ended; the new one asked anew */
	s.name = put_text(n, f->name);
	if (f->linkage && !writer_crowded(n->writer))
		s.linkage = put_text(n, f->linkage);
	if (f->chain.n && !writer_crowded(n->writer))
		put_place(n, &s, &f->chain.frames[0]);
	return writer_symbol(n->writer, &s) && write_inlined(n, a);
}

static void collect_ready(struct names *n)
{
	uint32_t at = 0;

	while (at < n->n_ready && write_answer(n, &n->ready[at]))
		at++;
	if (!at)
		return;
	n->n_ready -= at;
	memmove(n->ready, n->ready + at, n->n_ready * sizeof(*n->ready));
}

/* False when the writer takes no more now. */
static bool write_batch(struct names *n, struct batch *b)
{
	for (; b->at < b->n; b->at++) {
		const struct answer *a = &b->answers[b->at];

		if (!write_answer(n, a))
			return false;
		if (a->lasting)
			names_remember(&n->known, a->serial, a->address, &a->found);
	}
	return true;
}

static struct batch *first_batch(struct names *n)
{
	struct batch *b;

	pthread_mutex_lock(&n->lock);
	b = n->done;
	pthread_mutex_unlock(&n->lock);
	return b;
}

/* Only we take batches away, so what was first stays so. */
static void drop_first_batch(struct names *n)
{
	struct batch *b;

	pthread_mutex_lock(&n->lock);
	b = n->done;
	n->done = b->next;
	pthread_mutex_unlock(&n->lock);
	free_batch(b);
}

void names_collect(struct names *n)
{
	struct batch *b;

	collect_ready(n);
	if (n->n_ready) /* the writer is full; and remembering may forget what these are made of */
		return;
	while ((b = first_batch(n)) && write_batch(n, b))
		drop_first_batch(n);
}

/* ---- the thread's side ---- */

/* A perf map may come to be while its process runs. */
static bool is_to_open(const struct home *h)
{
	return h->n_wanted && h->fd < 0 && (!h->tried || h->image->kind == MAPPING_JIT);
}

static void open_home(struct home *h)
{
	h->tried = true;
	if (h->image->kind == MAPPING_FILE)
		h->fd = image_open(h->image);
	else if (h->image->kind == MAPPING_JIT)
		h->fd = perf_map_open("/proc", (pid_t)h->pid, NULL);
}

static bool in_kernel(const struct home *h)
{
	return h->image->kind == MAPPING_KERNEL || h->image->kind == MAPPING_MODULE;
}

static int by_home(const void *a, const void *b)
{
	const struct request *x = a, *y = b;

	if (x->home != y->home)
		return x->home < y->home ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static int by_ip(const void *a, const void *b)
{
	const struct request *x = a, *y = b;

	return x->ip < y->ip ? -1 : x->ip > y->ip;
}

/* Requests of one home, or all of the kernel's homes, sorted by what they are looked up by. */
struct group {
	const struct home *homes;
	const struct request *list;
	uint32_t n;
	enum name_depth depth;
};

static void take_found(struct names *n, const struct group *g, uint32_t i,
	const struct name_found *found, struct requests *unread, struct batch *b)
{
	const struct request *q = &g->list[i];
	const struct home *h = &g->homes[q->home];

	if (!found->name && h->image->kind == MAPPING_JIT) {
		add_request(&n->waiting, q);
		return;
	}
	if (found->more)
		add_request(unread, q);
	b->answers[b->n++] = (struct answer){ .frame = q->frame,
		.generation = q->generation,
		.serial = h->serial,
		.address = q->address,
		.found = *found,
		.lasting = h->image->kind != MAPPING_JIT && !found->more &&
			(found->name || h->fd >= 0 || in_kernel(h)) };
}

static void resolve_group(struct names *n, const struct group *g, struct requests *unread,
	struct batch *b)
{
	const struct home *h = &g->homes[g->list[0].home];
	uint64_t *addresses = xcalloc(g->n, sizeof(*addresses));
	struct name_found *found = xcalloc(g->n, sizeof(*found));

	for (uint32_t i = 0; i < g->n; i++)
		addresses[i] = in_kernel(h) ? g->list[i].ip : g->list[i].address;
	name_lookup(&n->lookup, h->image, h->fd, addresses, found, g->n, g->depth, &b->arena);
	for (uint32_t i = 0; i < g->n; i++)
		take_found(n, g, i, &found[i], unread, b);
	free(found);
	free(addresses);
}

/* Moves the kernel's requests to the front, by address in memory; returns how many. */
static uint32_t kernel_first(const struct home *homes, struct request *r, uint32_t n)
{
	uint32_t n_kernel = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct request swap = r[i];

		if (!in_kernel(&homes[swap.home]))
			continue;
		r[i] = r[n_kernel];
		r[n_kernel++] = swap;
	}
	if (n_kernel)
		qsort(r, n_kernel, sizeof(*r), by_ip);
	if (n > n_kernel)
		qsort(r + n_kernel, n - n_kernel, sizeof(*r), by_home);
	return n_kernel;
}

/* Adds the answers to the batch, and what DWARF has more to say of to unread. */
static void resolve_all(struct names *n, const struct home *homes, struct requests *taken,
	enum name_depth depth, struct requests *unread, struct batch *b)
{
	struct request *r = taken->list;
	uint32_t at = kernel_first(homes, r, taken->n), end;

	if (at)
		resolve_group(n, &(struct group){ homes, r, at, depth }, unread, b);
	for (; at < taken->n; at = end) {
		for (end = at + 1; end < taken->n && r[end].home == r[at].home;)
			end++;
		resolve_group(n, &(struct group){ homes, r + at, end - at, depth }, unread, b);
	}
}

/* When too many files are open, those that nothing is asked of are closed. */
static void make_room(struct names *n)
{
	for (uint32_t i = 1; n->n_fds >= MAX_OPEN && i < n->n_homes; i++)
		if (!n->homes[i].n_wanted)
			close_home(n, &n->homes[i]);
}

/* A copy of the homes, which the other thread may move; files are opened in it and in the original.
 * Only those that something is asked of are looked at: they stay, as only we answer. */
static struct home *open_homes(struct names *n)
{
	uint32_t n_homes = n->n_homes, n_fds;
	struct home *copy = xcalloc(n_homes, sizeof(*copy));

	make_room(n);
	n_fds = n->n_fds;
	memcpy(copy, n->homes, n_homes * sizeof(*copy));
	pthread_mutex_unlock(&n->lock);
	for (uint32_t i = 1; i < n_homes && n_fds < MAX_OPEN; i++) {
		if (!is_to_open(&copy[i]))
			continue;
		open_home(&copy[i]);
		n_fds += copy[i].fd >= 0;
	}
	pthread_mutex_lock(&n->lock);
	for (uint32_t i = 1; i < n_homes; i++) {
		if (!copy[i].n_wanted)
			continue;
		n->n_fds += copy[i].fd >= 0 && n->homes[i].fd < 0;
		n->homes[i].fd = copy[i].fd;
		n->homes[i].tried = copy[i].tried;
	}
	return copy;
}

static void wind(struct timer *t, uint32_t now, uint32_t by)
{
	if (t->due > now)
		return;
	t->due = now + t->wait;
	t->wait *= by;
	t->wait = t->wait < MAX_WAIT ? t->wait : MAX_WAIT;
}

/* One read of kallsyms answers for the kernel and all its modules. */
static struct timer *timer_of(struct names *n, const struct request *q, enum name_depth depth)
{
	struct home *h = &n->homes[q->home];

	return in_kernel(h) ? &n->kernel : depth == NAMES_ONLY ? &h->names : &h->lines;
}

/* Takes the requests that are due, all in a hurry. With the lock held. */
static struct requests take_due(struct names *n, struct requests *from, enum name_depth depth)
{
	struct requests taken = { NULL, 0, 0 };
	bool all = n->hurry || n->finish;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < from->n; i++) {
		if (all || timer_of(n, &from->list[i], depth)->due <= n->second)
			add_request(&taken, &from->list[i]);
		else
			from->list[kept++] = from->list[i];
	}
	from->n = kept;
	for (uint32_t i = 0; i < taken.n; i++) {
		struct timer *t = timer_of(n, &taken.list[i], depth);

		wind(t, n->second, t == &n->kernel ? 4 : 2);
	}
	return taken;
}

/* Code without a name is asked for again, but not into a segment that has ended. */
static void take_waiting(struct names *n, struct requests *taken)
{
	for (uint32_t i = 0; i < n->waiting.n; i++) {
		const struct request *q = &n->waiting.list[i];

		if (q->generation == n->generation)
			add_request(taken, q);
		else
			n->homes[q->home].n_wanted--;
	}
	n->waiting.n = 0;
}

static void count_wanted(struct names *n, const struct requests *r, uint32_t by)
{
	for (uint32_t i = 0; i < r->n; i++)
		n->homes[r->list[i].home].n_wanted += by;
}

static void move_requests(struct requests *to, struct requests *from)
{
	for (uint32_t i = 0; i < from->n; i++)
		add_request(to, &from->list[i]);
	free(from->list);
	*from = (struct requests){ NULL, 0, 0 };
}

/* Behind the others: what is said of a frame later replaces what was said before. */
static void add_batch(struct names *n, struct batch *b)
{
	struct batch **end = &n->done;

	while (*end)
		end = &(*end)->next;
	*end = b;
}

/* Answers the requests that are due; called and left with the lock held. When all are due they are
 * answered whole at once. */
static void work(struct names *n)
{
	enum name_depth depth = n->hurry || n->finish ? NAMES_AND_LINES : NAMES_ONLY;
	struct requests named = take_due(n, &n->unread, NAMES_AND_LINES);
	struct requests taken = take_due(n, &n->asked, NAMES_ONLY), unread = { NULL, 0, 0 };
	struct home *homes;
	struct batch *b;

	take_waiting(n, &taken);
	if (depth == NAMES_AND_LINES)
		move_requests(&taken, &named);
	if (!taken.n && !named.n)
		return;
	homes = open_homes(n);
	pthread_mutex_unlock(&n->lock);
	b = xcalloc(1, sizeof(*b));
	b->answers = xcalloc(taken.n + named.n, sizeof(*b->answers));
	resolve_all(n, homes, &taken, depth, &unread, b);
	resolve_all(n, homes, &named, NAMES_AND_LINES, &unread, b);
	free(homes);
	pthread_mutex_lock(&n->lock);
	count_wanted(n, &taken, (uint32_t)-1);
	count_wanted(n, &named, (uint32_t)-1);
	count_wanted(n, &n->waiting, 1);
	count_wanted(n, &unread, 1);
	move_requests(&n->unread, &unread);
	free(taken.list);
	free(named.list);
	n->workers_cpu = n->lookup.workers_cpu;
	add_batch(n, b);
}

static void *run(void *arg)
{
	struct names *n = arg;
	/* Half a second before the recording writes what there is. */
	struct timespec until = deadline_in(500000000);

	pthread_mutex_lock(&n->lock);
	while (!n->finish) {
		if (!n->hurry && pthread_cond_timedwait(&n->wake, &n->lock, &until) == 0) {
			free(open_homes(n));
			continue;
		}
		if (!n->hurry) {
			n->second++;
			until.tv_sec++;
		}
		work(n);
		n->hurry = false;
	}
	work(n);
	n->finished = true;
	pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

/* ---- the outside ---- */

struct names *names_new(struct writer *w, bool inlines)
{
	struct names *n = xcalloc(1, sizeof(*n));
	pthread_condattr_t attr;

	n->writer = w;
	n->lookup.inlines = inlines;
	n->kernel = (struct timer){ FIRST_WAIT, FIRST_WAIT };
	n->cap_homes = 64;
	n->homes = xcalloc(n->cap_homes, sizeof(*n->homes));
	n->homes[0].fd = -1;
	n->n_homes = 1;
	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->wake, &attr);
	pthread_condattr_destroy(&attr);
	return n;
}

int names_start(struct names *n)
{
	int code = pthread_create(&n->thread, NULL, run, n);

	n->has_thread = code == 0;
	return -code;
}

/* Waits for the thread to answer all, but not much longer than LOOK_NS. With the lock held. */
static void wait_for_answers(struct names *n)
{
	struct timespec until = deadline_in(LOOK_NS);

	pthread_cond_timedwait(&n->wake, &n->lock, &until);
}

/* Whether it has ended. */
static bool end_thread(struct names *n, bool (*give_up)(void))
{
	bool finished;

	if (!n->has_thread)
		return true;
	pthread_mutex_lock(&n->lock);
	n->finish = true;
	pthread_cond_signal(&n->wake);
	while (!n->finished && !(give_up && give_up()))
		wait_for_answers(n);
	finished = n->finished;
	pthread_mutex_unlock(&n->lock);
	if (!finished)
		return false;
	pthread_join(n->thread, NULL);
	n->has_thread = false;
	return true;
}

bool names_settled(struct names *n)
{
	bool settled;

	pthread_mutex_lock(&n->lock);
	settled = !n->has_thread ||
		(!n->hurry && ((!n->asked.n && !n->unread.n) || n->n_rounds == SETTLE_ROUNDS));
	if (!settled && !n->hurry) {
		n->hurry = true;
		n->n_rounds++;
		pthread_cond_signal(&n->wake);
	}
	pthread_mutex_unlock(&n->lock);
	names_collect(n);
	if (settled)
		n->n_rounds = 0;
	return settled;
}

uint64_t names_workers_cpu(struct names *n)
{
	uint64_t cpu_ns;

	pthread_mutex_lock(&n->lock);
	cpu_ns = n->workers_cpu;
	pthread_mutex_unlock(&n->lock);
	return cpu_ns;
}

bool names_finish(struct names *n, bool (*give_up)(void))
{
	bool ended = end_thread(n, give_up);

	names_collect(n);
	return ended;
}

bool names_trouble(const struct names *n, uint32_t i, char *text, size_t size)
{
	return !n->has_thread && name_troubles_text(&n->lookup.troubles, i, text, size);
}

void names_free(struct names *n)
{
	struct batch *next;

	if (!n)
		return;
	end_thread(n, NULL);
	for (struct batch *b = n->done; b; b = next) {
		next = b->next;
		free_batch(b);
	}
	for (uint32_t i = 0; i < n->n_homes; i++)
		if (n->homes[i].fd >= 0)
			close(n->homes[i].fd);
	free(n->homes);
	free(n->asked.list);
	free(n->unread.list);
	free(n->waiting.list);
	free(n->ready);
	names_known_done(&n->known);
	name_lookup_done(&n->lookup);
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->wake);
	free(n);
}
