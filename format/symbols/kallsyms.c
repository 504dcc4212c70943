/* One scan over the kernel's symbols. */
#include "format/symbols/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/map.h"
#include "format/symbols/cover.h"
#include "format/symbols/lines.h"

enum {
	PIECE = 128 << 10,
	MAX_BYTES = 1 << 28, /* of the file: fifty times what a large kernel has */
	MAX_MODULES = 1 << 12,
};

struct line {
	uint64_t address;
	char type;
	const char *name; /* in the piece */
	size_t name_len;
	const char *module;
	size_t module_len;
};

/* Memory that has one owner and a known end. */
struct region {
	uint64_t start, end;
};

/* The place of a name: in the piece being read, or once that is left, in the arena. */
struct spot {
	const char *name, *module;
	uint32_t name_len, module_len;
	bool kept;
};

struct scan {
	struct wanted wanted;
	struct nearest nearest;
	struct spot *spots; /* of each slot of nearest; a range's id is its slot */
	struct line line;   /* the line that is being offered */
	struct region core, init;
	uint64_t n_lines, n_zeros;
	struct arena scratch;
};

/* ---- lines ---- */

/* "ffffffffc0201000 t function\t[module]" */
static bool parse_line(const char *p, size_t len, struct line *l)
{
	const char *end = p + len, *tab;

	if (!take_hex(&p, end, &l->address) || !take_char(&p, end, ' ') || end - p < 3 ||
		p[1] != ' ')
		return false;
	l->type = *p;
	l->name = p + 2;
	tab = memchr(l->name, '\t', (size_t)(end - l->name));
	l->name_len = (size_t)((tab ? tab : end) - l->name);
	if (l->name_len > SYMBOL_NAME_MAX)
		l->name_len = SYMBOL_NAME_MAX;
	l->module = NULL;
	l->module_len = 0;
	if (tab && end - tab >= 4 && tab[1] == '[' && end[-1] == ']') {
		l->module = tab + 2;
		l->module_len = (size_t)(end - 1 - l->module);
	}
	return l->name_len > 0;
}

