/* Requests gather in one list; once a second the thread takes those whose image is due, sorts them by
 * image and address, and hands them back as a batch with an arena of its own. */
#include "record/names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/symbols/debug_file.h"
#include "format/symbols/demangle.h"
#include "format/symbols/elf_symbols.h"
#include "format/symbols/file_frames.h"
#include "format/symbols/kallsyms.h"
#include "format/symbols/perf_map.h"
#include "format/symbols/vdso.h"

enum {
	/* Seconds until an image's first batch. Each further one waits twice as long, of the kernel four
	 * times, as one read of kallsyms costs 45 ms of CPU. */
	FIRST_WAIT = 1,
	MAX_WAIT = 64,
	MAX_OPEN = 256,      /* files kept open */
	MAX_KNOWN = 1 << 17, /* names remembered from segment to segment: some 10 MB */
	SETTLE_ROUNDS = 2,
	N_READABLE = 4096, /* demangled names remembered within a batch */
};

/* An image and the way to its names. While something is asked of it it stays where it is. */
struct home {
	struct image *image; /* borrowed; NULL: free for another */
	uint32_t serial;     /* that no other ever had */
	uint32_t n_wanted;   /* requests that are not answered yet */
	int fd;              /* its file, or a perf map; -1 */
	bool tried;          /* to open it */
	uint32_t pid;
	uint32_t wait, due; /* seconds between batches, and the second of the next one */
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
	const char *name, *linkage; /* in the batch's arena; NULL: has none, or the same */
	uint64_t start;
	struct inline_chain chain; /* n 0: neither lines nor inlined functions are known */
	bool lasting; /* true also in later segments: not so of code made at run time, which can be
		       * other code later, nor of a file that was not found */
};

struct batch {
	struct batch *next;
	struct arena arena;
	struct answer *answers; /* owned */
	uint32_t n, at;         /* at: the first that is not yet written */
	uint64_t workers_cpu;
};

struct requests {
	struct request *list; /* owned */
	uint32_t n, cap;
};

/* What is known of an address of an image; the texts are in the arena. */
struct known {
	struct arena arena;
	struct map by_place; /* hash of a home's serial and address -> number in list */
	struct map by_text;  /* hash of a text -> number in texts */
	struct answer *list; /* owned */
	const char **texts;  /* owned */
	uint32_t n, n_texts, cap_texts;
};

struct names {
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* The recording's own. */
	struct writer *writer; /* borrowed */
	struct known known;
	struct answer *ready; /* owned; of known addresses, not yet written */
	uint32_t n_ready, cap_ready;
	uint32_t n_rounds; /* of looking up at the end of a segment */
	/* Under the lock. */
	struct requests asked;
	struct home *homes; /* owned; an image has its number; the first is nobody's */
	uint32_t n_homes, cap_homes, free_home, last_serial;
	uint32_t n_fds;
	uint32_t generation; /* of the newest request */
	struct batch *done;
	bool finish, hurry;
	uint32_t second;      /* of the thread's life */
	uint64_t workers_cpu; /* ns, of the processes that read DWARF */
	/* The thread's own. */
	bool inlines;
	struct requests waiting; /* JIT code without a name yet: asked again later */
	struct home kernel;      /* only its wait and due */
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
		.wait = FIRST_WAIT,
		.due = n->second + FIRST_WAIT };
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

/* ---- names from earlier segments ---- */

static uint64_t place(uint32_t serial, uint64_t address)
{
	return hash_u64(hash_u64(serial) ^ address);
}

static void forget(struct known *k)
{
	arena_done(&k->arena);
	map_done(&k->by_place);
	map_done(&k->by_text);
	free(k->list);
	free(k->texts);
	memset(k, 0, sizeof(*k));
}

/* The same text is in many names and chains: it is kept once, or almost. */
static const char *keep_text(struct known *k, const char *text)
{
	uint32_t *at;
	bool is_new;

	if (!text)
		return NULL;
	at = map_put(&k->by_text, hash_bytes(text, strlen(text)), &is_new);
	if (!is_new && strcmp(k->texts[*at], text) == 0)
		return k->texts[*at];
	if (k->n_texts == k->cap_texts) {
		k->cap_texts = k->cap_texts ? 2 * k->cap_texts : 1024;
		k->texts = xrealloc(k->texts, k->cap_texts, sizeof(*k->texts));
	}
	*at = k->n_texts;
	return k->texts[k->n_texts++] = arena_strdup(&k->arena, text);
}

