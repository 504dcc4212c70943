/* `ana verify --repair`: a sound trace of all that is intact. */
#ifndef ANALYZE_REPAIR_H
#define ANALYZE_REPAIR_H

#include "analyze/options.h"

/* Copies the traces that the options name into the new trace -o, and says on stdout what was dropped,
 * where, and how many events that cost; the new trace is then checked itself. 0 or a negative errno with
 * a sentence. */
int repair(const struct analyze_options *o, struct err *err);

#endif
