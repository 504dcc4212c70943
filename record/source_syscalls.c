/* `rec syscalls`: what programs ask the kernel for, how long it takes, what comes of it.
 *
 * The kernel hands over numbers; here they get their names. With --summary it counts by itself, and we
 * fetch the counts every second. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "gen/events.h"
#include "record/bpf_rings.h"
#include "record/cpus.h"
#include "record/syscall_counts.h"
#include "record/syscall_names.h"
/* It uses a struct of theirs. */
#include "gen/syscalls.skel.h"

enum {
	MAX_ERRNO = 4095,
	FORMS = 1024, /* remembered; a power of two */
	FORM_BYTES = 512,
	INTERVAL_S = 1,
};

/* A string of the present segment. */
struct number {
	uint32_t string, generation;
};

struct form {
	uint64_t key[SYSCALL_ARGS];
	uint32_t place; /* 1 + of the call; 0: nothing is remembered here */
	struct number number;
};

struct syscalls {
	struct recording *recording; /* borrowed */
	struct syscalls_bpf *skel;   /* owned */
	struct syscall_name names[SYSCALL_PLACES];
	struct number calls[SYSCALL_PLACES], errors[MAX_ERRNO + 1];
	struct form forms[FORMS];
	int type, unfinished_type, summary_type;
	/* --summary */
	struct syscall_tally *tally; /* owned */
	int timer;                   /* owned; a second is over */
	bool due;
	uint64_t read_ns, now_ns; /* the last time, and this one */
};

/* ---- names ---- */

static bool is_known(const struct syscalls *s, struct number n)
{
	return n.generation == writer_generation(s->recording->writer);
}

static struct number number_text(struct syscalls *s, const char *text, size_t len)
{
	struct writer *w = s->recording->writer;

	return (struct number){ writer_string(w, text, len), writer_generation(w) };
}

static uint32_t call_string(struct syscalls *s, uint32_t abi, uint32_t number)
{
	uint32_t place = syscall_place(abi, number);
	struct number *n = &s->calls[place];
	const char *name = s->names[place].name;
	char text[32];

	if (!name) {
		snprintf(text, sizeof(text), "call_%u", number);
		return number_text(s, text, strlen(text)).string;
	}
	if (!is_known(s, *n))
		*n = number_text(s, name, strlen(name));
	return n->string;
}

static uint32_t error_string(struct syscalls *s, int64_t ret)
{
	struct number *n;
	const char *name;
	char text[16];

	if (ret >= 0 || ret < -MAX_ERRNO)
		return 0;
	n = &s->errors[-ret];
	if (is_known(s, *n))
		return n->string;
	name = syscall_error_name((int)-ret);
	snprintf(text, sizeof(text), "E%d", (int)-ret);
	name = name ? name : text;
	*n = number_text(s, name, strlen(name));
	return n->string;
}

static uint32_t hash(uint32_t place, const uint64_t key[SYSCALL_ARGS])
{
	uint64_t h = place;

	for (int i = 0; i < SYSCALL_ARGS; i++)
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(h >> 32) & (FORMS - 1);
}

static uint32_t form_string(struct syscalls *s, uint32_t place, const uint64_t args[SYSCALL_ARGS],
	unsigned read)
{
	uint64_t key[SYSCALL_ARGS];
	struct form *f;
	char text[FORM_BYTES];

	if (!s->names[place].args.n)
		return 0;
	syscall_args_key(&s->names[place].args, args, read, key);
	f = &s->forms[hash(place, key)];
	if (f->place == place + 1 && is_known(s, f->number) &&
		memcmp(f->key, key, sizeof(key)) == 0)
		return f->number.string;
	f->place = place + 1;
	memcpy(f->key, key, sizeof(key));
	f->number = number_text(s, text,
		syscall_args_form(&s->names[place].args, key, text, sizeof(text)));
	return f->number.string;
}

/* ---- one call ---- */

