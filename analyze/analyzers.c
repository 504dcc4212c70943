/* All analyzers, in the order of help and reports. */
#include "analyze/analyzer.h"

const struct analyzer *const analyzers[] = {
	&analyzer_flame,
	&analyzer_heatmap,
	&analyzer_sched,
	&analyzer_offcpu,
	&analyzer_block,
	&analyzer_faults,
	&analyzer_syscalls,
	&analyzer_timeline,
	&analyzer_info,
	NULL,
};
