/* One pass over a symbol table for all wanted addresses.
 *
 * Symbols are read in chunks and offered to a cover (those with a size) and to nearests (those that
 * reach to the next one, and what ends them: functions and the borders of sections); names are read
 * only for ties and at the end. See cover.h for why no table can make this slow. */
#include "format/symbols/elf_symbols.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/symbols/cover.h"
#include "format/symbols/elf_plt.h"
#include "format/symbols/go_pclntab.h"
#include "format/symbols/minidebug.h"

enum {
	CHUNK = 2048,          /* symbols that are read at once */
	MAX_SYMBOLS = 1 << 24, /* of a table; the largest known programs have three million */
	MAX_TIES = 1 << 15,    /* names compared; 50,000 addresses all over libLLVM take 1,033 */
	/* How far a symbol without a size reaches in .dynsym, where the static functions between it
	 * and the next one are missing. */
	DYNSYM_REACH = 4096,
};

/* Ranks: see elf_symbols.h. The size comes first only so that a function whose end is known is kept
 * as what ends an alias without one. */
enum { RANK_LOCAL = 1, RANK_WEAK = 2, RANK_GLOBAL = 3, RANK_FUNCTION = 4, RANK_SIZED = 8 };

/* Borders; at one place, what starts hides what ends. */
enum { BORDER_END = 1, BORDER_DATA = 2, BORDER_CODE = 3 };

struct scan {
	const struct elf_image *image; /* that the table is in */
	const GElf_Shdr *table, *strings;
	bool only_sized;         /* symbols without a size do not count */
	struct wanted wanted;    /* numbers are those of targets */
	struct cover sized;      /* covering functions */
	struct nearest function; /* the function in front, of any size */
	struct nearest label;    /* the untyped local symbol in front */
	struct nearest border;   /* the border of a section in front */
	struct arena scratch;
	uint32_t ties;
	uint32_t mapping[4]; /* offsets of names known to be those of mapping symbols */
};

/* ---- which symbol ---- */

/* Reading names is the only costly step, so a file made of ties is not compared to its end. */
static bool better_name(struct scan *s, const struct range *a, const struct range *b)
{
	char name_a[SYMBOL_NAME_MAX + 1], name_b[SYMBOL_NAME_MAX + 1];
	size_t len_a, len_b;

	if (a->id == b->id || s->ties >= MAX_TIES)
		return a->id < b->id;
	s->ties++;
	len_a = elf_image_text(s->image, s->strings, a->id, name_a);
	len_b = elf_image_text(s->image, s->strings, b->id, name_b);
	return symbol_name_better(name_a, len_a, name_b, len_b);
}

static bool better_cover(void *owner, const struct range *a, const struct range *b)
{
	if (a->start != b->start)
		return a->start > b->start;
	if (a->rank != b->rank)
		return a->rank > b->rank;
	return better_name(owner, a, b);
}

/* Of symbols in front, names matter only without a size: others just end what is before them. */
static bool better_nearest(void *owner, const struct range *a, const struct range *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (a->rank & RANK_SIZED)
		return a->end > b->end;
	return better_name(owner, a, b);
}

static bool better_border(void *owner, const struct range *a, const struct range *b)
{
	return a->rank > b->rank;
}

/* ---- the pass ---- */

static bool is_code(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_COMMON || !sym->st_name)
		return false;
	return type == STT_FUNC || type == STT_GNU_IFUNC ||
		(type == STT_NOTYPE && sym->st_shndx != SHN_ABS);
}

static uint32_t rank_of(const GElf_Sym *sym)
{
	unsigned binding = GELF_ST_BIND(sym->st_info);
	uint32_t rank = binding == STB_LOCAL ? RANK_LOCAL
		: binding == STB_WEAK        ? RANK_WEAK
					     : RANK_GLOBAL;

	if (GELF_ST_TYPE(sym->st_info) != STT_NOTYPE)
		rank |= RANK_FUNCTION;
	return rank | (sym->st_size ? RANK_SIZED : 0);
}

/* $x, $d.5: where code and data begin on ARM and RISC-V, of no use to a person. Linkers keep one
 * text for all of a kind, so it is seldom read. */
static bool is_mapping_symbol(struct scan *s, const GElf_Sym *sym)
{
	static const char kinds[] = { 'a', 'd', 't', 'x' };
	uint16_t machine = s->image->machine;
	char name[2];

	if (machine != EM_AARCH64 && machine != EM_ARM && machine != EM_RISCV)
		return false;
	for (size_t i = 0; i < sizeof(kinds); i++)
		if (s->mapping[i] == sym->st_name)
			return true;
	if (elf_image_read(s->image, s->strings->sh_offset + sym->st_name, name, 2) < 2 ||
		name[0] != '$')
		return false;
	for (size_t i = 0; i < sizeof(kinds); i++) {
		if (name[1] != kinds[i])
			continue;
		s->mapping[i] = sym->st_name;
		return true;
	}
	return false;
}

