#include "record/trigger.h"

#include <stdlib.h>
#include <string.h>

#include "gen/events.h"
#include "record/condition.h"
#include "specs/events/recorder.h"

#define AFTER_NS 1000000000ULL  /* what a snapshot has of the time after its trigger */
#define APART_NS 60000000000ULL /* between snapshots of a ring of some size */

struct one {
	struct condition condition;
	const char *text; /* borrowed */
	int type;         /* number of its event type */
};

struct triggers {
	struct writer *writer; /* borrowed */
	struct one *list;      /* owned */
	unsigned n;
	int event_type;
	uint64_t apart_ns;
	uint64_t due_ns;  /* when the next snapshot is due; 0: nothing held */
	uint64_t last_ns; /* when something held last that a snapshot was taken for */
	const char *why;
};

struct triggers *triggers_new(const char *const *texts, unsigned n, struct writer *w,
	uint64_t span_ns, struct err *err)
{
	struct triggers *t = xcalloc(1, sizeof(*t));
	const struct event_type **types;
	struct arena arena = { 0 };
	unsigned n_types;
	int rc = 0;

	t->writer = w;
	t->apart_ns = span_ns ? span_ns : APART_NS;
	t->list = xcalloc(n + 1, sizeof(*t->list));
	types = writer_types(w, &n_types, &arena);
	for (t->n = 0; !rc && t->n < n; t->n++) {
		struct one *o = &t->list[t->n];

		o->text = texts[t->n];
		rc = condition_parse(&o->condition, o->text, types, n_types, err);
		if (!rc)
			o->type = writer_type(w, o->condition.type, NULL);
	}
	arena_done(&arena);
	if (rc) {
		triggers_free(t);
		return NULL;
	}
	t->event_type = writer_type(w, &event_trigger, NULL);
	return t;
}

void triggers_free(struct triggers *t)
{
	if (!t)
		return;
	free(t->list);
	free(t);
}

static uint32_t string_number(void *ctx, const char *s, size_t len)
{
	struct triggers *t = ctx;

	return writer_string(t->writer, s, len);
}

static void held(struct triggers *t, const struct one *o, uint64_t time)
{
	struct trigger e = { .time = time,
		.condition = writer_string(t->writer, o->text, strlen(o->text)) };

	if (t->last_ns && time < t->last_ns + t->apart_ns)
		return;
	t->last_ns = time;
	t->due_ns = time + AFTER_NS;
	t->why = o->text;
	writer_add(t->writer, 0, t->event_type, &e);
}

void triggers_look(struct triggers *t, int type, const void *event)
{
	uint64_t time;

	for (unsigned i = 0; i < t->n; i++) {
		if (t->list[i].type != type ||
			!condition_holds(&t->list[i].condition, event, string_number, t))
			continue;
		memcpy(&time, event, sizeof(time));
		held(t, &t->list[i], time);
	}
}

const char *triggers_due(struct triggers *t, uint64_t now_ns)
{
	if (!t->due_ns || now_ns < t->due_ns)
		return NULL;
	t->due_ns = 0;
	return t->why;
}
