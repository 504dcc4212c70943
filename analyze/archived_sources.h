/* The sources in archives that `ana pack` made (pack.h), for one that is made of those. */
#ifndef ANALYZE_ARCHIVED_SOURCES_H
#define ANALYZE_ARCHIVED_SOURCES_H

#include "analyze/text_set.h"
#include "format/base/err.h"

struct archived_sources {
	const struct text_set *wanted; /* borrowed: names of members */
	struct text_set names;         /* of those that came... */
	int *files; /* owned; ...and what is in them, without names on this machine */
};

void archived_sources_init(struct archived_sources *s, const struct text_set *wanted);
void archived_sources_done(struct archived_sources *s);

/* Takes what is wanted out of the archives that a word of the user's names (inputs.h). */
int archived_sources_add(struct archived_sources *s, const char *word, struct err *err);

/* The descriptor of a member, borrowed; -1: it did not come. */
int archived_sources_find(const struct archived_sources *s, const char *name);

#endif
