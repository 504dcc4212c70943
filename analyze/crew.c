#include "analyze/crew.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "format/base/arena.h"
#include "format/workers.h"

/* A part is a job while there are batches for it. */
struct member {
	struct work work;
	bool at_work;
	uint64_t n_taken;
};

struct crew {
	void (*take)(void *ctx, uint32_t part, const struct batch *b);
	void *ctx;
	struct workers *workers; /* owned */
	pthread_mutex_t lock;    /* of all that follows */
	pthread_cond_t taken;
	struct member *members; /* owned */
	uint32_t n;
	struct batch *batches[CREW_BATCHES]; /* batch number i at i modulo CREW_BATCHES */
	uint64_t n_put, n_got;
};

static bool all_have_taken(const struct crew *c, uint64_t number)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->members[i].n_taken <= number)
			return false;
	return true;
}

/* Takes what there is when it begins; what came meanwhile is the next turn's, so that no part waits for long. */
static void take_turn(void *ctx, struct work *work, unsigned worker)
{
	struct crew *c = ctx;
	struct member *m = (struct member *)work;
	uint64_t end;

	(void)worker;
	pthread_mutex_lock(&c->lock);
	end = c->n_put;
	while (m->n_taken < end) {
		const struct batch *b = c->batches[m->n_taken % CREW_BATCHES];

		pthread_mutex_unlock(&c->lock);
		c->take(c->ctx, (uint32_t)(m - c->members), b);
		pthread_mutex_lock(&c->lock);
		m->n_taken++;
		if (all_have_taken(c, c->n_got))
			pthread_cond_signal(&c->taken);
	}
	m->at_work = m->n_taken < c->n_put;
	if (m->at_work)
		workers_give(c->workers, work);
	pthread_mutex_unlock(&c->lock);
}

struct crew *crew_new(uint32_t n_parts, unsigned n_threads,
	void (*take)(void *ctx, uint32_t part, const struct batch *b), void *ctx)
{
	struct crew *c = xcalloc(1, sizeof(*c));

	c->take = take;
	c->ctx = ctx;
	c->n = n_parts;
	c->members = xcalloc(n_parts, sizeof(*c->members));
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->taken, NULL);
	c->workers = workers_new(n_threads, take_turn, c);
	if (c->workers)
		return c;
	crew_free(c);
	return NULL;
}

void crew_free(struct crew *c)
{
	if (!c)
		return;
	while (c->workers && crew_get(c, true))
		;
	workers_free(c->workers);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->taken);
	free(c->members);
	free(c);
}

bool crew_has_room(const struct crew *c)
{
	return c->n_put - c->n_got < CREW_BATCHES; /* only its owner changes these */
}

void crew_put(struct crew *c, struct batch *b)
{
	assert(crew_has_room(c));
	pthread_mutex_lock(&c->lock);
	c->batches[c->n_put++ % CREW_BATCHES] = b;
	for (uint32_t i = 0; i < c->n; i++) {
		struct member *m = &c->members[i];

		if (!m->at_work)
			workers_give(c->workers, &m->work);
		m->at_work = true;
	}
	pthread_mutex_unlock(&c->lock);
}

struct batch *crew_get(struct crew *c, bool wait)
{
	struct batch *b = NULL;

	pthread_mutex_lock(&c->lock);
	while (wait && c->n_got < c->n_put && !all_have_taken(c, c->n_got))
		pthread_cond_wait(&c->taken, &c->lock);
	if (c->n_got < c->n_put && all_have_taken(c, c->n_got))
		b = c->batches[c->n_got++ % CREW_BATCHES];
	pthread_mutex_unlock(&c->lock);
	return b;
}
