#include "analyze/sample_event.h"

#include <string.h>

bool sample_event_is_time(struct text event)
{
	static const char *const names[] = { "cycles", "cpu-cycles", "cpu-clock", "task-clock" };
	const char *colon = event.len ? memchr(event.s, ':', event.len) : NULL;

	if (colon)
		event.len = (size_t)(colon - event.s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(event, names[i]))
			return true;
	return false;
}