static void offer(struct scan *s, const GElf_Sym *sym)
{
	struct range r = { .start = sym->st_value, .id = sym->st_name, .rank = rank_of(sym) };
	size_t from;

	/* Bit 0 of a function's address says that it is Thumb code. */
	if (s->image->machine == EM_ARM && (r.rank & RANK_FUNCTION))
		r.start &= ~1ULL;
	r.end = sym->st_size > UINT64_MAX - r.start ? UINT64_MAX : r.start + sym->st_size;
	from = wanted_from(&s->wanted, r.start);
	if (from == s->wanted.n)
		return;
	if (r.rank & RANK_SIZED)
		cover_offer(&s->sized, from, &r);
	if (r.rank != RANK_LOCAL)
		nearest_offer(&s->function, from, &r);
	else if (!is_mapping_symbol(s, sym))
		nearest_offer(&s->label, from, &r);
}

static void offer_symbols(struct scan *s)
{
	uint64_t n = elf_image_n_records(s->image, ELF_T_SYM, s->table), first = 0;
	GElf_Sym *chunk = arena_alloc(&s->scratch, CHUNK * sizeof(*chunk));
	size_t have;

	n = n < MAX_SYMBOLS ? n : MAX_SYMBOLS;
	for (; first < n; first += have) {
		have = elf_image_records(s->image, ELF_T_SYM, s->table->sh_offset, first, chunk,
			n - first < CHUNK ? n - first : CHUNK);
		if (!have)
			return;
		for (size_t i = 0; i < have; i++)
			if (is_code(&chunk[i]))
				offer(s, &chunk[i]);
	}
}

static void offer_border(struct scan *s, uint64_t at, uint32_t rank)
{
	struct range r = { .start = at, .end = at, .rank = rank };

	nearest_offer(&s->border, wanted_from(&s->wanted, at), &r);
}

static void offer_borders(struct scan *s)
{
	for (uint32_t i = 1; i < s->image->n_sections; i++) {
		const GElf_Shdr *h = &s->image->sections[i];

		/* Thread-local zeros have an address but no place there. */
		if (!(h->sh_flags & SHF_ALLOC) || h->sh_flags & SHF_TLS || !h->sh_size)
			continue;
		offer_border(s, h->sh_addr,
			h->sh_flags & SHF_EXECINSTR ? BORDER_CODE : BORDER_DATA);
		if (h->sh_size <= UINT64_MAX - h->sh_addr)
			offer_border(s, h->sh_addr + h->sh_size, BORDER_END);
	}
}

/* ---- the answers ---- */

/* The symbol without a size that reaches wanted address i, or NULL. */
static const struct range *reaching(const struct scan *s, size_t i)
{
	const struct range *function = &s->function.slot[i], *label = &s->label.slot[i];
	const struct range *border = &s->border.slot[i];
	uint64_t floor = border->start;

	if (border->rank != BORDER_CODE)
		return NULL;
	if (function->rank && function->start >= floor) {
		if (!(function->rank & RANK_SIZED))
			return function;
		floor = function->end;
	}
	return label->rank && label->start >= floor ? label : NULL;
}

static const struct range *answer(const struct scan *s, size_t i)
{
	const struct range *r = &s->sized.node[s->wanted.n + i];

	if (r->rank)
		return r;
	if (s->only_sized)
		return NULL;
	r = reaching(s, i);
	if (r && s->table->sh_type == SHT_DYNSYM && s->wanted.at[i] - r->start >= DYNSYM_REACH)
		return NULL;
	return r;
}

static void take_answers(struct scan *s, struct target *targets, struct arena *names)
{
	const struct range *last = NULL;
	const char *name = NULL;
	char text[SYMBOL_NAME_MAX + 1];

	for (size_t i = 0; i < s->wanted.n; i++) {
		struct target *t = &targets[s->wanted.number[i]];
		const struct range *r = answer(s, i);

		if (!r)
			continue;
		if (!last || last->id != r->id) {
			size_t len = elf_image_text(s->image, s->strings, r->id, text);

			name = len ? arena_strndup(names, text, len) : NULL;
		}
		last = r;
		if (!name)
			continue;
		t->name = t->stub ? arena_printf(names, "%s@plt", name) : name;
		if (!t->stub)
			t->back = t->vaddr - r->start;
	}
}

