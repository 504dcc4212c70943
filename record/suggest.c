#include "record/suggest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COMPARED = 64 }; /* bytes of a name that count */

void suggest_init(struct suggest *s, const char *wanted)
{
	memset(s, 0, sizeof(*s));
	s->wanted = wanted;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be put in, left out, changed, or swapped with their neighbour (Damerau and
 * Levenshtein's distance, of neighbours that are edited once). */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][COMPARED + 1], *before = rows[0], *last = rows[1], *now = rows[2], *swap;
	size_t len_a = strnlen(a, COMPARED), len_b = strnlen(b, COMPARED);

	for (size_t k = 0; k <= len_b; k++)
		last[k] = (unsigned)k;
	memset(before, 0, sizeof(rows[0]));
	for (size_t i = 1; i <= len_a; i++) {
		now[0] = (unsigned)i;
		for (size_t k = 1; k <= len_b; k++) {
			now[k] = least(least(last[k], now[k - 1]) + 1,
				last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = least(now[k], before[k - 2] + 1);
		}
		swap = before;
		before = last;
		last = now;
		now = swap;
	}
	return last[len_b];
}

/* Mistakes count, then a longer name that has the wanted one in it. */
static bool score(const char *wanted, const char *name, unsigned *d)
{
	size_t len = strlen(wanted);

	*d = distance(wanted, name);
	if (*d <= 1 + len / 6)
		return true;
	*d = 100 + (unsigned)strlen(name);
	return len >= 3 && strstr(name, wanted);
}

void suggest_offer(struct suggest *s, const char *name)
{
	unsigned d, at;

	if (strlen(name) >= SUGGESTION_MAX || !score(s->wanted, name, &d))
		return;
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->best[i].name, name) == 0)
			return;
	for (at = s->n; at > 0 && s->best[at - 1].distance > d; at--)
		;
	if (at == SUGGESTIONS)
		return;
	s->n += s->n < SUGGESTIONS;
	memmove(&s->best[at + 1], &s->best[at], (s->n - at - 1) * sizeof(s->best[0]));
	snprintf(s->best[at].name, SUGGESTION_MAX, "%s", name);
	s->best[at].distance = d;
}

void suggest_append(const struct suggest *s, struct err *err)
{
	size_t n = err ? strlen(err->text) : 0;

	for (unsigned i = 0; err && i < s->n && n < sizeof(err->text); i++)
		n += (size_t)snprintf(err->text + n, sizeof(err->text) - n, "%s%s",
			i == 0                  ? "; did you mean "
				: i == s->n - 1 ? " or "
						: ", ",
			s->best[i].name);
	if (err && s->n && n < sizeof(err->text))
		snprintf(err->text + n, sizeof(err->text) - n, "?");
}
