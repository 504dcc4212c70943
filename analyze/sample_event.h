/* What CPU samples were taken by. */
#ifndef ANALYZE_SAMPLE_EVENT_H
#define ANALYZE_SAMPLE_EVENT_H

#include <stdbool.h>

#include "format/segment.h"

/* Whether samples by this event show where time goes: "cycles:u" too. */
bool sample_event_is_time(struct text event);

#endif
