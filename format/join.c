#include "format/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/verify.h"

enum { PIECE_BYTES = 1 << 20 };

/* A segment, where it is. */
struct piece {
	struct reader *reader; /* borrowed */
	const struct segment_clock *clock;
	uint64_t offset, bytes;
	uint64_t start_ns; /* on the common clock */
	uint32_t id;
	uint32_t order; /* of the inputs */
};

struct join {
	struct piece *pieces; /* owned */
	uint32_t n;
	uint64_t events;
};

/* ---- checking ---- */

static int check_input(struct join *j, struct reader *r, struct err *err)
{
	struct verify_result v;
	const struct damage *d;
	size_t n;

	if (reader_refuse_stream(r, err))
		return -ESPIPE;
	verify(r, &v, NULL); /* of a file never fails */
	d = reader_damage(r, &n);
	if (n)
		return err_set(err, EBADMSG,
			"%s is damaged in %zu place%s (the first: %s); "
			"`ana verify --repair` makes a sound trace of it",
			reader_name(r), n, n == 1 ? "" : "s", d[0].what);
	if (!v.complete)
		return err_set(err, EBADMSG,
			"%s has no end, its recorder was killed or still records; "
			"`ana verify --repair` makes a sound trace of it",
			reader_name(r));
	j->events += v.events;
	return 0;
}

static void add_segments(struct join *j, struct reader *r)
{
	uint32_t n = reader_n_segments(r);

	j->pieces = xrealloc(j->pieces, (size_t)j->n + n, sizeof(*j->pieces));
	for (uint32_t k = 0; k < n; k++) {
		const struct segment *s = reader_declarations(r, k);
		uint64_t end = k + 1 < n ? reader_declarations(r, k + 1)->offset : reader_bytes(r);

		j->pieces[j->n] = (struct piece){ .reader = r,
			.clock = reader_clock(r, k),
			.offset = s->offset,
			.bytes = end - s->offset,
			.start_ns = s->clock.start_ns + (uint64_t)s->shift_ns,
			.id = s->id,
			.order = j->n };
		j->n++;
	}
	for (uint32_t k = 0; k < n; k++)
		reader_forget(r, k);
}

static bool same_piece(const struct piece *a, const struct piece *b)
{
	return a->id == b->id && a->bytes == b->bytes &&
		memcmp(reader_map(a->reader) + a->offset, reader_map(b->reader) + b->offset,
			a->bytes) == 0;
}

static int by_start(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The same segments start at the same time, so they are near each other now. */
static int check_twice(const struct join *j, struct err *err)
{
	for (uint32_t i = 0; i < j->n; i++) {
		const struct piece *a = &j->pieces[i];

		for (uint32_t k = i + 1; k < j->n && j->pieces[k].start_ns == a->start_ns; k++)
			if (same_piece(a, &j->pieces[k]))
				return err_set(err, EEXIST,
					"%s and %s hold the same recording: its events would "
					"count twice",
					reader_name(a->reader), reader_name(j->pieces[k].reader));
	}
	return 0;
}

struct join *join_new(struct reader *const *readers, uint32_t n, int *code, struct err *err)
{
	struct join *j = xcalloc(1, sizeof(*j));
	int rc = 0;

	readers_align(readers, n);
	for (uint32_t i = 0; !rc && i < n; i++) {
		rc = check_input(j, readers[i], err);
		if (!rc)
			add_segments(j, readers[i]);
	}
	if (!rc) {
		qsort(j->pieces, j->n, sizeof(*j->pieces), by_start);
		rc = check_twice(j, err);
	}
	*code = rc;
	if (!rc)
		return j;
	join_free(j);
	return NULL;
}

/* ---- writing ---- */

static int write_piece(const struct piece *p, struct sink *sink)
{
	const uint8_t *map = reader_map(p->reader);
	uint64_t at = p->offset, end = p->offset + p->bytes;
	int rc = 0;

	while (!rc && at < end) {
		size_t n = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;

		rc = sink_put(sink, map + at, n);
		at += n;
		reader_done_before(p->reader, at);
	}
	return rc;
}

int join_write(struct join *j, struct sink *sink)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < j->n; i++)
		rc = write_piece(&j->pieces[i], sink);
	return rc;
}

static bool is_new_machine(const struct join *j, uint32_t number)
{
	for (uint32_t i = 0; i < number; i++)
		if (segment_same_boot(j->pieces[i].clock, j->pieces[number].clock))
			return false;
	return true;
}

void join_result(const struct join *j, struct join_result *result)
{
	*result = (struct join_result){ .segments = j->n, .events = j->events };
	for (uint32_t i = 0; i < j->n; i++) {
		bool is_new = is_new_machine(j, i);

		result->bytes += j->pieces[i].bytes;
		result->machines += is_new;
		result->unaligned += is_new && !j->pieces[i].clock->start_real_ns;
	}
	if (result->machines == 1)
		result->unaligned = 0;
}

void join_free(struct join *j)
{
	if (!j)
		return;
	free(j->pieces);
	free(j);
}
