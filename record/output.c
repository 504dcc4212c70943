/* A name for a recording that was given none: cpu-20260131-154500.rec. */
#include "record/output.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "record/source.h"

enum { ATTEMPTS = 100 };

static void make_name(char *name, size_t size, const struct options *options, unsigned attempt)
{
	time_t now = time(NULL);
	struct tm tm;
	size_t n = 0;

	for (unsigned i = 0; i < options->n_sources; i++)
		n += (size_t)snprintf(name + n, size - n, "%s%s", i ? "," : "",
			options->sources[i]->name);
	localtime_r(&now, &tm);
	n += strftime(name + n, size - n, "-%Y%m%d-%H%M%S", &tm);
	if (attempt)
		n += (size_t)snprintf(name + n, size - n, "-%u", attempt + 1);
	snprintf(name + n, size - n, ".rec");
}

int output_open(struct trace_out *o, const struct options *options, struct err *err)
{
	char name[4096];
	int rc = -EEXIST;

	if (options->output)
		return trace_out_open(o, options->output, err);
	for (unsigned attempt = 0; attempt < ATTEMPTS && rc == -EEXIST; attempt++) {
		make_name(name, sizeof(name), options, attempt);
		rc = trace_out_make(o, name, err);
	}
	return rc;
}
