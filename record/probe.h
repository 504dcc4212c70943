/* Probes on programs: from what the user named to places in a file, and to perf's uprobe events.
 *
 * The kernel puts the probe in when the event is opened and takes it out when it is closed, however
 * we end; tracefs' uprobe_events is not involved. */
#ifndef RECORD_PROBE_H
#define RECORD_PROBE_H

#include <linux/perf_event.h>

#include "format/base/arena.h"
#include "record/event_spec.h"

struct probe_site {
	uint64_t offset;    /* in the file */
	uint64_t semaphore; /* of a USDT marker, in the file; 0: none */
};

struct probe {
	const char *name; /* of the event: "uprobe:app:func", "usdt:provider:name" */
	const char *doc;
	const char *path; /* resolved */
	struct probe_site *sites;
	uint32_t n;
};

/* Looks the function or marker up. -ENOENT with near names if there is none. All is in the arena. */
int probe_resolve(struct probe *p, const struct event_spec *e, struct arena *a, struct err *err);

/* How this kernel wants uprobes to be asked for. -ENOENT where it has none. */
struct probe_pmu {
	uint32_t type;
	unsigned return_bit, semaphore_shift; /* of attr.config */
	bool semaphores;                      /* since Linux 4.20 */
};
int probe_pmu_read(struct probe_pmu *pmu, struct err *err);

/* Sets type, config and addresses in attr; path must live until the event is open. */
void probe_attr(struct perf_event_attr *attr, const struct probe_pmu *pmu, const struct probe *p,
	const struct probe_site *site, bool on_return);

#endif
