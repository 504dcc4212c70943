/* Addresses are gathered by build, sorted, and looked up at once, as the resolvers like it (symbols/query.h). */
#include "analyze/symbolize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/merge.h"
#include "format/symbols/elf_symbols.h"
#include "format/symbols/file_frames.h"
#include "format/symbols/module_image.h"
#include "format/symbols/readable.h"

enum { HAD_NAME = 1, HAD_LINE = 2, HAD_INLINED = 4 };

struct code_address {
	uint64_t address; /* as frames have it */
	uint64_t start;
	const char *name, *linkage; /* NULL: not found */
	struct inline_chain chain;
	uint8_t had; /* in every segment that has it */
};

static struct text text_of(const char *s)
{
	return (struct text){ s ? s : "", s ? strlen(s) : 0 };
}

void symbolize_init(struct symbolize *s)
{
	memset(s, 0, sizeof(*s));
	map_init(&s->by_id, 64);
}

void symbolize_done(struct symbolize *s)
{
	for (uint32_t i = 0; i < s->n_homes; i++) {
		free(s->homes[i].addresses);
		call_sites_done(&s->homes[i].calls);
	}
	free(s->homes);
	free(s->home_of);
	free(s->list);
	map_done(&s->by_id);
	arena_done(&s->arena);
}

/* ---- which addresses there are ---- */

/* Where addresses are counted from is not known of a kernel that hid it. */
static bool can_be_looked_up(const struct mapping *m)
{
	return m->build_id_len &&
		(m->kind == MAPPING_FILE || m->kind == MAPPING_MODULE ||
			(m->kind == MAPPING_KERNEL && m->base));
}

bool symbolize_in_kernel(const struct code_home *h)
{
	return h->kind != MAPPING_FILE;
}

/* Where distributions put the kernel's debug file. */
static const char *kernel_path(struct symbolize *s, const struct segment *from)
{
	struct text release = segment_info(from, "kernel.release");

	return arena_printf(&s->arena, "/usr/lib/debug/boot/vmlinux-%.*s", (int)release.len,
		release.s);
}

/* A module is called "[name]"; where in its folder it is, modules.dep there tells. */
static const char *module_path(struct symbolize *s, const struct segment *from, struct text name)
{
	struct text release = segment_info(from, "kernel.release");

	if (name.len > 2 && name.s[0] == '[') {
		name.s++;
		name.len -= 2;
	}
	return arena_printf(&s->arena, "/lib/modules/%.*s/%.*s.ko", (int)release.len, release.s,
		(int)name.len, name.s);
}

static uint32_t add_home(struct symbolize *s, const struct segment *from, const struct mapping *m,
	const struct build_id *id)
{
	struct text path = segment_string(from, m->path);

	if (s->n_homes == s->cap_homes) {
		s->cap_homes = s->cap_homes ? 2 * s->cap_homes : 64;
		s->homes = xrealloc(s->homes, s->cap_homes, sizeof(*s->homes));
	}
	s->homes[s->n_homes] = (struct code_home){ .id = *id,
		.kind = m->kind,
		.path = m->kind == MAPPING_KERNEL   ? kernel_path(s, from)
			: m->kind == MAPPING_MODULE ? module_path(s, from, path)
						    : arena_strndup(&s->arena, path.s, path.len) };
	return s->n_homes++;
}

/* The number of a mapping's home plus 1; 0: it has none. Keys of the same hash follow each other. */
static uint32_t find_home(struct symbolize *s, const struct segment *from, uint32_t mapping,
	bool add)
{
	struct mapping m = segment_mapping(from, mapping);
	struct build_id id = { .len = m.build_id_len };
	const uint32_t *at;
	uint64_t key;

	if (!can_be_looked_up(&m) || id.len > sizeof(id.bytes))
		return 0;
	memcpy(id.bytes, m.build_id, id.len);
	for (key = hash_bytes(id.bytes, id.len); (at = map_get(&s->by_id, key)); key++)
		if (build_id_equal(&s->homes[*at].id, &id) && s->homes[*at].kind == m.kind)
			return *at + 1;
	if (!add)
		return 0;
	*map_put(&s->by_id, key, NULL) = add_home(s, from, &m, &id);
	return s->n_homes;
}

