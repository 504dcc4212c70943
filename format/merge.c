/* A heap of open blocks, keyed by the time of their next row.
 *
 * Of a file all blocks are known: they wait in order of their first time and are opened when that
 * time has come, so only those that overlap are in memory. A few bytes of file can hold a megabyte
 * of equal rows, and someone may lay thousands of such blocks over each other: when all that overlap
 * would not fit, each keeps a slice of its rows and is decoded again for the next one. Of a stream
 * blocks are opened as they arrive, and rows are held back until a sync block says that nothing
 * older will follow. */
#include "format/merge.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/batch.h"
#include "format/overlap.h"
#include "format/run.h"
#include "format/workers.h"

struct pending {
	uint64_t first;
	uint32_t reader;
	uint32_t block;
};

enum { AHEAD = 16, WORTH_THREADS = 64 }; /* blocks: that are decoded ahead; of a trace */

/* Where columns go before they are put in their place: narrow ones, and those of which a slice is kept. */
struct decoder {
	struct column_decoder *columns; /* owned */
	uint64_t *scratch;              /* owned; of one column, once needed */
};

/* A block on its way into the heap. */
struct opening {
	struct work work;
	struct run *run; /* NULL: it cannot be read, or nobody wants it */
	struct block_header header;
	const void *payload;
	uint64_t offset;
	int rc;
	struct err err;
};

struct input {
	struct reader *reader; /* borrowed */
	bool stream, ended;
	uint64_t safe; /* a stream's rows below this are complete */
};

struct merge {
	struct merge_options options;
	struct input *inputs; /* owned */
	uint32_t n_inputs;
	struct pending *pending; /* owned */
	size_t n_pending, at_pending;
	size_t n_prepared;              /* of pending: these are open, or being opened */
	struct opening openings[AHEAD]; /* of pending [at_pending, n_prepared), modulo AHEAD */
	struct workers *workers;        /* owned; NULL: there are none */
	struct decoder decoders[WORKERS_MAX]; /* theirs */
	struct run **heap;                    /* owned */
	size_t n_heap, cap_heap;
	struct run *free_runs; /* owned list */
	size_t held, taken;    /* bytes in open runs; in all runs */
	uint64_t peak;         /* bytes of all rows that overlap at one moment, of files */
	bool sliced;           /* runs keep only a slice of their rows */
	uint64_t n_opened, last_time, n_late;
	struct bindings bindings;
	struct decoder decoder;
	uint32_t at_match; /* of the row that is being delivered */
	struct run *current;
	uint64_t values[MAX_FIELDS];
	struct batch *out, *last_out; /* owned; in use, in the order in which they came */
	struct batch *free_batches;   /* owned */
	bool at_slice;                /* the heap's first run has no more rows in memory */
	pthread_mutex_t late;         /* of late columns and what follows */
	struct decoder late_decoder;
};

static struct decoder new_decoder(void)
{
	return (struct decoder){ .columns = column_decoder_new() };
}

static void decoder_done(struct decoder *d)
{
	column_decoder_free(d->columns);
	free(d->scratch);
}

static uint64_t *scratch_of(struct decoder *d)
{
	if (!d->scratch)
		d->scratch = xcalloc(BLOCK_MAX_ROWS, sizeof(*d->scratch));
	return d->scratch;
}

static uint64_t row_time(const struct run *r)
{
	return run_times(r)[r->at - r->base] + (uint64_t)r->segment->shift_ns;
}

/* ---- heap ---- */

static bool before(const struct run *a, const struct run *b)
{
	if (a->time != b->time)
		return a->time < b->time;
	return a->sequence < b->sequence;
}

static void sink_down(struct merge *m, size_t i)
{
	for (;;) {
		size_t child = 2 * i + 1;
		struct run *r = m->heap[i];

		if (child >= m->n_heap)
			return;
		if (child + 1 < m->n_heap && before(m->heap[child + 1], m->heap[child]))
			child++;
		if (!before(m->heap[child], r))
			return;
		m->heap[i] = m->heap[child];
		m->heap[child] = r;
		i = child;
	}
}

