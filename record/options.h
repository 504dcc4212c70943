/* What the user asked for. */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/event_spec.h"
#include "specs/ring.h"

enum unwind {
	UNWIND_AUTO,  /* the best that is cheap: see options_sample_copies */
	UNWIND_FP,    /* by frame pointers, in the kernel */
	UNWIND_DWARF, /* by call frame information, from copies of stacks */
	UNWIND_NONE,  /* no user stacks */
	UNWIND_BPF, /* by call frame information, in the kernel; where that is refused like auto */
};

enum { MAX_TRIGGERS = 16 };

enum { DEFAULT_HZ = 99 }; /* of samples; odd, so as not to march in step with timers */

enum { MAX_SOURCES = 32 };

struct options {
	const struct source *sources[MAX_SOURCES]; /* in the order given */
	unsigned n_sources;
	const char *pids;     /* -p */
	const char *cgroup;   /* --cgroup */
	bool system;          /* -a */
	char **command;       /* behind --; ends with NULL. NULL: none */
	const char *output;   /* -o; NULL: a name made from sources and time */
	uint64_t duration_ns; /* -d; 0: until the end or ^C */
	uint32_t frequency;   /* -F; 0: the default */
	uint64_t count;       /* -c: a sample every so many events; 0: by frequency */
	enum unwind unwind;
	bool no_inline;            /* names without inlined functions and lines */
	uint32_t stack_bytes;      /* --stack-size: of a copy; a multiple of 8 */
	struct event_specs events; /* -e */
	struct event_specs stat;   /* --stat */
	uint64_t interval_ns;      /* --interval, of reading the counters; 0: the default */
	bool no_stack;             /* tracepoints and probes without stacks */
	const char *stacks;        /* --stacks: words; NULL: as each source does by itself */
	uint64_t min_ns;           /* --min, of what takes time; 0: everything */
	uint32_t sample;           /* --sample: one in so many; 0: all */
	bool working_set;          /* --working-set */
	const char *calls;         /* --call; NULL: all */
	bool summary;              /* --summary: calls are counted in the kernel */
	const char *comm;          /* --comm; NULL: everybody */
	uint32_t tids[FILTER_TIDS], n_tids; /* --tid; none: all... */
	const char *tid_list;               /* ...as it was given */
	const char *devices;                /* --device; NULL: all */
	uint64_t buffer_bytes;              /* --buffer, of a CPU; 0: the default */
	bool quiet;
	/* What is kept of a long recording; 0: not asked for. */
	uint64_t ring_ns, ring_bytes;       /* --ring, one of them */
	uint64_t rotate_ns, rotate_bytes;   /* --rotate, one of them */
	uint64_t max_bytes;                 /* --max-size */
	const char *triggers[MAX_TRIGGERS]; /* --trigger */
	unsigned n_triggers;
	uint32_t keep;  /* --keep: files */
	double max_cpu; /* --max-cpu: percent of one CPU */
	int realtime;   /* --realtime: a priority; 0: none */
	int argc;       /* the whole command line, for the trace */
	char **argv;
};

/* Whether only the last part is kept, in memory; or in files one after the other. */
static inline bool options_ring(const struct options *o)
{
	return o->ring_ns || o->ring_bytes;
}

static inline bool options_rotate(const struct options *o)
{
	return o->rotate_ns || o->rotate_bytes;
}

/* Whether a source of the kernel takes stacks; `usual`: what it does if nobody says. */
bool options_stacks(const struct options *o, const struct source *s, bool usual);

/* Whether --stacks has this word. */
bool options_has_stacks(const struct options *o, const char *word);

/* Parses `rec SOURCES [options] [-- COMMAND]`. Prints help or usage and exits where those are asked
 * for or due (status 2). */
void options_parse(struct options *o, int argc, char **argv);

/* Whether CPU samples, and other events, come with a copy of the stack. By themselves only those do that
 * come at a rate of our choice: a copy of 16 KiB for each of 100,000 page faults a second is too much. */
bool options_sample_copies(const struct options *o);
bool options_event_copies(const struct options *o);

/* Whether BPF programs of sources that are recorded take user stacks which they could walk by call frame
 * information; the same without samples. */
bool options_walks(const struct options *o);
bool options_walks_events(const struct options *o);

#endif
