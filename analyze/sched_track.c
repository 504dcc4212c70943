#include "analyze/sched_track.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/keyed.h"

enum {
	HISTORY = 2048, /* of who ran on a CPU */
	MANY = 32,      /* threads that are told apart in it */
	MAX_CPUS = 1 << 16,
};

/* Fields of each want, in this order. */
enum {
	CPU,
	PID,
	TID,
	COMM,
	STATE,
	PRIO,
	NEXT_PID,
	NEXT_TID,
	NEXT_COMM,
	NEXT_PRIO,
	STACK,
	RECORDED,
	N_SWITCH
};
enum {
	W_CPU,
	W_PID,
	W_TID,
	W_COMM,
	W_PRIO,
	W_WAKER_PID,
	W_WAKER_TID,
	W_WAKER_COMM,
	W_CONTEXT,
	W_STACK,
	N_WAKEUP
};

static const char *const switch_fields[N_SWITCH] = { "cpu", "pid", "tid", "comm", "state", "prio",
	"next_pid", "next_tid", "next_comm", "next_prio", "stack", "recorded" };
static const char *const wakeup_fields[N_WAKEUP] = { "cpu", "pid", "tid", "comm", "prio",
	"waker_pid", "waker_tid", "waker_comm", "context", "stack" };

/* The kernel's own tracepoints: what they call pid is a thread's number; our pid, tid and comm in front of
 * them are those of whoever was on the CPU, who leaves, or wakes. */
static const char *const kernel_switch_fields[N_SWITCH] = { "cpu", "pid", "prev_pid", "prev_comm",
	"prev_state", "prev_prio", "", "next_pid", "next_comm", "next_prio", "stack", "" };
static const char *const kernel_wakeup_fields[N_WAKEUP] = { "cpu", "", "args.pid", "args.comm",
	"prio", "pid", "tid", "comm", "", "stack" };

enum { OWN_SWITCH, OWN_WAKEUP, KERNEL_SWITCH, KERNEL_WAKEUP, KERNEL_WAKEUP_NEW, OWN_MIGRATE };

const struct want sched_track_wants[SCHED_TRACK_WANTS] = {
	{ "sched_switch", switch_fields, N_SWITCH },
	{ "sched_wakeup", wakeup_fields, N_WAKEUP },
	{ "sched:sched_switch", kernel_switch_fields, N_SWITCH },
	{ "sched:sched_wakeup", kernel_wakeup_fields, N_WAKEUP },
	{ "sched:sched_wakeup_new", kernel_wakeup_fields, N_WAKEUP },
	{ "sched_migrate", wakeup_fields, W_WAKER_PID },
};

/* Who ran on a CPU lately. */
struct cpu_history {
	struct {
		uint32_t thread;
		uint64_t from, to;
	} * ran;          /* owned */
	uint32_t cap;     /* of ran: grows up to HISTORY, from then on the oldest go */
	uint32_t n;       /* ever */
	uint32_t running; /* 1 + number of the thread there now; 0: not known */
};

struct sched_track {
	struct sched_track_user user;
	struct keyed threads;             /* of struct sched_thread, by reader and tid */
	struct keyed cpus;                /* of struct cpu_history, by reader and CPU */
	struct enum_field state, context; /* of switches; of wake-ups */
	uint64_t n_unsure;                /* wake-ups that an interrupt may have made */
};

const char *const sched_why_words[] = { [SCHED_PREEMPTED] = "runnable",
	[SCHED_SLEEPING] = "sleeping",
	[SCHED_DISK] = "disk",
	[SCHED_IDLE] = "idle",
	[SCHED_DEAD] = "dead",
	NULL };

enum { CONTEXT_INTERRUPT, CONTEXT_UNKNOWN };
static const char *const context_words
	[] = { [CONTEXT_INTERRUPT] = "interrupt", [CONTEXT_UNKNOWN] = "unknown", NULL };

struct sched_track *sched_track_new(const struct sched_track_user *user)
{
	struct sched_track *s = xcalloc(1, sizeof(*s));

	s->user = *user;
	s->state = (struct enum_field){ .name = "state", .words = sched_why_words };
	s->context = (struct enum_field){ .name = "context", .words = context_words };
	keyed_init(&s->threads, sizeof(struct sched_thread), UINT32_MAX);
	keyed_init(&s->cpus, sizeof(struct cpu_history), MAX_CPUS);
	return s;
}

void sched_track_free(struct sched_track *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->cpus.n; i++)
		free(((struct cpu_history *)keyed_get(&s->cpus, i))->ran);
	keyed_done(&s->threads);
	keyed_done(&s->cpus);
	free(s);
}

uint64_t sched_track_unsure_wakers(const struct sched_track *s)
{
	return s->n_unsure;
}

const struct sched_thread *sched_track_threads(const struct sched_track *s, uint32_t *n)
{
	*n = s->threads.n;
	return (const struct sched_thread *)s->threads.items;
}

