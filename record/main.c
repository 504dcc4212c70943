/* rec: records what a Linux machine and its programs do into a trace. */
#include <stdio.h>
#include <string.h>

#include "record/command.h"
#include "record/options.h"
#include "record/recording.h"

enum { EXIT_CANNOT = 3 };

int main(int argc, char **argv)
{
	struct options options;

	for (int i = 0; argc == 2 && commands[i].name; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			int status = commands[i].run();

			return fflush(stdout) ? EXIT_CANNOT : status;
		}
	}
	options_parse(&options, argc, argv);
	return recording_run(&options);
}
