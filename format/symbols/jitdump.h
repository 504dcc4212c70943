/* Names for code that a program made at run time and may move or replace: its jitdump, which
 * Node (--perf-prof), Java's agents, .NET, LLVM, Wasmtime and others write on request. The format is
 * described in tools/perf/Documentation/jitdump-specification.txt of Linux.
 *
 * Unlike a perf map every record has its time, so that an address has the name of the code that was
 * there at that moment. The file grows while it is read; most writers hold records back in a buffer,
 * some until they end: then what is known of a moment may be out of date, and is asked for later.
 *
 * The file belongs to the program and may be anything. */
#ifndef SYMBOLS_JITDUMP_H
#define SYMBOLS_JITDUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"
#include "format/symbols/jit_codes.h"

struct jit_name {
	const char *name; /* as the program calls it; not empty */
	const char *file; /* and the line of the address; NULL: not known */
	uint32_t line;
};

struct jitdump;

/* Takes over the descriptor of a file, of which nothing is read yet. */
struct jitdump *jitdump_new(int fd);
void jitdump_free(struct jitdump *j);

/* Reads what the file has got since the last call. now_ns: on the clock of the records, not later than the file
 * is looked at. 0, or a negative errno once, where the file stops making sense or there is too much of it: what
 * came before stays known, later code has no name. */
int jitdump_read(struct jitdump *j, uint64_t now_ns, struct err *err);

/* Whether the program is known to hold records back: then the newest code at an address may be one that has
 * not been told. */
bool jitdump_held_back(const struct jitdump *j);

/* The time of the newest record, ns; 0: none. */
uint64_t jitdump_newest_ns(const struct jitdump *j);

/* What it has told; borrowed. Times are CLOCK_MONOTONIC. */
const struct jit_codes *jitdump_codes(const struct jitdump *j);

/* Fills the name and the line of an address in the code; the texts are in the arena. False if it has no name. */
bool jitdump_name(const struct jitdump *j, const struct jit_code *code, uint64_t address,
	struct jit_name *name, struct arena *a);

#endif
