#include "analyze/gate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/duration.h"
#include "format/base/size.h"
#include "render/cell.h"

enum { MAX_PATH = 128 };

enum op { GT, GE, LT, LE, EQ, NE };

/* Longer ones first. */
static const struct {
	const char *text;
	enum op op;
} ops[] = { { ">=", GE }, { "<=", LE }, { "==", EQ }, { "!=", NE }, { ">", GT }, { "<", LT } };

struct gate {
	char path[MAX_PATH];
	enum op op;
	const char *value; /* as it was written */
};

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " \t");
}

static int parse(const char *text, struct gate *g, struct err *err)
{
	const char *at = skip_spaces(text);
	size_t len = strcspn(at, " \t<>=!");

	if (!len || len >= sizeof(g->path))
		return err_set(err, EINVAL, "'%s' is no condition: try 'sched.p99 > 5ms'", text);
	memcpy(g->path, at, len);
	g->path[len] = '\0';
	at = skip_spaces(at + len);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		size_t n = strlen(ops[i].text);

		if (strncmp(at, ops[i].text, n) != 0)
			continue;
		g->op = ops[i].op;
		g->value = skip_spaces(at + n);
		if (*g->value)
			return 0;
	}
	return err_set(err, EINVAL, "'%s' is no condition: try 'sched.p99 > 5ms'", text);
}

/* What is compared to a column of this kind. */
static int parse_value(const struct gate *g, enum cell_kind kind, double *value, struct err *err)
{
	uint64_t whole;
	char *end;

	*value = strtod(g->value, &end);
	if (end != g->value && !*skip_spaces(end) && isfinite(*value) &&
		(kind != CELL_NS || *value == 0))
		return 0;
	if (end != g->value && strcmp(end, "%") == 0 && kind == CELL_PERCENT) {
		*value /= 100;
		return 0;
	}
	if (kind == CELL_NS && duration_parse(g->value, &whole) == 0) {
		*value = (double)whole;
		return 0;
	}
	if (kind != CELL_NS && size_parse(g->value, &whole) == 0) {
		*value = (double)whole;
		return 0;
	}
	return err_set(err, EINVAL, "'%s' is nothing to compare %s with%s", g->value, g->path,
		kind == CELL_NS ? ", which is a time: give its unit, as in 5ms" : "");
}

static bool holds(double x, enum op op, double y)
{
	switch (op) {
	case GT: return x > y;
	case GE: return x >= y;
	case LT: return x < y;
	case LE: return x <= y;
	case EQ: return x == y;
	default: return x != y;
	}
}

static double number_of(enum cell_kind kind, const union cell *c)
{
	return kind == CELL_PERCENT || kind == CELL_FLOAT ? c->number : (double)c->count;
}

/* The column of a table with this name that holds numbers; -1: there is none. */
static int column_of(const struct table *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i].name, name) == 0 && !cell_is_text(t->columns[i].kind))
			return (int)i;
	return -1;
}

/* Whether a section is meant by what stands before the last dot: its id, or its group's. */
static bool is_meant(const struct section *s, const char *id, size_t len)
{
	return strncmp(s->id, id, len) == 0 && (!s->id[len] || s->id[len] == '.');
}

static const struct table *find(const struct report *r, const char *path, int *column)
{
	const char *dot = strrchr(path, '.');
	size_t len = dot ? (size_t)(dot - path) : 0;

	for (uint32_t i = 0; dot && i < r->n_sections; i++) {
		const struct section *s = &r->sections[i];

		if (s->kind != SECTION_TABLE || !is_meant(s, path, len))
			continue;
		*column = column_of(s->table, dot + 1);
		if (*column >= 0)
			return s->table;
	}
	return NULL;
}

/* A text in the row, to call it by; "" if it has none. */
static const char *name_of(const struct table *t, const union cell *row)
{
	for (uint32_t i = 0; i < t->n_columns; i++)
		if (cell_is_text(t->columns[i].kind) && row[i].text)
			return row[i].text;
	return "";
}

bool gate_is_about(const char *condition, const char *part)
{
	const char *at = skip_spaces(condition);
	size_t len = strlen(part);

	return strncmp(at, part, len) == 0 && at[len] == '.';
}

int gate_check(const char *condition, struct report *r, const char **what, struct err *err)
{
	char shown[NUMBER_MAX];
	const struct table *t;
	struct gate g;
	double value;
	int column = 0, rc = parse(condition, &g, err);

	if (rc)
		return rc;
	t = find(r, g.path, &column);
	if (!t)
		return err_set(err, ENOENT,
			"the report has no number '%s' (is the event in the trace? -f json shows all "
			"there are)",
			g.path);
	rc = parse_value(&g, t->columns[column].kind, &value, err);
	for (uint32_t i = 0; !rc && i < t->n_rows; i++) {
		const union cell *row = t->cells + (size_t)i * t->n_columns;
		const char *name = name_of(t, row);

		if (!holds(number_of(t->columns[column].kind, &row[column]), g.op, value))
			continue;
		*what = arena_printf(&r->arena, "%s is %s%s%s%s", g.path,
			cell_shown(shown, t->columns[column].kind, &row[column]), *name ? " (" : "",
			name, *name ? ")" : "");
		return 1;
	}
	return rc;
}
