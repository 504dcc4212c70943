/* Names for addresses of traces that have none, or have no lines: which addresses there are, what binaries of the
 * same build say about them, and which of that is better than what the trace knows. */
#ifndef ANALYZE_SYMBOLIZE_H
#define ANALYZE_SYMBOLIZE_H

#include "analyze/binaries.h"
#include "analyze/call_sites.h"
#include "analyze/debug_parts.h"
#include "analyze/text_set.h"
#include "format/carry.h"
#include "format/reader.h"
#include "format/symbols/inline_worker.h"

/* How many addresses have what. */
struct symbol_counts {
	uint32_t names, lines, inlined;
};

/* Code of one build. */
struct code_home {
	struct build_id id;
	enum mapping_kind kind; /* MAPPING_FILE, MAPPING_KERNEL or MAPPING_MODULE */
	const char *path;       /* where it was when it was recorded */
	uint32_t n;             /* addresses in the traces */
	struct symbol_counts before, now;
	/* Once resolved; NULL: nothing was found. Of the binaries. */
	const char *code, *debug;
	const char *why;     /* nothing was found; NULL: there was, or nobody looked */
	bool too_many_parts; /* files with parts of its DWARF: more than may be open at once... */
	bool parts_beyond;   /* ...or more than are looked into */
	struct code_address *addresses; /* owned; by address */
	/* Where its code was mapped from, and how many bytes; size 0: not known, or in several pieces. */
	uint64_t map_offset, map_size;
	bool in_pieces;
	struct call_sites calls; /* of programs and libraries */
	uint32_t cap;
};

struct symbolize {
	struct map by_id;
	struct code_home *homes; /* owned */
	uint32_t n_homes, cap_homes;
	uint32_t n_other; /* addresses without a name of code that is in no file with a build id */
	struct arena arena;
	/* Of the segment whose names were asked for last. */
	const struct segment *segment;
	uint32_t *home_of;         /* owned; by mapping, plus 1 */
	struct carry_symbol *list; /* owned */
	struct text_set *sources;  /* borrowed; NULL: nobody asks for them */
};

void symbolize_init(struct symbolize *s);
void symbolize_done(struct symbolize *s);

/* Takes in the addresses of all stacks of a trace, no stream. */
void symbolize_collect(struct symbolize *s, struct reader *r);

/* The kernel or one of its modules, whose names come with the trace. */
bool symbolize_in_kernel(const struct code_home *h);

/* Where a debug file that lost that has its code, by how the program was mapped: sets it right in `debug`. False
 * where it cannot be told without doubt. */
bool symbolize_place_code(const struct code_home *h, struct elf_image *debug);

/* Says what is wanted, before places are added to the binaries. */
void symbolize_want(const struct symbolize *s, struct binaries *b);

/* Looks up, in the binaries that are found, what is missing. */
void symbolize_resolve(struct symbolize *s, struct binaries *b);

/* The same, and adds the source files of all code of the functions that the traces have addresses of, also where
 * nothing is missing: what shows a function line by line needs those of functions inlined into it, too. */
void symbolize_resolve_sources(struct symbolize *s, struct binaries *b, struct text_set *sources);

/* As binary_open, and refuses code without calls where the trace's stacks returned to. */
int symbolize_open(struct code_home *h, struct binaries *b, bool servers, struct binary *found);

/* The files with parts of the DWARF of a home's binary that its addresses need. To be ended with part_set_done. */
void symbolize_parts(struct code_home *h, struct binaries *b, const struct binary *found,
	struct part_set *set);

/* What a copy of the trace is to have. Valid as long as `s`. */
struct carry_symbols symbolize_symbols(struct symbolize *s);

/* Whether something was found out. */
bool symbolize_has_news(const struct symbolize *s);

#endif
