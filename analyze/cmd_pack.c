/* `ana pack`: a trace with all that belongs to it, to take elsewhere. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyze/binary_places.h"
#include "analyze/command.h"
#include "analyze/options.h"
#include "analyze/pack.h"
#include "format/trace_out.h"

static const char doc[] =
	"Make one archive of traces with the binaries, debug files and sources that they speak of.";

static const char more[] =
	"Every command opens such an archive as it is; `ana symbolize` finds the binaries in it. "
	"Binaries and debug files are looked for as by `ana symbolize`, and taken only by build id.\n"
	"It holds files of this machine: look at MANIFEST.json in it before it goes to others.";

/* The source files that a trace names. */
static void collect_sources(struct reader *r, struct text_set *sources)
{
	for (uint32_t k = 0; k < reader_n_segments(r); k++) {
		const struct segment *s = reader_segment(r, k);

		for (uint32_t i = 0; i < s->n_symbols; i++)
			if (s->symbols[i].file)
				text_set_add(sources, segment_string(s, s->symbols[i].file));
		reader_forget(r, k);
	}
}

static int collect(struct symbolize *s, struct text_set *sources, const struct file_list *traces,
	struct err *err)
{
	for (uint32_t i = 0; i < traces->n; i++) {
		struct reader *r = input_open(&traces->files[i], false, err);
		int rc = r ? reader_refuse_stream(r, err) : -EIO;

		if (!rc) {
			symbolize_collect(s, r);
			collect_sources(r, sources);
		}
		reader_close(r);
		if (rc)
			return rc;
	}
	return 0;
}

static void say(const struct trace_out *out, const struct pack_result *r)
{
	printf("%s: %" PRIu32 " trace%s, %" PRIu32 " binaries, %" PRIu32 " debug files, %" PRIu32
	       " sources, %" PRIu64 " bytes unpacked\n",
		out->name, r->traces, r->traces == 1 ? "" : "s", r->binaries, r->debug_files,
		r->sources, r->bytes);
	if (r->no_binaries || r->no_sources)
		printf("  not here: %" PRIu32 " binaries, %" PRIu32
		       " sources; MANIFEST.json in it lists them\n",
			r->no_binaries, r->no_sources);
	if (r->partial)
		printf("  of %" PRIu32 " binaries some units are missing: " DEBUG_PARTS_BEYOND "\n",
			r->partial, INLINE_MAX_SPLIT);
}

static int write_pack(const struct analyze_options *o, const struct file_list *traces,
	const struct symbolize *s, const struct text_set *sources, struct binaries *b,
	struct err *err)
{
	const struct pack_options po = { o->no_binaries, o->no_debug, o->no_sources, o->sysroot,
		o->files, o->n_files };
	struct trace_out out = { .fd = -1 };
	struct pack_result result;
	int rc = trace_out_open_beside(&out, o->output, err), closed;

	if (rc)
		return rc;
	rc = pack_write(out.fd, o->output, traces, s, sources, b, &po, &result, err);
	closed = trace_out_close(&out, rc != 0, rc ? NULL : err);
	if (!rc && !closed)
		say(&out, &result);
	return rc ? err_step(err, rc, "'%s'", o->output) : closed;
}

static int look_up(struct symbolize *s, struct text_set *sources, struct binaries *b,
	const struct analyze_options *o, struct err *err)
{
	int rc;

	symbolize_want(s, b);
	rc = binary_places_add(b, o, err);
	if (!rc && !o->no_sources)
		symbolize_resolve_sources(s, b, sources);
	return rc;
}

static int pack(const struct analyze_options *o, struct err *err)
{
	struct binaries *b = binaries_new(o->sysroot);
	struct file_list traces;
	struct text_set sources;
	struct arena a = { 0 };
	struct symbolize s;
	int rc = inputs_list(&traces, o->files, o->n_files, &a, err);

	symbolize_init(&s);
	text_set_init(&sources);
	if (!rc)
		rc = collect(&s, &sources, &traces, err);
	if (!rc)
		rc = look_up(&s, &sources, b, o, err);
	if (!rc)
		rc = write_pack(o, &traces, &s, &sources, b, err);
	if (!rc)
		rc = binary_places_tell(b);
	text_set_done(&sources);
	symbolize_done(&s);
	inputs_unlist(&traces);
	binaries_free(b);
	arena_done(&a);
	return rc;
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	struct err err = { "" };
	int status = EXIT_USAGE, rc;

	analyze_options_parse(&o, argc, argv, OPTIONS_PACK | OPTIONS_BINARIES, doc, more);
	signal(SIGPIPE, SIG_IGN);
	if (!o.output) {
		fprintf(stderr, "ana: name the archive: ana pack ... -o run.tar.zst\n");
	} else if (pack_check_name(o.output, &err)) {
		command_failed(&err, status);
	} else {
		rc = pack(&o, &err);
		status = rc < 0 ? command_failed(&err, EXIT_CANNOT) : rc ? EXIT_CHECK : EXIT_OK;
	}
	analyze_options_done(&o);
	return fflush(stdout) ? EXIT_CANNOT : status;
}

const struct command command_pack = {
	.name = "pack",
	.summary = "one archive of traces with their binaries, debug files and sources",
	.run = run,
};
