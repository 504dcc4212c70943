#include "format/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "format/base/arena.h"

struct workers {
	void (*do_it)(void *ctx, struct work *job, unsigned worker);
	void *ctx;
	pthread_t threads[WORKERS_MAX];
	unsigned n, n_started; /* n_started: that have a number */
	pthread_mutex_t lock;  /* of all that follows */
	pthread_cond_t given, done;
	struct work *first, *last; /* that nobody has begun */
	bool ending;
};

static struct work *take(struct workers *w)
{
	struct work *job;

	while (!w->first && !w->ending)
		pthread_cond_wait(&w->given, &w->lock);
	job = w->first;
	if (job)
		w->first = job->next;
	return job;
}

static void *run(void *arg)
{
	struct workers *w = arg;
	struct work *job;
	unsigned number;

	pthread_mutex_lock(&w->lock);
	number = w->n_started++;
	while ((job = take(w))) {
		pthread_mutex_unlock(&w->lock);
		w->do_it(w->ctx, job, number);
		pthread_mutex_lock(&w->lock);
		job->done = true;
		pthread_cond_broadcast(&w->done);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Signals are the main thread's. */
static void start(struct workers *w, unsigned n)
{
	sigset_t all, before;

	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* a file that became shorter: whoever reads it is told */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (w->n < n && pthread_create(&w->threads[w->n], NULL, run, w) == 0)
		w->n++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct workers *workers_new(unsigned n, void (*do_it)(void *ctx, struct work *job, unsigned worker),
	void *ctx)
{
	struct workers *w = xcalloc(1, sizeof(*w));

	w->do_it = do_it;
	w->ctx = ctx;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->given, NULL);
	pthread_cond_init(&w->done, NULL);
	start(w, n < WORKERS_MAX ? n : WORKERS_MAX);
	if (w->n)
		return w;
	workers_free(w);
	return NULL;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_broadcast(&w->given);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n; i++)
		pthread_join(w->threads[i], NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->given);
	pthread_cond_destroy(&w->done);
	free(w);
}

void workers_give(struct workers *w, struct work *job)
{
	pthread_mutex_lock(&w->lock);
	job->next = NULL;
	job->done = false;
	if (w->first)
		w->last->next = job;
	else
		w->first = job;
	w->last = job;
	pthread_cond_signal(&w->given);
	pthread_mutex_unlock(&w->lock);
}

void workers_wait(struct workers *w, const struct work *job)
{
	pthread_mutex_lock(&w->lock);
	while (!job->done)
		pthread_cond_wait(&w->done, &w->lock);
	pthread_mutex_unlock(&w->lock);
}
