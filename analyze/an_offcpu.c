/* `ana offcpu`: where threads were without a CPU, for how long, and who ended it.
 *
 * A path is a thread's name, why it was off (asleep, in an uninterruptible wait, at a lock, or waiting for a
 * CPU) and the stack where it left; then, behind "--", whoever woke it with the stack of that moment, its
 * innermost frame first; and if that one had been woken meanwhile itself, its waker: as in the chain graphs
 * of Brendan Gregg ("Off-CPU Analysis"). Widths are time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/fold.h"
#include "analyze/frames.h"
#include "analyze/sched_track.h"
#include "analyze/slices.h"
#include "render/number.h"

enum {
	MAX_HOPS = 8,    /* of a wake chain */
	MAX_DEPTH = 512, /* frames of a waker's stack */
	LOCK_DEPTH = 16, /* frames in which a lock's wait is looked for */
};

enum state { STATE_SLEEPING, STATE_DISK, STATE_LOCK, STATE_RUNNABLE, STATE_OTHER, N_STATES };

static const char *const state_names[N_STATES] = { "[sleeping]", "[uninterruptible]", "[lock]",
	"[waiting for a CPU]", "[stopped]" };
static const char *const state_words[N_STATES] = { "sleeping", "uninterruptible", "lock",
	"waiting for a CPU", "stopped" };

/* Who woke, and who woke that one: numbers in hops, 0 for the end. */
struct hop {
	struct segment *segment;
	uint32_t comm, stack, next;
	bool interrupt;
};

struct place {
	struct segment *segment;
	uint32_t comm, id; /* id: the process or thread, where they are told apart */
	uint32_t stack, hop;
	enum state state;
};

struct spent {
	struct place place;
	uint64_t ns, n;
	uint32_t number; /* in the slices */
};

/* Things that are counted once each, found by what they are. */
struct index {
	struct map by_hash;
	char *items; /* owned */
	size_t size;
	uint32_t n;
};

enum group_by { BY_COMM, BY_PID, BY_TID, BY_NONE };

struct offcpu {
	const struct analyze_options *options;
	struct filter *filter; /* the options' */
	enum group_by by;
	struct sched_track *track;
	struct enum_field state; /* of off_cpu */
	struct want wants[SCHED_TRACK_WANTS + 1];
	struct index spent, hops;
	struct slices slices; /* of the time in spent, for a report */
	uint32_t *node_of;    /* owned; of spent, by number */
	uint32_t *hop_of;     /* owned; by number of thread: who woke it last */
	uint32_t n_hop_of;
	struct tree tree;
	struct arena scratch, names; /* names: that are looked at only */
	uint64_t n_rows, n_without_stack, n_absent, n_sampled;
	bool with_wakers;
};

static const char *const off_fields[] = { "latency", "blocked", "cpu", "pid", "tid", "comm",
	"state", "stack", "weight" };
enum { OFF_WEIGHT = 8 };

/* ---- counting ---- */

/* The item's number, made with `whole` if one with the same first `key` bytes is not there. */
static uint32_t find(struct index *x, const void *whole, size_t key)
{
	uint64_t hash = hash_bytes(whole, key);
	bool is_new;
	uint32_t *at;

	for (;; hash++) {
		at = map_put(&x->by_hash, hash, &is_new);
		if (is_new)
			break;
		if (memcmp(x->items + *at * x->size, whole, key) == 0)
			return *at;
	}
	*at = x->n;
	x->items = xgrow(x->items, x->n, x->size);
	memcpy(x->items + x->n * x->size, whole, x->size);
	return x->n++;
}

static bool passes(const struct offcpu *o, const struct sched_thread *t)
{
	const uint64_t v[FILTER_FIELDS] = { t->pid, t->tid, t->cpu, t->comm };

	return filter_pass(o->filter, t->segment, v, 0);
}

static bool has_name(struct text name, const char *const *words)
{
	for (; *words; words++)
		if (name.len >= strlen(*words) && memcmp(name.s, *words, strlen(*words)) == 0)
			return true;
	return false;
}

/* Whether a stack ends in the wait for a lock: a futex, or one of the kernel's sleeping locks. Not what waits for
 * an event by a futex: glibc 2.34's pthread_cond_wait, pthread_join and sem_wait (and its rwlocks, which only
 * their callers tell apart) do so in a function of their own. */
