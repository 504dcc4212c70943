/* Entries are gathered, sorted by where their code is in the file, and run in that order, so that rows
 * come out in order and are appended. */
#include "format/symbols/cfi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/symbols/cfi_sections.h"

enum {
	PAGE_BITS = 16,
	MAX_PAGES = 1 << 16,  /* code lies in the first 4 GiB of its file */
	MAX_RULES = 1 << 16,  /* as many as a row can number */
	MAX_COMMON = 1 << 16, /* so that a hostile file cannot take more memory than it has bytes */
	MAX_EXPRESSION = 255, /* bytes */
	MAX_EXPRESSIONS = 1 << 20,
	SMALL_GAP = 32, /* between functions: padding, where nothing runs */
	MAX_AT = (1 << 23) - 1,
};

struct cfi {
	uint32_t *pages;      /* owned; number of the first row at or behind each 64 KiB */
	struct cfi_row *rows; /* owned */
	uint32_t *rule_at;    /* owned; where a rule begins in words */
	uint32_t *words;      /* owned */
	uint8_t *expressions; /* owned; each behind its length */
	uint32_t n_pages, n_rows, n_rules, n_words, n_expressions, n_functions;
};

/* ---- searching ---- */

static uint32_t page_end(const struct cfi *c, uint32_t page)
{
	return page + 1 < c->n_pages ? c->pages[page + 1] : c->n_rows;
}

const struct cfi_rule *cfi_find(const struct cfi *c, uint64_t offset)
{
	uint32_t page = (uint32_t)(offset >> PAGE_BITS), low, high;

	if (offset >> PAGE_BITS >= c->n_pages)
		return NULL;
	low = c->pages[page];
	high = page_end(c, page);
	while (low < high) { /* the first row behind the place */
		uint32_t mid = (low + high) / 2;

		if (c->rows[mid].low <= (offset & 0xffff))
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || !c->rows[low - 1].rule)
		return NULL;
	return cfi_rule_number(c, c->rows[low - 1].rule);
}

uint32_t cfi_n_pages(const struct cfi *c)
{
	return c->n_pages;
}

const struct cfi_row *cfi_page(const struct cfi *c, uint32_t page, uint32_t *n, uint16_t *before)
{
	uint32_t first = c->pages[page];

	*n = page_end(c, page) - first;
	*before = first ? c->rows[first - 1].rule : 0;
	return c->rows + first;
}

uint32_t cfi_n_rules(const struct cfi *c)
{
	return c->n_rules;
}

const struct cfi_rule *cfi_rule_number(const struct cfi *c, uint32_t number)
{
	return (const struct cfi_rule *)(c->words + c->rule_at[number]);
}

const uint8_t *cfi_expression(const struct cfi *c, int32_t at, size_t *len)
{
	*len = c->expressions[at];
	return c->expressions + at + 1;
}

void cfi_stats(const struct cfi *c, struct cfi_stats *stats)
{
	*stats = (struct cfi_stats){ .functions = c->n_functions,
		.rows = c->n_rows,
		.rules = c->n_rules - 1,
		.bytes = sizeof(*c) + c->n_pages * sizeof(*c->pages) +
			c->n_rows * sizeof(*c->rows) + c->n_rules * sizeof(*c->rule_at) +
			c->n_words * sizeof(*c->words) + c->n_expressions };
}

void cfi_free(struct cfi *c)
{
	if (!c)
		return;
	free(c->pages);
	free(c->rows);
	free(c->rule_at);
	free(c->words);
	free(c->expressions);
	free(c);
}

/* ---- building ---- */

/* A common part of a section, with the rows that it makes. */
struct common {
	struct cfi_common c;
	struct cfi_state initial;
	bool ok;
};

struct function {
	uint64_t start; /* in the file */
	struct cfi_function f;
	const struct cfi_section *section;
	uint32_t common; /* number in commons */
};

struct build {
	const struct elf_image *image;
	struct cfi *cfi;
	struct cfi_section sections[3];
	uint32_t n_sections;
	struct common *commons;     /* owned */
	struct function *functions; /* owned */
	uint32_t n_commons, cap_commons, n_functions, cap_functions;
	struct map common_by_place; /* number of the section and place in it -> number in commons */
	struct map rule_by_hash, expression_by_hash;
	uint32_t cap_rows, cap_rules, cap_words;
	uint64_t end; /* behind the last function */
	uint16_t last_rule;
	struct cfi_machine machine;
	const struct function *running;
};

