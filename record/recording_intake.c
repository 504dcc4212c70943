/* What sources hand to a recording while it runs. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gen/events.h"
#include "record/recording.h"
#include "specs/events/recorder.h"

uint32_t recording_comm(struct recording *r, struct thread *t)
{
	if (t->generation != writer_generation(r->writer)) {
		t->comm_string = writer_string(r->writer, t->comm, strnlen(t->comm, 16));
		t->generation = writer_generation(r->writer);
	}
	return t->comm_string;
}

bool recording_wants_thread(const struct recording *r, uint32_t tid, const char *comm)
{
	const struct options *o = r->options;
	bool chosen = !o->n_tids;

	for (uint32_t i = 0; i < o->n_tids; i++)
		chosen |= r->tids[i] == tid;
	return chosen && (!o->comm || strncmp(o->comm, comm, 16) == 0);
}

bool recording_wants(const struct recording *r, const struct thread *t, uint32_t tid,
	const char *comm)
{
	if (r->target.kind != TARGET_SYSTEM && !(t && t->recorded))
		return false;
	return recording_wants_thread(r, tid, comm);
}

void recording_add(struct recording *r, uint32_t stream, int type, const void *event)
{
	writer_add(r->writer, stream, type, event);
	if (r->triggers)
		triggers_look(r->triggers, type, event);
}

void recording_lost(struct recording *r, uint32_t stream, const char *event, uint64_t n,
	uint64_t since_ns, uint64_t until_ns)
{
	recording_lost_as(r, LOST_RING_FULL, stream, event, n, since_ns, until_ns);
}

void recording_lost_as(struct recording *r, enum lost_reason reason, uint32_t stream,
	const char *event, uint64_t n, uint64_t since_ns, uint64_t until_ns)
{
	struct lost e = { .time = until_ns,
		.since = since_ns ? since_ns : r->start_ns,
		.stream = stream,
		.event = writer_string(r->writer, event, strlen(event)),
		.reason = reason,
		.lost = n };

	writer_add(r->writer, 0, r->lost_type, &e);
	r->n_lost += n;
	r->n_late += reason == LOST_RING_FULL ? n : 0;
}

void recording_note(struct recording *r, const char *source, const char *fmt, ...)
{
	char text[512], key[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(key, sizeof(key), "source.%s.note", source);
	writer_info(r->writer, key, text);
	if (r->n_notes < MAX_NOTES)
		r->notes[r->n_notes++] = strdup(text);
}
