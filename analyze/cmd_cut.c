/* `ana cut`: a trace of a part of a trace, small enough to mail. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "analyze/command.h"
#include "analyze/cut.h"
#include "analyze/inputs.h"
#include "format/annotate.h"
#include "format/trace_out.h"

static const char doc[] =
	"Make a new trace of some events of a trace, with the names, stacks and symbols that they "
	"need and no others.";

static const char more[] =
	"The events keep their times, also as counted from the start, so that a window means the "
	"same in both traces. Beside what is asked for the new trace has\n"
	"  - process_* events, cpu_topology and clock from before the window's end (with --pid only "
	"of those processes, their parents and the kernel), so that names stay right;\n"
	"  - losses whose gap touches the window; recorder, cpu_throttle and trigger events in it;\n"
	"  - all facts, and under the key trace.cut how it was cut.\n"
	"Where nothing is asked for, a sound trace is copied as it is.";

/* Nothing is left out of a sound trace: its blocks stay as they are. */
static int copy_whole(struct reader *r, struct sink *sink, struct copy_result *result,
	struct err *err)
{
	const struct carry_fact none = { 0 };
	size_t n = reader_n_blocks(r);
	int rc;

	for (size_t i = 0; i < n; i++) {
		const struct block_ref b = reader_block_ref(r, i);

		result->kept += b.kind == BLOCK_EVENTS ? b.count : 0;
	}
	result->segments += reader_n_segments(r);
	rc = annotate_trace(r, sink, NULL, &none);
	return rc ? err_errno(err, -rc, "writing the new trace") : 0;
}

static int copy_all(struct inputs *in, struct cut *cut, struct sink *sink,
	struct copy_result *result, struct err *err)
{
	struct copy_options o = cut_copy_options(cut);
	struct arena a = { 0 };
	int rc = 0;

	if (cut_is_set(cut))
		o.fact = (struct carry_fact){ "trace.cut", cut_describe(cut, &a) };
	for (uint32_t i = 0; !rc && i < in->n; i++)
		rc = !cut_is_set(cut) && annotate_allowed(in->readers[i])
			? copy_whole(in->readers[i], sink, result, err)
			: copy_trace(in->readers[i], sink, &o, result, err);
	if (!rc && !cut->passed && cut_is_set(cut))
		rc = err_set(err, ENOENT,
			"no event passes '%s'; `ana info` tells what is in the trace, and when",
			o.fact.value);
	arena_done(&a);
	return rc;
}

/* A reader of our output that went away is no failure: it has seen enough. */
static int cut_into(struct inputs *in, struct cut *cut, struct trace_out *out, struct err *err)
{
	struct sink *sink = sink_new(out->fd, 0);
	struct copy_result result = { 0 };
	int rc = copy_all(in, cut, sink, &result, err), closed;

	if (rc == -EPIPE)
		rc = 0;
	closed = trace_out_close(out, rc != 0, rc ? NULL : err);
	if (!rc && !closed && out->own)
		printf("%s: %" PRIu64 " events, %u segment%s, %" PRIu64 " bytes\n", out->name,
			result.kept, result.segments, result.segments == 1 ? "" : "s",
			sink_written(sink));
	sink_free(sink);
	return rc ? rc : closed;
}

static int cut(struct analyze_options *o, struct err *err)
{
	struct trace_out out = { .fd = -1 };
	struct inputs in = { 0 };
	uint64_t start_ns;
	struct cut c;
	int rc = inputs_open(&in, o->files, o->n_files, err);

	if (!rc)
		rc = inputs_start(&in, &start_ns, err);
	if (!rc)
		rc = trace_out_open(&out, o->output, err);
	if (!rc) {
		cut_init(&c, o, start_ns);
		rc = cut_into(&in, &c, &out, err);
		command_tell_damage(&in);
	}
	inputs_close(&in);
	return rc;
}

static int cut_one(struct analyze_options *o, void *ctx)
{
	struct err err = { "" };

	return cut(o, &err) ? command_failed(&err, EXIT_CANNOT) : EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	int status;

	analyze_options_parse(&o, argc, argv,
		OPTIONS_FILTER | OPTIONS_EVENT | OPTIONS_TRACE | OPTIONS_EACH, doc, more);
	signal(SIGPIPE, SIG_IGN);
	if (!command_output(&o, "cut"))
		status = EXIT_USAGE;
	else if (o.each)
		status = command_each_trace(&o, cut_one);
	else
		status = cut_one(&o, NULL);
	analyze_options_done(&o);
	return fflush(stdout) ? EXIT_CANNOT : status;
}

const struct command command_cut = {
	.name = "cut",
	.summary = "a new trace with only a window of time, some processes, some events",
	.run = run,
};
