/* From a tracepoint's format to an event type of the trace, and from raw records to its rows.
 *
 * Every such type begins with the fields of struct event_head: who was running, and where. Then come
 * the tracepoint's own. One that has the name of a field of the head (`pid` of sched_wakeup, which is
 * not who wakes but who is woken) is called `args.pid`. */
#ifndef RECORD_TRACE_TYPE_H
#define RECORD_TRACE_TYPE_H

#include "format/writer.h"
#include "record/trace_format.h"

/* How each row begins, in memory. Without stacks the last member is not in the schema. */
struct event_head {
	uint64_t time;
	uint32_t cpu, pid, tid;
	uint32_t comm;  /* string */
	uint32_t stack; /* stack */
	uint32_t unused;
};

struct trace_column;

struct trace_type {
	struct event_type type; /* for writer_type */
	struct trace_column *columns;
	uint32_t n_columns;
};

/* Fills *t for a tracepoint called `name` ("sched:sched_switch"), or, with a format of NULL, for a
 * probe that has nothing but the head. What it makes lives in the arena; the format must too.
 * -E2BIG if the event has too many or too large fields for a trace. */
int trace_type_make(struct trace_type *t, const char *name, const char *doc,
	const struct trace_format *format, bool with_stack, struct arena *a, struct err *err);

/* Fills a row of t->type.size bytes behind its head, which the caller fills, from a raw record. Texts
 * become strings of the writer. What a record is too short to hold is 0 or empty. */
void trace_type_row(const struct trace_type *t, struct writer *w, const void *raw, size_t raw_len,
	void *row);

#endif
