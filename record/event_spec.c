/* Commas separate, except within filters, strings, and the brackets of a function's name. */
#include "record/event_spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"

static char *copy(const char *s, size_t len)
{
	char *to = xcalloc(len + 1, 1);

	memcpy(to, s, len);
	return to;
}

/* ---- cutting ---- */

static const struct {
	const char *prefix;
	enum event_kind kind;
} probes[] = {
	{ "uprobe:", EVENT_UPROBE },
	{ "uretprobe:", EVENT_URETPROBE },
	{ "usdt:", EVENT_USDT },
};

/* The kind that the item's prefix says, or EVENT_SAMPLE. */
static enum event_kind probe_kind(const char *s, size_t *prefix)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		*prefix = strlen(probes[i].prefix);
		if (strncmp(s, probes[i].prefix, *prefix) == 0)
			return probes[i].kind;
	}
	*prefix = 0;
	return EVENT_SAMPLE;
}

/* Bytes of a probe: names of C++ functions have commas in brackets. */
static size_t probe_len(const char *s)
{
	int depth = 0;
	size_t i;

	for (i = 0; s[i] && (s[i] != ',' || depth > 0); i++)
		depth += (s[i] == '<' || s[i] == '(') - (s[i] == '>' || s[i] == ')');
	return depth > 0 ? strcspn(s, ",") : i; /* operator<: no brackets at all */
}

/* Bytes of "/FILTER/": it ends at a slash that nothing or a comma follows. 0: it does not end. */
static size_t filter_len(const char *s)
{
	char quote = 0;

	for (size_t i = 1; s[i]; i++) {
		if (quote)
			quote = s[i] == quote ? 0 : quote;
		else if (s[i] == '"' || s[i] == '\'')
			quote = s[i];
		else if (s[i] == '/' && (!s[i + 1] || s[i + 1] == ',' || s[i + 1] == '}'))
			return i + 1;
	}
	return 0;
}

/* ---- one event ---- */

static int parse_usdt(struct event_spec *e, const char *rest, struct err *err)
{
	char *colon = strchr(rest, ':');

	if (!colon || colon == rest || !colon[1])
		return err_set(err, EINVAL, "'%s': write usdt:/PATH/TO/FILE:PROVIDER:NAME",
			e->text);
	e->provider = copy(rest, (size_t)(colon - rest));
	e->symbol = copy(colon + 1, strlen(colon + 1));
	return 0;
}

static int parse_function(struct event_spec *e, const char *rest, struct err *err)
{
	const char *plus = strrchr(rest, '+');
	char *end;

	e->symbol = copy(rest, strlen(rest));
	if (!plus || plus == rest || !isdigit((unsigned char)plus[1]))
		return 0; /* operator+ is a name */
	e->offset = strtoull(plus + 1, &end, 0);
	if (*end)
		return err_set(err, EINVAL, "'%s': '%s' is no offset: write +16 or +0x10", e->text,
			plus);
	if (e->kind == EVENT_URETPROBE)
		return err_set(err, EINVAL,
			"'%s': a function's return has no offset: leave out '%s'", e->text, plus);
	e->symbol[plus - rest] = '\0';
	return 0;
}

/* PATH:rest. A path may have colons in it: the first beginning that is a file is meant. */
static int parse_probe(struct event_spec *e, const char *s, struct err *err)
{
	const char *first = strchr(s, ':'), *colon = first;

	for (; colon; colon = strchr(colon + 1, ':')) {
		free(e->path);
		e->path = copy(s, (size_t)(colon - s));
		if (access(e->path, F_OK) == 0)
			break;
	}
	if (!colon && first) {
		free(e->path);
		e->path = copy(s, (size_t)(first - s));
		colon = first;
	}
	if (!colon || colon == s || !colon[1])
		return err_set(err, EINVAL, "'%s': write %s", e->text,
			e->kind == EVENT_USDT             ? "usdt:/PATH/TO/FILE:PROVIDER:NAME"
				: e->kind == EVENT_UPROBE ? "uprobe:/PATH/TO/FILE:FUNCTION[+OFFSET]"
							  : "uretprobe:/PATH/TO/FILE:FUNCTION");
	return e->kind == EVENT_USDT ? parse_usdt(e, colon + 1, err)
				     : parse_function(e, colon + 1, err);
}

