/* Stages: where events wait until there are enough of them to make a block. */
#include "format/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/emit_tables.h"
#include "format/tables.h"
#include "gen/events.h"
#include "specs/events/recorder.h"

enum {
	STAGE_BYTES = 256 << 10,
	CROWDED = 12,
	FULL = 15,             /* sixteenths of a dictionary */
	MANY_BLOCKS = 1 << 17, /* in one segment's index: 5 MiB of the writer's memory */
};

/* One stream's rows of one type. */
struct stage {
	uint8_t *rows; /* owned; in the form of the C struct */
	uint32_t n, cap;
	uint64_t last; /* time of the newest row */
	bool unsorted;
	/* What did not go through and is not yet told. */
	uint64_t dropped, drop_first, drop_last;
};

struct type {
	const struct event_type *type;
	bool has_chars; /* arrays of char, which become strings */
	bool declared;  /* in this segment */
};

struct stream {
	char *name; /* owned by the arena */
	int cpu;
	uint32_t tid;
};

struct pair {
	char *key, *value; /* owned by the arena */
};

struct row_order {
	uint64_t time;
	uint32_t row;
};

struct writer {
	struct emit emit;
	struct sink *sink; /* borrowed */
	struct dict dict;
	struct arena arena;
	struct writer_config config;
	uint32_t generation;
	struct type *types;     /* owned */
	struct stream *streams; /* owned */
	struct stage *stages;   /* owned; of stream s and type t at s * cap_types + t */
	struct pair *info;      /* owned */
	uint32_t n_types, cap_types, n_streams, cap_streams, n_info, info_done, streams_done;
	struct row_order *order; /* owned */
	int lost_type;
	int error;
	bool started; /* the first segment has begun */
	uint64_t events, dropped;
};

static uint64_t row_time(const uint8_t *row)
{
	uint64_t t;

	memcpy(&t, row, sizeof(t));
	return t;
}

/* ---- setting up ---- */

static int start_segment(struct writer *w)
{
	struct segment_payload p = { .major = TRACE_MAJOR,
		.minor = TRACE_MINOR,
		.start_ns = w->config.start_ns,
		.start_real_ns = w->config.start_real_ns };
	struct block_header h = { .kind = BLOCK_SEGMENT, .first = p.start_ns, .last = p.start_ns };

	memcpy(p.boot_id, w->config.boot_id, sizeof(p.boot_id));
	/* Different in any two segments that are likely to meet in one file. */
	w->emit.segment = (uint32_t)hash_u64(
		hash_u64(p.start_ns ^ p.start_real_ns) + w->generation);
	sink_segment(w->sink, p.start_ns);
	return emit_plain(&w->emit, &h, &p, sizeof(p));
}

/* What every trace starts with. */
static void begin(struct writer *w)
{
	writer_stream(w, "recorder", -1, 0);
	w->lost_type = writer_type(w, &event_lost, NULL);
}

/* The first segment begins with what is first written, so that its start can still be set. */
static int start_if_new(struct writer *w)
{
	if (w->started)
		return 0;
	w->started = true;
	return start_segment(w);
}

struct writer *writer_new(struct sink *sink, const struct writer_config *config)
{
	struct writer *w = xcalloc(1, sizeof(*w));

	w->sink = sink;
	w->config = *config;
	if (!w->config.stage_bytes)
		w->config.stage_bytes = STAGE_BYTES;
	emit_init(&w->emit, sink);
	dict_init(&w->dict, &w->config.dict);
	w->order = xcalloc(EMIT_MAX_ROWS, sizeof(*w->order));
	w->generation = 1;
	begin(w);
	return w;
}

void writer_set_start(struct writer *w, uint64_t start_ns, uint64_t start_real_ns)
{
	if (w->started)
		return;
	w->config.start_ns = start_ns;
	w->config.start_real_ns = start_real_ns;
}

