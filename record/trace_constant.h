/* Constants as C programs and the kernel's format files write them. */
#ifndef RECORD_TRACE_CONSTANT_H
#define RECORD_TRACE_CONSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Evaluates a constant expression of C, such as "(1UL << 3) | 0x40"; casts are skipped. False if it is
 * none, or names something. */
bool trace_constant(const char *text, size_t len, int64_t *value);

#endif
