/* The cells of a table that hold numbers, for machines and for people. Text goes through escape.h. */
#ifndef RENDER_CELL_H
#define RENDER_CELL_H

#include "render/number.h"
#include "render/report.h"

/* Both write to buf, of NUMBER_MAX bytes, and return it. */

/* The plain number: durations in ns, sizes in bytes, shares as a part of 1. "" if it is none. */
char *cell_raw(char *buf, enum cell_kind kind, const union cell *c);

/* 12,345 or 1.2 ms or 12.3%. */
char *cell_shown(char *buf, enum cell_kind kind, const union cell *c);

/* "count", "ns"...: what the plain number means. */
const char *cell_kind_name(enum cell_kind kind);

static inline bool cell_is_text(enum cell_kind kind)
{
	return kind == CELL_TEXT;
}

#endif
