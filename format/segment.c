/* Taking in the tables of a segment and answering questions about them.
 *
 * Memory is bounded by what the file holds: a table block has at most BLOCK_ROWS_PER_BYTE rows per
 * byte, and all numbers that dictionaries leave out are together no more than the segment has
 * bytes. */
#include "format/segment.h"

#include <errno.h>
#include <stdlib.h>

#include "format/tables.h"

struct segment *segment_new(uint64_t offset, uint32_t id)
{
	struct segment *s = xcalloc(1, sizeof(*s));

	s->offset = offset;
	s->id = id;
	return s;
}

static void free_tables(struct segment *s)
{
	arena_done(&s->arena);
	free(s->types);
	free(s->enums);
	free(s->enum_numbers);
	free(s->strings);
	free(s->mappings);
	free(s->frame_mapping);
	free(s->frame_symbol);
	free(s->frame_address);
	free(s->stack_parent);
	free(s->stack_frame);
	free(s->stack_flags);
	free(s->symbols);
	free(s->streams);
	free(s->info);
}

void segment_free(struct segment *s)
{
	if (!s)
		return;
	free_tables(s);
	free(s);
}

void segment_clear(struct segment *s)
{
	struct segment empty = { .offset = s->offset,
		.id = s->id,
		.clock = s->clock,
		.shift_ns = s->shift_ns };

	free_tables(s);
	*s = empty;
}

bool segment_same_boot(const struct segment_clock *a, const struct segment_clock *b)
{
	return memcmp(a->boot_id, b->boot_id, sizeof(a->boot_id)) == 0;
}

int64_t segment_shift(const struct segment_clock *base, const struct segment_clock *c)
{
	if (segment_same_boot(base, c) || !c->start_real_ns || !base->start_real_ns)
		return 0;
	return (int64_t)((c->start_real_ns - c->start_ns) - (base->start_real_ns - base->start_ns));
}

/* ---- decoded tables ---- */

/* All columns of a table, decoded, one behind the other; texts are copied to the segment's arena. */
struct table {
	uint32_t n;
	uint64_t *values;   /* owned; row i of column c at c * n + i; of texts the lengths */
	struct text *texts; /* owned; likewise */
};

static uint64_t value(const struct table *t, uint32_t column, uint32_t row)
{
	return t->values[(size_t)column * t->n + row];
}

static struct text text(const struct table *t, uint32_t column, uint32_t row)
{
	return t->texts[(size_t)column * t->n + row];
}

static int take_texts(struct segment *s, struct table *t, uint32_t column,
	struct column_decoder *decoder, struct err *err)
{
	uint64_t *lengths = t->values + (size_t)column * t->n;
	struct text *texts = t->texts + (size_t)column * t->n;
	const uint8_t *bytes;
	size_t n_bytes;
	char *copy;

	if (column_decode_text(decoder, column, lengths, &bytes, &n_bytes, err))
		return -EBADMSG;
	copy = arena_strndup(&s->arena, (const char *)bytes, n_bytes);
	for (uint32_t i = 0; i < t->n; i++) {
		texts[i] = (struct text){ copy, lengths[i] };
		copy += lengths[i];
	}
	return 0;
}

static int take_table(struct segment *s, const struct block_header *h, const void *payload,
	const struct table_layout *layout, struct column_decoder *decoder, struct table *t,
	struct err *err)
{
	uint8_t types[MAX_FIELDS] = { 0 }; /* columns that a newer writer added are not decoded */

	if (table_rows_allowed(h, err))
		return -EBADMSG;
	memcpy(types, layout->columns, layout->n_columns);
	if (column_decoder_open(decoder, payload, h->stored, types, h->columns, h->count, err))
		return -EBADMSG;
	t->n = h->count;
	t->values = xcalloc((size_t)layout->n_columns * t->n, sizeof(*t->values));
	t->texts = xcalloc((size_t)layout->n_columns * t->n, sizeof(*t->texts));
	for (uint32_t c = 0; c < layout->n_columns; c++) {
		int rc = layout->columns[c] == FIELD_TEXT
			? take_texts(s, t, c, decoder, err)
			: column_decode(decoder, c, t->values + (size_t)c * t->n, err);

		if (rc)
			return -EBADMSG;
	}
	return 0;
}

