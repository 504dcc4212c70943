/* From a stub to its slot by its instructions, from the slot to a name by the relocations. That is
 * also how binutils makes its synthetic symbols (elf_x86_64_get_synthetic_symtab in bfd): the order
 * of stubs, on which simpler tools rely, differs among linkers. */
#include "format/symbols/elf_plt.h"

#include <stdlib.h>
#include <string.h>

struct slot {
	uint64_t vaddr; /* of the place that the stub loads its target from */
	uint32_t target;
	bool filled;
};

struct stubs {
	const struct elf_image *image;
	const GElf_Shdr *lazy; /* .rela.plt, or NULL */
	struct target *targets;
	size_t n_targets;
	struct slot *slots; /* owned; at most one for each target */
	size_t n_slots;
};

enum {
	CHUNK = 1024,              /* relocations that are read at once */
	MAX_RELOCATIONS = 1 << 24, /* of an image; the largest libraries have half a million */
};

/* ---- instructions ---- */

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The slot of the relocation that a lazy stub pushes the number of. */
static bool pushed_slot(const struct stubs *p, uint32_t number, uint64_t *slot)
{
	GElf_Rela r;

	if (!p->lazy || number >= elf_image_n_records(p->image, ELF_T_RELA, p->lazy) ||
		!elf_image_records(p->image, ELF_T_RELA, p->lazy->sh_offset, number, &r, 1))
		return false;
	*slot = r.r_offset;
	return true;
}

/* Stubs of 8 or 16 bytes: [endbr64] [bnd] jmp *slot(%rip), or [endbr64] push number. */
static bool x86_slot(const struct stubs *p, const uint8_t *code, size_t len, uint64_t vaddr,
	uint64_t *slot)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	size_t at = len >= 4 && memcmp(code, endbr64, 4) == 0 ? 4 : 0;

	if (at + 5 <= len && code[at] == 0x68)
		return pushed_slot(p, get_u32(code + at + 1), slot);
	for (; at + 6 <= len; at++) {
		if (code[at] != 0xff || code[at + 1] != 0x25)
			continue;
		*slot = vaddr + at + 6 + (uint64_t)(int64_t)(int32_t)get_u32(code + at + 2);
		return true;
	}
	return false;
}

/* The start of the stub around vaddr, and its slot. */
static bool x86_stub(const struct stubs *p, const GElf_Shdr *s, uint64_t vaddr, uint64_t *start,
	uint64_t *slot)
{
	size_t size = s->sh_entsize == 8 ? 8 : 16;
	uint8_t code[16];
	uint64_t at = (vaddr - s->sh_addr) / size * size;
	size_t len = elf_image_read(p->image, s->sh_offset + at, code, size);

	*start = s->sh_addr + at;
	return x86_slot(p, code, len, *start, slot);
}

static bool is_bti(uint32_t insn)
{
	return insn == 0xd503245f;
}

static bool is_adrp_x16(uint32_t insn)
{
	return (insn & 0x9f00001f) == 0x90000010;
}

static bool is_ldr_x17_x16(uint32_t insn)
{
	return (insn & 0xffc003ff) == 0xf9400211;
}

static uint64_t adrp_page(uint32_t insn, uint64_t vaddr)
{
	uint64_t pages = ((uint64_t)(insn >> 5 & 0x7ffff) << 2) | (insn >> 29 & 3);

	/* 21 bits with a sign, in units of 4 KB */
	return (vaddr & ~0xfffULL) + (uint64_t)((int64_t)(pages << 43) >> 31);
}

/* Stubs of 16 or 24 bytes: [bti c] adrp x16; ldr x17, [x16, ..]; add; [autia1716] br x17. The one
 * around vaddr begins at most five instructions before it. */
static bool arm_stub(const struct stubs *p, const GElf_Shdr *s, uint64_t vaddr, uint64_t *start,
	uint64_t *slot)
{
	uint64_t at = (vaddr - s->sh_addr) & ~3ULL, first = at > 20 ? at - 20 : 0;
	uint8_t code[8 * 4] = { 0 };
	uint32_t insn[8];
	size_t i = (at - first) / 4;

	elf_image_read(p->image, s->sh_offset + first, code, at - first + 12);
	for (size_t k = 0; k < 8; k++)
		insn[k] = get_u32(code + 4 * k);
	if (is_bti(insn[i]))
		i++;
	while (!is_adrp_x16(insn[i]))
		if (i-- == 0)
			return false;
	if (!is_ldr_x17_x16(insn[i + 1]))
		return false;
	*start = s->sh_addr + first + 4 * i;
	*slot = adrp_page(insn[i], *start) + (insn[i + 1] >> 10 & 0xfff) * 8;
	if (i > 0 && is_bti(insn[i - 1]))
		*start -= 4;
	return true;
}

/* ---- stubs ---- */

static bool has_stubs(const struct elf_image *e, const GElf_Shdr *s)
{
	static const char *const names[] = { ".plt", ".plt.sec", ".plt.got", ".iplt", ".plt.bnd" };

	if (s->sh_type != SHT_PROGBITS || !(s->sh_flags & SHF_EXECINSTR))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (elf_image_section_is(e, s, names[i]))
			return true;
	return false;
}

