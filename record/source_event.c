/* `rec -e ...`: tracepoints of the kernel and probes on programs, each as an event type of its own.
 *
 * Every -e item has its rings, so that a flood of one does not push the others out and losses are told
 * by its name. The tracepoints of one item (a pattern means many) share them: a raw record begins with
 * the tracepoint's number. A probe's does not, but all sites of an item are the same event. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/event_set.h"
#include "record/perf_user.h"
#include "record/probe.h"
#include "record/raw_sample.h"
#include "record/recording.h"
#include "record/trace_type.h"
#include "record/tracefs.h"
#include "record/tracepoint.h"
#include "record/unwinding.h"

enum {
	ALL_RINGS = 4 << 20,         /* bytes a CPU for all items */
	ALL_RINGS_COPIES = 16 << 20, /* with copies of stacks */
	RING_MIN = 128 << 10,
	RING_MAX = 1 << 20,
	RING_MAX_COPIES = 4 << 20,
};

/* An event type of the trace. */
struct kind {
	struct trace_type type;
	int number;      /* of the writer */
	bool everything; /* an item without a filter has it already */
};

struct item {
	struct event_state *state;
	const char *name; /* in the words of the user; what losses are told of */
	struct event_set *events;
	struct map by_id; /* a tracepoint's number -> number of its kind */
	uint32_t only;    /* kind of a probe... */
	bool is_probe;    /* ...which needs no looking up */
};

struct event_state {
	struct recording *recording; /* borrowed */
	struct arena arena;
	char tracefs[256];
	struct probe_pmu pmu;
	struct kind **kinds; /* owned; each in the arena, as the writer keeps the types */
	uint32_t n_kinds;
	struct item *items; /* owned; fixed before the first is opened */
	uint32_t n_items;
	size_t ring_bytes;
	uint8_t *row; /* owned; room for the largest */
	bool copies;  /* events bring a copy of the stack, for unwinding */
};

/* ---- records ---- */

static const struct kind *kind_of(const struct item *item, const struct raw_sample *s)
{
	const uint32_t *kind;
	uint16_t id;

	if (item->is_probe)
		return item->state->kinds[item->only];
	if (s->raw_len < sizeof(id))
		return NULL;
	memcpy(&id, s->raw, sizeof(id)); /* common_type */
	kind = map_get(&item->by_id, id);
	return kind ? item->state->kinds[*kind] : NULL;
}

/* Of the target or a descendant; the sideband tells of no others. */
static bool is_recorded(const struct item *item, const struct raw_sample *s)
{
	const struct recording *r = item->state->recording;

	return !item->is_probe || r->target.kind == TARGET_SYSTEM ||
		processes_find(r->processes, s->tid);
}

/* The event waits for its stack. */
static void add_unwound(struct item *item, uint32_t stream, const struct kind *kind,
	const struct raw_sample *s, const struct thread *t)
{
	const struct event_head *head = (const struct event_head *)item->state->row;
	struct recording *r = item->state->recording;
	struct perf_user user;
	const struct unwinding_row row = { .time_ns = head->time,
		.stream = stream,
		.type = kind->number,
		.event = kind->type.type.name,
		.row = head,
		.size = kind->type.type.size,
		.stack_at = offsetof(struct event_head, stack),
		.thread = t,
		.chain = s->chain,
		.n_chain = s->n_chain,
		.regs = &user.regs,
		.stack = &user.stack };

	if (!perf_user_read(&user, s->rest, s->end))
		memset(&user, 0, sizeof(user)); /* the kernel writes no such record */
	unwinding_add(r->unwinding, &row);
}

static void on_sample(struct item *item, const struct perf_ring *ring,
	const struct perf_event_header *h, uint64_t time)
{
	struct recording *r = item->state->recording;
	struct event_head *head = (struct event_head *)item->state->row;
	const struct kind *kind;
	struct thread *t;
	struct raw_sample s;

	if (!raw_sample_read(h, !r->options->no_stack, &s))
		return;
	kind = kind_of(item, &s);
	if (!kind || !is_recorded(item, &s))
		return;
	t = processes_thread(r->processes, s.pid, s.tid);
	*head = (struct event_head){ .time = time, .cpu = s.cpu, .pid = s.pid, .tid = s.tid };
	head->comm = recording_comm(r, t);
	trace_type_row(&kind->type, r->writer, s.raw, s.raw_len, head);
	r->n_events++;
	if (item->state->copies) {
		add_unwound(item, ring->stream, kind, &s, t);
		return;
	}
	if (s.n_chain)
		head->stack = stacks_get(r->stacks, t, s.chain, s.n_chain, time);
	recording_add(r, ring->stream, kind->number, head);
}

static void handle(void *ctx, const struct perf_ring *ring, const struct perf_event_header *h,
	uint64_t time)
{
	if (h->type == PERF_RECORD_SAMPLE)
		on_sample(ctx, ring, h, time);
}

