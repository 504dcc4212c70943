/* The maps that walks in the kernel read (specs/walk.h), and how they are filled: images' rules, which many
 * processes share, and processes' mappings.
 *
 * Memory is bounded: WALK_CHUNKS chunks of rows, which are made as they are needed and given back when the
 * last image in one of them is gone, as rules are with the last image that has them, and WALK_SPACES processes of
 * WALK_MAPPINGS mappings each. What does not fit is left out, counted, and passed by frame pointers. */
#ifndef RECORD_WALK_MAPS_H
#define RECORD_WALK_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"
#include "format/symbols/cfi.h"
#include "specs/walk.h"

struct walk_maps;

/* NULL, and the reason told, where the kernel has no such maps. */
struct walk_maps *walk_maps_open(struct err *err);
void walk_maps_close(struct walk_maps *m);

/* The maps, for objects to share: NULL, or the name of number `i` and its descriptor, borrowed. */
const char *walk_maps_each(const struct walk_maps *m, unsigned i, int *fd);

/* The rules of an image, 1 to WALK_IMAGES - 1; cfi NULL: it has none. Thread-safe. -ENOSPC: it is left out. Where
 * there is no room all others are forgotten, once a minute at the most, which walk_maps_cleared counts: those that
 * programs still meet will be wanted again. */
int walk_maps_add_image(struct walk_maps *m, uint32_t image, const struct cfi *cfi);
uint32_t walk_maps_cleared(const struct walk_maps *m);

/* Forgets them; the number may be used again. Thread-safe. */
void walk_maps_remove_image(struct walk_maps *m, uint32_t image);

/* Whether a program met the image and did not know its rules. */
bool walk_maps_wants_image(const struct walk_maps *m, uint32_t image);

/* A process's mappings in order of address; of more than WALK_MAPPINGS those are left out that do not fit. */
int walk_maps_set_space(struct walk_maps *m, uint32_t pid, const struct walk_space *space);
/* When a process last started a program, as the kernel has it; 0: not since we look. */
uint64_t walk_maps_exec_ns(const struct walk_maps *m, uint32_t pid);
void walk_maps_remove_space(struct walk_maps *m, uint32_t pid);

/* Whether programs asked for anything since the answer was last given. */
bool walk_maps_asked(const struct walk_maps *m);
void walk_maps_answered(struct walk_maps *m);

struct walk_stats {
	uint32_t images;   /* that are there */
	uint32_t rules;    /* of them, each different one once */
	uint64_t bytes;    /* of the kernel's memory, for rules */
	uint32_t left_out; /* images, rules and processes that did not fit, ever */
};

void walk_maps_stats(struct walk_maps *m, struct walk_stats *s);

#endif
