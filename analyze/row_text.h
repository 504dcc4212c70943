/* The fields of one event as text, by the trace's own schema: what `ana dump` writes and any tool
 * that shows single events. */
#ifndef ANALYZE_ROW_TEXT_H
#define ANALYZE_ROW_TEXT_H

#include <stdio.h>

#include "format/merge.h"
#include "render/escape.h"

/* Writes the value of a field, escaped for the output. Enumerations and flags by their names, hex as
 * 0x..., strings and mappings as text, stacks as frames from the outermost, joined by ';'. */
void row_put_value(FILE *out, const struct row *row, uint32_t field, enum escape_for how,
	struct arena *scratch);

/* Whether the value is a text (so that JSON quotes it), with how the field is shown in mind. */
bool row_is_text(const struct row *row, uint32_t field);

/* Calls for each function of a stack, outermost first; the name lives in scratch. A frame without
 * a name is called BINARY+0xADDRESS. lines: " (FILE:LINE)" is behind the name where that is known. */
void row_each_frame(const struct row *row, uint32_t field, bool lines, struct arena *scratch,
	void (*call)(void *ctx, const char *name), void *ctx);

#endif
