/* Names for recordings that were given none, and for the files of a series. */
#include "record/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "record/source.h"

enum {
	ATTEMPTS = 100,
	NAME_MAX_BYTES = 4096,
	STEM_MAX = NAME_MAX_BYTES - 16, /* room for "-100000.rec" */
};

void output_stem(char *stem, size_t size, const struct options *options)
{
	time_t now = time(NULL);
	struct tm tm;
	size_t n = 0;

	if (options->output) {
		n = strlen(options->output);
		if (n > 4 && strcmp(options->output + n - 4, ".rec") == 0)
			n -= 4;
		snprintf(stem, size, "%.*s", (int)n, options->output);
		return;
	}
	for (unsigned i = 0; i < options->n_sources && n < size; i++)
		n += (size_t)snprintf(stem + n, size - n, "%s%s", i ? "," : "",
			options->sources[i]->name);
	localtime_r(&now, &tm);
	if (n < size)
		strftime(stem + n, size - n, "-%Y%m%d-%H%M%S", &tm);
}

/* cpu-20260131-154500.rec, cpu-20260131-154500-2.rec... */
static int open_new(struct trace_out *o, const struct options *options, struct err *err)
{
	char stem[STEM_MAX], name[NAME_MAX_BYTES];
	int rc = -EEXIST;

	output_stem(stem, sizeof(stem), options);
	for (unsigned attempt = 1; attempt <= ATTEMPTS && rc == -EEXIST; attempt++) {
		if (attempt == 1)
			snprintf(name, sizeof(name), "%s.rec", stem);
		else
			snprintf(name, sizeof(name), "%s-%u.rec", stem, attempt);
		rc = trace_out_make(o, name, err);
	}
	return rc;
}

int output_open(struct trace_out *o, const struct options *options, struct err *err)
{
	return options->output ? trace_out_open(o, options->output, err)
			       : open_new(o, options, err);
}

int output_open_numbered(struct trace_out *o, const char *stem, unsigned number, struct err *err)
{
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "%.*s-%04u.rec", STEM_MAX, stem, number);
	return trace_out_make(o, name, err);
}

int output_check(const struct options *options, struct err *err)
{
	return trace_out_check(options->output ? options->output : "new.rec", err);
}
