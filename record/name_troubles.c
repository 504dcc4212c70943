/* A short list, one entry for a file and a reason. */
#include "record/name_troubles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void name_troubles_done(struct name_troubles *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		free(t->list[i].path);
		free(t->list[i].why);
	}
	memset(t, 0, sizeof(*t));
}

void name_troubles_add(struct name_troubles *t, const char *path, const char *why, uint32_t n,
	bool lines_only)
{
	struct name_trouble *x;

	for (uint32_t i = 0; i < t->n; i++) {
		x = &t->list[i];
		if (strcmp(x->path, path) == 0 && strcmp(x->why, why) == 0) {
			x->n += n;
			return;
		}
	}
	if (t->n == NAME_TROUBLES) {
		t->n_more++;
		return;
	}
	x = &t->list[t->n];
	*x = (struct name_trouble){ strdup(path), strdup(why), n, lines_only };
	t->n += x->path && x->why;
}

bool name_troubles_text(const struct name_troubles *t, uint32_t i, char *text, size_t size)
{
	const struct name_trouble *x = &t->list[i < t->n ? i : 0];

	if (i == t->n && t->n_more)
		snprintf(text, size, "names are missing from more files, %u times", t->n_more);
	else if (i < t->n)
		snprintf(text, size, "%s of %u %s in '%s' are missing: %s",
			x->lines_only ? "inlined functions and lines of some" : "names", x->n,
			x->n == 1 ? "address" : "addresses", x->path, x->why);
	return i < t->n || (i == t->n && t->n_more);
}
