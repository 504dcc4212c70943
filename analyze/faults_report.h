/* What `ana faults` counts, and the tables that are made of it. */
#ifndef ANALYZE_FAULTS_REPORT_H
#define ANALYZE_FAULTS_REPORT_H

#include "analyze/analyzer.h"
#include "analyze/fault_sums.h"
#include "analyze/keyed.h"
#include "analyze/slices.h"
#include "analyze/touch_maps.h"
#include "analyze/windowed.h"
#include "render/heatmap.h"
#include "render/tree.h"

/* A look at a process's working set. */
struct memory_look {
	uint64_t time, interval, referenced, rss;
};

/* A process, with what is known of its memory. */
struct fault_process {
	const char *name;              /* "comm pid", made at the end */
	const struct segment *segment; /* where comm is from */
	uint32_t comm, pid;
	struct fault_sums sums;
	uint64_t first_rss, last_rss, max_rss;
	uint64_t brought;       /* by faults between the first and the last look... */
	uint64_t brought_since; /* ...and since that */
	uint64_t n_looks;
	struct memory_look *looks; /* owned; those that tell a working set */
	uint32_t n_sets;
};

/* One fault of the list. */
struct listed_fault {
	uint64_t time, latency, address, offset;
	const struct segment *segment; /* where the thread's name is from */
	const char *mapping, *place, *access;
	uint32_t pid, tid, comm;
	bool major, served, kernel;
};

/* A stack and what came by it. */
struct grown_stack {
	struct segment *segment;
	uint32_t stack, comm;
	uint64_t bytes;
	uint32_t number; /* in the order in which they came */
};

/* What is known slice by slice of the time: tables, and the sums of their things, whose times are histogram 0. */
enum {
	SLICES_OF_PROCESSES,
	SLICES_OF_MAPPINGS,
	SLICES_OF_PLACES,
	SLICES_OF_KINDS, /* one sum, and of how many: faults, minor, major, served, kernel, writes */
	SLICES_OF_TIMES, /* minor, major, served */
	N_SLICED_TABLES
};
enum { SLICED_FAULTS, SLICED_MINOR, SLICED_MAJOR, SLICED_SERVED, SLICED_GROWTH, N_SLICED };
enum { SLICED_KIND, SLICED_ALL, N_KIND_SUMS };

struct fault_counts {
	const struct analyze_options *options;
	uint64_t origin_ns;
	struct histogram_budget budget;
	struct fault_group mappings, places;
	struct fault_sums all;
	struct histogram minor, major, served;
	struct heatmap_builder latency_map;
	struct touch_maps touched;
	struct keyed
		people; /* of pointers to struct fault_process, owned: they stay where they are */
	struct arena arena;        /* names */
	struct listed_fault *list; /* owned */
	uint32_t n_list;
	struct keyed grown; /* of struct grown_stack */
	struct tree tree;
	struct windowed windowed;
	struct slices grown_slices; /* of grown, by number; only in a report of many parts */
	uint64_t n_rows, n_without_latency, n_sampled;
};

void faults_report(struct fault_counts *f, const struct trace_facts *facts, struct report *r);

#endif
