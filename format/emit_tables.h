/* Blocks that are made of what is known so far: dictionaries, facts, schema, the index and the end. */
#ifndef FORMAT_EMIT_TABLES_H
#define FORMAT_EMIT_TABLES_H

#include "format/emit.h"

/* What is new in the dictionaries, in the order in which a reader needs it. Stops at the first
 * block that does not go through; what is done stays marked as done. */
int emit_dict(struct emit *e, struct dict *d);

/* Rows for dictionaries that are written already, at most EMIT_MAX_ROWS. Strings get the numbers from `first` on;
 * their texts, one behind the other, have at most EMIT_MAX_TEXT bytes. Symbols speak of frames by their number in
 * the file. */
enum { EMIT_MAX_TEXT = BLOCK_MAX_BYTES / 4 };
int emit_more_strings(struct emit *e, uint32_t first, const uint64_t *lengths, const char *bytes,
	uint32_t n);
int emit_more_symbols(struct emit *e, const struct dict_symbol *s, uint32_t n);

/* A table of two texts a row. */
int emit_info(struct emit *e, const char *const (*pairs)[2], uint32_t n);

enum { EMIT_TYPE_ENUMS = 64, EMIT_TYPE_VALUES = 4096 };

/* Declares event types; numbers[i] is the number of types[i]. Each has at most EMIT_TYPE_ENUMS
 * enumerations with at most EMIT_TYPE_VALUES names together (emit_schema_fits). */
int emit_schema(struct emit *e, const struct event_type *const *types, const uint16_t *numbers,
	uint32_t n);

bool emit_schema_fits(const struct event_type *type);

/* The index and the end block; the next block starts a segment. When the sink may have no room for
 * all of it, -EAGAIN and nothing is written. */
int emit_end(struct emit *e);

#endif
