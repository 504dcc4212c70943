/* `ana symbolize`: names and lines for a trace that was recorded where they were not to be had. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "analyze/binary_places.h"
#include "analyze/command.h"
#include "analyze/inputs.h"
#include "analyze/options.h"
#include "analyze/symbolize.h"
#include "format/annotate.h"
#include "format/copy.h"
#include "format/trace_out.h"
#include "render/escape.h"

static const char doc[] =
	"Make a trace with more names: of functions, inlined functions, source files and lines, from "
	"binaries and debug files of the builds that were recorded.";

static const char more[] =
	"Looked at are the places of --from, the archive that the trace is in, --sysroot, this machine "
	"(the paths in the trace, /usr/lib/debug) and the servers in DEBUGINFOD_URLS. Only files with the "
	"build id that is in the trace are used. What the trace knows already stays.\n"
	"Exit status 1 if a file was refused as it is of another build; the trace is made all the same.";

enum { MAX_LISTED = 100 };

static void say_build(FILE *to, const struct code_home *h)
{
	char hex[BUILD_ID_HEX];

	escape_put(to, ESCAPE_TEXT, h->path);
	fprintf(to, " (build id %.12s)", build_id_hex(&h->id, hex));
}

static void say_gain(FILE *to, const char *what, uint32_t before, uint32_t now, uint32_t all)
{
	if (now > before)
		fprintf(to, ", %s %" PRIu32 " of %" PRIu32 " (%" PRIu32 " before)", what, now, all,
			before);
}

static void say_found(FILE *to, const struct code_home *h)
{
	fputs("  found: ", to);
	say_build(to, h);
	say_gain(to, "names", h->before.names, h->now.names, h->n);
	say_gain(to, "lines", h->before.lines, h->now.lines, h->n);
	say_gain(to, "with inlined functions", h->before.inlined, h->now.inlined, h->n);
	fputs(", by ", to);
	escape_put(to, ESCAPE_TEXT, h->debug ? h->debug : h->code);
	fputc('\n', to);
}

static void say_missing(FILE *to, const struct code_home *h)
{
	uint32_t names = h->n - h->now.names, lines = h->n - h->now.lines;

	fputs("  missing: ", to);
	say_build(to, h);
	fprintf(to, ", %s of %" PRIu32 " addresses: ", names ? "names" : "lines",
		names ? names : lines);
	escape_put(to, ESCAPE_TEXT, h->why ? h->why : "not in ");
	if (!h->why)
		escape_put(to, ESCAPE_TEXT, h->debug ? h->debug : h->code);
	fputc('\n', to);
}

static bool is_found(const struct code_home *h)
{
	return h->now.names > h->before.names || h->now.lines > h->before.lines ||
		h->now.inlined > h->before.inlined;
}

/* Lines are missing from most code, which is nothing to talk about where there is a name. */
static bool is_missing(const struct code_home *h)
{
	return h->now.names < h->n && !symbolize_in_kernel(h);
}

static void say_too_many(FILE *to, const struct code_home *h)
{
	fputs("  missing: ", to);
	say_build(to, h);
	fputs(", some lines and inlined functions: they are in more files than may be open at once; "
	      "`ulimit -n` allows more\n",
		to);
}

static bool has_too_many(const struct code_home *h)
{
	return h->too_many_parts;
}

static void say_beyond(FILE *to, const struct code_home *h)
{
	fputs("  missing: ", to);
	say_build(to, h);
	fprintf(to, ", some lines and inlined functions: " DEBUG_PARTS_BEYOND "\n",
		INLINE_MAX_SPLIT);
}

static bool is_beyond(const struct code_home *h)
{
	return h->parts_beyond;
}

static void say_each(FILE *to, const struct symbolize *s, bool (*is_so)(const struct code_home *h),
	void (*say)(FILE *to, const struct code_home *h))
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_homes; i++) {
		if (!is_so(&s->homes[i]))
			continue;
		if (n++ < MAX_LISTED)
			say(to, &s->homes[i]);
	}
	if (n > MAX_LISTED)
		fprintf(to, "  and %" PRIu32 " more\n", n - MAX_LISTED);
}

static void summarize(FILE *to, const struct symbolize *s, const char *name)
{
	struct symbol_counts before = { 0 }, now = { 0 };
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_homes; i++) {
		const struct code_home *h = &s->homes[i];

		n += h->n;
		before.names += h->before.names;
		before.lines += h->before.lines;
		now.names += h->now.names;
		now.lines += h->now.lines;
	}
	fprintf(to,
		"%s: of %" PRIu32 " addresses with a build id %" PRIu32 " have names (%" PRIu32
		" before), %" PRIu32 " have lines (%" PRIu32 " before)\n",
		name, n, now.names, before.names, now.lines, before.lines);
	say_each(to, s, is_found, say_found);
	say_each(to, s, is_missing, say_missing);
	say_each(to, s, has_too_many, say_too_many);
	say_each(to, s, is_beyond, say_beyond);
	if (s->n_other)
		fprintf(to,
			"  missing: names of %" PRIu32
			" addresses of code in no file with a build id\n",
			s->n_other);
}

