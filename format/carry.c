/* Tables from the old numbers to the new ones, filled as rows come. */
#include "format/carry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "gen/events.h"
#include "specs/events/recorder.h"

enum { MAX_STREAMS = 1 << 14, MAX_UNDECLARED = 1 << 12, FACT_BYTES = 4096 };

/* New numbers by old ones; 0: not carried yet. */
struct numbers {
	uint32_t *new; /* owned */
	uint32_t n;
};

struct carried_type {
	const struct event_type *from, *to;
	uint8_t *roles; /* in the arena; of fields that are strings */
};

struct carry {
	const struct segment *from; /* borrowed */
	struct writer *writer;      /* borrowed */
	const struct carry_fact *fact;
	const struct carry_change *change;   /* borrowed; or NULL */
	const struct carry_symbols *symbols; /* borrowed; or NULL */
	struct segment_clock clock;
	struct arena arena; /* declarations of types, which the writer borrows */
	struct carried_type *types;
	uint32_t n_types;
	struct numbers
		strings[CARRY_ROLES]; /* of each role its own; all in the first without change */
	struct numbers mappings, frames, stacks;
	struct numbers public; /* by mapping: whether the names in it are */
	struct numbers names;  /* how many names of a frame are written */
	uint32_t generation;
	uint32_t info_done, streams_done, symbols_done, renamed_done;
	uint32_t *path; /* owned; of a stack, outwards */
	uint32_t cap_path;
	size_t waiting;
	uint8_t row[MAX_FIELDS * 8];
};

/* ---- numbers ---- */

/* Room for numbers below n. */
static void numbers_grow(struct numbers *t, uint32_t n)
{
	if (n <= t->n)
		return;
	t->new = xrealloc(t->new, n, sizeof(*t->new));
	memset(t->new + t->n, 0, (n - t->n) * sizeof(*t->new));
	t->n = n;
}

static void numbers_forget(struct numbers *t)
{
	if (t->n)
		memset(t->new, 0, t->n * sizeof(*t->new));
}

static void grow_all(struct carry *c)
{
	for (int i = 0; i < (c->change ? CARRY_ROLES : 1); i++)
		numbers_grow(&c->strings[i], c->from->n_strings);
	numbers_grow(&c->mappings, c->from->n_mappings);
	numbers_grow(&c->public, c->from->n_mappings);
	numbers_grow(&c->frames, c->from->n_frames);
	numbers_grow(&c->names, c->from->n_frames);
	numbers_grow(&c->stacks, c->from->n_stacks);
}

/* ---- dictionaries ---- */

static struct text changed(const struct carry *c, unsigned role, struct text t)
{
	return c->change && t.len ? c->change->text(c->change->ctx, role, t) : t;
}

static uint32_t carry_string(struct carry *c, uint64_t old, unsigned role)
{
	struct numbers *strings = &c->strings[c->change ? role : 0];
	struct text t;

	if (old >= strings->n)
		return 0;
	if (!strings->new[old]) {
		t = changed(c, role, segment_string(c->from, (uint32_t)old));
		strings->new[old] = writer_string(c->writer, t.s, t.len);
	}
	return strings->new[old];
}

static void change_mapping(struct carry *c, uint32_t old, struct mapping *m)
{
	struct text path = segment_string(c->from, m->path);

	c->public.new[old] = c->change->mapping(c->change->ctx, m, &path);
	m->path = path.len ? writer_string(c->writer, path.s, path.len) : 0;
}

static uint32_t carry_mapping(struct carry *c, uint64_t old)
{
	struct mapping m;

	if (old == 0 || old >= c->mappings.n)
		return 0;
	if (!c->mappings.new[old]) {
		m = segment_mapping(c->from, (uint32_t)old);
		if (c->change)
			change_mapping(c, (uint32_t)old, &m);
		else
			m.path = carry_string(c, m.path, CARRY_PATH);
		c->mappings.new[old] = writer_mapping(c->writer, &m);
	}
	return c->mappings.new[old];
}

static uint32_t put_text(struct carry *c, struct text t)
{
	return t.len ? writer_string(c->writer, t.s, t.len) : 0;
}

/* Names that the source does not have. False if there are none. */
static bool put_names(struct carry *c, uint32_t old)
{
	const struct carry_symbol *list;
	uint32_t n = c->symbols ? c->symbols->names(c->symbols->ctx, c->from, old, &list) : 0;

	for (uint32_t i = 0; i < n; i++) {
		struct dict_symbol s = { .frame = c->frames.new[old],
			.depth = i,
			.name = put_text(c, list[i].name),
			.linkage = put_text(c, list[i].linkage),
			.file = put_text(c, list[i].file),
			.line = list[i].line,
			.start = list[i].start };

		writer_symbol(c->writer, &s);
	}
	return n > 0;
}

