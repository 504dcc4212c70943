/* Text from a trace made safe for an output.
 *
 * A trace comes from anyone, and so do the names in it: a process may be called
 * `<script>alert(1)</script>`, hold a terminal's escape sequences, bytes that are no UTF-8, or
 * marks that turn the reading direction around so that a name looks like another (CVE-2021-42574).
 * It takes two steps, and every output takes both:
 *
 * 1. Bytes that a reader could not see, or that could trick the reader, are shown as \xNN: control
 *    characters, what is not valid UTF-8, noncharacters (which XML forbids), invisible and
 *    direction-changing characters. This is the same in every output, so that a name found in one
 *    can be searched for in another.
 * 2. What has a meaning in the output's own syntax is escaped the output's own way. */
#ifndef RENDER_ESCAPE_H
#define RENDER_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

#include "format/base/arena.h"

enum escape_for {
	ESCAPE_TEXT,   /* a terminal: step 1 is all it takes */
	ESCAPE_XML,    /* SVG and HTML, text and attribute values in either quotes */
	ESCAPE_JSON,   /* inside "..."; also safe inside <script> and CDATA */
	ESCAPE_CSV,    /* inside "..." (RFC 4180) */
	ESCAPE_FOLDED, /* a frame of a folded stack: `;` becomes `:`, as in stackcollapse-perf.pl */
	ESCAPE_CSV_FOLDED, /* the same inside "..." */
	ESCAPE_N,
};

void escape_put(FILE *out, enum escape_for how, const char *s);

/* The same into the arena. */
char *escape_copy(struct arena *a, enum escape_for how, const char *s);

/* The text after step 1 only. */
static inline char *escape_visible(struct arena *a, const char *s)
{
	return escape_copy(a, ESCAPE_TEXT, s);
}

/* The number of terminal columns that visible text takes. */
size_t visible_width(const char *s);

/* The number of bytes of visible text that fit in so many columns; a character is never cut. */
size_t visible_fit(const char *s, size_t columns);

#endif
