/* Memory: the file as it is, mapped and only its first page writable; then a tail with the section headers, their
 * names, .debug_addr and .debug_ranges of the program, and what was compressed. */
#include "format/symbols/dwp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "format/base/arena.h"
#include "format/symbols/section_text.h"
#include "format/symbols/split_file.h"

enum {
	PAGE = 4096,
	MAX_COLUMNS = 8, /* of an index */
	GNU_INDEX = 2,
	N_SECTIONS = DWP_PARTS + 5, /* with none, .debug_str, .debug_addr, .debug_ranges, names */
};

#define MAX_BYTES (1ULL << 36)

/* The names of our sections, and where each begins. */
static const char names[] =
	"\0.debug_info\0.debug_abbrev\0.debug_line\0.debug_str_offsets\0.debug_rnglists\0"
	".debug_str\0.debug_addr\0.debug_ranges\0.shstrtab";

static const char *const part_sections[DWP_PARTS] = { ".debug_info.dwo", ".debug_abbrev.dwo",
	".debug_line.dwo", ".debug_str_offsets.dwo", ".debug_rnglists.dwo" };

/* DW_SECT_*: a part's number in an index; of version 2 there are no RNGLISTS. */
static const uint32_t part_ids[DWP_PARTS] = { 1, 3, 4, 6, 8 };

struct span {
	uint64_t offset, size;
};

struct dwp {
	uint8_t *bytes;           /* mapped: the file, then the tail */
	uint64_t size;            /* of both */
	uint64_t file_size, tail; /* tail: its offset */
	struct span parts[DWP_PARTS], str, index, addr, ranges; /* addr, ranges: in the tail */
	uint32_t version, n_columns, n_units, n_slots;          /* of a package's index */
	struct split_unit *units; /* owned; of a .dwo file, with n_units of them; NULL: a package */
	Elf *elf;                 /* of the unit that is open */
	Dwarf *dwarf;
};

/* ---- opening ---- */

