/* rec: records what a Linux machine and its programs do into a trace. */
#include "record/options.h"
#include "record/recording.h"

int main(int argc, char **argv)
{
	struct options options;

	options_parse(&options, argc, argv);
	return recording_run(&options);
}
