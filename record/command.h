/* What `rec` does beside recording: one constant struct each, in commands[]. */
#ifndef RECORD_COMMAND_H
#define RECORD_COMMAND_H

struct command {
	const char *name;
	const char *summary; /* one line for --help */
	int (*run)(void);    /* the exit status */
};

extern const struct command commands[]; /* ends with a NULL name */

#endif
