/* Looking things up in event types. */
#include "format/schema.h"

#include <string.h>

const char *enum_name(const struct enumeration *e, int64_t value)
{
	for (uint32_t i = 0; e && i < e->n_values; i++)
		if (e->values[i].value == value)
			return e->values[i].name;
	return NULL;
}

int event_field(const struct event_type *type, const char *name)
{
	for (uint32_t i = 0; i < type->n_fields; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return (int)i;
	return -1;
}

size_t event_row_bytes(const struct event_type *type)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < type->n_fields; i++)
		bytes += field_width(type->fields[i].type);
	return bytes;
}
