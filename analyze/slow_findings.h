/* What slow calls have in common, in sentences. */
#ifndef ANALYZE_SLOW_FINDINGS_H
#define ANALYZE_SLOW_FINDINGS_H

#include "analyze/slow_calls.h"
#include "analyze/timeline_lanes.h"

/* Adds findings about the kinds of calls whose slowest lost most time; threads, names and stacks are those of
 * the lanes. */
void slow_findings(const struct slow_calls *c, struct timeline_lanes *t, uint64_t start_ns,
	struct report *r);

#endif