static void keep_chain(struct known *k, struct inline_chain *c)
{
	const struct inline_frame *from = c->frames;

	if (!c->n)
		return;
	c->frames = arena_alloc(&k->arena, c->n * sizeof(*from));
	for (uint32_t i = 0; i < c->n; i++)
		c->frames[i] = (struct inline_frame){ .name = keep_text(k, from[i].name),
			.linkage = keep_text(k, from[i].linkage),
			.file = keep_text(k, from[i].file),
			.line = from[i].line };
}

static void remember(struct known *k, const struct answer *a)
{
	struct answer *to;
	uint32_t *at;
	bool is_new;

	if (k->n == MAX_KNOWN)
		forget(k);
	if (!k->list) {
		k->list = xcalloc(MAX_KNOWN, sizeof(*k->list));
		map_init(&k->by_place, 1024);
		map_init(&k->by_text, 1024);
	}
	at = map_put(&k->by_place, place(a->serial, a->address), &is_new);
	if (!is_new)
		return;
	*at = k->n;
	to = &k->list[k->n++];
	*to = *a;
	to->name = keep_text(k, a->name);
	to->linkage = keep_text(k, a->linkage);
	keep_chain(k, &to->chain);
}

static const struct answer *recall(const struct known *k, uint32_t serial, uint64_t address)
{
	const uint32_t *at = k->n ? map_get(&k->by_place, place(serial, address)) : NULL;
	const struct answer *a = at ? &k->list[*at] : NULL;

	return a && a->serial == serial && a->address == address ? a : NULL;
}

static void add_ready(struct names *n, const struct answer *known, const struct request *q)
{
	struct answer *a;

	if (n->n_ready == n->cap_ready) {
		n->cap_ready = n->cap_ready ? n->cap_ready * 2 : 256;
		n->ready = xrealloc(n->ready, n->cap_ready, sizeof(*n->ready));
	}
	a = &n->ready[n->n_ready++];
	*a = *known;
	a->frame = q->frame;
	a->generation = q->generation;
}

