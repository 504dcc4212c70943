/* `rec faults`: pages that were touched and not there, what it took to get them, and how much memory
 * processes have.
 *
 * The kernel's own two events for finished faults carry the programs (bpf/faults.bpf.c), one of each on
 * every CPU: a process's count is the one that getrusage tells, but for pages that the kernel brought in
 * without anybody touching them (MAP_POPULATE, mlock, the arguments of an exec). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/events.h"
#include "gen/faults.skel.h"
#include "record/bpf_rings.h"
#include "record/cpus.h"
#include "record/fault_mapping.h"
#include "record/faults_source.h"
#include "record/memory_watch.h"
#include "record/perf_event.h"
#include "record/tracepoint_feed.h"

/* The two events of one CPU. */
struct fault_cpu {
	struct bpf_link *minor, *major; /* owned */
};

void faults_take(struct faults_source *s, uint32_t stream, struct fault_record *record,
	uint32_t stack)
{
	struct recording *r = s->recording;
	struct page_fault *e = &record->fault;

	e->comm = recording_comm(r, processes_thread(r->processes, e->pid, e->tid));
	e->mapping = fault_mapping(s->mappings, record);
	e->stack = stack;
	recording_add(r, stream, s->type, e);
	r->n_events++;
	memory_watch_touch(s->watch, e->pid);
}

static void on_fault(void *ctx, const struct bpf_event *b)
{
	struct faults_source *s = ctx;
	struct fault_record record;

	memcpy(&record, b->data, sizeof(record));
	faults_take(s, b->stream, &record,
		bpf_rings_stack(s->recording->bpf, b, record.fault.pid, record.fault.tid));
}

/* ---- the events that carry the programs ---- */

static struct bpf_link *attach(const struct bpf_program *p, uint64_t config, int cpu,
	struct err *err)
{
	struct perf_event_attr attr;
	struct bpf_link *link;
	int fd;

	perf_attr_init(&attr, PERF_TYPE_SOFTWARE, config);
	attr.sample_period = 1;
	attr.disabled = 0;
	fd = perf_open(&attr, -1, cpu, err);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(p, fd);
	if (link)
		return link; /* the descriptor is its */
	err_errno(err, errno, "attaching a BPF program to page faults");
	close(fd);
	return NULL;
}

static void detach(struct fault_cpu *c)
{
	bpf_link__destroy(c->minor);
	bpf_link__destroy(c->major);
	c->minor = c->major = NULL;
}

static void detach_all(struct faults_source *s)
{
	for (uint32_t i = 0; i < s->n_cpus; i++)
		detach(&s->cpus[i]);
	if (s->skel)
		faults_bpf__detach(s->skel);
}

static int attach_cpu(struct faults_source *s, int cpu, struct err *err)
{
	struct fault_cpu *c = &s->cpus[cpu];

	detach(c);
	c->minor = attach(s->skel->progs.fault_minor, PERF_COUNT_SW_PAGE_FAULTS_MIN, cpu, err);
	if (c->minor)
		c->major = attach(s->skel->progs.fault_major, PERF_COUNT_SW_PAGE_FAULTS_MAJ, cpu,
			err);
	return c->minor && c->major ? 0 : -EPERM;
}

static void attach_late(struct faults_source *s, int cpu)
{
	struct err err = { "" };

	if (attach_cpu(s, cpu, &err))
		recording_note(s->recording, "faults",
			"CPU %d came while recording, and page faults there are not seen: %.200s",
			cpu, err.text);
}

/* The kernel takes away the events of a CPU that goes (6.18): those that are gone are let go of here, so
 * that a CPU that comes back gets new ones. */
static void cpus_changed(void *ctx, const int *online, uint32_t n)
{
	struct faults_source *s = ctx;
	uint32_t at = 0;

	for (uint32_t i = 0; i < s->n_cpus; i++) {
		while (at < n && online[at] < (int)i)
			at++;
		if (at == n || online[at] != (int)i)
			detach(&s->cpus[i]);
		else if (!s->cpus[i].minor)
			attach_late(s, (int)i);
	}
}

static int attach_all(struct faults_source *s, struct err *err)
{
	uint32_t n;
	int *online, rc = 0;

	n = cpus_online(&online);
	for (uint32_t i = 0; !rc && i < n; i++)
		if ((uint32_t)online[i] < s->n_cpus)
			rc = attach_cpu(s, online[i], err);
	free(online);
	if (!rc)
		loop_on_hotplug(s->recording->loop, cpus_changed, s);
	return rc;
}

/* ---- opening ---- */

static bool has_begin(struct bpf_rings *b)
{
	return bpf_rings_arguments(b, "page_fault_user") >= 3 &&
		bpf_rings_arguments(b, "page_fault_kernel") >= 3;
}

static uint32_t page_shift(void)
{
	return (uint32_t)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
}

static bool stacks(const struct faults_source *s)
{
	return options_stacks(s->recording->options, &source_faults, true);
}

