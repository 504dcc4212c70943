/* Which events an analysis looks at: a window of time, processes, threads, names, CPUs. */
#ifndef ANALYZE_FILTER_H
#define ANALYZE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"
#include "format/merge.h"

enum { FILTER_FIELDS = 4 };

struct id_list {
	uint32_t *ids; /* owned */
	uint32_t n;
};

struct filter {
	bool has_window;
	uint64_t from_ns, to_ns; /* since the trace's start; to UINT64_MAX: no end */
	struct id_list pids, tids, cpus;
	const char **comms; /* owned array of borrowed shell patterns */
	uint32_t n_comms;
	const char **hosts; /* owned array of borrowed shell patterns */
	uint32_t n_hosts;
	bool idle;       /* let the idle task through as well */
	uint64_t n_idle; /* how many events of it were left out */
	/* Whether a string of a segment matches comms: 0 not known yet, 1 no, 2 yes. */
	const struct segment *segment;
	uint8_t *comm_known; /* owned */
	uint32_t n_known;
};

void filter_init(struct filter *f);
void filter_done(struct filter *f);

/* Makes a copy of a filter one that another thread can use: it borrows what was asked for, remembers by itself, and
 * counts from 0. The end of such a copy, of which the original must not be told. */
void filter_detach(struct filter *copy);
void filter_detached_done(struct filter *copy);

/* What options give: "1.5s..2s", "..500ms", "10s.."; "12,15-17"; a shell pattern such as "post*". */
int filter_window(struct filter *f, const char *text, struct err *err);
int filter_ids(struct id_list *list, const char *text, struct err *err);
void filter_comm(struct filter *f, const char *pattern);
void filter_host(struct filter *f, const char *pattern);

/* Whether anything but --idle was asked for. */
bool filter_is_set(const struct filter *f);

/* The window, from <= time < to, on the clock of a trace that starts at start_ns; 0 and UINT64_MAX if
 * there is none. */
void filter_bounds(const struct filter *f, uint64_t start_ns, uint64_t *from_ns, uint64_t *to_ns);

/* Whether the segment's machine passes. */
bool filter_segment(const struct filter *f, const struct segment *s);

/* The fields it must see of each event, in this order: pid, tid, cpu, comm. An event that lacks a
 * field that is asked for does not pass. */
extern const char *const filter_fields[FILTER_FIELDS];

bool filter_look(struct filter *f, const struct segment *s, const uint64_t *v, unsigned missing);

/* Whether an event passes; v are the values of filter_fields, bit i of missing: not there. Most are of no idle CPU,
 * and nothing in particular is asked for. */
static inline bool filter_pass(struct filter *f, const struct segment *s, const uint64_t *v,
	unsigned missing)
{
	bool asks = f->pids.n | f->tids.n | f->cpus.n | f->n_comms | f->n_hosts;

	return (!asks && (v[0] | v[1])) || filter_look(f, s, v, missing);
}

/* The same of a row whose values are all fields of its type. */
bool filter_pass_row(struct filter *f, const struct row *row);

#endif
