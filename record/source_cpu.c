/* `rec cpu`: who is running where, sampled at a fixed rate.
 *
 * Counts cycles where the machine can, and takes a clock where it cannot: the clock does not see
 * code that runs with interrupts off, and says so in the trace. Kernel addresses are recorded where
 * permitted. User-only sampling by hardware is avoided: with exclude_kernel set, 95% of addresses
 * were kernel ones on 6.18 under KVM; samples are taken of everything and classified by the
 * record's mode. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/events.h"
#include "record/event_set.h"
#include "record/recording.h"
#include "specs/events/cpu.h"

enum {
	RING_BYTES = 1 << 20,
	DEFAULT_HZ = 99, /* odd, so as not to march in step with timers */
};

#define MAX_RATE "/proc/sys/kernel/perf_event_max_sample_rate"

struct cpu_state {
	struct recording *recording; /* borrowed */
	struct event_set *events;
	int sample_type, throttle_type;
	const struct clock_choice *choice;
	uint32_t event_string, generation;
	bool user_only;
};

/* The ways to sample, best first. */
static const struct clock_choice {
	const char *name;
	uint32_t type;
	uint64_t config;
	const char *note; /* what is lesser about it */
} choices[] = {
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, NULL },
	{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK,
		"no hardware counter here (a virtual machine?): sampling by a clock, which does not "
		"see code that runs with interrupts off" },
};

/* ---- records ---- */

/* PERF_RECORD_SAMPLE with TID, TIME, CPU, PERIOD and CALLCHAIN. */
struct record_sample {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, reserved;
	uint64_t period;
	uint64_t n;
	uint64_t chain[];
};

static enum cpu_mode mode_of(const struct perf_event_header *h)
{
	switch (h->misc & PERF_RECORD_MISC_CPUMODE_MASK) {
	case PERF_RECORD_MISC_KERNEL: return CPU_MODE_KERNEL;
	case PERF_RECORD_MISC_USER: return CPU_MODE_USER;
	case PERF_RECORD_MISC_HYPERVISOR: return CPU_MODE_HYPERVISOR;
	case PERF_RECORD_MISC_GUEST_KERNEL: return CPU_MODE_GUEST_KERNEL;
	case PERF_RECORD_MISC_GUEST_USER: return CPU_MODE_GUEST_USER;
	default: return CPU_MODE_UNKNOWN;
	}
}

static uint32_t event_string(struct cpu_state *s)
{
	struct writer *w = s->recording->writer;

	if (s->generation != writer_generation(w)) {
		s->event_string = writer_string(w, s->choice->name, strlen(s->choice->name));
		s->generation = writer_generation(w);
	}
	return s->event_string;
}

static void on_sample(struct cpu_state *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	const struct record_sample *p = (const struct record_sample *)h;
	struct recording *r = s->recording;
	struct cpu_sample e = { .time = time };
	struct thread *t;

	if (h->size < sizeof(*p) || p->n > (h->size - sizeof(*p)) / sizeof(uint64_t))
		return;
	t = processes_thread(r->processes, p->pid, p->tid);
	e.cpu = p->cpu;
	e.pid = p->pid;
	e.tid = p->tid;
	e.comm = recording_comm(r, t);
	e.stack = stacks_get(r->stacks, t, p->chain, (uint32_t)p->n, time);
	e.event = event_string(s);
	e.mode = mode_of(h);
	e.period = p->period;
	writer_add(r->writer, ring->stream, s->sample_type, &e);
	r->n_events++;
}

static void on_throttle(struct cpu_state *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	struct cpu_throttle e = { .time = time,
		.cpu = (uint32_t)ring->cpu,
		.state = h->type == PERF_RECORD_THROTTLE ? CPU_THROTTLE_ON : CPU_THROTTLE_OFF };

	writer_add(s->recording->writer, ring->stream, s->throttle_type, &e);
}

static void handle(void *ctx, const struct perf_ring *ring, const struct perf_event_header *h,
	uint64_t time)
{
	struct cpu_state *s = ctx;

	switch (h->type) {
	case PERF_RECORD_SAMPLE: on_sample(s, ring, h, time); break;
	case PERF_RECORD_THROTTLE:
	case PERF_RECORD_UNTHROTTLE: on_throttle(s, ring, h, time); break;
	default: break;
	}
}

static void lost(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since,
	uint64_t until)
{
	struct cpu_state *s = ctx;

	recording_lost(s->recording, ring->stream, "cpu_sample", n, since, until);
}

/* ---- opening ---- */

