/* Line by line; a field's declaration is read from its end, where the name is. */
#include "record/trace_format.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/text_piece.h"
#include "record/trace_print.h"

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool starts(struct piece p, const char *with)
{
	size_t len = strlen(with);

	return p.len >= len && memcmp(p.s, with, len) == 0;
}

static struct piece behind(struct piece p, const char *with)
{
	size_t len = strlen(with);

	return piece_trimmed((struct piece){ p.s + len, p.len - len });
}

static bool is(struct piece p, const char *text)
{
	return p.len == strlen(text) && memcmp(p.s, text, p.len) == 0;
}

static bool number(struct piece p, uint32_t *n)
{
	uint64_t v = 0;

	p = piece_trimmed(p);
	for (size_t i = 0; i < p.len; i++) {
		if (!isdigit((unsigned char)p.s[i]) || v > UINT32_MAX / 10)
			return false;
		v = v * 10 + (uint64_t)(p.s[i] - '0');
	}
	*n = (uint32_t)v;
	return p.len && v <= UINT32_MAX;
}

/* ---- declarations ---- */

/* Integers by the names that the kernel gives them, for those whose size the file does not tell:
 * elements of arrays, and arguments of system calls, which are kept in 8 bytes whatever they are. */
static const struct {
	const char *name;
	uint8_t size;
	bool is_signed;
} integers[] = {
	{ "char", 1, true },
	{ "signed char", 1, true },
	{ "unsigned char", 1, false },
	{ "bool", 1, false },
	{ "u8", 1, false },
	{ "__u8", 1, false },
	{ "uint8_t", 1, false },
	{ "s8", 1, true },
	{ "__s8", 1, true },
	{ "short", 2, true },
	{ "unsigned short", 2, false },
	{ "umode_t", 2, false },
	{ "u16", 2, false },
	{ "__u16", 2, false },
	{ "s16", 2, true },
	{ "int", 4, true },
	{ "unsigned int", 4, false },
	{ "unsigned", 4, false },
	{ "uint", 4, false },
	{ "pid_t", 4, true },
	{ "uid_t", 4, false },
	{ "gid_t", 4, false },
	{ "key_t", 4, true },
	{ "u32", 4, false },
	{ "__u32", 4, false },
	{ "uint32_t", 4, false },
	{ "s32", 4, true },
	{ "__s32", 4, true },
	{ "long", 8, true },
	{ "long long", 8, true },
	{ "loff_t", 8, true },
	{ "unsigned long", 8, false },
	{ "unsigned long long", 8, false },
	{ "size_t", 8, false },
	{ "u64", 8, false },
	{ "__u64", 8, false },
	{ "uint64_t", 8, false },
	{ "s64", 8, true },
	{ "__s64", 8, true },
};

/* Size and sign of a type of this name; false if it is none that we know. */
static bool known_integer(const char *type, uint32_t *size, bool *is_signed)
{
	if (strncmp(type, "const ", 6) == 0)
		type += 6;
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		if (strcmp(integers[i].name, type) != 0)
			continue;
		*size = integers[i].size;
		*is_signed = integers[i].is_signed;
		return true;
	}
	return false;
}

/* Splits "unsigned long args[6]" and "__data_loc char[] name" into type, name and what is between
 * the brackets (s is NULL without). */
static bool split_declaration(struct piece d, struct piece *type, struct piece *name,
	struct piece *bounds)
{
	size_t end;

	*bounds = (struct piece){ NULL, 0 };
	d = piece_trimmed(d);
	if (d.len && d.s[d.len - 1] == ']') {
		for (end = d.len - 1; end > 0 && d.s[end] != '['; end--)
			;
		*bounds = (struct piece){ d.s + end + 1, d.len - end - 2 };
		d = piece_trimmed((struct piece){ d.s, end });
	}
	for (end = d.len; end > 0 && is_word(d.s[end - 1]); end--)
		;
	*name = (struct piece){ d.s + end, d.len - end };
	*type = piece_trimmed((struct piece){ d.s, end });
	if (type->len > 2 && memcmp(type->s + type->len - 2, "[]", 2) == 0) {
		*bounds = (struct piece){ type->s + type->len - 1, 0 };
		*type = piece_trimmed((struct piece){ type->s, type->len - 2 });
	}
	return name->len && type->len && !isdigit((unsigned char)name->s[0]);
}

/* What the elements of an array are. Those of no known type are bytes. */
static void describe_elements(struct trace_field *f, struct piece bounds)
{
	bool is_signed = f->is_signed;
	uint32_t size = 1, n;

	if (known_integer(f->type, &size, &is_signed)) {
		f->is_signed = is_signed;
	} else if (f->shape == TRACE_ARRAY && number(bounds, &n) && n && f->size % n == 0 &&
		(f->size / n == 2 || f->size / n == 4 || f->size / n == 8) &&
		strncmp(f->type, "struct ", 7) != 0) {
		size = f->size / n;
	}
	f->element = f->is_pointer ? 8 : size;
	f->count = f->shape == TRACE_ARRAY ? f->size / f->element : 0;
	f->is_text = strcmp(f->type, "char") == 0 || strcmp(f->type, "const char") == 0;
}

