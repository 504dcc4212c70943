/* One pass over traces for any number of analyzers, ending in one report.
 *
 * The pass reads the union of what they want, lets only filtered events through, and adds the notes
 * that every report owes its reader: what was lost, what is damaged, what was left out. */
#ifndef ANALYZE_PASS_H
#define ANALYZE_PASS_H

#include "analyze/analyzer.h"

struct pass;

/* The states of the analyzers live until pass_free, as the report may point into them. */
struct pass *pass_new(const struct analyzer *const *list, uint32_t n, struct analyze_options *o);
void pass_free(struct pass *p);

/* One more analyzer, in the same pass, whose tables have `top` rows and go to a report of their own. Before
 * pass_run; the report is borrowed till then. */
void pass_also(struct pass *p, const struct analyzer *a, uint32_t top, struct report *report);

/* Opens the traces, reads them and fills the report. Negative errno with a sentence if a trace
 * cannot be read at all. */
int pass_run(struct pass *p, struct report *report, struct err *err);

#endif