/* The idle threads of all CPUs have number 0; each is one of its own. */
static uint64_t key_of(uint32_t reader, uint32_t tid, uint32_t cpu)
{
	return (uint64_t)reader << 33 | (tid ? tid : 1ULL << 32 | cpu);
}

static struct sched_thread *thread_of(struct sched_track *s, const struct row *row, uint32_t tid,
	uint32_t cpu)
{
	bool is_new;
	struct sched_thread *t = keyed_find(&s->threads, key_of(row->reader, tid, cpu), &is_new);

	if (is_new)
		*t = (struct sched_thread){ .reader = row->reader,
			.tid = tid,
			.cpu = cpu,
			.n = keyed_number(&s->threads, t),
			.segment = row->segment };
	return t;
}

/* A hostile trace has more CPUs than are told apart: those share a history. */
static struct cpu_history *history_of(struct sched_track *s, uint32_t reader, uint32_t cpu)
{
	bool is_new;
	struct cpu_history *h = keyed_find(&s->cpus, (uint64_t)reader << 32 | cpu, &is_new);

	return h ? h : keyed_rest(&s->cpus, &is_new);
}

/* Names and numbers change; the last word counts. A process that is not told is kept. */
static void call_it(struct sched_thread *t, const struct row *row, uint64_t pid, uint64_t comm,
	uint64_t prio)
{
	t->segment = row->segment;
	t->comm = (uint32_t)comm;
	t->prio = (int)prio;
	if (pid)
		t->pid = (uint32_t)pid;
}

static bool is_missing(const struct row *row, unsigned field)
{
	return row->missing & 1ULL << field;
}

enum sched_why sched_why_of(struct enum_field *field, const struct row *row, uint64_t value)
{
	int code = enum_field_code(field, row->type, value);

	return code < 0 ? SCHED_STOPPED : (enum sched_why)code;
}

/* include/linux/sched.h; TASK_REPORT_MAX and above says that it was preempted. */
static enum sched_why kernel_state(uint64_t state)
{
	if (!(state & 0xff) || state & 0x100)
		return SCHED_PREEMPTED;
	if (state & 1)
		return SCHED_SLEEPING;
	if (state & 0x80)
		return SCHED_IDLE;
	if (state & 2)
		return SCHED_DISK;
	return state & 0x30 ? SCHED_DEAD : SCHED_STOPPED;
}

static void leaves(struct sched_track *s, struct sched_thread *t, const struct row *row,
	enum sched_why why)
{
	uint64_t from = t->since_ns;
	bool ran = t->doing == SCHED_RUNNING && row->time >= from;

	t->why = why;
	t->cpu = (uint32_t)row->values[CPU];
	t->left_ns = row->time;
	t->since_ns = row->time;
	t->woken_ns = 0;
	t->doing = why == SCHED_PREEMPTED ? SCHED_WAITING : SCHED_BLOCKED;
	t->runnable_ns = why == SCHED_PREEMPTED ? row->time : 0;
	t->stack = (struct stack_at){ row->segment, (uint32_t)row->values[STACK] };
	if (ran && s->user.ran)
		s->user.ran(s->user.ctx, t, from, row->time);
}

/* What it does from now on is not told, or its next event is what is known again. */
static void lose_sight(struct sched_thread *t)
{
	t->doing = SCHED_UNKNOWN;
	t->left_ns = t->runnable_ns = 0;
}

static void arrives(struct sched_track *s, struct sched_thread *t,
	const struct sched_thread *before, const struct row *row)
{
	uint32_t cpu = (uint32_t)row->values[CPU];

	if (t->runnable_ns && t->doing == SCHED_WAITING && s->user.waited)
		s->user.waited(s->user.ctx, t, before, cpu, t->runnable_ns, row->time);
	if (t->left_ns && s->user.absent)
		s->user.absent(s->user.ctx, t, row->time);
	t->cpu = cpu;
	t->doing = SCHED_RUNNING;
	t->since_ns = row->time;
	t->runnable_ns = 0;
}

static void remember(struct cpu_history *h, const struct sched_thread *left, uint32_t next,
	uint64_t from, uint64_t to)
{
	uint32_t at;

	if (h->n == h->cap && h->cap < HISTORY) {
		h->cap = h->cap ? 2 * h->cap : 16;
		h->ran = xrealloc(h->ran, h->cap, sizeof(*h->ran));
	}
	at = h->n++ % h->cap;
	h->ran[at].thread = left->n;
	h->ran[at].from = from;
	h->ran[at].to = to;
	h->running = next + 1;
}