static bool is_text(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

static bool line_is(const struct line *l, const char *name)
{
	return l->name_len == strlen(name) && memcmp(l->name, name, l->name_len) == 0;
}

/* The marks around code. _etext and _einittext are no functions: what lies behind has no name. */
static bool take_mark(struct scan *s, const struct line *l)
{
	if (l->name[0] != '_' || l->module)
		return false;
	if (line_is(l, "_stext"))
		s->core.start = l->address;
	else if (line_is(l, "_sinittext"))
		s->init.start = l->address;
	else if (line_is(l, "_etext"))
		s->core.end = l->address;
	else if (line_is(l, "_einittext"))
		s->init.end = l->address;
	return s->core.end == l->address || s->init.end == l->address;
}

/* ---- which symbol ---- */

static uint32_t rank_of(char type)
{
	return type == 'T' ? 3 : type == 'W' || type == 'w' ? 2 : 1;
}

/* The new one is the line that is being offered, the old one is in the slot. */
static bool better(void *owner, const struct range *new, const struct range *old)
{
	struct scan *s = owner;
	const struct spot *spot = &s->spots[old->id];

	if (new->rank != old->rank)
		return new->rank > old->rank;
	return symbol_name_better(s->line.name, s->line.name_len, spot->name, spot->name_len);
}

static void offer(struct scan *s)
{
	const struct line *l = &s->line;
	size_t from = wanted_from(&s->wanted, l->address);
	struct range r = { .start = l->address, .id = from, .rank = rank_of(l->type) };

	if (nearest_offer(&s->nearest, from, &r))
		s->spots[from] = (struct spot){ l->name, l->module, (uint32_t)l->name_len,
			(uint32_t)l->module_len, false };
}

/* Moves the names that are in the piece out of it. */
static void keep_names(struct scan *s)
{
	for (size_t i = 0; i < s->wanted.n; i++) {
		struct spot *spot = &s->spots[i];

		if (!spot->name || spot->kept)
			continue;
		spot->name = arena_strndup(&s->scratch, spot->name, spot->name_len);
		if (spot->module)
			spot->module = arena_strndup(&s->scratch, spot->module, spot->module_len);
		spot->kept = true;
	}
}

static void take_line(struct scan *s, const char *text, size_t len)
{
	if (!parse_line(text, len, &s->line))
		return;
	s->n_lines++;
	if (!s->line.address)
		s->n_zeros++;
	else if (is_text(s->line.type) && !take_mark(s, &s->line))
		offer(s);
}

/* ---- the file ---- */

static int open_text(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 ? fd : err_errno(err, errno, "open '%s'", path);
}

/* What is wrong with a file that was read to its end, if anything. */
static int check(const char *path, const struct lines *l, uint64_t n_lines, uint64_t n_zeros,
	struct err *err)
{
	if (l->error)
		return err_errno(err, l->error, "read '%s'", path);
	if (!n_lines)
		return err_set(err, EINVAL, "'%s' has no symbols", path);
	if (n_zeros == n_lines)
		return err_set(err, EPERM,
			"'%s' shows only zeros, the kernel hides its addresses from us: run with"
			" CAP_SYSLOG (or as root) and sysctl kernel.kptr_restrict at 0 or 1",
			path);
	return 0;
}

static int scan_lines(struct scan *s, struct lines *lines, const char *path, struct err *err)
{
	const char *text;
	size_t len;

	while (lines_fill(lines)) {
		while ((text = lines_next(lines, &len)))
			take_line(s, text, len);
		keep_names(s);
	}
	lines_done(lines);
	return check(path, lines, s->n_lines, s->n_zeros, err);
}

static int scan_file(struct scan *s, const char *path, struct err *err)
{
	int fd = open_text(path, err), rc;
	struct lines lines;

	if (fd < 0)
		return fd;
	lines_init(&lines, fd, PIECE, MAX_BYTES);
	rc = scan_lines(s, &lines, path, err);
	close(fd);
	return rc;
}

/* A hash of the list of modules without their numbers of users, which change all the time; 0 if there is
 * no list. */
static uint64_t modules_now(const char *path)
{
	struct kernel_module *list = NULL;
	struct arena scratch = { 0 };
	int n = kernel_modules(path, &list, &scratch, NULL);
	uint64_t hash = n > 0;

	for (int i = 0; list && i < n; i++)
		hash = hash_u64(hash ^ list[i].base) ^
			hash_bytes(list[i].name, strlen(list[i].name));
	arena_done(&scratch);
	return hash;
}

static int keep_file(struct kallsyms_kept *kept, const char *path, struct err *err)
{
	int fd = open_text(path, err), rc;

	if (fd < 0)
		return fd;
	rc = packed_text_take(&kept->text, fd, MAX_BYTES, path, err);
	close(fd);
	return rc;
}

static int scan_kept(struct scan *s, struct kallsyms_kept *kept, const char *path,
	const char *modules_path, struct err *err)
{
	uint64_t modules = modules_now(modules_path);
	struct lines lines;
	int rc = 0;

	if (!kept->text.len || kept->modules != modules)
		rc = keep_file(kept, path, err);
	if (rc)
		return rc;
	kept->modules = modules;
	lines_init_packed(&lines, &kept->text, PIECE);
	return scan_lines(s, &lines, path, err);
}

void kallsyms_kept_done(struct kallsyms_kept *kept)
{
	packed_text_done(&kept->text);
}

/* ---- the answers ---- */

static bool holds(const struct region *r, uint64_t address)
{
	return r->start && address >= r->start && address < r->end;
}

static const struct region *find_region(const struct region *list, size_t n, uint64_t address)
{
	for (size_t i = 0; i < n; i++)
		if (holds(&list[i], address))
			return &list[i];
	return NULL;
}

/* The kernel's own pieces and the modules. One without an end, or at 0, holds nothing. */
static struct region *list_regions(struct scan *s, const char *modules_path, size_t *n)
{
	struct kernel_module *modules = NULL;
	int n_modules = kernel_modules(modules_path, &modules, &s->scratch, NULL);
	struct region *list;

	if (n_modules < 0 || !modules)
		n_modules = 0;
	*n = 2 + (size_t)n_modules;
	list = arena_alloc(&s->scratch, *n * sizeof(*list));
	list[0] = s->core;
	list[1] = s->init;
	for (size_t i = 2; i < *n; i++) {
		const struct kernel_module *m = &modules[i - 2];

		list[i] = (struct region){ m->base, m->base ? m->base + m->size : 0 };
	}
	return list;
}

static bool reaches(const struct range *symbol, uint64_t address, const struct region *list,
	size_t n)
{
	const struct region *region = find_region(list, n, address);

	if (!symbol->rank || region != find_region(list, n, symbol->start))
		return false;
	return region || address - symbol->start < KALLSYMS_REACH;
}

static int take_answers(struct scan *s, const char *modules_path, struct symbol_query *q,
	struct arena *a)
{
	size_t n;
	const struct region *list = list_regions(s, modules_path, &n);
	int found = 0;

	nearest_settle(&s->nearest);
	for (size_t i = 0; i < s->wanted.n; i++) {
		const struct range *r = &s->nearest.slot[i];
		const struct spot *spot = &s->spots[r->id];
		struct symbol_query *to = &q[s->wanted.number[i]];

		if (!reaches(r, s->wanted.at[i], list, n))
			continue;
		to->name = arena_strdup(a, spot->name);
		to->module = spot->module ? arena_strdup(a, spot->module) : NULL;
		to->start = r->start;
		found++;
	}
	return found;
}

int kallsyms_resolve(struct kallsyms_kept *kept, const char *kallsyms_path,
	const char *modules_path, struct symbol_query *q, size_t n, struct arena *a,
	struct err *err)
{
	struct scan s = { 0 };
	int rc = 0;

	wanted_of_queries(&s.wanted, q, n, &s.scratch);
	s.spots = arena_alloc(&s.scratch, s.wanted.n * sizeof(*s.spots));
	nearest_init(&s.nearest, &s.wanted, better, &s, &s.scratch);
	if (s.wanted.n)
		rc = kept ? scan_kept(&s, kept, kallsyms_path, modules_path, err)
			  : scan_file(&s, kallsyms_path, err);
	if (s.wanted.n && rc == 0)
		rc = take_answers(&s, modules_path, q, a);
	arena_done(&s.scratch);
	return rc;
}

/* ---- the base ---- */

struct base {
	uint64_t text, stext, n_lines, n_zeros;
};

/* True when the answer is known: they come first in the file, at one address or close together. */
static bool take_base(struct base *b, const struct line *l)
{
	b->n_lines++;
	b->n_zeros += !l->address;
	if (!l->address || l->module)
		return false;
	if (line_is(l, "_text"))
		b->text = l->address;
	else if (line_is(l, "_stext"))
		b->stext = l->address;
	return b->text || (b->stext && l->address > b->stext);
}

static bool find_base(struct lines *lines, struct base *b)
{
	const char *text;
	struct line l;
	size_t len;

	while (lines_fill(lines))
		while ((text = lines_next(lines, &len)))
			if (parse_line(text, len, &l) && take_base(b, &l))
				return true;
	return b->stext;
}

int kallsyms_base(const char *kallsyms_path, uint64_t *base, struct err *err)
{
	int fd = open_text(kallsyms_path, err), rc = 0;
	struct base b = { 0 };
	struct lines lines;

	if (fd < 0)
		return fd;
	lines_init(&lines, fd, 4096, MAX_BYTES);
	if (find_base(&lines, &b))
		*base = b.text ? b.text : b.stext;
	else
		rc = check(kallsyms_path, &lines, b.n_lines, b.n_zeros, err);
	if (rc == 0 && !b.text && !b.stext)
		rc = err_set(err, ENOENT, "'%s' has neither _text nor _stext", kallsyms_path);
	lines_done(&lines);
	close(fd);
	return rc;
}

/* ---- modules ---- */

static const char *take_word(const char **p, const char *end, size_t *len)
{
	const char *word = *p;

	while (*p < end && **p != ' ')
		(*p)++;
	*len = (size_t)(*p - word);
	take_char(p, end, ' ');
	return word;
}

static bool parse_decimal(const char *s, size_t len, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' || *v > UINT64_MAX / 10 - 1)
			return false;
		*v = *v * 10 + (uint64_t)(s[i] - '0');
	}
	return len > 0;
}