static bool is_lock(struct offcpu *o, const struct segment *s, uint32_t stack)
{
	static const char *const words[] = { "futex_wait", "__futex_wait", "futex_lock_pi",
		"__mutex_lock", "mutex_lock", "rwsem_down_", "down_read", "down_write", "__down",
		"rt_mutex_", "percpu_rwsem_wait", NULL };
	static const char *const events[] = { "__futex_abstimed_wait_common", "pthread_cond_",
		"__pthread_cond_", "__pthread_clockjoin", "sem_wait", NULL };
	static const char *const rwlocks[] = { "pthread_rwlock_", "__pthread_rwlock_",
		"___pthread_rwlock_", NULL };
	struct frame_name names[FRAME_NAMES];
	bool found = false, event = false;

	arena_reset(&o->names);
	for (int i = 0; stack && i < LOCK_DEPTH; i++, stack = segment_stack_parent(s, stack)) {
		unsigned n = frames_name(s, segment_stack_frame(s, stack), &o->names, names);

		for (unsigned k = 0; k < n; k++) {
			struct text name = { names[k].s, names[k].len };

			if (names[k].kind == FRAME_KERNEL)
				found |= has_name(name, words);
			else if (has_name(name, rwlocks))
				return found;
			else
				event |= has_name(name, events);
		}
	}
	return found && !event;
}

static enum state state_of(enum sched_why why)
{
	switch (why) {
	case SCHED_PREEMPTED: return STATE_RUNNABLE;
	case SCHED_SLEEPING:
	case SCHED_IDLE: return STATE_SLEEPING;
	case SCHED_DISK: return STATE_DISK;
	default: return STATE_OTHER;
	}
}

/* From and until when, and for how many such times this one stands. */
struct span {
	uint64_t from, to, weight;
};

static void spend(struct offcpu *o, const struct sched_thread *t, enum state state, uint32_t hop,
	struct span span)
{
	struct spent s, *found;
	uint32_t number;

	memset(&s, 0, sizeof(s)); /* padding is part of the key */
	s.place.segment = t->stack.stack ? t->stack.segment : t->segment;
	/* A name is a number of its own segment. */
	s.place.comm = s.place.segment == t->segment ? t->comm : 0;
	s.place.id = o->by == BY_PID ? t->pid : o->by == BY_TID ? t->tid : 0;
	s.place.stack = t->stack.stack;
	s.place.hop = hop;
	s.place.state = state;
	number = find(&o->spent, &s, sizeof(s.place)); /* may move the items */
	found = (struct spent *)o->spent.items + number;
	found->ns += (span.to - span.from) * span.weight;
	found->n += span.weight;
	found->number = number;
	if (o->options->report)
		slices_add_span(&o->slices, span.from, span.to, number, span.weight);
}

static void on_absent(void *ctx, const struct sched_thread *t, uint64_t to)
{
	struct offcpu *o = ctx;
	uint64_t until = t->runnable_ns ? t->runnable_ns : to;
	uint32_t hop = t->woken_ns && t->n < o->n_hop_of ? o->hop_of[t->n] : 0;

	if (!t->tid || until < t->left_ns || to < until || !passes(o, t))
		return;
	o->n_absent++;
	o->n_without_stack += t->why != SCHED_PREEMPTED && !t->stack.stack;
	if (t->why != SCHED_PREEMPTED)
		spend(o, t, state_of(t->why), hop, (struct span){ t->left_ns, until, 1 });
	if (to > until)
		spend(o, t, STATE_RUNNABLE, hop, (struct span){ until, to, 1 });
}

/* Who wakes now, and who had woken that one since the woken thread left. */
static uint32_t chain(struct offcpu *o, const struct sched_thread *t, uint64_t left_ns, int depth)
{
	const struct sched_thread *w = sched_track_thread(o->track, t->waker);
	struct hop h;

	memset(&h, 0, sizeof(h));
	h.interrupt = t->by_interrupt;
	h.segment = t->waker_stack.stack ? t->waker_stack.segment : w->segment;
	h.stack = t->waker_stack.stack;
	h.comm = h.segment == w->segment ? w->comm : 0;
	if (!h.interrupt && depth < MAX_HOPS && w->woken_ns > left_ns && w != t)
		h.next = chain(o, w, left_ns, depth + 1);
	return find(&o->hops, &h, sizeof(h));
}

static void on_woken(void *ctx, const struct sched_thread *t)
{
	struct offcpu *o = ctx;
	uint32_t n = t->n + 1;

	if (n > o->n_hop_of) {
		o->hop_of = xrealloc(o->hop_of, 2 * (size_t)n, sizeof(*o->hop_of));
		memset(o->hop_of + o->n_hop_of, 0,
			(2 * (size_t)n - o->n_hop_of) * sizeof(*o->hop_of));
		o->n_hop_of = 2 * n;
	}
	o->hop_of[t->n] = t->left_ns ? chain(o, t, t->left_ns, 0) : 0;
	o->with_wakers |= t->waker_stack.stack != 0;
}

