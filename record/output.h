/* The file a recording goes to. */
#ifndef RECORD_OUTPUT_H
#define RECORD_OUTPUT_H

#include "record/options.h"

struct output {
	int fd;
	char name[4096];
	bool own; /* we made the file: it may be removed when nothing was recorded */
};

/* Opens what -o says, or a new file named after sources and time. Files are made with mode 0600 and
 * never overwritten; pipes and devices are written to as they are. */
int output_open(struct output *o, const struct options *options, struct err *err);

/* Closes; with `discard` the file that was made is removed. -errno if closing failed. */
int output_close(struct output *o, bool discard, struct err *err);

#endif
