/* One table of options; a command sees the groups it asks for. */
#include "analyze/options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/option_table.h"

enum { EXIT_USAGE = 2, EXIT_CANNOT = 3, MAX_OPTIONS = 40 };

enum key {
	KEY_WEIGHT = 256,
	KEY_BY,
	KEY_MIN,
	KEY_ANNOTATE,
	KEY_INVERTED,
	KEY_WIDTH,
	KEY_TITLE,
	KEY_IDLE,
	KEY_HOST,
	KEY_REPAIR,
	KEY_TOP,
	KEY_LIST,
	KEY_FIELD,
	KEY_OFFSET,
	KEY_KEY,
	KEY_KEEP,
	KEY_CHECK,
	KEY_ORIGINAL,
	KEY_ONLY,
	KEY_FAIL_IF,
	KEY_TABLE,
	KEY_EACH,
	KEY_JOBS,
	KEY_THREADS,
	KEY_FROM,
	KEY_LINES,
	KEY_SYSROOT,
	KEY_NO_BINARIES,
	KEY_NO_DEBUG,
	KEY_NO_SOURCES,
};

#define BY_WORDS "comm|pid|tid|cpu|none|host"

struct grouped_option {
	unsigned group;
	struct argp_option option;
};

static const struct grouped_option all[] = {
	{ OPTIONS_FILTER, { NULL, 0, NULL, 0, "Which events", 1 } },
	{ OPTIONS_FILTER,
		{ "time", 't', "FROM..TO", 0,
			"Only this window, since the trace's start: 1.5s..2s, ..500ms, 10s..",
			0 } },
	{ OPTIONS_FILTER, { "pid", 'p', "PID,...", 0, "Only these processes", 0 } },
	{ OPTIONS_FILTER, { "tid", 'T', "TID,...", 0, "Only these threads", 0 } },
	{ OPTIONS_FILTER,
		{ "comm", 'c', "NAME", 0,
			"Only threads of this name; a shell pattern such as 'post*'; several times",
			0 } },
	{ OPTIONS_FILTER, { "cpu", 'C', "CPU,...", 0, "Only these CPUs: 0,4-7", 0 } },
	{ OPTIONS_EVENT,
		{ "event", 'e', "EVENT", 0,
			"Only this event, or CPU samples by this one (page-faults); `ana info` lists those "
			"in a trace",
			0 } },
	{ OPTIONS_FILTER,
		{ "host", KEY_HOST, "NAME", 0,
			"Only what was recorded on this machine; a shell pattern; several times",
			0 } },
	{ OPTIONS_IDLE, { "idle", KEY_IDLE, NULL, 0, "Also what idle CPUs do", 0 } },
	{ OPTIONS_OUTPUT, { NULL, 0, NULL, 0, "Output", 2 } },
	{ OPTIONS_OUTPUT,
		{ "output", 'o', "FILE", 0,
			"Write to FILE; its ending chooses the format (default: standard output)",
			0 } },
	{ OPTIONS_OUTPUT, { "format", 'f', "FORMAT", 0, "One of those below (default: text)", 0 } },
	{ OPTIONS_TABLE,
		{ "table", KEY_TABLE, "NAME", 0,
			"Only this table, graph or heatmap, by its name in JSON; CSV holds one",
			0 } },
	{ OPTIONS_TABLES,
		{ "top", KEY_TOP, "N", 0, "Rows of each table at the most (default: 20)", 0 } },
	{ OPTIONS_TABLES,
		{ "list", KEY_LIST, NULL, 0, "Also list the events one by one, up to a million",
			0 } },
	{ OPTIONS_BY,
		{ "by", KEY_BY, BY_WORDS, 0, "Whose calls are counted apart (default: pid)", 0 } },
	{ OPTIONS_REPORT,
		{ "only", KEY_ONLY, "PART,...", 0, "Only these parts: sched,block (default: all)",
			0 } },
	{ OPTIONS_REPORT,
		{ "fail-if", KEY_FAIL_IF, "CONDITION", 0,
			"Exit with status 1 if a number of the report is so: 'sched.p99 > 5ms', "
			"'block.errors > 0'; several times",
			0 } },
	{ OPTIONS_TRACE | OPTIONS_PACK, { NULL, 0, NULL, 0, "Output", 2 } },
	{ OPTIONS_REPAIR,
		{ "repair", KEY_REPAIR, NULL, 0,
			"Make a new trace of all that is intact, with a new index (needs -o)",
			0 } },
	{ OPTIONS_TRACE,
		{ "output", 'o', "FILE", 0,
			"The new trace, which must not exist yet; - is standard output", 0 } },
	{ OPTIONS_PACK,
		{ "output", 'o', "FILE", 0,
			"The archive, which must not exist yet: .tar.zst, .tar.gz, .tar.xz, .tar or .zip",
			0 } },
	{ OPTIONS_PACK,
		{ "no-binaries", KEY_NO_BINARIES, NULL, 0, "No programs and libraries", 0 } },
	{ OPTIONS_PACK, { "no-debug", KEY_NO_DEBUG, NULL, 0, "No debug files", 0 } },
	{ OPTIONS_PACK, { "no-sources", KEY_NO_SOURCES, NULL, 0, "No source files", 0 } },
	{ OPTIONS_BINARIES, { NULL, 0, NULL, 0, "Where binaries are", 3 } },
	{ OPTIONS_BINARIES,
		{ "from", KEY_FROM, "PATH", 0,
			"A binary, a debug file, a folder of them or an archive; several times",
			0 } },
	{ OPTIONS_BINARIES,
		{ "sysroot", KEY_SYSROOT, "FOLDER", 0,
			"Stands for / of the machine that was recorded; is looked at before this machine's",
			0 } },
	{ OPTIONS_SCRUB,
		{ "key", KEY_KEY, "FILE", 0,
			"What pseudonyms are made with; one file gives the same ones in all traces. Is made "
			"if it is not there (default: a key that is forgotten at once)",
			0 } },
	{ OPTIONS_SCRUB,
		{ "keep", KEY_KEEP, "PATTERN", 0,
			"Texts, or parts of paths, that stay, and the names of functions of mappings whose path "
			"does; a shell pattern such as '/usr/bin/python3*'; several times",
			0 } },
	{ OPTIONS_SCRUB,
		{ "check", KEY_CHECK, NULL, 0,
			"Search the new trace for anything left over; without -o, only search TRACE",
			0 } },
	{ OPTIONS_SCRUB,
		{ "original", KEY_ORIGINAL, "TRACE", 0,
			"Search for the texts of this one, with --check and without -o; several times",
			0 } },
	{ OPTIONS_PICTURE, { NULL, 0, NULL, 0, "The graph", 3 } },
	{ OPTIONS_HEATMAP,
		{ "field", KEY_FIELD, "FIELD", 0,
			"What the rows are: a number of the events (default: their duration)",
			0 } },
	{ OPTIONS_HEATMAP,
		{ "offset-in-second", KEY_OFFSET, NULL, 0,
			"Columns are seconds, rows where in the second: the default for CPU samples",
			0 } },
	{ OPTIONS_FLAME,
		{ "weight", KEY_WEIGHT, "FIELD", 0,
			"Sum this field of the events, such as period, instead of counting them",
			0 } },
	{ OPTIONS_FLAME,
		{ "by", KEY_BY, BY_WORDS, 0, "What the lowest frames are (default: comm)", 0 } },
	{ OPTIONS_FLAME,
		{ "min", KEY_MIN, "PERCENT", 0, "Merge frames narrower than this share", 0 } },
	{ OPTIONS_FLAME,
		{ "annotate", KEY_ANNOTATE, NULL, 0,
			"Mark kernel, JIT and inlined frames in text: _[k], _[j], _[i]", 0 } },
	{ OPTIONS_FLAME,
		{ "lines", KEY_LINES, NULL, 0,
			"Part functions by the line that was running, as in 'parse config.c:97'",
			0 } },
	{ OPTIONS_FLAME, { "inverted", KEY_INVERTED, NULL, 0, "Grow down, as icicles", 0 } },
	{ OPTIONS_PICTURE, { "width", KEY_WIDTH, "N", 0, "Of the picture, in pixels", 0 } },
	{ OPTIONS_PICTURE, { "title", KEY_TITLE, "TEXT", 0, "Title of the report", 0 } },
	{ OPTIONS_EACH, { NULL, 0, NULL, 0, "Many traces", 4 } },
	{ OPTIONS_EACH,
		{ "each", KEY_EACH, NULL, 0,
			"Each trace by itself, not all as one; -o names a folder for the results",
			0 } },
	{ OPTIONS_EACH,
		{ "jobs", 'j', "N", 0,
			"With --each, which it implies: so many at a time (default: one for each CPU)",
			0 } },
	{ OPTIONS_THREADS,
		{ "threads", KEY_THREADS, "N", 0,
			"Read and analyze in so many threads (default: one for each CPU)", 5 } },
};

