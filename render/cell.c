#include "render/cell.h"

#include <assert.h>

/* JSON and CSV have no way to write an infinity or no number. */
static bool is_finite(double v)
{
	return v - v == 0;
}

char *cell_raw(char *buf, enum cell_kind kind, const union cell *c)
{
	buf[0] = '\0';
	if (kind != CELL_PERCENT && kind != CELL_FLOAT)
		return number_plain(buf, c->count);
	return is_finite(c->number) ? number_float(buf, c->number) : buf;
}

char *cell_shown(char *buf, enum cell_kind kind, const union cell *c)
{
	switch (kind) {
	case CELL_COUNT: return number_count(buf, c->count);
	case CELL_NS: return number_ns(buf, c->count);
	case CELL_BYTES: return number_bytes(buf, c->count);
	case CELL_PERCENT: return number_percent(buf, c->number);
	case CELL_FLOAT: return number_short(buf, c->number);
	case CELL_NUMBER: return number_plain(buf, c->count);
	case CELL_HEX: return number_hex(buf, c->count);
	case CELL_TEXT: break;
	}
	assert(!"text is no number");
	return buf;
}

const char *cell_kind_name(enum cell_kind kind)
{
	static const char *const names[] = {
		[CELL_TEXT] = "text",
		[CELL_COUNT] = "count",
		[CELL_NUMBER] = "number",
		[CELL_NS] = "ns",
		[CELL_BYTES] = "bytes",
		[CELL_PERCENT] = "fraction",
		[CELL_FLOAT] = "float",
		[CELL_HEX] = "address",
	};

	return names[kind];
}
