#include "analyze/slow_findings.h"

#include <stdlib.h>

#include "analyze/frames.h"
#include "render/number.h"

enum { MAX_FINDINGS = 3 };

#define SLOWEST 0.01 /* part of the calls that findings are about */

static int by_lost_time(const void *a, const void *b)
{
	const struct slow_kind *const *x = a, *const *y = b;
	struct slow_sum s = slow_calls_sum(*x, SLOWEST), u = slow_calls_sum(*y, SLOWEST);
	uint64_t m = s.all.waiting_ns + s.all.disk_ns, n = u.all.waiting_ns + u.all.disk_ns;

	if (m != n)
		return m > n ? -1 : 1;
	return (*x)->name < (*y)->name ? -1 : (*x)->name > (*y)->name;
}

/* "; mostly behind nginx (thread 12), seen in parse()", of the thread that ran most of that time. */
static const char *behind_text(struct timeline_lanes *t, const struct slow_step *s,
	struct report *r)
{
	const struct slow_behind *most = &s->behind[0];
	const struct timeline_who *who;
	struct frame_name names[FRAME_NAMES];
	struct text comm;
	unsigned n = 0;

	for (int i = 1; i < SLOW_BEHIND; i++)
		most = s->behind[i].ns > most->ns ? &s->behind[i] : most;
	if (!most->who)
		return "";
	who = &t->threads[most->who - 1];
	comm = segment_string(who->segment, who->comm);
	if (most->stack) {
		const struct stack_at *at = &t->stacks.stacks[most->stack - 1];

		n = frames_name(at->segment, segment_stack_frame(at->segment, at->stack), &r->arena,
			names);
	}
	return arena_printf(&r->arena, ", most of it behind %.*s (thread %u)%s%.*s%s",
		(int)comm.len, comm.s, who->tid, n ? ", seen in " : "",
		n ? (int)names[n - 1].len : 0, n ? names[n - 1].s : "", n ? "()" : "");
}

/* "41% of ...", or nothing where that is too little. */
static const char *part_text(uint64_t part, uint64_t whole, bool first, const char *what,
	struct report *r)
{
	double percent = 100 * share(part, whole);

	if (percent < 0.5)
		return "";
	return arena_printf(&r->arena, "%s%.0f%%%s%s", first ? " " : ", ", percent,
		first ? " of their time " : " ", what);
}

/* What things of a kind are called behind their name. */
static const char *things_text(enum timeline_kind kind)
{
	return kind == TIMELINE_CALL ? " calls" : kind == TIMELINE_FAULT ? " page faults" : "";
}

static void add_slow(struct timeline_lanes *t, const struct slow_kind *k, uint64_t start_ns,
	struct report *r)
{
	const struct slow_sum sum = slow_calls_sum(k, SLOWEST);
	const struct slow_step *s = &sum.all;
	const struct timeline_name *name = &t->builder.names[k->name];
	const char *waiting = part_text(s->waiting_ns, s->ns, true, "for a CPU", r);
	char n[NUMBER_MAX], all[NUMBER_MAX], ns[NUMBER_MAX], least[NUMBER_MAX];

	report_finding(r, s->waiting_ns + s->disk_ns, "timeline",
		"The slowest %.1f%% of %s%s (%s of %s, %s or longer, %s in all) waited%s%s%s.",
		100 * (double)s->n / (double)k->n, name->text, things_text(name->kind),
		number_count(n, s->n), number_count(all, k->n), number_ns(least, sum.least_ns),
		number_ns(ns, s->ns), waiting, *waiting ? behind_text(t, s, r) : "",
		part_text(s->disk_ns, s->ns, !*waiting, "uninterruptibly (for disks, mostly)", r));
	if (k->longest_from_ns >= start_ns)
		report_finding_seen(r, k->longest_from_ns - start_ns, k->longest_to_ns - start_ns);
}

/* Of calls that mostly sleep, which is what they are for, nothing is found. */
static bool is_worth_telling(const struct slow_kind *k)
{
	const struct slow_step s = slow_calls_sum(k, SLOWEST).all;

	return k->n >= 100 && 2 * s.asleep_ns < s.ns && 5 * (s.waiting_ns + s.disk_ns) > s.ns;
}

void slow_findings(const struct slow_calls *c, struct timeline_lanes *t, uint64_t start_ns,
	struct report *r)
{
	const struct slow_kind **list = xcalloc((size_t)c->n_kinds + 1, sizeof(*list));
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_kinds; i++)
		if (is_worth_telling(&c->kinds[i]))
			list[n++] = &c->kinds[i];
	qsort(list, n, sizeof(const struct slow_kind *), by_lost_time);
	for (uint32_t i = 0; i < n && i < MAX_FINDINGS; i++)
		add_slow(t, list[i], start_ns, r);
	free(list);
}