static void push(struct merge *m, struct run *r)
{
	size_t i = m->n_heap;

	r->time = row_time(r);
	if (m->n_heap == m->cap_heap) {
		m->cap_heap = m->cap_heap ? m->cap_heap * 2 : 64;
		m->heap = xrealloc(m->heap, m->cap_heap, sizeof(*m->heap));
	}
	m->heap[m->n_heap++] = r;
	for (; i && before(r, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = r;
}

/* ---- runs ---- */

static void drop_memory(struct merge *m, struct run *r)
{
	free(r->memory);
	r->memory = NULL;
	m->taken -= r->cap * sizeof(*r->memory);
	r->cap = 0;
}

static void make_rows(struct run *r, const struct binding *b)
{
	r->same = xrealloc(r->same, b->n_values, sizeof(*r->same));
	r->varying = xrealloc(r->varying, b->n_values, sizeof(*r->varying));
	r->n_varying = xrealloc(r->n_varying, b->n_matches, sizeof(*r->n_varying));
	r->binding = b;
}

/* Words that so many rows take. */
static size_t words_of(const struct binding *b, uint32_t rows)
{
	return (size_t)rows * b->n_wide + ((size_t)rows * (b->n_needed - b->n_wide) + 1) / 2;
}

static struct run *new_run(struct merge *m, size_t words, const struct binding *b)
{
	struct run *r = m->free_runs;

	if (r)
		m->free_runs = r->next_free;
	else
		r = xcalloc(1, sizeof(*r));
	if (r->cap < words) {
		drop_memory(m, r);
		r->memory = xrealloc(NULL, words, sizeof(*r->memory));
		r->cap = words;
		m->taken += r->cap * sizeof(*r->memory);
	}
	m->held += r->cap * sizeof(*r->memory);
	if (r->binding != b)
		make_rows(r, b);
	return r;
}

static void free_run(struct merge *m, struct run *r)
{
	m->held -= r->cap * sizeof(*r->memory);
	free(r->late);
	r->late = NULL;
	if (m->taken > m->options.held_bytes)
		drop_memory(m, r);
	r->next_free = m->free_runs;
	m->free_runs = r;
}

static bool sorted(const uint64_t *t, const struct block_header *h)
{
	for (uint32_t i = 1; i < h->count; i++)
		if (t[i] < t[i - 1])
			return false;
	return t[0] == h->first && t[h->count - 1] == h->last;
}

/* Narrows the run to the window. */
static void clip(const struct merge *m, struct run *r, const uint64_t *time)
{
	uint64_t shift = (uint64_t)r->segment->shift_ns;

	while (r->at < r->n && time[r->at] + shift < m->options.from_ns)
		r->at++;
	while (m->options.to_ns && r->n > r->at && time[r->n - 1] + shift >= m->options.to_ns)
		r->n--;
}

/* Where a wide column is decoded to: to its place, or if only a slice of it is kept, to scratch. */
static uint64_t *decode_to(struct decoder *d, const struct run *r, uint64_t *place)
{
	return r->rows == r->count ? place : scratch_of(d);
}

/* How many rows are in memory. */
static uint32_t rows_in(const struct run *r)
{
	return r->count - r->base < r->rows ? r->count - r->base : r->rows;
}

/* Puts the slice of a wide column that the run keeps into its place. */
static void take_slice(const struct run *r, const uint64_t *column, uint64_t *place)
{
	if (column != place)
		memcpy(place, column + r->base, rows_in(r) * sizeof(*place));
}

static int open_columns(struct decoder *d, const struct run *r, const struct block_header *h,
	const void *payload, struct err *err)
{
	return column_decoder_open(d->columns, payload, h->stored, r->binding->field_types,
		       h->columns, h->count, err)
		? -EBADMSG
		: 0;
}

/* Finds the run's first row by its times. */
static int place_run(const struct merge *m, struct run *r, const struct block_header *h,
	const uint64_t *time, struct err *err)
{
	if (!sorted(time, h))
		return err_set(err, EBADMSG, "rows are not in order of time");
	clip(m, r, time);
	return 0;
}

/* Parts what rows look like to each want into what is the same in all of them and what is not. */
static void part_values(struct run *r)
{
	const struct binding *b = r->binding;

	memset(r->same, 0, b->n_values * sizeof(*r->same));
	for (uint32_t i = 0; i < b->n_matches; i++) {
		const struct match *m = &b->matches[i];
		struct varying *varying = r->varying + m->first_value;
		struct n_varying *n = &r->n_varying[i];

		*n = (struct n_varying){ 0 };
		for (uint32_t k = 0; k < m->n_matched; k++) {
			const struct matched *f = &m->matched[k];

			if (run_is_constant(r, f->column))
				r->same[m->first_value + f->field] = run_value(r, f->column, 0);
			else if (f->column < b->n_wide)
				varying[n->n++] = (struct varying){ f->field, f->column * r->rows };
		}
		n->n_wide = n->n;
		for (uint32_t k = 0; k < m->n_matched; k++) {
			const struct matched *f = &m->matched[k];

			if (f->column >= b->n_wide && !run_is_constant(r, f->column))
				varying[n->n++] = (struct varying){ f->field,
					(f->column - b->n_wide) * r->rows };
		}
	}
}

static bool take_constant(struct decoder *d, struct run *r, uint32_t f, uint32_t number)
{
	uint64_t v;

	if (!column_is_constant(d->columns, f, &v))
		return false;
	if (number < r->binding->n_wide)
		r->memory[(size_t)number * r->rows] = v;
	else
		run_narrow(r, number)[0] = (uint32_t)v;
	r->constant[number / 64] |= 1ULL << number % 64;
	return true;
}

static int take_narrow(struct decoder *d, struct run *r, uint32_t f, uint32_t number,
	struct err *err)
{
	const uint64_t *column = scratch_of(d) + r->base;
	uint32_t *to = run_narrow(r, number), n = rows_in(r);

	if (column_decode(d->columns, f, d->scratch, err))
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++)
		to[i] = (uint32_t)column[i];
	return 0;
}

static int take_wide(struct decoder *d, struct run *r, uint32_t f, uint32_t number, struct err *err)
{
	uint64_t *to = r->memory + (size_t)number * r->rows, *column = decode_to(d, r, to);

	if (column_decode(d->columns, f, column, err))
		return -EBADMSG;
	take_slice(r, column, to);
	return 0;
}

/* The times, which say what slice it is. */
static int take_times(const struct merge *m, struct decoder *d, struct run *r,
	const struct block_header *h, bool first, struct err *err)
{
	uint64_t *column = decode_to(d, r, r->memory);

	if (column_decode(d->columns, 0, column, err) || (first && place_run(m, r, h, column, err)))
		return -EBADMSG;
	r->base = r->rows == r->count ? 0 : r->at;
	take_slice(r, column, r->memory);
	return 0;
}

/* Decodes what is needed of the rows that the run has in memory, from its present row on. The first
 * time that row is found by the window. */
static int decode_run(const struct merge *m, struct decoder *d, struct run *r,
	const struct block_header *h, const void *payload, bool first, struct err *err)
{
	const struct binding *b = r->binding;

	if (open_columns(d, r, h, payload, err) || take_times(m, d, r, h, first, err))
		return -EBADMSG;
	memset(r->constant, 0, sizeof(r->constant));
	for (uint32_t f = 1; f < b->type->n_fields; f++)
		if (b->needed[f] && !take_constant(d, r, f, b->place[f]) &&
			(b->place[f] < b->n_wide ? take_wide : take_narrow)(d, r, f, b->place[f],
				err))
			return -EBADMSG;
	part_values(r);
	return 0;
}

/* The same for what is needed late. */
static int decode_late(struct decoder *d, struct run *r, const struct block_header *h,
	const void *payload, struct err *err)
{
	const struct binding *b = r->binding;
	uint64_t *to;

	if (!r->late)
		r->late = xcalloc((size_t)r->rows * b->n_late, sizeof(*r->late));
	to = r->late;
	if (open_columns(d, r, h, payload, err))
		return -EBADMSG;
	for (uint32_t f = 0; f < b->type->n_fields; f++) {
		uint64_t *column = decode_to(d, r, to);

		if (!b->late[f])
			continue;
		if (column_decode(d->columns, f, column, err))
			return -EBADMSG;
		take_slice(r, column, to);
		to += r->rows;
	}
	return 0;
}

/* How many rows of a block are kept: a share of them if those that overlap would not fit. */
static uint32_t rows_kept(const struct merge *m, const struct block_ref *ref, uint32_t n)
{
	uint64_t share = ref && m->peak > m->options.held_bytes
		? n * m->options.held_bytes / m->peak
		: n;

	return share ? (uint32_t)share : 1;
}

/* The next slice. False if the block has changed since it was opened. */
static bool next_slice(struct merge *m, struct run *r)
{
	struct reader *reader = m->inputs[r->reader].reader;
	struct block_header h;
	const void *payload = reader_block(reader, &r->ref, &h);

	free(r->late);
	r->late = NULL;
	return payload && decode_run(m, &m->decoder, r, &h, payload, false, NULL) == 0;
}

/* Whether a block has rows of a type as its segment declares it. */
static bool is_declared(const struct event_type *type, const struct block_header *h)
{
	return type && h->columns == type->n_fields &&
		event_row_bytes(type) * h->count <= BLOCK_MAX_BYTES && h->count;
}

/* Makes a run for a block of events that is not decoded yet; NULL if nobody wants it. ref: of a file. */
static struct run *run_of(struct merge *m, uint32_t input, struct segment *segment,
	const struct block_header *h, uint64_t offset, const struct block_ref *ref)
{
	const struct event_type *type = segment_type(segment, h->type);
	struct binding *b;
	struct run *r;

	if (!is_declared(type, h)) {
		reader_report(m->inputs[input].reader, offset, sizeof(*h) + h->stored,
			"%u events of type %u, which is not declared so", h->count, h->type);
		return NULL;
	}
	b = binding_of(&m->bindings, type);
	if (!b)
		return NULL;
	r = new_run(m, words_of(b, rows_kept(m, ref, h->count)), b);
	r->merge = m;
	r->segment = segment;
	if (ref)
		r->ref = *ref;
	r->rows = rows_kept(m, ref, h->count);
	r->n = r->count = h->count;
	r->at = 0;
	r->stream = h->stream;
	r->reader = input;
	r->sequence = m->n_opened++;
	return r;
}

/* Puts a run that has been decoded into the heap. */
static void enter(struct merge *m, const struct opening *o)
{
	struct run *r = o->run;

	if (o->rc)
		reader_report(m->inputs[r->reader].reader, o->offset,
			sizeof(o->header) + o->header.stored, "%.80s", o->err.text);
	if (!o->rc && r->at < r->n)
		push(m, r);
	else
		free_run(m, r);
}

/* ---- files ---- */

static int by_first(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->reader != y->reader)
		return x->reader < y->reader ? -1 : 1;
	return x->block < y->block ? -1 : x->block > y->block;
}

