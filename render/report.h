/* What an analyzer found, before anybody decides how it looks.
 *
 * A report is a title, notes (what the reader must know to trust the numbers: losses, truncated
 * stacks) and sections. Analyzers fill it and never print; each output (render/out_*.c) turns any
 * report into bytes. Everything a report points to lives in its arena or longer. Texts may hold any
 * bytes, as they come from traces: outputs make them safe (render/escape.h). */
#ifndef RENDER_REPORT_H
#define RENDER_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/arena.h"
#include "format/base/histogram.h"

enum note_level {
	NOTE_INFO,    /* good to know */
	NOTE_WARNING, /* numbers are incomplete or uncertain */
};

struct note {
	enum note_level level;
	const char *text;  /* one sentence */
	const char *group; /* whom it is about; "" for everything */
};

/* What a number means, so that each output can write it its way: JSON plain, text readable. */
enum cell_kind {
	CELL_TEXT,
	CELL_COUNT,   /* 12,345 */
	CELL_NUMBER,  /* a plain number such as a pid */
	CELL_NS,      /* a duration: 1.2 ms */
	CELL_BYTES,   /* 4.0 KiB */
	CELL_PERCENT, /* value 0.123 is 12.3% */
	CELL_FLOAT,
	CELL_HEX, /* an address: 0x7f12 */
};

/* How a column is had of a part of the time, from what is known of it slice by slice (render/table_slices.h):
 * sums and histograms by their numbers there. */
enum part_how {
	PART_NONE,       /* text and plain numbers: as they are; others: not known */
	PART_SAME,       /* as it is: what the row is about */
	PART_SUM,        /* the sum `of` */
	PART_COUNT,      /* how many values the histogram `of` has... */
	PART_TOTAL,      /* ...and together, ... */
	PART_MEAN,       /* ...in the mean, ... */
	PART_PERCENTILE, /* ...`percent` of them not above, ... */
	PART_MAX,        /* ...at the most */
	PART_RATE,       /* the sum `of` for each `by` ns of the time */
	PART_COUNT_RATE, /* the number of values for each `by` ns */
	PART_RATIO,      /* the sum `of` divided by the sum `by` */
};

struct column_part {
	enum part_how how;
	unsigned of;
	double by; /* percent, ns, or the number of a sum */
};

struct column {
	const char *name;  /* also the key in JSON: lower case, words joined by _ */
	const char *title; /* what a person reads */
	enum cell_kind kind;
	struct column_part part;
};

union cell {
	const char *text;
	uint64_t count; /* CELL_COUNT, CELL_NUMBER, CELL_NS, CELL_BYTES */
	double number;  /* CELL_PERCENT, CELL_FLOAT */
};

struct table {
	const struct column *columns;
	uint32_t n_columns;
	union cell *cells; /* row after row */
	uint32_t n_rows, cap_rows;
	bool facts; /* two columns, name and value: shown as a list, in JSON as an object */
	const struct table_slices *slices; /* borrowed; NULL: of no part of the time is it known */
	uint32_t *things;                  /* by row: 1 + its number in slices; 0: none */
};

/* What stands for all things of the slices together. */
#define ALL_THINGS (UINT32_MAX - 1)

/* One histogram of several that are drawn one below the other, on one scale. */
struct series {
	const char *name;                  /* "" if there is only one */
	const struct histogram *histogram; /* borrowed */
	uint32_t thing; /* 1 + its number in the distribution's slices; 0: none */
};

struct distribution {
	const char *value;   /* what was measured: "Latency" */
	enum cell_kind kind; /* of the values: CELL_NS, CELL_BYTES, CELL_COUNT */
	const char *counted; /* what has these values: "requests" */
	struct series *series;
	uint32_t n_series;
	const struct table_slices *slices; /* borrowed; NULL: of no part of the time is it known */
	unsigned number;                   /* of the histogram in the slices */
};

/* Columns or rows of a heatmap, in order. */
struct heat_axis {
	const char *title;
	enum cell_kind kind;
	uint32_t n;
	const uint64_t *edges; /* n + 1; column or row i is edges[i] <= v < edges[i + 1] */
	bool log;              /* the width of the rows grows with the value */
};

/* What stacks the events of a cell have: weight that ends at a node of the tree. */
struct heat_weight {
	uint32_t cell, node;
	uint64_t weight;
};

/* So that a selection of cells can be shown as a flame graph. */
struct heat_flame {
	struct tree *tree;                 /* of all cells; borrowed */
	const struct heat_weight *weights; /* in order of cell and node; borrowed */
	size_t n;
	bool range; /* cells go on from the top of a column to the foot of the next: parts of a second */
};

/* Made by render/heatmap.h. */
struct heatmap {
	struct heat_axis x, y; /* x: ns since the trace's start */
	const char *counted;   /* what is in the cells: "requests", "samples", "ns" */
	uint64_t *cells;       /* x.n * y.n counts, row after row; row 0 is the lowest */
	uint64_t full; /* not 0: cells are shares of this, in per cent (a CPU that is busy) */
	bool linear;   /* colours are even steps of the count, not of its logarithm */
	const struct heat_flame *flame; /* NULL: nothing is known of stacks */
};