static void take_stub(struct stubs *p, const GElf_Shdr *s, uint32_t target)
{
	struct target *t = &p->targets[target];
	uint64_t start, slot;
	bool known = p->image->machine == EM_X86_64 ? x86_stub(p, s, t->vaddr, &start, &slot)
						    : arm_stub(p, s, t->vaddr, &start, &slot);

	if (!known || start > t->vaddr)
		return;
	t->back = t->vaddr - start;
	p->slots[p->n_slots++] = (struct slot){ .vaddr = slot, .target = target };
}

static void find_stubs(struct stubs *p)
{
	const struct elf_image *e = p->image;

	for (uint32_t i = 1; i < e->n_sections; i++) {
		const GElf_Shdr *s = &e->sections[i];

		if (!has_stubs(e, s))
			continue;
		for (uint32_t k = 0; k < p->n_targets; k++) {
			struct target *t = &p->targets[k];

			if (t->seen || t->vaddr - s->sh_addr >= s->sh_size)
				continue;
			t->seen = true;
			take_stub(p, s, k);
		}
	}
}

/* ---- relocations ---- */

static const char *stub_name(const struct elf_image *e, const GElf_Shdr *relocations,
	uint64_t symbol, struct arena *names)
{
	const GElf_Shdr *symbols = elf_image_section(e, relocations->sh_link);
	const GElf_Shdr *strings = symbols ? elf_image_section(e, symbols->sh_link) : NULL;
	char text[SYMBOL_NAME_MAX + 1];
	GElf_Sym sym;

	if (!strings || symbol >= elf_image_n_records(e, ELF_T_SYM, symbols) ||
		!elf_image_records(e, ELF_T_SYM, symbols->sh_offset, symbol, &sym, 1))
		return NULL;
	if (!elf_image_text(e, strings, sym.st_name, text))
		return NULL;
	return arena_printf(names, "%s@plt", text);
}

/* Types whose addend is the function itself: IRELATIVE (the function that chooses) and RELATIVE. */
static bool is_local_target(const struct elf_image *e, uint32_t type)
{
	if (e->machine == EM_X86_64)
		return type == R_X86_64_IRELATIVE || type == R_X86_64_RELATIVE;
	return type == R_AARCH64_IRELATIVE || type == R_AARCH64_RELATIVE;
}

static void fill_target(struct stubs *p, const GElf_Shdr *relocations, const GElf_Rela *r,
	struct target *t, struct arena *names)
{
	t->stub = true;
	if (GELF_R_SYM(r->r_info))
		t->name = stub_name(p->image, relocations, GELF_R_SYM(r->r_info), names);
	else if (is_local_target(p->image, (uint32_t)GELF_R_TYPE(r->r_info)))
		t->vaddr = (uint64_t)r->r_addend;
}

static int by_vaddr(const void *a, const void *b)
{
	const struct slot *p = a, *q = b;

	return (p->vaddr > q->vaddr) - (p->vaddr < q->vaddr);
}

/* The first slot at or behind vaddr. */
static size_t slots_from(const struct stubs *p, uint64_t vaddr)
{
	size_t low = 0, high = p->n_slots;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (p->slots[mid].vaddr < vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The first relocation of a slot is believed; a damaged file may have thousands. */
static void fill_slots(struct stubs *p, const GElf_Shdr *relocations, const GElf_Rela *r,
	struct arena *names)
{
	size_t k = slots_from(p, r->r_offset);

	for (; k < p->n_slots && p->slots[k].vaddr == r->r_offset && !p->slots[k].filled; k++) {
		p->slots[k].filled = true;
		fill_target(p, relocations, r, &p->targets[p->slots[k].target], names);
	}
}

/* Returns how many there were, at most `most`. */
static uint64_t scan_relocations(struct stubs *p, const GElf_Shdr *s, uint64_t most,
	struct arena *names)
{
	uint64_t n = elf_image_n_records(p->image, ELF_T_RELA, s), first = 0;
	GElf_Rela chunk[CHUNK];
	size_t have;

	n = n < most ? n : most;
	for (; first < n; first += have) {
		have = elf_image_records(p->image, ELF_T_RELA, s->sh_offset, first, chunk,
			n - first < CHUNK ? n - first : CHUNK);
		if (!have)
			break;
		for (size_t i = 0; i < have; i++)
			fill_slots(p, s, &chunk[i], names);
	}
	return first;
}

static bool is_relocations(const GElf_Shdr *s)
{
	return s->sh_type == SHT_RELA && (s->sh_flags & SHF_ALLOC);
}

static const GElf_Shdr *find_lazy(const struct elf_image *e)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (is_relocations(&e->sections[i]) &&
			elf_image_section_is(e, &e->sections[i], ".rela.plt"))
			return &e->sections[i];
	return NULL;
}

void elf_plt_resolve(const struct elf_image *e, struct target *t, size_t n, struct arena *names)
{
	struct stubs p = { .image = e, .targets = t, .n_targets = n };
	uint64_t most = MAX_RELOCATIONS;

	if (e->machine != EM_X86_64 && e->machine != EM_AARCH64)
		return;
	p.lazy = find_lazy(e);
	p.slots = xcalloc(n, sizeof(*p.slots));
	find_stubs(&p);
	qsort(p.slots, p.n_slots, sizeof(*p.slots), by_vaddr);
	for (uint32_t i = 1; p.n_slots && i < e->n_sections; i++)
		if (is_relocations(&e->sections[i]))
			most -= scan_relocations(&p, &e->sections[i], most, names);
	free(p.slots);
}
