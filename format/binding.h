/* What is wanted of each event type, found out once per type: which of its columns have to be decoded, and
 * which of those each want sees as which of its fields. */
#ifndef FORMAT_BINDING_H
#define FORMAT_BINDING_H

#include "format/base/map.h"
#include "format/merge.h"
#include "format/schema.h"

/* A field that the type has. */
struct matched {
	uint16_t field;  /* number in the want */
	uint16_t column; /* number among those that are decoded */
};

/* How one want sees one event type. All arrays are in the arena. */
struct match {
	uint32_t want;
	uint32_t n_fields, n_matched;
	uint32_t first_value;    /* of its fields, among those of all matches of the type */
	uint64_t missing;        /* bit i: field i is not there (of the first 64) */
	struct matched *matched; /* the other fields are 0 */
	/* Numbers among the columns that are needed, behind them those that are needed late; -1 where there is no
	 * such field. */
	int16_t *late;
	uint32_t n_late;
};

/* What is wanted of one event type of one segment. */
struct binding {
	const struct event_type *type;
	struct match *matches;        /* in the arena, in order of wants */
	uint32_t n_matches, n_values; /* n_values: fields of all matches */
	uint32_t *
		first_match; /* in the arena; of each want: the first match of it or of a later one */
	bool needed[MAX_FIELDS], late[MAX_FIELDS];
	uint8_t field_types[MAX_FIELDS];
	uint16_t
		place[MAX_FIELDS]; /* the number of a field's column among those that are decoded */
	/* Those of n_needed that may not fit into 32 bits come first, the time before all others. */
	uint32_t n_needed, n_wide, n_late;
};

struct bindings {
	const struct want *wants; /* borrowed */
	uint32_t n_wants;
	struct arena arena;
	struct map by_type;
	struct binding **list; /* owned; elements in the arena */
	uint32_t n;
};

void bindings_init(struct bindings *b, const struct want *wants, uint32_t n_wants);
void bindings_done(struct bindings *b);

/* NULL if nobody wants the type. Lives as long as the bindings. */
struct binding *binding_of(struct bindings *b, const struct event_type *type);

#endif
