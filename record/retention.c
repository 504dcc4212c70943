/* Rings and rotation both end segments by plan; the writer and the sink do not know why. */
#include "record/retention.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/base/size.h"
#include "record/now.h"

enum {
	QUEUE_BYTES = 8 << 20,  /* between us and a slow disk */
	PARTS = 8,              /* segments that a ring is made of: it holds up to 1/8 too much */
	RING_BYTES = 256 << 20, /* of a ring of some time, unless --max-size says otherwise */
	MAX_NUMBER = 1000000,
};

#define SECOND 1000000000ULL

/* A file of a rotation that has been finished. */
struct past_file {
	char *name; /* owned */
	uint64_t bytes;
};

/* A snapshot on its way to its file. */
struct writing {
	struct snapshot *snapshot; /* owned; NULL: there is none */
	struct trace_out output;
	pthread_t thread;
	atomic_bool done;
	int n_left_out;   /* segments for which there was no room; -1: all; once done */
	int64_t bytes;    /* or a negative errno; once done */
	uint64_t from_ns; /* once done */
	uint64_t taken_ns;
};

struct retention {
	const struct options *options; /* borrowed */
	struct sink *sink;             /* owned */
	struct segment_ring *ring;     /* owned; NULL: no ring */
	struct trace_out output, next; /* the present file, and that from the next segment on */
	struct reserve reserve;        /* of the one that was opened last, for the sink */
	char stem[4096];
	unsigned number;        /* of the newest file of a series */
	struct past_file *past; /* owned; of a rotation, oldest first */
	uint32_t n_past;
	uint64_t ring_bytes; /* what the ring may hold */
	uint64_t segment_ns; /* when the present segment began */
	uint64_t base_bytes; /* what it takes to begin one: processes, machine; 0: not known yet */
	uint64_t file_ns, file_at; /* when the present file began, and at which byte of the sink */
	uint64_t retry_ns;
	bool told; /* that there is no room for another file */
	bool asked;
	struct writing writing;
	uint64_t bytes_final, from_final;
};

static bool rotates(const struct retention *k)
{
	return options_rotate(k->options);
}

/* No file takes more room ahead than that; 0: as much as it wants. One of a rotation has no use for more than is still
 * on its way when it is long enough. */
static uint64_t file_limit(const struct retention *k)
{
	uint64_t max = k->options->max_bytes, limit = k->options->rotate_bytes + RESERVE_BYTES / 2;

	if (!k->options->rotate_bytes)
		return max;
	return max && max < limit ? max : limit;
}

