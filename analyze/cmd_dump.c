/* `ana dump`: every event as it is, one a line, by the schema in the trace.
 *
 * Works on events that no analyzer has heard of, and on a pipe while it is being written. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyze/command.h"
#include "analyze/each.h"
#include "analyze/inputs.h"
#include "analyze/options.h"
#include "analyze/out.h"
#include "analyze/row_text.h"

struct dump {
	FILE *out;
	uint64_t start_ns;
	bool hosts;                          /* of several machines: each row names its own */
	struct arena scratch;                /* of one row */
	const struct event_type *header_for; /* csv: whose columns the header names */
	bool two_tables;                     /* csv: rows came that have other columns */
	FILE *cell;                          /* owned; csv: a text, before it is known what it is */
	char *cell_text;                     /* owned */
	size_t cell_len;
};

/* One way to write rows. */
struct row_format {
	const char *name, *suffix, *summary;
	void (*put)(struct dump *d, const struct row *row);
};

static const char *host_of(struct dump *d, const struct row *row)
{
	struct text host = segment_info(row->segment, "machine.host");

	return arena_strndup(&d->scratch, host.s, host.len);
}

static void put_text(struct dump *d, const struct row *row)
{
	uint64_t t = row->time - d->start_ns;

	if (row->time >= d->start_ns)
		fprintf(d->out, "%6" PRIu64 ".%09" PRIu64, t / 1000000000, t % 1000000000);
	else /* what was there before the recording */
		fprintf(d->out, "-%5" PRIu64 ".%09" PRIu64, -t / 1000000000, -t % 1000000000);
	fputs("  ", d->out);
	if (d->hosts) {
		escape_put(d->out, ESCAPE_TEXT, host_of(d, row));
		fputs("  ", d->out);
	}
	escape_put(d->out, ESCAPE_TEXT, row->type->name);
	for (uint32_t i = 1; i < row->type->n_fields; i++) {
		fputc(' ', d->out);
		escape_put(d->out, ESCAPE_TEXT, row->type->fields[i].name);
		fputc('=', d->out);
		row_put_value(d->out, row, i, ESCAPE_TEXT, &d->scratch);
	}
	fputc('\n', d->out);
}

static void put_line_frame(void *ctx, const char *name)
{
	struct dump *d = ctx;

	fputs("\n\t", d->out);
	escape_put(d->out, ESCAPE_TEXT, name);
}

/* As text, and below it the frames, outermost first, one a line. */
static void put_lines(struct dump *d, const struct row *row)
{
	put_text(d, row);
	for (uint32_t i = 1; i < row->type->n_fields; i++) {
		if (row->type->fields[i].type != FIELD_STACK || !row->values[i])
			continue;
		escape_put(d->out, ESCAPE_TEXT, row->type->fields[i].name);
		row_each_frame(row, i, true, &d->scratch, put_line_frame, d);
		fputc('\n', d->out);
	}
}

struct json_frames {
	FILE *out;
	bool any;
};

static void put_json_frame(void *ctx, const char *name)
{
	struct json_frames *j = ctx;

	fputs(j->any ? ",\"" : "\"", j->out);
	escape_put(j->out, ESCAPE_JSON, name);
	fputc('"', j->out);
	j->any = true;
}

static void put_json_value(struct dump *d, const struct row *row, uint32_t i)
{
	struct json_frames frames = { d->out, false };

	if (row->type->fields[i].type == FIELD_STACK) {
		fputc('[', d->out);
		row_each_frame(row, i, false, &d->scratch, put_json_frame, &frames);
		fputc(']', d->out);
	} else if (row_is_text(row, i)) {
		fputc('"', d->out);
		row_put_value(d->out, row, i, ESCAPE_JSON, &d->scratch);
		fputc('"', d->out);
	} else {
		row_put_value(d->out, row, i, ESCAPE_JSON, &d->scratch);
	}
}

static void put_jsonl(struct dump *d, const struct row *row)
{
	fprintf(d->out, "{\"version\":1,\"time\":%" PRIu64 ",\"event\":\"", row->time);
	escape_put(d->out, ESCAPE_JSON, row->type->name);
	if (d->hosts) {
		fputs("\",\"host\":\"", d->out);
		escape_put(d->out, ESCAPE_JSON, host_of(d, row));
	}
	fputs("\",\"fields\":{", d->out);
	for (uint32_t i = 1; i < row->type->n_fields; i++) {
		fputs(i > 1 ? ",\"" : "\"", d->out);
		escape_put(d->out, ESCAPE_JSON, row->type->fields[i].name);
		fputs("\":", d->out);
		put_json_value(d, row, i);
	}
	fputs("}}\n", d->out);
}

