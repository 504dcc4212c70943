/* `ana scrub`: a copy of a trace in which every text that is not public is a pseudonym.
 *
 * What a text is decides how it is scrubbed: paths part by part, so that depth and suffix stay, commands
 * word by word, names of threads and functions as a whole. What stays is listed in public_words.h, and what
 * the user wants to keep. Names of functions stay where their mapping is public: the kernel, its modules,
 * the vdso, the C library and the compilers' runtime at the places of distributions. Everything goes
 * through the writer (format/copy.h), so there is no byte in the new trace that was copied unseen.
 *
 * The same rules look a trace over for what is left (scrub_check.h): then a pseudonym may stay, and what
 * would have become one is a leftover. */
#ifndef ANALYZE_SCRUB_H
#define ANALYZE_SCRUB_H

#include "analyze/pseudonym.h"
#include "analyze/text_set.h"
#include "format/copy.h"

struct scrub {
	struct pseudonym_key key;
	const char *const *keep; /* borrowed; shell patterns of texts that stay */
	uint32_t n_keep;
	struct text_set *replaced; /* borrowed, or NULL: texts that became pseudonyms, ids too */
	/* Set: nothing is replaced, and what would have been is told. */
	void (*leftover)(void *ctx, const char *what, struct text t);
	void *leftover_ctx;
	struct text_set *seen; /* borrowed, or NULL: all texts that came by */
	struct carry_change change;
	/* Of results, until the next text. */
	char *out; /* owned */
	size_t n_out, cap_out;
	struct arena arena; /* of facts, until the next one */
};

/* With a key that is set by the caller, in s->key. */
void scrub_init(struct scrub *s, const char *const *keep, uint32_t n_keep);
void scrub_done(struct scrub *s);

/* For copy_trace; they borrow s. */
struct copy_options scrub_copy_options(struct scrub *s);

/* The name and meaning of a type; texts in the arena. */
void scrub_type(struct scrub *s, struct event_type *t, struct arena *arena);

#endif
