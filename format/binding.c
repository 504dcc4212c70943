#include "format/binding.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"

void bindings_init(struct bindings *b, const struct want *wants, uint32_t n_wants)
{
	*b = (struct bindings){ .wants = wants, .n_wants = n_wants };
	map_init(&b->by_type, 64);
}

void bindings_done(struct bindings *b)
{
	arena_done(&b->arena);
	map_done(&b->by_type);
	free(b->list);
}

/* Numbers of fields in the type, -1 where it has none of that name. Marks them. */
static int16_t *find_fields(struct bindings *all, const struct event_type *type,
	const char *const *names, uint32_t n, bool *mark)
{
	int16_t *columns = arena_alloc(&all->arena, n * sizeof(*columns));

	for (uint32_t i = 0; i < n; i++) {
		int f = names ? event_field(type, names[i]) : (int)i;

		columns[i] = (int16_t)f;
		if (f >= 0)
			mark[f] = true;
	}
	return columns;
}

static void bind_want(struct bindings *all, struct binding *b, uint32_t number)
{
	const struct want *w = &all->wants[number];
	struct match *m = &b->matches[b->n_matches];
	int16_t *fields;

	b->first_match[number] = b->n_matches;
	if (w->event && strcmp(w->event, b->type->name) != 0)
		return;
	b->n_matches++;
	m->want = number;
	m->n_fields = w->fields ? w->n_fields : b->type->n_fields;
	m->first_value = b->n_values;
	b->n_values += m->n_fields;
	m->matched = arena_alloc(&all->arena, m->n_fields * sizeof(*m->matched));
	fields = find_fields(all, b->type, w->fields, m->n_fields, b->needed);
	for (uint32_t i = 0; i < m->n_fields; i++) {
		if (fields[i] >= 0)
			m->matched[m->n_matched++] = (struct matched){ (uint16_t)i,
				(uint16_t)fields[i] };
		else if (i < 64)
			m->missing |= 1ULL << i;
	}
	m->n_late = w->n_late;
	if (w->n_late)
		m->late = find_fields(all, b->type, w->late, w->n_late, b->late);
}

/* From numbers of the type's fields to those of the columns that are decoded. */
static void renumber(struct match *m, const uint16_t *place)
{
	for (uint32_t i = 0; i < m->n_matched; i++)
		m->matched[i].column = place[m->matched[i].column];
	for (uint32_t i = 0; i < m->n_late; i++)
		if (m->late[i] >= 0)
			m->late[i] = (int16_t)place[m->late[i]];
}

/* Whether a field's values may need more than 32 bits; signed ones have as many in a row. */
static bool is_wide(const struct event_type *type, uint32_t field)
{
	size_t width = field_width(type->fields[field].type);

	return field == 0 || width < 1 || width > 4 || field_signed(type->fields[field].type);
}

/* Numbers the columns: wide ones, narrow ones, late ones. */
static void number_columns(struct binding *b)
{
	uint32_t n = b->type->n_fields;

	b->needed[0] = true;
	for (uint32_t f = 0; f < n; f++)
		if (b->needed[f] && is_wide(b->type, f))
			b->place[f] = (uint16_t)b->n_wide++;
	b->n_needed = b->n_wide;
	for (uint32_t f = 0; f < n; f++)
		if (b->needed[f] && !is_wide(b->type, f))
			b->place[f] = (uint16_t)b->n_needed++;
	for (uint32_t f = 0; f < n; f++) {
		b->late[f] &= !b->needed[f];
		if (b->late[f])
			b->place[f] = (uint16_t)(b->n_needed + b->n_late++);
	}
}

static struct binding *bind(struct bindings *all, const struct event_type *type)
{
	struct binding *b = arena_alloc(&all->arena, sizeof(*b));

	b->type = type;
	b->matches = arena_alloc(&all->arena, all->n_wants * sizeof(*b->matches));
	b->first_match = arena_alloc(&all->arena, (all->n_wants + 1) * sizeof(*b->first_match));
	for (uint32_t i = 0; i < all->n_wants; i++)
		bind_want(all, b, i);
	b->first_match[all->n_wants] = b->n_matches;
	for (uint32_t f = 0; f < type->n_fields; f++)
		b->field_types[f] = (uint8_t)type->fields[f].type;
	number_columns(b);
	for (uint32_t i = 0; i < b->n_matches; i++)
		renumber(&b->matches[i], b->place);
	return b;
}

struct binding *binding_of(struct bindings *b, const struct event_type *type)
{
	bool is_new;
	uint32_t *number = map_put(&b->by_type, (uint64_t)(uintptr_t)type, &is_new);

	if (is_new) {
		*number = b->n;
		b->list = xrealloc(b->list, b->n + 1, sizeof(*b->list));
		b->list[b->n++] = bind(b, type);
	}
	return b->list[*number]->n_matches ? b->list[*number] : NULL;
}
