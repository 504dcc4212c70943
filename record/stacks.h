/* Call chains as the kernel delivers them become stacks of the trace.
 *
 * Most samples repeat a stack that was seen a moment ago, or differ from one in the innermost frames
 * only. So the longest known beginning of a chain is looked up, by a hash of 128 bits over address
 * space and addresses, and only what is beyond is added frame by frame. */
#ifndef RECORD_STACKS_H
#define RECORD_STACKS_H

#include "record/kernel_map.h"
#include "record/process.h"

struct stacks;
struct jit;

/* Told of each frame that the writer's present segment did not have before. */
struct new_frame {
	uint32_t frame; /* its number */
	struct image *image;
	uint64_t address; /* in terms of the image */
	uint64_t ip;      /* as it was in memory */
	uint32_t pid;     /* of a process that was there; 0 for the kernel */
	uint64_t version; /* of code that is replaced at run time (jit.h); 0: it is not told */
	uint64_t time_ns; /* of the sample */
};
typedef void (*new_frame_handler)(void *ctx, const struct new_frame *frame);

struct stacks *stacks_new(struct writer *w, struct kernel_map *kernel, struct jit *jit,
	new_frame_handler on_frame, void *ctx);
void stacks_free(struct stacks *s);

/* The number of a stack, given as in PERF_SAMPLE_CALLCHAIN: innermost first, with context markers
 * between kernel and user addresses. 0 if there is no address. */
uint32_t stacks_get(struct stacks *s, const struct thread *t, const uint64_t *chain, uint32_t n,
	uint64_t now_ns);

/* The user's half of a chain; *n its addresses. */
const uint64_t *stacks_user_half(const uint64_t *chain, uint32_t n_chain, uint32_t *n);

/* A stack whose user half was found by us. */
struct unwound {
	const struct space *space;
	uint32_t pid;
	bool kernel_thread;
	const uint64_t *frames; /* innermost first, as names are looked up */
	uint32_t n_frames;
	uint8_t flags; /* of the user half (enum stack_flags) */
};

/* The same; of the chain only the kernel's half counts. */
uint32_t stacks_get_unwound(struct stacks *s, const struct unwound *u, const uint64_t *chain,
	uint32_t n, uint64_t now_ns);

/* Forgets what it knows; the writer started a new segment. */
void stacks_clear(struct stacks *s);

#endif
