/* The table is a list of the starts of all functions, sorted, each with the place of its record, where
 * the place of its name is. It is read once, in chunks; a function has the addresses as far as the next
 * one. */
#include "format/symbols/go_pclntab.h"

#include <string.h>

enum {
	CHUNK = 1024,            /* entries read at once */
	MAX_FUNCTIONS = 1 << 24, /* the largest known programs have half a million */
	MAX_REACH = 1 << 24, /* bytes of a function; what is longer is the gap to another section */
};

enum {
	MAGIC_GO_1_2 = 0xfffffffb,
	MAGIC_GO_1_16 = 0xfffffffa,
	MAGIC_GO_1_18 = 0xfffffff0,
	MAGIC_GO_1_20 = 0xfffffff1,
};

struct pclntab {
	const struct elf_image *image;
	const GElf_Shdr *section;
	GElf_Shdr texts;    /* the same, as a section of strings, which its names are */
	uint64_t n;         /* functions */
	uint64_t text;      /* what their addresses are counted from */
	uint64_t functions; /* where their list is, in the section... */
	uint64_t records;   /* ...and what its places of records are counted from */
	uint64_t names;     /* and those of names */
	unsigned word;      /* bytes of a number in the list */
	unsigned pointer;   /* bytes of an address */
};

static uint64_t number(const struct elf_image *e, const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[e->encoding == ELFDATA2MSB ? bytes - 1 - i : i] << 8 * i;
	return v;
}

/* Bytes of the section; false if they are not all there. */
static bool take(const struct pclntab *p, uint64_t at, void *to, size_t len)
{
	if (at > p->section->sh_size || len > p->section->sh_size - at)
		return false;
	return elf_image_read(p->image, p->section->sh_offset + at, to, len) == len;
}

/* The header: magic, two zeros, the machine's quantum, the size of a pointer, then such numbers. */
static bool read_header(struct pclntab *p)
{
	uint8_t bytes[8 + 8 * 8];
	uint64_t v[8] = { 0 };

	if (!take(p, 0, bytes, 8) || bytes[4] || bytes[5])
		return false;
	p->pointer = bytes[7];
	if ((p->pointer != 4 && p->pointer != 8) || !take(p, 8, bytes + 8, 8UL * p->pointer))
		return false;
	for (unsigned i = 0; i < 8; i++)
		v[i] = number(p->image, bytes + 8 + (size_t)i * p->pointer, p->pointer);
	p->n = v[0];
	switch (number(p->image, bytes, 4)) {
	case MAGIC_GO_1_2:
		p->functions = 8 + p->pointer;
		p->word = p->pointer;
		return true;
	case MAGIC_GO_1_16:
		p->names = v[2];
		p->functions = p->records = v[6];
		p->word = p->pointer;
		return true;
	case MAGIC_GO_1_18:
	case MAGIC_GO_1_20:
		p->text = v[2];
		p->names = v[3];
		p->functions = p->records = v[7];
		p->word = 4;
		return p->text != 0;
	default: return false;
	}
}

static const GElf_Shdr *find_section(const struct elf_image *e)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const GElf_Shdr *s = &e->sections[i];

		if (s->sh_type == SHT_PROGBITS &&
			(elf_image_section_is(e, s, ".gopclntab") ||
				elf_image_section_is(e, s, ".data.rel.ro.gopclntab")))
			return s;
	}
	return NULL;
}

/* The name behind a record: it starts with the function's address, of the list's size. */
static const char *name_of(const struct pclntab *p, uint64_t record, struct arena *names)
{
	char text[SYMBOL_NAME_MAX + 1];
	uint8_t place[4];
	uint64_t at;
	size_t len;

	if (record > p->section->sh_size || !take(p, p->records + record + p->word, place, 4))
		return NULL;
	at = p->names + number(p->image, place, 4);
	if (p->names > p->section->sh_size || at >= p->section->sh_size)
		return NULL;
	len = elf_image_text(p->image, &p->texts, at, text);
	return len ? arena_strndup(names, text, len) : NULL;
}

static size_t first_from(const struct target *t, size_t n, uint64_t vaddr)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t[middle].vaddr < vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void name_targets(const struct pclntab *p, uint64_t start, uint64_t end, uint64_t record,
	struct target *t, size_t n, struct arena *names)
{
	const char *name = NULL;

	if (end <= start || end - start > MAX_REACH)
		return;
	for (size_t i = first_from(t, n, start); i < n && t[i].vaddr < end; i++) {
		if (t[i].name || t[i].seen)
			continue;
		name = name ? name : name_of(p, record, names);
		if (!name)
			return;
		t[i].name = name;
		t[i].back = t[i].vaddr - start;
	}
}

/* Entries are an address and a place; behind the last stands only an address, where code ends. */
static void read_list(const struct pclntab *p, struct target *t, size_t n, struct arena *names)
{
	uint8_t bytes[(2 * CHUNK + 1) * 8];
	size_t entry = 2UL * p->word;

	for (uint64_t first = 0; first < p->n; first += CHUNK) {
		size_t have = p->n - first < CHUNK ? p->n - first : CHUNK;

		if (!take(p, p->functions + first * entry, bytes, have * entry + p->word))
			return;
		for (size_t i = 0; i < have; i++) {
			const uint8_t *at = bytes + i * entry;

			name_targets(p, p->text + number(p->image, at, p->word),
				p->text + number(p->image, at + entry, p->word),
				number(p->image, at + p->word, p->word), t, n, names);
		}
	}
}

void go_pclntab_resolve(const struct elf_image *e, struct target *t, size_t n, struct arena *names)
{
	struct pclntab p = { .image = e, .section = find_section(e) };

	if (!p.section)
		return;
	p.texts = *p.section;
	p.texts.sh_type = SHT_STRTAB;
	if (read_header(&p) && p.n <= MAX_FUNCTIONS && p.functions <= p.section->sh_size &&
		p.records <= p.section->sh_size)
		read_list(&p, t, n, names);
}
