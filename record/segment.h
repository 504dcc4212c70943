/* The ends of segments: only whole ones can be dropped, and their dictionaries have limits. */
#ifndef RECORD_SEGMENT_H
#define RECORD_SEGMENT_H

#include "record/recording.h"

/* Between two records: ends the writer's segment and begins another if a dictionary is crowded, the
 * retention wants it, or a snapshot is to be taken, and its names have come (settle_until_ns is set while
 * that is waited for). */
void segment_end_if_due(struct recording *r);

#endif
