#include "render/timeline.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_NAMES = 65536,
	FIRST_LEAST_NS = 1024,
	FIRST_ITEMS = 16,
	SOON = 12, /* pieces: parts that are needed so much later are fetched meanwhile */
};

const char *timeline_kind_name(enum timeline_kind kind)
{
	static const char *const names[TIMELINE_N_KINDS] = {
		[TIMELINE_OTHER] = "other",
		[TIMELINE_RUNNING] = "running",
		[TIMELINE_WAITING] = "waiting for a CPU",
		[TIMELINE_SLEEPING] = "sleeping",
		[TIMELINE_DISK] = "uninterruptible",
		[TIMELINE_STOPPED] = "stopped",
		[TIMELINE_CALL] = "system call",
		[TIMELINE_READ] = "read",
		[TIMELINE_WRITE] = "write or flush",
		[TIMELINE_FAULT] = "page fault",
		[TIMELINE_LOCK] = "waiting for a lock",
		[TIMELINE_PAUSE] = "garbage collection",
		[TIMELINE_SAMPLE] = "CPU sample",
	};

	return names[kind];
}

void timeline_builder_init(struct timeline_builder *b, uint64_t origin_ns, uint32_t max_items)
{
	memset(b, 0, sizeof(*b));
	b->origin_ns = origin_ns;
	b->max_items = max_items;
	map_init(&b->by_name, 256);
	timeline_name(b, "(other)", 7, TIMELINE_OTHER);
}

void timeline_builder_done(struct timeline_builder *b)
{
	for (uint32_t l = 0; l < b->n_lanes; l++)
		free(b->lanes[l].items);
	for (size_t i = 0; i < sizeof(b->free_parts) / sizeof(b->free_parts[0]); i++)
		free(b->free_parts[i].list);
	free(b->lanes);
	free(b->names);
	map_done(&b->by_name);
	arena_done(&b->arena);
	memset(b, 0, sizeof(*b));
}

/* ---- names ---- */

static bool is_name(const struct timeline_name *n, const char *text, size_t len,
	enum timeline_kind kind)
{
	return n->kind == kind && strlen(n->text) == len && memcmp(n->text, text, len) == 0;
}

uint32_t timeline_name(struct timeline_builder *b, const char *text, size_t len,
	enum timeline_kind kind)
{
	uint64_t hash = hash_bytes(text, len) + kind;
	uint32_t *at;
	bool is_new;

	len = strnlen(text, len);
	while ((at = map_get(&b->by_name, hash)) && !is_name(&b->names[*at], text, len, kind))
		hash++;
	if (at)
		return *at;
	if (b->n_names == MAX_NAMES)
		return 0;
	if ((b->n_names & (b->n_names - 1)) == 0)
		b->names = xrealloc(b->names, b->n_names ? 2 * (size_t)b->n_names : 1,
			sizeof(*b->names));
	b->names[b->n_names] = (struct timeline_name){ arena_strndup(&b->arena, text, len), kind };
	*map_put(&b->by_name, hash, &is_new) = b->n_names;
	return b->n_names++;
}

uint32_t timeline_lane(struct timeline_builder *b, enum timeline_group group, const char *title)
{
	uint32_t n = b->n_lanes;

	if (n == TIMELINE_MAX_LANES)
		return UINT32_MAX;
	if ((n & (n - 1)) == 0)
		b->lanes = xrealloc(b->lanes, n ? 2 * (size_t)n : 1, sizeof(*b->lanes));
	b->lanes[n] = (struct timeline_lane){ .group = group, .title = title, .value = "" };
	return b->n_lanes++;
}

/* ---- pieces that are put together ---- */

static uint64_t length(const struct timeline_item *i)
{
	return i->to_ns - i->from_ns;
}

/* Parts come and go by the million: those that are not needed any more wait, by size, for others. Room is for 2
 * parts, 4, 8, or TIMELINE_MAX_PARTS. */
