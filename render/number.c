/* Scaled numbers are cut from integers, as printf's %f writes a comma in half of the world; %g is
 * used where there is no way around it, and mended. */
#include "render/number.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *number_plain(char *buf, uint64_t v)
{
	snprintf(buf, NUMBER_MAX, "%" PRIu64, v);
	return buf;
}

char *number_hex(char *buf, uint64_t v)
{
	snprintf(buf, NUMBER_MAX, "0x%" PRIx64, v);
	return buf;
}

char *number_count(char *buf, uint64_t v)
{
	char plain[NUMBER_MAX], *dst = buf;
	size_t left = strlen(number_plain(plain, v));

	for (const char *p = plain; left; p++, left--) {
		*dst++ = *p;
		if (left > 1 && left % 3 == 1)
			*dst++ = ',';
	}
	*dst = '\0';
	return buf;
}

/* v / unit with three digits: 1.23, 12.3, 123, 1234. */
static char *scaled(char *buf, uint64_t v, uint64_t unit, const char *name)
{
	unsigned decimals = v / unit >= 100 ? 0 : v / unit >= 10 ? 1 : 2;
	uint64_t power = decimals == 0 ? 1 : decimals == 1 ? 10 : 100;
	uint64_t n = (uint64_t)((unsigned __int128)v * power / unit);

	if (decimals)
		snprintf(buf, NUMBER_MAX, "%" PRIu64 ".%0*" PRIu64 " %s", n / power, (int)decimals,
			n % power, name);
	else
		snprintf(buf, NUMBER_MAX, "%" PRIu64 " %s", n, name);
	return buf;
}

#define SECOND 1000000000ULL
#define HOUR   (3600 * SECOND)

struct scale {
	uint64_t from; /* the smallest number shown in this unit */
	uint64_t unit;
	const char *name;
};

/* The first unit that v reaches; below all of them, v as it is. */
static char *scale_by(char *buf, uint64_t v, const struct scale *s, const char *smallest)
{
	for (; s->unit; s++)
		if (v >= s->from)
			return scaled(buf, v, s->unit, s->name);
	snprintf(buf, NUMBER_MAX, "%" PRIu64 " %s", v, smallest);
	return buf;
}

char *number_ns(char *buf, uint64_t ns)
{
	static const struct scale scales[] = {
		{ 48 * HOUR, 24 * HOUR, "d" },
		{ HOUR, HOUR, "h" },
		{ 1000 * SECOND, 60 * SECOND, "min" },
		{ SECOND, SECOND, "s" },
		{ 1000000, 1000000, "ms" },
		{ 1000, 1000, "µs" },
		{ 0, 0, NULL },
	};

	return scale_by(buf, ns, scales, "ns");
}

char *number_bytes(char *buf, uint64_t v)
{
	static const struct scale scales[] = {
		{ 1ULL << 60, 1ULL << 60, "EiB" },
		{ 1ULL << 50, 1ULL << 50, "PiB" },
		{ 1ULL << 40, 1ULL << 40, "TiB" },
		{ 1ULL << 30, 1ULL << 30, "GiB" },
		{ 1ULL << 20, 1ULL << 20, "MiB" },
		{ 1ULL << 10, 1ULL << 10, "KiB" },
		{ 0, 0, NULL },
	};

	return scale_by(buf, v, scales, "B");
}

/* Rounds half up without libm, which nothing else here needs. */
char *number_percent(char *buf, double part)
{
	double tenths = part < 0 ? part * -1000 : part * 1000;
	uint64_t n;

	if (!(tenths < 1e15)) {
		strcpy(buf, "?");
		return buf;
	}
	n = (uint64_t)(tenths + 0.5);
	if (tenths > 0 && n == 0)
		strcpy(buf, part < 0 ? ">-0.1%" : "<0.1%");
	else
		snprintf(buf, NUMBER_MAX, "%s%" PRIu64 ".%" PRIu64 "%%", part < 0 ? "-" : "",
			n / 10, n % 10);
	return buf;
}

static void mend_decimal_point(char *buf)
{
	const char *point = localeconv()->decimal_point;
	char *p = strcmp(point, ".") ? strstr(buf, point) : NULL;

	if (!p)
		return;
	*p = '.';
	memmove(p + 1, p + strlen(point), strlen(p + strlen(point)) + 1);
}

char *number_float(char *buf, double v)
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, NUMBER_MAX, "%.*g", digits, v);
		if (strtod(buf, NULL) == v)
			break;
	}
	mend_decimal_point(buf);
	return buf;
}

char *number_short(char *buf, double v)
{
	snprintf(buf, NUMBER_MAX, "%.4g", v);
	mend_decimal_point(buf);
	return buf;
}

char *number_weight(char *buf, uint64_t v, const char *unit)
{
	if (!strcmp(unit, "ns"))
		return number_ns(buf, v);
	if (!strcmp(unit, "bytes"))
		return number_bytes(buf, v);
	return number_count(buf, v);
}

const char *unit_suffix(const char *unit)
{
	return !strcmp(unit, "ns") || !strcmp(unit, "bytes") ? "" : unit;
}

char *weight_text(struct arena *a, uint64_t v, const char *unit)
{
	const char *suffix = unit_suffix(unit);
	size_t len = strlen(suffix);
	char number[NUMBER_MAX];

	if (v == 1 && len && suffix[len - 1] == 's')
		len--;
	return arena_printf(a, "%s%s%.*s", number_weight(number, v, unit), len ? " " : "", (int)len,
		suffix);
}

void number_put(FILE *out, uint64_t v)
{
	char digits[24], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	fwrite_unlocked(p, 1, (size_t)(digits + sizeof(digits) - p), out);
}
