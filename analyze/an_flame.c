/* `ana flame`: which stacks were seen how often.
 *
 * While rows pass, only (group, stack) pairs are counted, by number. Names are looked at when all is
 * known: every pair's path becomes a path of the tree, and as stacks share their beginnings, each
 * stack node is turned into a tree node once per group. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/fold.h"
#include "analyze/frames.h"
#include "analyze/sample_event.h"
#include "analyze/slices.h"
#include "render/number.h"
#include "render/tree.h"

enum {
	MAX_EVENTS = 64, /* that samples were taken by; likewise */
};

enum group_by { BY_COMM, BY_PID, BY_TID, BY_CPU, BY_NONE, BY_HOST };

/* Fields of each want, in this order. */
enum { STACK, COMM, PID, TID, CPU, EVENT, WEIGHT, N_FIELDS };

struct pair {
	uint32_t group, stack; /* group: string, pid, tid or cpu */
	uint64_t pid;          /* for the name of a group by pid or tid */
	uint32_t comm;
	uint64_t weight, count;
	uint32_t number; /* in the slices; among all tallies */
};

/* What was counted in one segment, of samples by one event. */
struct tally {
	struct segment *segment;
	uint32_t event;     /* string: what samples were taken by; 0 for other types of events */
	struct map by_key;  /* group << 32 | stack -> number in pairs */
	struct pair *pairs; /* owned */
	uint32_t n, cap;
	uint64_t n_rows, n_without_stack, n_no_weight;
};

struct flame {
	const struct analyze_options *options;
	enum group_by by;
	bool hosts; /* pids and CPUs mean something only with the machine's name */
	const char *fields[N_FIELDS];
	struct want wants[2];
	uint32_t n_wants;
	struct tally *tallies; /* owned */
	uint32_t n_tallies;
	struct tree tree;
	struct slices slices; /* of a report, whose page shows parts of the time */
	uint32_t *node_of;    /* owned; of pairs, by number */
	uint32_t n_pairs;
	struct arena scratch;
	char *unit;      /* of the weight, owned */
	bool of_samples; /* some rows were of cpu_sample */
	uint64_t n_rows, n_without_stack, n_truncated, n_copy_ends, n_overload, n_unread, n_broken,
		n_unnamed, n_no_weight;
};

static enum group_by parse_by(const char *by)
{
	static const char *const names[] = { "comm", "pid", "tid", "cpu", "none", "host" };

	for (unsigned i = 0; by && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(by, names[i]) == 0)
			return (enum group_by)i;
	return BY_COMM;
}

static int flame_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	struct flame *f = state;

	(void)err;
	slices_init(&f->slices, facts->start_ns, facts->length_ns);
	return 0;
}

static void *flame_new(const struct analyze_options *o)
{
	static const char *const fields[] = { "stack", "comm", "pid", "tid", "cpu", "event" };
	struct flame *f = xcalloc(1, sizeof(*f));

	f->options = o;
	f->by = parse_by(o->by);
	memcpy(f->fields, fields, sizeof(fields));
	f->fields[WEIGHT] = o->weight ? o->weight : "weight";
	/* --event names a type of events, or what a cpu_sample was taken by. */
	f->wants[f->n_wants++] = (struct want){ "cpu_sample", f->fields, N_FIELDS };
	if (o->event && strcmp(o->event, "cpu_sample") != 0)
		f->wants[f->n_wants++] = (struct want){ o->event, f->fields, N_FIELDS };
	return f;
}

static const struct want *flame_wants(void *state, uint32_t *n)
{
	struct flame *f = state;

	*n = f->n_wants;
	return f->wants;
}

/* ---- counting ---- */

/* The tally of a segment's samples by an event, or NULL; *n: how many tallies the segment has. */
static struct tally *find_tally(const struct flame *f, const struct segment *s, uint32_t event,
	unsigned *n)
{
	*n = 0;
	for (uint32_t i = f->n_tallies; i-- > 0;) {
		if (f->tallies[i].segment != s)
			continue;
		if (f->tallies[i].event == event)
			return &f->tallies[i];
		++*n;
	}
	return NULL;
}

static struct tally *tally_of(struct flame *f, const struct row *row)
{
	bool by_event = row->want == 0 && !(row->missing & 1u << EVENT);
	uint32_t event = by_event ? (uint32_t)row->values[EVENT] : 0;
	unsigned n;
	struct tally *t = find_tally(f, row->segment, event, &n);

