#include "format/symbols/split_file.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/bytes.h"
#include "format/symbols/section_text.h"

enum {
	MAX_HEADER = 32,       /* of a unit */
	MAX_ENTRY = 1 << 10,   /* bytes of a unit's first entry that are looked at */
	MAX_ABBREV = 16 << 10, /* bytes of its abbreviations */
	MAX_ATTRIBUTES = 64,
	MAX_UNITS = 1 << 12,   /* of a .dwo file; */
	MAX_PACKED_UNITS = 16, /* compressed, where all before is unpacked for each, */
	MAX_PACKED = 16 << 20, /* in so many bytes */
	MAX_INDEX = 64 << 20,  /* of a package */
	MAX_PROBES = 1 << 12,  /* in an index, a third of which is free as a rule */
};

enum split_kind split_file_kind(const struct elf_image *e)
{
	if (e->type != ET_REL || e->n_segments)
		return SPLIT_NONE;
	if (section_find(e, ".debug_cu_index"))
		return SPLIT_PACKAGE;
	return section_find(e, ".debug_info.dwo") ? SPLIT_UNITS : SPLIT_NONE;
}

bool split_program(const struct elf_image *e)
{
	return section_find(e, ".debug_addr") != NULL;
}

/* ---- the units of a .dwo file ---- */

struct unit {
	struct split_unit u;
	unsigned version, type, offset_size;
	uint64_t abbrev,
		entry; /* offsets: of its abbreviations; of its first entry in .debug_info.dwo */
};

/* DWARF 5, 7.5.1; DWARF 4 has no type, and another order. */
static bool parse_header(struct cursor c, uint64_t offset, struct unit *to)
{
	const uint8_t *start = c.p;
	uint64_t length = cursor_uint(&c, 4);

	to->offset_size = length == UINT32_MAX ? 8 : 4;
	if (to->offset_size == 8)
		length = cursor_uint(&c, 8);
	to->u = (struct split_unit){ .offset = offset, .size = (uint64_t)(c.p - start) + length };
	to->version = (unsigned)cursor_uint(&c, 2);
	to->type = to->version >= 5 ? (unsigned)cursor_uint(&c, 1) : DW_UT_split_compile;
	if (to->version >= 5)
		cursor_uint(&c, 1);
	to->abbrev = cursor_uint(&c, to->offset_size);
	if (to->version < 5)
		cursor_uint(&c, 1);
	if (to->version >= 5 && to->type == DW_UT_split_compile)
		to->u.id = cursor_uint(&c, 8);
	to->entry = offset + (uint64_t)(c.p - start);
	return !c.bad && length <= UINT64_MAX / 4 && to->version >= 4 && to->version <= 5;
}

/* ---- the id of a unit of DWARF 4: an attribute of its first entry ---- */

struct attribute {
	uint64_t name, form;
};

/* The attributes that an entry with this code has. Returns how many, 0 if they cannot be read. */
static unsigned find_abbreviation(struct cursor c, uint64_t code, struct attribute *list)
{
	uint64_t here;

	while (!c.bad && (here = cursor_varint(&c))) {
		unsigned n = 0;

		cursor_varint(&c); /* tag */
		cursor_uint(&c, 1);
		while (!c.bad && n < MAX_ATTRIBUTES) {
			list[n] = (struct attribute){ cursor_varint(&c), cursor_varint(&c) };
			if (!list[n].name && !list[n].form)
				break;
			n++;
		}
		if (here == code)
			return c.bad ? 0 : n;
	}
	return 0;
}

static void skip_text(struct cursor *c)
{
	while (!c->bad && cursor_uint(c, 1))
		;
}

/* The value where it is a number. False for a form whose length is not known. */
static bool take_value(struct cursor *c, uint64_t form, unsigned offset_size, uint64_t *v)
{
	*v = 0;
	switch (form) {
	case DW_FORM_flag_present: break;
	case DW_FORM_data1:
	case DW_FORM_flag: *v = cursor_uint(c, 1); break;
	case DW_FORM_data2: *v = cursor_uint(c, 2); break;
	case DW_FORM_data4: *v = cursor_uint(c, 4); break;
	case DW_FORM_addr:
	case DW_FORM_data8: *v = cursor_uint(c, 8); break;
	case DW_FORM_sec_offset:
	case DW_FORM_strp: *v = cursor_uint(c, offset_size); break;
	case DW_FORM_udata:
	case DW_FORM_sdata:
	case DW_FORM_GNU_str_index:
	case DW_FORM_GNU_addr_index: *v = cursor_varint(c); break;
	case DW_FORM_string: skip_text(c); break;
	default: return false;
	}
	return !c->bad;
}

