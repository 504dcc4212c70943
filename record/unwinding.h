/* User stacks by call frame information, while the recording goes on.
 *
 * A source hands over a row with the registers and the copy of the stack that belong to it. Threads
 * unwind; the recording's loop only copies in, and hands the rows on to the writer in the order in which
 * they came. What is copied stays in memory of a fixed size and never reaches the disk. When the threads
 * cannot keep up the loop does not wait: stacks then have but their innermost frame, and say so. */
#ifndef RECORD_UNWINDING_H
#define RECORD_UNWINDING_H

#include "format/symbols/unwind.h"
#include "record/process.h"

struct options;
struct recording;
struct unwinding;

/* Whether few copies of stacks come: most are found elsewhere, or the rate is low. */
bool unwinding_few(const struct options *o);
struct unwinding *unwinding_new(struct recording *r, bool few);
void unwinding_free(struct unwinding *u);

/* Starts the threads, with the rights we have now. 0 or a negative errno. */
int unwinding_start(struct unwinding *u);

/* A row whose stack is still to be found. */
struct unwinding_row {
	uint64_t time_ns;
	uint32_t stream;
	int type;
	const char *event; /* what it is called, should it be lost */
	const void *row;   /* copied; its texts must be of the present segment */
	size_t size;       /* of the row */
	size_t stack_at;   /* where in the row the number of the stack is (uint32_t) */
	const struct thread *thread;
	const uint64_t *chain; /* the kernel's half of the stack, as in PERF_SAMPLE_CALLCHAIN */
	uint32_t n_chain;
	const struct unwind_regs *regs;
	const struct unwind_stack *stack;
	const uint64_t *walked; /* what a walk in the kernel found, to be compared; NULL: nothing */
	uint32_t n_walked;
};

/* Takes a row in. Never waits. */
void unwinding_add(struct unwinding *u, const struct unwinding_row *row);

/* A row whose user half was found already, `frames` as unwind() gives them; regs and stack are not looked at.
 * Rows of a stream stay in order. `flags`: enum stack_flags. */
void unwinding_add_found(struct unwinding *u, const struct unwinding_row *row,
	const uint64_t *frames, uint32_t n_frames, uint8_t flags);

/* Counts a stack that was found elsewhere. */
void unwinding_count(struct unwinding *u, uint8_t flags);

/* Has a thread get an image's rules, if there are any (NULL else), and call `call` with them, in that thread.
 * unwinding_collect lets the image go again. */
typedef void (*rules_handler)(void *ctx, struct image *image, const struct cfi *cfi);
void unwinding_on_rules(struct unwinding *u, rules_handler call, void *ctx);
void unwinding_prepare(struct unwinding *u, struct image *image);

/* Waits until all that was asked for is answered, but not for long. */
void unwinding_wait_prepared(struct unwinding *u);

/* Has the threads start on what was added, and hands rows that are ready to the writer. To be called
 * whenever records have been taken in. */
void unwinding_collect(struct unwinding *u);

/* Waits until all rows are handed on: before a segment ends, and at the end. */
void unwinding_finish(struct unwinding *u);

/* The time of the oldest row that is not handed on yet; UINT64_MAX: there is none. */
uint64_t unwinding_oldest_ns(const struct unwinding *u);

/* Drops what is kept for an image that nobody holds. */
void unwinding_let_go(struct unwinding *u, struct image *image);

/* What became of the stacks, all in all. */
struct unwinding_totals {
	uint64_t stacks;
	uint64_t copy_ends, lost, overload, unread; /* of them not whole: enum stack_flags */
	uint64_t copied;      /* of all: from copies, and not walked in the kernel */
	uint64_t same, other; /* of those that were compared with a walk in the kernel */
};

void unwinding_totals(const struct unwinding *u, struct unwinding_totals *t);

/* Writes them, and what the tables took, as facts of the trace. */
void unwinding_info(struct unwinding *u, struct writer *w);

#endif
