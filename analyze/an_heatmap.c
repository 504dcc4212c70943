/* `ana heatmap`: when what took how long.
 *
 * Works on any event with a number: the schema in the trace says which fields are durations. CPU
 * samples take no time of their own; they are laid out as Brendan Gregg and Martin Spier's FlameScope
 * does, a column for each second and in it where in the second, so that what repeats and what comes
 * once can be seen; and by CPU, how busy each was. Where events have stacks the page can show the flame
 * graph of a selection. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/cell_stacks.h"
#include "analyze/event_list.h"
#include "analyze/sample_event.h"

#define SECOND UINT64_C(1000000000)

enum {
	MAX_MAPS = 8,            /* that are shown when none is asked for */
	MAX_SAMPLE_EVENTS = 8,   /* that samples were taken by; the rest is one heap */
	ROW_NS = 20000000,       /* of a second: 50 rows */
	SAMPLES_PER_COLUMN = 10, /* at the least, of a CPU that is always busy */
};

/* Fields of each want, in this order. */
enum { STACK, COMM, WEIGHT, CPU, EVENT, VALUE, N_FIELDS };

/* One heatmap. */
struct map_of {
	const char *event;                /* type of events; borrowed from the list */
	const struct number_field *value; /* NULL: where in the second */
	struct heatmap_builder builder;
	struct cell_stacks stacks;
	uint64_t n, n_missing, n_negative, n_with_stack;
};

/* CPU samples by one event. */
struct samples {
	char *event; /* owned */
	struct map_of offsets;
	struct heatmap_builder busy;
	uint64_t n_without_rate; /* samples whose rate the trace does not tell */
};

struct heatmaps {
	const struct analyze_options *options;
	struct event_list list;
	const char *fields[MAX_MAPS][N_FIELDS];
	struct want wants[MAX_MAPS];
	struct map_of maps[MAX_MAPS]; /* one for each want; that of cpu_sample is not used */
	uint32_t n_maps;
	int sample_want; /* -1: none */
	struct samples samples[MAX_SAMPLE_EVENTS];
	uint32_t n_samples;
	const struct segment *rate_segment; /* whose rate this is */
	uint64_t rate;
	uint64_t start_ns;
};

static void *heatmap_new(const struct analyze_options *o)
{
	struct heatmaps *h = xcalloc(1, sizeof(*h));

	h->options = o;
	h->sample_want = -1;
	return h;
}

/* ---- which events ---- */

static void map_init_for(struct heatmaps *h, struct map_of *m, const char *event,
	const struct number_field *value)
{
	m->event = event;
	m->value = value;
	cell_stacks_init(&m->stacks);
	if (value && value->kind == CELL_HEX) {
		heatmap_builder_init_linear(&m->builder, h->start_ns, 4096);
	} else if (value) {
		heatmap_builder_init(&m->builder, h->start_ns);
	} else {
		heatmap_builder_init_linear(&m->builder, h->start_ns, ROW_NS);
		heatmap_builder_columns(&m->builder, SECOND);
		heatmap_builder_rows(&m->builder, 0, SECOND - 1);
	}
}

static bool is_cpu_sample(const char *event)
{
	return !strcmp(event, "cpu_sample");
}

static void add_map(struct heatmaps *h, const struct declared_event *e,
	const struct number_field *value)
{
	static const char *const fields[] = { "stack", "comm", "weight", "cpu", "event" };
	uint32_t i = h->n_maps;

	if (i == MAX_MAPS)
		return;
	memcpy(h->fields[i], fields, sizeof(fields));
	h->fields[i][VALUE] = value ? value->name : "time";
	h->wants[i] = (struct want){ e->name, h->fields[i], N_FIELDS };
	map_init_for(h, &h->maps[i], e->name, value);
	if (is_cpu_sample(e->name) && !value)
		h->sample_want = (int)i;
	h->n_maps++;
}

static int no_such_event(struct heatmaps *h, struct err *err)
{
	const char *durations = event_list_durations(&h->list);

	return err_set(err, ENOENT,
		"there is no event '%s' in this trace (`ana info` lists those there are)%s%s",
		h->options->event, *durations ? "; with a duration: " : "", durations);
}

static int no_such_field(struct heatmaps *h, const struct declared_event *e, struct err *err)
{
	const char *fields = event_list_fields(&h->list, e);

	if (!e->n_fields)
		return err_set(err, EINVAL,
			"%s has no number to show over time; --offset-in-second shows when it came",
			e->name);
	if (h->options->field)
		return err_set(err, EINVAL, "%s has no number '%s'; it has: %s", e->name,
			h->options->field, fields);
	return err_set(err, EINVAL,
		"%s has no duration: choose another of its numbers with --field (%s), or "
		"--offset-in-second",
		e->name, fields);
}