static void on_switch(struct sched_track *s, const struct row *row, bool own)
{
	const uint64_t *v = row->values;
	uint64_t recorded = is_missing(row, RECORDED) ? 3 : v[RECORDED], from;
	uint32_t cpu = (uint32_t)v[CPU], left, next;
	struct cpu_history *h;
	struct sched_thread *t;

	/* Making one may move the other. */
	left = thread_of(s, row, (uint32_t)v[TID], cpu)->n;
	next = thread_of(s, row, (uint32_t)v[NEXT_TID], cpu)->n;
	h = history_of(s, row->reader, cpu);
	if (h->running && h->running - 1 != left) /* its leaving was not recorded, or is lost */
		lose_sight(keyed_get(&s->threads, h->running - 1));
	t = keyed_get(&s->threads, left);
	from = t->doing == SCHED_RUNNING ? t->since_ns : row->time;
	call_it(t, row, v[PID], v[COMM], v[PRIO]);
	if (recorded & 1)
		leaves(s, t, row,
			own ? sched_why_of(&s->state, row, v[STATE]) : kernel_state(v[STATE]));
	else
		lose_sight(t);
	remember(h, t, next, from, row->time);
	t = keyed_get(&s->threads, next);
	call_it(t, row, v[NEXT_PID], v[NEXT_COMM], v[NEXT_PRIO]);
	if (!(recorded & 2))
		lose_sight(t);
	arrives(s, t, keyed_get(&s->threads, left), row);
}

static bool is_interrupt(struct sched_track *s, const struct row *row)
{
	const char *word = enum_field_word(&s->context, row->type, row->values[W_CONTEXT]);
	int code = enum_field_code(&s->context, row->type, row->values[W_CONTEXT]);

	if (!row->values[W_WAKER_TID])
		return true;
	s->n_unsure += !word || code == CONTEXT_UNKNOWN;
	return code == CONTEXT_INTERRUPT;
}

static void on_wakeup(struct sched_track *s, const struct row *row)
{
	const uint64_t *v = row->values;
	uint32_t cpu = (uint32_t)v[W_CPU], woken, waker;
	struct sched_thread *t;

	if (!v[W_TID])
		return;
	woken = thread_of(s, row, (uint32_t)v[W_TID], cpu)->n;
	waker = thread_of(s, row, (uint32_t)v[W_WAKER_TID], cpu)->n;
	t = keyed_get(&s->threads, waker);
	if (!is_missing(row, W_WAKER_COMM))
		call_it(t, row, v[W_WAKER_PID], v[W_WAKER_COMM], (uint64_t)t->prio);
	t = keyed_get(&s->threads, woken);
	call_it(t, row, v[W_PID], v[W_COMM], v[W_PRIO]);
	/* One that runs, or waits already, is not made to wait by this: it was about to block. */
	if (t->doing == SCHED_RUNNING || t->doing == SCHED_WAITING)
		return;
	t->doing = SCHED_WAITING;
	t->since_ns = t->runnable_ns = t->woken_ns = row->time;
	t->waker = waker;
	t->by_interrupt = is_interrupt(s, row);
	t->waker_stack = (struct stack_at){ row->segment, (uint32_t)v[W_STACK] };
	if (s->user.woken)
		s->user.woken(s->user.ctx, t);
}

void sched_track_row(struct sched_track *s, const struct row *row, uint32_t want)
{
	if (want == OWN_SWITCH || want == KERNEL_SWITCH)
		on_switch(s, row, want == OWN_SWITCH);
	else if (want != OWN_MIGRATE)
		on_wakeup(s, row);
}

/* Time that a thread had, of those that share a wait. */
struct part {
	uint32_t thread;
	uint64_t ns;
};

static void add_part(struct part *parts, uint32_t *n, uint32_t thread, uint64_t ns)
{
	uint32_t i = 0;

	while (i < *n && parts[i].thread != thread)
		i++;
	if (i == MANY)
		return;
	if (i == *n)
		parts[(*n)++] = (struct part){ thread, 0 };
	parts[i].ns += ns;
}

const struct sched_thread *sched_track_who_ran(const struct sched_track *s, uint32_t reader,
	uint32_t cpu, uint64_t from, uint64_t to, uint64_t *ran_ns)
{
	const struct cpu_history *h = keyed_known(&s->cpus, (uint64_t)reader << 32 | cpu);
	struct part parts[MANY];
	uint32_t n = 0, best = 0;

	*ran_ns = 0;
	for (uint32_t i = h ? h->n : 0; i > 0 && h->n - i < h->cap; i--) {
		uint64_t a = h->ran[(i - 1) % h->cap].from, b = h->ran[(i - 1) % h->cap].to;

		if (b <= from)
			break;
		a = a < from ? from : a;
		b = b > to ? to : b;
		if (b > a)
			add_part(parts, &n, h->ran[(i - 1) % h->cap].thread, b - a);
	}
	for (uint32_t i = 1; i < n; i++)
		if (parts[i].ns > parts[best].ns)
			best = i;
	if (!n)
		return NULL;
	*ran_ns = parts[best].ns;
	return keyed_get(&s->threads, parts[best].thread);
}