/* Writes all names of a frame; those that are there already are replaced by the same. */
static void carry_names(struct carry *c, uint32_t old)
{
	const struct symbol *y = segment_symbol(c->from, old);
	uint64_t address;
	uint32_t n = 0, mapping = segment_frame(c->from, old, &address);
	bool public = mapping < c->public.n && c->public.new[mapping];
	unsigned function = public ? CARRY_PUBLIC_FUNCTION : CARRY_FUNCTION;

	if (put_names(c, old))
		return;
	for (; y; y = segment_symbol_next(c->from, y), n++) {
		struct dict_symbol s = { .frame = c->frames.new[old],
			.depth = y->depth,
			.name = carry_string(c, y->name, function),
			.linkage = carry_string(c, y->linkage, function),
			.file = carry_string(c, y->file, public ? CARRY_PUBLIC_FILE : CARRY_FILE),
			.line = y->line,
			.start = y->start };

		writer_symbol(c->writer, &s);
	}
	c->names.new[old] = n;
}

static uint32_t carry_frame(struct carry *c, uint32_t old)
{
	uint64_t address;
	uint32_t mapping;

	if (old == 0 || old >= c->frames.n)
		return 0;
	if (!c->frames.new[old]) {
		mapping = carry_mapping(c, segment_frame(c->from, old, &address));
		c->frames.new[old] = writer_frame(c->writer, mapping, address, NULL);
		if (c->frames.new[old])
			carry_names(c, old);
	}
	return c->frames.new[old];
}

static void push_path(struct carry *c, uint32_t n, uint32_t node)
{
	if (n == c->cap_path) {
		c->cap_path = c->cap_path ? c->cap_path * 2 : 256;
		c->path = xrealloc(c->path, c->cap_path, sizeof(*c->path));
	}
	c->path[n] = node;
}

/* Goes outwards to what is carried already, and back. */
static uint32_t carry_stack(struct carry *c, uint64_t old)
{
	const struct segment *s = c->from;
	uint32_t node = old < c->stacks.n ? (uint32_t)old : 0, n = 0, new;

	for (; node && !c->stacks.new[node]; node = segment_stack_parent(s, node))
		push_path(c, n++, node);
	new = node ? c->stacks.new[node] : 0;
	while (n-- > 0) {
		node = c->path[n];
		new = segment_stack_parent(s, node)
			? writer_stack(c->writer, new, carry_frame(c, segment_stack_frame(s, node)))
			: writer_stack_root(c->writer, segment_stack_flags(s, node));
		c->stacks.new[node] = new;
	}
	return new;
}

/* A stream's segment tells names after the frames that they name. */
static void carry_late_names(struct carry *c)
{
	const struct segment *s = c->from;
	bool renamed = s->n_renamed != c->renamed_done;

	if (s->n_symbols == c->symbols_done && !renamed)
		return;
	for (uint32_t f = 1; f < c->frames.n; f++) {
		uint32_t n = 0;

		if (!c->frames.new[f])
			continue;
		for (const struct symbol *y = segment_symbol(s, f); y;
			y = segment_symbol_next(s, y))
			n++;
		if (renamed || n != c->names.new[f])
			carry_names(c, f);
	}
	c->symbols_done = s->n_symbols;
	c->renamed_done = s->n_renamed;
}

/* ---- facts and streams ---- */

static bool ends_with(struct text t, const char *end)
{
	size_t len = strlen(end);

	return t.len >= len && memcmp(t.s + t.len - len, end, len) == 0;
}

/* What is put in the place of the value under the fact's key. */
static void add_fact(struct carry *c)
{
	struct info_pair told = { { c->fact->key, strlen(c->fact->key) },
		segment_info(c->from, c->fact->key) };
	const char *value = c->fact->value;
	struct text old;

	if (c->change && told.value.len)
		c->change->fact(c->change->ctx, &told);
	old = told.value;
	if (ends_with(old, value))
		value = arena_strndup(&c->arena, old.s, old.len);
	else if (old.len && old.len < FACT_BYTES)
		value = arena_printf(&c->arena, "%.*s; %s", (int)old.len, old.s, value);
	writer_info(c->writer, c->fact->key, value);
}

