/* What `print fmt`, the last line of a tracepoint's format file, tells about its fields. */
#ifndef RECORD_TRACE_PRINT_H
#define RECORD_TRACE_PRINT_H

#include "record/trace_fields.h"

/* Takes names of values, hexadecimal numbers and units from `print fmt`, the text behind the colon.
 * What it does not understand it leaves out. */
void trace_print_hints(struct trace_format *f, const char *text, size_t len, struct arena *a);

#endif
