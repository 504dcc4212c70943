#include "record/governor.h"

enum {
	MAX_FACTOR = 1024,
	CALM_SECONDS = 5,
};

void governor_init(struct governor *g, double max_percent, uint64_t cpu_ns, uint64_t now_ns)
{
	*g = (struct governor){ max_percent, cpu_ns, now_ns, 1, 0 };
}

uint32_t governor_look(struct governor *g, uint64_t cpu_ns, uint64_t now_ns)
{
	double percent = now_ns > g->at_ns
		? 100.0 * (double)(cpu_ns - g->cpu_ns) / (double)(now_ns - g->at_ns)
		: 0;
	uint32_t before = g->factor;

	g->cpu_ns = cpu_ns;
	g->at_ns = now_ns;
	if (g->max_percent <= 0)
		return 0;
	/* Twice as many samples must not cost more than the limit at once again. */
	g->calm = percent < g->max_percent * 0.4 ? g->calm + 1 : 0;
	if (percent > g->max_percent && g->factor < MAX_FACTOR) {
		g->factor *= 2;
	} else if (g->calm >= CALM_SECONDS && g->factor > 1) {
		g->factor /= 2;
		g->calm = 0;
	}
	return g->factor != before ? g->factor : 0;
}
