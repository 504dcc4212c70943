/* Gates: conditions on the numbers of a report, so that a script can fail when they hold.
 *
 *	sched.p99 > 5ms		the first table of the group `sched` that has a column p99
 *	sched.threads.max > 1s	some row of its table `threads`
 *
 * PATH OP VALUE; OP is one of > >= < <= == !=. A value may carry a unit that fits the column: ns us ms s m h,
 * K M G T (powers of 1024), or % of a share. A time needs one. */
#ifndef ANALYZE_GATE_H
#define ANALYZE_GATE_H

#include <stdbool.h>

#include "format/base/err.h"
#include "render/report.h"

/* Whether a condition is about the part of a report with this name. */
bool gate_is_about(const char *condition, const char *part);

/* 1: it holds, *what then tells which row and number it is (in the report's arena); 0: it does not;
 * -EINVAL: it cannot be understood; -ENOENT: the report does not have it, with what it has. */
int gate_check(const char *condition, struct report *r, const char **what, struct err *err);

#endif