/* A row of off_cpu has everything in itself. */
static void off_row(struct offcpu *o, const struct row *row)
{
	const uint64_t *v = row->values;
	uint64_t blocked = v[1] ? v[1] : v[0];
	uint64_t left = row->time > v[0] ? row->time - v[0] : 0;
	struct sched_thread t = { .pid = (uint32_t)v[3],
		.tid = (uint32_t)v[4],
		.cpu = (uint32_t)v[2],
		.segment = row->segment,
		.comm = (uint32_t)v[5],
		.why = sched_why_of(&o->state, row, v[6]),
		.stack = { row->segment, (uint32_t)v[7] } };
	uint64_t weight = row_weight(row, OFF_WEIGHT);

	if (!passes(o, &t) || blocked > v[0])
		return;
	o->n_absent += weight;
	o->n_without_stack += t.why != SCHED_PREEMPTED && !v[7] ? weight : 0;
	o->n_sampled += weight > 1;
	if (t.why != SCHED_PREEMPTED)
		spend(o, &t, state_of(t.why), 0, (struct span){ left, left + blocked, weight });
	if (t.why == SCHED_PREEMPTED)
		spend(o, &t, STATE_RUNNABLE, 0, (struct span){ left, left + v[0], weight });
	else if (v[0] > blocked)
		spend(o, &t, STATE_RUNNABLE, 0,
			(struct span){ left + blocked, left + v[0], weight });
}

static void offcpu_row(void *state, const struct row *row)
{
	struct offcpu *o = state;

	o->n_rows++;
	if (row->want == SCHED_TRACK_WANTS)
		off_row(o, row);
	else
		sched_track_row(o->track, row, row->want);
}

/* ---- the tree ---- */

static uint32_t child(struct offcpu *o, uint32_t parent, struct text name)
{
	return tree_child(&o->tree, parent, name.len ? name.s : "[unknown]",
		name.len ? name.len : 9, FRAME_NONE);
}

static uint32_t group_node(struct offcpu *o, const struct place *p)
{
	struct text comm = segment_string(p->segment, p->comm);
	char name[64];
	int n;

	if (o->by == BY_NONE)
		return 0;
	if (o->by == BY_COMM)
		return child(o, 0, comm);
	n = snprintf(name, sizeof(name), "%.*s %u", comm.len < 32 ? (int)comm.len : 32, comm.s,
		p->id);
	return child(o, 0, (struct text){ name, (size_t)n });
}

/* Where an interrupt came in: what was running below has nothing to do with the wake-up. */
static bool is_interrupt(const struct frame_name *f)
{
	static const char *const entries[] = { "asm_sysvec_", "asm_common_interrupt", "el1h_64_irq",
		"el0t_64_irq", NULL };

	return f->kind == FRAME_KERNEL && has_name((struct text){ f->s, f->len }, entries);
}

/* A waker's stack stands on its head: what it was doing touches the thread that it woke. *interrupt tells
 * whether it was one. */
static uint32_t add_reversed(struct offcpu *o, uint32_t node, const struct segment *s,
	uint32_t stack, bool *interrupt)
{
	struct frame_name names[FRAME_NAMES];

	for (int i = 0; stack && segment_stack_parent(s, stack) && i < MAX_DEPTH; i++) {
		struct arena_mark mark = arena_mark(&o->scratch);
		uint32_t n_frames = o->tree.n_frames;
		unsigned n = frames_name(s, segment_stack_frame(s, stack), &o->scratch, names);

		if (n && is_interrupt(&names[0])) {
			*interrupt = true;
			break;
		}
		while (n-- > 0)
			node = tree_child_of(&o->tree, node,
				tree_frame(&o->tree, names[n].s, names[n].len, names[n].kind,
					names[n].module));
		if (o->tree.n_frames == n_frames)
			arena_rewind(&o->scratch, mark); /* the tree has had them before */
		stack = segment_stack_parent(s, stack);
	}
	return node;
}

