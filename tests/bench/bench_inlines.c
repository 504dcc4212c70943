/* What inlined functions and lines cost: bench_inlines FILE [DEBUG-FILE] [N]
 *
 * Asks for N (100,000) addresses spread evenly over the code of a program or library, in this process
 * (`rec` does it in a worker), and tells seconds, memory and what was found. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <fcntl.h>
#include <time.h>

#include "format/base/arena.h"
#include "format/symbols/dwarf_frames.h"
#include "format/symbols/elf_image.h"
#include "tests/bench/code_section.h"

struct counts {
	uint64_t frames, inlined, lines;
};

static void count(void *ctx, const struct dwarf_frame *f)
{
	struct counts *c = ctx;

	c->frames++;
	c->inlined += f->depth > 0;
	c->lines += f->file != NULL;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(int fd, const GElf_Shdr *code, size_t n)
{
	uint64_t *addresses = xcalloc(n, sizeof(*addresses));
	struct counts c = { 0, 0, 0 };
	const struct dwarf_listener listener = { .frame = count, .ctx = &c };
	struct rusage use;
	struct err err = { "" };
	double begun;
	int found;

	for (size_t i = 0; i < n; i++)
		addresses[i] = code->sh_addr +
			(uint64_t)((double)code->sh_size / (double)n * (double)i);
	begun = seconds();
	found = dwarf_frames(fd, NULL, addresses, n, &listener, &err);
	getrusage(RUSAGE_SELF, &use);
	free(addresses);
	if (found < 0) {
		fprintf(stderr, "bench_inlines: %s\n", err.text);
		return 1;
	}
	printf("%zu addresses: %d known, %.2f inlined functions each, %.1f%% of frames with lines; "
	       "%.2f s CPU, %ld MB resident at most (mapped file included)\n",
		n, found, (double)c.inlined / (double)(found ? found : 1),
		100.0 * (double)c.lines / (double)(c.frames ? c.frames : 1), seconds() - begun,
		use.ru_maxrss / 1024);
	if (err.text[0])
		printf("%s\n", err.text);
	return 0;
}

int main(int argc, char **argv)
{
	const char *debug = argc > 2 ? argv[2] : argv[1];
	size_t n = argc > 3 ? strtoul(argv[3], NULL, 10) : 100000;
	struct elf_image e;
	struct err err;
	int fd, debug_fd, status = 1;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_inlines FILE [DEBUG-FILE] [N]\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	debug_fd = open(debug, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || debug_fd < 0 || elf_image_open(&e, fd, &err)) {
		fprintf(stderr, "bench_inlines: cannot open '%s' or '%s'\n", argv[1], debug);
		return 1;
	}
	if (code_section(&e) && n)
		status = run(debug_fd, code_section(&e), n);
	elf_image_done(&e);
	return status;
}