/* A terminated copy for what becomes part of the schema; zero bytes end it early. */
static const char *c_string(struct segment *s, struct text t)
{
	return arena_strndup(&s->arena, t.s, t.len);
}

/* ---- arrays that grow ---- */

/* Sizes of arrays are powers of two, so that growing by small blocks moves them rarely. */
static size_t room_for(uint32_t n)
{
	return n > 1 ? (size_t)1 << bit_length(n - 1) : 1;
}

/* Makes room for n elements in an array that has `count`. */
#define RESERVE(array, count, n) \
	do { \
		if (!(array) || room_for(count) < (n)) \
			(array) = xrealloc((array), room_for(n), sizeof(*(array))); \
	} while (0)

/* Makes an array of n elements out of one of `count`. */
#define GROW(array, count, n) \
	do { \
		RESERVE(array, count, n); \
		memset((array) + (count), 0, ((n) - (count)) * sizeof(*(array))); \
	} while (0)

/* ---- schema ---- */

static const struct enumeration *find_enum(const struct segment *s, uint32_t number)
{
	for (uint32_t i = 0; number && i < s->n_enums; i++)
		if (s->enum_numbers[i] == number)
			return &s->enums[i];
	return NULL;
}

/* The rows [first, end) have the same number. */
static void add_enum(struct segment *s, const struct table *t, uint32_t first, uint32_t end)
{
	struct enum_value *v = arena_alloc(&s->arena, (end - first) * sizeof(*v));

	for (uint32_t i = first; i < end; i++) {
		v[i - first].value = (int64_t)value(t, ENUMS_VALUE, i);
		v[i - first].name = c_string(s, text(t, ENUMS_NAME, i));
	}
	RESERVE(s->enums, s->n_enums, s->n_enums + 1);
	RESERVE(s->enum_numbers, s->n_enums, s->n_enums + 1);
	s->enums[s->n_enums] = (struct enumeration){ "", v, end - first };
	s->enum_numbers[s->n_enums++] = (uint32_t)value(t, ENUMS_ENUM, first);
}

/* Enumerations move while they arrive, so they get a home of their own once complete. */
static const struct enumeration *keep_enum(struct segment *s, uint32_t number)
{
	const struct enumeration *e = find_enum(s, number);
	struct enumeration *copy;

	if (!e)
		return NULL;
	copy = arena_alloc(&s->arena, sizeof(*copy));
	*copy = *e;
	return copy;
}

static int load_enums(struct segment *s, const struct table *t, struct err *err)
{
	(void)err;
	for (uint32_t i = 0, end; i < t->n; i = end) {
		for (end = i + 1; end < t->n; end++)
			if (value(t, ENUMS_ENUM, end) != value(t, ENUMS_ENUM, i))
				break;
		add_enum(s, t, i, end);
	}
	return 0;
}

static int take_field(struct segment *s, const struct table *t, uint32_t row, struct field *f,
	struct err *err)
{
	f->type = (enum field_type)value(t, SCHEMA_FIELD, row);
	f->show = (enum field_show)value(t, SCHEMA_SHOW, row);
	f->name = c_string(s, text(t, SCHEMA_NAME, row));
	f->unit = c_string(s, text(t, SCHEMA_UNIT, row));
	f->doc = c_string(s, text(t, SCHEMA_DOC, row));
	f->enumeration = keep_enum(s, (uint32_t)value(t, SCHEMA_ENUM, row));
	f->size = (uint16_t)field_width(f->type);
	if (!f->size)
		return err_set(err, EBADMSG, "field %s has unknown type %d", f->name, f->type);
	return 0;
}

