/* Tracepoints by name: which ones a pattern means, and whether a filter fits. */
#ifndef RECORD_TRACEPOINT_H
#define RECORD_TRACEPOINT_H

#include "record/trace_format.h"

struct tracepoint {
	const char *name; /* "sched:sched_switch" */
	struct trace_format format;
};

/* Fills the tracepoints that a name or a shell pattern means, formats and all, in the arena. -ENOENT
 * with near names if there is none. */
int tracepoints_find(const char *tracefs, const char *pattern, struct arena *a,
	struct tracepoint **found, uint32_t *n, struct err *err);

/* Whether the kernel takes the filter; if not, -EINVAL says what is wrong with it. */
int tracepoint_check_filter(const struct tracepoint *t, const char *filter, struct err *err);

/* Where the sentence about a filter comes from: the first name in it that is no field of the format,
 * or NULL. The length goes to *len. */
const char *tracepoint_unknown_field(const struct trace_format *f, const char *filter, size_t *len);

/* What events of tracepoints need beyond others: replaces the sentence of one that could not be opened, for
 * a positive errno. Gives -code. */
int tracepoint_explain_refusal(int code, struct err *err);

#endif
