/* What threads did between the scheduler's events: ran, waited for a CPU, were blocked and on what.
 *
 * Fed in order of time with sched_switch and sched_wakeup, of `rec sched` or as tracepoints of the kernel
 * (sched:sched_switch...), it keeps the state of every thread and tells each interval when it ends. What
 * began before the trace is unknown, and told of only from the first event of a thread on.
 *
 * Run-queue latency is counted as the kernel counts it for /proc/PID/schedstat: from the wake-up, or from
 * being preempted, until the thread runs; moving to another CPU meanwhile does not begin it anew. */
#ifndef ANALYZE_SCHED_TRACK_H
#define ANALYZE_SCHED_TRACK_H

#include "analyze/enum_field.h"
#include "format/merge.h"

enum sched_doing {
	SCHED_UNKNOWN,
	SCHED_RUNNING,
	SCHED_WAITING, /* could run, has no CPU */
	SCHED_BLOCKED,
};

/* Why a thread left its CPU. */
enum sched_why {
	SCHED_PREEMPTED,
	SCHED_SLEEPING,
	SCHED_DISK,
	SCHED_IDLE, /* a kernel thread without work */
	SCHED_DEAD,
	SCHED_STOPPED, /* or anything else */
};

/* A stack means something in its segment only. */
struct stack_at {
	struct segment *segment;
	uint32_t stack; /* 0: not recorded */
};

struct sched_thread {
	uint32_t reader, pid, tid;
	struct segment *segment; /* where comm means something */
	uint32_t comm;
	int prio;
	enum sched_doing doing;
	enum sched_why why;
	uint32_t cpu;          /* where it runs, or ran last */
	uint64_t since_ns;     /* of what it is doing */
	uint64_t left_ns;      /* when it left its CPU; 0: not known */
	uint64_t runnable_ns;  /* since when it waits; 0: not known, or it does not */
	struct stack_at stack; /* where it left */
	/* The last wake-up. */
	uint64_t woken_ns; /* 0: none since it left */
	uint32_t waker;    /* its number; meaningful if woken_ns */
	bool by_interrupt; /* or by the idle thread, which is the same */
	struct stack_at waker_stack;
	uint32_t n; /* its number */
};

struct sched_track;

struct sched_track_user {
	/* It ran on t->cpu from t->since_ns until `to`, and left it as t->why says (t->left_ns is `to`). */
	void (*ran)(void *ctx, const struct sched_thread *t, uint64_t from, uint64_t to);
	/* It waited for a CPU, and has got `cpu`, where `before` ran until now. */
	void (*waited)(void *ctx, const struct sched_thread *t, const struct sched_thread *before,
		uint32_t cpu, uint64_t from, uint64_t to);
	/* It was without a CPU from t->left_ns until `to`; blocked until t->runnable_ns (0: that is not
	 * known). */
	void (*absent)(void *ctx, const struct sched_thread *t, uint64_t to);
	/* It was woken by another, or by an interrupt. */
	void (*woken)(void *ctx, const struct sched_thread *t);
	void *ctx;
};

/* The wants that it needs; a row of want number i goes to sched_track_row as i. */
enum { SCHED_TRACK_WANTS = 6 };
extern const struct want sched_track_wants[SCHED_TRACK_WANTS];

struct sched_track *sched_track_new(const struct sched_track_user *user);
void sched_track_free(struct sched_track *s);

void sched_track_row(struct sched_track *s, const struct row *row, uint32_t want);

/* All threads that were seen, and one by its number; borrowed, valid until the next row. */
const struct sched_thread *sched_track_threads(const struct sched_track *s, uint32_t *n);

static inline const struct sched_thread *sched_track_thread(const struct sched_track *s,
	uint32_t number)
{
	uint32_t n;

	return &sched_track_threads(s, &n)[number];
}

/* How many wake-ups there were of which the trace does not say whether an interrupt came in: their waker may
 * be whoever was interrupted. */
uint64_t sched_track_unsure_wakers(const struct sched_track *s);

/* The words of a field that tells why, and what a value of that field says. */
extern const char *const sched_why_words[];
enum sched_why sched_why_of(struct enum_field *field, const struct row *row, uint64_t value);

/* The thread that ran longest on a CPU between two moments of the recent past (idle too), and for how
 * long; NULL if that is not known any more. */
const struct sched_thread *sched_track_who_ran(const struct sched_track *s, uint32_t reader,
	uint32_t cpu, uint64_t from, uint64_t to, uint64_t *ran_ns);

#endif