__attribute__((format(printf, 2, 3))) static void say(const struct retention *k, const char *fmt,
	...)
{
	va_list ap;

	if (k->options->quiet)
		return;
	fputs("rec: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* ---- opening ---- */

static int open_first(struct retention *k, struct err *err)
{
	int rc;

	k->number = 1;
	rc = rotates(k) ? output_open_numbered(&k->output, k->stem, 1, err)
			: output_open(&k->output, k->options, err);
	if (!rc)
		rc = output_reserve(&k->output, &k->reserve, file_limit(k), err);
	if (rc)
		return rc;
	k->sink = sink_new(k->output.fd, QUEUE_BYTES);
	sink_reserve(k->sink, &k->reserve);
	return 0;
}

static int open_ring(struct retention *k, struct err *err)
{
	const struct options *o = k->options;

	k->ring_bytes = o->ring_bytes ? o->ring_bytes : o->max_bytes ? o->max_bytes : RING_BYTES;
	k->ring = segment_ring_new(k->ring_bytes, o->ring_ns);
	k->sink = sink_new_ring(k->ring);
	return output_check(o, err);
}

struct retention *retention_open(const struct options *options, struct err *err)
{
	struct retention *k = xcalloc(1, sizeof(*k));
	int rc;

	k->options = options;
	k->output.fd = k->next.fd = -1;
	output_stem(k->stem, sizeof(k->stem), options);
	k->segment_ns = k->file_ns = now_ns();
	rc = options_ring(options) ? open_ring(k, err) : open_first(k, err);
	if (!rc)
		return k;
	retention_free(k);
	return NULL;
}

struct sink *retention_sink(struct retention *k)
{
	return k->sink;
}

/* ---- when a segment ends ---- */

/* How long a segment of a ring of some time is; 0: of any time. */
static uint64_t part_ns(const struct retention *k)
{
	uint64_t part = k->options->ring_ns / PARTS;

	return k->options->ring_ns && part < SECOND ? SECOND : part;
}

static bool ring_due(const struct retention *k, const struct writer *w, uint64_t now)
{
	uint64_t bytes = writer_segment_bytes(w);

	if (k->options->ring_ns && now - k->segment_ns >= part_ns(k))
		return true;
	if (bytes >= k->ring_bytes / 2)
		return true;
	return k->base_bytes && bytes - k->base_bytes >= k->ring_bytes / PARTS;
}

static bool file_due(const struct retention *k, uint64_t now)
{
	const struct options *o = k->options;

	if (now < k->retry_ns || sink_full(k->sink))
		return false;
	if (o->rotate_ns)
		return now - k->file_ns >= o->rotate_ns;
	return sink_taken(k->sink) - k->file_at >= o->rotate_bytes;
}

bool retention_due(const struct retention *k, const struct writer *w, uint64_t now_ns)
{
	if (k->ring)
		return ring_due(k, w, now_ns);
	return rotates(k) && file_due(k, now_ns);
}

bool retention_full(struct retention *k)
{
	uint64_t max = k->options->max_bytes;

	/* Names and the index are still to come. */
	return max && !k->ring && !rotates(k) && sink_taken(k->sink) >= max - max / 16;
}

/* What the files of a rotation hold, with the present one. */
static uint64_t all_bytes(const struct retention *k)
{
	uint64_t bytes = sink_taken(k->sink) - k->file_at;

	for (uint32_t i = 0; i < k->n_past; i++)
		bytes += k->past[i].bytes;
	return bytes;
}

static void remove_oldest(struct retention *k)
{
	unlink(k->past[0].name);
	free(k->past[0].name);
	memmove(k->past, k->past + 1, --k->n_past * sizeof(*k->past));
}

static bool too_much(const struct retention *k)
{
	return (k->options->keep && k->n_past + 1 > k->options->keep) ||
		(k->options->max_bytes && all_bytes(k) > k->options->max_bytes);
}

/* Lets go of the file that the sink is done with, and of those that are not to be kept. */
static void clear_past(struct retention *k)
{
	int fd = k->ring ? -1 : sink_retired_fd(k->sink);

	if (fd >= 0)
		close(fd);
	while (k->n_past && too_much(k))
		remove_oldest(k);
}

/* On a full disk the oldest file makes room if it is to go soon: as one that is more than are kept, once there is
 * another file, or as room that is taken ahead is part of what --max-size allows. */
static bool remove_early(struct retention *k, uint32_t more_files)
{
	const struct options *o = k->options;
	uint64_t ahead = 2 * sink_ahead(k->sink) + more_files * (uint64_t)RESERVE_BYTES;

	if (!k->n_past ||
		!((o->keep && k->n_past + 1 + more_files > o->keep) ||
			(o->max_bytes && all_bytes(k) + ahead > o->max_bytes)))
		return false;
	remove_oldest(k);
	return true;
}

bool retention_make_room(struct retention *k)
{
	if (k->ring || !rotates(k))
		return false;
	if (!remove_early(k, 0))
		return sink_less_ahead(k->sink);
	sink_more_room(k->sink);
	return true;
}

static int open_next(struct retention *k, struct err *err)
{
	int rc;

	do {
		rc = output_open_numbered(&k->next, k->stem, ++k->number, err);
	} while (rc == -EEXIST && k->number < MAX_NUMBER);
	if (!rc)
		rc = output_reserve(&k->next, &k->reserve, file_limit(k), err);
	if (rc)
		k->number--;
	return rc;
}

void retention_before_segment(struct retention *k, uint64_t now_ns)
{
	struct err err = { "" };
	int rc;

	if (k->ring || !rotates(k) || k->next.fd >= 0 || !file_due(k, now_ns))
		return;
	clear_past(k); /* files may change more often than we tick */
	do {
		rc = open_next(k, &err);
	} while ((rc == -ENOSPC || rc == -EDQUOT) && remove_early(k, 1));
	if (rc) {
		if (!k->told)
			say(k, "%s; going on with %s", err.text, k->output.name);
		k->told = true;
		k->retry_ns = now_ns + SECOND;
		return;
	}
	k->told = false;
	/* The disk may be so slow that the last change is not done. */
	if (sink_next_fd(k->sink, k->next.fd, &k->reserve)) {
		trace_out_close(&k->next, true, NULL);
		k->retry_ns = now_ns + SECOND;
		k->number--;
	}
}

/* The next period; when one was missed, from now on. */
static void advance(uint64_t *since_ns, uint64_t period_ns, uint64_t now_ns)
{
	*since_ns += period_ns;
	if (!period_ns || *since_ns > now_ns || now_ns - *since_ns >= period_ns)
		*since_ns = now_ns;
}

static void end_file(struct retention *k, uint64_t now_ns)
{
	uint64_t taken = sink_taken(k->sink);

	k->past = xrealloc(k->past, k->n_past + 1, sizeof(*k->past));
	k->past[k->n_past++] = (struct past_file){ strdup(k->output.name), taken - k->file_at };
	k->file_at = taken;
	advance(&k->file_ns, k->options->rotate_ns, now_ns);
	k->output = k->next;
	k->next = (struct trace_out){ .fd = -1 };
}

void retention_after_segment(struct retention *k, uint64_t now_ns)
{
	advance(&k->segment_ns, part_ns(k), now_ns);
	k->base_bytes = 0;
	if (k->next.fd >= 0)
		end_file(k, now_ns);
}

/* ---- snapshots ---- */

/* The name that was asked for, then numbered ones. A name that somebody took meanwhile is passed. */
static int open_snapshot(struct retention *k, struct trace_out *o, struct err *err)
{
	const char *name = k->options->output;
	int rc = -EEXIST;

	if (!name || strcmp(name, "-") == 0)
		return output_open(o, k->options, err);
	while (rc == -EEXIST && k->number < MAX_NUMBER) {
		k->number++;
		rc = k->number == 1 ? output_open(o, k->options, err)
				    : output_open_numbered(o, k->stem, k->number, err);
	}
	return rc;
}

/* Writes what the disk has room for. */
static int64_t write_fitting(struct snapshot *s, const struct trace_out *o, uint64_t *from_ns,
	int *n_left_out)
{
	int rc = o->own ? snapshot_fit(s, o->fd) : 0;

	*n_left_out = rc < 0 ? -1 : rc;
	return rc < 0 ? rc : snapshot_write(s, o->fd, from_ns);
}

static void *write_snapshot(void *arg)
{
	struct writing *w = arg;

	w->bytes = write_fitting(w->snapshot, &w->output, &w->from_ns, &w->n_left_out);
	atomic_store(&w->done, true);
	return NULL;
}

void retention_ask_snapshot(struct retention *k)
{
	if (!k->ring)
		say(k,
			"SIGUSR2 writes what a --ring holds; this recording has none, everything is in "
			"the file");
	k->asked = k->ring != NULL;
}

bool retention_wants_snapshot(struct retention *k)
{
	return k->asked && !k->writing.snapshot;
}

static void report_snapshot(const struct retention *k, const struct writing *w)
{
	char size[32];

	if (w->bytes < 0)
		say(k, "writing %s failed: %s", w->output.name, strerror((int)-w->bytes));
	else
		say(k, "the last %.1f s (%s) are in %s%s", (double)(w->taken_ns - w->from_ns) / 1e9,
			size_text((uint64_t)w->bytes, size), w->output.name,
			w->n_left_out ? "; the disk has no room for more" : "");
}

static void end_snapshot(struct retention *k)
{
	struct writing *w = &k->writing;

	if (!w->snapshot)
		return;
	pthread_join(w->thread, NULL);
	snapshot_free(w->snapshot);
	w->snapshot = NULL;
	trace_out_close(&w->output, w->n_left_out < 0, NULL);
	report_snapshot(k, w);
}

void retention_snapshot(struct retention *k)
{
	struct writing *w = &k->writing;
	struct err err = { "" };
	int code;

	k->asked = false;
	if (open_snapshot(k, &w->output, &err)) {
		say(k, "%s; recording goes on", err.text);
		return;
	}
	atomic_store(&w->done, false);
	w->taken_ns = now_ns();
	w->snapshot = segment_ring_snapshot(k->ring, false);
	code = pthread_create(&w->thread, NULL, write_snapshot, w);
	if (!code)
		return;
	say(k, "no snapshot: starting a thread failed: %s", strerror(code));
	snapshot_free(w->snapshot);
	w->snapshot = NULL;
	trace_out_close(&w->output, true, NULL);
}

void retention_tick(struct retention *k, const struct writer *w)
{
	clear_past(k);
	if (k->writing.snapshot && atomic_load(&k->writing.done))
		end_snapshot(k);
	if (!k->base_bytes)
		k->base_bytes = writer_segment_bytes(w);
}

/* ---- the end ---- */

static int write_ring(struct retention *k, struct err *err)
{
	struct snapshot *s;
	int64_t bytes;
	int rc, n_left_out;

	end_snapshot(k);
	rc = open_snapshot(k, &k->output, err);
	if (rc)
		return rc;
	s = segment_ring_snapshot(k->ring, true);
	bytes = write_fitting(s, &k->output, &k->from_final, &n_left_out);
	snapshot_free(s);
	if (n_left_out < 0)
		trace_out_close(&k->output, true, NULL);
	if (bytes < 0)
		return err_errno(err, (int)-bytes, "writing %s", k->output.name);
	k->bytes_final = (uint64_t)bytes;
	if (!n_left_out)
		return 0;
	return err_set(err, ENOSPC,
		"the disk had no room for the whole ring: only its last %.1f s are in %s",
		(double)(now_ns() - k->from_final) / 1e9, k->output.name);
}

int retention_finish(struct retention *k, int rc, struct err *err)
{
	sink_end(k->sink);
	if (k->ring && !rc)
		rc = write_ring(k, err);
	if (!k->ring)
		k->bytes_final = sink_written(k->sink) - k->file_at;
	clear_past(k);
	if (trace_out_close(&k->output, false, rc ? NULL : err) && !rc)
		rc = -EIO;
	return rc;
}

void retention_discard(struct retention *k)
{
	sink_end(k->sink);
	trace_out_close(&k->output, true, NULL);
}

void retention_result(struct retention *k, struct retention_result *r)
{
	struct segment_ring_stats stats;

	memset(r, 0, sizeof(*r));
	r->file = k->output.name;
	r->bytes = k->bytes_final;
	r->n_files = k->n_past + 1;
	for (uint32_t i = 0; i < k->n_past; i++)
		r->bytes += k->past[i].bytes;
	if (!k->ring)
		return;
	segment_ring_stats(k->ring, &stats);
	r->ring_from_ns = k->from_final;
	r->ring_was_full = k->options->ring_ns && stats.n_early;
}

void retention_free(struct retention *k)
{
	if (!k)
		return;
	end_snapshot(k);
	sink_free(k->sink); /* gives back room of the files */
	trace_out_close(&k->output, false, NULL);
	trace_out_close(&k->next, true, NULL);
	segment_ring_free(k->ring);
	for (uint32_t i = 0; i < k->n_past; i++)
		free(k->past[i].name);
	free(k->past);
	free(k);
}
