/* The commands of `ana`: one constant struct beside the code of each, one line in commands[]. */
#ifndef ANALYZE_COMMAND_H
#define ANALYZE_COMMAND_H

#include <stddef.h>

enum {
	EXIT_OK = 0,
	EXIT_CHECK = 1, /* a check said no */
	EXIT_USAGE = 2,
	EXIT_CANNOT = 3,
};

struct command {
	const char *name;
	const char *summary; /* one line for --help */
	/* argv[0] is the command's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

extern const struct command command_cut, command_dump, command_merge, command_report;
extern const struct command command_pack, command_scrub, command_symbolize, command_verify;
extern const struct command *const commands[]; /* ends with NULL */

/* The commands that are analyzers: parses options, runs the analyzer, renders its report. */
struct analyzer;
int analyzer_command(const struct analyzer *a, int argc, char **argv);

/* How the options want a report rendered; NULL and a sentence where that is nothing known. */
struct analyze_options;
struct err;
const struct renderer *command_renderer(const struct analyze_options *o, struct err *err);

/* Renders it to where the options say, or only the section that they choose. 0 or a negative errno: -EINVAL if
 * the options do not fit the report. */
struct report;
int command_render(struct report *report, const struct renderer *renderer,
	struct analyze_options *o, struct err *err);

/* With --each: has `one` run for each trace, its reports rendered so. */
int command_each_report(struct analyze_options *o, const struct renderer *renderer,
	int (*one)(struct analyze_options *o, void *ctx), void *ctx);

/* With --each, for commands that make traces. */
int command_each_trace(struct analyze_options *o, int (*one)(struct analyze_options *o, void *ctx));

/* The list of formats for --help. */
void command_list_formats(char *text, size_t size);

/* Writes `ana: ...` and returns the status. */
int command_failed(const struct err *err, int status);

/* Writes a line for each trace in which damage was found; behind the work, as that is what finds it. */
struct inputs;
void command_tell_damage(const struct inputs *in);

/* The name of the new trace, for commands that make one. Without one: a sentence, and NULL. */
const char *command_output(const struct analyze_options *o, const char *command);

#endif
