/* `print fmt` is the text of a call of printf. Each argument that shows one field, as it is or through
 * __print_symbolic or __print_flags, tells how that field wants to be shown. */
#include "record/trace_print.h"

#include <ctype.h>
#include <string.h>

#include "record/text_piece.h"
#include "record/trace_constant.h"

enum {
	MAX_CONVERSIONS = 128,
	MAX_ENUMS = 48, /* of one event, like the next below what a trace's schema takes */
	MAX_EVENT_VALUES = 4000,
	MAX_VALUES = 512,     /* of one enumeration */
	MAX_TEXT_BYTES = 200, /* of one name */
};

/* One % of the format string. */
struct conversion {
	char kind;        /* 'd', 'x', 's'... */
	const char *unit; /* what stands behind it in brackets, as in "runtime=%Lu [ns]" */
};

struct hints {
	struct trace_format *format;
	struct arena *arena;
	struct conversion conversions[MAX_CONVERSIONS];
	unsigned n, n_enums, n_values;
};

/* Bytes of the string or character constant that begins here, with its quotes. */
static size_t quoted_len(struct piece p)
{
	for (size_t i = 1; i < p.len; i++) {
		if (p.s[i] == '\\')
			i++;
		else if (p.s[i] == p.s[0])
			return i + 1;
	}
	return p.len;
}

/* Cuts the next argument off a list; brackets and strings hide commas. False at the end. */
static bool next_argument(struct piece *list, struct piece *argument)
{
	unsigned depth = 0;
	size_t i = 0;

	if (!list->len)
		return false;
	for (; i < list->len; i++) {
		char c = list->s[i];

		if (c == '"' || c == '\'')
			i += quoted_len((struct piece){ list->s + i, list->len - i }) - 1;
		else if (c == '(' || c == '{' || c == '[')
			depth++;
		else if ((c == ')' || c == '}' || c == ']') && depth)
			depth--;
		else if (c == ',' && !depth)
			break;
	}
	i = i < list->len ? i : list->len;
	*argument = piece_trimmed((struct piece){ list->s, i });
	i += i < list->len;
	list->s += i;
	list->len -= i;
	return true;
}

/* ---- the format string ---- */

static const char *unit_behind(const char *p, const char *end)
{
	static const char *const units[] = { "ns", "us", "ms", "bytes" };

	p += p < end && *p == ' ';
	for (size_t i = 0; p < end && *p == '[' && i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i]);

		if ((size_t)(end - p) > len + 1 && memcmp(p + 1, units[i], len) == 0 &&
			p[len + 1] == ']')
			return units[i];
	}
	return "";
}

static void add_conversion(struct hints *h, char kind, const char *unit)
{
	if (h->n < MAX_CONVERSIONS)
		h->conversions[h->n++] = (struct conversion){ kind, unit };
}

static void read_conversions(struct hints *h, struct piece string)
{
	const char *p = string.s, *end = string.s + string.len;

	while (p < end && (p = memchr(p, '%', (size_t)(end - p)))) {
		for (p++; p < end && strchr("0123456789.-+ #*hlLzqjt", *p) && *p; p++)
			if (*p == '*')
				add_conversion(h, '*', "");
		if (p == end)
			return;
		if (*p != '%')
			add_conversion(h, *p, unit_behind(p + 1, end));
		p++;
	}
}

/* ---- arguments ---- */

/* The one field that an expression speaks of, or NULL. */
static struct trace_field *field_in(const struct hints *h, struct piece e)
{
	static const char rec[] = "REC->";
	struct trace_field *found = NULL;

	for (size_t i = 0; i + sizeof(rec) - 1 < e.len; i++) {
		struct trace_field *f;
		size_t len = 0, at = i + sizeof(rec) - 1;

		if (memcmp(e.s + i, rec, sizeof(rec) - 1) != 0)
			continue;
		while (at + len < e.len &&
			(isalnum((unsigned char)e.s[at + len]) || e.s[at + len] == '_'))
			len++;
		f = trace_format_field(h->format, e.s + at, len);
		if (!f || (found && f != found))
			return NULL;
		found = f;
	}
	return found;
}

/* The text of a string constant, as far as a name goes. */
static const char *string_text(struct hints *h, struct piece p)
{
	p = piece_trimmed(p);
	if (p.len < 2 || p.s[0] != '"' || quoted_len(p) != p.len)
		return NULL;
	p.len -= 2;
	return arena_strndup(h->arena, p.s + 1, p.len < MAX_TEXT_BYTES ? p.len : MAX_TEXT_BYTES);
}

/* "{ 0x1, "S" }": false if it is none, or its value is known to the compiler only. */
static bool read_pair(struct hints *h, struct piece p, struct enum_value *v)
{
	struct piece value, name;

	if (p.len < 2 || p.s[0] != '{' || p.s[p.len - 1] != '}')
		return false;
	p = (struct piece){ p.s + 1, p.len - 2 };
	if (!next_argument(&p, &value) || !next_argument(&p, &name))
		return false;
	v->name = string_text(h, name);
	return v->name && v->name[0] && trace_constant(value.s, value.len, &v->value);
}

