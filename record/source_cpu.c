/* `rec cpu`: who is running where, sampled at a fixed rate, or by the events that -e names.
 *
 * Counts cycles where the machine can, and takes a clock where it cannot: the clock does not see
 * code that runs with interrupts off, and says so in the trace. Kernel addresses are recorded where
 * permitted. User-only sampling by hardware is avoided: with exclude_kernel set, 95% of addresses
 * were kernel ones on 6.18 under KVM; samples are taken of everything and classified by the
 * record's mode. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/cpu.skel.h"
#include "gen/events.h"
#include "record/bpf_rings.h"
#include "record/event_set.h"
#include "record/perf_user.h"
#include "record/privileges.h"
#include "record/recording.h"
#include "record/unwinding.h"
#include "specs/events/cpu.h"
#include "specs/ring_cpu.h"

enum {
	RING_BYTES = 1 << 20,
	/* With copies of stacks: room for half a second. */
	COPIES_RING_MIN = 1 << 20,
	COPIES_RING_MAX = 16 << 20,
	COPIES_WAKEUP_SMALL = 128 << 10, /* where the ring may get smaller: perf_event_mlock_kb */
};

#define WHOLE 1000000000ULL

#define MAX_RATE "/proc/sys/kernel/perf_event_max_sample_rate"

/* One event that samples are taken by, with rings of its own. */
struct sampler {
	struct cpu_state *state;
	struct event_spec spec; /* borrows its texts */
	struct event_set *events;
	struct cpu_bpf *program; /* owned; NULL: samples come as perf makes them */
	uint32_t event_string, generation;
	uint64_t owed;       /* part of a sample that is in no weight yet, in 1/WHOLE */
	uint32_t n_left_out; /* since the last that was taken */
};

struct cpu_state {
	struct recording *recording; /* borrowed */
	int sample_type, throttle_type;
	struct sampler *samplers; /* owned */
	uint32_t n_samplers;
	uint32_t hz; /* as permitted */
	/* While samples are thinned out: how often from when on, and before. */
	uint32_t factor, factor_before;
	uint64_t factor_since_ns;
	bool user_only;
	bool copies; /* samples bring a copy of the stack, for unwinding */
	bool walks;  /* samples come from BPF programs, which walk the stack */
};

