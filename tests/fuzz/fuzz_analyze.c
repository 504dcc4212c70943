/* Any bytes as a trace that every analyzer reads, in one report and in the outputs that scripts and people
 * read. Checksums are mended (mend.h), or hardly any input would get further than the reader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/pass.h"
#include "tests/fuzz/mend.h"

enum { MAX_ROWS = 50000 }; /* a few bytes can say "a million rows": true, and slow */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void render(const struct report *report, const char *format)
{
	const struct render_options o = { .min_percent = -1 };
	FILE *out = fopen("/dev/null", "w");

	if (!out)
		abort();
	renderer_by_name(format)->render(report, &o, out, NULL);
	fclose(out);
}

static void analyze(const char *path, bool report, bool list)
{
	struct analyze_options o = { .files = (const char *[]){ path },
		.n_files = 1,
		.report = report,
		.list = list };
	struct err err = { "" };

	filter_init(&o.filter);
	/* By itself each says what it misses; in a report it keeps silent. */
	for (uint32_t i = 0; analyzers[i]; i++) {
		struct report made;
		struct pass *pass;
		uint32_t n = 1;

		while (report && analyzers[i + n])
			n++;
		report_init(&made, "Report", "");
		pass = pass_new(&analyzers[i], n, &o);
		if (pass_run(pass, &made, &err) == 0) {
			report_sort_findings(&made);
			render(&made, "json");
			render(&made, "text");
		}
		report_done(&made);
		pass_free(pass);
		i += n - 1;
	}
	filter_done(&o.filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	int fd = memfd_create("trace", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || !bytes)
		abort();
	memcpy(bytes, data, size);
	if (mend_checksums(bytes, size) <= MAX_ROWS) {
		if (write(fd, bytes, size) != (ssize_t)size)
			abort();
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		analyze(path, size % 4 == 0, size % 2 == 0);
	}
	close(fd);
	free(bytes);
	return 0;
}
