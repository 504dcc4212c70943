#include "format/base/size.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	char *end;
	double v = strtod(text, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (end == text || !(v >= 0) || !unit)
		return -EINVAL;
	if (end[1] && strcmp(end + 1, "B") != 0 && strcmp(end + 1, "iB") != 0)
		return -EINVAL;
	for (const char *u = units; u <= unit; u++)
		v *= 1024;
	if (v > 0x1p60)
		return -EINVAL;
	*bytes = (uint64_t)v;
	return 0;
}

const char *size_text(uint64_t v, char text[32])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double x = (double)v;
	int u = 0;

	for (; x >= 1024 && u < 4; u++)
		x /= 1024;
	snprintf(text, 32, u ? "%.1f %s" : "%.0f %s", x, units[u]);
	return text;
}
