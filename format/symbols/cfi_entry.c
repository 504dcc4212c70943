#include "format/symbols/cfi_entry.h"

#include <dwarf.h>
#include <string.h>

#include "format/symbols/leb.h"

enum {
	EXTENDED = 0xffffffff, /* a length that says that the true one follows, in 64 bits */
	MAX_AUGMENTATION = 16,
};

/* ---- entries ---- */

static struct cursor cursor_in(const struct cfi_section *s, struct cfi_span in)
{
	return cursor_of(s->bytes + in.at, in.len);
}

static uint32_t position(const struct cfi_section *s, const struct cursor *c)
{
	return (uint32_t)(c->p - s->bytes);
}

/* The id says what an entry is: of a function it leads to its common part, counted in .eh_frame from the
 * id backwards, in .debug_frame from the start. */
static bool read_id(const struct cfi_section *s, struct cursor *c, bool wide, struct cfi_entry *e)
{
	uint32_t id_at = position(s, c);
	uint64_t id = cursor_uint(c, wide && !s->eh ? 8 : 4);
	uint64_t common = s->eh ? 0 : wide ? UINT64_MAX : UINT32_MAX;

	e->is_common = id == common;
	if (c->bad || e->is_common)
		return !c->bad;
	if (s->eh && id > id_at)
		return false;
	id = s->eh ? id_at - id : id;
	e->common_at = (uint32_t)id;
	return id < s->len;
}

bool cfi_next(const struct cfi_section *s, uint32_t *at, struct cfi_entry *e)
{
	while (*at < s->len && s->len - *at >= 4) {
		struct cursor c = cursor_of(s->bytes + *at, s->len - *at);
		uint64_t len = cursor_uint(&c, 4);
		bool wide = len == EXTENDED, ok;

		if (wide)
			len = cursor_uint(&c, 8);
		if (c.bad || len > cursor_left(&c))
			return false;
		e->at = *at;
		*at = position(s, &c) + (uint32_t)len;
		if (!len) /* the end of what one object file brought: others may follow */
			continue;
		c.end = c.p + len;
		ok = read_id(s, &c, wide, e);
		e->in = (struct cfi_span){ position(s, &c), (uint32_t)cursor_left(&c) };
		if (ok)
			return true;
	}
	return false;
}

/* ---- encoded pointers ---- */

static uint64_t read_format(struct cursor *c, uint8_t encoding, uint8_t address_size)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_absptr: return cursor_uint(c, address_size);
	case DW_EH_PE_uleb128: return cursor_varint(c);
	case DW_EH_PE_udata2: return cursor_uint(c, 2);
	case DW_EH_PE_udata4: return cursor_uint(c, 4);
	case DW_EH_PE_udata8: return cursor_uint(c, 8);
	case DW_EH_PE_sleb128: return (uint64_t)cursor_sleb(c);
	case DW_EH_PE_sdata2: return (uint64_t)(int16_t)cursor_uint(c, 2);
	case DW_EH_PE_sdata4: return (uint64_t)(int32_t)cursor_uint(c, 4);
	case DW_EH_PE_sdata8: return cursor_uint(c, 8);
	default: c->bad = true; return 0;
	}
}

/* Absolute or relative to itself: what compilers use for code. */
static uint64_t read_pointer(const struct cfi_section *s, struct cursor *c, uint8_t encoding,
	uint8_t address_size)
{
	uint64_t here = s->vaddr + position(s, c);
	uint64_t v = read_format(c, encoding, address_size);

	switch (encoding & 0xf0) {
	case DW_EH_PE_absptr: return v;
	case DW_EH_PE_pcrel: return here + v;
	default: c->bad = true; return 0;
	}
}

/* ---- common parts ---- */

/* The data that letters of the augmentation stand for. What a later letter means for the layout can be
 * unknown: the block has a length. */
static void read_augmentation(const struct cfi_section *s, struct cursor *c, const char *letters,
	struct cfi_common *common)
{
	for (; *letters && !c->bad; letters++) {
		switch (*letters) {
		case 'R': common->pointers = (uint8_t)cursor_uint(c, 1); break;
		case 'L': cursor_take(c, 1); break;
		case 'P': {
			uint8_t encoding = (uint8_t)cursor_uint(c, 1);

			read_format(c, encoding, common->address_size);
			break;
		}
		case 'S': common->signal = true; break;
		default: return;
		}
	}
}

static bool read_text(struct cursor *c, char text[MAX_AUGMENTATION])
{
	for (int i = 0; i < MAX_AUGMENTATION; i++) {
		text[i] = (char)cursor_uint(c, 1);
		if (!text[i])
			return !c->bad;
	}
	return false;
}

bool cfi_read_common(const struct cfi_section *s, const struct cfi_entry *e, struct cfi_common *to)
{
	struct cursor c = cursor_in(s, e->in);
	struct cfi_common common = { .pointers = DW_EH_PE_absptr, .address_size = 8 };
	uint8_t version = (uint8_t)cursor_uint(&c, 1);
	char letters[MAX_AUGMENTATION];
	uint64_t len;

	if ((version != 1 && version != 3 && version != 4) || !read_text(&c, letters))
		return false;
	if (version == 4) {
		common.address_size = (uint8_t)cursor_uint(&c, 1);
		if (cursor_uint(&c, 1) || (common.address_size != 8 && common.address_size != 4))
			return false; /* segments */
	}
	common.code_align = cursor_varint(&c);
	common.data_align = cursor_sleb(&c);
	if (version == 1)
		cursor_take(&c, 1); /* the column of the return address: the ABI says which */
	else
		cursor_varint(&c);
	if (letters[0] == 'z') {
		common.augmented = true;
		len = cursor_varint(&c);
		if (!c.bad && len <= cursor_left(&c)) {
			struct cursor data = cursor_of(c.p, len);

			read_augmentation(s, &data, letters + 1, &common);
			c.bad |= data.bad;
		}
		cursor_take(&c, len);
	} else if (letters[0]) {
		return false;
	}
	common.program = (struct cfi_span){ position(s, &c), (uint32_t)cursor_left(&c) };
	if (!c.bad)
		*to = common;
	return !c.bad;
}

bool cfi_read_function(const struct cfi_section *s, const struct cfi_entry *e,
	const struct cfi_common *common, struct cfi_function *f)
{
	struct cursor c = cursor_in(s, e->in);

	f->vaddr = read_pointer(s, &c, common->pointers, common->address_size);
	f->size = read_format(&c, common->pointers & 0x0f, common->address_size);
	if (common->augmented)
		cursor_take(&c, cursor_varint(&c));
	f->program = (struct cfi_span){ position(s, &c), (uint32_t)cursor_left(&c) };
	return !c.bad && f->size && f->vaddr + f->size > f->vaddr;
}

bool cfi_read_header(const struct cfi_section *header, uint64_t *eh_frame)
{
	struct cursor c = cursor_of(header->bytes, header->len);
	uint8_t version = (uint8_t)cursor_uint(&c, 1), encoding = (uint8_t)cursor_uint(&c, 1);

	cursor_take(&c, 2); /* how the table for searching is encoded, which is not used */
	*eh_frame = read_pointer(header, &c, encoding, 8);
	return version == 1 && !c.bad;
}
