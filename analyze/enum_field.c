#include "analyze/enum_field.h"

#include <string.h>

static int code_of(const struct enum_field *f, int64_t value)
{
	const char *name = enum_name(f->values, value);

	for (int i = 0; name && f->words && f->words[i]; i++)
		if (strcmp(f->words[i], name) == 0)
			return i;
	return -1;
}

static void learn(struct enum_field *f, const struct event_type *type)
{
	int field = event_field(type, f->name);

	f->type = type;
	f->values = field < 0 ? NULL : type->fields[field].enumeration;
	for (int i = 0; i < ENUM_FIELD_CODES; i++)
		f->codes[i] = (int8_t)code_of(f, i);
}

const char *enum_field_word(struct enum_field *f, const struct event_type *type, uint64_t value)
{
	if (f->type != type)
		learn(f, type);
	return enum_name(f->values, (int32_t)value);
}

int enum_field_code(struct enum_field *f, const struct event_type *type, uint64_t value)
{
	if (f->type != type)
		learn(f, type);
	return value < ENUM_FIELD_CODES ? f->codes[value] : code_of(f, (int32_t)value);
}

uint64_t enum_field_flag(struct enum_field *f, const struct event_type *type, const char *word)
{
	if (f->type != type)
		learn(f, type);
	for (uint32_t i = 0; f->values && i < f->values->n_values; i++)
		if (strcmp(f->values->values[i].name, word) == 0)
			return f->values->values[i].value > 0 ? (uint64_t)f->values->values[i].value
							      : 0;
	return 0;
}
