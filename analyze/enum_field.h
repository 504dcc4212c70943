/* What the values of an enumerated field are called, and which of the names a caller knows: by the schema of
 * the trace, never by our own numbers, which may be others one day.
 *
 *	static const char *const words[] = { "read", "write", NULL };
 *	struct enum_field op = { .name = "op", .words = words };
 *
 *	if (enum_field_code(&op, row->type, row->values[OP]) == 1) ... it is a write
 *
 * Types come in long runs: what was found out of the last one is kept. */
#ifndef ANALYZE_ENUM_FIELD_H
#define ANALYZE_ENUM_FIELD_H

#include "format/schema.h"

enum { ENUM_FIELD_CODES = 32 };

struct enum_field {
	const char *name;         /* of the field */
	const char *const *words; /* ends with NULL; may be NULL if nobody asks for codes */
	/* What is known of the type that was seen last. */
	const struct event_type *type;
	const struct enumeration *values; /* NULL: there is no such field, or it has no names */
	int8_t codes[ENUM_FIELD_CODES];   /* of the values from 0 on */
};

/* The name of a value; NULL if it has none. Borrowed from the type. */
const char *enum_field_word(struct enum_field *f, const struct event_type *type, uint64_t value);

/* Which of the words a value is called by; -1: by none of them. */
int enum_field_code(struct enum_field *f, const struct event_type *type, uint64_t value);

/* The value that is called so, as a mask where values are flags; 0 if there is none. */
uint64_t enum_field_flag(struct enum_field *f, const struct event_type *type, const char *word);

#endif
