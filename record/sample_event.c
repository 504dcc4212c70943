/* Names as in perf-list(1); numbers as in perf_event_open(2). */
#include "record/sample_event.h"

#include <ctype.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "record/suggest.h"

enum { NAME_MAX_BYTES = 40 };

static const struct {
	const char *name;
	uint32_t type;
	uint64_t config;
} events[] = {
	{ "cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
	{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
	{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
	{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
	{ "branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
	{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
	{ "bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES },
	{ "ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES },
	{ "stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND },
	{ "stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND },
	{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
	{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
	{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
	{ "minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ },
	{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	{ "alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS },
	{ "emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS },
	{ "cgroup-switches", PERF_TYPE_SOFTWARE, 11 }, /* since Linux 5.13 */
};

/* LLC-load-misses: a cache, what is done to it, and whether it had to pass that on. Numbers of
 * PERF_TYPE_HW_CACHE are cache | operation << 8 | result << 16. */
static const char *const caches[] = { "L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch",
	"node" };
static const struct {
	const char *name;
	uint64_t number;
} operations[] = {
	{ "-loads", 0x00000 },
	{ "-load-misses", 0x10000 },
	{ "-stores", 0x00100 },
	{ "-store-misses", 0x10100 },
	{ "-prefetches", 0x00200 },
	{ "-prefetch-misses", 0x10200 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void cache_name(size_t cache, size_t operation, char name[NAME_MAX_BYTES])
{
	snprintf(name, NAME_MAX_BYTES, "%s%s", caches[cache], operations[operation].name);
}

static bool equal(const char *name, const char *s, size_t len)
{
	return strlen(name) == len && memcmp(name, s, len) == 0;
}

static bool find_cache(const char *s, size_t len, struct sample_event *e)
{
	char name[NAME_MAX_BYTES];

	for (size_t c = 0; c < COUNT(caches); c++) {
		for (size_t o = 0; o < COUNT(operations); o++) {
			cache_name(c, o, name);
			if (!equal(name, s, len))
				continue;
			*e = (struct sample_event){ PERF_TYPE_HW_CACHE, c | operations[o].number };
			return true;
		}
	}
	return false;
}

static bool find_raw(const char *s, size_t len, struct sample_event *e)
{
	uint64_t config = 0;

	if (len < 2 || len > 17 || s[0] != 'r')
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return false;
		config = config << 4 |
			(uint64_t)(isdigit((unsigned char)s[i]) ? s[i] - '0'
								: (s[i] | 32) - 'a' + 10);
	}
	*e = (struct sample_event){ PERF_TYPE_RAW, config };
	return true;
}

bool sample_event_find(const char *name, size_t len, struct sample_event *e)
{
	for (size_t i = 0; i < COUNT(events); i++) {
		if (!equal(events[i].name, name, len))
			continue;
		*e = (struct sample_event){ events[i].type, events[i].config };
		return true;
	}
	return find_cache(name, len, e) || find_raw(name, len, e);
}

void sample_event_each(void (*call)(void *ctx, const char *name), void *ctx)
{
	char name[NAME_MAX_BYTES];

	for (size_t i = 0; i < COUNT(events); i++)
		call(ctx, events[i].name);
	for (size_t c = 0; c < COUNT(caches); c++) {
		for (size_t o = 0; o < COUNT(operations); o++) {
			cache_name(c, o, name);
			call(ctx, name);
		}
	}
}

static void offer_name(void *ctx, const char *name)
{
	suggest_offer(ctx, name);
}

int sample_event_unknown(const char *name, struct err *err)
{
	int rc = err_set(err, ENOENT, "there is no event '%s'", name);
	struct suggest near;

	suggest_init(&near, name);
	sample_event_each(offer_name, &near);
	suggest_append(&near, err);
	return rc;
}

bool sample_event_is_hardware(const struct sample_event *e)
{
	return e->type != PERF_TYPE_SOFTWARE;
}

bool sample_event_is_time(const struct sample_event *e)
{
	return (e->type == PERF_TYPE_HARDWARE && e->config == PERF_COUNT_HW_CPU_CYCLES) ||
		(e->type == PERF_TYPE_SOFTWARE &&
			(e->config == PERF_COUNT_SW_CPU_CLOCK ||
				e->config == PERF_COUNT_SW_TASK_CLOCK));
}
