/* The events that traces declare, and which of their fields are numbers that one can look at over
 * time: found by the schema in the trace, so that any event will do. */
#ifndef ANALYZE_EVENT_LIST_H
#define ANALYZE_EVENT_LIST_H

#include "analyze/inputs.h"
#include "format/base/map.h"
#include "render/report.h"

struct number_field {
	const char *name;
	enum cell_kind kind;
	bool is_signed;
	bool is_duration; /* nanoseconds, and no moment */
};

struct declared_event {
	const char *name;
	uint64_t count; /* of a stream 0, as nobody knows */
	struct number_field *fields;
	uint32_t n_fields;
	bool has_stack;
	bool is_housekeeping; /* of the recorder about itself */
};

struct event_list {
	struct arena arena;
	struct declared_event *events; /* owned */
	uint32_t n;
	struct map by_hash;
	bool counted; /* the counts are known */
};

void event_list_init(struct event_list *l, const struct inputs *in);
void event_list_done(struct event_list *l);

/* NULL if there is none. */
const struct declared_event *event_list_find(const struct event_list *l, const char *name);
const struct number_field *declared_field(const struct declared_event *e, const char *name);

/* The field that says how long the event took: latency or duration by preference; NULL if none does. */
const struct number_field *declared_duration(const struct declared_event *e);

/* "block_io.latency, syscall.duration": what --event and --field could be. In the arena; "" if
 * nothing could. */
const char *event_list_durations(struct event_list *l);

/* "pid, prev_prio": the numbers that an event has; in the list's arena. */
const char *event_list_fields(struct event_list *l, const struct declared_event *e);

#endif
