/* What an event type is: its fields, their types, units and meaning.
 *
 * A recorder gets these tables from the build (build/gen/events.h, made from specs/events/) or
 * fills them at run time; a reader gets them from the trace. `offset`, `size` and `chars` describe
 * the C struct that the recorder hands in and mean nothing to a reader. */
#ifndef FORMAT_SCHEMA_H
#define FORMAT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "specs/layout.h"

struct enum_value {
	int64_t value;
	const char *name;
};

struct enumeration {
	const char *name;
	const struct enum_value *values;
	uint32_t n_values;
};

struct field {
	const char *name;
	const char *doc;
	const char *unit;                      /* "" for a plain number */
	const struct enumeration *enumeration; /* for SHOW_ENUM and SHOW_FLAGS, otherwise NULL */
	enum field_type type;
	enum field_show show;
	uint16_t offset;
	uint16_t size;
	bool chars; /* an array of char in the struct, a string in the trace */
};

struct event_type {
	const char *name;
	const char *doc;
	const struct field *fields; /* the first is `time` */
	uint32_t n_fields;
	uint32_t size; /* of the C struct */
};

/* Bytes of one value in its plain form; 0 for FIELD_TEXT and for what is no type. */
static inline size_t field_width(enum field_type type)
{
	static const uint8_t width[] = { 0, 1, 2, 4, 8, 1, 2, 4, 8, 8, 4, 4, 4, 0 };

	return type < sizeof(width) ? width[type] : 0;
}

static inline bool field_signed(enum field_type type)
{
	return type >= FIELD_S8 && type <= FIELD_S64;
}

/* The text for a value of an enumeration, or NULL. */
const char *enum_name(const struct enumeration *e, int64_t value);

/* The field's number, or -1. */
int event_field(const struct event_type *type, const char *name);

/* Bytes of one row in plain form. */
size_t event_row_bytes(const struct event_type *type);

#endif