static void free_stages(struct writer *w)
{
	for (size_t i = 0; i < (size_t)w->cap_streams * w->cap_types; i++)
		free(w->stages[i].rows);
	free(w->stages);
	w->stages = NULL;
	w->cap_streams = w->cap_types = 0;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	free_stages(w);
	emit_done(&w->emit);
	dict_done(&w->dict);
	arena_done(&w->arena);
	free(w->types);
	free(w->streams);
	free(w->info);
	free(w->order);
	free(w);
}

/* Grows the table of stages to hold this many streams and types. */
static void grow_stages(struct writer *w, uint32_t streams, uint32_t types)
{
	struct stage *bigger = xcalloc((size_t)streams * types, sizeof(*bigger));

	for (uint32_t s = 0; s < w->n_streams; s++)
		for (uint32_t t = 0; t < w->n_types; t++)
			bigger[(size_t)s * types + t] = w->stages[(size_t)s * w->cap_types + t];
	free(w->stages);
	w->stages = bigger;
	w->types = xrealloc(w->types, types, sizeof(*w->types));
	w->streams = xrealloc(w->streams, streams, sizeof(*w->streams));
	w->cap_streams = streams;
	w->cap_types = types;
}

static bool has_chars(const struct event_type *type)
{
	for (uint32_t i = 0; i < type->n_fields; i++)
		if (type->fields[i].chars)
			return true;
	return false;
}

int writer_type(struct writer *w, const struct event_type *type, struct err *err)
{
	for (uint32_t i = 0; i < w->n_types; i++)
		if (w->types[i].type == type)
			return (int)i;
	if (!emit_schema_fits(type) || type->size > w->config.stage_bytes)
		return err_set(err, E2BIG, "event %s is too large for a trace", type->name);
	if (w->n_types == MAX_EVENT_TYPES)
		return err_set(err, E2BIG, "more than %d types of events", MAX_EVENT_TYPES);
	if (w->n_types == w->cap_types)
		grow_stages(w, w->cap_streams ? w->cap_streams : 8,
			w->cap_types ? w->cap_types * 2 : 16);
	w->types[w->n_types] = (struct type){ .type = type, .has_chars = has_chars(type) };
	return (int)w->n_types++;
}

const struct event_type **writer_types(const struct writer *w, unsigned *n, struct arena *arena)
{
	const struct event_type **list = arena_alloc(arena, (w->n_types + 1) * sizeof(*list));

	for (uint32_t i = 0; i < w->n_types; i++)
		list[i] = w->types[i].type;
	*n = w->n_types;
	return list;
}

uint32_t writer_stream(struct writer *w, const char *name, int cpu, uint32_t tid)
{
	if (w->n_streams == w->cap_streams)
		grow_stages(w, w->cap_streams ? w->cap_streams * 2 : 8,
			w->cap_types ? w->cap_types : 16);
	w->streams[w->n_streams] = (struct stream){ arena_strdup(&w->arena, name), cpu, tid };
	return w->n_streams++;
}

void writer_info(struct writer *w, const char *key, const char *value)
{
	w->info = xrealloc(w->info, w->n_info + 1, sizeof(*w->info));
	w->info[w->n_info++] = (struct pair){ arena_strdup(&w->arena, key),
		arena_strdup(&w->arena, value) };
}

/* ---- dictionaries ---- */

uint32_t writer_string(struct writer *w, const char *s, size_t len)
{
	return dict_string(&w->dict, s, len);
}

uint32_t writer_mapping(struct writer *w, const struct mapping *m)
{
	return dict_mapping(&w->dict, m);
}

uint32_t writer_frame(struct writer *w, uint32_t mapping, uint64_t address, bool *is_new)
{
	uint32_t before = w->dict.n_frames, frame = dict_frame(&w->dict, mapping, address);

	if (is_new)
		*is_new = frame && frame == before;
	return frame;
}

uint32_t writer_stack_root(struct writer *w, uint8_t flags)
{
	return dict_stack_root(&w->dict, flags);
}

uint32_t writer_stack(struct writer *w, uint32_t parent, uint32_t frame)
{
	return dict_stack(&w->dict, parent, frame);
}

