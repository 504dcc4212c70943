/* "Did you mean": of the names that there are, the few that are closest to one that is not. */
#ifndef RECORD_SUGGEST_H
#define RECORD_SUGGEST_H

#include "format/base/err.h"

enum { SUGGESTIONS = 3, SUGGESTION_MAX = 160 };

struct suggest {
	const char *wanted; /* borrowed */
	struct {
		char name[SUGGESTION_MAX];
		unsigned distance;
	} best[SUGGESTIONS]; /* nearest first */
	unsigned n;
};

void suggest_init(struct suggest *s, const char *wanted);

/* Takes note of a name that exists, if it is near enough: a typing mistake or two away, or with the
 * wanted one as a part. */
void suggest_offer(struct suggest *s, const char *name);

/* Appends ": did you mean a, b or c?" to the sentence, or nothing if nothing was near. */
void suggest_append(const struct suggest *s, struct err *err);

#endif