/* What is sampled by if nothing is named; and what cycles become where nothing counts them. */
static const struct event_spec by_cycles = {
	.text = "cycles",
	.known = true,
	.sample = { PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
};
static const struct event_spec by_clock = {
	.text = "cpu-clock",
	.known = true,
	.sample = { PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
};

/* ---- records ---- */

/* PERF_RECORD_SAMPLE with TID, TIME, CPU, PERIOD and CALLCHAIN; maybe REGS_USER and STACK_USER. */
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

static uint32_t event_string(struct sampler *s)
{
	struct writer *w = s->state->recording->writer;

	if (s->generation != writer_generation(w)) {
		s->event_string = writer_string(w, s->spec.text, strlen(s->spec.text));
		s->generation = writer_generation(w);
	}
	return s->event_string;
}

static bool is_clock(const struct sampler *s)
{
	return !sample_event_is_hardware(&s->spec.sample) && sample_event_is_time(&s->spec.sample);
}

/* The kernel turns the frequency of a clock into a period when the event is opened, and takes a period
 * from then on (seen on 6.18); other events keep a frequency. */
static uint64_t thinned_rate(const struct sampler *s, uint32_t factor)
{
	const struct cpu_state *c = s->state;
	uint64_t count = c->recording->options->count;

	if (count)
		return count * factor;
	if (is_clock(s))
		return WHOLE * factor / c->hz;
	return c->hz > factor ? c->hz / factor : 1;
}

/* Events that threads have inherited keep their rate, and their samples do not tell which it is: then the
 * kernel goes on as before and we leave samples out. */
static bool kernel_thins(const struct cpu_state *c)
{
	return target_by_cpu(&c->recording->target);
}

/* How many samples of the rate that was asked for this one stands for, in 1/WHOLE. */
static uint64_t worth(const struct sampler *s, uint64_t time)
{
	const struct cpu_state *c = s->state;
	uint32_t factor = time < c->factor_since_ns ? c->factor_before : c->factor;

	if (!kernel_thins(c) || c->recording->options->count || is_clock(s))
		return factor * WHOLE;
	return c->hz * WHOLE / (c->hz > factor ? c->hz / factor : 1);
}

/* A whole number; what is left over is owed to the next one, so that sums are right. */
static uint32_t weight_of(struct sampler *s, uint64_t time)
{
	uint64_t all;

	if (!s->state->factor)
		return 1;
	all = s->owed + worth(s, time);
	s->owed = all % WHOLE;
	return (uint32_t)(all / WHOLE);
}

static bool left_out(struct sampler *s)
{
	if (s->state->factor <= 1 || kernel_thins(s->state))
		return false;
	s->n_left_out = (s->n_left_out + 1) % s->state->factor;
	return s->n_left_out != 0;
}

/* The sample waits for its stack. */
static void add_unwound(struct sampler *s, uint32_t stream, const struct record_sample *p,
	const struct cpu_sample *e, const struct thread *t)
{
	struct recording *r = s->state->recording;
	struct perf_user user;
	const struct unwinding_row row = { .time_ns = e->time,
		.stream = stream,
		.type = s->state->sample_type,
		.event = event_cpu_sample.name,
		.row = e,
		.size = sizeof(*e),
		.stack_at = offsetof(struct cpu_sample, stack),
		.thread = t,
		.chain = p->chain,
		.n_chain = (uint32_t)p->n,
		.regs = &user.regs,
		.stack = &user.stack };

	if (!perf_user_read(&user, (const uint8_t *)(p->chain + p->n),
		    (const uint8_t *)p + p->header.size))
		memset(&user, 0, sizeof(user)); /* the kernel writes no such record */
	unwinding_add(r->unwinding, &row);
}

/* What both ways have in common. */
static struct thread *complete(struct sampler *s, struct cpu_sample *e)
{
	struct recording *r = s->state->recording;
	struct thread *t = processes_thread(r->processes, e->pid, e->tid);

	e->comm = recording_comm(r, t);
	e->event = event_string(s);
	e->weight = weight_of(s, e->time);
	r->n_events++;
	return t;
}

static bool is_whole(const struct sampler *s, const struct record_sample *p)
{
	size_t size = p->header.size;

	if (s->program)
		return size >= offsetof(struct record_sample, n);
	return size >= sizeof(*p) && p->n <= (size - sizeof(*p)) / sizeof(uint64_t);
}

static void on_sample(struct sampler *s, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	const struct record_sample *p = (const struct record_sample *)h;
	struct recording *r = s->state->recording;
	struct cpu_sample e = { .time = time };
	struct thread *t;

	if (!is_whole(s, p) || left_out(s))
		return;
	e.cpu = p->cpu;
	e.pid = p->pid;
	e.tid = p->tid;
	e.mode = mode_of(h);
	e.period = p->period;
	t = complete(s, &e);
	if (s->program) { /* the kernel skips it where another of its kind was running: no stack */
		recording_add(r, ring->stream, s->state->sample_type, &e);
		return;
	}
	if (s->state->copies) {
		add_unwound(s, ring->stream, p, &e, t);
		return;
	}
	e.stack = stacks_get(r->stacks, t, p->chain, (uint32_t)p->n, time);
	recording_add(r, ring->stream, s->state->sample_type, &e);
}

/* ---- records of the BPF programs ---- */

static uint32_t kernel_chain(const struct bpf_event *b, uint64_t chain[1 + RING_MAX_STACK])
{
	uint32_t n = b->n_kernel < RING_MAX_STACK ? b->n_kernel : RING_MAX_STACK;

	chain[0] = PERF_CONTEXT_KERNEL;
	memcpy(chain + 1, b->kernel, n * sizeof(*chain));
	return n + 1;
}

/* The walk is ours to do. */
static void add_copied(struct recording *r, const struct unwinding_row *row,
	const struct ring_cpu_sample *c, const struct bpf_event *b)
{
	struct unwinding_row copied = *row;
	struct unwind_regs regs = { .known = (1u << UNWIND_REGS) - 1 };
	struct unwind_stack stack = { .bytes = b->rest };

	memcpy(regs.value, c->regs, sizeof(c->regs));
	stack.start = regs.value[UNWIND_REG_SP];
	stack.len = c->copy_bytes < b->rest_bytes ? c->copy_bytes : b->rest_bytes;
	copied.regs = &regs;
	copied.stack = &stack;
	copied.walked = b->user;
	copied.n_walked = b->n_user;
	unwinding_add(r->unwinding, &copied);
}

/* By frame pointers, by the kernel: of 32-bit code. Callers are return addresses. */
static void add_as_found(struct recording *r, const struct unwinding_row *row,
	const struct bpf_event *b)
{
	uint64_t frames[RING_MAX_STACK];
	uint32_t n = b->n_user < RING_MAX_STACK ? b->n_user : RING_MAX_STACK;

	for (uint32_t i = 0; i < n; i++)
		frames[i] = b->user[i] - (i > 0 && !b->user_flags);
	unwinding_add_found(r->unwinding, row, frames, n,
		n && !b->user_flags ? STACK_USER_FP : b->user_flags);
}

static void on_walked(void *ctx, const struct bpf_event *b)
{
	struct cpu_state *s = ctx;
	struct ring_cpu_sample c;
	uint64_t chain[1 + RING_MAX_STACK];
	struct unwinding_row row = { .time_ns = b->time,
		.stream = b->stream,
		.type = s->sample_type,
		.event = event_cpu_sample.name,
		.row = &c.sample,
		.size = sizeof(c.sample),
		.stack_at = offsetof(struct cpu_sample, stack),
		.chain = chain };

	memcpy(&c, b->data, sizeof(c));
	if (c.sampler >= s->n_samplers || left_out(&s->samplers[c.sampler]))
		return;
	row.thread = complete(&s->samplers[c.sampler], &c.sample);
	row.n_chain = kernel_chain(b, chain);
	if (c.has_regs)
		add_copied(s->recording, &row, &c, b);
	else
		add_as_found(s->recording, &row, b);
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
	struct sampler *s = ctx;

	switch (h->type) {
	case PERF_RECORD_SAMPLE: on_sample(s, ring, h, time); break;
	case PERF_RECORD_THROTTLE:
	case PERF_RECORD_UNTHROTTLE: on_throttle(s->state, ring, h, time); break;
	default: break;
	}
}

static void lost(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since,
	uint64_t until)
{
	struct sampler *s = ctx;

	recording_lost(s->state->recording, ring->stream, "cpu_sample", n, since, until);
}

/* ---- opening ---- */

static size_t ring_bytes(const struct cpu_state *s)
{
	const struct options *o = s->recording->options;
	uint64_t bytes = (uint64_t)s->hz * o->stack_bytes / 2;

	if (!s->copies)
		return RING_BYTES;
	if (o->count || bytes > COPIES_RING_MAX)
		return COPIES_RING_MAX;
	return bytes > COPIES_RING_MIN ? bytes : COPIES_RING_MIN;
}

static void fill_attr(const struct cpu_state *s, struct perf_event_attr *attr,
	const struct event_spec *e)
{
	const struct options *o = s->recording->options;

	perf_attr_init(attr, e->sample.type, e->sample.config);
	attr->freq = !o->count;
	if (o->count)
		attr->sample_period = o->count;
	else
		attr->sample_freq = s->hz;
	attr->sample_type |= PERF_SAMPLE_PERIOD;
	if (!s->walks)
		attr->sample_type |= PERF_SAMPLE_CALLCHAIN;
	attr->exclude_callchain_user = o->unwind == UNWIND_NONE;
	attr->exclude_hv = 1;
	attr->exclude_kernel = e->user && !e->kernel;
	attr->exclude_user = e->kernel && !e->user;
	attr->precise_ip = e->precise & 3;
	attr->watermark = 1;
	attr->wakeup_watermark = (uint32_t)ring_bytes(s) / 2;
	if (!s->copies)
		return;
	attr->wakeup_watermark = privileges_has(CAP_IPC_LOCK) ? (uint32_t)ring_bytes(s) / 4
							      : COPIES_WAKEUP_SMALL;
	perf_user_attr(attr, o->stack_bytes);
	attr->exclude_callchain_user = o->unwind == UNWIND_DWARF;
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

/* Each sampler has a program of its own, which knows it by number: threads inherit nothing else with it. */
static int load_program(struct sampler *s, struct err *err)
{
	struct cpu_state *c = s->state;
	struct bpf_rings *b = c->recording->bpf;
	uint32_t bytes = c->recording->options->stack_bytes;

	s->program = cpu_bpf__open();
	if (!s->program)
		return err_errno(err, errno, "opening BPF programs");
	s->program->rodata->walk_enabled = true;
	s->program->rodata->ring_wake_bytes = bpf_rings_filter(b)->wake_bytes;
	s->program->rodata->cpu_sampler = (uint16_t)(s - c->samplers);
	s->program->rodata->cpu_check = getenv("REC_UNWIND_CHECK") != NULL;
	s->program->rodata->cpu_copy_bytes = bytes < RING_CPU_COPY ? bytes : RING_CPU_COPY;
	bpf_rings_handle(b, RING_CPU_SAMPLE, event_cpu_sample.name, sizeof(struct ring_cpu_sample),
		on_walked, c);
	return bpf_rings_load(b, s->program->skeleton, "cpu", err);
}

static int open_events(struct sampler *s, struct perf_event_attr *attr, struct err *err)
{
	struct recording *r = s->state->recording;
	struct event_set_event e = { .attr = *attr };
	int code = 0;

	if (s->program)
		e.program = bpf_program__fd(s->program->progs.cpu_sample);
	s->events = event_set_open_all(&e, 1, &r->target, ring_bytes(s->state), &code, err);
	return -code;
}

/* Opens with kernel addresses if permitted, otherwise without. */
static int open_sampler(struct sampler *s, struct err *err)
{
	struct perf_event_attr attr;
	int rc = 0;

	if (s->state->walks && !s->program)
		rc = load_program(s, err);
	if (rc)
		return rc;
	fill_attr(s->state, &attr, &s->spec);
	rc = open_events(s, &attr, err);
	if (s->events || (rc != -EACCES && rc != -EPERM) || attr.exclude_user)
		return rc;
	attr.exclude_kernel = 1;
	attr.exclude_callchain_kernel = 1;
	rc = open_events(s, &attr, err);
	s->state->user_only |= s->events != NULL;
	return rc;
}

static bool is_missing(int rc)
{
	return rc == -ENOENT || rc == -EOPNOTSUPP || rc == -ENODEV;
}

static int open_at_rate(struct sampler *s, struct err *err)
{
	int rc = open_sampler(s, err);

	if (rc != -EINVAL || s->state->recording->options->count)
		return rc;
	s->state->hz = permitted_rate(s->state->recording, s->state->hz); /* it fell meanwhile */
	return open_sampler(s, err);
}

static bool can_be_clock(const struct sampler *s)
{
	const struct options *o = s->state->recording->options;

	/* A count of cycles is no count of nanoseconds. */
	return sample_event_is_time(&s->spec.sample) && sample_event_is_hardware(&s->spec.sample) &&
		!o->count;
}

/* Opens the sampler. Where nothing counts cycles a clock takes their place; other events have no
 * such replacement: -ENOENT. */
static int open_or_replace(struct sampler *s, struct err *err)
{
	int rc;

	if (!s->spec.known)
		return sample_event_unknown(s->spec.text, err);
	rc = open_at_rate(s, err);
	if (is_missing(rc) && can_be_clock(s)) {
		s->spec = by_clock;
		rc = open_at_rate(s, err);
		if (!rc)
			recording_note(s->state->recording, "cpu",
				"no hardware counter here (a virtual machine?): sampling by a clock, "
				"which does not see code that runs with interrupts off");
	} else if (is_missing(rc) && sample_event_is_hardware(&s->spec.sample)) {
		return err_set(err, -rc,
			"no hardware counter for '%s' here (a virtual machine?): cpu-clock, page-faults, "
			"context-switches and other software events work everywhere",
			s->spec.text);
	}
	return rc;
}

/* The first sampler's program; where the kernel refuses it all do without. */
static void try_walks(struct cpu_state *s)
{
	struct err why = { "" };

	s->samplers[0].state = s;
	if (!s->walks || !load_program(&s->samplers[0], &why))
		return;
	if (s->recording->options->unwind == UNWIND_BPF)
		recording_note(s->recording, "cpu", "--unwind bpf: %s; unwinding like auto",
			why.text);
	cpu_bpf__destroy(s->samplers[0].program);
	s->samplers[0].program = NULL;
	s->walks = false;
	s->copies = true;
}

static int add_sampler(struct cpu_state *s, const struct event_spec *e, struct err *err)
{
	struct event_set_user user = { handle, lost, &s->samplers[s->n_samplers] };
	struct sampler *sampler = user.ctx;
	struct recording *r = s->recording;
	int rc;

	*sampler = (struct sampler){ .state = s, .spec = *e, .program = sampler->program };
	rc = open_or_replace(sampler, err);
	if (rc)
		return rc;
	s->n_samplers++;
	return event_set_feed(sampler->events, r, "cpu", &user, err);
}

/* Opens what was asked for. What the machine does not have is left out, and said so, as long as
 * something remains. */
static int open_samplers(struct cpu_state *s, struct err *err)
{
	const struct event_specs *l = &s->recording->options->events;
	int rc = 0, missing = 0;

	s->samplers = xcalloc(l->n + 1, sizeof(*s->samplers));
	try_walks(s);
	if (!event_specs_has(l, true))
		return add_sampler(s, &by_cycles, err);
	for (unsigned i = 0; !rc && i < l->n; i++) {
		if (l->specs[i].kind != EVENT_SAMPLE)
			continue;
		rc = add_sampler(s, &l->specs[i], err);
		if (is_missing(rc) && l->specs[i].known) {
			recording_note(s->recording, "cpu", "%s", err->text);
			missing = rc;
			rc = 0;
		}
	}
	return rc || s->n_samplers ? rc : missing;
}

static void tell_settings(struct cpu_state *s)
{
	const struct options *o = s->recording->options;
	struct writer *w = s->recording->writer;
	char text[512];
	size_t n = 0;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)(o->count ? o->count : s->hz));
	writer_info(w, o->count ? "source.cpu.count" : "source.cpu.frequency", text);
	for (uint32_t i = 0; i < s->n_samplers && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? "," : "",
			s->samplers[i].spec.text);
	writer_info(w, "source.cpu.event", text);
	if (s->user_only)
		recording_note(s->recording, "cpu",
			"only user code is sampled: kernel.perf_event_paranoid forbids the rest");
}

static void cpu_close(void *state)
{
	struct cpu_state *s = state;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_samplers; i++) {
		event_set_close(s->samplers[i].events);
		cpu_bpf__destroy(s->samplers[i].program);
	}
	free(s->samplers);
	free(s);
}