bool writer_has_room(const struct writer *w, const struct dict_size *size)
{
	return dict_has_room(&w->dict, size);
}

bool writer_crowded(const struct writer *w)
{
	return dict_filled(&w->dict, CROWDED) || w->emit.n_index > MANY_BLOCKS;
}

bool writer_full(const struct writer *w)
{
	return dict_filled(&w->dict, FULL);
}

uint32_t writer_generation(const struct writer *w)
{
	return w->generation;
}

static int emit_new_info(struct writer *w)
{
	const char *pairs[64][2];

	while (w->info_done < w->n_info) {
		uint32_t n = w->n_info - w->info_done;
		int rc;

		n = n < 64 ? n : 64;
		for (uint32_t i = 0; i < n; i++) {
			pairs[i][0] = w->info[w->info_done + i].key;
			pairs[i][1] = w->info[w->info_done + i].value;
		}
		rc = emit_info(&w->emit, (const char *const(*)[2])pairs, n);
		if (rc)
			return rc;
		w->info_done += n;
	}
	return 0;
}

/* All at once, as they share many words. */
static int emit_new_types(struct writer *w)
{
	const struct event_type *types[MAX_EVENT_TYPES];
	uint16_t numbers[MAX_EVENT_TYPES];
	uint32_t n = 0;
	int rc;

	for (uint32_t i = 0; i < w->n_types; i++) {
		if (w->types[i].declared)
			continue;
		types[n] = w->types[i].type;
		numbers[n++] = (uint16_t)i;
	}
	if (!n)
		return 0;
	rc = emit_schema(&w->emit, types, numbers, n);
	for (uint32_t i = 0; !rc && i < n; i++)
		w->types[numbers[i]].declared = true;
	return rc;
}

static uint32_t stream_name(struct writer *w, const struct stream *s)
{
	return dict_string(&w->dict, s->name, strlen(s->name));
}

static int emit_new_streams(struct writer *w)
{
	struct block_header h = { .kind = BLOCK_STREAMS, .first = w->streams_done };
	uint32_t n = w->n_streams - w->streams_done;
	const struct stream *s = w->streams + w->streams_done;
	int rc;

	if (n > EMIT_MAX_ROWS)
		n = EMIT_MAX_ROWS;
	if (!n)
		return 0;
	h.columns = (uint16_t)table_layout(BLOCK_STREAMS)->n_columns;
	h.count = n;
	h.last = h.first + n - 1;
	emit_begin(&w->emit, n);
	for (uint32_t i = 0; i < n; i++)
		w->emit.values[i] = (uint64_t)(int64_t)s[i].cpu;
	column_coder_add(w->emit.coder, FIELD_S32, w->emit.values);
	for (uint32_t i = 0; i < n; i++)
		w->emit.values[i] = s[i].tid;
	column_coder_add(w->emit.coder, FIELD_U32, w->emit.values);
	for (uint32_t i = 0; i < n; i++)
		w->emit.values[i] = stream_name(w, &s[i]);
	column_coder_add(w->emit.coder, FIELD_STRING, w->emit.values);
	rc = emit_block(&w->emit, &h);
	if (!rc)
		w->streams_done += n;
	return rc;
}

/* Everything that events refer to, and what that refers to before it: the names of new streams go
 * out with the dictionary. */
static int emit_references(struct writer *w)
{
	int rc = start_if_new(w);

	if (!rc)
		rc = emit_new_info(w);
	if (!rc)
		rc = emit_new_types(w);
	for (uint32_t i = w->streams_done; i < w->n_streams; i++)
		stream_name(w, &w->streams[i]);
	if (!rc)
		rc = emit_dict(&w->emit, &w->dict);
	return rc ? rc : emit_new_streams(w);
}

bool writer_symbol(struct writer *w, const struct dict_symbol *s)
{
	if (dict_symbol(&w->dict, s))
		return true;
	return emit_references(w) == 0 && dict_symbol(&w->dict, s);
}

/* ---- events ---- */

