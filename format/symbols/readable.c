/* Demangling, once for each text. */
#include "format/symbols/readable.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/map.h"
#include "format/symbols/demangle.h"

enum { N_READABLE = 4096 };

struct readable {
	const char *linkage[N_READABLE], *name[N_READABLE]; /* of an arena */
};

struct readable *readable_new(void)
{
	return xcalloc(1, sizeof(struct readable));
}

void readable_free(struct readable *r)
{
	free(r);
}

/* The length of a name without the version of its library, which says nothing about what runs. */
static size_t without_version(const char *name)
{
	size_t len = strcspn(name, "@");
	const char *version = name + len + strspn(name + len, "@");

	if (len && *version >= 'A' && *version <= 'Z' &&
		!version[strspn(version,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789_.")])
		return len;
	return strlen(name);
}

const char *readable_name(struct arena *a, const char *linkage)
{
	const char *name = demangle(a, linkage);
	size_t len = without_version(linkage);

	return name || !linkage[len] ? name : arena_strndup(a, linkage, len);
}

static const char *readable_once(struct readable *r, struct arena *a, const char *linkage)
{
	size_t at = hash_u64((uintptr_t)linkage) % N_READABLE;

	if (r->linkage[at] != linkage) {
		r->linkage[at] = linkage;
		r->name[at] = readable_name(a, linkage);
	}
	return r->name[at];
}

void readable_chain(struct readable *r, struct inline_chain *c, struct arena *a)
{
	for (uint32_t i = 1; i < c->n; i++) {
		struct inline_frame *f = &c->frames[i];
		const char *name = f->linkage ? readable_once(r, a, f->linkage) : NULL;

		if (name)
			f->name = name;
		else if (!f->name)
			f->name = f->linkage;
		if (f->linkage && f->name && strcmp(f->linkage, f->name) == 0)
			f->linkage = NULL;
	}
}