/* In `REC->state ? __print_flags(...) : "R"` R is the name of 0. */
static const char *name_of_zero(struct hints *h, struct piece behind)
{
	behind = piece_trimmed(behind);
	if (!behind.len || behind.s[0] != ':')
		return NULL;
	return string_text(h, (struct piece){ behind.s + 1, behind.len - 1 });
}

/* A value as a reader finds it in the field: -1 of an unsigned field is its largest value. */
static int64_t as_stored(const struct trace_field *f, int64_t value)
{
	unsigned shift = 64 - 8 * f->element;

	if (f->is_signed)
		return (int64_t)((uint64_t)value << shift) >> shift;
	return (int64_t)((uint64_t)value << shift >> shift);
}

/* Fills the names of `inside`, the arguments of __print_symbolic or __print_flags. */
static void take_names(struct hints *h, struct piece inside, bool flags, struct piece behind)
{
	struct enum_value values[MAX_VALUES], *kept;
	struct enumeration *e;
	struct trace_field *f;
	struct piece p;
	const char *zero;
	uint32_t n = 0;

	f = next_argument(&inside, &p) ? field_in(h, p) : NULL;
	if (!f || f->enumeration || f->shape != TRACE_NUMBER || h->n_enums == MAX_ENUMS)
		return;
	if (flags)
		next_argument(&inside, &p); /* what stands between the names */
	while (n < MAX_VALUES - 1 && next_argument(&inside, &p))
		n += read_pair(h, p, &values[n]);
	zero = flags ? name_of_zero(h, behind) : NULL;
	if (zero)
		values[n++] = (struct enum_value){ 0, zero };
	if (!n || n > MAX_EVENT_VALUES - h->n_values)
		return;
	kept = arena_alloc(h->arena, n * sizeof(*kept));
	for (uint32_t i = 0; i < n; i++)
		kept[i] = (struct enum_value){ as_stored(f, values[i].value), values[i].name };
	e = arena_alloc(h->arena, sizeof(*e));
	*e = (struct enumeration){ f->name, kept, n };
	f->enumeration = e;
	f->flags = flags;
	h->n_enums++;
	h->n_values += n;
}

/* Bytes from an opening bracket to the one that closes it, or to the end. */
static size_t bracketed_len(struct piece p)
{
	unsigned depth = 0;

	for (size_t i = 0; i < p.len; i++) {
		if (p.s[i] == '"' || p.s[i] == '\'')
			i += quoted_len((struct piece){ p.s + i, p.len - i }) - 1;
		else if (p.s[i] == '(')
			depth++;
		else if (p.s[i] == ')' && --depth == 0)
			return i + 1;
	}
	return p.len;
}

/* Whether the argument calls one of the functions that give names; then they are taken. */
static bool take_call(struct hints *h, struct piece argument, const char *function, bool flags)
{
	const char *at = memmem(argument.s, argument.len, function, strlen(function));
	const char *end = argument.s + argument.len;
	struct piece call;
	size_t len;

	if (!at)
		return false;
	at = memchr(at, '(', (size_t)(end - at)); /* there is __print_flags_u64 too */
	if (!at)
		return true;
	call = (struct piece){ at, (size_t)(end - at) };
	len = bracketed_len(call);
	if (len >= 2 && at[len - 1] == ')')
		take_names(h, (struct piece){ at + 1, len - 2 }, flags,
			(struct piece){ at + len, call.len - len });
	return true;
}

/* Without the casts in front: (unsigned long long)REC->runtime. */
static struct piece without_casts(struct piece p)
{
	while (p.len && p.s[0] == '(') {
		size_t len = bracketed_len(p);

		if (len == p.len)
			break;
		p = piece_trimmed((struct piece){ p.s + len, p.len - len });
	}
	return p;
}

static void take_argument(struct hints *h, struct piece argument, const struct conversion *c)
{
	struct trace_field *f;

	if (take_call(h, argument, "__print_symbolic", false) ||
		take_call(h, argument, "__print_flags", true))
		return;
	argument = without_casts(argument);
	f = argument.len > 5 && memcmp(argument.s, "REC->", 5) == 0
		? trace_format_field(h->format, argument.s + 5, argument.len - 5)
		: NULL;
	if (!f)
		return;
	/* The kernel shows results of system calls in hexadecimal; -2 says more. */
	f->hex = (c->kind == 'x' || c->kind == 'X') && !f->is_signed;
	f->unit = c->unit;
}

void trace_print_hints(struct trace_format *f, const char *text, size_t len, struct arena *a)
{
	struct hints h = { .format = f, .arena = a };
	struct piece list = { text, len }, argument;

	if (!next_argument(&list, &argument))
		return;
	read_conversions(&h, argument);
	for (unsigned i = 0; i < h.n && next_argument(&list, &argument); i++)
		take_argument(&h, argument, &h.conversions[i]);
}