static bool find_id(struct cursor c, const struct attribute *list, unsigned n, struct unit *u)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t v;

		if (!take_value(&c, list[i].form, u->offset_size, &v))
			return false;
		if (list[i].name != DW_AT_GNU_dwo_id)
			continue;
		u->u.id = v;
		return true;
	}
	return false;
}

static bool read_old_id(const struct elf_image *e, const GElf_Shdr *info, struct unit *u)
{
	const GElf_Shdr *abbrev = section_find(e, ".debug_abbrev.dwo");
	struct attribute list[MAX_ATTRIBUTES];
	uint8_t entry[MAX_ENTRY], bytes[MAX_ABBREV];
	struct cursor c;
	uint64_t code;
	unsigned n;

	if (!abbrev)
		return false;
	c = cursor_of(entry, section_read(e, info, u->entry, entry, sizeof(entry)));
	code = cursor_varint(&c);
	n = find_abbreviation(cursor_of(bytes,
				      section_read(e, abbrev, u->abbrev, bytes, sizeof(bytes))),
		code, list);
	return find_id(c, list, n, u);
}

static bool read_unit(const struct elf_image *e, const GElf_Shdr *info, uint64_t offset,
	struct unit *u)
{
	uint8_t bytes[MAX_HEADER];
	size_t n = section_read(e, info, offset, bytes, sizeof(bytes));

	if (!parse_header(cursor_of(bytes, n), offset, u))
		return false;
	if (u->version < 5 && !read_old_id(e, info, u))
		u->type = 0;
	return true;
}

int split_file_units(const struct elf_image *e,
	int (*call)(void *ctx, const struct split_unit *unit), void *ctx)
{
	const GElf_Shdr *info = section_find(e, ".debug_info.dwo");
	uint64_t size = info ? section_size(e, info) : 0, end = size, at = 0;
	int n = MAX_UNITS;
	struct unit u;

	if (!size || e->encoding != ELFDATA2LSB)
		return 0;
	if (info->sh_flags & SHF_COMPRESSED) {
		n = MAX_PACKED_UNITS;
		end = size < MAX_PACKED ? size : MAX_PACKED;
	}
	for (; n > 0 && at < end; n--) {
		int rc = 0;

		if (!read_unit(e, info, at, &u) || u.u.size > size - at)
			return 0;
		if (u.type == DW_UT_split_compile)
			rc = call(ctx, &u.u);
		if (rc)
			return rc;
		at += u.u.size;
	}
	return at < size ? -E2BIG : 0;
}

struct wanted {
	uint64_t id;
	struct split_unit *to;
};

static int is_wanted(void *ctx, const struct split_unit *unit)
{
	struct wanted *w = ctx;

	if (unit->id != w->id)
		return 0;
	*w->to = *unit;
	return 1;
}

int split_file_find(const struct elf_image *e, uint64_t id, struct split_unit *unit)
{
	struct wanted w = { id, unit };

	return split_file_units(e, is_wanted, &w);
}

/* ---- packages ---- */

static uint32_t u32_at(const uint8_t *bytes, uint64_t offset)
{
	uint32_t v;

	memcpy(&v, bytes + offset, sizeof(v));
	return v;
}

/* As dwp.c does it on a mapped file: the index is a hash table of ids. */
bool split_index_has(const struct split_index *x, uint64_t id)
{
	uint64_t n = x->size < 16 ? 0 : u32_at(x->bytes, 12), has;
	uint64_t slot = id & (n - 1), step = ((id >> 32) & (n - 1)) | 1;

	if (!n || n & (n - 1) || x->size < 16 + 12 * n)
		return false;
	for (uint64_t i = 0; i < n && i < MAX_PROBES; i++, slot = (slot + step) & (n - 1)) {
		if (!u32_at(x->bytes, 16 + 8 * n + 4 * slot))
			return false;
		memcpy(&has, x->bytes + 16 + 8 * slot, sizeof(has));
		if (has == id)
			return true;
	}
	return false;
}

void split_index_read(struct split_index *x, const struct elf_image *e)
{
	const GElf_Shdr *s = section_find(e, ".debug_cu_index");
	uint64_t size = s ? section_size(e, s) : 0;

	*x = (struct split_index){ 0 };
	if (!size || size > MAX_INDEX || e->encoding != ELFDATA2LSB)
		return;
	x->bytes = xcalloc(size, 1);
	x->size = section_read(e, s, 0, x->bytes, size) == size ? size : 0;
}

void split_index_done(struct split_index *x)
{
	free(x->bytes);
}
