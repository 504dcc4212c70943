/* Processes that make code while they run: which was at an address at a moment, and what it is called, by their
 * jitdump or else their perf map.
 *
 * A dump is found as perf does it: a process maps a file jit-PID.dump executable. It is read before the
 * records of the same moments are taken in, so that code is known when the first sample hits it. Code that
 * replaces other code makes other frames of the same addresses: each has a mapping of its own, by its version.
 *
 * Where a program holds its records back the code at an address may change without our knowing. Then frames
 * are of an eighth of a second each, and are named when the dump has come so far, if one code was there all that
 * time. A perf map has no times: see format/symbols/jit_map.h. */
#ifndef RECORD_JIT_H
#define RECORD_JIT_H

#include "record/stacks.h"

struct jit;
struct jit_process;
struct recording;

struct jit *jit_new(struct recording *r);
void jit_free(struct jit *j);

/* A process maps an image executable; if that is its jitdump it is followed from now on. */
void jit_mapped(struct jit *j, uint32_t pid, const struct image *image);

/* A process runs another program from now on. */
void jit_exec(struct jit *j, uint32_t pid);

/* Reads what the dumps have got, and writes the names that are known by then. To be called before records are
 * taken in, with the time that these reach to. */
void jit_look(struct jit *j, uint64_t now_ns);

/* The process if it is known to make code, or NULL. Valid until the next jit_look or jit_request. */
const struct jit_process *jit_process(const struct jit *j, uint32_t pid);

/* Which of the codes that are at an address in turn it was: another number for another code; 0: the first of a perf
 * map. */
uint64_t jit_version(const struct jit_process *p, uint64_t address, uint64_t time_ns);

/* Asks for the name of a frame; false if it is not of code made by a process that can be followed. */
bool jit_request(struct jit *j, const struct new_frame *frame);

/* Before a segment ends: writes what is known. */
void jit_settle(struct jit *j);

#endif
