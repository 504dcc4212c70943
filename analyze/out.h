/* Where results go: a file or standard output, with every failure noticed. */
#ifndef ANALYZE_OUT_H
#define ANALYZE_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "format/base/err.h"

struct out {
	FILE *f;
	const char *name; /* NULL: standard output */
	char *temporary; /* owned; what is written before it gets the name. NULL: written in place */
};

/* path NULL or "-": standard output. A regular file gets its content at out_close and in one go: what
 * was there stays until then, and if something fails. */
int out_open(struct out *o, const char *path, struct err *err);

/* The ending that chooses a format: a file's name from its last dot on. NULL if there is none. */
const char *out_ending(const char *path);

/* Whether the name is that of a folder, one that ends in / also if it is not there yet. */
bool out_is_folder(const char *path);

/* Makes the folder if it is not there. */
int out_make_folder(const char *path, struct err *err);

/* Refuses an output that is one of the inputs ("-": standard input). */
int out_check(const char *path, const char *const *inputs, uint32_t n, struct err *err);

/* Whether everything arrived. A reader that went away (EPIPE) is no failure: `ana dump | head`. */
int out_close(struct out *o, struct err *err);

/* Gives up: closes, and leaves nothing behind. */
void out_discard(struct out *o);

#endif