static void scan_init(struct scan *s, const struct target *targets, size_t n)
{
	wanted_init(&s->wanted, n, &s->scratch);
	for (size_t i = 0; i < n; i++)
		if (!targets[i].name)
			wanted_add(&s->wanted, targets[i].vaddr, i);
	cover_init(&s->sized, &s->wanted, better_cover, s, &s->scratch);
	nearest_init(&s->function, &s->wanted, better_nearest, s, &s->scratch);
	nearest_init(&s->label, &s->wanted, better_nearest, s, &s->scratch);
	nearest_init(&s->border, &s->wanted, better_border, s, &s->scratch);
}

static const GElf_Shdr *find_table(const struct elf_image *e, uint32_t type)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const GElf_Shdr *s = &e->sections[i];

		if (s->sh_type == type && elf_image_n_records(e, ELF_T_SYM, s))
			return s;
	}
	return NULL;
}

/* Names what the first table of this type can name among the targets that have no name yet. */
static void scan_table(const struct elf_image *e, uint32_t type, bool only_sized,
	struct target *targets, size_t n, struct arena *names)
{
	struct scan s = { .image = e, .table = find_table(e, type), .only_sized = only_sized };

	s.strings = s.table ? elf_image_section(e, s.table->sh_link) : NULL;
	if (!s.strings)
		return;
	scan_init(&s, targets, n);
	if (s.wanted.n) {
		offer_borders(&s);
		offer_symbols(&s);
		cover_settle(&s.sized);
		nearest_settle(&s.function);
		nearest_settle(&s.label);
		nearest_settle(&s.border);
		take_answers(&s, targets, names);
	}
	arena_done(&s.scratch);
}

static bool all_named(const struct target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!targets[i].name)
			return false;
	return true;
}

/* It holds the functions that are not in .dynsym. So one without a size does not reach to the next one
 * there, between which an exported function may be. */
static void scan_minidebug(const struct elf_image *code, struct target *targets, size_t n,
	struct arena *names)
{
	struct minidebug m;
	const struct elf_image *e;

	if (all_named(targets, n))
		return;
	e = minidebug_open(&m, code);
	if (e)
		scan_table(e, SHT_SYMTAB, true, targets, n, names);
	minidebug_close(&m);
}

static int by_vaddr(const void *a, const void *b)
{
	const struct target *p = a, *q = b;

	if (p->vaddr != q->vaddr)
		return p->vaddr > q->vaddr ? 1 : -1;
	return (p->query > q->query) - (p->query < q->query);
}

/* The queries without a name that lie in the image, in the order of the files' offsets. */
static size_t make_targets(const struct elf_image *e, const struct symbol_query *q, size_t n,
	struct target *targets)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		struct target t = { .query = (uint32_t)i };

		if (!q[i].name && elf_image_vaddr(e, q[i].address, &t.vaddr))
			targets[m++] = t;
	}
	return m;
}

static int fill_queries(struct symbol_query *q, const struct target *targets, size_t n)
{
	int found = 0;

	for (size_t i = 0; i < n; i++) {
		struct symbol_query *to = &q[targets[i].query];

		if (!targets[i].name)
			continue;
		to->name = targets[i].name;
		/* Damaged files have functions that start before the file does. */
		to->start = targets[i].back < to->address ? to->address - targets[i].back : 0;
		found++;
	}
	return found;
}

int elf_symbols_resolve(const struct elf_image *code, const struct elf_image *debug,
	struct symbol_query *q, size_t n, struct arena *a, struct err *err)
{
	struct target *targets;
	size_t m;
	int found;

	assert(symbol_query_sorted(q, n) && n < INT32_MAX);
	if (code->type != ET_EXEC && code->type != ET_DYN)
		return err_set(err, ENOEXEC, "ELF file of type %u is not a program or library",
			code->type);
	targets = xcalloc(n, sizeof(*targets));
	m = make_targets(code, q, n, targets);
	elf_plt_resolve(code, targets, m, a);
	qsort(targets, m, sizeof(*targets), by_vaddr);
	if (debug)
		scan_table(debug, SHT_SYMTAB, false, targets, m, a);
	scan_table(code, SHT_SYMTAB, false, targets, m, a);
	scan_minidebug(code, targets, m, a);
	go_pclntab_resolve(code, targets, m, a);
	scan_table(code, SHT_DYNSYM, false, targets, m, a);
	found = fill_queries(q, targets, m);
	free(targets);
	return found;
}
