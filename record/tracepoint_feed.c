#include "record/tracepoint_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/chosen_threads.h"
#include "record/event_set.h"
#include "record/tracefs.h"
#include "record/tracepoint.h"

enum {
	RING_BYTES = 4 << 20, /* of a CPU */
	RARE_BYTES = 256 << 10,
	RING_LEAST = 16 << 10,
};

/* A tracepoint that is used, as the user of an event set. */
struct used {
	struct tracepoint_feed *feed;
	struct tracepoint_use use;
	struct raw_fields fields;
	struct event_set *events; /* owned; NULL: the kernel does not have it */
	uint32_t id;
	bool missing;
};

struct tracepoint_feed {
	struct recording *recording; /* borrowed */
	void *ctx;
	struct used *used; /* owned */
	unsigned n;
	uint64_t end_ns; /* UINT64_MAX: not yet */
};

/* Of a thread that has just ended perf knows no numbers any more (6.18), but the raw record does. In a pid
 * namespace perf tells its numbers, and the raw record, like all of its fields, the first one's. */
static void take_raw_numbers(const struct tracepoint_feed *f, struct raw_sample *s)
{
	s->tid = raw_sample_thread(s);
	s->pid = processes_by_tid(f->recording->processes, s->tid)->pid;
}

static void handle(void *ctx, const struct perf_ring *ring, const struct perf_event_header *h,
	uint64_t time)
{
	const struct used *u = ctx;
	struct raw_sample s;
	struct tracepoint_record r = { &s, &u->fields, ring->stream };

	(void)time;
	if (h->type != PERF_RECORD_SAMPLE || !raw_sample_read(h, u->use.stack, &s) ||
		s.time > u->feed->end_ns)
		return;
	if (s.pid == UINT32_MAX || s.tid != raw_sample_thread(&s))
		take_raw_numbers(u->feed, &s);
	u->use.call(u->feed->ctx, &r);
}

static void lost(void *ctx, const struct perf_ring *ring, uint64_t n, uint64_t since,
	uint64_t until)
{
	const struct used *u = ctx;

	if (u->use.lost)
		u->use.lost(u->feed->ctx, n);
	else
		recording_lost(u->feed->recording, ring->stream, u->use.event, n, since, until);
}

uint32_t tracepoint_stack(struct recording *r, const struct tracepoint_record *t,
	const struct thread *thread)
{
	const struct raw_sample *s = t->sample;

	return s->n_chain ? stacks_get(r->stacks, thread, s->chain, s->n_chain, s->time) : 0;
}

/* ---- opening ---- */

/* What the kernel says of it. */
static int look_up(struct used *u, const char *tracefs, const char *source, struct arena *a,
	struct err *err)
{
	struct tracepoint *found;
	uint32_t n;
	int rc = tracepoints_find(tracefs, u->use.name, a, &found, &n, err);

	if (rc == -ENOENT) {
		u->missing = true;
		recording_note(u->feed->recording, source,
			"this kernel has no tracepoint %s: what it would tell is missing",
			u->use.name);
		return 0;
	}
	if (rc)
		return rc;
	u->id = found[0].format.id;
	return raw_fields_find(&u->fields, &found[0].format, u->use.fields, err);
}

static int look_up_all(struct tracepoint_feed *f, const char *source, struct err *err)
{
	struct arena arena = { 0 };
	char tracefs[256];
	unsigned n_missing = 0;
	int rc = tracefs_find(NULL, tracefs, sizeof(tracefs), err);

	for (unsigned i = 0; !rc && i < f->n; i++) {
		rc = look_up(&f->used[i], tracefs, source, &arena, err);
		n_missing += f->used[i].missing;
	}
	arena_done(&arena);
	if (!rc && n_missing == f->n)
		return err_set(err, ENOENT, "this kernel has none of the tracepoints");
	return rc;
}

