/* Several parts look at the same batches of rows, in a few threads.
 *
 * Each part takes every batch, in the order in which they came, and is in one thread at a time: what it makes of
 * them does not depend on the number of threads. Which thread that is, and who is ahead, is left to chance. */
#ifndef ANALYZE_CREW_H
#define ANALYZE_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "format/batch.h"

enum { CREW_BATCHES = 16 }; /* that are under way at the most */

struct crew;

/* NULL if there are no threads to be had. */
struct crew *crew_new(uint32_t n_parts, unsigned n_threads,
	void (*take)(void *ctx, uint32_t part, const struct batch *b), void *ctx);

/* Returns when all parts have taken all batches, and ends the threads. */
void crew_free(struct crew *c);

/* Hands a batch to all parts; there must be room for it. */
void crew_put(struct crew *c, struct batch *b);

bool crew_has_room(const struct crew *c);

/* The oldest batch, once all parts have taken it: the caller's again. NULL if there is none (or, without wait, none
 * that all have taken). */
struct batch *crew_get(struct crew *c, bool wait);

#endif
