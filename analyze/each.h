/* A command on each of many traces by itself, several at a time: --each and --jobs.
 *
 * Each trace has a process of its own, so that one that is damaged beyond use, or crashes us, costs only its
 * own result. What they print is kept until it is their turn: the output does not depend on who is first. */
#ifndef ANALYZE_EACH_H
#define ANALYZE_EACH_H

#include <stdbool.h>

#include "analyze/options.h"

struct each {
	/* Of the files in the folder of -o: "run.rec" gives "run.html"; "/": folders. */
	const char *suffix;
	bool printable; /* results one after the other make sense, so that -o may be missing */
	bool headed;    /* ...and need the trace's name above */
	/* The command with one trace and one output; its exit status. */
	int (*one)(struct analyze_options *o, void *ctx);
	void *ctx;
};

/* Runs it for every trace of the options. The exit status is the highest there was; how many traces were not
 * done is said. */
int each_run(const struct analyze_options *o, const struct each *e);

#endif