static bool same_columns(const struct event_type *a, const struct event_type *b)
{
	bool same = a == b || (a->n_fields == b->n_fields && strcmp(a->name, b->name) == 0);

	for (uint32_t i = 0; same && a != b && i < a->n_fields; i++)
		same = strcmp(a->fields[i].name, b->fields[i].name) == 0;
	return same;
}

/* In quotes, and with a ' in front of what spreadsheets would run as a formula, as in render/out_csv.c. */
static void put_csv_text(struct dump *d, const struct row *row, uint32_t field)
{
	bool stack = row->type->fields[field].type == FIELD_STACK;

	rewind(d->cell);
	row_put_value(d->cell, row, field, stack ? ESCAPE_CSV_FOLDED : ESCAPE_CSV, &d->scratch);
	fflush(d->cell);
	fputs(d->cell_len && strchr("=+-@", *d->cell_text) ? "\"'" : "\"", d->out);
	fwrite(d->cell_text, 1, d->cell_len, d->out);
	fputc('"', d->out);
}

static void put_csv_header(struct dump *d, const struct event_type *type)
{
	fputs(d->hosts ? "\"host\"," : "", d->out);
	for (uint32_t i = 0; i < type->n_fields; i++) {
		fputs(i ? ",\"" : "\"", d->out);
		escape_put(d->out, ESCAPE_CSV, type->fields[i].name);
		fputc('"', d->out);
	}
	fputs("\n", d->out);
}

/* Another version of a recorder may have written the event with other fields: no table holds both. */
static void put_csv(struct dump *d, const struct row *row)
{
	const struct event_type *type = row->type;

	if (!d->header_for)
		put_csv_header(d, type);
	else if (!same_columns(d->header_for, type))
		d->two_tables = true;
	if (d->two_tables)
		return;
	d->header_for = type;
	if (d->hosts) {
		fputc('"', d->out);
		escape_put(d->out, ESCAPE_CSV, host_of(d, row));
		fputs("\",", d->out);
	}
	fprintf(d->out, "%" PRIu64, row->time);
	for (uint32_t i = 1; i < type->n_fields; i++) {
		fputc(',', d->out);
		if (row_is_text(row, i) || type->fields[i].type == FIELD_STACK)
			put_csv_text(d, row, i);
		else
			row_put_value(d->out, row, i, ESCAPE_CSV, &d->scratch);
	}
	fputs("\n", d->out);
}

static const struct row_format formats[] = {
	{ "text", ".txt", "one line an event: seconds since the start, name, fields (default)",
		put_text },
	{ "lines", ".txt",
		"as text, then the stacks: a frame a line, with file and line of the source",
		put_lines },
	{ "jsonl", ".jsonl", "one JSON object a line; times in ns, stacks from the outermost frame",
		put_jsonl },
	{ "csv", ".csv", "a table with a header; needs --event", put_csv },
};

static const struct row_format *choose_format(const struct analyze_options *o, struct err *err)
{
	const char *ending = o->each ? NULL : out_ending(o->output);
	const char *name = o->format ? o->format : ending ? ending + 1 : "text";

	if (!o->format)
		name = strcasecmp(name, "json") == 0   ? "jsonl"
			: strcasecmp(name, "txt") == 0 ? "text"
						       : name;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcasecmp(formats[i].name, name) != 0)
			continue;
		if (formats[i].put == put_csv && !o->event) {
			err_set(err, EINVAL,
				"a table holds one kind of event: name it with --event");
			return NULL;
		}
		return &formats[i];
	}
	err_set(err, EINVAL, "there is no format '%s': choose text, lines, jsonl or csv with -f",
		name);
	return NULL;
}

/* --event names a type of events, or what CPU samples were taken by. */
static bool is_asked_for(const struct analyze_options *o, const struct row *row)
{
	int event = row->want && o->event ? event_field(row->type, "event") : -1;

	return row->want == 0 ||
		(event >= 0 &&
			text_is(segment_string(row->segment, (uint32_t)row->values[event]),
				o->event));
}

