/* `rec syscalls`: what programs ask the kernel for, how long it takes, what comes of it.
 *
 * The kernel hands over numbers; here they get their names. With --summary it counts by itself, and we
 * fetch the counts every second. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/events.h"
#include "record/bpf_rings.h"
#include "record/cpus.h"
#include "record/socket_address.h"
#include "record/syscalls_source.h"
#include "record/ticker.h"
#include "record/tracepoint_feed.h"
/* It uses a struct of theirs. */
#include "gen/syscalls.skel.h"

#define INTERVAL_NS 1000000000ULL

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
static unsigned take_paths(struct syscalls *s, const struct ring_syscall *in, size_t bytes,
	struct syscall *e)
{
	const char *text = (const char *)(in + 1);
	size_t room = bytes - sizeof(*in);
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

static unsigned take_address(struct syscalls *s, const struct ring_syscall *in, size_t bytes,
	struct syscall *e)
{
	char text[SOCKET_ADDRESS_TEXT];
	size_t n = in->text_bytes[0];

	if (!n || n > bytes - sizeof(*in))
		return 0;
	n = socket_address_text(in + 1, n, text);
	e->address = n ? number_text(s, text, n).string : 0;
	return n ? SYSCALL_ADDRESS_READ : 0;
}

/* What stood in the caller's memory; which of it is known. */
static unsigned take_texts(struct syscalls *s, const struct ring_syscall *in, size_t bytes,
	uint32_t place, struct syscall *e)
{
	if (bytes < sizeof(*in))
		return 0;
	return s->traits[place].traits & SYSCALL_HAS_ADDRESS ? take_address(s, in, bytes, e)
							     : take_paths(s, in, bytes, e);
}

/* As many arguments as the call has, and how they read. */
static void take_args(struct syscalls *s, const struct ring_syscall *in, size_t bytes,
	uint32_t place, struct syscall *e)
{
	unsigned n = bytes >= sizeof(*in) ? 6 : 3, read = take_texts(s, in, bytes, place, e);
	uint64_t args[SYSCALL_ARGS] = { 0 };

	if (s->names[place].name && s->names[place].args.n < n)
		n = s->names[place].args.n;
	for (unsigned i = 0; i < n; i++)
		args[i] = in->args[i];
	if (in->abi == SYSCALL_ABI_IA32)
		syscall_args_widen(&s->names[place].args, args);
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

static void take_endless(struct syscalls *s, uint32_t stream, const struct ring_syscall *in,
	uint32_t comm)
{
	struct syscall_unfinished e = { .time = in->time,
		.begin = in->time,
		.pid = in->pid,
		.tid = in->tid,
		.comm = comm,
		.call = call_string(s, in->abi, in->number),
		.end = SYSCALL_END_NEVER,
		.abi = in->abi };

	tell_unfinished(s, stream, &e);
}

void syscalls_take(struct syscalls *s, uint32_t stream, const struct ring_syscall *in, size_t bytes,
	uint32_t stack)
{
	struct recording *r = s->recording;
	uint32_t comm = recording_comm(r, processes_thread(r->processes, in->pid, in->tid));
	struct syscall e = { .time = in->time,
		.duration = in->duration,
		.cpu = in->cpu,
		.pid = in->pid,
		.tid = in->tid,
		.comm = comm,
		.ret = in->ret,
		.stack = stack,
		.weight = in->weight,
		.abi = in->abi };

	if (in->unfinished) {
		take_endless(s, stream, in, comm);
		return;
	}
	e.call = call_string(s, in->abi, in->number);
	e.error = error_string(s, in->ret);
	take_args(s, in, bytes, syscall_place(in->abi, in->number), &e);
	recording_add(r, stream, s->type, &e);
	r->n_events++;
}

static void on_syscall(void *ctx, const struct bpf_event *b)
{
	struct syscalls *s = ctx;
	const struct ring_syscall *in = b->data;

	syscalls_take(s, b->stream, in, (size_t)((const char *)b->kernel - (const char *)b->data),
		bpf_rings_stack(s->recording->bpf, b, in->pid, in->tid));
}

/* ---- calls that go on at the end ---- */

void syscalls_take_begun(struct syscalls *s, const struct syscall_begun *c, uint64_t now)
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
			syscalls_take_begun(s, &begun[i], now);
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

void syscalls_take_counts(void *source, const struct syscall_key *key,
	const struct syscall_counts *c)
{
	struct syscalls *s = source;
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

static void read_counts(void *source)
{
	struct syscalls *s = source;
	int rc = 0;

	s->now_ns = now_ns();
	if (s->tally)
		rc = syscall_tally_read(s->tally, syscalls_take_counts, s);
	else
		syscall_sums_take(s->sums, syscalls_take_counts, s);
	if (rc)
		recording_note(s->recording, "syscalls", "counts could not be read: %s",
			strerror(-rc));
	else
		s->read_ns = s->now_ns;
}

static int open_tally(struct syscalls *s, struct err *err)
{
	uint32_t entries = bpf_rings_places(syscall_tally_entries(cpus_possible()));

	s->tally = syscall_tally_new(bpf_map__fd(s->skel->maps.counting), entries,
		bpf_map__fd(s->skel->maps.slots), &s->skel->bss->syscall_half, err);
	return s->tally ? 0 : -ENOMEM;
}

/* ---- opening ---- */

static bool stacks(const struct syscalls *s)
{
	return options_stacks(s->recording->options, &source_syscalls, false);
}

static int choose_calls(struct syscalls *s, struct err *err)
{
	const char *list = s->recording->options->calls;
	bool wanted[SYSCALL_PLACES];
	int rc;

	syscall_names(s->names);
	syscall_traits(s->names, s->traits);
	rc = list ? syscall_select(list, wanted, err) : 0;
	for (unsigned i = 0; !rc && i < SYSCALL_PLACES; i++)
		if (!list || wanted[i])
			s->traits[i].traits |= SYSCALL_WANTED;
	return rc;
}

/* Of as many places as there may be: a power of two of them. */
static uint32_t place_mask(uint32_t usual)
{
	uint32_t n = usual;

	while (n > bpf_rings_places(usual))
		n /= 2;
	return n - 1;
}

static void configure(struct syscalls *s)
{
	const struct options *o = s->recording->options;
	struct syscalls_bpf *skel = s->skel;

	bpf_rings_configure(s->recording->bpf, skel->rodata);
	skel->rodata->walk_enabled = bpf_rings_walk(s->recording->bpf);
	skel->rodata->syscall_stacks = stacks(s);
	skel->rodata->syscall_summary = o->summary;
	skel->rodata->syscall_min_ns = o->min_ns;
	skel->data->syscall_sample = s->sample;
	skel->rodata->syscall_slot_mask = place_mask(SYSCALL_SLOTS);
	skel->rodata->syscall_place_mask = place_mask(SYSCALL_THREADS);
	memcpy((void *)skel->rodata->syscall_known, s->traits, sizeof(s->traits));
	syscall_socketcalls(s->names, s->traits, skel->rodata->syscall_socketcalls);
}

static void register_events(struct syscalls *s)
{
	struct writer *w = s->recording->writer;

	s->unfinished_type = writer_type(w, &event_syscall_unfinished, NULL);
	if (s->recording->options->summary)
		s->summary_type = writer_type(w, &event_syscall_summary, NULL);
	else
		s->type = writer_type(w, &event_syscall, NULL);
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
	tell_number(w, "source.syscalls.stacks", stacks(s));
	if (o->calls)
		writer_info(w, "source.syscalls.calls", o->calls);
}

static int open_programs(struct syscalls *s, struct err *err)
{
	struct recording *r = s->recording;
	int rc = bpf_rings_open(r, err);

	if (rc)
		return rc;
	s->skel = syscalls_bpf__open();
	if (!s->skel)
		return err_errno(err, errno, "opening BPF programs");
	configure(s);
	bpf_rings_handle(r->bpf, RING_SYSCALL, "syscall", sizeof(struct ring_syscall_short),
		on_syscall, s);
	rc = bpf_rings_load(r->bpf, s->skel->skeleton, "syscalls", err);
	if (!rc && r->options->summary)
		rc = open_tally(s, err);
	if (rc)
		syscalls_bpf__detach(s->skel); /* nothing may come twice */
	return rc;
}

/* By programs, or else by tracepoints. */
static int open_either(struct syscalls *s, struct err *err)
{
	struct err why = { "" };
	int rc;

	if (!open_programs(s, &why))
		return 0;
	rc = syscall_tracepoints_open(s, stacks(s), err);
	return rc ? tracepoint_feed_neither(&why, rc, err)
		  : tracepoint_feed_instead(s->recording, &source_syscalls, &why);
}

static int syscalls_open(struct recording *r, void **state, struct err *err)
{
	struct syscalls *s = xcalloc(1, sizeof(*s));
	int rc;

	s->recording = r;
	s->sample = r->options->sample ? r->options->sample : 1;
	*state = s;
	rc = choose_calls(s, err);
	if (rc)
		return rc;
	register_events(s);
	tell_settings(s);
	rc = open_either(s, err);
	if (rc || !r->options->summary)
		return rc;
	s->ticker = ticker_open(r->loop, read_counts, s, err);
	return s->ticker ? 0 : -ENOMEM;
}

static void syscalls_enable(void *state)
{
	struct syscalls *s = state;

	tracepoint_feed_enable(s->tracepoints);
	s->read_ns = now_ns();
	if (s->ticker)
		ticker_start(s->ticker, INTERVAL_NS);
}

static void syscalls_disable(void *state)
{
	struct syscalls *s = state;

	tracepoint_feed_disable(s->tracepoints);
}

static void syscalls_settle(void *state)
{
	struct syscalls *s = state;

	if (s->recording->options->summary)
		read_counts(s);
	if (s->tracepoints)
		syscall_tracepoints_settle(s);
	else
		read_unfinished(s);
}

static void syscalls_thin(void *state, uint32_t factor)
{
	struct syscalls *s = state;
	uint32_t sample = s->recording->options->sample;

	s->sample = (sample ? sample : 1) * factor;
	if (!s->tracepoints)
		s->skel->data->syscall_sample = s->sample;
}

static void syscalls_close(void *state)
{
	struct syscalls *s = state;

	if (!s)
		return;
	ticker_close(s->ticker);
	tracepoint_feed_close(s->tracepoints);
	syscall_tally_free(s->tally);
	syscall_sums_free(s->sums);
	syscalls_bpf__destroy(s->skel);
	free(s);
}

const struct source source_syscalls = {
	.name = "syscalls",
	.summary = "system calls: how long they take, their arguments and errors",
	.needs = { "sampling", "BPF" },
	.better_with = { "other processes", "BPF stacks" },
	.instead_of_bpf = "tracepoints",
	.instead_lacks = "paths and socket addresses",
	.open = syscalls_open,
	.enable = syscalls_enable,
	.disable = syscalls_disable,
	.settle = syscalls_settle,
	.close = syscalls_close,
	.bpf = true,
	.thin = syscalls_thin,
};
