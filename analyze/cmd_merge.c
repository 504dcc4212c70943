/* `ana merge`: several recordings, of one machine or of many, in one file on one clock. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "analyze/command.h"
#include "analyze/inputs.h"
#include "analyze/options.h"
#include "format/join.h"
#include "format/trace_out.h"

static const char doc[] =
	"Put several traces into one file, of one machine or of many: rotated pieces, recordings side "
	"by side, both ends of a network.";

static const char more[] =
	"Traces of one boot of a machine share a clock; those of different machines are laid side by "
	"side by wall-clock time. Each keeps its machine's facts, so that the same pid or CPU on two "
	"machines stays two (`--host` chooses one, `ana flame --by host` parts them).\n"
	"Every input is checked to the last byte first. Exit status 1 if one is damaged, has no end, "
	"or is there twice; nothing is written then.";

static int write_joined(struct join *j, struct trace_out *out, struct err *err)
{
	struct sink *sink = sink_new(out->fd, 0);
	int rc = join_write(j, sink), closed;

	sink_free(sink);
	if (rc == -EPIPE)
		rc = 0; /* the reader has seen enough */
	if (rc)
		err_errno(err, -rc, "writing '%s'", out->name);
	closed = trace_out_close(out, rc != 0, rc ? NULL : err);
	return rc ? rc : closed;
}

static void tell(const struct join *j, const struct trace_out *out)
{
	struct join_result r;

	join_result(j, &r);
	if (out->own)
		printf("%s: %" PRIu64 " events in %u segment%s of %u machine%s, %" PRIu64
		       " bytes\n",
			out->name, r.events, r.segments, r.segments == 1 ? "" : "s", r.machines,
			r.machines == 1 ? "" : "s", r.bytes);
	if (r.unaligned)
		fprintf(stderr,
			"ana: of %u machine%s the wall-clock time is not known: their events "
			"cannot be laid beside the others'\n",
			r.unaligned, r.unaligned == 1 ? "" : "s");
}

static int merge(const struct analyze_options *o, struct err *err)
{
	struct trace_out out = { .fd = -1 };
	struct inputs in = { 0 };
	struct join *j = NULL;
	int rc = inputs_open(&in, o->files, o->n_files, err);

	if (!rc)
		j = join_new(in.readers, in.n, &rc, err);
	if (!rc)
		rc = trace_out_open(&out, o->output, err);
	if (!rc) {
		rc = write_joined(j, &out, err);
		if (!rc)
			tell(j, &out);
	}
	if (j == NULL && (rc == -EBADMSG || rc == -EEXIST))
		rc = EXIT_CHECK;
	join_free(j);
	inputs_close(&in);
	return rc;
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	struct err err = { "" };
	int status = EXIT_OK, rc;

	analyze_options_parse(&o, argc, argv, OPTIONS_TRACE, doc, more);
	signal(SIGPIPE, SIG_IGN);
	if (!command_output(&o, "merge")) {
		status = EXIT_USAGE;
	} else {
		rc = merge(&o, &err);
		if (rc)
			status = command_failed(&err, rc == EXIT_CHECK ? EXIT_CHECK : EXIT_CANNOT);
	}
	analyze_options_done(&o);
	return fflush(stdout) ? EXIT_CANNOT : status;
}

const struct command command_merge = {
	.name = "merge",
	.summary = "several traces, of several machines too, in one file on one clock",
	.run = run,
};