/* The homes of a segment's mappings, found once. */
static void enter_segment(struct symbolize *s, const struct segment *from, bool add)
{
	if (s->segment == from)
		return;
	s->segment = from;
	free(s->home_of);
	s->home_of = xcalloc(from->n_mappings + 1, sizeof(*s->home_of));
	for (uint32_t i = 1; i < from->n_mappings; i++)
		s->home_of[i] = find_home(s, from, i, add);
}

static struct code_home *home_of(struct symbolize *s, uint32_t mapping)
{
	uint32_t at = mapping < s->segment->n_mappings ? s->home_of[mapping] : 0;

	return at ? &s->homes[at - 1] : NULL;
}

static uint8_t what_it_has(const struct segment *from, uint32_t frame)
{
	const struct symbol *y = segment_symbol(from, frame);

	if (!y || y->depth || !segment_string(from, y->name).len)
		return 0;
	return (uint8_t)(HAD_NAME | (segment_string(from, y->file).len ? HAD_LINE : 0) |
		(segment_symbol_next(from, y) ? HAD_INLINED : 0));
}

static int by_address(const void *a, const void *b)
{
	const struct code_address *p = a, *q = b;

	return (p->address > q->address) - (p->address < q->address);
}

/* Sorts, each address once. */
static void settle(struct code_home *h)
{
	uint32_t n = 0;

	if (h->n)
		qsort(h->addresses, h->n, sizeof(*h->addresses), by_address);
	for (uint32_t i = 0; i < h->n; i++) {
		if (n && h->addresses[n - 1].address == h->addresses[i].address)
			h->addresses[n - 1].had &= h->addresses[i].had;
		else
			h->addresses[n++] = h->addresses[i];
	}
	h->n = n;
}

/* Segments mostly repeat what those before them had. */
static void add_address(struct code_home *h, uint64_t address, uint8_t had)
{
	if (h->n == h->cap) {
		settle(h);
		h->cap = h->n > h->cap / 2 || !h->cap ? 2 * h->cap + 256 : h->cap;
		h->addresses = xrealloc(h->addresses, h->cap, sizeof(*h->addresses));
	}
	h->addresses[h->n++] = (struct code_address){ .address = address, .had = had };
}

/* Code of the kernel's is there for other reasons than a call. */
static bool is_of_process(const struct segment *from, uint32_t mapping)
{
	struct mapping m = segment_mapping(from, mapping);

	return m.kind == MAPPING_FILE || m.kind == MAPPING_JIT;
}

static void collect_call(struct symbolize *s, const struct segment *from, uint32_t outer,
	uint32_t inner)
{
	uint64_t caller, callee;
	uint32_t of_caller = segment_frame(from, outer, &caller),
		 of_callee = segment_frame(from, inner, &callee);
	struct code_home *h = home_of(s, of_caller), *to = home_of(s, of_callee);

	if (h && h->kind == MAPPING_FILE && is_of_process(from, of_callee))
		call_sites_add(&h->calls, caller,
			hash_u64(callee + hash_u64(to ? (uint64_t)(to - s->homes) : UINT64_MAX)));
}

/* Frame pointers lead astray in code that has none. */
static bool is_by_tables(uint8_t flags)
{
	return (flags & STACK_USER_DWARF) && !(flags & (STACK_USER_FP | STACK_BROKEN));
}

/* Stacks share what they have in common, but the same call may be in many of them. */
static void collect_calls(struct symbolize *s, const struct segment *from)
{
	bool *good = xcalloc(from->n_stacks + 1, sizeof(*good)), is_new; /* of a node's root */
	struct map known;

	map_init(&known, 1024);
	for (uint32_t k = 1; k < from->n_stacks; k++) {
		uint32_t parent = segment_stack_parent(from, k),
			 outer = segment_stack_frame(from, parent),
			 inner = segment_stack_frame(from, k);

		good[k] = parent ? good[parent] : is_by_tables(segment_stack_flags(from, k));
		if (!good[k] || !outer || !inner)
			continue;
		map_put(&known, (uint64_t)outer << 32 | inner, &is_new);
		if (is_new)
			collect_call(s, from, outer, inner);
	}
	map_done(&known);
	free(good);
}

