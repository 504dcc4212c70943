#include "analyze/cut.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { IDS_SHOWN = 20 };

/* Why an event is kept. */
enum kind {
	KIND_EVENT,  /* as the filter says */
	KIND_STATE,  /* everything before the window's end */
	KIND_MOMENT, /* in the window */
	KIND_GAP,    /* from its field `since` to its time: if that touches the window */
};

static const struct kind_of_event {
	const char *name; /* one that ends with an underscore stands for all that begin so */
	enum kind kind;
} kinds[] = {
	{ "process_", KIND_STATE },
	{ "cpu_topology", KIND_STATE },
	{ "clock", KIND_STATE },
	{ "recorder", KIND_MOMENT },
	{ "cpu_throttle", KIND_MOMENT },
	{ "trigger", KIND_MOMENT },
	{ "lost", KIND_GAP },
};

static bool is_of(const struct event_type *type, const char *name)
{
	size_t len = strlen(name);

	return name[len - 1] == '_' ? strncmp(type->name, name, len) == 0
				    : strcmp(type->name, name) == 0;
}

static enum kind kind_of(const struct event_type *type)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_of(type, kinds[i].name))
			return kinds[i].kind;
	return KIND_EVENT;
}

void cut_init(struct cut *c, struct analyze_options *o, uint64_t start_ns)
{
	*c = (struct cut){ .filter = &o->filter, .event = o->event };
	o->filter.idle = true; /* a cut leaves nothing out by itself */
	filter_bounds(&o->filter, start_ns, &c->from_ns, &c->to_ns);
}

static bool is_named(const struct cut *c, const struct event_type *type)
{
	return !c->event || strcmp(c->event, type->name) == 0;
}

/* Without an end even the last moment that there is belongs to the window. */
static bool before_end(const struct cut *c, uint64_t t)
{
	return t < c->to_ns || c->to_ns == UINT64_MAX;
}

static bool in_window(const struct cut *c, uint64_t t)
{
	return t >= c->from_ns && before_end(c, t);
}

/* ---- as copy_trace asks ---- */

static bool segment(void *ctx, const struct segment *s)
{
	const struct cut *c = ctx;

	return filter_segment(c->filter, s);
}

static enum copy_choice block(void *ctx, const struct segment *s, const struct event_type *type,
	uint64_t first, uint64_t last)
{
	const struct cut *c = ctx;
	uint64_t shift = (uint64_t)s->shift_ns;
	bool starts_before = before_end(c, first + shift), ends_behind = last + shift >= c->from_ns;

	if (!type) /* damage, which whoever decodes it reports */
		return starts_before && ends_behind ? COPY_THIS : COPY_NOT;
	switch (kind_of(type)) {
	case KIND_STATE: return !starts_before ? COPY_NOT : ends_behind ? COPY_THIS : COPY_ALONG;
	case KIND_GAP: return ends_behind ? COPY_THIS : COPY_NOT;
	case KIND_EVENT:
		if (!is_named(c, type))
			return COPY_NOT;
		break;
	default: break;
	}
	return starts_before && ends_behind ? COPY_THIS : COPY_NOT;
}

/* A column of a block by its field's name, or NULL. */
static const uint64_t *column(const struct event_type *type, uint64_t *const *columns,
	const char *name)
{
	int field = event_field(type, name);

	return field < 0 ? NULL : columns[field];
}

static bool pid_listed(const struct cut *c, const uint64_t *pids, uint32_t row)
{
	for (uint32_t i = 0; pids && i < c->filter->pids.n; i++)
		if (c->filter->pids.ids[i] == pids[row])
			return true;
	return false;
}

static void keep_state(const struct cut *c, const struct event_type *type, uint64_t *const *columns,
	uint64_t shift, uint32_t n, bool *keep)
{
	const uint64_t *pids = column(type, columns, "pid");
	const uint64_t *parents = column(type, columns, "parent_pid");
	bool by_pid = c->filter->pids.n && pids;

	for (uint32_t i = 0; i < n; i++) {
		keep[i] = before_end(c, columns[0][i] + shift);
		if (by_pid && pids[i] != 0)
			keep[i] &= pid_listed(c, pids, i) || pid_listed(c, parents, i);
	}
}

static void keep_gaps(const struct cut *c, const struct event_type *type, uint64_t *const *columns,
	uint64_t shift, uint32_t n, bool *keep)
{
	const uint64_t *since = column(type, columns, "since");

	for (uint32_t i = 0; i < n; i++) {
		uint64_t end = columns[0][i] + shift, start = since ? since[i] + shift : end;

		keep[i] = end >= c->from_ns && before_end(c, start < end ? start : end);
	}
}

