#include "analyze/slow_calls.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KINDS = 4096, MAX_FOLLOWED = 1 << 16 };

void slow_calls_init(struct slow_calls *c)
{
	memset(c, 0, sizeof(*c));
}

void slow_calls_done(struct slow_calls *c)
{
	for (uint32_t i = 0; i < c->n_kinds; i++)
		for (int p = 0; p < SLOW_POWERS; p++)
			free(c->kinds[i].powers[p]);
	for (uint32_t i = 0; i < c->n_threads; i++)
		free(c->threads[i]);
	free(c->kinds);
	free(c->threads);
	free(c->by_name);
}

/* ---- waits ---- */

static struct slow_thread *thread_of(struct slow_calls *c, uint32_t thread)
{
	uint32_t n = c->n_threads;

	if (thread >= MAX_FOLLOWED)
		return NULL;
	if (thread >= n) {
		while (n <= thread)
			n = n ? 2 * n : 64;
		c->threads = xrealloc(c->threads, n, sizeof(*c->threads));
		memset(c->threads + c->n_threads, 0, (n - c->n_threads) * sizeof(*c->threads));
		c->n_threads = n;
	}
	if (!c->threads[thread])
		c->threads[thread] = xcalloc(1, sizeof(**c->threads));
	return c->threads[thread];
}

void slow_calls_wait(struct slow_calls *c, uint32_t thread, const struct slow_wait *w)
{
	struct slow_thread *t = thread_of(c, thread);

	if (t && w->to_ns > w->from_ns)
		t->waits[t->n++ % SLOW_WAITS] = *w;
}

/* ---- calls ---- */

/* Names are numbered one by one. */
static void make_room_for(struct slow_calls *c, uint32_t name)
{
	uint32_t n = c->n_names ? c->n_names : 64;

	if (name < c->n_names)
		return;
	while (n <= name)
		n *= 2;
	c->by_name = xrealloc(c->by_name, n, sizeof(*c->by_name));
	memset(c->by_name + c->n_names, 0, (n - c->n_names) * sizeof(*c->by_name));
	c->n_names = n;
}

static struct slow_kind *kind_of(struct slow_calls *c, uint32_t name)
{
	uint32_t n = c->n_kinds;

	make_room_for(c, name);
	if (c->by_name[name])
		return &c->kinds[c->by_name[name] - 1];
	if (n == MAX_KINDS)
		return NULL;
	c->by_name[name] = n + 1;
	c->kinds = xgrow(c->kinds, n, sizeof(*c->kinds));
	c->kinds[n] = (struct slow_kind){ .name = name };
	return &c->kinds[c->n_kinds++];
}

/* A duration of power p and step s is at least (4 + s) / 4 * 2^p. */
static struct slow_step *step_of(struct slow_kind *k, uint64_t ns)
{
	unsigned power = ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;
	unsigned step = power >= 2 ? (unsigned)(ns >> (power - 2)) & 3 : 0;

	if (!k->powers[power])
		k->powers[power] = xcalloc(SLOW_STEPS, sizeof(struct slow_step));
	return &k->powers[power][step];
}

/* Of more than there are places for the one with the least makes room. */
static void add_behind(struct slow_step *s, uint32_t who, uint32_t stack, uint64_t ns)
{
	uint32_t least = 0;

	for (uint32_t i = 0; i < SLOW_BEHIND; i++) {
		if (s->behind[i].who == who) {
			s->behind[i].ns += ns;
			s->behind[i].stack = stack ? stack : s->behind[i].stack;
			return;
		}
		if (s->behind[i].ns < s->behind[least].ns)
			least = i;
	}
	if (s->behind[least].ns < ns)
		s->behind[least] = (struct slow_behind){ who, stack, ns };
}

static void add_wait(struct slow_step *s, const struct slow_wait *w, uint64_t ns)
{
	if (w->kind == TIMELINE_WAITING)
		s->waiting_ns += ns;
	else if (w->kind == TIMELINE_DISK)
		s->disk_ns += ns;
	else
		s->asleep_ns += ns;
	if (w->kind == TIMELINE_WAITING && w->who)
		add_behind(s, w->who, w->stack, ns);
}

static void add_waits(struct slow_step *s, const struct slow_thread *t, uint64_t from, uint64_t to)
{
	for (uint32_t i = t->n; i > 0 && t->n - i < SLOW_WAITS; i--) {
		const struct slow_wait *w = &t->waits[(i - 1) % SLOW_WAITS];
		uint64_t a = w->from_ns > from ? w->from_ns : from;
		uint64_t b = w->to_ns < to ? w->to_ns : to;

		if (w->to_ns <= from)
			break;
		if (b > a)
			add_wait(s, w, b - a);
	}
}

void slow_calls_end(struct slow_calls *c, uint32_t thread, uint32_t name, uint64_t from_ns,
	uint64_t to_ns)
{
	struct slow_kind *k = kind_of(c, name);
	struct slow_step *s;

	if (!k || to_ns < from_ns)
		return;
	s = step_of(k, to_ns - from_ns);
	k->n++;
	s->n++;
	s->ns += to_ns - from_ns;
	if (to_ns - from_ns > k->longest_to_ns - k->longest_from_ns) {
		k->longest_from_ns = from_ns;
		k->longest_to_ns = to_ns;
		k->longest_who = thread;
	}
	if (thread < c->n_threads && c->threads[thread])
		add_waits(s, c->threads[thread], from_ns, to_ns);
}

/* ---- sums ---- */

static void add_step(struct slow_step *to, const struct slow_step *s)
{
	to->n += s->n;
	to->ns += s->ns;
	to->waiting_ns += s->waiting_ns;
	to->disk_ns += s->disk_ns;
	to->asleep_ns += s->asleep_ns;
	for (int i = 0; i < SLOW_BEHIND; i++)
		if (s->behind[i].who)
			add_behind(to, s->behind[i].who, s->behind[i].stack, s->behind[i].ns);
}

struct slow_sum slow_calls_sum(const struct slow_kind *k, double part)
{
	struct slow_sum sum = { 0 };

	for (int i = SLOW_POWERS * SLOW_STEPS; i-- > 0;) {
		const struct slow_step *power = k->powers[i / SLOW_STEPS];

		if (!power || !power[i % SLOW_STEPS].n)
			continue;
		add_step(&sum.all, &power[i % SLOW_STEPS]);
		sum.least_ns = (1ULL << i / SLOW_STEPS) / SLOW_STEPS *
			(uint64_t)(SLOW_STEPS + i % SLOW_STEPS);
		if ((double)sum.all.n >= part * (double)k->n)
			break;
	}
	return sum;
}