void names_request(struct names *n, const struct new_frame *f)
{
	struct request q = { .frame = f->frame,
		.generation = writer_generation(n->writer),
		.address = f->address,
		.ip = f->ip };
	const struct answer *known;
	bool is_new;

	pthread_mutex_lock(&n->lock);
	q.home = home_number(n, f->image, f->pid, &is_new);
	n->generation = q.generation;
	known = recall(&n->known, n->homes[q.home].serial, q.address);
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
	for (uint32_t i = 1; i < a->chain.n && !writer_crowded(n->writer); i++) {
		const struct inline_frame *f = &a->chain.frames[i];
		struct dict_symbol s = { .frame = a->frame, .depth = i, .start = a->start };

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
	struct dict_symbol s = { .frame = a->frame, .start = a->start };

	if (!a->name || a->generation != writer_generation(n->writer))
		return true; /* of a segment that has ended; the new one asked anew */
	s.name = put_text(n, a->name);
	if (a->linkage && !writer_crowded(n->writer))
		s.linkage = put_text(n, a->linkage);
	if (a->chain.n && !writer_crowded(n->writer))
		put_place(n, &s, &a->chain.frames[0]);
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

void names_collect(struct names *n)
{
	struct batch *b, *rest;

	collect_ready(n);
	if (n->n_ready) /* the writer is full; and remembering may forget what these are made of */
		return;
	pthread_mutex_lock(&n->lock);
	b = n->done;
	n->done = NULL;
	pthread_mutex_unlock(&n->lock);
	for (; b; b = rest) {
		rest = b->next;
		for (; b->at < b->n && write_answer(n, &b->answers[b->at]); b->at++)
			if (b->answers[b->at].lasting)
				remember(&n->known, &b->answers[b->at]);
		if (b->at == b->n) {
			free_batch(b);
			continue;
		}
		pthread_mutex_lock(&n->lock);
		b->next = n->done;
		n->done = b;
		pthread_mutex_unlock(&n->lock);
	}
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

/* chains: NULL when nobody wants them. */
static void resolve_file(const struct home *h, struct symbol_query *q, size_t n,
	struct inline_chain *chains, struct arena *a, uint64_t *cpu_ns)
{
	int fd = h->fd >= 0 ? h->fd : image_open(h->image);
	struct debug_image debug;
	struct elf_image code;

	if (fd >= 0 && elf_image_open(&code, fd, NULL) == 0) {
		const struct elf_image *other = debug_image_open(&debug, &code);

		elf_symbols_resolve(&code, other, q, n, a, NULL);
		if (chains)
			file_frames_resolve(&code, other, q, n, chains, a, cpu_ns, NULL);
		debug_image_close(&debug);
		elf_image_done(&code);
	}
	if (fd >= 0 && fd != h->fd)
		close(fd);
}

static void resolve_vdso(struct symbol_query *q, size_t n, struct arena *a)
{
	struct elf_image e;

	if (vdso_open(&e, NULL))
		return;
	elf_symbols_resolve(&e, NULL, q, n, a, NULL);
	elf_image_done(&e);
}

static void resolve_bpf(const struct home *h, struct symbol_query *q, size_t n, struct arena *a)
{
	for (size_t i = 0; i < n; i++) {
		q[i].name = arena_strdup(a, h->image->path);
		q[i].start = 0;
	}
}

static bool in_kernel(const struct home *h)
{
	return h->image->kind == MAPPING_KERNEL || h->image->kind == MAPPING_MODULE;
}

static void resolve(const struct home *h, struct symbol_query *q, size_t n,
	struct inline_chain *chains, struct arena *a, uint64_t *cpu_ns)
{
	switch (h->image->kind) {
	case MAPPING_FILE: resolve_file(h, q, n, chains, a, cpu_ns); break;
	case MAPPING_VDSO: resolve_vdso(q, n, a); break;
	case MAPPING_BPF: resolve_bpf(h, q, n, a); break;
	case MAPPING_JIT:
		if (h->fd >= 0)
			perf_map_resolve(h->fd, q, n, a, NULL);
		break;
	case MAPPING_KERNEL:
	case MAPPING_MODULE: kallsyms_resolve(KALLSYMS_PATH, MODULES_PATH, q, n, a, NULL); break;
	default: break;
	}
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

/* The length of a name without the version of its library ("@@GLIBC_2.34"), which says nothing about
 * what runs. */
static size_t without_version(const char *name)
{
	size_t len = strcspn(name, "@");
	const char *version = name + len + strspn(name + len, "@");

	if (len && *version >= 'A' && *version <= 'Z' &&
		!version[strspn(version,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789_.")])
		return len;
	return strlen(name);
}

/* The name for people; NULL if it is the linker's. */
static const char *readable_name(struct arena *a, const char *name)
{
	const char *readable = demangle(a, name);
	size_t len = without_version(name);

	return readable || !name[len] ? readable : arena_strndup(a, name, len);
}

/* The same few functions are inlined at thousands of addresses, with the same text in the arena. */
struct readable {
	const char *linkage, *name;
};

static const char *readable_once(struct readable *cache, struct arena *a, const char *linkage)
{
	struct readable *r = &cache[hash_u64((uintptr_t)linkage) % N_READABLE];

	if (r->linkage != linkage)
		*r = (struct readable){ linkage, readable_name(a, linkage) };
	return r->name;
}

/* Functions have the names of their symbols, which is what other tools show; inlined ones have none. */
static void take_chain(struct answer *a, const struct inline_chain *c, struct readable *cache,
	struct arena *arena)
{
	a->chain = *c;
	for (uint32_t i = 1; i < c->n; i++) {
		struct inline_frame *f = &c->frames[i];
		const char *readable = f->linkage ? readable_once(cache, arena, f->linkage) : NULL;

		if (readable)
			f->name = readable;
		else if (!f->name)
			f->name = f->linkage;
		if (f->linkage && f->name && strcmp(f->linkage, f->name) == 0)
			f->linkage = NULL;
	}
}

/* Requests of one home, or all of the kernel's homes, sorted by what they are looked up by. */
static void resolve_group(struct names *n, const struct home *homes, const struct request *r,
	uint32_t n_requests, struct batch *b)
{
	const struct home *h = &homes[r[0].home];
	struct symbol_query *q = xcalloc(n_requests, sizeof(*q));
	struct inline_chain *chains = n->inlines ? xcalloc(n_requests, sizeof(*chains)) : NULL;
	struct readable *cache = n->inlines ? xcalloc(N_READABLE, sizeof(*cache)) : NULL;

	for (uint32_t i = 0; i < n_requests; i++)
		q[i].address = in_kernel(h) ? r[i].ip : r[i].address;
	resolve(h, q, n_requests, chains, &b->arena, &b->workers_cpu);
	for (uint32_t i = 0; i < n_requests; i++) {
		struct answer *a = &b->answers[b->n];

		if (!q[i].name && h->image->kind == MAPPING_JIT) {
			add_request(&n->waiting, &r[i]);
			continue;
		}
		a->frame = r[i].frame;
		a->generation = r[i].generation;
		a->serial = homes[r[i].home].serial;
		a->address = r[i].address;
		a->lasting = h->image->kind != MAPPING_JIT &&
			(q[i].name || h->fd >= 0 || in_kernel(h));
		b->n++;
		if (!q[i].name)
			continue;
		a->start = q[i].start - q[i].address + r[i].address;
		a->name = in_kernel(h) ? NULL : readable_name(&b->arena, q[i].name);
		a->linkage = a->name ? q[i].name : NULL;
		if (!a->name)
			a->name = q[i].name;
		if (chains)
			take_chain(a, &chains[i], cache, &b->arena);
	}
	free(cache);
	free(chains);
	free(q);
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

static struct batch *resolve_all(struct names *n, const struct home *homes, struct requests *taken)
{
	struct batch *b = xcalloc(1, sizeof(*b));
	struct request *r = taken->list;
	uint32_t at, end;

	b->answers = xcalloc(taken->n, sizeof(*b->answers));
	at = kernel_first(homes, r, taken->n);
	if (at)
		resolve_group(n, homes, r, at, b);
	for (; at < taken->n; at = end) {
		for (end = at + 1; end < taken->n && r[end].home == r[at].home;)
			end++;
		resolve_group(n, homes, r + at, end - at, b);
	}
	return b;
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

/* One read of kallsyms answers for the kernel and all its modules. */
static struct home *timer_of(struct names *n, struct home *h)
{
	return in_kernel(h) ? &n->kernel : h;
}

/* Takes the requests that are due, all in a hurry. With the lock held. */
static struct requests take_due(struct names *n)
{
	struct requests taken = { NULL, 0, 0 }, *asked = &n->asked;
	bool all = n->hurry || n->finish;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < asked->n; i++) {
		struct home *h = timer_of(n, &n->homes[asked->list[i].home]);

		if (all || h->due <= n->second)
			add_request(&taken, &asked->list[i]);
		else
			asked->list[kept++] = asked->list[i];
	}
	asked->n = kept;
	for (uint32_t i = 0; i < taken.n; i++) {
		struct home *h = timer_of(n, &n->homes[taken.list[i].home]);

		if (h->due > n->second)
			continue;
		h->due = n->second + h->wait;
		h->wait *= h == &n->kernel ? 4 : 2;
		h->wait = h->wait < MAX_WAIT ? h->wait : MAX_WAIT;
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

/* Answers the requests that are due; called and left with the lock held. */
static void work(struct names *n)
{
	struct requests taken = take_due(n);
	struct home *homes;
	struct batch *b;

	take_waiting(n, &taken);
	if (!taken.n)
		return;
	homes = open_homes(n);
	pthread_mutex_unlock(&n->lock);
	b = resolve_all(n, homes, &taken);
	free(homes);
	pthread_mutex_lock(&n->lock);
	count_wanted(n, &taken, (uint32_t)-1);
	count_wanted(n, &n->waiting, 1);
	free(taken.list);
	n->workers_cpu += b->workers_cpu;
	b->next = n->done;
	n->done = b;
}

static void *run(void *arg)
{
	struct names *n = arg;
	struct timespec until;

	/* Half a second before the recording writes what there is. */
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 500000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
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
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

/* ---- the outside ---- */

struct names *names_new(struct writer *w, bool inlines)
{
	struct names *n = xcalloc(1, sizeof(*n));
	pthread_condattr_t attr;

	n->writer = w;
	n->inlines = inlines;
	n->kernel.wait = n->kernel.due = FIRST_WAIT;
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

static void end_thread(struct names *n)
{
	if (!n->has_thread)
		return;
	pthread_mutex_lock(&n->lock);
	n->finish = true;
	pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	n->has_thread = false;
}

bool names_settled(struct names *n)
{
	bool settled;

	pthread_mutex_lock(&n->lock);
	settled = !n->has_thread || (!n->hurry && (!n->asked.n || n->n_rounds == SETTLE_ROUNDS));
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

void names_finish(struct names *n)
{
	end_thread(n);
	names_collect(n);
}

void names_free(struct names *n)
{
	struct batch *next;

	if (!n)
		return;
	end_thread(n);
	for (struct batch *b = n->done; b; b = next) {
		next = b->next;
		free_batch(b);
	}
	for (uint32_t i = 0; i < n->n_homes; i++)
		if (n->homes[i].fd >= 0)
			close(n->homes[i].fd);
	free(n->homes);
	free(n->asked.list);
	free(n->waiting.list);
	free(n->ready);
	forget(&n->known);
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->wake);
	free(n);
}