static void keep_events(struct cut *c, const struct segment *s, const struct event_type *type,
	uint64_t *const *columns, uint32_t n, bool *keep)
{
	const uint64_t *by[FILTER_FIELDS];
	uint64_t v[FILTER_FIELDS] = { 0 };
	unsigned missing = 0;

	for (int k = 0; k < FILTER_FIELDS; k++) {
		by[k] = column(type, columns, filter_fields[k]);
		missing |= by[k] ? 0 : 1u << k;
	}
	for (uint32_t i = 0; i < n; i++) {
		for (int k = 0; k < FILTER_FIELDS; k++)
			v[k] = by[k] ? by[k][i] : 0;
		keep[i] = in_window(c, columns[0][i] + (uint64_t)s->shift_ns) &&
			filter_pass(c->filter, s, v, missing);
	}
}

/* Gaps that touch the window are in it as far as this is asked. */
static bool is_reason(const struct cut *c, enum kind kind, uint64_t t)
{
	return kind == KIND_GAP || in_window(c, t);
}

static bool rows(void *ctx, const struct segment *s, const struct event_type *type,
	uint64_t *const *columns, uint32_t n, bool *keep)
{
	struct cut *c = ctx;
	uint64_t shift = (uint64_t)s->shift_ns;
	enum kind kind = kind_of(type);
	bool counts = kind == KIND_EVENT || (c->event && is_named(c, type)), reason = false;

	switch (kind) {
	case KIND_EVENT: keep_events(c, s, type, columns, n, keep); break;
	case KIND_STATE: keep_state(c, type, columns, shift, n, keep); break;
	case KIND_GAP: keep_gaps(c, type, columns, shift, n, keep); break;
	case KIND_MOMENT:
		for (uint32_t i = 0; i < n; i++)
			keep[i] = in_window(c, columns[0][i] + shift);
		break;
	}
	for (uint32_t i = 0; i < n; i++) {
		c->passed |= counts && keep[i];
		reason |= keep[i] && is_reason(c, kind, columns[0][i] + shift);
	}
	return reason;
}

struct copy_options cut_copy_options(struct cut *c)
{
	return (struct copy_options){ .segment = segment, .block = block, .rows = rows, .ctx = c };
}

/* ---- words ---- */

bool cut_is_set(const struct cut *c)
{
	return c->event || filter_is_set(c->filter);
}

static const char *describe_ids(const char *text, const char *option, const struct id_list *list,
	struct arena *a)
{
	for (uint32_t i = 0; i < list->n && i <= IDS_SHOWN; i++) {
		if (i == IDS_SHOWN)
			return arena_printf(a, "%s,...", text);
		text = i ? arena_printf(a, "%s,%u", text, list->ids[i])
			 : arena_printf(a, "%s --%s %u", text, option, list->ids[i]);
	}
	return text;
}

static const char *describe_names(const char *text, const char *option, const char *const *names,
	uint32_t n, struct arena *a)
{
	for (uint32_t i = 0; i < n; i++)
		text = arena_printf(a, "%s --%s '%s'", text, option, names[i]);
	return text;
}

/* Seconds without zeros at the end. */
static const char *seconds(uint64_t ns, struct arena *a)
{
	char *s = arena_printf(a, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
	size_t n = strlen(s);

	while (s[n - 1] == '0')
		s[--n] = '\0';
	if (s[n - 1] == '.')
		s[n - 1] = '\0';
	return s;
}

const char *cut_describe(const struct cut *c, struct arena *a)
{
	const struct filter *f = c->filter;
	const char *text = "";

	if (f->has_window && f->to_ns == UINT64_MAX)
		text = arena_printf(a, " --time %ss..", seconds(f->from_ns, a));
	else if (f->has_window)
		text = arena_printf(a, " --time %ss..%ss", seconds(f->from_ns, a),
			seconds(f->to_ns, a));
	text = describe_ids(text, "pid", &f->pids, a);
	text = describe_ids(text, "tid", &f->tids, a);
	text = describe_ids(text, "cpu", &f->cpus, a);
	text = describe_names(text, "comm", f->comms, f->n_comms, a);
	text = describe_names(text, "host", f->hosts, f->n_hosts, a);
	if (c->event)
		text = arena_printf(a, "%s --event %s", text, c->event);
	return text[0] ? text + 1 : "everything";
}
