/* The way of every analyzer from command line to output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/each.h"
#include "analyze/inputs.h"
#include "analyze/out.h"
#include "analyze/pass.h"

int command_failed(const struct err *err, int status)
{
	fprintf(stderr, "ana: %s\n", err->text);
	return status;
}

void command_tell_damage(const struct inputs *in)
{
	for (uint32_t i = 0; i < in->n; i++) {
		size_t n;

		reader_damage(in->readers[i], &n);
		if (n)
			fprintf(stderr,
				"ana: %s is damaged in %zu place%s: `ana verify` lists them\n",
				reader_name(in->readers[i]), n, n == 1 ? "" : "s");
	}
}

const char *command_output(const struct analyze_options *o, const char *command)
{
	if (!o->output)
		fprintf(stderr, "ana: %s makes a trace: name it with -o FILE (- is a pipe)\n",
			command);
	return o->output;
}

const struct renderer *command_renderer(const struct analyze_options *o, struct err *err)
{
	const char *ending = out_ending(o->output);
	const struct renderer *r;

	if (o->format) {
		r = renderer_by_name(o->format);
		if (!r)
			err_set(err, EINVAL, "there is no format '%s'; --help lists them",
				o->format);
		return r;
	}
	if (o->output && o->each) {
		err_set(err, EINVAL,
			"--each makes a folder of files, here '%s': choose the format with -f",
			o->output);
		return NULL;
	}
	if (o->output && out_is_folder(o->output)) {
		err_set(err, EINVAL, "'%s' is a folder: choose the format of its files with -f",
			o->output);
		return NULL;
	}
	if (!ending)
		return renderer_by_name("text");
	r = renderer_by_file(o->output);
	if (!r)
		err_set(err, EINVAL,
			"no format ends in '%s': choose one with -f (--help lists them)", ending);
	return r;
}

void command_list_formats(char *text, size_t size)
{
	size_t n = (size_t)snprintf(text, size, "Formats:\n");

	for (int i = 0; renderers[i] && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "  %-8s %s\n", renderers[i]->name,
			renderers[i]->summary);
}

/* ---- rendering ---- */

static int render_to(const struct report *report, const struct renderer *renderer, const char *path,
	struct analyze_options *o, struct err *err)
{
	struct out out;
	int rc = out_open(&out, path, err);

	if (rc)
		return rc;
	o->render.color = !path && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	rc = renderer->render(report, &o->render, out.f, err);
	if (rc)
		return err_step(err, (out_discard(&out), rc), "format %s", renderer->name);
	return out_close(&out, err);
}

/* An id as a file name; events are called what whoever made the trace wants. */
static char *file_name(struct arena *a, const char *id, const char *suffix)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	char *name = arena_printf(a, "%.200s%s", id, suffix);

	for (char *s = name; *s; s++)
		if (!strchr(plain, *s) || (s == name && *s == '.'))
			*s = '_';
	return name;
}

/* The path of a section's file; two ids may be the same where only plain letters are left. */
static const char *section_path(struct report *r, uint32_t section, const char *folder,
	const char *suffix)
{
	const char *name = file_name(&r->arena, r->sections[section].id, suffix);
	const char *path = arena_printf(&r->arena, "%s/%s", folder, name);

	for (uint32_t i = 0; i < section; i++)
		if (strcmp(file_name(&r->arena, r->sections[i].id, suffix), name) == 0)
			path = arena_printf(&r->arena, "%s/%u_%s", folder, section, name);
	return path;
}

/* A file for each section, in a folder. */
static int render_sections(struct report *report, const struct renderer *renderer,
	struct analyze_options *o, struct err *err)
{
	int rc = out_make_folder(o->output, err);

	for (uint32_t i = 0; !rc && i < report->n_sections; i++) {
		struct report one = *report;
		const char *path = section_path(report, i, o->output, renderer->suffix);

		one.sections = &report->sections[i];
		one.n_sections = 1;
		rc = render_to(&one, renderer, path, o, err);
	}
	return rc;
}

int command_render(struct report *report, const struct renderer *renderer,
	struct analyze_options *o, struct err *err)
{
	if (o->table && report_keep_section(report, o->table))
		return err_set(err, ENOENT, "there is no table '%s'; there is: %s", o->table,
			report_section_list(report));
	if (renderer->one_section && out_is_folder(o->output))
		return render_sections(report, renderer, o, err);
	if (renderer->one_section && report->n_sections > 1)
		return err_set(err, EINVAL,
			"a file of %s holds one table: choose one with --table (%s), or name a folder for "
			"all of them, as -o tables/",
			renderer->name, report_section_list(report));
	return render_to(report, renderer, o->output, o, err);
}

int command_each_report(struct analyze_options *o, const struct renderer *renderer,
	int (*one)(struct analyze_options *o, void *ctx), void *ctx)
{
	struct each e = { .suffix = renderer->one_section && !o->table ? "/" : renderer->suffix,
		.printable = renderer->one_by_one,
		.headed = renderer == renderers[0],
		.one = one,
		.ctx = ctx };

	return each_run(o, &e);
}

int command_each_trace(struct analyze_options *o, int (*one)(struct analyze_options *o, void *ctx))
{
	struct each e = { .suffix = ".rec", .one = one };

	return each_run(o, &e);
}

/* ---- an analyzer alone ---- */

struct alone {
	const struct analyzer *analyzer;
	const struct renderer *renderer;
};

static int analyze(struct analyze_options *o, void *ctx)
{
	const struct alone *alone = ctx;
	const struct analyzer *a = alone->analyzer;
	struct err err = { "" };
	struct report report;
	struct pass *pass;
	int status = EXIT_OK, rc;

	if (out_check(o->output, o->files, o->n_files, &err))
		return command_failed(&err, EXIT_USAGE);
	report_init(&report, o->title ? o->title : a->title, "");
	report.name = a->name;
	pass = pass_new(&a, 1, o);
	rc = pass_run(pass, &report, &err);
	if (rc)
		status = command_failed(&err, EXIT_CANNOT);
	else if ((rc = command_render(&report, alone->renderer, o, &err)) != 0)
		status = command_failed(&err, rc == -EINVAL ? EXIT_USAGE : EXIT_CANNOT);
	report_done(&report);
	pass_free(pass);
	return status;
}

int analyzer_command(const struct analyzer *a, int argc, char **argv)
{
	struct alone alone = { .analyzer = a };
	struct analyze_options o;
	struct err err = { "" };
	char formats[1024];
	int status;

	command_list_formats(formats, sizeof(formats));
	analyze_options_parse(&o, argc, argv,
		a->options | OPTIONS_OUTPUT | OPTIONS_TABLE | OPTIONS_EACH | OPTIONS_THREADS,
		a->summary, formats);
	alone.renderer = command_renderer(&o, &err);
	if (!alone.renderer)
		status = command_failed(&err, EXIT_USAGE);
	else if (o.each)
		status = command_each_report(&o, alone.renderer, analyze, &alone);
	else
		status = analyze(&o, &alone);
	analyze_options_done(&o);
	return status;
}
