/* `ana scrub`: a trace that can be shown to others. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/inputs.h"
#include "analyze/options.h"
#include "analyze/scrub.h"
#include "analyze/scrub_check.h"
#include "format/trace_out.h"

static const char doc[] =
	"Make a trace that is safe to share: names of threads, functions, files, hosts, arguments and "
	"every other text that is not public are replaced by pseudonyms.";

static const char more[] =
	"Stays: names of the kernel and its modules, of the C library and the compilers' runtime, of "
	"events, fields and values; all numbers, such as times, pids, sizes and lines; the depth of paths and "
	"suffixes such as .so. Where the kernel lies in memory, build ids and boot ids are replaced, too.\n"
	"With --check, exit status 1 if anything was found that should not be there.";

struct maker {
	struct scrub scrub;
	struct text_set seen, replaced;
	struct copy_result copied;
};

static void maker_init(struct maker *m, const struct analyze_options *o)
{
	*m = (struct maker){ .copied = { 0 } };
	scrub_init(&m->scrub, o->keep, o->n_keep);
	text_set_init(&m->seen);
	text_set_init(&m->replaced);
	m->scrub.seen = &m->seen;
	m->scrub.replaced = &m->replaced;
}

static void maker_done(struct maker *m)
{
	scrub_done(&m->scrub);
	text_set_done(&m->seen);
	text_set_done(&m->replaced);
}

/* Texts that no row reaches stay behind, so they are searched for as well. */
static void add_unreached(struct maker *m, struct reader *r)
{
	for (uint32_t k = 0; k < reader_n_segments(r); k++) {
		const struct segment *s = reader_segment(r, k);

		for (uint32_t i = 1; i < s->n_strings; i++)
			if (s->strings[i].len && !text_set_has(&m->seen, s->strings[i]))
				text_set_add(&m->replaced, s->strings[i]);
		reader_forget(r, k);
	}
}

static int copy_all(struct maker *m, struct inputs *in, struct sink *sink, struct err *err)
{
	struct copy_options o = scrub_copy_options(&m->scrub);
	int rc = 0;

	o.fact = (struct carry_fact){ "trace.scrubbed", "names are pseudonyms" };
	for (uint32_t i = 0; !rc && i < in->n; i++) {
		rc = copy_trace(in->readers[i], sink, &o, &m->copied, err);
		if (!rc && !reader_is_stream(in->readers[i]))
			add_unreached(m, in->readers[i]);
	}
	return rc;
}

/* ---- checking ---- */

static void say_result(const char *name, const struct scrub_findings *f)
{
	if (f->n_left)
		printf("%s: NOT CLEAN: %" PRIu64 " left over\n", name, f->n_left);
	else
		printf("%s: clean: nothing left over in %" PRIu64 " texts\n", name, f->n_texts);
	if (!f->n_public)
		return;
	printf("%s: %" PRIu64 " replaced text%s also part of public ones, such as '", name,
		f->n_public, f->n_public == 1 ? " is" : "s are");
	for (size_t i = 0; i < f->public_len && i < 100; i++)
		putchar(f->public[i] >= ' ' && f->public[i] < 127 ? f->public[i] : '?');
	puts("'");
}

/* 0 clean, 1 not, negative: cannot be read. */
static int check_file(const struct input_file *file, const struct analyze_options *o,
	const struct text_set *replaced, struct err *err)
{
	struct scrub_check c = { o->keep, o->n_keep, replaced, stdout };
	struct reader *r = input_open(file, false, err);
	struct scrub_findings f;
	int rc;

	if (!r)
		return -EIO;
	rc = scrub_check(r, &c, &f, err);
	if (!rc)
		say_result(file->name, &f);
	reader_close(r);
	return rc ? rc : f.n_left > 0;
}

/* The texts of the originals are those that scrubbing them replaces. */
static int read_originals(struct maker *m, const struct analyze_options *o, struct err *err)
{
	struct inputs in = { 0 };
	uint64_t start_ns;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct sink *sink = sink_new(fd, 0);
	int rc = inputs_open(&in, o->originals, o->n_originals, err);

	if (!rc)
		rc = pseudonym_key_random(&m->scrub.key, err);
	if (!rc)
		rc = inputs_start(&in, &start_ns, err);
	if (!rc)
		rc = copy_all(m, &in, sink, err);
	inputs_close(&in);
	sink_free(sink);
	close(fd);
	return rc;
}