/* The event that row `first` declares and its fields in the rows up to `end`. */
static int take_type(struct segment *s, const struct table *t, uint32_t first, uint32_t end,
	struct err *err)
{
	uint64_t number = value(t, SCHEMA_TYPE, first);
	uint32_t n_fields = end - first - 1;
	struct event_type *type = arena_alloc(&s->arena, sizeof(*type));
	struct field *fields = arena_alloc(&s->arena, (n_fields + 1) * sizeof(*fields));

	if (number >= MAX_EVENT_TYPES || n_fields < 1 || n_fields > MAX_FIELDS)
		return err_set(err, EBADMSG, "event type %llu of %u fields",
			(unsigned long long)number, n_fields);
	for (uint32_t i = 0; i < n_fields; i++)
		if (take_field(s, t, first + 1 + i, &fields[i], err))
			return -EBADMSG;
	if (strcmp(fields[0].name, "time") != 0 || fields[0].type != FIELD_U64)
		return err_set(err, EBADMSG, "event type without a time");
	type->name = c_string(s, text(t, SCHEMA_NAME, first));
	type->doc = c_string(s, text(t, SCHEMA_DOC, first));
	type->fields = fields;
	type->n_fields = n_fields;
	while (s->n_types <= number) {
		RESERVE(s->types, s->n_types, s->n_types + 1);
		s->types[s->n_types++] = NULL;
	}
	s->types[number] = type;
	return 0;
}

static int load_schema(struct segment *s, const struct table *t, struct err *err)
{
	for (uint32_t i = 0, end; i < t->n; i = end) {
		if (value(t, SCHEMA_FIELD, i))
			return err_set(err, EBADMSG, "field without an event");
		for (end = i + 1; end < t->n; end++)
			if (!value(t, SCHEMA_FIELD, end))
				break;
		if (take_type(s, t, i, end, err))
			return -EBADMSG;
	}
	return 0;
}

/* ---- dictionaries ---- */

/* The new count of a dictionary, or of streams, whose numbers begin at `least`, after rows [first, first + n), or 0
 * when these numbers cannot be. Numbers that were left out are of blocks that were lost. Each needs memory, and what
 * is not there cannot show that it ever was: so all that are left out, in whichever dictionary, must have had room in
 * the segment at a byte each. */
static uint32_t grown_from(uint32_t least, struct segment *s, uint32_t count,
	const struct block_header *h, struct err *err)
{
	uint64_t end = h->first + h->count;
	uint64_t skipped = h->first > count ? h->first - (count ? count : least) : 0;

	if (h->first < least || h->first > UINT32_MAX || end > UINT32_MAX ||
		s->skipped + skipped > s->bytes) {
		err_set(err, EBADMSG, "numbers from %llu on cannot be",
			(unsigned long long)h->first);
		return 0;
	}
	s->skipped += skipped;
	return end > count ? (uint32_t)end : count;
}

static uint32_t grown(struct segment *s, uint32_t count, const struct block_header *h,
	struct err *err)
{
	return grown_from(1, s, count, h, err);
}

static int load_strings(struct segment *s, const struct table *t, const struct block_header *h,
	struct err *err)
{
	uint32_t n = grown(s, s->n_strings, h, err);

	if (!n)
		return -EBADMSG;
	GROW(s->strings, s->n_strings, n);
	s->n_strings = n;
	memcpy(s->strings + h->first, t->texts, t->n * sizeof(*s->strings)); /* the only column */
	return 0;
}

static int load_mappings(struct segment *s, const struct table *t, const struct block_header *h,
	struct err *err)
{
	uint32_t n = grown(s, s->n_mappings, h, err);

	if (!n)
		return -EBADMSG;
	GROW(s->mappings, s->n_mappings, n);
	s->n_mappings = n;
	for (uint32_t i = 0; i < t->n; i++) {
		struct mapping *m = &s->mappings[h->first + i];
		struct text id = text(t, MAPPINGS_BUILD_ID, i);

		m->kind = (enum mapping_kind)value(t, MAPPINGS_KIND, i);
		m->path = (uint32_t)value(t, MAPPINGS_PATH, i);
		m->base = value(t, MAPPINGS_BASE, i);
		m->pid = (uint32_t)value(t, MAPPINGS_PID, i);
		m->build_id = (const uint8_t *)id.s;
		m->build_id_len = id.len <= BUILD_ID_MAX ? (uint32_t)id.len : BUILD_ID_MAX;
	}
	return 0;
}

