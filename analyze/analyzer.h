/* An analyzer: which events it wants, and what it makes of them.
 *
 * One file an_NAME.c, one constant struct, one line in analyzers[] (analyze/main.c). An analyzer
 * never prints and never opens a file: it is given events in one pass over the trace and fills a
 * report. An event that the trace does not have is a sentence in the report, not a failure. */
#ifndef ANALYZE_ANALYZER_H
#define ANALYZE_ANALYZER_H

#include "analyze/options.h"
#include "analyze/trust.h"
#include "format/merge.h"
#include "render/report.h"

/* What a pass knows beside the events; borrowed. */
struct trace_facts {
	const struct inputs *inputs;
	const struct trust *trust;
	uint64_t start_ns;  /* of the traces, on the clock of the rows */
	uint64_t length_ns; /* until when there may be rows, since the start, about; 0: not known */
	uint64_t first_ns, last_ns; /* of the rows that came through; first > last: none */
};

struct analyzer {
	const char *name;
	const char *title;   /* of its report */
	const char *summary; /* one line for --help */
	bool ordered;        /* rows must come in order of time */
	bool unfiltered; /* rows come whatever the filter says but for the window: it looks itself */
	unsigned options; /* enum option_group: what it takes beside OPTIONS_OUTPUT */
	/* The state, handed to the functions below; owned by the caller, who ends it with free. */
	void *(*new)(const struct analyze_options *o);
	/* Looks at what the traces declare, before any row and before wants(), and may refuse them; of
	 * the facts the inputs and the start are known. May be NULL. */
	int (*begin)(void *state, const struct trace_facts *facts, struct err *err);
	/* The wants; borrowed while the state lives. */
	const struct want *(*wants)(void *state, uint32_t *n);
	/* One row; row->want is a number of wants(). The filter has let it pass. In whatever thread, while other
	 * analyzers are given the same row: the state may change, the row's segment not. */
	void (*row)(void *state, const struct row *row);
	/* Fills sections and notes. */
	void (*finish)(void *state, const struct trace_facts *facts, struct report *report);
	void (*free)(void *state);
};

extern const struct analyzer analyzer_block, analyzer_faults, analyzer_flame;
extern const struct analyzer analyzer_heatmap, analyzer_info, analyzer_offcpu;
extern const struct analyzer analyzer_sched, analyzer_syscalls, analyzer_timeline;
extern const struct analyzer *const analyzers[]; /* ends with NULL */

#endif
