/* What the kernel says about a tracepoint in its `format` file: which bytes of a raw record mean
 * what. See Documentation/trace/events.rst of the kernel, "Event formats".
 *
 *	name: sched_switch
 *	ID: 372
 *	format:
 *		field:unsigned short common_type;	offset:0;	size:2;	signed:0;
 *
 *		field:char prev_comm[16];	offset:8;	size:16;	signed:0;
 *	print fmt: "prev_comm=%s ...", REC->prev_comm, ...
 *
 * The fields are declared in C; `print fmt` is a call of printf, from which the names of values are
 * taken (trace_print.c). */
#ifndef RECORD_TRACE_FORMAT_H
#define RECORD_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/arena.h"
#include "format/base/err.h"
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

enum {
	TRACE_MAX_FIELDS = 128, /* of one event; the largest on 6.18 has 28 */
	TRACE_MAX_RECORD = 65535,
};

/* Parses the content of a format file. -EBADMSG with the line that cannot be understood. What it
 * fills lives in the arena. */
int trace_format_parse(struct trace_format *f, const char *text, size_t len, struct arena *a,
	struct err *err);

/* The field of this name, or NULL. */
struct trace_field *trace_format_field(const struct trace_format *f, const char *name, size_t len);

/* Takes names of values, hexadecimal numbers and units from `print fmt`, the text behind the colon.
 * What it does not understand it leaves out. */
void trace_print_hints(struct trace_format *f, const char *text, size_t len, struct arena *a);

/* Evaluates a constant expression of C, such as "(1UL << 3) | 0x40"; casts are skipped. False if it is
 * none, or names something. */
bool trace_constant(const char *text, size_t len, int64_t *value);

#endif
