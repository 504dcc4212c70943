/* What names cost: bench_names FILE [N]
 *
 * Asks for the names of N (100,000) addresses spread evenly over the code of a program or library as a recording
 * does (record/names.c: symbols, inlined functions and lines by the worker, demangled, written), and tells how
 * long that took, CPU time with that of the workers, and memory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "format/symbols/elf_image.h"
#include "format/symbols/inline_worker.h"
#include "record/names.h"
#include "record/now.h"
#include "tests/bench/code_section.h"

/* A segment has room for so many frames and no more: its names are looked up before the next. */
static void end_segment(struct names *names, struct writer *w)
{
	while (!names_settled(names))
		usleep(1000);
	writer_roll(w, now_ns(), now_ns());
}

static void ask(struct names *names, struct writer *w, struct image *image, const GElf_Shdr *code,
	uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct new_frame f = { .image = image, .pid = (uint32_t)getpid() };
		bool is_new;

		if (writer_crowded(w))
			end_segment(names, w);
		f.address = code->sh_offset + code->sh_size / n * i;
		f.frame = writer_frame(w, image_mapping(image, w), f.address, &is_new);
		names_request(names, &f);
	}
}

static double cpu(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double peak_mb(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)u.ru_maxrss / 1024;
}

static void measure(const char *path, const GElf_Shdr *code, uint32_t n)
{
	struct writer_config config = { .stage_bytes = 0 };
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct sink *sink = sink_new(nowhere, 0);
	struct writer *w = writer_new(sink, &config);
	struct names *names = names_new(w, true);
	struct image like = { .kind = MAPPING_FILE, .path = path, .pid = (uint32_t)getpid() };
	struct images images;
	uint64_t begun;

	images_init(&images);
	begun = now_ns();
	if (names_start(names))
		exit(1);
	ask(names, w, images_get(&images, &like), code, n);
	names_finish(names, NULL);
	writer_close(w, now_ns());
	printf("%s: %u addresses in %.2f s; CPU %.2f s, of workers %.2f s; at most %.0f MB, workers %.0f MB "
	       "(mapped files included); %.1f MB of trace\n",
		path, n, (double)(now_ns() - begun) / 1e9, cpu(RUSAGE_SELF), cpu(RUSAGE_CHILDREN),
		peak_mb(RUSAGE_SELF), peak_mb(RUSAGE_CHILDREN), (double)sink_taken(sink) / 1e6);
	names_free(names);
	writer_free(w);
	sink_free(sink);
	close(nowhere);
	images_done(&images);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
	struct elf_image e;
	int fd;

	if (argc == 2 && strcmp(argv[1], INLINE_WORKER) == 0)
		return inline_worker_main();
	fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || elf_image_open(&e, fd, NULL) || !code_section(&e) || !n) {
		fprintf(stderr, "usage: bench_names FILE [N]\n");
		return 2;
	}
	measure(argv[1], code_section(&e), n);
	elf_image_done(&e);
	close(fd);
	return 0;
}