static int by_time(const void *a, const void *b)
{
	const struct row_order *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->row < y->row ? -1 : 1;
}

static void order_rows(struct writer *w, const struct stage *g, uint32_t size)
{
	for (uint32_t i = 0; i < g->n; i++)
		w->order[i] = (struct row_order){ row_time(g->rows + (size_t)i * size), i };
	if (g->unsorted)
		qsort(w->order, g->n, sizeof(*w->order), by_time);
}

static uint64_t load_field(const struct writer *w, const uint8_t *p, const struct field *f)
{
	uint64_t v = 0;
	unsigned shift = 64 - 8 * f->size;

	if (f->chars) {
		memcpy(&v, p, 4); /* number_chars has put the string's number there */
		return v;
	}
	memcpy(&v, p, f->size);
	if (f->type == FIELD_STACK)
		return v < w->dict.n_stacks ? w->dict.stack_in_file[v] : 0;
	if (field_signed(f->type) && shift)
		v = (uint64_t)((int64_t)(v << shift) >> shift);
	return v;
}

static void add_columns(struct writer *w, const struct stage *g, const struct event_type *t)
{
	order_rows(w, g, t->size);
	emit_begin(&w->emit, g->n);
	for (uint32_t k = 0; k < t->n_fields; k++) {
		const struct field *f = &t->fields[k];

		for (uint32_t i = 0; i < g->n; i++)
			w->emit.values[i] = load_field(w,
				g->rows + (size_t)w->order[i].row * t->size + f->offset, f);
		column_coder_add(w->emit.coder, f->type, w->emit.values);
	}
}

static void empty_stage(struct stage *g)
{
	g->n = 0;
	g->last = 0;
	g->unsorted = false;
}

/* Its rows are counted instead. */
static void drop_stage(struct writer *w, struct stage *g, uint32_t size)
{
	order_rows(w, g, size);
	g->drop_first = g->dropped ? g->drop_first : w->order[0].time;
	g->drop_last = w->order[g->n - 1].time;
	g->dropped += g->n;
	w->dropped += g->n;
	empty_stage(g);
}

static int emit_stage(struct writer *w, uint32_t stream, int type)
{
	struct stage *g = &w->stages[(size_t)stream * w->cap_types + (uint32_t)type];
	const struct event_type *t = w->types[type].type;
	struct block_header h = { .kind = BLOCK_EVENTS,
		.type = (uint16_t)type,
		.stream = stream,
		.count = g->n,
		.columns = (uint16_t)t->n_fields };
	int rc;

	if (!g->n)
		return 0;
	rc = emit_references(w);
	if (!rc) {
		add_columns(w, g, t);
		h.first = w->order[0].time;
		h.last = w->order[g->n - 1].time;
		rc = emit_block(&w->emit, &h);
	}
	if (rc == -EAGAIN && type == w->lost_type)
		return rc; /* these stay until there is room */
	if (rc == -EAGAIN) {
		drop_stage(w, g, t->size);
		return 0;
	}
	empty_stage(g);
	return rc;
}

static void stage_open(struct writer *w, struct stage *g, uint32_t size)
{
	g->cap = (uint32_t)(w->config.stage_bytes / size);
	if (g->cap > EMIT_MAX_ROWS)
		g->cap = EMIT_MAX_ROWS;
	g->rows = xcalloc(g->cap, size);
}

/* Puts the number of its string in the place of each array of char. */
static void number_chars(struct writer *w, const struct event_type *t, uint8_t *row)
{
	for (uint32_t k = 0; k < t->n_fields; k++) {
		const struct field *f = &t->fields[k];
		char *s = (char *)row + f->offset;
		uint32_t id;

		if (!f->chars)
			continue;
		id = dict_string(&w->dict, s, strnlen(s, f->size));
		memcpy(s, &id, sizeof(id));
	}
}