static bool type_wanted(struct merge *m, const struct segment *s, uint16_t type)
{
	const struct event_type *t = segment_type(s, type);

	return !t || binding_of(&m->bindings, t); /* an undeclared one is opened to be reported */
}

static void list_blocks(struct merge *m, uint32_t number)
{
	struct input *in = &m->inputs[number];
	const struct merge_options *o = &m->options;
	size_t n = reader_n_blocks(in->reader);

	m->pending = xrealloc(m->pending, m->n_pending + n, sizeof(*m->pending));
	for (size_t i = 0; i < n; i++) {
		const struct block_ref ref = reader_block_ref(in->reader, i);
		struct segment *s;
		uint64_t shift;

		if (ref.kind != BLOCK_EVENTS)
			continue;
		/* A window may need few of many segments: dictionaries are loaded with the first
		 * block that is opened. */
		s = reader_declarations(in->reader, ref.segment);
		if (o->block)
			o->block(o->ctx, s, &ref);
		shift = (uint64_t)s->shift_ns;
		if (ref.last + shift < o->from_ns || (o->to_ns && ref.first + shift >= o->to_ns) ||
			!type_wanted(m, s, ref.type))
			continue;
		m->pending[m->n_pending++] = (struct pending){ ref.first + shift, number,
			(uint32_t)i };
	}
}

