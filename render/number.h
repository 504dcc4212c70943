/* Numbers as people read them, the same in every output and in every locale. */
#ifndef RENDER_NUMBER_H
#define RENDER_NUMBER_H

#include <stdint.h>
#include <stdio.h>

#include "format/base/arena.h"

enum { NUMBER_MAX = 40 }; /* bytes that hold any result */

/* All return buf, which holds NUMBER_MAX bytes. */
char *number_count(char *buf, uint64_t v); /* 12,345 */
char *number_plain(char *buf, uint64_t v); /* 12345 */
char *number_hex(char *buf, uint64_t v);   /* 0x7f12 */
char *number_ns(char *buf, uint64_t ns);   /* 1.23 ms, of three digits */
char *number_bytes(char *buf, uint64_t v); /* 4.0 KiB */
char *number_percent(char *buf,
	double part);                    /* 0.123 is 12.3%; what is not nothing is never 0.0% */
char *number_float(char *buf, double v); /* the shortest text that reads back as v */
char *number_short(char *buf, double v); /* of four digits, for people */

/* Writes 12345, without the price of printf. */
void number_put(FILE *out, uint64_t v);

/* A weight of a tree: by its unit a duration, a size, or a count without the unit's name. */
char *number_weight(char *buf, uint64_t v, const char *unit);

/* The unit's name behind such a weight: "samples", or "" where the number says it itself. */
const char *unit_suffix(const char *unit);

/* Both in the arena: "1.2 ms", "12,345 samples", "1 sample". */
char *weight_text(struct arena *a, uint64_t v, const char *unit);

/* part / whole, and 0 if there is no whole. */
static inline double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

#endif