static void carry_info(struct carry *c)
{
	const struct segment *s = c->from;

	for (; c->info_done < s->n_info; c->info_done++) {
		struct info_pair p = s->info[c->info_done];

		if (c->fact->key && text_is(p.key, c->fact->key))
			continue;
		if (c->change)
			c->change->fact(c->change->ctx, &p);
		writer_info(c->writer, arena_strndup(&c->arena, p.key.s, p.key.len),
			arena_strndup(&c->arena, p.value.s, p.value.len));
	}
}

/* Stream 0 is there from the start. A stream takes memory in a writer, so a trace that claims to
 * have more of them than any machine could is not followed. */
static void carry_streams(struct carry *c)
{
	const struct segment *s = c->from;

	for (; c->streams_done < s->n_streams && c->streams_done < MAX_STREAMS; c->streams_done++) {
		const struct stream_info *i = &s->streams[c->streams_done];
		struct text name = changed(c, CARRY_STREAM, segment_string(s, i->name));

		if (c->streams_done > 0)
			writer_stream(c->writer, arena_strndup(&c->arena, name.s, name.len), i->cpu,
				i->tid);
	}
}

/* The stream of a row. Where the declaration was damaged its number still tells it from others. */
static uint32_t carry_stream(struct carry *c, uint32_t number)
{
	if (number >= MAX_UNDECLARED && number >= c->streams_done)
		return 0;
	for (; c->streams_done <= number; c->streams_done++)
		if (c->streams_done > 0)
			writer_stream(c->writer, "", -1, 0);
	return number;
}

/* ---- types ---- */

/* The losses of this trace and those that are added here are then of one type. */
static bool is_our_lost(const struct event_type *t)
{
	if (strcmp(t->name, event_lost.name) != 0 || t->n_fields != event_lost.n_fields)
		return false;
	for (uint32_t i = 0; i < t->n_fields; i++)
		if (strcmp(t->fields[i].name, event_lost.fields[i].name) != 0 ||
			t->fields[i].type != event_lost.fields[i].type)
			return false;
	return true;
}

/* Fields that share their names of values in the trace share them here, too. */
static const struct enumeration *same_enum(const struct event_type *t, uint32_t field)
{
	const struct enumeration *e = t->fields[field].enumeration;

	for (uint32_t i = 0; e && i < field; i++)
		if (t->fields[i].enumeration && t->fields[i].enumeration->values == e->values)
			return t->fields[i].enumeration;
	return e;
}

/* The type as a writer wants it: the layout of a struct whose fields lie one behind the other. */
static const struct event_type *lay_out(struct carry *c, const struct event_type *t)
{
	struct event_type *to = arena_alloc(&c->arena, sizeof(*to));
	struct field *fields = arena_alloc(&c->arena, t->n_fields * sizeof(*fields));

	*to = *t;
	to->fields = fields;
	to->size = 0;
	for (uint32_t i = 0; i < t->n_fields; i++) {
		fields[i] = t->fields[i];
		fields[i].enumeration = same_enum(t, i);
		fields[i].offset = (uint16_t)to->size;
		fields[i].size = (uint16_t)field_width(fields[i].type);
		fields[i].chars = false;
		to->size += fields[i].size;
	}
	if (c->change)
		c->change->type(c->change->ctx, to, &c->arena);
	return to;
}

/* Of fields that are strings, as `from` calls them. */
static uint8_t *roles_of(struct carry *c, const struct event_type *from)
{
	uint8_t *roles = arena_alloc(&c->arena, from->n_fields);

	for (uint32_t i = 0; c->change && i < from->n_fields; i++)
		if (from->fields[i].type == FIELD_STRING)
			roles[i] = (uint8_t)c->change->field(c->change->ctx, from,
				&from->fields[i]);
	return roles;
}

static void remember_type(struct carry *c, int number, const struct event_type *from,
	const struct event_type *to)
{
	if ((uint32_t)number >= c->n_types) {
		c->types = xrealloc(c->types, (size_t)number + 1, sizeof(*c->types));
		memset(c->types + c->n_types, 0,
			((size_t)number + 1 - c->n_types) * sizeof(*c->types));
		c->n_types = (uint32_t)number + 1;
	}
	c->types[number] = (struct carried_type){ from, to, roles_of(c, from) };
}

int carry_type(struct carry *c, const struct event_type *type, struct err *err)
{
	const struct event_type *to;
	int number;

	for (uint32_t i = 0; i < c->n_types; i++)
		if (c->types[i].from == type)
			return (int)i;
	to = is_our_lost(type) ? &event_lost : lay_out(c, type);
	number = writer_type(c->writer, to, err);
	if (number >= 0)
		remember_type(c, number, type, to);
	return number;
}

