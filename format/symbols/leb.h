/* Signed LEB128, as DWARF has it (DWARF 5, section 7.6); cursor_varint reads the unsigned. */
#ifndef SYMBOLS_LEB_H
#define SYMBOLS_LEB_H

#include "format/base/bytes.h"

static inline int64_t cursor_sleb(struct cursor *c)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t b = 128;

	while (b >= 128 && shift < 70) {
		b = (uint8_t)cursor_uint(c, 1);
		if (c->bad)
			return 0;
		if (shift < 64)
			v |= (uint64_t)(b & 127) << shift;
		shift += 7;
	}
	c->bad |= b >= 128;
	if (shift < 64 && b & 64)
		v |= UINT64_MAX << shift;
	return (int64_t)v;
}

#endif