static void configure(struct faults_source *s)
{
	struct faults_bpf *skel = s->skel;
	bool begin = has_begin(s->recording->bpf);

	s->has_begin = begin;
	bpf_rings_configure(s->recording->bpf, skel->rodata);
	skel->rodata->walk_enabled = bpf_rings_walk(s->recording->bpf);
	skel->rodata->fault_stacks = stacks(s);
	skel->rodata->fault_has_begin = begin;
	skel->rodata->fault_min_ns = s->recording->options->min_ns;
	skel->rodata->fault_sample = s->sample;
	skel->rodata->fault_chance = (uint32_t)((1ULL << 32) / s->sample - (s->sample == 1));
	skel->rodata->fault_page_shift = s->page_shift;
	bpf_program__set_autoload(skel->progs.fault_user, begin);
	bpf_program__set_autoload(skel->progs.fault_kernel, begin);
	bpf_program__set_autoload(skel->progs.fault_exit, begin);
	if (!begin)
		bpf_map__set_max_entries(skel->maps.begun, 1);
}

static void tell_settings(const struct faults_source *s)
{
	const struct options *o = s->recording->options;
	struct writer *w = s->recording->writer;
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)o->min_ns);
	if (o->min_ns && s->has_begin)
		writer_info(w, "source.faults.min_ns", text);
	snprintf(text, sizeof(text), "%u", s->sample);
	writer_info(w, "source.faults.sample", text);
	writer_info(w, "source.faults.stacks", stacks(s) ? "1" : "0");
	if (o->working_set)
		writer_info(w, "source.faults.working_set", "clear_refs");
	if (!s->has_begin)
		recording_note(s->recording, "faults",
			"this kernel has no tracepoints exceptions:page_fault_*: how long faults take, "
			"and whether they read or write, is not known%s",
			o->min_ns ? ", so --min lets all pass" : "");
}

static int open_programs(struct faults_source *s, struct err *err)
{
	struct recording *r = s->recording;
	int rc = bpf_rings_open(r, err);

	if (rc)
		return rc;
	s->skel = faults_bpf__open();
	if (!s->skel)
		return err_errno(err, errno, "opening BPF programs");
	configure(s);
	bpf_rings_handle(r->bpf, RING_PAGE_FAULT, "page_fault", sizeof(struct fault_record),
		on_fault, s);
	rc = bpf_rings_load(r->bpf, s->skel->skeleton, "faults", err);
	if (!rc)
		rc = attach_all(s, err);
	if (rc)
		detach_all(s); /* nothing may come twice */
	return rc;
}

/* By programs, or else by the events themselves. */
static int open_either(struct faults_source *s, struct err *err)
{
	struct err why = { "" };
	int rc;

	if (!open_programs(s, &why))
		return 0;
	rc = fault_events_open(s, stacks(s), err);
	return rc ? tracepoint_feed_neither(&why, rc, err)
		  : tracepoint_feed_instead(s->recording, &source_faults, &why);
}

static int faults_open(struct recording *r, void **state, struct err *err)
{
	struct faults_source *s = xcalloc(1, sizeof(*s));
	int rc;

	s->recording = r;
	s->sample = r->options->sample ? r->options->sample : 1;
	s->page_shift = page_shift();
	*state = s;
	s->n_cpus = cpus_possible();
	s->cpus = xcalloc(s->n_cpus, sizeof(*s->cpus));
	s->type = writer_type(r->writer, &event_page_fault, NULL);
	s->mappings = fault_mappings_new(r->writer, &r->images);
	s->watch = memory_watch_new(r, "faults", err);
	if (!s->watch)
		return -EPERM;
	rc = open_either(s, err);
	if (!rc)
		tell_settings(s);
	return rc;
}

static void faults_enable(void *state)
{
	struct faults_source *s = state;

	fault_events_enable(s->events);
	memory_watch_start(s->watch);
}

static void faults_disable(void *state)
{
	struct faults_source *s = state;

	fault_events_disable(s->events);
	memory_watch_stop(s->watch);
}

static void faults_settle(void *state)
{
	struct faults_source *s = state;

	fault_events_settle(s->events);
}

static void faults_close(void *state)
{
	struct faults_source *s = state;

	if (!s)
		return;
	detach_all(s);
	fault_events_close(s->events);
	faults_bpf__destroy(s->skel);
	memory_watch_free(s->watch);
	fault_mappings_free(s->mappings);
	free(s->cpus);
	free(s);
}

const struct source source_faults = {
	.name = "faults",
	.summary = "page faults: who touches which memory; memory in use",
	.needs = { "sampling", "BPF" },
	.better_with = { "kernel names", "other processes", "BPF stacks" },
	.instead_of_bpf = "tracepoints",
	.instead_lacks = "which faults user space serves",
	.open = faults_open,
	.enable = faults_enable,
	.disable = faults_disable,
	.settle = faults_settle,
	.close = faults_close,
	.bpf = true,
};
