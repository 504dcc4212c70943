/* One segment as a reader sees it: its schema and dictionaries.
 *
 * Filled block by block; numbers may be missing where a block was damaged, so every lookup takes
 * any number and answers with an empty thing for one that is not there. What is borrowed from a
 * segment lives as long as the segment. */
#ifndef FORMAT_SEGMENT_H
#define FORMAT_SEGMENT_H

#include "format/base/arena.h"
#include "format/base/err.h"
#include "format/column.h"
#include "format/dict.h"
#include "format/schema.h"

struct text {
	const char *s; /* not terminated, may hold any byte */
	size_t len;
};

struct info_pair {
	struct text key, value;
};

struct stream_info {
	int32_t cpu;
	uint32_t tid;
	uint32_t name;
};

/* A frame's names: the function at its address, then the ones inlined into it. */
struct symbol {
	uint32_t name, linkage, file; /* strings */
	uint32_t line;
	uint64_t start; /* of the function, as an address of the frame's mapping */
	uint32_t depth;
	uint32_t next; /* 1 + number of the next symbol of this frame, or 0 */
};

/* Which clock a segment's times are of. */
struct segment_clock {
	uint64_t start_ns, start_real_ns; /* both clocks at the segment's start; 0: not known */
	uint8_t boot_id[16];
};

struct segment {
	uint64_t offset; /* in the file */
	uint32_t id;     /* what its blocks have in their header */
	struct segment_clock clock;
	int64_t shift_ns; /* added to its times to put all segments on one clock */
	struct arena arena;
	struct event_type **types; /* by number; NULL where undeclared */
	uint32_t n_types;
	struct enumeration *enums; /* by order of arrival; numbers in enum_numbers */
	uint32_t *enum_numbers, n_enums;
	struct text *strings;
	uint32_t n_strings;
	struct mapping *mappings;
	uint32_t n_mappings;
	uint32_t *frame_mapping, *frame_symbol; /* frame_symbol: 1 + number in symbols */
	uint64_t *frame_address;
	uint32_t n_frames;
	uint32_t *stack_parent, *stack_frame;
	uint8_t *stack_flags; /* of the root, at every node */
	uint32_t n_stacks;
	struct symbol *symbols;
	uint32_t n_symbols, n_renamed; /* n_renamed: how often a later row replaced an earlier */
	struct stream_info *streams;
	uint32_t n_streams;
	struct info_pair *info;
	uint32_t n_info;
	/* That it has in the file, as far as is known; bounds the memory of the above. */
	uint64_t bytes;
	uint64_t skipped; /* numbers that its dictionaries left out */
};

struct segment *segment_new(uint64_t offset, uint32_t id);
void segment_free(struct segment *s);

/* Forgets all tables; what and where the segment is stays. */
void segment_clear(struct segment *s);

/* Whether both are of one machine that did not boot in between. */
bool segment_same_boot(const struct segment_clock *a, const struct segment_clock *b);

/* What to add to times of clock `c` to have them on the clock `base`: nothing where machine and
 * boot are the same, otherwise by wall-clock time as far as that is known. */
int64_t segment_shift(const struct segment_clock *base, const struct segment_clock *c);

/* Takes in a table block (see table_layout) whose checksum is right; s->bytes is up to date. Blocks of other kinds are
 * ignored. -EBADMSG if it makes no sense; what of it made sense may have been taken in. */
int segment_load(struct segment *s, const struct block_header *h, const void *payload,
	struct column_decoder *decoder, struct err *err);

/* The type with this number, or NULL. */
const struct event_type *segment_type(const struct segment *s, uint32_t number);

struct text segment_string(const struct segment *s, uint32_t number);
struct mapping segment_mapping(const struct segment *s, uint32_t number);

/* Where the stack's path goes on outwards, 0 at its root; always smaller than `stack`. */
uint32_t segment_stack_parent(const struct segment *s, uint32_t stack);
/* The frame of a node, 0 for a root. */
uint32_t segment_stack_frame(const struct segment *s, uint32_t stack);
/* Flags of the stack's root (enum stack_flags). */
uint8_t segment_stack_flags(const struct segment *s, uint32_t stack);

/* Mapping (a number) and address of a frame. */
uint32_t segment_frame(const struct segment *s, uint32_t frame, uint64_t *address);
/* The first symbol of a frame, or NULL; follow with segment_symbol_next. */
const struct symbol *segment_symbol(const struct segment *s, uint32_t frame);
const struct symbol *segment_symbol_next(const struct segment *s, const struct symbol *symbol);

/* The value of a fact, empty if unknown; the last one if told several times. */
struct text segment_info(const struct segment *s, const char *key);

static inline bool text_is(struct text t, const char *s)
{
	return t.len == strlen(s) && memcmp(t.s, s, t.len) == 0;
}

#endif
