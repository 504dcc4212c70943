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
	for (uint32_t i = 0; i < all; i++)
		if (analyzers[i] != &analyzer_info && (!only || is_named(only, analyzers[i]->name)))
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

static int run_report(struct analyze_options *o, const struct renderer *renderer, struct err *err)
{
	uint32_t n;
	const struct analyzer **list = choose(o->only, &n);
	struct pass *pass = pass_new(list, n, o);
	struct report report;
	int rc;

	report_init(&report, o->title ? o->title : "Report", "");
	rc = pass_run(pass, &report, err);
	if (!rc && !report.n_sections)
		report_note(&report, NOTE_WARNING,
			"There is nothing in this trace that could be shown%s.",
			o->only ? " by these parts" : "");
	report_sort_findings(&report);
	if (!rc)
		rc = command_render(&report, renderer, o, err);
	if (!rc)
		rc = check_gates(o, &report, err);
	report_done(&report);
	pass_free(pass);
	free(list);
	return rc;
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	const struct renderer *renderer;
	struct err err = { "" };
	char formats[1024];
	int rc = -EINVAL;

	command_list_formats(formats, sizeof(formats));
	analyze_options_parse(&o, argc, argv,
		OPTIONS_FILTER | OPTIONS_OUTPUT | OPTIONS_IDLE | OPTIONS_TABLES | OPTIONS_REPORT,
		command_report.summary, formats);
	o.report = true;
	renderer = command_renderer(&o, &err);
	if (renderer && !check_only(o.only, &err) && !out_check(o.output, o.files, o.n_files, &err))
		rc = run_report(&o, renderer, &err);
	analyze_options_done(&o);
	if (rc < 0)
		return command_failed(&err, rc == -EINVAL ? EXIT_USAGE : EXIT_CANNOT);
	return rc ? EXIT_CHECK : EXIT_OK;
}

const struct command command_report = {
	.name = "report",
	.summary = "everything the trace can show, with findings, in one page",
	.run = run,
};