/* "veth 45056 0 - Live 0xffffffffc0a5c000": name, size, users, by whom, state, base. */
static bool parse_module(const char *p, size_t len, struct kernel_module *m, struct arena *a)
{
	const char *end = p + len, *word;
	size_t word_len, name_len;
	const char *name = take_word(&p, end, &name_len);

	word = take_word(&p, end, &word_len);
	if (!name_len || name_len > SYMBOL_NAME_MAX || !parse_decimal(word, word_len, &m->size))
		return false;
	for (int i = 0; i < 3; i++)
		take_word(&p, end, &word_len);
	if (!take_char(&p, end, '0') || !take_char(&p, end, 'x') || !take_hex(&p, end, &m->base) ||
		m->size > UINT64_MAX - m->base)
		return false;
	m->name = arena_strndup(a, name, name_len);
	return true;
}

int kernel_modules(const char *modules_path, struct kernel_module **list, struct arena *a,
	struct err *err)
{
	int fd = open_text(modules_path, err), n = 0;
	struct kernel_module *modules = NULL, m;
	struct lines lines;
	const char *text;
	size_t len;

	if (fd < 0)
		return fd;
	lines_init(&lines, fd, PIECE, MAX_BYTES);
	while (lines_fill(&lines)) {
		while (n < MAX_MODULES && (text = lines_next(&lines, &len))) {
			if (!parse_module(text, len, &m, a))
				continue;
			modules = xrealloc(modules, (size_t)n + 1, sizeof(*modules));
			modules[n++] = m;
		}
	}
	if (lines.error) {
		n = err_errno(err, lines.error, "read '%s'", modules_path);
	} else {
		*list = arena_alloc(a, (size_t)n * sizeof(**list));
		if (n)
			memcpy(*list, modules, (size_t)n * sizeof(**list));
	}
	free(modules);
	lines_done(&lines);
	close(fd);
	return n;
}

static uint32_t bit_of(const struct line *l, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (line_is(l, names[i]))
			return 1U << i;
	return 0;
}

uint32_t kallsyms_has(const char *path, const char *const *names, unsigned n)
{
	int fd = open_text(path, NULL);
	struct lines lines;
	uint32_t found = 0;
	const char *text;
	struct line l;
	size_t len;

	if (fd < 0)
		return 0;
	lines_init(&lines, fd, PIECE, MAX_BYTES);
	while (lines_fill(&lines))
		while ((text = lines_next(&lines, &len)))
			if (parse_line(text, len, &l))
				found |= bit_of(&l, names, n);
	lines_done(&lines);
	close(fd);
	return found;
}
