#include "analyze/trust.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/number.h"

enum { LOST, THROTTLE, RECORDER };
enum { LOST_SINCE, LOST_EVENT, LOST_REASON, LOST_COUNT };
enum { THROTTLE_STATE };
enum { RECORDER_CPU_TIME, RECORDER_MEMORY };
enum { MAX_LOSSES = 512 }; /* of a kind of events for a reason; the rest is one more */

static const char *const lost_fields[] = { "since", "event", "reason", "lost" };
static const char *const throttle_fields[] = { "state" };
static const char *const recorder_fields[] = { "cpu_time", "memory" };

const struct want trust_wants[] = {
	[LOST] = { "lost", lost_fields, 4 },
	[THROTTLE] = { "cpu_throttle", throttle_fields, 1 },
	[RECORDER] = { "recorder", recorder_fields, 2 },
};
const uint32_t trust_n_wants = 3;

void trust_done(struct trust *t)
{
	arena_done(&t->arena);
	free(t->losses);
	free(t->types);
	memset(t, 0, sizeof(*t));
}

static struct loss *loss_of(struct trust *t, const char *event, const char *reason)
{
	struct loss *l;

	for (uint32_t i = 0; i < t->n_losses; i++)
		if (strcmp(t->losses[i].event, event) == 0 &&
			strcmp(t->losses[i].reason, reason) == 0)
			return &t->losses[i];
	if (t->n_losses > MAX_LOSSES)
		return &t->losses[MAX_LOSSES];
	if (t->n_losses == MAX_LOSSES) {
		event = "other events";
		reason = "unknown";
	}
	t->losses = xrealloc(t->losses, t->n_losses + 1, sizeof(*t->losses));
	l = &t->losses[t->n_losses++];
	*l = (struct loss){ arena_strdup(&t->arena, event), arena_strdup(&t->arena, reason), 0, 0,
		UINT64_MAX, 0 };
	return l;
}

static void on_lost(struct trust *t, const struct row *row)
{
	int field = event_field(row->type, "reason");
	struct text event = segment_string(row->segment, (uint32_t)row->values[LOST_EVENT]);
	const char *reason = field < 0 ? NULL
				       : enum_name(row->type->fields[field].enumeration,
						 (int64_t)row->values[LOST_REASON]);
	char name[128];
	struct loss *l;

	snprintf(name, sizeof(name), "%.*s", (int)(event.len < 120 ? event.len : 120), event.s);
	l = loss_of(t, name[0] ? name : "events", reason ? reason : "unknown");
	l->lost += row->values[LOST_COUNT];
	l->gaps++;
	if (row->values[LOST_SINCE] < l->first_ns)
		l->first_ns = row->values[LOST_SINCE];
	if (row->time > l->last_ns)
		l->last_ns = row->time;
}

void trust_row(struct trust *t, const struct row *row)
{
	switch (row->want) {
	case LOST: on_lost(t, row); break;
	case THROTTLE: t->n_throttled += row->values[THROTTLE_STATE] == 1; break;
	case RECORDER:
		if (row->values[RECORDER_CPU_TIME] > t->cpu_time_ns)
			t->cpu_time_ns = row->values[RECORDER_CPU_TIME];
		if (row->values[RECORDER_MEMORY] > t->memory_bytes)
			t->memory_bytes = row->values[RECORDER_MEMORY];
		break;
	default: break;
	}
}

static struct type_count *count_of(struct trust *t, const struct event_type *type)
{
	struct type_count *c;

	for (uint32_t i = 0; i < t->n_types; i++)
		if (strcmp(t->types[i].name, type->name) == 0)
			return &t->types[i];
	t->types = xrealloc(t->types, t->n_types + 1, sizeof(*t->types));
	c = &t->types[t->n_types++];
	*c = (struct type_count){ .name = arena_strdup(&t->arena, type->name),
		.doc = arena_strdup(&t->arena, type->doc),
		.first_ns = UINT64_MAX };
	return c;
}

void trust_block(void *trust, struct segment *segment, const struct block_ref *block)
{
	const struct event_type *type = segment_type(segment, block->type);
	uint64_t shift = (uint64_t)segment->shift_ns;
	struct type_count *c;

	if (!type)
		return;
	c = count_of(trust, type);
	c->count += block->count;
	c->bytes += sizeof(struct block_header) + block->stored;
	c->blocks++;
	if (block->first + shift < c->first_ns)
		c->first_ns = block->first + shift;
	if (block->last + shift > c->last_ns)
		c->last_ns = block->last + shift;
}

uint64_t trust_count(const struct trust *t, const char *type)
{
	for (uint32_t i = 0; i < t->n_types; i++)
		if (strcmp(t->types[i].name, type) == 0)
			return t->types[i].count;
	return 0;
}

static const char *why(const char *reason)
{
	if (strcmp(reason, "ring_full") == 0)
		return "the recorder came too late to the kernel's buffer";
	if (strcmp(reason, "disk_slow") == 0)
		return "the disk or the reader was slower than the recording";
	if (strcmp(reason, "disk_full") == 0)
		return "the disk had no room left";
	if (strcmp(reason, "untold") == 0)
		return "the kernel did not tell of them";
	if (strcmp(reason, "table_full") == 0)
		return "a table in the kernel was full";
	if (strcmp(reason, "damaged") == 0)
		return "the trace that this one was made from was damaged there";
	return "the kernel's records made no sense";
}