static void stage_row(struct writer *w, struct stage *g, const struct type *type, const void *event)
{
	uint8_t *row = g->rows + (size_t)g->n++ * type->type->size;
	uint64_t time = row_time(event);

	memcpy(row, event, type->type->size);
	if (type->has_chars)
		number_chars(w, type->type, row);
	if (time < g->last)
		g->unsorted = true;
	else
		g->last = time;
}

/* The stage of losses is full as the sink has been stuck for long: adds to a row that is there. */
static void merge_lost(struct stage *g, const struct lost *more)
{
	struct lost *rows = (struct lost *)g->rows, *to = &rows[g->n - 1];

	for (uint32_t i = 0; i < g->n; i++)
		if (rows[i].stream == more->stream && rows[i].reason == more->reason)
			to = &rows[i];
	to->lost += more->lost;
	to->since = more->since < to->since ? more->since : to->since;
	to->time = more->time > to->time ? more->time : to->time;
	g->unsorted = true;
}

int writer_add(struct writer *w, uint32_t stream, int type, const void *event)
{
	struct stage *g = &w->stages[(size_t)stream * w->cap_types + (uint32_t)type];
	const struct event_type *t = w->types[type].type;

	if (w->error)
		return w->error;
	if (!g->rows)
		stage_open(w, g, t->size);
	if (g->n == g->cap) {
		w->error = emit_stage(w, stream, type);
		if (w->error == -EAGAIN)
			w->error = 0;
	}
	if (g->n == g->cap) { /* only losses stay when the sink is full */
		merge_lost(g, event);
		return w->error;
	}
	stage_row(w, g, &w->types[type], event);
	w->events += type != w->lost_type;
	return w->error;
}

/* Turns what did not go through into `lost` events. */
static void tell_losses(struct writer *w)
{
	for (uint32_t s = 0; s < w->n_streams; s++) {
		for (uint32_t t = 0; t < w->n_types; t++) {
			struct stage *g = &w->stages[(size_t)s * w->cap_types + t];
			const char *name = w->types[t].type->name;
			struct lost lost = { .time = g->drop_last,
				.since = g->drop_first,
				.stream = s,
				.reason = sink_full(w->sink) ? LOST_DISK_FULL : LOST_DISK_SLOW,
				.lost = g->dropped };

			if (!g->dropped)
				continue;
			lost.event = dict_string(&w->dict, name, strlen(name));
			writer_add(w, 0, w->lost_type, &lost);
			g->dropped = 0;
		}
	}
}

static int emit_sync(struct writer *w, uint64_t safe_ns)
{
	struct block_header h = { .kind = BLOCK_SYNC, .first = safe_ns, .last = safe_ns };

	return emit_plain(&w->emit, &h, NULL, 0);
}

/* -EAGAIN: there was no room for some of it, and rows are still here, which refer to the dictionary. */
static int flush_stages(struct writer *w)
{
	int rc = 0, references;

	tell_losses(w);
	for (uint32_t s = 0; !rc && s < w->n_streams; s++)
		for (uint32_t t = 0; !rc && t < w->n_types; t++)
			rc = emit_stage(w, s, (int)t);
	if (rc && rc != -EAGAIN)
		return rc;
	references = emit_references(w);
	return references ? references : rc;
}

int writer_flush(struct writer *w, uint64_t safe_ns)
{
	int rc;

	if (w->error)
		return w->error;
	rc = flush_stages(w);
	if (!rc)
		rc = emit_sync(w, safe_ns);
	if (rc == -EAGAIN)
		rc = 0;
	w->error = rc;
	return rc;
}

void writer_wait(struct writer *w)
{
	w->emit.patient = true;
}

static void forget_segment(struct writer *w)
{
	dict_clear(&w->dict);
	w->info_done = w->streams_done = 0;
	for (uint32_t i = 0; i < w->n_types; i++)
		w->types[i].declared = false;
	w->generation++;
}

int writer_restart(struct writer *w, const struct writer_config *config)
{
	size_t stage_bytes = w->config.stage_bytes;

	if (w->error)
		return w->error;
	free_stages(w);
	w->n_types = w->n_streams = w->n_info = 0;
	forget_segment(w);
	arena_reset(&w->arena);
	w->config = *config;
	w->config.stage_bytes = stage_bytes;
	w->emit.patient = false;
	w->started = false;
	begin(w);
	return w->error = start_if_new(w);
}

