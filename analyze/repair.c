/* Each trace is checked, which finds everything that is wrong, and then copied, which leaves behind what
 * cannot be read; what the check found and the copy took all the same had lost only names. */
#include "analyze/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/inputs.h"
#include "format/copy.h"
#include "format/trace_out.h"
#include "format/verify.h"

struct repair {
	FILE *say; /* stderr when the new trace goes to stdout */
	struct sink *sink;
	struct copy_result result;
	uint64_t dropped_bytes;
};

/* The block of events that lies where damage was found, as far as an index tells. */
static bool events_at(const struct reader *r, uint64_t offset, struct block_ref *ref)
{
	for (size_t i = 0; i < reader_n_blocks(r); i++) {
		*ref = reader_block_ref(r, i);
		if (ref->offset == offset && ref->kind == BLOCK_EVENTS)
			return true;
	}
	return false;
}

static bool was_dropped(const struct reader *copied, uint64_t offset)
{
	size_t n;
	const struct damage *d = reader_damage(copied, &n);

	for (size_t i = 0; i < n; i++)
		if (d[i].offset == offset)
			return true;
	return false;
}

static void say_damage(struct repair *p, struct reader *copied, const struct damage *d)
{
	struct block_ref ref;
	bool is_events = events_at(copied, d->offset, &ref);
	bool kept = is_events && !was_dropped(copied, d->offset);
	const struct event_type *type = NULL;

	if (!kept)
		p->dropped_bytes += d->bytes;
	fprintf(p->say, "%s: %s %" PRIu64 " bytes at %" PRIu64, reader_name(copied),
		kept ? "kept" : "dropped", d->bytes, d->offset);
	if (is_events)
		type = segment_type(reader_declarations(copied, ref.segment), ref.type);
	if (is_events)
		fprintf(p->say, " (%u %s events%s)", ref.count, type ? type->name : "unknown",
			kept ? ", some with unknown names" : "");
	fprintf(p->say, ": %s\n", d->what);
}

/* What the new trace tells about it. NULL if there is nothing to tell. */
static const char *describe(const struct reader *checked, const struct verify_result *v,
	struct arena *a)
{
	const char *end = v->complete ? "" : "its end was missing";
	uint64_t bytes = 0;
	size_t n;
	const struct damage *d = reader_damage(checked, &n);

	for (size_t i = 0; i < n; i++)
		bytes += d[i].bytes;
	if (!n)
		return v->complete ? NULL : end;
	return arena_printf(a, "%zu damaged place%s with %" PRIu64 " bytes%s%s", n,
		n == 1 ? "" : "s", bytes, v->complete ? "" : ", ", end);
}

static int copy_intact(struct repair *p, struct reader *checked, const struct verify_result *v,
	const struct input_file *file, struct err *err)
{
	struct reader *r = input_open(file, v->unlisted, err);
	struct arena a = { 0 };
	struct copy_options o = { 0 };
	const struct damage *d;
	size_t n;
	int rc;

	if (!r)
		return -EIO;
	o.fact.value = describe(checked, v, &a);
	o.fact.key = o.fact.value ? "trace.repaired" : NULL;
	readers_align(&r, 1);
	rc = copy_trace(r, p->sink, &o, &p->result, err);
	d = reader_damage(checked, &n);
	for (size_t i = 0; !rc && i < n; i++)
		say_damage(p, r, &d[i]);
	if (!rc && !v->complete)
		fprintf(p->say, "%s: had no end\n", reader_name(r));
	arena_done(&a);
	reader_close(r);
	return rc;
}

static int repair_file(struct repair *p, const struct input_file *file, struct err *err)
{
	struct reader *r = input_open(file, false, err);
	struct verify_result v;
	int rc;

	if (!r)
		return -EIO;
	rc = reader_refuse_stream(r, err);
	if (!rc)
		rc = verify(r, &v, err);
	if (!rc)
		rc = copy_intact(p, r, &v, file, err);
	reader_close(r);
	return rc;
}

/* It is our promise that the result is sound, so it is looked at. */
static int check_result(const struct trace_out *out, struct err *err)
{
	struct reader *r = out->own ? reader_open(out->name, err) : NULL;
	struct verify_result v;
	const struct damage *d;
	size_t n;
	int rc;

	if (!out->own)
		return 0;
	if (!r)
		return -EIO;
	rc = verify(r, &v, err);
	d = reader_damage(r, &n);
	if (!rc && (n || !v.complete))
		rc = err_set(err, EIO, "%s is not sound even now: %s", out->name,
			n ? d[0].what : "it has no end");
	reader_close(r);
	return rc;
}

static int repair_all(struct repair *p, const struct file_list *list, struct trace_out *out,
	struct err *err)
{
	int rc = 0, closed;

	p->sink = sink_new(out->fd, 0);
	for (uint32_t i = 0; !rc && i < list->n; i++)
		rc = repair_file(p, &list->files[i], err);
	if (!rc)
		fprintf(p->say,
			"%s: %" PRIu64 " events kept, %" PRIu64 " known to be lost, %" PRIu64
			" damaged bytes dropped, %" PRIu64 " bytes written\n",
			out->name, p->result.kept, p->result.lost, p->dropped_bytes,
			sink_written(p->sink));
	sink_free(p->sink);
	closed = trace_out_close(out, rc != 0, rc ? NULL : err);
	return rc ? rc : closed ? closed : check_result(out, err);
}

int repair(const struct analyze_options *o, struct err *err)
{
	struct repair p = { .say = stdout };
	struct trace_out out = { .fd = -1 };
	struct file_list list;
	struct arena a = { 0 };
	int rc = inputs_list(&list, o->files, o->n_files, &a, err);

	if (!rc)
		rc = trace_out_open(&out, o->output, err);
	if (!rc) {
		p.say = out.own ? stdout : stderr;
		rc = repair_all(&p, &list, &out, err);
	}
	inputs_unlist(&list);
	arena_done(&a);
	return rc;
}