static uint32_t add_hops(struct offcpu *o, uint32_t node, uint32_t hop)
{
	static const char interrupt[] = "[interrupt]";

	for (int i = 0; hop && i <= MAX_HOPS; i++) {
		const struct hop *h = (const struct hop *)o->hops.items + hop;

		bool interrupt_came = h->interrupt;

		node = child(o, node, (struct text){ "--", 2 });
		node = add_reversed(o, node, h->segment, h->stack, &interrupt_came);
		node = child(o, node,
			interrupt_came ? (struct text){ interrupt, sizeof(interrupt) - 1 }
				       : segment_string(h->segment, h->comm));
		hop = interrupt_came ? 0 : h->next;
	}
	return node;
}

static int by_segment(const void *a, const void *b)
{
	const struct spent *x = a, *y = b;

	return x->place.segment < y->place.segment ? -1 : x->place.segment > y->place.segment;
}

static enum state refined(struct offcpu *o, const struct place *p)
{
	bool blocked = p->state == STATE_SLEEPING || p->state == STATE_DISK;

	return blocked && is_lock(o, p->segment, p->stack) ? STATE_LOCK : p->state;
}

static void make_tree(struct offcpu *o, uint64_t ns[N_STATES], uint64_t n[N_STATES])
{
	struct spent *list = (struct spent *)o->spent.items;
	struct fold fold;

	o->node_of = xcalloc((size_t)o->spent.n + 1, sizeof(*o->node_of));
	if (o->spent.n)
		qsort(list, o->spent.n, sizeof(*list), by_segment);
	for (uint32_t i = 0; i < o->spent.n; i++) {
		const struct place *p = &list[i].place;
		enum state state = list[i].place.state = refined(o, p);
		uint32_t node = group_node(o, p);

		if (i == 0 || p->segment != list[i - 1].place.segment) {
			if (i)
				fold_done(&fold);
			fold_init(&fold, &o->tree, p->segment, &o->scratch);
		}
		node = child(o, node,
			(struct text){ state_names[state], strlen(state_names[state]) });
		fold_onto(&fold, node);
		node = p->stack ? fold_stack(&fold, p->stack) : node;
		node = add_hops(o, node, p->hop);
		tree_add(&o->tree, node, list[i].ns);
		o->node_of[list[i].number] = node;
		ns[state] += list[i].ns;
		n[state] += list[i].n;
	}
	if (o->spent.n)
		fold_done(&fold);
	tree_finish(&o->tree);
}

static void add_states(struct report *r, const uint64_t ns[N_STATES], const uint64_t n[N_STATES])
{
	static const struct column columns[] = { { "state", "Off the CPU", CELL_TEXT },
		{ "time", "Time", CELL_NS }, { "times", "Times", CELL_COUNT } };
	struct table *t = report_table(r, "states", "Why threads were off the CPU", columns, 3);

	for (int i = 0; i < N_STATES; i++) {
		union cell *c;

		if (!n[i])
			continue;
		c = table_row(r, t);
		c[0].text = state_words[i];
		c[1].count = ns[i];
		c[2].count = n[i];
	}
}

/* ", until archiver woke it", where that is known. */
static const char *until(const struct offcpu *o, const struct place *p, struct arena *a)
{
	const struct hop *h = (const struct hop *)o->hops.items + p->hop;
	struct text name;

	if (!p->hop || h->interrupt)
		return "";
	name = segment_string(h->segment, h->comm);
	return name.len ? arena_printf(a, ", until %.*s woke it", (int)name.len, name.s) : "";
}

/* The states of the list have been refined. */
static void add_lock_finding(const struct offcpu *o, struct report *r, uint64_t ns, uint64_t n)
{
	const struct spent *list = (const struct spent *)o->spent.items, *most = NULL;
	char sum[NUMBER_MAX], part[NUMBER_MAX], times[NUMBER_MAX];
	struct text comm;

	for (uint32_t i = 0; i < o->spent.n; i++)
		if (list[i].place.state == STATE_LOCK && (!most || list[i].ns > most->ns))
			most = &list[i];
	if (!most)
		return;
	comm = segment_string(most->place.segment, most->place.comm);
	report_finding(r, ns, "flame",
		"Threads waited %s for locks, %s times; %s of that %.*s at one place%s.",
		number_ns(sum, ns), number_count(times, n), number_ns(part, most->ns),
		(int)comm.len, comm.s, until(o, &most->place, &r->arena));
}

static void add_disk_finding(struct report *r, uint64_t ns, uint64_t n)
{
	char sum[NUMBER_MAX], times[NUMBER_MAX];

	if (n)
		report_finding(r, ns, "flame",
			"Threads were in uninterruptible waits (disks, mostly) for %s, %s times.",
			number_ns(sum, ns), number_count(times, n));
}

