/* `ana info`: what a trace is: losses first, then what was recorded where and when, what is in it,
 * and what the recording cost. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyze/analyzer.h"
#include "render/number.h"

/* Everything it tells is in the trace's facts. */
struct info {
	bool part; /* of a report that shows the events by itself */
};

static void *info_new(const struct analyze_options *o)
{
	struct info *i = xcalloc(1, sizeof(*i));

	i->part = o->report;
	return i;
}

static const struct want *info_wants(void *state, uint32_t *n)
{
	(void)state;
	*n = 0;
	return NULL;
}

/* Of a trace that is damaged or has no end nobody knows. */
static bool is_whole(const struct inputs *in)
{
	for (uint32_t i = 0; i < in->n; i++) {
		size_t n;

		reader_damage(in->readers[i], &n);
		if (n || !reader_is_complete(in->readers[i]))
			return false;
	}
	return true;
}

static void add_losses(const struct trust *t, const struct inputs *in, struct report *r)
{
	static const struct column columns[] = {
		{ "event", "Event", CELL_TEXT },
		{ "lost", "Lost", CELL_COUNT },
		{ "gaps", "Gaps", CELL_COUNT },
		{ "share", "Of all", CELL_PERCENT },
		{ "reason", "Where", CELL_TEXT },
	};
	struct table *table = report_table(r, "losses", "Losses", columns, 5);

	for (uint32_t i = 0; i < t->n_losses; i++) {
		const struct loss *l = &t->losses[i];
		union cell *c = table_row(r, table);

		c[0].text = arena_strdup(&r->arena, l->event);
		c[1].count = l->lost;
		c[2].count = l->gaps;
		c[3].number = share(l->lost, l->lost + trust_count(t, l->event));
		c[4].text = arena_strdup(&r->arena, l->reason);
	}
	if (!t->n_losses && is_whole(in))
		report_note(r, NOTE_INFO, "Nothing was lost.");
}

static uint64_t last_moment(const struct trust *t)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < t->n_types; i++)
		last = t->types[i].last_ns > last ? t->types[i].last_ns : last;
	return last;
}

static const char *text_of(const struct segment *s, const char *key, struct arena *a)
{
	struct text t = segment_info(s, key);

	return arena_strndup(a, t.s, t.len);
}

static void fact_if_known(struct report *r, struct table *t, const struct segment *s,
	const char *name, const char *key)
{
	const char *v = text_of(s, key, &r->arena);

	if (v[0])
		report_fact(r, t, name, "%s", v);
}

/* In UTC, so that the report is the same on every machine; NULL: not known. */
static const char *time_text(struct report *r, const struct segment *s)
{
	time_t seconds = (time_t)(s->clock.start_real_ns / 1000000000);
	char text[64];
	struct tm tm;

	if (!s->clock.start_real_ns || !gmtime_r(&seconds, &tm))
		return NULL;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	return arena_strdup(&r->arena, text);
}

static bool same_fact(const struct segment *a, const struct segment *b, const char *key)
{
	struct text x = segment_info(a, key), y = segment_info(b, key);

	return x.len == y.len && memcmp(x.s, y.s, x.len) == 0;
}

/* The last segment of the first recording: what is only known at its end stands there. */
static const struct segment *last_words(const struct inputs *in)
{
	const struct segment *first = reader_declarations(in->readers[0], 0), *s;

	for (uint32_t k = reader_n_segments(in->readers[0]); k-- > 1;) {
		s = reader_declarations(in->readers[0], k);
		if (same_fact(first, s, "recorder.command") && same_fact(first, s, "machine.host"))
			return s;
	}
	return first;
}

/* The total at the end if the recording ended well, otherwise what was told last; NULL: not known. */
static const char *cost_text(const struct trace_facts *f, struct report *r, uint64_t last)
{
	const struct segment *s = last_words(f->inputs);
	uint64_t ns = strtoull(text_of(s, "recorder.cpu_ns", &r->arena), NULL, 10);

	if (!ns)
		ns = f->trust->cpu_time_ns;
	if (segment_info(s, "trace.cut").len)
		return NULL; /* the cost is the whole recording's, the time that of a part */
	if (!ns || last <= f->start_ns)
		return NULL;
	return arena_printf(&r->arena, "%.3f s of CPU (%.2f%% of one CPU), %.1f MiB",
		(double)ns / 1e9, 100 * (double)ns / (double)(last - f->start_ns),
		(double)f->trust->memory_bytes / 1048576);
}

static uint64_t total_of(const struct segment *s, const char *key, struct report *r)
{
	return strtoull(text_of(s, key, &r->arena), NULL, 10);
}

