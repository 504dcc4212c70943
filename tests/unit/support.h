/* What several unit tests need: random numbers that a failure can repeat, and traces in memory. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

#endif
