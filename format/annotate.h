/* A trace with more names: what `ana symbolize` stands on.
 *
 * Every block stays what it was, byte for byte; names may come at any time after the frames that they name, and later
 * ones replace earlier ones, so that what is new goes behind the rest of each segment, with a new index. This costs
 * what copying the file costs, and nothing in it can change by being understood. */
#ifndef FORMAT_ANNOTATE_H
#define FORMAT_ANNOTATE_H

#include "format/carry.h"
#include "format/reader.h"

/* Whether it can be done: the trace, which is read to its last byte, is no stream, is sound and has its end. In
 * another one new strings might get the numbers of lost ones. What is wrong is added to reader_damage. */
bool annotate_allowed(struct reader *r);

/* Writes such a trace, with the names that `symbols` (or NULL: as it is) tells instead of the trace's; a frame must not
 * get fewer names than it has. Where there are such the fact is told too, unless it is there. The sink must have no
 * queue. 0 or the sink's errno. */
int annotate_trace(struct reader *r, struct sink *sink, const struct carry_symbols *symbols,
	const struct carry_fact *fact);

#endif