static void decode_opening(void *ctx, struct work *work, unsigned worker)
{
	struct merge *m = ctx;
	struct opening *o = (struct opening *)work;

	o->rc = decode_run(m, &m->decoders[worker], o->run, &o->header, o->payload, true, &o->err);
}

/* Begins to open the next block. */
static void prepare(struct merge *m)
{
	const struct pending *p = &m->pending[m->n_prepared];
	struct opening *o = &m->openings[m->n_prepared++ % AHEAD];
	struct reader *reader = m->inputs[p->reader].reader;
	const struct block_ref ref = reader_block_ref(reader, p->block);

	*o = (struct opening){ .offset = ref.offset };
	o->payload = reader_block(reader, &ref, &o->header);
	if (o->payload)
		o->run = run_of(m, p->reader, reader_segment(reader, ref.segment), &o->header,
			ref.offset, &ref);
	if (o->run && m->workers)
		workers_give(m->workers, &o->work);
}

static bool may_prepare(const struct merge *m)
{
	return m->n_prepared < m->n_pending && m->n_prepared < m->at_pending + AHEAD &&
		m->held < m->options.held_bytes / 2;
}

static void open_pending(struct merge *m)
{
	struct reader *reader = m->inputs[m->pending[m->at_pending].reader].reader;
	struct opening *o = &m->openings[m->at_pending % AHEAD];

	if (m->n_prepared == m->at_pending)
		prepare(m);
	while (m->workers && may_prepare(m))
		prepare(m);
	m->at_pending++;
	if (o->run && m->workers)
		workers_wait(m->workers, &o->work);
	else if (o->run)
		o->rc = decode_run(m, &m->decoder, o->run, &o->header, o->payload, true, &o->err);
	if (o->run)
		enter(m, o);
	/* Blocks are nearly in file order: what lies well before this one is done. */
	if (o->offset > BLOCK_MAX_BYTES)
		reader_done_before(reader, o->offset - BLOCK_MAX_BYTES);
}

