/* Cheap tests first; the pattern for names is tried once per distinct name. */
#include "analyze/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/duration.h"

enum { PID, TID, CPU, COMM };

const char *const filter_fields[FILTER_FIELDS] = { "pid", "tid", "cpu", "comm" };

void filter_init(struct filter *f)
{
	memset(f, 0, sizeof(*f));
	f->to_ns = UINT64_MAX;
}

void filter_done(struct filter *f)
{
	free(f->pids.ids);
	free(f->tids.ids);
	free(f->cpus.ids);
	free(f->comms);
	free(f->hosts);
	free(f->comm_known);
}

void filter_detach(struct filter *copy)
{
	copy->segment = NULL;
	copy->comm_known = NULL;
	copy->n_known = 0;
	copy->n_idle = 0;
}

void filter_detached_done(struct filter *copy)
{
	free(copy->comm_known);
}

int filter_window(struct filter *f, const char *text, struct err *err)
{
	const char *dots = strstr(text, "..");
	char from[64];
	uint64_t from_ns = 0, to_ns = UINT64_MAX;

	if (!dots || (size_t)(dots - text) >= sizeof(from))
		goto bad;
	memcpy(from, text, (size_t)(dots - text));
	from[dots - text] = '\0';
	if (from[0] && duration_parse(from, &from_ns))
		goto bad;
	if (dots[2] && duration_parse(dots + 2, &to_ns))
		goto bad;
	if (to_ns <= from_ns)
		return err_set(err, EINVAL, "the window %s ends before it begins", text);
	f->has_window = true;
	f->from_ns = from_ns;
	f->to_ns = to_ns;
	return 0;
bad:
	return err_set(err, EINVAL, "'%s' is no window of time: try 1.5s..2s, ..500ms or 10s..",
		text);
}

int filter_ids(struct id_list *list, const char *text, struct err *err)
{
	const char *p = text;

	if (!*p)
		return err_set(err, EINVAL, "a list of numbers is empty: try 12 or 3,5-7");
	while (*p) {
		char *end;
		unsigned long first = strtoul(p, &end, 10), last = first;

		if (end != p && *end == '-')
			last = strtoul(p = end + 1, &end, 10);
		if (end == p || (*end && *end != ',') || last < first || last - first > 65536 ||
			last > UINT32_MAX)
			return err_set(err, EINVAL, "'%s' is no list of numbers: try 12 or 3,5-7",
				text);
		list->ids = xrealloc(list->ids, list->n + (last - first) + 1, sizeof(*list->ids));
		for (unsigned long id = first; id <= last; id++)
			list->ids[list->n++] = (uint32_t)id;
		p = *end ? end + 1 : end;
	}
	return 0;
}

void filter_comm(struct filter *f, const char *pattern)
{
	f->comms = xrealloc(f->comms, f->n_comms + 1, sizeof(*f->comms));
	f->comms[f->n_comms++] = pattern;
}

void filter_host(struct filter *f, const char *pattern)
{
	f->hosts = xrealloc(f->hosts, f->n_hosts + 1, sizeof(*f->hosts));
	f->hosts[f->n_hosts++] = pattern;
}

bool filter_is_set(const struct filter *f)
{
	return f->has_window || f->pids.n || f->tids.n || f->cpus.n || f->n_comms || f->n_hosts;
}

static uint64_t moment(uint64_t start_ns, uint64_t ns)
{
	return ns > UINT64_MAX - start_ns ? UINT64_MAX : start_ns + ns;
}

void filter_bounds(const struct filter *f, uint64_t start_ns, uint64_t *from_ns, uint64_t *to_ns)
{
	*from_ns = f->has_window ? moment(start_ns, f->from_ns) : 0;
	*to_ns = f->has_window ? moment(start_ns, f->to_ns) : UINT64_MAX;
}

static bool listed(const struct id_list *list, uint64_t id)
{
	for (uint32_t i = 0; i < list->n; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

static bool match(const char *const *patterns, uint32_t n, struct text t)
{
	char name[256];
	size_t len = t.len < sizeof(name) ? t.len : sizeof(name) - 1;

	memcpy(name, t.s, len);
	name[len] = '\0';
	for (uint32_t i = 0; i < n; i++)
		if (fnmatch(patterns[i], name, 0) == 0 || strcmp(patterns[i], name) == 0)
			return true;
	return false;
}

static bool match_comm(const struct filter *f, struct text t)
{
	return match(f->comms, f->n_comms, t);
}

bool filter_segment(const struct filter *f, const struct segment *s)
{
	return !f->n_hosts || match(f->hosts, f->n_hosts, segment_info(s, "machine.host"));
}

static bool comm_passes(struct filter *f, const struct segment *s, uint64_t id)
{
	if (s != f->segment || id >= f->n_known) {
		uint32_t n = s->n_strings > id ? s->n_strings : (uint32_t)id + 1;

		if (id >= s->n_strings)
			return match_comm(f, (struct text){ "", 0 });
		f->comm_known = xrealloc(f->comm_known, n, 1);
		if (s != f->segment)
			f->n_known = 0;
		memset(f->comm_known + f->n_known, 0, n - f->n_known);
		f->n_known = n;
		f->segment = s;
	}
	if (!f->comm_known[id])
		f->comm_known[id] = match_comm(f, segment_string(s, (uint32_t)id)) ? 2 : 1;
	return f->comm_known[id] == 2;
}

static bool id_passes(const struct id_list *list, const uint64_t *v, unsigned missing, int field)
{
	return !list->n || (!(missing & 1u << field) && listed(list, v[field]));
}

/* The idle thread has the number 0 and a name; a number 0 without one means that nobody is known. */
static bool is_idle(const uint64_t *v, unsigned missing)
{
	return !(missing & (1u << PID | 1u << TID)) && v[PID] == 0 && v[TID] == 0 &&
		(missing & 1u << COMM || v[COMM] != 0);
}

bool filter_look(struct filter *f, const struct segment *s, const uint64_t *v, unsigned missing)
{
	if (!id_passes(&f->pids, v, missing, PID) || !id_passes(&f->tids, v, missing, TID) ||
		!id_passes(&f->cpus, v, missing, CPU))
		return false;
	if (!filter_segment(f, s))
		return false;
	if (f->n_comms && (missing & 1u << COMM || !comm_passes(f, s, v[COMM])))
		return false;
	if (!f->idle && is_idle(v, missing)) {
		f->n_idle++;
		return false;
	}
	return true;
}

bool filter_pass_row(struct filter *f, const struct row *row)
{
	uint64_t v[FILTER_FIELDS];
	unsigned missing = 0;

	for (int i = 0; i < FILTER_FIELDS; i++) {
		int field = event_field(row->type, filter_fields[i]);

		v[i] = field < 0 ? 0 : row->values[field];
		missing |= field < 0 ? 1u << i : 0;
	}
	return filter_pass(f, row->segment, v, missing);
}
