/* A heap of open blocks, keyed by the time of their next row.
 *
 * Of a file all blocks are known: they wait in order of their first time and are opened when that
 * time has come, so only those that overlap are in memory. A few bytes of file can hold a megabyte
 * of equal rows, and someone may lay thousands of such blocks over each other: when all that overlap
 * would not fit, each keeps a slice of its rows and is decoded again for the next one. Of a stream
 * blocks are opened as they arrive, and rows are held back until a sync block says that nothing
 * older will follow. */
#include "format/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/overlap.h"

/* How one want sees one event type. */
struct match {
	uint32_t want;
	uint32_t n_fields;
	uint64_t missing;
	/* In the arena; numbers among the columns that are needed, -1 where there is no such field. */
	int16_t *columns;
};

/* What is wanted of one event type of one segment. */
struct binding {
	const struct event_type *type;
	struct match *matches; /* in the arena */
	uint32_t n_matches;
	bool needed[MAX_FIELDS];
	uint8_t field_types[MAX_FIELDS];
	uint32_t n_needed;
};

/* An open block. */
struct run {
	struct run *next_free;
	struct segment *segment;
	const struct binding *binding;
	struct block_ref ref; /* of a file: where it can be decoded again */
	uint64_t *memory;     /* owned; the columns that are needed, of `rows` rows each */
	size_t cap;           /* values in memory */
	uint32_t n, at, stream, reader;
	uint32_t base, rows; /* memory has the rows [base, base + rows) */
	uint64_t sequence;
};

struct pending {
	uint64_t first;
	uint32_t reader;
	uint32_t block;
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
	struct run **heap; /* owned */
	size_t n_heap, cap_heap;
	struct run *free_runs; /* owned list */
	size_t held, taken;    /* bytes in open runs; in all runs */
	uint64_t peak;         /* bytes of all rows that overlap at one moment, of files */
	uint64_t *scratch;     /* owned; a column of a run that keeps only a slice */
	uint64_t n_opened, last_time, n_late;
	struct arena arena;
	struct map bindings_by_type;
	struct binding **bindings; /* owned; elements in the arena */
	uint32_t n_bindings;
	struct column_decoder *decoder; /* owned */
	uint32_t at_match;              /* of the row that is being delivered */
	struct run *current;
	uint64_t values[MAX_FIELDS];
};

static uint64_t row_time(const struct run *r)
{
	/* Time is the first column. */
	return r->memory[r->at - r->base] + (uint64_t)r->segment->shift_ns;
}

/* ---- heap ---- */

