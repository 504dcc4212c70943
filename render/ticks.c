#include "render/ticks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000000000ULL

/* ---- texts ---- */

/* Of a time on an axis that goes to `last` in such steps: all in one unit, with as many decimals as
 * the steps need. */
static void label_ns(char *buf, uint64_t v, uint64_t step, uint64_t last)
{
	static const struct {
		uint64_t unit, step, last; /* the least step and the least end that ask for it */
		const char *name;
	} units[] = {
		{ 86400 * SECOND, 86400 * SECOND, 0, "d" },
		{ 3600 * SECOND, 3600 * SECOND, 0, "h" },
		{ 60 * SECOND, 60 * SECOND, 0, "min" },
		{ SECOND, 0, SECOND, "s" },
		{ 1000000, 0, 1000000, "ms" },
		{ 1000, 0, 1000, "µs" },
		{ 1, 0, 0, "ns" },
	};
	unsigned i = 0, decimals = 0;
	uint64_t power = 1;

	if (!v) {
		strcpy(buf, "0");
		return;
	}
	while (step < units[i].step || last < units[i].last)
		i++;
	for (uint64_t rest = step % units[i].unit; rest && decimals < 8; decimals++) {
		rest = rest * 10 % units[i].unit;
		power *= 10;
	}
	if (decimals)
		snprintf(buf, NUMBER_MAX, "%" PRIu64 ".%0*u %s", v / units[i].unit, (int)decimals,
			(unsigned)(v % units[i].unit * power / units[i].unit), units[i].name);
	else
		snprintf(buf, NUMBER_MAX, "%" PRIu64 " %s", v / units[i].unit, units[i].name);
}

/* 4.00 KiB reads better as 4 KiB. */
static void strip_zeros(char *buf)
{
	char *point = strchr(buf, '.'), *end = point;

	while (end && (*end == '.' || *end == '0'))
		end++;
	if (end && *end == ' ')
		memmove(point, end, strlen(end) + 1);
}

static void label(char *buf, enum cell_kind kind, uint64_t v, uint64_t step, uint64_t last)
{
	switch (kind) {
	case CELL_NS: label_ns(buf, v, step, last); return;
	case CELL_BYTES: number_bytes(buf, v); break;
	case CELL_HEX: number_hex(buf, v); return;
	case CELL_COUNT: number_count(buf, v); return;
	default: number_plain(buf, v); return;
	}
	strip_zeros(buf);
}

static bool is_binary(enum cell_kind kind)
{
	return kind == CELL_BYTES || kind == CELL_HEX;
}

/* ---- axes of equal steps ---- */

/* The smallest round number of at least this. */
static uint64_t decimal_step(uint64_t least)
{
	uint64_t power = 1;

	while (power * 10 <= least && power < UINT64_MAX / 100)
		power *= 10;
	if (least <= power)
		return power;
	return least <= 2 * power ? 2 * power : least <= 5 * power ? 5 * power : 10 * power;
}

static uint64_t time_step(uint64_t least)
{
	static const uint32_t seconds[] = { 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200,
		14400, 21600, 43200, 86400, 172800, 432000, 864000 };

	if (least <= 10 * SECOND)
		return decimal_step(least);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		if (least <= seconds[i] * SECOND)
			return seconds[i] * SECOND;
	return 86400 * decimal_step(least / 86400 + 1);
}

static uint64_t binary_step(uint64_t least)
{
	uint64_t step = 1;

	while (step < least && step <= UINT64_MAX / 4)
		step *= 2;
	return step;
}

static unsigned even_ticks(const struct heat_axis *a, struct tick *ticks, unsigned most)
{
	uint64_t first = a->edges[0], last = a->edges[a->n];
	uint64_t least = (last - first) / most + 1;
	uint64_t step = is_binary(a->kind) ? binary_step(least)
		: a->kind == CELL_NS       ? time_step(least)
					   : decimal_step(least);
	uint64_t v = first % step ? first - first % step : first;
	unsigned n = 0;

	for (; n < most; v += step) {
		/* The number of a thing stands in the middle of its row. */
		bool is_thing = a->kind == CELL_NUMBER;

		if (v >= first && !(is_thing && v == last)) {
			ticks[n].at = (double)(v - first) / (double)(last - first) * a->n +
				(is_thing ? 0.5 : 0);
			label(ticks[n++].label, a->kind, v, step, last);
		}
		if (last - v < step)
			break;
	}
	return n;
}

/* ---- axes on a log scale ---- */

/* Round number i of a series; the larger `sparse` is, the further they are apart. 0 where the
 * numbers end. */
static uint64_t round_number(bool binary, unsigned sparse, unsigned i)
{
	static const uint8_t parts[] = { 1, 2, 5 };
	unsigned power = sparse ? i * sparse : i / 3;
	uint64_t v = sparse ? 1 : parts[i % 3];

	if (binary)
		return i * (sparse + 1) < 64 ? 1ULL << i * (sparse + 1) : 0;
	for (; power; power--)
		if (__builtin_mul_overflow(v, 10, &v))
			return 0;
	return v;
}

/* Where a value is, in rows; it lies on the axis. */
static double place(const struct heat_axis *a, uint64_t v)
{
	uint32_t i = 0;

	while (i + 1 < a->n && a->edges[i + 1] <= v)
		i++;
	return i + (double)(v - a->edges[i]) / (double)(a->edges[i + 1] - a->edges[i]);
}

static unsigned log_ticks(const struct heat_axis *a, unsigned sparse, struct tick *ticks,
	unsigned most)
{
	unsigned n = 0;
	uint64_t v;

	for (unsigned i = 0; (v = round_number(is_binary(a->kind), sparse, i)); i++) {
		if (v < a->edges[0])
			continue;
		if (v > a->edges[a->n])
			break;
		if (n == most)
			return most + 1;
		ticks[n].at = place(a, v);
		label(ticks[n++].label, a->kind, v, v, v);
	}
	return n;
}

/* ---- both ---- */

static void end_label(char *buf, enum cell_kind kind, uint64_t v)
{
	if (kind == CELL_NS && v)
		number_ns(buf, v);
	else
		label(buf, kind, v, 1, v);
}

static unsigned ends(const struct heat_axis *a, struct tick *ticks)
{
	ticks[0].at = 0;
	end_label(ticks[0].label, a->kind, a->edges[0]);
	ticks[1].at = a->n;
	end_label(ticks[1].label, a->kind, a->edges[a->n]);
	return 2;
}

/* Where the scale begins with a few single values its round numbers crowd: the first one stays. */
static unsigned without_crowds(struct tick *ticks, unsigned n, double apart)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		if (!kept || ticks[i].at - ticks[kept - 1].at >= apart)
			ticks[kept++] = ticks[i];
	return kept;
}

unsigned ticks_of(const struct heat_axis *axis, struct tick *ticks, unsigned most)
{
	unsigned n, sparse = 0;

	if (!axis->n)
		return 0;
	if (most > MAX_TICKS)
		most = MAX_TICKS;
	if (!axis->log)
		n = even_ticks(axis, ticks, most);
	else
		while ((n = log_ticks(axis, sparse, ticks, most)) > most)
			sparse++;
	n = without_crowds(ticks, n, axis->n / (2.0 * most));
	return n < 2 && axis->kind != CELL_NUMBER ? ends(axis, ticks) : n;
}
