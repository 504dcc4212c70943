#include "record/condition.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/suggest.h"

/* ---- parsing ---- */

struct parser {
	struct condition *c;
	const char *p;
	const struct event_type *const *types;
	unsigned n_types;
	struct err *err;
};

static const struct {
	const char *unit, *suffix;
	long double factor; /* the suffix in the unit */
} suffixes[] = {
	{ "ns", "ns", 1 },
	{ "ns", "us", 1e3 },
	{ "ns", "ms", 1e6 },
	{ "ns", "s", 1e9 },
	{ "ns", "m", 60e9 },
	{ "ns", "h", 3600e9 },
	{ "us", "us", 1 },
	{ "us", "ms", 1e3 },
	{ "us", "s", 1e6 },
	{ "ms", "ms", 1 },
	{ "ms", "s", 1e3 },
	{ "bytes", "B", 1 },
	{ "bytes", "KiB", 1024 },
	{ "bytes", "MiB", 1048576 },
	{ "bytes", "GiB", 1073741824 },
	{ "bytes", "TiB", 1099511627776 },
};

/* Two letters first, so that >= is not taken for >. */
static const struct {
	const char *text;
	enum condition_op op;
} operators[] = {
	{ ">=", CONDITION_GE },
	{ "<=", CONDITION_LE },
	{ "==", CONDITION_EQ },
	{ "!=", CONDITION_NE },
	{ ">", CONDITION_GT },
	{ "<", CONDITION_LT },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void skip_space(struct parser *p)
{
	while (isspace((unsigned char)*p->p))
		p->p++;
}

/* Bytes up to what ends the name of an event or field. */
static size_t name_len(const char *s)
{
	return strcspn(s, " \t\n<>=!&");
}

/* The type whose name begins the term, with a dot behind it. Names may have dots in them, so it is
 * the longest one that fits. */
static const struct event_type *type_at(const struct parser *p)
{
	const struct event_type *found = NULL;
	size_t longest = 0;

	for (unsigned i = 0; i < p->n_types; i++) {
		size_t len = strlen(p->types[i]->name);

		if (len > longest && strncmp(p->p, p->types[i]->name, len) == 0 &&
			p->p[len] == '.') {
			found = p->types[i];
			longest = len;
		}
	}
	return found;
}

static int no_event(const struct parser *p)
{
	size_t len = name_len(p->p), event = 0;
	char wanted[SUGGESTION_MAX] = "";
	struct suggest near;
	int rc;

	for (size_t i = 0; i < len; i++)
		if (p->p[i] == '.')
			event = i;
	if (!event)
		return err_set(p->err, EINVAL,
			"'%.*s' is no EVENT.FIELD: write a condition as sched_delay.latency > 50ms",
			(int)len, p->p);
	memcpy(wanted, p->p, event < sizeof(wanted) ? event : sizeof(wanted) - 1);
	rc = err_set(p->err, ENOENT, "no event '%s' is recorded here", wanted);
	suggest_init(&near, wanted);
	for (unsigned i = 0; i < p->n_types; i++)
		suggest_offer(&near, p->types[i]->name);
	suggest_append(&near, p->err);
	return rc;
}

static int parse_field(struct parser *p, struct condition_term *t)
{
	const struct event_type *type = type_at(p);
	char name[SUGGESTION_MAX];
	struct suggest near;
	size_t len;
	int number, rc;

	if (type && p->c->type && type != p->c->type)
		return err_set(p->err, EINVAL, "a condition is about one event, not %s and %s",
			p->c->type->name, type->name);
	if (!type && !p->c->type)
		return no_event(p);
	p->p += type ? strlen(type->name) + 1 : 0;
	p->c->type = type ? type : p->c->type;
	len = name_len(p->p);
	if (!len || len >= sizeof(name))
		return err_set(p->err, EINVAL, "the name of a field is missing before '%.40s'",
			p->p);
	memcpy(name, p->p, len);
	name[len] = '\0';
	p->p += len;
	number = event_field(p->c->type, name);
	if (number >= 0) {
		t->field = &p->c->type->fields[number];
		return 0;
	}
	rc = err_set(p->err, ENOENT, "%s has no field '%s'", p->c->type->name, name);
	suggest_init(&near, name);
	for (uint32_t i = 0; i < p->c->type->n_fields; i++)
		suggest_offer(&near, p->c->type->fields[i].name);
	suggest_append(&near, p->err);
	return rc;
}

static int parse_operator(struct parser *p, struct condition_term *t)
{
	skip_space(p);
	for (size_t i = 0; i < COUNT(operators); i++) {
		if (strncmp(p->p, operators[i].text, strlen(operators[i].text)) != 0)
			continue;
		t->op = operators[i].op;
		p->p += strlen(operators[i].text);
		skip_space(p);
		return 0;
	}
	return err_set(p->err, EINVAL, "behind '%s' one of > >= < <= == != must stand, not '%.20s'",
		t->field->name, p->p);
}

static bool is_string(const struct field *f)
{
	return f->chars || f->type == FIELD_STRING;
}

static int parse_text(struct parser *p, struct condition_term *t)
{
	const char *end = strchr(p->p + 1, *p->p);
	const struct enumeration *e = t->field->enumeration;
	size_t len = end ? (size_t)(end - p->p - 1) : 0;

	if (!end || len >= sizeof(t->text))
		return err_set(p->err, EINVAL, "the text %.20s... has no end, or is too long",
			p->p);
	if (t->op != CONDITION_EQ && t->op != CONDITION_NE)
		return err_set(p->err, EINVAL, "texts are compared by == and != only");
	memcpy(t->text, p->p + 1, len);
	t->text[len] = '\0';
	p->p = end + 1;
	t->is_text = is_string(t->field);
	if (t->is_text)
		return 0;
	for (uint32_t i = 0; e && i < e->n_values; i++) {
		if (strcmp(e->values[i].name, t->text) == 0) {
			t->number = (long double)e->values[i].value;
			return 0;
		}
	}
	return err_set(p->err, EINVAL, "'%s' is no text, and no value of it is called '%s'",
		t->field->name, t->text);
}

static int no_suffix(const struct parser *p, const struct field *f, size_t len)
{
	char known[64] = "";

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		if (strcmp(suffixes[i].unit, f->unit) != 0)
			continue;
		if (known[0])
			strcat(known, ", ");
		strcat(known, suffixes[i].suffix);
	}
	if (!known[0])
		return err_set(p->err, EINVAL, "'%s' is a number without a unit: leave out '%.*s'",
			f->name, (int)len, p->p);
	return err_set(p->err, EINVAL, "'%.*s' does not fit '%s', which is in %s: use %s", (int)len,
		p->p, f->name, f->unit, known);
}