/* Threads cost more than they save where there is little to do; slices are decoded one by one. */
static void start_workers(struct merge *m)
{
	unsigned n = m->options.n_threads < WORKERS_MAX ? m->options.n_threads : WORKERS_MAX;

	if (!n || m->n_pending < WORTH_THREADS || m->sliced)
		return;
	for (unsigned i = 0; i < n; i++)
		m->decoders[i] = new_decoder();
	m->workers = workers_new(n, decode_opening, m);
}

static void end_workers(struct merge *m)
{
	workers_free(m->workers);
	for (; m->at_pending < m->n_prepared; m->at_pending++)
		if (m->openings[m->at_pending % AHEAD].run)
			free_run(m, m->openings[m->at_pending % AHEAD].run);
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		decoder_done(&m->decoders[i]);
}

/* ---- streams ---- */

/* Of a stream the block is gone when its late columns are asked for: they are decoded now. */
static void open_streamed(struct merge *m, uint32_t input, struct segment *segment,
	const struct block_header *h, const void *payload, uint64_t offset)
{
	struct opening o = { .header = *h, .payload = payload, .offset = offset };

	o.run = run_of(m, input, segment, h, offset, NULL);
	if (!o.run)
		return;
	o.rc = decode_run(m, &m->decoder, o.run, h, payload, true, &o.err);
	if (!o.rc && o.run->binding->n_late)
		o.rc = decode_late(&m->decoder, o.run, h, payload, &o.err);
	enter(m, &o);
}

static int read_stream(struct merge *m, uint32_t number, struct err *err)
{
	struct input *in = &m->inputs[number];
	struct block_header h;
	const void *payload;
	uint64_t offset;
	uint32_t segment = 0;
	struct segment *s;
	int rc = reader_next_block(in->reader, &h, &payload, &offset, &segment, err);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		in->ended = true;
		return 0;
	}
	s = reader_segment(in->reader, segment);
	if (h.kind == BLOCK_SYNC) {
		in->safe = h.last + (uint64_t)s->shift_ns;
		return 0;
	}
	if (m->options.block) {
		struct block_ref ref = { offset, h.first, h.last, segment, h.stored, h.stream,
			h.count, h.type, h.kind };

		m->options.block(m->options.ctx, s, &ref);
	}
	open_streamed(m, number, s, &h, payload, offset);
	return 0;
}

/* Whether something older than the heap's first row may still come from this input. */
static bool stream_lags(const struct merge *m, const struct input *in)
{
	return in->stream && !in->ended && m->held < m->options.held_bytes &&
		(!m->n_heap || m->heap[0]->time >= in->safe);
}

