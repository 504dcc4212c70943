#include "analyze/event_list.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NAMED = 40 }; /* in a sentence */

/* ---- what is declared ---- */

static enum cell_kind kind_of(const struct field *f)
{
	if (!strcmp(f->unit, "ns"))
		return CELL_NS;
	if (!strcmp(f->unit, "bytes"))
		return CELL_BYTES;
	return f->show == SHOW_HEX ? CELL_HEX : CELL_COUNT;
}

static bool is_number(const struct field *f)
{
	return f->type >= FIELD_U8 && f->type <= FIELD_S64;
}

/* What the recorder tells about itself and its clocks holds nanoseconds, but no latencies. */
static bool is_housekeeping(const char *name)
{
	static const char *const names[] = { "clock", "recorder", "lost", "counter", "cpu_throttle",
		"trigger" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* The first field is the time of the event. */
/* Times that are no duration of the event: moments, sums, lengths of what is repeated. */
static bool is_other_time(const char *name)
{
	static const char *const names[] = { "interval", "begin", "since", "total", NULL };

	for (int i = 0; names[i]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void add_fields(struct event_list *l, struct declared_event *e, const struct event_type *t)
{
	e->fields = arena_alloc(&l->arena, (t->n_fields + 1) * sizeof(*e->fields));
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		e->has_stack |= f->type == FIELD_STACK && !strcmp(f->name, "stack");
		if (!i || !is_number(f))
			continue;
		e->fields[e->n_fields++] = (struct number_field){
			.name = arena_strdup(&l->arena, f->name),
			.kind = kind_of(f),
			.is_signed = field_signed(f->type),
			/* What is told every few seconds says how many: that is no latency. */
			.is_duration = !strcmp(f->unit, "ns") && !is_other_time(f->name),
		};
	}
}

static struct declared_event *add_event(struct event_list *l, const struct event_type *t)
{
	bool is_new;
	uint32_t *at = map_put(&l->by_hash, hash_bytes(t->name, strlen(t->name)), &is_new);
	struct declared_event *e;

	if (!is_new) /* names that share a hash would share an entry: then one is not found */
		return &l->events[*at];
	*at = l->n;
	l->events = xrealloc(l->events, l->n + 1, sizeof(*l->events));
	e = &l->events[l->n++];
	*e = (struct declared_event){ .name = arena_strdup(&l->arena, t->name),
		.is_housekeeping = is_housekeeping(t->name) };
	add_fields(l, e, t);
	return e;
}

static void count_blocks(struct event_list *l, struct reader *r)
{
	for (size_t i = 0; i < reader_n_blocks(r); i++) {
		struct block_ref b = reader_block_ref(r, i);
		const struct event_type *t;

		if (b.kind != BLOCK_EVENTS)
			continue;
		t = segment_type(reader_declarations(r, b.segment), b.type);
		if (t)
			add_event(l, t)->count += b.count;
	}
}

void event_list_init(struct event_list *l, const struct inputs *in)
{
	memset(l, 0, sizeof(*l));
	map_init(&l->by_hash, 64);
	l->counted = true;
	for (uint32_t i = 0; i < in->n; i++) {
		struct reader *r = in->readers[i];

		for (uint32_t k = 0; k < reader_n_segments(r); k++) {
			const struct segment *s = reader_declarations(r, k);

			for (uint32_t number = 0; number < s->n_types; number++)
				if (segment_type(s, number))
					add_event(l, segment_type(s, number));
		}
		if (reader_is_stream(r))
			l->counted = false;
		else
			count_blocks(l, r);
	}
}

void event_list_done(struct event_list *l)
{
	map_done(&l->by_hash);
	free(l->events);
	arena_done(&l->arena);
	memset(l, 0, sizeof(*l));
}

/* ---- questions ---- */

const struct declared_event *event_list_find(const struct event_list *l, const char *name)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (!strcmp(l->events[i].name, name))
			return &l->events[i];
	return NULL;
}

const struct number_field *declared_field(const struct declared_event *e, const char *name)
{
	for (uint32_t i = 0; i < e->n_fields; i++)
		if (!strcmp(e->fields[i].name, name))
			return &e->fields[i];
	return NULL;
}

/* The smaller the better. */
static unsigned preference(const char *name)
{
	static const char *const words[] = { "latency", "duration", "delay", "wait" };
	enum { N = sizeof(words) / sizeof(words[0]) };

	for (unsigned i = 0; i < N; i++)
		if (!strcmp(name, words[i]))
			return i;
	for (unsigned i = 0; i < N; i++)
		if (strstr(name, words[i]))
			return N + i;
	return 2 * N;
}

const struct number_field *declared_duration(const struct declared_event *e)
{
	const struct number_field *best = NULL;

	for (uint32_t i = 0; i < e->n_fields; i++) {
		const struct number_field *f = &e->fields[i];

		if (f->is_duration && (!best || preference(f->name) < preference(best->name)))
			best = f;
	}
	return e->is_housekeeping ? NULL : best;
}

const char *event_list_durations(struct event_list *l)
{
	const char *text = "";
	unsigned n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct declared_event *e = &l->events[i];

		for (uint32_t k = 0; !e->is_housekeeping && k < e->n_fields; k++)
			if (e->fields[k].is_duration && n++ < MAX_NAMED)
				text = arena_printf(&l->arena, "%s%s%s.%s", text, *text ? ", " : "",
					e->name, e->fields[k].name);
	}
	return text;
}

const char *event_list_fields(struct event_list *l, const struct declared_event *e)
{
	const char *text = "";

	for (uint32_t k = 0; k < e->n_fields && k < MAX_NAMED; k++)
		text = arena_printf(&l->arena, "%s%s%s", text, k ? ", " : "", e->fields[k].name);
	return text;
}
