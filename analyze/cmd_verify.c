/* `ana verify`: is the trace whole? Status 1 if not, with each place that is damaged. */
#include <inttypes.h>
#include <stdio.h>

#include "analyze/command.h"
#include "analyze/options.h"
#include "analyze/out.h"
#include "format/verify.h"

/* 0 sound, 1 damaged, negative: cannot be read. */
static int verify_file(const char *path, FILE *out, struct err *err)
{
	struct reader *r = reader_open(path, err);
	const struct damage *d;
	struct verify_result v;
	size_t n;
	int rc;

	if (!r)
		return -1;
	rc = verify(r, &v, err);
	d = reader_damage(r, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s: damaged: %" PRIu64 " bytes at %" PRIu64 ": %s\n", reader_name(r),
			d[i].bytes, d[i].offset, d[i].what);
	if (!rc && !v.complete)
		fprintf(out, "%s: has no end: the recorder was killed, or still records\n",
			reader_name(r));
	if (!rc)
		fprintf(out,
			"%s: %s: %" PRIu64 " events in %" PRIu64 " blocks, %u segment%s, %" PRIu64
			" bytes\n",
			reader_name(r),
			n                    ? "DAMAGED"
				: v.complete ? "sound"
					     : "INCOMPLETE",
			v.events, v.blocks, v.segments, v.segments == 1 ? "" : "s", v.bytes);
	rc = rc ? rc : n || !v.complete;
	reader_close(r);
	return rc;
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	struct err err = { "" };
	int status = EXIT_OK;

	analyze_options_parse(&o, argc, argv, 0,
		"Check traces to the last byte. Exit status 1 if one is damaged or has no end.",
		NULL);
	for (uint32_t i = 0; i < o.n_files; i++) {
		int rc = verify_file(o.files[i], stdout, &err);

		if (rc < 0)
			status = command_failed(&err, EXIT_CANNOT);
		else if (rc > 0 && status == EXIT_OK)
			status = EXIT_CHECK;
	}
	analyze_options_done(&o);
	if (fflush(stdout))
		return EXIT_CANNOT;
	return status;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "check traces to the last byte",
	.run = run,
};