static void collect_segment(struct symbolize *s, const struct segment *from)
{
	enter_segment(s, from, true);
	for (uint32_t f = 1; f < from->n_frames; f++) {
		uint64_t address;
		struct code_home *h = home_of(s, segment_frame(from, f, &address));

		if (h)
			add_address(h, address, what_it_has(from, f));
		else if (!(what_it_has(from, f) & HAD_NAME))
			s->n_other++;
	}
	collect_calls(s, from);
	s->segment = NULL;
}

static void take_mapping(struct code_home *h, uint64_t offset, uint64_t size)
{
	if (h->map_size && (h->map_offset != offset || h->map_size != size))
		h->in_pieces = true;
	h->map_offset = offset;
	h->map_size = size;
}

static void collect_mappings(struct symbolize *s, struct reader *r)
{
	static const char *const fields[] = { "offset", "size", "mapping" };
	const struct want want = { "process_mmap", fields, 3 };
	const struct merge_options o = { .wants = &want, .n_wants = 1, .unordered = true };
	struct merge *m = merge_new(&r, 1, &o);
	struct row row;

	while (merge_next(m, &row, NULL) > 0) {
		struct code_home *h;

		if (row.missing)
			continue;
		enter_segment(s, row.segment, false);
		h = row.values[2] <= UINT32_MAX ? home_of(s, (uint32_t)row.values[2]) : NULL;
		if (h && row.values[1])
			take_mapping(h, row.values[0], row.values[1]);
	}
	merge_free(m);
	s->segment = NULL;
}

void symbolize_collect(struct symbolize *s, struct reader *r)
{
	for (uint32_t k = 0; k < reader_n_segments(r); k++) {
		collect_segment(s, reader_segment(r, k));
		reader_forget(r, k);
	}
	for (uint32_t i = 0; i < s->n_homes; i++)
		settle(&s->homes[i]);
	collect_mappings(s, r);
}

static struct symbol_counts count(const struct code_home *h, bool now)
{
	struct symbol_counts c = { 0 };

	for (uint32_t i = 0; i < h->n; i++) {
		const struct code_address *a = &h->addresses[i];

		c.names += (a->had & HAD_NAME) || (now && a->name);
		c.lines += (a->had & HAD_LINE) || (now && a->chain.n && a->chain.frames[0].file);
		c.inlined += (a->had & HAD_INLINED) || (now && a->chain.n > 1);
	}
	return c;
}

/* ---- what binaries say ---- */

/* The kernel's addresses count from where its code begins, others are offsets in the file. */
static uint64_t kernel_start(const struct elf_image *e)
{
	uint64_t start = UINT64_MAX;

	for (uint32_t i = 0; i < e->n_segments; i++) {
		const GElf_Phdr *p = &e->segments[i];

		if (p->p_type == PT_LOAD && p->p_flags & PF_X && p->p_vaddr < start)
			start = p->p_vaddr;
	}
	return start;
}

/* Where in the file it is; UINT64_MAX: nowhere. */
static uint64_t offset_of(const struct code_home *h, const struct elf_image *e, uint64_t start,
	uint64_t address)
{
	uint64_t offset;

	if (h->kind != MAPPING_KERNEL)
		return address;
	return start != UINT64_MAX && elf_image_offset(e, start + address, &offset) ? offset
										    : UINT64_MAX;
}

/* A mapping begins at the page of the file where the segment begins, in file and memory at the same place of a page,
 * and ends with the page where the segment ends (elf(5), p_align). */
static bool fits(const struct code_home *h, const GElf_Phdr *p, uint64_t *offset)
{
	enum { LARGEST_PAGE = 64 << 10 };
	uint64_t align = p->p_align, into;

	if (!align || align & (align - 1) || h->in_pieces || !h->map_size)
		return false;
	into = (p->p_vaddr - h->map_offset) & (align - 1);
	*offset = h->map_offset + into;
	return into < LARGEST_PAGE && *offset >= h->map_offset && p->p_memsz < h->map_size &&
		into <= h->map_size - p->p_memsz && h->map_size - p->p_memsz - into < LARGEST_PAGE;
}

