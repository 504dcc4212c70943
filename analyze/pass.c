#include "analyze/pass.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/inputs.h"
#include "analyze/trust.h"

/* One want of one analyzer, widened by the fields that the filter looks at. */
struct client {
	uint32_t analyzer; /* number; n_analyzers for the pass itself */
	uint32_t want;     /* its number there */
	uint32_t n_fields; /* that it asked for; the filter's come behind */
	bool filtered;
};

struct pass {
	const struct analyzer *const *list; /* borrowed */
	void **states;                      /* owned */
	uint32_t n;
	struct analyze_options *options; /* borrowed */
	struct inputs inputs;
	struct trust trust;
	struct arena arena;
	struct want *wants;     /* owned; the fields in the arena */
	struct client *clients; /* owned; one for each want */
	uint32_t n_wants;
	bool *silent; /* owned; analyzers that found nothing to begin with, in a report of many */
	uint64_t start_ns, first_ns, last_ns;
};

static void add_want(struct pass *p, uint32_t analyzer, uint32_t number, const struct want *w)
{
	bool filtered = analyzer < p->n && w->fields && !p->list[analyzer]->unfiltered;
	uint32_t n = w->n_fields + (filtered ? FILTER_FIELDS : 0);
	const char **fields = arena_alloc(&p->arena, (n + 1) * sizeof(*fields));

	for (uint32_t i = 0; w->fields && i < n; i++)
		fields[i] = i < w->n_fields ? w->fields[i] : filter_fields[i - w->n_fields];
	p->wants = xrealloc(p->wants, p->n_wants + 1, sizeof(*p->wants));
	p->clients = xrealloc(p->clients, p->n_wants + 1, sizeof(*p->clients));
	p->wants[p->n_wants] = (struct want){ w->event, w->fields ? fields : NULL, n };
	p->clients[p->n_wants++] = (struct client){ analyzer, number, w->n_fields, filtered };
}

struct pass *pass_new(const struct analyzer *const *list, uint32_t n, struct analyze_options *o)
{
	struct pass *p = xcalloc(1, sizeof(*p));

	p->list = list;
	p->n = n;
	p->options = o;
	p->states = xcalloc(n, sizeof(*p->states));
	p->silent = xcalloc(n, sizeof(*p->silent));
	for (uint32_t i = 0; i < n; i++)
		p->states[i] = list[i]->new (o);
	return p;
}

static void add_wants(struct pass *p)
{
	for (uint32_t i = 0; i < p->n; i++) {
		uint32_t n_wants;
		const struct want *wants = p->list[i]->wants(p->states[i], &n_wants);

		for (uint32_t k = 0; !p->silent[i] && k < n_wants; k++)
			add_want(p, i, k, &wants[k]);
	}
	for (uint32_t k = 0; k < trust_n_wants; k++)
		add_want(p, p->n, k, &trust_wants[k]);
}

/* Opens the traces and lets the analyzers look at what is declared in them. */
static int begin(struct pass *p, struct err *err)
{
	struct trace_facts facts = { .inputs = &p->inputs, .trust = &p->trust };
	int rc = inputs_open(&p->inputs, p->options->files, p->options->n_files, err);

	if (!rc)
		rc = inputs_start(&p->inputs, &p->start_ns, err);
	facts.start_ns = p->start_ns;
	for (uint32_t i = 0; !rc && i < p->n; i++) {
		if (!p->list[i]->begin)
			continue;
		rc = p->list[i]->begin(p->states[i], &facts, err);
		p->silent[i] = rc && p->options->report; /* it has nothing to say of this trace */
		if (p->silent[i])
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
	for (uint32_t i = 0; i < p->n; i++)
		p->list[i]->free(p->states[i]);
	inputs_close(&p->inputs);
	trust_done(&p->trust);
	arena_done(&p->arena);
	free(p->states);
	free(p->silent);
	free(p->wants);
	free(p->clients);
	free(p);
}

static void dispatch(struct pass *p, struct row *row)
{
	const struct client *c = &p->clients[row->want];
	struct row mine = *row;

	mine.want = c->want;
	if (c->analyzer == p->n) {
		trust_row(&p->trust, &mine);
		return;
	}
	if (c->filtered &&
		!filter_pass(&p->options->filter, row->segment, row->values + c->n_fields,
			(unsigned)(row->missing >> c->n_fields)))
		return;
	mine.missing &= c->n_fields < 64 ? (1ULL << c->n_fields) - 1 : UINT64_MAX;
	p->first_ns = row->time < p->first_ns ? row->time : p->first_ns;
	p->last_ns = row->time > p->last_ns ? row->time : p->last_ns;
	p->list[c->analyzer]->row(p->states[c->analyzer], &mine);
}

static int read_rows(struct pass *p, struct err *err)
{
	struct merge_options o = { .wants = p->wants,
		.n_wants = p->n_wants,
		.unordered = true,
		.block = trust_block,
		.ctx = &p->trust };
	struct merge *m;
	struct row row;
	int rc;

	for (uint32_t i = 0; i < p->n; i++)
		if (p->list[i]->ordered)
			o.unordered = false;
	filter_bounds(&p->options->filter, p->start_ns, &o.from_ns, &o.to_ns);
	p->first_ns = UINT64_MAX;
	m = merge_new(p->inputs.readers, p->inputs.n, &o);
	while ((rc = merge_next(m, &row, err)) > 0)
		dispatch(p, &row);
	p->trust.n_late = merge_n_late(m);
	merge_free(m);
	return rc;
}

/* Whether the traces have something that an analyzer wants, or it wants nothing in particular. */
static bool has_events(const struct pass *p, uint32_t analyzer)
{
	uint32_t n;
	const struct want *wants = p->list[analyzer]->wants(p->states[analyzer], &n);
	bool any = n == 0;

	for (uint32_t i = 0; i < n; i++)
		any |= !wants[i].event || trust_count(&p->trust, wants[i].event) > 0;
	return any && !p->silent[analyzer];
}

int pass_run(struct pass *p, struct report *report, struct err *err)
{
	struct trace_facts facts;
	int rc = begin(p, err);

	if (!rc)
		rc = read_rows(p, err);
	if (rc)
		return rc;
	facts = (struct trace_facts){ &p->inputs, &p->trust, p->start_ns, p->first_ns, p->last_ns };
	report->subtitle = inputs_subtitle(&p->inputs, &report->arena);
	trust_notes(&p->trust, &p->inputs, &p->options->filter, report);
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->options->report && !has_events(p, i))
			continue;
		if (p->options->report)
			report_group(report, p->list[i]->name, p->list[i]->title);
		p->list[i]->finish(p->states[i], &facts, report);
		report_group(report, NULL, NULL);
	}
	return 0;
}
