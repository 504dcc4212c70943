/* The dictionaries of a segment that is being written: each text, mapping, frame and stack gets a
 * number once.
 *
 * All memory is taken at the start, for the largest dictionary that is allowed; pages are touched
 * only as it fills. A dictionary that is full answers 0, the number that means "none": the writer
 * starts a new segment before that happens (dict_filled). Numbers start at 1. Frames and stacks have
 * other numbers in the file than here: dict_order.c gives them. */
#ifndef FORMAT_DICT_H
#define FORMAT_DICT_H

#include "format/base/map.h"
#include "format/base/number_set.h"
#include "specs/layout.h"

struct mapping {
	enum mapping_kind kind;
	uint32_t path;           /* string */
	const uint8_t *build_id; /* borrowed; may be NULL when build_id_len is 0 */
	uint32_t build_id_len;   /* at most 32 */
	/* See mapping_kind: where address 0 was, for the kernel; a version, for code made at run
	 * time. */
	uint64_t base;
	uint32_t pid; /* for code that only one process has */
};

struct dict_mapping {
	struct mapping m;
	uint8_t build_id[BUILD_ID_MAX];
};

struct dict_symbol {
	uint32_t frame, depth, name, linkage, file, line;
	uint64_t start;
	uint32_t order; /* the dictionary sets it */
};

/* How much there is room for; 0: as much as a recording needs. */
struct dict_size {
	uint32_t strings, bytes, mappings, frames, stacks; /* bytes: of all strings */
};

struct dict {
	struct dict_size most;
	struct map string_map, mapping_map;
	struct number_set frame_set, stack_set;
	char *bytes;                          /* owned; all strings one behind the other */
	uint32_t *string_at;                  /* owned; string i is bytes[at[i] .. at[i + 1]) */
	struct dict_mapping *mappings;        /* owned */
	uint32_t *frame_mapping;              /* owned */
	uint64_t *frame_address;              /* owned */
	uint32_t *stack_parent, *stack_frame; /* owned */
	uint8_t *stack_flags;                 /* owned */
	uint32_t *stack_depth;                /* owned; distance from the root */
	/* The numbers above are ours; those in the file are given when a row is written, in an order
	 * that packs well. 0: not written yet. */
	uint32_t *frame_in_file, *stack_in_file; /* owned */
	struct dict_symbol *symbols;             /* owned; a queue, emptied when written */
	uint32_t n_strings, n_mappings, n_frames, n_stacks, n_symbols; /* including number 0 */
	/* How many are in the file already. */
	uint32_t strings_done, mappings_done, frames_done, stacks_done;
	/* So many of the queue speak of frames by their number in the file. */
	uint32_t symbols_ready;
};

/* At least with this room; NULL: no more than the usual. */
void dict_init(struct dict *d, const struct dict_size *least);
void dict_done(struct dict *d);
void dict_clear(struct dict *d);

/* Forgets what is not in the file yet, and the numbers of all but strings: for the last that is written. */
void dict_cut(struct dict *d);

/* Longer texts are cut at MAX_TEXT bytes. */
uint32_t dict_string(struct dict *d, const char *s, size_t len);
uint32_t dict_mapping(struct dict *d, const struct mapping *m);
uint32_t dict_frame(struct dict *d, uint32_t mapping, uint64_t address);

/* A stack is a path from a root; the root says how the stack was found (enum stack_flags). */
uint32_t dict_stack_root(struct dict *d, uint8_t flags);
uint32_t dict_stack(struct dict *d, uint32_t parent, uint32_t frame);

/* Queues a row; false when the queue is full until the next flush. */
bool dict_symbol(struct dict *d, const struct dict_symbol *s);

/* Chooses the order in which the next rows are written, at most max of them: order[i] is the number
 * here of the row that gets number frames_done + i (stacks_done + i) in the file. Returns how many;
 * they are written when dict_frames_written (dict_stacks_written) says so. */
uint32_t dict_order_frames(struct dict *d, uint32_t *order, uint32_t max);
uint32_t dict_order_stacks(struct dict *d, uint32_t *order, uint32_t max);
void dict_frames_written(struct dict *d, const uint32_t *order, uint32_t n);
void dict_stacks_written(struct dict *d, const uint32_t *order, uint32_t n);

/* Whether all of that would have room. */
bool dict_has_room(const struct dict *d, const struct dict_size *size);

/* Whether some dictionary is fuller than so many sixteenths. */
bool dict_filled(const struct dict *d, uint32_t sixteenths);

#endif