static void lost(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since,
	uint64_t until)
{
	struct item *item = ctx;

	recording_lost(item->state->recording, ring->stream, item->name, n, since, until);
}

/* ---- types ---- */

/* The kind of this name, made if it is new; several items may mean the same. */
static int add_kind(struct event_state *s, const char *name, const char *doc,
	const struct trace_format *format, struct err *err)
{
	struct recording *r = s->recording;
	struct kind *k;
	int rc;

	for (uint32_t i = 0; i < s->n_kinds; i++)
		if (strcmp(s->kinds[i]->type.type.name, name) == 0)
			return (int)i;
	k = arena_alloc(&s->arena, sizeof(*k));
	rc = trace_type_make(&k->type, name, doc, format, !r->options->no_stack, &s->arena, err);
	if (!rc)
		rc = k->number = writer_type(r->writer, &k->type.type, err);
	if (rc < 0)
		return rc;
	s->kinds = xrealloc(s->kinds, s->n_kinds + 1, sizeof(struct kind *));
	s->kinds[s->n_kinds] = k;
	return (int)s->n_kinds++;
}

/* ---- opening ---- */

static void fill_attr(const struct event_state *s, struct perf_event_attr *attr)
{
	const struct options *o = s->recording->options;

	perf_attr_init(attr, PERF_TYPE_TRACEPOINT, 0);
	raw_sample_attr(attr, !o->no_stack, s->ring_bytes);
	attr->exclude_callchain_user = o->unwind == UNWIND_NONE;
	if (!s->copies)
		return;
	perf_user_attr(attr, o->stack_bytes);
	attr->exclude_callchain_user = 1;
	attr->wakeup_watermark = (uint32_t)s->ring_bytes / 4;
}

/* A probe is opened for the whole system, and others than the target's are dropped here: a fork that
 * inherits a probe reads the file's path from the memory of whoever forks, at our address, and the
 * fork fails with EFAULT (seen on 6.18; perf_uprobe_init in kernel/trace/trace_event_perf.c). */
static int open_item(struct item *item, struct event_set_event *events, uint32_t n, struct err *err)
{
	const struct target everyone = { .kind = TARGET_SYSTEM };
	struct event_set_user user = { handle, lost, item };
	struct recording *r = item->state->recording;
	int code = 0;

	item->events = event_set_open_all(events, n, item->is_probe ? &everyone : &r->target,
		item->state->ring_bytes, &code, err);
	if (!item->events)
		return tracepoint_explain_refusal(code, err);
	return event_set_feed(item->events, r, "event", &user, err);
}

/* What an earlier item records without a filter is not recorded twice. */
static bool is_needed(struct item *item, const struct tracepoint *t, const char *filter,
	struct err *err, int *kind)
{
	struct event_state *s = item->state;
	bool had;

	*kind = add_kind(s, t->name, "A tracepoint of the kernel.", &t->format, err);
	if (*kind < 0)
		return false;
	had = s->kinds[*kind]->everything;
	s->kinds[*kind]->everything |= !filter;
	return !had;
}

/* Of what a pattern means, some may be forbidden to everybody. */
static void note_missing(struct item *item, const struct event_set_event *events, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t *kind = map_get(&item->by_id, events[i].attr.config);

		if (events[i].missing && kind)
			recording_note(item->state->recording, "event", "not recorded: %s (%s)",
				item->state->kinds[*kind]->type.type.name,
				strerror(events[i].missing));
	}
}

static int open_tracepoints(struct item *item, const struct event_spec *e, struct err *err)
{
	struct event_state *s = item->state;
	struct event_set_event *events;
	struct tracepoint *found;
	uint32_t n, n_events = 0;
	int rc = 0, kind;

	if (!s->tracefs[0])
		rc = tracefs_find(NULL, s->tracefs, sizeof(s->tracefs), err);
	if (!rc)
		rc = tracepoints_find(s->tracefs, e->text, &s->arena, &found, &n, err);
	if (rc)
		return rc;
	events = arena_alloc(&s->arena, n * sizeof(*events));
	for (uint32_t i = 0; i < n; i++) {
		if (e->filter && (rc = tracepoint_check_filter(&found[i], e->filter, err)))
			return rc;
		if (!is_needed(item, &found[i], e->filter, err, &kind)) {
			if (kind < 0)
				return kind;
			continue;
		}
		*map_put(&item->by_id, found[i].format.id, NULL) = (uint32_t)kind;
		fill_attr(s, &events[n_events].attr);
		events[n_events].attr.config = found[i].format.id;
		events[n_events].optional = n > 1;
		events[n_events++].filter = e->filter;
	}
	rc = n_events ? open_item(item, events, n_events, err) : 0;
	if (!rc)
		note_missing(item, events, n_events);
	return rc;
}

