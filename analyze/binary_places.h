/* Where the user wants binaries looked for, as `ana symbolize` and `ana pack` are told. */
#ifndef ANALYZE_BINARY_PLACES_H
#define ANALYZE_BINARY_PLACES_H

#include "analyze/binaries.h"
#include "analyze/options.h"

/* The places of --from, and the archives that the traces are in. */
int binary_places_add(struct binaries *b, const struct analyze_options *o, struct err *err);

/* Says on stderr what was refused. Returns whether something was: an exit status. */
int binary_places_tell(const struct binaries *b);

#endif
