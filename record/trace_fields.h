/* The fields of a tracepoint's raw record. */
#ifndef RECORD_TRACE_FIELDS_H
#define RECORD_TRACE_FIELDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/schema.h"

enum trace_shape {
	TRACE_NUMBER, /* an integer of 1, 2, 4 or 8 bytes */
	TRACE_ARRAY,  /* `count` things of `element` bytes in the record itself */
	TRACE_LOC,    /* __data_loc: a u32, offset in the record | bytes << 16 */
	TRACE_RELLOC, /* __rel_loc: likewise, the offset counts from behind the u32 */
};

/* All texts are in the arena of the parser. */
struct trace_field {
	const char *name;
	const char *type; /* as declared, without name and bounds: "unsigned long", "__u8" */
	enum trace_shape shape;
	uint32_t offset, size; /* in the record; of the u32 for the two kinds of loc */
	uint32_t element;      /* bytes of one number: 1, 2, 4, 8; otherwise 1: plain bytes */
	uint32_t count;        /* of elements; 0 where the record says it (loc) */
	bool is_signed;
	bool is_text;    /* an array of char */
	bool is_pointer; /* an address; what it points to is not in the record */
	/* From print fmt. */
	bool hex;
	bool flags;                            /* the names are of bits, not of values */
	const struct enumeration *enumeration; /* or NULL */
	const char *unit;                      /* "ns", or "" */
};

struct trace_format {
	const char *name;
	uint32_t id;
	struct trace_field *fields; /* without those whose name begins with common_ */
	uint32_t n_fields;
};

/* The field of this name, or NULL. */
static inline struct trace_field *trace_format_field(const struct trace_format *f, const char *name,
	size_t len)
{
	for (uint32_t i = 0; i < f->n_fields; i++)
		if (strlen(f->fields[i].name) == len && memcmp(f->fields[i].name, name, len) == 0)
			return &f->fields[i];
	return NULL;
}

#endif