bool symbolize_place_code(const struct code_home *h, struct elf_image *debug)
{
	GElf_Phdr *code = NULL;
	uint64_t offset;

	for (uint32_t i = 0; i < debug->n_segments; i++) {
		GElf_Phdr *p = &debug->segments[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		if (code)
			return false; /* which of them was it? */
		code = p;
	}
	if (!code || code->p_filesz >= code->p_memsz || !fits(h, code, &offset))
		return false;
	code->p_offset = offset;
	code->p_filesz = code->p_memsz;
	return true;
}

static void take_answer(struct symbolize *s, struct code_address *a, const struct symbol_query *q,
	const struct inline_chain *chain, struct readable *readable)
{
	const char *name;

	if (!q->name)
		return;
	name = readable_name(&s->arena, q->name);
	a->name = name ? name : q->name;
	a->linkage = name ? q->name : NULL;
	a->start = a->address - (q->address - q->start);
	a->chain = *chain;
	readable_chain(readable, &a->chain, &s->arena);
}

/* An address and its place in the file, by which the resolvers want them sorted. */
struct place {
	uint64_t offset;
	struct code_address *of;
};

static int by_offset(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	return (p->offset > q->offset) - (p->offset < q->offset);
}

static uint32_t find_places(struct code_home *h, const struct elf_image *code, struct place *places)
{
	uint64_t start = h->kind == MAPPING_KERNEL ? kernel_start(code) : 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		uint64_t offset = offset_of(h, code, start, h->addresses[i].address);

		if (offset != UINT64_MAX)
			places[n++] = (struct place){ offset, &h->addresses[i] };
	}
	if (n)
		qsort(places, n, sizeof(*places), by_offset);
	return n;
}

static void note_sources(struct symbolize *s, const struct inline_parts *parts)
{
	for (uint32_t i = 0; s->sources && i < parts->n_sources; i++)
		text_set_add(s->sources, text_of(parts->sources[i]));
}

/* Asks with all parts that there are. What is not answered then, as more files may be too much for the worker, leaves
 * the first answer as it was. */
static void ask_again(struct symbolize *s, const struct elf_image *code,
	const struct elf_image *debug, struct inline_parts *parts, struct symbol_query *q,
	uint32_t n, struct inline_chain *chains)
{
	struct inline_chain *more = xcalloc(n + 1, sizeof(*more));
	uint64_t cpu_ns = 0;
	int rc = file_frames_resolve(code, debug, parts, q, n, more, &s->arena, &cpu_ns, NULL);

	for (uint32_t i = 0; rc > 0 && i < n; i++)
		if (more[i].n)
			chains[i] = more[i];
	if (rc > 0)
		note_sources(s, parts);
	free(more);
}

/* Asks for lines and inlined functions, and once more if parts of the DWARF that were missing are found. */
static void ask_dwarf(struct symbolize *s, struct code_home *h, struct binaries *b,
	const struct binary *found, const struct elf_image *code, const struct elf_image *debug,
	struct symbol_query *q, uint32_t n, struct inline_chain *chains)
{
	struct inline_parts parts;
	struct part_set set;
	uint64_t cpu_ns = 0;

	part_set_init(&set, binaries_parts(b), found);
	parts = part_set_given(&set);
	parts.want_sources = s->sources != NULL;
	if (file_frames_resolve(code, debug, &parts, q, n, chains, &s->arena, &cpu_ns, NULL) > 0)
		note_sources(s, &parts);
	if (part_set_add(&set, binaries_parts(b), found, &parts, false)) {
		parts = part_set_given(&set);
		parts.want_sources = s->sources != NULL;
		ask_again(s, code, debug, &parts, q, n, chains);
	}
	h->too_many_parts = set.too_many;
	h->parts_beyond = set.beyond;
	part_set_done(&set);
}

static void look_up(struct symbolize *s, struct code_home *h, struct binaries *b,
	const struct binary *found, const struct elf_image *code, const struct elf_image *debug)
{
	struct place *places = xcalloc(h->n, sizeof(*places));
	struct symbol_query *q = xcalloc(h->n, sizeof(*q));
	struct inline_chain *chains = xcalloc(h->n, sizeof(*chains));
	struct readable *readable = readable_new();
	uint32_t n = find_places(h, code, places);

	for (uint32_t i = 0; i < n; i++)
		q[i].address = places[i].offset;
	elf_symbols_resolve(code, debug, q, n, &s->arena, NULL);
	ask_dwarf(s, h, b, found, code, debug, q, n, chains);
	for (uint32_t i = 0; i < n; i++)
		take_answer(s, places[i].of, &q[i], &chains[i], readable);
	readable_free(readable);
	free(chains);
	free(q);
	free(places);
}