/* Grows an array of elements of this size to hold n. */
static void *grow(void *p, uint32_t n, uint32_t *cap, size_t size)
{
	if (n <= *cap)
		return p;
	*cap = *cap * 2 > n ? *cap * 2 : n + 64;
	return xrealloc(p, *cap, size);
}

/* ---- rules ---- */

/* An expression as it is kept; -1 if it is too long or there are too many. */
static int32_t add_expression(struct build *b, const uint8_t *bytes, uint32_t len)
{
	struct cfi *c = b->cfi;
	uint64_t key = hash_bytes(bytes, len);
	uint32_t *at;

	if (len > MAX_EXPRESSION)
		return -1;
	for (; (at = map_get(&b->expression_by_hash, key)); key++)
		if (c->expressions[*at] == len && memcmp(c->expressions + *at + 1, bytes, len) == 0)
			return (int32_t)*at;
	if (c->n_expressions + 1 + len > MAX_EXPRESSIONS)
		return -1;
	c->expressions = xrealloc(c->expressions, c->n_expressions + 1 + len, 1);
	*map_put(&b->expression_by_hash, key, NULL) = c->n_expressions;
	c->expressions[c->n_expressions] = (uint8_t)len;
	memcpy(c->expressions + c->n_expressions + 1, bytes, len);
	c->n_expressions += 1 + len;
	return (int32_t)(c->n_expressions - 1 - len);
}

/* A rule on its way into the table. */
union draft {
	struct cfi_rule rule;
	uint32_t words[2 + UNWIND_REGS];
};

static_assert(sizeof(struct cfi_rule) == 8 && sizeof(struct cfi_reg) == 4, "words of a rule");

static void add_reg(struct build *b, union draft *d, uint32_t reg, const struct cfi_place *p)
{
	struct cfi_reg *to = &d->rule.regs[d->rule.n_regs++];
	int64_t at = p->at;

	if (p->how == CFI_SAVED_BY || p->how == CFI_VALUE_BY) {
		at = add_expression(b, b->running->section->bytes + p->by.at, p->by.len);
		if (at < 0)
			at = INT64_MAX;
	}
	to->reg = reg & 31;
	to->how = p->how & 7;
	if (p->how == CFI_REGISTER && (at < 0 || at >= UNWIND_REGS))
		at = INT64_MAX;
	if (at > MAX_AT || at < -MAX_AT) { /* what we cannot say is lost */
		to->how = CFI_UNDEFINED;
		at = 0;
	}
	to->at = (int32_t)(at & 0xffffff);
}

static void add_return_address(struct build *b, union draft *d, const struct cfi_place *p)
{
	if (p->how == CFI_UNDEFINED)
		d->rule.flags |= CFI_END;
	else if (p->how == CFI_SAVED && p->at == -UNWIND_WORD)
		d->rule.flags |= CFI_USUAL;
	else
		add_reg(b, d, UNWIND_REG_RA, p);
}

static bool set_cfa(struct build *b, union draft *d, const struct cfi_place *cfa)
{
	d->rule.cfa_how = (uint8_t)cfa->how;
	d->rule.cfa_reg = (uint8_t)cfa->reg;
	if (cfa->how == CFI_REGISTER && cfa->at >= INT32_MIN && cfa->at <= INT32_MAX)
		d->rule.cfa_at = (int32_t)cfa->at;
	else if (cfa->how == CFI_VALUE_BY)
		d->rule.cfa_at = add_expression(b, b->running->section->bytes + cfa->by.at,
			cfa->by.len);
	else
		return false;
	return cfa->how == CFI_REGISTER || d->rule.cfa_at >= 0;
}

/* False if the row says nothing that helps. `all`: with all registers, not just the frame pointer. */
static bool make_draft(struct build *b, const struct cfi_state *s, bool all, union draft *d)
{
	uint32_t changed = s->changed & ~(1u << UNWIND_REG_RA);

	memset(d, 0, sizeof(*d));
	if (!set_cfa(b, d, &s->cfa))
		return false;
	if (b->commons[b->running->common].c.signal)
		d->rule.flags |= CFI_SIGNAL;
	add_return_address(b, d, &s->regs[UNWIND_REG_RA]);
	if (!all)
		changed &= 1u << UNWIND_REG_FP;
	for (; changed; changed &= changed - 1)
		add_reg(b, d, (uint32_t)__builtin_ctz(changed), &s->regs[__builtin_ctz(changed)]);
	return true;
}

