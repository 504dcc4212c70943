/* Conditions on the events of a recording, such as
 *
 *	sched_delay.latency > 50ms && sched_delay.comm == 'postgres'
 *
 * A condition speaks of one type of event: EVENT.FIELD OP VALUE, joined by &&; behind the first && the
 * event's name may be left out. OP is one of > >= < <= == !=. A number may carry a suffix that the
 * unit of its field permits: ns us ms s m h for a time, B KiB MiB GiB TiB for a size; without one it is
 * in the field's own unit. Texts stand in '' or "" and know == and != only; they are compared to strings
 * and to names of values (state == 'sleeping'). */
#ifndef RECORD_CONDITION_H
#define RECORD_CONDITION_H

#include "format/base/err.h"
#include "format/schema.h"

enum condition_op {
	CONDITION_GT,
	CONDITION_GE,
	CONDITION_LT,
	CONDITION_LE,
	CONDITION_EQ,
	CONDITION_NE,
};

enum {
	CONDITION_TERMS = 16,
	CONDITION_TEXT = 256, /* bytes of one text */
};

struct condition_term {
	const struct field *field;
	enum condition_op op;
	bool is_text;       /* a string is compared: `text`; otherwise `number` */
	long double number; /* in the field's unit; holds every 64-bit integer */
	char text[CONDITION_TEXT];
};

struct condition {
	const struct event_type *type;
	struct condition_term terms[CONDITION_TERMS];
	unsigned n;
};

/* Gives the number of a text in the trace's dictionary, as writer_string does. */
typedef uint32_t (*condition_string)(void *ctx, const char *s, size_t len);

/* Parses a condition on one of the types, which are borrowed and must outlive it. -EINVAL with a sentence
 * that names what is not understood; -ENOENT for an event or field that is not there. */
int condition_parse(struct condition *c, const char *text, const struct event_type *const *types,
	unsigned n_types, struct err *err);

/* Whether all terms hold for a row of c->type, the C struct as it is handed to writer_add. A string field
 * holds a number of the dictionary, so `string` is asked for that of the text; NULL: no such field
 * equals any text. Does not allocate. */
bool condition_holds(const struct condition *c, const void *row, condition_string string,
	void *ctx);

#endif
