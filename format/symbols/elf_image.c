/* Headers, tables and texts of an ELF image, each read with its limits checked. */
#include "format/symbols/elf_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/arena.h"

/* Programs have about a dozen; each address is looked for in all of them. */
enum { MAX_SEGMENTS = 512 };

/* ---- bytes ---- */

static size_t read_file(int fd, uint64_t offset, uint8_t *to, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = pread(fd, to + have, len - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	return have;
}

size_t elf_image_read(const struct elf_image *e, uint64_t offset, void *to, size_t len)
{
	if (offset >= e->size)
		return 0;
	if (len > e->size - offset)
		len = e->size - offset;
	if (e->fd >= 0)
		return read_file(e->fd, offset, to, len);
	memcpy(to, e->memory + offset, len);
	return len;
}

size_t elf_image_text(const struct elf_image *e, const GElf_Shdr *strings, uint64_t at,
	char text[SYMBOL_NAME_MAX + 1])
{
	size_t len = 0, most = 0, step = 256; /* nearly all names are shorter */

	if (strings->sh_type == SHT_STRTAB && at < strings->sh_size)
		most = strings->sh_size - at;
	if (most > SYMBOL_NAME_MAX)
		most = SYMBOL_NAME_MAX;
	for (; len < most; step = most - len) {
		size_t want = most - len < step ? most - len : step;
		size_t n = elf_image_read(e, strings->sh_offset + at + len, text + len, want);
		const char *end = memchr(text + len, 0, n);

		if (end)
			return (size_t)(end - text);
		len += n;
		if (n < want)
			break;
	}
	text[len] = '\0';
	return len;
}

/* ---- records ---- */

static size_t record_size(const struct elf_image *e, Elf_Type type)
{
	return e->class == ELFCLASS32 ? elf32_fsize(type, 1, EV_CURRENT)
				      : elf64_fsize(type, 1, EV_CURRENT);
}

static size_t wide_size(Elf_Type type)
{
	return elf64_fsize(type == ELF_T_REL ? ELF_T_RELA : type, 1, EV_CURRENT);
}

static GElf_Phdr wide_phdr(const Elf32_Phdr *p)
{
	return (GElf_Phdr){ .p_type = p->p_type,
		.p_flags = p->p_flags,
		.p_offset = p->p_offset,
		.p_vaddr = p->p_vaddr,
		.p_paddr = p->p_paddr,
		.p_filesz = p->p_filesz,
		.p_memsz = p->p_memsz,
		.p_align = p->p_align };
}

static GElf_Shdr wide_shdr(const Elf32_Shdr *s)
{
	return (GElf_Shdr){ .sh_name = s->sh_name,
		.sh_type = s->sh_type,
		.sh_flags = s->sh_flags,
		.sh_addr = s->sh_addr,
		.sh_offset = s->sh_offset,
		.sh_size = s->sh_size,
		.sh_link = s->sh_link,
		.sh_info = s->sh_info,
		.sh_addralign = s->sh_addralign,
		.sh_entsize = s->sh_entsize };
}

static GElf_Sym wide_sym(const Elf32_Sym *s)
{
	return (GElf_Sym){ .st_name = s->st_name,
		.st_info = s->st_info,
		.st_other = s->st_other,
		.st_shndx = s->st_shndx,
		.st_value = s->st_value,
		.st_size = s->st_size };
}

static GElf_Xword wide_info(Elf32_Word info)
{
	return GELF_R_INFO((GElf_Xword)ELF32_R_SYM(info), ELF32_R_TYPE(info));
}

/* One record of the image's class and our byte order becomes a wide one; the places may overlap. */
static void widen(const struct elf_image *e, Elf_Type type, void *to, const void *from)
{
	union {
		Elf32_Phdr phdr;
		Elf32_Shdr shdr;
		Elf32_Sym sym;
		Elf32_Rel rel;
		Elf32_Rela rela;
		Elf64_Rel rel64;
	} r;

	memcpy(&r, from, record_size(e, type));
	if (type == ELF_T_REL && e->class == ELFCLASS64)
		*(GElf_Rela *)to = (GElf_Rela){ r.rel64.r_offset, r.rel64.r_info, 0 };
	else if (type == ELF_T_REL)
		*(GElf_Rela *)to = (GElf_Rela){ r.rel.r_offset, wide_info(r.rel.r_info), 0 };
	else if (type == ELF_T_RELA)
		*(GElf_Rela *)to = (GElf_Rela){ r.rela.r_offset, wide_info(r.rela.r_info),
			r.rela.r_addend };
	else if (type == ELF_T_SYM)
		*(GElf_Sym *)to = wide_sym(&r.sym);
	else if (type == ELF_T_SHDR)
		*(GElf_Shdr *)to = wide_shdr(&r.shdr);
	else
		*(GElf_Phdr *)to = wide_phdr(&r.phdr);
}

static void translate(const struct elf_image *e, Elf_Type type, void *bytes, size_t len)
{
	Elf_Data data = { .d_buf = bytes, .d_type = type, .d_size = len, .d_version = EV_CURRENT };

	if (e->class == ELFCLASS32)
		elf32_xlatetom(&data, &data, e->encoding);
	else
		elf64_xlatetom(&data, &data, e->encoding);
}

size_t elf_image_records(const struct elf_image *e, Elf_Type type, uint64_t offset, uint64_t first,
	void *to, size_t n)
{
	size_t narrow = record_size(e, type), wide = wide_size(type);

	if (first > (UINT64_MAX - offset) / narrow)
		return 0;
	n = elf_image_read(e, offset + first * narrow, to, n * narrow) / narrow;
	translate(e, type, to, n * narrow);
	/* From the last to the first, so that none is overwritten before it was widened. */
	for (size_t i = narrow == wide ? 0 : n; i-- > 0;)
		widen(e, type, (char *)to + i * wide, (char *)to + i * narrow);
	return n;
}

uint64_t elf_image_n_records(const struct elf_image *e, Elf_Type type, const GElf_Shdr *s)
{
	size_t size = record_size(e, type);

	return s->sh_entsize == size && s->sh_type != SHT_NOBITS ? s->sh_size / size : 0;
}

/* ---- headers ---- */

/* The tables that the header names; what is not in the file is not in them. */
static void read_tables(struct elf_image *e, uint64_t phoff, uint32_t phnum, uint64_t shoff,
	uint32_t shnum)
{
	uint64_t most = e->size / record_size(e, ELF_T_SHDR);

	if (shnum > most)
		shnum = (uint32_t)most;
	e->sections = xcalloc(shnum, sizeof(*e->sections));
	e->n_sections = (uint32_t)elf_image_records(e, ELF_T_SHDR, shoff, 0, e->sections, shnum);
	if (phnum > MAX_SEGMENTS)
		phnum = MAX_SEGMENTS;
	e->segments = xcalloc(phnum, sizeof(*e->segments));
	e->n_segments = (uint32_t)elf_image_records(e, ELF_T_PHDR, phoff, 0, e->segments, phnum);
}

/* Counts of 65,280 and more, which ELF keeps elsewhere, do not occur in what can be run. */
static int read_header(struct elf_image *e, const uint8_t *ident, struct err *err)
{
	union {
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} h = { 0 };

	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, EINVAL, "not an ELF file");
	e->class = ident[EI_CLASS];
	e->encoding = ident[EI_DATA];
	if ((e->class != ELFCLASS32 && e->class != ELFCLASS64) ||
		(e->encoding != ELFDATA2LSB && e->encoding != ELFDATA2MSB))
		return err_set(err, EINVAL, "ELF file of unknown class %d and byte order %d",
			e->class, e->encoding);
	if (elf_image_read(e, 0, &h, record_size(e, ELF_T_EHDR)) < record_size(e, ELF_T_EHDR))
		return err_set(err, EINVAL, "ELF file is cut in its header");
	translate(e, ELF_T_EHDR, &h, record_size(e, ELF_T_EHDR));
	if (e->class == ELFCLASS32) {
		e->type = h.e32.e_type;
		e->machine = h.e32.e_machine;
		e->section_names = h.e32.e_shstrndx;
		read_tables(e, h.e32.e_phoff, h.e32.e_phnum, h.e32.e_shoff, h.e32.e_shnum);
	} else {
		e->type = h.e64.e_type;
		e->machine = h.e64.e_machine;
		e->section_names = h.e64.e_shstrndx;
		read_tables(e, h.e64.e_phoff, h.e64.e_phnum, h.e64.e_shoff, h.e64.e_shnum);
	}
	return 0;
}