static size_t rule_words(const struct cfi_rule *r)
{
	return (sizeof(*r) + r->n_regs * sizeof(struct cfi_reg)) / sizeof(uint32_t);
}

/* The number of the rule; 0 if there is no number left. */
static uint16_t intern_rule(struct build *b, const union draft *d)
{
	struct cfi *c = b->cfi;
	size_t n = rule_words(&d->rule);
	uint64_t key = hash_bytes(d, n * sizeof(uint32_t));
	uint32_t *number;

	for (; (number = map_get(&b->rule_by_hash, key)); key++)
		if (memcmp(c->words + c->rule_at[*number], d, n * sizeof(uint32_t)) == 0)
			return (uint16_t)*number;
	if (c->n_rules == MAX_RULES)
		return 0;
	c->rule_at = grow(c->rule_at, c->n_rules + 1, &b->cap_rules, sizeof(*c->rule_at));
	c->words = grow(c->words, c->n_words + (uint32_t)n, &b->cap_words, sizeof(*c->words));
	*map_put(&b->rule_by_hash, key, NULL) = c->n_rules;
	c->rule_at[c->n_rules] = c->n_words;
	memcpy(c->words + c->n_words, d, n * sizeof(uint32_t));
	c->n_words += (uint32_t)n;
	return (uint16_t)c->n_rules++;
}

/* When there are more different rules than numbers, those to come say less. */
static uint16_t rule_of(struct build *b, const struct cfi_state *s)
{
	union draft d;
	uint16_t number;

	if (!make_draft(b, s, true, &d))
		return 0;
	number = intern_rule(b, &d);
	if (!number && make_draft(b, s, false, &d))
		number = intern_rule(b, &d);
	return number;
}

/* ---- rows ---- */

static void add_row(struct build *b, uint64_t at, uint16_t rule)
{
	struct cfi *c = b->cfi;

	if (rule == b->last_rule)
		return;
	while (c->n_pages <= at >> PAGE_BITS)
		c->pages[c->n_pages++] = c->n_rows;
	c->rows = grow(c->rows, c->n_rows + 1, &b->cap_rows, sizeof(*c->rows));
	c->rows[c->n_rows++] = (struct cfi_row){ (uint16_t)at, rule };
	b->last_rule = rule;
}

static void on_row(void *ctx, uint64_t from, uint64_t to, const struct cfi_state *s)
{
	struct build *b = ctx;

	add_row(b, b->running->start + from, rule_of(b, s));
	b->end = b->running->start + to;
}

static void run_function(struct build *b, const struct function *f)
{
	const struct common *common = &b->commons[f->common];

	if (f->start < b->end)
		return; /* told already */
	if (f->start - b->end > SMALL_GAP)
		add_row(b, b->end, 0);
	b->running = f;
	b->end = f->start;
	cfi_run_function(&b->machine, f->section, &common->c, &common->initial, &f->f, on_row, b);
	if (b->end < f->start + f->f.size) { /* its program made no sense from there on */
		add_row(b, b->end, 0);
		b->end = f->start + f->f.size;
	}
	b->cfi->n_functions++;
}

/* ---- entries ---- */

static uint32_t add_common(struct build *b, const struct cfi_section *s, const struct cfi_entry *e)
{
	struct common *to;

	b->commons = grow(b->commons, b->n_commons + 1, &b->cap_commons, sizeof(*b->commons));
	to = &b->commons[b->n_commons];
	to->ok = cfi_read_common(s, e, &to->c) &&
		cfi_run_common(&b->machine, s, &to->c, &to->initial);
	return b->n_commons++;
}