static unsigned number(const char *text, unsigned max, struct argp_state *state)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || *end || v < 1 || v > max)
		argp_error(state, "'%s' is no number from 1 to %u", text, max);
	return (unsigned)v;
}

static double percent(const char *text, struct argp_state *state)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || (*end && strcmp(end, "%") != 0) || !(v >= 0 && v <= 100))
		argp_error(state, "'%s' is no percentage from 0 to 100", text);
	return v;
}

static void check_by(const char *by, struct argp_state *state)
{
	if (option_word(BY_WORDS, by) < 0)
		argp_error(state, "'%s' is nothing to group by: " BY_WORDS, by);
}

static void check(int rc, const struct err *err, struct argp_state *state)
{
	if (rc)
		argp_error(state, "%s", err->text);
}

static void add_word(const char ***words, uint32_t *n, const char *word)
{
	*words = xrealloc(*words, *n + 1, sizeof(**words));
	(*words)[(*n)++] = word;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct analyze_options *o = state->input;
	struct err err = { "" };

	switch (key) {
	case 't': check(filter_window(&o->filter, arg, &err), &err, state); return 0;
	case 'p': check(filter_ids(&o->filter.pids, arg, &err), &err, state); return 0;
	case 'T': check(filter_ids(&o->filter.tids, arg, &err), &err, state); return 0;
	case 'C': check(filter_ids(&o->filter.cpus, arg, &err), &err, state); return 0;
	case 'c': filter_comm(&o->filter, arg); return 0;
	case 'e': o->event = arg; return 0;
	case 'o': o->output = arg; return 0;
	case 'f': o->format = arg; return 0;
	case KEY_IDLE: o->filter.idle = true; return 0;
	case KEY_HOST: filter_host(&o->filter, arg); return 0;
	case KEY_REPAIR: o->repair = true; return 0;
	case KEY_TOP: o->top = number(arg, 1000000, state); return 0;
	case KEY_LIST: o->list = true; return 0;
	case KEY_WEIGHT: o->weight = arg; return 0;
	case KEY_BY: check_by(o->by = arg, state); return 0;
	case KEY_MIN: o->render.min_percent = percent(arg, state); return 0;
	case KEY_ANNOTATE: o->render.annotate = true; return 0;
	case KEY_LINES: o->lines = true; return 0;
	case KEY_INVERTED: o->render.inverted = true; return 0;
	case KEY_WIDTH: o->render.width = number(arg, 100000, state); return 0;
	case KEY_TITLE: o->title = arg; return 0;
	case KEY_FIELD: o->field = arg; return 0;
	case KEY_OFFSET: o->offset_in_second = true; return 0;
	case KEY_KEY: o->key = arg; return 0;
	case KEY_KEEP: add_word(&o->keep, &o->n_keep, arg); return 0;
	case KEY_CHECK: o->check = true; return 0;
	case KEY_ORIGINAL: add_word(&o->originals, &o->n_originals, arg); return 0;
	case KEY_ONLY: o->only = arg; return 0;
	case KEY_TABLE: o->table = arg; return 0;
	case KEY_EACH: o->each = true; return 0;
	case 'j':
		o->jobs = number(arg, 1024, state);
		o->each = true;
		return 0;
	case KEY_THREADS: o->threads = number(arg, 64, state); return 0;
	case KEY_FROM: add_word(&o->from, &o->n_from, arg); return 0;
	case KEY_SYSROOT: o->sysroot = arg; return 0;
	case KEY_NO_BINARIES: o->no_binaries = true; return 0;
	case KEY_NO_DEBUG: o->no_debug = true; return 0;
	case KEY_NO_SOURCES: o->no_sources = true; return 0;
	case KEY_FAIL_IF: add_word(&o->gates, &o->n_gates, arg); return 0;
	case 'h': argp_state_help(state, stdout, ARGP_HELP_STD_HELP); return 0;
	case ARGP_KEY_ARG: add_word(&o->files, &o->n_files, arg); return 0;
	case ARGP_KEY_END:
		if (!o->n_files)
			argp_error(state,
				"name a trace, a folder of traces, or - for standard input");
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* libc looks for it under this name. */
__attribute__((visibility("default"))) const char *argp_program_version = "ana " VERSION;

/* `ana COMMAND --tables`: what manuals and completion are made of. */
static void print_tables(const struct argp *argp)
{
	option_table_print(stdout, argp);
	exit(fflush(stdout) ? EXIT_CANNOT : 0);
}

void analyze_options_parse(struct analyze_options *o, int argc, char **argv, unsigned groups,
	const char *doc, const char *formats)
{
	struct argp_option options[MAX_OPTIONS] = { { 0 } };
	struct argp argp = { options, parse, "TRACE...", NULL, NULL, NULL, NULL };
	char text[4096], name[64];
	unsigned n = 0;

	options[n++] = (struct argp_option){ NULL, 'h', NULL, OPTION_HIDDEN, "As --help", 0 };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].group & groups)
			options[n++] = all[i].option;
	snprintf(text, sizeof(text), "%s\v%s", doc, formats ? formats : "");
	argp.doc = text;
	memset(o, 0, sizeof(*o));
	filter_init(&o->filter);
	o->sysroot = "";
	o->render.min_percent = -1;
	if (argc == 2 && strcmp(argv[1], "--tables") == 0)
		print_tables(&argp);
	snprintf(name, sizeof(name), "ana %s", argv[0]);
	argv[0] = name;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, o);
}

void analyze_options_done(struct analyze_options *o)
{
	filter_done(&o->filter);
	free(o->files);
	free(o->keep);
	free(o->originals);
	free(o->from);
	free(o->gates);
}