static void fill_attr(struct perf_event_attr *attr, const struct clock_choice *c,
	const struct options *o, uint32_t hz)
{
	perf_attr_init(attr, c->type, c->config);
	attr->freq = 1;
	attr->sample_freq = hz;
	attr->sample_type |= PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN;
	attr->exclude_callchain_user = o->unwind == UNWIND_NONE;
	attr->exclude_hv = 1;
	attr->watermark = 1;
	attr->wakeup_watermark = RING_BYTES / 2;
}

/* The kernel may have lowered its limit by itself after a long interrupt; asking above it is an
 * error. Asks for the limit instead and says so. */
static uint32_t permitted_rate(struct recording *r, uint32_t wanted)
{
	long max = perf_read_number(MAX_RATE, 100000);

	if (max > 0 && wanted > (uint32_t)max) {
		recording_note(r, "cpu",
			"%u samples a second is above the kernel's limit: taking %ld "
			"(sysctl kernel.perf_event_max_sample_rate raises it)",
			wanted, max);
		return (uint32_t)max;
	}
	return wanted;
}

/* Opens with kernel addresses if permitted, otherwise without. */
static int open_choice(struct cpu_state *s, const struct clock_choice *c, uint32_t hz,
	struct err *err)
{
	struct recording *r = s->recording;
	struct perf_event_attr attr;
	int code = 0;

	fill_attr(&attr, c, r->options, hz);
	s->events = event_set_open(&attr, &r->target, RING_BYTES, &code, err);
	if (s->events || (code != EACCES && code != EPERM))
		return -code;
	attr.exclude_kernel = 1;
	attr.exclude_callchain_kernel = 1;
	s->events = event_set_open(&attr, &r->target, RING_BYTES, &code, err);
	s->user_only = s->events != NULL;
	return s->events ? 0 : -code;
}

static bool is_missing(int rc)
{
	return rc == -ENOENT || rc == -EOPNOTSUPP || rc == -ENODEV;
}

/* The first way to sample that this machine has. */
static int open_best(struct cpu_state *s, uint32_t *hz, struct err *err)
{
	int rc = -ENOENT;

	for (size_t i = 0; is_missing(rc) && i < sizeof(choices) / sizeof(choices[0]); i++) {
		s->choice = &choices[i];
		rc = open_choice(s, s->choice, *hz, err);
		if (rc != -EINVAL)
			continue;
		*hz = permitted_rate(s->recording, *hz); /* the limit fell meanwhile */
		rc = open_choice(s, s->choice, *hz, err);
	}
	return rc;
}

static int open_events(struct cpu_state *s, struct err *err)
{
	struct recording *r = s->recording;
	uint32_t hz = permitted_rate(r, r->options->frequency ? r->options->frequency : DEFAULT_HZ);
	char text[16];
	int rc = open_best(s, &hz, err);

	if (rc)
		return rc;
	snprintf(text, sizeof(text), "%u", hz);
	writer_info(r->writer, "source.cpu.frequency", text);
	writer_info(r->writer, "source.cpu.event", s->choice->name);
	if (s->choice->note)
		recording_note(r, "cpu", "%s", s->choice->note);
	if (s->user_only)
		recording_note(r, "cpu",
			"only user code is sampled: kernel.perf_event_paranoid forbids the rest");
	return 0;
}

static void cpu_close(void *state)
{
	struct cpu_state *s = state;

	if (!s)
		return;
	event_set_close(s->events);
	free(s);
}

static int cpu_open(struct recording *r, void **state, struct err *err)
{
	struct cpu_state *s = xcalloc(1, sizeof(*s));
	struct event_set_user user = { handle, lost, s };
	int rc;

	s->recording = r;
	s->sample_type = writer_type(r->writer, &event_cpu_sample, NULL);
	s->throttle_type = writer_type(r->writer, &event_cpu_throttle, NULL);
	rc = open_events(s, err);
	if (!rc)
		rc = event_set_feed(s->events, r->loop, r->writer, "cpu", &user, err);
	if (rc) {
		cpu_close(s);
		return rc;
	}
	*state = s;
	return 0;
}

static void cpu_enable(void *state)
{
	event_set_enable(((struct cpu_state *)state)->events);
}

static void cpu_disable(void *state)
{
	event_set_disable(((struct cpu_state *)state)->events);
}

static void cpu_settle(void *state)
{
	event_set_settle(((struct cpu_state *)state)->events, now_ns());
}

const struct source source_cpu = {
	.name = "cpu",
	.summary = "which code runs on the CPUs: stacks, sampled at a fixed rate",
	.needs = "sampling",
	.better_with = { "hardware counters", "kernel names", "other processes" },
	.open = cpu_open,
	.enable = cpu_enable,
	.disable = cpu_disable,
	.settle = cpu_settle,
	.close = cpu_close,
};