static int open_image(struct elf_image *e, struct err *err)
{
	uint8_t ident[EI_NIDENT];

	if (elf_image_read(e, 0, ident, sizeof(ident)) < sizeof(ident))
		return err_set(err, EINVAL, "not an ELF file: only %llu bytes",
			(unsigned long long)e->size);
	elf_version(EV_CURRENT);
	return read_header(e, ident, err);
}

int elf_image_open(struct elf_image *e, int fd, struct err *err)
{
	struct stat st;

	*e = (struct elf_image){ .fd = fd };
	if (fstat(fd, &st))
		return err_errno(err, errno, "fstat");
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "not a regular file");
	e->size = (uint64_t)st.st_size;
	return open_image(e, err);
}

int elf_image_open_memory(struct elf_image *e, const void *memory, size_t size, struct err *err)
{
	*e = (struct elf_image){ .fd = -1, .memory = memory, .size = size };
	return open_image(e, err);
}

void elf_image_done(struct elf_image *e)
{
	free(e->segments);
	free(e->sections);
	e->segments = NULL;
	e->sections = NULL;
	e->n_segments = e->n_sections = 0;
}

/* ---- questions ---- */

const GElf_Shdr *elf_image_section(const struct elf_image *e, uint64_t number)
{
	return number > 0 && number < e->n_sections ? &e->sections[number] : NULL;
}

