/* What `ana syscalls` counts, and the tables that are made of it. */
#ifndef ANALYZE_SYSCALLS_REPORT_H
#define ANALYZE_SYSCALLS_REPORT_H

#include "analyze/analyzer.h"
#include "analyze/call_time.h"
#include "analyze/keyed.h"
#include "analyze/longest.h"
#include "analyze/shown_call.h"
#include "analyze/windowed.h"
#include "render/heatmap.h"

enum call_group_by { BY_COMM, BY_PID, BY_TID, BY_CPU, BY_NONE, BY_HOST };

/* What calls of one kind have in common. */
struct call_sums {
	struct text who,
		what; /* of a segment, in the arena, or constant: all live as long as the pass */
	uint64_t pid, tid;
	uint64_t calls, errors, total_ns, longest_ns;
	struct histogram durations;
	struct call_parts parts;
	uint64_t n_parted; /* calls of which these are known */
	uint32_t turn;     /* of callers and paths: when it was counted last (analyze/windowed.h) */
};

/* What of them is known slice by slice of the time; durations are histogram 0. */
enum {
	SLICED_CALLS,
	SLICED_ERRORS,
	SLICED_TOTAL,
	SLICED_ON_CPU,
	SLICED_BLOCKED,
	SLICED_WAITED,
	N_SLICED
};
enum { SLICES_OF_CALLS, SLICES_OF_ERRORS, SLICES_OF_CALLERS, SLICES_OF_PATHS, N_SLICED_TABLES };

struct call_list {
	struct shown_call *calls; /* owned */
	uint32_t n;
	uint64_t n_all; /* with those for which there was no room */
};

struct syscall_counts {
	const struct analyze_options *options;
	enum call_group_by by;
	struct arena arena;
	struct histogram_budget budget;
	struct keyed calls, errors, callers, paths; /* of struct call_sums */
	struct windowed windowed;
	struct histogram durations; /* of all calls; made at the end */
	struct heatmap_builder map;
	bool has_map, has_calls, has_summary, has_parts, sampled;
	struct longest worst, unfinished; /* of struct shown_call */
	struct call_list list;
	uint64_t n_unfinished;
	uint64_t n_ended; /* calls that end a thread or process */
};

void syscalls_report(struct syscall_counts *s, const struct trace_facts *facts, struct report *r);

#endif
