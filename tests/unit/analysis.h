/* What tests of analyzers need: a trace that is made up becomes a file, an analyzer reads it, and its
 * report is asked for what must be in it. */
#ifndef TESTS_ANALYSIS_H
#define TESTS_ANALYSIS_H

#include "analyze/pass.h"
#include "tests/unit/support.h"

/* A trace that is being made up. */
struct story {
	struct writer *w;
	struct sink *sink;
	uint32_t stream;
	char path[64]; /* of the file, once it is told */
};

/* Begins a trace with one stream, of CPU 0. */
void story_begin(struct story *s);

uint32_t story_string(struct story *s, const char *text);

/* A stack of one frame with this name, which the writer is given at an address in a mapping. */
uint32_t story_stack(struct story *s, uint32_t root, uint32_t mapping, uint64_t address,
	const char *name);

/* Writes the trace to a file, which story_done removes. */
void story_end(struct story *s);
void story_done(struct story *s);

/* An analyzer at work. Options but the files may be set before analysis_run. */
struct analysis {
	struct analyze_options options;
	struct report report;
	struct pass *pass;
	const char *files[1];
	const struct analyzer *list[1]; /* the pass borrows it */
};

/* The report of an analyzer about a story that has ended; the test fails if there is none. */
void analysis_run(struct analysis *a, const struct analyzer *analyzer, const struct story *s);
void analysis_done(struct analysis *a);

/* A section by its id; the test fails if it is not there (of analysis_find: NULL). */
const struct section *analysis_find(const struct analysis *a, const char *id);
const struct section *analysis_section(const struct analysis *a, const char *id);
const struct table *analysis_table(const struct analysis *a, const char *id);

/* The cell of a column, in the first row whose cell in column `by` (NULL: the first column) has this text
 * (NULL: in the first row). */
const union cell *analysis_cell(const struct analysis *a, const char *id, const char *by,
	const char *text, const char *column);

/* Whether a note says so. */
bool analysis_notes(const struct analysis *a, const char *part);

#endif
