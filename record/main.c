/* rec: records what a Linux machine and its programs do into a trace. */
#include <stdio.h>
#include <string.h>

#include "record/facility.h"
#include "record/options.h"
#include "record/recording.h"

/* What is no recording. */
static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "list", doctor_list },
	{ "doctor", doctor_run },
};

int main(int argc, char **argv)
{
	struct options options;

	for (size_t i = 0; argc == 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			int status = commands[i].run();

			return fflush(stdout) ? 3 : status;
		}
	}
	options_parse(&options, argc, argv);
	return recording_run(&options);
}
