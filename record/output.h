/* The file a recording goes to. */
#ifndef RECORD_OUTPUT_H
#define RECORD_OUTPUT_H

#include "format/trace_out.h"
#include "record/options.h"

/* Opens what -o says, or a new file named after sources and time. */
int output_open(struct trace_out *o, const struct options *options, struct err *err);

#endif