/* The common part at a place of a section; NULL if there is none. */
static const struct common *common_at(struct build *b, const struct cfi_section *s, uint32_t at,
	uint32_t *number)
{
	uint64_t key = (uint64_t)(s - b->sections) << 32 | at;
	uint32_t *known = map_get(&b->common_by_place, key);
	struct cfi_entry e;

	if (!known) {
		uint32_t from = at;

		if (b->n_commons == MAX_COMMON || !cfi_next(s, &from, &e) || e.at != at ||
			!e.is_common)
			return NULL;
		*number = add_common(b, s, &e);
		*map_put(&b->common_by_place, key, NULL) = *number;
	} else {
		*number = *known;
	}
	return b->commons[*number].ok ? &b->commons[*number] : NULL;
}

static void add_function(struct build *b, const struct cfi_section *s, const struct cfi_entry *e)
{
	struct function f = { .section = s };
	const struct common *common = common_at(b, s, e->common_at, &f.common);
	uint64_t last;

	if (!common || !cfi_read_function(s, e, &common->c, &f.f) ||
		!elf_image_offset(b->image, f.f.vaddr, &f.start) ||
		!elf_image_offset(b->image, f.f.vaddr + f.f.size - 1, &last) ||
		last - f.start != f.f.size - 1 || last >= b->image->size ||
		last >> PAGE_BITS >= MAX_PAGES)
		return;
	b->functions = grow(b->functions, b->n_functions + 1, &b->cap_functions,
		sizeof(*b->functions));
	b->functions[b->n_functions++] = f;
}

static void read_entries(struct build *b, const struct cfi_section *s)
{
	struct cfi_entry e;
	uint32_t at = 0;

	while (cfi_next(s, &at, &e))
		if (!e.is_common)
			add_function(b, s, &e);
}

/* By place; of two for the same place the one of the first section. */
static int by_start(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->section < y->section ? -1 : x->section > y->section;
}

static void read_sections(struct build *b, const struct elf_image *debug)
{
	if (cfi_read_eh_frame(b->image, &b->sections[b->n_sections]))
		b->n_sections++;
	if (cfi_read_debug_frame(b->image, &b->sections[b->n_sections]))
		b->n_sections++;
	if (debug && cfi_read_debug_frame(debug, &b->sections[b->n_sections]))
		b->n_sections++;
	for (uint32_t i = 0; i < b->n_sections; i++)
		read_entries(b, &b->sections[i]);
}

static void trim(struct cfi *c)
{
	c->pages = xrealloc(c->pages, c->n_pages, sizeof(*c->pages));
	c->rows = xrealloc(c->rows, c->n_rows, sizeof(*c->rows));
	c->rule_at = xrealloc(c->rule_at, c->n_rules, sizeof(*c->rule_at));
	c->words = xrealloc(c->words, c->n_words + 1, sizeof(*c->words));
}

static void build_table(struct build *b)
{
	struct cfi *c = b->cfi;

	qsort(b->functions, b->n_functions, sizeof(*b->functions), by_start);
	c->pages = xcalloc(MAX_PAGES, sizeof(*c->pages));
	c->rule_at = grow(c->rule_at, 1, &b->cap_rules, sizeof(*c->rule_at));
	c->rule_at[0] = 0;
	c->n_rules = 1;
	for (uint32_t i = 0; i < b->n_functions; i++)
		run_function(b, &b->functions[i]);
	if (c->n_rows) {
		add_row(b, b->end, 0);
		trim(c);
	}
}

static void build_done(struct build *b)
{
	for (uint32_t i = 0; i < b->n_sections; i++)
		free((uint8_t *)b->sections[i].bytes);
	free(b->commons);
	free(b->functions);
	map_done(&b->common_by_place);
	map_done(&b->rule_by_hash);
	map_done(&b->expression_by_hash);
	free(b);
}

struct cfi *cfi_compile(const struct elf_image *e, const struct elf_image *debug)
{
	struct cfi *c = NULL;
	struct build *b;

	if (e->machine != UNWIND_MACHINE || e->class != ELFCLASS64 || e->encoding != ELFDATA2LSB)
		return NULL;
	b = xcalloc(1, sizeof(*b));
	b->image = e;
	map_init(&b->common_by_place, 64);
	map_init(&b->rule_by_hash, 1024);
	map_init(&b->expression_by_hash, 64);
	read_sections(b, debug);
	if (b->n_functions) {
		c = b->cfi = xcalloc(1, sizeof(*c));
		build_table(b);
	}
	build_done(b);
	if (c && !c->n_rows) {
		cfi_free(c);
		c = NULL;
	}
	return c;
}
