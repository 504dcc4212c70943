/* A few threads that do jobs in the order in which they are given. */
#ifndef FORMAT_WORKERS_H
#define FORMAT_WORKERS_H

#include <stdbool.h>

/* Part of whatever the job is; its owner keeps it until workers_wait has returned. */
struct work {
	struct work *next;
	bool done;
};

struct workers;

enum { WORKERS_MAX = 8 };

/* Up to WORKERS_MAX threads, that call do_it with a job and the number of the thread, from 0 on; NULL if
 * there is none to be had. */
struct workers *workers_new(unsigned n, void (*do_it)(void *ctx, struct work *job, unsigned worker),
	void *ctx);

/* Ends the threads once all jobs are done. */
void workers_free(struct workers *w);

/* Any thread may give jobs, a job itself again by the one that does it: that is then not waited for. */
void workers_give(struct workers *w, struct work *job);

/* Returns when the job is done: what it wrote can be read then. */
void workers_wait(struct workers *w, const struct work *job);

#endif
