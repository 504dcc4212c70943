/* The files a recording goes to. */
#ifndef RECORD_OUTPUT_H
#define RECORD_OUTPUT_H

#include <stddef.h>

#include "record/options.h"

struct output {
	int fd; /* -1: not open */
	char name[4096];
	bool own; /* we made the file: it may be removed when nothing was recorded */
};

/* Opens what -o says, or a new file named after sources and time. Files are made with mode 0600 and
 * never overwritten; pipes and devices are written to as they are. */
int output_open(struct output *o, const struct options *options, struct err *err);

/* The file with this number of a series, from 1: "run-0001.rec" for -o run.rec. `stem` is the series'
 * name, from output_stem. */
int output_open_numbered(struct output *o, const char *stem, unsigned number, struct err *err);

/* What the names of a series have in common: -o without its ending, or sources and time. */
void output_stem(char *stem, size_t size, const struct options *options);

/* Whether output_open would find its name free and its folder writable, for those who open late. */
int output_check(const struct options *options, struct err *err);

/* Closes; with `discard` the file that was made is removed. -errno if closing failed. */
int output_close(struct output *o, bool discard, struct err *err);

#endif
