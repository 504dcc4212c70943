/* Order among addresses and among names. */
#include "format/symbols/query.h"

#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b)
{
	const struct symbol_query *p = a, *q = b;

	return (p->address > q->address) - (p->address < q->address);
}

bool symbol_query_sorted(const struct symbol_query *q, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (q[i - 1].address > q[i].address)
			return false;
	return true;
}

void symbol_query_sort(struct symbol_query *q, size_t n)
{
	if (!symbol_query_sorted(q, n))
		qsort(q, n, sizeof(*q), by_address);
}

static size_t leading_underscores(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] == '_')
		n++;
	return n;
}

bool symbol_name_better(const char *a, size_t len_a, const char *b, size_t len_b)
{
	size_t under_a = leading_underscores(a, len_a), under_b = leading_underscores(b, len_b);

	if (under_a != under_b)
		return under_a < under_b;
	if (len_a != len_b)
		return len_a > len_b;
	return memcmp(a, b, len_a) < 0;
}
