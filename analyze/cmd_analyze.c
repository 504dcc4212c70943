/* The way of every analyzer from command line to output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/command.h"
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

int command_render(const struct report *report, const struct renderer *renderer,
	struct analyze_options *o, struct err *err)
{
	struct out out;
	int rc = out_open(&out, o->output, err);

	if (rc)
		return rc;
	o->render.color = !o->output && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	rc = renderer->render(report, &o->render, out.f, err);
	if (rc)
		return err_step(err, (out_discard(&out), rc), "format %s", renderer->name);
	return out_close(&out, err);
}

int analyzer_command(const struct analyzer *a, int argc, char **argv)
{
	struct analyze_options o;
	const struct renderer *renderer;
	struct report report;
	struct err err = { "" };
	struct pass *pass;
	char formats[1024];
	int status = EXIT_CANNOT;

	command_list_formats(formats, sizeof(formats));
	analyze_options_parse(&o, argc, argv, a->options | OPTIONS_OUTPUT, a->summary, formats);
	renderer = command_renderer(&o, &err);
	if (!renderer || out_check(o.output, o.files, o.n_files, &err)) {
		analyze_options_done(&o);
		return command_failed(&err, EXIT_USAGE);
	}
	report_init(&report, o.title ? o.title : a->title, "");
	pass = pass_new(&a, 1, &o);
	if (pass_run(pass, &report, &err) == 0 && command_render(&report, renderer, &o, &err) == 0)
		status = EXIT_OK;
	else
		command_failed(&err, status);
	report_done(&report);
	pass_free(pass);
	analyze_options_done(&o);
	return status;
}