static int load_frames(struct segment *s, const struct table *t, const struct block_header *h,
	struct err *err)
{
	uint32_t n = grown(s, s->n_frames, h, err);

	if (!n)
		return -EBADMSG;
	GROW(s->frame_mapping, s->n_frames, n);
	GROW(s->frame_address, s->n_frames, n);
	GROW(s->frame_symbol, s->n_frames, n);
	s->n_frames = n;
	for (uint32_t i = 0; i < t->n; i++) {
		s->frame_mapping[h->first + i] = (uint32_t)value(t, FRAMES_MAPPING, i);
		s->frame_address[h->first + i] = value(t, FRAMES_ADDRESS, i);
	}
	return 0;
}

static int load_stacks(struct segment *s, const struct table *t, const struct block_header *h,
	struct err *err)
{
	uint32_t n = grown(s, s->n_stacks, h, err);
	int rc = 0;

	if (!n)
		return -EBADMSG;
	GROW(s->stack_parent, s->n_stacks, n);
	GROW(s->stack_frame, s->n_stacks, n);
	GROW(s->stack_flags, s->n_stacks, n);
	s->n_stacks = n;
	for (uint32_t i = 0; i < t->n; i++) {
		uint64_t parent = value(t, STACKS_PARENT, i), node = h->first + i;

		if (parent >= node) { /* would be a loop */
			rc = err_set(err, EBADMSG, "stack %llu has parent %llu",
				(unsigned long long)node, (unsigned long long)parent);
			continue;
		}
		s->stack_parent[node] = (uint32_t)parent;
		s->stack_frame[node] = (uint32_t)value(t, STACKS_FRAME, i);
		s->stack_flags[node] = (uint8_t)(value(t, STACKS_FLAGS, i) |
			s->stack_flags[parent]);
	}
	return rc;
}

static void add_symbol(struct segment *s, uint32_t frame, const struct symbol *new)
{
	uint32_t *link = &s->frame_symbol[frame];

	while (*link && s->symbols[*link - 1].depth < new->depth)
		link = &s->symbols[*link - 1].next;
	if (*link && s->symbols[*link - 1].depth == new->depth) {
		uint32_t next = s->symbols[*link - 1].next;

		s->symbols[*link - 1] = *new;
		s->symbols[*link - 1].next = next;
		s->n_renamed++;
		return;
	}
	s->symbols[s->n_symbols] = *new;
	s->symbols[s->n_symbols].next = *link;
	*link = ++s->n_symbols;
}

static int load_symbols(struct segment *s, const struct table *t, struct err *err)
{
	int rc = 0;

	RESERVE(s->symbols, s->n_symbols, s->n_symbols + t->n);
	for (uint32_t i = 0; i < t->n; i++) {
		uint64_t frame = value(t, SYMBOLS_FRAME, i);
		struct symbol new = { (uint32_t)value(t, SYMBOLS_NAME, i),
			(uint32_t)value(t, SYMBOLS_LINKAGE, i), (uint32_t)value(t, SYMBOLS_FILE, i),
			(uint32_t)value(t, SYMBOLS_LINE, i), value(t, SYMBOLS_START, i),
			(uint32_t)value(t, SYMBOLS_DEPTH, i), 0 };

		if (frame >= s->n_frames || new.depth > UINT8_MAX) {
			rc = err_set(err, EBADMSG, "name for frame %llu, which is not there",
				(unsigned long long)frame);
			continue;
		}
		add_symbol(s, (uint32_t)frame, &new);
	}
	return rc;
}

static int load_streams(struct segment *s, const struct table *t, const struct block_header *h,
	struct err *err)
{
	uint32_t n = grown_from(0, s, s->n_streams, h, err);

