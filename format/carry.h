/* Carrying rows of one segment into a segment of a new trace.
 *
 * Strings, mappings, frames (with all their names, inlined functions and lines) and stacks are
 * written when the first row that refers to them comes, under new numbers: what no row reaches stays
 * behind. Numbers of streams stay as they are, since events such as `lost` speak of them, and so do
 * all times. A reference to what is not there, as its block was damaged, becomes 0, "unknown". */
#ifndef FORMAT_CARRY_H
#define FORMAT_CARRY_H

#include "format/segment.h"
#include "format/writer.h"

struct carry;

/* What a text is, for those who change texts. Those from CARRY_FIELD on are fields of events, as
 * carry_change's `field` says. */
enum carry_role {
	CARRY_PATH,   /* of a mapping */
	CARRY_STREAM, /* name of a stream */
	CARRY_EVENT,  /* name of an event */
	/* A name and a source file of a frame, whose mapping is public or is not. */
	CARRY_FUNCTION,
	CARRY_FILE,
	CARRY_PUBLIC_FUNCTION,
	CARRY_PUBLIC_FILE,
	CARRY_FIELD,
	CARRY_ROLES = CARRY_FIELD + 8,
};

/* For a copy that says less than its source: every text of the source goes through one of these before
 * it is written, but for the names of values. All are to be there. What they get and give is borrowed
 * until the next call. */
struct carry_change {
	/* The role of a field that is a string. */
	unsigned (*field)(void *ctx, const struct event_type *type, const struct field *field);
	struct text (*text)(void *ctx, unsigned role, struct text t);
	/* May change all but m->path, and the path, whose new text stands for CARRY_PATH. Returns
	 * whether the names in it are public. */
	bool (*mapping)(void *ctx, struct mapping *m, struct text *path);
	/* May change the name and meaning of a type; texts in the arena. */
	void (*type)(void *ctx, struct event_type *t, struct arena *arena);
	void (*fact)(void *ctx, struct info_pair *p);
	void (*clock)(void *ctx, struct segment_clock *c);
	void *ctx;
};

/* One of the names of a frame in the copy. Those of a frame are of depth 0, 1, ... */
struct carry_symbol {
	struct text name, linkage, file;
	uint32_t line;
	uint64_t start;
};

/* For a copy that knows more names than its source. */
struct carry_symbols {
	/* All names that the frame shall have, borrowed until the next call. Returns how many; 0: those of the
	 * source. */
	uint32_t (*names)(void *ctx, const struct segment *from, uint32_t frame,
		const struct carry_symbol **list);
	void *ctx;
};

/* A fact that is added to those of the segment. Where the key is told already the new value is put
 * behind the old one, unless that ends with it. */
struct carry_fact {
	const char *key, *value; /* key NULL: none */
};

/* Into a writer that has just begun with this clock (carry_config) and whose sink has no queue, as it may
 * never be full. `from` may still grow while it is read from a stream. All are borrowed until
 * carry_free. `change` and `symbols` may be NULL; symbols are not changed. */
struct carry *carry_new(struct writer *writer, const struct segment *from,
	const struct segment_clock *clock, const struct carry_fact *fact,
	const struct carry_change *change, const struct carry_symbols *symbols);
struct writer_config carry_config(const struct segment_clock *clock);

/* What a writer's dictionaries need, so that all of a segment fits without being crowded. */
struct dict_size carry_room(const struct segment *from);

/* Takes in what `from` has learned since; before the rows of each block of a stream. */
void carry_update(struct carry *c);

/* The number of an event type of `from` in the new segment. -E2BIG, with a sentence, if it is larger
 * than a writer of this version can write. */
int carry_type(struct carry *c, const struct event_type *type, struct err *err);

/* Writes one row: columns[f][row] for each field of the type whose number carry_type gave. 0 or the
 * sink's errno. */
int carry_row(struct carry *c, int type, uint32_t stream, uint64_t *const *columns, uint32_t row);

/* Writes what became of events that cannot be read: `n` of this name (NULL: of any kind), from
 * `since_ns` to `until_ns`, of this stream. 0 or the sink's errno. */
int carry_lost(struct carry *c, const char *event, uint32_t stream, uint64_t since_ns,
	uint64_t until_ns, uint64_t n);

/* Bytes of rows that wait to become blocks, about. */
size_t carry_waiting(const struct carry *c);

/* Makes blocks of them, and promises that what comes is not before safe_ns. 0 or the sink's errno. */
int carry_flush(struct carry *c, uint64_t safe_ns);

/* Ends the segment. 0 or the sink's errno. */
int carry_close(struct carry *c);
void carry_free(struct carry *c);

#endif