/* The event that was asked for, which may also be what CPU samples were taken by. */
static int choose_named(struct heatmaps *h, struct err *err)
{
	const struct analyze_options *o = h->options;
	const struct declared_event *e = event_list_find(&h->list, o->event);
	const struct number_field *f;

	if (!e)
		e = event_list_find(&h->list, "cpu_sample");
	if (!e)
		return no_such_event(h, err);
	if (o->offset_in_second || (is_cpu_sample(e->name) && !o->field)) {
		add_map(h, e, NULL);
		return 0;
	}
	f = o->field ? declared_field(e, o->field) : declared_duration(e);
	if (!f)
		return no_such_field(h, e, err);
	add_map(h, e, f);
	return 0;
}

/* The most frequent come first. */
static int by_count(const void *a, const void *b)
{
	const struct declared_event *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* When events came can be shown of any. The list begins with the most frequent. */
static void choose_frequent(struct heatmaps *h)
{
	for (uint32_t i = 0; i < h->list.n && !h->n_maps; i++)
		if (!h->list.events[i].is_housekeeping)
			add_map(h, &h->list.events[i], NULL);
}

/* CPU samples, and every event that there is and that has a duration (or the field asked for). */
static int choose_all(struct heatmaps *h, struct err *err)
{
	const struct analyze_options *o = h->options;
	const char *durations;

	if (h->list.n)
		qsort(h->list.events, h->list.n, sizeof(*h->list.events), by_count);
	for (uint32_t i = 0; i < h->list.n; i++) {
		const struct declared_event *e = &h->list.events[i];
		const struct number_field *f = o->field ? declared_field(e, o->field)
							: declared_duration(e);

		if (h->list.counted && !e->count)
			continue;
		if (is_cpu_sample(e->name) && !o->field)
			add_map(h, e, NULL);
		else if (f && !o->offset_in_second)
			add_map(h, e, f);
	}
	if (!h->n_maps && o->offset_in_second)
		choose_frequent(h);
	if (h->n_maps)
		return 0;
	durations = event_list_durations(&h->list);
	if (o->field)
		return err_set(err, ENOENT, "no event of this trace has a number '%s'%s%s",
			o->field, *durations ? "; durations are: " : "", durations);
	return err_set(err, ENOENT,
		"this trace has no CPU samples and no event with a duration; any number of an event "
		"can be shown with --event EVENT --field FIELD, and when events came with "
		"--offset-in-second (`ana info` lists the events)");
}

/* As part of a report: other analyzers draw the latencies of their events. */
static int choose_samples(struct heatmaps *h)
{
	const struct declared_event *e = event_list_find(&h->list, "cpu_sample");

	if (!e || (h->list.counted && !e->count))
		return -ENOENT;
	add_map(h, e, NULL);
	return 0;
}

static int heatmap_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	struct heatmaps *h = state;

	h->start_ns = facts->start_ns;
	event_list_init(&h->list, facts->inputs);
	if (h->options->report)
		return choose_samples(h);
	return h->options->event ? choose_named(h, err) : choose_all(h, err);
}

static const struct want *heatmap_wants(void *state, uint32_t *n)
{
	struct heatmaps *h = state;

	*n = h->n_maps;
	return h->wants;
}

/* ---- rows ---- */

static bool has(const struct row *row, unsigned field)
{
	return !(row->missing & 1ULL << field);
}

/* UINT64_MAX if it is too much. */
static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t since(uint64_t start_ns, uint64_t time_ns)
{
	return time_ns > start_ns ? time_ns - start_ns : 0;
}

static void add_to_map(struct heatmaps *h, struct map_of *m, const struct row *row)
{
	uint64_t value = m->value ? row->values[VALUE] : since(h->start_ns, row->time) % SECOND;

	if (m->value && !has(row, VALUE)) {
		m->n_missing++;
		return;
	}
	if (m->value && m->value->is_signed && (int64_t)value < 0) {
		m->n_negative++;
		return;
	}
	m->n++;
	m->n_with_stack += row->values[STACK] != 0;
	cell_stacks_add(&m->stacks, &m->builder, row, (uint32_t)row->values[COMM],
		(uint32_t)row->values[STACK], value, row_weight(row, WEIGHT));
}

