/* The kernel's tracepoints through perf events: how a source sees them where its BPF programs are refused,
 * or the kernel has no type information for them.
 *
 *	static const struct tracepoint_use uses[] = {
 *		{ "sched:sched_switch", "sched_switch", { "prev_pid", "next_pid" }, on_switch },
 *	};
 *	feed = tracepoint_feed_open(r, "sched", uses, 1, s, &err);
 *
 * Unless it is said otherwise (by_target) all CPUs are looked at, whoever is recorded: a thread's own event is
 * not told when the thread gets a CPU, nor a cgroup's of whom others wake. So handlers drop what is of
 * others (recording_wants). Each
 * tracepoint has rings of its own, so that losses are told by its name. */
#ifndef RECORD_TRACEPOINT_FEED_H
#define RECORD_TRACEPOINT_FEED_H

#include "record/raw_sample.h"
#include "record/recording.h"

/* One event of a tracepoint; borrowed for the call. */
struct tracepoint_record {
	const struct raw_sample *sample;
	const struct raw_fields *fields;
	uint32_t stream;
};
typedef void (*tracepoint_handler)(void *ctx, const struct tracepoint_record *r);

/* A tracepoint and what becomes of it. */
struct tracepoint_use {
	const char *name;  /* "sched:sched_switch" */
	const char *event; /* what losses are told of */
	const char
		*fields[RAW_FIELDS]; /* what the handler asks for by place; "x?" may be missing */
	tracepoint_handler call;
	void (*lost)(void *ctx, uint64_t n); /* told of losses instead of the trace; NULL: none */
	const char *filter;                  /* in the kernel's words; NULL: none */
	bool stack;
	bool rare; /* small rings will do */
	/* Only of those who are recorded, in whose context it happens: far fewer records then. */
	bool by_target;
	bool no_kernel; /* stacks without the kernel's part */
	bool bits;      /* raw_sample_is_32_bit tells */
};

struct tracepoint_feed;

/* Opens them, not yet running, as streams of the recording; tracepoints that the kernel does not have are
 * left out with a note by `source`, as long as one is there. The texts of the uses are
 * borrowed. NULL and what to do if it is not permitted. */
struct tracepoint_feed *tracepoint_feed_open(struct recording *r, const char *source,
	const struct tracepoint_use *uses, unsigned n, void *ctx, struct err *err);

/* All of these take NULL. */
void tracepoint_feed_enable(struct tracepoint_feed *f);
void tracepoint_feed_disable(struct tracepoint_feed *f);
void tracepoint_feed_settle(struct tracepoint_feed *f);
void tracepoint_feed_close(struct tracepoint_feed *f);

/* Says in a note that a source uses them instead of BPF programs, what it lacks then, and why; and has the threads of
 * --tid followed. Gives 0. */
int tracepoint_feed_instead(struct recording *r, const struct source *source,
	const struct err *why);

/* Neither way is open: joins the sentence about BPF and the one in *err. Gives rc. */
int tracepoint_feed_neither(const struct err *why, int rc, struct err *err);

static inline int64_t tracepoint_number(const struct tracepoint_record *r, unsigned field)
{
	return raw_number(r->fields, field, r->sample);
}

/* The record's stack, which is the given thread's, as a number of the trace; 0: none. */
uint32_t tracepoint_stack(struct recording *r, const struct tracepoint_record *t,
	const struct thread *thread);

#endif