	if (!t && n >= MAX_EVENTS) /* no recording has so many; the rest is one heap */
		t = find_tally(f, row->segment, event = 0, &n);
	if (t)
		return t;
	f->tallies = xrealloc(f->tallies, f->n_tallies + 1, sizeof(*f->tallies));
	t = &f->tallies[f->n_tallies++];
	*t = (struct tally){ .segment = row->segment, .event = event };
	map_init(&t->by_key, 1024);
	return t;
}

static uint32_t group_of(const struct flame *f, const uint64_t *v)
{
	switch (f->by) {
	case BY_COMM: return (uint32_t)v[COMM];
	case BY_PID: return (uint32_t)v[PID];
	case BY_TID: return (uint32_t)v[TID];
	case BY_CPU: return (uint32_t)v[CPU];
	default: return 0;
	}
}

static struct pair *pair_of(struct flame *f, struct tally *t, const struct row *row)
{
	uint32_t group = group_of(f, row->values), stack = (uint32_t)row->values[STACK];
	bool is_new;
	uint32_t *at = map_put(&t->by_key, (uint64_t)group << 32 | stack, &is_new);

	if (!is_new)
		return &t->pairs[*at];
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->pairs = xrealloc(t->pairs, t->cap, sizeof(*t->pairs));
	}
	*at = t->n;
	t->pairs[t->n] = (struct pair){ .group = group,
		.stack = stack,
		.pid = row->values[PID],
		.comm = (uint32_t)row->values[COMM],
		.number = f->n_pairs++ };
	return &t->pairs[t->n++];
}

static bool event_matches(const struct flame *f, const struct row *row)
{
	if (!f->options->event || strcmp(f->options->event, row->type->name) == 0)
		return true;
	return row->want == 0 && !(row->missing & 1u << EVENT) &&
		text_is(segment_string(row->segment, (uint32_t)row->values[EVENT]),
			f->options->event);
}

static void flame_row(void *state, const struct row *row)
{
	struct flame *f = state;
	bool weighted = !(row->missing & 1u << WEIGHT);
	struct tally *t;
	struct pair *p;

	if (!event_matches(f, row))
		return;
	t = tally_of(f, row);
	p = pair_of(f, t, row);
	p->count++;
	p->weight += weighted ? row->values[WEIGHT] : 1;
	if (f->options->report)
		slices_add(&f->slices, row->time, p->number, weighted ? row->values[WEIGHT] : 1);
	t->n_rows++;
	t->n_no_weight += f->options->weight && !weighted;
	t->n_without_stack += row->values[STACK] == 0;
	f->of_samples |= row->want == 0;
	if (weighted && !f->unit)
		f->unit = strdup(row->type->fields[event_field(row->type, f->fields[WEIGHT])].unit);
}

/* ---- the tree ---- */

static int by_group(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

static int shown(struct text t)
{
	return t.len < 64 ? (int)t.len : 64;
}

static uint32_t group_node(struct flame *f, const struct segment *s, const struct pair *p)
{
	struct text comm = segment_string(s, p->comm), host = { "", 0 };
	char name[192];
	int n = 0;

	if (f->hosts || f->by == BY_HOST)
		host = segment_info(s, "machine.host");
	if (f->hosts && (f->by == BY_PID || f->by == BY_TID || f->by == BY_CPU))
		n = snprintf(name, sizeof(name), "%.*s: ", shown(host), host.s);
	switch (f->by) {
	case BY_NONE: return 0;
	case BY_COMM:
		return tree_child(&f->tree, 0, comm.len ? comm.s : "[unknown]",
			comm.len ? comm.len : 9, FRAME_NONE);
	case BY_HOST:
		return tree_child(&f->tree, 0, host.len ? host.s : "[unknown]",
			host.len ? host.len : 9, FRAME_NONE);
	case BY_CPU: snprintf(name + n, sizeof(name) - (size_t)n, "CPU %u", p->group); break;
	default:
		snprintf(name + n, sizeof(name) - (size_t)n, "%.*s %u", shown(comm), comm.s,
			p->group);
		break;
	}
	return tree_child(&f->tree, 0, name, strlen(name), FRAME_NONE);
}

/* What to count a truncated stack as. */
static uint64_t *why_cut(struct flame *f, uint8_t flags)
{
	if (flags & STACK_COPY_ENDS)
		return &f->n_copy_ends;
	if (flags & STACK_NO_USER)
		return &f->n_unread;
	return flags & STACK_OVERLOAD ? &f->n_overload : &f->n_truncated;
}

static void count_quality(struct flame *f, const struct segment *s, const struct pair *p)
{
	if (!p->stack)
		return;
	if (segment_stack_flags(s, p->stack) & STACK_TRUNCATED)
		*why_cut(f, segment_stack_flags(s, p->stack)) += p->count;
	if (segment_stack_flags(s, p->stack) & STACK_BROKEN)
		f->n_broken += p->count;
	if (!frames_is_named(s, segment_stack_frame(s, p->stack)))
		f->n_unnamed += p->count;
}

static void fold_tally(struct flame *f, struct tally *t)
{
	struct fold fold;

	fold_init(&fold, &f->tree, t->segment, &f->scratch);
	fold.lines = f->options->lines;
	qsort(t->pairs, t->n, sizeof(*t->pairs), by_group);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct pair *p = &t->pairs[i];

		if (i == 0 || p->group != t->pairs[i - 1].group)
			fold_onto(&fold, group_node(f, t->segment, p));
		f->node_of[p->number] = fold_stack(&fold, p->stack);
		tree_add(&f->tree, f->node_of[p->number], p->weight);
		count_quality(f, t->segment, p);
	}
	f->n_rows += t->n_rows;
	f->n_without_stack += t->n_without_stack;
	f->n_no_weight += t->n_no_weight;
	fold_done(&fold);
}