static void show(void *out)
{
	fflush(out);
}

static int dump_rows(struct inputs *in, struct analyze_options *o, const struct row_format *format,
	struct dump *d, struct err *err)
{
	const struct want wants[] = { { o->event, NULL, 0 }, { "cpu_sample", NULL, 0 } };
	bool samples = o->event && strcmp(o->event, "cpu_sample") != 0;
	struct merge_options mo = { .wants = wants, .n_wants = samples ? 2 : 1 };
	struct merge *m;
	struct row row;
	uint64_t n = 0;
	int rc = inputs_start(in, &d->start_ns, err);

	if (rc)
		return rc;
	d->hosts = inputs_several_machines(in);
	filter_bounds(&o->filter, d->start_ns, &mo.from_ns, &mo.to_ns);
	for (uint32_t i = 0; i < in->n; i++)
		reader_on_wait(in->readers[i], show, d->out);
	m = merge_new(in->readers, in->n, &mo);
	while ((rc = merge_next(m, &row, err)) > 0 && !ferror(d->out) && !d->two_tables) {
		if (!is_asked_for(o, &row) || !filter_pass_row(&o->filter, &row))
			continue;
		format->put(d, &row);
		arena_reset(&d->scratch);
		n++;
	}
	merge_free(m);
	if (d->two_tables)
		return err_set(err, EINVAL,
			"'%s' has other fields in one part than in another: one table cannot hold both, -f jsonl can",
			o->event);
	if (rc == 0 && n == 0 && o->event)
		fprintf(stderr,
			"ana: no event '%s' passes; `ana info` lists what is in the trace\n",
			o->event);
	return rc < 0 ? rc : 0;
}

static int dump(struct analyze_options *o, const struct row_format *format, struct err *err)
{
	struct inputs in = { 0 };
	struct dump d = { 0 };
	struct out out;
	int rc = inputs_open(&in, o->files, o->n_files, err);

	if (!rc)
		rc = out_open(&out, o->output, err);
	if (!rc) {
		d.out = out.f;
		d.cell = open_memstream(&d.cell_text, &d.cell_len);
		if (!d.cell)
			abort();
		rc = dump_rows(&in, o, format, &d, err);
		command_tell_damage(&in);
		fclose(d.cell);
		free(d.cell_text);
		if (rc)
			out_discard(&out);
		else
			rc = out_close(&out, err);
	}
	arena_done(&d.scratch);
	inputs_close(&in);
	return rc;
}

static int dump_one(struct analyze_options *o, void *ctx)
{
	struct err err = { "" };

	if (out_check(o->output, o->files, o->n_files, &err))
		return command_failed(&err, EXIT_USAGE);
	return dump(o, ctx, &err) ? command_failed(&err, EXIT_CANNOT) : EXIT_OK;
}

static int dump_each(struct analyze_options *o, const struct row_format *format)
{
	struct each e = { .suffix = format->suffix,
		.printable = format->put != put_csv,
		.headed = format->put == put_text || format->put == put_lines,
		.one = dump_one,
		.ctx = (void *)format };

	return each_run(o, &e);
}

static int run(int argc, char **argv)
{
	const struct row_format *format;
	struct analyze_options o;
	struct err err = { "" };
	char list[512];
	size_t n = (size_t)snprintf(list, sizeof(list), "Formats:\n");
	int status;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "  %-8s %s\n", formats[i].name,
			formats[i].summary);
	analyze_options_parse(&o, argc, argv,
		OPTIONS_FILTER | OPTIONS_EVENT | OPTIONS_IDLE | OPTIONS_OUTPUT | OPTIONS_EACH,
		"Show the events of a trace, one a line.", list);
	o.filter.idle = true; /* a dump leaves nothing out by itself */
	format = choose_format(&o, &err);
	if (!format)
		status = command_failed(&err, EXIT_USAGE);
	else if (o.each)
		status = dump_each(&o, format);
	else
		status = dump_one(&o, (void *)format);
	analyze_options_done(&o);
	return status;
}

const struct command command_dump = {
	.name = "dump",
	.summary = "the events themselves, one a line: text, JSON lines, CSV",
	.run = run,
};