/* Samples a second, as the recorder was told; 0 if it is not known. */
static uint64_t rate_of(struct heatmaps *h, const struct segment *s)
{
	struct text t;
	uint64_t rate = 0;

	if (s == h->rate_segment)
		return h->rate;
	t = segment_info(s, "source.cpu.frequency");
	for (size_t i = 0; i < t.len && t.s[i] >= '0' && t.s[i] <= '9' && rate < SECOND; i++)
		rate = rate * 10 + (uint64_t)(t.s[i] - '0');
	h->rate_segment = s;
	h->rate = rate <= SECOND ? rate : 0;
	return h->rate;
}

static struct samples *samples_by(struct heatmaps *h, struct text event)
{
	struct samples *s;

	for (uint32_t i = 0; i < h->n_samples; i++)
		if (text_is(event, h->samples[i].event) || i == MAX_SAMPLE_EVENTS - 1)
			return &h->samples[i];
	s = &h->samples[h->n_samples++];
	s->event = strndup(event.len ? event.s : "", event.len);
	map_init_for(h, &s->offsets, "cpu_sample", NULL);
	heatmap_builder_init_linear(&s->busy, h->start_ns, 1);
	return s;
}

/* Columns wide enough that a sample more or less does not matter. */
static void add_busy(struct heatmaps *h, struct samples *s, const struct row *row)
{
	uint64_t rate = rate_of(h, row->segment), column_ns = s->busy.column_ns;

	if (!rate) {
		s->n_without_rate++;
		return;
	}
	while (!s->busy.cells && column_ns * rate < SAMPLES_PER_COLUMN * SECOND)
		column_ns *= 2;
	if (!s->busy.cells) {
		heatmap_builder_columns(&s->busy, column_ns);
		heatmap_builder_rows(&s->busy, 0, 0);
	}
	heatmap_add(&s->busy, row->time, row->values[CPU],
		times(row_weight(row, WEIGHT), SECOND / rate));
}

static void add_sample(struct heatmaps *h, const struct row *row)
{
	struct text event = segment_string(row->segment, (uint32_t)row->values[EVENT]);
	const char *only = h->options->event;
	struct samples *s;

	if (only && !is_cpu_sample(only) && !text_is(event, only))
		return;
	s = samples_by(h, event);
	add_to_map(h, &s->offsets, row);
	if (has(row, CPU) && sample_event_is_time(event))
		add_busy(h, s, row);
}

static void heatmap_row(void *state, const struct row *row)
{
	struct heatmaps *h = state;

	if ((int)row->want == h->sample_want)
		add_sample(h, row);
	else
		add_to_map(h, &h->maps[row->want], row);
}

/* ---- the report ---- */

static void add_notes(const struct map_of *m, const struct heatmap *map, struct report *r)
{
	uint64_t column_ns = map->x.n ? map->x.edges[1] - map->x.edges[0] : 0;

	if (m->value && m->n_missing)
		report_note(r, NOTE_WARNING, "%" PRIu64 " events %s have no field '%s'.",
			m->n_missing, m->event, m->value->name);
	if (m->value && m->n_negative)
		report_note(r, NOTE_WARNING,
			"%" PRIu64 " values of %s.%s are negative and not shown.", m->n_negative,
			m->event, m->value->name);
	if (m->stacks.n_dropped)
		report_note(r, NOTE_WARNING,
			"%" PRIu64 " events are not in the flame graphs of a selection: there are "
			"too many different stacks.",
			m->stacks.n_dropped);
	if (!m->value && column_ns > SECOND)
		report_note(r, NOTE_INFO,
			"Each column shows %" PRIu64 " seconds, one laid over the other, as the "
			"trace is long: --time shows a part of it in full.",
			column_ns / SECOND);
}

/* "block_io", "cpu_sample": what a section is called by scripts. */
static struct heatmap *add_section(struct map_of *m, const char *id, const char *title,
	const char *counted, struct report *r)
{
	struct heatmap *map = report_heatmap(r, id, title, &m->builder,
		m->value ? m->value->name : "Within the second",
		m->value ? m->value->kind : CELL_NS, counted);
	struct heat_flame *flame;

	map->linear = !m->value; /* at a fixed rate no cell has many times what others have */
	if (!m->n_with_stack)
		return map;
	flame = arena_alloc(&r->arena, sizeof(*flame));
	*flame = *cell_stacks_finish(&m->stacks, &m->builder, counted);
	flame->range = !m->value;
	map->flame = flame;
	return map;
}

/* A stream declares events that may never come: those nobody asked for are not worth a word. */
static bool is_worth_showing(const struct heatmaps *h, const struct map_of *m)
{
	return m->n || m->n_missing || m->n_negative || h->options->event || h->list.counted;
}

