/* ana: turns traces into pictures, tables and answers. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/analyzer.h"
#include "analyze/command.h"
#include "format/symbols/inline_worker.h"

const struct command *const commands[] = { &command_dump, &command_cut, &command_merge,
	&command_pack, &command_report, &command_scrub, &command_symbolize, &command_verify, NULL };

static void help(FILE *out)
{
	fprintf(out,
		"Usage: ana COMMAND [OPTION...] TRACE...\n"
		"Turn traces made by `rec` into pictures, tables and answers.\n\n"
		"Commands:\n");
	for (int i = 0; analyzers[i]; i++)
		fprintf(out, "  %-10s %s\n", analyzers[i]->name, analyzers[i]->summary);
	for (int i = 0; commands[i]; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out,
		"\n`ana COMMAND --help` tells more. Examples:\n"
		"  ana report run.rec -o run.html     everything it shows, findings first\n"
		"  ana flame run.rec                  the tree of stacks, in the terminal\n"
		"  ana sched run.rec                  who waited for a CPU, and behind whom\n"
		"  ana flame run.rec -o cpu.svg       as an interactive picture\n"
		"  ana flame run.rec -c nginx -o nginx.html\n"
		"  ana heatmap run.rec -o run.html    select a range to see its flame graph\n"
		"  ana dump run.rec -e cpu_sample -f jsonl\n"
		"  ana cut run.rec -t 2s..2.5s -o spike.rec\n"
		"  rec cpu -d 5 -o - | ana flame -\n\n"
		"A TRACE is a file, a folder (all *.rec in it, and those in archives there), an archive\n"
		"(.tar.zst, .tar.gz, .zip: all traces in it) or - for standard input.\n"
		"Exit status: 0 done, 1 a check said no, 2 usage, 3 cannot.\n");
}

/* What manuals and completion are made of; `ana COMMAND --tables` goes on with its options. */
static void tables(void)
{
	for (int i = 0; analyzers[i]; i++)
		printf("command\t%s\t%s\n", analyzers[i]->name, analyzers[i]->summary);
	for (int i = 0; commands[i]; i++)
		printf("command\t%s\t%s\n", commands[i]->name, commands[i]->summary);
}

/* The file became shorter while it was read: what is mapped behind its end cannot be. */
static void on_sigbus(int signal)
{
	static const char text[] =
		"ana: the trace became shorter while it was read (is it being written anew?)\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	(void)signal;
	_exit(EXIT_CANNOT);
}

/* Bytes from which on a piece of memory is mapped: it goes back when it is freed, and grows without a copy. By itself
 * glibc puts ever larger ones side by side, with gaps between them. */
enum { MAPPED_BYTES = 512 << 10 };

static int run(int argc, char **argv)
{
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
	for (int i = 0; analyzers[i]; i++)
		if (strcmp(argv[0], analyzers[i]->name) == 0)
			return analyzer_command(analyzers[i], argc, argv);
	for (int i = 0; commands[i]; i++)
		if (strcmp(argv[0], commands[i]->name) == 0)
			return commands[i]->run(argc, argv);
	fprintf(stderr, "ana: there is no command '%s'; `ana --help` lists them\n", argv[0]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], INLINE_WORKER) == 0)
		return inline_worker_main();
	signal(SIGBUS, on_sigbus);
	if (argc < 2) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0 ||
		strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "-?") == 0) {
		help(stdout);
		return fflush(stdout) ? EXIT_CANNOT : EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("ana " VERSION);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--tables") == 0) {
		tables();
		return fflush(stdout) ? EXIT_CANNOT : EXIT_OK;
	}
	return run(argc - 1, argv + 1);
}
