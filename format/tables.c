/* The table of tables. */
#include "format/tables.h"

#include <errno.h>
#include <stddef.h>

static const struct table_layout layouts[] = {
	{ BLOCK_INFO, "info", { FIELD_TEXT, FIELD_TEXT }, 2 },
	{ BLOCK_SCHEMA, "schema",
		{ FIELD_U16, FIELD_TEXT, FIELD_TEXT, FIELD_TEXT, FIELD_U8, FIELD_U8, FIELD_U32 },
		7 },
	{ BLOCK_ENUMS, "enums", { FIELD_U32, FIELD_S64, FIELD_TEXT }, 3 },
	{ BLOCK_STRINGS, "strings", { FIELD_TEXT }, 1 },
	{ BLOCK_MAPPINGS, "mappings", { FIELD_U8, FIELD_STRING, FIELD_TEXT, FIELD_U64, FIELD_U32 },
		5 },
	{ BLOCK_FRAMES, "frames", { FIELD_MAPPING, FIELD_U64 }, 2 },
	{ BLOCK_STACKS, "stacks", { FIELD_STACK, FIELD_U32, FIELD_U8 }, 3 },
	{ BLOCK_SYMBOLS, "symbols",
		{ FIELD_U32, FIELD_U8, FIELD_STRING, FIELD_STRING, FIELD_STRING, FIELD_U32,
			FIELD_U64 },
		7 },
	{ BLOCK_STREAMS, "streams", { FIELD_S32, FIELD_U32, FIELD_STRING }, 3 },
	{ BLOCK_INDEX, "index",
		{ FIELD_U64, FIELD_U32, FIELD_U8, FIELD_U16, FIELD_U32, FIELD_U32, FIELD_U64,
			FIELD_U64 },
		8 },
};

const struct table_layout *table_layout(unsigned kind)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].kind == kind)
			return &layouts[i];
	return NULL;
}

bool block_has_content(unsigned kind)
{
	return kind == BLOCK_EVENTS || (table_layout(kind) && kind != BLOCK_INDEX);
}

int table_rows_allowed(const struct block_header *h, struct err *err)
{
	if (h->columns < table_layout(h->kind)->n_columns || h->count > table_max_rows(h->stored))
		return err_set(err, EBADMSG, "%u rows of %u columns in %u bytes", h->count,
			h->columns, h->stored);
	return 0;
}

const char *block_kind_name(unsigned kind)
{
	const struct table_layout *t = table_layout(kind);

	switch (kind) {
	case BLOCK_SEGMENT: return "segment";
	case BLOCK_EVENTS: return "events";
	case BLOCK_SYNC: return "sync";
	case BLOCK_END: return "end";
	default: return t ? t->name : NULL;
	}
}
