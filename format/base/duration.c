#include "format/base/duration.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *unit;
	double ns;
} units[] = {
	{ "", 1e9 },
	{ "s", 1e9 },
	{ "ms", 1e6 },
	{ "us", 1e3 },
	{ "ns", 1 },
	{ "m", 60e9 },
	{ "h", 3600e9 },
	{ "d", 86400e9 },
};

int duration_parse(const char *text, uint64_t *ns)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || !(v >= 0))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		if (v * units[i].ns > 1e18)
			return -EINVAL;
		*ns = (uint64_t)(v * units[i].ns);
		return 0;
	}
	return -EINVAL;
}