static unsigned size_class(uint32_t n_parts)
{
	return n_parts > 2 ? 31 - (unsigned)__builtin_clz(n_parts - 1) : 0;
}

static struct timeline_part *new_parts(struct timeline_builder *b, unsigned class)
{
	struct timeline_free_parts *f = &b->free_parts[class];

	if (!f->n)
		return arena_alloc(&b->arena, (2u << class) * sizeof(struct timeline_part));
	if (f->n > SOON)
		__builtin_prefetch(f->list[f->n - 1 - SOON], 1);
	return f->list[--f->n];
}

static void drop_parts(struct timeline_builder *b, struct timeline_item *i)
{
	struct timeline_free_parts *f = &b->free_parts[size_class(i->n_parts)];

	if (i->parts && i->n_parts && f->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : FIRST_ITEMS;
		f->list = xrealloc(f->list, f->cap, sizeof(*f->list));
	}
	if (i->parts && i->n_parts)
		f->list[f->n++] = i->parts;
	i->parts = NULL;
}

static void grow_parts(struct timeline_builder *b, struct timeline_item *i)
{
	struct timeline_part *parts = new_parts(b, size_class(i->n_parts + 1));

	if (i->n_parts)
		memcpy(parts, i->parts, i->n_parts * sizeof(*parts));
	drop_parts(b, i);
	i->parts = parts;
}

/* The part of this name; what there are too many names for is counted as (other). */
static struct timeline_part *part_of(struct timeline_builder *b, struct timeline_item *i,
	uint32_t name)
{
	uint32_t k = 0;

	while (k < i->n_parts && i->parts[k].name != name)
		k++;
	if (k < i->n_parts)
		return &i->parts[k];
	if (k == TIMELINE_MAX_PARTS)
		return &i->parts[k - 1];
	if ((k & (k - 1)) == 0 && k != 1)
		grow_parts(b, i);
	i->parts[k] = (struct timeline_part){ k == TIMELINE_MAX_PARTS - 1 ? 0 : name, 0, 0, 0 };
	i->n_parts++;
	return &i->parts[k];
}

static void add_part(struct timeline_builder *b, struct timeline_item *to,
	const struct timeline_part *p)
{
	struct timeline_part *sum = part_of(b, to, p->name);

	sum->count += p->count;
	sum->ns += p->ns;
	if (p->longest_ns > sum->longest_ns)
		sum->longest_ns = p->longest_ns;
}

static void add_parts(struct timeline_builder *b, struct timeline_item *to,
	const struct timeline_item *from)
{
	const struct timeline_part whole = { from->name, 1, length(from), length(from) };

	if (from->count == 1)
		add_part(b, to, &whole);
	for (uint32_t i = 0; from->count > 1 && i < from->n_parts; i++)
		add_part(b, to, &from->parts[i]);
}

/* Makes `next` a part of `to`, which ends where it ended, or later. */
static void put_together(struct timeline_builder *b, struct timeline_item *to,
	struct timeline_item *next)
{
	const struct timeline_part whole = { next->name, 1, length(next), length(next) };
	struct timeline_item sum = { .from_ns = to->from_ns,
		.to_ns = next->to_ns > to->to_ns ? next->to_ns : to->to_ns,
		.count = to->count + next->count };

	if (to->count > 1 && next->count == 1) { /* as most are */
		to->to_ns = sum.to_ns;
		to->count = sum.count;
		add_part(b, to, &whole);
		return;
	}
	if (to->count > 1) {
		sum.parts = to->parts;
		sum.n_parts = to->n_parts;
	} else {
		add_parts(b, &sum, to);
	}
	add_parts(b, &sum, next);
	drop_parts(b, next);
	*to = sum;
}

static bool fit_together(const struct timeline_item *a, const struct timeline_item *b,
	uint64_t least_ns)
{
	return length(a) < least_ns && length(b) < least_ns &&
		b->to_ns - a->from_ns <= 2 * least_ns;
}