static int parse_number(struct parser *p, struct condition_term *t)
{
	const struct field *f = t->field;
	size_t len = 0;
	char *end;

	if (is_string(f))
		return err_set(p->err, EINVAL, "'%s' is a text: put the value in ''", f->name);
	if (f->type == FIELD_STACK || f->type == FIELD_MAPPING)
		return err_set(p->err, EINVAL, "'%s' cannot be compared", f->name);
	t->number = strtold(p->p, &end);
	if (end == p->p || !isfinite(t->number))
		return err_set(p->err, EINVAL, "'%.20s' is no number", p->p);
	p->p = end;
	while (isalpha((unsigned char)p->p[len]))
		len++;
	if (!len)
		return 0;
	for (size_t i = 0; i < COUNT(suffixes); i++) {
		if (strcmp(suffixes[i].unit, f->unit) != 0 || strlen(suffixes[i].suffix) != len ||
			memcmp(suffixes[i].suffix, p->p, len) != 0)
			continue;
		t->number *= suffixes[i].factor;
		p->p += len;
		return 0;
	}
	return no_suffix(p, f, len);
}

static int parse_term(struct parser *p)
{
	struct condition_term *t = &p->c->terms[p->c->n];
	int rc;

	if (p->c->n == CONDITION_TERMS)
		return err_set(p->err, EINVAL, "a condition has at most %d parts", CONDITION_TERMS);
	skip_space(p);
	rc = parse_field(p, t);
	if (!rc)
		rc = parse_operator(p, t);
	if (!rc)
		rc = *p->p == '\'' || *p->p == '"' ? parse_text(p, t) : parse_number(p, t);
	p->c->n += rc == 0;
	return rc;
}

int condition_parse(struct condition *c, const char *text, const struct event_type *const *types,
	unsigned n_types, struct err *err)
{
	struct parser p = { c, text, types, n_types, err };
	int rc;

	memset(c, 0, sizeof(*c));
	for (;;) {
		rc = parse_term(&p);
		skip_space(&p);
		if (rc || !*p.p)
			return rc;
		if (strncmp(p.p, "&&", 2) != 0)
			return err_set(err, EINVAL, "conditions are joined by &&, not '%.20s'",
				p.p);
		p.p += 2;
	}
}

/* ---- evaluating ---- */

static long double number_of(const struct field *f, const uint8_t *at)
{
	unsigned shift = 64 - 8 * (unsigned)f->size;
	uint64_t v = 0;
	double d;

	memcpy(&v, at, f->size < 8 ? f->size : 8);
	if (f->type == FIELD_F64) {
		memcpy(&d, &v, sizeof(d));
		return d;
	}
	if (field_signed(f->type))
		return (long double)((int64_t)(v << shift) >> shift);
	return (long double)v;
}

static bool text_equals(const struct condition_term *t, const uint8_t *at, condition_string string,
	void *ctx)
{
	size_t len = strlen(t->text);
	uint32_t number;

	if (t->field->chars)
		return strnlen((const char *)at, t->field->size) == len &&
			memcmp(at, t->text, len) == 0;
	memcpy(&number, at, sizeof(number));
	if (!len || !number)
		return !len && !number;
	return string && string(ctx, t->text, len) == number;
}

static bool compare(enum condition_op op, long double a, long double b)
{
	switch (op) {
	case CONDITION_GT: return a > b;
	case CONDITION_GE: return a >= b;
	case CONDITION_LT: return a < b;
	case CONDITION_LE: return a <= b;
	case CONDITION_EQ: return a == b;
	default: return a != b;
	}
}

bool condition_holds(const struct condition *c, const void *row, condition_string string, void *ctx)
{
	for (unsigned i = 0; i < c->n; i++) {
		const struct condition_term *t = &c->terms[i];
		const uint8_t *at = (const uint8_t *)row + t->field->offset;
		bool holds = t->is_text ? text_equals(t, at, string, ctx) == (t->op == CONDITION_EQ)
					: compare(t->op, number_of(t->field, at), t->number);

		if (!holds)
			return false;
	}
	return true;
}
