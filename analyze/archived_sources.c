#include "analyze/archived_sources.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/archive.h"
#include "analyze/inputs.h"

static struct text text_of(const char *s)
{
	return (struct text){ s, strlen(s) };
}

void archived_sources_init(struct archived_sources *s, const struct text_set *wanted)
{
	*s = (struct archived_sources){ .wanted = wanted };
	text_set_init(&s->names);
}

void archived_sources_done(struct archived_sources *s)
{
	for (uint32_t i = 0; i < s->names.n; i++)
		close(s->files[i]);
	free(s->files);
	text_set_done(&s->names);
}

static bool wants(void *ctx, const struct archive_member *m)
{
	const struct archived_sources *s = ctx;

	return text_set_has(s->wanted, text_of(m->name)) &&
		!text_set_has(&s->names, text_of(m->name));
}

static int take(void *ctx, const struct archive_member *m, int fd, struct err *err)
{
	struct archived_sources *s = ctx;

	(void)err;
	s->files = xgrow(s->files, s->names.n, sizeof(*s->files));
	s->files[s->names.n] = fd;
	text_set_add(&s->names, text_of(m->name));
	return 0;
}

static int look_into(void *ctx, const char *name, int fd, struct err *err)
{
	const struct archive_visitor v = { .wants = wants, .take = take, .ctx = ctx };
	int rc = archive_visit(fd, &v, err);

	return rc ? err_step(err, rc, "'%s'", name) : 0;
}

int archived_sources_add(struct archived_sources *s, const char *word, struct err *err)
{
	return inputs_archives(word, look_into, s, err);
}

int archived_sources_find(const struct archived_sources *s, const char *name)
{
	uint32_t at = text_set_find(&s->names, text_of(name));

	return at ? s->files[at - 1] : -1;
}
