/* What `ana sched` counts, and the tables that are made of it. */
#ifndef ANALYZE_SCHED_REPORT_H
#define ANALYZE_SCHED_REPORT_H

#include "analyze/analyzer.h"
#include "analyze/longest.h"
#include "analyze/sched_sums.h"
#include "analyze/windowed.h"
#include "render/heatmap.h"

/* One wait for a CPU. */
struct sched_wait {
	struct longest_key key; /* how long, and since when */
	struct sched_name name, before, waker;
	bool preempted; /* there is no waker */
	uint32_t pid, tid, before_tid, waker_tid, cpu;
	uint64_t before_ns; /* how long that ran meanwhile */
};

struct waker_pair {
	struct sched_name waker, woken;
	uint64_t n;
};

/* What of the sums is known slice by slice of the time, for each of the groups; their waits are histogram 0. */
enum {
	SLICED_RUN,
	SLICED_SLEEP,
	SLICED_DISK,
	SLICED_VOLUNTARY,
	SLICED_INVOLUNTARY,
	SLICED_SWITCHES,
	SLICED_MIGRATIONS,
	N_SLICED
};

struct sched_counts {
	const struct analyze_options *options;
	struct filter *filter; /* the options' */
	struct sched_groups groups;
	struct windowed windowed; /* a table for each group */
	struct histogram waits;   /* all; made at the end */
	struct heatmap_builder latency_map, cpu_map;
	bool maps;
	struct longest worst;    /* of struct sched_wait */
	struct sched_wait *list; /* owned; of --list, all as they ended */
	uint32_t n_list;
	struct keyed pairs; /* of struct waker_pair */
	uint64_t n_switches, n_migrations, n_delays, n_off, n_unsure_wakers;
	uint64_t n_waits; /* that were seen, of those that waits.count stands for */
	bool streamed;    /* there were switches */
	bool sampled;     /* some waits stand for several */
	uint64_t first_ns, last_ns;
};

void sched_report(struct sched_counts *s, const struct trace_facts *facts, struct report *r);

#endif