static bool before(const struct run *a, const struct run *b)
{
	uint64_t x = row_time(a), y = row_time(b);

	if (x != y)
		return x < y;
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

	if (m->n_heap == m->cap_heap) {
		m->cap_heap = m->cap_heap ? m->cap_heap * 2 : 64;
		m->heap = xrealloc(m->heap, m->cap_heap, sizeof(*m->heap));
	}
	m->heap[m->n_heap++] = r;
	for (; i && before(r, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = r;
}

/* ---- bindings ---- */

static void bind_want(struct merge *m, struct binding *b, uint32_t number)
{
	const struct want *w = &m->options.wants[number];
	struct match *match = &b->matches[b->n_matches];

	if (w->event && strcmp(w->event, b->type->name) != 0)
		return;
	b->n_matches++;
	match->want = number;
	match->n_fields = w->fields ? w->n_fields : b->type->n_fields;
	match->columns = arena_alloc(&m->arena, match->n_fields * sizeof(*match->columns));
	for (uint32_t i = 0; i < match->n_fields; i++) {
		int f = w->fields ? event_field(b->type, w->fields[i]) : (int)i;

		match->columns[i] = (int16_t)f;
		if (f >= 0)
			b->needed[f] = true;
		else if (i < 64)
			match->missing |= 1ULL << i;
	}
}

static struct binding *bind(struct merge *m, const struct event_type *type)
{
	struct binding *b = arena_alloc(&m->arena, sizeof(*b));
	int16_t place[MAX_FIELDS];

	b->type = type;
	b->matches = arena_alloc(&m->arena, m->options.n_wants * sizeof(*b->matches));
	for (uint32_t i = 0; i < m->options.n_wants; i++)
		bind_want(m, b, i);
	b->needed[0] = true;
	for (uint32_t f = 0; f < type->n_fields; f++) {
		place[f] = (int16_t)b->n_needed;
		b->n_needed += b->needed[f];
		b->field_types[f] = (uint8_t)type->fields[f].type;
	}
	for (uint32_t i = 0; i < b->n_matches; i++)
		for (uint32_t k = 0; k < b->matches[i].n_fields; k++)
			if (b->matches[i].columns[k] >= 0)
				b->matches[i].columns[k] = place[b->matches[i].columns[k]];
	return b;
}

/* NULL if nobody wants the type. */
static struct binding *binding_of(struct merge *m, const struct event_type *type)
{
	bool is_new;
	uint32_t *number = map_put(&m->bindings_by_type, (uint64_t)(uintptr_t)type, &is_new);

	if (is_new) {
		*number = m->n_bindings;
		m->bindings = xrealloc(m->bindings, m->n_bindings + 1, sizeof(*m->bindings));
		m->bindings[m->n_bindings++] = bind(m, type);
	}
	return m->bindings[*number]->n_matches ? m->bindings[*number] : NULL;
}

/* ---- runs ---- */

static void drop_memory(struct merge *m, struct run *r)
{
	free(r->memory);
	r->memory = NULL;
	m->taken -= r->cap * sizeof(*r->memory);
	r->cap = 0;
}

static struct run *new_run(struct merge *m, size_t values)
{
	struct run *r = m->free_runs;

	if (r)
		m->free_runs = r->next_free;
	else
		r = xcalloc(1, sizeof(*r));
	if (r->cap < values) {
		drop_memory(m, r);
		r->memory = xrealloc(NULL, values, sizeof(*r->memory));
		r->cap = values;
		m->taken += r->cap * sizeof(*r->memory);
	}
	m->held += r->cap * sizeof(*r->memory);
	return r;
}

static void free_run(struct merge *m, struct run *r)
{
	m->held -= r->cap * sizeof(*r->memory);
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

/* Decodes what is needed of the rows that the run has in memory, from its present row on. The first
 * time that row is found by the window. */
static int decode_run(struct merge *m, struct run *r, const struct block_header *h,
	const void *payload, bool first, struct err *err)
{
	const struct binding *b = r->binding;
	bool whole = r->rows == h->count;
	uint64_t *to = r->memory;

	if (column_decoder_open(m->decoder, payload, h->stored, b->field_types, h->columns,
		    h->count, err))
		return -EBADMSG;
	for (uint32_t f = 0; f < b->type->n_fields; f++) {
		uint64_t *column = whole ? to : m->scratch;

		if (!b->needed[f])
			continue;
		if (column_decode(m->decoder, f, column, err))
			return -EBADMSG;
		if (f == 0 && first) {
			if (!sorted(column, h))
				return err_set(err, EBADMSG, "rows are not in order of time");
			clip(m, r, column);
		}
		r->base = whole ? 0 : r->at;
		if (!whole)
			memcpy(to, column + r->base,
				(h->count - r->base < r->rows ? h->count - r->base : r->rows) *
					sizeof(*to));
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

	return payload && decode_run(m, r, &h, payload, false, NULL) == 0;
}

/* Opens a block of events and puts it into the heap if anybody wants it. ref: of a file. */
static void open_block(struct merge *m, uint32_t input, struct segment *segment,
	const struct block_header *h, const void *payload, uint64_t offset,
	const struct block_ref *ref)
{
	const struct event_type *type = segment_type(segment, h->type);
	struct reader *reader = m->inputs[input].reader;
	struct binding *b;
	struct run *r;
	struct err err;

	if (!type || h->columns != type->n_fields ||
		event_row_bytes(type) * h->count > BLOCK_MAX_BYTES || !h->count) {
		reader_report(reader, offset, sizeof(*h) + h->stored,
			"%u events of type %u, which is not declared so", h->count, h->type);
		return;
	}
	b = binding_of(m, type);
	if (!b)
		return;
	r = new_run(m, (size_t)rows_kept(m, ref, h->count) * b->n_needed);
	r->segment = segment;
	r->binding = b;
	if (ref)
		r->ref = *ref;
	r->rows = rows_kept(m, ref, h->count);
	r->n = h->count;
	r->at = 0;
	r->stream = h->stream;
	r->reader = input;
	r->sequence = m->n_opened++;
	if (decode_run(m, r, h, payload, true, &err)) {
		reader_report(reader, offset, sizeof(*h) + h->stored, "%.80s", err.text);
		free_run(m, r);
		return;
	}
	if (r->at < r->n)
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

	return !t || binding_of(m, t); /* an undeclared one is opened to be reported */
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

static void open_pending(struct merge *m)
{
	const struct pending *p = &m->pending[m->at_pending++];
	struct reader *reader = m->inputs[p->reader].reader;
	const struct block_ref ref = reader_block_ref(reader, p->block);
	struct block_header h;
	const void *payload = reader_block(reader, &ref, &h);

	if (payload)
		open_block(m, p->reader, reader_segment(reader, ref.segment), &h, payload,
			ref.offset, &ref);
	/* Blocks are nearly in file order: what lies well before this one is done. */
	if (ref.offset > BLOCK_MAX_BYTES)
		reader_done_before(reader, ref.offset - BLOCK_MAX_BYTES);
}

/* ---- streams ---- */

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
	open_block(m, number, s, &h, payload, offset, NULL);
	return 0;
}

/* Reads streams until the heap's first row is complete in all of them. */
static int fill_from_streams(struct merge *m, struct err *err)
{
	for (uint32_t i = 0; i < m->n_inputs; i++) {
		struct input *in = &m->inputs[i];

		while (in->stream && !in->ended && m->held < m->options.held_bytes &&
			(!m->n_heap || row_time(m->heap[0]) >= in->safe)) {
			int rc = read_stream(m, i, err);

			if (rc)
				return rc;
		}
	}
	return 0;
}

/* ---- the outside ---- */

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
			spans[i].weight = (uint64_t)ref.count * sizeof(uint64_t) *
				binding_of(m, type)->n_needed;
	}
	peak = overlap_peak(spans, m->n_pending);
	free(spans);
	return peak;
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
	m->decoder = column_decoder_new();
	map_init(&m->bindings_by_type, 64);
	for (uint32_t i = 0; i < n_readers; i++) {
		m->inputs[i].reader = readers[i];
		m->inputs[i].stream = reader_is_stream(readers[i]);
	}
	readers_align(readers, n_readers);
	for (uint32_t i = 0; i < n_readers; i++)
		if (!m->inputs[i].stream)
			list_blocks(m, i);
	if (options->unordered || !m->n_pending)
		return m;
	qsort(m->pending, m->n_pending, sizeof(*m->pending), by_first);
	m->peak = peak_of(m);
	if (m->peak > m->options.held_bytes)
		m->scratch = xcalloc(BLOCK_MAX_ROWS, sizeof(*m->scratch));
	return m;
}

void merge_free(struct merge *m)
{
	struct run *next;

	if (!m)
		return;
	for (size_t i = 0; i < m->n_heap; i++)
		free_run(m, m->heap[i]);
	free(m->scratch);
	for (struct run *r = m->free_runs; r; r = next) {
		next = r->next_free;
		free(r->memory);
		free(r);
	}
	arena_done(&m->arena);
	map_done(&m->bindings_by_type);
	column_decoder_free(m->decoder);
	free(m->bindings);
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
				m->pending[m->at_pending].first <= row_time(m->heap[0]))))
		open_pending(m);
	return rc;
}

static void advance(struct merge *m)
{
	struct run *r = m->heap[0];

	m->current = NULL;
	r->at++;
	if (r->at == r->n || (r->at == r->base + r->rows && !next_slice(m, r))) {
		m->heap[0] = m->heap[--m->n_heap];
		free_run(m, r);
	}
	if (m->n_heap)
		sink_down(m, 0);
}

static void deliver(struct merge *m, struct row *row)
{
	const struct run *r = m->current;
	const struct match *match = &r->binding->matches[m->at_match++];
	const uint64_t *values = r->memory + (r->at - r->base);

	for (uint32_t i = 0; i < match->n_fields; i++) {
		int c = match->columns[i];

		m->values[i] = c < 0 ? 0 : values[(size_t)c * r->rows];
	}
	row->time = row_time(r);
	row->segment = r->segment;
	row->type = r->binding->type;
	row->stream = r->stream;
	row->reader = r->reader;
	row->want = match->want;
	row->values = m->values;
	row->missing = match->missing;
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
		if (row_time(m->current) < m->last_time)
			m->n_late += !m->options.unordered;
		m->last_time = row_time(m->current);
	}
	deliver(m, row);
	return 1;
}

uint64_t merge_n_late(const struct merge *m)
{
	return m->n_late;
}
