/* Giving names to the addresses that were hit, while the recording goes on.
 *
 * A thread of its own opens files as soon as they are hit (their process may not live long), looks
 * names up in batches that grow rarer as the recording grows older, and hands them back to the
 * recording, which writes them. The recording's loop only queues and collects. */
#ifndef RECORD_NAMES_H
#define RECORD_NAMES_H

#include "record/stacks.h"

struct names;

/* inlines: also inlined functions and lines, where there is DWARF. */
struct names *names_new(struct writer *w, bool inlines);
void names_free(struct names *n);

/* Starts the thread. 0 or a negative errno. */
int names_start(struct names *n);

/* The image is to be forgotten: drops what hangs on it. False while names of it are still asked for. */
bool names_let_go(struct names *n, struct image *image);

/* Asks for the name of a frame. */
void names_request(struct names *n, const struct new_frame *frame);

/* Writes the names found since the last call. */
void names_collect(struct names *n);

/* Before a segment ends: whether the names that were asked for are written. If not, has the thread
 * look them up now, and once more what came meanwhile; ask again a little later. Frames of the last
 * moment that were never seen before may stay without a name in that segment. */
bool names_settled(struct names *n);

/* CPU time of the processes that read DWARF, ns; not part of our own. */
uint64_t names_workers_cpu(struct names *n);

/* Looks up all that is still asked for and writes it. Takes as long as it takes, unless give_up (may be
 * NULL), which is asked now and then, says so: false then, what was found by then is written, and the thread is still
 * there. */
bool names_finish(struct names *n, bool (*give_up)(void));

/* After that: why some are missing, a sentence for each i from 0 on; false: there are no more. */
bool names_trouble(const struct names *n, uint32_t i, char *text, size_t size);

#endif