/* ---- which samples ---- */

static struct text event_text(const struct tally *t)
{
	return segment_string(t->segment, t->event);
}

static bool same_event(const struct tally *a, const struct tally *b)
{
	struct text x = event_text(a), y = event_text(b);

	return x.len == y.len && memcmp(x.s, y.s, x.len) == 0;
}

/* The samples of all segments by one event. */
struct by_event {
	const struct tally *like; /* one of them */
	uint64_t n;
};

static unsigned group_events(const struct flame *f, struct by_event events[MAX_EVENTS])
{
	unsigned n = 0;

	for (uint32_t i = 0; i < f->n_tallies; i++) {
		unsigned k = 0;

		while (k < n && !same_event(events[k].like, &f->tallies[i]))
			k++;
		if (k == MAX_EVENTS)
			continue;
		if (k == n)
			events[n++] = (struct by_event){ &f->tallies[i], 0 };
		events[k].n += f->tallies[i].n_rows;
	}
	return n;
}

static bool is_time(const struct tally *t)
{
	return sample_event_is_time(event_text(t));
}

/* Samples by cycles and samples by page faults do not add up to anything: without --event those are
 * shown that tell about time, or else those there are most of. NULL: all are of one kind. */
static const struct tally *choose_event(const struct flame *f, struct report *r)
{
	struct by_event events[MAX_EVENTS];
	unsigned n = group_events(f, events), best = 0;
	struct text shown;

	if (n < 2 || f->options->event)
		return NULL;
	for (unsigned i = 1; i < n; i++)
		if (is_time(events[i].like) > is_time(events[best].like) ||
			(is_time(events[i].like) == is_time(events[best].like) &&
				events[i].n > events[best].n))
			best = i;
	shown = event_text(events[best].like);
	for (unsigned i = 0; i < n; i++) {
		struct text other = event_text(events[i].like);

		if (i != best)
			report_note(r, NOTE_INFO,
				"Shown are samples by %.*s; there are also %" PRIu64
				" by %.*s (--event %.*s shows those).",
				(int)shown.len, shown.s, events[i].n, (int)other.len, other.s,
				(int)other.len, other.s);
	}
	return events[best].like;
}

/* ---- the report ---- */

static void add_notes(const struct flame *f, struct report *r)
{
	uint64_t n = f->n_rows;
	const struct {
		uint64_t n;
		const char *why;
	} cut[] = {
		{ f->n_truncated,
			"are deeper than what was recorded; their outer frames are missing (--unwind dwarf "
			"takes most: sysctl kernel.perf_event_max_stack limits fp, 127 frames bpf)" },
		{ f->n_copy_ends,
			"are deeper than the part that was looked at; their outer frames are missing (rec "
			"--stack-size)" },
		{ f->n_overload,
			"have no callers, as the recorder had no time for them: record with a lower -F or "
			"--unwind fp" },
		{ f->n_unread, "have no callers, as the stack was not in memory at that moment" },
		{ f->n_broken,
			"went astray in code that keeps no frame pointers and does not tell how to unwind "
			"it; their outer frames are missing" }
	};

	if (!n)
		report_note(r, NOTE_WARNING,
			f->options->event
				? "There is no event '%s' with a stack in this trace (or the filter lets none pass)."
				: "There are no CPU samples in this trace (or the filter lets none pass).",
			f->options->event);
	if (f->n_no_weight)
		report_note(r, NOTE_WARNING,
			"%" PRIu64 " events have no field '%s' and count as 1.", f->n_no_weight,
			f->options->weight);
	if (f->n_unnamed)
		report_note(r, NOTE_INFO,
			"%.1f%% of samples end in a frame without a name: its binary has no symbols, or the "
			"recording ended or moved on before they were read.",
			100 * share(f->n_unnamed, n));
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++)
		if (cut[i].n)
			report_note(r, NOTE_WARNING, "%.1f%% of stacks %s.",
				100 * share(cut[i].n, n), cut[i].why);
	if (f->n_without_stack)
		report_note(r, NOTE_INFO, "%.1f%% of samples have no stack.",
			100 * share(f->n_without_stack, n));
}