	if (!n)
		return -EBADMSG;
	RESERVE(s->streams, s->n_streams, n);
	for (; s->n_streams < n; s->n_streams++)
		s->streams[s->n_streams] = (struct stream_info){ .cpu = -1 };
	for (uint32_t i = 0; i < t->n; i++)
		s->streams[h->first + i] = (struct stream_info){ (int32_t)value(t, STREAMS_CPU, i),
			(uint32_t)value(t, STREAMS_TID, i), (uint32_t)value(t, STREAMS_NAME, i) };
	return 0;
}

static int load_info(struct segment *s, const struct table *t)
{
	RESERVE(s->info, s->n_info, s->n_info + t->n);
	for (uint32_t i = 0; i < t->n; i++)
		s->info[s->n_info++] = (struct info_pair){ text(t, INFO_KEY, i),
			text(t, INFO_VALUE, i) };
	return 0;
}

static int load_table(struct segment *s, const struct table *t, const struct block_header *h,
	struct err *err)
{
	switch (h->kind) {
	case BLOCK_INFO: return load_info(s, t);
	case BLOCK_SCHEMA: return load_schema(s, t, err);
	case BLOCK_ENUMS: return load_enums(s, t, err);
	case BLOCK_STRINGS: return load_strings(s, t, h, err);
	case BLOCK_MAPPINGS: return load_mappings(s, t, h, err);
	case BLOCK_FRAMES: return load_frames(s, t, h, err);
	case BLOCK_STACKS: return load_stacks(s, t, h, err);
	case BLOCK_SYMBOLS: return load_symbols(s, t, err);
	case BLOCK_STREAMS: return load_streams(s, t, h, err);
	default: return 0;
	}
}

int segment_load(struct segment *s, const struct block_header *h, const void *payload,
	struct column_decoder *decoder, struct err *err)
{
	const struct table_layout *layout = table_layout(h->kind);
	struct table t = { 0 };
	int rc;

	if (!layout || h->kind == BLOCK_INDEX)
		return 0;
	rc = take_table(s, h, payload, layout, decoder, &t, err);
	if (!rc)
		rc = load_table(s, &t, h, err);
	free(t.values);
	free(t.texts);
	return rc ? err_step(err, -EBADMSG, "%s", layout->name) : 0;
}

/* ---- questions ---- */

const struct event_type *segment_type(const struct segment *s, uint32_t number)
{
	return number < s->n_types ? s->types[number] : NULL;
}

struct text segment_string(const struct segment *s, uint32_t number)
{
	if (number >= s->n_strings || !s->strings[number].s)
		return (struct text){ "", 0 };
	return s->strings[number];
}

struct mapping segment_mapping(const struct segment *s, uint32_t number)
{
	return number < s->n_mappings ? s->mappings[number] : (struct mapping){ 0 };
}

uint32_t segment_stack_parent(const struct segment *s, uint32_t stack)
{
	return stack < s->n_stacks ? s->stack_parent[stack] : 0;
}

uint32_t segment_stack_frame(const struct segment *s, uint32_t stack)
{
	return stack < s->n_stacks ? s->stack_frame[stack] : 0;
}

uint8_t segment_stack_flags(const struct segment *s, uint32_t stack)
{
	return stack < s->n_stacks ? s->stack_flags[stack] : 0;
}

uint32_t segment_frame(const struct segment *s, uint32_t frame, uint64_t *address)
{
	*address = frame < s->n_frames ? s->frame_address[frame] : 0;
	return frame < s->n_frames ? s->frame_mapping[frame] : 0;
}

const struct symbol *segment_symbol(const struct segment *s, uint32_t frame)
{
	uint32_t i = frame < s->n_frames ? s->frame_symbol[frame] : 0;

	return i ? &s->symbols[i - 1] : NULL;
}

const struct symbol *segment_symbol_next(const struct segment *s, const struct symbol *symbol)
{
	return symbol->next ? &s->symbols[symbol->next - 1] : NULL;
}

struct text segment_info(const struct segment *s, const char *key)
{
	for (uint32_t i = s->n_info; i-- > 0;)
		if (text_is(s->info[i].key, key))
			return s->info[i].value;
	return (struct text){ "", 0 };
}