/* Reads streams until the heap's first row is complete in all of them. */
static int fill_from_streams(struct merge *m, struct err *err)
{
	for (uint32_t i = 0; i < m->n_inputs; i++) {
		struct input *in = &m->inputs[i];

		while (stream_lags(m, in)) {
			int rc = read_stream(m, i, err);

			if (rc)
				return rc;
		}
	}
	return 0;
}

/* ---- memory of batches ---- */

static struct batch *new_batch(struct merge *m)
{
	struct batch *b = m->free_batches;

	if (b)
		m->free_batches = b->next;
	else
		b = xrealloc(NULL, 1, sizeof(*b));
	b->next = NULL;
	b->n_rows = b->n_pieces = b->n_ended = 0;
	return b;
}

static void recycle(struct merge *m, struct batch *b)
{
	for (uint32_t i = 0; i < b->n_ended; i++)
		free_run(m, b->ended[i]);
	b->next = m->free_batches;
	m->free_batches = b;
}

static void hand_out(struct merge *m, struct batch *b)
{
	if (m->out)
		m->last_out->next = b;
	else
		m->out = b;
	m->last_out = b;
}

void merge_return_batch(struct merge *m, struct batch *b)
{
	assert(b == m->out);
	m->out = b->next;
	recycle(m, b);
}

static void free_batches(struct merge *m)
{
	struct batch *next;

	while (m->out)
		merge_return_batch(m, m->out);
	for (struct batch *b = m->free_batches; b; b = next) {
		next = b->next;
		free(b);
	}
}

/* ---- the outside ---- */

/* Bytes that a row takes. */
static size_t row_bytes(const struct binding *b)
{
	return (b->n_wide + b->n_late) * sizeof(uint64_t) +
		(b->n_needed - b->n_wide) * sizeof(uint32_t);
}

/* What the blocks that are open at one moment take together, were they decoded whole. */
static uint64_t peak_of(struct merge *m)
{
	struct span *spans = xcalloc(m->n_pending, sizeof(*spans));
	uint64_t peak;

	for (size_t i = 0; i < m->n_pending; i++) {
		const struct pending *p = &m->pending[i];
		const struct input *in = &m->inputs[p->reader];
		const struct block_ref ref = reader_block_ref(in->reader, p->block);
		const struct event_type *type;
		struct segment *s = reader_segment(in->reader, ref.segment);

		type = segment_type(s, ref.type);
		spans[i].first = p->first;
		spans[i].last = ref.last + (uint64_t)s->shift_ns;
		if (type && event_row_bytes(type) * ref.count <= BLOCK_MAX_BYTES)
			spans[i].weight = (uint64_t)ref.count *
				row_bytes(binding_of(&m->bindings, type));
	}
	peak = overlap_peak(spans, m->n_pending);
	free(spans);
	return peak;
}

static void order_blocks(struct merge *m)
{
	qsort(m->pending, m->n_pending, sizeof(*m->pending), by_first);
	m->peak = peak_of(m);
	m->sliced = m->peak > m->options.held_bytes;
}

struct merge *merge_new(struct reader *const *readers, uint32_t n_readers,
	const struct merge_options *options)
{
	struct merge *m = xcalloc(1, sizeof(*m));

	m->options = *options;
	if (m->options.to_ns == UINT64_MAX)
		m->options.to_ns = 0;
	if (!m->options.held_bytes)
		m->options.held_bytes = MERGE_HELD_BYTES;
	m->n_inputs = n_readers;
	m->inputs = xcalloc(n_readers, sizeof(*m->inputs));
	m->decoder = new_decoder();
	m->late_decoder = new_decoder();
	pthread_mutex_init(&m->late, NULL);
	bindings_init(&m->bindings, m->options.wants, m->options.n_wants);
	for (uint32_t i = 0; i < n_readers; i++) {
		m->inputs[i].reader = readers[i];
		m->inputs[i].stream = reader_is_stream(readers[i]);
	}
	readers_align(readers, n_readers);
	for (uint32_t i = 0; i < n_readers; i++)
		if (!m->inputs[i].stream)
			list_blocks(m, i);
	if (!options->unordered && m->n_pending)
		order_blocks(m);
	start_workers(m);
	return m;
}

