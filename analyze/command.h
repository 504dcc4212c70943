/* The commands of `ana`: one constant struct beside the code of each, one line in commands[]. */
#ifndef ANALYZE_COMMAND_H
#define ANALYZE_COMMAND_H

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

extern const struct command command_cut, command_dump, command_merge, command_scrub, command_verify;
extern const struct command *const commands[]; /* ends with NULL */

/* The commands that are analyzers: parses options, runs the analyzer, renders its report. */
struct analyzer;
int analyzer_command(const struct analyzer *a, int argc, char **argv);

/* Writes `ana: ...` and returns the status. */
struct err;
int command_failed(const struct err *err, int status);

/* Writes a line for each trace in which damage was found; behind the work, as that is what finds it. */
struct inputs;
void command_tell_damage(const struct inputs *in);

/* The name of the new trace, for commands that make one. Without one: a sentence, and NULL. */
struct analyze_options;
const char *command_output(const struct analyze_options *o, const char *command);

#endif
