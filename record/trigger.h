/* --trigger: a snapshot of the ring when an event is as a condition says. */
#ifndef RECORD_TRIGGER_H
#define RECORD_TRIGGER_H

#include "format/writer.h"

struct triggers;

/* Parses the conditions (record/condition.h) on the events that the writer knows by now. NULL and a
 * sentence on failure. span_ns: of the ring, at least so long apart are two snapshots; 0: a minute. */
struct triggers *triggers_new(const char *const *texts, unsigned n, struct writer *w,
	uint64_t span_ns, struct err *err);
void triggers_free(struct triggers *t);

/* Looks at one event as it is handed to the writer; its type by the writer's number. */
void triggers_look(struct triggers *t, int type, const void *event);

/* Whether a snapshot is due at this moment: a condition held a second ago, so that it has what came
 * after it as well. Its text is told once, otherwise NULL. */
const char *triggers_due(struct triggers *t, uint64_t now_ns);

#endif