/* How far user stacks that were unwound are whole. */
static void add_stacks(const struct segment *s, struct report *r, struct table *t)
{
	uint64_t all = total_of(s, "unwind.stacks", r), cut = total_of(s, "unwind.copy_ends", r),
		 lost = total_of(s, "unwind.lost", r), late = total_of(s, "unwind.overload", r),
		 unread = total_of(s, "unwind.unread", r);
	double percent = all ? 100 / (double)all : 0;

	if (all)
		report_fact(r, t, "user stacks",
			"%" PRIu64
			" unwound; without their outer frames are %.1f%% that were deeper than "
			"the %s bytes looked at, %.1f%% where nothing told the caller, %.1f%% that "
			"there was no time for, %.1f%% that were not in memory",
			all, percent * (double)cut, text_of(s, "unwind.stack_bytes", &r->arena),
			percent * (double)lost, percent * (double)late, percent * (double)unread);
}

/* Whether a list of names, joined by ", ", has this one. */
static bool has_name(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = names; (p = strstr(p, name)); p++)
		if ((p == names || p[-1] == ' ') && (p[len] == ',' || !p[len]))
			return true;
	return false;
}

/* Of one machine the fact as it is, of several all their names. */
static const char *hosts_text(const struct inputs *in, struct report *r)
{
	const char *names = "";

	if (!inputs_several_machines(in))
		return text_of(reader_declarations(in->readers[0], 0), "machine.host", &r->arena);
	for (uint32_t i = 0; i < in->n; i++) {
		for (uint32_t k = 0; k < reader_n_segments(in->readers[i]); k++) {
			const char *host = text_of(reader_declarations(in->readers[i], k),
				"machine.host", &r->arena);

			if (host[0] && !has_name(names, host))
				names = arena_printf(&r->arena, "%s%s%s", names,
					names[0] ? ", " : "", host);
		}
	}
	return names;
}

static void add_known(struct report *r, struct table *t, const char *name, const char *text)
{
	if (text && *text)
		report_fact(r, t, name, "%s", text);
}

static void add_recording(const struct trace_facts *f, struct report *r)
{
	const struct segment *s = reader_declarations(f->inputs->readers[0], 0);
	struct table *t = report_facts(r, "recording", "Recording");
	uint64_t last = last_moment(f->trust), segments = 0, bytes = 0;

	for (uint32_t i = 0; i < f->inputs->n; i++) {
		segments += reader_n_segments(f->inputs->readers[i]);
		bytes += reader_bytes(f->inputs->readers[i]);
	}
	add_known(r, t, "recorded", time_text(r, s));
	if (last > f->start_ns)
		report_fact(r, t, "duration", "%.3f s", (double)(last - f->start_ns) / 1e9);
	fact_if_known(r, t, s, "command", "target.command");
	fact_if_known(r, t, last_words(f->inputs), "exit status", "target.exit_status");
	fact_if_known(r, t, s, "processes", "target.pids");
	fact_if_known(r, t, s, "recorded by", "recorder.command");
	add_known(r, t, inputs_several_machines(f->inputs) ? "hosts" : "host",
		hosts_text(f->inputs, r));
	fact_if_known(r, t, s, "CPU", "machine.cpu");
	fact_if_known(r, t, s, "CPUs", "machine.cpus");
	fact_if_known(r, t, s, "kernel", "kernel.release");
	report_fact(r, t, "size", "%" PRIu64 " bytes in %" PRIu64 " segment%s", bytes, segments,
		segments == 1 ? "" : "s");
	add_known(r, t, "recorder's cost", cost_text(f, r, last));
	add_stacks(last_words(f->inputs), r, t);
}

/* ---- in short, for a report of many parts ---- */

/* "rec cpu -a; 1,234 events"; of a trace from elsewhere only these. */
static const char *what_text(const struct trace_facts *f, struct report *r)
{
	const struct segment *s = reader_declarations(f->inputs->readers[0], 0);
	const char *by = text_of(s, "recorder.command", &r->arena);
	const char *command = text_of(s, "target.command", &r->arena);
	char count[NUMBER_MAX];
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->trust->n_types; i++)
		n += f->trust->types[i].count;
	by = by[0] ? by : command;
	return arena_printf(&r->arena, "%s%s%s events of %u kinds", by, by[0] ? "; " : "",
		number_count(count, n), f->trust->n_types);
}

static const char *where_text(const struct trace_facts *f, struct report *r)
{
	const struct segment *s = reader_declarations(f->inputs->readers[0], 0);
	const char *text = hosts_text(f->inputs, r);
	const char *cpus = text_of(s, "machine.cpus", &r->arena);
	const char *cpu = text_of(s, "machine.cpu", &r->arena);
	const char *kernel = text_of(s, "kernel.release", &r->arena);

	if (cpu[0])
		text = arena_printf(&r->arena, "%s%s%s%s%s", text, text[0] ? ": " : "", cpus,
			cpus[0] ? " × " : "", cpu);
	if (kernel[0])
		text = arena_printf(&r->arena, "%s%s%s", text, text[0] ? ", " : "", kernel);
	return text;
}

