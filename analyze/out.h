/* Where results go: a file or standard output, with every failure noticed. */
#ifndef ANALYZE_OUT_H
#define ANALYZE_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include "format/base/err.h"

struct out {
	FILE *f;
	const char *name; /* NULL: standard output */
	bool made;        /* a regular file, which is removed when writing it fails */
};

/* path NULL or "-": standard output. */
int out_open(struct out *o, const char *path, struct err *err);

/* Whether everything arrived. A reader that went away (EPIPE) is no failure: `ana dump | head`. */
int out_close(struct out *o, struct err *err);

/* Gives up: closes, and removes a file that was made. */
void out_discard(struct out *o);

#endif