/* Paths are behind the struct; nothing of them is believed. */
static unsigned take_paths(struct syscalls *s, const struct bpf_event *b,
	const struct ring_syscall *in, struct syscall *e)
{
	const char *text = (const char *)b->data + sizeof(*in);
	size_t room = (size_t)((const char *)b->kernel - text);
	uint32_t *to[SYSCALL_PATHS] = { &e->path, &e->path2 };
	unsigned read = 0;

	for (int i = 0; i < SYSCALL_PATHS; i++) {
		size_t n = in->text_bytes[i];

		if (n > room)
			break;
		if (n > 0) {
			*to[i] = number_text(s, text, strnlen(text, n)).string;
			read |= 1U << i;
		}
		text += n;
		room -= n;
	}
	return read;
}

/* As many arguments as the call has, and how they read. */
static void take_args(struct syscalls *s, const struct bpf_event *b, uint32_t place,
	struct syscall *e)
{
	const struct ring_syscall *in = b->data;
	size_t bytes = (size_t)((const char *)b->kernel - (const char *)b->data);
	bool whole = bytes >= sizeof(*in);
	unsigned n = whole ? 6 : 3, read = whole ? take_paths(s, b, in, e) : 0;
	uint64_t args[SYSCALL_ARGS] = { 0 };

	if (s->names[place].name && s->names[place].args.n < n)
		n = s->names[place].args.n;
	for (unsigned i = 0; i < n; i++)
		args[i] = in->args[i];
	e->arg0 = args[0];
	e->arg1 = args[1];
	e->arg2 = args[2];
	e->arg3 = args[3];
	e->arg4 = args[4];
	e->arg5 = args[5];
	e->form = form_string(s, place, args, read);
}

static void tell_unfinished(struct syscalls *s, uint32_t stream, const struct syscall_unfinished *e)
{
	recording_add(s->recording, stream, s->unfinished_type, e);
}

static void on_unfinished(struct syscalls *s, const struct bpf_event *b,
	const struct ring_syscall *in, uint32_t comm)
{
	struct syscall_unfinished e = { .time = b->time,
		.begin = b->time,
		.pid = in->pid,
		.tid = in->tid,
		.comm = comm,
		.call = call_string(s, in->abi, in->number),
		.end = SYSCALL_END_NEVER,
		.abi = in->abi };

	tell_unfinished(s, b->stream, &e);
}

static void on_syscall(void *ctx, const struct bpf_event *b)
{
	struct syscalls *s = ctx;
	struct recording *r = s->recording;
	const struct ring_syscall *in = b->data;
	uint32_t comm = recording_comm(r, processes_thread(r->processes, in->pid, in->tid));
	struct syscall e = { .time = b->time,
		.duration = in->duration,
		.cpu = in->cpu,
		.pid = in->pid,
		.tid = in->tid,
		.comm = comm,
		.ret = in->ret,
		.weight = in->weight,
		.abi = in->abi };

	if (in->unfinished) {
		on_unfinished(s, b, in, comm);
		return;
	}
	e.call = call_string(s, in->abi, in->number);
	e.error = error_string(s, in->ret);
	take_args(s, b, syscall_place(in->abi, in->number), &e);
	e.stack = bpf_rings_stack(r->bpf, b, in->pid, in->tid);
	recording_add(r, b->stream, s->type, &e);
	r->n_events++;
}

/* ---- calls that go on at the end ---- */

static void on_begun(struct syscalls *s, const struct syscall_begun *c, uint64_t now)
{
	struct recording *r = s->recording;
	struct syscall_unfinished e = { .time = now,
		.begin = c->begin_ns,
		.pid = c->pid,
		.tid = c->tid,
		.comm = recording_comm(r, processes_thread(r->processes, c->pid, c->tid)),
		.call = call_string(s, c->abi, c->number),
		.end = SYSCALL_END_RECORDING,
		.abi = (enum syscall_abi)c->abi };

	if (now - c->begin_ns >= r->options->min_ns)
		tell_unfinished(s, 0, &e);
}

