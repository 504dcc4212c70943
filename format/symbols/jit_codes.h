/* Code that a program makes, moves and replaces while it runs: which was at an address at a moment.
 *
 * Filled by those who read what the program tells (jitdump.h, jit_map.h); names stay in its file until they are
 * asked for. */
#ifndef SYMBOLS_JIT_CODES_H
#define SYMBOLS_JIT_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/symbols/query.h"

enum { JIT_MAX_CODES = 1 << 20 }; /* what comes after so many is not named */

struct jit_code {
	uint64_t time_ns; /* when it got there */
	uint64_t start, size;
	uint32_t version; /* from 1 on: another than any older code had that shares an address */
	/* Where its name, of so many bytes at the most, and its lines are: in the file, or without a file in memory;
	 * 0: none. */
	uint32_t name_max, n_lines;
	uint64_t name_at, lines_at;
};

struct jit_link;

struct jit_codes {
	int fd;                 /* borrowed; -1: names are in memory */
	char name_end;          /* behind each name */
	uint64_t blind_ns;      /* nothing is known of what came from here on */
	struct map newest_link; /* of a page; 0 is none */
	struct jit_link *links; /* owned; the first is nobody's */
	struct jit_code *codes; /* owned; likewise */
	uint32_t n_links, cap_links, n, cap;
	bool replaced; /* an address was used again */
};

#define JIT_NEVER UINT64_MAX

void jit_codes_init(struct jit_codes *c, int fd, char name_end);
void jit_codes_done(struct jit_codes *c);

/* The version that a code would get. */
uint32_t jit_codes_next_version(const struct jit_codes *c, const struct jit_code *code);

/* Whether it overlaps a first version (1) that was added as number `since` or later; true too where that would take
 * long to find out. */
bool jit_codes_first_since(const struct jit_codes *c, const struct jit_code *code, uint32_t since);

/* Adds one that is newer than all before. One without addresses is left out. False when there is no room for
 * more, and for one of more than 64 MB. */
bool jit_codes_add(struct jit_codes *c, const struct jit_code *code);

/* Memory that it takes, about. */
uint64_t jit_codes_bytes(const struct jit_codes *c);

/* The code that was at an address at a moment; NULL if none is known. Valid until the next is added. */
const struct jit_code *jit_codes_find(const struct jit_codes *c, uint64_t address,
	uint64_t time_ns);

/* The code that was there all the time between two moments, or several of one name; NULL if there were
 * several, or none for a part of it. */
const struct jit_code *jit_codes_find_all_along(const struct jit_codes *c, uint64_t address,
	uint64_t from_ns, uint64_t until_ns);

/* Reads the name; its length, 0: it has none. */
size_t jit_codes_name(const struct jit_codes *c, const struct jit_code *code,
	char text[SYMBOL_NAME_MAX]);

#endif
