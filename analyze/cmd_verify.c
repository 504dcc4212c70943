/* `ana verify`: is the trace whole? Status 1 if not, with each place that is damaged. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/command.h"
#include "analyze/each.h"
#include "analyze/inputs.h"
#include "analyze/options.h"
#include "analyze/repair.h"
#include "format/verify.h"
#include "render/escape.h"

/* The file's name and a colon; names of files and fields come from anyone. */
static void start_line(FILE *out, const struct reader *r)
{
	escape_put(out, ESCAPE_TEXT, reader_name(r));
	fputs(": ", out);
}

static void print_damage(FILE *out, const struct reader *r, const struct damage *d)
{
	start_line(out, r);
	fprintf(out, "damaged: %" PRIu64 " bytes at %" PRIu64 ": ", d->bytes, d->offset);
	escape_put(out, ESCAPE_TEXT, d->what);
	fputc('\n', out);
}

static void print_result(FILE *out, const struct reader *r, const struct verify_result *v,
	bool damaged)
{
	if (!v->complete) {
		start_line(out, r);
		fputs("has no end: the recorder was killed, or still records\n", out);
	}
	start_line(out, r);
	fprintf(out,
		"%s: %" PRIu64 " events in %" PRIu64 " blocks, %u segment%s, %" PRIu64 " bytes\n",
		damaged               ? "DAMAGED"
			: v->complete ? "sound"
				      : "INCOMPLETE",
		v->events, v->blocks, v->segments, v->segments == 1 ? "" : "s", v->bytes);
}

/* 0 sound, 1 damaged, negative: cannot be read. */
static int verify_file(const struct input_file *file, FILE *out, struct err *err)
{
	struct reader *r = input_open(file, false, err);
	const struct damage *d;
	struct verify_result v;
	size_t n;
	int rc;

	if (!r)
		return -1;
	rc = verify(r, &v, err);
	d = reader_damage(r, &n);
	for (size_t i = 0; i < n; i++)
		print_damage(out, r, &d[i]);
	if (!rc)
		print_result(out, r, &v, n > 0);
	rc = rc ? rc : n || !v.complete;
	reader_close(r);
	return rc;
}

static int verify_all(const struct file_list *list)
{
	struct err err = { "" };
	int status = EXIT_OK;

	for (uint32_t i = 0; i < list->n; i++) {
		int rc = verify_file(&list->files[i], stdout, &err);

		if (rc < 0)
			status = command_failed(&err, EXIT_CANNOT);
		else if (rc > 0 && status == EXIT_OK)
			status = EXIT_CHECK;
	}
	return status;
}

static int verify_words(struct analyze_options *o, void *ctx)
{
	struct arena a = { 0 };
	struct file_list list;
	struct err err = { "" };
	int status = inputs_list(&list, o->files, o->n_files, &a, &err)
		? command_failed(&err, EXIT_CANNOT)
		: verify_all(&list);

	inputs_unlist(&list);
	arena_done(&a);
	return status;
}

static int repair_one(struct analyze_options *o, void *ctx)
{
	struct err err = { "" };

	if (!command_output(o, "verify --repair"))
		return EXIT_USAGE;
	return repair(o, &err) ? command_failed(&err, EXIT_CANNOT) : EXIT_OK;
}

static int run(int argc, char **argv)
{
	static const struct each checks = { .suffix = "", .printable = true, .one = verify_words };
	struct analyze_options o;
	int status;

	analyze_options_parse(&o, argc, argv, OPTIONS_TRACE | OPTIONS_REPAIR | OPTIONS_EACH,
		"Check traces to the last byte. Exit status 1 if one is damaged or has no end.",
		"With --repair what is damaged is left out of the new trace, and what was dropped is "
		"listed. Events whose stack or name was in a damaged place stay, without it; lost "
		"ones are counted in the new trace, as far as the old index tells how many they "
		"were.");
	if (o.output && !o.repair) {
		fprintf(stderr, "ana: verify only looks: -o is for verify --repair\n");
		status = EXIT_USAGE;
	} else if (o.repair) {
		status = o.each ? command_each_trace(&o, repair_one) : repair_one(&o, NULL);
	} else {
		status = o.each ? each_run(&o, &checks) : verify_words(&o, NULL);
	}
	analyze_options_done(&o);
	if (fflush(stdout))
		return EXIT_CANNOT;
	return status;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "check traces to the last byte; --repair makes a sound one",
	.run = run,
};