/* The kernel takes no program on samples whose place the processor corrects, unless perf takes their stacks
 * (perf_event_set_bpf_handler). */
static const char *first_precise(const struct event_specs *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->specs[i].kind == EVENT_SAMPLE && l->specs[i].precise)
			return l->specs[i].text;
	return NULL;
}

/* Where other sources walk stacks in the kernel its tables are there, and need not be here a second time. */
static bool walks(struct recording *r)
{
	const struct options *o = r->options;
	const char *precise = first_precise(&o->events);

	if (!r->walk || o->unwind == UNWIND_DWARF || !options_sample_copies(o))
		return false;
	if (precise && o->unwind == UNWIND_BPF)
		recording_note(r, "cpu", "--unwind bpf: not for %s: unwinding like dwarf", precise);
	return !precise;
}

static int cpu_open(struct recording *r, void **state, struct err *err)
{
	struct cpu_state *s = xcalloc(1, sizeof(*s));
	int rc;

	s->recording = r;
	s->walks = walks(r);
	s->copies = !s->walks && r->unwinding && options_sample_copies(r->options);
	s->sample_type = writer_type(r->writer, &event_cpu_sample, NULL);
	s->throttle_type = writer_type(r->writer, &event_cpu_throttle, NULL);
	s->hz = permitted_rate(r, r->options->frequency ? r->options->frequency : DEFAULT_HZ);
	rc = open_samplers(s, err);
	if (rc) {
		cpu_close(s);
		return rc;
	}
	tell_settings(s);
	*state = s;
	return 0;
}

