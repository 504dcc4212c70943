/* What users write behind -e and --stat.
 *
 *	cycles, LLC-load-misses, r0243, page-faults, cycles:u     samples, or counts
 *	sched:sched_switch, syscalls:sys_enter_open*              tracepoints; with /FILTER/ behind
 *	uprobe:/bin/app:func+8  uretprobe:/bin/app:func           functions of programs
 *	usdt:/usr/lib/libx.so:provider:name                       markers that programs bring along
 *
 * Only the form is looked at here; whether there is such an event, its source says. */
#ifndef RECORD_EVENT_SPEC_H
#define RECORD_EVENT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"
#include "record/sample_event.h"

enum event_kind {
	EVENT_SAMPLE,
	EVENT_TRACEPOINT,
	EVENT_UPROBE,
	EVENT_URETPROBE,
	EVENT_USDT,
};

struct event_spec {
	enum event_kind kind;
	char *text;   /* owned; as it was given, without the filter */
	char *filter; /* owned; NULL: none */
	/* EVENT_SAMPLE */
	struct sample_event sample;
	bool known;        /* whether `sample` is filled: there is such a name */
	bool user, kernel; /* :u, :k: only there */
	unsigned precise;  /* :p, :pp, :ppp */
	unsigned group;    /* the same for those in one pair of braces; 0: in none */
	/* Probes. */
	char *path;      /* owned */
	char *provider;  /* owned; EVENT_USDT */
	char *symbol;    /* owned; the function, or the marker's name */
	uint64_t offset; /* from the function's start */
};

struct event_specs {
	struct event_spec *specs; /* owned */
	unsigned n, n_groups;
};

/* Adds what a comma-separated list names. -EINVAL with a sentence for what has no such form. */
int event_specs_add(struct event_specs *l, const char *text, struct err *err);
void event_specs_done(struct event_specs *l);

/* Whether the list has events that take samples, or others: those go to different sources. */
bool event_specs_has(const struct event_specs *l, bool samples);

#endif