/* "cycles" or "cycles:u". A known name without letters that we know behind it is something else. */
static bool parse_sample(struct event_spec *e, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t name = colon ? (size_t)(colon - s) : len;

	e->known = sample_event_find(s, name, &e->sample);
	if (colon && (!e->known || name + 1 == len))
		return false;
	for (size_t i = name + 1; i < len; i++) {
		e->user |= s[i] == 'u';
		e->kernel |= s[i] == 'k';
		e->precise += s[i] == 'p';
		if (!strchr("ukp", s[i]))
			return false;
	}
	return true;
}

static bool has_space(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (isspace((unsigned char)s[i]))
			return true;
	return false;
}

static int parse_plain(struct event_spec *e, size_t len, struct err *err)
{
	const char *s = e->text, *colon = memchr(s, ':', len);

	if (!len || has_space(s, len))
		return err_set(err, EINVAL,
			"'%s' is no event: write SYSTEM:EVENT[/FILTER/], cycles, page-faults, or "
			"uprobe:, uretprobe:, usdt:...",
			s);
	if (parse_sample(e, s, len)) {
		e->kind = EVENT_SAMPLE;
		if (e->filter)
			return err_set(err, EINVAL, "'%s' has no fields that /%s/ could look at", s,
				e->filter);
		return 0;
	}
	e->kind = EVENT_TRACEPOINT;
	if (!colon || colon == s || colon + 1 == s + len || strchr(colon + 1, ':'))
		return err_set(err, EINVAL, "'%s' is no event: write SYSTEM:EVENT[/FILTER/]", s);
	return 0;
}

/* Adds the event that begins at *text and steps over it. */
static int add(struct event_specs *l, const char **text, unsigned group, struct err *err)
{
	struct event_spec *e;
	const char *s = *text;
	size_t prefix, len, filter = 0;
	enum event_kind kind = probe_kind(s, &prefix);

	len = kind ? probe_len(s) : strcspn(s, ",/}");
	if (!kind && s[len] == '/' && !(filter = filter_len(s + len)))
		return err_set(err, EINVAL, "the filter in '%s' has no end: write /FILTER/", s);
	l->specs = xrealloc(l->specs, l->n + 1, sizeof(*l->specs));
	e = &l->specs[l->n++];
	*e = (struct event_spec){ .kind = kind, .group = group, .text = copy(s, len) };
	if (filter > 2)
		e->filter = copy(s + len + 1, filter - 2);
	*text = s + len + filter;
	return kind ? parse_probe(e, e->text + prefix, err) : parse_plain(e, len, err);
}

int event_specs_add(struct event_specs *l, const char *text, struct err *err)
{
	const char *p = text;
	unsigned group = 0;

	do {
		int rc;

		if (*p == '{' && !group) {
			group = ++l->n_groups;
			p++;
		}
		rc = add(l, &p, group, err);
		if (rc)
			return rc;
		if (*p == '}' && group) {
			group = 0;
			p++;
		}
		if (*p && *p != ',')
			return err_set(err, EINVAL, "a comma is missing in '%s' before '%s'", text,
				p);
	} while (*p++ == ',');
	return group ? err_set(err, EINVAL, "'}' is missing in '%s'", text) : 0;
}

void event_specs_done(struct event_specs *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		free(l->specs[i].text);
		free(l->specs[i].filter);
		free(l->specs[i].path);
		free(l->specs[i].provider);
		free(l->specs[i].symbol);
	}
	free(l->specs);
	memset(l, 0, sizeof(*l));
}

bool event_specs_has(const struct event_specs *l, bool samples)
{
	for (unsigned i = 0; i < l->n; i++)
		if ((l->specs[i].kind == EVENT_SAMPLE) == samples)
			return true;
	return false;
}