static void read_unfinished(struct syscalls *s)
{
	struct syscall_begun begun[64];
	int fd = bpf_iter_create(bpf_link__fd(s->skel->links.syscall_unfinished));
	uint64_t now = now_ns();
	ssize_t n;

	while (fd >= 0 && (n = read(fd, begun, sizeof(begun))) > 0)
		for (size_t i = 0; i < (size_t)n / sizeof(begun[0]); i++)
			on_begun(s, &begun[i], now);
	if (fd >= 0)
		close(fd);
	else
		recording_note(s->recording, "syscalls",
			"which system calls had not returned at the end is not known");
}

/* ---- --summary ---- */

/* Of a process that is gone the name is that of the thread that called. */
static uint32_t counted_comm(struct recording *r, const struct syscall_key *key,
	const struct syscall_counts *c)
{
	struct thread *t = processes_find(r->processes, key->pid);

	if (t && t->pid == key->pid)
		return recording_comm(r, t);
	return writer_string(r->writer, c->comm, strnlen(c->comm, sizeof(c->comm)));
}

static void on_counts(void *ctx, const struct syscall_key *key, const struct syscall_counts *c)
{
	struct syscalls *s = ctx;
	struct recording *r = s->recording;
	struct syscall_summary e = { .time = s->now_ns,
		.interval = s->now_ns - s->read_ns,
		.pid = key->pid,
		.comm = counted_comm(r, key, c),
		.call = call_string(s, key->abi, key->number),
		.abi = (enum syscall_abi)key->abi,
		.calls = c->calls,
		.errors = c->errors,
		.total = c->total_ns,
		.longest = c->longest_ns };

	memcpy(e.bucket, c->buckets, sizeof(e.bucket));
	recording_add(r, 0, s->summary_type, &e);
	r->n_events += c->calls;
}

static void read_counts(struct syscalls *s)
{
	int rc;

	s->now_ns = now_ns();
	rc = syscall_tally_read(s->tally, on_counts, s);
	if (rc)
		recording_note(s->recording, "syscalls", "counts could not be read: %s",
			strerror(-rc));
	else
		s->read_ns = s->now_ns;
}

static void timer_refresh(void *feed)
{
	struct syscalls *s = feed;
	uint64_t ticks;

	if (read(s->timer, &ticks, sizeof(ticks)) == sizeof(ticks))
		s->due = true;
}

static const void *timer_peek(void *feed, uint64_t *time_ns)
{
	struct syscalls *s = feed;

	*time_ns = 0; /* now: the rows' time is that of the reading */
	return s->due ? s : NULL;
}

static void timer_take(void *feed, const void *record, uint64_t time_ns)
{
	struct syscalls *s = feed;

	(void)record;
	(void)time_ns;
	s->due = false;
	read_counts(s);
}

static void timer_release(void *feed)
{
	(void)feed;
}

static const struct feed_ops timer_feed = { timer_refresh, timer_peek, timer_take, timer_release,
	false };

static int open_summary(struct syscalls *s, struct err *err)
{
	uint32_t entries = syscall_tally_entries(cpus_possible());

	s->tally = syscall_tally_new(bpf_map__fd(s->skel->maps.counting), entries, err);
	if (!s->tally)
		return -ENOMEM;
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->timer < 0)
		return err_errno(err, errno, "timerfd_create");
	return loop_add(s->recording->loop, &timer_feed, s, s->timer, err);
}

/* ---- opening ---- */

static int choose_calls(struct syscalls *s, struct err *err)
{
	struct syscall_traits *known = (struct syscall_traits *)s->skel->rodata->syscall_known;
	const char *list = s->recording->options->calls;
	bool wanted[SYSCALL_PLACES];
	int rc;

	syscall_names(s->names);
	syscall_traits(s->names, known);
	rc = list ? syscall_select(list, wanted, err) : 0;
	for (unsigned i = 0; !rc && i < SYSCALL_PLACES; i++)
		if (!list || wanted[i])
			known[i].traits |= SYSCALL_WANTED;
	return rc;
}

