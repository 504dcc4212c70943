/* What a frame of a stack is called, and what kind of code it is.
 *
 * A frame without a name is called after its binary, "[libfoo.so.1]", so that a graph shows where
 * names are missing without falling apart into addresses. */
#ifndef ANALYZE_FRAMES_H
#define ANALYZE_FRAMES_H

#include <stdbool.h>

#include "format/segment.h"
#include "render/tree.h"

enum { FRAME_NAMES = 64 }; /* of one frame: deeper inlining is cut */

struct frame_name {
	const char *s;
	size_t len;
	enum frame_kind kind;
	const char *module; /* "libc.so.6", "kernel"; "" if not known */
	struct text file;   /* where in the source it was at this address; "" if not known */
	uint32_t line;
};

/* Fills names, outermost first: the function, then those inlined into it. Returns how many, at least
 * one. What a name points to lives as long as the segment, or is static; `scratch` takes the made-up
 * ones and must live as long. */
unsigned frames_name(const struct segment *s, uint32_t frame, struct arena *scratch,
	struct frame_name *names);

/* Whether the frame has a real name. */
bool frames_is_named(const struct segment *s, uint32_t frame);

/* The last part of a path; all of it if it ends in a slash. */
struct text frames_file_name(struct text path);

#endif
