/* The columns of every block that is not events. One place for both directions. */
#ifndef FORMAT_TABLES_H
#define FORMAT_TABLES_H

#include <stdbool.h>

#include "format/base/err.h"
#include "specs/layout.h"

struct table_layout {
	enum block_kind kind;
	const char *name;
	uint8_t columns[8]; /* enum field_type */
	uint32_t n_columns;
};

/* Column numbers, in the order of the layout. */
enum { INFO_KEY, INFO_VALUE };
enum { SCHEMA_TYPE, SCHEMA_NAME, SCHEMA_UNIT, SCHEMA_DOC, SCHEMA_FIELD, SCHEMA_SHOW, SCHEMA_ENUM };
enum { ENUMS_ENUM, ENUMS_VALUE, ENUMS_NAME };
enum { STRINGS_TEXT };
enum { MAPPINGS_KIND, MAPPINGS_PATH, MAPPINGS_BUILD_ID, MAPPINGS_BASE, MAPPINGS_PID };
enum { FRAMES_MAPPING, FRAMES_ADDRESS };
enum { STACKS_PARENT, STACKS_FRAME, STACKS_FLAGS };
enum {
	SYMBOLS_FRAME,
	SYMBOLS_DEPTH,
	SYMBOLS_NAME,
	SYMBOLS_LINKAGE,
	SYMBOLS_FILE,
	SYMBOLS_LINE,
	SYMBOLS_START
};
enum { STREAMS_CPU, STREAMS_TID, STREAMS_NAME };
enum {
	INDEX_OFFSET,
	INDEX_STORED,
	INDEX_KIND,
	INDEX_TYPE,
	INDEX_STREAM,
	INDEX_COUNT,
	INDEX_FIRST,
	INDEX_LAST
};

/* NULL for a kind whose payload is no table, or is events. */
const struct table_layout *table_layout(unsigned kind);

/* Whether the kind is events or a table that tells about them (all but the index). */
bool block_has_content(unsigned kind);

/* Whether a table block (not events) has all columns of its kind and no more rows than its bytes
 * may stand for, which bounds a reader's memory. 0 or -EBADMSG. */
int table_rows_allowed(const struct block_header *h, struct err *err);

/* The most rows that a table block of so many stored bytes may have. */
static inline uint64_t table_max_rows(uint64_t stored)
{
	return BLOCK_ROWS_PER_BYTE * (sizeof(struct block_header) + stored);
}

/* The name of any kind, for messages; NULL if unknown. */
const char *block_kind_name(unsigned kind);

#endif
