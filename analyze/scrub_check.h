/* `ana scrub --check`: is anything left in a trace that should not be there?
 *
 * By the rules of scrub.h every text must be public, kept by the user, or have the form of a pseudonym, also
 * those that nothing refers to; and there must be no block or column of an unknown kind, and no damage,
 * as nobody knows what that holds. With the texts that were replaced, of the trace that this one was
 * made from, all bytes of the file are searched for each of them, too. */
#ifndef ANALYZE_SCRUB_CHECK_H
#define ANALYZE_SCRUB_CHECK_H

#include <stdio.h>

#include "analyze/text_set.h"
#include "format/reader.h"

/* Shorter texts are in any file by chance. */
enum { SEARCHED_BYTES = 6 };

struct scrub_check {
	const char *const *keep; /* shell patterns of texts that stay */
	uint32_t n_keep;
	const struct text_set *replaced; /* NULL: only by the rules */
	FILE *say;                       /* where leftovers are listed, the first ones */
};

struct scrub_findings {
	uint64_t n_texts; /* that were looked at, each once */
	uint64_t n_left;  /* leftovers, each once */
	/* Replaced texts that are also in texts that may stay: "read" in "vfs_read". */
	uint64_t n_public;
	const char *public; /* one of those; borrowed from `replaced`, not terminated, or NULL */
	size_t public_len;
};

/* The reader is one of a file or of memory. 0, or a negative errno and a sentence if it cannot be read. */
int scrub_check(struct reader *r, const struct scrub_check *c, struct scrub_findings *f,
	struct err *err);

#endif