int symbolize_open(struct code_home *h, struct binaries *b, bool servers, struct binary *found)
{
	int rc = binary_open(found, b, &h->id, servers);

	if (rc || h->kind != MAPPING_FILE || call_sites_fit(&h->calls, &found->code.elf))
		return rc;
	binary_refuse(found, b, &h->id);
	return -ENOENT;
}

/* The module's file, or its debug file, as it lies in memory. */
static int open_module(struct module_image *m, const struct binary *found)
{
	m->fd = -1;
	if (found->debug.fd >= 0)
		return module_image_open(m, &found->debug.elf, NULL);
	return found->code.fd >= 0 ? module_image_open(m, &found->code.elf, NULL) : -ENOENT;
}

void symbolize_parts(struct code_home *h, struct binaries *b, const struct binary *found,
	struct part_set *set)
{
	struct module_image m = { .fd = -1 };
	bool module = h->kind == MAPPING_MODULE && open_module(&m, found) == 0;
	const struct elf_image *debug = found->debug.fd >= 0 ? &found->debug.elf : NULL;
	const struct elf_image *code = module ? &m.elf
		: found->code.fd >= 0         ? &found->code.elf
					      : debug;
	struct place *places = xcalloc(h->n, sizeof(*places));
	struct symbol_query *q = xcalloc(h->n, sizeof(*q));
	struct inline_chain *chains = xcalloc(h->n, sizeof(*chains));
	uint32_t n = find_places(h, code, places);
	struct arena scratch = { 0 };
	struct inline_parts parts;
	uint64_t cpu_ns = 0;

	part_set_init(set, binaries_parts(b), found);
	parts = part_set_given(set);
	for (uint32_t i = 0; i < n; i++)
		q[i].address = places[i].offset;
	file_frames_resolve(code, debug, &parts, q, n, chains, &scratch, &cpu_ns, NULL);
	part_set_add(set, binaries_parts(b), found, &parts, true);
	module_image_close(&m);
	arena_done(&scratch);
	free(chains);
	free(q);
	free(places);
}

/* But for inlined functions, of which the trace does not tell whether there are more. */
static bool is_complete(const struct code_home *h)
{
	return h->before.lines == h->n;
}

void symbolize_want(const struct symbolize *s, struct binaries *b)
{
	for (uint32_t i = 0; i < s->n_homes; i++)
		binaries_want(b, &s->homes[i].id, s->homes[i].path);
}

static bool resolve_module(struct symbolize *s, struct code_home *h, struct binaries *b,
	const struct binary *found)
{
	struct module_image m;

	if (h->kind != MAPPING_MODULE || open_module(&m, found))
		return false;
	look_up(s, h, b, found, &m.elf, NULL);
	module_image_close(&m);
	return true;
}

static void resolve_home(struct symbolize *s, struct code_home *h, struct binaries *b)
{
	struct binary found;
	bool has_code = symbolize_open(h, b, s->sources || !is_complete(h), &found) == 0,
	     has_debug = found.debug.fd >= 0;

	h->code = has_code ? found.code.name : NULL;
	h->debug = has_debug ? found.debug.name : NULL;
	if (!s->sources && is_complete(h) && part_set_needless(&found))
		h->why = NULL;
	else if (resolve_module(s, h, b, &found))
		h->why = NULL;
	else if (has_code)
		look_up(s, h, b, &found, &found.code.elf, has_debug ? &found.debug.elf : NULL);
	else if (has_debug && symbolize_place_code(h, &found.debug.elf))
		look_up(s, h, b, &found, &found.debug.elf, NULL);
	else
		h->why = has_debug
			? "there is only its debug file, which does not tell where its code was, and nor "
			  "does the trace: the stripped file is needed, too"
			: found.wrong ? found.wrong
				      : "not found";
	h->now = count(h, true);
	binary_close(&found);
}

void symbolize_resolve(struct symbolize *s, struct binaries *b)
{
	for (uint32_t i = 0; i < s->n_homes; i++) {
		struct code_home *h = &s->homes[i];

		h->before = h->now = count(h, false);
		if (h->n)
			resolve_home(s, h, b);
	}
}