/* "31,498 of 834,860 syscall (3.77%)" */
static const char *loss_text(const struct trust *t, const struct loss *l, struct report *r)
{
	uint64_t there = trust_count(t, l->event), all = there + l->lost;
	char lost[NUMBER_MAX], of[NUMBER_MAX];

	number_count(lost, l->lost);
	if (!there) /* all, or what is named is a pattern, or not known */
		return arena_printf(&r->arena, "%s %s", lost, l->event);
	return arena_printf(&r->arena, "%s of %s %s (%.2f%%)", lost, number_count(of, all),
		l->event, 100.0 * (double)l->lost / (double)all);
}

static bool is_told_before(const struct trust *t, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (strcmp(t->losses[k].reason, t->losses[i].reason) == 0)
			return true;
	return false;
}

/* One sentence for each reason; the table of losses has all. */
static void note_losses(const struct trust *t, struct report *r)
{
	enum { MAX_TOLD = 8 };

	for (uint32_t i = 0; i < t->n_losses; i++) {
		const char *reason = t->losses[i].reason, *all = NULL;
		uint32_t n = 0;

		if (is_told_before(t, i))
			continue;
		for (uint32_t k = i; k < t->n_losses; k++)
			if (strcmp(t->losses[k].reason, reason) == 0 && n++ < MAX_TOLD)
				all = arena_printf(&r->arena, "%s%s%s", all ? all : "",
					all ? ", " : "", loss_text(t, &t->losses[k], r));
		report_note(r, NOTE_WARNING, "%s%s were lost: %s.", all,
			n > MAX_TOLD ? " and others" : "", why(reason));
	}
}

static void note_damage(const struct inputs *in, struct report *r)
{
	for (uint32_t i = 0; i < in->n; i++) {
		size_t n;
		const struct damage *d = reader_damage(in->readers[i], &n);
		uint64_t bytes = 0;

		for (size_t k = 0; k < n; k++)
			bytes += d[k].bytes;
		if (n)
			report_note(r, NOTE_WARNING,
				"%s is damaged in %zu places (%" PRIu64
				" bytes; the first: %s); the rest was read. `ana verify` lists them.",
				reader_name(in->readers[i]), n, bytes, d[0].what);
		else if (!reader_is_complete(in->readers[i]))
			report_note(r, NOTE_WARNING,
				"%s has no end: the recorder was killed, or still records.",
				reader_name(in->readers[i]));
	}
}

/* What happened to the trace after it was recorded. */
static void note_history(const struct segment *s, struct report *r)
{
	struct text cut = segment_info(s, "trace.cut"), mended = segment_info(s, "trace.repaired");

	if (cut.len)
		report_note(r, NOTE_INFO, "Cut from a larger trace: %.*s.", (int)cut.len, cut.s);
	if (segment_info(s, "trace.scrubbed").len)
		report_note(r, NOTE_INFO, "Scrubbed: names that are not public are pseudonyms.");
	if (mended.len)
		report_note(r, NOTE_WARNING, "Repaired: %.*s.", (int)mended.len, mended.s);
}

static bool same_text(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static bool has_fact(const struct segment *s, struct text key, struct text value)
{
	for (uint32_t i = 0; i < s->n_info; i++)
		if (same_text(s->info[i].key, key) && same_text(s->info[i].value, value))
			return true;
	return false;
}

/* The recorder's notes in a segment, but for those of another one. */
static void note_recorder(const struct segment *s, const struct segment *but, struct report *r)
{
	for (uint32_t k = 0; k < s->n_info; k++) {
		struct text key = s->info[k].key, v = s->info[k].value;

		if (key.len > 12 && memcmp(key.s, "source.", 7) == 0 &&
			memcmp(key.s + key.len - 5, ".note", 5) == 0 &&
			!(but && has_fact(but, key, v)))
			report_note(r, NOTE_INFO, "Recorded so: %.*s.", (int)v.len, v.s);
	}
}

/* What came up while recording is told in the segments from then on. */
static void note_settings(const struct inputs *in, struct report *r)
{
	for (uint32_t i = 0; i < in->n; i++) {
		uint32_t n = reader_n_segments(in->readers[i]);
		const struct segment *first = reader_declarations(in->readers[i], 0);

		note_history(first, r);
		note_recorder(first, NULL, r);
		if (n > 1)
			note_recorder(reader_declarations(in->readers[i], n - 1), first, r);
	}
}

void trust_notes(const struct trust *t, const struct inputs *in, const struct filter *f,
	struct report *r)
{
	note_losses(t, r);
	if (t->n_throttled)
		report_note(r, NOTE_WARNING,
			"The kernel stopped sampling %" PRIu64
			" times because it cost too much: record with a lower -F.",
			t->n_throttled);
	note_damage(in, r);
	if (t->n_late)
		report_note(r, NOTE_INFO, "%" PRIu64 " events came late in the stream.", t->n_late);
	note_settings(in, r);
	if (f->n_idle)
		report_note(r, NOTE_INFO,
			"%" PRIu64 " events of idle CPUs are left out (--idle shows them).",
			f->n_idle);
}
