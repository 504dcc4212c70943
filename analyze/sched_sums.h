/* Sums over what threads did, for threads, processes, CPUs and priorities. */
#ifndef ANALYZE_SCHED_SUMS_H
#define ANALYZE_SCHED_SUMS_H

#include "analyze/keyed.h"
#include "analyze/sched_track.h"
#include "format/base/histogram.h"

/* What a thread is called, as numbers of a segment, which lives as long as the pass. */
struct sched_name {
	enum {
		SCHED_NO_NAME, /* nobody, or not known */
		SCHED_NAMED,
		SCHED_IDLE_NAME,
		SCHED_INTERRUPT_NAME,
		SCHED_MORE_NAMES
	} kind;
	uint32_t comm;
	const struct segment *segment;
};

struct sched_name sched_name_of(const struct sched_thread *t);

/* In the arena, or constant. */
const char *sched_name_text(const struct sched_name *n, struct arena *a);

struct sched_sums {
	struct sched_name name; /* of threads and processes */
	uint64_t id;            /* UINT64_MAX: of all that there is no room for */
	uint32_t pid, tid;
	struct histogram waits; /* for a CPU, ns */
	uint64_t run_ns, sleep_ns, disk_ns, other_ns;
	uint64_t voluntary, involuntary, migrations, woken;
	uint32_t turn; /* when it was counted last (analyze/windowed.h) */
};

/* Whom a thread's share goes to. */
enum { OF_THREAD, OF_PROCESS, OF_CPU, OF_PRIO, N_SCHED_GROUPS };

struct sched_groups {
	struct keyed of[N_SCHED_GROUPS]; /* of struct sched_sums */
	struct histogram_budget budget;
};

void sched_groups_init(struct sched_groups *g);
void sched_groups_done(struct sched_groups *g);

/* The sums of a thread that is on this CPU, one of each group; valid until the next call. */
void sched_groups_find(struct sched_groups *g, const struct sched_thread *t, uint32_t cpu,
	struct sched_sums *of[N_SCHED_GROUPS]);

const char *sched_sums_name(const struct sched_sums *s, struct arena *a);

#endif
