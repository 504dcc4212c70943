/* The lanes of a timeline while rows pass: one for each CPU, thread and disk, and lines below a thread's for
 * each kind of event that took it time. */
#ifndef ANALYZE_TIMELINE_LANES_H
#define ANALYZE_TIMELINE_LANES_H

#include "analyze/sched_track.h"
#include "analyze/stack_list.h"
#include "format/base/recent.h"
#include "render/timeline.h"

struct timeline_who {
	struct segment *segment; /* where comm means something */
	uint32_t comm, reader, pid, tid;
	uint32_t lane;              /* of its states */
	uint32_t label;             /* 1 + its name among the timeline's; 0: not made yet */
	uint64_t busy_ns, n_events; /* of all its lanes; at the end */
};

struct timeline_lanes {
	struct timeline_builder builder;
	struct stack_list stacks;
	struct timeline_who *threads; /* owned */
	uint32_t n_threads;
	struct map by_tid;            /* reader, tid -> number in threads */
	struct recent recent_tid;     /* the same */
	struct timeline_lines *lines; /* owned */
	uint32_t n_lines;
	struct map by_key; /* what is said of them -> number in lines */
	struct map by_cpu; /* reader, cpu -> lane */
	bool several;      /* machines */
	uint32_t *node_of; /* owned; of stacks, at the end */
};

void timeline_lanes_init(struct timeline_lanes *t, uint64_t origin_ns, bool several);
void timeline_lanes_done(struct timeline_lanes *t);

/* The number of a thread; its name and process are those that were told last. */
uint32_t timeline_who(struct timeline_lanes *t, uint32_t reader, uint32_t pid, uint32_t tid,
	struct segment *segment, uint32_t comm);

/* Whether timeline_who would change nothing. */
static inline bool timeline_is_called(const struct timeline_lanes *t, uint32_t thread, uint32_t pid,
	const struct segment *segment, uint32_t comm)
{
	const struct timeline_who *who = &t->threads[thread];

	return who->segment == segment && who->comm == comm && (!pid || who->pid == pid);
}

/* "nginx 123": its number among the timeline's names. */
uint32_t timeline_label(struct timeline_lanes *t, uint32_t thread);

uint32_t timeline_cpu_lane(struct timeline_lanes *t, uint32_t reader, uint32_t cpu);
uint32_t timeline_thread_lane(struct timeline_lanes *t, uint32_t thread);

/* The lines of a kind of events, which `title` names, of a thread: their number in lines. `order` is the kind's
 * number: below 65536, and such lines stand in this order. title and value are borrowed. */
uint32_t timeline_event_lines(struct timeline_lanes *t, uint32_t thread, uint32_t order,
	const char *title);
uint32_t timeline_disk_lines(struct timeline_lanes *t, uint32_t reader, uint64_t number,
	struct text name);

/* Chooses what a page can hold and adds the section. The lanes must live as long as the report. */
struct timeline *timeline_lanes_report(struct timeline_lanes *t, uint64_t from_ns, uint64_t to_ns,
	struct tree *tree, struct arena *scratch, struct report *r);

#endif
