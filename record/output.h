/* The files a recording goes to. */
#ifndef RECORD_OUTPUT_H
#define RECORD_OUTPUT_H

#include <stddef.h>

#include "format/reserve.h"
#include "format/trace_out.h"
#include "record/options.h"

/* Opens what -o says, or a new file named after sources and time. These take no room for it. */
int output_open(struct trace_out *o, const struct options *options, struct err *err);

/* The file with this number of a series, from 1: "run-0001.rec" for -o run.rec. `stem` is the series'
 * name, from output_stem. */
int output_open_numbered(struct trace_out *o, const char *stem, unsigned number, struct err *err);

/* What the names of a series have in common: -o without its ending, or sources and time. */
void output_stem(char *stem, size_t size, const struct options *options);

/* Takes room for a new file to begin with (reserve.h). Closes and removes it, and says what it needs, where the disk
 * has none. */
int output_reserve(struct trace_out *o, struct reserve *r, uint64_t max_bytes, struct err *err);

/* Whether output_open would find its name free, its folder writable and some room there, for those who open late. */
int output_check(const struct options *options, struct err *err);

#endif