int writer_roll(struct writer *w, uint64_t now_ns, uint64_t now_real_ns)
{
	int rc = w->error ? w->error : flush_stages(w);

	if (!rc)
		rc = emit_end(&w->emit);
	if (!rc) {
		forget_segment(w);
		w->config.start_ns = now_ns;
		w->config.start_real_ns = now_real_ns;
		rc = start_segment(w);
	}
	if (rc && rc != -EAGAIN)
		w->error = rc;
	return rc;
}

/* A row of losses whose text is not in the file yet. */
struct unnamed {
	struct lost *row;
	char *text; /* owned */
};

static struct unnamed *add_unnamed(struct unnamed *list, uint32_t *n, const struct dict *d,
	struct lost *row)
{
	uint32_t at = d->string_at[row->event];

	list = xrealloc(list, *n + 1, sizeof(*list));
	list[(*n)++] = (struct unnamed){ row,
		strndup(d->bytes + at, d->string_at[row->event + 1] - at) };
	return list;
}

/* Forgets what only rows that were dropped referred to: of what is not in the file yet, losses need their texts. */
static void forget_references(struct writer *w)
{
	struct unnamed *list = NULL;
	uint32_t n = 0;

	for (uint32_t s = 0; s < w->n_streams; s++) {
		struct stage *g = &w->stages[(size_t)s * w->cap_types + (uint32_t)w->lost_type];
		struct lost *rows = (struct lost *)g->rows;

		for (uint32_t i = 0; i < g->n; i++)
			if (rows[i].event >= w->dict.strings_done)
				list = add_unnamed(list, &n, &w->dict, &rows[i]);
	}
	dict_cut(&w->dict);
	for (uint32_t i = 0; i < n; i++) {
		const char *text = list[i].text ? list[i].text : "";

		list[i].row->event = dict_string(&w->dict, text, strlen(text));
		free(list[i].text);
	}
	free(list);
}

/* The disk is full. What has found no room by now finds none any more, so that there is some for what is said last:
 * what was lost, and where everything is. */
static void give_up_rest(struct writer *w)
{
	for (uint32_t s = 0; s < w->n_streams; s++) {
		for (uint32_t t = 0; t < w->n_types; t++) {
			struct stage *g = &w->stages[(size_t)s * w->cap_types + t];

			if (g->n && (int)t != w->lost_type)
				drop_stage(w, g, w->types[t].type->size);
		}
	}
	forget_references(w);
	w->emit.last_words = true;
}

/* Losses that were still met, and the end, which says most of what there is: on a full disk it is written whatever
 * became of the rest. */
static int write_end(struct writer *w)
{
	int rc = flush_stages(w), end;

	if (rc && (rc != -EAGAIN || !w->emit.last_words))
		return rc;
	end = emit_end(&w->emit);
	return end ? end : rc;
}

int writer_close(struct writer *w, uint64_t safe_ns)
{
	int rc = w->error;

	writer_wait(w);
	if (!rc)
		rc = writer_flush(w, safe_ns);
	if (!rc)
		rc = sink_drain(w->sink, -1); /* then it is known whether the disk is full */
	if (!rc)
		rc = sink_full(w->sink) ? -EAGAIN : write_end(w);
	if (rc == -EAGAIN && sink_full(w->sink)) {
		give_up_rest(w);
		rc = write_end(w);
	}
	if (!rc)
		rc = sink_drain(w->sink, -1);
	return rc == -EAGAIN ? -sink_full(w->sink) : rc;
}

uint64_t writer_segment_bytes(const struct writer *w)
{
	return w->emit.segment_bytes;
}

void writer_stats(struct writer *w, struct writer_stats *stats)
{
	stats->events = w->events;
	stats->dropped = w->dropped;
	stats->written = sink_written(w->sink);
}