static uint64_t page_up(uint64_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

/* Only what can be written to counts as memory that is taken (RLIMIT_DATA). */
static bool map_all(struct dwp *p, int fd)
{
	void *at = mmap(NULL, p->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		0);

	if (at == MAP_FAILED)
		return false;
	p->bytes = at;
	return mmap(at, p->file_size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED &&
		mprotect(at, PAGE, PROT_READ | PROT_WRITE) == 0 &&
		mprotect(p->bytes + p->tail, p->size - p->tail, PROT_READ | PROT_WRITE) == 0;
}

static uint32_t u32_at(const struct dwp *p, uint64_t offset)
{
	uint32_t v;

	memcpy(&v, p->bytes + offset, sizeof(v));
	return v;
}

static uint64_t u64_at(const struct dwp *p, uint64_t offset)
{
	uint64_t v;

	memcpy(&v, p->bytes + offset, sizeof(v));
	return v;
}

/* The version is 4 bytes in GNU's index, 2 and 2 of padding in DWARF's. */
static bool read_index(struct dwp *p)
{
	uint64_t at = p->index.offset, need;

	if (p->index.size < 16)
		return false;
	p->version = u32_at(p, at) & 0xffff;
	p->n_columns = u32_at(p, at + 4);
	p->n_units = u32_at(p, at + 8);
	p->n_slots = u32_at(p, at + 12);
	if ((p->version != GNU_INDEX && p->version != 5) || p->n_columns > MAX_COLUMNS ||
		!p->n_slots || p->n_slots & (p->n_slots - 1))
		return false;
	need = 16 + 12ULL * p->n_slots + 4ULL * p->n_columns + 8ULL * p->n_columns * p->n_units;
	return need <= p->index.size;
}

/* A section and where it will be. */
struct piece {
	const struct elf_image *from;
	const GElf_Shdr *section;
	struct span *to;
	bool copied;
};

struct pieces {
	struct piece list[DWP_PARTS + 4];
	uint32_t n;
	uint64_t at; /* the end of the tail so far */
};

static void add_piece(struct pieces *s, const struct elf_image *from, const char *name, bool copy,
	struct span *to)
{
	const GElf_Shdr *h = section_find(from, name);
	uint64_t size = h ? section_size(from, h) : 0;
	bool copied = size && (copy || h->sh_flags & SHF_COMPRESSED);

	*to = (struct span){ !size ? 0 : copied ? s->at : h->sh_offset, size };
	s->list[s->n++] = (struct piece){ from, h, to, copied };
	if (copied)
		s->at += (size < MAX_BYTES ? size : MAX_BYTES) / 16 * 16 + 16;
}

static void find_pieces(struct dwp *p, const struct elf_image *e, const struct elf_image *program,
	struct pieces *s)
{
	for (int i = 0; i < DWP_PARTS; i++)
		add_piece(s, e, part_sections[i], false, &p->parts[i]);
	add_piece(s, e, ".debug_str.dwo", false, &p->str);
	add_piece(s, e, ".debug_cu_index", false, &p->index);
	add_piece(s, program, ".debug_addr", true, &p->addr);
	add_piece(s, program, ".debug_ranges", true, &p->ranges);
}

static void copy_pieces(struct dwp *p, const struct pieces *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct piece *t = &s->list[i];

		if (t->copied &&
			section_read(t->from, t->section, 0, p->bytes + t->to->offset,
				t->to->size) < t->to->size)
			t->to->size = 0;
	}
}

static int add_unit(void *ctx, const struct split_unit *unit)
{
	struct dwp *p = ctx;

	p->units = xrealloc(p->units, p->n_units + 1, sizeof(*p->units));
	p->units[p->n_units++] = *unit;
	return 0;
}

static bool take(struct dwp *p, int fd, const struct elf_image *e, const struct elf_image *program)
{
	struct pieces s = { .n = 0 };

	p->file_size = e->size;
	p->tail = page_up(e->size);
	s.at = p->tail + page_up(sizeof(names) + N_SECTIONS * sizeof(Elf64_Shdr));
	if (e->class != ELFCLASS64 || e->encoding != program->encoding || p->tail > MAX_BYTES)
		return false;
	find_pieces(p, e, program, &s);
	p->size = page_up(s.at);
	if (p->size > MAX_BYTES || !map_all(p, fd))
		return false;
	copy_pieces(p, &s);
	if (split_file_kind(e) == SPLIT_UNITS)
		split_file_units(e, add_unit, p);
	return p->units || read_index(p);
}

struct dwp *dwp_new(int fd, const struct elf_image *program)
{
	struct dwp *p = xcalloc(1, sizeof(*p));
	struct elf_image e;
	bool taken = false;

	if (elf_image_open(&e, fd, NULL) == 0) {
		taken = take(p, fd, &e, program);
		elf_image_done(&e);
	}
	if (taken)
		return p;
	dwp_free(p);
	return NULL;
}

void dwp_free(struct dwp *p)
{
	if (!p)
		return;
	dwp_end(p);
	if (p->bytes)
		munmap(p->bytes, p->size);
	free(p->units);
	free(p);
}

uint64_t dwp_bytes(const struct dwp *p)
{
	return p->size;
}

/* ---- finding a unit ---- */

/* The row of a unit, counted from 1; 0: there is none. */
static uint32_t row_of(const struct dwp *p, uint64_t id)
{
	uint32_t mask = p->n_slots - 1, slot = (uint32_t)id & mask;
	uint32_t step = ((uint32_t)(id >> 32) & mask) | 1;
	uint64_t ids = p->index.offset + 16, rows = ids + 8ULL * p->n_slots;

	for (uint32_t i = 0; i < p->n_slots; i++, slot = (slot + step) & mask) {
		uint32_t row = u32_at(p, rows + 4ULL * slot);

		if (!row)
			return 0;
		if (u64_at(p, ids + 8ULL * slot) == id)
			return row <= p->n_units ? row : 0;
	}
	return 0;
}

static int part_of_column(const struct dwp *p, uint64_t columns, uint32_t column)
{
	uint32_t id = u32_at(p, columns + 4ULL * column);

	for (int i = 0; i < DWP_PARTS; i++)
		if (part_ids[i] == id && !(i == DWP_RNGLISTS && p->version == GNU_INDEX))
			return i;
	return -1;
}

static bool find_by_index(const struct dwp *p, uint64_t id, struct dwp_unit *unit)
{
	uint32_t row = row_of(p, id);
	uint64_t columns = p->index.offset + 16 + 12ULL * p->n_slots;
	uint64_t offsets = columns + 4ULL * p->n_columns;
	uint64_t sizes = offsets + 4ULL * p->n_columns * p->n_units;

	for (uint32_t i = 0; row && i < p->n_columns; i++) {
		uint64_t at = 4 * ((row - 1) * (uint64_t)p->n_columns + i);
		int part = part_of_column(p, columns, i);
		uint64_t offset = u32_at(p, offsets + at), size = u32_at(p, sizes + at);

		if (part < 0)
			continue;
		if (offset > p->parts[part].size || size > p->parts[part].size - offset)
			return false;
		unit->offset[part] = p->parts[part].offset + offset;
		unit->size[part] = size;
	}
	return unit->size[DWP_INFO] && unit->size[DWP_ABBREV];
}

/* Of a .dwo file all sections are the unit's. */
static bool find_alone(const struct dwp *p, uint64_t id, struct dwp_unit *unit)
{
	for (uint32_t i = 0; i < p->n_units; i++) {
		const struct split_unit *u = &p->units[i];

		if (u->id != id)
			continue;
		for (int k = 0; k < DWP_PARTS; k++) {
			unit->offset[k] = p->parts[k].offset;
			unit->size[k] = p->parts[k].size;
		}
		if (u->offset > unit->size[DWP_INFO] || u->size > unit->size[DWP_INFO] - u->offset)
			return false;
		unit->offset[DWP_INFO] += u->offset;
		unit->size[DWP_INFO] = u->size;
		return unit->size[DWP_ABBREV] > 0;
	}
	return false;
}

bool dwp_find(const struct dwp *p, uint64_t id, struct dwp_unit *unit)
{
	memset(unit, 0, sizeof(*unit));
	return p->units ? find_alone(p, id, unit) : find_by_index(p, id, unit);
}

/* ---- a unit as a program ---- */

static void set_header(struct dwp *p, uint32_t i, uint64_t offset, uint64_t size)
{
	Elf64_Shdr h = { .sh_type = i == N_SECTIONS - 1 ? SHT_STRTAB : SHT_PROGBITS,
		.sh_offset = offset,
		.sh_size = size,
		.sh_addralign = 1 };
	const char *name = names;

	for (uint32_t k = 0; k < i; k++)
		name += strlen(name) + 1;
	h.sh_name = (Elf64_Word)(name - names);
	memcpy(p->bytes + p->tail + i * sizeof(h), &h, sizeof(h));
}

/* From a base of the skeleton's on. */
static void set_from(struct dwp *p, uint32_t i, const struct span *s, uint64_t base)
{
	uint64_t skip = base < s->size ? base : s->size;

	set_header(p, i, s->offset + skip, s->size - skip);
}

static void set_headers(struct dwp *p, const struct dwp_unit *u, uint64_t addr_base,
	uint64_t ranges_base)
{
	uint64_t names_at = p->tail + N_SECTIONS * sizeof(Elf64_Shdr);
	Elf64_Ehdr e;
	uint32_t i = 1;

	memset(p->bytes + p->tail, 0, sizeof(Elf64_Shdr));
	for (int part = 0; part < DWP_PARTS; part++)
		set_header(p, i++, u->offset[part], u->size[part]);
	set_header(p, i++, p->str.offset, p->str.size);
	set_from(p, i++, &p->addr, addr_base);
	set_from(p, i++, &p->ranges, ranges_base);
	memcpy(p->bytes + names_at, names, sizeof(names));
	set_header(p, i, names_at, sizeof(names));
	memcpy(&e, p->bytes, sizeof(e));
	e.e_phoff = e.e_phnum = 0;
	e.e_shoff = p->tail;
	e.e_shnum = N_SECTIONS;
	e.e_shstrndx = N_SECTIONS - 1;
	e.e_shentsize = sizeof(Elf64_Shdr);
	memcpy(p->bytes, &e, sizeof(e));
}

Dwarf *dwp_begin(struct dwp *p, const struct dwp_unit *unit, uint64_t addr_base,
	uint64_t ranges_base)
{
	dwp_end(p);
	set_headers(p, unit, addr_base, ranges_base);
	p->elf = elf_memory((char *)p->bytes, p->size);
	p->dwarf = p->elf ? dwarf_begin_elf(p->elf, DWARF_C_READ, NULL) : NULL;
	return p->dwarf;
}

void dwp_end(struct dwp *p)
{
	dwarf_end(p->dwarf);
	elf_end(p->elf);
	p->dwarf = NULL;
	p->elf = NULL;
}
