#include "format/batch.h"

#include "format/run.h"

enum { BEGUN = 8 };

/* Rows of a run that have been begun: blocks of several CPUs take turns, with a few rows each. */
struct begun {
	const struct run *run;
	const struct match *match;
	uint64_t values[MAX_FIELDS];
	struct row row;
};

/* Where the rows of a batch go. */
struct taker {
	uint32_t first_want;
	void (*take)(void *ctx, struct row *row);
	void *ctx;
	struct begun begun[BEGUN];
};

/* Runs live as long as the batch. */
static struct begun *begin(struct taker *t, const struct run *run, const struct match *m)
{
	struct begun *b = &t->begun[((uintptr_t)run / sizeof(*run) + m->want) % BEGUN];

	if (b->run == run && b->match == m)
		return b;
	b->run = run;
	b->match = m;
	run_begin_row(run, m, b->values, &b->row);
	b->row.want -= t->first_want;
	return b;
}

static void rows_of(const struct piece *s, const struct match *m, struct taker *t)
{
	struct begun *b = begin(t, s->run, m);

	for (uint32_t i = s->at; i < s->at + s->n; i++) {
		b->row.missing = m->missing;
		run_fill_row(s->run, m, i, b->values, &b->row);
		t->take(t->ctx, &b->row);
	}
}

/* An analyzer that asks twice for a type is given each row twice before the next one. */
static void rows_of_several(const struct piece *s, const struct match *first,
	const struct match *end, struct taker *t)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct piece one = { s->run, s->at + i, 1 };

		for (const struct match *m = first; m < end; m++)
			rows_of(&one, m, t);
	}
}

void batch_rows(const struct batch *b, uint32_t first, uint32_t end,
	void (*take)(void *ctx, struct row *row), void *ctx)
{
	struct taker t;

	t.first_want = first;
	t.take = take;
	t.ctx = ctx;
	for (uint32_t i = 0; i < BEGUN; i++)
		t.begun[i].run = NULL;
	for (uint32_t i = 0; i < b->n_pieces; i++) {
		const struct piece *s = &b->pieces[i];
		const struct binding *of = s->run->binding;
		const struct match *from = of->matches + of->first_match[first];
		const struct match *to = of->matches + of->first_match[end];

		if (to - from == 1)
			rows_of(s, from, &t);
		else if (to > from)
			rows_of_several(s, from, to, &t);
		else
			i += s->alike;
	}
}

void batch_times(const struct batch *b, uint32_t first, uint32_t end, uint64_t *from, uint64_t *to)
{
	for (uint32_t i = 0; i < b->n_pieces; i++) {
		const struct piece *s = &b->pieces[i];
		const struct binding *of = s->run->binding;
		const uint64_t *t = run_times(s->run) + s->at;
		uint64_t shift = (uint64_t)s->run->segment->shift_ns;

		if (of->first_match[first] == of->first_match[end]) {
			i += s->alike;
			continue;
		}
		*from = t[0] + shift < *from ? t[0] + shift : *from;
		*to = t[s->n - 1] + shift > *to ? t[s->n - 1] + shift : *to;
	}
}