void merge_free(struct merge *m)
{
	struct run *next;

	if (!m)
		return;
	end_workers(m);
	free_batches(m);
	for (size_t i = 0; i < m->n_heap; i++)
		free_run(m, m->heap[i]);
	for (struct run *r = m->free_runs; r; r = next) {
		next = r->next_free;
		free(r->memory);
		free(r->same);
		free(r->varying);
		free(r->n_varying);
		free(r);
	}
	bindings_done(&m->bindings);
	pthread_mutex_destroy(&m->late);
	decoder_done(&m->decoder);
	decoder_done(&m->late_decoder);
	free(m->inputs);
	free(m->pending);
	free(m->heap);
	free(m);
}

/* Makes sure that the heap's first row is the next one. */
static int fill(struct merge *m, struct err *err)
{
	int rc = fill_from_streams(m, err);

	while (!rc && m->at_pending < m->n_pending &&
		(!m->n_heap ||
			(!m->options.unordered &&
				m->pending[m->at_pending].first <= m->heap[0]->time)))
		open_pending(m);
	return rc;
}

/* Whether the first run has had the rows that it has in memory. */
static bool needs_slice(const struct run *r)
{
	return r->at < r->n && r->at == r->base + r->rows;
}

/* Puts the first run, which has been read on, in its place. NULL, or the run if it has ended. */
static struct run *settle(struct merge *m)
{
	struct run *r = m->heap[0], *ended = NULL;

	if (r->at == r->n || (needs_slice(r) && !next_slice(m, r))) {
		m->heap[0] = m->heap[--m->n_heap];
		ended = r;
	} else {
		r->time = row_time(r);
	}
	if (m->n_heap)
		sink_down(m, 0);
	return ended;
}

static void advance(struct merge *m)
{
	struct run *ended;

	m->current = NULL;
	m->heap[0]->at++;
	ended = settle(m);
	if (ended)
		free_run(m, ended);
}

/* Rows of streams may come after later ones of others. */
static void note_order(struct merge *m, uint64_t first, uint64_t last)
{
	if (first < m->last_time)
		m->n_late += !m->options.unordered;
	m->last_time = last;
}

/* A block whose late columns make no sense is reported once; they stay 0. */
static void load_late(struct merge *m, struct run *r)
{
	struct reader *reader = m->inputs[r->reader].reader;
	struct block_header h;
	const void *payload = reader_block(reader, &r->ref, &h);
	size_t n = (size_t)r->rows * r->binding->n_late;
	struct err err;

	if (payload && decode_late(&m->late_decoder, r, &h, payload, &err) == 0)
		return;
	if (payload)
		reader_report(reader, r->ref.offset, sizeof(h) + h.stored, "%.80s", err.text);
	free(r->late);
	r->late = xcalloc(n, sizeof(*r->late));
}

void merge_late(const struct row *row, uint64_t *values)
{
	struct run *r = (struct run *)
				row->run; /* what threads share of it, they share under the lock */
	const struct match *match = row->match;
	uint32_t n_needed = r->binding->n_needed;

	pthread_mutex_lock(&r->merge->late);
	if (!r->late && r->binding->n_late)
		load_late(r->merge, r);
	for (uint32_t i = 0; i < match->n_late; i++) {
		int c = match->late[i];

		values[i] = 0;
		if (c >= 0 && (uint32_t)c < n_needed)
			values[i] = run_value(r, (uint32_t)c, row->at);
		else if (c >= 0 && r->late)
			values[i] = r->late[(size_t)((uint32_t)c - n_needed) * r->rows + row->at];
	}
	pthread_mutex_unlock(&r->merge->late);
}

static void deliver(struct merge *m, struct row *row)
{
	const struct run *r = m->current;
	const struct match *match = &r->binding->matches[m->at_match++];

	run_begin_row(r, match, m->values, row);
	run_fill_row(r, match, r->at - r->base, m->values, row);
}

int merge_next(struct merge *m, struct row *row, struct err *err)
{
	int rc;

	if (m->current && m->at_match == m->current->binding->n_matches)
		advance(m);
	if (!m->current) {
		rc = fill(m, err);
		if (rc || !m->n_heap)
			return rc;
		m->current = m->heap[0];
		m->at_match = 0;
		note_order(m, m->current->time, m->current->time);
	}
	deliver(m, row);
	return 1;
}

