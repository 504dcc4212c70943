/* rec: records what a Linux machine and its programs do into a trace. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "format/symbols/inline_worker.h"
#include "record/command.h"
#include "record/options.h"
#include "record/recording.h"

enum {
	EXIT_CANNOT = 3,
	LARGE_BYTES = 128 << 10,
};

/* What is large goes back to the kernel when it is freed. Unless told so libc takes ever larger pieces from the
 * heaps of threads, which keep what one table of a large binary took, for as long as we run. */
static void keep_heaps_small(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

int main(int argc, char **argv)
{
	struct options options;

	if (argc == 2 && strcmp(argv[1], INLINE_WORKER) == 0)
		return inline_worker_main();
	for (int i = 0; argc == 2 && commands[i].name; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			int status = commands[i].run();

			return fflush(stdout) ? EXIT_CANNOT : status;
		}
	}
	options_parse(&options, argc, argv);
	keep_heaps_small();
	return recording_run(&options);
}