/* ---- rows ---- */

static uint64_t carry_value(struct carry *c, enum field_type type, unsigned role, uint64_t v)
{
	switch (type) {
	case FIELD_STRING: return carry_string(c, v, role);
	case FIELD_STACK: return carry_stack(c, v);
	case FIELD_MAPPING: return carry_mapping(c, v);
	default: return v;
	}
}

/* The dictionaries of a trace that another program wrote may be larger than a writer's: then the rest
 * goes into one more segment on the same clock. */
static int roll_if_crowded(struct carry *c)
{
	int rc;

	if (!writer_crowded(c->writer))
		return 0;
	rc = writer_roll(c->writer, c->clock.start_ns, c->clock.start_real_ns);
	for (int i = 0; i < CARRY_ROLES; i++)
		numbers_forget(&c->strings[i]);
	numbers_forget(&c->mappings);
	numbers_forget(&c->frames);
	numbers_forget(&c->names);
	numbers_forget(&c->stacks);
	c->waiting = 0;
	return rc;
}

int carry_row(struct carry *c, int type, uint32_t stream, uint64_t *const *columns, uint32_t row)
{
	const struct event_type *t = c->types[type].to;
	const uint8_t *roles = c->types[type].roles;
	int rc;

	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];
		uint64_t v = carry_value(c, f->type, roles[i], columns[i][row]);

		memcpy(c->row + f->offset, &v, f->size); /* little-endian, as the format */
	}
	rc = writer_add(c->writer, carry_stream(c, stream), type, c->row);
	c->waiting += t->size;
	return rc ? rc : roll_if_crowded(c);
}

int carry_lost(struct carry *c, const char *event, uint32_t stream, uint64_t since_ns,
	uint64_t until_ns, uint64_t n)
{
	struct lost lost = { .time = until_ns,
		.since = since_ns,
		.stream = stream,
		.reason = LOST_DAMAGED,
		.lost = n };

	if (event) {
		struct text t = changed(c, CARRY_EVENT, (struct text){ event, strlen(event) });

		lost.event = writer_string(c->writer, t.s, t.len);
	}
	return writer_add(c->writer, 0, writer_type(c->writer, &event_lost, NULL), &lost);
}

/* ---- the segment ---- */

struct writer_config carry_config(const struct segment_clock *clock)
{
	struct writer_config config = { .start_ns = clock->start_ns,
		.start_real_ns = clock->start_real_ns };

	memcpy(config.boot_id, clock->boot_id, sizeof(config.boot_id));
	return config;
}

enum { MOST_ROOM = 1 << 28 };

/* A writer is crowded when a quarter is left. */
static uint32_t with_room(uint64_t n)
{
	n += n / 2 + 64;
	return n < MOST_ROOM ? (uint32_t)n : MOST_ROOM;
}

struct dict_size carry_room(const struct segment *from)
{
	uint64_t bytes = 0;

	for (uint32_t i = 1; i < from->n_strings; i++)
		bytes += from->strings[i].len;
	return (struct dict_size){ with_room(from->n_strings), with_room(bytes),
		with_room(from->n_mappings), with_room(from->n_frames), with_room(from->n_stacks) };
}

struct carry *carry_new(struct writer *writer, const struct segment *from,
	const struct segment_clock *clock, const struct carry_fact *fact,
	const struct carry_change *change, const struct carry_symbols *symbols)
{
	struct carry *c = xcalloc(1, sizeof(*c));

	c->writer = writer;
	c->from = from;
	c->fact = fact;
	c->change = change;
	c->symbols = symbols;
	c->clock = *clock;
	carry_update(c);
	if (fact->key)
		add_fact(c);
	return c;
}

void carry_update(struct carry *c)
{
	grow_all(c);
	carry_info(c);
	carry_streams(c);
	carry_late_names(c);
}

size_t carry_waiting(const struct carry *c)
{
	return c->waiting;
}

int carry_flush(struct carry *c, uint64_t safe_ns)
{
	carry_update(c);
	c->waiting = 0;
	return writer_flush(c->writer, safe_ns);
}

int carry_close(struct carry *c)
{
	carry_update(c);
	return writer_close(c->writer, UINT64_MAX);
}

void carry_free(struct carry *c)
{
	if (!c)
		return;
	arena_done(&c->arena);
	free(c->types);
	for (int i = 0; i < CARRY_ROLES; i++)
		free(c->strings[i].new);
	free(c->mappings.new);
	free(c->public.new);
	free(c->frames.new);
	free(c->names.new);
	free(c->stacks.new);
	free(c->path);
	free(c);
}