bool elf_image_section_is(const struct elf_image *e, const GElf_Shdr *s, const char *name)
{
	const GElf_Shdr *names = elf_image_section(e, e->section_names);
	size_t len = strlen(name) + 1;
	char text[32];

	if (!names || len > sizeof(text) || s->sh_name >= names->sh_size)
		return false;
	return elf_image_read(e, names->sh_offset + s->sh_name, text, len) == len &&
		memcmp(text, name, len) == 0;
}

bool elf_image_has_dwarf(const struct elf_image *e)
{
	for (uint32_t i = 1; i < e->n_sections; i++) {
		const GElf_Shdr *s = &e->sections[i];

		if (s->sh_type == SHT_PROGBITS && s->sh_size &&
			(elf_image_section_is(e, s, ".debug_info") ||
				elf_image_section_is(e, s, ".zdebug_info")))
			return true;
	}
	return false;
}

bool elf_image_vaddr(const struct elf_image *e, uint64_t offset, uint64_t *vaddr)
{
	const GElf_Phdr *found = NULL;

	for (uint32_t i = 0; i < e->n_segments; i++) {
		const GElf_Phdr *p = &e->segments[i];

		if (p->p_type != PT_LOAD || offset < p->p_offset ||
			offset - p->p_offset >= p->p_filesz)
			continue;
		/* Two segments may share a page of the file; code is in the one that can run. */
		if (!found || ((p->p_flags & PF_X) && !(found->p_flags & PF_X)))
			found = p;
	}
	if (found)
		*vaddr = found->p_vaddr + (offset - found->p_offset);
	return found != NULL;
}

bool elf_image_offset(const struct elf_image *e, uint64_t vaddr, uint64_t *offset)
{
	for (uint32_t i = 0; i < e->n_segments; i++) {
		const GElf_Phdr *p = &e->segments[i];

		if (p->p_type != PT_LOAD || vaddr < p->p_vaddr || vaddr - p->p_vaddr >= p->p_filesz)
			continue;
		*offset = vaddr - p->p_vaddr + p->p_offset;
		return true;
	}
	return false;
}
