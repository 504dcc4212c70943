#include "record/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "format/base/size.h"
#include "record/names.h"
#include "record/unwinding.h"

uint64_t summary_cpu_ns(struct recording *r)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return names_workers_cpu(r->names) +
		(uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

uint64_t summary_memory(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t size, resident = 0;

	if (f && fscanf(f, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t total_lost(struct recording *r)
{
	struct writer_stats stats;

	writer_stats(r->writer, &stats);
	return r->n_lost + stats.dropped;
}

void summary_info(struct recording *r)
{
	const struct {
		const char *key;
		uint64_t value;
	} totals[] = { { "recorder.cpu_ns", summary_cpu_ns(r) },
		{ "recorder.duration_ns", r->stop_ns - r->start_ns },
		{ "recorder.events", r->n_events }, { "recorder.lost", total_lost(r) } };
	char text[32];

	for (unsigned i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		snprintf(text, sizeof(text), "%" PRIu64, totals[i].value);
		writer_info(r->writer, totals[i].key, text);
	}
}

/* 12,345: groups of three digits. */
static const char *grouped(uint64_t v, char text[32])
{
	char digits[32];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, v), at = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

/* What was recorded is called after what it is. */
static const char *unit(const struct recording *r)
{
	const struct options *o = r->options;

	return o->n_sources == 1 && o->sources[0] == &source_cpu ? "sample" : "event";
}

/* "40.4 KiB in run.rec", or what is left of a long recording. */
static void print_place(struct recording *r)
{
	struct retention_result k;
	char size[32];

	retention_result(r->retention, &k);
	size_text(k.bytes, size);
	if (k.ring_from_ns)
		fprintf(stderr, "the last %.1f s%s, %s in %s",
			(double)(r->stop_ns - k.ring_from_ns) / 1e9,
			k.ring_was_full ? " (more did not fit: --max-size)" : "", size, k.file);
	else if (k.n_files > 1)
		fprintf(stderr, "%s in %u files up to %s", size, k.n_files, k.file);
	else
		fprintf(stderr, "%s in %s", size, k.file);
}

/* Percent that are worth a word. */
enum {
	MANY_CUT = 5,  /* of stacks: deeper than their copies */
	MANY_LATE = 1, /* of events: the kernel's buffers were full */
};

static void print_late(const struct recording *r)
{
	uint64_t all = r->n_events + r->n_late;

	if (r->n_late * 100 > all * MANY_LATE)
		fprintf(stderr,
			"rec: %.0f%% of events were lost, as `rec` came too late to the kernel's buffers:%s "
			"record less (a lower -F, --min, --sample, fewer sources), or with a larger --buffer\n",
			100 * (double)r->n_late / (double)all,
			r->options->realtime ? "" : " let it go first (--realtime 1),");
}

static void print_cut_stacks(const struct recording *r)
{
	struct unwinding_totals t = { 0 };

	if (r->unwinding)
		unwinding_totals(r->unwinding, &t);
	if (t.copy_ends * 100 > t.stacks * MANY_CUT)
		fprintf(stderr,
			"rec: %.0f%% of user stacks were deeper than what is looked at (%u KiB): "
			"--stack-size 64K shows more\n",
			100 * (double)t.copy_ends / (double)t.stacks,
			r->options->stack_bytes >> 10);
}

void summary_print(struct recording *r)
{
	double seconds = (double)(r->stop_ns - r->start_ns) / 1e9;
	double cpu = (double)summary_cpu_ns(r) / 1e9;
	struct writer_stats stats;
	char a[32], b[32];

	writer_stats(r->writer, &stats);
	fprintf(stderr, "rec: %s %ss in %.1f s, %s lost; ", grouped(r->n_events, a), unit(r),
		seconds, grouped(total_lost(r), b));
	print_place(r);
	if (r->n_events)
		fprintf(stderr, ", %.1f bytes per %s", (double)stats.written / (double)r->n_events,
			unit(r));
	fprintf(stderr, "; rec itself used %.2f s of CPU (%.1f%% of one CPU)\n", cpu,
		100 * cpu * 1e9 / (double)(now_ns() - r->opened_ns));
	print_late(r);
	print_cut_stacks(r);
}