static int open_one(struct used *u, size_t bytes, struct err *err)
{
	const struct target everyone = { .kind = TARGET_SYSTEM };
	const struct target *whom = u->use.by_target ? &u->feed->recording->target : &everyone;
	struct event_set_event e = { .filter = u->use.filter };
	int code = 0;

	if (u->missing)
		return 0;
	perf_attr_init(&e.attr, PERF_TYPE_TRACEPOINT, u->id);
	raw_sample_attr(&e.attr, u->use.stack, bytes);
	if (u->use.bits)
		raw_sample_attr_bits(&e.attr);
	e.attr.exclude_callchain_kernel = u->use.no_kernel;
	e.attr.exclude_callchain_user = u->feed->recording->options->unwind == UNWIND_NONE;
	u->events = event_set_open_all(&e, 1, whom, bytes, &code, err);
	return u->events ? 0 : tracepoint_explain_refusal(code, err);
}

static void close_all(struct tracepoint_feed *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		event_set_close(f->used[i].events);
		f->used[i].events = NULL;
	}
}

/* Locked memory may be short: all get less then, so that the first does not take everything. */
static int open_all(struct tracepoint_feed *f, struct err *err)
{
	size_t given = f->recording->options->buffer_bytes;
	int rc = -ENOMEM;

	for (size_t share = 1; rc == -ENOMEM && RARE_BYTES / share >= RING_LEAST; share *= 4) {
		rc = 0;
		for (unsigned i = 0; !rc && i < f->n; i++) {
			size_t bytes = f->used[i].use.rare ? RARE_BYTES : RING_BYTES;

			rc = open_one(&f->used[i], (given ? given : bytes) / share, err);
		}
		if (rc)
			close_all(f);
	}
	return rc;
}

static int feed_all(struct tracepoint_feed *f, struct err *err)
{
	struct recording *r = f->recording;
	int rc = 0;

	for (unsigned i = 0; !rc && i < f->n; i++) {
		struct event_set_user user = { handle, lost, &f->used[i] };

		if (f->used[i].events)
			rc = event_set_feed(f->used[i].events, r, "tracepoint", &user, err);
	}
	return rc;
}

struct tracepoint_feed *tracepoint_feed_open(struct recording *r, const char *source,
	const struct tracepoint_use *uses, unsigned n, void *ctx, struct err *err)
{
	struct tracepoint_feed *f = xcalloc(1, sizeof(*f));
	int rc;

	f->recording = r;
	f->ctx = ctx;
	f->used = xcalloc(n, sizeof(*f->used));
	f->n = n;
	f->end_ns = UINT64_MAX;
	for (unsigned i = 0; i < n; i++)
		f->used[i] = (struct used){ .feed = f, .use = uses[i] };
	rc = look_up_all(f, source, err);
	if (!rc)
		rc = open_all(f, err);
	if (!rc)
		rc = feed_all(f, err);
	if (!rc)
		return f;
	tracepoint_feed_close(f);
	return NULL;
}

void tracepoint_feed_close(struct tracepoint_feed *f)
{
	if (!f)
		return;
	close_all(f);
	free(f->used);
	free(f);
}

/* ---- running ---- */

static void settle(struct event_set *s)
{
	event_set_settle(s, now_ns());
}

static void each(struct tracepoint_feed *f, void (*call)(struct event_set *))
{
	for (unsigned i = 0; f && i < f->n; i++)
		if (f->used[i].events)
			call(f->used[i].events);
}

void tracepoint_feed_enable(struct tracepoint_feed *f)
{
	if (f)
		f->end_ns = UINT64_MAX;
	each(f, event_set_enable);
}

/* One CPU after the other stops: what is told from here on tells but a part, such as requests that begin and
 * never end, and is left out. */
void tracepoint_feed_disable(struct tracepoint_feed *f)
{
	if (f)
		f->end_ns = now_ns();
	each(f, event_set_disable);
}

void tracepoint_feed_settle(struct tracepoint_feed *f)
{
	each(f, settle);
}

/* ---- words ---- */

int tracepoint_feed_instead(struct recording *r, const struct source *source, const struct err *why)
{
	const char *lacks = source->instead_lacks;

	chosen_threads_follow(r, source->name);
	recording_note(r, source->name, "%s: tracepoints are used instead of BPF%s%s (%.350s)",
		source->name, lacks ? ", which do not tell " : "", lacks ? lacks : "", why->text);
	return 0;
}

int tracepoint_feed_neither(const struct err *why, int rc, struct err *err)
{
	struct err second = *err;

	return err_set(err, -rc, "%.500s. Without BPF, by tracepoints: %.500s", why->text,
		second.text);
}
