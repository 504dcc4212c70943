#include "analyze/pass.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/crew.h"
#include "analyze/inputs.h"
#include "analyze/trust.h"

/* One want of one analyzer, widened by the fields that the filter looks at. */
struct client {
	uint32_t n_fields; /* that it asked for; the filter's come behind */
	bool filtered;
};

/* An analyzer at work, in whichever thread: what is not its own it only reads. */
struct part {
	const struct analyzer *analyzer;
	void *state; /* owned */
	/* Owned: the pass's, with as many rows of tables as this part may have, and a filter of its own, as
	 * filters remember what they have seen. */
	struct analyze_options *options;
	struct report *report; /* borrowed; NULL: that of the pass */
	bool silent;           /* found nothing to begin with, in a report of many */
	bool unfiltered;       /* all its rows pass */
	uint32_t first_want, end_want;
	const struct client *clients; /* of all wants; borrowed */
	uint64_t first_ns, last_ns;   /* of the rows that it got */
};

struct pass {
	struct part *parts; /* owned */
	uint32_t n;
	struct analyze_options *options; /* borrowed */
	struct inputs inputs;
	struct trust trust;
	struct arena arena;
	struct want *wants;          /* owned; the fields in the arena */
	struct client *clients;      /* owned; one for each want */
	uint32_t n_wants, first_own; /* first_own: from here on the wants are those of trust */
	uint64_t start_ns, first_ns, last_ns;
};

static void add_want(struct pass *p, const struct want *w, bool filtered)
{
	uint32_t n = w->n_fields + (filtered ? FILTER_FIELDS : 0);
	const char **fields = arena_alloc(&p->arena, (n + 1) * sizeof(*fields));

	for (uint32_t i = 0; w->fields && i < n; i++)
		fields[i] = i < w->n_fields ? w->fields[i] : filter_fields[i - w->n_fields];
	p->wants = xrealloc(p->wants, p->n_wants + 1, sizeof(*p->wants));
	p->clients = xrealloc(p->clients, p->n_wants + 1, sizeof(*p->clients));
	p->wants[p->n_wants] = (struct want){ w->event, w->fields ? fields : NULL, n, w->late,
		w->n_late };
	p->clients[p->n_wants++] = (struct client){ w->n_fields, filtered };
}

static struct analyze_options *own_options(const struct analyze_options *o, uint32_t top)
{
	struct analyze_options *own = xcalloc(1, sizeof(*own));

	*own = *o;
	own->top = top;
	filter_detach(&own->filter);
	return own;
}

static void add_part(struct pass *p, const struct analyzer *a, uint32_t top, struct report *report)
{
	struct part *part;

	p->parts = xrealloc(p->parts, p->n + 1, sizeof(*p->parts));
	part = &p->parts[p->n++];
	*part = (struct part){ .analyzer = a,
		.options = own_options(p->options, top),
		.report = report,
		.first_ns = UINT64_MAX };
	part->state = a->new (part->options);
}

struct pass *pass_new(const struct analyzer *const *list, uint32_t n, struct analyze_options *o)
{
	struct pass *p = xcalloc(1, sizeof(*p));

	p->options = o;
	for (uint32_t i = 0; i < n; i++)
		add_part(p, list[i], o->top, NULL);
	return p;
}

void pass_also(struct pass *p, const struct analyzer *a, uint32_t top, struct report *report)
{
	add_part(p, a, top, report);
}

static void add_wants(struct pass *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		struct part *part = &p->parts[i];
		uint32_t n_wants;
		const struct want *wants = part->analyzer->wants(part->state, &n_wants);

		part->first_want = p->n_wants;
		part->unfiltered = true;
		for (uint32_t k = 0; !part->silent && k < n_wants; k++)
			add_want(p, &wants[k], wants[k].fields && !part->analyzer->unfiltered);
		for (uint32_t k = part->first_want; k < p->n_wants; k++)
			part->unfiltered &= !p->clients[k].filtered;
		part->end_want = p->n_wants;
	}
	p->first_own = p->n_wants;
	for (uint32_t k = 0; k < trust_n_wants; k++)
		add_want(p, &trust_wants[k], false);
	for (uint32_t i = 0; i < p->n; i++)
		p->parts[i].clients = p->clients;
}