static int open_probe(struct item *item, const struct event_spec *e, struct err *err)
{
	struct event_state *s = item->state;
	struct event_set_event *events;
	struct probe probe;
	int rc = probe_pmu_read(&s->pmu, err), kind;

	if (!rc)
		rc = probe_resolve(&probe, e, &s->arena, err);
	if (rc)
		return rc;
	kind = add_kind(s, probe.name, probe.doc, NULL, err);
	if (kind < 0)
		return kind;
	item->only = (uint32_t)kind;
	item->is_probe = true;
	item->name = probe.name;
	events = arena_alloc(&s->arena, probe.n * sizeof(*events));
	for (uint32_t i = 0; i < probe.n; i++) {
		fill_attr(s, &events[i].attr);
		probe_attr(&events[i].attr, &s->pmu, &probe, &probe.sites[i],
			e->kind == EVENT_URETPROBE);
	}
	rc = open_item(item, events, probe.n, err);
	if (rc == -EINVAL || rc == -EIO || rc == -524) /* 524: ENOTSUPP, of the kernel alone */
		return err_set(err, -rc,
			"the kernel cannot put a probe at %s+0x%llx: no instruction that it can "
			"step over begins there",
			probe.path, (unsigned long long)probe.sites[0].offset);
	return rc;
}

/* Facts for the trace: what was asked for, in the user's words. */
static void tell_settings(struct event_state *s, const struct event_specs *l)
{
	char text[4096];
	size_t n = 0;

	for (unsigned i = 0; i < l->n && n < sizeof(text); i++) {
		const struct event_spec *e = &l->specs[i];

		if (e->kind != EVENT_SAMPLE)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s%s",
				n ? "," : "", e->text, e->filter ? "/" : "",
				e->filter ? e->filter : "", e->filter ? "/" : "");
	}
	writer_info(s->recording->writer, "source.event.events", text);
}

static size_t ring_size(uint32_t n_items, bool copies)
{
	size_t bytes = (copies ? ALL_RINGS_COPIES : ALL_RINGS) / (n_items ? n_items : 1);

	if (copies)
		return bytes > RING_MAX_COPIES ? RING_MAX_COPIES
			: bytes < RING_MAX     ? RING_MAX
					       : bytes;

	return bytes > RING_MAX ? RING_MAX : bytes < RING_MIN ? RING_MIN : bytes;
}

static int open_items(struct event_state *s, struct err *err)
{
	const struct event_specs *l = &s->recording->options->events;
	int rc = 0;

	s->items = xcalloc(l->n, sizeof(*s->items));
	s->ring_bytes = ring_size(l->n, s->copies);
	for (unsigned i = 0; !rc && i < l->n; i++) {
		const struct event_spec *e = &l->specs[i];
		struct item *item = &s->items[s->n_items];

		if (e->kind == EVENT_SAMPLE)
			continue; /* the source cpu has them */
		s->n_items++;
		item->state = s;
		item->name = e->text;
		map_init(&item->by_id, 16);
		rc = e->kind == EVENT_TRACEPOINT ? open_tracepoints(item, e, err)
						 : open_probe(item, e, err);
	}
	return rc;
}

/* ---- as a source ---- */

static void event_close(void *state)
{
	struct event_state *s = state;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_items; i++) {
		event_set_close(s->items[i].events);
		map_done(&s->items[i].by_id);
	}
	free(s->items);
	free(s->kinds);
	free(s->row);
	arena_done(&s->arena);
	free(s);
}

static int event_open(struct recording *r, void **state, struct err *err)
{
	struct event_state *s = xcalloc(1, sizeof(*s));
	uint32_t largest = 0;
	int rc;

	s->recording = r;
	s->copies = r->unwinding && options_event_copies(r->options) && !r->options->no_stack;
	*state = s; /* the types must outlive the writer's last flush, also when we fail */
	rc = open_items(s, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < s->n_kinds; i++)
		if (s->kinds[i]->type.type.size > largest)
			largest = s->kinds[i]->type.type.size;
	s->row = xcalloc(1, largest);
	tell_settings(s, &r->options->events);
	return 0;
}

static void each_item(struct event_state *s, void (*call)(struct event_set *))
{
	for (uint32_t i = 0; i < s->n_items; i++)
		if (s->items[i].events)
			call(s->items[i].events);
}

static void event_enable(void *state)
{
	each_item(state, event_set_enable);
}

static void event_disable(void *state)
{
	each_item(state, event_set_disable);
}

static void settle_set(struct event_set *set)
{
	event_set_settle(set, now_ns());
}

static void event_settle(void *state)
{
	each_item(state, settle_set);
}

const struct source source_event = {
	.name = "event",
	.summary = "tracepoints and probes named with -e (the word is not needed)",
	.needs = { "tracepoints" },
	.better_with = { "uprobes", "kernel names", "other processes" },
	.open = event_open,
	.enable = event_enable,
	.disable = event_disable,
	.settle = event_settle,
	.close = event_close,
};