static int configure(struct syscalls *s, struct err *err)
{
	const struct options *o = s->recording->options;
	struct syscalls_bpf *skel = s->skel;

	bpf_rings_configure(s->recording->bpf, skel->rodata);
	skel->rodata->syscall_stacks = options_stacks(o, &source_syscalls, false);
	skel->rodata->syscall_summary = o->summary;
	skel->rodata->syscall_min_ns = o->min_ns;
	skel->data->syscall_sample = o->sample ? o->sample : 1;
	return choose_calls(s, err);
}

static void register_events(struct syscalls *s)
{
	struct writer *w = s->recording->writer;

	s->unfinished_type = writer_type(w, &event_syscall_unfinished, NULL);
	if (s->recording->options->summary)
		s->summary_type = writer_type(w, &event_syscall_summary, NULL);
	else
		s->type = writer_type(w, &event_syscall, NULL);
	bpf_rings_handle(s->recording->bpf, RING_SYSCALL, "syscall",
		sizeof(struct ring_syscall_short), on_syscall, s);
}

static void tell_number(struct writer *w, const char *key, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	if (n)
		writer_info(w, key, text);
}

static void tell_settings(const struct syscalls *s)
{
	const struct options *o = s->recording->options;
	struct writer *w = s->recording->writer;

	tell_number(w, "source.syscalls.min_ns", o->min_ns);
	tell_number(w, "source.syscalls.sample", o->sample);
	tell_number(w, "source.syscalls.stacks", s->skel->rodata->syscall_stacks);
	if (o->calls)
		writer_info(w, "source.syscalls.calls", o->calls);
}

static int syscalls_open(struct recording *r, void **state, struct err *err)
{
	struct syscalls *s = xcalloc(1, sizeof(*s));
	int rc;

	s->recording = r;
	s->timer = -1;
	*state = s;
	rc = bpf_rings_open(r, err);
	if (rc)
		return rc;
	s->skel = syscalls_bpf__open();
	if (!s->skel)
		return err_errno(err, errno, "opening BPF programs");
	rc = configure(s, err);
	if (rc)
		return rc;
	register_events(s);
	tell_settings(s);
	rc = bpf_rings_load(r->bpf, s->skel->skeleton, "syscalls", err);
	if (!rc && r->options->summary)
		rc = open_summary(s, err);
	return rc;
}

static void syscalls_enable(void *state)
{
	struct syscalls *s = state;
	struct itimerspec every = { .it_interval = { .tv_sec = INTERVAL_S },
		.it_value = { .tv_sec = INTERVAL_S } };

	s->read_ns = now_ns();
	if (s->timer >= 0)
		timerfd_settime(s->timer, 0, &every, NULL);
}

static void syscalls_settle(void *state)
{
	struct syscalls *s = state;

	if (s->tally)
		read_counts(s);
	read_unfinished(s);
}

static void syscalls_thin(void *state, uint32_t factor)
{
	struct syscalls *s = state;
	uint32_t sample = s->recording->options->sample;

	s->skel->data->syscall_sample = (sample ? sample : 1) * factor;
}

static void syscalls_close(void *state)
{
	struct syscalls *s = state;

	if (!s)
		return;
	if (s->timer >= 0)
		close(s->timer);
	syscall_tally_free(s->tally);
	syscalls_bpf__destroy(s->skel);
	free(s);
}

const struct source source_syscalls = {
	.name = "syscalls",
	.summary = "system calls: how long they take, their arguments and errors",
	.needs = { "sampling", "BPF" },
	.better_with = { "other processes" },
	.open = syscalls_open,
	.enable = syscalls_enable,
	.settle = syscalls_settle,
	.close = syscalls_close,
	.bpf = true,
	.thin = syscalls_thin,
};
