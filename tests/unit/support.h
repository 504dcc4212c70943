/* What several unit tests need: random numbers that a failure can repeat, and traces in memory. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/emit_tables.h"
#include "format/merge.h"
#include "format/writer.h"

/* xorshift64*; the state is never 0. */
uint64_t random_u64(uint64_t *state);

/* A writer into memory with fixed clocks. */
struct sink *memory_trace(struct writer **w);

/* Closes the writer and hands out a copy of what it wrote (to be freed). */
uint8_t *finish_trace(struct writer *w, struct sink *sink, size_t *len);

/* A small trace with two types of events, stacks, symbols, several blocks; n samples. */
uint8_t *small_trace(unsigned n, size_t *len);

/* A trace put together block by block, with an index and an end that fit: what an attacker can
 * make, and no writer does. */
struct forge {
	struct sink *sink;
	struct emit emit; /* its columns and blocks are the way in */
};

/* Starts a segment with this number. Its SEGMENT block is the caller's, or forge_start's. */
void forge_init(struct forge *f, uint32_t segment);
void forge_start(struct forge *f);

/* Declares a type of events: `time` and n_fields - 1 fields f1, f2, ... of this type. */
void forge_schema(struct forge *f, uint16_t number, uint32_t n_fields, enum field_type type);

/* A block of events of such a type, all at this time and with all fields 0. */
void forge_constant_events(struct forge *f, uint16_t number, uint32_t n_fields, uint32_t n_rows,
	uint64_t time);

/* Takes over the blocks of a trace of one segment, but for its index and end, and but for block
 * number `except` (-1: none). */
void forge_copy(struct forge *f, const uint8_t *bytes, size_t len, int except);

/* Writes index and end if asked to, and hands out the bytes (to be freed). */
uint8_t *forge_finish(struct forge *f, bool end, size_t *len);

/* Where block number i of a trace starts, or len behind the last one. */
size_t block_at(const uint8_t *bytes, size_t len, unsigned i);

/* The most memory in bytes that a process takes in which body(arg) runs. */
uint64_t peak_bytes(void (*body)(void *arg), void *arg);

#endif