static void offcpu_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct offcpu *o = state;
	uint64_t ns[N_STATES] = { 0 }, n[N_STATES] = { 0 };

	(void)facts;
	tree_init(&o->tree, "ns");
	make_tree(o, ns, n);
	if (!o->n_rows)
		report_note(r, NOTE_WARNING,
			"There are no events of the scheduler in this trace; `rec sched` records them.");
	else if (!o->n_absent)
		report_note(r, NOTE_WARNING,
			"No thread came back to a CPU (or the filter lets none pass).");
	if (o->n_without_stack)
		report_note(r, NOTE_INFO, "%.1f%% of absences have no stack (rec --stacks sched).",
			100.0 * (double)o->n_without_stack / (double)o->n_absent);
	if (o->n_sampled)
		report_note(r, NOTE_INFO,
			"Not every absence was recorded (rec --sample): each stands for several, and "
			"times are estimates from %" PRIu64 " of them.",
			o->n_sampled);
	if (o->n_absent && !o->with_wakers)
		report_note(r, NOTE_INFO,
			"Wakers have no stacks: `rec sched --stacks sched,wakers` takes them.");
	if (!o->with_wakers) {
		if (sched_track_unsure_wakers(o->track))
			report_note(r, NOTE_INFO,
				"Of %" PRIu64
				" wake-ups it is not known whether an interrupt made them, as the "
				"recorded kernel hides that: who is told to have woken may have been interrupted (stacks of wakers show interrupts).",
				sched_track_unsure_wakers(o->track));
	}
	add_states(r, ns, n);
	add_lock_finding(o, r, ns[STATE_LOCK], n[STATE_LOCK]);
	add_disk_finding(r, ns[STATE_DISK], n[STATE_DISK]);
	report_tree(r, "flame", "Off-CPU flame graph", &o->tree);
	if (o->options->report)
		report_tree_slices(r, slices_finish(&o->slices, o->node_of));
}

/* ---- as an analyzer ---- */

static enum group_by parse_by(const char *by)
{
	static const char *const words[] = { "comm", "pid", "tid", "none" };

	for (unsigned i = 0; by && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(by, words[i]) == 0)
			return (enum group_by)i;
	return BY_COMM;
}

static void *offcpu_new(const struct analyze_options *options)
{
	struct offcpu *o = xcalloc(1, sizeof(*o));
	const struct sched_track_user user = { NULL, NULL, on_absent, on_woken, o };
	const struct hop none = { 0 };

	o->options = options;
	o->filter = (struct filter *)&options->filter;
	o->by = parse_by(options->by);
	o->track = sched_track_new(&user);
	o->state = (struct enum_field){ .name = "state", .words = sched_why_words };
	memcpy(o->wants, sched_track_wants, sizeof(sched_track_wants));
	o->wants[SCHED_TRACK_WANTS] = (struct want){ "off_cpu", off_fields, OFF_WEIGHT + 1 };
	o->spent.size = sizeof(struct spent);
	o->hops.size = sizeof(struct hop);
	map_init(&o->spent.by_hash, 1024);
	map_init(&o->hops.by_hash, 256);
	find(&o->hops, &none, sizeof(none)); /* number 0 is the end */
	return o;
}

static int offcpu_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	struct offcpu *o = state;

	(void)err;
	slices_init(&o->slices, facts->start_ns, facts->length_ns);
	return 0;
}

static const struct want *offcpu_wants(void *state, uint32_t *n)
{
	struct offcpu *o = state;

	*n = SCHED_TRACK_WANTS + 1;
	return o->wants;
}

static void offcpu_free(void *state)
{
	struct offcpu *o = state;

	sched_track_free(o->track);
	map_done(&o->spent.by_hash);
	map_done(&o->hops.by_hash);
	free(o->spent.items);
	free(o->hops.items);
	free(o->hop_of);
	free(o->node_of);
	slices_done(&o->slices);
	if (o->tree.nodes)
		tree_done(&o->tree);
	arena_done(&o->scratch);
	arena_done(&o->names);
	free(o);
}

const struct analyzer analyzer_offcpu = {
	.name = "offcpu",
	.title = "Off-CPU time",
	.summary = "flame graph of where threads waited, for how long, and who woke them",
	.ordered = true,
	.unfiltered = true,
	.options = OPTIONS_FILTER | OPTIONS_FLAME | OPTIONS_PICTURE,
	.new = offcpu_new,
	.begin = offcpu_begin,
	.wants = offcpu_wants,
	.row = offcpu_row,
	.finish = offcpu_finish,
	.free = offcpu_free,
};