static int check_files(struct maker *m, const struct analyze_options *o, struct err *err)
{
	struct arena a = { 0 };
	struct file_list list;
	int status = 0, rc = inputs_list(&list, o->files, o->n_files, &a, err);

	for (uint32_t i = 0; rc >= 0 && i < list.n; i++) {
		rc = check_file(&list.files[i], o, o->n_originals ? &m->replaced : NULL, err);
		status |= rc > 0;
	}
	inputs_unlist(&list);
	arena_done(&a);
	return rc < 0 ? rc : status;
}

static int only_check(struct maker *m, const struct analyze_options *o, struct err *err)
{
	int rc = o->n_originals ? read_originals(m, o, err) : 0;

	return rc ? rc : check_files(m, o, err);
}

/* ---- making ---- */

static int take_key(struct maker *m, const struct analyze_options *o, bool say, struct err *err)
{
	bool made = false;
	int rc = o->key ? pseudonym_key_load(&m->scrub.key, o->key, &made, err)
			: pseudonym_key_random(&m->scrub.key, err);

	if (made)
		fprintf(say ? stdout : stderr, "%s: a new key; keep it, and keep it secret\n",
			o->key);
	return rc;
}

/* A reader of our output that went away is no failure: it has seen enough. */
static int scrub_into(struct maker *m, struct inputs *in, struct trace_out *out, struct err *err)
{
	struct sink *sink = sink_new(out->fd, 0);
	int rc = copy_all(m, in, sink, err), closed;

	if (rc == -EPIPE)
		rc = 0;
	closed = trace_out_close(out, rc != 0, rc ? NULL : err);
	if (!rc && !closed && out->own)
		printf("%s: %" PRIu64 " events, %u texts replaced, %" PRIu64 " bytes\n", out->name,
			m->copied.kept, m->replaced.n, sink_written(sink));
	sink_free(sink);
	return rc ? rc : closed;
}

static int make(struct maker *m, const struct analyze_options *o, struct err *err)
{
	struct trace_out out = { .fd = -1 };
	struct inputs in = { 0 };
	uint64_t start_ns;
	int rc = inputs_open(&in, o->files, o->n_files, err);

	if (!rc)
		rc = inputs_start(&in, &start_ns, err);
	if (!rc)
		rc = trace_out_open(&out, o->output, err);
	if (!rc) {
		rc = take_key(m, o, out.own, err);
		if (rc)
			trace_out_close(&out, true, NULL);
		else
			rc = scrub_into(m, &in, &out, err);
		command_tell_damage(&in);
	}
	if (!rc && o->check && !out.own)
		rc = err_set(err, ESPIPE,
			"--check needs a new file (-o), to look at what is in it");
	else if (!rc && o->check)
		rc = check_file(&(struct input_file){ out.name, -1, NULL }, o, &m->replaced, err);
	inputs_close(&in);
	return rc;
}

static bool makes_sense(const struct analyze_options *o)
{
	if (o->check && !o->output) {
		if (o->key)
			fprintf(stderr, "ana: --key is for making a trace (-o), not for --check\n");
		return !o->key;
	}
	if (o->n_originals)
		fprintf(stderr,
			"ana: --original is for --check without -o: `ana scrub --check shared.rec "
			"--original run.rec`\n");
	return !o->n_originals && command_output(o, "scrub");
}

static int scrub_one(struct analyze_options *o, void *ctx)
{
	struct err err = { "" };
	struct maker m;
	int rc;

	maker_init(&m, o);
	rc = o->output ? make(&m, o, &err) : only_check(&m, o, &err);
	maker_done(&m);
	return rc < 0 ? command_failed(&err, EXIT_CANNOT) : rc > 0 ? EXIT_CHECK : EXIT_OK;
}

/* A key that is not there yet is made once, not by each process. */
static int scrub_each(struct analyze_options *o)
{
	struct err err = { "" };
	struct maker m;
	int rc = 0;

	maker_init(&m, o);
	if (o->key)
		rc = take_key(&m, o, true, &err);
	maker_done(&m);
	return rc ? command_failed(&err, EXIT_CANNOT) : command_each_trace(o, scrub_one);
}

static int run(int argc, char **argv)
{
	struct analyze_options o;
	int status;

	analyze_options_parse(&o, argc, argv, OPTIONS_TRACE | OPTIONS_SCRUB | OPTIONS_EACH, doc,
		more);
	signal(SIGPIPE, SIG_IGN);
	if (!makes_sense(&o))
		status = EXIT_USAGE;
	else if (o.each)
		status = scrub_each(&o);
	else
		status = scrub_one(&o, NULL);
	analyze_options_done(&o);
	return fflush(stdout) ? EXIT_CANNOT : status;
}

const struct command command_scrub = {
	.name = "scrub",
	.summary = "a new trace that is safe to share: names become pseudonyms",
	.run = run,
};
