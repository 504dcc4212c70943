/* Timelines: what went on when, lane by lane: CPUs, threads, disks.
 *
 * A lane holds pieces in order of time that do not overlap. A trace has more of them than a page or a
 * memory can hold, so a builder has room for so many, and when it is full the fullest lanes give way: pieces
 * shorter than some time are put together with their neighbours. Such a piece knows what it is made of, how
 * many and for how long, so that sums stay right; long ones, which are those that one looks for, stay as they
 * are. What a lane's limit is, its reader is told. */
#ifndef RENDER_TIMELINE_H
#define RENDER_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "render/report.h"

enum timeline_kind {
	TIMELINE_OTHER, /* any event that takes time, of sources that are not known here */
	TIMELINE_RUNNING,
	TIMELINE_WAITING, /* for a CPU */
	TIMELINE_SLEEPING,
	TIMELINE_DISK, /* uninterruptible: a disk, mostly */
	TIMELINE_STOPPED,
	TIMELINE_CALL,
	TIMELINE_READ,
	TIMELINE_WRITE,
	TIMELINE_FAULT,
	TIMELINE_LOCK,
	TIMELINE_PAUSE, /* of a garbage collector */
	TIMELINE_SAMPLE,
	TIMELINE_N_KINDS,
};

enum timeline_group {
	TIMELINE_CPUS,
	TIMELINE_DISKS,
	TIMELINE_THREADS,
	TIMELINE_N_GROUPS,
};

enum {
	TIMELINE_MAX_ITEMS = 400000,  /* in memory */
	TIMELINE_PAGE_ITEMS = 100000, /* in a page: some 25 bytes each */
	TIMELINE_MAX_LANES = 16384,
	TIMELINE_PAGE_LANES = 400,
	TIMELINE_MAX_PARTS = 16,
	TIMELINE_MAX_LINES = 16,
};

struct timeline_name {
	const char *text;
	enum timeline_kind kind;
};

struct timeline_part {
	uint32_t name, count;
	uint64_t ns, longest_ns;
};

struct timeline_item {
	uint64_t from_ns, to_ns; /* since the timeline's origin */
	uint32_t name;
	uint32_t count;   /* 1; more: what was put together, and all below is not known */
	uint32_t who;     /* 1 + thread: who woke it, asked for it, ran there; 0: not known */
	uint32_t behind;  /* 1 + thread: who ran instead */
	uint32_t stack;   /* the builder's user knows what of; 0: none */
	uint32_t stack_2; /* of who */
	uint32_t value;   /* a CPU, bytes: as the lane says */
	uint32_t n_parts; /* of a piece with a count */
	struct timeline_part *parts; /* the builder's */
};

struct timeline_lane {
	enum timeline_group group;
	const char *title;   /* "CPU 3", "sda"; of a thread's lanes: "", "syscall", "page_fault" */
	const char *value;   /* what values are: "CPU", "bytes"; "" if there are none */
	uint32_t thread;     /* 1 + number; 0: it is no thread's */
	uint64_t sort;       /* in its group, ascending */
	uint64_t busy_ns;    /* of all but sleeping and being stopped */
	uint64_t n_events;   /* that came */
	uint64_t least_ns;   /* shorter pieces may be together; 0: every one is there */
	uint64_t n_overlaps; /* pieces that came while all lines of this lane were taken */
	struct timeline_item *items; /* owned by the builder */
	uint32_t n, cap;
};

struct timeline_thread {
	const char *name;
	uint32_t pid, tid;
	uint64_t busy_ns;
};

/* As the report has it; all in its arena, but for the lanes' pieces and the tree, which live as long as
 * their builder. */
struct timeline {
	uint64_t from_ns, to_ns; /* since the trace's start */
	const struct timeline_name *names;
	uint32_t n_names;
	const struct timeline_thread *threads;
	uint32_t n_threads;
	const struct timeline_lane *lanes;
	uint32_t n_lanes;
	struct tree *tree;       /* of stacks; NULL: there are none */
	const uint32_t *node_of; /* a stack's node */
	const char *note;        /* what is not in it; "" */
	struct table *table;     /* the lanes, for those who see no picture */
};

/* Memory of parts that is free: a list beside it, so that what comes next is known before it is touched. */
struct timeline_free_parts {
	struct timeline_part **list; /* owned */
	uint32_t n, cap;
};

struct timeline_builder {
	struct arena arena;                       /* of names and parts */
	struct timeline_free_parts free_parts[4]; /* by size */
	uint64_t origin_ns;
	struct timeline_name *names; /* owned */
	struct map by_name;
	uint32_t n_names;
	struct timeline_lane *lanes; /* owned */
	uint32_t n_lanes;
	uint32_t n_items, max_items;
	uint64_t n_refused; /* pieces of lanes for which there was no room */
};

/* Lanes for what may overlap: the first is the caller's, others are made like it. */
struct timeline_lines {
	uint32_t lanes[TIMELINE_MAX_LINES], n;
};

/* origin_ns is the trace's start. */
void timeline_builder_init(struct timeline_builder *b, uint64_t origin_ns, uint32_t max_items);
void timeline_builder_done(struct timeline_builder *b);

/* The number of a name of this kind, made if it is not there; 0, "(other)", if there are too many. */
uint32_t timeline_name(struct timeline_builder *b, const char *text, size_t len,
	enum timeline_kind kind);

/* A new lane; UINT32_MAX if there are too many. title and value are borrowed. */
uint32_t timeline_lane(struct timeline_builder *b, enum timeline_group group, const char *title);

/* Adds a piece behind those that the lane has; times are on the clock of the trace, and what overlaps the
 * piece before is cut. Parts are not looked at. */
void timeline_add(struct timeline_builder *b, uint32_t lane, struct timeline_item item);

/* The same for events that may overlap: in the first line that is free at its beginning, or a new one. If
 * there are TIMELINE_MAX_LINES it counts as a part of the last line's last piece. */
void timeline_add_free(struct timeline_builder *b, struct timeline_lines *lines,
	const struct timeline_item *item);

/* Leaves at most max pieces in the lanes whose numbers are in list. */
void timeline_shrink(struct timeline_builder *b, const uint32_t *list, uint32_t n_list,
	uint32_t max);

/* "running", "waiting for a CPU"... */
const char *timeline_kind_name(enum timeline_kind kind);

#endif
