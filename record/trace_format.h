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

#include "format/base/err.h"
#include "record/trace_fields.h"

enum {
	TRACE_MAX_FIELDS = 128, /* of one event; the largest on 6.18 has 28 */
	TRACE_MAX_RECORD = 65535,
};

/* Parses the content of a format file. -EBADMSG with the line that cannot be understood. What it
 * fills lives in the arena. */
int trace_format_parse(struct trace_format *f, const char *text, size_t len, struct arena *a,
	struct err *err);

#endif