static void cpu_enable(void *state)
{
	struct cpu_state *s = state;

	for (uint32_t i = 0; i < s->n_samplers; i++)
		event_set_enable(s->samplers[i].events);
}

static void cpu_disable(void *state)
{
	struct cpu_state *s = state;

	for (uint32_t i = 0; i < s->n_samplers; i++)
		event_set_disable(s->samplers[i].events);
}

static void cpu_settle(void *state)
{
	struct cpu_state *s = state;

	for (uint32_t i = 0; i < s->n_samplers; i++)
		event_set_settle(s->samplers[i].events, now_ns());
}

static void cpu_thin(void *state, uint32_t factor)
{
	struct cpu_state *s = state;

	s->factor_before = s->factor ? s->factor : 1;
	s->factor = factor;
	s->factor_since_ns = now_ns();
	for (uint32_t i = 0; kernel_thins(s) && i < s->n_samplers; i++)
		event_set_rate(s->samplers[i].events, thinned_rate(&s->samplers[i], factor));
}

const struct source source_cpu = {
	.name = "cpu",
	.summary = "which code runs on the CPUs: stacks, sampled at a fixed rate",
	.needs = { "sampling" },
	.better_with = { "hardware counters", "kernel names", "other processes" },
	.open = cpu_open,
	.enable = cpu_enable,
	.disable = cpu_disable,
	.settle = cpu_settle,
	.close = cpu_close,
	.thin = cpu_thin,
};
