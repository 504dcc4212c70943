#include "record/tracepoint.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "record/perf_event.h"
#include "record/suggest.h"
#include "record/tracefs.h"

/* ---- names ---- */

struct names {
	const char *pattern;
	const char **found; /* owned by the arena, which they outgrow by doubling */
	uint32_t n, cap;
	struct arena *arena;
	struct suggest near;
};

static void take_name(void *ctx, const char *name)
{
	struct names *m = ctx;

	suggest_offer(&m->near, name);
	if (fnmatch(m->pattern, name, 0) != 0)
		return;
	if (m->n == m->cap) {
		const char **more = arena_alloc(m->arena, (m->cap * 2 + 8) * sizeof(*more));

		if (m->n)
			memcpy(more, m->found, m->n * sizeof(*more));
		m->found = more;
		m->cap = m->cap * 2 + 8;
	}
	m->found[m->n++] = arena_strdup(m->arena, name);
}

static int no_such(const struct names *m, struct err *err)
{
	int rc;

	if (strpbrk(m->pattern, "*?["))
		return err_set(err, ENOENT,
			"no tracepoint is called like '%s' (perf list tracepoint, or "
			"available_events in tracefs, shows them all)",
			m->pattern);
	rc = err_set(err, ENOENT, "there is no tracepoint '%s'", m->pattern);
	suggest_append(&m->near, err);
	return rc;
}

static int read_format(const char *tracefs, struct tracepoint *t, struct arena *a, struct err *err)
{
	const char *text;
	size_t len;
	int rc = tracefs_format(tracefs, t->name, a, &text, &len, err);

	if (rc)
		return rc;
	rc = trace_format_parse(&t->format, text, len, a, err);
	return rc ? err_step(err, rc, "the format of %s", t->name) : 0;
}

int tracepoints_find(const char *tracefs, const char *pattern, struct arena *a,
	struct tracepoint **found, uint32_t *n, struct err *err)
{
	struct names m = { .pattern = pattern, .arena = a };
	int rc;

	suggest_init(&m.near, pattern);
	rc = tracefs_each(tracefs, take_name, &m, err);
	if (rc)
		return rc;
	if (!m.n)
		return no_such(&m, err);
	*found = arena_alloc(a, m.n * sizeof(**found));
	*n = m.n;
	for (uint32_t i = 0; !rc && i < m.n; i++) {
		(*found)[i].name = m.found[i];
		rc = read_format(tracefs, &(*found)[i], a, err);
	}
	return rc;
}

/* ---- filters ---- */

/* What can stand in a filter beside the event's own fields. */
static bool is_common(const char *s, size_t len)
{
	static const char *const names[] = { "CPU", "cpu", "COMM", "comm", "STACKTRACE",
		"stacktrace" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && memcmp(names[i], s, len) == 0)
			return true;
	return len > 7 && memcmp(s, "common_", 7) == 0;
}

/* Whether an operator that compares follows: then what is in front of it is a field. */
static bool is_compared(const char *s)
{
	s += strspn(s, " \t");
	return strchr("=!<>~", *s) ? *s != '\0' : s[0] == '&' && s[1] != '&';
}

const char *tracepoint_unknown_field(const struct trace_format *f, const char *filter, size_t *len)
{
	const char *p = filter;

	while (*p) {
		size_t n = strspn(p,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

		if (*p == '"' || *p == '\'') {
			const char *end = strchr(p + 1, *p);

			p = end ? end + 1 : p + strlen(p);
		} else if (!n) {
			p++;
		} else {
			*len = n;
			if (!isdigit((unsigned char)*p) && is_compared(p + n) &&
				!trace_format_field(f, p, n) && !is_common(p, n))
				return p;
			p += n;
		}
	}
	return NULL;
}

static void list_fields(const struct trace_format *f, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < f->n_fields && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", i ? ", " : "", f->fields[i].name);
}

static int explain_filter(const struct tracepoint *t, const char *filter, struct err *err)
{
	char fields[512];
	size_t len;
	const char *unknown = tracepoint_unknown_field(&t->format, filter, &len);

	list_fields(&t->format, fields, sizeof(fields));
	if (unknown)
		return err_set(err, EINVAL, "%s has no field '%.*s' to filter by; it has %s",
			t->name, (int)len, unknown, fields);
	return err_set(err, EINVAL,
		"the kernel does not take the filter '%s' for %s: compare a field with a number "
		"(== != < <= > >= &) or a text in quotes (== != ~), and join by && and ||; "
		"fields: %s",
		filter, t->name, fields);
}

int tracepoint_check_filter(const struct tracepoint *t, const char *filter, struct err *err)
{
	struct perf_event_attr attr;
	int fd, code;

	perf_attr_init(&attr, PERF_TYPE_TRACEPOINT, t->format.id);
	fd = perf_open(&attr, 0, -1, NULL);
	if (fd < 0)
		return 0; /* the recording's own attempt says why */
	code = ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter) ? errno : 0;
	close(fd);
	if (code == EINVAL || code == ENOENT)
		return explain_filter(t, filter, err);
	return code ? err_errno(err, code, "setting the filter '%s'", filter) : 0;
}

/* ---- opening ---- */

int tracepoint_explain_refusal(int code, struct err *err)
{
	long paranoid = perf_paranoid();

	if (code != EACCES && code != EPERM)
		return -code;
	if (geteuid() == 0)
		return err_set(err, code,
			"the kernel does not permit it even to root: CAP_PERFMON is missing (a container?), "
			"or it is a tracepoint that nobody may record, as irq_vectors:irq_work_exit");
	if (paranoid > -1)
		return err_set(err, code,
			"tracepoints and probes are not permitted (kernel.perf_event_paranoid is %ld): run "
			"as root, give `rec` CAP_PERFMON (setcap cap_perfmon+ep), or "
			"sysctl kernel.perf_event_paranoid=-1",
			paranoid);
	return -code;
}
