/* `ana report`: everything that a trace can show, in one page. Every analyzer has its part, in one pass over
 * the trace, if its events are there; what they found comes first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/command.h"
#include "analyze/gate.h"
#include "analyze/out.h"
#include "analyze/pass.h"

static bool is_named(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == len && memcmp(list, name, len) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

/* Whether every word of --only is an analyzer's name. */
static int check_only(const char *only, struct err *err)
{
	char name[64];

	while (only && *only) {
		size_t n = strcspn(only, ",");
		int i = 0;

		snprintf(name, sizeof(name), "%.*s", (int)(n < 63 ? n : 63), only);
		while (analyzers[i] && strcmp(analyzers[i]->name, name) != 0)
			i++;
		if (!analyzers[i])
			return err_set(err, EINVAL,
				"--only: there is no part '%s'; `ana --help` lists the analyzers",
				name);
		only += n + (only[n] == ',');
	}
	return 0;
}

/* The analyzers that take part, first what was recorded; the list is the caller's to free. */
static const struct analyzer **choose(const char *only, uint32_t *n)
{
	const struct analyzer **list;
	uint32_t all = 0;

	while (analyzers[all])
		all++;
	list = xcalloc(all, sizeof(*list));
	*n = 0;
	list[(*n)++] = &analyzer_info;
	if (!only || is_named(only, analyzer_timeline.name)) /* chooses the time of what follows */
		list[(*n)++] = &analyzer_timeline;
	for (uint32_t i = 0; i < all; i++)
		if (analyzers[i] != &analyzer_info && analyzers[i] != &analyzer_timeline &&
			(!only || is_named(only, analyzers[i]->name)))
			list[(*n)++] = analyzers[i];
	return list;
}

/* 1 if some condition of --fail-if holds, which is said; a negative errno if one means nothing. */
static int check_gates(const struct analyze_options *o, struct report *report, struct err *err)
{
	int failed = 0;

	for (uint32_t i = 0; i < o->n_gates; i++) {
		const char *what;
		int rc = gate_check(o->gates[i], report, &what, err);

		if (rc < 0)
			return rc;
		if (rc > 0)
			fprintf(stderr, "ana: failed: %s: %s\n", o->gates[i], what);
		failed |= rc;
	}
	return failed;
}

/* Rows of the tables that gates look at. */
enum { ALL_ROWS = 1000000 };

/* Has the parts that gates are about fill another report, with all rows. */
static void add_gates(struct pass *p, const struct analyze_options *o,
	const struct analyzer *const *list, uint32_t n, struct report *all)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < o->n_gates; k++)
			if (gate_is_about(o->gates[k], list[i]->name)) {
				pass_also(p, list[i], ALL_ROWS, all);
				break;
			}
}

/* Whether there is more than what every trace has. */
static bool has_parts(const struct report *r)
{
	for (uint32_t i = 0; i < r->n_sections; i++)
		if (strcmp(r->sections[i].group, analyzer_info.title) != 0)
			return true;
	return false;
}

static int make_report(struct analyze_options *o, const struct renderer *renderer, struct err *err)
{
	uint32_t n;
	const struct analyzer **list = choose(o->only, &n);
	struct pass *pass = pass_new(list, n, o);
	struct report report, all;
	int rc;

	report_init(&report, o->title ? o->title : "Report", "");
	report.name = command_report.name;
	report_init(&all, "", "");
	add_gates(pass, o, list, n, &all);
	rc = pass_run(pass, &report, err);
	if (!rc && !has_parts(&report))
		report_note(&report, NOTE_WARNING,
			"No other part%s has anything to say of this trace: `ana info` lists its events, "
			"`ana dump` shows them.",
			o->only ? " of those that were asked for" : "");
	report_sort_findings(&report);
	if (!rc)
		rc = command_render(&report, renderer, o, err);
	if (!rc)
		rc = check_gates(o, &all, err);
	report_done(&report);
	report_done(&all);
	pass_free(pass);
	free(list);
	return rc;
}

static int report_one(struct analyze_options *o, void *ctx)
{
	struct err err = { "" };
	int rc = out_check(o->output, o->files, o->n_files, &err);

	if (!rc)
		rc = make_report(o, ctx, &err);
	if (rc < 0)
		return command_failed(&err, rc == -EINVAL ? EXIT_USAGE : EXIT_CANNOT);
	return rc ? EXIT_CHECK : EXIT_OK;
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	const struct renderer *renderer;
	struct err err = { "" };
	char formats[1024];
	int status;

	command_list_formats(formats, sizeof(formats));
	analyze_options_parse(&o, argc, argv,
		OPTIONS_FILTER | OPTIONS_OUTPUT | OPTIONS_TABLE | OPTIONS_IDLE | OPTIONS_TABLES |
			OPTIONS_REPORT | OPTIONS_EACH | OPTIONS_THREADS,
		command_report.summary, formats);
	o.report = true;
	renderer = command_renderer(&o, &err);
	if (!renderer || check_only(o.only, &err))
		status = command_failed(&err, EXIT_USAGE);
	else if (o.each)
		status = command_each_report(&o, renderer, report_one, (void *)renderer);
	else
		status = report_one(&o, (void *)renderer);
	analyze_options_done(&o);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "everything the trace can show, with findings, in one page",
	.run = run,
};
