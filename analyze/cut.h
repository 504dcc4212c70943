/* Which events `ana cut` keeps, as format/copy.h asks.
 *
 * What the user's filter lets pass, and what gives it meaning:
 *
 *   process_*, cpu_topology, clock   all before the window's end: who a pid was and what was mapped
 *                                    is decided before the window, too; with --pid only of those
 *                                    processes, their parents, and the kernel (pid 0)
 *   lost                             if the gap touches the window, whatever else is asked for
 *   recorder, cpu_throttle, trigger  in the window, whatever else is asked for
 *
 * A segment from which nothing in the window is kept is left out whole, as each says anew what processes
 * there are; but the first of each machine stays, so that times count from the same moment as before. */
#ifndef ANALYZE_CUT_H
#define ANALYZE_CUT_H

#include "analyze/options.h"
#include "format/copy.h"

struct cut {
	struct filter *filter; /* borrowed */
	const char *event;     /* borrowed; NULL: every type */
	uint64_t from_ns, to_ns;
	bool passed; /* an event was kept because the filter let it pass */
};

/* The window starts to count at start_ns, on the traces' common clock. */
void cut_init(struct cut *c, struct analyze_options *o, uint64_t start_ns);

/* For copy_trace; they borrow c. */
struct copy_options cut_copy_options(struct cut *c);

/* Whether anything was asked for at all. */
bool cut_is_set(const struct cut *c);

/* The filter as options: "--time 1.5s..2s --pid 7,8". "everything" if there is none. */
const char *cut_describe(const struct cut *c, struct arena *a);

#endif