static void finish_map(struct map_of *m, struct report *r)
{
	const char *title = m->value
		? arena_printf(&r->arena, "%s: %s over time", m->event, m->value->name)
		: arena_printf(&r->arena, "%s: offset in the second", m->event);

	add_notes(m, add_section(m, m->event, title, "events", r), r);
}

/* Jitter of the sampling must not make a CPU busier than it can be. */
static void finish_busy(const struct samples *s, struct report *r)
{
	struct heatmap *map = report_heatmap(r, "cpu_busy", "Busy share of each CPU", &s->busy,
		"CPU", CELL_NUMBER, "ns");

	if (!map->x.n)
		return;
	map->full = times(s->busy.column_ns, s->busy.row_size);
	for (size_t i = 0; i < (size_t)map->x.n * map->y.n; i++)
		if (map->cells[i] > map->full)
			map->cells[i] = map->full;
}

/* Time before other events, then the most frequent. */
static struct samples *best_samples(struct heatmaps *h)
{
	struct samples *best = NULL;

	for (uint32_t i = 0; i < h->n_samples; i++) {
		struct samples *s = &h->samples[i];
		bool is_time = sample_event_is_time((struct text){ s->event, strlen(s->event) });
		bool best_is_time = best &&
			sample_event_is_time((struct text){ best->event, strlen(best->event) });

		if (!best || is_time > best_is_time ||
			(is_time == best_is_time && s->offsets.n > best->offsets.n))
			best = s;
	}
	return best;
}

static void note_no_samples(struct heatmaps *h, struct report *r)
{
	const char *durations = event_list_durations(&h->list);
	const char *event = h->options->event;

	if (event && !is_cpu_sample(event))
		report_note(r, NOTE_WARNING,
			"There is no event '%s' in this trace and there are no CPU samples by it, or "
			"the filter lets none pass%s%s.",
			event, *durations ? "; events with a duration: " : "", durations);
	else
		report_note(r, NOTE_WARNING, "The filter lets no CPU sample pass.");
}

static void finish_samples(struct heatmaps *h, struct report *r)
{
	struct samples *best = best_samples(h);

	if (!best) {
		note_no_samples(h, r);
		return;
	}
	for (uint32_t i = 0; i < h->n_samples; i++)
		if (&h->samples[i] != best)
			report_note(r, NOTE_INFO,
				"Shown are samples by %s; there are also %" PRIu64
				" by %s (--event %s shows those).",
				best->event, h->samples[i].offsets.n, h->samples[i].event,
				h->samples[i].event);
	add_notes(&best->offsets,
		add_section(&best->offsets, "cpu_sample", "CPU samples by offset in the second",
			"samples", r),
		r);
	if (best->busy.cells)
		finish_busy(best, r);
	else if (best->n_without_rate)
		report_note(r, NOTE_INFO,
			"How busy CPUs were is not known: the samples were not taken at a fixed "
			"rate.");
}

static void heatmap_finish(void *state, const struct trace_facts *facts, struct report *report)
{
	struct heatmaps *h = state;

	for (uint32_t i = 0; i < h->n_maps; i++) {
		if ((int)i == h->sample_want)
			finish_samples(h, report);
		else if (is_worth_showing(h, &h->maps[i]))
			finish_map(&h->maps[i], report);
	}
}

static void map_done_of(struct map_of *m)
{
	heatmap_builder_done(&m->builder);
	cell_stacks_done(&m->stacks);
}

static void heatmap_free(void *state)
{
	struct heatmaps *h = state;

	for (uint32_t i = 0; i < h->n_maps; i++)
		map_done_of(&h->maps[i]);
	for (uint32_t i = 0; i < h->n_samples; i++) {
		map_done_of(&h->samples[i].offsets);
		heatmap_builder_done(&h->samples[i].busy);
		free(h->samples[i].event);
	}
	event_list_done(&h->list);
	free(h);
}

const struct analyzer analyzer_heatmap = {
	.name = "heatmap",
	.title = "Heatmap",
	.summary = "what happened when and took how long; CPU samples by offset in the second",
	.options = OPTIONS_FILTER | OPTIONS_EVENT | OPTIONS_IDLE | OPTIONS_HEATMAP |
		OPTIONS_PICTURE,
	.new = heatmap_new,
	.begin = heatmap_begin,
	.wants = heatmap_wants,
	.row = heatmap_row,
	.finish = heatmap_finish,
	.free = heatmap_free,
};