/* ---- doing it ---- */

static int collect(struct symbolize *s, struct inputs *in, struct err *err)
{
	for (uint32_t i = 0; i < in->n; i++) {
		int rc = reader_refuse_stream(in->readers[i], err);

		if (rc)
			return rc;
		symbolize_collect(s, in->readers[i]);
	}
	return 0;
}

/* Its build ids are pseudonyms: nothing would be found. */
static int refuse_scrubbed(const struct inputs *in, struct err *err)
{
	for (uint32_t i = 0; i < in->n; i++)
		for (uint32_t k = 0; k < reader_n_segments(in->readers[i]); k++)
			if (segment_info(reader_declarations(in->readers[i], k), "trace.scrubbed")
					.len)
				return err_set(err, EINVAL,
					"'%s' was scrubbed, its build ids too: symbolize first, then scrub",
					reader_name(in->readers[i]));
	return 0;
}

/* What is damaged, or has no end, is copied as far as it can be read. */
static int write_one(struct reader *r, struct sink *sink, const struct carry_symbols *symbols,
	const struct carry_fact *fact, struct err *err)
{
	struct copy_options o = { .symbols = symbols, .fact = *fact };
	struct copy_result result = { 0 };
	int rc;

	if (!annotate_allowed(r))
		return copy_trace(r, sink, &o, &result, err);
	rc = annotate_trace(r, sink, symbols, fact);
	return rc ? err_errno(err, -rc, "writing the new trace") : 0;
}

static int copy_all(struct symbolize *s, struct inputs *in, struct sink *sink, struct err *err)
{
	struct carry_symbols symbols = symbolize_symbols(s);
	struct carry_fact fact = { 0 };
	int rc = 0;

	if (symbolize_has_news(s))
		fact = (struct carry_fact){ "trace.symbolized", "names by build id" };
	for (uint32_t i = 0; !rc && i < in->n; i++)
		rc = write_one(in->readers[i], sink, &symbols, &fact, err);
	return rc;
}

/* A reader of our output that went away is no failure: it has seen enough. */
static int write_trace(struct symbolize *s, struct inputs *in, struct trace_out *out,
	struct err *err)
{
	struct sink *sink = sink_new(out->fd, 0);
	int rc = copy_all(s, in, sink, err), closed;

	if (rc == -EPIPE)
		rc = 0;
	closed = trace_out_close(out, rc != 0, rc ? NULL : err);
	sink_free(sink);
	return rc ? rc : closed;
}

static int resolve_and_write(struct symbolize *s, struct inputs *in, struct binaries *b,
	const struct analyze_options *o, struct err *err)
{
	struct trace_out out = { .fd = -1 };
	int rc;

	symbolize_want(s, b);
	rc = binary_places_add(b, o, err);
	if (!rc)
		rc = trace_out_open_beside(&out, o->output, err);
	if (rc)
		return rc;
	symbolize_resolve(s, b);
	rc = write_trace(s, in, &out, err);
	command_tell_damage(in);
	if (rc)
		return rc;
	summarize(out.own ? stdout : stderr, s, out.name);
	return binary_places_tell(b);
}

/* 0, 1 if something was refused, or a negative errno. */
static int symbolize(const struct analyze_options *o, struct err *err)
{
	struct binaries *b = binaries_new(o->sysroot);
	struct inputs in = { 0 };
	struct symbolize s;
	uint64_t start_ns;
	int rc = inputs_open(&in, o->files, o->n_files, err);

	symbolize_init(&s);
	if (!rc)
		rc = inputs_start(&in, &start_ns, err);
	if (!rc)
		rc = refuse_scrubbed(&in, err);
	if (!rc)
		rc = collect(&s, &in, err);
	if (!rc)
		rc = resolve_and_write(&s, &in, b, o, err);
	symbolize_done(&s);
	binaries_free(b);
	inputs_close(&in);
	return rc;
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	struct err err = { "" };
	int status = EXIT_USAGE, rc;

	analyze_options_parse(&o, argc, argv, OPTIONS_TRACE | OPTIONS_BINARIES, doc, more);
	signal(SIGPIPE, SIG_IGN);
	if (command_output(&o, "symbolize")) {
		rc = symbolize(&o, &err);
		status = rc < 0 ? command_failed(&err, EXIT_CANNOT) : rc ? EXIT_CHECK : EXIT_OK;
	}
	analyze_options_done(&o);
	return fflush(stdout) ? EXIT_CANNOT : status;
}

const struct command command_symbolize = {
	.name = "symbolize",
	.summary = "a new trace with more names and lines, from binaries given later",
	.run = run,
};