static void thin_out(struct timeline_builder *b, struct timeline_lane *l, uint64_t least_ns)
{
	uint32_t n = l->n ? 1 : 0;

	l->least_ns = least_ns;
	for (uint32_t i = 1; i < l->n; i++) {
		if (i + SOON < l->n)
			__builtin_prefetch(l->items[i + SOON].parts);
		if (fit_together(&l->items[n - 1], &l->items[i], least_ns))
			put_together(b, &l->items[n - 1], &l->items[i]);
		else
			l->items[n++] = l->items[i];
	}
	b->n_items -= l->n - n;
	l->n = n;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* How many pieces each lane may have so that all have no more than max. */
static uint32_t fair_share(const struct timeline_builder *b, const uint32_t *list, uint32_t n,
	uint32_t max)
{
	uint32_t *counts = xcalloc(n, sizeof(*counts)), share, left = max;

	for (uint32_t i = 0; i < n; i++)
		counts[i] = b->lanes[list[i]].n;
	qsort(counts, n, sizeof(*counts), by_number);
	share = UINT32_MAX;
	for (uint32_t i = 0; i < n && share == UINT32_MAX; i++) {
		if ((uint64_t)counts[i] * (n - i) > left)
			share = left / (n - i);
		left -= share == UINT32_MAX ? counts[i] : 0;
	}
	free(counts);
	return share;
}

/* Threads that ended have been busy once, each in its turn: what a lane needs no more another will. */
static void give_back(struct timeline_lane *l)
{
	uint32_t cap = l->cap;

	while (cap > FIRST_ITEMS && cap / 4 >= l->n)
		cap /= 2;
	if (cap < l->cap)
		l->items = xrealloc(l->items, l->cap = cap, sizeof(*l->items));
}

void timeline_shrink(struct timeline_builder *b, const uint32_t *list, uint32_t n, uint32_t max)
{
	uint32_t share = n ? fair_share(b, list, n, max) : 0;

	share = share ? share : 1;
	for (uint32_t i = 0; i < n; i++) {
		struct timeline_lane *l = &b->lanes[list[i]];
		uint64_t least = l->least_ns ? l->least_ns : FIRST_LEAST_NS / 2;

		/* 2^61 ns is longer than any trace: then all is together. */
		while (l->n > share && least < 1ULL << 61)
			thin_out(b, l, least *= 2);
		give_back(l);
	}
}

static void make_room(struct timeline_builder *b)
{
	uint32_t *all = xcalloc(b->n_lanes, sizeof(*all));

	for (uint32_t i = 0; i < b->n_lanes; i++)
		all[i] = i;
	timeline_shrink(b, all, b->n_lanes, b->max_items / 2);
	free(all);
}

/* ---- pieces ---- */

static bool is_busy(enum timeline_kind kind)
{
	return kind != TIMELINE_SLEEPING && kind != TIMELINE_STOPPED;
}

static void count(struct timeline_builder *b, struct timeline_lane *l,
	const struct timeline_item *i)
{
	l->n_events++;
	if (is_busy(b->names[i->name].kind))
		l->busy_ns += length(i);
}

/* What most events become in a lane whose short pieces are together: one more part of the last piece. Does as
 * timeline_add and append would, without making a piece of it. False if there is more to do. */
static bool join_last(struct timeline_builder *b, struct timeline_lane *l,
	const struct timeline_item *item)
{
	struct timeline_item *last = l->n && l->least_ns ? &l->items[l->n - 1] : NULL;
	struct timeline_item brief = { .name = item->name, .count = 1 };

	if (!last || last->count == 1 || item->from_ns < b->origin_ns + last->to_ns ||
		item->to_ns < item->from_ns)
		return false;
	brief.from_ns = item->from_ns - b->origin_ns;
	brief.to_ns = item->to_ns - b->origin_ns;
	if (!fit_together(last, &brief, l->least_ns))
		return false;
	count(b, l, &brief);
	last->to_ns = brief.to_ns;
	last->count++;
	add_part(b, last, &(struct timeline_part){ brief.name, 1, length(&brief), length(&brief) });
	return true;
}

static void append(struct timeline_builder *b, struct timeline_lane *l, struct timeline_item *item)
{
	if (l->n && l->least_ns && fit_together(&l->items[l->n - 1], item, l->least_ns)) {
		put_together(b, &l->items[l->n - 1], item);
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : FIRST_ITEMS;
		l->items = xrealloc(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->n++] = *item;
	if (++b->n_items > b->max_items)
		make_room(b);
}

/* On the timeline's clock, and behind what is there; false if nothing is left of it. */
static bool place(const struct timeline_builder *b, const struct timeline_lane *l,
	struct timeline_item *i)
{
	uint64_t end = l->n ? l->items[l->n - 1].to_ns : 0;

	i->from_ns = i->from_ns > b->origin_ns ? i->from_ns - b->origin_ns : 0;
	i->to_ns = i->to_ns > b->origin_ns ? i->to_ns - b->origin_ns : 0;
	i->from_ns = i->from_ns < end ? end : i->from_ns;
	i->count = 1;
	i->n_parts = 0;
	i->parts = NULL;
	return i->to_ns >= i->from_ns;
}

void timeline_add(struct timeline_builder *b, uint32_t lane, struct timeline_item item)
{
	struct timeline_lane *l = lane < b->n_lanes ? &b->lanes[lane] : NULL;

	if (!l)
		b->n_refused++;
	if (!l || !place(b, l, &item))
		return;
	count(b, l, &item);
	append(b, l, &item);
}

static bool is_free(const struct timeline_builder *b, uint32_t lane, uint64_t from_ns)
{
	const struct timeline_lane *l = &b->lanes[lane];

	return !l->n || l->items[l->n - 1].to_ns + b->origin_ns <= from_ns;
}

/* One more line like the first; UINT32_MAX if there is no room. */
static uint32_t add_line(struct timeline_builder *b, struct timeline_lines *lines)
{
	uint32_t n = UINT32_MAX;

	if (lines->n < TIMELINE_MAX_LINES)
		n = timeline_lane(b, TIMELINE_CPUS, "");
	if (n == UINT32_MAX)
		return n;
	b->lanes[n] = b->lanes[lines->lanes[0]];
	b->lanes[n].items = NULL;
	b->lanes[n].n = b->lanes[n].cap = 0;
	b->lanes[n].busy_ns = b->lanes[n].n_events = b->lanes[n].least_ns = 0;
	b->lanes[n].n_overlaps = 0;
	return lines->lanes[lines->n++] = n;
}

/* Its whole time counts, as a part of the last piece of the lane. */
static void overlap(struct timeline_builder *b, uint32_t lane, struct timeline_item item)
{
	struct timeline_lane *l = &b->lanes[lane];
	uint64_t length_ns = item.to_ns > item.from_ns ? item.to_ns - item.from_ns : 0;

	item.to_ns = item.to_ns > b->origin_ns ? item.to_ns - b->origin_ns : 0;
	item.from_ns = item.to_ns > length_ns ? item.to_ns - length_ns : 0;
	item.count = 1;
	item.n_parts = 0;
	item.parts = NULL;
	count(b, l, &item);
	l->n_overlaps++;
	put_together(b, &l->items[l->n - 1], &item);
}

void timeline_add_free(struct timeline_builder *b, struct timeline_lines *lines,
	const struct timeline_item *item)
{
	uint32_t line = UINT32_MAX;

	if (lines->lanes[0] == UINT32_MAX) {
		b->n_refused++;
		return;
	}
	if (join_last(b, &b->lanes[lines->lanes[0]], item))
		return;
	for (uint32_t i = 0; i < lines->n && line == UINT32_MAX; i++)
		if (is_free(b, lines->lanes[i], item->from_ns))
			line = lines->lanes[i];
	if (line == UINT32_MAX)
		line = add_line(b, lines);
	if (line != UINT32_MAX)
		timeline_add(b, line, *item);
	else
		overlap(b, lines->lanes[lines->n - 1], *item);
}