/* The function in which most samples were themselves, whoever called it. */
static uint32_t hottest_frame(const struct flame *f, uint64_t *self)
{
	uint64_t *sums = xcalloc(f->tree.n_frames + 1, sizeof(*sums));
	uint32_t best = 0;

	for (uint32_t i = 1; i < f->tree.n_nodes; i++)
		if (tree_frame_of(&f->tree, i)->kind != FRAME_NONE)
			sums[f->tree.nodes[i].frame] += f->tree.nodes[i].self;
	for (uint32_t i = 0; i < f->tree.n_frames; i++)
		if (sums[i] > sums[best])
			best = i;
	*self = sums[best];
	free(sums);
	return best;
}

/* Samples are taken at a fixed rate: what a share of them is of the CPUs' time is not known here, so the
 * finding weighs as much as its share of the recording's time. */
static void add_finding(const struct flame *f, const struct trace_facts *facts, struct report *r)
{
	uint64_t self, total = f->tree.nodes[0].total, ns;
	uint32_t frame = hottest_frame(f, &self);
	const char *module = f->tree.frames[frame].module;
	char own[NUMBER_MAX], all[NUMBER_MAX];

	if (!f->of_samples || !self || facts->last_ns <= facts->first_ns)
		return;
	ns = (uint64_t)((double)(facts->last_ns - facts->first_ns) * share(self, total));
	report_finding(r, ns, "flame",
		"%.1f%% of the CPU samples (%s of %s) are in %s itself%s%s%s.",
		100 * share(self, total), number_count(own, self), number_count(all, total),
		f->tree.frames[frame].name, *module ? " (" : "", module, *module ? ")" : "");
}

static void flame_finish(void *state, const struct trace_facts *facts, struct report *report)
{
	struct flame *f = state;
	const struct tally *chosen = choose_event(f, report);
	const char *counted = f->n_tallies && !f->of_samples ? "events" : "samples";

	tree_init(&f->tree, f->unit ? (f->unit[0] ? f->unit : f->fields[WEIGHT]) : counted);
	f->hosts = inputs_several_machines(facts->inputs);
	f->node_of = xcalloc((size_t)f->n_pairs + 1, sizeof(*f->node_of));
	memset(f->node_of, 0xff, f->n_pairs * sizeof(*f->node_of));
	for (uint32_t i = 0; i < f->n_tallies; i++)
		if (!chosen || same_event(&f->tallies[i], chosen))
			fold_tally(f, &f->tallies[i]);
	tree_finish(&f->tree);
	if (f->options->event && !f->options->title)
		report->title = arena_printf(&report->arena, "Flame graph of %s",
			f->options->event);
	add_notes(f, report);
	add_finding(f, facts, report);
	report_tree(report, "flame", "Flame graph", &f->tree);
	if (f->options->report)
		report_tree_slices(report, slices_finish(&f->slices, f->node_of));
}

static void flame_free(void *state)
{
	struct flame *f = state;

	for (uint32_t i = 0; i < f->n_tallies; i++) {
		map_done(&f->tallies[i].by_key);
		free(f->tallies[i].pairs);
	}
	free(f->tallies);
	free(f->node_of);
	slices_done(&f->slices);
	if (f->tree.nodes)
		tree_done(&f->tree);
	arena_done(&f->scratch);
	free(f->unit);
	free(f);
}

const struct analyzer analyzer_flame = {
	.name = "flame",
	.title = "CPU flame graph",
	.summary = "flame graph of CPU samples, or of any event with stacks",
	.options = OPTIONS_FILTER | OPTIONS_EVENT | OPTIONS_IDLE | OPTIONS_FLAME | OPTIONS_PICTURE,
	.new = flame_new,
	.begin = flame_begin,
	.wants = flame_wants,
	.row = flame_row,
	.finish = flame_finish,
	.free = flame_free,
};