/* Until when there are events, since the start, by what the traces say of themselves; 0 of streams. */
static uint64_t length_of(struct pass *p)
{
	uint64_t from_ns, to_ns, longest = 0;

	for (uint32_t i = 0; i < p->inputs.n; i++) {
		struct reader *r = p->inputs.readers[i];
		size_t n = reader_n_blocks(r);
		uint64_t first = n ? reader_clock(r, 0)->start_ns : 0, last = 0;

		for (size_t k = 0; k < n; k++) {
			struct block_ref b = reader_block_ref(r, k);

			last = b.last > last ? b.last : last;
		}
		if (last > first && last - first > longest)
			longest = last - first;
	}
	filter_bounds(&p->options->filter, p->start_ns, &from_ns, &to_ns);
	if (to_ns > p->start_ns && to_ns - p->start_ns < longest)
		longest = to_ns - p->start_ns;
	return longest;
}

/* Opens the traces and lets the analyzers look at what is declared in them. */
static int begin(struct pass *p, struct err *err)
{
	struct trace_facts facts = { .inputs = &p->inputs, .trust = &p->trust };
	int rc = inputs_open(&p->inputs, p->options->files, p->options->n_files, err);

	if (!rc)
		rc = inputs_start(&p->inputs, &p->start_ns, err);
	facts.start_ns = p->start_ns;
	if (!rc)
		facts.length_ns = length_of(p);
	for (uint32_t i = 0; !rc && i < p->n; i++) {
		struct part *part = &p->parts[i];

		if (!part->analyzer->begin)
			continue;
		rc = part->analyzer->begin(part->state, &facts, err);
		part->silent = rc && p->options->report; /* it has nothing to say of this trace */
		if (part->silent)
			rc = 0;
	}
	if (!rc)
		add_wants(p);
	return rc;
}

void pass_free(struct pass *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->n; i++) {
		p->parts[i].analyzer->free(p->parts[i].state);
		filter_detached_done(&p->parts[i].options->filter);
		free(p->parts[i].options);
	}
	inputs_close(&p->inputs);
	trust_done(&p->trust);
	arena_done(&p->arena);
	free(p->parts);
	free(p->wants);
	free(p->clients);
	free(p);
}

/* ---- rows ---- */

/* The filter's fields stand behind those that the analyzer knows of. */
static bool passes(struct part *part, const struct client *c, struct row *row)
{
	if (!filter_pass(&part->options->filter, row->segment, row->values + c->n_fields,
		    (unsigned)(row->missing >> c->n_fields)))
		return false;
	row->missing &= c->n_fields < 64 ? (1ULL << c->n_fields) - 1 : UINT64_MAX;
	return true;
}

static void part_row(void *ctx, struct row *row)
{
	struct part *part = ctx;
	const struct client *c = &part->clients[part->first_want + row->want];

	if (c->filtered && !passes(part, c, row))
		return;
	part->first_ns = row->time < part->first_ns ? row->time : part->first_ns;
	part->last_ns = row->time > part->last_ns ? row->time : part->last_ns;
	part->analyzer->row(part->state, row);
}

static void unfiltered_row(void *ctx, struct row *row)
{
	struct part *part = ctx;

	part->analyzer->row(part->state, row);
}

static void take_part(struct part *part, const struct batch *b)
{
	if (part->unfiltered)
		batch_times(b, part->first_want, part->end_want, &part->first_ns, &part->last_ns);
	batch_rows(b, part->first_want, part->end_want,
		part->unfiltered ? unfiltered_row : part_row, part);
}

static void own_row(void *ctx, struct row *row)
{
	trust_row(ctx, row);
}

/* What comes behind the last part is what the pass itself wants to know. */
static void take_batch(void *ctx, uint32_t number, const struct batch *b)
{
	struct pass *p = ctx;

	if (number < p->n)
		take_part(&p->parts[number], b);
	else
		batch_rows(b, p->first_own, p->n_wants, own_row, &p->trust);
}