uint64_t merge_n_late(const struct merge *m)
{
	return m->n_late;
}

/* ---- batches ---- */

bool merge_is_large(const struct merge *m)
{
	return m->n_pending >= WORTH_THREADS;
}

bool merge_is_full(const struct merge *m)
{
	return m->held >= m->options.held_bytes / 4 * 3;
}

bool merge_one_by_one(const struct merge *m)
{
	for (uint32_t i = 0; i < m->n_inputs; i++)
		if (m->inputs[i].stream)
			return true;
	return m->sliced;
}

/* The time from which on rows of the first run must wait for others. */
static uint64_t turn_ends(const struct merge *m)
{
	const struct run *r = m->heap[0];
	uint64_t end = UINT64_MAX;

	for (size_t i = 1; i < 3 && i < m->n_heap; i++) {
		const struct run *other = m->heap[i];
		uint64_t until = other->time;

		if (r->sequence < other->sequence && until < UINT64_MAX)
			until++;
		end = until < end ? until : end;
	}
	if (m->at_pending < m->n_pending && m->pending[m->at_pending].first < end)
		end = m->pending[m->at_pending].first;
	for (uint32_t i = 0; i < m->n_inputs; i++)
		if (m->inputs[i].stream && !m->inputs[i].ended && m->inputs[i].safe < end)
			end = m->inputs[i].safe;
	return end;
}

/* How many rows of the first run come before any other row: one at least, and no more than max. */
static uint32_t turn_of(const struct merge *m, uint32_t max)
{
	const struct run *r = m->heap[0];
	const uint64_t *t = run_times(r) + (r->at - r->base);
	uint32_t left = (r->base + r->rows < r->n ? r->base + r->rows : r->n) - r->at, n = 1;
	uint64_t shift = (uint64_t)r->segment->shift_ns, end;

	left = left < max ? left : max;
	if (m->options.unordered)
		return left;
	end = turn_ends(m);
	while (n < left && t[n] + shift < end)
		n++;
	return n;
}

static void add_piece(struct merge *m, struct batch *b)
{
	struct run *r = m->heap[0], *ended;
	uint32_t n = turn_of(m, BATCH_ROWS - b->n_rows), at = r->at - r->base;

	b->pieces[b->n_pieces++] = (struct piece){ r, at, n, 0 };
	b->n_rows += n;
	note_order(m, r->time, run_times(r)[at + n - 1] + (uint64_t)r->segment->shift_ns);
	r->at += n;
	m->at_slice = needs_slice(r);
	if (m->at_slice)
		return; /* the next slice takes the place of what is in the batch */
	ended = settle(m);
	if (ended)
		b->ended[b->n_ended++] = ended;
}

/* Whether the next row is known only after more of a stream has come. */
static bool must_wait(const struct merge *m)
{
	for (uint32_t i = 0; i < m->n_inputs; i++)
		if (stream_lags(m, &m->inputs[i]))
			return true;
	return false;
}

static int fill_batch(struct merge *m, struct batch *b, struct err *err)
{
	int rc = 0;

	while (!m->at_slice && b->n_rows < BATCH_ROWS && !(b->n_rows && must_wait(m))) {
		rc = fill(m, err);
		if (rc || !m->n_heap)
			break;
		add_piece(m, b);
	}
	return rc;
}

static void count_alike(struct batch *b)
{
	for (uint32_t i = b->n_pieces - 1; i-- > 0;) {
		struct piece *s = &b->pieces[i];

		if (s[0].run->binding == s[1].run->binding)
			s->alike = s[1].alike + 1;
	}
}

int merge_next_batch(struct merge *m, struct batch **batch, struct err *err)
{
	struct batch *b = new_batch(m);
	struct run *ended;
	int rc;

	assert(!m->out || !merge_one_by_one(m));
	if (m->at_slice && (ended = settle(m)))
		b->ended[b->n_ended++] = ended;
	m->at_slice = false;
	rc = fill_batch(m, b, err);
	if (!b->n_rows) {
		recycle(m, b);
		return rc;
	}
	count_alike(b);
	hand_out(m, b);
	*batch = b;
	return 1;
}
