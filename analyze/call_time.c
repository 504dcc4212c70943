#include "analyze/call_time.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/keyed.h"

enum { MAX_ABSENCES = 256 };

/* When a thread was off the CPU; old ones are put together, as no call begins while its thread is off. */
struct absence {
	uint64_t from, to, blocked, waited;
};

struct caller {
	struct absence *absences; /* owned */
	uint32_t n, cap;
};

struct call_time {
	struct sched_track *track;
	struct keyed callers; /* of struct caller, by reader and tid */
	bool known;           /* there were events of the scheduler */
};

static struct caller *caller_of(struct call_time *c, uint32_t reader, uint32_t tid)
{
	bool is_new;

	return keyed_find(&c->callers, (uint64_t)reader << 32 | tid, &is_new);
}

/* Makes one of each two neighbours. */
static void put_together(struct caller *t)
{
	for (uint32_t i = 0; i < t->n / 2; i++) {
		const struct absence *a = &t->absences[2 * i], *b = a + 1;

		t->absences[i] = (struct absence){ a->from, b->to, a->blocked + b->blocked,
			a->waited + b->waited };
	}
	t->n /= 2;
}

static void on_absent(void *ctx, const struct sched_thread *thread, uint64_t to)
{
	struct call_time *c = ctx;
	struct caller *t;
	uint64_t runnable = thread->runnable_ns;

	if (!thread->tid)
		return;
	t = caller_of(c, thread->reader, thread->tid);
	if (t->n == MAX_ABSENCES)
		put_together(t);
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 4;
		t->absences = xrealloc(t->absences, t->cap, sizeof(*t->absences));
	}
	if (!runnable || runnable < thread->left_ns || runnable > to)
		runnable = to; /* when it was woken is not known */
	t->absences[t->n++] = (struct absence){ thread->left_ns, to, runnable - thread->left_ns,
		to - runnable };
}

struct call_time *call_time_new(void)
{
	struct call_time *c = xcalloc(1, sizeof(*c));
	const struct sched_track_user user = { .absent = on_absent, .ctx = c };

	c->track = sched_track_new(&user);
	keyed_init(&c->callers, sizeof(struct caller), UINT32_MAX);
	return c;
}

void call_time_free(struct call_time *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->callers.n; i++)
		free(((struct caller *)keyed_get(&c->callers, i))->absences);
	keyed_done(&c->callers);
	sched_track_free(c->track);
	free(c);
}

void call_time_row(struct call_time *c, const struct row *row, uint32_t want)
{
	c->known = true;
	sched_track_row(c->track, row, want);
}

uint32_t call_time_thread(struct call_time *c, uint32_t reader, uint32_t tid)
{
	return keyed_number(&c->callers, caller_of(c, reader, tid));
}

struct call_parts call_time_take(struct call_time *c, uint32_t thread, uint64_t begin_ns,
	uint64_t end_ns)
{
	struct call_parts parts = { .on_cpu_ns = end_ns - begin_ns };
	struct caller *t = keyed_get(&c->callers, thread);
	uint64_t off;

	if (!t->n)
		return parts;
	for (uint32_t i = 0; i < t->n; i++) {
		if (t->absences[i].from < begin_ns)
			continue;
		parts.blocked_ns += t->absences[i].blocked;
		parts.waited_ns += t->absences[i].waited;
	}
	t->n = 0;
	off = parts.blocked_ns + parts.waited_ns;
	parts.on_cpu_ns = parts.on_cpu_ns > off ? parts.on_cpu_ns - off : 0;
	return parts;
}

bool call_time_known(const struct call_time *c)
{
	return c->known;
}