static int read_alone(struct pass *p, struct merge *m, struct err *err)
{
	struct batch *b;
	int rc;

	while ((rc = merge_next_batch(m, &b, err)) > 0) {
		for (uint32_t i = 0; i <= p->n; i++)
			take_batch(p, i, b);
		merge_return_batch(m, b);
	}
	return rc;
}

static int read_with(struct crew *c, struct merge *m, struct err *err)
{
	struct batch *b;
	int rc;

	while ((rc = merge_next_batch(m, &b, err)) > 0) {
		crew_put(c, b);
		while ((b = crew_get(c, !crew_has_room(c) || merge_is_full(m))))
			merge_return_batch(m, b);
	}
	return rc;
}

static unsigned n_threads(const struct pass *p)
{
	long n = p->options->threads ? p->options->threads : sysconf(_SC_NPROCESSORS_ONLN);

	return n > 1 ? (unsigned)n : 1;
}

static int read_batches(struct pass *p, struct merge *m, struct err *err)
{
	struct crew *c = NULL;
	int rc;

	if (n_threads(p) > 1 && !merge_one_by_one(m) && (p->options->threads || merge_is_large(m)))
		c = crew_new(p->n + 1, n_threads(p), take_batch, p);
	rc = c ? read_with(c, m, err) : read_alone(p, m, err);
	crew_free(c);
	return rc;
}

static void sum_up(struct pass *p)
{
	p->first_ns = UINT64_MAX;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct part *part = &p->parts[i];

		p->first_ns = part->first_ns < p->first_ns ? part->first_ns : p->first_ns;
		p->last_ns = part->last_ns > p->last_ns ? part->last_ns : p->last_ns;
		p->options->filter.n_idle += part->options->filter.n_idle;
	}
}

/* One thread puts rows in order, others decode ahead of it, and others look at what is in order. */
static int read_rows(struct pass *p, struct err *err)
{
	struct merge_options o = { .wants = p->wants,
		.n_wants = p->n_wants,
		.unordered = true,
		.n_threads = n_threads(p) - 1,
		.block = trust_block,
		.ctx = &p->trust };
	struct merge *m;
	int rc;

	for (uint32_t i = 0; i < p->n; i++)
		if (p->parts[i].analyzer->ordered)
			o.unordered = false;
	filter_bounds(&p->options->filter, p->start_ns, &o.from_ns, &o.to_ns);
	m = merge_new(p->inputs.readers, p->inputs.n, &o);
	rc = read_batches(p, m, err);
	p->trust.n_late = merge_n_late(m);
	merge_free(m);
	sum_up(p);
	return rc;
}

/* ---- the report ---- */

/* Whether the traces have something that an analyzer wants, or it wants nothing in particular. */
static bool has_events(const struct pass *p, const struct part *part)
{
	uint32_t n;
	const struct want *wants = part->analyzer->wants(part->state, &n);
	bool any = n == 0;

	for (uint32_t i = 0; i < n; i++)
		any |= !wants[i].event || trust_count(&p->trust, wants[i].event) > 0;
	return any && !part->silent;
}

static void finish(struct pass *p, const struct part *part, const struct trace_facts *facts,
	struct report *report)
{
	const struct analyzer *a = part->analyzer;

	if (p->options->report && !has_events(p, part))
		return;
	if (p->options->report)
		report_group(report, a->name, a->title);
	a->finish(part->state, facts, report);
	report_group(report, NULL, NULL);
}

int pass_run(struct pass *p, struct report *report, struct err *err)
{
	struct trace_facts facts;
	int rc = begin(p, err);

	if (!rc)
		rc = read_rows(p, err);
	if (rc)
		return rc;
	facts = (struct trace_facts){ .inputs = &p->inputs,
		.trust = &p->trust,
		.start_ns = p->start_ns,
		.first_ns = p->first_ns,
		.last_ns = p->last_ns };
	report->start_ns = p->start_ns;
	report->subtitle = inputs_subtitle(&p->inputs, &report->arena);
	trust_notes(&p->trust, &p->inputs, &p->options->filter, report);
	for (uint32_t i = 0; i < p->n; i++)
		finish(p, &p->parts[i], &facts, p->parts[i].report ? p->parts[i].report : report);
	return 0;
}