/* Of all reasons together; UINT64_MAX: the kind has been told of at an earlier place. */
static uint64_t lost_of_kind(const struct trust *t, uint32_t at)
{
	uint64_t lost = 0;

	for (uint32_t k = 0; k < t->n_losses; k++) {
		if (strcmp(t->losses[k].event, t->losses[at].event) != 0)
			continue;
		if (k < at)
			return UINT64_MAX;
		lost += t->losses[k].lost;
	}
	return lost;
}

/* "cpu_sample 1,234 (0.5%), ..."; each kind of events once, whatever the reasons. */
static const char *lost_text(const struct trace_facts *f, struct report *r)
{
	enum { MAX_TOLD = 8 };
	const struct trust *t = f->trust;
	const char *text = "";
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_losses; i++) {
		char count[NUMBER_MAX], percent[NUMBER_MAX];
		uint64_t lost = lost_of_kind(t, i);

		if (!lost || lost == UINT64_MAX || n++ >= MAX_TOLD)
			continue;
		number_percent(percent,
			(double)lost / (double)(lost + trust_count(t, t->losses[i].event)));
		text = arena_printf(&r->arena, "%s%s%s %s (%s)", text, text[0] ? ", " : "",
			t->losses[i].event, number_count(count, lost), percent);
	}
	if (n > MAX_TOLD)
		text = arena_printf(&r->arena, "%s and others", text);
	if (!is_whole(f->inputs))
		text = arena_printf(&r->arena, "%s%sthe file is damaged or has no end", text,
			text[0] ? "; " : "");
	return text[0] ? text : "nothing";
}

static void add_overview(const struct trace_facts *f, struct report *r)
{
	const struct segment *s = reader_declarations(f->inputs->readers[0], 0);
	uint64_t last = last_moment(f->trust);
	const char *when = time_text(r, s), *cost = cost_text(f, r, last);

	report_overview(r, "what", "%s", what_text(f, r));
	report_overview(r, "where", "%s", where_text(f, r));
	report_overview(r, "when", "%s", when ? when : "not known");
	if (last > f->start_ns)
		report_overview(r, "how long", "%.3f s", (double)(last - f->start_ns) / 1e9);
	report_overview(r, "lost", "%s", lost_text(f, r));
	report_overview(r, "recorder's cost", "%s", cost ? cost : "not known");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct type_count *)a)->name, ((const struct type_count *)b)->name);
}

static void add_events(const struct trust *t, struct report *r)
{
	static const struct column columns[] = {
		{ "event", "Event", CELL_TEXT },
		{ "count", "Count", CELL_COUNT },
		{ "bytes", "Size", CELL_BYTES },
		{ "bytes_per_event", "Bytes each", CELL_FLOAT },
		{ "meaning", "Meaning", CELL_TEXT },
	};
	struct table *table = report_table(r, "events", "Events", columns, 5);
	struct type_count *sorted = arena_alloc(&r->arena, (t->n_types + 1) * sizeof(*sorted));

	if (t->n_types)
		memcpy(sorted, t->types, t->n_types * sizeof(*sorted));
	qsort(sorted, t->n_types, sizeof(*sorted), by_name);
	for (uint32_t i = 0; i < t->n_types; i++) {
		union cell *c = table_row(r, table);

		c[0].text = arena_strdup(&r->arena, sorted[i].name);
		c[1].count = sorted[i].count;
		c[2].count = sorted[i].bytes;
		c[3].number = (double)sorted[i].bytes / (double)sorted[i].count;
		c[4].text = arena_strdup(&r->arena, sorted[i].doc);
	}
}

/* Everything that was told and is not shown above, as it is. */
static void add_settings(const struct segment *s, struct report *r)
{
	struct table *t = report_facts(r, "facts", "Facts");

	for (uint32_t i = 0; i < s->n_info; i++) {
		struct text v = s->info[i].value;

		report_fact(r, t, arena_strndup(&r->arena, s->info[i].key.s, s->info[i].key.len),
			"%.*s", (int)v.len, v.s);
	}
}

static void info_finish(void *state, const struct trace_facts *facts, struct report *report)
{
	const struct info *i = state;

	if (i->part)
		add_overview(facts, report);
	add_losses(facts->trust, facts->inputs, report);
	add_recording(facts, report);
	if (i->part)
		return;
	add_events(facts->trust, report);
	add_settings(last_words(facts->inputs), report);
}

const struct analyzer analyzer_info = {
	.name = "info",
	.title = "Trace",
	.summary = "what a trace is: losses, machine, events, cost of the recording",
	.new = info_new,
	.wants = info_wants,
	.finish = info_finish,
	.free = free,
};