void symbolize_resolve_sources(struct symbolize *s, struct binaries *b, struct text_set *sources)
{
	s->sources = sources;
	symbolize_resolve(s, b);
	s->sources = NULL;
}

bool symbolize_has_news(const struct symbolize *s)
{
	for (uint32_t i = 0; i < s->n_homes; i++)
		if (s->homes[i].now.names > s->homes[i].before.names ||
			s->homes[i].now.lines > s->homes[i].before.lines ||
			s->homes[i].now.inlined > s->homes[i].before.inlined)
			return true;
	return false;
}

/* ---- which of it is better ---- */

static const struct code_address *find_address(const struct code_home *h, uint64_t address)
{
	const struct code_address key = { .address = address };

	if (!h || !h->n)
		return NULL;
	return bsearch(&key, h->addresses, h->n, sizeof(key), by_address);
}

/* The function itself: by its symbol, with the line of DWARF. */
static void put_function(struct carry_symbol *to, const struct code_address *a)
{
	*to = (struct carry_symbol){ .name = text_of(a->name),
		.linkage = text_of(a->linkage),
		.start = a->start };
}

static void put_line(struct carry_symbol *to, const struct inline_frame *f)
{
	to->file = text_of(f->file);
	to->line = f->file ? f->line : 0;
}

static uint32_t put_inlined(struct symbolize *s, const struct code_address *a)
{
	uint32_t n = a->chain.n;

	for (uint32_t i = 1; i < n; i++) {
		const struct inline_frame *f = &a->chain.frames[i];

		s->list[i] = (struct carry_symbol){ .name = text_of(f->name),
			.linkage = text_of(f->linkage),
			.start = a->start };
		put_line(&s->list[i], f);
	}
	if (n)
		put_line(&s->list[0], &a->chain.frames[0]);
	return n ? n : 1;
}

static uint32_t n_names(const struct segment *from, const struct symbol *y)
{
	uint32_t n = 0;

	for (; y; y = segment_symbol_next(from, y))
		n++;
	return n;
}

/* A name that the trace has stays, but for one of a function that begins nearer to the address: then the table
 * that the old one is from did not have the function. Lines and inlined functions come to a name that agrees about
 * where the function begins. */
static bool is_better(const struct segment *from, const struct symbol *y, uint8_t has,
	const struct code_address *a)
{
	uint32_t before = n_names(from, y), now = a->chain.n ? a->chain.n : 1;

	if (a->start < y->start || now < before)
		return false;
	if (a->start > y->start)
		return !(has & HAD_LINE);
	return now > before || (!(has & HAD_LINE) && a->chain.n && a->chain.frames[0].file);
}

/* How a module lies in memory is worked out: a name that the kernel told has to confirm it. */
static bool is_same(const struct segment *from, const struct symbol *y,
	const struct code_address *a)
{
	return y && a->start == y->start && text_is(segment_string(from, y->name), a->name);
}

static uint32_t better_names(void *ctx, const struct segment *from, uint32_t frame,
	const struct carry_symbol **list)
{
	struct symbolize *s = ctx;
	const struct symbol *y = segment_symbol(from, frame);
	uint8_t has = what_it_has(from, frame);
	const struct code_address *a;
	const struct code_home *h;
	uint64_t address;
	uint32_t mapping = segment_frame(from, frame, &address);

	enter_segment(s, from, false);
	h = home_of(s, mapping);
	a = find_address(h, address);
	if (!a || !a->name || ((has & HAD_NAME) && !is_better(from, y, has, a)) ||
		(h->kind == MAPPING_MODULE && !is_same(from, y, a)))
		return 0;
	s->list = xrealloc(s->list, a->chain.n + 1, sizeof(*s->list));
	put_function(&s->list[0], a);
	if ((has & HAD_NAME) && a->start == y->start) {
		s->list[0].name = segment_string(from, y->name);
		s->list[0].linkage = segment_string(from, y->linkage);
	}
	*list = s->list;
	return put_inlined(s, a);
}

struct carry_symbols symbolize_symbols(struct symbolize *s)
{
	return (struct carry_symbols){ better_names, s };
}
