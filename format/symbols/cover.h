/* Which of the wanted addresses does a symbol cover, and which symbol is the best for each?
 *
 * Both structures stand over a sorted list of addresses and are offered ranges in any order; what
 * a range costs does not depend on how many addresses it covers, so no table, however hostile,
 * makes a scan slow: O(log n) each.
 *
 * A cover answers for ranges with an end. It is a tree over the addresses in an array, node i over
 * nodes 2i and 2i + 1, the leaves from n on. A range is remembered at the at most 2 log n nodes
 * that together are just the addresses it covers; cover_settle() then lets the best sink to the
 * leaves.
 *
 * A nearest answers for symbols that reach to the next one: only the last start before an address
 * counts. Each range goes into the slot of the first address at or behind its start; an address
 * whose slot stayed empty has the answer of the address before it (nearest_settle). */
#ifndef SYMBOLS_COVER_H
#define SYMBOLS_COVER_H

#include "format/base/arena.h"
#include "format/symbols/query.h"

struct range {
	uint64_t start, end; /* end is behind the last byte; start if unknown */
	uint64_t id;         /* the owner's: where the name is */
	uint32_t rank;       /* the owner's, never 0; 0 is an empty place */
};

struct wanted {
	uint64_t *at;     /* ascending */
	uint32_t *number; /* of the query, or what its owner has instead, that at[i] is from */
	size_t n;
};

/* Whether a should be preferred to b; both are real ranges. */
typedef bool range_better(void *owner, const struct range *a, const struct range *b);

struct cover {
	const struct wanted *wanted;
	struct range *node; /* 2n, in the arena */
	range_better *better;
	void *owner;
};

struct nearest {
	const struct wanted *wanted;
	struct range *slot; /* n, in the arena */
	range_better *better;
	void *owner;
};

/* Room for n addresses, none in it yet; in the arena. */
void wanted_init(struct wanted *w, size_t n, struct arena *a);

static inline void wanted_add(struct wanted *w, uint64_t at, size_t number)
{
	w->at[w->n] = at;
	w->number[w->n++] = (uint32_t)number;
}

/* The addresses of the queries that have no name yet; asserts that they are sorted. */
void wanted_of_queries(struct wanted *w, const struct symbol_query *q, size_t n, struct arena *a);

/* How many addresses are below x: the place of the first that is not. */
size_t wanted_from(const struct wanted *w, uint64_t x);

void cover_init(struct cover *c, const struct wanted *w, range_better *better, void *owner,
	struct arena *a);

/* `from` is wanted_from(start), which the caller has at hand. */
void cover_offer(struct cover *c, size_t from, const struct range *r);

/* Then the answer for address i is c->node[n + i]. */
void cover_settle(struct cover *c);

void nearest_init(struct nearest *s, const struct wanted *w, range_better *better, void *owner,
	struct arena *a);

/* Whether it is now the answer of its slot, `from`. */
bool nearest_offer(struct nearest *s, size_t from, const struct range *r);

/* Then the answer for address i is s->slot[i]. */
void nearest_settle(struct nearest *s);

#endif
