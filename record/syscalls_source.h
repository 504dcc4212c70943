/* The source syscalls inside: its calls come from BPF programs (source_syscalls.c) or, where those are refused,
 * from the kernel's tracepoints (syscall_tracepoints.c), and go the same way from here. */
#ifndef RECORD_SYSCALLS_SOURCE_H
#define RECORD_SYSCALLS_SOURCE_H

#include "record/recording.h"
#include "record/syscall_counts.h"
#include "record/syscall_names.h"
#include "record/syscall_sums.h"

enum {
	MAX_ERRNO = 4095,
	FORMS = 1024, /* remembered; a power of two */
	FORM_BYTES = 512,
};

/* A string of the present segment. */
struct number {
	uint32_t string, generation;
};

struct form {
	uint64_t key[SYSCALL_ARGS];
	uint32_t place; /* 1 + of the call; 0: nothing is remembered here */
	struct number number;
};

struct syscalls {
	struct recording *recording;         /* borrowed */
	struct syscalls_bpf *skel;           /* owned; NULL: not even opened */
	struct tracepoint_feed *tracepoints; /* owned; NULL: the programs are used */
	struct syscall_traits traits[SYSCALL_PLACES];
	uint32_t sample; /* one in so many is recorded now */
	/* Without BPF: ends whose begin was not seen, and begins that were lost. */
	uint64_t n_orphans, n_lost_begins;
	uint64_t random;
	struct syscall_name names[SYSCALL_PLACES];
	struct number calls[SYSCALL_PLACES], errors[MAX_ERRNO + 1];
	struct form forms[FORMS];
	int type, unfinished_type, summary_type;
	/* --summary */
	struct syscall_tally *tally; /* owned; what the programs count */
	struct syscall_sums *sums;   /* owned; what is counted here, without them */
	struct ticker *ticker;       /* owned; a second is over */
	uint64_t read_ns, now_ns;    /* the last time, and this one */
};

/* A call that has returned, or never will. `bytes` is the size of the struct with what is behind it. */
void syscalls_take(struct syscalls *s, uint32_t stream, const struct ring_syscall *in, size_t bytes,
	uint32_t stack);

/* A call that goes on at the end. */
void syscalls_take_begun(struct syscalls *s, const struct syscall_begun *c, uint64_t now);

/* What was counted of one process and call since the last time. */
void syscalls_take_counts(void *source, const struct syscall_key *key,
	const struct syscall_counts *c);

/* Opens the tracepoints. -errno and what to do if they are not permitted either. */
int syscall_tracepoints_open(struct syscalls *s, bool stacks, struct err *err);

/* After the last record: tells of calls that go on, and of those whose begin was lost. */
void syscall_tracepoints_settle(struct syscalls *s);

#endif