/* An argument of a system call is kept in 8 bytes; what a narrower type does not cover is noise. */
static void describe_number(struct trace_field *f)
{
	uint32_t size;
	bool is_signed;

	f->element = f->size;
	f->count = 1;
	if (f->size == 8 && !f->is_pointer && known_integer(f->type, &size, &is_signed)) {
		f->element = size;
		f->is_signed = is_signed;
	}
}

static bool is_number_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static bool describe(struct trace_field *f, struct piece declaration, struct arena *a)
{
	struct piece type, name, bounds;

	if (!split_declaration(declaration, &type, &name, &bounds))
		return false;
	f->shape = TRACE_ARRAY;
	if (starts(type, "__data_loc ") || starts(type, "__rel_loc ")) {
		f->shape = starts(type, "__data_loc ") ? TRACE_LOC : TRACE_RELLOC;
		type = behind(type, f->shape == TRACE_LOC ? "__data_loc" : "__rel_loc");
		if (f->size != 4)
			return false;
	} else if (!bounds.s && is_number_size(f->size)) {
		f->shape = TRACE_NUMBER;
	}
	f->name = arena_strndup(a, name.s, name.len);
	f->type = arena_strndup(a, type.s, type.len);
	f->unit = "";
	f->is_pointer = strchr(f->type, '*') != NULL;
	if (f->shape == TRACE_NUMBER)
		describe_number(f);
	else
		describe_elements(f, bounds);
	return true;
}

/* ---- lines ---- */

/* The number behind "key:" in "field:...;\toffset:0;\tsize:2;\tsigned:0;". */
static bool numbered(struct piece line, const char *key, uint32_t *n)
{
	const char *at = memmem(line.s, line.len, key, strlen(key)), *end;
	size_t left;

	if (!at)
		return false;
	at += strlen(key);
	left = line.len - (size_t)(at - line.s);
	end = memchr(at, ';', left);
	return end && number((struct piece){ at, (size_t)(end - at) }, n);
}

static bool add_field(struct trace_format *f, struct piece line, struct arena *a)
{
	struct piece declaration = behind(line, "field:");
	const char *end = memchr(declaration.s, ';', declaration.len);
	struct trace_field field = { 0 };
	uint32_t is_signed;

	if (!end || f->n_fields == TRACE_MAX_FIELDS ||
		!numbered(line, "\toffset:", &field.offset) ||
		!numbered(line, "\tsize:", &field.size) ||
		!numbered(line, "\tsigned:", &is_signed) || field.offset > TRACE_MAX_RECORD ||
		field.size > TRACE_MAX_RECORD - field.offset)
		return false;
	declaration.len = (size_t)(end - declaration.s);
	field.is_signed = is_signed != 0;
	if (!describe(&field, declaration, a))
		return false;
	/* No field of its own: those of every event, which we have from perf, and an array without a
	 * length, which only ftrace's own events have. */
	if (strncmp(field.name, "common_", 7) != 0 && field.size)
		f->fields[f->n_fields++] = field;
	return true;
}

static bool take_line(struct trace_format *f, struct piece line, struct arena *a)
{
	struct piece rest;

	if (starts(line, "name:")) {
		rest = behind(line, "name:");
		f->name = arena_strndup(a, rest.s, rest.len);
	} else if (starts(line, "ID:")) {
		return number(behind(line, "ID:"), &f->id);
	} else if (starts(line, "field:")) {
		return add_field(f, line, a);
	} else if (line.len && !is(line, "format:")) {
		return false;
	}
	return true;
}

int trace_format_parse(struct trace_format *f, const char *text, size_t len, struct arena *a,
	struct err *err)
{
	struct piece rest = { text, len };

	*f = (struct trace_format){ .name = "",
		.fields = arena_alloc(a, TRACE_MAX_FIELDS * sizeof(*f->fields)) };
	while (rest.len) {
		const char *end = memchr(rest.s, '\n', rest.len);
		struct piece line = { rest.s, end ? (size_t)(end - rest.s) : rest.len };

		if (starts(piece_trimmed(line), "print fmt:")) {
			rest = behind(piece_trimmed(rest), "print fmt:");
			trace_print_hints(f, rest.s, rest.len, a);
			break;
		}
		if (!take_line(f, piece_trimmed(line), a))
			return err_set(err, EBADMSG, "cannot understand '%.*s'",
				line.len < 200 ? (int)line.len : 200, line.s);
		rest.s += line.len + (end != NULL);
		rest.len -= line.len + (end != NULL);
	}
	return f->name[0] ? 0 : err_set(err, EBADMSG, "there is no name in it");
}
