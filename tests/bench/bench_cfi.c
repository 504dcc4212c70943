/* What it takes to compile the call frame information of binaries, and to look places up in it:
 *
 *	bench_cfi FILE...	a line for each that has some */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "format/symbols/cfi.h"

enum { LOOKUPS = 1 << 20 };

static double ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ns for each of many places all over the file; *found how many of them have a rule. */
static double look_up(const struct cfi *c, uint64_t size, unsigned *found)
{
	double start = ms();
	uint64_t at = 1;

	*found = 0;
	for (int i = 0; i < LOOKUPS; i++) {
		at = at * 6364136223846793005ULL + 1442695040888963407ULL;
		*found += cfi_find(c, (at >> 16) % size) != NULL;
	}
	return (ms() - start) * 1e6 / LOOKUPS;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		struct cfi_stats s;
		struct elf_image e;
		double start = ms(), took;
		unsigned found;
		struct cfi *c;

		if (fd < 0 || elf_image_open(&e, fd, NULL))
			continue;
		c = cfi_compile(&e, NULL);
		took = ms() - start;
		if (c) {
			double each = look_up(c, e.size, &found);

			cfi_stats(c, &s);
			printf("%s: %.0f MiB, %u functions: %.1f ms, %.2f MiB (%u rows, %u rules); "
			       "%.0f ns a look-up\n",
				argv[i], (double)e.size / 1048576, s.functions, took,
				(double)s.bytes / 1048576, s.rows, s.rules, each);
			cfi_free(c);
		}
		elf_image_done(&e);
		close(fd);
	}
	return 0;
}