enum section_kind {
	SECTION_TABLE,
	SECTION_TREE,
	SECTION_HISTOGRAM,
	SECTION_HEATMAP,
	SECTION_TIMELINE,
};

struct section {
	enum section_kind kind;
	const char *id; /* key in JSON, anchor in HTML */
	const char
		*group; /* title of the sections that belong together; "" if there are no groups */
	const char *title;
	const struct tree_slices *slices; /* of a tree, borrowed; NULL: of no part is it known */
	union {
		struct table *table;
		struct tree *tree; /* render/tree.h */
		struct distribution *distribution;
		struct heatmap *heatmap;
		struct timeline *timeline; /* render/timeline.h */
	};
};

/* What the numbers say, in a sentence that has them in it. */
struct finding {
	uint64_t ns;                /* the time that it explains: the most comes first */
	const char *text, *section; /* the section (its id) that shows more */
	uint64_t from_ns, to_ns; /* since the trace's start, when it can be seen; to 0: not there */
};

struct report {
	struct arena arena;
	const char *name; /* of the analyzer, or "report": which schema the JSON has; NULL: none */
	const char *title;
	const char *subtitle; /* where the numbers come from; may be "" */
	struct note *notes;
	struct section *sections;
	struct finding *findings;
	uint32_t n_notes, n_sections, n_findings;
	struct table *overview;       /* facts that come before everything; NULL: none */
	const char *group, *group_id; /* of what is added now; NULL: none */
	uint64_t start_ns; /* of the trace, where axes of time have their 0; 0: not known */
};

void report_init(struct report *r, const char *title, const char *subtitle);
void report_done(struct report *r);

/* Adds a sentence; the text is formatted into the report's arena. */
void report_note(struct report *r, enum note_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether a note stands beside its group's sections: what is good to know of one part only. */
bool note_is_aside(const struct note *n);

/* From now on sections and notes belong to a group, as one analyzer's do in a report of many; their ids begin
 * with the group's and a dot. Both are borrowed; NULL ends it. */
void report_group(struct report *r, const char *id, const char *title);

/* Adds a finding to a report of groups; the section is named by its id without the group. */
void report_finding(struct report *r, uint64_t ns, const char *section, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Says when what was found last can be seen in the timeline, which its section is: since the trace's start. */
void report_finding_seen(struct report *r, uint64_t from_ns, uint64_t to_ns);

/* Adds to what every reader should know first: what was recorded, where, when. The name is borrowed. */
void report_overview(struct report *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts those that explain most first. */
void report_sort_findings(struct report *r);

/* Leaves only the section with this id, and the findings about it. -ENOENT if there is none. */
int report_keep_section(struct report *r, const char *id);

/* The ids of all sections for people, "latency, threads, cpus", in the report's arena. */
const char *report_section_list(struct report *r);

/* Adds an empty table; id, title and columns are borrowed. */
struct table *report_table(struct report *r, const char *id, const char *title,
	const struct column *columns, uint32_t n_columns);

/* Adds a table of names and values; fill it with report_fact. */
struct table *report_facts(struct report *r, const char *id, const char *title);

/* Adds a tree, borrowed, which must live as long as the report. */
void report_tree(struct report *r, const char *id, const char *title, struct tree *tree);

/* What of the tree that was added last came when; borrowed like it. */
void report_tree_slices(struct report *r, const struct tree_slices *slices);

/* Adds a section for histograms; id, title, value and counted are borrowed. */
struct distribution *report_histogram(struct report *r, const char *id, const char *title,
	const char *value, enum cell_kind kind, const char *counted);

/* Adds a histogram to it. The name is copied; the histogram is borrowed and must live as long as the
 * report. */
void distribution_add(struct report *r, struct distribution *d, const char *name,
	const struct histogram *h);

/* Adds an empty section for a heatmap; see report_heatmap in render/heatmap.h. */
struct heatmap *report_heatmap_section(struct report *r, const char *id, const char *title);

/* Adds an empty timeline. */
struct timeline *report_timeline(struct report *r, const char *id, const char *title);

/* "info" or "warning". */
const char *note_level_name(enum note_level level);

/* Whether a window of time can be chosen in the report's page. */
bool report_has_timeline(const struct report *r);

/* Adds a row of n_columns cells, which are zero; the caller fills them. Valid until the next row. */
union cell *table_row(struct report *r, struct table *t);

/* Says which thing of the table's slices the last row is, or ALL_THINGS. */
void table_thing(struct table *t, uint32_t thing);

/* The same of the last series of a distribution. */
void distribution_thing(struct distribution *d, uint32_t thing);

/* Adds a row to a table of facts, the value formatted into the report's arena. */
void report_fact(struct report *r, struct table *t, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
