/* The outputs: one constant struct each, and the list of them. */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <stdio.h>

#include "format/base/err.h"
#include "render/report.h"

struct render_options {
	double min_percent; /* frames narrower than this share of the whole are merged; < 0: default */
	bool annotate;      /* mark kernel, inlined and JIT frames in text: name_[k], _[i], _[j] */
	bool inverted;      /* flame graphs grow down */
	unsigned width;     /* of a picture in pixels, of text in columns; 0: default */
	bool color;         /* escape sequences for a terminal are welcome */
};

struct renderer {
	const char *name;    /* for --format */
	const char *suffix;  /* of a file that wants this output: ".svg" */
	const char *summary; /* one line for --help */
	bool one_section;    /* a file holds one section; a report of several needs a folder */
	bool one_by_one; /* outputs of several reports, one behind the other, can be told apart */
	/* Writes the report. 0, or -ENOTSUP with a sentence if this output cannot show it. Whether the
	 * bytes arrived is the caller's to check (ferror, fclose). */
	int (*render)(const struct report *r, const struct render_options *o, FILE *out,
		struct err *err);
};

extern const struct renderer *const renderers[]; /* ends with NULL */

const struct renderer *renderer_by_name(const char *name);

/* By the end of a file name; NULL if it says nothing. */
const struct renderer *renderer_by_file(const char *path);

#endif
